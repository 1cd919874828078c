"""A daemon of few modules in directories of its own, started and called as from a shell."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from support.patience import PATIENCE_S

HOST = Path(__file__).resolve().parents[2] / "host"

EXTENSIONS = """\
[general]
static=yes
writeprotect=no

[globals]
CITY=Bern

[default]
exten => 100,1,NoOp(first)
 same => n(wait),Wait(60)
exten => 100/5551,1,Hangup()
exten => _2XX,1,Hangup()
exten => 300,hint,Custom:lamp
include => other
ignorepat => 9

[other]
exten => 500,1,Hangup()
"""

MODULES = """\
[modules]
autoload=no
load => chan_local.so
load => app_echo.so
load => func_strings.so
load => pbx_config.so
load => res_clioriginate.so
load => pbx_variables.so
"""


class Running:
    """A daemon that runs, and its command line."""

    def __init__(
        self,
        folder: Path,
        *more: str,
        options: tuple[str, ...] = ("-f", "-q", "-m", "-n"),
        environment: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.config = folder / "etc" / "asterisk.conf"
        self.environment = {**os.environ, "PYTHONPATH": str(HOST), "HOME": str(folder)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "offhook", *options, "-C", str(self.config), *more],
            env=self.environment | (environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def call(self, *arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
        """Run the program with arguments."""
        return subprocess.run(  # type: ignore[call-overload,no-any-return]
            [sys.executable, "-m", "offhook", "-C", str(self.config), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
            **more,
        )

    def run(self, command: str) -> str:
        """What a command answers."""
        done = self.call("-rx", command)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def wait(self) -> None:
        """Return once it is fully booted."""
        socket = self.folder / "run" / "asterisk.ctl"
        end = time.monotonic() + PATIENCE_S
        while not socket.exists():
            assert self.process.poll() is None, self.process.communicate()[0]
            assert time.monotonic() < end
            time.sleep(0.02)
        assert self.run("core waitfullybooted") == "Asterisk has fully booted.\n"

    def stopped(self, seconds: float = PATIENCE_S) -> tuple[int, str]:
        """Exit status and output of a daemon that stops by itself."""
        output, _ = self.process.communicate(timeout=seconds)
        return self.process.returncode, output

    def end(self) -> None:
        """Make sure that it is gone."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
        if self.process.stdout is not None and not self.process.stdout.closed:
            self.process.communicate()


def write_configuration(folder: Path, **files: str) -> None:
    """A complete configuration below a folder; ``files`` are texts by name without ``.conf``."""
    for name in ("etc", "var", "run", "log", "spool"):
        (folder / name).mkdir(exist_ok=True)
    directories = "".join(
        f"{name} => {folder}/{place}\n"
        for name, place in (
            ("astetcdir", "etc"),
            ("astvarlibdir", "var"),
            ("astdbdir", "var"),
            ("astdatadir", "var"),
            ("astspooldir", "spool"),
            ("astrundir", "run"),
            ("astlogdir", "log"),
        )
    )
    texts = {
        "asterisk": f"[directories]\n{directories}[options]\nverbose = 3\n",
        "modules": MODULES,
        "extensions": EXTENSIONS,
        "logger": "[logfiles]\nfull.log => [plain]*\n",
        **files,
    }
    for name, text in texts.items():
        (folder / "etc" / f"{name}.conf").write_text(text)
