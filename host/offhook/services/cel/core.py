"""cel.conf, the backends it names, and the application that logs events of one's own."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from offhook.calls.channel import Channel
from offhook.calls.pbx import Pbx
from offhook.modules import Module, Request, Syntax
from offhook.services.cel.engine import EVENTS, CelEngine, CelRecord

log = logging.getLogger(__name__)
core_module = Module("cel", "CEL Engine", priority=8)
app_module = Module("app_celgenuserevent", "Generate an User-Defined CEL event")
manager_module = Module("cel_manager", "Asterisk Manager Interface CEL Backend", depends=("cel",), priority=12)


@core_module.on_load
@core_module.on_reload
def read(pbx: Pbx) -> None:
    """Read cel.conf and follow calls accordingly."""
    engine: CelEngine | None = pbx.parts.get("cel")
    if engine is None:
        engine = pbx.parts["cel"] = CelEngine(pbx)
    config = pbx.config.load("cel.conf", core_module.name)
    section = config.get("general") if config is not None else None
    words = [
        word.strip().upper() for word in (section.get("events") or "" if section else "").split(",") if word.strip()
    ]
    for word in words:
        if word != "ALL" and word not in EVENTS:
            log.warning("cel.conf: events: there is no event %r; known are ALL, %s", word, ", ".join(EVENTS))
    applications = (section.get("apps") or "" if section else "").split(",")
    engine.configure(
        enabled=section.boolean("enable") if section else False,
        tracked=frozenset(EVENTS if "ALL" in words else words),
        applications=frozenset(name.strip().lower() for name in applications if name.strip()),
        form=(section.get("dateformat") or "") if section else "",
    )


@core_module.on_unload
def stop(pbx: Pbx) -> None:
    """Follow calls no longer."""
    pbx.parts.pop("cel").stop()


@core_module.command("cel show status")
def cel_show_status(request: Request) -> None:
    """Display what channel event logging does.

    Shows which events and applications are tracked, and the backends.
    """
    engine: CelEngine = request.pbx.parts["cel"]
    request.print(f"CEL Logging: {'Enabled' if engine.enabled else 'Disabled'}")
    if not engine.enabled:
        return
    request.print(*(f"CEL Tracking Event: {name}" for name in EVENTS if name in engine.tracked))
    request.print(*(f"CEL Tracking Application: {name}" for name in sorted(engine.applications)))
    request.print(*(f"CEL Event Subscriber: {name}" for name in engine.backends))


@app_module.application("CELGenUserEvent", Syntax("event-name", "[extra]"), see_also=("CELGenUserEvent",))
def cel_gen_user_event(channel: Channel, name: str = "", extra: str = "") -> None:
    """Log a channel event of one's own."""
    engine: CelEngine | None = channel.pbx.parts.get("cel")
    if engine is not None:
        engine.report(channel, "USER_DEFINED", user_defined=name, extra={"extra": extra})


# ---- manager -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class CelEvent:
    """A channel event for manager; ``show_user_defined`` as cel.conf's option of that name."""

    record: CelRecord
    show_user_defined: bool


@manager_module.on_load
@manager_module.on_reload
def load_manager(pbx: Pbx) -> None:
    """Send records to manager when cel.conf's section [manager] enables it."""
    config = pbx.config.load("cel.conf", manager_module.name)
    section = config.get("manager") if config is not None else None
    engine: CelEngine = pbx.parts["cel"]
    if section is None or not section.boolean("enabled"):
        engine.backends.pop("Manager Event Logging", None)
        return
    show = section.boolean("show_user_defined")

    def send(record: CelRecord) -> None:
        if pbx.bus.wants(CelEvent):
            pbx.bus.publish(CelEvent(record, show))

    engine.backends["Manager Event Logging"] = send


@manager_module.on_unload
def unload_manager(pbx: Pbx) -> None:
    """Send records no longer."""
    pbx.parts["cel"].backends.pop("Manager Event Logging", None)
