#!/usr/bin/env python3
"""Does a queue leave anything behind? SIP calls through one in a real daemon, all served by a few members.

    queues.py [--calls 2000] [--members 20] [--rate 20]

SIPp calls and answers, by the scenarios of $SHARED/bench. After each fifth of the calls the daemon's memory and its
open files are looked at, when nobody calls: from the first to the last they may grow by no more than a few MB, and by
no file. The exit status tells whether that holds and every caller was served.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(CHECKOUT / "host"), str(CHECKOUT / "tests")]

from support.crowd_proof import GROWTH_KB, resident_kb  # noqa: E402
from support.daemon import Daemon, free_port  # noqa: E402

SCENARIOS = Path(os.environ.get("SHARED", CHECKOUT / "../shared")) / "bench"
TALK_MS = 300
PARTS = 5

PJSIP = """\
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{sip}

[uac]
type = endpoint
transport = udp
context = callers
allow = !all,ulaw
direct_media = no
send_connected_line = no

[uac]
type = identify
endpoint = uac
match_header = X-Bench: uac
"""
MEMBER = """\
[m{number}]
type = endpoint
transport = udp
context = callers
allow = !all,ulaw
direct_media = no
send_connected_line = no
aors = m{number}

[m{number}]
type = aor
contact = sip:m{number}@127.0.0.1:{port}
"""
QUEUE = """\
[general]
autofill = yes
[q]
strategy = rrmemory
ringinuse = no
timeout = 10
retry = 1
"""


def files(members: int, port: int) -> dict[str, str]:
    """The configuration of a queue with so many members, whose phones are all at one port."""
    numbers = range(1, members + 1)
    return {
        "pjsip.conf": PJSIP + "".join(MEMBER.format(number=number, port=port) for number in numbers),
        "queues.conf": QUEUE + "".join(f"member = PJSIP/m{number}\n" for number in numbers),
        "extensions.conf": "[callers]\nexten => bridge,1,Queue(q)\n",
        "rtp.conf": "[general]\nrtpstart = 20000\nrtpend = 24999\n",
        "logger.conf": "[logfiles]\nfull.txt => error\n",
        "modules.conf": "[modules]\nautoload = yes\nnoload = res_musiconhold.so\n",
    }


def call(daemon: Daemon, calls: int, rate: int) -> None:
    """Make calls and wait until the last one is over."""
    command = ["sipp", "-nostdin", "-i", "127.0.0.1", "-p", str(free_port()), "-sf", str(SCENARIOS / "uac.xml")]
    command += ["-s", "bridge", "-m", str(calls), "-r", str(rate), "-d", str(TALK_MS), "-timeout", str(60 + calls)]
    done = subprocess.run(
        [*command, f"127.0.0.1:{daemon.sip_port}"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
    )
    if done.returncode:
        raise SystemExit(f"SIPp ended with {done.returncode}: {done.stderr.decode()[-500:]}\n{daemon.told()}")
    deadline = time.monotonic() + 60
    while not daemon.cli("core show channels count").startswith("0 active channels"):
        assert time.monotonic() < deadline, daemon.cli("core show channels")
        time.sleep(0.2)


def main() -> int:
    """Call, compare, tell."""
    parser = argparse.ArgumentParser(description="Does a queue leave anything behind?")
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--members", type=int, default=20)
    parser.add_argument("--rate", type=int, default=20, help="calls a second")
    options = parser.parse_args()
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, Daemon(Path(folder), files(options.members, port)) as daemon:
        phones = subprocess.Popen(
            ["sipp", "-nostdin", "-i", "127.0.0.1", "-p", str(port), "-sf", str(SCENARIOS / "uas.xml")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            kbs, opened = [], []
            for _ in range(PARTS):
                call(daemon, options.calls // PARTS, options.rate)
                kbs.append(resident_kb(daemon.pid))
                opened.append(len(daemon.descriptors()))
            grown, more = kbs[-1] - kbs[0], opened[-1] - opened[0]
        finally:
            phones.terminate()
            phones.wait()
        shown = daemon.cli("queue show q")
        served = int((re.search(r" C:(\d+),", shown) or ["", "0"])[1])
        busy = [line.strip() for line in shown.splitlines() if "PJSIP/m" in line and "(Not in use)" not in line]
        log = daemon.log()
    print(
        f"{options.calls} calls, {served} served, {len(busy)} members busy at the end; after each fifth "
        f"{', '.join(map(str, kbs))} kB ({grown:+}) and {opened[-1]} open files ({more:+})"
    )
    print(*busy, log, sep="\n")
    return int(served != options.calls or bool(busy) or grown > GROWTH_KB or more > 0)


if __name__ == "__main__":
    sys.exit(main())
