"""What MicroPython starts: the chosen firmware, the frozen one when that does not even load.

This file and supervisor/slots.py stay as they were frozen; everything else can come over the link.
"""

import sys

from machine import WDT, reset

from supervisor.slots import Slots

PATIENCE_MS = 8000
"""A firmware that has not begun to feed the watchdog by then is started again: a start that came to nothing."""
FOLDER = ""
"""Where slots lie: the root of the flash."""


def forget(name):
    """Take a package and its parts out of what is imported."""
    for known in [one for one in sys.modules if one == name or one.startswith(name + ".")]:
        del sys.modules[known]


def start(folder):
    """Start what the slots say."""
    WDT(timeout=PATIENCE_MS)
    slots = Slots(folder)
    slot, trial = slots.choose()
    if slot:
        for name in ("supervisor", "frames", "messages"):
            forget(name)
        sys.path.insert(0, slots.path(slot))
    try:
        from supervisor.run import run

        run(folder, slot, trial)
    except Exception as error:
        sys.print_exception(error)
        if slot and not trial:
            # It was good once and is not any more: the frozen one always loads.
            slots.good = 0
            slots.write()
        reset()


if __name__ == "__main__":
    start(FOLDER)
