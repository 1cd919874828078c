"""Actions on the dialplan: showing and changing it, and the states of its hints."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offhook.config.model import TRUE_WORDS
from offhook.control.manager.events_system import state_text
from offhook.control.manager.module import module
from offhook.control.manager.render import Headers
from offhook.dialplan.context import HINT, Context, DialplanError, Extension, Priority
from offhook.dialplan.patterns import matches
from offhook.modules import ActionError, ActionRequest, Syntax

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

REGISTRAR = "pbx_config"
MOST_NESTED = 128


# ---- showing ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Count:
    items: int = 0
    extensions: int = 0
    priorities: int = 0
    contexts: int = 0


@module.action(
    "ShowDialPlan",
    ("config", "reporting"),
    Syntax("[Extension]", "[Context]", Extension="Only what this extension may reach.", Context="Only this context."),
)
def show_dialplan(request: ActionRequest) -> None:
    """List contexts, extensions and what contexts include."""
    exten, context = request.get("Extension"), request.get("Context")
    request.listed("DialPlan list will follow")
    count = _Count()
    _show(request, context, exten, count, [])
    if context and not count.contexts:
        _fail(request, f"Did not find context {context}")
    if exten and not count.extensions:
        where = f"{exten}@{context}" if context else f"{exten} in any context"
        _fail(request, f"Did not find extension {where}")
    totals = [
        ("ListExtensions", str(count.extensions)),
        ("ListPriorities", str(count.priorities)),
        ("ListContexts", str(count.contexts)),
    ]
    request.complete("ShowDialPlanComplete", count.items, totals)


def _fail(request: ActionRequest, sentence: str) -> None:
    request.events.clear()
    raise ActionError(sentence)


def _show(request: ActionRequest, wanted: str, exten: str, count: _Count, included: list[str]) -> None:
    pbx: Pbx = request.pbx

    def item(context: Context, headers: Headers) -> None:
        count.items += 1
        request.event("ListDialplan", [("Context", context.name), *headers])

    for context in pbx.dialplan.contexts.values():
        if wanted and context.name != wanted:
            continue
        count.contexts += 1
        for extension in context.extensions:
            if exten and not extension.pattern.matches(exten):
                continue
            count.extensions += 1
            for priority in extension:
                count.priorities += 1
                item(context, _priority(extension, priority))
        for include in context.includes:
            if not exten:
                item(context, [("IncludeContext", include.name), ("Registrar", include.registrar)])
            elif len(included) < MOST_NESTED and include.context.lower() not in included:
                _show(request, include.context, exten, count, [*included, include.context.lower()])
        for ignored in context.ignored:
            if not exten or matches(f"_{ignored.name}.", exten):
                item(context, [("IgnorePattern", ignored.name), ("Registrar", ignored.registrar)])
        if not included:
            for use in context.switches:
                item(context, [("Switch", f"{use.name}/{use.data}"), ("Registrar", use.registrar)])


def _priority(extension: Extension, priority: Priority) -> Headers:
    headers = [("Extension", extension.name)]
    if priority.label:
        headers.append(("ExtensionLabel", priority.label))
    if priority.number == HINT:
        headers += [("Priority", "hint"), ("Application", priority.application)]
    else:
        headers += [
            ("Priority", str(priority.number)),
            ("Application", priority.application),
            ("AppData", priority.data),
        ]
    return [*headers, ("Registrar", priority.registrar)]


# ---- changing ---------------------------------------------------------------------------------------


def _number(text: str, least: int) -> int:
    if text == "hint":
        return HINT
    found = re.match(r"\s*[+-]?\d+", text)
    if found is None or int(found[0]) < least:
        raise ActionError("The priority specified was invalid.")
    return int(found[0])


@module.action(
    "DialplanExtensionAdd",
    ("system",),
    Syntax(
        "Context",
        "Extension",
        "Priority",
        "Application",
        "[ApplicationData]",
        "[Replace]",
        Context="Made when it does not exist.",
        Extension="A name or pattern; behind a slash the caller it is for.",
        Priority="A number, or hint.",
        Replace="yes: take the place of what is there.",
    ),
)
def extension_add(request: ActionRequest) -> None:
    """Add a priority to an extension. It is not written to extensions.conf."""
    context, extension = request.get("Context"), request.get("Extension")
    text, application = request.get("Priority"), request.get("Application")
    if not (context and extension and text and application):
        raise ActionError("Context, Extension, Priority, and Application must be defined for DialplanExtensionAdd.")
    number = _number(text, 0)
    name, slash, caller = extension.partition("/")
    dialplan = request.pbx.dialplan
    dialplan.create(context, REGISTRAR)
    replace = request.get("Replace").lower() in TRUE_WORDS
    priority = Priority(name, number, application, request.get("ApplicationData"), registrar=REGISTRAR)
    found = dialplan.contexts[context].find(name, caller if slash else None)
    if found is not None and number in found.priorities and not replace:
        raise ActionError("That extension and priority already exist at that context")
    try:
        dialplan.add(context, priority, caller=caller if slash else None, replace=replace)
    except DialplanError:
        raise ActionError("Failed to add extension") from None
    request.ok("Added requested extension")


@module.action(
    "DialplanExtensionRemove",
    ("system",),
    Syntax("Context", "Extension", "[Priority]", Priority="All of the extension unless written."),
)
def extension_remove(request: ActionRequest) -> None:
    """Remove an extension or one of its priorities."""
    context, extension = request.get("Context"), request.get("Extension")
    if not context or not extension:
        raise ActionError("Context and Extension must be provided for DialplanExtensionRemove")
    name, slash, caller = extension.partition("/")
    text = request.get("Priority")
    number = _number(text, 1) if text else 0
    if not request.pbx.dialplan.remove(context, name, number, caller=caller if slash else None, registrar=REGISTRAR):
        raise ActionError("Failed to remove requested extension")
    request.ok("Removed the requested priority from the extension" if number else "Removed the requested extension")


# ---- hints ------------------------------------------------------------------------------------------


@module.action("ExtensionState", ("call", "reporting"), Syntax("Exten", "[Context]", Context="default unless written."))
def extension_state(request: ActionRequest) -> None:
    """Tell the state of an extension's hint."""
    exten = request.require("Exten", "Extension not specified")
    context = request.get("Context") or "default"
    hint = request.pbx.hints.find(context, exten)
    state = hint.state if hint is not None else -1
    headers = [
        ("Exten", exten),
        ("Context", context),
        ("Hint", hint.text if hint is not None else ""),
        ("Status", str(state)),
        ("StatusText", state_text(state)),
    ]
    request.respond("Success", "Extension Status", headers)


@module.action("ExtensionStateList", ("call", "reporting"))
def extension_state_list(request: ActionRequest) -> None:
    """List the states of all hints."""
    hints = [hint for hint in request.pbx.hints if not hint.exten.startswith("_")]
    if not hints:
        raise ActionError("No dialplan hints are available")
    request.listed("Extension Statuses will follow")
    for hint in hints:
        headers = [
            ("Exten", hint.exten),
            ("Context", hint.context),
            ("Hint", hint.text),
            ("Status", str(hint.state)),
            ("StatusText", state_text(hint.state)),
        ]
        request.event("ExtensionStatus", headers)
    request.complete("ExtensionStateListComplete", len(hints))
