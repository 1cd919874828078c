"""SRTP on legs: what is sent is sealed, what comes is opened, and relaying goes on between secure and plain."""

from __future__ import annotations

import hashlib

import pytest

from support.far_end import Rtp, Scene

SUITES = ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32", "AES_256_CM_HMAC_SHA1_80", "AEAD_AES_128_GCM")
LENGTHS = {"AES_CM_128_HMAC_SHA1_80": 30, "AES_CM_128_HMAC_SHA1_32": 30, "AES_256_CM_HMAC_SHA1_80": 46}


def keys(suite: str) -> tuple[bytes, bytes]:
    """Two keys of the suite's length."""
    length = LENGTHS.get(suite, 28)
    return tuple((hashlib.sha512(name).digest() * 2)[:length] for name in (b"one", b"two"))  # type: ignore[return-value]


@pytest.mark.parametrize("suite", SUITES)
def test_a_secure_and_a_plain_leg_are_relayed(scene: Scene, suite: str) -> None:
    """plain phone - leg a = leg b (secure) ~ leg c (secure) = leg d - plain phone."""
    a, b = scene.pair()
    c, d = scene.pair()
    one, two = keys(suite)
    b.leg.secure(suite, one, two)
    c.leg.secure(suite, two, one)
    sealed: list[bytes] = []
    for number in range(50):
        a.send(bytes([number]) * 160)
        scene.engine.advance(20)
        for packet in scene.engine.sent():
            if packet.local_port == b.leg.local_port:
                sealed.append(packet.data)
                scene.engine.inject(c.leg.local_port, c.address, packet.data)
            elif packet.local_port == d.leg.local_port:
                d.packets.append(Rtp.parse(packet.data))
    scene.run(20)
    assert [packet.payload for packet in d.packets] == [bytes([number]) * 160 for number in range(50)]
    assert a.leg.figures()["relayed"] and c.leg.figures()["relayed"]
    assert all(len(data) > 172 and bytes([data[12]]) * 160 != data[12:172] for data in sealed)
    assert len({data[12:172] for data in sealed}) == 50


def test_what_is_forged_is_not_heard_and_does_not_move_the_address(scene: Scene) -> None:
    one, two = scene.pair()
    key = keys("AES_CM_128_HMAC_SHA1_80")
    one.leg.secure("AES_CM_128_HMAC_SHA1_80", *key)
    one.leg.set_options(symmetric=True)
    for _ in range(20):
        one.send(bytes(170))
        scene.run(20)
    assert not two.packets
    assert one.leg.stats().rejected == 20
    assert one.leg.remote == one.address
    assert not one.leg.heard


def test_nothing_passes_in_the_clear_before_there_are_keys(scene: Scene) -> None:
    one, two = scene.pair()
    two.leg.guard(True)
    one.send(bytes(160))
    two.send(bytes(160))
    scene.run(20)
    assert not one.packets and not two.packets
    two.leg.clear()
    one.send(bytes(160))
    scene.run(20)
    assert len(two.packets) == 1


def test_where_ice_has_chosen_the_way_the_key_counts_and_not_the_address(scene: Scene) -> None:
    a, b = scene.pair()
    c, d = scene.pair()
    one, two = keys("AES_CM_128_HMAC_SHA1_80")
    b.leg.secure("AES_CM_128_HMAC_SHA1_80", one, two)
    c.leg.secure("AES_CM_128_HMAC_SHA1_80", two, one)
    c.leg.set_options(symmetric=True)
    c.leg.expect(stun=True, chosen=True)
    stranger = ("203.0.113.9", 999)
    forged = Rtp(False, 0, 1, 1, 1, bytes(160)).pack()
    for number in range(5):
        a.send(bytes([number]) * 160)
        scene.engine.advance(20)
        for packet in scene.engine.sent():
            if packet.local_port == b.leg.local_port:
                scene.engine.inject(c.leg.local_port, stranger, packet.data)
                scene.engine.inject(c.leg.local_port, stranger, forged)
            elif packet.local_port == d.leg.local_port:
                d.packets.append(Rtp.parse(packet.data))
    scene.run(20)
    assert [packet.payload[0] for packet in d.packets] == list(range(5))
    d.send(bytes(160))
    scene.engine.advance(20)
    assert {packet.remote for packet in scene.engine.sent()} == {c.address}


def test_reports_are_sealed(scene: Scene) -> None:
    one, two = scene.pair()
    two.leg.secure("AES_CM_128_HMAC_SHA1_80", *keys("AES_CM_128_HMAC_SHA1_80"))
    for _ in range(300):
        one.send(bytes(160))
        scene.engine.advance(20)
        for packet in scene.engine.sent():
            if packet.local_port == two.leg.local_port + 1:
                two.control.append(packet.data)
    assert two.control
    report = two.control[0]
    assert report[1] == 200 and len(report) % 4 == 2  # a tag of ten octets
    assert two.leg.cname.encode() not in report


def test_bad_keys_are_refused(scene: Scene) -> None:
    one = scene.far_end()
    with pytest.raises(ValueError, match="unknown"):
        one.leg.secure("ROT13", b"", b"")
    with pytest.raises(ValueError, match="30 octets"):
        one.leg.secure("AES_CM_128_HMAC_SHA1_80", bytes(30), bytes(29))


def test_packets_that_are_no_rtp_are_handed_over_and_sent(scene: Scene) -> None:
    one = scene.far_end()
    got = []
    one.leg.on_packet = got.append
    one.leg.expect(stun=True)
    stun, dtls = bytes(20), bytes([22]) * 30
    for data in (stun, dtls):
        scene.engine.inject(one.leg.local_port, ("192.0.2.9", 999), data)
    scene.engine.inject(one.leg.local_port + 1, ("192.0.2.9", 998), stun)
    scene.engine.advance(20)
    assert [(each.data, each.host, each.port, each.rtcp) for each in got] == [
        (stun, "192.0.2.9", 999, False),
        (stun, "192.0.2.9", 998, True),
    ]
    one.leg.send_packet(dtls, "192.0.2.9", 997)
    one.leg.send_packet(stun, "192.0.2.9", 996, rtcp=True)
    scene.engine.advance(20)
    sent = [(packet.data, packet.local_port - one.leg.local_port) for packet in scene.engine.sent()]
    assert sent == [(dtls, 0), (stun, 1)]


def test_a_flood_of_such_packets_is_cut(scene: Scene) -> None:
    one = scene.far_end()
    got = []
    one.leg.on_packet = got.append
    one.leg.expect(stun=True)
    for _ in range(500):
        scene.engine.inject(one.leg.local_port, ("192.0.2.9", 999), bytes(20))
    scene.engine.advance(10)
    assert 0 < len(got) <= 80


def test_media_by_a_turn_channel(scene: Scene) -> None:
    one, two = scene.pair()
    one.leg.expect(stun=True)
    one.leg.detour(("192.0.2.50", 3478), 0x4001)
    scene.run(10)
    two.send(b"x" * 160)
    scene.engine.advance(20)
    (packet,) = scene.engine.sent()
    assert packet.remote == ("192.0.2.50", 3478)
    assert packet.data[:4] == bytes([0x40, 1, 0, 172])
    reply = Rtp(False, 0, 5, 5, 5, b"y" * 160).pack()
    for channel, server in ((0x4002, "192.0.2.50"), (0x4001, "192.0.2.51"), (0x4001, "192.0.2.50")):
        data = channel.to_bytes(2, "big") + len(reply).to_bytes(2, "big") + reply
        scene.engine.inject(one.leg.local_port, (server, 3478), data)
        scene.engine.advance(20)
    assert one.leg.stats().rx_packets == 1
    (packet,) = scene.engine.sent()
    assert packet.local_port == two.leg.local_port and packet.data[12:] == b"y" * 160
