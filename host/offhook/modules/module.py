"""A module: a named group of registrations that is loaded, unloaded and listed as one.

A feature file makes a ``Module`` under the name Asterisk gives that feature (``app_echo``,
``func_strings``, ``res_parking``) and decorates its functions with it. Nothing happens at import
but collecting; the loader puts a module's entries into the running PBX and takes them out again::

    module = Module("app_echo", "Echo a channel's media back to it")

    @module.application("Echo", Syntax())
    async def echo(channel: Channel) -> None:
        \"\"\"Echo media and DTMF back to the caller.

        Ends when the caller presses #. Does not answer the channel.
        \"\"\"
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from offhook.modules.action import ActionRequest
from offhook.modules.command import Request
from offhook.modules.syntax import Syntax, split_arguments


class LoadError(Exception):
    """A module cannot do its work (the sentence says why): it stays out, the others go on."""


class StartError(Exception):
    """The daemon must not start like this; the sentence says why and what to do about it."""


AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])
Hook = Callable[[Any], Awaitable[None] | None]
Completer = Callable[[Any, list[str], str], Iterable[str]]
"""(pbx, argument words before the one typed, beginning of the word) -> candidates."""


def _manual(function: Callable[..., Any]) -> tuple[str, str]:
    """The first line of the docstring (synopsis) and the rest (description)."""
    text = inspect.cleandoc(function.__doc__ or "")
    synopsis, _, description = text.partition("\n")
    return synopsis, description.strip()


def _arity(function: Callable[..., Any], given: int) -> tuple[int, int]:
    """How many arguments a function needs and takes (-1: any number) after the ``given`` ones."""
    parameters = list(inspect.signature(function).parameters.values())[given:]
    needed = sum(one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD for one in parameters)
    endless = any(one.kind is one.VAR_POSITIONAL for one in parameters)
    return needed, -1 if endless else len(parameters)


@dataclass(slots=True)
class Application:
    """A dialplan application. ``run(channel, *arguments)`` gets its arguments split by ``syntax``;
    with ``raw`` it gets the whole string as its one argument."""

    name: str
    run: Callable[..., Any]
    syntax: Syntax
    synopsis: str
    description: str
    see_also: tuple[str, ...]
    module: str
    is_async: bool
    raw: bool
    arity: tuple[int, int] = (0, -1)
    """Fewest and most arguments; no upper limit is -1."""

    def arguments(self, text: str) -> list[str]:
        """The argument string split for ``run``; the last argument takes what is left."""
        if self.raw:
            return [text]
        most = self.arity[1]
        if not most:
            return []
        return split_arguments(text, self.syntax.separator, max(0, most))


@dataclass(slots=True)
class Function:
    """A dialplan function: ``read(scope, *arguments) -> str`` and ``write(scope, value, *arguments)``."""

    name: str
    syntax: Syntax
    synopsis: str
    description: str
    see_also: tuple[str, ...]
    module: str
    raw: bool
    dangerous: str
    """What is refused from outside interfaces unless live_dangerously is set: "read", "write", "both" or ""."""
    read: Callable[..., str | Awaitable[str]] | None = None
    """May be ``async def``: then it is awaited, and cannot be used where nothing can wait."""
    write: Callable[..., Awaitable[None] | None] | None = None
    waits: bool = False
    """The reader is ``async def``."""
    read_arity: tuple[int, int] = (0, 0)
    """Fewest and most arguments of the reader; no upper limit is -1."""
    write_arity: tuple[int, int] = (0, 0)

    def writer(self, function: AnyFunction) -> AnyFunction:
        """Decorator: the function that assigns."""
        self.write = function
        self.write_arity = _arity(function, 2)
        return function

    def arguments(self, text: str, *, writing: bool = False) -> list[str]:
        """The argument string split for the reader or the writer; the last argument takes what is left."""
        if self.raw:
            return [text]
        most = (self.write_arity if writing else self.read_arity)[1]
        if not most:
            return []
        return split_arguments(text, self.syntax.separator, max(0, most))


@dataclass(slots=True)
class Command:
    """A CLI command. ``spec`` is how help shows it; ``words`` are its fixed words."""

    spec: str
    words: tuple[str, ...]
    run: Callable[[Request], Any]
    summary: str
    usage: str
    complete: Completer | None
    module: str


@dataclass(slots=True)
class Action:
    """A manager action; ``privilege`` lists the write classes of which a user needs one."""

    name: str
    run: Callable[[ActionRequest], Any]
    privilege: tuple[str, ...]
    syntax: Syntax
    synopsis: str
    description: str
    see_also: tuple[str, ...]
    module: str


@dataclass(slots=True)
class Driver:
    """A channel technology: ``request(pbx, technology, address, formats, requester, assigned ids) -> Channel``."""

    technology: str
    request: Callable[..., Any]
    text: str
    module: str
    device_state: Callable[[Any, str], str] | None = None
    """(pbx, resource after the slash) -> device state word, or None when the core derives it from channels."""
    lines: Callable[[Any, str], Iterable[tuple[str, Any]]] | None = None
    """(pbx, address) -> devices that a destination stands for though no channel can be made (all are busy), and what
    each of them allows of call completion."""


@dataclass(slots=True)
class Module:
    """A named group of registrations."""

    name: str
    text: str
    depends: tuple[str, ...] = ()
    support: str = "core"
    priority: int = 50
    """Loaded in this order, lowest first: 0-19 resources, 20-39 drivers, 40+ applications, functions, control."""
    builtin: bool = False
    """A name for something that is always there: it cannot be left out. One that has ``unload`` can."""
    needs: str = ""
    """A configuration file, or several ("one|other"): where none is there the module declines without an import."""
    applications: list[Application] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    drivers: list[Driver] = field(default_factory=list)
    load: Hook | None = None
    unload: Hook | None = None
    reload: Hook | None = None

    def application(
        self, name: str, syntax: Syntax | None = None, *, see_also: Iterable[str] = (), raw: bool = False
    ) -> Callable[[AnyFunction], AnyFunction]:
        """Register a dialplan application; the docstring is its manual. May be ``def`` or ``async def``."""

        def register(function: AnyFunction) -> AnyFunction:
            synopsis, description = _manual(function)
            is_async = inspect.iscoroutinefunction(function)
            entry = Application(
                name,
                function,
                syntax or Syntax(),
                synopsis,
                description,
                tuple(see_also),
                self.name,
                is_async,
                raw,
                _arity(function, 1),
            )
            self.applications.append(entry)
            return function

        return register

    def function(
        self,
        name: str,
        syntax: Syntax | None = None,
        *,
        see_also: Iterable[str] = (),
        raw: bool = False,
        dangerous: str = "",
        write_only: bool = False,
    ) -> Callable[[Callable[..., Any]], Function]:
        """Register a dialplan function by its reader; ``.writer`` of the result adds the writer.

        With ``write_only`` the decorated function is the writer itself.
        """

        def register(function: Callable[..., Any]) -> Function:
            synopsis, description = _manual(function)
            entry = Function(
                name, syntax or Syntax(), synopsis, description, tuple(see_also), self.name, raw, dangerous
            )
            if write_only:
                entry.writer(function)
            else:
                entry.read = function
                entry.waits = inspect.iscoroutinefunction(function)
                entry.read_arity = _arity(function, 1)
            self.functions.append(entry)
            return entry

        return register

    def command(
        self, spec: str, summary: str = "", *, complete: Completer | None = None
    ) -> Callable[[AnyFunction], AnyFunction]:
        """Register a CLI command: ``"core show channels [concise|verbose|count]"``.

        The fixed words end at the first word that starts with ``[``, ``<`` or ``{``.
        """

        def register(function: AnyFunction) -> AnyFunction:
            synopsis, description = _manual(function)
            words = []
            for word in spec.split():
                if word[0] in "[<{":
                    break
                words.append(word)
            text = f"{synopsis}\n\n{description}" if description else synopsis
            usage = f"Usage: {spec}\n" + "".join(f"       {line}".rstrip() + "\n" for line in text.splitlines())
            self.commands.append(
                Command(spec, tuple(words), function, summary or synopsis.rstrip("."), usage, complete, self.name)
            )
            return function

        return register

    def action(
        self, name: str, privilege: Iterable[str] = (), syntax: Syntax | None = None, *, see_also: Iterable[str] = ()
    ) -> Callable[[AnyFunction], AnyFunction]:
        """Register a manager action; ``privilege`` is e.g. ``("system", "config")``, empty for everybody."""

        def register(function: AnyFunction) -> AnyFunction:
            synopsis, description = _manual(function)
            entry = Action(
                name, function, tuple(privilege), syntax or Syntax(), synopsis, description, tuple(see_also), self.name
            )
            self.actions.append(entry)
            return function

        return register

    def driver(
        self,
        technology: str,
        text: str = "",
        *,
        device_state: Callable[[Any, str], str] | None = None,
        lines: Callable[[Any, str], Iterable[tuple[str, Any]]] | None = None,
    ) -> Callable[[AnyFunction], AnyFunction]:
        """Register a channel technology by the function that makes an outgoing channel."""

        def register(function: AnyFunction) -> AnyFunction:
            self.drivers.append(Driver(technology, function, text or self.text, self.name, device_state, lines))
            return function

        return register

    def on_load(self, function: Hook) -> Hook:
        """Decorator: called with the PBX after the entries are in; may be async; may raise LoadError."""
        self.load = function
        return function

    def on_unload(self, function: Hook) -> Hook:
        """Decorator: called before the entries are taken out."""
        self.unload = function
        return function

    def on_reload(self, function: Hook) -> Hook:
        """Decorator: called to read the module's configuration again."""
        self.reload = function
        return function
