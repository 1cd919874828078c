"""What a far end asks of who sends it pictures passes to them, in their numbers (RFC 4585)."""

from __future__ import annotations

import struct

import pytest

from offhook.media import RelayLeg, format_named
from offhook.media.events import PictureWanted
from support.far_end import Rtp, Scene

SENDER, VIEWER = ("192.0.2.31", 5000), ("192.0.2.32", 6000)
SSRC, VIEWERS = 0x77777777, 0x88888888
FIRST = 40000


class Pictures:
    """A sender of video, relayed to a viewer."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.legs = [scene.engine.relay_leg() for _ in range(2)]
        for leg, address in zip(self.legs, (SENDER, VIEWER), strict=True):
            assert isinstance(leg, RelayLeg)
            leg.set_codecs({99: format_named("h264")}, (99, format_named("h264")))
            leg.set_remote(*address)
        self.source, self.sink = self.legs
        self.source.connect(self.sink)
        scene.engine.advance(10)
        for number in range(5):
            packet = Rtp(False, 99, FIRST + number, 1000, SSRC, bytes(50))
            scene.engine.inject(self.source.local_port, SENDER, packet.pack())
        scene.engine.advance(10)
        seen = [Rtp.parse(each.data) for each in scene.engine.sent() if each.remote == VIEWER]
        self.numbers = [packet.sequence for packet in seen]

    def ask(self, packet: bytes) -> list[bytes]:
        """What the sender gets after the viewer sent a feedback packet to our RTCP port."""
        self.scene.engine.inject(self.sink.local_port + 1, (VIEWER[0], VIEWER[1] + 1), packet)
        self.scene.engine.advance(10)
        sent = self.scene.engine.sent()
        assert all(each.remote == (SENDER[0], SENDER[1] + 1) for each in sent)
        return [last_part(each.data, self.source.ssrc) for each in sent]


def last_part(data: bytes, ssrc: int) -> bytes:
    """The last packet of a compound one, which has to begin with a report."""
    assert data[:8] == struct.pack("!BBHI", 0x80, 201, 1, ssrc)
    at = 0
    while True:
        length = (struct.unpack_from("!H", data, at + 2)[0] + 1) * 4
        if at + length == len(data):
            return data[at:]
        at += length


@pytest.fixture
def pictures(scene: Scene) -> Pictures:
    return Pictures(scene)


def feedback(kind: int, form: int, media: int, entries: bytes = b"") -> bytes:
    return struct.pack("!BBHII", 0x80 | form, kind, 2 + len(entries) // 4, VIEWERS, media) + entries


def test_a_lost_picture_is_told_to_its_sender(pictures: Pictures) -> None:
    [passed] = pictures.ask(feedback(206, 1, pictures.sink.ssrc))
    assert passed == struct.pack("!BBHII", 0x81, 206, 2, pictures.source.ssrc, SSRC)


def test_a_whole_picture_is_asked_of_its_sender(pictures: Pictures) -> None:
    [passed] = pictures.ask(feedback(206, 4, 0, struct.pack("!IBxxx", pictures.sink.ssrc, 9)))
    assert passed == struct.pack("!BBHIIIBxxx", 0x84, 206, 4, pictures.source.ssrc, 0, SSRC, 9)


def test_the_older_request_asks_for_the_same(pictures: Pictures) -> None:
    [passed] = pictures.ask(struct.pack("!BBHI", 0x80, 192, 1, VIEWERS))
    assert passed == struct.pack("!BBHII", 0x81, 206, 2, pictures.source.ssrc, SSRC)


def test_lost_packets_are_named_by_the_senders_numbers(pictures: Pictures) -> None:
    [passed] = pictures.ask(feedback(205, 1, pictures.sink.ssrc, struct.pack("!HH", pictures.numbers[2], 0b11)))
    assert passed == struct.pack("!BBHIIHH", 0x81, 205, 3, pictures.source.ssrc, SSRC, FIRST + 2, 0b11)


def test_a_rate_limit_passes(pictures: Pictures) -> None:
    limit = b"REMB" + struct.pack("!BBHI", 1, 0x0B, 0x1234, pictures.sink.ssrc)
    [passed] = pictures.ask(feedback(206, 15, 0, limit))
    assert passed[12:] == limit[:-4] + struct.pack("!I", SSRC)


def test_that_a_picture_is_wanted_is_told_but_not_each_time(pictures: Pictures) -> None:
    told: list[object] = []
    pictures.sink.on_event = told.append
    for _ in range(5):
        pictures.ask(feedback(206, 1, pictures.sink.ssrc))
    assert [type(event) for event in told] == [PictureWanted]
    pictures.scene.engine.advance(600)
    pictures.ask(feedback(206, 4, 0, struct.pack("!IBxxx", pictures.sink.ssrc, 9)))
    assert len(told) == 2


def test_a_picture_can_be_asked_for(pictures: Pictures) -> None:
    pictures.source.ask_picture()
    pictures.scene.engine.advance(10)
    [asked] = pictures.scene.engine.sent()
    assert last_part(asked.data, pictures.source.ssrc) == struct.pack(
        "!BBHII", 0x81, 206, 2, pictures.source.ssrc, SSRC
    )


def test_what_is_about_another_stream_does_not_pass(pictures: Pictures) -> None:
    assert pictures.ask(feedback(206, 1, 0x1234)) == []
    assert pictures.ask(feedback(206, 4, 0, struct.pack("!IBxxx", 0x1234, 9))) == []
    assert pictures.ask(feedback(206, 2, pictures.sink.ssrc, bytes(4))) == [], "a slice lost: not passed"
    assert pictures.ask(feedback(205, 1, pictures.sink.ssrc)) == [], "names nothing"


def test_without_anybody_relayed_nothing_is_sent(pictures: Pictures) -> None:
    pictures.source.disconnect()
    pictures.scene.engine.advance(10)
    assert pictures.ask(feedback(206, 1, pictures.sink.ssrc)) == []
