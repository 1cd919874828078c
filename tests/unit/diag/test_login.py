"""The login shell beside a real daemon: verbs, files, refusals; and through a real sshd where there is one."""

from __future__ import annotations

import io
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.daemon import Daemon
from support.escapes import ESCAPES
from support.process import HOST

EXTENSIONS = """\
[default]
exten => 600,1,Answer()
 same => n,Wait(1)
 same => n,Hangup()
"""
PJSIP = """\
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{sip}
[alice]
type = endpoint
context = default
disallow = all
allow = ulaw
auth = alice
aors = alice
[alice]
type = auth
username = alice
password = tr0ub4dor
[alice]
type = aor
max_contacts = 1
"""
DIAG = "[probe]\nserver = 127.0.0.1:{sip}\nusername = alice\npassword = tr0ub4dor\ntransport = udp\n"


@pytest.fixture(scope="module")
def box() -> Iterator[Daemon]:
    """A daemon that the tests of this file share."""
    root = Path(tempfile.mkdtemp(prefix="oh-", dir="/tmp"))
    files = {"extensions.conf": EXTENSIONS, "pjsip.conf": PJSIP, "diag.conf": DIAG}
    with Daemon(root, files) as running:
        yield running
    shutil.rmtree(root)


def login(box: Daemon, line: str | None, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Log in with a command line, as sshd would start the shell."""
    given = ["-c", line] if line is not None else []
    return subprocess.run(
        [sys.executable, "-m", "offhook.field.diag", "-C", str(box.root / "etc/asterisk.conf"), *given],
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(HOST)},
    )


def test_status_lines_and_calls(box: Daemon) -> None:
    said = login(box, "status")
    assert said.returncode == 0
    assert b"System uptime" in said.stdout
    assert b"alice" in login(box, "lines").stdout
    assert b"0 channels" in login(box, "calls").stdout


@pytest.mark.parametrize("line", [line for line in ESCAPES if "\0" not in line][::10])
def test_escapes_are_refused_with_the_list_of_verbs(box: Daemon, line: str) -> None:
    said = login(box, line, b"id\n")
    assert said.returncode == 2
    assert said.stdout == b""
    assert b"The verbs of this login" in said.stderr
    assert b"uid=" not in said.stderr


def test_without_a_command_and_a_terminal_it_says_what_there_is(box: Daemon) -> None:
    said = login(box, None, b"sh\nid\n")
    assert said.returncode == 2
    assert b"bundle > FILE" in said.stdout
    assert b"uid=" not in said.stdout


def test_an_update_needs_an_image(box: Daemon) -> None:
    said = login(box, "update", b"x")
    assert said.returncode == 1
    assert b"no update slots" in said.stderr


def test_a_bundle_reads_as_one_page_and_has_no_secrets(box: Daemon) -> None:
    page = b""
    for _ in range(60):  # a plot needs figures of a few seconds
        said = login(box, "bundle")
        assert said.returncode == 0, said.stderr
        with tarfile.open(fileobj=io.BytesIO(said.stdout), mode="r:gz") as archive:
            names = archive.getnames()
            texts = {name: archive.extractfile(name).read() for name in names}  # type: ignore[union-attr]
        page = texts["offhook-bundle/index.html"]
        if b"<svg" in page:
            break
        time.sleep(1)
    assert page.startswith(b"<!doctype html>")
    assert b"<svg" in page
    assert b"[alice]" in texts["offhook-bundle/files/etc/pjsip.conf"]
    assert not [name for name, text in texts.items() if b"tr0ub4dor" in text]
    assert len(said.stdout) < 4_000_000


def test_a_capture_is_bounded_and_readable(box: Daemon) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        running = subprocess.Popen(
            [sys.executable, "-m", "offhook.field.diag", "-C", str(box.root / "etc/asterisk.conf"), "-c", "capture 3"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(HOST)},
        )
        options = (
            f"OPTIONS sip:x@127.0.0.1:{box.sip_port} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{phone.getsockname()[1]};"
            "branch=z9hG4bK%d\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:x@b>\r\nCall-ID: diag-%d\r\nCSeq: 1 OPTIONS\r\n"
            "Max-Forwards: 70\r\nAuthorization: Digest response=tr0ub4dor\r\nContent-Length: 0\r\n\r\n"
        )
        number = 0
        while running.poll() is None:
            number += 1
            phone.sendto((options % (number, number)).encode(), ("127.0.0.1", box.sip_port))
            time.sleep(0.2)
        data, errors = running.communicate()
    assert struct.unpack("<I", data[:4])[0] == 0xA1B2C3D4
    assert b"OPTIONS sip:x@127.0.0.1" in data
    assert b"tr0ub4dor" not in data
    assert b"SIP messages" in errors


def test_a_trace_shows_the_call(box: Daemon) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "offhook.field.diag", "-C", str(box.root / "etc/asterisk.conf"), "-c", "trace 600 60"],
        stdout=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(HOST)},
    )
    assert running.stdout is not None
    assert b"waiting for" in running.stdout.readline()
    box.cli("channel originate Local/600@default application Wait 1")
    text = running.communicate(timeout=90)[0].decode()
    assert "default,600,1 Answer()" in text
    assert "ends, cause 16" in text
    assert all(len(line) <= 79 for line in text.splitlines())


def test_the_log_without_secrets(box: Daemon) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "offhook.field.diag", "-C", str(box.root / "etc/asterisk.conf"), "-c", "tail 4"],
        stdout=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(HOST)},
    )
    while running.poll() is None:
        box.cli("channel originate Local/600@default application Wait 1")
        time.sleep(0.3)
    assert b"600@default" in running.communicate()[0]


def test_the_probe_measures_a_call(box: Daemon) -> None:
    pytest.importorskip("pjsua2")
    box.cli("dialplan add extension 601,1,Answer into default")
    box.cli("dialplan add extension 601,2,Echo into default")
    said = login(box, "probe 601").stdout.decode()
    assert "Registration:" in said, said
    assert "Answered:" in said
    assert "Codec:        PCMU/8000" in said
    assert re.search(r"MOS:          [1-4]\.\d+ \(R \d+\)", said)
    refused = login(box, "probe 999").stdout.decode()
    assert "Failed:       not answered: 404" in refused


def test_the_probe_without_an_account_says_so(box: Daemon) -> None:
    assert b"trunk.conf has no [nothing]" in login(box, "probe 600 nothing").stdout


def test_a_login_that_asks_for_nothing_is_told_the_verbs(box: Daemon) -> None:
    """As sshd starts the shell of an account by ForceCommand."""
    said = login(box, "/usr/sbin/offhook-diag -C /elsewhere.conf")
    assert said.returncode == 2
    assert said.stdout.startswith(b"The verbs of this login:") and b"There is no verb" not in said.stderr


# ---- a real sshd ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ssh(box: Daemon) -> Iterator[list[str]]:
    """A real sshd whose only account may do the verbs; the command that logs in."""
    daemon = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
    if daemon is None or shutil.which("ssh") is None:
        pytest.skip("there is no sshd (package openssh-server)")
    folder = Path(tempfile.mkdtemp(prefix="oh-", dir="/tmp"))
    for name in ("host", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    (folder / "authorized").write_text((folder / "key.pub").read_text())
    shell = folder / "diag"
    command = f"{sys.executable} -m offhook.field.diag -C {box.root}/etc/asterisk.conf"
    shell.write_text(f"#!/bin/sh\nPYTHONPATH={HOST} exec {command}\n")
    shell.chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "sshd_config"
    config.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile {folder}/pid\nStrictModes no\n"
        f"AuthorizedKeysFile {folder}/authorized\nAuthenticationMethods publickey\nPasswordAuthentication no\n"
        f"KbdInteractiveAuthentication no\nUsePAM no\nPermitRootLogin prohibit-password\nForceCommand {shell}\n"
        "AllowTcpForwarding no\nAllowAgentForwarding no\nX11Forwarding no\nPermitTunnel no\nPermitUserEnvironment no\n"
        "Subsystem sftp internal-sftp\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    server = subprocess.Popen([daemon, "-D", "-e", "-f", config], stderr=(folder / "log").open("wb"))
    options = ["StrictHostKeyChecking=no", f"UserKnownHostsFile={folder}/known", "BatchMode=yes", "LogLevel=ERROR"]
    words = ["ssh", "-F", "none", "-i", str(folder / "key"), "-p", str(port), *(f"-o{one}" for one in options)]
    try:
        end = time.monotonic() + 20
        while subprocess.run([*words, "127.0.0.1", "calls"], capture_output=True, check=False).returncode:
            assert time.monotonic() < end, (folder / "log").read_text()
            time.sleep(0.2)
        yield [*words, "127.0.0.1"]
    finally:
        server.terminate()
        server.wait(10)
        shutil.rmtree(folder)


def test_verbs_over_ssh(ssh: list[str]) -> None:
    done = subprocess.run([*ssh, "status"], capture_output=True, timeout=60, check=False)
    assert b"System uptime" in done.stdout


@pytest.mark.parametrize("line", [line for line in ESCAPES if line and "\0" not in line][::3])
def test_no_line_escapes_over_ssh(ssh: list[str], line: str) -> None:
    done = subprocess.run([*ssh, line], input=b"id\n", capture_output=True, timeout=60, check=False)
    assert done.returncode == 2
    assert b"uid=" not in done.stdout + done.stderr


def test_nothing_else_of_ssh_is_open(ssh: list[str], tmp_path: Path) -> None:
    options, host = ssh[1:-1], ssh[-1]
    for_copies = ["-P" if word == "-p" else word for word in options]
    copied = subprocess.run(
        ["scp", *for_copies, f"{host}:/etc/hostname", tmp_path / "x"],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert copied.returncode
    assert not (tmp_path / "x").exists()
    forward = subprocess.run(
        ["ssh", *options, "-o", "ExitOnForwardFailure=yes", "-W", "127.0.0.1:22", host],
        input=b"",
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert forward.returncode
    password = subprocess.run(
        ["ssh", *options, "-o", "PubkeyAuthentication=no", host, "status"], capture_output=True, timeout=60, check=False
    )
    assert password.returncode == 255
