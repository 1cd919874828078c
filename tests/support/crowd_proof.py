"""Proofs with a crowd at a daemon: that calls cost no descriptor, lose nothing, mix nothing up and leave nothing."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from support.crowd import EXTENSIONS_CONF, PJSIP_CONF, Crowd
from support.daemon import Daemon

RTP_CONF = """\
[general]
rtpstart = 20000
rtpend = 29999
socket_mode = {mode}
"""
MORE_EVERY_S, AT_A_TIME = 0.05, 12
"""So many calls at most whose parties have not heard each other: until then each leg has a port of its own."""
FIRST_PACKETS, PACKETS = 3, 10
"""Of each party: in a short call at least, and when everybody is there."""
AT_ONCE, PART = 40, 500
GROWTH_KB = 8 * 1024
"""Allowed between a fifth of the calls and all of them: the allocator's own comings and goings."""


class LimitedDaemon(Daemon):
    """A daemon that may open so many files and no more."""

    def __init__(self, root: Path, files: dict[str, str], limit: int) -> None:
        self.limit = limit
        super().__init__(root, files)

    @property
    def command(self) -> list[str]:
        return ["bash", "-c", f'ulimit -n {self.limit}; exec "$@"', "limited", *super().command]


def resident_kb(pid: int) -> int:
    """Memory that is the process's own."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise AssertionError("no Pss")


def quiet(crowd: Crowd, daemon: Daemon) -> None:
    """Wait until the daemon has forgotten every call, media legs and all."""
    deadline = time.monotonic() + 60
    while not daemon.cli("core show channels count").startswith("0 active channels"):
        assert time.monotonic() < deadline, crowd.state()
        time.sleep(0.2)


def hold(crowd: Crowd, daemon: Daemon, calls: int) -> bool:
    """All calls at once: whether they were carried, each to its own, without a descriptor each."""
    files, kb = len(daemon.descriptors()), resident_kb(daemon.pid)

    def more() -> None:
        unheard = crowd.unheard
        crowd.speak(unheard)
        for _ in range(min(AT_A_TIME - len(unheard), calls - len(crowd.calls))):
            crowd.dial()

    for part in [*range(PART, calls, PART), calls]:
        crowd.run(lambda part=part: len(crowd.calls) - len(crowd.unheard) >= part, every=MORE_EVERY_S, do=more)
    crowd.rest()
    before = crowd.heard
    for number in range(1, PACKETS + 1):
        crowd.speak()
        crowd.run(lambda least=before + number * 2 * calls: crowd.heard >= least)
    most_files, most_kb = len(daemon.descriptors()), resident_kb(daemon.pid)
    for call in list(crowd.calls.values()):
        crowd.hang_up(call)
    crowd.run(lambda: not crowd.calls)
    quiet(crowd, daemon)
    ended = crowd.ended
    print(
        f"  {ended.calls} calls at once: {most_files} descriptors ({files} before), "
        f"{(most_kb - kb) / calls:.1f} kB a call, {PACKETS * 2 * calls} packets heard and none lost once all were "
        f"connected, {ended.heard} of {ended.sent} in all, {ended.stray} astray"
    )
    return ended.calls == calls and not ended.stray


def come_and_go(crowd: Crowd, daemon: Daemon, calls: int) -> bool:
    """Calls one after the other: whether they leave memory behind."""
    begun, before, first = 0, crowd.ended.calls, calls // 5

    def more(wanted: int) -> None:
        nonlocal begun
        crowd.speak()
        for call in list(crowd.calls.values()):
            if call.spoken >= FIRST_PACKETS and call.caller.heard and call.callee.heard:
                crowd.hang_up(call)
        for _ in range(min(AT_A_TIME - len(crowd.unheard), wanted - begun, AT_ONCE - len(crowd.calls))):
            crowd.dial()
            begun += 1

    def go_on(wanted: int) -> int:
        """Until so many have ended; the daemon's memory then. In parts, for there is a deadline to each."""
        for part in [*range(begun + PART, wanted, PART), wanted]:
            least = before + part
            crowd.run(lambda least=least: crowd.ended.calls >= least, every=0.05, do=lambda: more(wanted))
        quiet(crowd, daemon)
        return resident_kb(daemon.pid)

    first_kb = go_on(first)
    grown = go_on(calls) - first_kb
    print(
        f"  {calls} calls, {AT_ONCE} at a time: {grown:+} kB between call {first} and the last, "
        f"{len(daemon.descriptors())} descriptors, {crowd.ended.stray} packets astray"
    )
    return grown < GROWTH_KB and not crowd.ended.stray


def proof(mode: str, calls: int, limit: int, churn: int) -> bool:
    """A daemon with one way of sockets."""
    crowd = Crowd()
    files = {
        "pjsip.conf": PJSIP_CONF.format(callee=crowd.callee_port),
        "extensions.conf": EXTENSIONS_CONF,
        "rtp.conf": RTP_CONF.format(mode=mode),
        "logger.conf": "[logfiles]\nfull.txt => warning,error\n",
        "cdr.conf": "[general]\nenable = no\n",
    }
    with tempfile.TemporaryDirectory() as folder, LimitedDaemon(Path(folder), files, limit) as daemon:
        crowd.server = daemon.sip_port
        print(f"{mode}, at most {limit} files:", flush=True)
        good = True
        if calls:
            good = hold(crowd, daemon, calls)
        if churn:
            good = come_and_go(crowd, daemon, churn) and good
        crowd.close()
    return good
