"""STUN against the test vectors of RFC 5769, and what must not be taken for STUN."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.ice.stun import Attribute, Class, Message, Method, StunError

PASSWORD = b"VOkJxbRl1RmTxUk/WvJxBt"
REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff"
    "80290008932ff9b151263b36000600096576746a3a6836765920202000080014"
    "9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf"
)
RESPONSE_4 = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96"
)
RESPONSE_6 = bytes.fromhex(
    "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f722000200014"
    "0002a1470113a9faa5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed41"
    "80280004c8fb0b4c"
)


def test_the_request_of_rfc_5769() -> None:
    message = Message.parse(REQUEST)
    assert (message.method, message.kind) == (Method.BINDING, Class.REQUEST)
    assert message.text(Attribute.USERNAME) == "evtj:h6vY"
    assert message.number(Attribute.PRIORITY) == 0x6E0001FF
    assert message.is_signed_by(PASSWORD)
    assert not message.is_signed_by(b"guess")


@pytest.mark.parametrize(
    ("data", "address"),
    [(RESPONSE_4, ("192.0.2.1", 32853)), (RESPONSE_6, ("2001:db8:1234:5678:11:2233:4455:6677", 32853))],
)
def test_the_responses_of_rfc_5769(data: bytes, address: tuple[str, int]) -> None:
    message = Message.parse(data)
    assert message.kind is Class.SUCCESS
    assert message.address(Attribute.XOR_MAPPED_ADDRESS) == address
    assert message.is_signed_by(PASSWORD)


@pytest.mark.parametrize("address", [("192.0.2.1", 5), ("2001:db8::7", 65535)])
@pytest.mark.parametrize("kind", [Attribute.MAPPED_ADDRESS, Attribute.XOR_PEER_ADDRESS])
def test_what_is_written_is_read(kind: Attribute, address: tuple[str, int]) -> None:
    message = Message(Method.CHANNEL_BIND, Class.ERROR)
    message.set_address(kind, address)
    message.set_error(438, "Stale Nonce")
    read = Message.parse(message.encode(b"key"))
    assert (read.method, read.kind, read.transaction) == (message.method, message.kind, message.transaction)
    assert read.address(kind) == address
    assert read.error == (438, "Stale Nonce")
    assert read.is_signed_by(b"key")


def test_every_changed_bit_is_noticed() -> None:
    for bit in range(len(REQUEST) * 8):
        broken = bytearray(REQUEST)
        broken[bit // 8] ^= 1 << bit % 8
        try:
            message = Message.parse(bytes(broken))
        except StunError:
            continue
        assert Attribute.FINGERPRINT not in message.attributes  # that it is one was what the bit said


def test_what_stands_behind_the_integrity_does_not_count() -> None:
    message = Message(Method.BINDING, Class.REQUEST)
    signed = bytearray(message.encode(b"key", fingerprint=False))
    signed += bytes.fromhex("00250000")
    signed[3] += 4
    read = Message.parse(bytes(signed))
    assert read.is_signed_by(b"key")
    assert Attribute.USE_CANDIDATE not in read.attributes


@given(st.binary(max_size=200))
def test_anything_else_is_refused_and_nothing_breaks(data: bytes) -> None:
    with pytest.raises(StunError):
        Message.parse(data)


@given(
    st.integers(0, 0xFF), st.sampled_from(Class), st.dictionaries(st.integers(0x9000, 0xFFFF), st.binary(max_size=40))
)
def test_any_message_survives(method: int, kind: Class, attributes: dict[int, bytes]) -> None:
    message = Message(method, kind, attributes=attributes)
    read = Message.parse(message.encode())
    read.attributes.pop(Attribute.FINGERPRINT)
    assert (read.method, read.kind, read.attributes) == (method, kind, attributes)
