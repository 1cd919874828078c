"""Strange messages: the valid ones are understood, the invalid ones get the right answer (RFC 4475)."""

from __future__ import annotations

import time
from typing import NamedTuple

import pytest

from offhook.sip.body import find_part, parts_of
from offhook.sip.errors import SIPError
from offhook.sip.events import Event, Malformed, Send
from offhook.sip.layer import TransactionLayer
from offhook.sip.message import Request
from offhook.sip.parser import parse
from offhook.sip.sdp import parse_sdp
from sip.torture import INVALID, VALID, request


class Flow(NamedTuple):
    reliable: bool = False


def receive(data: bytes) -> list[Event]:
    layer = TransactionLayer()
    try:
        return layer.receive(parse(data), Flow(), 0.0)
    except SIPError as error:
        return layer.reject(error, Flow())


@pytest.mark.parametrize("name", VALID)
def test_valid_messages_are_taken(name: str) -> None:
    events = receive(VALID[name])
    assert not any(isinstance(event, Malformed | Send) for event in events)
    assert len(events) == 1


@pytest.mark.parametrize("name", VALID)
def test_valid_messages_survive_being_sent_again(name: str) -> None:
    first = parse(VALID[name])
    again = parse(first.to_bytes())
    assert again.start_line == first.start_line
    assert [header for header in again.headers if header[0] != "Content-Length"] == [
        header for header in first.headers if header[0] != "Content-Length"
    ]
    assert again.body == first.body


@pytest.mark.parametrize("name", INVALID)
def test_invalid_messages_are_refused(name: str) -> None:
    data, status = INVALID[name]
    events = receive(data)
    assert any(isinstance(event, Malformed) for event in events)
    answers = [event.data.split(b" ")[1] for event in events if isinstance(event, Send)]
    assert answers == ([] if status is None else [str(status).encode()])


def test_the_tortuous_invite_is_understood_in_full() -> None:
    message = parse(VALID["wsinv"])
    assert isinstance(message, Request)
    assert message.to.tag == message.to_tag == "1918181833n"
    assert message.from_.display == 'J Rosenberg \\"'
    assert message.from_tag == "98asjd8"
    assert message.cseq.number == 9
    assert (message.via.transport, message.via.host, message.via.branch) == ("UDP", "192.0.2.2", "390skdjuw")
    assert len(message.members("Via")) == 3
    assert message.get("NewFangledHeader") == "newfangled value continued newfangled value"
    assert message.get("Subject") == ""
    contact = message.contact
    assert contact is not None
    assert contact.display == 'Quoted string ""'
    assert contact.params == {"newparam": "newvalue", "secondparam": None, "q": "0.33"}
    sdp = find_part(message, "application/sdp")
    assert sdp is not None
    assert parse_sdp(sdp).media[0].port == 49217


def test_unusual_characters_stay_what_they_are() -> None:
    message = parse(VALID["intmeth"])
    assert isinstance(message, Request)
    assert message.method == "!interesting-Method0123456789_*+`.%indeed'~"
    assert message.uri.host == "example.com"
    assert message.uri.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    assert message.to.display == "BEL:\x07 NUL:\x00 DEL:\x7f"
    assert message.from_.params["fromparam''~+*_!.-%"] == '"работающий"'
    assert message.from_tag == "_token~1'+`*%!-."
    assert message.get("extensionheader-!.%*+_`'~") == "大停電"


def test_escapes_are_undone_in_user_parts_and_nowhere_else() -> None:
    message = parse(VALID["esc01"])
    assert isinstance(message, Request)
    assert message.uri.user == "sips:user@example.com"
    assert message.to.uri.user == "user"
    assert message.from_.uri.user == "I have spaces"
    other = parse(VALID["esc02"])
    assert isinstance(other, Request)
    assert other.method == "RE%47IST%45R"
    assert other.to.display == "%Z%45"
    null = parse(VALID["escnull"])
    assert [contact.uri.user for contact in null.contacts] == ["\0", "\0\0"]


def test_what_follows_the_body_in_a_datagram_is_ignored() -> None:
    message = parse(VALID["dblreq"])
    assert isinstance(message, Request)
    assert message.method == "REGISTER"
    assert message.body == b""


def test_a_multipart_body_comes_apart() -> None:
    parts = parts_of(parse(VALID["mpart01"]))
    assert [part.content_type for part in parts] == ["text/plain", "application/octet-stream"]
    assert parts[0].content == b"Hello"
    assert parts[1].content == b"\x00\x01--7a9\r\n"


def test_an_unanswerable_ack_gets_no_answer() -> None:
    events = receive(request("ACK", extra="no colon here"))
    assert [type(event) for event in events] == [Malformed]


@pytest.mark.parametrize(
    "piece",
    [
        b"Via: SIP/2.0/UDP h;branch=z9hG4bKx," + b"SIP/2.0/UDP h;b=c," * 3000 + b"SIP/2.0/UDP h\r\n",
        b"X: " + b'"' * 60001 + b"\r\n",
        b'Contact: "' + b"\\" * 60000 + b"\r\n",
        b"Contact: " + b"<" * 60000 + b"\r\n",
        b"Contact: " + b"<sip:a@b>," * 6000 + b"<sip:a@b>\r\n",
        b"Contact: <sip:a@b>" + b";a=b" * 15000 + b"\r\n",
        b"Contact: <sip:a" + b"%41" * 20000 + b"@b>\r\n",
        b"Contact: sip:" + b"@" * 60000 + b"\r\n",
        b"X: a\r\n" + b" b\r\n" * 15000,
        b"X" * 60000 + b": a\r\n",
        b"\n" * 60000,
        b"X: y\n" * 12000,
        b"Record-Route: " + b'<sip:a;lr>;x="a,b",' * 3000 + b"<sip:b;lr>\r\n",
    ],
    ids=lambda piece: piece[:12].decode(),
)
def test_hostile_values_cost_time_linear_in_their_length(piece: bytes) -> None:
    def cost(data: bytes) -> float:
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            receive(data)
            best = min(best, time.process_time() - start)
        return best

    head, _, rest = request().partition(b"\r\n")
    # Quadratic behaviour over 60 kB takes seconds; linear behaviour some milliseconds.
    assert cost(head + b"\r\n" + piece + rest) < 0.5
