"""cel.conf, the backends it names, and the application that logs events of one's own."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass
from types import SimpleNamespace

from offhook.calls.channel import Channel
from offhook.calls.party import Caller, Connected, Dialed, Name, Number, Party, Redirecting
from offhook.calls.pbx import Pbx
from offhook.dialplan.scope import Scope
from offhook.dialplan.substitution import compile_template
from offhook.dialplan.variables import Variables
from offhook.modules import Module, Request, Syntax
from offhook.services.cel.engine import EVENTS, CelEngine, CelRecord
from offhook.storage.lines import LineWriter

log = logging.getLogger(__name__)
core_module = Module("cel", "CEL Engine", priority=8)
app_module = Module("app_celgenuserevent", "Generate an User-Defined CEL event")
manager_module = Module("cel_manager", "Asterisk Manager Interface CEL Backend", depends=("cel",), priority=12)
custom_module = Module("cel_custom", "Customizable Comma Separated Values CEL Backend", depends=("cel",), priority=12)


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


# ---- files ---------------------------------------------------------------------------------------------


class _Custom:
    """The backend of cel_custom.conf: files and the templates of their lines."""

    def __init__(self, pbx: Pbx) -> None:
        self.pbx = pbx
        self.folder = os.path.join(pbx.paths.log, "cel-custom")
        self.lines: list[tuple[str, str]] = []
        self.writer = LineWriter(pbx.loop)

    def write(self, record: CelRecord) -> None:
        """Append the record's line to every file."""
        scope = Scope(self.pbx, stand_in(self.pbx, record))
        for name, template in self.lines:
            path = name if name.startswith("/") else os.path.join(self.folder, name)
            self.writer.append(path, compile_template(template).get(scope) + "\n")


def event_time(pbx: Pbx, record: CelRecord) -> str:
    """The record's time as cel.conf's dateformat has it, by default seconds with six decimals."""
    engine: CelEngine = pbx.parts["cel"]
    if engine.date_format:
        return time.strftime(engine.date_format, time.localtime(record.time))
    return f"{record.time:.6f}"


def stand_in(pbx: Pbx, record: CelRecord) -> SimpleNamespace:
    """What the templates' functions read instead of a channel: the record's facts under a channel's names."""
    variables = Variables()
    variables.set("eventtype", record.user_defined if record.event == "USER_DEFINED" else record.event)
    variables.set("eventtime", event_time(pbx, record))
    variables.set("eventenum", record.event)
    variables.set("userdeftype", record.user_defined)
    variables.set("eventextra", record.extra)
    variables.set("BRIDGEPEER", record.peer)
    identity = Party(Name(True, record.caller_name), Number(True, record.caller_number))
    redirecting = Redirecting()
    redirecting.from_ = Party.of(record.caller_rdnis)
    return SimpleNamespace(
        pbx=pbx,
        variables=variables,
        get=variables.get,
        name=record.channel,
        uniqueid=record.uniqueid,
        linkedid=record.linkedid,
        tenantid=record.tenantid,
        context=record.context,
        exten=record.exten,
        priority=1,
        application=record.application,
        application_data=record.data,
        ama_flags=record.ama_flags,
        accountcode=record.account,
        peer_account=record.peer_account,
        caller=Caller(identity, Party.of(record.caller_ani)),
        connected=Connected(),
        redirecting=redirecting,
        dialed=Dialed(record.caller_dnid),
        data={"userfield": record.user_field},
        dialplan_state=None,
        hangup_cause=0,
    )


@custom_module.on_load
@custom_module.on_reload
def load_custom(pbx: Pbx) -> None:
    """Write the files of cel_custom.conf's section [mappings]."""
    present: _Custom = pbx.parts.get("cel_custom") or _Custom(pbx)
    pbx.parts["cel_custom"] = present
    config = pbx.config.load("cel_custom.conf", custom_module.name)
    section = config.get("mappings") if config is not None else None
    present.lines = [(entry.name, entry.value) for entry in section or () if entry.value]
    backends = pbx.parts["cel"].backends
    if present.lines:
        backends["CEL Custom CSV Logging"] = present.write
    else:
        backends.pop("CEL Custom CSV Logging", None)


@custom_module.on_unload
async def unload_custom(pbx: Pbx) -> None:
    """Finish writing."""
    present: _Custom | None = pbx.parts.pop("cel_custom", None)
    if present is not None:
        pbx.parts["cel"].backends.pop("CEL Custom CSV Logging", None)
        await present.writer.drain()
