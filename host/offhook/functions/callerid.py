"""Who calls, who is connected, who redirected: CALLERID, CONNECTEDLINE, REDIRECTING."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import cast

from offhook.calls.channel import Channel
from offhook.calls.party import (
    PRESENTATION_BY_WORD,
    PRESENTATIONS,
    Connected,
    Name,
    Number,
    Party,
    Redirecting,
    Subaddress,
    parse_callerid,
)
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.patterns import shrink_number
from offhook.dialplan.scope import Scope
from offhook.modules import Module, Options, Syntax

log = logging.getLogger(__name__)
module = Module("func_callerid", "Party ID related dialplan functions (Caller-ID, Connected-line, Redirecting)")

_DIGITS = re.compile(r"\s*([-+]?\d+)", re.ASCII)
_CHARSETS = {
    0: "unknown",
    1: "iso8859-1",
    2: "withdrawn",
    3: "iso8859-2",
    4: "iso8859-3",
    5: "iso8859-4",
    6: "iso8859-5",
    7: "iso8859-7",
    8: "bmp",
    9: "utf8",
}
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


class _Refused(Exception):
    """A value that does not fit; it is logged and nothing changes."""


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


def _integer(text: str) -> int:
    found = _DIGITS.match(text)
    return int(found.group(1)) if found else 0


# ---- reading a party ------------------------------------------------------------------------------------


def read_party(party: Party, path: list[str]) -> str | None:
    """An item of a party by its path ("num", "plan"); None when there is no such item."""
    if not path:
        return None
    first, rest = path[0], path[1:]
    if first == "all" and not rest:
        return f'"{_valid(party.name)}" <{_valid(party.number)}>'
    if first == "name":
        return _read_name(party.name, rest)
    if first.startswith("num"):
        return _read_number(party.number, rest)
    if first.startswith("subaddr"):
        return _read_subaddress(party.subaddress, rest)
    if rest:
        return None
    if first == "tag":
        return party.tag
    if first == "ton":
        return str(party.number.plan)
    if first.startswith("pres"):
        return presentation_word(party.presentation())
    return None


def presentation_word(number: int) -> str:
    """The word of a presentation number."""
    return PRESENTATIONS.get(number, "unknown")


def _valid(part: Name | Number) -> str:
    return part.text if part.valid else ""


def _read_name(name: Name, path: list[str]) -> str | None:
    if not path:
        return _valid(name)
    if len(path) > 1:
        return None
    if path[0] == "valid":
        return str(int(name.valid))
    if path[0] == "charset":
        return name.charset
    return presentation_word(name.presentation) if path[0].startswith("pres") else None


def _read_number(number: Number, path: list[str]) -> str | None:
    if not path:
        return _valid(number)
    if len(path) > 1:
        return None
    if path[0] == "valid":
        return str(int(number.valid))
    if path[0] == "plan":
        return str(number.plan)
    return presentation_word(number.presentation) if path[0].startswith("pres") else None


def _read_subaddress(subaddress: Subaddress, path: list[str]) -> str | None:
    items = {
        "": subaddress.text,
        "valid": str(int(subaddress.valid)),
        "type": str(subaddress.type),
        "odd": str(int(subaddress.odd)),
    }
    return items.get("-".join(path))


# ---- writing a party ------------------------------------------------------------------------------------


def write_party(party: Party, path: list[str], value: str) -> bool:
    """Assign an item of a party; False when there is no such item. Raises _Refused for a value that does not fit."""
    if not path:
        return False
    first, rest = path[0], path[1:]
    if first == "all" and not rest:
        name, number = parse_callerid(value)
        party.name.valid = party.number.valid = True
        party.name.text, party.number.text = name, shrink_number(number)
        return True
    value = value.rstrip()
    if first == "name":
        return _write_name(party.name, rest, value)
    if first.startswith("num"):
        return _write_number(party.number, rest, value)
    if first.startswith("subaddr"):
        return _write_subaddress(party.subaddress, rest, value)
    if rest:
        return False
    if first == "tag":
        party.tag = value
    elif first == "ton":
        return _write_number(party.number, ["plan"], value)
    elif first.startswith("pres"):
        party.name.presentation = party.number.presentation = _presentation(value)
    else:
        return False
    return True


def _presentation(value: str) -> int:
    if value[:1].isdigit():
        return _integer(value)
    number = PRESENTATION_BY_WORD.get(value.lower())
    if number is None:
        raise _Refused(f'"{value}" is no presentation; write one of {", ".join(PRESENTATION_BY_WORD)}')
    return number


def _write_name(name: Name, path: list[str], value: str) -> bool:
    if not path:
        name.valid, name.text = True, value
    elif path == ["valid"]:
        name.valid = bool(_integer(value))
    elif path == ["charset"]:
        if value[:1].isdigit():
            name.charset = _CHARSETS.get(_integer(value), "unknown")
        elif value.lower() in _CHARSETS.values():
            name.charset = value.lower()
        else:
            raise _Refused(f'"{value}" is no character set of names; write one of {", ".join(_CHARSETS.values())}')
    elif len(path) == 1 and path[0].startswith("pres"):
        name.presentation = _presentation(value)
    else:
        return False
    return True


def _write_number(number: Number, path: list[str], value: str) -> bool:
    if not path:
        number.valid, number.text = True, value
    elif path == ["valid"]:
        number.valid = bool(_integer(value))
    elif path == ["plan"]:
        if not value[:1].isdigit():
            raise _Refused(f'"{value}" is no type of number and plan; write its number')
        number.plan = _integer(value)
    elif len(path) == 1 and path[0].startswith("pres"):
        number.presentation = _presentation(value)
    else:
        return False
    return True


def _write_subaddress(subaddress: Subaddress, path: list[str], value: str) -> bool:
    if not path:
        subaddress.text = value
    elif path == ["valid"]:
        subaddress.valid = bool(_integer(value))
    elif path == ["type"]:
        subaddress.type = 2 if _integer(value) else 0
    elif path == ["odd"]:
        subaddress.odd = bool(_integer(value))
    else:
        return False
    return True


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
        return _valid(scope.channel.caller.id.number)
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
        return _valid(channel.redirecting.from_.number)
    if first == "dnid":
        dialed = channel.dialed
        rest = path[1:] or ["num"]
        if rest[0].startswith("num"):
            return dialed.number if len(rest) == 1 else str(dialed.plan) if rest[1:] == ["plan"] else None
        return _read_subaddress(dialed.subaddress, rest[1:]) if rest[0].startswith("subaddr") else None
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
    except _Refused as reason:
        log.error("%s: CALLERID(%s): %s", channel.name, datatype, reason)


def _write_caller(channel: Channel, path: list[str], value: str) -> bool:
    first = path[0]
    caller = channel.caller
    if path == ["rdnis"]:
        number = channel.redirecting.from_.number
        number.valid, number.text = True, value
        return True
    if first == "dnid":
        return _write_dialed(channel, path[1:] or ["num"], value.rstrip())
    if path == ["ani2"]:
        if not value[:1].isdigit():
            raise _Refused(f'"{value}" is no number')
        caller.ani2 = _integer(value)
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
            raise _Refused(f'"{value}" is no type of number and plan; write its number')
        dialed.plan = _integer(value)
        return True
    return path[0].startswith("subaddr") and _write_subaddress(dialed.subaddress, path[1:], value)


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
    except _Refused as reason:
        log.error("%s: CONNECTEDLINE(%s): %s", channel.name, datatype, reason)
        return
    channel.set_connected(changed, update=False)
    if "i" not in Options(options):
        channel.show_connected()


def _source(value: str) -> str:
    if value[:1].isdigit():
        number = _integer(value)
        return _SOURCES[number] if number < len(_SOURCES) else "unknown"
    if value.lower() not in _SOURCES:
        raise _Refused(f'"{value}" is no source; write one of {", ".join(_SOURCES)}')
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
    except _Refused as reason:
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
            raise _Refused(f'"{value}" is no number')
        changed.count = _integer(value)
    elif len(path) == 1 and path[0].startswith("pres"):
        number = _presentation(value.rstrip())
        for party in (changed.from_, changed.to):
            party.name.presentation = party.number.presentation = number
    else:
        party_or_none, rest = _redirecting_party(changed, path)
        return party_or_none is not None and write_party(party_or_none, rest, value)
    return True


def _reason(value: str) -> tuple[str, str]:
    """The reason's word, and its text when it is none of the known ones."""
    if value[:1].isdigit():
        number = _integer(value)
        return (_REASONS[number] if number < len(_REASONS) else "unknown"), ""
    word = _REASON_ALIASES.get(value.lower(), value.lower())
    return (word, "") if word in _REASONS else ("unknown", value)
