"""Calls: set up with and without proof, encrypted, signalled, moved, ended."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from offhook.iax.call import Call
from offhook.iax.elements import Elements
from offhook.iax.frames import Command, Kind, Signal
from offhook.iax.proof import MD5, PLAINTEXT, RSA, Expectation
from offhook.iax.seal import AES128, KEY_ROTATION
from support.iax_net import FAR, MIDDLE, NEAR, ULAW, Net, Phone


def test_a_call_that_needs_no_proof() -> None:
    net = Net()
    phone = net.near.call(calling_number="555")
    net.run(1)
    other = net.far.phones[0]
    assert other.words() == ["asked", "established"]
    asked = other.log[0][1]
    assert isinstance(asked, Elements)
    assert asked.text("called_number") == "100" and asked.text("calling_number") == "555"
    assert phone.log == [("accepted", ULAW)]
    assert net.near.commands()[:2] == ["NEW", "NEW"], "the second with the token that the first one got"
    assert net.far.commands()[:2] == ["CALLTOKEN", "ACK"]


def test_the_far_end_signals_and_hangs_up() -> None:
    net = Net()
    phone = net.near.call()
    net.run(1)
    other = net.far.phones[0]
    assert other.call is not None
    for signal in (Signal.RINGING, Signal.PROGRESS, Signal.ANSWER, -1):
        other.call.signal(signal, net.now)
    other.call.digit("5", net.now, ended=False)
    other.call.digit("5", net.now, ended=True)
    other.call.quelch(net.now, music=True)
    other.call.unquelch(net.now)
    other.call.redirect("200", "office", net.now)
    net.run(0.5)
    assert phone.log[1:] == [
        ("signalled", 3, b""), ("signalled", 14, b""), ("signalled", 4, b""), ("signalled", -1, b""),
        ("digit", "5", False), ("digit", "5", True), ("held", "default"), ("unheld",),
        ("wants_transfer", "200", "office"),
    ]  # fmt: skip
    other.call.hangup(17, net.now)
    net.run(1)
    assert phone.log[-1] == ("ended", 17, Command.HANGUP, "")
    assert not len(net.near.exchange) and not len(net.far.exchange)


def test_a_call_is_refused() -> None:
    net = Net()
    net.far.next_answer = "reject"
    phone = net.near.call()
    net.run(1)
    assert phone.log == [("ended", 3, Command.REJECT, "No such context/extension")]


@pytest.mark.parametrize(("methods", "used"), [(MD5, "MD5"), (PLAINTEXT, "plaintext"), (MD5 | PLAINTEXT, "MD5")])
def test_a_call_with_a_secret(methods: int, used: str) -> None:
    net = Net()
    net.far.next_answer = "challenge"
    net.far.expectation = Expectation(methods, "secret")
    phone = net.near.call(username="user")
    net.run(1)
    assert net.far.phones[0].words() == ["asked", "proven", "established"]
    assert net.far.phones[0].log[1] == ("proven", used)
    assert phone.call is not None and phone.call.method == used


def test_a_wrong_secret_is_refused_after_a_while() -> None:
    net = Net()
    net.far.next_answer = "challenge"
    net.far.expectation = Expectation(MD5, "other")
    phone = net.near.call(username="user")
    net.run(0.9)
    assert not phone.log
    net.run(1)
    assert phone.log == [("ended", 50, Command.REJECT, "No authority found")]


def test_a_call_with_a_key() -> None:
    net = Net()
    key = rsa.generate_private_key(65537, 1024)
    net.far.next_answer = "challenge"
    net.far.expectation = Expectation(RSA, "", (key.public_key(),))
    phone = net.near.call(username="user")
    assert phone.call is not None
    phone.call.credentials.key = key
    net.run(1)
    assert ("proven", "RSA") in net.far.phones[0].log


def test_the_wrong_key_is_refused() -> None:
    net = Net()
    net.far.next_answer = "challenge"
    net.far.expectation = Expectation(RSA, "", (rsa.generate_private_key(65537, 1024).public_key(),))
    phone = net.near.call(username="user")
    assert phone.call is not None
    phone.call.credentials.key = rsa.generate_private_key(65537, 1024)
    net.run(3)
    assert phone.words() == ["ended"]


def _sealed(encryption: int = AES128) -> Net:
    net = Net()
    net.near.encryption = net.far.encryption = encryption
    net.far.next_answer = "challenge"
    net.far.expectation = Expectation(MD5, "first;secret")
    net.near.call(username="user")
    net.run(1)
    return net


def test_an_encrypted_call() -> None:
    net = _sealed()
    phone, other = net.near.phones[0], net.far.phones[0]
    assert phone.call is not None and other.call is not None
    assert phone.call.state.encrypted and other.call.state.encrypted
    seen: list[bytes] = []
    net.lose = lambda datagram, source: bool(seen.append(datagram))
    phone.call.text("nobody else reads this", net.now)
    net.run(0.5)
    assert ("text", "nobody else reads this") in other.log
    assert seen and not any(b"nobody" in datagram for datagram in seen)


def test_keys_are_changed() -> None:
    net = _sealed(AES128 | KEY_ROTATION)
    phone, other = net.near.phones[0], net.far.phones[0]
    assert phone.call is not None and other.call is not None
    first = phone.call.association.seal
    net.run(310)
    assert phone.call.association.seal is not first
    assert phone.words().count("keyed") >= 3
    phone.call.text("still", net.now)
    other.call.text("understood", net.now)
    net.run(1)
    assert ("text", "still") in other.log and ("text", "understood") in phone.log


def test_encryption_that_must_be_and_cannot() -> None:
    net = Net()
    net.far.next_answer = "challenge"
    net.far.expectation = Expectation(MD5, "secret")
    phone = net.near.call(username="user")
    assert phone.call is not None
    phone.call.force_encryption = True
    net.run(2)
    assert phone.log[0][0] == "ended" and "encrypt" in str(phone.log[0][3])
    assert not len(net.far.exchange) and not len(net.near.exchange)


def test_voice_in_full_frames() -> None:
    net = Net()
    phone = net.near.call()
    net.run(1)
    assert phone.call is not None
    assert phone.call.voice(ULAW, 1040, b"\x7f" * 160, net.now)
    net.run(0.1)
    assert net.far.phones[0].log[-1] == ("voice", ULAW, 1040, b"\x7f" * 160)


def test_somebody_who_knows_no_tokens() -> None:
    net = Net()
    association = net.near.exchange.begin(FAR, 0, net.now)
    assert association is not None
    association.command(Command.NEW, Elements(version=2, called_number="1"), net.now)
    net.run(1)
    assert net.far.commands() == ["REJECT"] and not net.far.phones
    net.far.tokens_needed = False
    association = net.near.exchange.begin(FAR, 0, net.now)
    assert association is not None
    association.command(Command.NEW, Elements(version=2, called_number="1"), net.now)
    net.run(1)
    assert len(net.far.phones) == 1


def test_a_token_of_another_address_or_too_old() -> None:
    net = Net()
    tokens = net.far.exchange.tokens
    token = tokens.give(NEAR, net.now)
    assert tokens.fits(token, NEAR, net.now + 5)
    assert not tokens.fits(token, NEAR, net.now + 11)
    assert not tokens.fits(token, MIDDLE, net.now)
    for broken in (b"", b"?", b"x?y", b"1000?", token[:-1], b"9" * 200 + b"?x"):
        assert not tokens.fits(broken, NEAR, net.now)


def test_no_more_calls_than_admitted() -> None:
    net = Net()
    net.far.full = True
    phone = net.near.call()
    net.run(1)
    assert phone.words() == ["ended"] and not net.far.phones


def test_pings_measure_the_way() -> None:
    net = Net(delay=0.03)
    net.near.pings = True
    phone = net.near.call()
    net.run(50)
    assert phone.call is not None
    assert phone.call.quality.ping_ms == pytest.approx(60, abs=5)
    assert phone.call.quality.lag_ms == pytest.approx(60, abs=5)


def test_variables_go_along() -> None:
    net = Net()
    net.near.call(variable="color=blue")
    net.run(1)
    assert ("given", {"color": "blue"}) in net.far.phones[0].log


def _between() -> tuple[Net, object, object]:
    """Near and far, each in a call with somebody in the middle."""
    net = Net()
    middle = net.box(MIDDLE)
    to_near, to_far = middle.call(NEAR), middle.call(FAR)
    net.run(1)
    return net, to_near, to_far


@pytest.mark.parametrize("media", [False, True])
def test_a_transfer_brings_two_far_ends_together(media: bool) -> None:
    net, to_near, to_far = _between()
    calls = [phone.call for phone in (to_near, to_far)]  # type: ignore[attr-defined]
    for call, other in (calls, calls[::-1]):
        association = other.association
        elements = Elements(apparent_addr=association.address, callno=association.peer_number, transferid=7)
        call.association.command(Command.TXREQ, elements, net.now)
    net.run(1)
    assert net.near.commands().count("TXREADY") == 1 and net.far.commands().count("TXREADY") == 1
    for call, other in (calls, calls[::-1]):
        elements = Elements(callno=other.association.peer_number)
        call.association.command(Command.TXMEDIA if media else Command.TXREL, elements, net.now)
    net.run(1)
    near, far = net.near.phones[0].call, net.far.phones[0].call
    assert near is not None and far is not None
    assert "moved" in net.near.phones[0].words() and "moved" in net.far.phones[0].words()
    if media:
        assert near.transfer.address == FAR and near.association.address == MIDDLE
        return
    assert near.association.address == FAR and near.association.peer_number == far.association.number
    near.text("now without the middle", net.now)
    net.run(1)
    assert ("text", "now without the middle") in net.far.phones[0].log


def test_a_transfer_may_be_refused() -> None:
    net, to_near, _ = _between()
    assert net.near.phones[0].call is not None
    net.near.phones[0].call.transfer.allowed = False
    association = to_near.call.association  # type: ignore[attr-defined]
    association.command(Command.TXREQ, Elements(apparent_addr=FAR, callno=9), net.now)
    net.run(1)
    assert "TXREJ" in net.near.commands() and "TXCNT" not in net.near.commands()


def test_a_hangup_that_nobody_acknowledges_is_forgotten() -> None:
    net = Net()
    phone = net.near.call()
    net.run(1)
    assert phone.call is not None
    net.loss = 1.0
    phone.call.hangup(16, net.now)
    net.run(30)
    assert not len(net.near.exchange)


def test_poke_is_answered_without_a_call() -> None:
    net = Net()
    association = net.near.exchange.begin(FAR, 0, net.now)
    assert association is not None
    association.send(Kind.IAX, Command.POKE, b"", net.now)
    net.run(0.1)
    assert net.far.commands() == ["PONG"] and not len(net.far.exchange)


def test_who_never_answers_a_challenge_is_refused() -> None:
    net = Net()
    net.far.next_answer = "challenge"
    net.far.expectation = Expectation(MD5, "secret")
    phone = net.near.call(username="user")
    assert phone.call is not None
    phone.call._challenged = lambda elements, now: None  # type: ignore[method-assign]
    net.run(29)
    assert len(net.far.exchange) == 1
    net.run(15)
    assert not len(net.far.exchange) and phone.log[-1][0] == "ended"


def test_a_call_that_was_never_placed_ends_in_silence() -> None:
    net = Net()
    association = net.near.exchange.begin(FAR, 0, net.now)
    assert association is not None
    phone = Phone()
    phone.call = Call(association, phone)
    phone.call.hangup(16, net.now)
    net.run(1)
    assert not net.near.sent and not len(net.near.exchange)
