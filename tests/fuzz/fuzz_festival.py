"""Fuzz what a Festival server answers: however bytes are cut, the same is made of them, and none is lost.

    python tests/fuzz/fuzz_festival.py [corpus directory] -max_total_time=120

Needs atheris (PyPI).
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "host")]

with atheris.instrument_imports(include=["offhook"]):
    from offhook.apps.festival_answers import Answers


def made_of(pieces: list[bytes]) -> list[tuple[str, bytes, bool]]:
    """Answers with what belongs together put together."""
    answers, found = Answers(), []
    for piece in pieces:
        for answer in answers.feed(piece):
            if found and not found[-1][2]:
                found[-1] = (answer.kind, found[-1][1] + answer.data, answer.last)
            else:
                found.append((answer.kind, answer.data, answer.last))
    return found


def test_one_input(data: bytes) -> None:
    """The first byte says how the rest is cut."""
    size = 1 + data[0] % 20 if data else 1
    text = data[1:]
    assert made_of([text[at : at + size] for at in range(0, len(text), size)]) == made_of([text])


def main() -> None:
    """Run libFuzzer."""
    atheris.Setup(sys.argv, test_one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
