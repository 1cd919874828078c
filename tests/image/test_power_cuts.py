"""The power goes while a box writes: CUTS times (3 when not given); ``make power-cut-test`` does it 50 times."""

from __future__ import annotations

import os
import random

from box_story import new_box
from power_cuts import FILES, Written, cut

CUTS = int(os.environ.get("CUTS", "3"))
WITHOUT = ("serial-getty@ttyAMA0", "ssh", "systemd-timesyncd", "systemd-resolved")
"""Services that nothing here needs: a start is sooner over."""


def test_nothing_that_was_acknowledged_is_lost_and_nothing_is_torn() -> None:
    chance, written = random.Random(1), Written()
    with new_box() as box:
        box.provision()
        box.machine.put_on_data(FILES)
        box.machine.put_in_system({}, {f"/etc/systemd/system/{name}.service": "/dev/null" for name in WITHOUT})
        for number in range(1, CUTS + 1):
            cut(box, written, chance)
            print(f"cut {number} of {CUTS}: {written}", flush=True)
