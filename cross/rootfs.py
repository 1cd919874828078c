"""The root file system of a box: Debian's arm64 packages, the kernel's modules, Offhook; read-only when it runs.

No package's script runs: what they would have done that a box needs is done here, by this machine's own programs.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from cross import cache, chroot, engine, extract, kernel, modules, packages, probe, tools
from cross.boards import Board
from kernel_shims.astribank.initcard import launch

FILES = Path(__file__).resolve().parent / "image"
HOST = cache.CHECKOUT / "host"
UNWANTED = (
    *("usr/share/perl", "usr/share/perl5", "usr/lib/*/perl", "usr/lib/*/perl5", "usr/lib/*/perl-base"),
    *("usr/bin/perl*", "boot/*"),
    *("usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/bash-completion"),
    *("usr/share/i18n", "usr/share/zsh", "usr/share/fish", "usr/share/debconf", "usr/share/lintian", "usr/share/bug"),
    *("usr/lib/python3.13/test", "usr/lib/python3.13/idlelib", "usr/lib/python3.13/ensurepip", "usr/include"),
    *("usr/lib/python3.13/lib2to3", "usr/lib/python3.13/turtledemo", "usr/lib/python3.13/pydoc_data"),
    *("usr/lib/*/gconv", "usr/lib/*/libpython3*.so*", "usr/lib/udev/hwdb.d", "usr/share/dahdi/*.ima", "etc/cron*"),
    *("var/cache/*", "var/lib/apt", "var/lib/dpkg", "etc/apt", "etc/init.d", "etc/rc?.d", "PACKAGES"),
)
# Of Debian's modules: what no box has a use for. The list errs on the side of keeping.
UNWANTED_MODULES = (
    *("drivers/gpu", "drivers/media", "drivers/infiniband", "drivers/iio", "drivers/staging"),
    *("drivers/video", "drivers/ata", "drivers/nvme", "drivers/hwmon", "drivers/soundwire", "drivers/accel"),
    *("drivers/crypto", "drivers/input", "drivers/power", "drivers/thunderbolt", "drivers/net/ethernet/mellanox"),
    *("drivers/net/ethernet/intel", "drivers/net/ethernet/qlogic", "drivers/net/ethernet/chelsio"),
    *("drivers/net/ethernet/broadcom/bnx2x", "drivers/net/ethernet/marvell/octeontx2", "drivers/net/wireless/ath"),
    *("drivers/net/wireless/intel", "drivers/net/wireless/mediatek", "drivers/net/wireless/realtek"),
    *("drivers/net/wireless/marvell", "drivers/net/wireless/ralink", "drivers/target", "drivers/bluetooth"),
    *("fs/xfs", "fs/btrfs", "fs/ocfs2", "fs/gfs2", "fs/ceph", "fs/smb", "fs/nfs", "fs/nfsd", "fs/afs", "fs/jfs"),
    *(
        "fs/reiserfs",
        "fs/f2fs",
        "fs/ntfs3",
        "fs/bcachefs",
        "fs/cramfs",
        "fs/dlm",
        "fs/hfsplus",
        "fs/udf",
        "fs/orangefs",
    ),
    *("net/ceph", "net/bluetooth", "net/sunrpc", "net/rxrpc", "net/batman-adv", "net/smc", "net/tipc", "net/rds"),
    *("sound/soc/codecs", "sound/soc/rockchip", "sound/soc/qcom", "sound/soc/mediatek", "sound/soc/tegra", "sound/pci"),
)
ENABLED = (
    *("systemd-networkd.service", "systemd-resolved.service", "systemd-timesyncd.service", "ssh.service"),
    *("offhook-box.service", "offhook.service", "offhook-good.service", "rauc.service"),
    *("offhook-update.path", "offhook-reset.path"),
)
PANEL = ("offhook-panel.service",)
MASKED = (
    *("systemd-networkd-wait-online.service", "systemd-firstboot.service", "ldconfig.service", "apt-daily.timer"),
    *("systemd-machine-id-commit.service", "systemd-hwdb-update.service", "systemd-pcrmachine.service"),
    *("e2scrub_all.timer", "systemd-journal-catalog-update.service", "systemd-update-done.service"),
    *("systemd-binfmt.service", "proc-sys-fs-binfmt_misc.automount", "systemd-pstore.service"),
    *("systemd-logind.service", "systemd-user-sessions.service", "systemd-networkd-persistent-storage.service"),
    *("systemd-hostnamed.socket", "sshd-unix-local.socket", "systemd-rfkill.socket", "systemd-sysext.socket"),
    *("sys-kernel-debug.mount", "sys-kernel-tracing.mount", "dev-mqueue.mount", "dev-hugepages.mount"),
    *("systemd-growfs-root.service", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_reap.service"),
    *("systemd-remount-fs.service", "systemd-update-utmp.service", "systemd-update-utmp-runlevel.service"),
)
EMPTY = (
    *("proc", "sys", "dev", "run", "tmp", "data", "mnt", "root", "boot", "boot/firmware", "etc/offhook", "var", "home"),
    *("srv", "etc/default", "etc/credstore", "etc/credstore.encrypted", "root/.ssh"),
)

MODULES = """
cp -a /debian/usr/lib/modules/$KERNEL /root/usr/lib/modules/
cp -a /ours/usr/lib/modules/$KERNEL/updates /root/usr/lib/modules/$KERNEL/
cd /root/usr/lib/modules/$KERNEL
for part in $UNWANTED; do rm -rf kernel/$part; done
# Of SCSI, what USB disks need.
find kernel/drivers/scsi -name '*.ko*' ! -name 'scsi_*' ! -name 'sd_mod*' -delete
rm -f build source
depmod -b /root $KERNEL
"""
INITIAL_DISK = """
mkdir -p /disk/usr/lib/modules/$KERNEL /disk/usr/bin
for place in bin sbin lib; do mkdir -p /disk/usr/$place; ln -sfn usr/$place /disk/$place; done
cp /root/usr/bin/busybox /disk/usr/bin/busybox
cd /root
for name in $NAMES; do
  modprobe -d /root -S $KERNEL --show-depends $name 2>/dev/null | sed -n 's/^insmod \\([^ ]*\\).*/\\1/p' || true
done | sed 's,^/root/\\(lib\\|usr/lib\\)/,usr/lib/,' | sort -u | while read -r path; do
  mkdir -p "/disk/$(dirname "$path")"
  case $path in *.xz) xz -dc "/root/$path" > "/disk/${path%.xz}" ;; *) cp "/root/$path" "/disk/$path" ;; esac
done
cp usr/lib/modules/$KERNEL/modules.builtin usr/lib/modules/$KERNEL/modules.order /disk/usr/lib/modules/$KERNEL/
depmod -b /disk $KERNEL
echo $NAMES > /disk/modules
cd /disk
find . -exec touch -h -d @$SOURCE_DATE_EPOCH {} +
find . -mindepth 1 | LC_ALL=C sort | cpio -o -H newc -R 0:0 --reproducible --quiet | zstd -q -15 > /root/boot/initrd.img
"""
# What has to be there before the slot can be mounted, whichever board it is.
DISK_MODULES = (
    *(
        "virtio_blk",
        "virtio_pci",
        "virtio_mmio",
        "ext4",
        "crc32c",
        "mmc_block",
        "sdhci_iproc",
        "bcm2835",
        "usb_storage",
    ),
    *(
        "uas",
        "xhci_pci",
        "xhci_plat_hcd",
        "dwc2",
        "pcie_brcmstb",
        "reset_raspberrypi",
        "raspberrypi_hwmon",
        "nls_ascii",
    ),
    *("omap_hsmmc", "sdhci_omap", "vfat", "nls_cp437"),
)


def system(board: Board, epoch: int, keyring: Path, into: Path) -> kernel.Kernel:
    """Lay the root file system of a board out below ``into``."""
    which = kernel.newest(board.kernel_flavour)
    installed = extract.extracted("box-packages", packages.BOX)
    image, ours = kernel.image(which), modules.tree(which)
    shutil.copytree(installed, into, symlinks=True, ignore_dangling_symlinks=True, dirs_exist_ok=True)
    phone = probe.tree()
    licences = (into / "PACKAGES").read_text() + (phone / "PACKAGE").read_text()
    prune(into)
    for place in EMPTY:
        (into / place).mkdir(parents=True, exist_ok=True)
    shutil.copy(image / f"boot/vmlinuz-{which.name}", into / "boot/vmlinuz")
    environment = {"KERNEL": which.name, "UNWANTED": " ".join(UNWANTED_MODULES), "SOURCE_DATE_EPOCH": str(epoch)}
    (into / "usr/lib/modules").mkdir(parents=True, exist_ok=True)
    root = tools.with_image_tools()
    chroot.run(root, MODULES, {"root": into, "debian": image, "ours": ours}, environment)
    offhook(into)
    for name in probe.MODULE:
        shutil.copy(phone / name, into / "usr/lib/offhook" / name)
    settings(into, board, keyring)
    compile_python(into)
    disk = into.with_name("initial-disk")
    cache.remove(disk)
    disk.mkdir()
    shutil.copy(FILES / "init", disk / "init")
    (disk / "init").chmod(0o755)
    names = " ".join((*DISK_MODULES, *board.modules))
    chroot.run(root, INITIAL_DISK, {"root": into, "disk": disk}, {**environment, "NAMES": names})
    cache.remove(disk)
    (into / "usr/share/offhook/PACKAGES").write_text(licences)
    # All of it: what was made or checked out before the epoch is dated differently wherever it was.
    chroot.run(root, f"find /root -exec touch -h -d @{epoch} {{}} +", {"root": into})
    return which


def prune(root: Path) -> None:
    """Remove what a box has no use for."""
    for pattern in UNWANTED:
        for path in sorted(root.glob(pattern)):
            if path.is_dir() and not path.is_symlink():
                cache.remove(path)
            else:
                path.unlink()


def offhook(root: Path) -> None:
    """Offhook itself, as ``make install PREFIX=/usr`` lays it out, with what was compiled for the board."""
    library = root / "usr/lib/offhook"
    skip = shutil.ignore_patterns("__pycache__", "*.so", "*.o", "*.pyc")
    shutil.copytree(HOST / "offhook", library / "offhook", ignore=skip)
    shutil.copytree(engine.tree(), library, dirs_exist_ok=True)
    shutil.copytree(cache.CHECKOUT / "kernel-shims/kernel_shims", library / "kernel_shims", ignore=skip)
    shutil.copytree(engine.shims(), library, dirs_exist_ok=True)
    shutil.copytree(cache.CHECKOUT / "boards", library / "boards")
    words = {"PREFIX": "/usr", "SYSCONFDIR": "/etc", "LOCALSTATEDIR": "/var"}
    for source, place in {
        "offhook.service": "usr/lib/systemd/system/offhook.service",
        "offhook.sysusers": "usr/lib/sysusers.d/offhook.conf",
        "offhook.udev": "usr/lib/udev/rules.d/61-offhook.rules",
        "offhook.modprobe": "usr/lib/modprobe.d/offhook.conf",
    }.items():
        # Phones on the lines work before there is a network.
        text = (HOST / "data" / source).read_text()
        text = re.sub(r"(?m)^(Wants|After)=network-online.target\n", "", text)
        target = root / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(re.sub(r"@(\w+)@", lambda match: words[match[1]], text))
    launch.write_launchers(library / "xpp", "/usr/bin/python3", Path("/usr/lib/offhook"))
    for name, module in {"offhook": "offhook.main", "offhook-diag": "offhook.field.diag.shell"}.items():
        program = root / "usr/sbin" / name
        program.write_text(
            "#!/usr/bin/python3 -I\nimport sys\n\nsys.path.insert(0, '/usr/lib/offhook')\n"
            f"from {module} import main\n\nsys.exit(main())\n"
        )
        program.chmod(0o755)
    data = root / "usr/share/offhook"
    (data / "sounds").mkdir(parents=True, exist_ok=True)
    (data / "sounds/en").symlink_to("/usr/share/asterisk/sounds/en_US_f_Allison")
    (data / "moh").symlink_to("/usr/share/asterisk/moh")
    skeleton = data / "skeleton"
    shutil.copytree(HOST / "data/samples", skeleton)
    shutil.copytree(FILES / "skeleton", skeleton, dirs_exist_ok=True)


def settings(root: Path, board: Board, keyring: Path) -> None:
    """What packages' scripts would have set up, and the box's own units and settings."""
    base = root / "usr/share/base-passwd"
    shutil.copy(base / "passwd.master", root / "etc/passwd")
    shutil.copy(base / "group.master", root / "etc/group")
    shutil.copytree(FILES / "system", root, dirs_exist_ok=True, symlinks=True)
    for program in (root / "usr/lib/offhook").glob("bin/*"):
        program.chmod(0o755)
    words = {"BOARD": board.key, "DISK_ID": board.disk_id, "WATCHDOG_S": str(board.watchdog_s)}
    for name in ("etc/rauc/system.conf", "etc/systemd/system.conf.d/offhook.conf"):
        text = (root / name).read_text()
        (root / name).write_text(re.sub(r"@(\w+)@", lambda match: words[match[1]], text))
    shutil.copy(keyring, root / "etc/rauc/keyring.pem")
    (root / "etc/fstab").write_text(f"PARTUUID={board.disk_id}-01 /boot/firmware vfat noauto,umask=077 0 0\n")
    (root / "etc/modules-load.d/board.conf").write_text("".join(f"{name}\n" for name in board.modules))
    denied = "".join(f"blacklist {name}\ninstall {name} /bin/true\n" for name in board.denied_modules)
    (root / "etc/modprobe.d/board.conf").write_text(denied)
    certificates = sorted((root / "usr/share/ca-certificates/mozilla").glob("*.crt"))
    (root / "etc/ssl/certs").mkdir(parents=True, exist_ok=True)
    (root / "etc/ssl/certs/ca-certificates.crt").write_bytes(b"".join(path.read_bytes() for path in certificates))
    shutil.copy(root / "usr/share/libc-bin/nsswitch.conf", root / "etc/nsswitch.conf")
    for link, target in {
        "etc/resolv.conf": "/run/systemd/resolve/stub-resolv.conf",
        "etc/localtime": "/data/system/localtime",
        "etc/mtab": "../proc/self/mounts",
        "etc/fw_env.config": "/run/fw_env.config",
    }.items():
        (root / link).unlink(missing_ok=True)
        (root / link).symlink_to(target)
    (root / "etc/machine-id").write_text("")
    # A board without a clock of its own begins where this file is dated, or where it was when the time was saved last.
    (root / "usr/lib/clock-epoch").write_text("")
    rules = root / "usr/lib/udev/rules.d/60-dahdi.rules"
    if rules.exists():
        # Offhook loads the firmware of Astribanks itself, and sets spans up.
        text = re.sub(r'(?m)^SUBSYSTEM=="usb"(?:[^\n]*\\\n)+[^\n]*xpp_fxloader[^\n]*\n', "", rules.read_text())
        text = re.sub(r'(?m)^SUBSYSTEM=="dahdi_(?:devices|spans)"[^\n]*\n', "", text)
        rules.write_text(text.replace('="asterisk"', '="offhook"'))
    for name in MASKED:
        unit = root / "etc/systemd/system" / name
        unit.parent.mkdir(parents=True, exist_ok=True)
        unit.unlink(missing_ok=True)
        unit.symlink_to("/dev/null")
    script = f"""
systemd-sysusers --root=/root
systemctl --root=/root enable {" ".join([*ENABLED, *(PANEL if board.panel else ())])} 2>&1
systemctl --root=/root set-default multi-user.target
# What lies in /var of the packages is laid into memory at each start.
mkdir -p /root/usr/share/offhook/var
cp -a /root/var/. /root/usr/share/offhook/var/
rm -rf /root/var; mkdir /root/var
mkdir -p /root/usr/share/offhook/var/{{tmp,log,spool,cache,lib/offhook,log/offhook,spool/offhook,lib/private}}
ln -sfn /run /root/usr/share/offhook/var/run
ln -sfn /run/lock /root/usr/share/offhook/var/lock
chmod 1777 /root/usr/share/offhook/var/tmp /root/tmp
chmod 700 /root/root /root/root/.ssh /root/etc/credstore /root/etc/credstore.encrypted
"""
    chroot.run(tools.with_image_tools(), script, {"root": root})
    # Lines that say when they were written.
    shadow = root / "etc/shadow"
    text = re.sub(r"(?m)^([^:]+:[^:]*):\d*:", r"\1:20000:", shadow.read_text())
    # No password opens it, but it is not locked: sshd lets nobody into a locked account, keys or not.
    shadow.write_text(re.sub(r"(?m)^diag:[^:]*:", "diag:*:", text))
    for name in ("etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-", "etc/.pwd.lock"):
        (root / name).unlink(missing_ok=True)


def compile_python(root: Path) -> None:
    """Precompile: a board takes most of a minute to compile Python's library, and could not keep the result."""
    options = ["-q", "-j", "2", "--invalidation-mode", "unchecked-hash", "-s", "/root", "-p", "/"]
    folders = [f"/root/usr/lib/{name}" for name in ("python3.13", "python3", "offhook")]
    chroot.run(tools.tree(), ["python3", "-m", "compileall", *options, *folders], {"root": root})


def epoch() -> int:
    """Seconds since 1970 that everything in an image is dated: SOURCE_DATE_EPOCH, else the time of the last commit."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    command = ["git", "-C", str(cache.CHECKOUT), "-c", "safe.directory=*", "log", "-1", "--format=%ct"]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
