"""The transactions tick by tick: what is sent when, what the user is told (RFC 3261 17, RFC 6026, RFC 4320)."""

from __future__ import annotations

import pytest

from offhook.sip.events import (
    AckReceived,
    CancelReceived,
    Event,
    RequestReceived,
    ResponseReceived,
    Send,
    StrayResponse,
    TransactionTimeout,
    TransportFailed,
)
from offhook.sip.layer import TransactionLayer
from offhook.sip.message import Request, Response
from offhook.sip.parser import parse
from offhook.sip.transaction import ClientTransaction, ServerTransaction
from sip.simulation import VIA, Path, invite

UDP = Path("udp", False)
TCP = Path("tcp", True)


def sent(events: list[Event]) -> list[str]:
    """The start of each message sent: method or status."""
    return [
        text.split(" ")[1] if text.startswith("SIP/") else text.split(" ")[0]
        for text in [event.data.decode().split("\r\n")[0] for event in events if isinstance(event, Send)]
    ]


def told(events: list[Event]) -> list[object]:
    return [event for event in events if not isinstance(event, Send)]


class Caller:
    """A layer with one request sent at time 0."""

    def __init__(self, method: str = "INVITE", flow: Path = UDP) -> None:
        self.layer = TransactionLayer()
        self.request = invite(method=method)
        self.flow = flow
        self.transaction: ClientTransaction
        self.transaction, self.events = self.layer.request(self.request, flow, 0.0, via=VIA)

    def answer(self, status: int, now: float, tag: str = "bob") -> list[Event]:
        return self.layer.receive(parse(self.request.response(status, to_tag=tag).to_bytes()), self.flow, now)

    def schedule(self, until: float) -> tuple[list[float], list[object]]:
        """Let the timers run: the times something was sent, and what was told."""
        times: list[float] = []
        heard: list[object] = []
        while (due := self.layer.next_timer) is not None and due <= until:
            events = self.layer.timer(due)
            times += [due] * len(sent(events))
            heard += told(events)
        return times, heard


class Callee(Caller):
    """A layer that received one request at time 0."""

    def __init__(self, method: str = "INVITE", flow: Path = UDP) -> None:
        caller = Caller(method, flow)
        self.request = caller.request
        self.layer = TransactionLayer()
        self.flow = flow
        self.events = self.again(0.0)
        received = self.events[0]
        assert isinstance(received, RequestReceived)
        self.server: ServerTransaction = received.transaction

    def again(self, now: float) -> list[Event]:
        return self.layer.receive(parse(self.request.to_bytes()), self.flow, now)

    def respond(self, status: int, now: float, tag: str = "bob") -> list[Event]:
        return self.layer.respond(self.server, self.request.response(status, to_tag=tag), now)

    def ack(self, now: float, *, branch: str = "", tag: str = "bob") -> list[Event]:
        ack = Request("ACK", self.request.target, list(self.request.headers))
        ack.set("CSeq", "1 ACK")
        ack.set("To", f"<sip:bob@192.0.2.2>;tag={tag}")
        if branch:
            ack.set("Via", f"{VIA};branch={branch}")
        return self.layer.receive(parse(ack.to_bytes()), self.flow, now)


# Client INVITE


def test_an_invite_is_repeated_with_doubling_gaps_until_timer_b() -> None:
    caller = Caller()
    assert sent(caller.events) == ["INVITE"]
    times, heard = caller.schedule(100.0)
    assert times == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert heard == [TransactionTimeout(caller.transaction, "B")]
    assert len(caller.layer) == 0


def test_an_invite_over_tcp_is_sent_once_and_times_out_all_the_same() -> None:
    caller = Caller(flow=TCP)
    assert caller.schedule(100.0) == ([], [TransactionTimeout(caller.transaction, "B")])


def test_a_provisional_response_ends_repetition_and_the_timeout() -> None:
    caller = Caller()
    assert [type(event) for event in caller.answer(180, 0.1)] == [ResponseReceived]
    assert caller.schedule(1000.0) == ([], [])
    assert len(caller.layer) == 1


def test_a_refusal_is_acknowledged_here_and_each_repetition_again_but_told_once() -> None:
    caller = Caller()
    events = caller.answer(486, 0.1)
    assert sent(events) == ["ACK"]
    assert [type(event) for event in told(events)] == [ResponseReceived]
    ack = parse(next(event.data for event in events if isinstance(event, Send)))
    assert ack.via.branch == caller.request.via.branch
    assert ack.to_tag == "bob"
    assert str(ack.cseq) == "1 ACK"
    again = caller.answer(486, 0.6)
    assert sent(again) == ["ACK"]
    assert told(again) == []
    assert caller.schedule(32.05) == ([], [])
    assert len(caller.layer) == 1
    caller.schedule(32.2)
    assert len(caller.layer) == 0


def test_the_ack_of_a_refusal_follows_the_route_of_the_invite() -> None:
    layer = TransactionLayer()
    request = invite()
    request.add("Route", "<sip:proxy.example.com;lr>")
    layer.request(request, UDP, 0.0, via=VIA)
    events = layer.receive(parse(request.response(404, to_tag="x").to_bytes()), UDP, 0.0)
    ack = parse(next(event.data for event in events if isinstance(event, Send)))
    assert ack.get("Route") == "<sip:proxy.example.com;lr>"
    assert ack.get("Contact") is None


def test_over_tcp_a_refused_invite_is_over_at_once() -> None:
    caller = Caller(flow=TCP)
    assert sent(caller.answer(486, 0.1)) == ["ACK"]
    assert len(caller.layer) == 0


def test_a_repeated_2xx_gets_the_ack_again_and_another_fork_is_told() -> None:
    caller = Caller()
    first = caller.answer(200, 0.1)
    assert sent(first) == []
    assert [type(event) for event in told(first)] == [ResponseReceived]
    assert caller.answer(200, 0.2) == []  # the ACK is not ready yet
    ack = Request("ACK", "sip:bob@192.0.2.2", [("To", "<sip:bob@192.0.2.2>;tag=bob"), ("CSeq", "1 ACK")])
    assert sent(caller.layer.acknowledge(caller.transaction, ack, UDP, 0.3, via=VIA)) == ["ACK"]
    assert sent(caller.answer(200, 0.7)) == ["ACK"]
    fork = caller.answer(200, 0.8, tag="carol")
    assert [type(event) for event in fork] == [ResponseReceived]
    assert caller.answer(180, 0.9, tag="dave") == []
    caller.schedule(32.05)
    assert len(caller.layer) == 1
    caller.schedule(32.2)
    assert len(caller.layer) == 0


# CANCEL of ours


def test_cancel_waits_for_a_provisional_response() -> None:
    caller = Caller()
    assert caller.layer.cancel(caller.transaction, 0.1) == []
    events = caller.answer(100, 0.2)
    assert sent(events) == ["CANCEL"]
    cancel = parse(next(event.data for event in events if isinstance(event, Send)))
    assert cancel.via.branch == caller.request.via.branch
    assert str(cancel.cseq) == "1 CANCEL"
    assert caller.layer.cancel(caller.transaction, 0.3) == []
    assert sent(caller.answer(180, 0.4)) == []


def test_cancel_goes_out_at_once_in_proceeding_and_its_answer_is_told_apart() -> None:
    caller = Caller()
    caller.answer(180, 0.1)
    events = caller.layer.cancel(caller.transaction, 1.0)
    cancel = parse(next(event.data for event in events if isinstance(event, Send)))
    assert isinstance(cancel, Request)
    (answered,) = caller.layer.receive(parse(cancel.response(200, to_tag="bob").to_bytes()), UDP, 1.1)
    assert isinstance(answered, ResponseReceived)
    assert answered.transaction.method == "CANCEL"
    assert sent(caller.answer(487, 1.2)) == ["ACK"]


def test_a_cancelled_invite_nobody_finishes_ends_after_32_seconds() -> None:
    caller = Caller()
    caller.answer(180, 0.1)
    caller.layer.cancel(caller.transaction, 10.0)
    heard = caller.schedule(50.0)[1]
    assert TransactionTimeout(caller.transaction, "B") in heard
    assert len(caller.layer) == 0


# Client non-INVITE


def test_another_request_is_repeated_up_to_t2_until_timer_f() -> None:
    caller = Caller("OPTIONS")
    times, heard = caller.schedule(100.0)
    assert times == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert heard == [TransactionTimeout(caller.transaction, "F")]


def test_after_a_provisional_response_it_is_repeated_every_t2() -> None:
    caller = Caller("OPTIONS")
    caller.answer(100, 0.1)
    assert caller.schedule(12.0)[0] == [0.5, 4.5, 8.5]


def test_its_final_response_is_told_once_and_it_lingers_for_t4() -> None:
    caller = Caller("OPTIONS")
    assert [type(event) for event in caller.answer(200, 1.0)] == [ResponseReceived]
    assert caller.answer(200, 2.0) == []
    assert caller.schedule(5.9) == ([], [])
    assert len(caller.layer) == 1
    caller.schedule(6.0)
    assert len(caller.layer) == 0
    assert [type(event) for event in caller.answer(200, 7.0)] == [StrayResponse]


# Server INVITE


def test_a_repeated_invite_gets_the_last_provisional_response_again() -> None:
    callee = Callee()
    assert callee.again(0.2) == []
    assert sent(callee.respond(100, 0.3)) == ["100"]
    assert sent(callee.again(0.5)) == ["100"]
    callee.respond(180, 0.6)
    assert sent(callee.again(0.7)) == ["180"]
    assert told(callee.again(0.8)) == []


def test_a_refusal_is_repeated_until_the_ack_which_nobody_is_told_of() -> None:
    callee = Callee()
    callee.respond(486, 0.0)
    assert callee.schedule(8.0)[0] == [0.5, 1.5, 3.5, 7.5]
    assert sent(callee.again(8.0)) == ["486"]
    assert callee.ack(8.1) == []
    assert callee.ack(8.2) == []
    assert callee.schedule(13.0) == ([], [])
    assert len(callee.layer) == 1
    callee.schedule(13.2)
    assert len(callee.layer) == 0


def test_a_refusal_nobody_acknowledges_ends_with_timer_h() -> None:
    callee = Callee()
    callee.respond(486, 0.0)
    times, heard = callee.schedule(100.0)
    assert times == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert heard == [TransactionTimeout(callee.server, "H")]


def test_over_tcp_a_refusal_is_sent_once() -> None:
    callee = Callee(flow=TCP)
    callee.respond(486, 0.0)
    assert callee.schedule(31.9) == ([], [])
    callee.ack(31.9)
    assert len(callee.layer) == 0


@pytest.mark.parametrize("flow", [UDP, TCP])
def test_a_2xx_is_repeated_over_any_transport_until_its_ack_is_told_once(flow: Path) -> None:
    callee = Callee(flow=flow)
    callee.respond(200, 0.0)
    assert callee.schedule(4.0)[0] == [0.5, 1.5, 3.5]
    assert callee.again(4.0) == []  # RFC 6026: a repeated INVITE is absorbed in Accepted
    (event,) = callee.ack(4.1, branch="z9hG4bKanother")
    assert isinstance(event, AckReceived)
    assert event.transaction is callee.server
    assert callee.ack(4.2, branch="z9hG4bKanother") == []
    assert callee.schedule(31.9) == ([], [])
    callee.schedule(32.0)
    assert len(callee.layer) == 0


def test_a_2xx_nobody_acknowledges_ends_with_timer_l() -> None:
    callee = Callee()
    callee.respond(200, 0.0)
    assert callee.schedule(100.0)[1] == [TransactionTimeout(callee.server, "L")]


def test_an_ack_with_other_tags_belongs_to_no_transaction() -> None:
    callee = Callee()
    callee.respond(200, 0.0)
    (event,) = callee.ack(0.1, branch="z9hG4bKanother", tag="nobody")
    assert isinstance(event, AckReceived)
    assert event.transaction is None


def test_an_invite_is_answered_once() -> None:
    callee = Callee()
    callee.respond(486, 0.0)
    with pytest.raises(ValueError, match="answered"):
        callee.respond(200, 0.1)


# CANCEL of theirs


def cancel_of(request: Request) -> Request:
    cancel = Request("CANCEL", request.target, list(request.headers))
    cancel.set("CSeq", "1 CANCEL")
    return cancel


def test_a_cancel_is_answered_here_and_told() -> None:
    callee = Callee()
    callee.respond(180, 0.0)
    events = callee.layer.receive(parse(cancel_of(callee.request).to_bytes()), UDP, 1.0)
    assert sent(events) == ["200"]
    (event,) = told(events)
    assert isinstance(event, CancelReceived)
    assert event.transaction is callee.server
    again = callee.layer.receive(parse(cancel_of(callee.request).to_bytes()), UDP, 1.1)
    assert sent(again) == ["200"]
    assert told(again) == []


def test_the_answer_to_a_cancel_carries_the_tag_of_the_invite() -> None:
    callee = Callee()
    callee.respond(180, 0.0, tag="ours")
    (answer, _) = callee.layer.receive(parse(cancel_of(callee.request).to_bytes()), UDP, 1.0)
    assert isinstance(answer, Send)
    assert parse(answer.data).to_tag == "ours"


def test_a_response_is_told_with_the_flow_it_came_on() -> None:
    caller = Caller()
    elsewhere = Path("elsewhere", False)
    response = parse(caller.request.response(180, to_tag="bob").to_bytes())
    (event,) = caller.layer.receive(response, elsewhere, 0.1)
    assert isinstance(event, ResponseReceived)
    assert event.flow is elsewhere


def test_a_cancel_after_the_answer_changes_nothing() -> None:
    callee = Callee()
    callee.respond(200, 0.0)
    events = callee.layer.receive(parse(cancel_of(callee.request).to_bytes()), UDP, 1.0)
    assert sent(events) == ["200"]
    assert told(events) == []


def test_a_cancel_of_nothing_is_answered_481() -> None:
    layer = TransactionLayer()
    request = invite()
    request.insert(0, "Via", f"{VIA};branch=z9hG4bKnothing")
    assert sent(layer.receive(parse(cancel_of(request).to_bytes()), UDP, 0.0)) == ["481"]


# Server non-INVITE


def test_a_repeated_request_gets_its_answer_again_for_64_t1() -> None:
    callee = Callee("OPTIONS")
    assert callee.again(0.1) == []
    assert sent(callee.respond(200, 0.2)) == ["200"]
    assert sent(callee.again(10.0)) == ["200"]
    callee.schedule(32.1)
    assert len(callee.layer) == 1
    callee.schedule(32.2)
    assert len(callee.layer) == 0
    (event,) = callee.again(33.0)
    assert isinstance(event, RequestReceived)


def test_over_tcp_it_is_gone_with_its_answer() -> None:
    callee = Callee("OPTIONS", TCP)
    callee.respond(200, 0.0)
    assert len(callee.layer) == 0


# Matching


def test_an_rfc_2543_request_is_matched_without_a_branch() -> None:
    layer = TransactionLayer()
    request = invite()
    request.insert(0, "Via", "SIP/2.0/UDP 192.0.2.1:5060")
    (event,) = layer.receive(parse(request.to_bytes()), UDP, 0.0)
    assert isinstance(event, RequestReceived)
    assert layer.receive(parse(request.to_bytes()), UDP, 0.1) == []
    layer.respond(event.transaction, request.response(404, to_tag="bob"), 0.2)
    ack = Request("ACK", request.target, list(request.headers))
    ack.set("CSeq", "1 ACK")
    ack.set("To", "<sip:bob@192.0.2.2>;tag=bob")
    assert layer.receive(parse(ack.to_bytes()), UDP, 0.3) == []
    assert event.transaction.state == "confirmed"


def test_the_same_branch_from_another_host_is_another_transaction() -> None:
    layer = TransactionLayer()
    for host in ("192.0.2.1", "192.0.2.9"):
        request = invite(method="OPTIONS")
        request.insert(0, "Via", f"SIP/2.0/UDP {host};branch=z9hG4bKsame")
        (event,) = layer.receive(parse(request.to_bytes()), UDP, 0.0)
        assert isinstance(event, RequestReceived)
    assert len(layer) == 2


def test_responses_need_the_method_of_the_request() -> None:
    caller = Caller()
    response = caller.request.response(200, to_tag="bob")
    response.set("CSeq", "1 OPTIONS")
    assert [type(event) for event in caller.layer.receive(parse(response.to_bytes()), UDP, 0.1)] == [StrayResponse]


# Transports that go away


def test_closing_a_flow_ends_its_transactions_at_once_and_no_others() -> None:
    layer = TransactionLayer()
    gone = Path("gone", True)
    failed = [layer.request(invite(method=method), gone, 0.0, via=VIA)[0] for method in ("INVITE", "OPTIONS")]
    kept = layer.request(invite(method="OPTIONS"), TCP, 0.0, via=VIA)[0]
    events = layer.transport_closed(gone, 1.0)
    assert {id(event.transaction) for event in events if isinstance(event, TransportFailed)} == {*map(id, failed)}
    assert layer.transactions == [kept]
    assert layer.transport_closed(gone, 1.0) == []
    assert layer.timer(100.0) == [TransactionTimeout(kept, "F")]


def test_a_server_transaction_on_a_closed_flow_is_told_and_cannot_answer_any_more() -> None:
    callee = Callee(flow=TCP)
    assert callee.layer.transport_closed(TCP, 0.5) == [TransportFailed(callee.server)]
    assert callee.respond(200, 0.6) == []
    assert callee.layer.next_timer is None


def test_closing_says_nothing_of_transactions_that_only_linger() -> None:
    caller = Caller("OPTIONS")
    caller.answer(200, 0.1)
    assert caller.layer.transport_closed(UDP, 0.2) == []
    assert len(caller.layer) == 0


def test_a_response_may_move_to_another_flow() -> None:
    callee = Callee(flow=TCP)
    other = Path("other", True)
    response: Response = callee.request.response(200, to_tag="bob")
    (event,) = callee.layer.respond(callee.server, response, 0.1, flow=other)
    assert isinstance(event, Send)
    assert event.flow is other
    assert callee.layer.transport_closed(TCP, 0.2) == []
    assert callee.layer.transport_closed(other, 0.3) == [TransportFailed(callee.server)]


def test_a_send_that_fails_ends_its_transaction_only() -> None:
    layer = TransactionLayer()
    failing = layer.request(invite(), UDP, 0.0, via=VIA)[0]
    other = layer.request(invite(), UDP, 0.0, via=VIA)[0]
    assert layer.flows == [UDP]
    assert layer.transport_failed(failing, 0.1) == [TransportFailed(failing)]
    assert layer.transport_failed(failing, 0.2) == []
    assert layer.transactions == [other]
    layer.abandon(other)
    assert layer.flows == []
