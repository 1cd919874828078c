"""Conference mixers: each member hears the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from offhook.media.engine import Engine
    from offhook.media.leg import Leg

_HEARS, _HEARD = 1, 2


class Mixer:
    """Sums its members' sound; each gets the sum without its own (N-1). Made by ``Engine.mixer``."""

    __slots__ = ("_closed", "_handle", "engine", "rate")

    def __init__(self, engine: Engine, handle: Any, rate: int) -> None:
        self.engine = engine
        self.rate = rate
        """Samples a second it mixes at; 0: the best of its members'."""
        self._handle = handle
        self._closed = False

    def add(self, leg: Leg, *, hears: bool = True, heard: bool = True) -> None:
        """Let a leg in (it leaves what it was connected to), or change whether a member hears and is heard."""
        if self._closed or leg.closed:
            return
        leg._leave()
        leg._mixer = self
        self.engine.lib.mixer_add(self._handle, leg._handle, (_HEARS if hears else 0) | (_HEARD if heard else 0))

    def remove(self, leg: Leg) -> None:
        """Let a leg go."""
        if leg._mixer is self:
            leg._mixer = None
        if not self._closed and not leg.closed:
            self.engine.lib.mixer_remove(self._handle, leg._handle)

    def close(self) -> None:
        """End it; members are left unconnected."""
        if not self._closed:
            self._closed = True
            self.engine.lib.mixer_close(self._handle)

    def ended(self) -> None:
        """The engine lets go of it."""
        self._closed = True
        self.engine.lib.mixer_free(self._handle)
