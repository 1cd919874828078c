"""The transactions against the tables of RFC 3261 17 and RFC 6026 7, and two layers over a bad network."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from offhook.sip.events import (
    AckReceived,
    Event,
    RequestReceived,
    ResponseReceived,
    Send,
    TransactionTimeout,
)
from offhook.sip.message import Request, Response
from offhook.sip.transaction import ClientInvite, ClientNonInvite, ServerInvite, ServerNonInvite
from sip.simulation import VIA, Network, Path, final, invite

# Each table: (state, input) -> (next state, messages sent, events told). "*" as next state: stays. Inputs that a table
# does not list do nothing. Written from the figures of the RFCs, not from the code.
CLIENT_INVITE = {
    ("calling", "1xx"): ("proceeding", 0, 1),
    ("calling", "2xx"): ("accepted", 0, 1),
    ("calling", "3xx"): ("completed", 1, 1),
    ("proceeding", "1xx"): ("*", 0, 1),
    ("proceeding", "2xx"): ("accepted", 0, 1),
    ("proceeding", "3xx"): ("completed", 1, 1),
    ("completed", "3xx"): ("*", 1, 0),
}
CLIENT_OTHER = {
    ("trying", "1xx"): ("proceeding", 0, 1),
    ("trying", "2xx"): ("completed", 0, 1),
    ("trying", "3xx"): ("completed", 0, 1),
    ("proceeding", "1xx"): ("*", 0, 1),
    ("proceeding", "2xx"): ("completed", 0, 1),
    ("proceeding", "3xx"): ("completed", 0, 1),
}
SERVER_INVITE = {
    ("proceeding", "1xx"): ("*", 1, 0),
    ("proceeding", "2xx"): ("accepted", 1, 0),
    ("proceeding", "3xx"): ("completed", 1, 0),
    ("completed", "request"): ("*", 1, 0),
    ("completed", "ACK"): ("confirmed", 0, 0),
    ("accepted", "ACK"): ("*", 0, 1),
}
SERVER_OTHER = {
    ("trying", "1xx"): ("proceeding", 1, 0),
    ("trying", "2xx"): ("completed", 1, 0),
    ("trying", "3xx"): ("completed", 1, 0),
    ("proceeding", "1xx"): ("*", 1, 0),
    ("proceeding", "2xx"): ("completed", 1, 0),
    ("proceeding", "3xx"): ("completed", 1, 0),
    ("proceeding", "request"): ("*", 1, 0),
    ("completed", "request"): ("*", 1, 0),
}
STATUS = {"1xx": 180, "2xx": 200, "3xx": 486}
# Over a reliable transport these states last no time (timers D, I, J, K are zero).
INSTANT = {
    ClientInvite: "completed",
    ClientNonInvite: "completed",
    ServerInvite: "confirmed",
    ServerNonInvite: "completed",
}
# How long a state lasts without input, in seconds: the timer that ends it.
LASTS = {
    (ClientInvite, "calling"): 32.0,
    (ClientInvite, "completed"): 32.0,
    (ClientInvite, "accepted"): 32.0,
    (ClientNonInvite, "trying"): 32.0,
    (ClientNonInvite, "proceeding"): 32.0,
    (ClientNonInvite, "completed"): 5.0,
    (ServerInvite, "completed"): 32.0,
    (ServerInvite, "confirmed"): 5.0,
    (ServerInvite, "accepted"): 32.0,
    (ServerNonInvite, "completed"): 32.0,
}


class Transactions(RuleBasedStateMachine):
    """One transaction of any kind under any sequence of messages and waiting."""

    @initialize(
        kind=st.sampled_from([ClientInvite, ClientNonInvite, ServerInvite, ServerNonInvite]), reliable=st.booleans()
    )
    def begin(self, kind: type, reliable: bool) -> None:
        self.kind = kind
        self.now = 0.0
        self.reliable = reliable
        flow = Path("flow", reliable)
        invitation = kind in (ClientInvite, ServerInvite)
        self.request = invite(method="INVITE" if invitation else "OPTIONS")
        self.request.insert(0, "Via", f"{VIA};branch=z9hG4bKmodel")
        self.table = {
            ClientInvite: CLIENT_INVITE,
            ClientNonInvite: CLIENT_OTHER,
            ServerInvite: SERVER_INVITE,
            ServerNonInvite: SERVER_OTHER,
        }[kind]
        if kind in (ClientInvite, ClientNonInvite):
            self.transaction = kind(self.request, ("key",), flow)
            assert len(self.transaction.start(0.0)) == 1
            self.state = "calling" if invitation else "trying"
        else:
            self.transaction = kind(("key",), self.request.method, flow)
            self.state = "proceeding" if invitation else "trying"
        self.entered = 0.0
        self.clock = LASTS.get((kind, self.state))
        self.answered_provisionally = False
        self.acknowledged = False

    @property
    def client(self) -> bool:
        return self.kind in (ClientInvite, ClientNonInvite)

    def expect(self, what: str, events: list[Event]) -> None:
        state, sends, tells = self.table.get((self.state, what), ("*", 0, 0))
        if self.kind is ServerInvite:
            if (self.state, what) == ("proceeding", "request"):
                sends = 1 if self.answered_provisionally else 0
            if (self.state, what) == ("accepted", "ACK") and self.acknowledged:
                tells = 0
            self.acknowledged |= (self.state, what) == ("accepted", "ACK")
        if what == "1xx" and self.state == "proceeding":
            self.answered_provisionally = True
        assert len([event for event in events if isinstance(event, Send)]) == sends, (self.state, what)
        assert len([event for event in events if not isinstance(event, Send)]) == tells, (self.state, what)
        if state != "*":
            self.enter(state)

    def enter(self, state: str) -> None:
        if self.reliable and INSTANT[self.kind] == state:
            state = "terminated"
        if not (self.kind is ClientNonInvite and state == "proceeding"):  # timer F runs on
            self.entered = self.now
        self.state = state
        self.clock = LASTS.get((self.kind, state))

    @precondition(lambda self: self.client)
    @rule(what=st.sampled_from(["1xx", "2xx", "3xx"]))
    def response(self, what: str) -> None:
        if self.state == "accepted" and what == "2xx":
            return  # forks and repetitions have their own tests
        response = self.request.response(STATUS[what], to_tag="bob")
        assert isinstance(self.transaction, ClientInvite | ClientNonInvite)
        self.expect(what, [] if self.state == "terminated" else self.transaction.receive(response, self.now))

    @precondition(lambda self: not self.client and self.state != "terminated")
    @rule(what=st.sampled_from(["request", "ACK"]))
    def repetition(self, what: str) -> None:
        if what == "ACK" and self.kind is ServerNonInvite:
            return
        request = self.request
        if what == "ACK":
            request = Request("ACK", request.target, list(request.headers))
        assert isinstance(self.transaction, ServerInvite | ServerNonInvite)
        self.expect(what, self.transaction.receive(request, self.now))

    @precondition(lambda self: not self.client and self.state in ("trying", "proceeding"))
    @rule(what=st.sampled_from(["1xx", "2xx", "3xx"]))
    def answer(self, what: str) -> None:
        assert isinstance(self.transaction, ServerInvite | ServerNonInvite)
        self.expect(what, self.transaction.send(self.request.response(STATUS[what], to_tag="bob"), self.now))

    @rule(seconds=st.floats(0.01, 20.0))
    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        end = None if self.clock is None else self.entered + self.clock
        while self.transaction.next_timer is not None and self.transaction.next_timer <= until:
            due = self.transaction.next_timer
            assert due > self.now or due == end
            self.now = due
            events = self.transaction.timer(due)
            if end is not None and due >= end:
                timeouts = [event for event in events if isinstance(event, TransactionTimeout)]
                undecided = self.state in ("calling", "trying") or (
                    self.state == "proceeding" if self.client else self.state in ("completed", "accepted")
                )
                if self.kind is ServerNonInvite or self.acknowledged:
                    undecided = False
                if self.client and self.state in ("completed", "accepted"):
                    undecided = False
                assert len(timeouts) == undecided
                self.state = "terminated"
            else:
                assert [type(event) for event in events] == [Send], self.state
        self.now = until

    @invariant()
    def same_state(self) -> None:
        if hasattr(self, "transaction"):
            assert self.transaction.state == self.state
            if self.state == "terminated":
                assert self.transaction.next_timer is None
            elif self.clock is not None:
                assert self.transaction.next_timer is not None


TestTransactions = Transactions.TestCase
TestTransactions.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)


networks = st.fixed_dictionaries(
    {
        "reliable": st.booleans(),
        "loss": st.sampled_from([0.0, 0.1, 0.3, 0.6]),
        "duplication": st.sampled_from([0.0, 0.3]),
        "delay": st.sampled_from([0.01, 0.4, 3.0]),
        "seed": st.integers(0, 10**6),
    }
)


def empty(network: Network) -> bool:
    return all(
        len(side.layer) == 0 and side.layer.next_timer is None and not side.layer._accepted and not side.layer._by_flow
        for side in (network.client, network.server)
    )


@settings(max_examples=150, deadline=None)
@given(networks, st.sampled_from([200, 404]))
def test_a_request_is_seen_once_and_ends_one_way_whatever_the_network_does(
    kwargs: dict[str, object], status: int
) -> None:
    network = Network(**kwargs)  # type: ignore[arg-type]
    network.server.answer = lambda event, now: network.server.layer.respond(
        event.transaction, event.request.response(status, to_tag="bob"), now
    )
    request = invite(method="OPTIONS")
    network.carry(network.client, network.client.layer.request(request, network.flow, 0.0, via=VIA)[1])
    network.run(150.0)
    client = network.client
    assert len(network.server.events(RequestReceived)) <= 1
    outcomes = final(client.events(ResponseReceived)) + [e.timer for e in client.events(TransactionTimeout)]
    assert outcomes in ([status], ["F"])
    if network.flow.reliable or (network.loss == 0.0 and network.delay < 1):
        assert outcomes == [status]
    assert empty(network)


@settings(max_examples=150, deadline=None)
@given(networks, st.sampled_from([200, 486]))
def test_an_invite_ends_one_way_on_each_side_whatever_the_network_does(kwargs: dict[str, object], status: int) -> None:
    network = Network(**kwargs)  # type: ignore[arg-type]
    client, server = network.client, network.server

    def answer(event: RequestReceived, now: float) -> list[Event]:
        events = server.layer.respond(event.transaction, event.request.response(180, to_tag="bob"), now)
        return events + server.layer.respond(event.transaction, event.request.response(status, to_tag="bob"), now)

    server.answer = answer
    request = invite()
    transaction, events = client.layer.request(request, network.flow, 0.0, via=VIA)
    network.carry(client, events)
    acknowledged = False
    while network.now < 150.0:
        network.run(network.now + 0.05)
        for response in client.events(ResponseReceived):
            if response.response.status == 200 and not acknowledged:
                acknowledged = True
                ack = Request("ACK", request.target, list(request.headers[1:]))
                ack.set("CSeq", "1 ACK")
                ack.set("To", response.response.get("To"))
                network.carry(client, client.layer.acknowledge(transaction, ack, network.flow, network.now, via=VIA))
    assert len(server.events(RequestReceived)) <= 1
    outcomes = final(client.events(ResponseReceived))
    timeouts = [event.timer for event in client.events(TransactionTimeout)]
    provisional = any(r.response.status == 180 for r in client.events(ResponseReceived))
    if outcomes:
        assert outcomes == [status]
        assert timeouts == []
    elif provisional:
        # RFC 3261: a client INVITE in Proceeding waits for ever; the user has to give up.
        assert timeouts == []
        client.layer.abandon(transaction)
    else:
        assert timeouts == ["B"]
    if server.events(RequestReceived):
        ended = [event.timer for event in server.events(TransactionTimeout)]
        acks = server.events(AckReceived)
        assert len([ack for ack in acks if ack.transaction is not None]) <= 1
        if status == 200:
            assert (ended == ["L"]) == (not any(ack.transaction is not None for ack in acks))
        else:
            assert ended in ([], ["H"])
    assert empty(network)


def test_a_response_needs_no_more_than_a_status_and_the_copied_headers() -> None:
    request = invite()
    request.insert(0, "Via", f"{VIA};branch=z9hG4bKx")
    response = request.response(200, to_tag="bob")
    assert isinstance(response, Response)
    assert [name for name, _ in response.headers] == ["Via", "Call-ID", "From", "To", "CSeq"]
