"""Contexts: extensions in the order in which they match, includes, switches and ignore patterns."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Any

from offhook.dialplan.patterns import Key, Match, Pattern, compile_pattern, without_blanks, without_decoration
from offhook.dialplan.timing import Timing

HINT = -1
"""The priority number of hints."""


class DialplanError(Exception):
    """The dialplan cannot be changed like that; the sentence says why and what to do."""


class Priority:
    """One step: an application with its argument text, or (priority HINT) the devices of a hint.

    ``name`` is the extension as written for this priority. ``step`` belongs to the executor.
    """

    __slots__ = ("application", "data", "file", "label", "line", "name", "number", "registrar", "step")

    def __init__(
        self,
        name: str,
        number: int,
        application: str,
        data: str = "",
        *,
        label: str = "",
        registrar: str = "",
        file: str = "",
        line: int = 0,
    ) -> None:
        self.name = name
        self.number = number
        self.application = application
        self.data = data
        self.label = label
        self.registrar = registrar
        self.file = file
        self.line = line
        self.step: Any = None

    @property
    def where(self) -> str:
        """``file:line`` for messages, or who made it."""
        return f"{self.file}:{self.line}" if self.file else self.registrar


class Extension:
    """A name or pattern, perhaps for one caller's number only, with its priorities in order."""

    __slots__ = ("caller", "caller_shown", "context", "key", "labels", "name", "pattern", "priorities")

    def __init__(self, context: Context, name: str, caller: str | None = None) -> None:
        self.context = context
        self.name = without_blanks(name)
        self.pattern: Pattern = compile_pattern(without_decoration(name))
        self.caller_shown = None if caller is None else without_blanks(caller)
        self.caller: Pattern | None = None if caller is None else compile_pattern(without_decoration(caller))
        self.key = sort_key(self.pattern, self.caller)
        self.priorities: dict[int, Priority] = {}
        """Lowest number first."""
        self.labels: dict[str, Priority] = {}

    def takes_caller(self, number: str) -> bool:
        """Whether it serves this caller; an empty pattern serves callers without a number."""
        if self.caller is None:
            return True
        if not number:
            return not self.caller.text
        return self.caller.matches(number)

    def put(self, priority: Priority) -> None:
        """Take a priority in at its place."""
        self.priorities[priority.number] = priority
        if priority.label:
            self.labels[priority.label] = priority
        numbers = list(self.priorities)
        if len(numbers) > 1 and numbers[-1] < numbers[-2]:
            self.priorities = dict(sorted(self.priorities.items()))

    def drop(self, number: int) -> Priority | None:
        """Take a priority out."""
        priority = self.priorities.pop(number, None)
        if priority is not None and priority.label and self.labels.get(priority.label) is priority:
            del self.labels[priority.label]
        return priority

    def __iter__(self) -> Iterator[Priority]:
        return iter(self.priorities.values())


class Include:
    """``include => context[,times,weekdays,days,months[,timezone]]``; ``name`` is the whole text."""

    __slots__ = ("context", "name", "registrar", "timing")

    def __init__(self, name: str, registrar: str, where: str = "") -> None:
        cut = name.find("|")
        if cut < 0:
            cut = name.find(",")
        self.name = name
        self.context = name if cut < 0 else name[:cut]
        self.timing = Timing(name[cut + 1 :], where) if 0 <= cut < len(name) - 1 else None
        self.registrar = registrar


class SwitchUse:
    """``switch => name/data``; with ``evaluated`` the data is substituted at each use."""

    __slots__ = ("data", "evaluated", "name", "registrar")

    def __init__(self, name: str, data: str, registrar: str, *, evaluated: bool = False) -> None:
        self.name = name
        self.data = data
        self.evaluated = evaluated
        self.registrar = registrar


class IgnorePattern:
    """``ignorepat => pattern``: dial tone goes on while the digits match it."""

    __slots__ = ("name", "registrar")

    def __init__(self, name: str, registrar: str) -> None:
        self.name = name
        self.registrar = registrar


class Context:
    """A named set of extensions. Changes go through the Dialplan once the context is part of it."""

    __slots__ = (
        "_keys",
        "autohints",
        "extensions",
        "ignored",
        "includes",
        "literals",
        "name",
        "patterns",
        "registrar",
        "switches",
        "uses",
    )

    def __init__(self, name: str, registrar: str) -> None:
        self.name = name
        self.registrar = registrar
        self.extensions: list[Extension] = []
        """In matching order."""
        self._keys: list[Key] = []
        self.literals: dict[str, list[Extension]] = {}
        self.patterns: list[Extension] = []
        self.includes: list[Include] = []
        self.switches: list[SwitchUse] = []
        self.ignored: list[IgnorePattern] = []
        self.autohints = False
        self.uses = 1
        """How many times a registrar has asked for it."""

    def find(self, name: str, caller: str | None = None) -> Extension | None:
        """The extension of exactly that name or pattern and caller pattern (not: one that matches it)."""
        pattern = compile_pattern(without_decoration(name))
        key = sort_key(pattern, None if caller is None else compile_pattern(without_decoration(caller)))
        index = bisect_left(self._keys, key)
        return self.extensions[index] if index < len(self._keys) and self._keys[index] == key else None

    def matching(self, digits: str, caller: str) -> Iterator[Extension]:
        """Extensions that the digits are, for this caller, best first."""
        for extension in self.literals.get(digits.replace("-", ""), ()):
            if extension.takes_caller(caller):
                yield extension
        for extension in self.patterns:
            if extension.pattern.matches(digits) and extension.takes_caller(caller):
                yield extension

    def progressing(self, digits: str, caller: str, asked: Match) -> Iterator[Extension | None]:
        """Extensions that the digits are or may become; None ends the search: a ``!`` took them."""
        for extension in self.extensions:
            passes, final = extension.pattern.progress(digits, asked)
            if passes and extension.takes_caller(caller):
                if final and asked is Match.MORE:
                    yield None
                    return
                yield extension

    def add(self, priority: Priority, *, caller: str | None = None, replace: bool = False) -> list[str]:
        """Take a priority in; returns what a person should be told. Raises DialplanError when it is taken."""
        extension = self.find(priority.name, caller)
        if extension is None:
            extension = Extension(self, priority.name, caller)
            self._insert(extension)
        else:
            priority.name = without_blanks(priority.name)
        warnings = []
        label = priority.label
        owner = extension.labels.get(label) if label else None
        if owner is not None and owner.number != priority.number:
            warnings.append(
                f'label "{label}" of extension {priority.name}, priority {priority.number} in [{self.name}] is used '
                f"already at priority {owner.number}{_alias(owner, priority)}; the label is left out here"
            )
            priority.label = ""
        present = extension.priorities.get(priority.number)
        if present is not None:
            if not replace:
                shown = "hint" if priority.number == HINT else f"priority {priority.number}"
                raise DialplanError(
                    f"extension {priority.name}, {shown} in [{self.name}] is there already"
                    f"{_alias(present, priority)} ({present.where}); remove one of them"
                )
            extension.drop(priority.number)
        extension.put(priority)
        return warnings

    def remove(self, extension: Extension) -> None:
        """Take a whole extension out."""
        index = bisect_left(self._keys, extension.key)
        del self._keys[index]
        del self.extensions[index]
        if extension.pattern.literal is None:
            self.patterns.remove(extension)
            return
        same = self.literals[extension.pattern.literal]
        same.remove(extension)
        if not same:
            del self.literals[extension.pattern.literal]

    def _insert(self, extension: Extension) -> None:
        index = bisect_left(self._keys, extension.key)
        self._keys.insert(index, extension.key)
        self.extensions.insert(index, extension)
        literal = extension.pattern.literal
        if literal is None:
            insort(self.patterns, extension, key=_key)
        else:
            insort(self.literals.setdefault(literal, []), extension, key=_key)

    def add_include(self, include: Include) -> bool:
        """Take an include in; False when it is there already."""
        if any(one.name.lower() == include.name.lower() for one in self.includes):
            return False
        self.includes.append(include)
        return True

    def add_switch(self, switch: SwitchUse) -> bool:
        """Take a switch in; False when it is there already."""
        wanted = (switch.name.lower(), switch.data.lower())
        if any((one.name.lower(), one.data.lower()) == wanted for one in self.switches):
            return False
        self.switches.append(switch)
        return True

    def add_ignored(self, pattern: IgnorePattern) -> bool:
        """Take an ignore pattern in; False when it is there already."""
        if any(one.name.lower() == pattern.name.lower() for one in self.ignored):
            return False
        self.ignored.append(pattern)
        return True

    def __repr__(self) -> str:
        return f"[{self.name}] ({len(self.extensions)} extensions)"


def _key(extension: Extension) -> Key:
    return extension.key


def sort_key(pattern: Pattern, caller: Pattern | None) -> Key:
    """Order of extensions: by pattern; for one caller's number before those for all."""
    return (*pattern.key, 1) if caller is None else (*pattern.key, 0, *caller.key)


def _alias(owner: Priority, other: Priority) -> str:
    return "" if owner.name == other.name else f" under the name {owner.name}"
