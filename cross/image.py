"""SD card images and update bundles.

    python3 -m cross.image image BOARD       build/image/BOARD/offhook-BOARD.img and .img.xz, checksums, packages (SPDX)
    python3 -m cross.image bundle BOARD      build/image/BOARD/offhook-BOARD.raucb, a signed update

The card: boot (FAT), two systems of which one is in use, data. Between partition table and first partition lies one
sector with the state of the two systems. No loop devices, no mounts of file systems; two builds of one commit are the
same to the bit.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import sys
import time
import uuid
import zlib
from pathlib import Path

from cross import boards, cache, chroot, extract, kernel, keys, packages, rootfs, tools
from cross.boards import Board

MIB = 1 << 20
TOTAL = 2048 * MIB  # emulated cards must have a power of two
BOOT = (4 * MIB, 124 * MIB)
SYSTEM = 512 * MIB
"""Room for a system; its image is as large as what is in it, so that an update writes no more than that."""
SLOTS = ((128 * MIB, SYSTEM), (128 * MIB + SYSTEM, SYSTEM))
DATA = (SLOTS[1][0] + SYSTEM, TOTAL - SLOTS[1][0] - SYSTEM)
ENVIRONMENT = (0x80000, 0x200)
"""Place and size in bytes of the boot loader's state (also in host/offhook/field/box.py)."""
STATE = {"BOOT_ORDER": "A B", "BOOT_A_LEFT": "3", "BOOT_B_LEFT": "0"}
NAMESPACE = uuid.UUID("6f6f6666-686f-6f6b-8000-000000000001")

SYSTEM_IMAGE = """
truncate -s $SIZE /out/rootfs.ext4
mke2fs -q -t ext4 -b 4096 -i 8192 -m 0 -L root -U $UUID \\
  -E hash_seed=$UUID,root_owner=0:0,lazy_itable_init=0,nodiscard \\
  -O ^has_journal,^metadata_csum,^64bit,^orphan_file,^resize_inode -d /root /out/rootfs.ext4
"""
BOOT_IMAGE = """
cd /fat
find . -exec touch -h -d @$SOURCE_DATE_EPOCH {} +
rm -f /out/boot.fat
mkfs.vfat -C --invariant -F 32 -s 1 -n BOOT -i ${UUID:0:8} /out/boot.fat $((SIZE / 1024)) > /dev/null
export MTOOLS_SKIP_CHECK=1 TZ=UTC
for name in $(ls | LC_ALL=C sort); do mcopy -s -m -i /out/boot.fat "$name" ::/; done
"""


def environment() -> bytes:
    """The sector with the state of the two systems, as U-Boot's ``env import -c`` and RAUC's tools read it."""
    content = b"".join(f"{name}={value}".encode() + b"\0" for name, value in STATE.items())
    content = content.ljust(ENVIRONMENT[1] - 4, b"\0")
    return struct.pack("<I", zlib.crc32(content)) + content


def partition_table(board: Board) -> bytes:
    """The first sector: four partitions of an MBR, which every board's first boot stage reads."""
    sector = bytearray(512)
    struct.pack_into("<I", sector, 440, int(board.disk_id, 16))
    kinds = ((BOOT, 0x0C, 0x80), (SLOTS[0], 0x83, 0), (SLOTS[1], 0x83, 0), (DATA, 0x83, 0))
    for number, ((start, size), kind, active) in enumerate(kinds):
        # Heads and cylinders are of no use to anyone: the largest ones say "see the numbers of sectors".
        entry = struct.pack("<B3sB3sII", active, b"\xfe\xff\xff", kind, b"\xfe\xff\xff", start // 512, size // 512)
        sector[446 + 16 * number : 462 + 16 * number] = entry
    sector[510:] = b"\x55\xaa"
    return bytes(sector)


def parts(board: Board) -> Path:
    """The folder with rootfs.ext4, boot.fat and PACKAGES of this checkout and board; cached."""
    epoch, signing = rootfs.epoch(), keys.keys()

    def make(work: Path) -> None:
        root, fat = work / "root", work / "fat"
        root.mkdir()
        fat.mkdir()
        which = rootfs.system(board, epoch, signing.keyring, root)
        shutil.copy(root / "usr/share/offhook/PACKAGES", work / "PACKAGES")
        (work / "kernel").write_text(f"{which.name} {which.version}\n")
        boot_files(board, which, fat)
        identity = str(uuid.uuid5(NAMESPACE, f"{board.key} {epoch}"))
        words = {"UUID": identity, "SOURCE_DATE_EPOCH": str(epoch)}
        root_of_tools = tools.with_image_tools()
        chroot.run(
            root_of_tools,
            SYSTEM_IMAGE,
            {"root": root, "out": work},
            {**words, "SIZE": str(room(root)), "E2FSPROGS_FAKE_TIME": str(epoch)},
        )
        script = boot_script(board)
        (work / "boot.cmd").write_text(script)
        chroot.run(
            root_of_tools,
            "mkimage -A arm64 -T script -C none -n offhook -d /out/boot.cmd /fat/boot.scr",
            {"fat": fat, "out": work},
            words,
        )
        chroot.run(root_of_tools, BOOT_IMAGE, {"fat": fat, "out": work}, {**words, "SIZE": str(BOOT[1])})
        for folder in (root, fat):
            cache.remove(folder)

    return cache.made(f"box-{board.key}", [*inputs(board), str(epoch), signing.keyring], make)


def room(root: Path) -> int:
    """Bytes of a file system that holds a tree. SystemExit when it would not fit where systems lie."""
    sizes = [path.lstat().st_size for path in root.rglob("*") if path.is_dir() or path.is_file() or path.is_symlink()]
    content = sum(-(-size // 4096) * 4096 for size in sizes)
    # Inodes, bitmaps, and a little that the allocation of blocks needs.
    size = -(-int(content * 1.06 + 8 * MIB) // MIB) * MIB
    if size > SYSTEM:
        raise SystemExit(f"the system takes {size // MIB} MiB and has room for {SYSTEM // MIB}: see cross/packages.py")
    return size


def inputs(board: Board) -> list[str | Path]:
    """Everything that an image is made from."""
    folders = (rootfs.HOST, cache.CHECKOUT / "kernel-shims", board.folder, Path(__file__).parent)
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    mine = [path for path in files if path.suffix not in {".pyc", ".so"}]
    which = kernel.newest(board.kernel_flavour)
    return [*mine, which.name, which.version, tools.tree().name, *packages.BOX]


def boot_script(board: Board) -> str:
    """What U-Boot carries out."""
    words = {
        "ENV_BLOCK": f"{ENVIRONMENT[0] // 512:#x}",
        "DISK_ID": board.disk_id,
        "COMMAND_LINE": f"ro quiet loglevel=3 panic=10 {board.command_line}",
    }
    text = (rootfs.FILES / "boot.cmd").read_text()
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    return text


def boot_files(board: Board, which: kernel.Kernel, fat: Path) -> None:
    """What lies on the boot partition beside the script."""
    shutil.copy(rootfs.FILES / "provision.toml.sample", fat)
    if board.loader != "raspi-firmware":
        return
    loader = extract.extracted(f"boot-{board.key}", board.packages)
    firmware = loader / "usr/lib/raspi-firmware"
    for pattern in ("bootcode.bin", "start*.elf", "fixup*.dat"):
        for path in firmware.glob(pattern):
            shutil.copy(path, fat / path.name)
    shutil.copytree(firmware / "overlays", fat / "overlays")
    shutil.copy(loader / "usr/lib/u-boot" / board.u_boot, fat / "u-boot.bin")
    shutil.copy(board.folder / board.config, fat / "config.txt")
    trees = kernel.image(which) / f"usr/lib/linux-image-{which.name}"
    for name in board.device_trees:
        shutil.copy(trees / name, fat / Path(name).name)
    for name in board.overlays:
        target = f"/fat/overlays/{Path(name).stem}.dtbo"
        command = ["dtc", "-q", "-@", "-I", "dts", "-O", "dtb", "-o", target, f"/board/{name}"]
        chroot.run(tools.with_image_tools(), command, {"fat": fat, "board": board.folder})


def output(board: Board) -> Path:
    """Where what is for people goes."""
    folder = cache.CHECKOUT / "build/image" / board.key
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_sparse(source: Path, target: Path, offset: int) -> None:
    """Copy a file into another one at a place, leaving holes where it is zero."""
    with source.open("rb") as read, target.open("r+b") as out:
        out.seek(offset)
        while block := read.read(MIB):
            if block.strip(b"\0"):
                out.write(block)
            else:
                out.seek(len(block), 1)


def image(board: Board, compress: bool = True) -> Path:
    """Write the image of a board; its path."""
    made, folder = parts(board), output(board)
    card = folder / f"offhook-{board.key}.img"
    # Beside it first: whoever copies the card at this moment has a whole one.
    beside = folder / f"{card.name}.{os.getpid()}"
    with beside.open("wb") as out:
        out.truncate(TOTAL)
        out.write(partition_table(board))
        out.seek(ENVIRONMENT[0])
        out.write(environment())
    write_sparse(made / "boot.fat", beside, BOOT[0])
    write_sparse(made / "rootfs.ext4", beside, SLOTS[0][0])
    beside.rename(card)
    results = [card]
    (folder / f"offhook-{board.key}.spdx.json").write_text(spdx(board, made))
    results.append(folder / f"offhook-{board.key}.spdx.json")
    if compress:
        chroot.run(tools.tree(), f"xz -T2 -3 -f -k /out/{card.name}", {"out": folder})
        results.append(card.with_name(f"{card.name}.xz"))
    sums = folder / "SHA256SUMS"
    sums.write_text("".join(f"{digest(path)}  {path.name}\n" for path in results))
    used = sum(path.stat().st_blocks for path in [card]) * 512
    print(f"{card}: {used / MIB:.0f} MiB of {TOTAL / MIB:.0f} MiB used")
    if compress:
        print(f"{results[-1]}: {results[-1].stat().st_size / MIB:.0f} MiB")
    print(sums.read_text(), end="")
    return card


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def spdx(board: Board, made: Path) -> str:
    """Packages and licences of an image, SPDX 2.3."""
    epoch = rootfs.epoch()
    name, version = (made / "kernel").read_text().split()
    listed = [line.split() for line in (made / "PACKAGES").read_text().splitlines()]
    kernel_package = {
        **package(f"linux-image-{name}", version, None, ["GPL-2.0-only"]),
        "comment": "with modules of dahdi-dkms (GPL-2.0-only) and of drivers/isdn of the same kernel's source",
    }
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"offhook-{board.key}",
        "documentNamespace": f"urn:uuid:{uuid.uuid5(NAMESPACE, f'spdx {board.key} {epoch}')}",
        "creationInfo": {
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch)),
            "creators": ["Tool: offhook cross"],
        },
        "packages": [
            package("offhook", str(epoch), None, ["GPL-2.0-or-later"]),
            kernel_package,
            *(
                package(one, number, sha if sha != "-" else None, names.split(","))
                for one, number, sha, names in listed
            ),
        ],
    }
    return json.dumps(document, indent=1) + "\n"


def package(name: str, version: str, sha256: str | None, licences: list[str]) -> dict[str, object]:
    """One package of the list; licences by the names of its copyright file, which are not all SPDX's."""
    known = [licence for licence in licences if licence != "-"]
    entry: dict[str, object] = {
        "SPDXID": f"SPDXRef-{name.replace('_', '-').replace('+', 'p')}",
        "name": name,
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
    }
    if known:
        entry["licenseComments"] = "Debian's copyright file names: " + ", ".join(known)
    if sha256:
        entry["checksums"] = [{"algorithm": "SHA256", "checksumValue": sha256}]
    return entry


def bundle(board: Board, version: str = "", system: Path | None = None, name: str = "") -> Path:
    """Write a signed update; ``system`` is another root file system image than this checkout's."""
    signing, folder = keys.keys(), output(board)
    content = folder / "bundle"
    cache.remove(content)
    content.mkdir()
    source = system or parts(board) / "rootfs.ext4"
    target = content / "rootfs.ext4"
    target.touch()
    with target.open("r+b") as out:
        out.truncate(source.stat().st_size)
    write_sparse(source, target, 0)
    version = version or time.strftime("%Y%m%d%H%M%S", time.gmtime(rootfs.epoch()))
    manifest = f"[update]\ncompatible=offhook-{board.key}\nversion={version}\n\n[bundle]\nformat=verity\n\n"
    (content / "manifest.raucm").write_text(f"{manifest}[image.rootfs]\nfilename=rootfs.ext4\n")
    name = name or f"offhook-{board.key}.raucb"
    (folder / name).unlink(missing_ok=True)
    inside = {"/keys/cert": signing.certificate, "/keys/key": signing.key}
    scratch = folder / "keys"
    scratch.mkdir(exist_ok=True, mode=0o700)
    for place, path in inside.items():
        shutil.copy(path, scratch / Path(place).name)
    command = ["rauc", "bundle", "--cert=/keys/cert", "--key=/keys/key", "/content", f"/out/{name}"]
    binds = {"keys": scratch, "content": content, "out": folder}
    chroot.run(tools.with_image_tools(), command, binds, {"SOURCE_DATE_EPOCH": str(rootfs.epoch())})
    cache.remove(scratch)
    cache.remove(content)
    print(f"{folder / name}: {(folder / name).stat().st_size / MIB:.0f} MiB")
    return folder / name


def main(arguments: list[str]) -> int:
    match arguments:
        case ["image", key]:
            image(boards.load(key))
        case ["bundle", key]:
            bundle(boards.load(key))
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
