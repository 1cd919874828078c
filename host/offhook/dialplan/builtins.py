"""Predefined variables: names that are computed, not stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

DIRECTORIES = (
    "ASTCACHEDIR",
    "ASTETCDIR",
    "ASTMODDIR",
    "ASTVARLIBDIR",
    "ASTDBDIR",
    "ASTKEYDIR",
    "ASTDATADIR",
    "ASTAGIDIR",
    "ASTSPOOLDIR",
    "ASTRUNDIR",
    "ASTLOGDIR",
    "ASTSBINDIR",
)


def _hint(channel: Any) -> str | None:
    found = channel.pbx.dialplan.hint(channel.context, channel.exten)
    return None if found is None else found.application


def _hint_name(channel: Any) -> str | None:
    found = channel.pbx.dialplan.hint(channel.context, channel.exten)
    return None if found is None else found.data


CHANNEL_BUILTINS: dict[str, Callable[[Any], str | None]] = {
    "CALLINGPRES": lambda channel: str(channel.caller.id.presentation()),
    "CALLINGANI2": lambda channel: str(channel.caller.ani2),
    "CALLINGTON": lambda channel: str(channel.caller.id.number.plan),
    "CALLINGTNS": lambda channel: str(channel.dialed.transit_network),
    "HINT": _hint,
    "HINTNAME": _hint_name,
    "EXTEN": lambda channel: channel.exten,
    "CONTEXT": lambda channel: channel.context,
    "PRIORITY": lambda channel: str(channel.priority),
    "CHANNEL": lambda channel: channel.name,
    "UNIQUEID": lambda channel: channel.uniqueid,
    "HANGUPCAUSE": lambda channel: str(channel.hangup_cause),
}
"""What a channel knows of itself; these names mean ordinary variables where there is no channel."""


def _of_host(name: str) -> Callable[[Any], str | None]:
    return lambda pbx: pbx.builtin(name)


HOST_BUILTINS: dict[str, Callable[[Any], str | None]] = {
    "EPOCH": lambda pbx: str(int(pbx.wall())),
    **{name: _of_host(name) for name in ("SYSTEMNAME", "ENTITYID", *DIRECTORIES)},
}
"""What the whole PBX knows."""
