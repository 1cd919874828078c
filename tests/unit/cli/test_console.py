"""The console on a terminal: what Ctrl-C ends."""

from __future__ import annotations

import os
import pty
import re
import select
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.patience import PATIENCE_S
from support.process import Running, write_configuration

CTRL_C = "\x03"
PROMPT = "*CLI>"
UNSEEN = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\s+$")


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, kind: str, arguments: list[str], environment: dict[str, str]) -> None:
        self.pid, self.screen = pty.fork()
        if not self.pid:
            os.execve(arguments[0], arguments, environment | {"TERM": kind})
        self.shown = ""

    def type(self, text: str) -> None:
        """Press keys; what was shown before counts no more."""
        self.shown = ""
        os.write(self.screen, text.encode())

    def until(self, wanted: str) -> None:
        """Return once that is shown last, but for blanks and what moves the cursor."""
        end = time.monotonic() + PATIENCE_S
        while not UNSEEN.sub("", self.shown).endswith(wanted):
            ready, _, _ = select.select((self.screen,), (), (), max(0.0, end - time.monotonic()))
            assert ready, f"{wanted!r} was not shown, but {self.shown!r}"
            try:
                self.shown += os.read(self.screen, 65536).decode("utf-8", "replace")
            except OSError:
                pytest.fail(f"the program ended with {self.shown!r}")

    def prompted(self) -> None:
        """Return once the console waits for keys."""
        self.until(PROMPT)
        while termios.tcgetattr(self.screen)[3] & termios.ICANON:
            time.sleep(0.01)

    def end(self) -> int:
        """Wait for the program's end; its exit status."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.fixture
def lines(folder: Path) -> Iterator[Running]:
    """A daemon with simulated telephones."""
    write_configuration(folder)
    with (folder / "etc" / "modules.conf").open("a") as modules:
        modules.write("load => chan_dahdi.so\n")
    (folder / "etc" / "dahdi").mkdir()
    (folder / "etc" / "dahdi" / "system.conf").write_text("dynamic=sim,phones,2,0\nfxoks=1-2\n")
    (folder / "etc" / "chan_dahdi.conf").write_text("[channels]\nsignalling = fxo_ks\nchannel => 1-2\n")
    running = Running(folder)
    try:
        running.wait()
        yield running
    finally:
        running.end()


@pytest.mark.parametrize("kind", ["xterm", "dumb"])
def test_ctrl_c_ends_a_line_and_what_takes_its_time_but_not_the_console(lines: Running, kind: str) -> None:
    console = Terminal(kind, [sys.executable, "-m", "offhook", "-r", "-C", str(lines.config)], lines.environment)
    console.prompted()
    console.type("line simulate 1 off-hook; wait 3000\r")
    while "Offhook" not in lines.run("dahdi show channel 1"):
        assert lines.process.poll() is None
    console.type(CTRL_C)
    console.prompted()
    console.type("core sh")
    console.until("core sh")
    console.type(CTRL_C)
    console.prompted()
    console.type("quit\r")
    assert console.end() == 0
