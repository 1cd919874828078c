"""Whose packets are believed, and where ours go: strict and symmetric RTP."""

from __future__ import annotations

from offhook.media import FarEndAddressLearned, RtpTimeout, SourceJudged
from support.far_end import FarEnd, Scene


def send_from(scene: Scene, far: FarEnd, address: tuple[str, int], count: int, every: int = 20) -> None:
    """Packets from any address."""
    usual, far.address = far.address, address
    for _ in range(count):
        far.send(bytes(160))
        scene.run(every)
    far.address = usual


STRANGER = ("198.51.100.9", 9999)


def test_the_address_of_sdp_is_believed_at_once(scene: Scene) -> None:
    one, two = scene.pair()
    send_from(scene, one, one.address, 1)
    assert len(two.packets) == 1
    [event] = one.events(FarEndAddressLearned)
    assert (event.host, event.port) == one.address  # type: ignore[attr-defined]
    assert one.leg.remote == one.address


def test_a_stranger_is_ignored_while_the_far_end_speaks(scene: Scene) -> None:
    one, two = scene.pair()
    for _ in range(20):
        send_from(scene, one, one.address, 1, 10)
        send_from(scene, one, STRANGER, 1, 10)
    assert len(two.packets) == 20
    assert one.leg.stats().rejected == 20


def test_another_address_is_believed_after_some_packets_in_sequence(scene: Scene) -> None:
    one, two = scene.pair()
    send_from(scene, one, STRANGER, 4)
    assert two.packets == []
    send_from(scene, one, STRANGER, 2)
    assert len(two.packets) == 2
    assert one.leg.remote == STRANGER
    assert one.leg.stats().rejected == 4


def test_a_burst_is_not_believed(scene: Scene) -> None:
    one, two = scene.pair()
    send_from(scene, one, STRANGER, 8, 0)
    scene.run(10)
    assert two.packets == []


def test_a_burst_with_the_right_numbers_is_believed_where_only_those_count(scene: Scene) -> None:
    one, two = scene.pair()
    one.leg.set_options(strict="seqno")
    scene.run(10)
    send_from(scene, one, STRANGER, 6, 0)
    scene.run(10)
    assert len(two.packets) == 2


def test_a_number_out_of_order_begins_the_proof_anew(scene: Scene) -> None:
    one, two = scene.pair()
    send_from(scene, one, STRANGER, 3)
    one.sequence += 5
    send_from(scene, one, STRANGER, 3)
    assert two.packets == []
    send_from(scene, one, STRANGER, 1)
    assert len(two.packets) == 1, "the one that broke the order counts as the first, as in Asterisk"


def test_two_streams_that_compete_keep_each_other_out(scene: Scene) -> None:
    one, two = scene.pair()
    other = ("203.0.113.7", 5555)
    for _ in range(30):
        send_from(scene, one, STRANGER, 2, 10)
        send_from(scene, one, other, 2, 10)
    assert two.packets == []


def test_nobody_is_heard_before_sdp_named_an_address(scene: Scene) -> None:
    early = scene.engine.rtp_leg()
    scene.run(10)
    scene.engine.inject(early.local_port, STRANGER, bytes([0x80, 0]) + bytes(170))
    scene.run(10)
    assert not early.heard
    assert early.stats().rejected == 1
    early.close()


def test_what_was_learned_is_locked_after_five_seconds(scene: Scene) -> None:
    one, two = scene.pair()
    send_from(scene, one, one.address, 260)
    two.packets.clear()
    send_from(scene, one, STRANGER, 50)
    assert two.packets == []
    one.leg.set_remote("192.0.2.77", 7777)
    scene.run(10)
    send_from(scene, one, ("192.0.2.77", 7777), 3)
    assert len(two.packets) == 3


def test_who_is_heard_and_who_is_not_is_told_to_those_who_ask(scene: Scene) -> None:
    one, two = scene.pair()
    one.leg.set_options(sources=True)
    scene.run(10)
    for far in (one, two):
        send_from(scene, far, far.address, 260)
        send_from(scene, far, STRANGER, 3)
    locked, refused = one.events(SourceJudged)
    assert (locked.host, locked.port, locked.heard) == (*one.address, True)  # type: ignore[attr-defined]
    assert (refused.host, refused.port, refused.heard) == (*STRANGER, False)  # type: ignore[attr-defined]
    assert two.events(SourceJudged) == []


def test_without_strictness_everybody_is_heard(scene: Scene) -> None:
    one, two = scene.pair()
    one.leg.set_options(strict="no")
    scene.run(10)
    send_from(scene, one, STRANGER, 3)
    send_from(scene, one, one.address, 3)
    assert len(two.packets) == 6


def test_a_symmetric_leg_sends_to_where_packets_come_from(scene: Scene) -> None:
    one = scene.far_end()
    one.leg.set_options(symmetric=True)
    sent: list[tuple[str, int]] = []
    with one.leg.loopback():
        scene.run(10)
        usual, one.address = one.address, STRANGER
        for _ in range(10):
            one.send(bytes(160))
            scene.engine.advance(20)
            sent += [packet.remote for packet in scene.engine.sent()]
        one.address = usual
    assert set(sent) == {STRANGER}
    assert len(sent) == 6
    one.leg.set_remote(*usual)
    scene.run(10)
    one.leg.tones("440")
    scene.engine.advance(60)
    assert {packet.remote for packet in scene.engine.sent()} == {STRANGER}, (
        "SDP that says the same again changes nothing"
    )


def test_others_send_to_where_sdp_says(scene: Scene) -> None:
    one = scene.far_end()
    with one.leg.loopback():
        scene.run(10)
        usual, one.address = one.address, STRANGER
        for _ in range(10):
            one.send(bytes(160))
            scene.engine.advance(20)
        assert {packet.remote for packet in scene.engine.sent()} == {usual}


def test_silence_is_told_once_until_packets_return(scene: Scene) -> None:
    far = scene.far_end()
    far.leg.set_options(timeout=2, hold_timeout=5)
    scene.run(1900)
    assert far.events(RtpTimeout) == []
    scene.run(300)
    [event] = far.events(RtpTimeout)
    assert (event.held, event.seconds) == (False, 2)  # type: ignore[attr-defined]
    scene.run(5000)
    assert len(far.events(RtpTimeout)) == 1
    far.send(bytes(160))
    scene.run(2300)
    assert len(far.events(RtpTimeout)) == 2
    far.leg.set_hold(True)
    scene.run(4500)
    assert len(far.events(RtpTimeout)) == 2
    scene.run(800)
    assert far.events(RtpTimeout)[-1].held  # type: ignore[attr-defined]


def test_keepalives_are_sent_when_nothing_else_is(scene: Scene) -> None:
    far = scene.far_end()
    far.leg.set_options(keepalive=3)
    scene.run(10000)
    assert len(far.packets) == 3
    assert {(packet.type, len(packet.payload)) for packet in far.packets} == {(13, 1)}


def test_ipv6(scene: Scene) -> None:
    leg = scene.engine.rtp_leg("::")
    leg.set_remote("2001:db8::5", 4000)
    assert leg.remote == ("2001:db8::5", 4000)
    assert leg.local_address == "::"
