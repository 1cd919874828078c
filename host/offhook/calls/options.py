"""What asterisk.conf says about the exchange itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class CoreOptions:
    """asterisk.conf [options] that calls depend on; the daemon fills them in."""

    default_language: str = "en"
    system_name: str = ""
    entity_id: str = ""
    max_calls: int = 0
    """0: no limit."""
    max_load: float = 0.0
    verbose: int = 0
    debug: int = 0
    live_dangerously: bool = False
    transmit_silence: bool = False
    hide_connect: bool = False
    lock_confbridge_channels: bool = False
    static_tenant: str = ""
