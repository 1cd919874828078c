"""More than two: conferences, spying and whispering."""

from __future__ import annotations

import struct

import pytest

from offhook.media.mixer import Mixer
from support.far_end import FarEnd, Scene, amplitude, loudness, sine, to_alaw, to_ulaw

TONES = (500, 900, 1300, 1700)


def speak_all(scene: Scene, parties: list[FarEnd], ms: int, *, level: float = 4000) -> None:
    """Every party sounds its own tone."""
    for start in range(0, ms * 8, 160):
        for party, frequency in zip(parties, TONES, strict=False):
            samples = sine(frequency, 20, level, start=start)
            party.send(to_alaw(samples) if party.name == "alaw" else to_ulaw(samples))
        scene.run(20)


def heard_by(party: FarEnd) -> list[bool]:
    """Which tones a party hears."""
    steady = party.sound()[1600:3200]
    return [amplitude(steady, frequency) > 3000 for frequency in TONES]


def test_each_hears_the_others_and_not_itself(scene: Scene) -> None:
    parties = [scene.far_end(), scene.far_end("alaw"), scene.far_end()]
    mixer = scene.engine.mixer()
    for party in parties:
        mixer.add(party.leg)
    scene.run(10)
    speak_all(scene, parties, 500)
    assert heard_by(parties[0]) == [False, True, True, False]
    assert heard_by(parties[1]) == [True, False, True, False]
    assert heard_by(parties[2]) == [True, True, False, False]
    for index, party in enumerate(parties):
        own = amplitude(party.sound()[1600:3200], TONES[index])
        assert own < 150


def test_listeners_and_muted_members(scene: Scene) -> None:
    parties = [scene.far_end() for _ in range(3)]
    mixer = scene.engine.mixer()
    mixer.add(parties[0].leg)
    mixer.add(parties[1].leg, heard=False)
    mixer.add(parties[2].leg, hears=False)
    scene.run(10)
    speak_all(scene, parties, 500)
    assert heard_by(parties[0]) == [False, False, True, False]
    assert heard_by(parties[1]) == [True, False, True, False]
    assert parties[2].packets == []


def test_leaving_and_ending(scene: Scene) -> None:
    parties = [scene.far_end() for _ in range(3)]
    mixer = scene.engine.mixer()
    for party in parties:
        mixer.add(party.leg)
    scene.run(10)
    mixer.remove(parties[2].leg)
    scene.run(10)
    for party in parties:
        party.packets.clear()
    speak_all(scene, parties, 500)
    assert heard_by(parties[0]) == [False, True, False, False]
    assert parties[2].packets == []
    parties[1].leg.connect(parties[2].leg)
    scene.run(10)
    parties[0].packets.clear()
    parties[2].packets.clear()
    speak_all(scene, parties, 500)
    assert heard_by(parties[2]) == [False, True, False, False]
    assert heard_by(parties[0]) == [False] * 4
    mixer.close()
    mixer.close()
    scene.run(20)
    parties[0].packets.clear()
    speak_all(scene, parties, 200)
    assert parties[0].packets == []


def wide_tone(scene: Scene, mixer: Mixer) -> tuple[float, float]:
    """How loud 6 kHz at 16 kHz come from a member of a mixer to another wide one; how loud anything comes to a narrow
    one."""
    narrow, wide, other = scene.far_end(), scene.far_end("slin16"), scene.far_end("slin16")
    for party in (narrow, wide, other):
        mixer.add(party.leg)
    scene.run(10)
    for start in range(0, 16000, 320):
        samples = [round(each) for each in sine(6000, 20, 8000, 16000, start)]
        wide.send(struct.pack(f">{len(samples)}h", *samples), 320)
        scene.run(20)
    payload = b"".join(packet.payload for packet in other.packets)
    heard = struct.unpack(f">{len(payload) // 2}h", payload)
    return amplitude(heard[3200:9600], 6000, 16000), loudness(narrow.sound()[1600:4800])


def test_the_mix_runs_at_the_best_rate_of_its_members(scene: Scene) -> None:
    wide, narrow = wide_tone(scene, scene.engine.mixer())
    assert wide == pytest.approx(8000, rel=0.05)
    assert narrow < 100, "what the narrow band cannot carry does not alias into it"


@pytest.mark.parametrize("rates", [(0, 8000), (8000, 0)], ids=["limited", "fixed"])
def test_a_mix_may_be_kept_narrow(scene: Scene, rates: tuple[int, int]) -> None:
    wide, _ = wide_tone(scene, scene.engine.mixer(*rates))
    assert wide < 100


def test_a_spy_hears_both_and_is_not_heard(scene: Scene) -> None:
    one, two = scene.pair()
    spy = scene.far_end()
    snoop = scene.engine.snoop(one.leg)
    snoop.connect(spy.leg)
    scene.run(10)
    speak_all(scene, [one, two, spy], 500)
    assert heard_by(spy) == [True, True, False, False]
    assert heard_by(one) == [False, True, False, False]
    assert heard_by(two) == [True, False, False, False]
    assert one.leg.figures()["relayed"], "spying does not touch the call"


@pytest.mark.parametrize(("spy", "expected"), [("in", [True, False]), ("out", [False, True]), ("none", [False, False])])
def test_one_side_only(scene: Scene, spy: str, expected: list[bool]) -> None:
    one, two = scene.pair()
    listener = scene.far_end()
    scene.engine.snoop(one.leg, spy).connect(listener.leg)  # type: ignore[arg-type]
    scene.run(10)
    speak_all(scene, [one, two], 500)
    assert heard_by(listener)[:2] == expected


@pytest.mark.parametrize(
    ("whisper", "first", "second"), [("out", True, False), ("in", False, True), ("both", True, True)]
)
def test_whispering(scene: Scene, whisper: str, first: bool, second: bool) -> None:
    one, two = scene.pair()
    coach = scene.far_end()
    scene.engine.snoop(one.leg, "both", whisper).connect(coach.leg)  # type: ignore[arg-type]
    scene.run(10)
    speak_all(scene, [one, two, coach], 500)
    assert heard_by(one)[:2] == [False, True]
    assert heard_by(two)[:2] == [True, False]
    assert heard_by(one)[2] == first
    assert heard_by(two)[2] == second


def test_a_spy_outlives_its_target(scene: Scene) -> None:
    one, two = scene.pair()
    spy = scene.far_end()
    snoop = scene.engine.snoop(one.leg, "both", "both")
    snoop.connect(spy.leg)
    scene.run(10)
    one.leg.close()
    speak_all(scene, [two, spy], 200)
    snoop.close()
    scene.run(20)
    with pytest.raises(ValueError, match="closed"):
        scene.engine.snoop(one.leg)


def test_a_snoop_can_be_recorded(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("mix")
    one, two = scene.pair()
    snoop = scene.engine.snoop(one.leg)
    recording = snoop.record(folder / "both.ulaw", "ulaw")
    scene.run(10)
    speak_all(scene, [one, two], 500)
    recording.stop()
    scene.run(30)
    from support.far_end import ULAW

    heard = [ULAW[code] for code in (folder / "both.ulaw").read_bytes()][1600:3200]
    assert amplitude(heard, TONES[0]) > 3000
    assert amplitude(heard, TONES[1]) > 3000
