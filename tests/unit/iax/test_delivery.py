"""Full frames arrive once and in order, whatever the network does; who is gone is noticed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.iax.frames import Command, Signal, decode
from offhook.iax.proof import MD5, Expectation
from offhook.iax.seal import AES128
from support.iax_net import FAR, NEAR, Net


def _texts(log: list[tuple[object, ...]]) -> list[object]:
    return [item[1] for item in log if item[0] == "text"]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.1, 0.3]), st.sampled_from([0.0, 0.05, 0.5]), st.booleans())
def test_what_is_sent_arrives_once_and_in_order(seed: int, loss: float, jitter: float, sealed: bool) -> None:
    net = Net(seed)
    if sealed:
        net.near.encryption = net.far.encryption = AES128
        net.far.next_answer = "challenge"
        net.far.expectation = Expectation(MD5, "secret")
    phone = net.near.call(username="u")
    net.run(1)
    other = net.far.phones[0]
    assert phone.call is not None and other.call is not None
    net.loss, net.jitter = loss, jitter
    for number in range(12):
        phone.call.text(f"there {number}", net.now)
        other.call.text(f"back {number}", net.now)
        net.run(0.02)
    net.loss = 0.0
    net.run(20)
    assert _texts(other.log) == [f"there {number}" for number in range(12)]
    assert _texts(phone.log) == [f"back {number}" for number in range(12)]
    assert "ended" not in phone.words() + other.words()
    assert not phone.call.association.waiting and not other.call.association.waiting


def test_numbers_wrap() -> None:
    net = Net()
    phone = net.near.call()
    net.run(1)
    assert phone.call is not None
    for number in range(600):
        phone.call.text(str(number), net.now)
        if number % 7 == 0:
            net.run(0.1)
    net.run(5)
    assert _texts(net.far.phones[0].log) == [str(number) for number in range(600)]


def test_a_gap_is_asked_for() -> None:
    net = Net()
    phone = net.near.call()
    net.run(1)
    assert phone.call is not None
    lost = []

    def lose_first(datagram: bytes, source: tuple[str, int]) -> bool:
        if source == NEAR and decode(datagram).payload == b"one\0" and not lost:
            lost.append(datagram)
            return True
        return False

    net.lose = lose_first
    phone.call.text("one", net.now)
    phone.call.text("two", net.now)
    before = net.now
    net.run(0.05)
    assert lost and _texts(net.far.phones[0].log) == ["one", "two"]
    assert "VNAK" in net.far.commands() and net.now - before < 0.1


def test_who_does_not_acknowledge_is_gone() -> None:
    net = Net()
    phone = net.near.call()
    net.run(1)
    assert phone.call is not None
    net.loss = 1.0
    phone.call.signal(Signal.ANSWER, net.now)
    net.run(60)
    assert phone.log[-1][:3] == ("ended", 27, 0)
    assert len(net.near.exchange) == 0


def test_a_call_to_nobody_ends() -> None:
    net = Net()
    phone = net.near.call(("192.0.2.99", 4569))
    net.run(60)
    assert phone.words() == ["ended"]


def test_an_unknown_call_is_told_so() -> None:
    net = Net()
    phone = net.near.call()
    net.run(1)
    for association in net.far.exchange:
        association.role = None
        association.end(net.now)
    assert phone.call is not None
    phone.call.text("hello", net.now)
    net.run(1)
    assert phone.words()[-1] == "ended"


def test_a_number_rests_before_it_is_used_again() -> None:
    net = Net()
    first = net.near.exchange.begin(FAR, 0, net.now)
    assert first is not None
    first.end(net.now)
    seen = set()
    for _ in range(200):
        association = net.near.exchange.begin(FAR, 0, net.now)
        assert association is not None
        seen.add(association.number)
    assert first.number not in seen and len(seen) == 200


def test_all_numbers_may_be_used_up() -> None:
    net = Net()
    exchange = net.near.exchange
    for number in range(2, 0x7FFF):
        exchange._by_number[number] = None  # type: ignore[assignment]
    assert exchange.begin(FAR, 0, net.now) is None


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=20), st.integers(0, 2))
def test_broken_datagrams_harm_nobody(datagrams: list[bytes], where: int) -> None:
    net = Net()
    phone = net.near.call()
    net.run(1)
    assert phone.call is not None
    association = net.far.phones[0].call.association  # type: ignore[union-attr]
    for datagram in datagrams:
        numbers = (0x8000 | phone.call.association.number).to_bytes(2, "big") + association.number.to_bytes(2, "big")
        prefix = (b"", numbers, numbers + bytes(4))[where]
        net.far.exchange.receive(prefix + datagram, NEAR if where else ("192.0.2.66", 5), 0, net.now)
    net.run(2)


def test_commands_that_nobody_knows_are_answered() -> None:
    net = Net()
    phone = net.near.call()
    net.run(1)
    assert phone.call is not None
    phone.call.association.command(99, None, net.now)
    net.run(1)
    assert "UNSUPPORT" in net.far.commands()
    assert Command.UNSUPPORT == 33
