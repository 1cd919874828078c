"""Calls whose two ends each say noise of their own for a while, and record what they hear."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from guest.exchange import Exchange
from guest.hearing import ALIKE, likeness, noise

FOLDER = Path("/tmp/calls")
FIRST = 700
LENGTH_MS = 900
"""Half a second of which is looked for."""
RECORDED = 8 * (LENGTH_MS + 500)
"""Octets of a recording in which the other end has said everything."""
PLAN = f"""\
[conversation]
exten => _7XX,1,Answer()
 same => n,MixMonitor({FOLDER}/called-${{EXTEN}}-mixed.ulaw,r({FOLDER}/called-${{EXTEN}}.ulaw))
 same => n,Playback({FOLDER}/say-called-${{EXTEN}})
 same => n,Wait(60)
[conversation-caller]
exten => _7XX,1,MixMonitor({FOLDER}/caller-${{EXTEN}}-mixed.ulaw,r({FOLDER}/caller-${{EXTEN}}.ulaw))
 same => n,Playback({FOLDER}/say-caller-${{EXTEN}})
 same => n,Wait(60)
"""


def converse(exchange: Exchange, trunks: Sequence[str]) -> None:
    """A call over each trunk ("DAHDI/g3") at the same time, to a number that context [conversation] answers: each end
    hears what the other says, and nothing of what the next call says."""
    FOLDER.mkdir(exist_ok=True)
    numbers = range(FIRST, FIRST + len(trunks))
    ends = ("caller", "called")
    said = {(end, n): noise(n + 1000 * side, LENGTH_MS) for side, end in enumerate(ends) for n in numbers}
    for (end, n), sound in said.items():
        (FOLDER / f"say-{end}-{n}.ulaw").write_bytes(sound)
        (FOLDER / f"{end}-{n}.ulaw").unlink(missing_ok=True)
    for n, trunk in zip(numbers, trunks, strict=True):
        target = {"Context": "conversation-caller", "Exten": str(n), "Priority": "1"}
        exchange.desk.action("Originate", Channel=f"{trunk}/{n}", Async="true", **target)
    files = [FOLDER / f"{end}-{n}.ulaw" for end, n in said]
    deadline = time.monotonic() + 20
    while any(not file.exists() or file.stat().st_size < RECORDED for file in files):
        assert time.monotonic() < deadline, f"{exchange.ask('core show channels')}\n{exchange.told()}"
        time.sleep(0.1)
    assert exchange.calls() == 2 * len(trunks), exchange.told()
    exchange.ask("channel request hangup all")
    exchange.until_calls(0)
    time.sleep(0.5)
    for n in numbers:
        for end, other in (ends, ends[::-1]):
            heard = (FOLDER / f"{end}-{n}.ulaw").read_bytes()
            assert likeness(said[other, n], heard) > ALIKE, f"{end} of {n}\n{exchange.told()}"
            next_one = numbers[n - FIRST + 1 - len(trunks)]
            assert next_one == n or likeness(said[other, next_one], heard) < 0.2, f"{end} of {n}"
