"""A box made from an Offhook image: what happens at each start, when it was a good one, and its console.

box set-up            before the network: keys, provisioning, name, time zone
box good              when the exchange answers: this slot may be started again
box console TTY       the login of a serial port
box panel             its lamp and its button
box install           an update that came over the diagnostics login
box reset             everything on the data partition goes at the next start, which is now
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from offhook.control.cli.protocol import OUTPUT, RUN, Frames, ProtocolError, frame
from offhook.control.cli.remote import connect
from offhook.field import panel, provision, provisioned

OFFHOOK: Final = ("/usr/sbin/offhook", "-C", "/etc/offhook/asterisk.conf")
SOCKET: Final = "/run/offhook/asterisk.ctl"
ENVIRONMENT_OFFSET: Final = 0x80000
"""Bytes from the start of the disk to the sector in which the boot loader and RAUC keep the state of the slots."""
ENVIRONMENT_SIZE: Final = 0x200
ANSWER_S: Final = 300.0
"""How long the exchange may take until it answers, before a start counts as bad."""


@dataclass(frozen=True)
class Places:
    """Where a box has its things; tests give others."""

    etc: Path = Path("/etc/offhook")
    system: Path = Path("/data/system")
    firmware: Path = Path("/boot/firmware")
    run: Path = Path("/run")
    hostname: Path = Path("/proc/sys/kernel/hostname")
    zones: Path = Path("/usr/share/zoneinfo")


def say(text: str) -> None:
    """A line at the console and in the journal."""
    print(f"offhook: {text}", flush=True)


def run(*words: str, timeout: float = 60.0) -> str:
    """What a program wrote; with a complaint as its last line when it failed."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=timeout, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{words[0]}: {error}\n"
    failed = f"{words[0]}: exit status {done.returncode}\n" if done.returncode else ""
    return done.stdout + done.stderr + failed


def ask(command: str) -> str:
    """What the exchange's CLI answers."""
    return run(*OFFHOOK, "-rx", command)


# ---- each start -----------------------------------------------------------------------------------------


def set_up(places: Places = Places()) -> None:
    """Everything that has to be there before the network and the exchange start."""
    slot_environment(places)
    host_keys(places)
    if mounted(places.firmware):
        try:
            provision_from(places)
        finally:
            run("umount", str(places.firmware))
    name(places)
    time_zone(places)
    network(places)


def slot_environment(places: Places) -> None:
    """Tell the tools of the boot loader's environment on which disk it lies (the initial RAM disk found it)."""
    try:
        prefix, _ = (places.run / "offhook-slot").read_text().split()
    except (OSError, ValueError):
        say("the disk this box started from is not known: updates cannot be marked good")
        return
    disk = prefix.removesuffix("p") if prefix.startswith(("mmcblk", "nvme")) else prefix
    text = f"/dev/{disk} {ENVIRONMENT_OFFSET:#x} {ENVIRONMENT_SIZE:#x}\n"
    (places.run / "fw_env.config").write_text(text)


def host_keys(places: Places) -> None:
    """Make the box's SSH key once, beside and renamed."""
    key = places.system / "ssh/ssh_host_ed25519_key"
    if key.exists():
        return
    fresh = places.system / "ssh.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    told = run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "offhook", "-f", str(fresh / key.name))
    if told:
        say(told.strip())
    os.sync()
    shutil.rmtree(key.parent, ignore_errors=True)
    fresh.rename(key.parent)


def mounted(firmware: Path) -> bool:
    """Mount the boot partition; whether it is there now."""
    if firmware.is_mount():
        return True
    told = run("mount", str(firmware))
    if told:
        say(f"the boot partition cannot be read, so neither can provision.toml: {told.strip()}")
    return not told


def provision_from(places: Places) -> bool:
    """Use provision.toml when there is one; whether it was used.

    The file without secrets stays as provision.done.toml. What is wrong is told at the console and in
    provision-errors.txt beside it, and nothing is changed then.
    """
    file, errors = places.firmware / "provision.toml", places.firmware / "provision-errors.txt"
    try:
        raw = file.read_bytes()
    except FileNotFoundError:
        return False
    if not raw.strip(b"\0 \r\n\t"):
        file.unlink()  # a power cut came between use and removal
        return False
    try:
        text = raw.decode()
        provisioned.apply(provision.read(text), places.etc, places.system)
    except (provision.ProvisionError, UnicodeDecodeError) as error:
        told = str(error) if isinstance(error, provision.ProvisionError) else f"provision.toml: no UTF-8: {error}"
        say("provision.toml is not used, because of")
        for line in told.splitlines():
            say(f"  {line}")
        provisioned.write(errors, told + "\n", 0o644)
        panel.note(places.run, "provision")
        return False
    provisioned.write(places.firmware / "provision.done.toml", provision.without_secrets(text), 0o644)
    erase(file, len(raw))
    errors.unlink(missing_ok=True)
    say("provision.toml was used; its secrets are removed from it (provision.done.toml)")
    return True


def erase(file: Path, size: int) -> None:
    """Overwrite a file where it lies, then remove it."""
    with file.open("r+b") as out:
        out.write(bytes(size))
        out.flush()
        os.fsync(out.fileno())
    file.unlink()
    os.sync()


def name(places: Places) -> None:
    """The box's name on the network: from provisioning, else by its machine id."""
    try:
        text = (places.system / "hostname").read_text().strip()
    except FileNotFoundError:
        text = f"offhook-{(places.system / 'machine-id').read_text()[:6]}"
    places.hostname.write_text(text)


def time_zone(places: Places) -> None:
    """Point /etc/localtime, which points here, at the zone."""
    try:
        zone = (places.system / "timezone").read_text().strip()
    except FileNotFoundError:
        zone = "UTC"
    fresh = places.system / "localtime.new"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(places.zones / zone)
    fresh.rename(places.system / "localtime")


def network(places: Places) -> None:
    """Hand the provisioned network to systemd-networkd and wpa_supplicant."""
    target = places.run / "systemd/network"
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted((places.system / "network").glob("*.network")):
        shutil.copy(path, target / path.name)
        (target / path.name).chmod(0o644)
    wireless = places.system / "wpa_supplicant.conf"
    if wireless.exists() and wireless.stat().st_size:
        for port in sorted(Path("/sys/class/net").glob("w*")):
            run("systemd-run", "--no-block", "/usr/sbin/wpa_supplicant", f"-i{port.name}", f"-c{wireless}")


# ---- a good start ---------------------------------------------------------------------------------------


def good(
    places: Places = Places(),
    answered: Callable[[], bool] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    restart: Callable[[], object] = lambda: run("systemctl", "--no-block", "start", "reboot.target"),
) -> int:
    """Wait until the exchange answers, then let this system be started again; an exit status.

    A system that never was good since it was installed is started once more, until the boot loader goes back to the
    other one. One that was good stays up: restarting would not mend the configuration that keeps the exchange down.
    """
    answered = answered or fully_booted
    mark, identity = places.system / "good", system_identity(places)
    known = mark.read_text().splitlines() if mark.exists() else []
    deadline = clock() + ANSWER_S
    while not answered():
        if clock() > deadline:
            say(f"the exchange does not answer after {ANSWER_S:.0f} s: this start does not count as good")
            panel.note(places.run, "exchange")
            if identity not in known:
                say("this system never was good: starting again")
                restart()
            return 1
        sleep(0.5)
    provisioned.write(mark, "".join(f"{one}\n" for one in [identity, *known][:2] if one), 0o644)
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    say(f"ready: calls can be made {uptime:.1f} s after the kernel started")
    panel.note(places.run, panel.READY)
    told = run("rauc", "status", "mark-good")
    if "exit status" in told:
        say(f"this start cannot be marked good: {told.strip()}")
        panel.note(places.run, "system")
        return 1
    return 0


def fully_booted() -> bool:
    """Whether the exchange has come up; asked without another program, which would take from it what it comes up by."""
    channel = connect(SOCKET)
    if channel is None:
        return False
    frames = Frames()
    try:
        with channel:
            channel.settimeout(ANSWER_S)
            channel.sendall(frame(RUN, "core waitfullybooted"))
            while data := channel.recv(65536):
                if any("fully booted" in body for letter, body in frames.feed(data) if letter == OUTPUT):
                    return True
    except (OSError, ProtocolError):
        return False
    return False


def system_identity(places: Places) -> str:
    """Which system runs: the identity of its file system, made with the image."""
    try:
        prefix, number = (places.run / "offhook-slot").read_text().split()
        with open(f"/dev/{prefix}{number}", "rb") as device:
            device.seek(1024 + 0x68)
            return device.read(16).hex()
    except (OSError, ValueError):
        return ""


def face(places: Places = Places()) -> int:
    """Look after lamp and button of the board; the exit status."""
    from kernel_shims.linecard.bus import LineCardError
    from kernel_shims.linecard.gpio import open_gpio
    from offhook.field.boards import BoardError, folders, identity, this_board

    try:
        board = this_board(next(folders("")), identity())
        if board is None:
            say("this is no board of ours: it has no lamp and no button")
            return 0
        gpio = open_gpio(board.gpio_library, board.gpio_chip)
    except (BoardError, LineCardError) as error:
        say(str(error))
        return 1
    try:
        panel.serve(gpio, board.pins.get(panel.LAMP), board.pins.get(panel.BUTTON), places.run, factory_reset)
    finally:
        gpio.close()
    return 0


def factory_reset() -> None:
    """Have the next start, which is now, begin with an empty data partition."""
    say("factory reset")
    Path("/data/factory-reset").touch()
    os.sync()
    say(run("systemctl", "--no-block", "start", "reboot.target"))


def calls() -> int:
    """How many calls go on."""
    found = re.search(r"(\d+) active call", ask("core show channels count"))
    return int(found[1]) if found else 0


def main(arguments: list[str]) -> int:
    """The program ``box``."""
    match arguments:
        case ["set-up"]:
            set_up()
            return 0
        case ["good"]:
            return good()
        case ["install"]:
            from offhook.field.uploads import install

            return install(run, calls)
        case ["panel"]:
            return face()
        case ["reset"]:
            factory_reset()
            return 0
        case ["console", terminal]:
            from offhook.field.box_console import serve

            return serve(terminal)
    print(__doc__, file=sys.stderr)
    return 2
