"""A tree of arm64 packages laid out without running their scripts: no emulation, seconds instead of minutes.

What the scripts would have set up is for whoever uses the tree to do. ``PACKAGES`` in it lists what it is made of, one
package a line: name, version, SHA-256 of the package, licences its copyright file names.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from cross import cache, chroot, tools

MERGED = ("bin", "sbin", "lib")
UNREAD = ("doc", "man", "info", "locale", "gtk-doc", "icons", "lintian", "bug")
# An empty status file: apt then chooses everything that these packages depend on.
CHOOSE = """
touch /tmp/nothing-installed
exec apt-get -y -q --download-only --no-install-recommends -o Dir::State::Status=/tmp/nothing-installed \\
  -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o Dir::Cache::archives=/debs -o Debug::NoLocking=1 \\
  install "$@"
"""
UNPACK = 'for deb in /debs/*.deb; do dpkg-deb --fsys-tarfile "$deb" | tar -x -C /into --keep-directory-symlink; done'


def extracted(name: str, packages: Sequence[str]) -> Path:
    """The tree of these packages and what they depend on."""

    def make(work: Path) -> None:
        debs = work / "debs"
        (debs / "partial").mkdir(parents=True)
        for place in MERGED:
            (work / "usr" / place).mkdir(parents=True, exist_ok=True)
            (work / place).symlink_to(f"usr/{place}")
        words = ["bash", "-euc", CHOOSE, "choose", *packages]
        chroot.run(tools.tree(), words, {"debs": debs})
        chroot.run(tools.tree(), UNPACK, {"debs": debs, "into": work})
        lines = [" ".join(described(deb, work)) for deb in sorted(debs.glob("*.deb"))]
        (work / "PACKAGES").write_text("".join(f"{line}\n" for line in lines))
        cache.remove(debs)
        for part in UNREAD:
            cache.remove(work / "usr/share" / part)

    inputs: list[str | Path] = [Path(__file__), tools.tree().name, *packages]
    return cache.made(name, inputs, make)


def described(deb: Path, tree: Path) -> list[str]:
    """Name, version, SHA-256, licences of a package."""
    name, version, _ = deb.name.split("_", 2)
    found = licences(tree / "usr/share/doc" / name / "copyright")
    return [name, version.replace("%3a", ":"), hashlib.sha256(deb.read_bytes()).hexdigest(), found]


def licences(copyright_file: Path) -> str:
    """The short names of a machine-readable copyright file, in order, joined by "," ("-" when it names none)."""
    try:
        text = copyright_file.read_text(errors="replace")
    except OSError:
        return "-"
    names = {
        re.sub(r"\s+", "_", name.strip()) for name in re.findall(r"^License:[ \t]*(\S[^\n]*)$", text, re.MULTILINE)
    }
    return ",".join(sorted(names)) or "-"
