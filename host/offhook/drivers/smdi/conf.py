"""smdi.conf: serial ports with the settings above them, and which mailbox of ours each of the exchange's is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from offhook.config.model import TRUE_WORDS, ConfigError
from offhook.drivers.smdi.link import SPEEDS, LineSettings

if TYPE_CHECKING:
    from offhook.config.model import ConfigFile, Entry

_PARITIES = ("even", "odd", "none")
_SIZES = ("7", "8")


@dataclass(slots=True)
class SmdiConf:
    """What the file says: ports in order, and mailboxes as (port, station, mailbox)."""

    ports: dict[str, LineSettings] = field(default_factory=dict)
    mailboxes: list[tuple[str, str, str]] = field(default_factory=list)
    errors: list[ConfigError] = field(default_factory=list)


def _one_of(words: tuple[str, ...], text: str) -> str:
    if text.lower() not in words:
        raise ValueError(f'"{text}" is none of {", ".join(words)}')
    return text.lower()


def _number(text: str) -> int:
    if not text.isdigit():
        raise ValueError(f'"{text}" is no number')
    return int(text)


_SETTINGS: dict[str, Callable[[LineSettings, str], LineSettings]] = {
    "baudrate": lambda line, text: replace(line, speed=_one_of(tuple(SPEEDS), text)),
    "paritybit": lambda line, text: replace(line, parity=_one_of(_PARITIES, text)),
    "charsize": lambda line, text: replace(line, bits=int(_one_of(_SIZES, text))),
    "twostopbits": lambda line, text: replace(line, two_stop_bits=text.lower() in TRUE_WORDS),
    "msdstrip": lambda line, text: replace(line, strip=min(9, _number(text))),
    "msgexpirytime": lambda line, text: replace(line, expires_s=_number(text) / 1000),
}


def read(file: ConfigFile) -> SmdiConf:
    """Read the file; mistakes are told with their lines, the rest counts."""
    out = SmdiConf()
    settings = LineSettings()
    for entry in file.get("interfaces") or ():
        name = entry.name.lower()
        if name == "smdiport":
            out.ports[entry.value] = settings
        elif name in _SETTINGS:
            try:
                settings = _SETTINGS[name](settings, entry.value.strip())
            except ValueError as error:
                out.errors.append(ConfigError(entry.file, entry.line, f"{name}: {error}"))
        else:
            known = ", ".join(["smdiport", *_SETTINGS])
            out.errors.append(ConfigError(entry.file, entry.line, f'no option "{entry.name}"; there are {known}'))
    port = ""
    for entry in file.get("mailboxes") or ():
        if entry.name.lower() == "smdiport":
            port = _known(entry, out)
        elif entry.name.lower() != "pollinginterval":  # lamps are told when they change, nothing is polled
            _mailbox(entry, port, out)
    return out


def _known(entry: Entry, out: SmdiConf) -> str:
    if entry.value not in out.ports:
        out.errors.append(ConfigError(entry.file, entry.line, f"{entry.value} is no smdiport of [interfaces]"))
        return ""
    return entry.value


def _mailbox(entry: Entry, port: str, out: SmdiConf) -> None:
    if not port:
        out.errors.append(ConfigError(entry.file, entry.line, "a mailbox needs an smdiport above it"))
        return
    mailbox = entry.value if "@" in entry.value else f"{entry.value}@default"
    out.mailboxes.append((port, entry.name, mailbox))
