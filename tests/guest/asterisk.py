"""A real Asterisk in a root of its own (see asterisk_layer): the far end of our trunks, by its own console."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import time
from pathlib import Path
from types import TracebackType

from support.manager import ManagerClient

ROOT = Path("/asterisk")
START_S = 60.0
MANAGER_PORT = 5039
MODULES = (
    *(
        "chan_dahdi",
        "pbx_config",
        "app_dial",
        "app_echo",
        "app_verbose",
        "app_stack",
        "app_playtones",
        "res_clioriginate",
    ),
    *("func_callerid", "func_global", "func_channel", "func_logic", "bridge_simple", "bridge_builtin_features"),
    *("codec_ulaw", "codec_alaw"),
)
FILES = {
    "asterisk.conf": "[options]\nverbose = 5\nentityid = 02:00:00:00:00:01\n",
    "modules.conf": "[modules]\nautoload = no\n" + "".join(f"load = {name}.so\n" for name in MODULES),
    "logger.conf": "[logfiles]\nfull => notice,warning,error,verbose\n",
    "manager.conf": f"[general]\nenabled = yes\nbindaddr = 127.0.0.1\nport = {MANAGER_PORT}\n"
    "[tester]\nsecret = tested\nread = all\nwrite = all\n",
}


class Asterisk:
    """Runs while the context lasts; ``files`` are its configuration beside what it always needs."""

    def __init__(self, files: dict[str, str]) -> None:
        for name, text in {**FILES, **files}.items():
            (ROOT / "etc/asterisk" / name).write_text(text)
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Asterisk:
        for place in ("dev", "proc"):
            if not os.path.ismount(ROOT / place):
                subprocess.run(("busybox", "mount", "-o", "bind", f"/{place}", ROOT / place), check=True)
        with (ROOT / "var/log/asterisk/output").open("ab") as output:
            self.process = subprocess.Popen(
                self._inside("-f", "-n"), stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        deadline = time.monotonic() + START_S
        while "fully booted" not in self.cli("core waitfullybooted"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"Asterisk did not start:\n{self.told()}")
            time.sleep(0.2)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self.process is not None
        self.cli("core stop now")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        self.process.kill()

    @staticmethod
    def _inside(*words: str) -> list[str]:
        return ["busybox", "chroot", str(ROOT), "/usr/sbin/asterisk", *words]

    def cli(self, command: str) -> str:
        """What its console answers."""
        done = subprocess.run(self._inside("-rx", command), capture_output=True, text=True, check=False, timeout=60)
        return done.stdout + done.stderr

    def manager(self) -> ManagerClient:
        """A client of its manager interface, logged in."""
        return ManagerClient("127.0.0.1", MANAGER_PORT, "tester", "tested")

    def told(self) -> str:
        """The end of its log."""
        lines = (ROOT / "var/log/asterisk/full").read_text(errors="replace").splitlines()
        return "\n".join([line for line in lines if not re.search(r" (loader|pbx_\w+|manager)\.c: ", line)][-60:])
