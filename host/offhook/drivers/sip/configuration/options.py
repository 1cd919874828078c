"""Declaring what a section of pjsip.conf may hold: one line an option, its default and its kind together.

A section's class lists its options as class attributes::

    class Aor(Configured):
        max_contacts = number(0)
        remove_existing = flag(False)

An instance keeps only what its section sets; everything else is read from the class. So a thousand endpoints that set
ten options each cost ten values each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, cast

from offhook.config.model import FALSE_WORDS, TRUE_WORDS
from offhook.config.options import truth_of

Parse = Callable[[Any, str], Any]
"""(value so far, text) -> new value; ValueError with a sentence when the text does not fit."""
Show = Callable[[Any], str]


class Option:
    """One option: its name in the file, its default, how text becomes a value and a value text."""

    __slots__ = ("attribute", "default", "hidden", "name", "parse", "refused", "show")

    def __init__(
        self, default: Any, parse: Parse, show: Show, name: str = "", refused: str = "", hidden: bool = False
    ) -> None:
        self.default = default
        self.parse = parse
        self.show = show
        self.name = name
        self.attribute = ""
        self.hidden = hidden
        """Left out where options are listed (unless it is set), as Asterisk does."""
        self.refused = refused
        """Why a value other than the default has no effect here; "" when the option works."""


class Configured:
    """A section of pjsip.conf as an object; ``name`` is what stands in its brackets."""

    TYPE: ClassVar[str] = ""
    FOLDED: ClassVar[bool] = True
    """Whether names of options mean the same in upper and lower case."""
    OPTIONS: ClassVar[dict[str, Option]] = {}

    def __init_subclass__(cls) -> None:
        options = dict(cls.OPTIONS)
        for attribute, value in list(vars(cls).items()):
            if isinstance(value, Option):
                value.attribute = attribute
                value.name = value.name or attribute
                options[value.name] = value
                setattr(cls, attribute, value.default)
        cls.OPTIONS = options

    def __init__(self, name: str) -> None:
        self.name = name

    def assign(self, option: str, text: str) -> Option:
        """Take one line of the section; KeyError for an unknown option, ValueError for a value that does not fit."""
        entry = self.OPTIONS[option]
        setattr(self, entry.attribute, entry.parse(getattr(self, entry.attribute), text))
        return entry

    def note(self, name: str, value: str) -> None:
        """Take an option whose name began with @: it is for others than SIP, and most sections leave it alone."""

    def complete(self) -> None:
        """Called once after the last line: derive what depends on several options; ValueError when they contradict."""

    def cautions(self) -> Iterator[str]:
        """Sentences about options that do not do together what they say; asked after ``complete``."""
        return iter(())

    def shown(self) -> Iterator[tuple[str, str]]:
        """Every option with its value as text, sorted by name."""
        for name in sorted(self.OPTIONS):
            entry = self.OPTIONS[name]
            value = getattr(self, entry.attribute)
            if not entry.hidden or (value != entry.default and name != "disallow"):
                yield name, entry.show(value)

    def set_values(self) -> dict[str, Any]:
        """What differs from a fresh object, for telling a changed section from an unchanged one."""
        return {key: value for key, value in vars(self).items() if key != "name" and not key.startswith("_")}

    def __repr__(self) -> str:
        return f"<{self.TYPE} {self.name}>"


# ---- kinds ------------------------------------------------------------------------------------------


def text(default: str = "", *, name: str = "", refused: str = "", hidden: bool = False) -> str:
    """Any text."""
    return cast(str, Option(default, lambda _, value: value, str, name, refused, hidden))


def flag(
    default: bool,
    *,
    name: str = "",
    refused: str = "",
    words: tuple[str, str] = ("false", "true"),
    hidden: bool = False,
) -> bool:
    """Yes or no, shown as true or false (or by ``words``)."""
    return cast(
        bool, Option(default, lambda _, value: truth_of(value), lambda value: words[bool(value)], name, refused, hidden)
    )


def yesno(default: bool, *, name: str = "", refused: str = "") -> bool:
    """Yes or no, shown as those."""
    return flag(default, name=name, refused=refused, words=("no", "yes"))


def decision(default: bool) -> bool:
    """Yes or no, shown as Yes and No."""
    return flag(default, words=("No", "Yes"))


def number(default: int, low: int = 0, high: int = 0xFFFFFFFF, *, name: str = "", refused: str = "") -> int:
    """A whole number within bounds."""

    def parse(_: int, value: str) -> int:
        try:
            result = int(value.strip(), 10)
        except ValueError:
            raise ValueError(f'"{value}" is not a whole number') from None
        if not low <= result <= high:
            raise ValueError(f"{result} is not between {low} and {high}")
        return result

    return cast(int, Option(default, parse, str, name, refused))


def seconds(default: float, *, name: str = "") -> float:
    """A duration in seconds with decimals, shown with six of them."""

    def parse(_: float, value: str) -> float:
        try:
            result = float(value)
        except ValueError:
            raise ValueError(f'"{value}" is not a number of seconds') from None
        if not result >= 0:
            raise ValueError("a duration is not negative")
        return result

    return cast(float, Option(default, parse, lambda value: f"{value:.6f}", name))


def choice(default: str, *words: str, name: str = "", refused: str = "", aliases: dict[str, str] | None = None) -> str:
    """One of some words; an alias (yes, no and their like included) stands for one of them."""
    known = {word.lower(): word for word in (default, *words)} | (aliases or {})

    def parse(_: str, value: str) -> str:
        word = known.get(value.strip().lower())
        if word is None:
            raise ValueError(f'"{value}" is not one of {", ".join(dict.fromkeys(known.values()))}')
        return word

    return cast(str, Option(default, parse, str, name, refused))


def switch(default: str, *words: str, name: str = "") -> str:
    """ "yes", "no" (however written) or one of some more words."""
    aliases = dict.fromkeys(TRUE_WORDS, "yes") | dict.fromkeys(FALSE_WORDS, "no")
    return choice(default, *words, name=name, aliases=aliases)


def names(default: tuple[str, ...] = (), *, name: str = "", most: int = 0, joiner: str = ",") -> tuple[str, ...]:
    """A comma-separated list; a later line replaces an earlier one."""

    def parse(_: tuple[str, ...], value: str) -> tuple[str, ...]:
        found = tuple(word for word in (part.strip() for part in value.split(",")) if word)
        if most and len(found) > most:
            raise ValueError(f"more than {most} names")
        return found

    return cast("tuple[str, ...]", Option(default, parse, joiner.join, name))


def gathered(*, name: str = "", joiner: str = ",", split: bool = True, hidden: bool = False) -> tuple[str, ...]:
    """A list to which every line adds; with ``split`` a line may hold several, comma separated."""

    def parse(before: tuple[str, ...], value: str) -> tuple[str, ...]:
        parts = value.split(",") if split else [value]
        return before + tuple(word for word in (part.strip() for part in parts) if word)

    return cast("tuple[str, ...]", Option((), parse, joiner.join, name, "", hidden))


def custom(default: Any, parse: Parse, show: Show, *, name: str = "", refused: str = "", hidden: bool = False) -> Any:
    """An option with its own reading and showing."""
    return Option(default, parse, show, name, refused, hidden)


def shown_as(option: str, texts: dict[str, str]) -> str:
    """An option of words some of which are listed as other texts."""
    entry = cast(Option, option)
    entry.show = lambda value: texts.get(value, str(value))
    return cast(str, entry)
