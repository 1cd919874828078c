"""What is registered in the running exchange: applications, functions, commands, actions, drivers."""

from __future__ import annotations

import logging
from bisect import insort
from collections.abc import Iterator
from typing import Any

from offhook.modules.module import Action, Application, Command, Driver, Function, Module

log = logging.getLogger(__name__)

RESERVED = "[]{}|*%"
"""Characters of a command's spec that are no part of a typed word."""


class Registry:
    """Finds entries by name: applications, actions and drivers in any case, functions in their own case.

    ``generation`` grows with every change, so that caches of entries know when they are out of date.
    """

    __slots__ = ("_commands", "actions", "applications", "commands", "drivers", "functions", "generation", "modules")

    def __init__(self) -> None:
        self.modules: dict[str, Module] = {}
        self.applications: dict[str, Application] = {}
        self.functions: dict[str, Function] = {}
        self.actions: dict[str, Action] = {}
        self.drivers: dict[str, Driver] = {}
        self.commands: list[Command] = []
        """Sorted by their spec, as help lists them."""
        self._commands: dict[tuple[str, ...], Command] = {}
        self.generation = 0

    # ---- modules ------------------------------------------------------------------------------------

    def add(self, module: Module) -> None:
        """Take a module's entries in. An entry whose name is taken is refused with a warning."""
        self.modules[module.name] = module
        self.generation += 1
        for application in module.applications:
            self._take(self.applications, application.name.lower(), application, "application")
        for function in module.functions:
            self._take(self.functions, function.name, function, "function")
        for action in module.actions:
            self._take(self.actions, action.name.lower(), action, "manager action")
        for driver in module.drivers:
            self._take(self.drivers, driver.technology.lower(), driver, "channel technology")
        for command in module.commands:
            words = tuple(word.lower() for word in command.words)
            if self._take(self._commands, words, command, "command"):
                insort(self.commands, command, key=_order)

    def _take(self, table: dict[Any, Any], key: Any, entry: Any, kind: str) -> bool:
        taken = table.setdefault(key, entry)
        if taken is not entry:
            name = " ".join(key) if isinstance(key, tuple) else key
            log.warning(
                "%s %s of module %s is registered already by %s; it is left out", kind, name, entry.module, taken.module
            )
        return taken is entry

    def remove(self, module: Module) -> None:
        """Take a module's entries out."""
        self.modules.pop(module.name, None)
        self.generation += 1
        tables: list[dict[Any, Any]] = [
            self.applications,
            self.functions,
            self.actions,
            self.drivers,
            self._commands,
        ]
        for table in tables:
            for key in [key for key, entry in table.items() if entry.module == module.name]:
                del table[key]
        self.commands[:] = [command for command in self.commands if command.module != module.name]

    # ---- look-up ------------------------------------------------------------------------------------

    def application(self, name: str) -> Application | None:
        """The application of that name, in any case."""
        return self.applications.get(name.lower())

    def function(self, name: str) -> Function | None:
        """The function of exactly that name."""
        return self.functions.get(name)

    def action(self, name: str) -> Action | None:
        """The manager action of that name, in any case."""
        return self.actions.get(name.lower())

    def driver(self, technology: str) -> Driver | None:
        """The driver of that technology, in any case."""
        return self.drivers.get(technology.lower())

    # ---- commands -----------------------------------------------------------------------------------

    def command(self, words: list[str]) -> Command | None:
        """The command that the line begins with; of several the one with the most words."""
        key = tuple(word.lower() for word in words)
        for size in range(len(key), 0, -1):
            command = self._commands.get(key[:size])
            if command is not None:
                return command
        return None

    def exact_command(self, words: list[str]) -> Command | None:
        """The command that consists of exactly these words."""
        return self._commands.get(tuple(word.lower() for word in words))

    def closest(self, words: list[str]) -> str:
        """As much of the line as begins some command, and the first word that does not: for "No such command"."""
        for size in range(1, len(words) + 1):
            head = [word.lower() for word in words[:size]]
            if not any(list(known[:size]) == head or list(known) == head[: len(known)] for known in self._commands):
                return " ".join(words[:size])
        return " ".join(words)

    def complete(self, pbx: object, line: str) -> list[str]:
        """What the last word of the line (empty after a blank) may become, sorted."""
        words, blank = split_line(line)
        typed = "" if blank or not words else words.pop()
        if any(char in RESERVED for char in typed):
            return []
        return sorted(set(self._candidates(pbx, words, typed)), key=str.lower)

    def _candidates(self, pbx: object, words: list[str], typed: str) -> Iterator[str]:
        head = tuple(word.lower() for word in words)
        start = typed.lower()
        for known, command in self._commands.items():
            if known[0].startswith("_"):
                continue
            size = len(known)
            if len(head) < size and known[: len(head)] == head and known[len(head)].startswith(start):
                yield command.words[len(head)]
        found = self.command(words) if words else None
        if found is None:
            return
        args = words[len(found.words) :]
        for choice in _choices(found.spec, len(words)):
            if choice.lower().startswith(start):
                yield choice
        if found.complete is not None:
            for candidate in found.complete(pbx, args, typed):
                if candidate.lower().startswith(start):
                    yield candidate


def _order(command: Command) -> str:
    return command.spec.lower()


def _choices(spec: str, position: int) -> list[str]:
    """The words that a spec allows at a position: those of ``{a|b}`` and ``[a|b]`` without placeholders."""
    tokens = spec.split()
    if position >= len(tokens):
        return []
    token = tokens[position]
    if token[0] not in "[{" or "<" in token:
        return []
    return [
        word for word in token.strip("[]{}.").replace("[", "|").replace("]", "|").split("|") if word and word.islower()
    ]


def split_line(line: str) -> tuple[list[str], bool]:
    """A command line as words, and whether it ends in a blank outside quotes (a new word begins).

    Double quotes keep blanks together and a backslash takes the meaning from the next character, as in Asterisk.
    """
    words: list[str] = []
    word: list[str] | None = None
    quoted = escaped = False
    for char in line.lstrip():
        if char == '"' and not escaped:
            quoted = not quoted
            if quoted and word is None:
                word = []
        elif char in " \t" and not (quoted or escaped):
            if word is not None:
                words.append("".join(word))
                word = None
        elif char == "\\" and not escaped:
            escaped = True
            continue
        else:
            if word is None:
                word = []
            word.append(char)
        escaped = False
    blank = word is None
    if word is not None:
        words.append("".join(word))
    return words, blank
