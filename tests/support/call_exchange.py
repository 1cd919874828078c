"""An exchange in memory: the real dialplan, applications and Local channels, an engine without sound."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from offhook.apps import call_control, dial, messages, variables
from offhook.calls.channel import Channel
from offhook.calls.frames import Digit
from offhook.calls.music import NoMusic
from offhook.calls.originate import Origination, Result, originate
from offhook.calls.pbx import Pbx
from offhook.config.parser import loads
from offhook.config.store import Configuration
from offhook.dialplan.plan import Dialplan
from offhook.dialplan.reading import read_extensions
from offhook.drivers import local
from offhook.media.prompts import PromptLibrary
from offhook.modules import Module
from offhook.modules.registry import Registry
from support.silent_engine import SilentEngine


def press(channel: Channel, digits: str) -> None:
    """A party presses digits."""
    for digit in digits:
        channel.deliver(Digit(digit, False))
        channel.deliver(Digit(digit, True, 100))


class Exchange:
    """A running exchange and everything that was heard on its bus, unless it shall not be kept."""

    def __init__(self, tmp_path: Path, *, keep_events: bool = True) -> None:
        self.pbx = Pbx(asyncio.get_running_loop())
        self.pbx.registry = Registry()
        self.pbx.config = Configuration(str(tmp_path))
        self.pbx.dialplan = Dialplan(self.pbx)
        self.pbx.engine = SilentEngine()  # type: ignore[assignment]
        self.pbx.prompts = PromptLibrary(tmp_path)
        self.pbx.music = NoMusic()
        self.pbx.hints.start()
        self.events: list[Any] = []
        if keep_events:
            self.pbx.bus.subscribe_all(self.events.append)
        for source in (call_control, dial, messages, variables, local):
            self.load(source)

    def load(self, source: Any) -> None:
        """Put all modules of a file into the registry."""
        for found in vars(source).values():
            if isinstance(found, Module):
                self.pbx.registry.add(found)

    def dialplan(self, text: str) -> None:
        """Put a dialplan in force."""
        reading = read_extensions(self.pbx.dialplan, loads(text, "extensions.conf"))
        self.pbx.dialplan.replace("pbx_config", reading.contexts)

    async def call(self, dial_string: str, **order: Any) -> Result:
        """Originate a call."""
        order.setdefault("application", "" if "context" in order else "Wait")
        order.setdefault("data", "60" if order["application"] == "Wait" else "")
        return await originate(self.pbx, Origination(dial_string, **order))

    async def until(self, condition: Callable[[], bool], turns: int = 500) -> None:
        """Let the loop turn until something is so."""
        for _ in range(turns):
            if condition():
                return
            await asyncio.sleep(0)
        raise AssertionError("it did not come to pass")

    def named(self, prefix: str) -> Channel:
        """The channel whose name begins so."""
        found = self.pbx.channels.by_prefix(prefix)
        assert found is not None, f"no channel {prefix}: {list(self.pbx.channels)}"
        return found

    def heard(self, kind: type) -> list[Any]:
        """All events of a class so far."""
        return [event for event in self.events if type(event) is kind]

    async def quiet(self) -> None:
        """End every call; nothing may be left."""
        for channel in self.pbx.channels:
            channel.request_hangup()
        await self.until(lambda: not len(self.pbx.channels))
        await self.until(lambda: not len(self.pbx.bridges))
        assert not self.pbx.engine.legs  # type: ignore[attr-defined]
