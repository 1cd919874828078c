"""Manager events of the system: states, security, RTCP, modules, start and stop, and test steps."""

from __future__ import annotations

from collections.abc import Iterable

from offhook.calls import events, watched_events
from offhook.calls.devices import EXTENSION_TEXTS
from offhook.calls.security import KINDS
from offhook.control.manager.permissions import CALL, REPORTING, SECURITY, SYSTEM
from offhook.control.manager.protocol import clean
from offhook.control.manager.render import channel_block, escape, render
from offhook.daemon.logchannel import LogChannelChanged
from offhook.modules.events import ModuleLoad, Reload


def _lines(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(f"{name}: {clean(value)}\r\n" for name, value in pairs)


@render(watched_events.DeviceStateChange, "DeviceStateChange", CALL)
def device_state(event: watched_events.DeviceStateChange) -> str:
    return f"Device: {clean(event.device)}\r\nState: {event.state}\r\n"


@render(LogChannelChanged, "LogChannel", SYSTEM)
def log_channel(event: LogChannelChanged) -> str:
    reason = f"Reason: {event.trouble}\r\n" if event.trouble else ""
    return f"Channel: {event.name}\r\nEnabled: {'No' if event.trouble else 'Yes'}\r\n{reason}"


@render(watched_events.PresenceStateChange, "PresenceStateChange", CALL)
def presence_state(event: watched_events.PresenceStateChange) -> str:
    return (
        f"Presentity: {clean(event.presentity)}\r\nStatus: {event.status}\r\n"
        f"Subtype: {escape(event.subtype)}\r\nMessage: {escape(event.message)}\r\n"
    )


def state_text(state: int) -> str:
    """The word for an extension's state."""
    return EXTENSION_TEXTS[state] if state >= 0 and state in EXTENSION_TEXTS else "Unknown"


@render(watched_events.MessageWaiting, "MessageWaiting", CALL)
def message_waiting(event: watched_events.MessageWaiting) -> str:
    block = channel_block(event.channel) if event.channel is not None else None
    return (
        f"{block or ''}Mailbox: {event.mailbox}\r\nWaiting: {int(event.kept_here and event.new > 0)}\r\n"
        f"New: {event.new}\r\nOld: {event.old}\r\n"
    )


@render(watched_events.ExtensionState, "ExtensionStatus", CALL)
def extension_status(event: watched_events.ExtensionState) -> str:
    return (
        f"Exten: {event.exten}\r\nContext: {event.context}\r\nHint: {event.hint}\r\n"
        f"Status: {event.state}\r\nStatusText: {state_text(event.state)}\r\n"
    )


@render(watched_events.ExtensionPresence, "PresenceStatus", CALL)
def extension_presence(event: watched_events.ExtensionPresence) -> str:
    return (
        f"Exten: {event.exten}\r\nContext: {event.context}\r\nHint: {event.hint}\r\n"
        f"Status: {event.status}\r\nSubtype: {escape(event.subtype)}\r\nMessage: {escape(event.message)}\r\n"
    )


@render(events.Security, lambda event: event.name, SECURITY, names=tuple(KINDS))
def security(event: events.Security) -> str:
    return _lines(event.elements)


@render(events.TestEvent, "TestEvent", REPORTING)
def test_event(event: events.TestEvent) -> str:
    return (
        f"Type: StateChange\r\nState: {event.state}\r\nAppFile: {event.file}\r\n"
        f"AppFunction: {event.function}\r\nAppLine: {event.line}\r\n{_lines(event.headers)}"
    )


@render(events.RtcpSent, "RTCPSent", REPORTING)
def rtcp_sent(event: events.RtcpSent) -> str | None:
    block = channel_block(event.channel)
    return block and block + _lines(event.report.items())


@render(events.RtcpReceived, "RTCPReceived", REPORTING)
def rtcp_received(event: events.RtcpReceived) -> str | None:
    block = channel_block(event.channel)
    return block and block + _lines(event.report.items())


@render(events.FullyBooted, "FullyBooted", SYSTEM)
def fully_booted(event: events.FullyBooted) -> str:
    return f"Status: Fully Booted\r\nUptime: {event.uptime_s}\r\nLastReload: {event.last_reload_s}\r\n"


@render(events.Shutdown, "Shutdown", SYSTEM)
def shutdown(event: events.Shutdown) -> str:
    return f"Shutdown: {event.how}\r\nRestart: {'True' if event.restart else 'False'}\r\n"


@render(Reload, "Reload", SYSTEM)
def reload(event: Reload) -> str:
    return f"Module: {event.module}\r\nStatus: {event.status}\r\n"


@render(ModuleLoad, lambda event: event.action, SYSTEM, names=("Load", "Unload"))
def module_load(event: ModuleLoad) -> str:
    return f"Module: {event.module}\r\nStatus: {event.status}\r\n"
