"""What the login of diagnostics on a box does, and what it does not."""

from __future__ import annotations

import contextlib
import io
import socket
import subprocess
import tarfile
import threading

from box_story import ANSWER_S, Box

from offhook.control.cli.protocol import RUN, frame
from support.escapes import ESCAPES

OTHER_WAYS = (
    ("-t", "bash"),
    ("-tt", "status; id"),
    ("-s", "sftp"),
    ("-s", "internal-sftp"),
    ("-o", "SetEnv=LD_PRELOAD=/x PATH=/tmp BASH_ENV=/x", "id"),
)
"""Words of ssh itself before what is asked for."""
CONTROL = "/run/offhook/asterisk.ctl"
"""The exchange's control socket: who reaches it can have anything run."""


def story(box: Box) -> None:
    """Every verb but update, on one connection."""
    with box.connected():
        for verb, *expected in (
            ("status", "System uptime", "qemu-virt"),
            ("lines", "100", "101"),
            ("calls", "0 channels"),
            ("tail 1",),
        ):
            status, told = box.diagnose(verb)
            assert status == 0, (verb, told)
            assert all(word in told for word in expected), (verb, told)
        captured, ladder = _during_a_probe(box)
        assert b"INVITE sip:*43@" in captured
        assert captured[:4] == b"\xd4\xc3\xb2\xa1"
        assert "--> INVITE" in ladder and "<-- 200" in ladder, ladder
        with tarfile.open(fileobj=io.BytesIO(box.fetch("bundle")), mode="r:gz") as archive:
            page = archive.extractfile("offhook-bundle/index.html")
            assert page is not None
            text = page.read().decode()
    assert "<polyline" in text
    assert "a phone's secret" not in text
    # Without a verb it asks for one.
    command = box.ssh_command("-tt", "")
    asked = subprocess.run(command, input=b"calls\nexit\n", stdout=subprocess.PIPE, timeout=ANSWER_S, check=True).stdout
    assert b"diag> " in asked and b"0 channels" in asked, asked


def _during_a_probe(box: Box) -> tuple[bytes, str]:
    """What is captured and traced while the probe phone calls the echo test and hears itself."""
    kept: dict[str, bytes] = {}
    watchers = []
    for name, words in {"capture": "capture 60", "trace": "trace probe 60"}.items():
        process = subprocess.Popen(
            box.ssh_command(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

        def keep(name: str = name, process: subprocess.Popen[bytes] = process) -> None:
            kept[name] = process.communicate(timeout=ANSWER_S)[0]

        watchers.append(threading.Thread(target=keep))
        watchers[-1].start()
    status, told = box.diagnose("probe *43")
    assert status == 0, told
    for word in ("Registration:", "Answered:", "Codec:", "MOS:"):
        assert word in told, told
    print(f"\n{told}")
    for watcher in watchers:
        watcher.join(ANSWER_S)
    return kept["capture"], kept["trace"].decode()


def attempts(box: Box) -> None:
    """A list of attempts; none comes to a shell, or to the exchange past the verbs."""
    with box.connected():
        for words in (*((line,) for line in ESCAPES if line and "\0" not in line), *OTHER_WAYS):
            status, told = box.diagnose(*words)
            assert status != 0, (words, told)
            assert "uid=" not in told and "root:" not in told, (words, told)
        status, told = box.diagnose("-W", "127.0.0.1:22", "")
        assert status != 0 and "SSH-2.0" not in told, told
        command = [*box.ssh_options(), "-O", "forward", "-L", f"/box/ctl:{CONTROL}"]
        box.run_ssh(*command)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
            control.settimeout(ANSWER_S)
            control.connect(str(box.machine.folder / "ctl"))
            control.sendall(frame(RUN, "core show version"))
            with contextlib.suppress(ConnectionResetError):
                assert not control.recv(1000), "the control socket was reached"
    print(f"\n{len(ESCAPES) + len(OTHER_WAYS) + 2} attempts, none comes to a shell")
