"""CPU, memory and descriptors of bridged calls in the media engine, without signalling.

One process holds the engine under test with two RTP legs a call, connected; another plays tones to every leg and takes
what comes back. Prints one line a socket mode and kind of call; with ``--check`` the exit code tells whether the
budgets of the design hold (100 G.711 calls: 8 % of a core; no descriptor a call when steered)::

    tests/bench/media_legs.py [--calls 100] [--seconds 10] [--modes steer,pool,leg] [--check]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HOST = Path(__file__).resolve().parents[2] / "host"
sys.path.insert(0, str(HOST))

from offhook.media import Engine, EngineError, RtpLeg, Settings, format_named  # noqa: E402

KINDS = {
    "relay ulaw": ("ulaw", "ulaw"),
    "ulaw-alaw": ("ulaw", "alaw"),
    "ulaw-g722": ("ulaw", "g722"),
}
TYPES = {"ulaw": 0, "alaw": 8, "g722": 9}
ADDRESS = "127.0.0.1"
BUDGET_PERCENT = 8.0


def aim(leg: RtpLeg, name: str, port: int) -> None:
    """Let a leg speak a format with the other process's port."""
    number, wanted = TYPES[name], format_named(name)
    leg.set_codecs({number: wanted}, (number, wanted), (101, 8000))
    leg.set_remote(ADDRESS, port)


def resident() -> int:
    """Resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def descriptors() -> int:
    """Open descriptors of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def generate() -> None:
    """The other process: told formats and ports as one line, answers with its own, plays until its input ends."""
    engine = Engine(settings=Settings(socket_mode="leg", port_low=30000, port_high=39998, rtcp_interval=5.0))
    engine.start()
    wanted = json.loads(sys.stdin.readline())
    legs = [engine.rtp_leg(ADDRESS) for _ in wanted]
    print(json.dumps([leg.local_port for leg in legs]), flush=True)
    for leg, (name, port) in zip(legs, wanted, strict=True):
        aim(leg, name, port)
        leg.tones("440+480")
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps([leg.stats().rx_packets for leg in legs]), flush=True)
    engine.stop()


def start_other() -> subprocess.Popen[str]:
    """The process that speaks."""
    command = [sys.executable, __file__, "--generate"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


async def measure(mode: str, formats: tuple[str, str], calls: int, seconds: float) -> dict[str, Any]:
    """Bridge that many calls in a mode and measure."""
    engine = Engine(settings=Settings(socket_mode=mode, port_low=20000, port_high=29998))  # type: ignore[arg-type]
    engine.start()
    other = start_other()
    assert other.stdin is not None and other.stdout is not None
    try:
        await asyncio.sleep(0.2)
        before, memory = descriptors(), resident()
        legs = [engine.rtp_leg(ADDRESS) for _ in range(2 * calls)]
        names = [formats[index % 2] for index in range(2 * calls)]
        other.stdin.write(json.dumps([(n, leg.local_port) for n, leg in zip(names, legs, strict=True)]) + "\n")
        other.stdin.flush()
        ports = json.loads(await asyncio.to_thread(other.stdout.readline))
        for leg, name, port in zip(legs, names, ports, strict=True):
            aim(leg, name, port)
        for index in range(0, len(legs), 2):
            legs[index].connect(legs[index + 1])
        await asyncio.sleep(1.5)
        first, began = engine.figures(), time.monotonic()
        await asyncio.sleep(seconds)
        last, took = engine.figures(), time.monotonic() - began
        result = {
            "mode": last.mode,
            "percent": 100 * (last.cpu_seconds - first.cpu_seconds) / took,
            "in": (last.packets_in - first.packets_in) / took,
            "out": (last.packets_out - first.packets_out) / took,
            "late": last.late_ticks - first.late_ticks,
            "descriptors": (descriptors() - before) / calls,
            "memory": (resident() - memory) / calls,
            "relayed": sum(bool(leg.figures()["relayed"]) for leg in legs),
        }
        other.stdin.close()
        result["delivered"] = sum(json.loads(await asyncio.to_thread(other.stdout.readline)))
        return result
    finally:
        other.stdin.close()
        other.wait(5)
        engine.stop()


def show(kind: str, calls: int, r: dict[str, Any]) -> None:
    """One line."""
    print(
        f"{r['mode']:6} {kind:10} {calls} calls: {r['percent']:5.1f} % of a core, {r['in']:6.0f} packets/s in, "
        f"{r['out']:6.0f} out, {r['late']} ticks late, {r['descriptors']:.2f} descriptors and "
        f"{r['memory'] / 1024:.1f} kB a call, {r['relayed']} legs relayed"
    )


def main() -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--modes", default="steer,pool,leg")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--generate", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.generate:
        asyncio.run(generate())
        return 0
    failed = 0
    for mode in options.modes.split(","):
        for kind in options.kinds.split(","):
            try:
                result = asyncio.run(measure(mode, KINDS[kind], options.calls, options.seconds))
            except EngineError as error:
                print(f"{mode:6} not possible here: {error}")
                break
            show(kind, options.calls, result)
            over = kind == "relay ulaw" and result["percent"] * 100 / options.calls > BUDGET_PERCENT
            failed += over or (result["mode"] == "steer" and result["descriptors"] > 0)
    return int(options.check and failed > 0)


if __name__ == "__main__":
    sys.exit(main())
