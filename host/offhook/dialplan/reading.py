"""Reading extensions.conf: sections become contexts, lines become priorities, includes, switches and hints."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offhook.config.model import ConfigFile, Entry, Section
from offhook.dialplan.context import (
    HINT,
    Context,
    DialplanError,
    IgnorePattern,
    Include,
    Priority,
    SwitchUse,
)
from offhook.dialplan.patterns import shrink_number
from offhook.dialplan.scope import Scope

if TYPE_CHECKING:
    from offhook.dialplan.plan import Dialplan

log = logging.getLogger(__name__)

REGISTRAR = "pbx_config"
_INTEGER = re.compile(r"\s*([-+]?\d+)", re.ASCII)


@dataclass(slots=True)
class Settings:
    """[general] of extensions.conf."""

    static: bool = False
    write_protect: bool = False
    autofallthrough: bool = True
    clear_globals: bool = False
    users_context: str = "default"


@dataclass(slots=True)
class Reading:
    """What a file says: its settings, global variables and contexts."""

    settings: Settings
    globals: list[tuple[str, str]] = field(default_factory=list)
    contexts: dict[str, Context] = field(default_factory=dict)


class _LineError(Exception):
    """A line that cannot be used: what is wrong and what to do."""


def read_settings(config: ConfigFile) -> Settings:
    """The [general] section."""
    return Settings(
        static=config.boolean("general", "static"),
        write_protect=config.boolean("general", "writeprotect"),
        autofallthrough=config.boolean("general", "autofallthrough", True),
        clear_globals=config.boolean("general", "clearglobalvars"),
        users_context=config.value("general", "userscontext") or "default",
    )


def read_extensions(plan: Dialplan, config: ConfigFile) -> Reading:
    """Everything a file says. Lines that make no sense are left out, each with a logged sentence.

    Global variables are assigned at once: later lines may use them.
    """
    reading = Reading(read_settings(config))
    scope = Scope(plan.pbx)
    for section in config:
        if section.name.lower() == "globals":
            for entry in section:
                value = scope.expand(entry.value)
                reading.globals.append((entry.name, value))
                scope.set(entry.name, value)
    for section in config:
        if section.name.lower() not in ("general", "globals"):
            _Section(plan, reading.contexts, section, scope).read()
    return reading


class _Section:
    """One section being read: what ``n`` and ``same`` refer to."""

    def __init__(self, plan: Dialplan, contexts: dict[str, Context], section: Section, scope: Scope) -> None:
        self.plan = plan
        self.section = section
        self.scope = scope
        context = contexts.get(section.name)
        if context is None:
            context = contexts[section.name] = Context(section.name, REGISTRAR)
        else:
            context.uses += 1
        self.context = context
        self.exten = ""
        self.number: int | None = None

    def read(self) -> None:
        for entry in self.section:
            try:
                self.entry(entry)
            except (_LineError, DialplanError) as error:
                log.warning("%s:%d: %s", entry.file, entry.line, error)

    def entry(self, entry: Entry) -> None:
        word = entry.name.lower()
        if word == "exten":
            name, _, rest = _cut(entry.value)
            self.exten = self.scope.expand(name)
            self.priority(entry, rest)
        elif word.startswith("same"):
            if not self.exten:
                raise _LineError(f'"same" has no extension above it in [{self.context.name}]; write exten => first')
            self.priority(entry, entry.value)
        elif word == "include":
            self.include(entry)
        elif word == "ignorepat":
            pattern = self.scope.expand(entry.value)
            if not self.context.add_ignored(IgnorePattern(pattern, REGISTRAR)):
                raise _LineError(f"ignorepat {pattern} is in [{self.context.name}] already; remove one")
        elif word in ("switch", "lswitch", "eswitch"):
            value = self.scope.expand(entry.value) if word == "switch" else entry.value
            name, _, data = value.partition("/")
            if not self.context.add_switch(SwitchUse(name, data, REGISTRAR, evaluated=word == "eswitch")):
                raise _LineError(f"switch {value} is in [{self.context.name}] already; remove one")
        elif word == "autohints":
            self.context.autohints = entry.value.lower() in ("yes", "true", "y", "t", "1", "on")
        else:
            raise _LineError(
                f'"{entry.name}" is no word of a context; write exten, same, include, switch, ignorepat or autohints'
            )

    def include(self, entry: Entry) -> None:
        name = self.scope.expand(entry.value)
        where = f"{entry.file}:{entry.line}"
        if not self.context.add_include(Include(name, REGISTRAR, where)):
            raise _LineError(f"[{self.context.name}] includes {name} already; remove one")

    def priority(self, entry: Entry, rest: str) -> None:
        name, slash, caller = self.exten.partition("/")
        number_text, _, application_text = rest.partition(",")
        caller_pattern = shrink_number(caller) if slash else None
        number, label = self.number_and_label(number_text.strip(), name, caller_pattern)
        if not name:
            raise _LineError("the extension has no name; write exten => name,priority,application")
        application, data = _application(application_text, entry)
        self.number = number
        if name in ("_.", "_!"):
            log.warning(
                "%s:%d: %s matches everything, special extensions too; _X%s is usually meant",
                entry.file,
                entry.line,
                name,
                name[1],
            )
        step = Priority(
            name,
            number,
            application,
            data,
            label=label,
            registrar=REGISTRAR,
            file=entry.file.rpartition("/")[2],
            line=entry.line,
        )
        self.plan.prepare_hint(self.context, step)
        for warning in self.context.add(step, caller=caller_pattern):
            log.warning("%s:%d: %s", entry.file, entry.line, warning)

    def number_and_label(self, text: str, name: str, caller: str | None) -> tuple[int, str]:
        """The priority number of ``n``, ``n+2(label)``, ``hint``, ``3`` or a label, and its own label."""
        label = ""
        if "(" in text:
            text, _, rest = text.partition("(")
            label, closed, _ = rest.partition(")")
            if not closed:
                raise _LineError(f'label "{label}" has no closing ")"; add it')
        text, plus, more = text.partition("+")
        integer = _INTEGER.match(text)
        if text == "hint":
            number = HINT
        elif text in ("n", "next", "s", "same"):
            if self.number is None:
                raise _LineError(
                    f'priority "{text}" has no earlier priority in [{self.context.name}]; begin the extension with 1'
                )
            number = self.number + (text[0] == "n")
        elif integer is not None:
            number = int(integer.group(1))
            if number < 1:
                raise _LineError(f'priority "{text}" is no number from 1 on; write 1, n, hint or a label')
        else:
            extension = self.context.find(name, caller)
            labelled = extension.labels.get(text) if extension is not None else None
            if labelled is None:
                raise _LineError(f'"{text}" is neither a priority nor a label of {name}; write 1, n, hint or a label')
            number = labelled.number
        if plus:
            addend = _INTEGER.match(more)
            number += int(addend.group(1)) if addend else 0
        return number, label


def _cut(text: str) -> tuple[str, str, str]:
    """Cut at the first comma outside brackets that no backslash stands before."""
    depth = index = 0
    while index < len(text):
        char = text[index]
        if char == "[":
            depth += 1
        elif char == "]":
            depth -= depth > 0
        elif char == "\\":
            index += 1
        elif char == "," and not depth:
            return text[:index], ",", text[index + 1 :]
        index += 1
    return text, "", ""


def _application(text: str, entry: Entry) -> tuple[str, str]:
    """``Name(arguments)`` as two texts. A text with substitutions before the parenthesis is one whole (hints)."""
    name, opened, rest = text.partition("(")
    if not opened:
        return text.lstrip(), ""
    if "${" in name or "$[" in name:
        return text.lstrip(), ""
    data, closed, _ = rest.rpartition(")")
    if not closed:
        log.warning('%s:%d: %s( has no closing ")"; add it', entry.file, entry.line, name.strip())
        data = rest
    return name.lstrip(), data
