"""Fuzz what manager clients send: however bytes are cut, the same messages are made of them, none of them is longer
than allowed, and what is told of them in answer stays in its lines; filters are understood or refused.

    python tests/fuzz/fuzz_manager.py [corpus directory] -max_total_time=120

Needs atheris (PyPI).
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "host")]

with atheris.instrument_imports(include=["offhook.control.manager"]):
    from offhook.control.manager.filters import FilterError, parse_filter
    from offhook.control.manager.protocol import LONGEST_LINE, MOST_LINES, Framing, clean, render


def made_of(pieces: list[bytes]) -> list[tuple[list[str], bool]]:
    framing = Framing()
    return [(message.lines, bool(message.fault)) for piece in pieces for message in framing.receive(piece)]


def one(data: bytes) -> None:
    """The first byte says how the rest is cut."""
    size = 1 + data[0] % 50 if data else 1
    text = data[1:]
    whole = made_of([text])
    cut = made_of([text[at : at + size] for at in range(0, len(text), size)])
    assert [fault for _, fault in cut] == [fault for _, fault in whole]
    assert [lines for lines, fault in cut if not fault] == [lines for lines, fault in whole if not fault]
    for lines, _ in whole:
        assert len(lines) <= MOST_LINES and all(len(line) <= LONGEST_LINE for line in lines)
        for line in lines:
            name, _, value = line.partition(":")
            told = render([("Name", clean(name)), ("Value", clean(value))])
            assert told.count("\n") == told.count("\r") == 2
            with suppress(FilterError):
                parse_filter(name, value)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
