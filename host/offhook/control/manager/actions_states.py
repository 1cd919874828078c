"""Actions on the states of devices and the presence of people."""

from __future__ import annotations

from offhook.calls import watched_events
from offhook.control.manager.events_system import presence_state
from offhook.control.manager.module import module
from offhook.modules import ActionError, ActionRequest, Module, Syntax

devices_module = Module("res_manager_devicestate", "Manager actions on device states", priority=45)
presence_module = Module("res_manager_presencestate", "Manager actions on presence states", priority=45)


@devices_module.action("DeviceStateList", ("call", "reporting"))
def device_state_list(request: ActionRequest) -> None:
    """List the devices whose state is known."""
    request.listed("Device State Changes will follow")
    count = 0
    for device, state in request.pbx.devices:
        request.event("DeviceStateChange", [("Device", device), ("State", state)])
        count += 1
    request.complete("DeviceStateListComplete", count)


@module.action("PresenceState", ("call", "reporting"), Syntax("Provider", Provider="CustomPresence:name, ..."))
def presence_state_action(request: ActionRequest) -> None:
    """Tell the presence that a provider has."""
    provider = request.require("Provider", "No provider specified")
    found = request.pbx.presence.state(provider)
    if found is None:
        raise ActionError(f"Invalid provider {provider} or provider in invalid state")
    status, subtype, text = found
    headers = [("State", status)]
    if subtype:
        headers.append(("Subtype", subtype))
    if text:
        headers += [("Message", text), ("PresenceMessage", text)]
    request.respond("Success", "Presence State", headers)


@presence_module.action("PresenceStateList", ("call", "reporting"))
def presence_state_list(request: ActionRequest) -> None:
    """List the presence states that are known."""
    request.listed("Presence State Changes will follow")
    count = 0
    for presentity, (status, subtype, text) in request.pbx.presence.known():
        body = presence_state(watched_events.PresenceStateChange(presentity, status, subtype, text))
        headers = [(name, value) for name, _, value in (line.partition(": ") for line in body.split("\r\n")[:-1])]
        request.event("PresenceStateChange", headers)
        count += 1
    request.complete("PresenceStateListComplete", count)
