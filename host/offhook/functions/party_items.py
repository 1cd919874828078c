"""The items of a party ("num-plan", "subaddr-odd") as CALLERID, CONNECTEDLINE and REDIRECTING name them."""

from __future__ import annotations

import re

from offhook.calls.party import (
    PRESENTATION_BY_WORD,
    PRESENTATIONS,
    Name,
    Number,
    Party,
    Subaddress,
    parse_callerid,
)
from offhook.dialplan.patterns import shrink_number

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


class Misfit(Exception):
    """A value that does not fit its item; it is logged and nothing changes."""


def integer(text: str) -> int:
    """The number a text begins with, 0 when it begins with none."""
    found = _DIGITS.match(text)
    return int(found.group(1)) if found else 0


# ---- reading --------------------------------------------------------------------------------------------


def read_party(party: Party, path: list[str]) -> str | None:
    """An item of a party by its path ("num", "plan"); None when there is no such item."""
    if not path:
        return None
    first, rest = path[0], path[1:]
    if first == "all" and not rest:
        return f'"{valid_text(party.name)}" <{valid_text(party.number)}>'
    if first == "name":
        return _read_name(party.name, rest)
    if first.startswith("num"):
        return _read_number(party.number, rest)
    if first.startswith("subaddr"):
        return read_subaddress(party.subaddress, rest)
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


def valid_text(part: Name | Number) -> str:
    """A name or number, empty where there is none."""
    return part.text if part.valid else ""


def _read_name(name: Name, path: list[str]) -> str | None:
    if not path:
        return valid_text(name)
    if len(path) > 1:
        return None
    if path[0] == "valid":
        return str(int(name.valid))
    if path[0] == "charset":
        return name.charset
    return presentation_word(name.presentation) if path[0].startswith("pres") else None


def _read_number(number: Number, path: list[str]) -> str | None:
    if not path:
        return valid_text(number)
    if len(path) > 1:
        return None
    if path[0] == "valid":
        return str(int(number.valid))
    if path[0] == "plan":
        return str(number.plan)
    return presentation_word(number.presentation) if path[0].startswith("pres") else None


def read_subaddress(subaddress: Subaddress, path: list[str]) -> str | None:
    """An item of a subaddress; None when there is no such item."""
    items = {
        "": subaddress.text,
        "valid": str(int(subaddress.valid)),
        "type": str(subaddress.type),
        "odd": str(int(subaddress.odd)),
    }
    return items.get("-".join(path))


# ---- writing --------------------------------------------------------------------------------------------


def write_party(party: Party, path: list[str], value: str) -> bool:
    """Assign an item of a party; False when there is no such item. Raises Misfit for a value that does not fit."""
    if not path:
        return False
    first, rest = path[0], path[1:]
    if first == "all" and not rest:
        name, number = parse_callerid(value)
        party.name = party.name._replace(valid=True, text=name)
        party.number = party.number._replace(valid=True, text=shrink_number(number))
        return True
    value = value.rstrip()
    part: Name | Number | Subaddress | None
    if first == "name":
        part = _changed_name(party.name, rest, value)
    elif first.startswith("num"):
        part = _changed_number(party.number, rest, value)
    elif first.startswith("subaddr"):
        part = changed_subaddress(party.subaddress, rest, value)
    elif rest:
        return False
    elif first == "ton":
        part = _changed_number(party.number, ["plan"], value)
    elif first == "tag":
        party.tag = value
        return True
    elif first.startswith("pres"):
        party.present(presentation_number(value))
        return True
    else:
        return False
    match part:
        case Name():
            party.name = part
        case Number():
            party.number = part
        case Subaddress():
            party.subaddress = part
    return part is not None


def presentation_number(value: str) -> int:
    """The number of a presentation given by number or word; Misfit for another word."""
    if value[:1].isdigit():
        return integer(value)
    number = PRESENTATION_BY_WORD.get(value.lower())
    if number is None:
        raise Misfit(f'"{value}" is no presentation; write one of {", ".join(PRESENTATION_BY_WORD)}')
    return number


def _changed_name(name: Name, path: list[str], value: str) -> Name | None:
    if not path:
        return name._replace(valid=True, text=value)
    if path == ["valid"]:
        return name._replace(valid=bool(integer(value)))
    if path == ["charset"]:
        if value[:1].isdigit():
            return name._replace(charset=_CHARSETS.get(integer(value), "unknown"))
        if value.lower() in _CHARSETS.values():
            return name._replace(charset=value.lower())
        raise Misfit(f'"{value}" is no character set of names; write one of {", ".join(_CHARSETS.values())}')
    if len(path) == 1 and path[0].startswith("pres"):
        return name._replace(presentation=presentation_number(value))
    return None


def _changed_number(number: Number, path: list[str], value: str) -> Number | None:
    if not path:
        return number._replace(valid=True, text=value)
    if path == ["valid"]:
        return number._replace(valid=bool(integer(value)))
    if path == ["plan"]:
        if not value[:1].isdigit():
            raise Misfit(f'"{value}" is no type of number and plan; write its number')
        return number._replace(plan=integer(value))
    if len(path) == 1 and path[0].startswith("pres"):
        return number._replace(presentation=presentation_number(value))
    return None


def changed_subaddress(subaddress: Subaddress, path: list[str], value: str) -> Subaddress | None:
    """The subaddress with an item assigned; None when there is no such item."""
    if not path:
        return subaddress._replace(text=value)
    if path == ["valid"]:
        return subaddress._replace(valid=bool(integer(value)))
    if path == ["type"]:
        return subaddress._replace(type=2 if integer(value) else 0)
    if path == ["odd"]:
        return subaddress._replace(odd=bool(integer(value)))
    return None
