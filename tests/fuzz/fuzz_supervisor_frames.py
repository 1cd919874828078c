"""Fuzz the frames of the supervisor's link: any bytes are taken, and what is decoded encodes to the same frame.

    python tests/fuzz/fuzz_supervisor_frames.py [corpus directory] -max_total_time=120

Needs atheris (PyPI).
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "host")]

with atheris.instrument_imports(include=["offhook"]):
    from offhook.field.supervisor.conversation import Conversation
    from offhook.field.supervisor.frames import Decoder, stuff, unstuff
    from offhook.field.supervisor.messages import Identity, Status


def one(data: bytes) -> None:
    for frame in Decoder().feed(data):
        (again,) = Decoder().feed(frame.encode())
        assert (again.kind, again.sequence, again.body) == (frame.kind, frame.sequence, frame.body)
    assert unstuff(stuff(data)) == data
    assert 0 not in stuff(data)
    conversation = Conversation()
    conversation.ask(1, b"", 0.0)
    for event in conversation.receive(data, 0.1):
        str(event)
    for kind in (Identity, Status):
        try:
            kind.unpack(data)
        except ValueError:
            continue


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
