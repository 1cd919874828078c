"""Line signals through the engine: caller ID, register signals, fax and progress tones, busy rhythms."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from offhook.calls.trunk_digits import mf_steps, sf_steps
from offhook.config.store import Configuration
from offhook.media import (
    CarrierHeard,
    DataHeard,
    ListenedTone,
    MediaEvent,
    SignalHeard,
    ToneHeard,
    ToneSpec,
    ToneZone,
    detect_data,
    detect_signals,
    detect_tones,
    parse_tone_list,
    send_data,
)
from offhook.media.cadence import Busy, Progress
from offhook.media.callerid import ACKNOWLEDGES, Call, Receiver, alerting_signal, encode_call, off_hook, on_hook
from offhook.media.callerid.sending import ALERTING_SIGNAL
from offhook.media.registers import r2_tone
from offhook.media.simulated import SimulatedEngine
from offhook.media.tones import zones_from


class Line:
    """Two ends of a pipe: what is sent at one is heard at the other."""

    def __init__(self) -> None:
        self.engine = SimulatedEngine()
        self.engine.start()
        self.near, self.far = self.engine.pipe()
        self.heard: list[MediaEvent] = []
        self.far.on_event = self.heard.append

    def of(self, kind: type) -> list[MediaEvent]:
        return [each for each in self.heard if isinstance(each, kind)]


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    yield made
    made.engine.stop()


@pytest.mark.parametrize("standard", ["bell202", "v23"])
def test_a_telephone_is_told_who_calls(line: Line, standard: str) -> None:
    message = encode_call(Call("5551234", "Ada Lovelace", "11280300"))
    data = on_hook(message, standard)  # type: ignore[arg-type]
    detect_data(line.far)
    playback = send_data(
        line.near, data.octets, data.standard, seizure_bits=data.seizure_bits, mark_bits=data.mark_bits
    )
    line.engine.advance(1500)
    assert playback.reason == "done"
    receiver, calls = Receiver(), []
    for event in line.of(DataHeard):
        assert isinstance(event, DataHeard)
        calls += receiver.feed(event.octets)
    assert calls == [Call("5551234", "Ada Lovelace", "11280300")]
    assert [each.present for each in line.of(CarrierHeard) if isinstance(each, CarrierHeard)] == [True, False]


def test_a_telephone_in_a_call_hears_the_alerting_signal_and_acknowledges(line: Line) -> None:
    detect_tones(line.far, [ALERTING_SIGNAL], block_ms=10)
    line.near.tones(alerting_signal())
    line.engine.advance(200)
    begin, end = line.of(ToneHeard)
    assert isinstance(begin, ToneHeard)
    assert isinstance(end, ToneHeard)
    assert begin.begins
    assert not end.begins
    assert 60 <= end.lasted_ms <= 90
    data = off_hook(encode_call(Call("5551234")))
    assert (data.seizure_bits, data.mark_bits) == (0, 80)
    assert "D" in ACKNOWLEDGES


def test_speech_is_no_alerting_signal(line: Line) -> None:
    """Talk-off: noise that wanders through the band, as loud as speech."""
    detect_tones(line.far, [ALERTING_SIGNAL], block_ms=10)
    chance = random.Random(7)
    for _ in range(200):
        low = chance.uniform(200, 3000)
        line.near.tones(f"{int(low)}+{int(low * chance.uniform(1.05, 1.6))}/30")
        line.engine.advance(30)
    assert len(line.of(ToneHeard)) == 0


@pytest.mark.parametrize(
    ("system", "signals"),
    [("r1", "*1234567890#ABC"), ("r2 forward", "1234567890BCDEF"), ("r2 backward", "1234567890BCDEF")],
)
def test_register_signals_arrive(line: Line, system: str, signals: str) -> None:
    detect_signals(line.far, system)  # type: ignore[arg-type]
    if system == "r1":
        (spec,) = mf_steps(signals)
        assert isinstance(spec, ToneSpec)
        line.near.tones(spec)
        line.engine.advance(15 * 200)
    else:
        for signal in signals:
            line.near.tones(r2_tone(signal, forward=system == "r2 forward"))
            line.engine.advance(100)
            line.near.tones(ToneSpec(parse_tone_list("0/60").parts, None))
            line.engine.advance(70)
    begun = [each.signal for each in line.of(SignalHeard) if isinstance(each, SignalHeard) and each.begins]
    assert "".join(begun) == signals


def test_dial_pulses_at_2600_hz(line: Line) -> None:
    detect_tones(line.far, [ListenedTone(2600, least_ms=20)], block_ms=10)
    (spec,) = sf_steps("305")
    assert isinstance(spec, ToneSpec)
    line.near.tones(spec)
    line.engine.advance(5000)
    pulses = [each for each in line.of(ToneHeard) if isinstance(each, ToneHeard) and each.begins]
    assert len(pulses) == 3 + 10 + 5


def test_a_detector_for_what_is_sent(line: Line) -> None:
    line.near.on_event = line.heard.append
    detect_tones(line.near, [ListenedTone(1100, least_ms=400)], direction="out", block_ms=10)
    line.near.tones("1100/500,0/3000")
    line.engine.advance(3000)
    assert [each.lasted_ms for each in line.of(ToneHeard) if isinstance(each, ToneHeard)] == [400, 500]


def test_a_closed_detector_is_silent(line: Line) -> None:
    detector = detect_tones(line.far, [ListenedTone(0)])
    detector.close()
    line.near.tones("1000")
    line.engine.advance(500)
    assert not line.heard
    other = detect_tones(line.far, [ListenedTone(0)])
    line.far.close()
    line.engine.advance(20)
    assert other.closed
    assert detect_data(line.far).closed


def test_too_many_tones() -> None:
    made = Line()
    with pytest.raises(ValueError, match="9 tones"):
        detect_tones(made.far, [ListenedTone(100 * each) for each in range(1, 10)])
    made.engine.stop()


def sample_zones() -> dict[str, ToneZone]:
    from pathlib import Path

    folder = Path(__file__).parents[3] / "host" / "data" / "samples"
    config = Configuration(str(folder)).load("indications.conf") or ()
    return zones_from({section.name: [(entry.name, entry.value) for entry in section] for section in config})[0]


ZONES = sample_zones()


@pytest.mark.parametrize("zone", sorted(ZONES))
@pytest.mark.parametrize("name", ["dial", "busy", "ring", "congestion"])
def test_a_zones_tones_are_recognized(line: Line, zone: str, name: str) -> None:
    country = ZONES[zone]
    spec = country.tone(name)
    assert spec is not None
    progress = Progress(country)
    detector = detect_tones(line.far, progress.tones, block_ms=progress.block_ms)
    recognized, now = [], 0
    line.near.tones(spec)
    for _ in range(2500):
        line.engine.advance(10)
        now += 10
        for event in line.heard:
            assert isinstance(event, ToneHeard)
            recognized.append(progress.heard(event.tone, event.begins, now - event.ago_ms))
        line.heard.clear()
        recognized.append(progress.time(now))
        if any(recognized):
            break
    names = {each for each in recognized if each}
    alike = {other for other in country.tones if country.tones[other] == country.tones[name]}
    assert names, f"{zone}: {name} is not recognized"
    assert names <= alike, f"{zone}: {name} taken for {names}"
    detector.close()


@pytest.mark.parametrize(("on", "off"), [(500, 500), (250, 250), (480, 480), (375, 375), (200, 300), (170, 170)])
def test_any_rhythm_is_busy_when_it_repeats(line: Line, on: int, off: int) -> None:
    busy = Busy(4)
    detect_tones(line.far, [ListenedTone(0)], block_ms=10)
    line.near.tones(f"450/{on},0/{off}")
    found, now = False, 0
    for _ in range((on + off) * 5 // 10):
        line.engine.advance(10)
        now += 10
        for event in line.heard:
            assert isinstance(event, ToneHeard)
            found = busy.heard(event.begins, now - event.ago_ms) or found
        line.heard.clear()
    assert found
    assert abs(busy.cadence[0] - on) <= 20
    assert abs(busy.cadence[1] - off) <= 20


def beats(busy: Busy, rhythm: list[tuple[int, int]]) -> bool:
    now = 0.0
    for on, off in rhythm:
        busy.heard(True, now)
        now += on
        if busy.heard(False, now):
            return True
        now += off
    return False


def test_a_rhythm_of_a_wanted_pattern() -> None:
    assert beats(Busy(3, (500, 500)), [(500, 510)] * 4)
    assert not beats(Busy(3, (250, 250)), [(500, 510)] * 4)
    assert beats(Busy(4, (100, 200, 300, 400)), [(100, 200), (300, 400)] * 3)
    assert not beats(Busy(4, (100, 200, 300, 400)), [(100, 200)] * 6)
    assert not beats(Busy(4), [(4000, 4000)] * 6)


def test_speech_has_no_rhythm() -> None:
    chance = random.Random(3)
    for _ in range(200):
        assert not beats(Busy(4), [(chance.randint(80, 2500), chance.randint(60, 1500)) for _ in range(30)])
