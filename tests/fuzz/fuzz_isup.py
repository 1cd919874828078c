"""Fuzz signal units of SS7 links as they come from the network: the guard alone, and ISUP messages through libss7.

    python tests/fuzz/fuzz_isup.py [corpus directory] -max_total_time=120

Needs atheris (PyPI).
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "kernel-shims"), str(ROOT / "tests")]

with atheris.instrument_imports(include=["kernel_shims.ss7"]):
    from kernel_shims.ss7.events import Kind
    from kernel_shims.ss7.guard import Unsound, hollow, sound
    from support.ss7_pair import Pair, isup_in_place_of_lpa

_PIECE = 40
_TIMERS = {"isup.t1": 15_000, "isup.t5": 60_000, "isup.t7": 20_000, "isup.t10": 4000}


def _alone(data: bytes, variant: str) -> None:
    try:
        taken = sound(data, variant)
    except Unsound:
        instead = hollow(data, variant)
        assert instead is None or sound(instead, variant) is instead
        return
    assert sound(taken, variant) is taken


def _in_a_linkset(data: bytes, variant: str) -> None:
    pair = Pair(variant, 1, _TIMERS)
    pair.up()
    pair.there.linkset.debug("mtp2", "mtp3", "isup")
    for at in range(0, len(data), _PIECE):
        message = data[at : at + _PIECE]
        pair.instead = lambda unit, message=message: isup_in_place_of_lpa(unit, message, variant)  # type: ignore[misc]
        pair.here.isup.loop_acknowledged(1, 2)
        pair.advance(0.03)
        for event in pair.there.told:
            if event.call is not None and event.kind is Kind.IAM:
                pair.there.isup.address_complete(event.call)
            elif event.call is not None and event.kind is Kind.REL:
                pair.there.isup.released(event.call)
                pair.there.isup.free_if_clear(event.call)
        pair.there.told.clear()
    pair.instead = None
    for _ in range(5):
        pair.clock += 5
        pair.turn()
    assert pair.there.linkset.call_lines()
    pair.close()


def one(data: bytes) -> None:
    if not data:
        return
    variant = "ansi" if data[0] & 1 else "itu"
    if data[0] & 2:
        _alone(data[1:], variant)
    else:
        _in_a_linkset(data[1:], variant)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
