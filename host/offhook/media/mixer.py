"""Conference mixers: each member hears the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.media.leg import Leg


class Mixer:
    """Sums its members' sound; each gets the sum without its own (N-1). Made by ``Engine.mixer``."""

    __slots__ = ("rate",)
    rate: int

    def add(self, leg: Leg, *, hears: bool = True, heard: bool = True) -> None:
        """Let a leg in (it leaves what it was connected to); ``hears`` and ``heard`` as a listener or muted member."""
        raise NotImplementedError

    def remove(self, leg: Leg) -> None:
        """Let a leg go."""
        raise NotImplementedError

    def close(self) -> None:
        """End it; members are left unconnected."""
        raise NotImplementedError
