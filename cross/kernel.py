"""Debian's arm64 kernel: which one it is, its image, and what modules for it are built against."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from cross import cache, chroot, tools


@dataclass(frozen=True)
class Kernel:
    """A kernel of Debian: its name ("6.12.107+deb13-arm64") and the version of its packages."""

    name: str
    version: str

    @property
    def abi(self) -> str:
        """The name without the flavour: "6.12.107+deb13"."""
        return self.name.rsplit("-", 1)[0]


def newest(flavour: str = "arm64") -> Kernel:
    """What linux-image-FLAVOUR stands for in the package lists of the tools."""
    text = chroot.run(tools.tree(), ["apt-cache", "show", f"linux-image-{flavour}:arm64"])
    for paragraph in text.split("\n\n"):
        version = re.search(r"^Version: (\S+)", paragraph, re.MULTILINE)
        image = re.search(rf"^Depends: .*linux-image-(6\.\d\S*-{flavour})\b", paragraph, re.MULTILINE)
        if version and image and "deb13" in image[1]:
            return Kernel(image[1], version[1])
    raise SystemExit(f"No kernel linux-image-{flavour} of Debian 13 in the package lists: make cross-fresh")


def image(kernel: Kernel) -> Path:
    """The kernel's package laid out: boot/vmlinuz-NAME, usr/lib/modules/NAME, usr/lib/linux-image-NAME."""

    def make(work: Path) -> None:
        (package,) = tools.download([f"linux-image-{kernel.name}:arm64={kernel.version}"], work / "debs")
        tools.unpack(package, work)
        package.unlink()
        (work / "debs").rmdir()
        # depmod on the host side: the module lists are made where modules are put together.

    return cache.made("kernel", [Path(__file__), kernel.name, kernel.version], make)


def headers(kernel: Kernel) -> str:
    """Lay the headers out in the tools, where their own absolute names hold; the folder to build against."""
    root = tools.tree()
    place = root / "usr/src" / f"linux-headers-{kernel.name}"
    stamp = place / ".offhook-complete"
    if not stamp.exists():
        wanted = [
            f"linux-headers-{kernel.name}:arm64={kernel.version}",
            f"linux-headers-{kernel.abi}-common={kernel.version}",
            # The build programs run here: those of this machine's processor, though the headers are the board's.
            f"linux-kbuild-{kernel.abi}={kernel.version}",
        ]
        for package in tools.download(wanted, root / "var/tmp/headers"):
            tools.unpack(package, root)
            package.unlink()
        stamp.touch()
    return f"/usr/src/linux-headers-{kernel.name}"
