"""An image from its first start to its reset, on an emulated board: one story, told in order.

``make image-test`` runs it. CUTS=50 cuts the power that often (3 when not given). The console's side of it is in
build/image/qemu-virt/console.log.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import http.server
import os
import random
import re
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from image_machine import BOARD, Console, Machine

from cross import boards, chroot, image, tools
from offhook.sip.auth import Credentials, DigestClient, Secret
from offhook.sip.message import Request, Response
from support import far_end
from support.sip_peer import UdpPeer

CUTS = int(os.environ.get("CUTS", "3"))
PASSWORD = "open sesame"
PROVISION = f"""\
format = 1
[box]
hostname = "test-box"
timezone = "Europe/Berlin"
country = "de"
console_password = "{PASSWORD}"
[[account]]
number = "100"
name = "Reception"
password = "a phone's secret"
[[account]]
number = "101"
"""
PROMPT = "offhook> "
ANSWER_S = 240.0
"""Wall time for an answer of a box that is emulated on a busy machine."""


@dataclass
class Box:
    """The machine of the story and what was seen so far."""

    machine: Machine
    card: Path
    system: Path
    """The root file system that the card began with."""
    sip: int
    ssh: int
    console: Console | None = None
    timeline: list[tuple[str, float]] = field(default_factory=list)

    def start(self, *, login: bool = True) -> Console:
        """Power on, and log in when the exchange is ready."""
        self.console = console = self.machine.power_on({self.sip: ("udp", 5060), self.ssh: ("tcp", 22)})
        if login:
            console.expect("starting slot")
            console.expect("ready: calls can be made")
            self.log_in()
        return console

    def log_in(self) -> None:
        """Give the password until the prompt comes."""
        assert self.console is not None
        self.console.type("")
        self.console.expect("Password: ")
        self.console.type(PASSWORD)
        self.console.expect(PROMPT)

    def diagnose(self, *words: str) -> tuple[int, str]:
        """What the login of diagnostics does with these words, and its exit status."""
        options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
        options += ["-o", "ConnectTimeout=60", "-i", "/box/key", "-p", str(self.ssh)]
        command = ["ssh", *options, *words[:-1], "diag@127.0.0.1", *words[-1:]]
        done = subprocess.run(
            chroot.command(tools.with_image_tools(), command, {"box": self.machine.folder}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=ANSWER_S,
            check=False,
        )
        return done.returncode, done.stdout

    def ask(self, line: str, seconds: float = ANSWER_S) -> str:
        """What the console answers to a line."""
        assert self.console is not None
        self.console.heard = ""
        self.console.type(line)
        told = ""
        while True:
            found = self.console.expect(PROMPT, r"-- \d+ more; Enter, or q --", seconds=seconds)
            told += found.string[: found.start()]
            if found[0] == PROMPT:
                return told.partition("\n")[2]
            self.console.type("")


def free_port(kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    board = boards.load(BOARD)
    system = image.parts(board) / "rootfs.ext4"
    card = image.image(board, compress=False)
    folder = Path(tempfile.mkdtemp(prefix="box-"))
    machine = Machine(folder, card)
    story = Box(machine, card, system, free_port(), free_port(socket.SOCK_STREAM))
    chroot.run(
        tools.with_image_tools(), ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/box/key"], {"box": folder}
    )
    try:
        yield story
    finally:
        machine.cut_power()
        shutil.copy(folder / "console.log", card.with_name("console.log"))
        shutil.rmtree(folder)
        print("\nBoot, seconds of wall time since power on:")
        for what, seconds in story.timeline:
            print(f"  {seconds:7.1f}  {what}")


def test_a_wrong_provisioning_is_told_at_the_console_and_on_the_card(box: Box) -> None:
    box.machine.put_on_boot("provision.toml", PROVISION.replace('"de"', '"Germany"'))
    console = box.start(login=False)
    for pattern, what in (
        (r"U-Boot \d", "U-Boot"),
        ("starting slot A", "kernel chosen"),
        ("first boot: making an empty data partition", "initial RAM disk"),
        ("provision.toml is not used", "systemd, set-up"),
    ):
        console.expect(pattern)
        box.timeline.append((what, console.elapsed()))
    console.expect('provision.toml:5: country of .box.: write the two letters of a country: "de"')
    console.expect("not provisioned yet")
    box.timeline.append(("console", console.elapsed()))
    box.machine.cut_power()
    assert (box.machine.boot_file("provision-errors.txt") or "").startswith("provision.toml:5: country")
    assert box.machine.boot_file("provision.toml")


def test_provisioning_sets_the_box_up_and_its_secrets_leave_the_card(box: Box) -> None:
    key = (box.machine.folder / "key.pub").read_text().strip()
    box.machine.put_on_boot("provision.toml", f'{PROVISION}[ssh]\nkeys = ["{key}"]\n')
    console = box.start(login=False)
    console.expect("starting slot A")
    console.expect("provision.toml was used; its secrets are removed")
    console.expect(r"Offhook test-box on ttyAMA0")
    box.timeline.append(("console, second start", console.elapsed()))
    told = console.expect(r"ready: calls can be made ([\d.]+) s after the kernel started")
    box.timeline.append(("calls can be made", console.elapsed()))
    box.timeline.append(("the same by the box's clock, from the kernel on", float(told[1])))


def test_the_console_asks_for_the_password(box: Box) -> None:
    assert box.console is not None
    box.console.type("")
    box.console.expect("Password: ")
    box.console.type("sesame")
    box.console.expect("That is not the password")
    box.console.expect("Password: ")
    box.console.type(PASSWORD)
    box.console.expect(PROMPT)


def test_the_words_of_the_console_fit_a_small_terminal(box: Box) -> None:
    told = {word: box.ask(word) for word in ("help", "status", "network", "trunk", "lines", "logs 5", "update")}
    for word, text in told.items():
        if word != "logs 5":
            assert max(map(len, text.splitlines())) <= 80, (word, text)
    assert "factory reset" in told["help"]
    assert re.search(r"Name: +test-box", told["status"])
    assert "slot A" in told["status"]
    assert "10.0.2.15" in told["network"]
    assert "100" in told["lines"]
    assert "CET" in box.ask("status") or "CEST" in box.ask("status")


def test_the_login_of_diagnostics_answers_its_verbs(box: Box) -> None:
    status, told = box.diagnose("status")
    assert status == 0, told
    assert "System uptime" in told
    assert "qemu-virt" in told


@pytest.mark.parametrize(
    "words",
    [
        ("status; id",),
        ("status && id",),
        ("$(id)",),
        ("`id`",),
        ("sh -c id",),
        ("/usr/bin/id",),
        ("status\nid",),
        ("status | id",),
        ("-t", "bash"),
        ("-s", "sftp"),
        ("-o", "SetEnv=LD_PRELOAD=/x PATH=/tmp", "id"),
    ],
)
def test_no_word_of_it_reaches_a_shell(box: Box, words: tuple[str, ...]) -> None:
    status, told = box.diagnose(*words)
    assert "uid=" not in told
    assert status != 0, told


async def echo_call(box: Box) -> tuple[float, float]:
    """Call the echo test from this machine; how loud a tone came back beside how loud another frequency is."""
    peer = await UdpPeer(("127.0.0.1", box.sip)).start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as audio:
        audio.bind(("127.0.0.1", 0))
        audio.setblocking(False)
        offer = (
            f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {audio.getsockname()[1]} RTP/AVP 0\r\n"
        )
        contact = ("Contact", f"<{peer.uri('100')}>")
        invite = peer.request("INVITE", "100", contact, ("Content-Type", "application/sdp"), target="sip:*43@127.0.0.1")
        invite.body = offer.encode()
        invite.set("Content-Length", str(len(invite.body)))

        async def final(request: Request) -> Response:
            peer.send(request)
            while True:
                answer = await peer.final(ANSWER_S)
                if answer.cseq.number == request.cseq.number:
                    acknowledged = peer.request("ACK", "100", target=request.target, call_id=request.call_id)
                    for name in ("From", "Via") if answer.status >= 300 else ("From",):
                        acknowledged.set(name, str(request.get(name)))
                    acknowledged.set("To", str(answer.get("To")))
                    acknowledged.set("CSeq", f"{request.cseq.number} ACK")
                    peer.send(acknowledged)
                    return answer

        refused = await final(invite)
        assert refused.status == 401, refused.to_bytes().decode()
        client = DigestClient([Credentials(Secret("100", "a phone's secret"), "")])
        assert client.receive(invite, refused)
        again = invite.copy()
        again.set("Via", str(invite.get("Via")).replace("branch=z9hG4bK-", "branch=z9hG4bK-2-"))
        again.set("CSeq", f"{invite.cseq.number + 1} INVITE")
        client.authorize(again)
        answer = await final(again)
        assert answer.status == 200, answer.to_bytes().decode()
        port = int(re.search(rb"m=audio (\d+)", answer.body)[1])  # type: ignore[index]
        box.machine.forward("udp", port)
        # The greeting first, then the echo: speak for long, and listen to the end.
        heard: list[int] = []
        tone = far_end.sine(1000, 20)
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(50 * 45):
            packet = far_end.Rtp(False, 0, number & 0xFFFF, number * 160, 7, far_end.to_ulaw(tone))
            audio.sendto(packet.pack(), ("127.0.0.1", port))
            await asyncio.sleep(max(0.0, began + number * 0.02 - loop.time()))
            with contextlib.suppress(BlockingIOError):
                while True:
                    heard += [far_end.from_ulaw(code) for code in far_end.Rtp.parse(audio.recv(2000)).payload]
            if len(heard) > 8000 and far_end.amplitude(heard[-4000:], 1000) > 2000:
                break
        peer.close()
        last = heard[-4000:]
        return far_end.amplitude(last, 1000), far_end.amplitude(last, 1530)


def test_a_phone_calls_through_the_box(box: Box) -> None:
    tone, other = asyncio.run(echo_call(box))
    assert tone > 2000
    assert tone > 10 * other


@contextlib.contextmanager
def served(folder: Path) -> Iterator[int]:
    """A web server of a folder on loopback; its port."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def update(box: Box, bundle: Path) -> str:
    """Install a bundle by the console; what was told."""
    with served(bundle.parent) as port:
        return box.ask(f"update http://10.0.2.2:{port}/{bundle.name}", seconds=1200)


def test_an_update_starts_the_other_system(box: Box) -> None:
    told = update(box, image.bundle(boards.load(BOARD), system=box.system))
    assert "succeeded" in told, told
    assert box.console is not None
    box.console.type("reboot")
    box.console.expect("starting slot B")
    box.console.expect("ready: calls can be made")
    box.log_in()
    assert "slot B" in box.ask("status")


def test_a_bundle_of_somebody_else_is_refused(box: Box, tmp_path: Path) -> None:
    bundle = tmp_path / "other.raucb"
    shutil.copy(box.card.with_name(f"offhook-{BOARD}.raucb"), bundle)
    with bundle.open("r+b") as out:
        out.seek(-200, os.SEEK_END)
        out.write(b"somebody else")
    assert "exit status" in update(box, bundle)


def test_an_update_that_does_not_start_is_given_up(box: Box) -> None:
    board = boards.load(BOARD)
    broken = box.machine.folder / "broken.ext4"
    broken.touch()
    os.truncate(broken, image.SYSTEM)
    image.write_sparse(box.system, broken, 0)
    script = "debugfs -w -R 'rm /usr/lib/systemd/systemd' /box/broken.ext4"
    chroot.run(tools.with_image_tools(), script, {"box": box.machine.folder})
    told = update(box, image.bundle(board, "broken", broken, "broken.raucb"))
    broken.unlink()
    box.card.with_name("broken.raucb").unlink()
    assert "succeeded" in told, told
    assert box.console is not None
    box.console.type("reboot")
    for left in (2, 1, 0):
        box.console.expect(rf"starting slot A .left: A {left}")
    box.console.expect("starting slot B")
    box.console.expect("ready: calls can be made")
    box.log_in()
    assert "slot B" in box.ask("status")


def test_a_power_cut_loses_nothing_that_was_acknowledged(box: Box) -> None:
    """Values of the database and records of calls, written while the power goes."""
    chance = random.Random(1)
    acknowledged = 0
    for cut in range(CUTS):
        if cut:
            box.start()
        assert box.console is not None
        until = time.monotonic() + chance.uniform(1, 12)
        while time.monotonic() < until:
            box.ask("channel originate Local/*60@phones application NoOp", seconds=ANSWER_S)
            box.ask(f"database put cuts value {acknowledged + 1}")
            # A query is answered when everything before it is on the card.
            assert str(acknowledged + 1) in box.ask(
                "database query \"select value from astdb where key='/cuts/value'\""
            )
            acknowledged += 1
        # Something is under way when the power goes.
        box.console.type(f"database put cuts value {acknowledged + 1}")
        time.sleep(chance.uniform(0, 0.3))
        box.machine.cut_power()
        found = box.machine.data("/lib/astdb.sqlite3", "/lib/astdb.sqlite3-wal", "/etc/pjsip_accounts.conf")
        assert b"a phone's secret" in found["/etc/pjsip_accounts.conf"]
        database = box.machine.folder / "found/astdb.sqlite3"
        with sqlite3.connect(database) as connection:
            assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
            (value,) = connection.execute("select value from astdb where key = '/cuts/value'").fetchone()
        assert acknowledged <= int(value) <= acknowledged + 1, f"cut {cut}"
        acknowledged = int(value)
    print(f"\n{CUTS} power cuts, {acknowledged} values acknowledged, none lost")


def test_a_factory_reset_leaves_a_new_box(box: Box) -> None:
    box.start()
    assert box.console is not None
    box.console.type("reset")
    box.console.expect('Write "RESET"')
    box.console.type("RESET")
    box.console.expect("factory reset: making an empty data partition")
    box.console.expect("not provisioned yet")
