"""Jumps of the wall clock by a day, forth and back, change nothing that is under way.

A library preloaded into the daemon moves its wall clock by what a file holds; the monotonic clock is left alone.
"""

from __future__ import annotations

import re
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.daemon import Daemon
from support.patience import PATIENCE_S

SOURCE = Path(__file__).resolve().parents[1] / "support" / "step_clock.c"
DAY = 86_400

PJSIP_CONF = """\
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{sip}

[phone]
type = endpoint
context = waiting
disallow = all
allow = ulaw
aors = phone

[phone]
type = aor
max_contacts = 1
remove_existing = yes
minimum_expiration = 1
"""

EXTENSIONS_CONF = """\
[waiting]
exten => wait,1,Answer()
 same => n,Wait(2)
 same => n,UserEvent(Waited)
exten => dial,1,Dial(Local/silent@waiting/n,2)
 same => n,UserEvent(Dialled,Status: ${DIALSTATUS})
exten => now,1,UserEvent(Now,${EPOCH})
exten => silent,1,Ringing()
 same => n,Wait(60)
"""


class SteppedDaemon(Daemon):
    """A daemon whose wall clock ``step`` moves."""

    @property
    def environment(self) -> dict[str, str]:
        return dict(
            super().environment,
            LD_PRELOAD=str(self.root / "step_clock.so"),
            STEP_CLOCK=str(self.root / "offset"),
        )

    def step(self, seconds: int) -> None:
        """Let the wall clock go that much before or after the true time."""
        with (self.root / "offset").open("r+b") as file:
            file.write(struct.pack("q", seconds))

    def register(self, expires: int) -> None:
        """Register a contact for some seconds."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
            phone.bind(("127.0.0.1", 0))
            phone.settimeout(5)
            port = phone.getsockname()[1]
            request = (
                f"REGISTER sip:127.0.0.1:{self.sip_port} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{time.monotonic_ns()};rport\r\n"
                f"From: <sip:phone@127.0.0.1>;tag=a{time.monotonic_ns()}\r\nTo: <sip:phone@127.0.0.1>\r\n"
                f"Call-ID: {time.monotonic_ns()}\r\nCSeq: 1 REGISTER\r\nMax-Forwards: 70\r\n"
                f"Contact: <sip:phone@127.0.0.1:{port}>;expires={expires}\r\nContent-Length: 0\r\n\r\n"
            )
            phone.sendto(request.encode(), ("127.0.0.1", self.sip_port))
            answer = phone.recv(4000).decode()
        assert answer.startswith("SIP/2.0 200 "), answer

    def registered(self) -> bool:
        """Whether the contact is there."""
        return "sip:phone@127.0.0.1" in self.cli("pjsip show contacts")


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[SteppedDaemon]:
    """A daemon at the true time, to be stepped."""
    command = ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", str(tmp_path / "step_clock.so")]
    subprocess.run([*command, str(SOURCE), "-ldl"], check=True)
    (tmp_path / "offset").write_bytes(struct.pack("q", 0))
    running = SteppedDaemon(tmp_path, {"pjsip.conf": PJSIP_CONF, "extensions.conf": EXTENSIONS_CONF})
    with running:
        yield running


def test_the_clock_of_the_daemon_really_jumps(daemon: SteppedDaemon) -> None:
    daemon.step(DAY)
    daemon.cli("channel originate Local/now@waiting/n application Wait 1")
    deadline = time.monotonic() + PATIENCE_S
    while not (found := re.search(r"Now,(\d+)", daemon.log())):
        assert time.monotonic() < deadline, daemon.told()
        time.sleep(0.1)
    assert int(found.group(1)) > time.time() + DAY / 2


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_a_registration_ends_neither_early_nor_late(daemon: SteppedDaemon, jump: int) -> None:
    began = time.monotonic()
    daemon.register(4)
    daemon.step(jump)
    while daemon.registered():
        assert time.monotonic() - began < 30, "the contact is still there long after its time"
        time.sleep(0.2)
    assert time.monotonic() - began >= 3.5, "the contact was dropped before its time"


@pytest.mark.parametrize("jump", [DAY, -DAY])
@pytest.mark.parametrize(("exten", "event"), [("wait", "Waited"), ("dial", "Dialled")])
def test_waiting_and_dialling_take_their_time(daemon: SteppedDaemon, exten: str, event: str, jump: int) -> None:
    began = time.monotonic()
    daemon.cli(f"channel originate Local/{exten}@waiting/n application Wait 60")
    time.sleep(0.3)
    daemon.step(jump)
    while f'UserEvent("Local/{exten}@waiting' not in daemon.log():
        assert time.monotonic() - began < 30, f"{event} did not come"
        time.sleep(0.1)
    assert time.monotonic() - began >= 1.8, f"{event} came before its time"
