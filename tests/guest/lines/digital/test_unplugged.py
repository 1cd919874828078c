"""A trunk whose span goes away in a call for good, and is made anew."""

from __future__ import annotations

import fcntl
import os
import struct
import time

from guest.cables import plug, unplug
from guest.exchange import Exchange
from guest.hearing import ALIKE, echoes, hear
from guest.telephone import telephones

CHANNELS = """\
[unplugged]
signalling = em_w
context = unplugged
dahdichan = 81,85
"""
PLAN = """\
[from-phones-unplugged]
exten => 70,1,Dial(DAHDI/81/7766,30)
[unplugged]
exten => 7766,1,Answer()
 same => n,Echo()
"""
TIE_SPAN = 7
DESTROY = 0x4048DA51
"""DAHDI_DYNAMIC_DESTROY: driver, address, channels, timing, span number."""


def destroy(address: str, channels: int) -> None:
    """Make an end of a cable go away for good, which the kernel refuses while a descriptor of it is open."""
    control = os.open("/dev/dahdi/ctl", os.O_RDWR)
    try:
        fcntl.ioctl(control, DESTROY, struct.pack("20s40s3i", b"loc", address.encode(), channels, 0, 0))
    finally:
        os.close(control)


def test_a_span_is_destroyed_in_a_call_and_made_again(exchange: Exchange) -> None:
    """A trunk's near end: every descriptor is given back at once, so it can be; the same calls work on the new one."""
    with telephones(5) as (alice,):
        alice.lift()
        alice.press("70")
        hear(alice, 2.5)
        assert echoes(alice) > ALIKE, exchange.told()
        unplug(TIE_SPAN)
        destroy("4:0", 4)
        exchange.until_calls(0, 2.0)
        alice.hang_up()
        plug("dynamic=loc,4:0,4,0\ne&m=79-82\n", "again")
        time.sleep(3.0)
        alice.lift()
        alice.press("70")
        hear(alice, 2.5)
        assert echoes(alice) > ALIKE, exchange.told()
        alice.hang_up()
        exchange.until_calls(0)
