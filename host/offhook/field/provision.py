"""provision.toml: what the installer writes on the boot partition to set a box up, checked before any of it is used.

Everything that is wrong is told at once, with line and remedy. Secrets are taken out of the file after use
(:func:`without_secrets`), so that whoever pulls the card reads none.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo

FORMAT: Final = 1
TRANSPORTS: Final = ("udp", "tcp", "tls")
USED: Final = "(used)"
SECRETS: Final = ("console_password", "password", "wifi_password")
"""Keys whose values are taken out of the file after use, whatever table they are in."""
MINIMUM_PASSWORD: Final = 8


class ProvisionError(Exception):
    """The file cannot be used; one sentence a line, each with file and line."""


@dataclass(frozen=True, slots=True)
class Network:
    """How the box reaches the network. ``address`` is None for DHCP."""

    interface: str = ""
    address: ipaddress.IPv4Interface | ipaddress.IPv6Interface | None = None
    gateway: str = ""
    dns: tuple[str, ...] = ()
    ntp: tuple[str, ...] = ()
    wifi_name: str = ""
    wifi_password: str = ""
    wifi_country: str = ""


@dataclass(frozen=True, slots=True)
class Trunk:
    """The SIP trunk that calls to other places take."""

    server: str
    user: str
    password: str
    transport: str = "tls"
    port: int = 0
    """0: what DNS says, or the transport's own."""
    number: str = ""
    """Shown to those who are called, and where calls without an own number go."""
    answer: str = ""
    """The account that calls from outside ring; the first when empty."""


@dataclass(frozen=True, slots=True)
class Account:
    """A SIP phone. Without a password one is made."""

    number: str
    name: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class Provision:
    """A checked file."""

    hostname: str
    timezone: str
    country: str
    console_password: str
    network: Network
    trunk: Trunk | None = None
    accounts: tuple[Account, ...] = ()
    ssh_keys: tuple[str, ...] = field(default=())


# ---- what each value may be -----------------------------------------------------------------------------
# A check gives the remedy when a value is wrong, None when it is right.

Check = Callable[[Any], str | None]


def _text(pattern: str, remedy: str) -> Check:
    return lambda value: None if isinstance(value, str) and re.fullmatch(pattern, value) else remedy


def _password(value: Any) -> str | None:
    if isinstance(value, str) and len(value) >= MINIMUM_PASSWORD and value.isprintable() and ";" not in value:
        return None
    return f"write at least {MINIMUM_PASSWORD} printable characters, no semicolon"


def _timezone(value: Any) -> str | None:
    try:
        ZoneInfo(value)
    except (TypeError, ValueError, OSError):
        return 'write a name like "Europe/Berlin" or "UTC"'
    return None


def _interface(value: Any) -> str | None:
    try:
        if isinstance(value, str) and "/" in value:
            ipaddress.ip_interface(value)
            return None
    except ValueError:
        pass
    return 'write address and prefix: "192.168.1.10/24"'


def _addresses(value: Any) -> str | None:
    try:
        if isinstance(value, list):
            for one in value:
                ipaddress.ip_address(one)
            return None
    except ValueError:
        pass
    return 'write a list of addresses: ["192.168.1.1"]'


def _address(value: Any) -> str | None:
    return None if isinstance(value, str) and _addresses([value]) is None else 'write an address: "192.168.1.1"'


def _hosts(value: Any) -> str | None:
    fine = isinstance(value, list) and all(isinstance(one, str) and re.fullmatch(HOST, one) for one in value)
    return None if fine else 'write a list of names or addresses: ["pool.ntp.org"]'


def _port(value: Any) -> str | None:
    fine = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 65536
    return None if fine else "write a port, 1 to 65535"


def _keys(value: Any) -> str | None:
    pattern = r"(ssh-ed25519|ecdsa-sha2-\S+|ssh-rsa|sk-\S+) [A-Za-z0-9+/=]+( .*)?"
    fine = isinstance(value, list) and all(isinstance(one, str) and re.fullmatch(pattern, one) for one in value)
    return None if fine else 'write a list of public keys as in id_ed25519.pub: ["ssh-ed25519 AAAA... name"]'


HOST: Final = r"[A-Za-z0-9]([A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?"
_LABEL: Final = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_PHONE: Final = _text(r"\+?[0-9]{1,20}", 'write digits: "100"')
_NAME: Final = _text(r'[^\x00-\x1f"\\;]{0,60}', "write up to 60 characters without quotes, backslashes and semicolons")
_WORD: Final = _text(r"[^\x00-\x20;\"]{1,128}", "write one word")
_COUNTRY: Final = _text(r"[a-z]{2}", 'write the two letters of a country: "de"')

_KEYS: Final[dict[str, dict[str, tuple[Check, bool]]]] = {
    "box": {
        "hostname": (_text(_LABEL, 'write small letters, digits and hyphens: "office"'), False),
        "timezone": (_timezone, False),
        "country": (_COUNTRY, False),
        "console_password": (_password, True),
    },
    "network": {
        "interface": (_text(r"[a-z0-9]{1,15}", 'write the name of an interface: "eth0"'), False),
        "address": (_interface, False),
        "gateway": (_address, False),
        "dns": (_addresses, False),
        "ntp": (_hosts, False),
        "wifi_name": (_text(r"[^\x00-\x1f]{1,32}", "write the name of the wireless network"), False),
        "wifi_password": (_text(r"[^\x00-\x1f]{8,63}", "write 8 to 63 characters"), False),
        "wifi_country": (_COUNTRY, False),
    },
    "trunk": {
        "server": (_text(HOST, 'write a name or an address: "sip.example.com"'), True),
        "user": (_WORD, True),
        "password": (_text(r"[^\x00-\x1f;]{1,128}", "write the password of the trunk, without semicolons"), True),
        "transport": (_text("|".join(TRANSPORTS), f"write one of {', '.join(TRANSPORTS)}"), False),
        "port": (_port, False),
        "number": (_PHONE, False),
        "answer": (_PHONE, False),
    },
    "account": {"number": (_PHONE, True), "name": (_NAME, False), "password": (_password, False)},
    "ssh": {"keys": (_keys, True)},
}
"""Keys of each table: the check, and whether it must be there."""
_NEEDED: Final = ("box",)


class _Reading:
    """Collects what is wrong in a file."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.lines = text.splitlines()
        self.wrong: list[str] = []

    def line(self, table: str, key: str = "", occurrence: int = 0) -> int:
        """The line of a key in the nth table of a name; that of the table when the key is not there; 1 for neither."""
        found, seen, inside = 0, -1, table == ""
        for number, line in enumerate(self.lines, 1):
            heading = re.match(r"\s*\[+\s*([\w.-]+)\s*\]+", line)
            if heading:
                seen += heading[1] == table
                inside = heading[1] == table and seen == occurrence
                found = number if inside else found
            elif inside and key and re.match(rf"\s*\"?{re.escape(key)}\"?\s*=", line):
                return number
        return found or 1

    def complain(self, sentence: str, table: str, key: str = "", occurrence: int = 0) -> None:
        self.wrong.append(f"{self.file}:{self.line(table, key, occurrence)}: {sentence}")

    def table(self, name: str, values: Any, occurrence: int = 0) -> None:
        """Check one table."""
        if not isinstance(values, Mapping):
            self.complain(f"{name} must be a table: write [{name}]", "", name)
            return
        known = _KEYS[name]
        for key, value in values.items():
            if key not in known:
                told = f"[{name}] has no {key}; it has {', '.join(known)}"
                self.complain(told, name, key, occurrence)
            elif key in SECRETS and value == USED:
                self.complain(f"{key} was taken out after its first use: write it again", name, key, occurrence)
            elif (remedy := known[key][0](value)) is not None:
                self.complain(f"{key} of [{name}]: {remedy}", name, key, occurrence)
        for key, (_, needed) in known.items():
            if needed and key not in values:
                self.complain(f"[{name}] needs {key}: add it", name, "", occurrence)


def read(text: str, file: str = "provision.toml") -> Provision:
    """Check a file.

    Raises:
        ProvisionError: something in it cannot be used; all of that.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"at line (\d+)", str(error))
        raise ProvisionError(f"{file}:{at[1] if at else 1}: this is no TOML: {error}") from error
    reading = _Reading(text, file)
    if content.get("format") != FORMAT:
        reading.complain(f"the first line must be: format = {FORMAT}", "", "format")
    for name in content:
        if name != "format" and name not in _KEYS:
            reading.complain(f"there is no table [{name}]; there are {', '.join(_KEYS)}", name)
    for name in _KEYS:
        if name in _NEEDED and name not in content:
            reading.complain(f"the table [{name}] is missing: add it", "")
        elif name == "account":
            for occurrence, values in enumerate(_accounts(content, reading)):
                reading.table(name, values, occurrence)
        elif name in content:
            reading.table(name, content[name])
    if not reading.wrong:
        _consistency(content, reading)
    if reading.wrong:
        raise ProvisionError("\n".join(reading.wrong))
    return _provision(content)


def _accounts(content: Mapping[str, Any], reading: _Reading) -> Iterator[Any]:
    """The tables of accounts."""
    found = content.get("account", [])
    if not isinstance(found, list):
        reading.complain("each account is written as [[account]], with two brackets", "account")
        return
    yield from found


def _consistency(content: Mapping[str, Any], reading: _Reading) -> None:
    """What single values do not tell."""
    seen: set[str] = set()
    for occurrence, account in enumerate(content.get("account", [])):
        number = account["number"]
        if number in seen:
            told = f"account {number} is there twice: give the second another number"
            reading.complain(told, "account", "number", occurrence)
        seen.add(number)
    network = content.get("network", {})
    for key in ("gateway", "dns"):
        if key in network and "address" not in network:
            told = f"{key} stands without address: DHCP finds it; remove it, or add address"
            reading.complain(told, "network", key)
    if "gateway" in network and "address" in network:
        address = ipaddress.ip_interface(network["address"])
        if ipaddress.ip_address(network["gateway"]) not in address.network:
            told = f"the gateway {network['gateway']} is not in {address.network}, the network of address"
            reading.complain(told, "network", "gateway")
    if ("wifi_name" in network) != ("wifi_password" in network):
        reading.complain("wifi_name and wifi_password belong together: write both", "network", "wifi_name")
    answer = content.get("trunk", {}).get("answer")
    if answer is not None and answer not in seen:
        reading.complain(f"there is no account {answer} to answer the trunk's calls", "trunk", "answer")
    if "trunk" in content and not seen:
        reading.complain("calls of the trunk need an account to ring: add one [[account]]", "trunk")


def _provision(content: Mapping[str, Any]) -> Provision:
    """The values of a file that was checked."""
    box, network = content["box"], dict(content.get("network", {}))
    if "address" in network:
        network["address"] = ipaddress.ip_interface(network["address"])
    for key in ("dns", "ntp"):
        network[key] = tuple(network.get(key, ()))
    return Provision(
        hostname=box.get("hostname", "offhook"),
        timezone=box.get("timezone", "UTC"),
        country=box.get("country", "us"),
        console_password=box["console_password"],
        network=Network(**network),
        trunk=Trunk(**content["trunk"]) if "trunk" in content else None,
        accounts=tuple(Account(**account) for account in content.get("account", ())),
        ssh_keys=tuple(content.get("ssh", {}).get("keys", ())),
    )


def without_secrets(text: str) -> str:
    """The file with each secret replaced; everything else, comments included, stays as the installer wrote it.

    A secret that goes over several lines is replaced whole.
    """
    keys = "|".join(SECRETS)
    strings = r"\"\"\"(?s:.*?)\"\"\"|'''(?s:.*?)'''|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'"
    replaced = re.sub(rf"(?<![\w-])([\"']?(?:{keys})[\"']?\s*=\s*)(?:{strings})", rf'\1"{USED}"', text)
    # Keys written in some way nobody writes them: better no file than one with a secret in it.
    return replaced if not list(_values(tomllib.loads(replaced))) else f"format = {FORMAT}\n"


def _values(content: Any) -> Iterator[str]:
    """The secrets in a parsed file."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            if key in SECRETS and isinstance(value, str) and value not in ("", USED):
                yield value
            else:
                yield from _values(value)
    elif isinstance(content, list):
        for value in content:
            yield from _values(value)
