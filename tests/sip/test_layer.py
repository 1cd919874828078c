"""The transaction layer as a whole: whatever happens, nothing is left when the timers have run."""

from __future__ import annotations

import gc
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.sip.events import Event, RequestReceived, ResponseReceived, Send
from offhook.sip.layer import TransactionLayer, new_branch
from offhook.sip.message import Message, Request
from offhook.sip.parser import parse
from offhook.sip.reliable import ReliableProvisionals
from offhook.sip.timers import TimerHeap
from offhook.sip.transaction import ClientInvite, ClientTransaction, ServerInvite, ServerTransaction, Transaction
from sip.simulation import VIA, Network, Path, invite

FLOWS = [Path("udp", False), Path("tcp", True), Path("tls", True)]
METHODS = ["INVITE", "OPTIONS", "BYE", "ACK", "CANCEL", "PRACK"]

ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(
            ["send", "receive", "again", "respond", "answer", "cancel", "close", "wait", "abandon", "fail"]
        ),
        st.integers(0, 2**16),
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(ACTIONS)
def test_nothing_is_left_after_any_history(actions: list[tuple[str, int]]) -> None:
    layer = TransactionLayer()
    now = 0.0
    clients: list[tuple[ClientTransaction, Request]] = []
    servers: list[tuple[ServerTransaction, Request]] = []
    received: list[Request] = []

    def note(events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Send):
                assert event.flow in FLOWS
                parse(event.data)
            if isinstance(event, RequestReceived):
                servers.append((event.transaction, event.request))

    for action, number in actions:
        flow = FLOWS[number % 3]
        if action == "send":
            method = ("INVITE", "OPTIONS")[number % 2]
            request = invite(f"{number}", method=method)
            transaction, events = layer.request(request, flow, now, via=VIA)
            clients.append((transaction, request))
            note(events)
        elif action in ("receive", "again"):
            if action == "again" and received:
                request = received[number % len(received)]
            else:
                request = invite(f"{number % 5}", method=METHODS[number % len(METHODS)])
                request.insert(0, "Via", f"{VIA};branch={new_branch()}")
                received.append(request)
            note(layer.receive(parse(request.to_bytes()), flow, now))
        elif action == "respond" and servers:
            server, request = servers[number % len(servers)]
            if not server.answered:
                status = (180, 200, 486, 100)[number % 4]
                note(
                    layer.respond(server, request.response(status, to_tag="t"), now, flow if number % 7 == 0 else None)
                )
        elif action == "answer" and clients:
            client, request = clients[number % len(clients)]
            status = (100, 180, 200, 486)[number % 4]
            response = request.response(status, to_tag=f"t{number % 2}")
            note(layer.receive(parse(response.to_bytes()), client.flow, now))
        elif action == "cancel" and clients:
            client, _ = clients[number % len(clients)]
            if isinstance(client, ClientInvite):
                note(layer.cancel(client, now))
        elif action == "close":
            note(layer.transport_closed(flow, now))
            assert flow not in layer.flows
            assert all(transaction.flow != flow for transaction in layer.transactions)
        elif action == "wait":
            now += number % 40
            note(layer.timer(now))
        elif action == "abandon" and layer.transactions:
            layer.abandon(layer.transactions[number % len(layer)])
        elif action == "fail" and layer.transactions:
            note(layer.transport_failed(layer.transactions[number % len(layer)], now))

    for _ in range(3):
        now += 100.0
        note(layer.timer(now))
    # What waits for its user is all that may be left: an INVITE that rings, a request without an answer.
    for waiting in layer.transactions:
        assert waiting.state in ("proceeding", "trying")
        assert isinstance(waiting, ClientInvite | ServerTransaction)
        layer.abandon(waiting)
    assert len(layer) == 0
    assert layer.flows == []
    assert layer.next_timer is None
    assert layer._accepted == {}


def count() -> int:
    """Messages and transactions in memory."""
    gc.collect()
    return sum(isinstance(thing, Message | Transaction) for thing in gc.get_objects())


def test_a_call_leaves_no_object_behind() -> None:
    before = count()
    network = Network()
    client, server = network.client, network.server
    server.answer = lambda event, now: server.layer.respond(
        event.transaction, event.request.response(200, to_tag="bob"), now
    )
    for number in range(5):
        request = invite(f"call{number}")
        transaction, events = client.layer.request(request, network.flow, network.now, via=VIA)
        network.carry(client, events)
        network.run(network.now + 0.1)
        assert client.events(ResponseReceived)[-1].response.status == 200
        ack = Request("ACK", request.target, list(request.headers[1:]))
        ack.set("CSeq", "1 ACK")
        ack.set("To", "<sip:bob@192.0.2.2>;tag=bob")
        network.carry(client, client.layer.acknowledge(transaction, ack, network.flow, network.now, via=VIA))
        bye = invite(f"call{number}", 2, "BYE")
        network.carry(client, client.layer.request(bye, network.flow, network.now, via=VIA)[1])
        network.run(network.now + 0.1)
    network.run(network.now + 40.0)
    del request, transaction, events, ack, bye
    client.told.clear()
    server.told.clear()
    assert count() == before
    assert (len(client.layer.timers), len(server.layer.timers)) == (0, 0)


class Alarm:
    """Something timed."""

    def __init__(self, when: float | None) -> None:
        self.next_timer = when
        self.entry: list[object] | None = None
        self.rang: list[float] = []

    def timer(self, now: float) -> list[Event]:
        self.rang.append(now)
        self.next_timer = None
        return []


def test_whatever_is_watched_rings_at_its_time() -> None:
    layer = TransactionLayer()
    early, late, never = Alarm(1.0), Alarm(2.0), Alarm(1.5)
    for alarm in (late, early, never):
        layer.watch(alarm)
    layer.unwatch(never)
    assert layer.next_timer == 1.0
    early.next_timer = 3.0
    layer.watch(early)  # later: the entry wakes early and goes back
    late.next_timer = 0.5
    layer.watch(late)  # earlier: a new entry
    assert layer.next_timer == 0.5
    layer.timer(0.5)
    assert late.rang == [0.5]
    layer.timer(2.9)
    assert early.rang == []
    layer.timer(3.0)
    assert early.rang == [3.0]
    assert never.rang == []
    assert layer.next_timer is None


@given(st.lists(st.tuples(st.integers(0, 4), st.none() | st.integers(0, 50)), max_size=60), st.integers(0, 100))
def test_the_heap_wakes_everything_once_and_in_order(changes: list[tuple[int, int | None]], seed: int) -> None:
    heap = TimerHeap()
    alarms = [Alarm(None) for _ in range(5)]
    for index, when in changes:
        alarms[index].next_timer = when
        heap.put(alarms[index])
        assert len(heap) == sum(1 for alarm in alarms if alarm.entry is not None)
    expected = sorted(alarm.next_timer for alarm in alarms if alarm.next_timer is not None)
    rng = random.Random(seed)
    now = 0.0
    woken: list[float] = []
    while (due := heap.next) is not None:
        now = max(now, due) + rng.random()
        while (timed := heap.pop(now)) is not None:
            assert isinstance(timed, Alarm)
            assert timed.next_timer is not None
            assert timed.next_timer <= now
            woken.append(timed.next_timer)
            timed.timer(now)
            heap.put(timed)
    assert sorted(woken) == expected
    assert len(heap) == 0


def test_reliable_provisionals_end_with_their_transaction() -> None:
    layer = TransactionLayer()
    request = invite()
    request.insert(0, "Via", f"{VIA};branch={new_branch()}")
    (event,) = layer.receive(parse(request.to_bytes()), FLOWS[0], 0.0)
    assert isinstance(event, RequestReceived)
    assert isinstance(event.transaction, ServerInvite)
    reliable = ReliableProvisionals(event.transaction, request)
    reliable.send(request.response(180, to_tag="t"), 0.0)
    layer.watch(reliable)
    layer.transport_closed(FLOWS[0], 0.1)
    assert layer.timer(10.0) == []
    assert layer.next_timer is None
