"""Legs of different formats hear each other; sound that is lost or changed on the way."""

from __future__ import annotations

import struct
from itertools import pairwise
from pathlib import Path

import pytest

from offhook.media import format_named
from support.far_end import ALAW, ULAW, Scene, amplitude, correlation, loudness, mix, sine, to_ulaw

SETTLED = 1600  # samples until filters and codecs have settled


def test_ulaw_becomes_alaw_and_back(scene: Scene) -> None:
    one, two = scene.pair("ulaw", "alaw")
    scene.speak(one, sine(1010, 600))
    scene.speak(two, sine(710, 600))
    heard = two.sound()
    assert {packet.type for packet in two.packets} == {8}
    assert amplitude(heard[SETTLED : SETTLED + 2400], 1010) == pytest.approx(8000, rel=0.03)
    back = one.sound()
    assert amplitude(back[SETTLED : SETTLED + 2400], 710) == pytest.approx(8000, rel=0.03)
    assert one.leg.figures()["relayed"]


def test_one_law_becomes_the_other_packet_by_packet(scene: Scene) -> None:
    """Numbers go on as they came: what was lost is missing there, too."""
    one, two = scene.pair("ulaw", "alaw")
    spoken = to_ulaw(sine(1010, 20))
    for _ in range(4):
        one.send(spoken)
        scene.run(20)
    one.sequence += 2
    one.send(spoken)
    scene.run(20)
    ahead = [(packet.sequence - two.packets[0].sequence) & 0xFFFF for packet in two.packets]
    assert ahead == [0, 1, 2, 3, 6]
    apart = [abs(ALAW[a] - ULAW[b]) for a, b in zip(two.packets[-1].payload, spoken, strict=True)]
    assert max(apart) <= 256  # half a step at 8000


def test_it_is_decoded_where_packet_times_differ(scene: Scene) -> None:
    one, two = scene.far_end("ulaw"), scene.far_end("alaw", ptime=40)
    one.leg.connect(two.leg)
    scene.run(10)
    scene.speak(one, sine(510, 400))
    assert not one.leg.figures()["relayed"]


def test_g722_is_decoded_as_wide_as_somebody_hears(scene: Scene, tmp_path: Path) -> None:
    """To G.711 at 8 kHz; as soon as somebody records it, with all of its band."""
    source, middle = scene.pair("slin16", "g722")
    one, two = scene.pair("g722", "ulaw")
    tones = mix(sine(1000, 1000, rate=16000), sine(6000, 1000, rate=16000))
    recording = None
    for at in range(0, 16000, 320):
        source.send(struct.pack(">320h", *(int(each) for each in tones[at : at + 320])), 320)
        scene.run(20)
        for packet in middle.packets:
            scene.engine.inject(one.leg.local_port, one.address, packet.pack())
        middle.packets.clear()
        if at == 8000:
            recording = one.leg.record(tmp_path / "wide.sln16", "sln16")
    assert recording is not None
    recording.stop()
    scene.run(20)
    for part in (two.sound()[1600:3200], two.sound()[5600:7200]):
        assert amplitude(part, 1000) == pytest.approx(8000, rel=0.1)
        assert amplitude(part, 2000) < 100  # 6 kHz do not come back as 2
    kept = (tmp_path / "wide.sln16").read_bytes()
    samples = struct.unpack(f"<{len(kept) // 2}h", kept)[1600:4800]
    assert amplitude(samples, 6000, 16000) == pytest.approx(8000, rel=0.1)


def test_what_is_heard_is_what_was_said(scene: Scene) -> None:
    one, two = scene.decoded_pair()
    speech = [a * b / 8000 for a, b in zip(sine(330, 800), sine(3, 800), strict=True)]
    scene.speak(one, speech)
    match, delay = correlation(speech[:4000], [float(each) for each in two.sound()], 800)
    assert match > 0.995
    assert delay <= 160


@pytest.mark.parametrize(
    "other", ["g722", "gsm", "slin16", "opus", "speex", "speex16", "speex32", "g729", "adpcm", "g726", "g726aal2"]
)
def test_each_codec_there_and_back(scene: Scene, other: str) -> None:
    """A pipe of two legs of that codec between two G.711 legs: the sound crosses it twice."""
    if not scene.engine.can_decode(format_named(other)):
        pytest.skip(f"the library of {other} is not installed")
    one, middle = scene.pair("ulaw", other)
    back, two = scene.pair(other, "ulaw")
    for at in range(0, 9600, 160):
        one.send(to_ulaw(sine(1000, 20, start=at)))
        scene.run(20)
        for packet in middle.packets:
            scene.engine.inject(back.leg.local_port, back.address, packet.pack())
        middle.packets.clear()
    heard = two.sound()
    assert amplitude(heard[3200:7200], 1000) == pytest.approx(8000, rel=0.25)
    assert amplitude(heard[3200:7200], 1500) < 800


def test_packets_in_the_transcoded_stream_are_even(scene: Scene) -> None:
    one, two = scene.decoded_pair()
    scene.speak(one, sine(510, 1000))
    assert len(two.packets) in (49, 50)
    for before, after in pairwise(two.packets):
        assert (after.sequence - before.sequence) & 0xFFFF == 1
        assert (after.timestamp - before.timestamp) & 0xFFFFFFFF == 160
        assert len(after.payload) == 160
    assert [packet.marker for packet in two.packets].count(True) == 1


@pytest.mark.parametrize("ptime", [10, 30, 40, 60])
def test_the_packet_time_agreed_is_used(scene: Scene, ptime: int) -> None:
    one, two = scene.far_end("ulaw"), scene.far_end("alaw", ptime=ptime)
    one.leg.connect(two.leg)
    scene.run(10)
    scene.speak(one, sine(510, 600))
    assert {len(packet.payload) for packet in two.packets} == {ptime * 8}
    heard = two.sound()
    assert amplitude(heard[800:3200], 510) == pytest.approx(8000, rel=0.03)


def test_g722_timestamps_count_at_8_khz(scene: Scene) -> None:
    one, two = scene.pair("ulaw", "g722")
    scene.speak(one, sine(510, 400))
    steps = {(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in pairwise(two.packets)}
    assert steps == {160}
    assert {len(packet.payload) for packet in two.packets} == {160}


def test_a_change_of_codec_in_the_middle_is_followed(scene: Scene) -> None:
    one = scene.far_end("ulaw", accept=["alaw"])
    two = scene.far_end("ulaw")
    one.leg.connect(two.leg)
    scene.run(10)
    scene.speak(one, sine(510, 200))
    assert one.leg.figures()["relayed"]
    one.name = "alaw"
    scene.speak(one, sine(510, 600))
    assert one.leg.figures()["relayed"]  # each octet for another
    assert {packet.type for packet in two.packets} == {0}
    assert one.leg.receive_format is format_named("alaw")
    assert amplitude(two.sound()[-2400:], 510) == pytest.approx(8000, rel=0.03)
    one.name = "ulaw"
    scene.speak(one, sine(510, 200))
    assert one.leg.figures()["relayed"]
    sequences = [packet.sequence for packet in two.packets]
    assert all((b - a) & 0xFFFF == 1 for a, b in pairwise(sequences))


def test_lost_packets_are_concealed(scene: Scene) -> None:
    one, two = scene.decoded_pair()
    tone = sine(400, 1000)
    for index, at in enumerate(range(0, len(tone), 160)):
        if index % 10 == 7:
            one.sequence += 1
            one.timestamp += 160
        else:
            one.send(to_ulaw(tone[at : at + 160]))
        scene.run(20)
    assert one.leg.stats().concealed_ms == 5 * 20
    assert one.leg.stats().rx_lost == 5
    heard = two.sound()
    assert len(heard) >= 7600
    assert min(loudness(heard[at : at + 160]) for at in range(800, 7200, 160)) > 2000


def test_gain_and_mute(scene: Scene) -> None:
    one, two = scene.pair()
    one.leg.gain(in_db=6)
    scene.speak(one, sine(510, 400, amplitude=4000))
    assert amplitude(two.sound()[800:2400], 510) == pytest.approx(8000, rel=0.03)
    one.leg.gain()
    two.leg.gain(out_db=-6)
    two.packets.clear()
    scene.speak(one, sine(510, 400))
    assert amplitude(two.sound()[800:2400], 510) == pytest.approx(4000, rel=0.03)
    two.leg.gain()
    one.leg.mute("in")
    two.packets.clear()
    scene.speak(one, sine(510, 400))
    assert loudness(two.sound()[800:]) < 10
    assert len(two.packets) >= 18, "the stream goes on in silence"
    one.leg.mute("in", False)
    two.packets.clear()
    scene.speak(one, sine(510, 200))
    assert one.leg.figures()["relayed"]


def test_a_pipe_carries_decoded_sound(scene: Scene) -> None:
    one, two = scene.far_end("ulaw"), scene.far_end("alaw")
    half, other = scene.engine.pipe()
    assert half.other is other
    assert other.other is half
    one.leg.connect(half)
    other.connect(two.leg)
    scene.run(10)
    scene.speak(one, sine(610, 500))
    assert amplitude(two.sound()[1600:3200], 610) == pytest.approx(8000, rel=0.03)
    scene.speak(two, [float(each) for each in sine(910, 500)])
    assert amplitude(one.sound()[1600:3200], 910) == pytest.approx(8000, rel=0.03)


def test_comfort_noise_of_the_far_end_is_heard_as_noise(scene: Scene) -> None:
    one, two = scene.decoded_pair()
    scene.speak(one, sine(610, 200))
    one.send(bytes([40]), 160, type=13)
    scene.run(20)
    two.packets.clear()
    scene.run(400)
    assert len(two.packets) >= 18
    assert 150 < loudness(two.sound()) < 700


def test_silence_of_the_far_end_sends_nothing(scene: Scene) -> None:
    one, two = scene.decoded_pair()
    scene.speak(one, sine(610, 200))
    scene.run(200)
    two.packets.clear()
    scene.run(500)
    assert two.packets == []
    scene.engine.advance(10)
    one.timestamp += 4000
    scene.speak(one, sine(610, 100))
    assert two.packets[0].marker


def test_what_is_sent_follows_what_arrives(scene: Scene) -> None:
    one, two = scene.far_end("ulaw", accept=["alaw"]), scene.far_end("ulaw")
    one.leg.connect(two.leg)
    one.send(bytes(160), type=8)
    scene.speak(two, sine(500, 200))
    assert {packet.type for packet in one.packets} == {0}, "codecs may differ"
    one.send(bytes(160), type=0)
    scene.run(20)
    one.leg.follows = True
    one.send(bytes(160), type=8)
    scene.run(40)
    one.packets.clear()
    scene.speak(two, sine(500, 200))
    assert {packet.type for packet in one.packets} == {8}
    assert one.leg.send_format is one.leg.receive_format is format_named("alaw")
