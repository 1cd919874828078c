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
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
sys.path[:0] = [str(TESTS.parent / "host"), str(TESTS.parent / "kernel-shims"), str(TESTS)]

from line_legs import KINDS, LINES, STEPS_A_TICK  # noqa: E402

from support.daemon import Daemon  # noqa: E402
from support.line_story import Office, StoryLoop  # noqa: E402


def instructions(kind: str, ticks: int) -> int:
    """Of the engine's ticks alone, in a process of its own."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=engine_tick"]
    done = subprocess.run(
        [*command, sys.executable, str(HERE / "line_legs.py"), kind, str(ticks)],
        check=True,
        capture_output=True,
        text=True,
    )
    found = re.search(r"Collected : (\d+)", done.stderr)
    if found is None:
        raise SystemExit(f"callgrind told no count: {done.stderr}")
    return int(found[1])


def cost(short: bool) -> None:
    """Instructions of a leg in a step of 8 samples, by the difference of two runs."""
    if shutil.which("valgrind") is None:
        print("\nNo cost of a leg: valgrind is not installed (apt-get install valgrind)")
        return
    few, many = (10, 20) if short else (200, 300)
    state = "while the echo is still unknown" if short else "settled"
    print(f"\nInstructions a leg and step of 8 samples (1 ms), {state}, {LINES} legs, by callgrind", flush=True)
    for kind in list(KINDS)[1:2] if short else KINDS:
        counted = (instructions(kind, many) - instructions(kind, few)) / ((many - few) * STEPS_A_TICK * LINES)
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
    options = parser.parse_args()
    if "cost" in options.only:
        cost(options.short)
    if "channels" in options.only:
        in_story(show_channels, options.short)
    if "memory" in options.only:
        memory(options.short)
    return 0


if __name__ == "__main__":
    sys.exit(main())
