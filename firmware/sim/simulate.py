"""Run the firmware on a simulated board: micropython simulate.py FIRMWARE LINK_FOLDER PORT FLASH

FIRMWARE is the folder of main.py, LINK_FOLDER that of frames.py and messages.py, PORT the descriptor of the UART,
FLASH the folder that is the flash.
"""

import sys

firmware, wire, port, flash = sys.argv[1:5]
sys.path[:0] = [firmware + "/sim", firmware, wire]

import machine  # noqa: E402
import simulated_time  # noqa: E402

sys.modules["time"] = simulated_time
machine.world.port = int(port)

import main  # noqa: E402

main.start(flash)
