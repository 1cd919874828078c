"""Messages cut out of a stream, however it is chopped (RFC 3261 18.3, RFC 5626 4.4.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.sip.errors import SIPError
from offhook.sip.framing import PING, PONG, StreamFraming, is_keepalive
from sip.torture import request


def chop(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


@given(
    st.lists(st.sampled_from([b"", b"body", b"x\r\n\r\ny", b"\r\n\r\n"]), min_size=1, max_size=4),
    st.lists(st.integers(0, 10000), max_size=20),
)
def test_messages_come_out_whole_however_the_stream_is_cut(bodies: list[bytes], cuts: list[int]) -> None:
    messages = [request(extra="l: 3", length="").replace(b"l: 3", b"l:  %d" % len(body)) + body for body in bodies]
    framing = StreamFraming()
    got: list[bytes] = []
    for piece in chop(b"".join(messages), cuts):
        got += framing.feed(piece)
    assert got == messages
    assert framing.pending == 0
    assert (framing.pings, framing.pongs) == (0, 0)


@given(st.integers(0, 3), st.lists(st.integers(0, 10000), max_size=6))
def test_pings_are_counted_before_and_between_messages(pings: int, cuts: list[int]) -> None:
    framing = StreamFraming()
    message = request(length="0")
    got: list[bytes] = []
    for piece in chop(PING * pings + message + PING + message, cuts):
        got += framing.feed(piece)
    assert got == [message, message]
    assert framing.pings == pings + 1


def test_a_pong_is_no_ping() -> None:
    framing = StreamFraming()
    framing.feed(PONG)
    assert framing.feed(request(length="0")) == [request(length="0")]
    assert (framing.pings, framing.pongs) == (0, 1)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (request(length=""), 411),
        (request(length="-1"), 400),
        (request(length="9" * 30), 400),
        (request(length="70000"), 513),
        (b"X" * 17000, 513),
        (b"\r" * 100, 400),
    ],
)
def test_a_stream_that_cannot_be_followed_ends(data: bytes, status: int) -> None:
    with pytest.raises(SIPError) as refusal:
        StreamFraming().feed(data)
    assert refusal.value.status == status


def test_a_body_comes_byte_by_byte_without_rescanning_the_head() -> None:
    framing = StreamFraming()
    message = request(body="z" * 2000)
    got = [out for byte in message for out in framing.feed(bytes([byte]))]
    assert got == [message]


def test_keepalives_are_told_from_messages() -> None:
    assert is_keepalive(b"\r\n\r\n")
    assert is_keepalive(b"\0\0\0\0")
    assert is_keepalive(b"")
    assert not is_keepalive(request())
