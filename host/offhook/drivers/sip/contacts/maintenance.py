"""Maintenance mode: an endpoint makes and gets no new calls, what goes on is left alone."""

from __future__ import annotations

import logging

from offhook.calls.endpoints import Maintenance
from offhook.calls.pbx import Pbx
from offhook.drivers.sip.stack import PART, SipStack
from offhook.log import NOTICE
from offhook.modules import ActionError, ActionRequest, Module, Request, Syntax

log = logging.getLogger(__name__)

module = Module("res_pjsip_maintenance", "PJSIP Endpoint Maintenance Mode", depends=("res_pjsip",), priority=20)
SYSTEM = ("system",)


def _stack(pbx: Pbx) -> SipStack:
    found: SipStack = pbx.parts[PART]
    return found


@module.on_load
def load(pbx: Pbx) -> None:
    """Begin with every endpoint in service."""
    _stack(pbx).maintenance.clear()


@module.on_unload
def unload(pbx: Pbx) -> None:
    """Every endpoint is in service again."""
    _stack(pbx).maintenance.clear()


def switch(pbx: Pbx, name: str, enable: bool) -> int:
    """Put an endpoint, or "all", into or out of maintenance; how many changed. KeyError for an unknown endpoint."""
    stack = _stack(pbx)
    every = name.lower() == "all"
    if not every and name not in stack.config.endpoints:
        raise KeyError(name)
    wanted = set(stack.config.endpoints) if every else {name}
    changed = len(wanted - stack.maintenance if enable else wanted & stack.maintenance)
    if enable:
        stack.maintenance |= wanted
    else:
        stack.maintenance -= wanted
    if changed:
        pbx.bus.publish(Maintenance("PJSIP", "all" if every else name, enable))
        what = f"all endpoints ({changed} changed)" if every else f"endpoint {name}"
        log.log(NOTICE, "maintenance mode is %s for %s", "on" if enable else "off", what)
    return changed


def _state(word: str) -> bool | None:
    return {"on": True, "off": False}.get(word.lower())


def _complete_set(pbx: Pbx, args: list[str], typed: str) -> list[str]:
    if not args:
        return ["on", "off"]
    return ["all", *_stack(pbx).config.endpoints] if len(args) == 1 else []


@module.command(
    "pjsip set maintenance {on|off} <endpoint>", "Set PJSIP endpoint maintenance mode", complete=_complete_set
)
def set_maintenance(request: Request) -> None:
    """Put an endpoint, or all, into or out of maintenance mode.

    In maintenance mode requests that begin something new are answered 503 (all but those that end a registration or
    subscription), and nobody is called there. Calls that go on are left alone.
    """
    enable = _state(request.args[0]) if len(request.args) == 2 else None
    if enable is None:
        raise request.usage()
    name = request.args[1]
    try:
        changed = switch(request.pbx, name, enable)
    except KeyError:
        request.print(f"Endpoint '{name}' not found")
        return
    word = "ENABLED" if enable else "DISABLED"
    if name.lower() == "all":
        request.print(f"Maintenance mode {word} for {changed} endpoint{'' if changed == 1 else 's'}")
    elif changed:
        request.print(f"Maintenance mode {word} for endpoint '{name}'")
    elif enable:
        request.print(f"Endpoint '{name}' is already in maintenance mode")
    else:
        request.print(f"Endpoint '{name}' was not in maintenance mode")


def _complete_show(pbx: Pbx, args: list[str], typed: str) -> list[str]:
    return [] if args else list(_stack(pbx).config.endpoints)


@module.command(
    "pjsip show maintenance [<endpoint>]", "Show PJSIP endpoint maintenance status", complete=_complete_show
)
def show_maintenance(request: Request) -> None:
    """Show which endpoints are in maintenance mode, or whether one is."""
    present = _stack(request.pbx).maintenance
    if len(request.args) > 1:
        raise request.usage()
    if request.args:
        name = request.args[0]
        request.print(f"Endpoint '{name}' is {'' if name in present else 'NOT '}in maintenance mode")
        return
    request.print("", f"  {'Endpoint':40}  State", f"  {'-' * 40}  -----")
    request.print(*(f"  {name:40}  ON" for name in sorted(present)))
    request.print("", f"  {len(present)} endpoint{'' if len(present) == 1 else 's'} in maintenance mode", "")


@module.action("PJSIPSetMaintenance", SYSTEM, Syntax("Endpoint", "State"))
def set_maintenance_action(request: ActionRequest) -> None:
    """Put an endpoint into or out of maintenance mode.

    Endpoint is its name or "all", State is on or off. A PJSIPMaintenanceStatus event tells when something changed.
    """
    name = request.require("Endpoint", "Endpoint parameter missing")
    enable = _state(request.require("State", "State parameter missing"))
    if enable is None:
        raise ActionError("State must be 'on' or 'off'")
    try:
        switch(request.pbx, name, enable)
    except KeyError:
        raise ActionError(f"Endpoint '{name}' not found") from None
    every = " for all endpoints" if name.lower() == "all" else ""
    request.ok(f"Maintenance mode {'enabled' if enable else 'disabled'}{every}")


@module.action("PJSIPShowMaintenance", ("system", "reporting"), Syntax("[Endpoint]"))
def show_maintenance_action(request: ActionRequest) -> None:
    """List the endpoints in maintenance mode, or show one.

    Sends a PJSIPMaintenanceStatus event for each.
    """
    present = _stack(request.pbx).maintenance
    name = request.get("Endpoint")
    shown = [name] if name else sorted(present)
    request.listed("Maintenance status events follow")
    for each in shown:
        status = "enabled" if each in present else "disabled"
        request.event("PJSIPMaintenanceStatus", [("Endpoint", each), ("Status", status)])
    request.complete("PJSIPMaintenanceStatusComplete", len(shown))
