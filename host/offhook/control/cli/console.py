"""``-r``: the console of a running daemon, on a terminal or on a pipe."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from offhook import __version__
from offhook.control.cli.link import Link, Lost
from offhook.control.cli.remote import cannot_connect

if TYPE_CHECKING:
    from offhook.daemon.settings import Settings

RECONNECT_S: Final = 30.0
"""With -R a lost daemon is waited for so long."""
LOOK_S: Final = 0.2
HISTORY: Final = "~/.offhook_history"
MOST_HISTORY: Final = 500

ROOT: Final = "OFFHOOK_ROOT_CONSOLE"
"""In the environment of the console that a daemon with -c starts: leaving it would leave the daemon alone."""

INTRO: Final = f"""\
Offhook {__version__}. Free software under the GNU General Public License, without any warranty:
"core show license" and "core show warranty" tell more, "core show help" lists the commands, "exit" leaves.
"""


def console(settings: Settings) -> int:
    """Run a console until it is left; the exit status."""
    try:
        return asyncio.run(_Console(settings).run())
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 0


class _Console:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.path = settings.paths.socket
        self.link = Link(self.show, self.show_answer)
        self.print: Callable[[str], None] = _plain
        self.terminal = sys.stdin.isatty() and sys.stdout.isatty()
        self.colours = self.terminal and not settings.nocolor and os.environ.get("TERM", "dumb") != "dumb"
        self.leave: Callable[[], object] = _nothing
        self.interrupt: Callable[[], object] = _nothing
        """What Ctrl-C does where it is a signal: while nothing is typed."""

    async def run(self) -> int:
        if self.terminal:
            task = asyncio.current_task()
            assert task is not None
            self.leave = task.cancel
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, self._interrupted)
        try:
            await self._connect()
        except OSError:
            print(cannot_connect(self.path), file=sys.stderr)
            return 1
        if not self.settings.quiet:
            self.print(INTRO)
        self._tell_connected()
        lines = self._typed() if self.terminal else self._piped()
        status = 0
        try:
            async with contextlib.aclosing(lines):
                async for line in lines:
                    if not await self._carry_out(line.strip()):
                        break
        except Lost:
            status = 0 if self.link.bye else 1
        await self.link.close()
        return status

    # ---- the connection -----------------------------------------------------------------------------

    async def _connect(self) -> None:
        self.link = Link(self.show, self.show_answer)
        await self.link.open(self.path)
        settings = self.settings
        self.link.watch(settings.verbose, colours=self.colours, timestamp=settings.timestamp, mute=settings.mute)

    def _tell_connected(self) -> None:
        link = self.link
        self.print(f"Connected to Asterisk {link.version} currently running on {link.host} (pid = {link.pid})")

    async def _reconnect(self) -> bool:
        """After a lost connection: wait for the daemon to come back if that is wanted."""
        await self.link.close()
        self.print("Disconnected from the daemon" + (", which starts again" if self.link.bye == "restart" else ""))
        if not (self.settings.reconnect or self.link.bye == "restart"):
            return False
        end = asyncio.get_running_loop().time() + RECONNECT_S
        with self._interrupt_is(self.leave):
            while asyncio.get_running_loop().time() < end:
                await asyncio.sleep(LOOK_S)
                try:
                    await self._connect()
                except OSError:
                    continue
                self._tell_connected()
                return True
        self.print(f"No daemon for {RECONNECT_S:g} seconds; giving up")
        return False

    def show(self, text: str) -> None:
        """Show a line of the log."""
        self.print(text)

    def show_answer(self, text: str) -> None:
        """Show a piece of what a command answers."""
        self.print(text.removesuffix("\n"))

    # ---- commands -----------------------------------------------------------------------------------

    async def _carry_out(self, line: str) -> bool:
        """Carry out one line; False when the console is to be left. Raises Lost."""
        if not line:
            return True
        if line.lower() in ("exit", "quit"):
            if ROOT not in os.environ:
                return False
            self.print('This console belongs to the daemon: "core stop now" or "core stop gracefully" end both')
            return True
        if line.startswith("!"):
            await self._shell(line[1:].strip())
            return True
        try:
            with self._interrupt_is(self._cancel):
                await self.link.run(line)
        except Lost:
            if not await self._reconnect():
                raise
        return True

    def _interrupted(self) -> None:
        self.interrupt()

    def _cancel(self) -> None:
        """End what the daemon carries out; when it does not end, Ctrl-C leaves."""
        self.interrupt = self.leave
        self.link.cancel()

    @contextlib.contextmanager
    def _interrupt_is(self, effect: Callable[[], object]) -> Iterator[None]:
        self.interrupt = effect
        try:
            yield
        finally:
            self.interrupt = _nothing

    async def _complete(self, line: str) -> list[str]:
        return await self.link.complete(line)

    async def _shell(self, command: str) -> None:
        if self.settings.disable_remote_console_shell:
            self.print("Shell commands are switched off by disable_remote_console_shell in asterisk.conf")
            return
        shell = os.environ.get("SHELL", "/bin/sh")
        arguments = [shell, "-c", command] if command else [shell]
        await asyncio.to_thread(subprocess.run, arguments, check=False)

    # ---- where lines come from ----------------------------------------------------------------------

    async def _piped(self) -> AsyncGenerator[str, None]:
        """Lines of standard input, until its end or that of the daemon."""
        loop = asyncio.get_running_loop()
        while True:
            reading = loop.run_in_executor(None, sys.stdin.readline)
            line = await self._or_lost(asyncio.ensure_future(reading))
            if not line:
                return
            yield line

    async def _typed(self) -> AsyncGenerator[str, None]:
        """Lines typed on a terminal, with history and completion."""
        from prompt_toolkit import ANSI, PromptSession, print_formatted_text
        from prompt_toolkit.patch_stdout import patch_stdout

        from offhook.control.cli.editing import Abandoned, history, keys

        session: PromptSession[str] = PromptSession(
            history=history(HISTORY, MOST_HISTORY),
            key_bindings=keys(self._complete),
            reserve_space_for_menu=0,
        )
        session.interrupt_exception = Abandoned  # for dumb terminals, which keep to their own key for it
        self.print = lambda text: print_formatted_text(ANSI(text))
        try:
            with patch_stdout(raw=True):
                while True:
                    prompt = f"{self.link.host}*CLI> "
                    try:
                        typing = asyncio.ensure_future(session.prompt_async(prompt, handle_sigint=False))
                        yield await self._or_lost(typing)
                    except Abandoned:
                        continue
                    except EOFError:
                        yield "exit"
        finally:
            self.print = _plain

    async def _or_lost(self, typing: asyncio.Future[str]) -> str:
        """The line, unless the daemon goes away for good meanwhile. Raises Lost."""
        while True:
            losing = asyncio.ensure_future(self.link.lost.wait())
            both: set[asyncio.Future[Any]] = {typing, losing}
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                losing.cancel()
            if typing.done():
                return typing.result()
            if not await self._reconnect():
                typing.cancel()
                await asyncio.gather(typing, return_exceptions=True)
                raise Lost


def _nothing() -> None:
    return


def _plain(text: str) -> None:
    print(text, flush=True)
