"""Fuzz STUN, ICE and a=crypto: any bytes are understood or dropped, and an agent does what it should afterwards.

    python tests/fuzz/fuzz_ice.py [corpus directory] -max_total_time=120

Needs atheris (PyPI).
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "host")]

with atheris.instrument_imports(include=["offhook"]):
    from offhook.ice.agent import Agent
    from offhook.ice.candidate import host_candidate
    from offhook.ice.stun import Attribute, Class, Message, Method, StunError
    from offhook.sip.sdes import choose, parse_parameters
    from offhook.sip.sdp_attributes import parse_candidate, parse_crypto

SOURCE = ("192.0.2.7", 7)


def agent() -> Agent:
    """One that looks for a way."""
    made = Agent(controlling=False, components=1)
    made.add_local(host_candidate(1, "192.0.2.1", 1001))
    made.set_remote("peer", "secret", [host_candidate(1, "192.0.2.2", 1001)], 0.0)
    return made


def stun(data: bytes) -> None:
    """A message as it is, and its attributes in one that is signed."""
    tried = agent()
    try:
        message = Message.parse(data)
        message.error, message.unknown, message.is_signed_by(b"key")
        for kind in list(message.attributes):
            message.address(kind), message.number(kind), message.text(kind)
    except StunError:
        pass
    signed = Message(Method.BINDING, Class(data[0] & 3) if data else Class.REQUEST)
    at = 1
    while at + 3 < len(data):
        signed.attributes[data[at] << 8 | data[at + 1]] = data[at + 3 : at + 3 + data[at + 2] % 40]
        at += 3 + data[at + 2] % 40
    for kind in (Attribute.MESSAGE_INTEGRITY, Attribute.FINGERPRINT):
        signed.attributes.pop(kind, None)
    signed.attributes.setdefault(Attribute.USERNAME, f"{tried.ufrag}:peer".encode())
    for packet in (data, signed.encode(tried.password.encode())):
        tried.receive(1, packet, SOURCE, 0.1)
        tried.timer(0.2)
        for out in tried.datagrams():
            Message.parse(out.data)
        tried.events()


def attributes(text: str) -> None:
    """Lines of a description."""
    crypto = parse_crypto(text)
    if crypto is not None:
        parse_parameters(crypto)
        chosen = choose([crypto], None)
        assert chosen is None or chosen.settled
    candidate = parse_candidate(text)
    if candidate is not None:
        assert parse_candidate(str(candidate)) == candidate


def one_input(data: bytes) -> None:
    """What the fuzzer calls."""
    stun(data)
    attributes(data.decode("utf-8", "replace"))


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
