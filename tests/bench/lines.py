"""What lines cost: instructions of a leg, ``dahdi show channels`` with 120 channels, memory with two E1s.

A line leg is measured as a whole, both ways: read, echo cancelled, gains, bridge, encoded, sent; and received, played
out, decoded, written. The engine runs in simulated time on sockets of a simulated span, so nothing depends on the
machine's speed but the time that the table of channels takes::

    tests/bench/lines.py [--short] [--only cost,channels,memory]

``--short`` checks that everything is measured, on fewer steps; no figure fails it.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent / "host"), str(TESTS.parent / "kernel-shims"), str(TESTS)]

from offhook.media import RtpLeg, format_named  # noqa: E402
from offhook.media.simulated import SimulatedEngine  # noqa: E402
from support.daemon import Daemon  # noqa: E402
from support.line_story import Office, StoryLoop  # noqa: E402

LINES = 8
"""Legs at once: two groups of four lanes of the canceller."""
STEPS_A_TICK = 10
"""Steps of 8 samples, 1 ms, in a tick of the engine."""
BLOCK = 80
TAIL_MS = 32
KINDS = {
    "line and RTP, ulaw, no echo": ("ulaw", 0),
    f"line and RTP, ulaw, {TAIL_MS} ms echo": ("ulaw", TAIL_MS),
    f"line and RTP, alaw, {TAIL_MS} ms echo": ("alaw", TAIL_MS),
    f"line and RTP, G.722, {TAIL_MS} ms echo": ("g722", TAIL_MS),
    f"line and line, {TAIL_MS} ms echo each": ("line", TAIL_MS),
}
TYPES = {"ulaw": 0, "alaw": 8, "g722": 9}
FAR = ("192.0.2.1", 4000)


class Far:
    """The far end of a line: speech-like sound towards it, and a part of what it says comes back."""

    def __init__(self) -> None:
        self.own, self.line = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        for end in (self.own, self.line):
            end.setblocking(False)
        self._phase = 0

    def step(self) -> None:
        """10 ms: what the line says is taken, and said back at a quarter of its level beside a voice."""
        try:
            said = self.own.recv(BLOCK)
        except BlockingIOError:
            said = b""
        voice = bytearray(said.ljust(BLOCK, b"\xff"))
        for index in range(0, BLOCK, 8):
            self._phase += 1
            voice[index] = 0x90 | (int(8 + 7 * math.sin(self._phase / 5)) & 0x0F)
        try:
            self.own.send(voice)
        except BlockingIOError:
            return

    def close(self) -> None:
        """Both ends."""
        self.own.close()
        self.line.close()


def run_legs(kind: str, ticks: int) -> None:
    """Talk on legs of a kind for so many ticks; what the engine does is counted by callgrind around this process."""
    name, echo_ms = KINDS[kind]
    engine = SimulatedEngine()
    engine.start()
    fars = [Far() for _ in range(LINES)]
    legs = [engine.line_leg(far.line.fileno(), "ulaw", block=BLOCK, ahead=3, echo_ms=echo_ms) for far in fars]
    others: list[RtpLeg] = []
    for index, leg in enumerate(legs):
        if name == "line":
            if index % 2:
                leg.connect(legs[index - 1])
            continue
        other = engine.rtp_leg("127.0.0.1")
        wanted = format_named(name)
        other.set_codecs({TYPES[name]: wanted}, (TYPES[name], wanted), (101, 8000))
        other.set_remote(*FAR)
        leg.connect(other)
        others.append(other)
    payload = bytes((index * 37) & 0xFF for index in range(160))
    for tick in range(ticks):
        for far in fars:
            far.step()
        if not tick % 2:
            for other in others:
                head = bytes([0x80, TYPES[name]]) + (tick // 2 + 1).to_bytes(2, "big") + (tick * 80).to_bytes(4, "big")
                engine.inject(other.local_port, FAR, head + b"\0\0\0\1" + payload)
        engine.advance()
        engine.sent()
    for each in (*legs, *others):
        each.close()
    engine.stop()
    for far in fars:
        far.close()


def instructions(kind: str, ticks: int) -> int:
    """Of the engine's ticks alone, in a process of its own."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=engine_tick"]
    done = subprocess.run(
        [*command, sys.executable, __file__, "--leg", kind, "--ticks", str(ticks)],
        check=True,
        capture_output=True,
        text=True,
    )
    found = re.search(r"Collected : (\d+)", done.stderr)
    if found is None:
        raise SystemExit(f"callgrind told no count: {done.stderr}")
    return int(found[1])


def cost(short: bool) -> None:
    """Instructions of a leg in a step of 8 samples."""
    if shutil.which("valgrind") is None:
        print("\nNo cost of a leg: valgrind is not installed (apt-get install valgrind)")
        return
    ticks = 20 if short else 200
    print(f"\nInstructions a leg and step of 8 samples (1 ms), {LINES} legs, callgrind on this machine", flush=True)
    for kind in list(KINDS)[1:2] if short else KINDS:
        counted = instructions(kind, ticks) / (ticks * STEPS_A_TICK * LINES)
        said = f"{counted:8.0f}   {counted / 8:6.0f} a sample, {counted / 1000:5.2f} MIPS a leg"
        print(f"  {kind:<36} {said}", flush=True)
        if counted <= 0:
            raise SystemExit(f"{kind}: nothing was counted")


E1S = """
[channels]
switchtype = euroisdn
signalling = pri_cpe
context = from-trunk
group = 1
{channels}
"""


def e1_channels(count: int, first: int = 1) -> list[str]:
    """Lists of the B channels of so many E1 spans."""
    return [
        f"{first + 31 * at}-{first + 31 * at + 14},{first + 31 * at + 16}-{first + 31 * at + 30}" for at in range(count)
    ]


async def show_channels(short: bool) -> None:
    """The table of 120 channels: that it is whole, and how long it takes to make."""
    with tempfile.TemporaryDirectory() as folder:
        office = Office(Path(folder))
        for at in range(4):
            first = 1 + 31 * at
            kinds = {number: "hdlcfcs" if number == first + 15 else "clear" for number in range(first, first + 31)}
            office.system.add_span(kinds, "alaw")
        lists = "\n".join(f"channel => {found}" for found in e1_channels(4))
        await office.begin(E1S.format(channels=lists), "[from-trunk]\n")
        times = []
        for _ in range(3 if short else 50):
            began = time.perf_counter()
            table = await office.cli("dahdi show channels")
            times.append(time.perf_counter() - began)
        await office.stop()
    numbers = [line.split()[0] for line in table[2:]]
    wanted = [str(n) for n in range(1, 125) if (n - 1) % 31 != 15]
    if (
        len(table) != 122
        or numbers != wanted
        or not all("ISDN PRI" in line and "from-trunk" in line for line in table[2:])
    ):
        raise SystemExit(f"the table is not whole: {len(table)} lines")
    print(
        f"\ndahdi show channels, 120 channels: {len(table)} lines in {min(times) * 1000:.1f} ms (least of {len(times)})"
    )


def in_story(work: Callable[[bool], object], short: bool) -> None:
    """Run in a loop whose time a story moves."""
    loop = StoryLoop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(work(short))  # type: ignore[arg-type]
    loop.close()


def memory(short: bool) -> None:
    """The daemon with two E1s (60 B channels, 2 D channels) on simulated spans, and without lines."""
    spans = "dynamic=sim,one,31,0\ndynamic=sim,two,31,0\n"
    channels = "bchan=1-15,17-31,32-46,48-62\ndchan=16,47\n"
    lists = "\n".join(f"channel => {found}" for found in e1_channels(2))
    with_lines = {
        "dahdi/system.conf": spans + channels,
        "chan_dahdi.conf": E1S.format(channels=lists),
    }
    found = {}
    for name, files in (("none", {}), ("two E1s", with_lines)):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "etc/dahdi").mkdir(parents=True)
            with Daemon(root, files) as daemon:
                time.sleep(0.2 if short else 3)
                shown = daemon.cli("dahdi show channels", check=False) if files else ""
                if files and shown.count("ISDN PRI") != 60:
                    raise SystemExit(f"there are not 60 channels:\n{shown}{daemon.told()}")
                rollup = Path(f"/proc/{daemon.pid}/smaps_rollup").read_text()
                sizes = {key: int(value) for key, value in re.findall(r"^(\w+): +(\d+) kB", rollup, re.MULTILINE)}
                found[name] = sizes["Rss"], sizes["Private_Dirty"]
    print("\nMemory of the daemon (kB resident, private)")
    for name, (resident, private) in found.items():
        print(f"  {name:<10} {resident:8d} {private:8d}")
    rise = [after - before for before, after in zip(found["none"], found["two E1s"], strict=True)]
    print(f"  {'rise':<10} {rise[0]:8d} {rise[1]:8d}   ({rise[1] / 60:.0f} kB a B channel)")


def main() -> int:
    """See the text of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--only", default="cost,channels,memory")
    parser.add_argument("--leg", help=argparse.SUPPRESS)
    parser.add_argument("--ticks", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.leg:
        run_legs(options.leg, options.ticks)
        return 0
    if "cost" in options.only:
        cost(options.short)
    if "channels" in options.only:
        in_story(show_channels, options.short)
    if "memory" in options.only:
        memory(options.short)
    return 0


if __name__ == "__main__":
    sys.exit(main())
