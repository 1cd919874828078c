"""MF and SF digit strings as tones."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from offhook.calls.frames import Condition
from offhook.calls.trunk_digits import MF, PULSES, MfTimes, mf_steps, sf_steps
from offhook.media.tones import Tone, ToneSpec


def tones(steps: list[ToneSpec | Condition]) -> list[Tone]:
    """All parts that sound."""
    return [part for step in steps if isinstance(step, ToneSpec) for part in step.parts if part.low]


def test_a_number_between_key_pulse_and_start() -> None:
    (spec,) = mf_steps("*5#")
    assert isinstance(spec, ToneSpec)
    assert [(part.low, part.high, part.duration_ms) for part in spec.parts] == [
        (0, 0, 100),
        (1100, 1700, 120),
        (0, 0, 50),
        (900, 1300, 55),
        (0, 0, 50),
        (1500, 1700, 65),
        (0, 0, 50),
    ]
    assert spec.repeat is None


def test_a_wink_stands_between_what_is_played() -> None:
    steps = mf_steps("1W2")
    assert [type(step) for step in steps] == [ToneSpec, Condition, ToneSpec]
    assert steps[1] is Condition.WINK


def test_who_listens_does_not_hear_the_seizing_tone() -> None:
    assert [tone.low for tone in tones(mf_steps("h1"))] == [2600, 700]
    assert [tone.low for tone in tones(mf_steps("h1", seize=False))] == [700]
    assert mf_steps("h")[0].duration_ms == mf_steps("h", seize=False)[0].duration_ms  # type: ignore[union-attr]


@given(st.text(alphabet="".join(MF), max_size=20), st.integers(10, 200), st.integers(10, 200))
def test_every_mf_digit_sounds_once(digits: str, between: int, length: int) -> None:
    found = tones(mf_steps(digits, MfTimes(between, length, length, length)))
    assert [(tone.low, tone.high) for tone in found] == [MF[digit] for digit in digits]
    assert len({(tone.low, tone.high) for tone in found}) == len(set(digits))


@given(st.text(alphabet="".join(PULSES), max_size=12))
def test_sf_digits_are_pulses(digits: str) -> None:
    assert len(tones(sf_steps(digits, 1800))) == sum(PULSES[digit] for digit in digits)


def test_what_is_no_digit_is_left_out() -> None:
    assert tones(mf_steps("1x2")) == tones(mf_steps("12"))
    assert tones(sf_steps("1+")) == tones(sf_steps("1"))
