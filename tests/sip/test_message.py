"""Messages and headers: lazy reading, changing, writing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.sip.body import find_part, multipart, parts_of
from offhook.sip.errors import SIPError
from offhook.sip.headers import CSeq, Reason, Replaces, Via, canonical
from offhook.sip.message import Request, Response, make_request
from offhook.sip.parser import parse
from offhook.sip.reasons import reason_of
from sip.torture import request, wire


def parsed(extra: str = "", **kwargs: str) -> Request:
    message = parse(request(extra=extra, **kwargs))
    assert isinstance(message, Request)
    return message


def test_names_are_found_in_any_spelling_and_order_is_kept() -> None:
    message = parsed("m: <sip:a@b>\nX-Odd: 1\nx-oDD: 2\nk: timer, 100rel\nSUPPORTED: replaces")
    assert message.get("contact") == message.get("M") == message.get("Contact") == "<sip:a@b>"
    assert message.get_all("X-ODD") == ["1", "2"]
    assert message.get("x-odd") == "1"
    assert message.tokens("Supported") == {"timer", "100rel", "replaces"}
    assert "session-expires" not in message
    assert [name for name, _ in message.headers][-5:-1] == ["X-Odd", "x-oDD", "Supported", "Supported"]
    assert canonical("CALL-id") == "Call-ID"
    assert canonical("X-Own") == "X-Own"


def test_changing_a_header_changes_what_is_read_and_sent() -> None:
    message = parsed()
    assert message.cseq.number == 8
    message.set("CSeq", "9 OPTIONS")
    assert message.cseq.number == 9
    message.add("Subject", "one")
    assert b"Subject: one\r\n" in message.to_bytes()
    message.set("s", "two")
    assert message.get("Subject") == "two"
    assert b"Subject: two\r\n" in message.to_bytes()
    message.remove("subject")
    assert "Subject" not in message
    assert b"Subject" not in message.to_bytes()
    message.set("New", "x")
    assert message.headers[-1] == ("New", "x")


def test_a_copy_is_independent() -> None:
    message = parsed()
    copy = message.copy()
    copy.set("Call-ID", "other")
    assert message.call_id != "other"
    assert copy.to_bytes() != message.to_bytes()


def test_content_length_is_computed() -> None:
    message = parsed()
    message.body = b"hello"
    message.touched()
    assert message.to_bytes().endswith(b"\r\nContent-Length:     5\r\n\r\nhello")


def test_a_message_that_came_in_is_sent_on_with_one_content_length() -> None:
    sent = parsed("X-Note: Content-Length").to_bytes()
    assert sent.count(b"Content-Length: ") == 1
    assert b"X-Note: Content-Length\r\n" in sent


def test_a_line_break_in_a_value_makes_no_header() -> None:
    message = parsed()
    message.add("X-Note", "one\r\nX-Other: two")
    again = parse(message.to_bytes())
    assert again.get("X-Other") is None


def test_the_top_via_is_put_in_front_or_replaced_and_the_rest_stays_known() -> None:
    message = make_request("ACK", "sip:b@h", "<sip:a@h>;tag=1", "<sip:b@h>;tag=2", "id", 1)
    assert message.get("Via") is None
    message.set_top_via("SIP/2.0/UDP here;branch=z9hG4bK1")
    assert message.via.branch == "z9hG4bK1"
    assert message.tags == ("1", "2")
    message.set_top_via("SIP/2.0/UDP here;branch=z9hG4bK2")
    assert message.get_all("Via") == ["SIP/2.0/UDP here;branch=z9hG4bK2"]
    assert message.via.branch == "z9hG4bK2"
    assert message.to_bytes().count(b"Via: ") == 1


def test_a_response_takes_over_what_rfc_3261_8_2_6_asks() -> None:
    message = parsed("Via: SIP/2.0/UDP second;branch=z9hG4bK2\nRecord-Route: <sip:p;lr>\nTimestamp: 1")
    ringing = message.response(180, to_tag="mine")
    assert ringing.get_all("Via") == message.get_all("Via")
    assert ringing.get("Record-Route") == "<sip:p;lr>"
    assert ringing.to_tag == "mine"
    assert ringing.reason == "Ringing"
    assert message.response(100, to_tag="mine").to_tag == ""
    assert "Record-Route" not in message.response(404)
    inside = parsed(to="<sip:bob@example.com>;tag=theirs")
    assert inside.response(200, to_tag="mine").to_tag == "theirs"


def test_the_source_is_noted_in_the_via() -> None:
    message = parsed(via="SIP/2.0/UDP phone.local:5070;rport;branch=z9hG4bKx, SIP/2.0/UDP other;branch=z9hG4bKy")
    message.received_from("198.51.100.7", 40000)
    assert message.get("Via") == (
        "SIP/2.0/UDP phone.local:5070;rport=40000;branch=z9hG4bKx;received=198.51.100.7, "
        "SIP/2.0/UDP other;branch=z9hG4bKy"
    )
    assert message.via.reply_address() == ("198.51.100.7", 40000)
    assert b"rport=40000" in message.response(200).to_bytes()
    honest = parsed(via="SIP/2.0/UDP 198.51.100.7:5070;branch=z9hG4bKx")
    honest.received_from("198.51.100.7", 5070)
    assert honest.via.params == {"branch": "z9hG4bKx"}
    assert honest.via.reply_address() == ("198.51.100.7", 5070)


@pytest.mark.parametrize(
    ("via", "address"),
    [
        ("SIP/2.0/UDP h", ("h", 5060)),
        ("SIP/2.0/TLS h", ("h", 5061)),
        ("SIP/2.0/UDP h:7;received=192.0.2.9", ("192.0.2.9", 7)),
        ("SIP/2.0/UDP h:7;maddr=224.0.1.75", ("224.0.1.75", 7)),
        ("SIP/2.0/UDP [2001:db8::1]:7", ("2001:db8::1", 7)),
    ],
)
def test_where_a_response_goes(via: str, address: tuple[str, int]) -> None:
    assert Via.parse(via).reply_address() == address


def test_typed_headers() -> None:
    message = parsed(
        'Replaces: 12@h;to-tag=a;from-tag=b;early-only\nReason: Q.850;cause=16;text="Normal, clearing", SIP;cause=200\n'
        "Privacy: id;Header\nSession-Expires: 90;refresher=uas\nExpires: 3600\nDiversion: <sip:1@h>;reason=busy"
    )
    replaces = message.replaces
    assert replaces is not None
    assert replaces.dialog_id == ("12@h", "a", "b")
    assert replaces.early_only
    assert str(replaces) == "12@h;to-tag=a;from-tag=b;early-only"
    assert [(r.protocol, r.cause, r.text) for r in message.reasons] == [
        ("Q.850", 16, "Normal, clearing"),
        ("SIP", 200, ""),
    ]
    assert str(message.reasons[0]) == 'Q.850;cause=16;text="Normal, clearing"'
    assert message.privacy == {"id", "header"}
    expires = message.valued("Session-Expires")
    assert expires is not None
    assert (expires.value, expires.params) == ("90", {"refresher": "uas"})
    assert message.valued("Event") is None
    assert message.expires == 3600
    assert message.addresses("Diversion")[0].params["reason"] == "busy"
    assert str(Reason("SIP", 486)) == "SIP;cause=486"


@pytest.mark.parametrize(
    "extra", ["Replaces: 1;to-tag=a", "Replaces: a;to-tag=1;from-tag=2\nReplaces: b;to-tag=1;from-tag=2"]
)
def test_a_faulty_replaces_is_400(extra: str) -> None:
    with pytest.raises(SIPError) as refusal:
        _ = parsed(extra).replaces
    assert refusal.value.status == 400


def test_a_replaces_needs_both_tags() -> None:
    with pytest.raises(SIPError):
        Replaces.parse("only-a-call-id")


def test_a_missing_header_is_named() -> None:
    with pytest.raises(SIPError, match="Missing Refer-To"):
        parsed().typed("Refer-To", str)


@pytest.mark.parametrize("text", ["1", "x INVITE", "-1 INVITE", "1 INV ITE", "99999999999 INVITE", ""])
def test_malformed_cseq(text: str) -> None:
    with pytest.raises(SIPError):
        CSeq.parse(text)


def test_bare_line_feeds_are_line_breaks() -> None:
    data = request(extra="X: y", body="hello").replace(b"\r\n", b"\n")
    message = parse(data)
    assert message.get("X") == "y"
    assert message.body == b"hello"


def test_a_bare_carriage_return_is_white_space() -> None:
    message = parse(request(extra="X: a\rb"))
    assert message.get("X") == "a b"
    assert b"a b\r\n" in message.to_bytes()


def test_header_order_of_our_requests() -> None:
    message = make_request(
        "INVITE",
        "sip:b@h",
        "<sip:a@h>;tag=1",
        "<sip:b@h>",
        "id",
        1,
        [("Allow", "INVITE")],
        contact="<sip:a@c>",
        user_agent="X",
        body=b"b",
        content_type="text/plain",
    )
    assert [name for name, _ in message.headers] == [
        *("From", "To", "Contact", "Call-ID", "CSeq", "Allow", "Max-Forwards", "User-Agent", "Content-Type")
    ]
    assert isinstance(message, Request)


def test_bodies_of_several_parts() -> None:
    content_type, body = multipart([("application/sdp", b"v=0\r\n"), ("text/plain", b"")], "b0undary")
    message = Request("INVITE", "sip:a@b", [("Content-Type", content_type)], body)
    assert find_part(message, "application/sdp") == b"v=0\r\n"
    assert find_part(message, "image/png") is None
    assert [(part.content_type, part.content) for part in parts_of(message)] == [
        ("application/sdp", b"v=0\r\n"),
        ("text/plain", b""),
    ]
    message.set("Content-Type", "multipart/mixed")
    with pytest.raises(SIPError):
        parts_of(message)
    plain = Request("INVITE", "sip:a@b", [("Content-Type", "Application/SDP; x=y")], b"v=0")
    assert find_part(plain, "application/sdp") == b"v=0"
    assert parts_of(Request("INVITE", "sip:a@b")) == []


def test_phrases() -> None:
    assert reason_of(486) == "Busy Here"
    assert reason_of(499) == "Client Error"
    assert Response(200, "Fine").start_line == "SIP/2.0 200 Fine"


TOKEN = st.text("abcXYZ0189-.!%*_+`'~", min_size=1, max_size=12)
VALUE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30).map(str.strip)


@given(st.lists(st.tuples(TOKEN.map(lambda name: f"X-{name}"), VALUE), max_size=8), st.binary(max_size=40))
def test_any_message_survives_writing_and_reading(headers: list[tuple[str, str]], body: bytes) -> None:
    message = make_request("INFO", "sip:b@h", "<sip:a@h>;tag=1", "<sip:b@h>", "id", 1, headers, body=body)
    message.insert(0, "Via", "SIP/2.0/UDP h;branch=z9hG4bKx")
    again = parse(message.to_bytes())
    assert [(name, value) for name, value in again.headers if name != "Content-Length"] == message.headers
    assert again.body == body


@given(st.binary(max_size=200))
def test_no_bytes_break_the_parser(data: bytes) -> None:
    for candidate in (data, wire("OPTIONS sip:a SIP/2.0") + data, request() + data, request().replace(b"sip", data)):
        try:
            message = parse(candidate)
        except SIPError:
            continue
        message.to_bytes()


def test_compact_names_on_the_wire() -> None:
    message = parsed("Supported: timer\nSubject: x")
    message.compact = True
    text = message.to_bytes().decode()
    assert "\r\nv: SIP/2.0" in text
    assert "\r\nk: timer\r\ns: x\r\nl:     0\r\n\r\n" in text
    assert parse(text.encode()).headers[:-1] == message.headers[:-1]


@given(st.text("ab\r\n:;<> ", max_size=12), st.sampled_from(["name", "value", "target", "reason"]))
def test_no_value_becomes_a_header_or_a_message_of_its_own(text: str, place: str) -> None:
    message = make_request("INFO", "sip:b@h", "<sip:a@h>;tag=1", "<sip:b@h>", "id", 1, [("X", "y")])
    message.insert(0, "Via", "SIP/2.0/UDP h;branch=z9hG4bKx")
    if place == "target":
        message.target = f"sip:b@h{text}"
    elif place == "reason":
        response = message.response(200, f"OK{text}")
        assert response.to_bytes().count(b"\r\n") == len(response.headers) + 3
        return
    else:
        message.add(f"X-A{text}" if place == "name" else "X-A", text if place == "value" else "v")
    wire_form = message.to_bytes()
    assert wire_form.count(b"\r\n") == wire_form.count(b"\n") == wire_form.count(b"\r") == len(message.headers) + 3


@pytest.mark.parametrize(
    ("value", "seconds"), [("5", 5), ("18000;duration=3600", 18000), ("120 (I'm in a meeting)", 120), ("soon", None)]
)
def test_retry_after(value: str, seconds: int | None) -> None:
    assert Response(503, "", [("Retry-After", value)]).retry_after == seconds
    assert Response(503).retry_after is None


def test_line_breaks_before_a_message_are_ignored() -> None:
    assert parse(b"\r\n\r\n" + request()).to_bytes() == parse(request()).to_bytes()


def test_white_space_in_a_via() -> None:
    via = Via.parse("SIP / 2.0 /\tUDP\tfirst.example.com : 4000 ; ttl = 16")
    assert (via.transport, via.host, via.port, via.params) == ("UDP", "first.example.com", 4000, {"ttl": "16"})


@pytest.mark.parametrize(
    ("via", "branch"),
    [
        ("SIP/2.0/UDP h;rport;branch=z9hG4bKx", "z9hG4bKx"),
        ("SIP/2.0/UDP h;branch=z9hG4bKx;rport=5", "z9hG4bKx"),
        ("SIP/2.0/UDP h;branch=a, SIP/2.0/UDP h;branch=b", "a"),
        ("SIP/2.0/UDP h ; Branch = c", "c"),
        ("SIP/2.0/UDP h", ""),
    ],
)
def test_the_branch_is_found_without_parsing_the_rest(via: str, branch: str) -> None:
    assert Request("INVITE", "sip:a", [("Via", via)]).branch == branch
