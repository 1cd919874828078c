"""DEVICE_STATE and HINT: what devices do, and which belong to an extension."""

from __future__ import annotations

from typing import Any

from offhook.calls.devices import STATES
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.modules import CommandError, Module, Options, Request, Syntax

module = Module("func_devstate", "Gets or sets a device state in the dialplan")

_FAMILY = "CustomDevstate"
_PREFIX = "Custom:"


@module.on_load
def load(pbx: Any) -> None:
    """Take over the custom states that the AstDB has kept."""

    def state(name: str) -> str:
        word = (pbx.astdb.get(_FAMILY, name) or "").upper()
        return word if word in STATES else "UNKNOWN"

    pbx.devices.providers["custom"] = state
    for key, _ in pbx.astdb.tree(_FAMILY):
        name = key.rpartition("/")[2]
        pbx.devices.publish(_PREFIX + name, state(name))


@module.on_unload
def unload(pbx: Any) -> None:
    """Custom devices are unknown from now on."""
    pbx.devices.providers.pop("custom", None)


def set_custom(pbx: Any, device: str, state: str) -> None:
    """Set the state of a Custom: device. Raises FunctionError."""
    if not device.lower().startswith(_PREFIX.lower()) or device == device[: len(_PREFIX)]:
        raise FunctionError(f'DEVICE_STATE can only be set for Custom:name, not for "{device}"')
    word = state.upper()
    if word not in STATES or word == "UNKNOWN":
        raise FunctionError(f'DEVICE_STATE: "{state}" is no state; write one of {", ".join(STATES[1:])}')
    name = device[len(_PREFIX) :]
    pbx.astdb.put(_FAMILY, name, state)
    pbx.devices.publish(_PREFIX + name, word)


@module.function("DEVICE_STATE", Syntax("device"), see_also=("EXTENSION_STATE", "HINT"), raw=True)
def device_state(scope: Scope, device: str) -> str:
    """The state of a device.

    UNKNOWN, NOT_INUSE, INUSE, BUSY, INVALID, UNAVAILABLE, RINGING, RINGINUSE or ONHOLD. The state of Custom:name, for
    any name, can be assigned and is kept in the AstDB; a hint may watch it.
    """
    return str(scope.pbx.devices.state(device))


@device_state.writer
def set_device_state(scope: Scope, value: str, device: str) -> None:
    """Set the state of a Custom: device."""
    set_custom(scope.pbx, device, value)


@module.function("HINT", Syntax("extension[@context]", "[n]", n="The name instead of the devices."))
def hint(scope: Scope, place: str, options: str = "") -> str:
    """The devices of an extension's hint, or with n the name that it gives. The context is default when not named."""
    exten, _, context = place.partition("@")
    if not exten:
        raise FunctionError("HINT needs an extension: HINT(extension[@context][,n])")
    found = scope.pbx.dialplan.hint(context or "default", exten)
    if found is None:
        return ""
    return str(found.data if "n" in Options(options) else found.application)


@module.command("devstate list", "List currently known custom device states")
def list_states(request: Request) -> None:
    """List the custom device states that DEVICE_STATE() or the CLI has set."""
    rule = "-" * 69
    request.print("", rule, "--- Custom Device States --------------------------------------------", rule, "---")
    for key, state in request.pbx.astdb.tree(_FAMILY):
        request.print(f"--- Name: 'Custom:{key.rpartition('/')[2]}'  State: '{state}'", "---")
    request.print(rule, rule, "")


@module.command("devstate change <device> <state>", "Change a custom device state")
def change_state(request: Request) -> None:
    """Set the state of a Custom: device.

    States are UNKNOWN, NOT_INUSE, INUSE, BUSY, INVALID, UNAVAILABLE, RINGING, RINGINUSE and ONHOLD.
    """
    if len(request.args) != 2:
        raise request.usage()
    device, state = request.args
    if not device.lower().startswith(_PREFIX.lower()):
        request.print("The devstate command can only be used to set 'Custom:' device state!")
        return
    try:
        set_custom(request.pbx, device, state)
    except FunctionError:
        raise CommandError("") from None
    request.print(f"Changing {device[len(_PREFIX) :]} to {state}")
