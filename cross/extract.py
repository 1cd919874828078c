"""A tree of arm64 packages laid out without running any of their scripts: no emulation, seconds instead of minutes."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from cross import cache, debian, tools

MERGED = ("bin", "sbin", "lib")


def extracted(name: str, packages: Sequence[str]) -> Path:
    """The tree of these packages and what they depend on."""

    def make(work: Path) -> None:
        for place in MERGED:
            (work / "usr" / place).mkdir(parents=True, exist_ok=True)
            (work / place).symlink_to(f"usr/{place}")
        options = [f"--aptopt={option}" for option in tools.APT_OPTIONS]
        options += [f"--dpkgopt={option}" for option in tools.DPKG_OPTIONS]
        done = subprocess.run(
            [
                *("mmdebstrap", "--mode=root", "--variant=extract", "--architectures=arm64", *options),
                *(f"--include={','.join(packages)}", "--skip=check/empty,check/merged-usr"),
                *(debian.RELEASE, str(work), *debian.sources()),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(f"{done.stderr[-4000:]}\nmmdebstrap could not lay out {name}; its own message is above.")

    return cache.made(name, [Path(__file__), Path(debian.__file__), *packages], make)
