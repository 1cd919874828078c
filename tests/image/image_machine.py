"""A box in QEMU: its card, its serial console, its power."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from cross import boards, chroot, extract, image, tools

MEMORY = "1024"
BOARD = "qemu-virt"
MIB = 1 << 20
CONSOLE_S = 900.0
"""For what takes a second on a board: an emulated processor. Time that it waited for a real one does not count."""


def starved(group: int) -> float:
    """Seconds that a process group's threads were ready and got no processor: those of the one that waited longest."""
    waited = [0.0]
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[2]) != group:
                continue
            waited += [int(path.read_text().split()[1]) / 1e9 for path in stat.parent.glob("task/*/schedstat")]
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
    return max(waited)


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
        began, kept_waiting = time.monotonic(), starved(self.process.pid)
        while True:
            found = [match for pattern in patterns if (match := re.search(pattern, self.heard))]
            if found:
                first = min(found, key=lambda match: match.start())
                self.heard = self.heard[first.end() :]
                return first
            left = began + seconds - time.monotonic()
            if left <= 0:
                left += starved(self.process.pid) - kept_waiting
            if left > 0 and not select.select([self.reads], [], [], left)[0]:
                continue
            if left <= 0:
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
        self._command: list[str] | None = None
        if not self.card.exists():
            subprocess.run(["cp", "--sparse=always", "--reflink=auto", str(card), str(self.card)], check=True)
            os.truncate(self.card, size)

    def power_on(
        self, forward: dict[int, tuple[str, int]] | None = None, cores: int = 2, clock: str = "utc"
    ) -> Console:
        """Start it from nothing. ``clock`` is what the board's clock says then: "utc" or a moment."""
        board = boards.load(BOARD)
        loader = extract.extracted(f"boot-{board.key}", board.packages) / "usr/lib/u-boot" / board.u_boot
        shutil.copy(loader, self.folder / "u-boot.bin")
        ports = "".join(f",hostfwd={kind}:127.0.0.1:{here}-:{there}" for here, (kind, there) in (forward or {}).items())
        self._command = [
            *("qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72", "-smp", str(cores), "-m", MEMORY),
            *("-nographic", "-monitor", "unix:/box/monitor,server=on,wait=off", "-serial", "stdio"),
            *("-bios", "/box/u-boot.bin", "-rtc", f"base={clock}"),
            *("-drive", "if=none,id=card,format=raw,file=/box/card.img,cache=writeback"),
            *("-device", "virtio-blk-device,drive=card", "-device", "virtio-rng-device"),
            *("-netdev", f"user,id=net{ports}", "-device", "virtio-net-device,netdev=net"),
        ]
        return self._start(self._command)

    def _start(self, command: list[str]) -> Console:
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

    def forward(self, kind: str, port: int) -> None:
        """Reach one more port of the box at the same port of this machine."""
        self.monitor(f"hostfwd_add net {kind}:127.0.0.1:{port}-:{port}")

    def monitor(self, command: str, seconds: float = 20) -> str:
        """What QEMU's monitor answers to a command."""
        told = b""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as monitor:
            monitor.connect(str(self.folder / "monitor"))
            monitor.settimeout(seconds)
            for line in (b"", f"{command}\n".encode()):
                monitor.sendall(line)
                told = b""
                while not told.endswith(b"(qemu) "):
                    told += monitor.recv(4096)
        return told.decode(errors="replace")

    def freeze(self) -> None:
        """Keep the running machine as it is now, memory and card, and take its power away."""
        self.monitor("stop")
        self.monitor("migrate exec:cat>/box/memory", CONSOLE_S)
        assert "completed" in self.monitor("info migrate")
        self.cut_power()
        self.card.rename(self.folder / "frozen.img")

    def thaw(self) -> Console:
        """Go on with the machine that was kept, as often as wanted."""
        frozen = self.folder / "frozen.img"
        subprocess.run(["cp", "--sparse=always", "--reflink=auto", str(frozen), str(self.card)], check=True)
        assert self._command is not None
        (self.folder / "monitor").unlink(missing_ok=True)
        console = self._start([*self._command, "-incoming", "exec:cat /box/memory"])
        deadline = time.monotonic() + CONSOLE_S
        # It was stopped when it was kept, and is so again once its memory is there.
        while "(inmigrate)" in (status := self._status()) or not status:
            assert time.monotonic() < deadline, "the machine that was kept does not go on"
            time.sleep(0.5)
        self.monitor("cont")
        return console

    def _status(self) -> str:
        try:
            return self.monitor("info status", CONSOLE_S)
        except (ConnectionError, FileNotFoundError):  # it listens in a moment
            return ""

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

    def data(self) -> Path:
        """The data partition's files, as the next start would find them: the journal is replayed on a copy."""
        script = f"""
dd if=/box/card.img of=/box/data.ext4 bs=1M skip={image.DATA[0] // MIB} conv=sparse status=none
e2fsck -p /box/data.ext4 > /box/e2fsck.log || [ $? = 1 ]
rm -rf /box/found; mkdir /box/found
for name in etc lib spool log system; do debugfs -R "rdump /$name /box/found" /box/data.ext4 2> /dev/null; done
rm /box/data.ext4
"""
        chroot.run(tools.with_image_tools(), script, {"box": self.folder})
        return self.folder / "found"

    def put_on_data(self, files: dict[str, str]) -> None:
        """Write files on the data partition of the card while the box is off; by path there."""
        self._put(image.DATA[0] // MIB, image.DATA[1] // MIB, files, {})

    def put_in_system(self, files: dict[str, str], links: dict[str, str]) -> None:
        """Write files and symbolic links into the system that starts next, system A."""
        self._put(image.SLOTS[0][0] // MIB, image.SYSTEM // MIB, files, links)

    def _put(self, start: int, size: int, files: dict[str, str], links: dict[str, str]) -> None:
        folders = {str(parent) for path in (*files, *links) for parent in Path(path).parents} - {"/"}
        orders = "".join(f"mkdir {path}\n" for path in sorted(folders))
        for number, (path, text) in enumerate(files.items()):
            (self.folder / f"put{number}").write_text(text)
            orders += f"rm {path}\nwrite /box/put{number} {path}\n"
        orders += "".join(f"symlink {path} {target}\n" for path, target in links.items())
        (self.folder / "orders").write_text(orders)
        script = f"""
dd if=/box/card.img of=/box/part.ext4 bs=1M skip={start} count={size} conv=sparse status=none
e2fsck -p /box/part.ext4 > /box/e2fsck.log || [ $? = 1 ]
debugfs -w -f /box/orders /box/part.ext4 2>&1
dd if=/box/part.ext4 of=/box/card.img bs=1M seek={start} conv=notrunc status=none
rm /box/part.ext4
"""
        told = chroot.run(tools.with_image_tools(), script, {"box": self.folder})
        assert told.count("Allocated inode") == len(files), told
