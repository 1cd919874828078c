"""Sessions: offers and answers, crossing INVITEs, reliable provisionals, session timers."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.sip.dialog import Dialog
from offhook.sip.errors import SIPError
from offhook.sip.events import ProvisionalTimeout, RequestReceived, Send, SessionExpired, SessionRefreshDue
from offhook.sip.layer import TransactionLayer
from offhook.sip.message import Request, Response
from offhook.sip.offer_answer import OfferAnswer, Role, State, glare_delay, retry_after
from offhook.sip.parser import parse
from offhook.sip.reliable import ProvisionalOrder, ReliableProvisionals, wants_reliable
from offhook.sip.session import Session
from offhook.sip.session_timer import SessionTimer, Use, session_expires
from offhook.sip.transaction import ServerInvite
from sip.simulation import VIA, Path, invite

UDP = Path("udp", False)


# Offer and answer


def test_an_offer_and_its_answer_come_into_force_together() -> None:
    offers: OfferAnswer[str] = OfferAnswer()
    assert offers.may_offer
    offers.send_offer("mine")
    assert not offers.may_offer
    assert (offers.local, offers.remote) == (None, None)
    assert offers.receive("theirs") is Role.ANSWER
    assert (offers.local, offers.remote) == ("mine", "theirs")
    offers.receive_offer("new")
    assert (offers.local, offers.remote) == ("mine", "theirs")
    offers.send_answer("my new")
    assert (offers.local, offers.remote) == ("my new", "new")


def test_the_2xx_after_a_183_repeats_the_answer() -> None:
    offers: OfferAnswer[str] = OfferAnswer()
    offers.send_offer("mine")
    assert offers.receive("early") is Role.ANSWER
    assert offers.receive("final") is Role.REPEAT
    assert offers.remote == "early"
    offers.replace_answer("final")
    assert offers.remote == "final"
    offers.settle()
    assert offers.receive("their offer in a late 2xx") is Role.OFFER
    assert offers.state is State.REMOTE_OFFER


def test_an_invite_without_a_description_asks_for_an_offer() -> None:
    offers: OfferAnswer[str] = OfferAnswer()
    assert offers.receive("offer in the 200") is Role.OFFER
    offers.send_answer("answer in the ACK")
    assert (offers.local, offers.remote) == ("answer in the ACK", "offer in the 200")


def test_crossing_offers_are_refused() -> None:
    offers: OfferAnswer[str] = OfferAnswer()
    offers.send_offer("mine")
    with pytest.raises(SIPError) as refusal:
        offers.receive_offer("theirs")
    assert refusal.value.status == 491
    offers.withdraw()
    offers.receive_offer("theirs")
    with pytest.raises(SIPError) as refusal:
        offers.receive_offer("again")
    assert refusal.value.status == 500
    assert refusal.value.headers[0][0] == "Retry-After"
    with pytest.raises(ValueError, match="offer in state"):
        offers.send_offer("mine")


def test_a_withdrawn_offer_leaves_what_was_in_force() -> None:
    offers: OfferAnswer[str] = OfferAnswer()
    offers.send_offer("a")
    offers.receive("b")
    offers.send_offer("c")
    offers.withdraw()
    assert (offers.state, offers.local, offers.remote, offers.offered) == (State.STABLE, "a", "b", None)
    with pytest.raises(ValueError, match="answer in state"):
        offers.send_answer("x")
    offers.send_offer("d")
    with pytest.raises(ValueError, match="repeated answer"):
        offers.replace_answer("x")


def test_glare_waits_differ_by_side() -> None:
    rng = random.Random(1)
    owner = [glare_delay(True, rng) for _ in range(200)]
    other = [glare_delay(False, rng) for _ in range(200)]
    assert min(owner) >= 2.1
    assert max(owner) <= 4.0
    assert min(other) >= 0.0
    assert max(other) <= 2.0
    assert 0 <= int(retry_after(rng)[1]) <= 10


@given(st.lists(st.sampled_from(["send_offer", "send_answer", "receive", "receive_offer", "withdraw", "settle"])))
def test_no_sequence_of_descriptions_breaks_the_rules(steps: list[str]) -> None:
    offers: OfferAnswer[int] = OfferAnswer()
    open_offers = 0
    for number, step in enumerate(steps):
        try:
            verb = getattr(offers, step)
            result = verb() if step in ("withdraw", "settle") else verb(number)
        except (ValueError, SIPError):
            continue
        if step in ("send_offer", "receive_offer") or result is Role.OFFER:
            open_offers += 1
        elif step in ("send_answer", "withdraw") or result is Role.ANSWER:
            open_offers = 0
        assert open_offers in (0, 1)
        assert offers.may_offer == (open_offers == 0)


# Sessions


def session() -> tuple[Session[str], Dialog]:
    """The callee's session, and the caller's dialog to make requests with."""
    request = invite()
    answer = request.response(200, to_tag="bob")
    answer.add("Contact", "<sip:bob@h>")
    return Session(Dialog.of_request(request, "bob")), Dialog.of_response(request, answer)


def server(request: Request) -> ServerInvite:
    return ServerInvite(("k", request.cseq.number), "INVITE", UDP)


def test_a_reinvite_that_crosses_ours_is_491_and_a_second_one_500() -> None:
    callee, caller = session()
    layer = TransactionLayer()
    callee.sent_invite = layer.request(callee.dialog.request("INVITE"), UDP, 0.0, via=VIA)[0]
    assert not callee.may_invite
    with pytest.raises(SIPError) as refusal:
        callee.receive(caller.request("INVITE"))
    assert refusal.value.status == 491
    callee.invite_done(callee.sent_invite)
    first = caller.request("INVITE")
    transaction = server(first)
    callee.receive(first, transaction)
    assert not callee.may_invite
    second = caller.request("INVITE")
    with pytest.raises(SIPError) as refusal:
        callee.receive(second, server(second))
    assert refusal.value.status == 500
    callee.invite_done(transaction)
    assert callee.may_invite


def test_an_update_is_checked_for_its_interval_and_refreshes_the_target() -> None:
    callee, caller = session()
    callee.receive(caller.request("UPDATE", [("Session-Expires", "100")], contact="<sip:alice@new>"))
    assert callee.dialog.remote_target == "sip:alice@new"
    assert callee.may_update
    with pytest.raises(SIPError) as refusal:
        callee.receive(caller.request("UPDATE", [("Session-Expires", "60")]))
    assert refusal.value.status == 422


# Reliable provisionals


class Ringing:
    """A server INVITE whose provisionals are sent reliably from time 0."""

    def __init__(self) -> None:
        self.layer = TransactionLayer()
        self.request = invite()
        self.request.insert(0, "Via", f"{VIA};branch=z9hG4bKrel")
        (event,) = self.layer.receive(parse(self.request.to_bytes()), UDP, 0.0)
        assert isinstance(event, RequestReceived)
        assert isinstance(event.transaction, ServerInvite)
        self.transaction = event.transaction
        self.reliable = ReliableProvisionals(event.transaction, event.request, rng=random.Random(3))

    def send(self, status: int, now: float, body: bytes = b"") -> list[Response]:
        response = self.request.response(status, to_tag="bob")
        response.body = body
        events = self.reliable.send(response, now)
        self.layer.watch(self.reliable)
        return [message for event in events if isinstance(message := parse(event.data), Response)]  # type: ignore[union-attr]

    def prack(self, rack: str, now: float) -> list[object]:
        request = Request("PRACK", "sip:bob@h", [("RAck", rack)])
        events = self.reliable.prack(request, now)
        self.layer.watch(self.reliable)
        return list(events)


def test_a_reliable_provisional_is_repeated_until_its_prack() -> None:
    ringing = Ringing()
    (sent,) = ringing.send(180, 0.0)
    assert wants_reliable(sent)
    order = ProvisionalOrder()
    rack = order.rack(sent)
    assert rack == f"{sent.get('RSeq')} 1 INVITE"
    assert order.rack(sent) is None
    times = []
    while (due := ringing.layer.next_timer) is not None and due < 4.0:
        times += [due for event in ringing.layer.timer(due) if isinstance(event, Send)]
    assert times == [0.5, 1.5, 3.5]
    assert ringing.reliable.pending
    assert ringing.prack(rack, 4.0) == []
    assert not ringing.reliable.pending
    assert ringing.layer.next_timer is None
    with pytest.raises(SIPError) as refusal:
        ringing.prack(rack, 4.1)
    assert refusal.value.status == 481


def test_only_one_is_on_its_way_at_a_time() -> None:
    ringing = Ringing()
    (first,) = ringing.send(180, 0.0)
    assert ringing.send(183, 0.1, b"v=0") == []
    assert ringing.reliable.holds_answer
    (event,) = ringing.prack(f"{first.get('RSeq')} 1 INVITE", 0.2)
    assert isinstance(event, Send)
    second = parse(event.data)
    assert isinstance(second, Response)
    assert second.status == 183
    assert int(second.get("RSeq") or 0) == int(first.get("RSeq") or 0) + 1
    assert ringing.reliable.holds_answer
    ringing.reliable.stop()
    assert not ringing.reliable.holds_answer


def test_without_a_prack_it_fails_after_64_t1() -> None:
    ringing = Ringing()
    ringing.send(180, 0.0)
    events = []
    while (due := ringing.layer.next_timer) is not None and due < 100.0:
        events = ringing.layer.timer(due)
        last = due
    assert events == [ProvisionalTimeout(ringing.reliable)]
    assert last == 32.0


def test_nothing_is_repeated_after_the_final_response() -> None:
    ringing = Ringing()
    ringing.send(180, 0.0)
    ringing.layer.respond(ringing.transaction, ringing.request.response(486, to_tag="bob"), 0.1)
    assert all(b"486" in event.data for event in ringing.layer.timer(0.7) if isinstance(event, Send))
    assert ringing.send(183, 0.8) == []
    with pytest.raises(ValueError, match="reliably"):
        ringing.send(100, 0.9)


@pytest.mark.parametrize("rack", ["", "1", "1 2", "x 1 INVITE", "1 1 INVITE x"])
def test_a_malformed_rack_is_400(rack: str) -> None:
    ringing = Ringing()
    ringing.send(180, 0.0)
    with pytest.raises(SIPError) as refusal:
        ringing.prack(rack, 0.1)
    assert refusal.value.status == 400


def test_a_gap_in_the_sequence_is_not_acknowledged() -> None:
    def provisional(rseq: int) -> Response:
        return Response(180, "", [("CSeq", "1 INVITE"), ("Require", "100rel"), ("RSeq", str(rseq))])

    order = ProvisionalOrder()
    assert order.rack(provisional(7)) == "7 1 INVITE"
    assert order.rack(provisional(9)) is None
    assert order.rack(provisional(8)) == "8 1 INVITE"
    assert order.rack(Response(180, "", [("CSeq", "1 INVITE")])) is None


# Session timers


def request_with(value: str = "", *, supported: bool = True) -> Request:
    request = invite(method="UPDATE")
    if supported:
        request.add("Supported", "timer")
    if value:
        request.add("Session-Expires", value)
    return request


@pytest.mark.parametrize(
    ("asked", "supported", "use", "answer", "refreshing"),
    [
        ("300", True, Use.YES, "300;refresher=uac", False),
        ("300;refresher=uas", True, Use.YES, "300;refresher=uas", True),
        ("300;refresher=uac", True, Use.YES, "300;refresher=uac", False),
        ("300", False, Use.YES, "300;refresher=uas", True),
        ("", True, Use.YES, None, False),
        ("", True, Use.REQUIRED, "1800;refresher=uas", True),
        ("", False, Use.ALWAYS, "1800;refresher=uas", True),
        ("300", True, Use.NO, None, False),
    ],
)
def test_what_the_callee_answers(asked: str, supported: bool, use: Use, answer: str | None, refreshing: bool) -> None:
    timer = SessionTimer(use)
    request = request_with(asked, supported=supported)
    timer.check(request)
    headers = timer.answer(request, 0.0)
    assert dict(headers).get("Session-Expires") == answer
    assert (("Require", "timer") in headers) == (answer is not None and supported)
    assert timer.refreshing is refreshing
    assert (timer.next_timer is None) == (answer is None)


def test_the_refresher_is_told_at_half_time_and_both_before_the_end() -> None:
    timer = SessionTimer()
    timer.answer(request_with("300;refresher=uas"), 0.0)
    assert timer.next_timer == 150.0
    assert timer.timer(149.0) == []
    assert timer.timer(150.0) == [SessionRefreshDue(timer)]
    assert timer.next_timer == 268.0
    assert timer.timer(268.0) == [SessionExpired(timer)]
    assert timer.next_timer is None
    short = SessionTimer()
    short.answer(request_with("90"), 0.0)
    assert short.next_timer == 60.0


def test_a_refresh_restarts_the_timer() -> None:
    timer = SessionTimer()
    timer.answer(request_with("300"), 0.0)
    timer.answer(request_with("300"), 150.0)
    assert timer.next_timer == 150.0 + 268.0


def test_too_short_an_interval_is_422_and_the_caller_tries_again() -> None:
    callee = SessionTimer(min_se=200)
    with pytest.raises(SIPError) as refusal:
        callee.check(request_with("120"))
    assert refusal.value.status == 422
    assert refusal.value.headers == (("Min-SE", "200"),)
    caller = SessionTimer(expires=120)
    assert caller.refused(Response(422, "", [("Min-SE", "200")]))
    assert dict(caller.request_headers()) == {"Session-Expires": "200", "Min-SE": "200"}
    assert not caller.refused(Response(422, "", [("Min-SE", "200")]))
    assert not caller.refused(Response(486))


def test_a_peer_without_timers_is_refused_when_they_are_required() -> None:
    with pytest.raises(SIPError) as refusal:
        SessionTimer(Use.REQUIRED).check(request_with(supported=False))
    assert refusal.value.status == 421


def test_what_the_caller_takes_from_a_2xx() -> None:
    def answered(value: str, use: Use = Use.YES) -> SessionTimer:
        timer = SessionTimer(use)
        timer.agreed(Response(200, "", [("Session-Expires", value)] if value else []), 0.0)
        return timer

    assert answered("100;refresher=uac").refreshing
    assert not answered("100;refresher=uas").refreshing
    assert answered("").next_timer is None
    assert answered("", Use.ALWAYS).refreshing
    running = answered("100;refresher=uas")
    assert dict(running.request_headers())["Session-Expires"] == "100;refresher=uas"
    running.agreed(Response(200, "", []), 1.0)
    assert running.next_timer is None
    assert SessionTimer(Use.NO).request_headers() == []


def test_a_malformed_interval_is_400() -> None:
    with pytest.raises(SIPError) as refusal:
        session_expires(request_with("soon"))
    assert refusal.value.status == 400
