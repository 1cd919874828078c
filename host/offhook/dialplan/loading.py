"""pbx_config: extensions.conf (and users.conf) become the dialplan in force, at load and at each reload."""

from __future__ import annotations

import logging
import re
import time
from typing import Any

from offhook.config.model import ConfigFile, Section
from offhook.dialplan.condition import truth
from offhook.dialplan.context import HINT, Context, DialplanError, Priority
from offhook.dialplan.reading import REGISTRAR, Settings, read_extensions
from offhook.log import verbose
from offhook.modules import Module
from offhook.modules.module import LoadError

log = logging.getLogger(__name__)
module = Module("pbx_config", "Text Extension Configuration", priority=45)

_FILE = "extensions.conf"
_RANGE = re.compile(r"\s*(\d+)\s*(?:-\s*(\d+))?")


@module.on_load
def load(pbx: Any) -> None:
    """Read extensions.conf; without one the module declines."""
    read(pbx)


@module.on_reload
def reload(pbx: Any) -> None:
    """Read extensions.conf again. A file that cannot be used leaves the dialplan as it is."""
    read(pbx)


@module.on_unload
def unload(pbx: Any) -> None:
    """Take out what the file has put into the dialplan."""
    pbx.dialplan.remove_registrar(REGISTRAR)


def read(pbx: Any) -> None:
    """Put what extensions.conf says in force. Raises LoadError when it is missing or not usable."""
    started = time.monotonic()
    config: ConfigFile | None = pbx.config.load(_FILE, REGISTRAR)
    if config is None:
        raise LoadError(f"there is no usable {_FILE}; write one with at least one [context]")
    plan = pbx.dialplan
    before: Settings | None = pbx.parts.get("dialplan settings")
    if before is not None and before.clear_globals:
        pbx.globals.clear()
    reading = read_extensions(plan, config)
    users = pbx.config.load("users.conf", REGISTRAR)
    if users is not None:
        add_users(reading.contexts, users, reading.settings.users_context)
    verbose(5, "Time to parse %s dialplan configuration: %8.6f sec", _FILE, time.monotonic() - started)
    plan.replace(REGISTRAR, reading.contexts)
    plan.autofallthrough = reading.settings.autofallthrough
    pbx.parts["dialplan settings"] = reading.settings
    for context in plan.contexts.values():
        for include in context.includes:
            if include.context not in plan.contexts:
                log.warning(
                    "[%s] includes [%s], which does not exist; define it or take the include out",
                    context.name,
                    include.context,
                )


def add_users(contexts: dict[str, Context], users: ConfigFile, name: str) -> None:
    """Make extensions of the users of users.conf that have a telephone."""
    general = users.get("general")
    defaults = general.pairs() if general is not None else {}
    for section in users:
        if section.name.lower() == "general":
            continue
        settings = {**defaults, **section.pairs()}
        devices = "&".join(_devices(section, settings))
        if not devices or not truth(settings.get("hasexten", "yes")):
            continue
        context = contexts.setdefault(name, Context(name, REGISTRAR))
        dial = ("Gosub", f"{section.name},stdexten(${{HINT}})"), ("Dial", "${HINT}")
        application, data = dial[0] if truth(settings.get("hasvoicemail", "")) else dial[1]
        _add(context, section, section.name, HINT, devices, "")
        _add(context, section, section.name, 1, application, data)
        for other in filter(None, settings.get("alternateexts", "").split(",")):
            _add(context, section, other, 1, "Goto", f"{section.name},1")


def _devices(section: Section, settings: dict[str, str]) -> list[str]:
    devices = [f"IAX2/{section.name}"] if truth(settings.get("hasiax", "")) else []
    for part in settings.get("dahdichan", "").split(","):
        found = _RANGE.match(part)
        if found is not None:
            first = int(found.group(1))
            last = int(found.group(2) or first)
            devices += [f"DAHDI/{number}" for number in range(min(first, last), max(first, last) + 1)]
    return devices


def _add(context: Context, section: Section, name: str, number: int, application: str, data: str) -> None:
    try:
        context.add(Priority(name, number, application, data, registrar=REGISTRAR))
    except DialplanError as error:
        log.warning("%s:%d: %s", section.file, section.line, error)
