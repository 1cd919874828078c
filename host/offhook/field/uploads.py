"""An update that came over the diagnostics login: taken in by an account that may do nothing, installed by the system.

The login writes ``incoming`` and renames it to ``ready``; a unit of systemd that watches for that name starts
``box install``, which installs it as root, writes ``result`` and restarts the box when no call goes on. RAUC checks the
signature: what is not ours is not installed, whoever sent it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

FOLDER: Final = Path("/data/update")
LARGEST: Final = 1 << 30
BLOCK: Final = 1 << 20
WAIT_S: Final = 1800.0
LOOK_S: Final = 1.0
CALLS_S: Final = 3600.0
"""A restart waits so long for the last call to end."""


class UploadError(Exception):
    """The update is not taken; the sentence says why."""


def receive(source: BinaryIO, folder: Path = FOLDER) -> int:
    """Take a bundle in; its size. Raises UploadError."""
    if (folder / "ready").exists():
        raise UploadError("another update is being installed; wait for it")
    incoming = folder / "incoming"
    size = 0
    try:
        (folder / "result").unlink(missing_ok=True)
        with incoming.open("wb") as out:
            while block := source.read(BLOCK):
                size += len(block)
                if size > LARGEST:
                    raise UploadError(f"it has more than {LARGEST >> 20} MB")
                out.write(block)
            out.flush()
            os.fsync(out.fileno())
        if not size:
            raise UploadError("nothing came: write ssh diag@box update < BUNDLE")
        incoming.rename(folder / "ready")
    except OSError as error:
        raise UploadError(f"{error.filename or incoming}: {error.strerror}") from error
    finally:
        incoming.unlink(missing_ok=True)
    return size


def outcome(folder: Path = FOLDER, pause: Callable[[float], None] = time.sleep) -> tuple[bool, str]:
    """Wait for the system to install it: whether it did, and what it said."""
    for _ in range(int(WAIT_S / LOOK_S)):
        try:
            word, _, text = (folder / "result").read_text(encoding="utf-8").partition("\n")
            return word == "done", text
        except FileNotFoundError:
            pause(LOOK_S)
    return False, "the system does not say anything of it; look at the console\n"


def install(run: Callable[..., str], calls: Callable[[], int], folder: Path = FOLDER) -> int:
    """As root: install what is ready, say how it went, restart once no call goes on; the exit status.

    ``run`` runs a program and returns what it wrote, with "exit status" in it when it failed; ``calls`` counts the
    calls that go on.
    """
    ready, result = folder / "ready", folder / "result"
    text = run("rauc", "install", str(ready), timeout=WAIT_S)
    ready.unlink(missing_ok=True)
    failed = "exit status" in text
    beside = folder / "result.new"
    ending = "" if failed else "The box restarts into it as soon as no call goes on.\n"
    beside.write_text(f"{'failed' if failed else 'done'}\n{text}{ending}", encoding="utf-8")
    beside.chmod(0o644)
    beside.rename(result)
    if failed:
        return 1
    waited = 0.0
    while calls() and waited < CALLS_S:
        time.sleep(LOOK_S * 5)
        waited += LOOK_S * 5
    run("systemctl", "--no-block", "start", "reboot.target")
    return 0


def main() -> int:
    """The program that the diagnostics login starts for ``update``."""
    try:
        size = receive(sys.stdin.buffer)
    except UploadError as error:
        print(f"The update is not taken: {error}", file=sys.stderr)
        return 1
    print(f"{size} bytes are here and are being checked and installed", flush=True)
    done, text = outcome()
    print(text, end="")
    return 0 if done else 1
