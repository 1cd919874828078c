"""Commands inside another Debian tree, each in a mount namespace of its own: nothing is left mounted behind it."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

# A mount made below this ends with the command, however that ends; and the command ends with whoever asked for it.
PRIVATE = (
    *("setpriv", "--pdeathsig", "KILL", "--"),
    *("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"),
)
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
    "PYTHONDONTWRITEBYTECODE": "1",
}


def command(
    tree: Path,
    script: str | list[str],
    binds: Mapping[str, Path] | None = None,
    environment: Mapping[str, str] | None = None,
) -> list[str]:
    """The command line that runs a shell script (or a list of words) in a tree with other folders bound into it.

    ``binds``: place in the tree -> folder of this machine.
    """
    lines = ["set -e", f"cd {shlex.quote(str(tree))}"]
    mounts = {"proc": "mount -t proc proc proc", "sys": "mount --rbind /sys sys", "dev": "mount --rbind /dev dev"}
    lines += [f"mkdir -p {place}; {mount}" for place, mount in mounts.items()]
    for place, source in (binds or {}).items():
        inside = shlex.quote(place.lstrip("/"))
        lines.append(f"mkdir -p {inside}; mount --bind {shlex.quote(str(source))} {inside}")
    lines.append("[ ! -e /etc/resolv.conf ] || cat /etc/resolv.conf > etc/resolv.conf")
    lines.append('exec chroot . "$@"')
    words = script if isinstance(script, list) else ["/bin/bash", "-euo", "pipefail", "-c", script]
    settings = [f"{name}={value}" for name, value in {**ENVIRONMENT, **(environment or {})}.items()]
    return [
        *(*PRIVATE, "bash", "-c", "\n".join(lines), "chroot"),
        *("/usr/bin/env", "-i", *settings, *words),
    ]


def run(
    tree: Path,
    script: str | list[str],
    binds: Mapping[str, Path] | None = None,
    environment: Mapping[str, str] | None = None,
    quiet: bool = True,
) -> str:
    """Run in a tree and wait; what it wrote. When it fails, the end of that and exit."""
    if os.geteuid() != 0:
        raise SystemExit("Building for the boards changes roots and mounts: run it as root (sudo make ...).")
    done = subprocess.run(
        command(tree, script, binds, environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if quiet else None,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        text = script if isinstance(script, str) else shlex.join(script)
        raise SystemExit(f"{done.stdout[-6000:]}\n{tree.name}: exit status {done.returncode} of: {text[:600]}")
    return done.stdout
