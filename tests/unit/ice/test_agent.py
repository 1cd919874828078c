"""Two agents find a way through networks made of a few lines: open, lossy, behind a translator, silent."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from offhook.ice.agent import Agent, ConsentLost, Failed, Outgoing, Selected
from offhook.ice.candidate import Candidate, host_candidate, priority_of
from offhook.ice.consent import Consent
from offhook.ice.stun import Attribute, Class, Message, Method

Route = Callable[["Party", Outgoing], tuple["Party", int, tuple[str, int]] | None]


class Party:
    """An agent at one address."""

    def __init__(self, host: str, *, controlling: bool, components: int = 1, extra: tuple[str, ...] = ()) -> None:
        self.host = host
        self.agent = Agent(controlling=controlling, components=components)
        self.events: list[object] = []
        for component in range(1, components + 1):
            for order, address in enumerate((host, *extra)):
                self.agent.add_local(host_candidate(component, address, 1000 + component, order))

    def learn(self, other: Party, now: float, **options: bool) -> None:
        """Take the other's description."""
        self.agent.set_remote(other.agent.ufrag, other.agent.password, other.agent.local, now, **options)

    def selected(self) -> dict[int, tuple[str, int]]:
        """The ways chosen, by component."""
        return {number: pair.remote.address for number, pair in self.agent.selected.items()}


class World:
    """A network with a clock."""

    def __init__(self, *parties: Party, loss: float = 0.0, seed: int = 1) -> None:
        self.parties = parties
        self.now = 0.0
        self.loss = loss
        self.chance = random.Random(seed)
        self.flying: list[tuple[float, Party, int, bytes, tuple[str, int]]] = []
        self.reachable = {party.host: party for party in parties}
        self.sent = 0

    def source(self, party: Party, component: int) -> tuple[str, int]:
        """Where a party's packets come from."""
        return party.host, 1000 + component

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self.now < end:
            for party in self.parties:
                due = party.agent.next_timer
                if due is not None and due <= self.now:
                    party.agent.timer(self.now)
                for out in party.agent.datagrams():
                    self.sent += 1
                    target = self.reachable.get(out.address[0])
                    if target is not None and self.chance.random() >= self.loss:
                        source = self.source(party, out.component)
                        self.flying.append((self.now + 0.01, target, out.address[1] - 1000, out.data, source))
                party.events += party.agent.events()
            arrived = [each for each in self.flying if each[0] <= self.now]
            self.flying = [each for each in self.flying if each[0] > self.now]
            for _, target, component, data, source in arrived:
                target.agent.receive(component, data, source, self.now)
            self.now += 0.005


def test_checks_that_cross_do_not_call_each_other_forth_for_ever() -> None:
    one, two = Party("192.0.2.1", controlling=True), Party("192.0.2.2", controlling=False)
    world = World(one, two)
    for party, other in ((one, two), (two, one)):
        party.learn(other, 0.0)
    world.run(2)
    assert one.selected() and two.selected()
    assert world.sent < 20


def meet(world: World, one: Party, two: Party) -> None:
    """Exchange descriptions: the answer's side knows first."""
    two.learn(one, world.now)
    world.run(0.05)
    one.learn(two, world.now)


@pytest.mark.parametrize("components", [1, 2])
def test_two_agents_meet_soon(components: int) -> None:
    one = Party("192.0.2.1", controlling=True, components=components)
    two = Party("192.0.2.2", controlling=False, components=components)
    world = World(one, two)
    meet(world, one, two)
    world.run(1)
    assert one.selected() == {number: ("192.0.2.2", 1000 + number) for number in range(1, components + 1)}
    assert two.selected() == {number: ("192.0.2.1", 1000 + number) for number in range(1, components + 1)}
    assert Selected(1, ("192.0.2.2", 1001), False) in one.events


@pytest.mark.parametrize("seed", range(5))
def test_loss_only_costs_time(seed: int) -> None:
    one, two = Party("192.0.2.1", controlling=True), Party("192.0.2.2", controlling=False)
    world = World(one, two, loss=0.25, seed=seed)
    meet(world, one, two)
    world.run(20)
    assert one.selected() == {1: ("192.0.2.2", 1001)}
    assert two.selected() == {1: ("192.0.2.1", 1001)}


def test_an_address_that_does_not_answer_is_passed_over() -> None:
    one = Party("192.0.2.1", controlling=True)
    two = Party("192.0.2.2", controlling=False)
    two.agent.local.insert(0, host_candidate(1, "10.9.9.9", 1001))
    world = World(one, two)
    meet(world, one, two)
    world.run(2)
    assert one.selected() == {1: ("192.0.2.2", 1001)}


def test_a_translator_in_between_is_found_out() -> None:
    one, two = Party("192.0.2.1", controlling=True), Party("10.0.0.2", controlling=False)
    world = World(one, two)
    world.reachable["198.51.100.9"] = world.reachable.pop("10.0.0.2")
    plain = world.source
    world.source = lambda party, component: (  # type: ignore[method-assign]
        ("198.51.100.9", 1000 + component) if party is two else plain(party, component)
    )
    meet(world, one, two)
    world.run(3)
    assert one.selected() == {1: ("198.51.100.9", 1001)}
    assert two.selected() == {1: ("192.0.2.1", 1001)}


@pytest.mark.parametrize("both", [True, False])
def test_a_conflict_of_roles_is_settled(both: bool) -> None:
    one, two = Party("192.0.2.1", controlling=both), Party("192.0.2.2", controlling=both)
    world = World(one, two)
    meet(world, one, two)
    world.run(3)
    assert one.agent.controlling != two.agent.controlling
    assert one.selected() and two.selected()


def test_nobody_there_is_told() -> None:
    one, two = Party("192.0.2.1", controlling=True), Party("192.0.2.2", controlling=False)
    world = World(one, two, loss=1.0)
    meet(world, one, two)
    world.run(60)
    assert [type(event) for event in one.events] == [Failed]
    assert world.sent < 40


def request(agent: Agent, *, password: str = "", **attributes: bytes) -> Message:
    """A check of the peer's."""
    message = Message(Method.BINDING, Class.REQUEST)
    message.attributes[Attribute.USERNAME] = f"{agent.ufrag}:peer".encode()
    message.attributes[Attribute.PRIORITY] = priority_of("prflx", 1).to_bytes(4, "big")
    for name, value in attributes.items():
        message.attributes[Attribute[name]] = value
    message.raw = message.encode((password or agent.password).encode())
    return message


def answer_to(agent: Agent, message: Message) -> Message:
    """What an agent replies."""
    agent.receive(1, message.raw, ("192.0.2.7", 7), 0.0)
    return Message.parse(agent.datagrams()[0].data)


def test_a_lite_agents_checks_are_answered_and_signed() -> None:
    party = Party("192.0.2.1", controlling=False)
    reply = answer_to(party.agent, request(party.agent, ICE_CONTROLLING=bytes(8)))
    assert reply.kind is Class.SUCCESS
    assert reply.address(Attribute.XOR_MAPPED_ADDRESS) == ("192.0.2.7", 7)
    assert reply.is_signed_by(party.agent.password.encode())


def test_a_check_with_a_wrong_password_is_refused_and_tried_by_nobody() -> None:
    party = Party("192.0.2.1", controlling=False)
    party.agent.set_remote("peer", "secret", [], 0.0)
    reply = answer_to(party.agent, request(party.agent, password="guess", ICE_CONTROLLING=bytes(8)))
    assert reply.kind is Class.ERROR and reply.error is not None and reply.error[0] == 401
    party.agent.timer(1.0)
    assert not party.agent.datagrams()


def test_a_check_that_asks_for_the_unknown_is_told_so() -> None:
    party = Party("192.0.2.1", controlling=False)
    message = request(party.agent, ICE_CONTROLLING=bytes(8))
    message.attributes.pop(Attribute.MESSAGE_INTEGRITY, None)
    message.attributes[0x7777] = b"what"
    message.raw = message.encode(party.agent.password.encode())
    reply = answer_to(party.agent, message)
    assert reply.error is not None and reply.error[0] == 420
    assert reply.attributes[Attribute.UNKNOWN_ATTRIBUTES] == b"\x77\x77"


def test_a_forged_response_changes_nothing() -> None:
    party = Party("192.0.2.1", controlling=True)
    party.agent.set_remote("peer", "secret", [host_candidate(1, "192.0.2.2", 1001)], 0.0)
    party.agent.timer(0.0)
    (out,) = party.agent.datagrams()
    reply = Message(Method.BINDING, Class.SUCCESS, Message.parse(out.data).transaction)
    reply.set_address(Attribute.XOR_MAPPED_ADDRESS, ("192.0.2.1", 1001))
    party.agent.receive(1, reply.encode(b"guess"), ("192.0.2.2", 1001), 0.1)
    party.agent.timer(0.2)
    assert not party.agent.selected and not party.agent.datagrams()


def test_a_restart_keeps_the_way_until_there_is_another() -> None:
    one, two = Party("192.0.2.1", controlling=True), Party("192.0.2.2", controlling=False)
    world = World(one, two)
    meet(world, one, two)
    world.run(1)
    before = one.agent.ufrag
    for party in (one, two):
        party.agent.restart()
        party.events.clear()
    assert one.agent.ufrag != before and one.selected()
    meet(world, one, two)
    world.run(2)
    assert Selected(1, ("192.0.2.2", 1001), False) in one.events
    assert Selected(1, ("192.0.2.1", 1001), False) in two.events


def test_silence_is_broken_now_and_then() -> None:
    one, two = Party("192.0.2.1", controlling=True), Party("192.0.2.2", controlling=False)
    world = World(one, two)
    meet(world, one, two)
    world.run(50)
    quiet = world.sent
    world.run(60)
    assert 2 * 2 * 10 <= world.sent - quiet <= 2 * 2 * 15, "each asks and is answered every 4 to 6 seconds"


def test_who_does_not_answer_any_more_is_sent_nothing() -> None:
    one, two = Party("192.0.2.1", controlling=True), Party("192.0.2.2", controlling=False)
    world = World(one, two)
    meet(world, one, two)
    world.run(100)
    assert not any(isinstance(event, ConsentLost) for event in one.events)
    del world.reachable["192.0.2.2"]
    world.run(20)
    assert not any(isinstance(event, ConsentLost) for event in one.events)
    world.run(15)
    assert one.events[-1] == ConsentLost(1, ("192.0.2.2", 1001))
    quiet = len(one.events)
    world.run(60)
    assert len(one.events) == quiet


def test_some_loss_does_not_cost_consent() -> None:
    one, two = Party("192.0.2.1", controlling=True), Party("192.0.2.2", controlling=False)
    world = World(one, two, loss=0.05)
    meet(world, one, two)
    world.run(300)
    assert not any(isinstance(event, ConsentLost) for event in (*one.events, *two.events))


def test_consent_cannot_be_forged() -> None:
    consent = Consent(("192.0.2.2", 1001), "a:b", "secret", 0.0, relayed=False)
    for now in range(31):
        request = consent.timer(float(now), {})
        if request is None:
            continue
        asked = Message.parse(request)
        for key in (b"guess", b"secret"):
            reply = Message(Method.BINDING, Class.SUCCESS, asked.transaction).encode(key)
            source = ("192.0.2.2", 1001) if key == b"guess" else ("203.0.113.1", 1001)
            consent.receive(Message.parse(reply), source, float(now), relayed=False)
    assert consent.lost


def test_candidates_are_written_as_others_write_them() -> None:
    mine = host_candidate(1, "192.0.2.1", 4000)
    assert mine.priority == 126 << 24 | 65535 << 8 | 255
    assert mine.foundation.startswith("H")
    assert Candidate(1, "relay", "192.0.2.5", 9, priority_of("relay", 1)).priority < mine.priority
