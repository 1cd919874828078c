"""What an AEL file says, as a tree: contexts, macros, extensions, statements."""

from __future__ import annotations

from dataclasses import dataclass, field


class AelError(Exception):
    """A line that is no AEL: what is wrong and what was expected, with file and line."""

    def __init__(self, file: str, line: int, sentence: str) -> None:
        super().__init__(f"{file}:{line}: {sentence}")


@dataclass(slots=True)
class Call:
    """An application with its argument text."""

    line: int
    name: str
    arguments: str


@dataclass(slots=True)
class MacroCall:
    """``&name(arguments)``."""

    line: int
    name: str
    arguments: str


@dataclass(slots=True)
class Assign:
    """``name=value``; the value is an expression unless it came from ``Set``. ``local`` keeps it in the macro."""

    line: int
    name: str
    value: str
    local: bool = False


@dataclass(slots=True)
class Label:
    """``name:``, a place to go to."""

    line: int
    name: str


@dataclass(slots=True)
class Goto:
    """``goto`` or ``jump`` to a label, or to [context,]extension,priority."""

    line: int
    target: str
    jump: bool = False


@dataclass(slots=True)
class If:
    """``if``, ``ifTime`` or ``random`` with its branches."""

    line: int
    kind: str
    condition: str
    then: list[Statement]
    otherwise: list[Statement]


@dataclass(slots=True)
class While:
    """``while``; ``for`` adds what is done first and after each turn."""

    line: int
    condition: str
    body: list[Statement]
    first: str = ""
    step: str = ""


@dataclass(slots=True)
class Case:
    """``case``, ``pattern`` or ``default`` of a switch."""

    line: int
    kind: str
    value: str
    body: list[Statement]


@dataclass(slots=True)
class Switch:
    """``switch``."""

    line: int
    value: str
    cases: list[Case]


@dataclass(slots=True)
class Leave:
    """``break``, ``continue`` or ``return``."""

    line: int
    kind: str
    value: str = ""


@dataclass(slots=True)
class Catch:
    """``catch exten { }``: statements for a special extension."""

    line: int
    exten: str
    body: list[Statement]


Statement = Call | MacroCall | Assign | Label | Goto | If | While | Switch | Leave | Catch


@dataclass(slots=True)
class AelExtension:
    """An extension with its statements; ``hint`` are its devices, ``caller`` a caller pattern or None."""

    line: int
    name: str
    body: list[Statement]
    hint: str = ""
    caller: str | None = None
    regexten: bool = False


@dataclass(slots=True)
class AelContext:
    """A context or (with ``arguments``) a macro."""

    line: int
    name: str
    abstract: bool = False
    extends: bool = False
    arguments: list[str] | None = None
    extensions: list[AelExtension] = field(default_factory=list)
    body: list[Statement] = field(default_factory=list)
    includes: list[str] = field(default_factory=list)
    switches: list[tuple[str, bool]] = field(default_factory=list)
    """(data, evaluated)."""
    ignored: list[str] = field(default_factory=list)


@dataclass(slots=True)
class AelFile:
    """A whole file."""

    globals: list[tuple[str, str]] = field(default_factory=list)
    contexts: list[AelContext] = field(default_factory=list)
