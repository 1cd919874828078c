"""Where a template, an expression or a dialplan function is evaluated: on a channel, or outside any."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from offhook.dialplan.builtins import CHANNEL_BUILTINS, HOST_BUILTINS
from offhook.dialplan.invocation import FunctionError, bind, refused, split_call
from offhook.dialplan.substitution import compile_template
from offhook.dialplan.variables import Variables

if TYPE_CHECKING:
    from offhook.dialplan.protocols import Answer, Channel, Pbx
    from offhook.modules import Function

log = logging.getLogger(__name__)

MOST_NESTED = 15
"""Templates that evaluate templates (EVAL in EVAL ...) go no deeper."""


class Scope:
    """The PBX, perhaps a channel, and the variables that names mean here.

    Without a channel, ``variables`` may bring some of its own; assignments then go there, or become global.
    ``restricted`` is set for text that came from outside interfaces: dangerous functions are refused there
    unless live_dangerously is on.
    """

    __slots__ = ("channel", "depth", "own", "pbx", "restricted", "values")

    def __init__(
        self, pbx: Pbx, channel: Channel | None = None, variables: Variables | None = None, *, restricted: bool = False
    ) -> None:
        self.pbx: Any = pbx
        self.channel: Any = channel
        self.own = channel.variables if channel is not None else variables
        self.values: dict[str, str] = self.own.values if self.own is not None else {}
        self.restricted = restricted
        self.depth = 0

    # ---- variables ----------------------------------------------------------------------------------

    def get(self, name: str) -> str | None:
        """A variable of the channel, else a global one, else None. Predefined names are not looked at."""
        value = self.own.get(name) if self.own is not None else None
        if value is None:
            found: str | None = self.pbx.globals.get(name)
            return found
        return value

    def lookup(self, name: str) -> str | None:
        """What ``${name}`` means: predefined names first, then as ``get``."""
        if self.channel is not None and (builtin := CHANNEL_BUILTINS.get(name)) is not None:
            return builtin(self.channel)
        if (ambient := HOST_BUILTINS.get(name)) is not None:
            return ambient(self.pbx)
        return self.get(name)

    def set(self, name: str, value: str) -> Awaitable[None] | None:
        """Assign a variable, or by a function when the name ends in ``)``. What is returned must be awaited."""
        if name.endswith(")"):
            return self.write(name, value)
        if self.channel is not None:
            self.channel.set(name, value)
        elif self.own is not None:
            self.own.set(name, value)
        else:
            self.pbx.set_global(name, value)
        return None

    # ---- functions ----------------------------------------------------------------------------------

    def function(self, name: str, *, writing: bool = False) -> Function:
        """The function of that name if it may be used here; FunctionError says why not."""
        entry: Function | None = self.pbx.registry.functions.get(name)
        if entry is None:
            raise FunctionError(f"function {name} is not registered; load the module that has it")
        if (entry.write if writing else entry.read) is None:
            raise FunctionError(f"function {name} cannot be {'written' if writing else 'read'}")
        refused_for = ("write" if writing else "read", "both")
        if self.restricted and entry.dangerous in refused_for and not self.pbx.options.live_dangerously:
            raise FunctionError(
                f"function {name} is refused from outside the dialplan; live_dangerously in asterisk.conf allows it"
            )
        return entry

    def call(self, name: str, arguments: str) -> Answer:
        """Read function ``name`` with its argument string as written. Raises FunctionError."""
        entry = self.function(name)
        assert entry.read is not None
        return entry.read(self, *bind(entry, arguments))

    def read(self, text: str) -> Answer:
        """Read ``NAME(arguments)``. Raises FunctionError."""
        name, arguments = split_call(text)
        return self.call(name, arguments)

    def answer(self, name: str, arguments: str) -> str | None:
        """Read a function where nothing can wait; None after a logged error."""
        try:
            answer = self.call(name, arguments)
        except FunctionError as error:
            log.error("%s", error)
            return None
        return answer if isinstance(answer, str) else refused(name, answer)

    def write(self, text: str, value: str) -> Awaitable[None] | None:
        """Assign to ``NAME(arguments)``; errors are logged. What is returned must be awaited."""
        name, arguments = split_call(text)
        try:
            entry = self.function(name, writing=True)
            assert entry.write is not None
            done: Any = entry.write(self, value, *bind(entry, arguments, writing=True))
        except FunctionError as error:
            log.error("%s", error)
            return None
        return self._written(done) if isawaitable(done) else None

    async def _written(self, done: Awaitable[None]) -> None:
        try:
            await done
        except FunctionError as error:
            log.error("%s", error)

    # ---- templates ----------------------------------------------------------------------------------

    def expand(self, text: str) -> str:
        """The text with variables, functions and expressions substituted; functions that wait are refused."""
        return compile_template(text).get(self)

    async def expanded(self, text: str) -> str:
        """As ``expand``, waiting for functions where needed."""
        template = compile_template(text)
        return await template.wait(self) if template.waits(self) else template.get(self)


def scope_of(channel: Channel) -> Scope:
    """The scope of a channel: the executor's when it runs dialplan, else a new one."""
    state = channel.dialplan_state
    scope = getattr(state, "scope", None)
    return scope if isinstance(scope, Scope) else Scope(channel.pbx, channel)
