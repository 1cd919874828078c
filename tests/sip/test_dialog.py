"""Dialogs: who they are, where their requests go, which requests they take (RFC 3261 12)."""

from __future__ import annotations

import pytest

from offhook.sip.dialog import CONFIRMED, EARLY, TERMINATED, Dialog, Forks, incoming_id, outgoing_id
from offhook.sip.errors import SIPError
from offhook.sip.message import Request, Response
from sip.simulation import invite


def response(request: Request, status: int, tag: str = "bob", contact: str = "<sip:bob@198.51.100.1>") -> Response:
    made = request.response(status, to_tag=tag)
    if contact:
        made.add("Contact", contact)
    return made


def pair(record_route: str = "") -> tuple[Dialog, Dialog]:
    """The dialog of one call as the caller and the callee see it."""
    request = invite()
    if record_route:
        request.add("Record-Route", record_route)
    return Dialog.of_response(request, response(request, 200)), Dialog.of_request(request, "bob")


def test_both_sides_agree_on_the_dialog() -> None:
    caller, callee = pair()
    assert caller.id == ("call", "alice", "bob")
    assert callee.id == ("call", "bob", "alice")
    bye = caller.request("BYE")
    assert incoming_id(bye) == callee.id
    assert outgoing_id(bye.response(200)) == caller.id
    assert str(bye.cseq) == "2 BYE"
    assert bye.target == "sip:bob@198.51.100.1"
    assert bye.get("From") == "<sip:alice@192.0.2.1>;tag=alice"
    assert bye.get("To") == "<sip:bob@192.0.2.2>;tag=bob"
    other = callee.request("BYE")
    assert incoming_id(other) == caller.id
    assert str(other.cseq) == "1 BYE"
    assert other.target == "sip:alice@192.0.2.1"


def test_loose_routes_are_followed_in_opposite_order_by_each_side() -> None:
    caller, callee = pair("<sip:p1.example.com;lr>, <sip:p2.example.com;lr>")
    assert caller.request("BYE").get_all("Route") == ["<sip:p2.example.com;lr>", "<sip:p1.example.com;lr>"]
    assert caller.next_hop == "sip:p2.example.com;lr"
    assert callee.request("BYE").get_all("Route") == ["<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"]
    assert callee.request("BYE").target == "sip:alice@192.0.2.1"


def test_a_strict_router_gets_itself_as_request_uri() -> None:
    caller, _ = pair("<sip:p1.example.com>, <sip:p2.example.com>")
    bye = caller.request("BYE")
    assert bye.target == "sip:p2.example.com"
    assert bye.get_all("Route") == ["<sip:p1.example.com>", "<sip:bob@198.51.100.1>"]


def test_without_routes_the_target_is_the_next_hop() -> None:
    assert pair()[0].next_hop == "sip:bob@198.51.100.1"


def test_the_ack_carries_the_number_of_its_invite() -> None:
    caller, _ = pair()
    caller.request("UPDATE")
    assert str(caller.ack(1).cseq) == "1 ACK"


def test_requests_have_to_come_in_order() -> None:
    caller, callee = pair()
    first, second = caller.request("INFO"), caller.request("INFO")
    callee.receive_request(second)
    with pytest.raises(SIPError) as refusal:
        callee.receive_request(first)
    assert refusal.value.status == 500
    with pytest.raises(SIPError):
        callee.receive_request(second)
    callee.receive_request(caller.ack(1))


def test_targets_are_refreshed_by_the_requests_that_may() -> None:
    caller, callee = pair()
    callee.receive_request(caller.request("UPDATE", contact="<sip:alice@203.0.113.1>"))
    assert callee.remote_target == "sip:alice@203.0.113.1"
    callee.receive_request(caller.request("INFO", contact="<sip:alice@203.0.113.2>"))
    assert callee.remote_target == "sip:alice@203.0.113.1"
    update = callee.request("UPDATE")
    callee.receive_response(response(update, 200, contact="<sip:alice@203.0.113.3>"))
    assert callee.remote_target == "sip:alice@203.0.113.3"
    callee.receive_response(response(update, 488, contact="<sip:alice@203.0.113.4>"))
    assert callee.remote_target == "sip:alice@203.0.113.3"


def test_a_dialog_needs_a_contact() -> None:
    request = invite()
    with pytest.raises(SIPError, match="Missing Contact"):
        Dialog.of_response(request, response(request, 200, contact=""))
    assert Dialog.of_response(request, response(request, 180, contact="")).remote_target == "sip:bob@192.0.2.2"
    request.remove("Contact")
    with pytest.raises(SIPError, match="Missing Contact"):
        Dialog.of_request(request, "bob")


def test_an_early_dialog_takes_the_route_set_of_its_2xx() -> None:
    request = invite()
    forks = Forks(request)
    ringing = response(request, 180)
    ringing.add("Record-Route", "<sip:old;lr>")
    dialog = forks.receive(ringing)
    assert dialog is not None
    assert (dialog.state, dialog.route_set) == (EARLY, ["<sip:old;lr>"])
    answered = response(request, 200, contact="<sip:bob@203.0.113.9>")
    answered.add("Record-Route", "<sip:new;lr>")
    assert forks.receive(answered) is dialog
    assert (dialog.state, dialog.route_set) == (CONFIRMED, ["<sip:new;lr>"])
    assert dialog.remote_target == "sip:bob@203.0.113.9"
    again = response(request, 200)
    again.add("Record-Route", "<sip:newer;lr>")
    forks.receive(again)
    assert dialog.route_set == ["<sip:new;lr>"]


def test_each_tag_is_a_fork_and_a_failure_ends_the_early_ones() -> None:
    request = invite()
    forks = Forks(request)
    assert forks.receive(request.response(100)) is None
    one = forks.receive(response(request, 180, "one"))
    two = forks.receive(response(request, 183, "two"))
    three = forks.receive(response(request, 200, "three"))
    assert one is not None
    assert two is not None
    assert three is not None
    assert forks.receive(response(request, 180, "one")) is one
    assert forks.early == [one, two]
    assert forks.receive(response(request, 199, "two")) is two
    assert forks.early == [one]
    assert forks.receive(response(request, 486)) is None
    assert (one.state, two.state, three.state) == (TERMINATED, TERMINATED, CONFIRMED)


def test_the_callee_confirms_its_dialog() -> None:
    _, callee = pair()
    assert callee.state == EARLY
    callee.confirm()
    assert callee.state == CONFIRMED
    callee.terminate()
    assert callee.state == TERMINATED
