"""Who is calling, who is connected, who redirected: the party information a channel carries."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from offhook.dialplan.patterns import shrink_number

#: Presentation words by number (Q.951): two screening bits, two presentation bits.
PRESENTATIONS = {
    0x00: "allowed_not_screened",
    0x01: "allowed_passed_screen",
    0x02: "allowed_failed_screen",
    0x03: "allowed",
    0x20: "prohib_not_screened",
    0x21: "prohib_passed_screen",
    0x22: "prohib_failed_screen",
    0x23: "prohib",
    0x43: "unavailable",
}
PRESENTATION_BY_WORD = {word: number for number, word in PRESENTATIONS.items()}
PROHIBITED = 0x20
UNAVAILABLE = 0x43
_STRICTNESS: dict[int | None, int] = {PROHIBITED: 0, 0x00: 1, 0x40: 2}
"""Which presentation wins over the others; what is not known comes last."""


class Name(NamedTuple):
    """A party's name; ``valid`` tells whether there is one (an empty name can be valid)."""

    valid: bool = False
    text: str = ""
    presentation: int = 0
    charset: str = "iso8859-1"


class Number(NamedTuple):
    """A party's number; ``plan`` is Q.931's type and plan octet."""

    valid: bool = False
    text: str = ""
    plan: int = 0
    presentation: int = 0


class Subaddress(NamedTuple):
    """A party's subaddress: type 0 NSAP, 2 user specified."""

    valid: bool = False
    text: str = ""
    type: int = 0
    odd: bool = False


NO_NAME: Final = Name()
NO_NUMBER: Final = Number()
NO_SUBADDRESS: Final = Subaddress()


@dataclass(slots=True)
class Party:
    """Name, number, subaddress and tag of one party; the parts are values, changed by putting others in their place."""

    name: Name = NO_NAME
    number: Number = NO_NUMBER
    subaddress: Subaddress = NO_SUBADDRESS
    tag: str = ""

    @classmethod
    def of(cls, number: str | None = None, name: str | None = None) -> Party:
        """A party from plain texts; None leaves that part invalid."""
        party = cls()
        if number is not None:
            party.number = Number(True, number)
        if name is not None:
            party.name = Name(True, name)
        return party

    def copy(self) -> Party:
        """An independent copy."""
        return Party(self.name, self.number, self.subaddress, self.tag)

    def present(self, presentation: int) -> None:
        """Give name and number this presentation."""
        self.name = self.name._replace(presentation=presentation)
        self.number = self.number._replace(presentation=presentation)

    def presentation(self) -> int:
        """The stricter of name's and number's presentation, with the number's screening, as one number."""
        kinds = [part.presentation & 0x60 if part.valid else None for part in (self.name, self.number)]
        strictest = min(kinds, key=lambda kind: _STRICTNESS.get(kind, 3))
        if strictest not in (0x00, PROHIBITED):
            return UNAVAILABLE
        return strictest | (self.number.presentation & 0x03 if self.number.valid else 0)

    def labels(self) -> tuple[str, str]:
        """Number and name, empty where they are not valid."""
        return self.number.text if self.number.valid else "", self.name.text if self.name.valid else ""

    @property
    def shown(self) -> bool:
        """Whether the party may be shown to the other side."""
        return not self.presentation() & 0x60

    def __str__(self) -> str:
        name, number = self.name.text, self.number.text
        if name:
            return f'"{name}" <{number}>' if number else f'"{name}" <>'
        return number


@dataclass(slots=True)
class Caller:
    """The calling party of a channel: identity, billing identity (ANI) and private identity."""

    id: Party = field(default_factory=Party)
    ani: Party = field(default_factory=Party)
    priv: Party = field(default_factory=Party)
    ani2: int = 0


@dataclass(slots=True)
class Connected:
    """The party a channel is connected to. ``source`` tells why it changed ("answer", "transfer", ...)."""

    id: Party = field(default_factory=Party)
    ani: Party = field(default_factory=Party)
    priv: Party = field(default_factory=Party)
    ani2: int = 0
    source: str = "unknown"

    def copy(self) -> Connected:
        """An independent copy."""
        return Connected(self.id.copy(), self.ani.copy(), self.priv.copy(), self.ani2, self.source)


@dataclass(slots=True)
class Redirecting:
    """Who forwarded the call, from whom to whom, and why. ``reason`` is one of Asterisk's words
    ("unknown", "cfb", "cfnr", "unavailable", "cfu", ...)."""

    orig: Party = field(default_factory=Party)
    from_: Party = field(default_factory=Party)
    to: Party = field(default_factory=Party)
    priv_orig: Party = field(default_factory=Party)
    priv_from: Party = field(default_factory=Party)
    priv_to: Party = field(default_factory=Party)
    reason: str = "unknown"
    reason_text: str = ""
    orig_reason: str = "unknown"
    orig_reason_text: str = ""
    count: int = 0

    def copy(self) -> Redirecting:
        """An independent copy."""
        return Redirecting(
            self.orig.copy(),
            self.from_.copy(),
            self.to.copy(),
            self.priv_orig.copy(),
            self.priv_from.copy(),
            self.priv_to.copy(),
            self.reason,
            self.reason_text,
            self.orig_reason,
            self.orig_reason_text,
            self.count,
        )


@dataclass(slots=True)
class Dialed:
    """The dialled number as the network gave it."""

    number: str = ""
    plan: int = 0
    subaddress: Subaddress = NO_SUBADDRESS
    transit_network: int = 0


def parse_callerid(text: str) -> tuple[str, str]:
    """Split ``"Name" <number>``, ``Name <number>``, ``<number>`` or a bare word into name and number.

    A bare text of digits and telephone punctuation is a number, any other a name. The last bracket may be missing.
    """
    text = text.strip()
    bare = _unquoted(text)
    name, bracket, number = bare.rpartition("<")
    if bracket:
        inside, closed, _ = number.rpartition(">")
        return _unescaped(_unquoted(name)), shrink_number(inside if closed else number)
    shrunk = shrink_number(bare)
    if bare is text and shrunk and all(char in "0123456789*#+" for char in shrunk):
        return "", shrunk
    return _unescaped(_unquoted(bare)), ""


def _unquoted(text: str) -> str:
    stripped = text.strip()
    return stripped[1:-1] if len(stripped) >= 2 and stripped[0] == stripped[-1] == '"' else stripped


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.?)", r"\1", text)
