"""An exchange with simulated lines: the real dialplan, driver and engine, and a clock that the story moves.

``advance`` moves loop, engine and lines together, 10 ms at a time, so that a story of minutes takes a moment and does
not depend on the machine's speed.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from kernel_shims.simulator.exchange import Exchange
from kernel_shims.simulator.phone import Phone
from kernel_shims.simulator.system import SimulatedSystem
from offhook.apps import branches, call_control, dial, flow, messages, playing, signals, tones, variables, waiting
from offhook.calls.channel import Channel
from offhook.calls.music import NoMusic
from offhook.calls.pbx import Pbx
from offhook.config.parser import loads
from offhook.config.paths import Paths
from offhook.config.store import Configuration
from offhook.dialplan.plan import Dialplan
from offhook.dialplan.reading import read_extensions
from offhook.drivers import local
from offhook.drivers.dahdi import module as dahdi
from offhook.drivers.dahdi.lines import Lines
from offhook.functions import callerid, channel, logic, shared, strings
from offhook.media.prompts import PromptLibrary
from offhook.media.simulated import SimulatedEngine
from offhook.media.tones import ToneZone
from offhook.modules import ActionRequest, Module, Request
from offhook.modules.module import Command
from offhook.modules.registry import Registry
from offhook.storage.astdb import AstDb

T = TypeVar("T")
STEP = 0.01
ZONE = {
    "dial": "350+440",
    "busy": "480+620/500,0/500",
    "ring": "440+480/2000,0/4000",
    "congestion": "480+620/250,0/250",
    "callwaiting": "440/300,0/10000",
    "dialrecall": "!350+440/100,!0/100,!350+440/100,!0/100,!350+440/100,!0/100,350+440",
    "stutter": "!350+440/100,!0/100,!350+440/100,!0/100,!350+440/100,!0/100,350+440",
}
FOUR_PEOPLE = """\
callerid = Alice <101>
channel => 1
callerid = Bob <102>
channel => 2
callerid = Carol <103>
channel => 3
callerid = Dave <104>
channel => 4
"""
"""Lines of chan_dahdi.conf for the first four channels."""
_TURNS = 6
"""Turns of the loop in a step: what one event starts has run before the next step."""


class _Selector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    """Never waits."""

    def select(self, timeout: float | None = None) -> Any:
        return super().select(0)


class StoryLoop(asyncio.SelectorEventLoop):
    """A loop whose clock stands still but for ``clock``."""

    def __init__(self) -> None:
        super().__init__(_Selector())
        self.clock = 1000.0

    def time(self) -> float:
        """Seconds of the story."""
        return self.clock


class StoryPolicy(asyncio.DefaultEventLoopPolicy):
    """Makes such loops."""

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """A new loop."""
        return StoryLoop()


class Office:
    """The exchange. Channels 1 to 4 are phones, 5 to 8 lines, unless said otherwise."""

    def __init__(self, folder: Path) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, StoryLoop)
        self.loop = loop
        self.folder = folder
        self.pbx = Pbx(loop)
        self.pbx.registry = Registry()
        self.pbx.config = Configuration(str(folder))
        self.pbx.dialplan = Dialplan(self.pbx)
        self.engine = self.pbx.engine = SimulatedEngine()
        self.engine.start()
        self.pbx.prompts = PromptLibrary(folder)
        self.pbx.music = NoMusic()
        self.pbx.paths = Paths()
        self.pbx.paths.monitor = str(folder / "monitor")
        self.pbx.astdb = AstDb(":memory:")
        self.pbx.astdb.open()
        self.pbx.hints.start()
        self.pbx.zones = {"us": ToneZone("us", "United States", (2000, 4000), ZONE)}
        self.system = SimulatedSystem()
        self.pbx.parts["line_system"] = self.system
        self.events: list[Any] = []
        self.pbx.bus.subscribe_all(self.events.append)
        parts = (call_control, dial, messages, variables, local, flow, branches, playing, signals, tones, waiting)
        for source in (*parts, callerid, channel, logic, shared, strings):
            for found in vars(source).values():
                if isinstance(found, Module) and found.name not in self.pbx.registry.modules:
                    self.pbx.registry.add(found)

    async def start(
        self,
        configuration: str,
        dialplan: str,
        phones: str = "fxo_ks",
        lines: str = "fxs_ks",
        law: str = "ulaw",
    ) -> Lines:
        """Lay the lines, read both files, open the channels."""
        self.lay(phones, lines, law)
        return await self.begin(configuration, dialplan)

    def lay(self, phones: str = "fxo_ks", lines: str = "fxs_ks", law: str = "ulaw") -> None:
        """Span 1, phones on 1 to 4, and span 2, lines on 5 to 8, "" for none."""
        for first, kind in ((1, phones), (5, lines)):
            if kind:
                self.system.add_span(dict.fromkeys(range(first, first + 4), kind), law)

    def trunk(self, one: int, two: int, kinds: Sequence[str], law: str = "alaw") -> None:
        """Two spans on one cable, whose channels begin there and are such, one after the other."""
        spans = [self.system.add_span(dict(enumerate(kinds, first)), law) for first in (one, two)]
        self.system.cable(spans[0].number, spans[1].number)

    async def begin(self, configuration: str | None, dialplan: str) -> Lines:
        """Read both files (None: there is no chan_dahdi.conf), open the channels of the spans that are there."""
        if configuration is not None:
            self.configure(configuration)
        self.dialplan(dialplan)
        self.pbx.registry.add(dahdi.module)
        assert dahdi.module.load is not None
        await dahdi.load(self.pbx)  # type: ignore[misc]
        await self.advance(0.1)
        return dahdi.lines_of(self.pbx)

    async def reload(self) -> None:
        """Read chan_dahdi.conf again."""
        await dahdi.reload(self.pbx)  # type: ignore[misc]
        await self.advance(0.1)

    async def meanwhile(self, work: Coroutine[Any, Any, T], within: float = 120.0) -> T:
        """Let time pass until some work is done."""
        task = self.loop.create_task(work)
        await self.until(task.done, within)
        return task.result()

    def configure(self, text: str) -> None:
        """Write chan_dahdi.conf."""
        (self.folder / "chan_dahdi.conf").write_text(text)

    def dialplan(self, text: str) -> None:
        """Put a dialplan in force."""
        reading = read_extensions(self.pbx.dialplan, loads(text, "extensions.conf"))
        self.pbx.dialplan.replace("pbx_config", reading.contexts)

    async def stop(self) -> None:
        """End everything; nothing of any call is left."""
        for each in list(self.pbx.channels):
            each.request_hangup()
        await self.advance(0.2)
        left = [each.name for each in self.pbx.channels]
        dahdi.unload(self.pbx)  # type: ignore[misc]
        await self.advance(0.1)
        assert not left and not len(self.pbx.bridges), left
        legs = self.engine.figures().legs
        self.engine.stop()
        self.pbx.astdb.close()
        assert legs == 0, f"{legs} legs are left"

    # ---- the story -------------------------------------------------------------------------------------------

    async def advance(self, seconds: float) -> None:
        """Let time pass."""
        for _ in range(round(seconds / STEP)):
            self.loop.clock += STEP
            self.system.step()
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            self.engine.advance()
            for _ in range(_TURNS):
                await asyncio.sleep(0)

    async def until(self, condition: Callable[[], bool], within: float = 10.0) -> None:
        """Let time pass until something is so."""
        for _ in range(round(within / STEP)):
            if condition():
                return
            await self.advance(STEP)
        raise AssertionError(f"it did not come to pass within {within:g} s")

    async def cli(self, line: str) -> list[str]:
        """The answer to a command, by lines."""
        command, words, arguments = self._command(line)
        request = Request(self.pbx, line, words, arguments)
        done = command.run(request)
        if done is not None:
            await done
        return request.text().splitlines()

    def completed(self, line: str) -> list[str]:
        """What the console offers behind a line."""
        command, _, arguments = self._command(line)
        assert command.complete is not None
        return list(command.complete(self.pbx, arguments, ""))

    def _command(self, line: str) -> tuple[Command, list[str], list[str]]:
        """The command that a line gives, its words, and those behind its name."""
        words = line.split()
        fitting = [one for one in self.pbx.registry.commands if tuple(words[: len(one.words)]) == one.words]
        command = max(fitting, key=lambda one: len(one.words))
        return command, words, words[len(command.words) :]

    def act(self, name: str, **headers: str) -> ActionRequest:
        """A manager action that was carried out."""
        request = ActionRequest(self.pbx, name, list(headers.items()), None)
        self.pbx.registry.actions[name.lower()].run(request)
        return request

    def phone(self, number: int) -> Phone:
        """The telephone on a channel."""
        return self.system.phone(number)

    async def dial(self, phone: Phone, digits: str) -> None:
        """A phone is lifted, and dials once there is dial tone."""
        phone.off_hook()
        await self.advance(0.5)
        phone.dial(digits)

    def line(self, number: int) -> Exchange:
        """The exchange behind a channel."""
        return self.system.exchange(number)

    def channel(self, name: str) -> Channel:
        """The channel whose name begins so."""
        found = self.pbx.channels.by_prefix(name)
        assert found is not None, f"no channel {name}: {[each.name for each in self.pbx.channels]}"
        return found

    def heard(self, kind: type) -> list[Any]:
        """All events of a class so far."""
        return [event for event in self.events if type(event) is kind]
