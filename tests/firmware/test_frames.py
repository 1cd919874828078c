"""Frames and the conversation over them, on any line."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.field.supervisor import messages as m
from offhook.field.supervisor.conversation import ANSWER_S, TRIES, Answered, Conversation, Told, Unanswered, sentence
from offhook.field.supervisor.frames import LONGEST_BODY, Decoder, Frame, crc16, stuff, unstuff

bodies = st.binary(max_size=LONGEST_BODY)


def test_the_checksum_is_the_common_one() -> None:
    assert crc16(b"123456789") == 0xD64E


@given(st.binary(max_size=600))
def test_stuffing_is_undone_and_has_no_zeros(data: bytes) -> None:
    stuffed = stuff(data)
    assert 0 not in stuffed
    assert len(stuffed) <= len(data) + 1 + len(data) // 254
    assert unstuff(stuffed) == data


@pytest.mark.parametrize("data", [b"\x03\x01", b"\x05\x01\x00\x01\x01", b"\x00", b"\xff\x01"])
def test_what_no_stuffing_makes_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not stuffed"):
        unstuff(data)


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255), bodies), max_size=5), st.randoms())
def test_frames_arrive_however_the_bytes_are_cut(frames: list[tuple[int, int, bytes]], dice: random.Random) -> None:
    data = b"".join(Frame(*frame).encode() for frame in frames)
    decoder, found = Decoder(), []
    while data:
        cut = dice.randint(1, len(data))
        found += decoder.feed(data[:cut])
        data = data[cut:]
    assert [(frame.kind, frame.sequence, frame.body) for frame in found] == frames
    assert (decoder.broken, decoder.foreign) == (0, 0)


@given(bodies, st.data())
def test_one_wrong_bit_is_noticed(body: bytes, data: st.DataObject) -> None:
    encoded = bytearray(Frame(1, 2, body).encode())
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    decoder = Decoder()
    found = decoder.feed(bytes(encoded)) + decoder.feed(b"\0")
    assert [(frame.kind, frame.sequence, frame.body) for frame in found] in ([], [(1, 2, body)])
    if found:  # the zero in front, which is no part of the frame
        assert encoded[0]


@given(st.binary(max_size=2000))
def test_after_rubbish_the_next_frame_arrives(rubbish: bytes) -> None:
    decoder = Decoder()
    decoder.feed(rubbish)
    found = decoder.feed(Frame(7, 8, b"nine").encode())
    assert (found[-1].kind, found[-1].body) == (7, b"nine")


def test_a_frame_of_another_version_is_counted_and_left() -> None:
    body = b"\x02\x01\x01"
    check = crc16(body)
    decoder = Decoder()
    assert decoder.feed(stuff(body + check.to_bytes(2, "big")) + b"\0") == []
    assert (decoder.foreign, decoder.broken) == (1, 0)


@given(st.randoms(), st.floats(0, 0.4))
@settings(max_examples=30)
def test_every_question_is_answered_once_or_told_unanswered(dice: random.Random, loss: float) -> None:
    """A line that loses frames both ways, an answering end that carries out what it is asked."""
    conversation, now = Conversation(), 0.0
    tickets = [conversation.ask(m.STATUS, bytes((number,)), now) for number in range(20)]
    decoder, ended = Decoder(), []
    while len(ended) < len(tickets):
        sent = conversation.to_send()
        for frame in decoder.feed(sent) if dice.random() >= loss else []:
            answer = Frame(frame.kind | 0x80, frame.sequence, b"\0" + frame.body).encode()
            if dice.random() >= loss:
                ended += conversation.receive(answer + answer * (dice.random() < 0.1), now)
        now += ANSWER_S / 2
        ended += conversation.timer(now)
    assert sorted(event.ticket for event in ended if not isinstance(event, Told)) == tickets
    for event in ended:
        if isinstance(event, Answered):
            assert event.body == bytes((tickets.index(event.ticket),))


def test_a_dead_line_is_told_after_four_tries() -> None:
    conversation = Conversation()
    ticket = conversation.ask(m.STATUS, b"", 0.0)
    sent = 0
    now, events = 0.0, []
    while not events:
        sent += bool(conversation.to_send())
        now += 0.1
        events = conversation.timer(now)
    assert events == [Unanswered(ticket)]
    assert sent == TRIES
    assert conversation.next_timer is None


def test_news_is_acknowledged_each_time_and_told_once() -> None:
    conversation = Conversation()
    frame = Frame(m.NEWS, 9, b"\x05\x01\x00\x00").encode()
    assert conversation.receive(frame, 0.0) == [Told(m.STOP_CHANGED, 1, 0)]
    assert conversation.receive(frame, 0.2) == []
    acknowledged = Decoder().feed(conversation.to_send())
    assert [(one.kind, one.sequence) for one in acknowledged] == [(m.ACKNOWLEDGE, 9)] * 2


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 65535))
def test_every_event_has_words(code: int, a: int, b: int) -> None:
    assert sentence(code, a, b)


@given(st.binary(max_size=40))
def test_what_is_no_status_is_refused(data: bytes) -> None:
    for kind in (m.Status, m.Identity):
        try:
            packed = kind.unpack(data).pack()
        except ValueError:
            continue
        assert len(packed) == len(data)
