"""Kernel modules that Debian's arm64 kernel does not have: DAHDI from dahdi-dkms, mISDN from linux-source."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from cross import cache, chroot, kernel, tools

# dahdi-dkms of sid calls timer_container_of, which 6.12 has under its older name.
DAHDI_FLAGS = "-Dtimer_container_of=from_timer -g0"
DAHDI_EXTRA = "dahdi_dummy dahdi_echocan_oslec"
MISDN = (
    *("CONFIG_ISDN=y", "CONFIG_MISDN=m", "CONFIG_MISDN_DSP=m", "CONFIG_MISDN_L1OIP=m", "CONFIG_ISDN_HDLC=m"),
    *("CONFIG_MISDN_HFCUSB=m", "CONFIG_MISDN_HFCPCI=m", "CONFIG_MISDN_HFCMULTI=m"),
)
# Type information for BPF needs the kernel's own and more tools, and nothing here reads it.
CROSS = "ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- CONFIG_DEBUG_INFO_BTF_MODULES="
STORE = """
mkdir -p /out/$WHERE
find . -name '*.ko' | while read -r module; do
  aarch64-linux-gnu-strip --strip-debug -o "/out/$WHERE/$(basename "$module")" "$module"
done
"""


def tree(which: kernel.Kernel) -> Path:
    """A folder that holds usr/lib/modules/KERNEL/updates/{dahdi,misdn}/*.ko."""
    dahdi = chroot.run(tools.tree(), ["apt-cache", "show", "--no-all-versions", "dahdi-dkms/sid"])
    version = re.search(r"^Version: (\S+)", dahdi, re.MULTILINE)
    assert version is not None, dahdi

    def make(work: Path) -> None:
        source = kernel.headers(which)
        updates = f"usr/lib/modules/{which.name}/updates"
        dahdi_modules(which, version[1], source, work, f"{updates}/dahdi")
        misdn_modules(which, source, work, f"{updates}/misdn")
        text = "".join(f"{path.name}\n" for path in sorted(work.rglob("*.ko")))
        (work / "MODULES").write_text(f"kernel {which.name} {which.version}\ndahdi-dkms {version[1]}\n{text}")

    return cache.made("modules", [Path(__file__), which.name, which.version, version[1]], make)


def laid_out(package: str, work: Path) -> Path:
    """A package's files in a scratch folder below the one that is being made."""
    scratch = work / "scratch"
    (deb,) = tools.download([package], scratch / "debs")
    tools.unpack(deb, scratch)
    deb.unlink()
    return scratch


def dahdi_modules(which: kernel.Kernel, version: str, headers: str, work: Path, where: str) -> None:
    """Build DAHDI, every card's driver included; dahdi-dkms carries the complete source."""
    scratch = laid_out(f"dahdi-dkms={version}", work)
    (source,) = (scratch / "usr/src").glob("dahdi-*")
    build = (
        f"make -C . -j2 modules KVERS={shlex.quote(which.name)} KSRC={shlex.quote(headers)} {CROSS} "
        f"MODULES_EXTRA={shlex.quote(DAHDI_EXTRA)} KCFLAGS={shlex.quote(DAHDI_FLAGS)}"
    )
    chroot.run(
        tools.tree(),
        f"cd /src; {build}\n{STORE}",
        {"src": source, "out": work},
        {"WHERE": where},
    )
    header = work / "usr/include/dahdi"
    header.mkdir(parents=True)
    for name in ("user.h", "wctdm_user.h"):
        (header / name).write_bytes((source / "include/dahdi" / name).read_bytes())
    cache.remove(scratch)


def misdn_modules(which: kernel.Kernel, headers: str, work: Path, where: str) -> None:
    """Build drivers/isdn of the kernel's own source as modules beside it."""
    series = ".".join(which.name.split(".")[:2])
    scratch = laid_out(f"linux-source-{series}={which.version}", work)
    (archive,) = (scratch / "usr/src").glob("linux-source-*.tar.xz")
    script = f"""
cd /src; tar xf /scratch/{archive.relative_to(scratch)} --strip-components=1 linux-source-{series}/drivers/isdn
cd drivers/isdn
make -C {shlex.quote(headers)} M=$PWD {CROSS} {" ".join(MISDN)} KCFLAGS=-g0 -j2 modules
{STORE}"""
    source = work / "source"
    source.mkdir()
    chroot.run(tools.tree(), script, {"src": source, "scratch": scratch, "out": work}, {"WHERE": where})
    cache.remove(source)
    cache.remove(scratch)
