"""res_srtp: while this module is loaded media may be encrypted. OpenSSL itself is opened when a call first needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.modules import Module

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

module = Module("res_srtp", "Secure RTP (SRTP)", priority=6)


@module.on_load
def load(pbx: Pbx) -> None:
    """Allow keys in descriptions."""
    pbx.engine.settings.srtp = True


@module.on_unload
def unload(pbx: Pbx) -> None:
    """Calls that are encrypted stay so; new ones cannot be."""
    pbx.engine.settings.srtp = False
