"""Effects on one direction of a leg's sound: noise reduction, a level that is kept, pitch, an inverted spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from offhook.media.errors import EngineError

if TYPE_CHECKING:
    from offhook.media.leg import Leg

_DIRECTIONS = {"in": 1, "out": 2}


@dataclass(frozen=True, slots=True)
class EffectSettings:
    """What is done: ``agc`` is the level that is kept (1 to 32768; 0: as it comes), ``pitch`` a factor (1.0: none).

    ``invert`` makes high what is low, and low what is high.
    """

    denoise: bool = False
    agc: int = 0
    pitch: float = 1.0
    invert: bool = False

    @property
    def neutral(self) -> bool:
        """Nothing is done."""
        return self == EffectSettings()


class Effect:
    """An effect in force on a leg; a later one on the same direction ends it."""

    __slots__ = ("_closed", "_handle", "leg")

    def __init__(self, leg: Leg, handle: Any) -> None:
        self.leg = leg
        self._handle = handle
        self._closed = handle is None

    def close(self) -> None:
        """End it. Harmless twice."""
        if not self._closed:
            self._closed = True
            self.leg.engine.lib.effect_close(self._handle)

    # ---- the engine's side -----------------------------------------------------------------------------

    def ended(self) -> None:
        """The engine lets go of it."""
        self._closed = True
        self.leg.engine.lib.effect_free(self._handle)
        self._handle = None


def apply_effect(leg: Leg, direction: Literal["in", "out"], settings: EffectSettings, rate: int = 8000) -> Effect:
    """Change what arrives ("in") or is sent ("out") from now on, at a sample rate in Hz.

    Raises EngineError where libspeexdsp is missing.
    """
    if leg.closed:
        return Effect(leg, None)
    ffi, lib = leg.engine.ffi, leg.engine.lib
    error = ffi.new("char[]", lib.ENGINE_TEXT)
    leg.tap()
    what = settings.denoise, settings.agc, settings.pitch, settings.invert
    handle = lib.leg_effect(leg._handle, _DIRECTIONS[direction], rate, *what, error)
    if not handle:
        raise EngineError(leg.engine.text(error))
    effect = Effect(leg, handle)
    leg.engine.watch_object(handle, effect)
    return effect
