"""Put the guest together: Debian's arm64 kernel and an initial RAM disk in two layers.

The first layer is the cached one: Python precompiled, libraries, kernel modules. The second is this checkout, laid on
top at each run: Offhook with its engine, the kernel shims, the stories.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cross import cache, chroot, engine, extract, kernel, modules, packages, tools

HERE = Path(__file__).resolve().parent
PACKAGES = (
    *packages.PYTHON,
    *packages.LIBRARIES,
    *("python3-pytest", "python3-pytest-asyncio", "busybox-static", "dahdi"),
)
UNWANTED = (
    *(
        "usr/include",
        "usr/src",
        "usr/share/dahdi",
        "usr/share/doc",
        "usr/share/locale",
        "usr/share/man",
        "usr/share/zoneinfo",
    ),
    *("usr/share/perl", "usr/share/perl5", "usr/lib/*/perl", "usr/lib/*/perl5", "usr/lib/*/perl-base", "usr/bin/perl*"),
    *("usr/lib/systemd", "usr/lib/udev", "var/cache", "var/lib/apt", "var/lib/dpkg", "usr/lib/firmware"),
    *("usr/lib/*/gconv", "usr/lib/*/libicu*", "usr/lib/*/libperl*", "usr/lib/*/libpython3*.so*"),
    *(
        "usr/lib/python3.13/test",
        "usr/lib/python3.13/idlelib",
        "usr/lib/python3.13/ensurepip",
        "usr/lib/python3.13/lib2to3",
    ),
)
# Debian's own modules that stories load; what these depend on comes along.
DEBIAN_MODULES = (
    *("cuse", "snd-aloop", "snd-pcm-oss", "vhci-hcd", "usbip-vudc", "dummy_hcd", "raw_gadget", "gpio-sim", "i2c-dev"),
    *("softdog", "tun", "veth", "sch_netem"),
)
# Of the checkout; a folder that is not there yet is left out.
CHECKOUT = ("host/offhook", "host/data", "kernel-shims", "boards", "tests/support", "tests/guest", "pyproject.toml")


@dataclass(frozen=True)
class Guest:
    """What QEMU starts."""

    kernel: Path
    layers: tuple[Path, ...]


def base() -> tuple[Path, kernel.Kernel]:
    """The folder with vmlinuz and base.cpio, made when something in it changed."""
    which = kernel.newest()
    installed, image, ours = extract.extracted("guest-packages", PACKAGES), kernel.image(which), modules.tree(which)

    def make(work: Path) -> None:
        root = work / "root"
        shutil.copytree(installed, root, symlinks=True, ignore_dangling_symlinks=True, ignore=devices)
        prune(root, UNWANTED)
        shutil.copy(image / f"boot/vmlinuz-{which.name}", work / "vmlinuz")
        (root / "init").symlink_to("offhook/tests/guest/init")
        for place in ("proc", "sys", "dev", "run", "root"):
            (root / place).mkdir(exist_ok=True)
        binds = {"root": root, "debian": image, "ours": ours}
        chroot.run(tools.tree(), MODULES, binds, {"KERNEL": which.name, "NAMES": " ".join(DEBIAN_MODULES)})
        compile_python(root, ["usr/lib/python3.13", "usr/lib/python3"])
        pack(root, work / "base.cpio")
        cache.remove(root)

    inputs = [Path(__file__), installed.name, image.name, ours.name]
    return cache.made("guest", inputs, make), which


# The kernel takes modules as they are quicker than compressed ones.
MODULES = """
copy() {
  mkdir -p "/root/$(dirname "$1")"
  case $1 in
    *.xz) xz -dc "/tree/$1" > "/root/${1%.xz}" ;;
    *) cp "/tree/$1" "/root/$1" ;;
  esac
}
mkdir -p /tree/usr/lib/modules; mount -t tmpfs tmpfs /tree; mkdir -p /tree/usr/lib/modules; ln -s usr/lib /tree/lib
cp -a /debian/usr/lib/modules/$KERNEL /tree/usr/lib/modules/
cp -a /ours/usr/lib/modules/$KERNEL/updates /tree/usr/lib/modules/$KERNEL/
depmod -b /tree $KERNEL
cd /tree/usr/lib/modules/$KERNEL
for name in $NAMES $(find updates -name '*.ko' -exec basename {} .ko ';'); do
  modprobe -d /tree -S $KERNEL --show-depends $name 2>/dev/null | sed -n 's/^insmod \\([^ ]*\\).*/\\1/p' || true
done | sed 's,^/tree/\\(lib\\|usr/lib\\)/,usr/lib/,' | sort -u | while read -r path; do copy "$path"; done
cp modules.builtin modules.builtin.modinfo modules.order /root/usr/lib/modules/$KERNEL/
[ -e /root/lib ] || ln -s usr/lib /root/lib
depmod -b /root $KERNEL
"""


def devices(folder: str, names: list[str]) -> list[str]:
    """Device nodes, which the guest's kernel makes itself."""
    return names if folder.endswith("/dev") else []


def prune(root: Path, patterns: Iterable[str]) -> None:
    """Remove what matches."""
    for pattern in patterns:
        for path in root.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def compile_python(root: Path, folders: list[str]) -> None:
    """Precompile with the interpreter of the same release: under emulation, compiling takes most of a minute."""
    options = ["-q", "-j", "2", "--invalidation-mode", "unchecked-hash", "-s", "/root", "-p", "/"]
    command = ["python3", "-m", "compileall", *options, *(f"/root/{place}" for place in folders)]
    chroot.run(tools.tree(), command, {"root": root})


def pack(root: Path, archive: Path) -> None:
    """Write a folder as a cpio archive that the kernel unpacks."""
    script = f"cd /root; find . -mindepth 1 | sort | cpio -o -H newc -R 0:0 --quiet > /out/{archive.name}"
    chroot.run(tools.tree(), script, {"root": root, "out": archive.parent})


def checkout(into: Path) -> Path:
    """The layer with this checkout."""
    root = into / "root"
    shutil.rmtree(root, ignore_errors=True)
    place = root / "offhook"
    skip = shutil.ignore_patterns("__pycache__", "*.so", "*.o", "engine")
    for name in CHECKOUT:
        source = cache.CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, place / name, ignore=skip)
        elif source.exists():
            shutil.copy(source, place / name)
    shutil.copytree(engine.tree(), place / "host", dirs_exist_ok=True)
    shutil.copytree(engine.shims(), place / "kernel-shims", dirs_exist_ok=True)
    (place / "tests/guest/init").chmod(0o755)
    compile_python(root, ["offhook"])
    pack(root, into / "checkout.cpio")
    return into / "checkout.cpio"


def told(arguments: list[str], into: Path) -> Path:
    """The layer that says which stories are run: pytest's arguments."""
    shutil.rmtree(into, ignore_errors=True)
    (into / "root/offhook").mkdir(parents=True)
    (into / "root/offhook/arguments").write_text(" ".join(arguments))
    pack(into / "root", into / "arguments.cpio")
    return into / "arguments.cpio"


def guests(runs: Mapping[str, list[str]], others: Iterable[Path] = ()) -> dict[str, Guest]:
    """A guest for each run, which is pytest's arguments by a name; ``others`` are layers between the guest's own and
    the checkout."""
    made, _ = base()
    into = cache.CHECKOUT / "build/guest"
    into.mkdir(parents=True, exist_ok=True)
    common = (made / "base.cpio", *others, checkout(into))
    return {name: Guest(made / "vmlinuz", (*common, told(words, into / name))) for name, words in runs.items()}
