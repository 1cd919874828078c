#!/usr/bin/env python3
"""Put the same load on Offhook and on the peer, one after the other, and print figures and ratios.

    bench.py [--only offhook|peer] [--rounds 1] [-- ARGUMENTS OF THE LOAD...]

The load is bench/bench.py of the folder that SHARED names: the same configuration, calls and steps for every PBX that
reads Asterisk's configuration. The peer is the Asterisk in the root that CONFORMANCE_ROOT names; without that,
Offhook runs alone. Each run has a network namespace of its own (root needed). Ratios count: seconds depend on the
machine and on what else it does.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
PYTHON = CHECKOUT / ".venv/bin/python"

FIGURES = (
    ("from start to answering SIP, s", ("sip_ready_s",), 1.0),
    ("memory idle, MB", ("idle", "pss_mb"), 45),
    ("descriptors idle", ("idle", "fds"), None),
    ("threads idle", ("idle", "threads"), None),
    ("descriptors a call", ("media", "fds_per_call"), 0.1),
    ("threads a call", ("media", "threads_per_call"), 0),
    ("memory a call, kB", ("media", "kb_per_call"), 60),
    ("CPU of 100 bridged calls, % of a core", ("media", "cpu_pct"), 8),
    ("packets in a second meanwhile", ("media", "udp_in_pps"), None),
    ("CPU of 1000 call set-ups, s", ("setup", "cpu_s_per_1000"), 2.0),
    ("growth after the set-ups, MB", ("setup", "growth_mb"), 10),
    ("CPU of a dialplan step, us", ("dialplan", "cpu_us_per_step"), 6),
)
"""What is printed: text, where it is in the load's answer, and the budget of the design."""


def use_sipp(scratch: Path, root: str) -> None:
    """See to it that ``sipp`` is one that the load can use: this machine's, or that of the conformance root."""
    try:
        helped = subprocess.run(["sipp", "-h"], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        helped = ""
    if "min_rtp_port" in helped:
        return
    if not root:
        raise SystemExit(
            "the load needs SIPp 3.7; the one here is older (set CONFORMANCE_ROOT to use that of the root)"
        )
    chroot = Path(root) / "chroot"
    wrapper = scratch / "sipp"
    libraries = ":".join(str(path) for path in sorted(chroot.glob("usr/lib/*-linux-gnu")))
    loader = next(chroot.glob("usr/lib*/ld-linux-*.so*"))
    wrapper.write_text(f'#!/bin/sh\nexec {loader} --library-path {libraries} {chroot}/usr/bin/sipp "$@"\n')
    wrapper.chmod(0o755)
    os.environ["PATH"] = f"{scratch}:{os.environ['PATH']}"


def namespace(command: list[str]) -> list[str]:
    """The command in a network namespace with nothing but loopback."""
    return ["unshare", "--net", "bash", "-c", 'ip link set lo up && exec "$@"', "bench", *command]


def load(shared: Path, name: str, arguments: list[str]) -> dict[str, Any]:
    """Run the load once; its figures."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "figures.json"
        script = [str(PYTHON), str(shared / "bench/bench.py"), "--pbx", name, "--out", str(out), *arguments]
        subprocess.run(namespace(script), check=True, stdout=subprocess.DEVNULL)
        figures: dict[str, Any] = json.loads(out.read_text())
    figures["idle"]["pss_mb"] = figures["idle"]["pss_kb"] / 1024
    figures["setup"]["growth_mb"] = figures["setup"]["rss_growth_kb"] / 1024
    return figures


def offhook(shared: Path, data: Path, extra: list[str]) -> dict[str, Any]:
    """The load on this checkout."""
    program = f"{PYTHON} -m offhook"
    arguments = ["--cmd", f"{program} -f -g -q -m -n -C @CONF@", "--cli", f"{program} -C @CONF@ -rx"]
    return load(shared, "offhook", [*arguments, "--datadir", str(data), *extra])


def peer(shared: Path, root: Path, extra: list[str]) -> dict[str, Any]:
    """The load on the Asterisk of the conformance root, run inside it with this machine's /tmp."""
    program = f"{Path(__file__).with_name('in_root.sh')} {root / 'chroot'} asterisk"
    arguments = ["--cmd", f"{program} -f -g -q -m -n -C @CONF@", "--cli", f"{program} -C @CONF@ -rx"]
    folders = ["--moddir", "/usr/lib/x86_64-linux-gnu/asterisk/modules", "--datadir", "/usr/share/asterisk"]
    return load(shared, "peer", [*arguments, *folders, *extra])


def value(figures: dict[str, Any], path: tuple[str, ...]) -> float | None:
    """One figure, or None when the load did not get so far."""
    here: Any = figures
    for key in path:
        if not isinstance(here, dict) or key not in here:
            return None
        here = here[key]
    return float(here)


def table(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> None:
    """Print the means of all rounds and their ratios."""
    print(f"{'':40} {'Offhook':>10} {'peer':>10} {'ratio':>7} {'budget':>8}")
    for text, path, budget in FIGURES:
        mine = [figure for run in ours if (figure := value(run, path)) is not None]
        other = [figure for run in theirs if (figure := value(run, path)) is not None]
        cells = [f"{mean(figures):10.2f}" if figures else f"{'-':>10}" for figures in (mine, other)]
        ratio = f"{mean(mine) / mean(other):7.3f}" if mine and other and mean(other) else f"{'-':>7}"
        print(f"{text:40} {cells[0]} {cells[1]} {ratio} {budget if budget is not None else '':>8}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["offhook", "peer"], default="")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the raw figures here")
    parser.add_argument("extra", nargs="*", help="arguments of the load, after --")
    options = parser.parse_args()
    shared = Path(os.environ.get("SHARED", CHECKOUT.parent / "shared")).resolve()
    if not (shared / "bench/bench.py").is_file():
        raise SystemExit(f"{shared}/bench/bench.py: not found; name the folder that has it with SHARED=")
    root = os.environ.get("CONFORMANCE_ROOT", "")
    compileall.compile_dir(CHECKOUT / "host/offhook", quiet=1)
    ours: list[dict[str, Any]] = []
    theirs: list[dict[str, Any]] = []
    os.environ["PYTHONPATH"] = str(CHECKOUT / "host")
    with tempfile.TemporaryDirectory() as scratch:
        use_sipp(Path(scratch), root)
        data = Path(scratch) / "data"
        subprocess.run([str(PYTHON), str(CHECKOUT / "host/tools/prompts.py"), str(data)], check=True)
        for number in range(options.rounds):
            turns = [("offhook", ours), ("peer", theirs)]
            for name, figures in turns if number % 2 == 0 else reversed(turns):
                if options.only not in ("", name) or (name == "peer" and not root):
                    continue
                print(f"round {number + 1}: {name}", file=sys.stderr)
                if name == "offhook":
                    figures.append(offhook(shared, data, options.extra))
                else:
                    figures.append(peer(shared, Path(root), options.extra))
    if options.json:
        options.json.write_text(json.dumps({"offhook": ours, "peer": theirs}, indent=1))
    table(ours, theirs)


if __name__ == "__main__":
    main()
