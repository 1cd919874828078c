"""What a provision becomes on a box: configuration files for the exchange, settings for the system.

Files are written beside and renamed, so that a power cut leaves the old or the new one. Doing it twice changes nothing
but passwords that nobody chose.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from offhook.field.provision import Account, Network, Provision, Trunk

LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Of made passwords: nothing that is mistaken for something else when it is typed off a screen."""
SCRYPT: Final = {"n": 2**14, "r": 8, "p": 1}
DEFAULT_PORTS: Final = {"udp": 5060, "tcp": 5060, "tls": 5061}
PROBE: Final = "probe"
"""The account of the probe phone of diagnostics; no number leads to it."""
HEADER: Final = "; Written from provision.toml: the next provisioning replaces this file.\n"


def made_password() -> str:
    """A password for an account that came without one: 79 bits."""
    return "".join(secrets.choice(LETTERS) for _ in range(16))


def write(path: Path, text: str, mode: int = 0o640) -> None:
    """Put a file in place so that a power cut at any time leaves the old or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    beside.chmod(mode)
    if os.geteuid() == 0:  # it is read by whoever the folder belongs to
        folder_of = path.parent.stat()
        os.chown(beside, folder_of.st_uid, folder_of.st_gid)
    beside.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


# ---- the console's password -----------------------------------------------------------------------------


def sealed(password: str) -> str:
    """What is kept of a password: salt and scrypt hash."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}:{hashlib.scrypt(password.encode(), salt=salt, **SCRYPT).hex()}\n"


def opens(password: str, kept: str) -> bool:
    """Whether a password is the one that was sealed."""
    salt, _, digest = kept.strip().partition(":")
    try:
        found = hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), **SCRYPT)
        return hmac.compare_digest(found, bytes.fromhex(digest))
    except ValueError:
        return False


# ---- the exchange ---------------------------------------------------------------------------------------


def accounts(provision: Provision, probe: Account) -> str:
    """pjsip.conf's part for the phones and the probe phone; the templates are in pjsip.conf itself."""
    lines = [HEADER]
    for account in (*provision.accounts, probe):
        name = f'"{account.name}" ' if account.name else ""
        lines += [
            f"[{account.number}](phone)",
            f"auth = {account.number}",
            f"aors = {account.number}",
            f"callerid = {name}<{account.number}>",
            "",
            f"[{account.number}](login)",
            f"username = {account.number}",
            f"password = {account.password}",
            "",
            f"[{account.number}](places)",
            "",
        ]
    return "\n".join(lines)


def diagnostics(probe: Account) -> str:
    """diag.conf: whom the probe phone is."""
    return f"{HEADER}\n[probe]\nserver = 127.0.0.1\nusername = {probe.number}\npassword = {probe.password}\n"


def trunk(settings: Trunk) -> str:
    """trunk.conf: the trunk looks after itself from there on."""
    host = f"[{settings.server}]" if ":" in settings.server else settings.server
    port = f":{settings.port}" if settings.port else ""
    number = f"number = {settings.number}\n" if settings.number else ""
    return f"""{HEADER}
[trunk]
host = {host}{port}
username = {settings.user}
password = {settings.password}
{number}transport = {settings.transport}
media_encryption = {"sdes" if settings.transport == "tls" else "no"}
context = from-trunk
"""


def dialplan(provision: Provision) -> str:
    """extensions.conf's part: numbers of the accounts, calls out and in through the trunk."""
    lines = [HEADER, "[provisioned]"]
    for account in provision.accounts:
        lines += [f"exten => {account.number},1,Dial(PJSIP/{account.number},40)", " same => n,Hangup()"]
    if provision.trunk is not None:
        lines += [
            "exten => _X.,1,Dial(PJSIP/${EXTEN}@trunk,120)",
            " same => n,Hangup(${HANGUPCAUSE})",
            "exten => _+X.,1,Dial(PJSIP/${EXTEN}@trunk,120)",
            " same => n,Hangup(${HANGUPCAUSE})",
            "",
            "[from-trunk]",
        ]
        answer = provision.trunk.answer or provision.accounts[0].number
        # A trunk sends calls to its number, its user name, or to nobody in particular.
        for called in ("s", "_X.", "_+X.", "_[a-z].", "_[A-Z]."):
            lines += [f"exten => {called},1,Dial(PJSIP/{answer},40)", " same => n,Hangup()"]
    return "\n".join(lines) + "\n"


# ---- the system -----------------------------------------------------------------------------------------


def network(settings: Network) -> dict[str, str]:
    """Files of systemd-networkd, by name."""
    wired = settings.interface or "e*"
    if settings.wifi_name and not settings.interface:
        wired = "e*"
    if settings.address is None:
        addressing = "DHCP=yes\n"
    else:
        addressing = f"Address={settings.address}\n"
        addressing += f"Gateway={settings.gateway}\n" if settings.gateway else ""
        addressing += "".join(f"DNS={server}\n" for server in settings.dns)
    addressing += "".join(f"NTP={server}\n" for server in settings.ntp)
    text = f"[Match]\nName={wired}\n\n[Network]\n{addressing}"
    if not settings.wifi_name:
        return {"10-offhook.network": text}
    # The address is that of the wireless port when there is a wireless network.
    return {
        "10-offhook.network": text.replace(f"Name={wired}", "Name=w*"),
        "20-wired.network": "[Match]\nName=e*\n\n[Network]\nDHCP=yes\n",
    }


def wireless(settings: Network) -> str:
    """wpa_supplicant.conf, empty without a wireless network."""
    if not settings.wifi_name:
        return ""
    country = f"country={settings.wifi_country.upper()}\n" if settings.wifi_country else ""
    name, password = settings.wifi_name.encode().hex(), settings.wifi_password
    key = hashlib.pbkdf2_hmac("sha1", password.encode(), settings.wifi_name.encode(), 4096, 32).hex()
    return f"{country}network={{\n\tssid={name}\n\tpsk={key}\n}}\n"


def apply(provision: Provision, etc: Path, system: Path) -> Provision:
    """Write everything; the provision with the passwords that were made.

    Args:
        etc: folder of the exchange's configuration.
        system: folder of the box's own settings, on its data partition.
    """
    kept = passwords(etc)
    provision = complete(provision, kept)
    probe = Account(PROBE, "Probe phone", kept.get(PROBE) or made_password())
    files: Mapping[Path, tuple[str, int]] = {
        etc / "pjsip_accounts.conf": (accounts(provision, probe), 0o640),
        etc / "diag.conf": (diagnostics(probe), 0o640),
        etc / "trunk.conf": (trunk(provision.trunk) if provision.trunk else HEADER, 0o640),
        etc / "extensions_provisioned.conf": (dialplan(provision), 0o640),
        etc / "indications_country.conf": (f"{HEADER}[general]\ncountry = {provision.country}\n", 0o640),
        system / "hostname": (f"{provision.hostname}\n", 0o644),
        system / "timezone": (f"{provision.timezone}\n", 0o644),
        system / "wpa_supplicant.conf": (wireless(provision.network), 0o600),
        system / "authorized_keys": ("".join(f"{key}\n" for key in provision.ssh_keys), 0o644),
        **{system / "network" / name: (text, 0o644) for name, text in network(provision.network).items()},
        # The last: while it is missing the box counts as new.
        system / "console.secret": (sealed(provision.console_password), 0o600),
    }
    for path in (system / "network").glob("*.network"):
        if path not in files:
            path.unlink()
    for path, (text, mode) in files.items():
        write(path, text, mode)
    return provision


def passwords(etc: Path) -> dict[str, str]:
    """The passwords that accounts have had so far, by number."""
    try:
        text = (etc / "pjsip_accounts.conf").read_text()
    except FileNotFoundError:
        return {}
    return dict(re.findall(r"^username = (\S+)\npassword = (\S.*)", text, re.MULTILINE))


def complete(provision: Provision, kept: Mapping[str, str]) -> Provision:
    """The provision with a password for each account: the one it has had, else a new one."""

    def with_password(account: Account) -> Account:
        return replace(account, password=account.password or kept.get(account.number) or made_password())

    return replace(provision, accounts=tuple(with_password(account) for account in provision.accounts))
