"""Bringing the daemon up and down, in order."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from offhook import ASTERISK_VERSION, __version__
from offhook.config.model import ConfigError
from offhook.control.cli.remote import connect
from offhook.daemon import process
from offhook.daemon.logger import Log
from offhook.daemon.notify import ServiceManager, activated_socket
from offhook.identifiers import random_uuid
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.control.cli.server import ControlServer
    from offhook.daemon.foreground import Foreground
    from offhook.daemon.settings import Settings
    from offhook.modules.loader import LoadOrder

log = logging.getLogger(__name__)

YOUNG_OBJECTS: Final = 30_000
"""New objects after which cycles among them are looked for: a call makes some hundreds, most of them soon freed, and
some fifteen stay for the half minute of its transactions."""
WORKERS: Final = 4
"""Threads for work that may block."""
RESTARTED: Final = "OFFHOOK_RESTARTED"
"""In the environment of a daemon that took its own place: it is in the background already."""
LAST_WORDS_S: Final = 3.0
"""Channels still there at the end get so long to write their records."""


def daemon(settings: Settings) -> int:
    """Run the daemon until it is stopped; the exit status."""
    began = time.monotonic()
    gc.disable()  # until everything is loaded: what is made now stays
    paths = settings.paths
    program = os.path.basename(sys.argv[0])
    process.take_name("offhook" if program == "__main__.py" else program, sys.argv[1:])
    try:
        _prepare(settings)
    except process.StartError as error:
        print(error, file=sys.stderr)
        return 1
    given = activated_socket(paths.socket)
    if given is None and (running := connect(paths.socket)) is not None:
        running.close()
        print(f"Asterisk already running on {paths.socket}.  Use 'asterisk -r' to connect.", file=sys.stderr)
        return 1
    restarted = os.environ.pop(RESTARTED, "")
    if (settings.alwaysfork or not settings.nofork) and not restarted:
        process.to_background()
    process.write_pid_file(paths.pid_file)
    os.environ.update(paths.environment())
    body = Daemon(settings, began)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            status = runner.run(body.run())
    finally:
        body.log.close()
        if body.foreground is not None:
            body.foreground.close()
        with suppress(OSError):
            os.unlink(paths.pid_file)
    if body.restart:
        os.environ[RESTARTED] = "1"
        os.execv(sys.executable, sys.orig_argv)
    return status


def _prepare(settings: Settings) -> None:
    """Limits, priority, user: before anything is opened or forked."""
    process.limits(dump_core=settings.dumpcore, files=settings.maxfiles)
    existed = process.make_run_directory(settings.paths.run)
    if settings.highpriority:
        process.realtime_priority()
    process.become(settings.runuser, settings.rungroup, settings.paths.run, existed, dump_core=settings.dumpcore)
    process.usable_directory(background=not settings.nofork, dump_core=settings.dumpcore)


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    loop: type[asyncio.AbstractEventLoop] = uvloop.Loop
    return loop


class Daemon:
    """One run of the daemon."""

    def __init__(self, settings: Settings, began: float) -> None:
        self.settings = settings
        self.began = began
        self.restart = False
        self.log = Log(settings.paths.log, settings.systemname)
        self.log.root_verbosity = settings.verbose
        self.foreground: Foreground | None = None
        self.manager = ServiceManager()

    async def run(self) -> int:
        """Come up, serve, go down; the exit status."""
        settings = self.settings
        if settings.nofork and not settings.mute and not settings.quiet:
            from offhook.daemon.foreground import Foreground

            colours = not settings.nocolor and sys.stdout.isatty()
            self.foreground = Foreground(settings.verbose, colours=colours, timestamp=settings.timestamp)
            if not (settings.console and sys.stdin.isatty()):
                self.log.attach(self.foreground)
        self.log.install()
        if settings.debug:
            self.log.set_debug(settings.debug)
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(WORKERS, "worker"))
        from offhook.daemon.assemble import assemble

        try:
            pbx, stopping = assemble(settings, self.log, loop)
        except OSError as error:
            log.error("Offhook cannot start: %s", error)
            return 1
        self._intro()
        from offhook.control.cli.server import ControlServer

        server = ControlServer(pbx, self.log, hide_connect=settings.hideconnect)
        pbx.parts["control"] = server
        console: asyncio.Task[None] | None = None
        status = 0
        try:
            for number, handler in (
                (signal.SIGTERM, stopping.normally),
                (signal.SIGINT, lambda: stopping.normally() if console is None or console.done() else None),
                (signal.SIGHUP, lambda: pbx.spawn(_reload(pbx), "reload")),
            ):
                loop.add_signal_handler(number, handler)
            await self._boot(pbx, server)
            if settings.console and sys.stdin.isatty():
                console = loop.create_task(self._console(stopping.now), name="console")
            await stopping.done.wait()
        except BootError as error:
            log.error("Offhook cannot start: %s", error)
            print(f"Offhook cannot start: {error}", file=sys.stderr)
            status = 1
        finally:
            self.restart = stopping.restart
            server.say_bye("restart" if stopping.restart else "stop")
            await self._down(pbx, clean=stopping.clean)
            if console is not None:
                console.cancel()
            await server.stop()
        return status

    def _intro(self) -> None:
        if self.settings.verbose or self.settings.console:
            verbose(0, "Offhook %s, speaking as Asterisk %s", __version__, ASTERISK_VERSION)
        for error in self.settings.errors:
            log.error("%s", error)

    # ---- up -----------------------------------------------------------------------------------------

    async def _boot(self, pbx: Pbx, server: ControlServer) -> None:
        from offhook.control.cli.run import run_startup_commands
        from offhook.modules.loader import RequiredModuleError
        from offhook.modules.module import StartError

        identity = pbx.astdb.get("pbx", "UUID")
        if identity is None:
            identity = random_uuid()
            pbx.astdb.put("pbx", "UUID", identity)
        verbose(0, "PBX UUID: %s", identity)
        try:
            order = self._order(pbx)
            await pbx.loader.boot_core()
            paths = self.settings.paths  # whoever asks from now on finds the core's commands
            await server.start(paths, activated_socket(paths.socket))
            await run_startup_commands(pbx, "pre-init")
            await run_startup_commands(pbx, "pre-module")
            await pbx.loader.boot(order, preload=True)
            await pbx.loader.boot(order, preload=False)
        except (RequiredModuleError, ConfigError, StartError) as error:
            raise BootError(str(error)) from error
        await pbx.loader.ready()
        await run_startup_commands(pbx, "fully-booted")
        self._ready(pbx)

    def _order(self, pbx: Pbx) -> LoadOrder:
        from offhook.modules.loader import read_order

        config = pbx.config.load("modules.conf")
        if config is None:
            raise BootError(
                f"{pbx.paths.config('modules.conf')} is missing; write one with [modules] and autoload = yes"
            )
        return read_order(config)

    def _ready(self, pbx: Pbx) -> None:
        from offhook.calls.events import FullyBooted

        gc.collect()
        gc.freeze()
        pbx.engine.trim()
        gathered = pbx.engine.gather()
        gc.set_threshold(YOUNG_OBJECTS, 10, 10)
        gc.enable()
        pbx.booted = True
        uptime = int(pbx.now() - pbx.started_at)
        pbx.bus.publish(FullyBooted(uptime, int(pbx.now() - pbx.reloaded_at)))
        self.manager.tell("READY=1")
        if self.manager.watchdog_s:
            self._feed_watchdog(pbx.loop)
        verbose(0, "Asterisk Ready.")
        log.debug("ready %.0f ms after start, %d huge pages", (time.monotonic() - self.began) * 1000, gathered)

    def _feed_watchdog(self, loop: asyncio.AbstractEventLoop) -> None:
        self.manager.tell("WATCHDOG=1")
        loop.call_later(self.manager.watchdog_s / 2, self._feed_watchdog, loop)

    # ---- meanwhile ----------------------------------------------------------------------------------

    async def _console(self, stop: Callable[[], None]) -> None:
        """With -c: a console on our terminal, in a process of its own; Offhook ends when that ends."""
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "offhook",
            "-r",
            *(("-n",) if self.settings.nocolor else ()),
            *("-v" for _ in range(self.settings.verbose)),
            "-C",
            self.settings.paths.config_file,
            env={**os.environ, "OFFHOOK_ROOT_CONSOLE": "1"},
            preexec_fn=process.die_with_parent,
        )
        try:
            await child.wait()
        except asyncio.CancelledError:
            with suppress(ProcessLookupError):
                child.terminate()
            await child.wait()
            raise
        stop()

    # ---- down ---------------------------------------------------------------------------------------

    async def _down(self, pbx: Pbx, *, clean: bool) -> None:
        from offhook.calls.events import Shutdown
        from offhook.daemon.stopping import end_channels

        self.manager.tell("STOPPING=1")
        if not pbx.stopping:
            pbx.stopping = "now"
        if len(pbx.channels):
            await end_channels(pbx, LAST_WORDS_S)
        pbx.bus.publish(Shutdown("Cleanly" if clean else "Uncleanly", self.restart))
        await pbx.loader.stop()
        await pbx.end_tasks()
        engine = getattr(pbx, "engine", None)
        if engine is not None:
            engine.stop()
        pbx.astdb.close()


class BootError(Exception):
    """The daemon cannot come up; the sentence says why."""


async def _reload(pbx: Pbx) -> None:
    await pbx.loader.reload()
