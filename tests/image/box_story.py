"""A box that was provisioned and is talked to: at its serial console, over SSH, by the manager interface."""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from image_machine import BOARD, Console, Machine

from cross import boards, chroot, image, tools

PASSWORD = "open sesame"
PROVISION = f"""\
format = 1
[box]
hostname = "test-box"
timezone = "Europe/Berlin"
country = "de"
console_password = "{PASSWORD}"
[[account]]
number = "100"
name = "Reception"
password = "a phone's secret"
[[account]]
number = "101"
"""
PROMPT = "offhook> "
ANSWER_S = 240.0
"""Wall time for an answer of a box that is emulated on a busy machine."""


@dataclass
class Box:
    """The machine of the story and what was seen so far."""

    machine: Machine
    card: Path
    system: Path
    """The root file system that the card began with."""
    sip: int
    ssh: int
    manager: int
    """Ports of this machine that lead to the box's."""
    console: Console | None = None
    timeline: list[tuple[str, float]] = field(default_factory=list)

    def start(self, *, login: bool = True, clock: str = "utc") -> Console:
        """Power on, and log in when the exchange is ready."""
        forward = {self.sip: ("udp", 5060), self.ssh: ("tcp", 22), self.manager: ("tcp", 5038)}
        self.console = console = self.machine.power_on(forward, clock=clock)
        if login:
            self.until_ready()
            self.log_in()
        return console

    def until_ready(self) -> None:
        """Wait until calls can be made."""
        assert self.console is not None
        self.console.expect("starting slot")
        self.until_up()

    def until_up(self) -> None:
        """The same when the kernel was chosen already."""
        assert self.console is not None
        self.console.expect("ready: calls can be made")

    def tell_timeline(self) -> None:
        """Print what was seen of starts so far."""
        print("\nBoot, seconds of wall time since power on:")
        for what, seconds in self.timeline:
            print(f"  {seconds:7.1f}  {what}")

    def provisioning(self) -> str:
        """What provision.toml says, with the key of this box's diagnostics login."""
        key = (self.machine.folder / "key.pub").read_text().strip()
        return f'{PROVISION}[ssh]\nkeys = ["{key}"]\n'

    def provision(self, *, off: bool = True) -> None:
        """The first start of a new box; the power is off again when it is done, unless it is to stay on."""
        self.machine.put_on_boot("provision.toml", self.provisioning())
        console = self.start(login=False)
        console.expect("provision.toml was used")
        console.expect("ready: calls can be made")
        if off:
            self.console = None
            self.machine.cut_power()

    def log_in(self) -> None:
        """Give the password until the prompt comes."""
        assert self.console is not None
        self.console.type("")
        self.console.expect("Password: ")
        self.console.type(PASSWORD)
        self.console.expect(PROMPT)

    def ssh_options(self) -> list[str]:
        """Words of ssh that reach this box with its key."""
        options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
        return [*options, "-o", "ConnectTimeout=60", "-i", "/box/key", "-S", "/box/mux", "-p", str(self.ssh)]

    def ssh_command(self, *words: str) -> list[str]:
        """The command line of a login of diagnostics; the last word is what is asked for."""
        command = ["ssh", *self.ssh_options(), *words[:-1], "diag@127.0.0.1", *words[-1:]]
        return chroot.command(tools.with_image_tools(), command, {"box": self.machine.folder})

    def run_ssh(self, *words: str) -> None:
        """Run ssh itself. Raises CalledProcessError."""
        command = ["ssh", *words, "diag@127.0.0.1"]
        subprocess.run(
            chroot.command(tools.with_image_tools(), command, {"box": self.machine.folder}),
            stdin=subprocess.DEVNULL,
            timeout=ANSWER_S,
            check=True,
        )

    @contextlib.contextmanager
    def connected(self) -> Iterator[None]:
        """Keep one connection for all logins meanwhile: each takes seconds else."""
        command = ["ssh", *self.ssh_options(), "-M", "-N", "diag@127.0.0.1"]
        words = chroot.command(tools.with_image_tools(), command, {"box": self.machine.folder})
        master = subprocess.Popen(words, stdin=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + ANSWER_S
            while not (self.machine.folder / "mux").exists():
                assert master.poll() is None and time.monotonic() < deadline, "there is no connection"
                time.sleep(0.2)
            yield
        finally:
            master.kill()
            master.wait()
            (self.machine.folder / "mux").unlink(missing_ok=True)

    def diagnose(self, *words: str) -> tuple[int, str]:
        """What the login of diagnostics does with these words, and its exit status."""
        done = subprocess.run(
            self.ssh_command(*words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=ANSWER_S,
            check=False,
        )
        return done.returncode, done.stdout.decode(errors="replace")

    def fetch(self, word: str) -> bytes:
        """The file that a verb answers with."""
        command = self.ssh_command(word)
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=ANSWER_S, check=False)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout

    def ask(self, line: str, seconds: float = ANSWER_S) -> str:
        """What the console answers to a line."""
        assert self.console is not None
        self.console.heard = ""
        self.console.type(line)
        told = ""
        while True:
            found = self.console.expect(PROMPT, r"-- \d+ more; Enter, or q --", seconds=seconds)
            told += found.string[: found.start()]
            if found[0] == PROMPT:
                return told.partition("\n")[2]
            self.console.type("")


def free_port(kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def new_box(size: int = image.TOTAL) -> Iterator[Box]:
    """A box with a new card of a size; its console stays in build/image/qemu-virt, in a file of its own."""
    board = boards.load(BOARD)
    system = image.parts(board) / "rootfs.ext4"
    card = image.image(board, compress=False)
    folder = Path(tempfile.mkdtemp(prefix="box-"))
    machine = Machine(folder, card, size)
    story = Box(machine, card, system, *(free_port(), *(free_port(socket.SOCK_STREAM) for _ in range(2))))
    chroot.run(
        tools.with_image_tools(), ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/box/key"], {"box": folder}
    )
    try:
        yield story
    finally:
        machine.cut_power()
        told = folder / "console.log"
        if told.exists():
            kept = card.with_name(f"console-{time.strftime('%H%M%S')}-{os.getpid()}.log")
            shutil.copy(told, kept)
            print(f"\nthe console: {kept}")
        shutil.rmtree(folder)


@contextlib.contextmanager
def served(folder: Path) -> Iterator[int]:
    """A web server of a folder on loopback; its port."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()
