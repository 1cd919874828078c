"""Control of line cards over SPI and GPIO: subscriber line chips, exchange line chips, and simulators of both.

Audio is no matter of this package: it goes over the chips' PCM bus to a driver of the kernel.
"""
