"""The running exchange: one object that every part finds the others through."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from offhook.calls.bridges import Bridges
from offhook.calls.bus import Bus
from offhook.calls.channel import Channel
from offhook.calls.channels import Channels
from offhook.calls.devices import DeviceStates
from offhook.calls.hints import Hints
from offhook.calls.mailboxes import Mailboxes
from offhook.calls.options import CoreOptions
from offhook.calls.presence import Presence
from offhook.dialplan.variables import Variables

if TYPE_CHECKING:
    from offhook.calls.music import MusicClasses
    from offhook.config.paths import Paths
    from offhook.config.store import Configuration
    from offhook.dialplan.plan import Dialplan
    from offhook.media import Engine
    from offhook.media.prompts import PromptLibrary
    from offhook.media.tones import ToneZone
    from offhook.modules.loader import Loader
    from offhook.modules.registry import Registry
    from offhook.storage.astdb import AstDb

log = logging.getLogger(__name__)


class Pbx:
    """State and services of one running Offhook. Made by the daemon (or a test), which fills in the parts
    that come up in order: registry, database, engine, dialplan."""

    registry: Registry
    loader: Loader
    dialplan: Dialplan
    engine: Engine
    astdb: AstDb
    paths: Paths
    config: Configuration
    prompts: PromptLibrary
    music: MusicClasses

    def __init__(self, loop: asyncio.AbstractEventLoop, options: CoreOptions | None = None) -> None:
        self.loop = loop
        self.now: Callable[[], float] = loop.time
        """Monotonic seconds; the only clock for durations."""
        self.wall: Callable[[], float] = time.time
        """Seconds since the epoch, for display and records only."""
        self.options = options or CoreOptions()
        self.bus = Bus()
        self.channels = Channels()
        self.bridges = Bridges()
        self.globals = Variables()
        self.devices = DeviceStates(self)
        self.presence = Presence(self)
        self.hints = Hints(self)
        self.mailboxes = Mailboxes(self)
        self.zones: dict[str, ToneZone] = {}
        """Tone zones by country, from indications.conf."""
        self.default_zone = "us"
        self.parts: dict[str, Any] = {}
        """What modules share under a name of their own ("parking", "pjsip", "features", ...)."""
        self.started_at = self.now()
        self.reloaded_at = self.started_at
        self.booted = False
        self.stopping = ""
        """"" while running; "gracefully", "when convenient" or "now" once a stop was asked for."""
        self._sequence = 0
        self._name_counters: dict[str, int] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    # ---- names --------------------------------------------------------------------------------------

    def new_uniqueid(self) -> str:
        """A fresh unique id, "[system-]seconds.sequence"."""
        number, self._sequence = self._sequence, self._sequence + 1
        system = f"{self.options.system_name}-" if self.options.system_name else ""
        return f"{system}{int(self.wall())}.{number}"

    def next_name(self, technology: str) -> int:
        """The next number for channel names of a technology ("PJSIP/alice-0000002a")."""
        number = self._name_counters.get(technology, 0)
        self._name_counters[technology] = number + 1 & 0xFFFFFFFF
        return number

    def builtin(self, name: str) -> str | None:
        """SYSTEMNAME, ENTITYID and the directories (ASTETCDIR, ...) as the dialplan reads them."""
        if name == "SYSTEMNAME":
            return self.options.system_name
        if name == "ENTITYID":
            return self.options.entity_id
        return self.paths.variable(name)

    # ---- variables ----------------------------------------------------------------------------------

    def set_global(self, name: str, value: str) -> None:
        """Assign a global variable and tell the bus."""
        from offhook.calls.events import VarSet

        self.globals.set(name, value)
        self.bus.publish(VarSet(None, name, value))

    # ---- work on the loop ---------------------------------------------------------------------------

    def spawn(self, work: Coroutine[Any, Any, Any], name: str = "") -> asyncio.Task[Any]:
        """Run a coroutine in the background; a failure is logged, and the daemon's stop cancels it."""
        task = self.loop.create_task(work, name=name or None)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background task %s failed", task.get_name(), exc_info=error)

    async def end_tasks(self) -> None:
        """Cancel what spawn started and wait for it."""
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def off_loop(self, function: Any, *args: Any) -> Any:
        """Run blocking work (file system, SQLite, name look-up) on a worker thread."""
        return await self.loop.run_in_executor(None, function, *args)

    async def execute(self, channel: Channel) -> None:
        """Run the dialplan on a channel from its position to the end, hangup extension and handlers included."""
        from offhook.dialplan.executor import run

        await run(channel)

    # ---- media manners ------------------------------------------------------------------------------

    def zone_tone(self, zone: str, name: str) -> Any:
        """The tone of a name in a zone ("" is the default one), or None."""
        found = self.zones.get(zone or self.default_zone) or self.zones.get(self.default_zone)
        return found.tone(name) if found is not None else None

    def start_music(self, channel: Channel, music_class: str = "") -> bool:
        """Play music on hold to a channel, of this class if it has none of its own; whether it is played."""
        from offhook.calls import music

        return music.start(channel, music_class)

    def stop_music(self, channel: Channel) -> None:
        """Stop music on hold on a channel, if it plays."""
        from offhook.calls import music

        music.stop(channel)
