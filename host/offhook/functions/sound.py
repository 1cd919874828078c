"""What changes a channel's sound: VOLUME, AGC, DENOISE, PITCH_SHIFT, SCRAMBLE, JITTERBUFFER."""

from __future__ import annotations

import logging
import math
import re
from dataclasses import replace
from typing import Literal

from offhook.calls.channel import Channel
from offhook.calls.frames import Digit, Frame
from offhook.config.model import TRUE_WORDS
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.functions.gains import apply_gains
from offhook.media.effects import Effect, EffectSettings, apply_effect
from offhook.media.errors import EngineError
from offhook.media.leg import Leg
from offhook.media.rtp import RtpLeg
from offhook.modules import Module, Syntax

log = logging.getLogger(__name__)
volume_module = Module("func_volume", "Technology independent volume control")
speex_module = Module("func_speex", "Noise reduction and Automatic Gain Control (AGC)")
pitch_module = Module("func_pitchshift", "Audio Effects Dialplan Functions")
scramble_module = Module("func_scramble", "Frequency inverting voice scrambler")
jitter_module = Module("func_jitterbuffer", "Jitter buffer for read side of channel.")

Side = Literal["in", "out"]
_SIDES: dict[str, Side] = {"rx": "in", "tx": "out"}
_VOLUME, _EFFECTS = "volume", "effect "
_USUAL_LEVEL = 8000
_NUMBER = re.compile(r"\s*[-+]?(\d+(\.\d*)?|\.\d+)")


def _channel(scope: Scope, name: str) -> Channel:
    channel: Channel | None = scope.channel
    if channel is None:
        raise FunctionError(f"{name} needs a channel")
    return channel


def _leg(channel: Channel, name: str) -> Leg:
    if channel.media is None:
        raise FunctionError(f"{name}: {channel.name} has no sound")
    return channel.media


def _side(name: str, direction: str) -> Side:
    side = _SIDES.get(direction.strip().lower())
    if side is None:
        raise FunctionError(f"{name}({direction}): write {name}(rx) for what is received, {name}(tx) for what is sent")
    return side


def _number(text: str) -> float:
    found = _NUMBER.match(text)
    return float(found[0]) if found else 0.0


# ---- VOLUME -----------------------------------------------------------------------------------------------


def _decibels(factor: float) -> float:
    """A positive factor multiplies, a negative one divides, 0 leaves the sound alone."""
    return 0.0 if not factor else math.copysign(20 * math.log10(abs(factor)), factor)


class _Volume:
    """A channel's factors, and whether its party may change them by * and #."""

    def __init__(self, channel: Channel) -> None:
        self.factors: dict[Side, float] = {"in": 0.0, "out": 0.0}
        self.by_digits = False
        self._channel = channel
        channel.data.setdefault("frame_hooks", []).append(self._frame)

    def apply(self) -> None:
        apply_gains(self._channel, "volume", _decibels(self.factors["in"]), _decibels(self.factors["out"]))

    def _frame(self, frame: Frame) -> bool:
        if self.by_digits and isinstance(frame, Digit) and frame.end and frame.digit in "*#":
            step = 1 if frame.digit == "*" else -1
            self.factors = {side: factor + step for side, factor in self.factors.items()}
            self.apply()
        return False


@volume_module.function(
    "VOLUME",
    Syntax(
        "direction",
        "[options]",
        direction="RX (received) or TX (sent).",
        options={"p": "The party makes both louder by * and softer by #."},
    ),
)
def volume(scope: Scope, direction: str = "", options: str = "") -> str:
    """Make a channel louder or softer.

    Set(VOLUME(TX)=3) multiplies what is sent by 3, -3 divides by 3, 0 leaves it alone. Fractions may be given.
    """
    found: _Volume | None = _channel(scope, "VOLUME").data.get(_VOLUME)
    factor = found.factors[_side("VOLUME", direction)] if found is not None else 0.0
    return f"{factor:.2f}"


@volume.writer
def volume_write(scope: Scope, value: str, direction: str = "", options: str = "") -> None:
    """Set a factor."""
    channel, side = _channel(scope, "VOLUME"), _side("VOLUME", direction)
    found: _Volume | None = channel.data.get(_VOLUME)
    if found is None:
        found = channel.data[_VOLUME] = _Volume(channel)
    found.factors[side] = _number(value)
    found.by_digits = "p" in options
    found.apply()


# ---- AGC, DENOISE, PITCH_SHIFT ----------------------------------------------------------------------------


def _settings(channel: Channel, side: Side) -> EffectSettings:
    found: tuple[EffectSettings, Effect] | None = channel.data.get(_EFFECTS + side)
    return found[0] if found is not None else EffectSettings()


def _rate(leg: Leg) -> int:
    carried = leg.receive_format if isinstance(leg, RtpLeg) else None
    return carried.rate if carried is not None and carried.rate else 8000


def _change(channel: Channel, side: Side, name: str, settings: EffectSettings) -> None:
    leg = _leg(channel, name)
    before: tuple[EffectSettings, Effect] | None = channel.data.pop(_EFFECTS + side, None)
    if settings.neutral:
        if before is not None:
            before[1].close()
        return
    try:
        channel.data[_EFFECTS + side] = (settings, apply_effect(leg, side, settings, _rate(leg)))
    except EngineError as error:
        raise FunctionError(f"{name}: {error}") from None


@speex_module.function("AGC", Syntax("channeldirection", channeldirection="rx or tx."), see_also=("DENOISE", "VOLUME"))
def agc(scope: Scope, direction: str = "") -> str:
    """Keep a channel at a level, whether the party speaks softly or loudly.

    Set(AGC(rx)=8000) keeps what is received at that level (1 to 32768), on is 8000, off or 0 ends it.
    """
    return f"{_settings(_channel(scope, 'AGC'), _side('AGC', direction)).agc:.1f}"


@agc.writer
def agc_write(scope: Scope, value: str, direction: str = "") -> None:
    """Begin or end it."""
    channel, side = _channel(scope, "AGC"), _side("AGC", direction)
    if _NUMBER.match(value):
        level = int(_number(value))
    else:
        level = _USUAL_LEVEL if value.strip().lower() in TRUE_WORDS else 0
    if level > 32768:
        log.warning("%s: AGC(%s)=%d is more than 32768, which is taken", channel.name, direction, level)
    _change(channel, side, "AGC", replace(_settings(channel, side), agc=max(0, min(level, 32768))))


@speex_module.function("DENOISE", Syntax("channeldirection", channeldirection="rx or tx."), see_also=("AGC",))
def denoise(scope: Scope, direction: str = "") -> str:
    """Take noise out of a channel's sound.

    Set(DENOISE(rx)=on) begins, off ends it.
    """
    return str(int(_settings(_channel(scope, "DENOISE"), _side("DENOISE", direction)).denoise))


@denoise.writer
def denoise_write(scope: Scope, value: str, direction: str = "") -> None:
    """Begin or end it."""
    channel, side = _channel(scope, "DENOISE"), _side("DENOISE", direction)
    wanted = value.strip().lower() in TRUE_WORDS
    _change(channel, side, "DENOISE", replace(_settings(channel, side), denoise=wanted))


_BOTH: tuple[Side, ...] = ("in", "out")
_PITCHES = {"highest": 2.0, "higher": 1.5, "high": 1.25, "low": 0.85, "lower": 0.7, "lowest": 0.5}


def _pitch_write(scope: Scope, value: str, direction: str = "") -> None:
    """Raise or lower the pitch of a channel's sound.

    Set(PITCH_SHIFT(rx)=1.5): a factor above 0 and up to 4.0, or highest, higher, high, low, lower, lowest; 1.0 ends it.
    """
    channel = _channel(scope, "PITCH_SHIFT")
    word = value.strip().lower()
    factor = _PITCHES.get(word, _number(word))
    if not 0 < factor <= 4:
        raise FunctionError(f'PITCH_SHIFT: "{value}" is no factor above 0 up to 4, nor one of {", ".join(_PITCHES)}')
    sides = _BOTH if direction.strip().lower() == "both" else (_side("PITCH_SHIFT", direction),)
    for side in sides:
        _change(channel, side, "PITCH_SHIFT", replace(_settings(channel, side), pitch=factor))


pitch_shift = pitch_module.function(
    "PITCH_SHIFT", Syntax("channeldirection", channeldirection="rx, tx or both."), write_only=True
)(_pitch_write)


# ---- SCRAMBLE ---------------------------------------------------------------------------------------------

_SCRAMBLED: dict[str, tuple[Side, ...]] = {"rx": ("in",), "tx": ("out",), "both": _BOTH, "remove": ()}


def _scramble_write(scope: Scope, value: str, direction: str = "") -> None:
    """Make a channel's sound unintelligible by turning its spectrum upside down; done twice it is intelligible again.

    Set(SCRAMBLE()=both), or rx for what is received, tx for what is sent; remove ends it. It protects nothing.
    """
    channel = _channel(scope, "SCRAMBLE")
    sides = _SCRAMBLED.get(value.strip().lower())
    if sides is None:
        raise FunctionError(f"SCRAMBLE: write rx, tx, both or remove, not {value!r}")
    for side in _BOTH:
        settings = _settings(channel, side)
        if settings.invert != (side in sides):
            _change(channel, side, "SCRAMBLE", replace(settings, invert=side in sides))


scramble = scramble_module.function("SCRAMBLE", Syntax("[direction]"), write_only=True)(_scramble_write)


# ---- JITTERBUFFER -----------------------------------------------------------------------------------------

_USUAL_SIZE, _USUAL_EXTRA = 200, 40


def _jitter_write(scope: Scope, value: str, kind: str = "") -> None:
    """Hold back what a channel receives, so that it comes evenly.

    Set(JITTERBUFFER(fixed)=size): so many ms (200 when not said), and what comes later is lost.
    Set(JITTERBUFFER(adaptive)=size,resync,extra): as much as is needed, and ``extra`` ms (40) at least.
    Set(JITTERBUFFER(disabled)=) ends it. "default" stands for the usual values; resync and sync_video have no effect.
    """
    channel = _channel(scope, "JITTERBUFFER")
    leg = _leg(channel, "JITTERBUFFER")
    word = kind.strip().lower()
    if word not in ("fixed", "adaptive", "disabled"):
        raise FunctionError(f"JITTERBUFFER({kind}): write fixed, adaptive or disabled")
    if not isinstance(leg, RtpLeg):
        log.debug("%s: JITTERBUFFER: what comes this way is even already", channel.name)
        return
    size, _, extra = [*(part.strip() for part in value.split(",")), "", ""][:3]
    if word == "disabled":
        leg.set_playout("usual")
    elif word == "fixed":
        leg.set_playout("fixed", _ms(size, _USUAL_SIZE))
    else:
        leg.set_playout("adaptive", _ms(extra, _USUAL_EXTRA))


def _ms(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and int(text) else default


jitter_buffer = jitter_module.function(
    "JITTERBUFFER",
    Syntax("type", type="fixed, adaptive or disabled."),
    write_only=True,
)(_jitter_write)
