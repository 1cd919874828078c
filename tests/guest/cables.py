"""Cables of the guest: pairs of dynamic spans, set up by Debian's own dahdi_cfg."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

HOOK_SETTLE_S = 1.5
"""Setting up puts every line on hook; a hook that moves within a flash time of that counts as a flash."""
ZONES = "loadzone=us\ndefaultzone=us\n"


def command(*words: str) -> None:
    """Run a program of the guest."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"


def plug(system_conf: str, name: str = "system") -> None:
    """Make the spans and channels that a system.conf lists; those there are stay as they are."""
    command("busybox", "modprobe", "dahdi_dynamic_loc")
    configuration = Path(f"/etc/dahdi/{name}.conf")
    configuration.parent.mkdir(exist_ok=True)
    configuration.write_text(system_conf + ZONES)
    command("dahdi_cfg", "-c", str(configuration))
    time.sleep(HOOK_SETTLE_S)


def unplug(span: int) -> Path:
    """Take a span away as the kernel does when its box is pulled out; its device, whose first and only span it is."""
    device = Path(f"/sys/bus/dahdi_spans/devices/span-{span}").resolve().parent
    (device / "unassign_span").write_text("1")
    return device
