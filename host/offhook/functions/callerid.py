"""Who calls, who is connected, who redirected: CALLERID, CONNECTEDLINE, REDIRECTING."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import cast

from offhook.calls.channel import Channel
from offhook.calls.party import Connected, Party, Redirecting, parse_callerid
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.patterns import shrink_number
from offhook.dialplan.scope import Scope
from offhook.functions.party_items import (
    Misfit,
    changed_subaddress,
    integer,
    presentation_number,
    presentation_word,
    read_party,
    read_subaddress,
    valid_text,
    write_party,
)
from offhook.modules import Module, Options, Syntax

log = logging.getLogger(__name__)
module = Module("func_callerid", "Party ID related dialplan functions (Caller-ID, Connected-line, Redirecting)")

_REASONS = (
    "unknown",
    "cfb",
    "cfnr",
    "unavailable",
    "cfu",
    "time_of_day",
    "dnd",
    "deflection",
    "follow_me",
    "out_of_order",
    "away",
    "cf_dte",
    "send_to_vm",
)
_REASON_ALIASES = {
    "user-busy": "cfb",
    "no-answer": "cfnr",
    "unconditional": "cfu",
    "time-of-day": "time_of_day",
    "do-not-disturb": "dnd",
    "follow-me": "follow_me",
    "out-of-service": "out_of_order",
}
_SOURCES = ("unknown", "answer", "diversion", "transfer")


def _channel(scope: Scope, function: str) -> Channel:
    channel = scope.channel
    if channel is None:
        raise FunctionError(f"function {function} needs a channel")
    return cast("Channel", channel)  # or what stands for one while a record is written


def _path(item: str, function: str) -> list[str]:
    path = item.lower().split("-")
    if not item or len(path) > 9:
        raise FunctionError(f'{function} has no item "{item}"')
    return path


def _unknown(function: str, item: str) -> FunctionError:
    return FunctionError(f'{function} has no item "{item}"; see: core show function {function}')


# ---- CALLERID -------------------------------------------------------------------------------------------


@module.function(
    "CALLERID",
    Syntax("datatype", "[CID]", datatype="The item.", CID="A text to take it from instead of the channel."),
    see_also=("CONNECTEDLINE", "REDIRECTING"),
)
def callerid(scope: Scope, datatype: str, text: str | None = None) -> str:
    """The identity of the caller.

    Items begin with the identity they belong to: none for the caller, ani, priv, dnid (the dialled number; it has
    num, num-plan and subaddr). ani2 is the two digits of the line's kind, rdnis the number of who redirected.
    The parts of a party are name, name-valid, name-charset, name-pres, num, num-valid, num-plan, num-pres,
    pres (of name and number together), subaddr, subaddr-valid, subaddr-type, subaddr-odd, tag, ton, and all for
    "name" <number>. With a second argument all, name and num are read from that text.
    """
    if datatype == "num" and text is None and scope.channel is not None:
        return valid_text(scope.channel.caller.id.number)
    channel = _channel(scope, "CALLERID")
    path = _path(datatype, "CALLERID")
    if text is not None:
        name, digits = parse_callerid(text)
        digits = shrink_number(digits)
        if path == ["all"]:
            return f'"{name}" <{digits}>'
        if path == ["name"]:
            return name
        if len(path) == 1 and path[0].startswith("num"):
            return digits
        raise _unknown("CALLERID", datatype)
    value = _read_caller(channel, path)
    if value is None:
        raise _unknown("CALLERID", datatype)
    return value


def _read_caller(channel: Channel, path: list[str]) -> str | None:
    first = path[0]
    caller = channel.caller
    if path == ["rdnis"]:
        return valid_text(channel.redirecting.from_.number)
    if first == "dnid":
        dialed = channel.dialed
        rest = path[1:] or ["num"]
        if rest[0].startswith("num"):
            return dialed.number if len(rest) == 1 else str(dialed.plan) if rest[1:] == ["plan"] else None
        return read_subaddress(dialed.subaddress, rest[1:]) if rest[0].startswith("subaddr") else None
    if path == ["ani2"]:
        return str(caller.ani2)
    if first == "ani":
        return read_party(caller.ani, path[1:] or ["num"])
    if first == "priv":
        return read_party(caller.priv, path[1:])
    return read_party(caller.id, path)


@callerid.writer
def set_callerid(scope: Scope, value: str, datatype: str, unused: str = "") -> None:
    """Assign an item of the caller's identity."""
    channel = _channel(scope, "CALLERID")
    path = _path(datatype, "CALLERID")
    value = value.lstrip(" \t\r\n")
    try:
        if not _write_caller(channel, path, value):
            raise _unknown("CALLERID", datatype)
    except Misfit as reason:
        log.error("%s: CALLERID(%s): %s", channel.name, datatype, reason)


def _write_caller(channel: Channel, path: list[str], value: str) -> bool:
    first = path[0]
    caller = channel.caller
    if path == ["rdnis"]:
        party = channel.redirecting.from_
        party.number = party.number._replace(valid=True, text=value)
        return True
    if first == "dnid":
        return _write_dialed(channel, path[1:] or ["num"], value.rstrip())
    if path == ["ani2"]:
        if not value[:1].isdigit():
            raise Misfit(f'"{value}" is no number')
        caller.ani2 = integer(value)
        return True
    if first == "ani":
        return write_party(caller.ani, path[1:] or ["num"], value)
    if first == "priv":
        return write_party(caller.priv, path[1:], value)
    changed = caller.id.copy()
    if not write_party(changed, path, value):
        return False
    caller.id = changed
    channel.tell_caller()
    return True


def _write_dialed(channel: Channel, path: list[str], value: str) -> bool:
    dialed = channel.dialed
    if path[0].startswith("num"):
        if len(path) == 1:
            dialed.number = value
            return True
        if path[1:] != ["plan"]:
            return False
        if not value[:1].isdigit():
            raise Misfit(f'"{value}" is no type of number and plan; write its number')
        dialed.plan = integer(value)
        return True
    subaddress = changed_subaddress(dialed.subaddress, path[1:], value) if path[0].startswith("subaddr") else None
    if subaddress is None:
        return False
    dialed.subaddress = subaddress
    return True


# ---- CONNECTEDLINE --------------------------------------------------------------------------------------


@module.function(
    "CONNECTEDLINE",
    Syntax("datatype", "[i]", i="When assigning: do not tell the party yet, more items follow."),
    see_also=("CALLERID", "REDIRECTING"),
)
def connectedline(scope: Scope, datatype: str, unused: str = "") -> str:
    """The party that the channel is connected to.

    Items are the parts of a party as in CALLERID, the same with priv- in front, and source (unknown, answer,
    diversion, transfer).
    """
    connected = _channel(scope, "CONNECTEDLINE").connected
    path = _path(datatype, "CONNECTEDLINE")
    if path == ["source"]:
        return connected.source
    value = read_party(connected.priv, path[1:]) if path[0] == "priv" else read_party(connected.id, path)
    if value is None:
        raise _unknown("CONNECTEDLINE", datatype)
    return value


@connectedline.writer
def set_connectedline(scope: Scope, value: str, datatype: str, options: str = "") -> None:
    """Assign an item of the connected party and, without option i, tell the channel's party."""
    channel = _channel(scope, "CONNECTEDLINE")
    path = _path(datatype, "CONNECTEDLINE")
    value = value.lstrip(" \t\r\n")
    changed: Connected = channel.connected.copy()
    try:
        if path == ["source"]:
            changed.source = _source(value.rstrip())
        elif path[0] == "priv":
            if not write_party(changed.priv, path[1:], value):
                raise _unknown("CONNECTEDLINE", datatype)
        elif not write_party(changed.id, path, value):
            raise _unknown("CONNECTEDLINE", datatype)
    except Misfit as reason:
        log.error("%s: CONNECTEDLINE(%s): %s", channel.name, datatype, reason)
        return
    channel.set_connected(changed, update=False)
    if "i" not in Options(options):
        channel.show_connected()


def _source(value: str) -> str:
    if value[:1].isdigit():
        number = integer(value)
        return _SOURCES[number] if number < len(_SOURCES) else "unknown"
    if value.lower() not in _SOURCES:
        raise Misfit(f'"{value}" is no source; write one of {", ".join(_SOURCES)}')
    return value.lower()


# ---- REDIRECTING ----------------------------------------------------------------------------------------


_PARTIES: dict[str, Callable[[Redirecting], Party]] = {
    "orig": lambda redirecting: redirecting.orig,
    "from": lambda redirecting: redirecting.from_,
    "to": lambda redirecting: redirecting.to,
    "priv-orig": lambda redirecting: redirecting.priv_orig,
    "priv-from": lambda redirecting: redirecting.priv_from,
    "priv-to": lambda redirecting: redirecting.priv_to,
}


@module.function(
    "REDIRECTING",
    Syntax("datatype", "[i]", i="When assigning: do not tell the party yet, more items follow."),
    see_also=("CALLERID", "CONNECTEDLINE"),
)
def redirecting(scope: Scope, datatype: str, unused: str = "") -> str:
    """Who redirected the call, from whom, to whom and why.

    Items begin with orig-, from-, to-, priv-orig-, priv-from- or priv-to- and go on with a part of a party as in
    CALLERID; orig-reason, reason, pres and count stand alone. Reasons are unknown, cfb, cfnr, unavailable, cfu,
    time_of_day, dnd, deflection, follow_me, out_of_order, away, cf_dte, send_to_vm, or any other text.
    """
    now = _channel(scope, "REDIRECTING").redirecting
    path = _path(datatype, "REDIRECTING")
    value: str | None
    if path == ["orig", "reason"]:
        value = now.orig_reason_text or now.orig_reason
    elif path == ["reason"]:
        value = now.reason_text or now.reason
    elif path == ["count"]:
        value = str(now.count)
    elif len(path) == 1 and path[0].startswith("pres"):
        value = presentation_word(now.from_.presentation())
    else:
        party, rest = _redirecting_party(now, path)
        value = read_party(party, rest) if party is not None else None
    if value is None:
        raise _unknown("REDIRECTING", datatype)
    return value


def _redirecting_party(now: Redirecting, path: list[str]) -> tuple[Party | None, list[str]]:
    size = 2 if path[0] == "priv" else 1
    find = _PARTIES.get("-".join(path[:size]))
    return (find(now) if find is not None else None), path[size:]


@redirecting.writer
def set_redirecting(scope: Scope, value: str, datatype: str, options: str = "") -> None:
    """Assign an item of the redirection and, without option i, tell the channel's party."""
    channel = _channel(scope, "REDIRECTING")
    path = _path(datatype, "REDIRECTING")
    value = value.lstrip(" \t\r\n")
    changed: Redirecting = channel.redirecting.copy()
    try:
        if not _write_redirecting(changed, path, value):
            raise _unknown("REDIRECTING", datatype)
    except Misfit as reason:
        log.error("%s: REDIRECTING(%s): %s", channel.name, datatype, reason)
        return
    channel.redirecting = changed
    if "i" not in Options(options):
        channel.show_redirecting()


def _write_redirecting(changed: Redirecting, path: list[str], value: str) -> bool:
    if path == ["orig", "reason"]:
        changed.orig_reason, changed.orig_reason_text = _reason(value.rstrip())
    elif path == ["reason"]:
        changed.reason, changed.reason_text = _reason(value.rstrip())
    elif path == ["count"]:
        if not value[:1].isdigit():
            raise Misfit(f'"{value}" is no number')
        changed.count = integer(value)
    elif len(path) == 1 and path[0].startswith("pres"):
        number = presentation_number(value.rstrip())
        for party in (changed.from_, changed.to):
            party.present(number)
    else:
        party_or_none, rest = _redirecting_party(changed, path)
        return party_or_none is not None and write_party(party_or_none, rest, value)
    return True


def _reason(value: str) -> tuple[str, str]:
    """The reason's word, and its text when it is none of the known ones."""
    if value[:1].isdigit():
        number = integer(value)
        return (_REASONS[number] if number < len(_REASONS) else "unknown"), ""
    word = _REASON_ALIASES.get(value.lower(), value.lower())
    return (word, "") if word in _REASONS else ("unknown", value)
