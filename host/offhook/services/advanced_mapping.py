"""Advanced mappings: lines and rows of records by field names alone, for the custom backends of CDR and CEL.

A section names its ``fields``; each may have qualifiers in brackets, joined by ^: quote, noquote, a type (int64,
double, amaflags, ...), uservar, literal, or a time format with %. They are read once, and no dialplan is needed to
write a record.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from offhook.config.model import ConfigError, ConfigFile, Section

log = logging.getLogger(__name__)

R = TypeVar("R")
Value = str | int | float | None
"""What a record has for a field: text, a number, a time in seconds of the wall clock; None: no such time."""

_ENTRY = re.compile(r"""\s*((?:"[^"]*"|'[^']*'|\([^)]*\)|[^,"'(])*)(?:,|$)""")
_TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
_ESCAPES = {"\\t": "\t", "\\n": "\n", "\\r": "\r", "\\\\": "\\"}


class Kind(Enum):
    """What a field holds, or is written as."""

    TEXT = "text"
    TIME = "time"
    WHOLE = "whole"
    FRACTION = "fraction"
    AMA_FLAGS = "amaflags"
    DISPOSITION = "disposition"
    EVENT_TIME = "event time"
    """As cel.conf's dateformat has it."""

    @property
    def number(self) -> bool:
        """Written in figures, and not quoted where only text is."""
        return self in (Kind.WHOLE, Kind.FRACTION)


_TYPES = {
    **dict.fromkeys(("int32", "uint32", "int64", "uint64"), Kind.WHOLE),
    **dict.fromkeys(("double", "float"), Kind.FRACTION),
    "string": Kind.TEXT,
    "amaflags": Kind.AMA_FLAGS,
    "disposition": Kind.DISPOSITION,
    "cel_timefmt": Kind.EVENT_TIME,
}


class Quoting(Enum):
    """Which fields are quoted without being asked for; whatever needs it always is."""

    ALL = "all"
    MINIMAL = "minimal"
    NON_NUMERIC = "non_numeric"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Known(Generic[R]):
    """The fields that records of a sort have."""

    kinds: Mapping[str, tuple[Kind, Kind]]
    """By name in lower case: what it holds, and what it is written as unless a qualifier says otherwise."""
    value: Callable[[R, str], Value]
    """(record, name of a field) -> what it holds."""
    words: Mapping[Kind, Callable[[int], str]]
    """Names for numbers, by the kind that asks for them."""
    variable: Callable[[R, str], str] | None = None
    """(record, name) -> a variable of the dialplan's (qualifier uservar); None: there are none."""
    event_time: Callable[[float], str] | None = None


@dataclass(frozen=True, slots=True)
class Style:
    """How a line is put together."""

    json: bool = False
    separator: str = ","
    quote: str = '"'
    escape: str = '"'
    quoting: Quoting = Quoting.ALL


ROW = Style(quote="", escape="", quoting=Quoting.NONE)
"""Values of a row of a database."""
_JSON = Style(json=True, escape="\\", quoting=Quoting.NON_NUMERIC)


@dataclass(frozen=True, slots=True)
class _Field(Generic[R]):
    name: str
    kind: Kind
    """What it is written as."""
    get: Callable[[R], Value]
    quote: bool | None
    """Whether a qualifier says so."""
    form: str = ""
    """Format of a time."""


@dataclass(frozen=True, slots=True)
class AdvancedMapping(Generic[R]):
    """The fields of a section, in order."""

    fields: tuple[_Field[R], ...]
    style: Style
    known: Known[R]

    def line(self, record: R) -> str:
        """The line of a record, without its end."""
        cells = [self._cell(field, record) for field in self.fields]
        if self.style.json:
            pairs = (f"{json.dumps(field.name)}:{cell}" for field, cell in zip(self.fields, cells, strict=True))
            return "{" + ",".join(pairs) + "}"
        return self.style.separator.join(cells)

    def row(self, record: R) -> tuple[str, ...]:
        """The values of a row."""
        return tuple(self._cell(field, record) for field in self.fields)

    def _cell(self, field: _Field[R], record: R) -> str:
        style = self.style
        text = self._text(field, field.get(record))
        asked = field.quote if field.quote is not None else self._by_rule(field.kind)
        if field.kind.number:
            return f"{style.quote}{text}{style.quote}" if asked and text else text
        special = any(one in text for one in (style.quote, style.separator, "\r", "\n") if one)
        if not asked and not special:
            return text
        if style.json:
            return json.dumps(text, ensure_ascii=False)
        inside = text.replace(style.quote, style.escape + style.quote) if style.quote else text
        return f"{style.quote}{inside}{style.quote}"

    def _by_rule(self, kind: Kind) -> bool:
        rule = self.style.quoting
        return rule is Quoting.ALL or (rule is Quoting.NON_NUMERIC and not kind.number)

    def _text(self, field: _Field[R], value: Value) -> str:
        if isinstance(value, str):
            return value
        kind = field.kind
        if value is None:
            return {Kind.WHOLE: "0", Kind.FRACTION: "0.000000"}.get(kind, "")
        if kind is Kind.WHOLE:
            return str(int(value))
        if kind is Kind.FRACTION:
            return f"{value:.6f}"
        if kind in self.known.words:
            return self.known.words[kind](int(value))
        if kind is Kind.EVENT_TIME and self.known.event_time is not None:
            return self.known.event_time(value)
        return time.strftime(field.form or _TIME_FORMAT, time.localtime(value)) if kind is Kind.TIME else str(value)


def read_lines(section: Section, file: str, known: Known[R]) -> AdvancedMapping[R]:
    """The mapping of a section that is a text file. Raises ConfigError."""
    return _read(section, file, known, _style(section, file))


def mapped_files(config: ConfigFile | None, file: str, known: Known[R]) -> Iterator[tuple[str, AdvancedMapping[R]]]:
    """Text files and their mappings: every section but [mappings]. What does not fit is an error in the log."""
    for section in config or ():
        if section.name == "mappings":
            continue
        try:
            yield section.name, read_lines(section, file, known)
        except ConfigError as error:
            log.error("%s", error)


def read_rows(section: Section, file: str, known: Known[R]) -> AdvancedMapping[R]:
    """The mapping of a section that is a database. Raises ConfigError."""
    return _read(section, file, known, ROW)


def _read(section: Section, file: str, known: Known[R], style: Style) -> AdvancedMapping[R]:
    text = section.get("fields") or ""
    if not text.strip():
        raise ConfigError(file, section.line, f"[{section.name}] has no fields: name those of the record")
    fields = []
    for entry in entries(text):
        try:
            fields.append(_field(entry, known, style))
        except ValueError as error:
            raise ConfigError(file, section.line, f"[{section.name}]: {error}") from None
    return AdvancedMapping(tuple(fields), style, known)


def entries(text: str) -> list[str]:
    """``a,"b, c", d(%H,%M)`` apart."""
    found: list[str] = []
    place = 0
    while place < len(text):
        match = _ENTRY.match(text, place)
        if match is None:  # a quotation mark or bracket without its like: taken as it is
            found.append(text[place:].strip())
            break
        found.append(match[1].strip())
        place = match.end()
    return [entry for entry in found if entry]


def _style(section: Section, file: str) -> Style:
    form = section.get("format") or "dsv"
    if form == "json":
        return _JSON
    method = section.get("quoting_method") or Quoting.ALL.value
    if form != "dsv" or method not in [one.value for one in Quoting]:
        what = f"format = {form}: dsv or json" if form != "dsv" else f"quoting_method = {method}"
        known = "" if form != "dsv" else f": {', '.join(one.value for one in Quoting)}"
        raise ConfigError(file, section.line, f"[{section.name}]: {what}{known}")
    separator = section.get("separator_character") or ","
    quote = (section.get("quote_character") or '"')[:1]
    return Style(
        separator=_ESCAPES.get(separator[:2], separator[:1]),
        quote=quote,
        escape=(section.get("quote_escape_character") or '"')[:1],
        quoting=Quoting(method),
    )


def _field(entry: str, known: Known[R], style: Style) -> _Field[R]:
    if entry[0] in "\"'":
        return _literal(entry.strip("\"'"), None, style)
    name, _, rest = entry.partition("(")
    name = name.strip()
    quote: bool | None = None
    kind: Kind | None = None
    form = ""
    special = ""
    for word in rest.partition(")")[0].split("^"):
        word = word.strip()
        lower = word.lower()
        if lower in ("quote", "noquote"):
            if quote is not None and quote is not (lower == "quote"):
                raise ValueError(f"{entry} is both quote and noquote")
            quote = lower == "quote"
        elif lower in ("uservar", "literal"):
            special = lower
        elif lower in _TYPES:
            kind = _TYPES[lower]
        elif "%" in word:
            form = word
        elif word:
            known_words = ", ".join(("quote", "noquote", "uservar", "literal", *_TYPES))
            raise ValueError(f"{word!r} in {entry} is no qualifier: {known_words}")
    if special == "literal":
        return _literal(name, quote, style)
    if special == "uservar":
        return _variable(name, quote, known)
    if name.lower() not in known.kinds:
        raise ValueError(f"there is no field {name!r}: {', '.join(known.kinds)}")
    holds, written = known.kinds[name.lower()]
    if form and holds is not Kind.TIME:
        raise ValueError(f"{entry}: only a time has a format")
    wanted = Kind.TIME if form else _written(holds, kind or written)
    key = name.lower()
    get = known.value
    return _Field(key, wanted, lambda record: get(record, key), quote, form)


def _written(holds: Kind, wanted: Kind) -> Kind:
    """Text stays text, and a time or number is written in the way wanted."""
    if holds is Kind.TEXT:
        return Kind.TEXT
    return Kind.TIME if holds is Kind.TIME and wanted is Kind.TEXT else wanted


def _literal(text: str, quote: bool | None, style: Style) -> _Field[Any]:
    name, value = "literal", text
    if style.json:
        name, colon, value = text.partition(":")
        if not colon:
            raise ValueError(f'the literal "{text}" needs a name in JSON: "name: value"')
        name, value = name.strip(), value.strip().strip('"')
    return _Field(name, Kind.TEXT, lambda _: value, quote)


def _variable(name: str, quote: bool | None, known: Known[R]) -> _Field[R]:
    find = known.variable
    if find is None:
        raise ValueError(f"{name}(uservar): these records have no variables")
    return _Field(name, Kind.TEXT, lambda record: find(record, name), quote)
