"""The login of a box's serial port: a few words that need no network, and behind them the exchange's own CLI.

Made for 80 columns and 24 lines at 115200 baud. The password is the one of the provisioning; a box that was never
provisioned has none yet.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import re
import readline
import subprocess
import sys
import termios
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from offhook.fetching import Bounds, FetchError, asked
from offhook.field import panel, provisioned
from offhook.field.box import OFFHOOK, Places, ask, factory_reset, run

PAGE: Final = 22
"""Lines shown before it waits."""
IDLE_S: Final = 900
FAILED_S: Final = 2.0
"""After a wrong password, doubled each time."""
MOST_FAILED_S: Final = 60.0
_BUNDLE: Final = Bounds(seconds=3600, octets=2 << 30)

Command = Callable[[list[str]], str]
COMMANDS: dict[str, tuple[Command, str]] = {}
"""Word -> what it does, and its line of help."""


def command(word: str, help_text: str) -> Callable[[Command], Command]:
    """Add a word to the console."""

    def add(function: Command) -> Command:
        COMMANDS[word] = (function, help_text)
        return function

    return add


# ---- the words ------------------------------------------------------------------------------------------


@command("help", "this list")
def _help(_: list[str]) -> str:
    lines = [f"  {word:24}{text}" for word, (_, text) in COMMANDS.items()]
    return "\n".join([*lines, "  Anything else goes to the exchange, for example: core show channels"])


@command("status", "the box at a glance")
def _status(_: list[str]) -> str:
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    memory = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    free, total = (int(memory[key].split()[0]) // 1024 for key in ("MemAvailable", "MemTotal"))
    data = os.statvfs("/data")
    words = Path("/proc/cmdline").read_text().split()
    slot = next((word.partition("=")[2] for word in words if word.startswith("rauc.slot=")), "unknown")
    version = run(*OFFHOOK, "-V").strip()
    lines = [
        f"Name:       {os.uname().nodename}, {version}",
        f"System:     slot {slot}, kernel {os.uname().release}, up {uptime / 60:.0f} min",
        f"Memory:     {free} of {total} MB free; load {os.getloadavg()[0]:.2f}",
        f"Data:       {data.f_bavail * data.f_frsize >> 20} of {data.f_blocks * data.f_frsize >> 20} MB free",
        f"Time:       {time.strftime('%Y-%m-%d %H:%M:%S %Z')}",
    ]
    return "\n".join([*lines, ask("core show calls").strip()])


@command("network", "addresses, routes, name servers")
def _network(_: list[str]) -> str:
    lines = []
    for port in _told_by_ip("address"):
        addresses = [f"{one['local']}/{one['prefixlen']}" for one in port["addr_info"]] or ["no address"]
        lines.append(f"{port['ifname']:12}{port['operstate'].lower():10}{addresses[0]}")
        lines += [f"{'':22}{address}" for address in addresses[1:]]
    for route in _told_by_ip("route"):
        if route["dst"] == "default":
            lines.append(f"{'router':22}{route.get('gateway', 'none')} by {route['dev']}")
    resolv = Path("/run/systemd/resolve/resolv.conf")
    known = resolv.read_text().splitlines() if resolv.exists() else []
    servers = [line.split()[1] for line in known if line.startswith("nameserver ")]
    return "\n".join([*lines, f"{'name servers':22}{' '.join(servers) or 'none'}"])


def _told_by_ip(what: str) -> list[dict[str, Any]]:
    told = run("ip", "-json", what)
    try:
        return [entry for entry in json.loads(told) if entry]
    except ValueError as error:
        raise OSError(f"ip {what}: {told.strip() or error}") from error


@command("trunk", "registration of the trunk")
def _trunk(_: list[str]) -> str:
    return "\n".join(ask(line).strip() for line in ("trunk show", "pjsip show registrations"))


@command("lines", "phones and lines")
def _lines(_: list[str]) -> str:
    phones = re.findall(r"^ *Endpoint: +([^\s/]+)\S* +(\S.*?) +(\d+) of ", ask("pjsip list endpoints"), re.MULTILINE)
    lines = [f"{name:30}{state:20}{calls} calls" for name, state, calls in phones]
    told = ask("line show").rstrip()
    return "\n".join([*lines, *([] if told.startswith("No such command") else [told])]) or "There are none."


@command("phones", "what to write into phones: user names and passwords")
def _phones(_: list[str]) -> str:
    found = provisioned.passwords(Places().etc)
    found.pop(provisioned.PROBE, None)
    if not found:
        return "There are none: provision.toml names no account yet."
    lines = [f"  user name {number:16} password {password}" for number, password in found.items()]
    return "\n".join(["The server is this box (see: network), port 5060, by UDP or TCP.", *lines])


@command("logs [N|export]", "the last N lines of the log; all of it to the card")
def _logs(words: list[str]) -> str:
    if words == ["export"]:
        return _export()
    if words and not words[0].isdigit():
        return "logs, logs 200, or logs export"
    return run("journalctl", "--no-pager", "-q", "-o", "short-iso", "-n", words[0] if words else "40").rstrip()


def _export() -> str:
    firmware = Places().firmware
    told = "" if firmware.is_mount() else run("mount", str(firmware))
    if told:
        return told
    file = firmware / "offhook-log.txt"
    file.write_text(run("journalctl", "--no-pager", "-q", "-o", "short-iso"))
    told = run("umount", str(firmware))
    return told or f"{file.name} is on the boot partition of the card now"


@command("update [FILE|URL|back]", "the two systems; install one; go back")
def _update(words: list[str]) -> str:
    if not words:
        return run("rauc", "status").strip()
    if words == ["back"]:
        return run("rauc", "status", "mark-active", "other").strip() + "\nIt starts with: reboot"
    return _install(words[0])


def _install(source: str) -> str:
    """Install a bundle that is on this box, or fetch it first."""
    fetched = Path("/data/update.raucb")
    try:
        if "://" in source:
            if not source.startswith(("http://", "https://")):
                return "Write an address that begins with http:// or https://, or the name of a file here."
            with asked(urllib.request.Request(source), _BUNDLE) as answer, fetched.open("wb") as out:
                if answer.status != 200:
                    return f"{source}: the server answered {answer.status} {answer.reason}"
                out.writelines(answer.pieces())
            source = str(fetched)
        told = run("rauc", "install", source, timeout=1800).strip()
    except FetchError as error:
        return str(error)
    except OSError as error:
        return f"{source}: {error}"
    finally:
        fetched.unlink(missing_ok=True)
    return told if "exit status" in told else f"{told}\nIt starts with: reboot"


@command("reset", "factory reset: configuration and records are gone")
def _reset(_: list[str]) -> str:
    if input('Everything on the data partition will be gone. Write "RESET" to go on: ') != "RESET":
        return "Nothing was done."
    factory_reset()
    return ""


@command("reboot", "start the box again")
def _reboot(_: list[str]) -> str:
    return run("systemctl", "--no-block", "start", "reboot.target")


@command("halt", "stop the box before the power is switched off")
def _halt(_: list[str]) -> str:
    return run("systemctl", "--no-block", "start", "poweroff.target")


@command("cli", "the exchange's own console; exit comes back")
def _cli(_: list[str]) -> str:
    subprocess.run([*OFFHOOK, "-r"], check=False)
    return ""


# ---- the session ----------------------------------------------------------------------------------------


def find(line: str) -> tuple[Command, list[str]] | None:
    """The word that a line begins with, and what follows; None for the exchange.

    A word that takes nothing after it is the exchange's when something follows: "trunk", but "trunk test cloud".
    """
    word, *rest = line.split()
    for name, (function, _) in COMMANDS.items():
        if word == name.split()[0] and (not rest or "[" in name):
            return function, rest
    return None


def answer(line: str) -> str:
    """What a line does."""
    found = find(line)
    return found[0](found[1]) if found else ask(line).rstrip()


def show(text: str, prompt: Callable[[str], str] = input) -> None:
    """Print page by page."""
    lines = text.splitlines()
    for start in range(0, len(lines), PAGE):
        print("\n".join(lines[start : start + PAGE]))
        left = len(lines) - start - PAGE
        if left > 0 and prompt(f"-- {left} more; Enter, or q --").strip().lower() == "q":
            return


def logged_in(secret: Path, asked: Callable[[str], str] = getpass.getpass, rescued: bool = False) -> bool:
    """Ask for the password until it is right; False when the line was given up. None is asked for after a rescue."""
    if rescued:
        print("The box's button was held: no password is asked for.")
        return True
    pause = FAILED_S
    while True:
        try:
            kept = secret.read_text()
        except FileNotFoundError:
            print("This box was not provisioned yet: write provision.toml on its boot partition. Until then there is")
            print("no password here.")
            return True
        try:
            given = asked("Password: ")
        except EOFError:
            return False
        if not given:
            continue  # somebody looks whether there is a console
        if provisioned.opens(given, kept):
            return True
        time.sleep(pause)
        pause = min(pause * 2, MOST_FAILED_S)
        print("That is not the password.")


@contextlib.contextmanager
def terminal_of(terminal: str) -> Iterator[None]:
    """Take a terminal as this process's own."""
    with contextlib.suppress(OSError):
        os.setsid()
    descriptor = os.open(f"/dev/{terminal}", os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(descriptor, number)
    os.environ["TERM"] = "vt102"
    settings = termios.tcgetattr(0)
    settings[3] |= termios.ECHO | termios.ICANON | termios.ISIG
    settings[0] |= termios.ICRNL
    settings[1] |= termios.OPOST | termios.ONLCR
    termios.tcsetattr(0, termios.TCSANOW, settings)
    yield


def serve(terminal: str) -> int:
    """Answer at a terminal until its user leaves; systemd starts it again then."""
    with terminal_of(terminal):
        sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", buffering=1, closefd=False)  # noqa: SIM115
        print(f"\nOffhook {os.uname().nodename} on {terminal}")
        rescued = panel.unlocked(Places().run, time.monotonic())
        if not logged_in(Places().system / "console.secret", rescued=rescued):
            return 0
        print('"help" lists what there is; "exit" leaves.')
        names = [name.split()[0] for name in COMMANDS]
        readline.set_completer(lambda text, state: [*(n for n in names if n.startswith(text)), None][state])
        readline.parse_and_bind("tab: complete")
        while True:
            try:
                line = input("offhook> ").strip()
            except EOFError:
                return 0
            except KeyboardInterrupt:
                print()
                continue
            if line in ("exit", "quit", "logout"):
                return 0
            if line:
                try:
                    show(answer(line))
                except OSError as error:
                    print(error)
                except (KeyboardInterrupt, EOFError):
                    print()
