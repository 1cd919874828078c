"""Plug a simulated Astribank into this machine's kernel (module vhci-hcd), and serve commands to it until "quit".

    python3 -m kernel_shims.astribank.simulated [/run/astribank.sock] [--serial LABEL] [--stage 0|1|2] ...

Commands, a line each, are typed, or come over the socket that is named: state; lift N, lower N, dial N DIGITS, echo N
on|off, say N HEX, heard N, forget N for telephone N (from 0); contact N open|close for an input contact; cable N in|out
for the BRI or PRI card N; unplug; plug; power on|off for a second host at its other USB socket (TwinStar: from there it
comes back by plug); help, quit. Answers are lines of JSON.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kernel_shims.astribank.simulated.box import KINDS, SimulatedAstribank
from kernel_shims.astribank.simulated.running import Running
from kernel_shims.line import LineError


def label(text: str) -> str:
    """A serial number as a box can have it. Raises ValueError."""
    if not (text.isalnum() and text.isascii() and len(text) <= 8):
        raise ValueError
    return text


_MOST_CARDS = 4


def cards(text: str) -> list[str]:
    """Kinds of cards in their order. Raises ValueError."""
    kinds = text.split(",")
    if not set(kinds) <= set(KINDS) or len(kinds) > _MOST_CARDS:
        raise ValueError
    return kinds


def main() -> None:
    """See the text of this file."""
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("socket", type=Path, nargs="?", help="where commands come in, if they are not typed")
    reader.add_argument("--serial", type=label, default="SIM00001", help="its label, at most 8 letters and digits")
    kinds = (
        f"up to four of {', '.join(KINDS)}, such as fxs,bri; fxs has 8 telephones, bri a user and a network side on a "
    )
    kinds += "cable, pri two E1 or T1 on a cable"
    reader.add_argument("--cards", type=cards, default=["fxs", "fxs"], metavar="KIND,...", help=kinds)
    reader.add_argument("--stage", type=int, default=0, choices=(0, 1, 2), help="which firmware it has already")
    reader.add_argument("--burst", type=int, default=1, choices=range(1, 9), help="milliseconds of sound at once")
    asked = reader.parse_args()
    box = SimulatedAstribank(asked.serial, cards=asked.cards, stage=asked.stage)
    try:
        running = Running(box, asked.socket, asked.burst)
        if asked.socket is None:
            print(
                f"Astribank {asked.serial} is being plugged in, firmware of stage {asked.stage}; help lists commands."
            )
        running.run()
    except LineError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
