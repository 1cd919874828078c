"""PRESENCE_STATE: whether people are there, as they or somebody for them say."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from offhook.calls.presence import STATES, UNKNOWN, Report
from offhook.dialplan.arguments import from_octets, octets
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.modules import CommandError, Module, Request, Syntax

module = Module("func_presencestate", "Gets or sets a presence state in the dialplan")

_FAMILY = "CustomPresence"
_PREFIX = "CustomPresence:"


@module.on_load
def load(pbx: Any) -> None:
    """Take over the custom presence that the AstDB has kept."""

    def provide(name: str) -> Report | None:
        kept = pbx.astdb.get(_FAMILY, name)
        return UNKNOWN if kept is None else _report(kept)

    presence = pbx.presence
    presence.providers[_FAMILY.lower()] = provide
    for key, kept in pbx.astdb.tree(_FAMILY):
        report = _report(kept)
        if report is not None:
            presence.publish(_PREFIX + key.rpartition("/")[2], report)


@module.on_unload
def unload(pbx: Any) -> None:
    """Custom presence is unknown from now on."""
    pbx.presence.providers.pop(_FAMILY.lower(), None)


def _report(text: str) -> Report | None:
    """``state[,subtype[,message[,options]]]``; None when it is wrong. Option e: the texts are base64."""
    state, subtype, message, options = (*text.split(",", 3), "", "", "")[:4]
    if state.lower() not in STATES or (options and "e" not in options):
        return None
    if "e" in options:
        try:
            subtype, message = (from_octets(base64.b64decode(part)) for part in (subtype, message))
        except binascii.Error:
            return None
    return state.lower(), subtype, message


def set_custom(pbx: Any, presentity: str, value: str) -> None:
    """Set a CustomPresence:. Raises FunctionError."""
    name = presentity[len(_PREFIX) :]
    if not presentity.lower().startswith(_PREFIX.lower()) or not name:
        raise FunctionError(f'PRESENCE_STATE can only be set for CustomPresence:name, not for "{presentity}"')
    report = _report(value)
    if report is None:
        raise FunctionError(
            f'PRESENCE_STATE: "{value}" is not state[,subtype[,message[,e]]] with one of {", ".join(STATES)}'
        )
    pbx.astdb.put(_FAMILY, name, value)
    pbx.presence.publish(presentity, report)


@module.function("PRESENCE_STATE", Syntax("provider", "field", "[options]", options={"e": "Give the text as base64."}))
def presence_state(scope: Scope, provider: str, field: str, options: str = "") -> str:
    """Somebody's presence: its value, subtype or message.

    Values are not_set, unavailable, available, away, xa, chat and dnd. CustomPresence:name, for any name, is assigned
    as value[,subtype[,message[,e]]], where e tells that subtype and message are base64, and kept in the AstDB.
    """
    report = scope.pbx.presence.state(provider)
    if report is None:
        raise FunctionError(f'PRESENCE_STATE: nobody knows "{provider}"')
    index = {"value": 0, "subtype": 1, "message": 2}.get(field.lower())
    if index is None:
        return ""
    text = report[index]
    return base64.b64encode(octets(text)).decode() if "e" in options and index else text


@presence_state.writer
def set_presence_state(scope: Scope, value: str, provider: str, unused: str = "") -> None:
    """Set a CustomPresence:."""
    set_custom(scope.pbx, provider, value)


@module.command("presencestate list", "List currently known custom presence states")
def list_presence(request: Request) -> None:
    """List the custom presence that PRESENCE_STATE() or the CLI has set."""
    rule = "-" * 69
    request.print("", rule, "--- Custom Presence States ------------------------------------------", rule, "---")
    kept = request.pbx.astdb.tree(_FAMILY)
    if not kept:
        request.print("No custom presence states defined")
        return
    for key, value in kept:
        fields = (*value.split(",", 3), "", "", "")[:4]
        request.print(
            f"--- Name: 'CustomPresence:{key.rpartition('/')[2]}'",
            f"    --- State: '{fields[0].lower()}'",
            f"    --- Subtype: '{fields[1]}'",
            f"    --- Message: '{fields[2]}'",
            f"    --- Base64 Encoded: '{'Yes' if 'e' in fields[3] else 'No'}'",
            "---",
        )
    request.print(rule, rule, "")


@module.command("presencestate change <entity> <state>", "Change a custom presence state")
def change_presence(request: Request) -> None:
    """Set a CustomPresence: to state[,subtype[,message[,options]]].

    States are NOT_SET, UNAVAILABLE, AVAILABLE, AWAY, XA, CHAT and DND.
    """
    if len(request.args) != 2:
        raise request.usage()
    entity, state = request.args
    if not entity.lower().startswith(_PREFIX.lower()):
        request.print("The presencestate command can only be used to set 'CustomPresence:' presence state!")
        return
    try:
        set_custom(request.pbx, entity, state)
    except FunctionError:
        raise CommandError("") from None
    request.print(f"Changing {entity[len(_PREFIX) :]} to {state}")
