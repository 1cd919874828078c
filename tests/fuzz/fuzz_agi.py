"""Fuzz what FastAGI servers send: however bytes are cut, the same lines are made of them, and any line has words.

    python tests/fuzz/fuzz_agi.py [corpus directory] -max_total_time=120

Needs atheris (PyPI).
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "host")]

with atheris.instrument_imports(include=["offhook.control.agi"]):
    from offhook.control.agi import commands, media_commands
    from offhook.control.agi.links import LaunchError, Link, split_address
    from offhook.control.agi.protocol import MOST_ARGUMENTS, find, split_line

assert commands and media_commands  # they register themselves


def made_of(pieces: list[bytes]) -> list[str]:
    link = Link()
    for piece in pieces:
        link.feed(piece)
    link.feed_end()
    return list(link.lines)


def one(data: bytes) -> None:
    """The first byte says how the rest is cut."""
    size = 1 + data[0] % 50 if data else 1
    text = data[1:]
    lines = made_of([text])
    assert lines == made_of([text[at : at + size] for at in range(0, len(text), size)])
    for line in lines:
        words = split_line(line)
        assert len(words) <= MOST_ARGUMENTS
        found = find(words)
        assert found is None or len(found[0].words) + len(found[1]) == len(words)
        with suppress(LaunchError):
            host, port = split_address(line)
            assert host and 0 < port < 65_536


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
