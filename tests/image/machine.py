"""A box in QEMU: its card, its serial console, its power."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from cross import boards, chroot, extract, image, tools

MEMORY = "1024"
BOARD = "qemu-virt"
MIB = 1 << 20
CONSOLE_S = 400.0
"""Wall time for what takes a second on a board: an emulated processor on a busy machine."""


class Console:
    """What comes over the serial port, and what is typed there."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        assert process.stdout is not None and process.stdin is not None
        self.process, self.reads, self.writes = process, process.stdout.fileno(), process.stdin.fileno()
        self.log = log.open("ab")
        self.heard = ""
        self.began = time.monotonic()
        os.set_blocking(self.reads, False)

    def expect(self, *patterns: str, seconds: float = CONSOLE_S) -> re.Match[str]:
        """Wait until one of the patterns comes; everything up to its end counts as read."""
        deadline = time.monotonic() + seconds
        while True:
            found = [match for pattern in patterns if (match := re.search(pattern, self.heard))]
            if found:
                first = min(found, key=lambda match: match.start())
                self.heard = self.heard[first.end() :]
                return first
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.reads], [], [], left)[0]:
                raise AssertionError(f"{' or '.join(patterns)} did not come; the last was:\n{self.heard[-3000:]}")
            data = os.read(self.reads, 65536)
            if not data:
                raise AssertionError(f"the machine ended; the last was:\n{self.heard[-3000:]}")
            self.log.write(data)
            self.log.flush()
            self.heard += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", data.decode(errors="replace")).replace("\r", "")

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self.writes, line.encode() + b"\n")

    def elapsed(self) -> float:
        """Seconds since power on."""
        return time.monotonic() - self.began


class Machine:
    """A board with its card. ``forward`` maps ports of this machine to the box's: {5060: ("udp", 5060)}."""

    def __init__(self, folder: Path, card: Path, size: int = 4096 * MIB) -> None:
        self.folder = folder
        self.card = folder / "card.img"
        self.process: subprocess.Popen[bytes] | None = None
        if not self.card.exists():
            subprocess.run(["cp", "--sparse=always", "--reflink=auto", str(card), str(self.card)], check=True)
            os.truncate(self.card, size)

    def power_on(self, forward: dict[int, tuple[str, int]] | None = None, cores: int = 2) -> Console:
        """Start it from nothing."""
        board = boards.load(BOARD)
        loader = extract.extracted(f"boot-{board.key}", board.packages) / "usr/lib/u-boot" / board.u_boot
        shutil.copy(loader, self.folder / "u-boot.bin")
        ports = "".join(f",hostfwd={kind}:127.0.0.1:{here}-:{there}" for here, (kind, there) in (forward or {}).items())
        command = [
            *("qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72", "-smp", str(cores), "-m", MEMORY),
            *("-nographic", "-monitor", "none", "-serial", "stdio", "-bios", "/box/u-boot.bin"),
            *("-drive", "if=none,id=card,format=raw,file=/box/card.img,cache=writethrough"),
            *("-device", "virtio-blk-device,drive=card", "-device", "virtio-rng-device"),
            *("-netdev", f"user,id=net{ports}", "-device", "virtio-net-device,netdev=net"),
        ]
        self.process = subprocess.Popen(
            chroot.command(tools.tree(), command, {"box": self.folder}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sys.stderr,
            start_new_session=True,
        )
        return Console(self.process, self.folder / "console.log")

    def cut_power(self) -> None:
        """Take the power away, whatever it is doing."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    # ---- the card in a reader ---------------------------------------------------------------------------

    def put_on_boot(self, name: str, text: str) -> None:
        """Write a file on the boot partition of the card while the box is off."""
        source = self.folder / "put"
        source.write_text(text)
        self._mtools("mcopy", "-o", "/box/put", f"::/{name}")

    def boot_file(self, name: str) -> str | None:
        """A file of the boot partition, None when it is not there."""
        listing = self._mtools("mdir", "-b")
        return self._mtools("mtype", f"::/{name}") if f"::/{name}" in listing.split() else None

    def _mtools(self, program: str, *words: str) -> str:
        where = f"/box/card.img@@{image.BOOT[0]}"
        return chroot.run(tools.with_image_tools(), [program, "-i", where, *words], {"box": self.folder})
