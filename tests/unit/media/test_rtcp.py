"""Reports of quality (RFC 3550 6)."""

from __future__ import annotations

import struct
from typing import NamedTuple

import pytest

from offhook.media import FarEndQuiet, RtcpReceived, RtcpSent
from offhook.media.rtp_figures import METRICS, SUMMARY
from support.far_end import FarEnd, Rtp, Scene


class Report(NamedTuple):
    """A sender or receiver report with the blocks and the CNAME that came with it."""

    kind: int
    ssrc: int
    sender: tuple[int, int, int, int, int] | None
    blocks: list[tuple[int, int, int, int, int, int, int]]
    cname: str


def parse(data: bytes) -> Report:
    """Read a compound packet of a report and a source description."""
    first, kind, length, ssrc = struct.unpack_from("!BBHI", data)
    at, sender = 8, None
    if kind == 200:
        sender, at = struct.unpack_from("!IIIII", data, 8), 28
    blocks = []
    for _ in range(first & 31):
        source, loss, highest, jitter, lsr, dlsr = struct.unpack_from("!IIIIII", data, at)
        blocks.append((source, loss >> 24, loss & 0xFFFFFF, highest, jitter, lsr, dlsr))
        at += 24
    assert at == (length + 1) * 4
    second, description, words, owner, item, size = struct.unpack_from("!BBHIBB", data, at)
    assert (second, description, owner, item) == (0x81, 202, ssrc, 1)
    assert at + (words + 1) * 4 == len(data)
    name = data[at + 10 : at + 10 + size].decode()
    assert data[at + 10 + size] == 0
    return Report(kind, ssrc, sender, blocks, name)


def talk(scene: Scene, far: FarEnd, ms: int, *, lose: int = 0, wobble: bool = False) -> None:
    """Speak for a while, losing every n-th packet, in an uneven rhythm if wanted."""
    for index in range(ms // 20):
        if lose and index % lose == lose - 1:
            far.sequence += 1
            far.timestamp += 160
        else:
            far.send(bytes(160))
        scene.run((10 if index % 2 else 30) if wobble else 20)


def test_reports_are_sent_in_their_interval(scene: Scene) -> None:
    one, two = scene.pair()
    talk(scene, one, 16000)
    assert len(two.control) == 3
    assert len(one.control) == 3
    sent, received = parse(two.control[-1]), parse(one.control[-1])
    assert sent.kind == 200
    assert received.kind == 201
    assert sent.ssrc == two.leg.ssrc
    assert sent.cname == two.leg.cname
    assert sent.sender is not None
    packets, octets = sent.sender[3:]
    assert octets == packets * 160
    assert packets == pytest.approx(750, abs=6)
    [(source, fraction, lost, highest, jitter, _, _)] = received.blocks
    assert (source, fraction, lost, jitter) == (one.ssrc, 0, 0, 0)
    assert highest & 0xFFFF == pytest.approx((65000 + 750) & 0xFFFF, abs=6)
    assert highest >> 16 == 1, "the sequence number went round once"


def test_loss_is_counted(scene: Scene) -> None:
    one, _ = scene.pair()
    talk(scene, one, 10200, lose=4)
    [(_, fraction, lost, _, _, _, _)] = parse(one.control[-1]).blocks
    assert fraction == pytest.approx(64, abs=3)
    assert lost == pytest.approx(125, abs=3)
    assert one.leg.stats().rx_lost == pytest.approx(127, abs=2)


def test_jitter_is_estimated(scene: Scene) -> None:
    one, _ = scene.pair()
    talk(scene, one, 10000, wobble=True)
    assert one.leg.stats().rx_jitter == pytest.approx(0.010, rel=0.1)
    assert one.leg.stats().jitters.most == pytest.approx(0.010, rel=0.1)


def test_the_far_ends_report_tells_the_round_trip(scene: Scene) -> None:
    one, two = scene.pair()
    two.leg.set_options(reports=True)
    talk(scene, one, 6000)
    sent = parse(two.control[-1])
    assert sent.sender is not None
    middle = (sent.sender[0] << 16 | sent.sender[1] >> 16) & 0xFFFFFFFF
    scene.run(300)
    # the far end held the report for 250 ms; what is missing to the time since then is the trip
    block = struct.pack("!IIIIII", two.leg.ssrc, 25 << 24 | 7, 99, 80, middle, 250 * 65536 // 1000)
    report = struct.pack("!BBHI", 0x81, 201, 7, 0x9999) + block
    scene.engine.inject(two.leg.local_port + 1, (two.address[0], two.address[1] + 1), report)
    scene.run(10)
    stats = two.leg.stats()
    assert stats.remote_lost == 7
    assert stats.remote_jitter == pytest.approx(0.010)
    assert 0.05 <= stats.rtt <= 1.2
    assert stats.rtts.least == stats.rtts.most == pytest.approx(stats.rtt, abs=1e-5)
    [event] = two.events(RtcpReceived)
    assert event.report.kind == 201  # type: ignore[attr-defined]
    assert event.report.block.lost == 7  # type: ignore[attr-defined]
    assert len(two.events(RtcpSent)) == 1
    assert one.events(RtcpSent) == [], "not asked for"


def test_a_report_can_come_to_the_rtp_port(scene: Scene) -> None:
    one, two = scene.pair()
    two.leg.set_remote(*two.address, rtcp_port=two.address[1])
    two.leg.set_options(reports=True)
    talk(scene, one, 5200)
    assert two.control == []
    report = struct.pack("!BBHI", 0x80, 201, 1, 0x9999)
    scene.engine.inject(two.leg.local_port, two.address, report)
    scene.run(10)
    assert len(two.events(RtcpReceived)) == 1
    assert two.leg.stats().rx_packets == 0


def test_strangers_reports_are_ignored(scene: Scene) -> None:
    _, two = scene.pair()
    two.leg.set_options(reports=True)
    scene.run(10)
    report = struct.pack("!BBHI", 0x80, 201, 1, 0x9999)
    scene.engine.inject(two.leg.local_port + 1, ("203.0.113.5", 5001), report)
    scene.run(10)
    assert two.events(RtcpReceived) == []


def test_a_report_of_the_streams_ssrc_is_taken_from_behind_another_address(scene: Scene) -> None:
    """RFC 3605: RTP and RTCP may pass a NAT under different addresses."""
    one, _ = scene.pair()
    one.leg.set_options(reports=True, symmetric=True)
    talk(scene, one, 100)
    elsewhere = ("203.0.113.5", 5001)
    scene.engine.inject(one.leg.local_port + 1, elsewhere, struct.pack("!BBHI", 0x80, 201, 1, one.ssrc))
    scene.run(10)
    assert len(one.events(RtcpReceived)) == 1
    talk(scene, one, 5000)
    scene.engine.inject(one.leg.local_port, one.address, Rtp(False, 0, 1, 1, one.ssrc, bytes(160)).pack())
    scene.engine.advance(5100)
    assert elsewhere in {packet.remote for packet in scene.engine.sent()}, "reports go to where reports come from"


def test_nothing_is_reported_before_anything_was_sent_or_heard(scene: Scene) -> None:
    one, two = scene.pair()
    scene.run(20000)
    assert one.control == two.control == []


@pytest.mark.parametrize("cut", range(0, 60, 7))
def test_cut_reports_do_no_harm(scene: Scene, cut: int) -> None:
    one, two = scene.pair()
    talk(scene, one, 5200)
    data = two.control[0][:cut]
    scene.engine.inject(one.leg.local_port + 1, (one.address[0], one.address[1] + 1), data)
    scene.run(10)
    assert one.leg.stats().rtt == 0.0


def test_figures_over_the_life_of_a_call(scene: Scene) -> None:
    one, two = scene.pair()
    talk(scene, one, 21000)
    stats = one.leg.stats()
    assert stats.jitters.least <= stats.jitters.mean <= stats.jitters.most
    assert stats.losses.most == 0
    assert 85 < stats.scores.last < 90, "93.2 less the least delay, as an opinion score times 20"
    assert stats.opinion == pytest.approx(stats.scores.last / 20)
    assert two.leg.stats().scores.last == 0, "nothing came to be judged"


def test_loss_costs_score(scene: Scene) -> None:
    one, _two = scene.pair()
    talk(scene, one, 11000, lose=5)
    stats = one.leg.stats()
    assert stats.losses.most == pytest.approx(50, abs=10)
    assert stats.scores.last <= 20


def extended_blocks(data: bytes) -> dict[int, bytes]:
    """The blocks of the extended report at the end of a compound packet, by type."""
    at = 0
    while struct.unpack_from("!BB", data, at)[1] != 207:
        at += (struct.unpack_from("!H", data, at + 2)[0] + 1) * 4
    assert at + (struct.unpack_from("!H", data, at + 2)[0] + 1) * 4 == len(data)
    at, blocks = at + 8, {}
    while at < len(data):
        kind, length = data[at], (struct.unpack_from("!H", data, at + 2)[0] + 1) * 4
        blocks[kind] = data[at : at + length]
        at += length
    return blocks


def test_extended_reports_are_sent_where_agreed(scene: Scene) -> None:
    one, _ = scene.pair()
    one.leg.set_options(extended=SUMMARY | METRICS)
    first = one.sequence
    talk(scene, one, 10200, lose=20)
    summary, metrics = (extended_blocks(one.control[-1])[kind] for kind in (6, 7))
    ssrc, begin, end, lost, repeated, least, most, mean, deviation = struct.unpack("!IHHIIIIII", summary[4:36])
    assert (ssrc, repeated, least) == (one.ssrc, 0, 0)
    assert (end - begin) & 0xFFFF == pytest.approx(250, abs=6)
    assert (begin - first) & 0xFFFF == pytest.approx(250, abs=6)
    assert lost == pytest.approx(12, abs=1)
    assert mean <= most and deviation <= most
    loss, discard, burst_density, gap_density = metrics[8:12]
    assert loss == pytest.approx(256 / 20, abs=1.5)
    assert discard == burst_density == 0
    assert gap_density == pytest.approx(256 / 20, abs=1.5), "each alone: all are in gaps"
    rating, _, listening, conversation = metrics[24:28]
    assert 70 < rating < 80, "5 % lost cost some 16 of 93"
    assert 35 <= conversation <= listening <= 40
    assert one.leg.stats().metrics.rating == rating


def test_losses_in_a_row_are_a_burst(scene: Scene) -> None:
    one, _ = scene.pair()
    one.leg.set_options(extended=METRICS)
    for index in range(300):
        if index % 100 in range(50, 56):
            one.sequence += 1
            one.timestamp += 160
        else:
            one.send(bytes(160))
        scene.run(20)
    scene.run(5000)
    metrics = one.leg.stats().metrics
    assert metrics.burst_density > 0.9
    assert metrics.burst_ms == pytest.approx(6 * 20, abs=21)
    assert metrics.gap_density == 0


def test_extended_reports_are_read(scene: Scene) -> None:
    one, _ = scene.pair()
    shares, lengths, levels, scores = (26, 5, 200, 3), (120, 4000, 80, 60), (127, 127, 127, 16), (82, 127, 41, 40)
    buffer = (0xB0, 0, 40, 60, 400)
    block = struct.pack("!BBHI4B4H4B4B2B3H", 7, 0, 8, one.leg.ssrc, *shares, *lengths, *levels, *scores, *buffer)
    report = struct.pack("!BBHI", 0x80, 201, 1, 0x9999) + struct.pack("!BBHI", 0x80, 207, 10, 0x9999) + block
    scene.engine.inject(one.leg.local_port + 1, (one.address[0], one.address[1] + 1), report)
    scene.run(10)
    metrics = one.leg.stats().remote_metrics
    assert (metrics.rating, metrics.listening, metrics.conversation) == (82, 4.1, 4.0)
    assert (metrics.burst_ms, metrics.gap_ms, metrics.rtt_ms, metrics.delay_ms) == (120, 4000, 80, 60)
    assert metrics.loss == pytest.approx(26 / 256)


def test_the_watchdog_tells_a_silent_far_end_once(scene: Scene) -> None:
    one, _two = scene.pair()
    one.leg.set_options(watchdog=3)
    scene.run(5000)
    (event,) = one.events(FarEndQuiet)
    assert (event.heard, event.seconds) == (False, 3)  # type: ignore[attr-defined]
    talk(scene, one, 200)
    scene.run(5000)
    assert [each.heard for each in one.events(FarEndQuiet)] == [False, True]  # type: ignore[attr-defined]
    one.leg.set_hold(True)
    talk(scene, one, 200)
    scene.run(5000)
    assert len(one.events(FarEndQuiet)) == 2
