"""Sound and pictures over one port (BUNDLE): each packet finds its stream, and all leave by the port of the first."""

from __future__ import annotations

import struct

import pytest

from offhook.media import RtpLeg, format_named
from support.far_end import FarEnd, Rtp, Scene

KEYS = bytes(range(30)), bytes(range(30, 60))
SUITE = "AES_CM_128_HMAC_SHA1_80"
PICTURES = 0x5151


class Both:
    """One party's sound, and its pictures carried by it."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.sound: FarEnd = scene.far_end()
        self.sound.leg.set_remote(*self.sound.address, rtcp_port=self.sound.address[1])
        self.pictures: RtpLeg = scene.engine.relay_leg()
        self.pictures.set_codecs({100: format_named("vp8")}, (100, format_named("vp8")))
        self.pictures.bundle(self.sound.leg)
        self.sequence = 0

    def show(self, payload: bytes) -> None:
        """Send a packet of pictures to the shared port."""
        self.sequence += 1
        packet = Rtp(False, 100, self.sequence, 90 * self.sequence, PICTURES, payload)
        self.scene.engine.inject(self.sound.leg.local_port, self.sound.address, packet.pack())


@pytest.fixture
def both(scene: Scene) -> tuple[Both, Both]:
    one, two = Both(scene), Both(scene)
    one.sound.leg.connect(two.sound.leg)
    one.pictures.connect(two.pictures)
    scene.run(10)
    return one, two


def seen(far: FarEnd, kind: int) -> list[bytes]:
    return [packet.payload for packet in far.packets if packet.type == kind]


def test_each_packet_finds_its_stream(scene: Scene, both: tuple[Both, Both]) -> None:
    one, two = both
    for number in range(20):
        one.sound.send(bytes([number]) * 160)
        one.show(bytes([number]) * 300)
        one.show(bytes([number]) * 200)
        scene.run(20)
    assert seen(two.sound, 0) == [bytes([number]) * 160 for number in range(20)]
    assert len(seen(two.sound, 100)) == 40
    ssrcs = {packet.type: packet.ssrc for packet in two.sound.packets}
    assert ssrcs == {0: two.sound.leg.ssrc, 100: two.pictures.ssrc}
    assert one.sound.leg.stats().rx_packets == 20
    assert one.pictures.stats().rx_packets == 40
    assert one.pictures.stats().rx_lost == one.sound.leg.stats().rx_lost == 0
    assert one.pictures.cname == one.sound.leg.cname


def test_a_carried_streams_own_port_takes_nothing(scene: Scene, both: tuple[Both, Both]) -> None:
    one, two = both
    packet = Rtp(False, 100, 1, 1, PICTURES, bytes(100)).pack()
    scene.engine.inject(one.pictures.local_port, one.sound.address, packet)
    scene.run(10)
    assert not two.sound.packets


def test_the_carriers_keys_are_for_all(scene: Scene, both: tuple[Both, Both]) -> None:
    one, two = both
    two.sound.leg.secure(SUITE, *KEYS)
    one.show(bytes(200))
    scene.engine.advance(20)
    [sealed] = [packet for packet in scene.engine.sent() if packet.local_port == two.sound.leg.local_port]
    assert len(sealed.data) == 12 + 200 + 10
    three = scene.far_end()
    three.leg.set_codecs({100: format_named("vp8")}, None)
    three.leg.secure(SUITE, *reversed(KEYS))
    scene.engine.inject(three.leg.local_port, three.address, sealed.data)
    scene.run(10)
    assert three.leg.stats().rx_packets == 1


def test_pictures_follow_where_sound_is_sent(scene: Scene, both: tuple[Both, Both]) -> None:
    one, two = both
    two.sound.leg.set_remote("192.0.2.99", 9000, 9000)
    scene.engine.advance(10)
    one.show(bytes(200))
    scene.engine.advance(20)
    assert {packet.remote for packet in scene.engine.sent()} == {("192.0.2.99", 9000)}


def test_reports_are_of_each_stream(scene: Scene, both: tuple[Both, Both]) -> None:
    one, two = both
    for _ in range(260):
        one.sound.send(bytes(160))
        one.show(bytes(100))
        scene.engine.advance(20)
    sent = [packet for packet in scene.engine.sent() if packet.data[1] in (200, 201)]
    senders = {struct.unpack_from("!I", packet.data, 4)[0] for packet in sent}
    legs = (one.sound.leg, one.pictures, two.sound.leg, two.pictures)
    assert senders == {leg.ssrc for leg in legs}
    assert {packet.local_port for packet in sent} == {one.sound.leg.local_port, two.sound.leg.local_port}
    block = struct.pack("!IIIIII", two.pictures.ssrc, 9, 1, 90, 0, 0)
    report = struct.pack("!BBHI", 0x81, 201, 7, 0x77) + block
    scene.engine.inject(two.sound.leg.local_port, two.sound.address, report)
    scene.engine.advance(10)
    assert two.pictures.stats().remote_lost == 9
    assert two.sound.leg.stats().remote_lost == 0


def test_a_lost_picture_is_asked_for_over_the_shared_port(scene: Scene, both: tuple[Both, Both]) -> None:
    one, two = both
    one.show(bytes(100))
    scene.run(20)
    request = struct.pack("!BBHII", 0x81, 206, 2, 0x77, two.pictures.ssrc)
    scene.engine.inject(two.sound.leg.local_port, two.sound.address, request)
    scene.engine.advance(10)
    [asked] = scene.engine.sent()
    assert asked.local_port == one.sound.leg.local_port
    assert asked.data[-4:] == struct.pack("!I", PICTURES)


def test_without_its_carrier_nothing_is_sent(scene: Scene, both: tuple[Both, Both]) -> None:
    one, two = both
    two.sound.leg.close()
    scene.engine.advance(20)
    scene.engine.sent()
    one.show(bytes(100))
    scene.engine.advance(20)
    assert scene.engine.sent() == []
    two.pictures.bundle(None)
    two.pictures.set_remote("192.0.2.98", 8000)
    scene.engine.advance(10)
    one.show(bytes(100))
    scene.engine.advance(20)
    assert {packet.remote for packet in scene.engine.sent()} == {("192.0.2.98", 8000)}
