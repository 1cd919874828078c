"""Packets between two legs of the same format pass untouched but for their headers."""

from __future__ import annotations

from itertools import pairwise

import pytest

from offhook.media import RelayLeg, UnsupportedMedia, format_named
from support.far_end import EVENTS, TYPES, FarEnd, Rtp, Scene


def send_numbered(scene: Scene, far: FarEnd, count: int, *, skip: int = -1, size: int = 160) -> None:
    """Packets whose payload is their number, every 20 ms."""
    for number in range(count):
        if number == skip:
            far.sequence += 1
            far.timestamp += 160
        else:
            far.send(bytes([number & 0xFF]) * size)
        scene.run(20)


def test_payload_passes_and_the_headers_are_ours(scene: Scene) -> None:
    one, two = scene.pair()
    send_numbered(scene, one, 50)
    assert [packet.payload[0] for packet in two.packets] == list(range(50))
    assert all(packet.payload == bytes([packet.payload[0]]) * 160 for packet in two.packets)
    assert {packet.ssrc for packet in two.packets} == {two.leg.ssrc}
    first = two.packets[0]
    for index, packet in enumerate(two.packets):
        assert packet.sequence == (first.sequence + index) & 0xFFFF
        assert packet.timestamp == (first.timestamp + 160 * index) & 0xFFFFFFFF
    assert [packet.marker for packet in two.packets] == [True] + [False] * 49
    assert one.leg.figures()["relayed"] is True
    assert two.leg.stats().tx_packets == 50
    assert two.leg.stats().tx_octets == 50 * 160
    assert one.leg.stats().rx_packets == 50


def test_a_packet_waits_for_no_more_than_one_tick(scene: Scene) -> None:
    one, two = scene.pair()
    one.send(bytes(160))
    scene.run(10)
    assert len(two.packets) == 1


def test_loss_and_order_stay_visible(scene: Scene) -> None:
    one, two = scene.pair()
    send_numbered(scene, one, 10, skip=4)
    gaps = [b.sequence - a.sequence for a, b in pairwise(two.packets)]
    assert [gap & 0xFFFF for gap in gaps] == [1, 1, 1, 2, 1, 1, 1, 1]
    assert one.leg.stats().rx_lost == 1
    one.sequence += 1
    one.send(b"b" * 160)
    one.sequence -= 2
    one.send(b"a" * 160)
    scene.run(10)
    late = two.packets[-2:]
    assert (late[0].sequence - late[1].sequence) & 0xFFFF == 1


def test_a_new_source_goes_on_in_number_and_time(scene: Scene) -> None:
    one, two = scene.pair()
    send_numbered(scene, one, 10)
    last = two.packets[-1]
    one.ssrc, one.sequence, one.timestamp = 7777, 5, 123456
    scene.run(200)
    send_numbered(scene, one, 3)
    fresh = two.packets[10]
    assert fresh.marker
    assert fresh.sequence == (last.sequence + 1) & 0xFFFF
    assert (fresh.timestamp - last.timestamp) & 0xFFFFFFFF in range(160 * 10, 160 * 12 + 1)
    assert fresh.ssrc == two.leg.ssrc


def test_who_is_connected_anew_hears_the_other(scene: Scene) -> None:
    one, two = scene.pair()
    three = scene.far_end()
    send_numbered(scene, one, 3)
    three.leg.connect(two.leg)
    assert one.leg.peer is None
    scene.run(10)
    send_numbered(scene, one, 3)
    send_numbered(scene, three, 3)
    assert len(two.packets) == 6
    last, fresh = two.packets[2:4]
    assert fresh.sequence == (last.sequence + 1) & 0xFFFF
    three.leg.disconnect()
    scene.run(10)
    send_numbered(scene, three, 3)
    assert len(two.packets) == 6
    assert two.leg.peer is None


def test_hold_music_and_transfer_are_one_stream_to_who_hears_them(scene: Scene) -> None:
    """Numbers go on by one, timestamps with the time that passed, and whoever begins is marked."""
    one, two = scene.pair()
    three = scene.far_end("alaw")
    three.timestamp = 17
    send_numbered(scene, one, 25)
    one.leg.disconnect()  # put on hold: silence, then music
    scene.run(300)
    music = two.leg.tones("440/1000,0/100")
    scene.run(1500)
    music.stop()
    scene.run(200)
    three.leg.connect(two.leg)  # transferred to somebody of another codec
    scene.run(10)
    send_numbered(scene, three, 25)
    scene.run(200)
    two.leg.connect(one.leg)
    scene.run(10)
    one.sequence, one.timestamp = 100, 99
    send_numbered(scene, one, 25)
    packets = two.packets
    assert len(packets) > 25 + 70 + 25 + 20
    assert {packet.ssrc for packet in packets} == {two.leg.ssrc}
    for before, after in pairwise(packets):
        assert (after.sequence - before.sequence) & 0xFFFF == 1
        step = (after.timestamp - before.timestamp) & 0xFFFFFFFF
        assert 160 <= step < 8000, "never backwards, never further than time went"
        assert step == 160 or after.marker
    passed = (packets[-1].timestamp - packets[0].timestamp) & 0xFFFFFFFF
    waited = 25 * 20 + 300 + 1500 + 200 + 10 + 25 * 20 + 200 + 10 + 24 * 20
    assert passed == pytest.approx(waited * 8, abs=60 * 8)


def test_an_echo_comes_back_at_once(scene: Scene) -> None:
    far = scene.far_end()
    with far.leg.loopback():
        scene.run(10)
        send_numbered(scene, far, 25)
        assert [packet.payload[0] for packet in far.packets] == list(range(25))
    scene.run(10)
    send_numbered(scene, far, 5)
    assert len(far.packets) == 25


def test_headers_with_sources_extension_and_padding_are_understood(scene: Scene) -> None:
    one, two = scene.pair()
    plain = Rtp(False, 0, 65000, 160, 9, b"").pack()
    body = b"s" * 160
    with_source = bytes([0x81]) + plain[1:] + b"\1\2\3\4" + body
    with_extension = bytes([0x90]) + plain[1:3] + b"\xe9" + plain[4:] + b"\xbe\xde\0\1\1\2\3\4" + body
    with_padding = bytes([0xA0]) + plain[1:3] + b"\xea" + plain[4:] + body + b"\0\0\0\4"
    for data in (with_source, with_extension, with_padding):
        scene.engine.inject(one.leg.local_port, one.address, data)
    scene.run(10)
    assert [packet.payload for packet in two.packets] == [body] * 3
    too_short = bytes([0x9F]) + plain[1:]
    scene.engine.inject(one.leg.local_port, one.address, too_short)
    scene.run(10)
    assert len(two.packets) == 3
    assert scene.engine.figures().packets_bad == 1


def test_comfort_noise_passes_too(scene: Scene) -> None:
    one, two = scene.pair()
    send_numbered(scene, one, 3)
    one.send(b"\x3c", 0, type=13)
    scene.run(200)
    one.timestamp += 1600
    send_numbered(scene, one, 2)
    *_, last, noise, fresh, _ = two.packets
    assert (noise.type, noise.payload) == (13, b"\x3c")
    assert noise.sequence == (last.sequence + 1) & 0xFFFF
    assert (fresh.timestamp - last.timestamp) & 0xFFFFFFFF == 160 + 1600


def test_direction_is_heeded(scene: Scene) -> None:
    one, two = scene.pair()
    two.leg.set_direction("recvonly")
    scene.run(10)
    send_numbered(scene, one, 3)
    assert two.packets == []
    two.leg.set_direction("sendonly")
    scene.run(10)
    send_numbered(scene, one, 3)
    send_numbered(scene, two, 3)
    assert len(two.packets) == 3
    assert one.packets == []
    two.leg.set_direction("sendrecv")
    scene.run(10)
    send_numbered(scene, two, 3)
    assert len(one.packets) == 3


def test_port_zero_means_nothing_is_sent(scene: Scene) -> None:
    one, two = scene.pair()
    two.leg.set_remote("192.0.2.1", 0)
    scene.run(10)
    send_numbered(scene, one, 3)
    assert two.packets == []
    assert two.leg.stats().tx_packets == 0


def test_unknown_payload_types_go_nowhere(scene: Scene) -> None:
    one, two = scene.pair()
    one.send(bytes(160), type=77)
    scene.run(10)
    assert two.packets == []
    assert one.leg.stats().rx_packets == 1


def test_what_cannot_be_decoded_passes_all_the_same(scene: Scene) -> None:
    one, two = scene.pair("siren7", "siren7")
    assert not scene.engine.can_decode(format_named("siren7"))
    send_numbered(scene, one, 10, size=80)
    assert [packet.payload for packet in two.packets] == [bytes([number]) * 80 for number in range(10)]
    assert two.packets[0].type == TYPES["siren7"]


def test_a_chain_of_pipes_is_looked_through(scene: Scene) -> None:
    one, two = scene.far_end(), scene.far_end()
    first, second = scene.engine.pipe(), scene.engine.pipe()
    one.leg.connect(first[0])
    first[1].connect(second[0])
    second[1].connect(two.leg)
    scene.run(10)
    send_numbered(scene, one, 10)
    assert [packet.payload[0] for packet in two.packets] == list(range(10))
    assert one.leg.figures()["relayed"]
    first[0].gain(in_db=6)
    scene.run(20)
    assert not two.leg.figures()["relayed"]
    first[0].close()
    scene.run(20)
    count = len(two.packets)
    send_numbered(scene, one, 10)
    assert len(two.packets) == count


def test_packets_of_another_length_are_not_passed_where_one_was_agreed(scene: Scene) -> None:
    one, two = scene.far_end(), scene.far_end("ulaw", ptime=30)
    one.leg.connect(two.leg)
    scene.run(10)
    send_numbered(scene, one, 60)
    lengths = [len(packet.payload) for packet in two.packets[3:]]
    assert set(lengths) == {240}
    assert len(lengths) > 30


def test_video_passes_with_its_payload_type_translated(scene: Scene) -> None:
    one, two = scene.engine.relay_leg(), scene.engine.rtp_leg(kind="video")
    assert isinstance(two, RelayLeg)
    h264, vp8 = format_named("h264"), format_named("vp8")
    one.set_codecs({99: h264, 100: vp8}, (99, h264))
    two.set_codecs({110: h264, 111: vp8}, (110, h264))
    one.set_remote("192.0.2.1", 5000)
    two.set_remote("192.0.2.2", 6000)
    one.connect(two)
    scene.engine.advance(10)
    scene.engine.inject(one.local_port, ("192.0.2.1", 5000), Rtp(False, 99, 1, 9000, 5, b"picture").pack())
    scene.engine.inject(one.local_port, ("192.0.2.1", 5000), Rtp(True, 100, 2, 9000, 5, b"other").pack())
    scene.engine.advance(10)
    sent = [Rtp.parse(packet.data) for packet in scene.engine.sent()]
    assert [(packet.type, packet.payload, packet.marker) for packet in sent] == [
        (110, b"picture", False),
        (111, b"other", True),
    ]
    assert sent[0].timestamp == sent[1].timestamp
    with pytest.raises(UnsupportedMedia, match="no sound"):
        one.play("/x.wav")
    with pytest.raises(UnsupportedMedia, match="cannot be recorded"):
        one.record("/x.wav", "wav")


def test_events_are_no_sound(scene: Scene) -> None:
    one, two = scene.pair(digits=False)
    send_numbered(scene, one, 5)
    one.event("5", 160)
    scene.run(20)
    assert all(packet.type != EVENTS for packet in two.packets)
    assert len(two.packets) == 5


def test_a_closed_leg_is_harmless(scene: Scene) -> None:
    one, two = scene.pair()
    port = one.leg.local_port
    one.leg.close()
    one.leg.close()
    assert one.leg.closed
    assert two.leg.peer is None
    scene.run(20)
    one.leg.disconnect()
    one.leg.gain(3)
    one.leg.connect(two.leg)
    assert two.leg.peer is None
    assert one.leg.play("/nowhere.wav").done
    assert one.leg.local_port == port
    assert one.leg.stats().rx_packets == 0
    assert scene.engine.figures().legs == 1


def test_a_stream_bundled_with_another_does_not_disturb_it(scene: Scene) -> None:
    one, two = scene.pair()
    ssrc = one.ssrc
    for number in range(20):
        one.send(bytes([number]) * 160)
        one.ssrc, one.sequence = ssrc + 1, one.sequence - 500
        one.send(b"video", samples=0, type=77)
        one.ssrc, one.sequence = ssrc, one.sequence + 499
        scene.run(20)
    assert [packet.payload[0] for packet in two.packets] == list(range(20))
    assert one.leg.stats().remote_ssrc == ssrc and one.leg.stats().rx_packets == 20
    assert one.leg.stats().rx_lost == 0
