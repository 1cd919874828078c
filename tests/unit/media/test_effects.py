"""What changes sound: pitch, a level that is kept, noise reduction."""

from __future__ import annotations

import random

import pytest

from offhook.media.effects import EffectSettings, apply_effect
from support.far_end import Scene, amplitude, loudness, mix, sine


def heard_through(scene: Scene, sound: list[float], settings: EffectSettings, side: str = "in") -> list[int]:
    """What the other party hears when one speaks."""
    one, two = scene.pair("ulaw", "ulaw")
    leg = one.leg if side == "in" else two.leg
    effect = apply_effect(leg, side, settings)  # type: ignore[arg-type]
    scene.run(20)
    scene.speak(one, sound)
    effect.close()
    scene.run(100)
    assert one.leg.figures()["relayed"], "an effect that is gone leaves no trace"
    return two.sound()


@pytest.mark.parametrize(("factor", "side"), [(2.0, "in"), (0.5, "in"), (1.5, "out")])
def test_the_pitch_is_another(scene: Scene, factor: float, side: str) -> None:
    heard = heard_through(scene, sine(600, 1000), EffectSettings(pitch=factor), side)[2400:7200]
    there, before = (loudest(heard, hertz) for hertz in (600 * factor, 600))
    assert there > 4000
    assert before < there / 3


@pytest.mark.parametrize("side", ["in", "out"])
def test_the_spectrum_is_upside_down(scene: Scene, side: str) -> None:
    heard = heard_through(scene, sine(600, 1000), EffectSettings(invert=True), side)[2400:7200]
    assert amplitude(heard[:1600], 3400) > 6000
    assert amplitude(heard[:1600], 600) < 100


def loudest(sound: list[int], hertz: float) -> float:
    """The cross-fades smear a tone a little."""
    return max(amplitude(sound[:1600], hertz + off) for off in range(-30, 31, 5))


def test_soft_and_loud_come_to_one_level(scene: Scene) -> None:
    chance = random.Random(1)
    speech = [
        each * (0.5 + 0.5 * chance.random())
        for each in mix(sine(300, 6000, 500), sine(900, 6000, 300), sine(1700, 6000, 150))
    ]
    soft = heard_through(scene, speech, EffectSettings(agc=8000))
    assert loudness(soft[-8000:]) > 2.5 * loudness(speech)


def test_noise_is_reduced_and_speech_stays(scene: Scene) -> None:
    chance = random.Random(2)
    noise = [chance.gauss(0, 400) for _ in range(8 * 6000)]
    quiet = heard_through(scene, noise, EffectSettings(denoise=True))
    assert loudness(quiet[-8000:]) < 0.4 * loudness(noise)


def test_effects_end_with_their_leg(scene: Scene) -> None:
    one, _two = scene.pair()
    first = apply_effect(one.leg, "in", EffectSettings(pitch=2.0))
    second = apply_effect(one.leg, "in", EffectSettings(denoise=True))
    scene.run(20)
    assert first._handle is None, "the second took its place"
    one.leg.close()
    scene.run(20)
    assert second._handle is None
    third = apply_effect(one.leg, "out", EffectSettings(agc=100))
    third.close()
