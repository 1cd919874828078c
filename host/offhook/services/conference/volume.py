"""How loud a user hears and is heard, in the steps of menus."""

from __future__ import annotations

import math
from typing import ClassVar


class Volume:
    """Factors for both directions: n multiplies, -n divides, and from -1 to 1 the sound is left alone."""

    SOURCE: ClassVar[str] = "conference"
    """Whose gains of a channel these are."""

    __slots__ = ("_listening", "_talking")

    def __init__(self) -> None:
        self._listening = self._talking = 0

    def change(self, action: str) -> None:
        """Do what a menu's action (increase_talking_volume ...) says."""
        verb, what = action.split("_")[:2]
        steps = {"increase": 1, "decrease": -1}.get(verb)
        if what == "listening":
            self._listening = 0 if steps is None else self._listening + steps
        else:
            self._talking = 0 if steps is None else self._talking + steps

    def decibels(self) -> tuple[float, float]:
        """Gains in dB of what comes from the user and of what goes there."""
        return _decibels(self._talking), _decibels(self._listening)


def _decibels(factor: int) -> float:
    return math.copysign(20 * math.log10(abs(factor)), factor) if factor else 0.0
