"""Finished records as manager events (cdr_manager.conf)."""

from __future__ import annotations

from dataclasses import dataclass

from offhook.calls.pbx import Pbx
from offhook.modules import Module
from offhook.services.cdr.delivery import Backend
from offhook.services.cdr.fields import Fields

module = Module("cdr_manager", "Asterisk Manager Interface CDR Backend", depends=("cdr",), priority=12)


@dataclass(slots=True)
class CdrEvent:
    """A finished record, and the headers that cdr_manager.conf's mappings add."""

    fields: Fields
    mapped: tuple[tuple[str, str], ...]


@module.on_load
@module.on_reload
def load(pbx: Pbx) -> None:
    """Send records when cdr_manager.conf enables it."""
    backends = pbx.parts["cdr"].delivery.backends
    config = pbx.config.load("cdr_manager.conf", module.name)
    if config is None or not config.boolean("general", "enabled"):
        backends.pop("cdr_manager", None)
        return
    section = config.get("mappings")
    mappings = [(entry.value, entry.name) for entry in section or () if entry.value and entry.name]

    def send(fields: Fields) -> None:
        if pbx.bus.wants(CdrEvent):
            pbx.bus.publish(CdrEvent(fields, tuple((header, fields.text(name)) for header, name in mappings)))

    backends["cdr_manager"] = Backend(send)


@module.on_unload
def unload(pbx: Pbx) -> None:
    """Send records no longer."""
    pbx.parts["cdr"].delivery.backends.pop("cdr_manager", None)
