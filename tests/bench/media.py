#!/usr/bin/env python3
"""What media costs: transcoding, mixing, recording and playing, as CPU a leg; beside Asterisk where there is one.

    media.py [--seconds 4] [--calls 40] [--engine | --steps]

First the engine alone, in simulated time and without a network: microseconds of CPU that a leg takes for a second of
sound, and how many legs fill a core. Then, when CONFORMANCE_ROOT names a root with an Asterisk, both daemons one after
the other: what each says a conversion costs ("core show translation comp", the least of several answers), calls
between Local channels that play, record and confer, and conferences of SIP phones, by the CPU of the daemon. Ratios
count; seconds depend on the machine and its other work.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import struct
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(CHECKOUT / "host"), str(CHECKOUT / "tests"), str(Path(__file__).parent)]

import conference  # noqa: E402

from bench import PYTHON, namespace  # noqa: E402
from offhook.media import format_named  # noqa: E402
from offhook.media.simulated import SimulatedEngine  # noqa: E402
from support.far_end import TYPES, FarEnd, Rtp  # noqa: E402

PAIRS = ("ulaw", "alaw", "g722", "gsm", "g729", "speex16", "opus")
PARTIES = (3, 10, 50, 200)
STEPS = ("ulaw", "gsm", "g726", "adpcm", "lpc10", "speex8", "g722")
COMPARED = [
    ("ulaw", "alaw"),
    *(pair for name in STEPS for pair in ((name, "slin8"), ("slin8", name))),
    ("opus", "slin48"),
    ("slin48", "opus"),
]
"""Single steps: the peer measures no more. It times most of its decoders on zeros, which come cheap; so files are
converted as well."""
FILES = ("gsm", "g726-32", "g722")
ANSWERS = 5
LONG = 120
"""Seconds of the files."""

DIALPLAN = """\
[bench]
exten => play,1,Answer()
 same => n(again),Playback({folder}/tone)
 same => n,Goto(again)
exten => wait,1,Answer()
 same => n,Wait(600)
exten => record,1,Answer()
 same => n,Record({folder}/${{UNIQUEID}}.wav,0,600,qkx)
exten => room,1,Answer()
 same => n,ConfBridge(1)
"""
ROOM = "a party and second: conference of {}"
SCENES = {"playing": "wait", "playing and recording": "record", "playing into a conference": "room"}


def write_tone(path: Path, seconds: int = 10, peak: int = 6000) -> None:
    """A sound file of gliding tones."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        turn, samples = 0.0, []
        for index in range(seconds * 8000):
            turn += 2 * math.pi * (500 + 300 * math.sin(index / 4000)) / 8000
            samples.append(int(peak * math.sin(turn)))
        out.writeframes(struct.pack(f"<{len(samples)}h", *samples))


# ---- the engine alone -------------------------------------------------------------------------------------


class Bench:
    """An engine in simulated time, fed with packets whose making is not counted."""

    def __init__(self, seconds: float) -> None:
        self.engine = SimulatedEngine()
        self.engine.start()
        self.ticks = int(seconds * 100)
        self.payloads: dict[str, list[bytes]] = {}

    def coded(self, name: str) -> list[bytes]:
        """Half a second of sound in packets of 20 ms."""
        if name not in self.payloads:
            far = FarEnd(self.engine, name)
            far.leg.tones("!440+800/200,!0/100,!1200+2000/200,!300/500")
            packets: list[bytes] = []
            while len(packets) < 25:
                self.engine.advance(20)
                packets += [Rtp.parse(each.data).payload for each in self.engine.sent()]
            far.leg.close()
            self.engine.advance(20)
            self.payloads[name] = packets[:25]
        return self.payloads[name]

    def run(self, speaking: list[FarEnd], legs: int) -> float:
        """CPU microseconds a leg and second."""
        engine, lib = self.engine, self.engine.lib
        handle, total = engine._running(), 0
        clocks = {far: format_named(far.name).clock // 50 for far in speaking}
        for tick in range(-50, self.ticks):
            if tick % 2 == 0:
                for far in speaking:
                    packets = self.coded(far.name)
                    far.send(packets[tick // 2 % len(packets)], clocks[far])
            began = time.thread_time_ns()
            lib.engine_tick(handle, 1)
            took = time.thread_time_ns() - began
            total += took if tick >= 0 else 0
            if tick % 10 == 0:
                engine.deliver_events()
                engine.sent()
        return total / 1000 / legs / (self.ticks / 100)

    def end(self, legs: list[Any]) -> None:
        """Close what a measurement used."""
        for each in legs:
            each.close()
        self.engine.advance(50)
        self.engine.sent()

    def bridge(self, one: str, two: str, calls: int = 20) -> float:
        ends = [(FarEnd(self.engine, one), FarEnd(self.engine, two)) for _ in range(calls)]
        for a, b in ends:
            a.leg.connect(b.leg)
        everybody = [far for pair in ends for far in pair]
        self.engine.advance(20)
        cost = self.run(everybody, len(everybody))
        self.end([far.leg for far in everybody])
        return cost

    def confer(self, parties: int, speaking: int) -> float:
        ends = [FarEnd(self.engine, "ulaw") for _ in range(parties)]
        mixer = self.engine.mixer()
        for far in ends:
            mixer.add(far.leg)
        self.engine.advance(20)
        cost = self.run(ends[:speaking], parties)
        self.end([*(far.leg for far in ends), mixer])
        return cost

    def record(self, folder: Path, extension: str, legs: int = 20) -> float:
        ends = [FarEnd(self.engine, "ulaw") for _ in range(legs)]
        recordings = [far.leg.record(folder / f"{n}.{extension}", extension) for n, far in enumerate(ends)]
        self.engine.advance(20)
        cost = self.run(ends, legs)
        for each in recordings:
            each.stop()
        self.engine.advance(50)
        self.end([far.leg for far in ends])
        return cost

    def play(self, path: Path, codec: str = "ulaw", legs: int = 20) -> float:
        ends = [FarEnd(self.engine, codec) for _ in range(legs)]
        for far in ends:
            far.leg.play(path, loop=True)
        self.engine.advance(20)
        cost = self.run([], legs)
        self.end([far.leg for far in ends])
        return cost


def show(what: str, microseconds: float) -> None:
    """One line."""
    print(
        f"{what:44} {microseconds:9.0f} us a leg and second {1e6 / max(microseconds, 1):9.0f} legs to a core",
        flush=True,
    )


def measure_engine(seconds: float, folder: Path) -> None:
    """Every figure of the engine alone."""
    bench = Bench(seconds)
    known = [name for name in PAIRS if name in TYPES and bench.engine.can_decode(format_named(name))]
    show("relayed: ulaw - ulaw", bench.bridge("ulaw", "ulaw"))
    for name in known[1:]:
        show(f"transcoded: ulaw - {name}", bench.bridge("ulaw", name))
    for parties in PARTIES:
        speaking = min(parties, 3)
        show(f"conference of {parties}, {speaking} speaking", bench.confer(parties, speaking))
    show("conference of 50, all speaking", bench.confer(50, 50))
    for extension in ("wav", "gsm"):
        show(f"recording {extension}", bench.record(folder, extension))
    show("playing wav to ulaw", bench.play(folder / "tone.wav"))
    show("playing wav to g722", bench.play(folder / "tone.wav", "g722"))
    bench.engine.stop()


# ---- beside the peer --------------------------------------------------------------------------------------


class Daemon:
    """A PBX running in a network namespace of its own on a small configuration."""

    def __init__(self, program: list[str], folder: Path, modules: str, data: str) -> None:
        self.folder = folder
        etc = folder / "etc"
        for name in ("etc", "lib", "spool", "run", "log", "cache"):
            (folder / name).mkdir(parents=True)
        places = {"astetcdir": "etc", "astrundir": "run", "astlogdir": "log", "astcachedir": "cache"}
        places |= dict.fromkeys(("astvarlibdir", "astdbdir", "astkeydir"), "lib") | {"astspooldir": "spool"}
        lines = ["[directories]", f"astmoddir => {modules}", f"astdatadir => {data}"]
        lines += [f"{key} => {folder / where}" for key, where in places.items()]
        (etc / "asterisk.conf").write_text("\n".join(lines) + "\n")
        (etc / "extensions.conf").write_text(DIALPLAN.format(folder=folder.parent) + conference.DIALPLAN)
        (etc / "modules.conf").write_text("[modules]\nautoload=yes\n")
        (etc / "logger.conf").write_text("[general]\n[logfiles]\nmessages => warning,error\n")
        (etc / "confbridge.conf").write_text(conference.CONFBRIDGE)
        (etc / "pjsip.conf").write_text(conference.PJSIP)
        self.program = [*program, "-C", str(etc / "asterisk.conf")]
        command = namespace([*self.program, "-f", "-g", "-q", "-m", "-n"])
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and "Asterisk has fully booted" not in self.ask("core waitfullybooted"):
            time.sleep(0.5)

    def ask(self, command: str) -> str:
        """What a CLI command answers."""
        done = subprocess.run([*self.program, "-rx", command], capture_output=True, text=True, check=False, timeout=120)
        return done.stdout

    def cpu(self) -> float:
        """CPU seconds of the daemon, the processes around it included."""
        pids, total = [self.process.pid], 0.0
        for pid in pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            pids += [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return total

    def calls(self, exten: str, count: int, seconds: float) -> float | None:
        """Percent of a core that calls between a playing side and an extension take; None when they do not come up."""
        for _ in range(count):
            self.ask(f"channel originate Local/play@bench extension {exten}@bench")
        time.sleep(2)
        up = int((re.search(r"(\d+) active channel", self.ask("core show channels count")) or ["", "0"])[1])
        began, before = time.monotonic(), self.cpu()
        time.sleep(seconds)
        percent = 100 * (self.cpu() - before) / (time.monotonic() - began)
        self.ask("channel request hangup all")
        time.sleep(2)
        return percent if up >= 2 * count else None

    def convert(self, path: Path, seconds: int) -> float | None:
        """CPU us for a second of a file that becomes linear sound at 8 kHz, the least of several."""
        costs = []
        for _ in range(ANSWERS):
            before = self.cpu()
            if "Converted" in self.ask(f"file convert {path} {path.with_suffix('.sln')}"):
                costs.append((self.cpu() - before) * 1e6 / seconds)
        return min(costs, default=None)

    def stop(self) -> None:
        """End it."""
        self.ask("core stop now")
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def translation(self) -> dict[tuple[str, str], int]:
        """``core show translation comp`` as a table: of several answers the least, other work only adds."""
        found: dict[tuple[str, str], int] = {}
        for _ in range(ANSWERS):
            rows = [line.split() for line in self.ask("core show translation comp").splitlines()]
            header = next((row for row in rows if row[:1] == ["codec2"] or "ulaw" in row[:4]), [])
            for row in rows:
                if len(row) == len(header) + 1:
                    for target, cell in zip(header, row[1:], strict=True):
                        if cell.isdigit():
                            found[row[0], target] = min(int(cell), found.get((row[0], target), int(cell)))
        return found


def write_files(folder: Path) -> None:
    """A sound in each of the formats that are converted."""
    write_tone(folder / "long.wav", LONG)
    engine = SimulatedEngine()
    engine.start()
    for each in FILES:
        engine.convert(folder / "long.wav", folder / f"long.{each}", each)
    engine.stop()


def compare(root: Path, calls: int, seconds: float, folder: Path, scenes: dict[str, str]) -> None:
    """Both daemons, one after the other."""
    data = folder / "data"
    write_files(folder)
    subprocess.run([str(PYTHON), str(CHECKOUT / "host/tools/prompts.py"), str(data)], check=True)
    os.environ["PYTHONPATH"] = str(CHECKOUT / "host")
    inside = [str(Path(__file__).with_name("in_root.sh")), str(root / "chroot"), "asterisk"]
    modules = "/usr/lib/x86_64-linux-gnu/asterisk/modules"
    makers: dict[str, Callable[[], Daemon]] = {
        "offhook": lambda: Daemon([str(PYTHON), "-m", "offhook"], folder / "offhook", str(folder), str(data)),
        "peer": lambda: Daemon(inside, folder / "peer", modules, "/usr/share/asterisk"),
    }
    tables, figures, files = {}, {}, {}
    for name, make in makers.items():
        daemon = make()
        try:
            tables[name] = daemon.translation()
            files[name] = [daemon.convert(folder / f"long.{each}", LONG) for each in FILES]
            idle = (daemon.calls("wait", 0, seconds) or 0.0) if scenes else 0.0
            figures[name] = {}
            for what, exten in scenes.items():
                percent = daemon.calls(exten, calls, seconds)
                figures[name][what] = None if percent is None else (percent - idle) * 1e4 / calls
            for parties in PARTIES if scenes else ():
                percent = conference.confer(daemon, PYTHON, parties, seconds, folder, idle)
                figures[name][ROOM.format(parties)] = None if percent is None else percent * 1e4
        finally:
            daemon.stop()
    print(f"\n{'us of CPU':44} {'Offhook':>9} {'peer':>9} {'ratio':>7}")
    for pair in COMPARED:
        row(f"a second converted: {pair[0]} to {pair[1]}", tables["offhook"].get(pair), tables["peer"].get(pair))
    for each, ours, theirs in zip(FILES, files["offhook"], files["peer"], strict=True):
        row(f"a second of a file converted: {each} to slin8", ours, theirs)
    for what in scenes:
        row(f"a call and second: {what}", figures["offhook"][what], figures["peer"][what])
    for parties in PARTIES if scenes else ():
        what = ROOM.format(parties)
        row(what, figures["offhook"][what], figures["peer"][what])


def row(what: str, ours: float | None, theirs: float | None) -> None:
    """One line of two figures and their ratio."""
    cells = [f"{figure:9.0f}" if figure is not None else f"{'-':>9}" for figure in (ours, theirs)]
    ratio = f"{ours / theirs:7.3f}" if ours is not None and theirs else f"{'-':>7}"
    print(f"{what:44} {cells[0]} {cells[1]} {ratio}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4.0, help="of sound for each figure")
    parser.add_argument("--calls", type=int, default=40, help="calls beside the peer")
    parser.add_argument("--engine", action="store_true", help="the engine alone")
    parser.add_argument("--steps", action="store_true", help="what conversions cost, and nothing else")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-media-") as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)
        write_tone(folder / "tone.wav")
        write_tone(folder / "silence.wav", peak=0)
        if not options.steps:
            measure_engine(options.seconds, folder)
        root = os.environ.get("CONFORMANCE_ROOT", "")
        if root and not options.engine:
            compare(Path(root), options.calls, max(options.seconds, 5.0), folder, {} if options.steps else SCENES)


if __name__ == "__main__":
    main()
