"""Telling the log, the console and listeners something from the dialplan."""

from __future__ import annotations

import logging

from offhook.calls import events
from offhook.calls.channel import Channel
from offhook.log import DTMF, NOTICE, verbose
from offhook.modules import Module, Syntax, split_arguments

log = logging.getLogger(__name__)
verbose_module = Module("app_verbose", "Send verbose output")
userevent_module = Module("app_userevent", "Custom User Event Application")
dump_module = Module("app_dumpchan", "Dump Info About The Calling Channel")

_LEVELS = {
    "ERROR": logging.ERROR,
    "WARNING": logging.WARNING,
    "NOTICE": NOTICE,
    "DEBUG": logging.DEBUG,
    "DTMF": DTMF,
}


@verbose_module.application("Verbose", Syntax("[level]", rest="message"), raw=True, see_also=("Log",))
def verbose_text(channel: Channel, data: str = "") -> None:
    """Send text to the console when its verbosity is at least the level (0 when left out)."""
    level, comma, text = data.partition(",")
    if not comma:
        level, text = "0", data
    try:
        number = int(level)
    except ValueError:
        log.warning("%s: Verbose(%s): %r is no level (a number from 0)", channel.name, data, level)
        number, text = 0, data
    verbose(number, text)


@verbose_module.application("Log", Syntax("level", rest="message"), raw=True, see_also=("Verbose",))
def log_text(channel: Channel, data: str = "") -> None:
    """Write text to the log at a level: ERROR, WARNING, NOTICE, DEBUG, VERBOSE or DTMF."""
    level, _, text = data.partition(",")
    word = level.strip().upper()
    place = f"Ext. {channel.exten}:{channel.priority} @ {channel.context}"
    if word == "VERBOSE":
        verbose(0, f"{place}: {text}")
    elif word in _LEVELS:
        log.log(_LEVELS[word], "%s: %s", place, text)
    else:
        log.error("%s: Log: unknown level %r; ERROR, WARNING, NOTICE, DEBUG, VERBOSE or DTMF", channel.name, level)


@userevent_module.application("UserEvent", Syntax("eventname", "[body]"), raw=True)
def user_event(channel: Channel, data: str = "") -> None:
    """Send an event of one's own to manager and other listeners.

    Further arguments are headers as "name:value" (or "name: value").
    """
    name, *parts = split_arguments(data) or [""]
    headers = []
    for part in parts:
        key, colon, value = part.partition(":")
        headers.append((key.strip(), value.strip()) if colon else (part, ""))
    channel.pbx.bus.publish(events.UserEvent(channel, name, tuple(headers)))


@dump_module.application("DumpChan", Syntax("[level]"), see_also=("NoOp", "Verbose"))
def dump_channel(channel: Channel, level: str = "") -> None:
    """Show what is known of the calling channel, and its variables, at a verbosity level."""
    lines = [f"Dumping Info For Channel: {channel.name}:", "=" * 80, "Info:"]
    facts = (
        ("Name", channel.name),
        ("Type", channel.technology),
        ("UniqueID", channel.uniqueid),
        ("LinkedID", channel.linkedid),
        ("CallerIDNum", channel.caller.id.number.text or "(N/A)"),
        ("CallerIDName", channel.caller.id.name.text or "(N/A)"),
        ("ConnectedLineIDNum", channel.connected.id.number.text or "(N/A)"),
        ("ConnectedLineIDName", channel.connected.id.name.text or "(N/A)"),
        ("DNIDDigits", channel.dialed.number or "(N/A)"),
        ("RDNIS", channel.redirecting.from_.number.text or "(N/A)"),
        ("Parkinglot", channel.parking_lot or "default"),
        ("Language", channel.language),
        ("State", f"{channel.state.text} ({int(channel.state)})"),
        ("NativeFormat", f"({'|'.join(channel.native_formats)})"),
        ("Context", channel.context),
        ("Extension", channel.exten),
        ("Priority", str(channel.priority)),
        ("CallGroup", ",".join(sorted(channel.call_groups))),
        ("PickupGroup", ",".join(sorted(channel.pickup_groups))),
        ("Application", channel.application),
        ("Data", channel.application_data or "(None)"),
    )
    lines += [f"{name + '=':<23}{value}" for name, value in facts]
    lines += ["", "Variables:"]
    lines += [f"{name}={value}" for name, value in channel.variables.items()]
    lines.append("=" * 80)
    verbose(int(level) if level.isdigit() else 0, "\n".join(lines))
