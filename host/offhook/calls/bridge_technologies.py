"""The ways of mixing: their names for the manager and the console, and which of them a bridge uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from offhook.modules import Module

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

NATIVE, HOLDING, SIMPLE, SOFTMIX = "native_rtp", "holding_bridge", "simple_bridge", "softmix"

TECHNOLOGIES = (
    (NATIVE, "Native", 90),
    (HOLDING, "Holding", 50),
    (SIMPLE, "1to1Mix", 50),
    (SOFTMIX, "MultiMix", 10),
)
"""Ways of mixing: name, kind, preference. A bridge of native_rtp is a simple_bridge here whose parties send to each
other."""

_SUSPENDED = "bridges.suspended"
"""Where ``pbx.parts`` has the names of technologies that are not to be chosen."""


def suspended(pbx: Pbx, name: str) -> bool:
    """Whether a technology is not to be chosen."""
    return name in pbx.parts.get(_SUSPENDED, ())


def set_suspended(pbx: Pbx, name: str, suspend: bool) -> bool:
    """Let a technology (its name in any case) not be chosen, or again; False when there is none of that name.

    Bridges that use it already go on with it as long as it suits them.
    """
    known = next((known for known, _, _ in TECHNOLOGIES if known == name.lower()), None)
    if known is None:
        return False
    names: set[str] = pbx.parts.setdefault(_SUSPENDED, set())
    (names.add if suspend else names.discard)(known)
    return True


def choose(pbx: Pbx, wanted: Sequence[str], current: str = "", suitable: Sequence[str] = ()) -> str:
    """The first technology wanted that is not suspended, else the current one if it is suitable, else ""."""
    for name in wanted:
        if not suspended(pbx, name):
            return name
    return current if current in suitable else ""


# ---- as modules ---------------------------------------------------------------------------------------


native_module = Module("bridge_native_rtp", "Native RTP bridging module", priority=1, builtin=True)
holding_module = Module("bridge_holding", "Holding bridge module", priority=1, builtin=True)
simple_module = Module("bridge_simple", "Simple two channel bridging module", priority=1, builtin=True)
softmix_module = Module("bridge_softmix", "Multi-party software based channel mixing", priority=1, builtin=True)


def _stands_for(module: Module, technology: str) -> None:
    """A technology under the name of its module in Asterisk: unloaded, or left out by modules.conf, it is suspended."""

    def load(pbx: Pbx) -> None:
        set_suspended(pbx, technology, False)

    def unload(pbx: Pbx) -> None:
        set_suspended(pbx, technology, True)

    module.load, module.unload = load, unload


_stands_for(native_module, NATIVE)
_stands_for(holding_module, HOLDING)
_stands_for(simple_module, SIMPLE)
_stands_for(softmix_module, SOFTMIX)
