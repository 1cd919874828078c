"""A real daemon on loopback with a configuration and folders of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from types import TracebackType

from support.manager import ManagerClient
from support.patience import PATIENCE_S

HOST = Path(__file__).resolve().parents[2] / "host"
SOUNDS = [Path("/usr/share/asterisk/sounds") / name for name in ("en_US_f_Allison", "en")]

ASTERISK_CONF = """\
[directories]
astetcdir => {root}/etc
astvarlibdir => {root}/lib
astdbdir => {root}/lib
astkeydir => {root}/lib
astdatadir => {root}/lib
astagidir => {root}/lib/agi-bin
astspooldir => {root}/spool
astcachedir => {root}/cache
astrundir => {root}/run
astlogdir => {root}/log
astmoddir => {root}/lib/modules

[options]
verbose = 4
debug = 1
"""

MANAGER_CONF = """\
[general]
enabled = yes
bindaddr = 127.0.0.1
port = {manager}

[tester]
secret = tested
read = all
write = all
"""

RTP_CONF = """\
[general]
rtpstart = {media}
rtpend = {media_end}
"""


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_sip_port() -> int:
    """A port of 127.0.0.1 that is free for UDP and for TCP."""
    for _ in range(50):
        port = free_port()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free for UDP and TCP alike")


def free_media_range(size: int = 200) -> int:
    """The first of ``size`` UDP ports that are free now."""
    for low in range(30000, 60000, size):
        try:
            with contextlib.ExitStack() as stack:
                for port in range(low, low + size, 10):
                    probe = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                    probe.bind(("127.0.0.1", port))
            return low
        except OSError:
            continue
    raise OSError("no range of media ports is free")


class Daemon:
    """A daemon process. Use as a context manager; ``files`` are its configuration beside what every test needs.

    ``{sip}``, ``{manager}`` and ``{root}`` in a file stand for the ports and the folder.
    """

    def __init__(self, root: Path, files: dict[str, str], *, loopback: str = "127.0.0.1") -> None:
        self.root = root
        self.address = loopback
        self.sip_port = free_sip_port()
        self.manager_port = free_port()
        self.media_port = free_media_range()
        self.process: subprocess.Popen[bytes] | None = None
        words = {
            "root": str(root),
            "sip": str(self.sip_port),
            "manager": str(self.manager_port),
            "media": str(self.media_port),
            "media_end": str(self.media_port + 199),
        }
        standard = {
            "asterisk.conf": ASTERISK_CONF,
            "manager.conf": MANAGER_CONF,
            "rtp.conf": RTP_CONF,
            "modules.conf": "[modules]\nautoload = yes\n",
            "logger.conf": "[logfiles]\nfull.txt => notice,warning,error,verbose,debug,dtmf\n",
        }
        for folder in ("etc", "lib/sounds", "spool/outgoing", "spool/tmp", "run", "log", "cache"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        for name, text in {**standard, **files}.items():
            for word, value in words.items():
                text = text.replace("{" + word + "}", value)
            (root / "etc" / name).write_text(textwrap.dedent(text))
        for sounds in SOUNDS:
            if sounds.is_dir() and not (root / "lib/sounds/en").exists():
                (root / "lib/sounds/en").symlink_to(sounds)

    @property
    def command(self) -> list[str]:
        """The program as these tests start it."""
        return [sys.executable, "-m", "offhook", "-C", str(self.root / "etc/asterisk.conf")]

    @property
    def environment(self) -> dict[str, str]:
        return dict(os.environ, PYTHONPATH=f"{HOST}{os.pathsep}{HOST.parent / 'kernel-shims'}")

    def __enter__(self) -> Daemon:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it has fully booted."""
        with (self.root / "log/output").open("ab") as output:
            self.process = subprocess.Popen(
                [*self.command, "-f", "-n", "-m"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self.environment,
            )
        deadline = time.monotonic() + PATIENCE_S
        while "fully booted" not in self.cli("core waitfullybooted", check=False):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the daemon did not start:\n{self.told()}")
            time.sleep(0.05)

    def stop(self) -> int:
        """Stop it as an administrator would; its exit status."""
        if self.process is None:
            return 0
        process, self.process = self.process, None
        if process.poll() is None:
            self.cli("core stop now", check=False)
        try:
            return process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            raise AssertionError(f"the daemon did not stop within {PATIENCE_S:g} s:\n{self.told()}") from None

    def cli(self, command: str, *, check: bool = True) -> str:
        """What the CLI answers."""
        done = subprocess.run(
            [*self.command, "-rx", command],
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            env=self.environment,
        )
        if check and done.returncode:
            raise AssertionError(f"{command}: exit status {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def manager(self) -> ManagerClient:
        """A client of the manager interface, logged in."""
        return ManagerClient("127.0.0.1", self.manager_port, "tester", "tested")

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def descriptors(self) -> list[str]:
        """What the process has open, as /proc tells it."""
        found = []
        for entry in Path(f"/proc/{self.pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                found.append(os.readlink(entry))
        return found

    def threads(self) -> int:
        """How many threads the process has."""
        return len(list(Path(f"/proc/{self.pid}/task").iterdir()))

    def log(self) -> str:
        """The full log so far."""
        path = self.root / "log/full.txt"
        return path.read_text(errors="replace") if path.exists() else ""

    def told(self) -> str:
        """The last of what it wrote and logged."""
        output = (self.root / "log/output").read_text(errors="replace")
        lines = [line for line in self.log().splitlines() if " loader.py: " not in line]
        return "\n".join([output[-3000:], *lines[-60:]])
