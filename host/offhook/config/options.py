"""Option tables: what may stand in a file, declared once.

A table says for each type of section its options with kind, default, unit and meaning. Applied to a section it
yields typed values and complaints with file, line and remedy; ``config show help`` and the sample files are
printed from it::

    SCHEMA = Schema("udptl", "udptl.conf", "Facsimile over UDP")
    GENERAL = SCHEMA.type("general", "All of it")
    GENERAL.option("udptlstart", integer(1024, 65535), 4000, "First port used.")

    values = GENERAL.apply(section, errors)
    values["udptlstart"]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from offhook.config.model import FALSE_WORDS, TRUE_WORDS, ConfigError, Entry, Section

SCHEMAS: Final[dict[str, Schema]] = {}
"""Every table that was declared, by file."""


class Kind:
    """How a value is written: what reads it, and a phrase for people ("whole number from 1 to 65535")."""

    __slots__ = ("parse", "phrase", "show")

    def __init__(self, phrase: str, parse: Callable[[str], Any], show: Callable[[Any], str] = str) -> None:
        self.phrase = phrase
        self.parse = parse
        """Raises ValueError with a sentence when the text does not fit."""
        self.show = show


def truth_of(text: str) -> bool:
    """What a word for yes or no says. ValueError with a sentence for any other."""
    word = text.strip().lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise ValueError(f'"{text}" is neither yes nor no')


def flag() -> Kind:
    """yes, true, y, t, 1, on, or their opposites."""
    return Kind("yes or no", truth_of, lambda value: "yes" if value else "no")


def integer(low: int | None = None, high: int | None = None, unit: str = "") -> Kind:
    """A whole number within bounds, in a unit."""
    return _number(int, "whole number", low, high, unit)


def number(low: float | None = None, high: float | None = None, unit: str = "") -> Kind:
    """Any number within bounds, in a unit."""
    return _number(float, "number", low, high, unit)


def _number(make: type[int] | type[float], noun: str, low: float | None, high: float | None, unit: str) -> Kind:
    bounds = ""
    if low is not None and high is not None:
        bounds = f" from {low} to {high}"
    elif low is not None:
        bounds = f" of at least {low}"
    elif high is not None:
        bounds = f" of at most {high}"
    phrase = f"{noun}{bounds}{f', in {unit}' if unit else ''}"

    def parse(text: str) -> Any:
        try:
            value = make(text.strip())
        except ValueError:
            raise ValueError(f'"{text}" is no {noun}') from None
        if (low is not None and value < low) or (high is not None and value > high):
            raise ValueError(f"{text.strip()} is not a {phrase}")
        return value

    return Kind(phrase, parse, lambda value: f"{value:g}" if make is float else str(value))


_SPAN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)?\s*", re.IGNORECASE)
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def duration(unit: str = "s", low: float = 0.0, high: float | None = None) -> Kind:
    """A length of time, in ``unit`` unless written otherwise ("500ms", "2h"); its value is in seconds."""
    names = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

    def parse(text: str) -> float:
        found = _SPAN.fullmatch(text)
        if found is None:
            raise ValueError(f'"{text}" is no length of time; write a number of {names[unit]}, or 500ms, 30s, 5m, 2h')
        value = float(found[1]) * _SECONDS[(found[2] or unit).lower()]
        if value < low or (high is not None and value > high):
            bounds = f"at least {low:g} s" if high is None else f"from {low:g} to {high:g} s"
            raise ValueError(f"{text.strip()} is too {'short' if value < low else 'long'}; allowed is {bounds}")
        return value

    return Kind(f"length of time, in {names[unit]} unless written otherwise", parse, lambda value: f"{value:g}s")


def choice(*words: str, aliases: Mapping[str, str] | None = None) -> Kind:
    """One of some words, in any case; aliases are other words for them."""
    known = {word.lower(): word for word in words} | {alias.lower(): word for alias, word in (aliases or {}).items()}

    def parse(text: str) -> str:
        found = known.get(text.strip().lower())
        if found is None:
            raise ValueError(f'"{text}" is not one of {", ".join(words)}')
        return found

    return Kind(f"one of {', '.join(words)}", parse)


def string() -> Kind:
    """Any text."""
    return Kind("text", lambda text: text)


def words(separator: str = ",") -> Kind:
    """Words with a separator between."""
    return Kind(
        f'words with "{separator}" between',
        lambda text: [word.strip() for word in text.split(separator) if word.strip()],
        separator.join,
    )


def expression() -> Kind:
    """A regular expression."""

    def parse(text: str) -> re.Pattern[str]:
        try:
            return re.compile(text)
        except re.error as error:
            raise ValueError(f'"{text}" is no regular expression: {error}') from None

    return Kind("regular expression", parse, lambda value: value.pattern if value else "")


def address(port: int | None = None) -> Kind:
    """An IP address or host name, with ``port`` as the default of an optional port: its value is (host, port)."""

    def parse(text: str) -> tuple[str, int | None]:
        text = text.strip()
        host, colon, after = text.rpartition(":")
        if text.startswith("["):
            host, _, after = text[1:].partition("]")
            colon, after = after[:1], after[1:]
        elif not colon or ":" in host:
            host, colon, after = text, "", ""
        if colon and not (after.isdigit() and int(after) < 65536):
            raise ValueError(f'"{after}" in "{text}" is no port')
        if not host or any(char.isspace() for char in host):
            raise ValueError(
                f'"{text}" is no address; write 192.0.2.1, [2001:db8::1] or a host name, and :port if needed'
            )
        return host, int(after) if colon else port

    def show(value: tuple[str, int | None]) -> str:
        host = f"[{value[0]}]" if ":" in value[0] else value[0]
        return host if value[1] is None else f"{host}:{value[1]}"

    return Kind("address" if port is None else f"address, with :port ({port} by default)", parse, show)


def octal() -> Kind:
    """Permission bits, such as 0660."""

    def parse(text: str) -> int:
        try:
            return int(text.strip(), 8)
        except ValueError:
            raise ValueError(f'"{text}" is no octal mode such as 0660') from None

    return Kind("octal mode such as 0660", parse, lambda value: f"{value:04o}")


class Option:
    """One option of a type of section."""

    __slots__ = ("aliases", "default", "kind", "many", "name", "text")

    def __init__(
        self, name: str, kind: Kind, default: Any, text: str, *, many: bool = False, aliases: Iterable[str] = ()
    ) -> None:
        self.name = name
        self.kind = kind
        self.default = default
        """Its value where nothing is written; None for none."""
        self.text = text
        self.many = many
        """May be written several times: the value is a list."""
        self.aliases = tuple(aliases)

    @property
    def summary(self) -> str:
        """The first sentence of its text."""
        return self.text.split("\n", 1)[0]


class Type:
    """One type of section: its options, and what to tell people about it."""

    def __init__(self, schema: Schema, name: str, text: str, *, open: bool = False) -> None:
        self.schema = schema
        self.name = name
        self.text = text
        self.open = open
        """Other names than the declared ones may stand in it."""
        self.options: list[Option] = []
        self._by_name: dict[str, Option] = {}

    def option(
        self, name: str, kind: Kind, default: Any, text: str, *, many: bool = False, aliases: Iterable[str] = ()
    ) -> Option:
        """Declare an option."""
        made = Option(name, kind, default, text, many=many, aliases=aliases)
        self.options.append(made)
        for known in (name, *made.aliases):
            self._by_name[known.lower()] = made
        return made

    def find(self, name: str) -> Option | None:
        """The option of that name or alias, in any case."""
        return self._by_name.get(name.lower())

    def defaults(self) -> dict[str, Any]:
        """Every option's value where nothing is written."""
        return {option.name: list(option.default or ()) if option.many else option.default for option in self.options}

    def apply(
        self,
        entries: Section | Sequence[Entry] | None,
        errors: list[ConfigError],
        base: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Typed values of a section (None: all defaults), by option; later lines win.

        Complaints are added to ``errors``; a line that does not fit leaves the value before it. ``base`` are values
        to start from in place of the defaults.
        """
        values = self.defaults() | dict(base or {})
        written: set[str] = set()
        for entry in entries or ():
            option = self.find(entry.name)
            if option is None:
                if not self.open:
                    errors.append(ConfigError(entry.file, entry.line, self._unknown(entry.name)))
                continue
            try:
                value = option.kind.parse(entry.value)
            except ValueError as error:
                errors.append(ConfigError(entry.file, entry.line, f"{option.name}: {error}"))
                continue
            if not option.many:
                values[option.name] = value
            elif option.name in written:
                values[option.name].append(value)
            else:
                values[option.name] = [value]
            written.add(option.name)
        return values

    def _unknown(self, name: str) -> str:
        from difflib import get_close_matches

        close = get_close_matches(name.lower(), self._by_name, 1)
        hint = f'did you mean "{close[0]}"?' if close else f"[{self.name}] has no such option; it has no effect"
        return f'unknown option "{name}"; {hint}'

    def __iter__(self) -> Iterator[Option]:
        return iter(self.options)


class Schema:
    """One configuration file: the types of its sections."""

    def __init__(self, module: str, file: str, text: str) -> None:
        self.module = module
        self.file = file
        self.text = text
        self.types: list[Type] = []
        SCHEMAS[file] = self

    def type(self, name: str, text: str, *, open: bool = False) -> Type:
        """Declare a type of section."""
        made = Type(self, name, text, open=open)
        self.types.append(made)
        return made

    def type_named(self, name: str) -> Type | None:
        """The type of that name, in any case."""
        return next((one for one in self.types if one.name.lower() == name.lower()), None)
