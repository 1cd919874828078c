"""A small exchange in memory for tests of the dialplan: registry, dialplan, bus; channels without media."""

from __future__ import annotations

import asyncio
from typing import Any

from offhook.apps import call_control, flow, messages, variables
from offhook.calls.channel import Channel
from offhook.calls.frames import Digit
from offhook.calls.party import Caller, Party
from offhook.calls.pbx import Pbx
from offhook.config.parser import loads
from offhook.dialplan.plan import Dialplan
from offhook.dialplan.reading import read_extensions
from offhook.dialplan.scope import Scope
from offhook.functions import stack
from offhook.modules import Module
from offhook.modules.registry import Registry


class Telephone(Channel):
    """A channel of no technology: nothing answers, nothing sounds."""

    technology = "Test"


class Exchange:
    """A running exchange and everything that was heard on its bus."""

    def __init__(self) -> None:
        self.pbx = Pbx(asyncio.get_running_loop())
        self.pbx.registry = Registry()
        self.pbx.dialplan = Dialplan(self.pbx)
        self.clock = 1_700_000_000.0
        self.pbx.wall = lambda: self.clock  # type: ignore[method-assign]
        self.events: list[Any] = []
        self.pbx.bus.subscribe_all(self.events.append)
        self.load(call_control, flow, messages, variables, stack)

    def load(self, *sources: Any) -> None:
        """Put all modules of files into the registry."""
        for source in sources:
            for found in vars(source).values():
                if isinstance(found, Module) and found.name not in self.pbx.registry.modules:
                    self.pbx.registry.add(found)
                    if found.load is not None:
                        found.load(self.pbx)

    def dialplan(self, text: str, registrar: str = "pbx_config") -> None:
        """Put a dialplan in force."""
        reading = read_extensions(self.pbx.dialplan, loads(text, "extensions.conf"))
        self.pbx.dialplan.replace(registrar, reading.contexts)
        self.pbx.dialplan.autofallthrough = reading.settings.autofallthrough

    def channel(self, exten: str = "s", number: str | None = None, name: str = "Test/1", **more: Any) -> Telephone:
        """A channel in context ``test``."""
        caller = Caller(id=Party.of(number)) if number is not None else None
        return Telephone(self.pbx, name, context="test", exten=exten, caller=caller, **more)

    async def run(self, exten: str = "s", number: str | None = None, **more: Any) -> Telephone:
        """Run the dialplan at an extension of context ``test`` to its end."""
        channel = self.channel(exten, number, **more)
        await asyncio.wait_for(channel.start_pbx(), 5)
        return channel

    def heard(self, kind: type) -> list[Any]:
        """The events of a class, in order."""
        return [event for event in self.events if type(event) is kind]

    async def read(self, text: str, channel: Channel | None = None, **more: Any) -> str:
        """A text with everything in it substituted."""
        return await Scope(self.pbx, channel, **more).expanded(text)

    async def write(self, function: str, value: str, channel: Channel | None = None, **more: Any) -> None:
        """Assign to a function."""
        done = Scope(self.pbx, channel, **more).write(function, value)
        if done is not None:
            await done


def dial(channel: Channel, digits: str) -> None:
    """The party presses keys."""
    for digit in digits:
        channel.deliver(Digit(digit, False))
        channel.deliver(Digit(digit, True, 80))
