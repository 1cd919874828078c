"""The tools: a Debian 13 for this machine's processor with cross compiler, QEMU and what writes images.

The machine that builds may run an older Debian; its compiler could not build modules for a Debian 13 kernel, its QEMU
lacks the boards. What the tools know of Debian's packages is as new as they are: ``make cross-fresh`` renews them.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from cross import cache, chroot, debian

GUEST = (
    # compiling modules and the engine
    *(
        "gcc-aarch64-linux-gnu",
        "libc6-dev-arm64-cross",
        "gcc",
        "libc6-dev",
        "make",
        "bc",
        "perl",
        "xz-utils",
        "kmod",
        "cpio",
        "file",
    ),
    # the interpreter of the boards, to precompile for them and to write the engine's glue
    *("python3-minimal", "libpython3-stdlib", "python3-cffi", "python3-setuptools"),
    # the machine
    *("qemu-system-arm", "ca-certificates"),
)
IMAGE = (
    *("dosfstools", "mtools", "fdisk", "e2fsprogs", "u-boot-qemu", "u-boot-tools", "device-tree-compiler"),
    *("g++-aarch64-linux-gnu", "swig"),
    *("rauc", "squashfs-tools", "openssl", "zstd", "openssh-client", "systemd", "libarchive13t64"),
)
APT_OPTIONS = (
    'Acquire::Languages "none"',
    "Acquire::Retries 3",
    'APT::Install-Recommends "false"',
    'APT::Default-Release "trixie"',
)
DPKG_OPTIONS = (
    "force-unsafe-io",
    *(f"path-exclude=/usr/share/{part}/*" for part in ("doc", "man", "info", "locale", "gtk-doc", "icons")),
)


@functools.cache
def tree() -> Path:
    """The root of the tools."""
    return cache.made("tools", [debian.RELEASE, *GUEST, *APT_OPTIONS, *DPKG_OPTIONS], make)


def forget() -> None:
    """Remove the tools: the next build makes them anew, with Debian's package lists of that day."""
    for path in cache.folder().glob("tools-*"):
        cache.remove(path)


def make(work: Path) -> None:
    """Install the tools that a guest needs."""
    if shutil.which("mmdebstrap") is None:
        raise SystemExit("mmdebstrap is missing: apt-get install mmdebstrap")
    options = [f"--aptopt={option}" for option in APT_OPTIONS] + [f"--dpkgopt={option}" for option in DPKG_OPTIONS]
    done = subprocess.run(
        [
            *(
                *chroot.PRIVATE,
                "mmdebstrap",
                "--mode=root",
                "--variant=minbase",
                "--architectures=amd64,arm64",
                *options,
            ),
            *(f"--include={','.join(GUEST)}", "--skip=cleanup/apt/lists", "--skip=check/empty"),
            *(debian.RELEASE, str(work), *debian.sources("main non-free-firmware", unstable=True)),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"{done.stderr[-4000:]}\nmmdebstrap could not make the tools; its own message is above.")


def with_image_tools() -> Path:
    """The root of the tools, those for images among them."""
    root = tree()
    stamp = root / "var/lib/offhook-image-tools"
    wanted = cache.key(IMAGE)
    if not stamp.exists() or stamp.read_text() != wanted:
        with cache.lock("tools"):
            cache.say("installing the tools for images")
            chroot.run(root, f"apt-get install -y -q {' '.join(IMAGE)}")
            stamp.write_text(wanted)
    return root


def download(names: Sequence[str], into: Path) -> list[Path]:
    """Fetch packages ("NAME", "NAME:arm64", "NAME/sid") as .deb files; those there are not fetched again."""
    into.mkdir(parents=True, exist_ok=True)
    before = set(into.glob("*.deb"))
    chroot.run(tree(), ["sh", "-c", 'cd /debs && apt-get download "$@"', "sh", *names], {"debs": into})
    return sorted(set(into.glob("*.deb")) - before)


def unpack(package: Path, into: Path) -> None:
    """Lay out what is in a .deb below a folder."""
    chroot.run(tree(), ["dpkg", "-x", f"/debs/{package.name}", "/into"], {"debs": package.parent, "into": into})
