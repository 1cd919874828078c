"""A layer with a real Asterisk, the far end of guest-interop: Debian unstable's packages below /asterisk.

Its libraries are newer than the guest's, so it has a root of its own. The packages are named one by one: what they
depend on would bring a compiler for kernel modules along.
"""

from __future__ import annotations

from pathlib import Path

from build import pack, prune
from cross import cache, tools

PACKAGES = (
    *("asterisk", "asterisk-modules", "asterisk-dahdi", "libpri1.4", "libss7-2.0", "libopenr2-3", "libtonezone2.0"),
    *("libc6", "libgcc-s1", "libstdc++6", "libcrypt1", "libsystemd0", "libcap2", "zlib1g", "liblzma5", "libzstd1"),
    *("libssl3t64", "libjansson4", "libxml2-16", "libxslt1.1", "libsqlite3-0", "liburiparser1", "libuuid1"),
    *("libedit2", "libtinfo6", "libbsd0", "libmd0"),
)
UNWANTED = ("usr/share/doc", "usr/share/man", "usr/share/lintian", "etc/*", "var/*", "usr/lib/systemd")
FOLDERS = (
    "dev",
    "proc",
    "etc/asterisk",
    "tmp",
    "var/run/asterisk",
    "var/lib/asterisk",
    "var/log/asterisk",
    "var/spool/asterisk",
)


def layer() -> Path:
    """The archive, made when the list of packages changed."""

    def make(work: Path) -> None:
        root = work / "root"
        tree = root / "asterisk"
        tree.mkdir(parents=True)
        for package in tools.download([f"{name}:arm64/sid" for name in PACKAGES], work / "debs"):
            tools.unpack(package, tree)
        prune(tree, UNWANTED)
        for folder in FOLDERS:
            (tree / folder).mkdir(parents=True, exist_ok=True)
        if not (tree / "lib").exists():
            (tree / "lib").symlink_to("usr/lib")
        pack(root, work / "asterisk.cpio")
        cache.remove(root)
        cache.remove(work / "debs")

    return cache.made("guest-asterisk", [Path(__file__), tools.tree().name], make) / "asterisk.cpio"
