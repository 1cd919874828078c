"""Caller-ID messages: coded, read back, found among noise; DTMF caller ID."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel_shims.simulator.sound import japanese_frame
from offhook.media.callerid import (
    Call,
    JapaneseReceiver,
    MessageError,
    Receiver,
    Waiting,
    decode,
    decode_digits,
    encode_call,
    encode_digits,
    encode_waiting,
)
from offhook.media.callerid.japanese import crc

times = st.from_regex(r"(0[1-9]|1[0-2])(0[1-9]|[12][0-9])([01][0-9]|2[0-3])[0-5][0-9]", fullmatch=True)
numbers = st.text("0123456789*#", min_size=1, max_size=20)
names = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=50).map(
    lambda text: text.rstrip() or "x"
)
calls = st.builds(
    Call,
    number=st.none() | numbers,
    name=st.none() | names,
    time=times,
    no_number=st.just(""),
    no_name=st.just(""),
    dialled=st.just("") | numbers,
).map(lambda call: Call(call.number, call.name, call.time, "" if call.number else "P", "" if call.name else "O"))
waitings = st.builds(Waiting, lamp=st.booleans(), count=st.none() | st.integers(0, 255))


def test_the_message_of_gr_30s_example() -> None:
    """September 30th, 12:24, number 6095551212: the example every implementer checks (single format)."""
    message = encode_call(Call("6095551212", time="09301224"), single=True)
    assert message == bytes.fromhex("04 12 30 39 33 30 31 32 32 34 36 30 39 35 35 35 31 32 31 32 51".replace(" ", ""))


def test_a_message_waiting_lamp() -> None:
    assert encode_waiting(Waiting(True)) == bytes((0x82, 3, 0x0B, 1, 0xFF, 0x70))
    assert encode_waiting(Waiting(False), single=True)[:5] == b"\x06\x03ooo"
    assert decode(encode_waiting(Waiting(True), single=True)) == Waiting(True)


@given(calls)
def test_calls_read_back(call: Call) -> None:
    assert decode(encode_call(call)) == call


@given(waitings)
def test_waiting_reads_back(waiting: Waiting) -> None:
    assert decode(encode_waiting(waiting)) == waiting


def test_why_there_is_no_number() -> None:
    assert decode(encode_call(Call(no_number="P", time="01010000"), single=True)).no_number == "P"  # type: ignore[union-attr]
    assert decode(encode_call(Call())) == Call(no_number="O")


def test_long_names_and_odd_letters_are_cut_and_replaced() -> None:
    read = decode(encode_call(Call("1" * 40, "Zoë " + "x" * 99)))
    assert isinstance(read, Call)
    assert read.number == "1" * 20
    assert read.name is not None
    assert read.name.startswith("Zoë x")
    assert len(read.name) == 50


@pytest.mark.parametrize(
    "message",
    [b"", b"\x80", b"\x80\x00\x00", b"\x80\x00", b"\x99\x00\x67", b"\x80\x01\x01\x7e", b"\x80\x02\x02\x09\x73"],
)
def test_what_is_no_message_is_refused(message: bytes) -> None:
    with pytest.raises(MessageError):
        decode(message)


@given(st.binary(max_size=300))
def test_a_receiver_survives_anything(octets: bytes) -> None:
    receiver = Receiver()
    for at in range(0, len(octets), 7):
        receiver.feed(octets[at : at + 7])
    receiver.carrier_lost()


@given(st.binary(max_size=20).filter(lambda noise: not set(noise) & {4, 6, 0x80, 0x82}), st.lists(calls, max_size=3))
def test_messages_are_found_among_noise(noise: bytes, several: list[Call]) -> None:
    receiver = Receiver()
    found = receiver.feed(b"\x55" * 30 + noise)
    for call in several:
        found += receiver.feed(encode_call(call) + noise)
    assert found == several


def test_a_message_behind_what_looked_like_one() -> None:
    receiver = Receiver()
    assert receiver.feed(b"\x80\xf0" + encode_call(Call("123"))) == []
    assert receiver.carrier_lost() == [Call("123")]


def test_a_broken_message_is_told() -> None:
    receiver = Receiver()
    broken = bytearray(encode_call(Call("123")))
    broken[4] ^= 1
    assert receiver.feed(bytes(broken)) == []
    assert "checksum" in receiver.errors[0]


@pytest.mark.parametrize(
    ("digits", "call"),
    [
        ("A5551234C", Call("5551234")),
        ("D5551234C", Call("5551234")),
        ("A5551234#", Call("5551234")),
        ("5551234", Call("5551234")),
        ("B00C", Call(no_number="O")),
        ("B10C", Call(no_number="P")),
        ("D1#", Call(no_number="P")),
        ("D2#", Call(no_number="O")),
        ("", Call(no_number="O")),
    ],
)
def test_dtmf_caller_id(digits: str, call: Call) -> None:
    assert decode_digits(digits) == call


@given(st.text("0123456789", min_size=1, max_size=20), st.sampled_from("AD"), st.sampled_from("C#"))
def test_dtmf_caller_id_reads_back(number: str, start: str, end: str) -> None:
    if start == "D" and number[1:2] == "" and end == "#":
        return  # a one-digit number from Denmark is a code
    assert decode_digits(encode_digits(Call(number), start, end)) == Call(number)
    assert decode_digits(encode_digits(Call(no_number="P"))) == Call(no_number="P")


def test_letters_that_enclose_nothing() -> None:
    with pytest.raises(ValueError, match="enclose"):
        encode_digits(Call("1"), "X")


def _ntt(octets: bytes, size: int = 7) -> tuple[list[Call | Waiting], list[str]]:
    """What a receiver finds, fed so many octets at a time."""
    receiver, found = JapaneseReceiver(), list[Call | Waiting]()
    for at in range(0, len(octets), size):
        found += receiver.feed(octets[at : at + size])
    return found + receiver.carrier_lost(), receiver.errors


def test_a_frame_of_ntt_s_octet_by_octet() -> None:
    """0312345678: parity even, DLE before STX and ETX, the CRC's low octet first."""
    frame = japanese_frame([(2, b"0312345678")])
    assert frame[:8] == bytes.fromhex("90 81 87 90 82 c0 0c 82") and frame[8] == 0x0A
    assert frame[9:19] == bytes.fromhex("30 33 b1 b2 33 b4 35 36 b7 b8") and frame[19:21] == bytes.fromhex("90 03")
    assert _ntt(b"\xff\x55" + frame) == ([Call(number="0312345678")], [])


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([(0x21, b"\0\0\0"), (2, b"0901234"), (9, b"0355")], Call(number="0901234", dialled="0355")),
        ([(4, b"P")], Call(no_number="P")),
        *(([(4, letter)], Call(no_number="O")) for letter in (b"O", b"C", b"S")),
        ([(2, b"1" * 14)], Call(number="1" * 14)),  # a text of 16 octets: its length looks like a DLE
        ([(2, b"1" * 16)], Call(number="1" * 16)),
    ],
)
def test_what_ntt_s_exchanges_tell(values: list[tuple[int, bytes]], wanted: Call) -> None:
    assert _ntt(japanese_frame(values)) == ([wanted], [])


def test_a_length_of_16_may_stand_for_itself() -> None:
    """As Asterisk takes it; whoever sends it so counts the octets as they are sent."""
    inner = bytes.fromhex("87 90 82 c0 90 82 8e") + b"\xb1" * 14 + bytes.fromhex("90 03")
    assert _ntt(b"\x90\x81" + inner + crc(inner).to_bytes(2, "little"))[0] == [Call(number="1" * 14)]


def test_frames_of_ntt_s_that_cannot_be_read_say_why() -> None:
    frame = japanese_frame([(2, b"0312345678")])
    broken = frame[:10] + bytes([frame[10] ^ 4]) + frame[11:]
    assert "wrong CRC" in _ntt(broken)[1][0]
    assert "ends after 10 octets" in _ntt(frame[:12])[1][0]
    assert _ntt(broken + frame)[0] == [Call(number="0312345678")]


@given(st.binary(max_size=400), st.integers(1, 9))
def test_any_octets_are_no_frame_or_one(octets: bytes, size: int) -> None:
    _ntt(b"\x10\x01" + octets, size)


@given(numbers)
def test_numbers_of_ntt_s_read_back(number: str) -> None:
    assert _ntt(japanese_frame([(2, number.encode())]))[0] == [Call(number=number)]
