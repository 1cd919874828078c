"""The power goes while a box writes: CUTS times (3 when not given); ``make power-cut-test`` does it 50 times.

One cut in ten (STARTS of them) is followed by a start of the same card, which has to mend what the cut left. The others
begin with a machine that was kept once it was up, memory and card: to start an emulated board takes a minute or more.
"""

from __future__ import annotations

import copy
import os
import random

from box_story import Box, new_box
from power_cuts import FILES, SKELETON, Written, cut, told

CUTS = int(os.environ.get("CUTS", "3"))
STARTS = int(os.environ.get("STARTS", max(2, CUTS // 10)))
WITHOUT = ("serial-getty@ttyAMA0", "ssh", "systemd-timesyncd", "systemd-resolved")
"""Services that nothing here needs: a start is sooner over."""


def test_nothing_that_was_acknowledged_is_lost_and_nothing_is_torn() -> None:
    chance, written = random.Random(1), Written()
    with new_box() as box:
        files = {f"{SKELETON}/{name}": text for name, text in FILES.items()}
        box.machine.put_in_system(files, {f"/etc/systemd/system/{name}.service": "/dev/null" for name in WITHOUT})
        box.provision(off=False)
        for number in range(1, STARTS + 1):
            cut(box, written, chance)
            start(box)
            print(f"cut {number} of {CUTS}, and a start: {told(written.counts())}", flush=True)
        box.machine.freeze()
        total = written.counts()
        for number in range(STARTS + 1, CUTS + 1):
            box.machine.thaw()
            mine = copy.deepcopy(written)
            cut(box, mine, chance)
            fresh = mine.counts() - written.counts()
            total += fresh
            print(f"cut {number} of {CUTS}: {told(fresh)}", flush=True)
        print(f"{CUTS} power cuts, {told(total)}; none torn, none lost")


def start(box: Box) -> None:
    """Power on, and wait until calls can be made."""
    box.start(login=False)
    box.until_ready()
