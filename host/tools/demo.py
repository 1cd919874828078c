#!/usr/bin/env python3
"""Write a first configuration with two phones into a folder of the user's, and tell how to use it.

    demo.py HOME

What is in the folder already stays as it is; passwords are made once, at random. Printed each time: the address to
register at, the accounts, the numbers to dial.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import socket
import sys
from pathlib import Path

import prompts

TEMPLATES = Path(__file__).resolve().parent.parent / "data/demo"
NUMBERS = (
    ("600", "echo test: hear yourself"),
    ("601", "music"),
    ("602", "talking clock"),
    ("603", "enter digits and hear them said"),
    ("6001", "the first phone"),
    ("6002", "the second phone"),
)
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Of passwords: nothing that is mistaken for something else when it is typed off a screen."""


def write_configuration(home: Path) -> bool:
    """Write what is missing of the configuration; whether there was none before."""
    etc = home / "etc"
    fresh = not (etc / "asterisk.conf").exists()
    etc.mkdir(parents=True, exist_ok=True)
    if not fresh:
        return False
    words = {"HOME": str(home), **{f"SECRET{n}": "".join(secrets.choice(LETTERS) for _ in range(16)) for n in (1, 2)}}
    for template in sorted(TEMPLATES.glob("*.conf"), key=lambda path: path.name == "asterisk.conf"):
        target = etc / template.name
        if not target.exists():
            with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write(re.sub(r"@(\w+)@", lambda match: words[match[1]], template.read_text()))
    for folder in ("lib/agi-bin", "spool/outgoing", "log", "run", "cache"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    return True


def accounts(home: Path) -> list[tuple[str, str]]:
    """User names and passwords of pjsip.conf's logins."""
    try:
        text = (home / "etc/pjsip.conf").read_text()
    except OSError:
        return []
    found = []
    for section in re.split(r"^\s*\[", text, flags=re.MULTILINE):
        user = re.search(r"^\s*username\s*=>?\s*(\S+)", section, re.MULTILINE)
        password = re.search(r"^\s*password\s*=>?\s*(\S+)", section, re.MULTILINE)
        if user and password:
            found.append((user[1], password[1]))
    return found


def address() -> str:
    """The address of this machine that phones in its network reach; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def tell(home: Path) -> None:
    """Print what to do next."""
    print(f"\nRegister a SIP phone at {address()}, port 5060 (UDP or TCP):")
    for user, password in accounts(home):
        print(f"    user {user}   password {password}")
    if (home / "etc/extensions.conf").exists():
        print("and dial")
        for number, text in NUMBERS:
            print(f"    {number:5} {text}")
    print(f'The configuration is in {home}/etc. "core show help" tells the commands, "core stop now" ends.\n')
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    home = parser.parse_args().home.expanduser().absolute()
    try:
        if write_configuration(home):
            print(f"Wrote a first configuration into {home}/etc: yours to change.")
        if not (home / "lib/sounds/en").exists():
            print(f"Sounds: {prompts.fill(home / 'lib', spoken=False)}.")
    except OSError as error:
        raise SystemExit(f"{error.filename}: {error.strerror}; name another folder with OFFHOOK_HOME=") from error
    tell(home)


if __name__ == "__main__":
    main()
