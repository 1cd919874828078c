"""VOLUME, AGC, DENOISE, PITCH_SHIFT, SCRAMBLE and JITTERBUFFER."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from offhook.calls.frames import Digit
from offhook.dialplan.invocation import FunctionError
from offhook.functions import sound
from offhook.media import RtpLeg
from offhook.media.effects import EffectSettings


class Ear(RtpLeg):
    """A leg that remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    receive_format = None  # type: ignore[assignment]

    def gain(self, in_db: float = 0.0, out_db: float = 0.0) -> None:
        self.told.append((round(in_db, 1), round(out_db, 1)))

    def set_playout(self, kind: str, ms: int = 0) -> None:
        self.told.append((kind, ms))


@pytest.fixture
def scope(monkeypatch: pytest.MonkeyPatch) -> Any:
    applied: list[tuple[str, EffectSettings]] = []

    def apply(leg: Any, side: str, settings: EffectSettings, rate: int) -> Any:
        applied.append((side, settings))
        return SimpleNamespace(close=lambda: applied.append((side, EffectSettings())))

    monkeypatch.setattr(sound, "apply_effect", apply)
    channel = SimpleNamespace(name="Local/x", data={}, media=Ear())
    return SimpleNamespace(channel=channel, applied=applied)


def test_volume_multiplies_and_divides(scope: Any) -> None:
    told = scope.channel.media.told
    sound.volume_write(scope, "2", "TX")
    sound.volume_write(scope, "-10", "rx")
    assert told == [(0.0, 6.0), (-20.0, 6.0)]
    assert (sound.volume.read(scope, "tx"), sound.volume.read(scope, "RX")) == ("2.00", "-10.00")
    sound.volume_write(scope, "0", "TX")
    assert told[-1] == (-20.0, 0.0)
    with pytest.raises(FunctionError, match="VOLUME\\(rx\\)"):
        sound.volume_write(scope, "2", "both")


def test_the_party_changes_the_volume_by_digits(scope: Any) -> None:
    sound.volume_write(scope, "1", "TX", "p")
    (hook,) = scope.channel.data["frame_hooks"]
    for digit in "**#1":
        assert not hook(Digit(digit))
    assert sound.volume.read(scope, "TX") == "2.00"
    assert sound.volume.read(scope, "RX") == "1.00"


def test_effects_add_up_and_end(scope: Any) -> None:
    sound.agc_write(scope, "4000", "rx")
    sound.denoise_write(scope, "on", "rx")
    assert scope.applied == [("in", EffectSettings(agc=4000)), ("in", EffectSettings(agc=4000, denoise=True))]
    assert (sound.agc.read(scope, "rx"), sound.denoise.read(scope, "rx"), sound.agc.read(scope, "tx")) == (
        "4000.0",
        "1",
        "0.0",
    )
    sound.agc_write(scope, "off", "rx")
    sound.denoise_write(scope, "no", "rx")
    assert scope.applied[-1] == ("in", EffectSettings())
    sound.agc_write(scope, "on", "tx")
    assert sound.agc.read(scope, "tx") == "8000.0"


def test_pitches_have_names(scope: Any) -> None:
    sound._pitch_write(scope, "higher", "both")
    assert scope.applied == [("in", EffectSettings(pitch=1.5)), ("out", EffectSettings(pitch=1.5))]
    sound._pitch_write(scope, "1.0", "rx")
    assert scope.applied[-1] == ("in", EffectSettings())
    for wrong in ("0", "4.5", "shrill"):
        with pytest.raises(FunctionError, match="PITCH_SHIFT"):
            sound._pitch_write(scope, wrong, "rx")


def test_scrambling(scope: Any) -> None:
    sound._scramble_write(scope, "both")
    sound._scramble_write(scope, "RX")
    sound._scramble_write(scope, "remove")
    inverted, nothing = EffectSettings(invert=True), EffectSettings()
    assert scope.applied == [("in", inverted), ("out", inverted), ("out", nothing), ("in", nothing)]
    assert not scope.channel.data
    with pytest.raises(FunctionError, match="write rx, tx, both or remove, not 'up'"):
        sound._scramble_write(scope, "up")


def test_jitter_buffers(scope: Any) -> None:
    for kind, value in (("fixed", "default"), ("fixed", "120,1000"), ("adaptive", "200,,60"), ("disabled", "")):
        sound._jitter_write(scope, value, kind)
    assert scope.channel.media.told == [("fixed", 200), ("fixed", 120), ("adaptive", 60), ("usual", 0)]
    with pytest.raises(FunctionError, match="fixed, adaptive or disabled"):
        sound._jitter_write(scope, "", "elastic")
