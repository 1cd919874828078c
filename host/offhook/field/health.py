"""Can calls really be made? The supervisor is told so as long as nothing here says no.

A part that calls depend on registers a check; it returns "" or the reason why no call could be made::

    @check("media engine")
    def media_engine(pbx: Pbx) -> str: ...
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

Check = Callable[["Pbx"], str]
CHECKS: Final[dict[str, Check]] = {}
"""Every check, by what it looks after."""
TICKS: Final = "health ticks"
"""Where the engine's legs and ticks at the last look are kept; looks are a second apart, ticks 10 ms."""


def check(name: str) -> Callable[[Check], Check]:
    """Decorator: register a check."""

    def register(function: Check) -> Check:
        CHECKS[name] = function
        return function

    return register


def why_not(pbx: Pbx) -> str:
    """The first reason why calls cannot be made, "" when they can."""
    for name, function in CHECKS.items():
        if reason := function(pbx):
            return f"{name}: {reason}"
    return ""


@check("exchange")
def exchange(pbx: Pbx) -> str:
    """It is up and takes calls."""
    if not pbx.booted:
        return "not fully booted"
    return f"stopping {pbx.stopping}" if pbx.stopping else ""


@check("media engine")
def media_engine(pbx: Pbx) -> str:
    """Its thread goes round: with legs to serve, ticks have passed since the last look."""
    engine = getattr(pbx, "engine", None)
    if engine is None or not engine.running:
        return "not running"
    figures = engine.figures()
    before, pbx.parts[TICKS] = pbx.parts.get(TICKS), (figures.legs, figures.ticks)
    return "its thread stands still" if figures.legs and before == (figures.legs, figures.ticks) else ""


@check("channel technologies")
def technologies(pbx: Pbx) -> str:
    """Something beside Local can carry a call."""
    return "" if any(name != "local" for name in pbx.registry.drivers) else "no channel driver is loaded"


@check("dialplan")
def dialplan(pbx: Pbx) -> str:
    """There is one: without, every call ends at once."""
    return "" if pbx.dialplan.contexts else "no context is loaded"
