"""libpri against itself over a pair of sockets: network and user side, E1 and BRI, point to point and multipoint."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from kernel_shims.pri.events import Kind, PartyId, PriEvent, Redirection
from kernel_shims.pri.link import PriLink, Setup

WITHIN_S = 20.0
SABME = 0x7F
"""Control octet of the frame that brings layer 2 up, with its P bit (Q.921 3.6.2)."""


class Pair:
    """The two ends of a D channel and what they were told."""

    def __init__(self, **options: Any) -> None:
        self.sockets = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in self.sockets:
            end.setblocking(False)
        switch = options.pop("switch", "euroisdn")
        self.network = PriLink(self.sockets[0].fileno(), network=True, switch=switch, **options)
        self.user = PriLink(self.sockets[1].fileno(), network=False, switch=switch, **options)
        self.told: dict[PriLink, list[PriEvent]] = {self.network: [], self.user: []}

    def turn(self) -> None:
        """Timers that are due, frames that are there."""
        for link, told in self.told.items():
            told += link.tick()
            while events := list(link.receive()):
                told += events

    def until(self, link: PriLink, kind: Kind) -> PriEvent:
        """Wait for an event, which is taken."""
        deadline = time.monotonic() + WITHIN_S
        while time.monotonic() < deadline:
            for event in self.told[link]:
                if event.kind is kind:
                    self.told[link].remove(event)
                    return event
            self.turn()
            time.sleep(0.001)
        raise AssertionError(f"{kind.name} did not come; {[event.kind.name for event in self.told[link]]}")

    def connect(self) -> tuple[Any, Any]:
        """A call of the network's to the user, answered: both handles."""
        call = self.network.setup(Setup("5551", 1, PartyId("100", "Alice")))
        ring = self.until(self.user, Kind.RING)
        self.user.proceeding(ring.call, 1)
        self.user.answer(ring.call, 1)
        self.until(self.network, Kind.ANSWER)
        return call, ring.call

    def close(self) -> None:
        """End it."""
        self.network.close()
        self.user.close()
        for end in self.sockets:
            end.close()


@pytest.fixture(params=["e1", "bri", "bri multipoint", "qsig"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """A D channel of each kind, both ends up."""
    made = Pair(
        bri="bri" in request.param,
        multipoint="multipoint" in request.param,
        **({"switch": "qsig"} if request.param == "qsig" else {}),
    )
    if request.param == "qsig":
        made.network.option("facility_enable")
        made.user.option("facility_enable")
    if request.param != "bri multipoint":
        made.until(made.network, Kind.UP)
        made.until(made.user, Kind.UP)
    yield made
    made.close()


def test_a_call_and_its_end(pair: Pair) -> None:
    """Number, name, channel; disconnect, release."""
    call = pair.network.setup(Setup("5551", 1, PartyId("100", "Alice", presentation=0)))
    ring = pair.until(pair.user, Kind.RING)
    assert (ring.called, ring.caller.number, ring.caller.name, ring.channel) == ("5551", "100", "Alice", 1)
    pair.user.alerting(ring.call, 1, inband=False)
    pair.until(pair.network, Kind.RINGING)
    pair.user.answer(ring.call, 1)
    pair.until(pair.network, Kind.ANSWER)
    pair.user.hangup(ring.call, 16)
    ended = pair.until(pair.network, Kind.HANGUP_REQUEST)
    assert ended.cause == 16
    pair.network.hangup(call, ended.cause)
    assert pair.until(pair.user, Kind.HANGUP).cause == 16


def test_digits_one_by_one(pair: Pair) -> None:
    """SETUP ACKNOWLEDGE and INFORMATION, as a telephone dials."""
    for link in (pair.network, pair.user):
        link.option("overlapdial", 3)
    call = pair.user.setup(Setup("5", 1, PartyId("100"), complete=False))
    ring = pair.until(pair.network, Kind.RING)
    assert not ring.complete
    pair.network.setup_acknowledge(ring.call, 1, inband=False)
    pair.until(pair.user, Kind.SETUP_ACK)
    for digit in "12":
        pair.user.send_digit(call, digit)
        assert pair.until(pair.network, Kind.INFORMATION).called == digit


def test_parties_are_told_in_a_call(pair: Pair) -> None:
    """Who answered, and who redirected."""
    redirection = Redirection(PartyId("200", "Bob"), count=1, reason=1)
    pair.network.setup(Setup("5551", 1, PartyId("100"), redirection=redirection))
    ring = pair.until(pair.user, Kind.RING)
    told = ring.redirecting_number or (ring.redirection.from_.number if ring.redirection else "")
    assert told == "200"
    pair.user.connected(ring.call, PartyId("5559", "Carol"))
    pair.user.answer(ring.call, 1)
    answer = pair.until(pair.network, Kind.ANSWER)
    assert answer.connected is not None and answer.connected.number == "5559"


def test_hold_and_retrieval() -> None:
    """By the user of a BRI, as an ISDN telephone does."""
    pair = Pair(bri=True)
    for link in (pair.network, pair.user):
        pair.until(link, Kind.UP)
        link.option("hold_enable", 1)
    network, user = pair.connect()
    assert pair.user.hold(user)
    pair.until(pair.network, Kind.HOLD)
    pair.network.reply_hold(network)
    pair.until(pair.user, Kind.HOLD_ACK)
    assert pair.user.retrieve(user, 1)
    pair.until(pair.network, Kind.RETRIEVE)
    pair.network.reply_retrieve(network, 1)
    pair.until(pair.user, Kind.RETRIEVE_ACK)
    pair.close()


def test_a_channel_is_restarted() -> None:
    """RESTART and its acknowledgement."""
    pair = Pair()
    for link in (pair.network, pair.user):
        pair.until(link, Kind.UP)
    pair.network.reset(3)
    assert pair.until(pair.user, Kind.RESTART).channel == 3
    assert pair.until(pair.network, Kind.RESTART_ACK).channel == 3
    assert pair.network.timer("T305", 30000) and not pair.network.timer("T999", 1)
    assert "euroisdn" in pair.network.information().lower()
    pair.close()


@pytest.mark.parametrize(
    ("option", "kept"), [(1, True), (2, False), (0, False)], ids=["keep up", "leave down", "unset"]
)
def test_a_device_among_several_keeps_layer_2_up_or_waits_for_a_call(option: int, kept: bool) -> None:
    """persistent_layer2_option: once it has its identity (TEI) it sends SABME, or does so with its first SETUP."""
    pair = Pair(bri=True, multipoint=True)
    sent: list[bytes] = []
    pair.user.on_frame = lambda outgoing, frame: sent.append(frame) if outgoing else None
    pair.user.option("persistent_layer2_option", option)
    pair.until(pair.user, Kind.UP)
    for _ in range(50):
        pair.turn()
    assert (SABME in [frame[2] for frame in sent]) is kept
    pair.user.setup(Setup("5551", 1, PartyId("100")))
    pair.until(pair.network, Kind.RING)
    assert SABME in [frame[2] for frame in sent]
    pair.close()
