"""Fuzz STUN, ICE, TURN and a=crypto: any bytes are understood or dropped, and an agent does what it should afterwards:
one that looks for a way, one that has found it and asks for consent, and one whose way leads through a server.

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
    from offhook.ice.agent import Agent, ConsentLost
    from offhook.ice.candidate import host_candidate
    from offhook.ice.consent import EXPIRES
    from offhook.ice.servers import Relay
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


def connected() -> tuple[Agent, Agent]:
    """Two that have found each other; the first is to be tried."""
    one, two = Agent(controlling=True, components=1), Agent(controlling=False, components=1)
    here, there = ("192.0.2.1", 1001), ("192.0.2.2", 1001)
    for agent, address in ((one, here), (two, there)):
        agent.add_local(host_candidate(1, *address))
    one.set_remote(two.ufrag, two.password, two.local, 0.0)
    two.set_remote(one.ufrag, one.password, one.local, 0.0)
    now = 0.0
    while not (one.done and two.done):
        now += 0.05
        for agent, other, source in ((one, two, here), (two, one, there)):
            agent.timer(now)
            for out in agent.datagrams():
                other.receive(1, out.data, source, now)
        assert now < 10
    return one, two


def consent(data: bytes) -> None:
    """Answers of all kinds to the requests for consent: where none is good it is lost in the end."""
    one, two = connected()
    one.events()
    now, at, good = 1.0, 0, False
    while now < 3 * EXPIRES:
        one.timer(now)
        for out in one.datagrams():
            how = data[at] if at < len(data) else 0
            at += 1
            request = Message.parse(out.data)
            answer = Message(Method.BINDING, Class(how & 3), transaction=request.transaction)
            if how & 4:
                answer.set_error(data[at % len(data)] + 300 if data else 400, "no")
            if how & 8:
                answer.attributes[how << 8 & 0x7FFF] = data[at : at + 8]
            packet = answer.encode(two.password.encode() if how & 16 else b"another")
            good = good or (answer.kind is Class.SUCCESS and how >> 4 == 1)
            one.receive(1, packet[: len(packet) - (how >> 5)], out.address, now)
        now += 2.5
    assert good or any(isinstance(each, ConsentLost) for each in one.events())


def relay(data: bytes) -> None:
    """What a TURN server says, at any time, in answer or not."""
    tried, at, now = Relay(("192.0.2.50", 3478), "user", "secret", 0.0), 0, 0.0
    while at < len(data):
        how = data[at]
        some, at = data[at + 1 : at + 1 + how % 29], at + 1 + how % 29
        asked = [Message.parse(each) for each in tried.requests.datagrams()]
        answer = Message(asked[-1].method if asked and how & 32 else Method.DATA, Class(how & 3))
        if asked:
            answer.transaction = asked[-1].transaction
        for kind in (Attribute.REALM, Attribute.NONCE, Attribute.LIFETIME, Attribute.DATA):
            if some[:1] and some[0] >> kind % 7 & 1:
                answer.attributes[kind] = some
        if how & 64:
            answer.set_error(401 if some[:1] < b"\x40" else 438, "again")
        if how & 128:
            answer.set_address(Attribute.XOR_RELAYED_ADDRESS, ("192.0.2.51", 5000))
            answer.set_address(Attribute.XOR_PEER_ADDRESS, SOURCE)
        tried.receive(answer.encode(), now)
        tried.receive(some, now)
        if tried.relayed is not None:
            tried.permit({"192.0.2.7"}, now)
            tried.bind(SOURCE, now)
        now += (how % 16) * 20
        tried.timer(now)
        at += 1
    tried.release(now)
    tried.lost()


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
    consent(data[:40])
    relay(data)
    attributes(data.decode("utf-8", "replace"))


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
