"""Fuzz IAX2 as it comes from the network: frames alone, and frames thrown into a call that goes on.

    python tests/fuzz/fuzz_iax.py [corpus directory] -max_total_time=120

Needs atheris (PyPI).
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "host"), str(ROOT / "tests")]

with atheris.instrument_imports(include=["offhook.iax"]):
    from offhook.iax import elements, frames, parties
    from offhook.iax.frames import FrameError
    from offhook.iax.proof import MD5, Expectation
    from support.iax_net import NEAR, Net


def _alone(data: bytes) -> None:
    try:
        frame = frames.decode(data)
        found = elements.decode(frame.payload)
    except FrameError:
        return
    assert elements.decode(found.encode()).encode() == found.encode()
    frames.label(frame)
    parties.read_connected(frame.payload)
    parties.read_redirecting(frame.payload)


def _in_a_call(data: bytes) -> None:
    net = Net()
    net.far.tokens_needed = not data[0] & 1
    net.far.next_answer = "challenge" if data[0] & 2 else "accept"
    net.far.expectation = Expectation(MD5, "secret")
    phone = net.near.call(username="u")
    net.run(0.2)
    call = phone.call
    assert call is not None
    association = call.association
    for at in range(1, len(data), 40):
        piece = data[at : at + 40]
        own = (0x8000 | association.number).to_bytes(2, "big") + association.peer_number.to_bytes(2, "big")
        where = NEAR if piece[0] & 1 else ("192.0.2.66", 4569)
        net.far.exchange.receive(own + piece if piece[0] & 2 else piece, where, 0, net.now)
        net.run(0.01)
    net.run(60)


def one(data: bytes) -> None:
    _alone(data)
    if data:
        _in_a_call(data)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
