"""Music on hold from programs: one runs for each class, all who listen hear it, and it is started again when it ends.

A program that plays the files of a directory stands still (SIGSTOP) while nobody listens; one without a directory,
such as the receiver of a broadcast, runs on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from asyncio.subprocess import Process
from pathlib import Path
from typing import TYPE_CHECKING

from offhook.media.errors import EngineError
from offhook.media.events import MediaEvent, StreamEnded
from offhook.media.moh import MohClass, MohStream
from offhook.media.programs import SoundError, program
from offhook.services.music_classes import NO_FOLDER

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)

_AGAIN_S, _AGAIN_REMOTE_S = 1.0, 20.0
"""At least so long from one start to the next; a server is not asked more often."""
_AFTER_FAILURE_S = 60.0
_SUFFIXES = {"custom": (".raw", ".sln", ".mp3")}
_MOST_FILES = 256


class MusicProgram:
    """The program of a class. It runs from ``start`` on, until it is retired."""

    def __init__(self, pbx: Pbx, music_class: MohClass, base: Path) -> None:
        self.music_class = music_class
        self.stream = MohStream(music_class, self._listened)
        self._pbx = pbx
        self._remote = music_class.directory.lower().startswith("http://")
        listless = self._remote or music_class.directory.lower() == NO_FOLDER
        self._folder = None if listless else str(base / music_class.directory)
        self._pid = 0
        self._retired = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Run it."""
        self._task = self._pbx.spawn(self._run(), f"music on hold {self.music_class.name}")

    def retire(self) -> None:
        """Its class is gone: it ends when nobody listens any more."""
        self._retired = True
        if not self.stream.heard and self._task is not None:
            self._task.cancel()

    async def end(self) -> None:
        """End it now, whoever listens."""
        self.retire()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def words(self) -> list[str]:
        """The command with its arguments and files. Looks at the disk; raises SoundError."""
        one = self.music_class
        if one.mode == "custom":
            words = one.application.split()
        else:
            words = ["mpg123", "-q", "-s", "--mono", "-r", "8000", *([] if one.mode.endswith("nb") else ["-b", "2048"])]
            words += ["-f", "4096" if one.mode.startswith("quiet") else "8192"]
            words += [word for word in one.application.split(",") if word]
        if self._remote:
            return [*words, one.directory]
        if self._folder is None:
            return words
        suffixes = _SUFFIXES.get(one.mode, (".mp3",))
        try:
            names = sorted(name for name in os.listdir(self._folder) if name.lower().endswith(suffixes))
        except OSError as error:
            raise SoundError(f"{self._folder}: {error.strerror}") from error
        if not names:
            raise SoundError(f"{self._folder} has no files of {', '.join(suffixes)}")
        return words + names[:_MOST_FILES]

    async def _run(self) -> None:
        again = _AGAIN_REMOTE_S if self._remote else _AGAIN_S
        while True:
            began = self._pbx.now()
            try:
                await self._play()
                wait = began + again - self._pbx.now()
            except (SoundError, EngineError) as error:
                log.warning("music class %r: %s", self.music_class.name, error)
                wait = _AFTER_FAILURE_S
            await asyncio.sleep(max(0.0, wait))

    async def _play(self) -> None:
        """Run the program once, to its end."""
        words = await self._pbx.off_loop(self.words)
        async with program(words, folder=self._folder, end=self._end) as running:
            ended = self._pbx.loop.create_future()

            def hear(event: MediaEvent) -> None:
                if isinstance(event, StreamEnded) and not ended.done():
                    ended.set_result(None)

            leg = self._pbx.engine.stream_leg(running.descriptor, "heard", self.music_class.format)
            leg.on_event = hear
            self._pid = running.pid
            try:
                self.stream.speak(leg)
                self._listened(self.stream.heard)
                await ended
                if not leg.heard:
                    raise SoundError(f"{words[0]} gave no sound. {await running.last_words()}")
            finally:
                self._listened(True)
                self._pid = 0
                self.stream.speak(None)
                leg.close()

    def _listened(self, heard: bool) -> None:
        """Somebody listens now, or nobody any more."""
        if self._retired and not heard and self._task is not None:
            self._task.cancel()
        elif self._pid and self._folder is not None:
            self._signal(self._pid, signal.SIGCONT if heard else signal.SIGSTOP)

    def _signal(self, pid: int, number: signal.Signals) -> bool:
        """Send a signal as kill_method says; false when there is nobody to get it."""
        try:
            (os.killpg if self.music_class.kill_method == "process_group" else os.kill)(pid, number)
        except ProcessLookupError:
            return False
        return True

    async def _end(self, process: Process) -> None:
        """Ask the program to end, more and more firmly."""
        patience = self.music_class.kill_delay_ms / 1000
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGKILL):
            if process.returncode is not None or not self._signal(process.pid, number):
                break
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(process.wait(), patience)
