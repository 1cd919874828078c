"""The boards Offhook runs on: what ``boards/NAME/board.toml`` may say, and which board this is.

A board file is data that the daemon, the image builder and people read. What is wrong in one is told with file, line
and remedy, all of it at once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FILE: Final = "board.toml"
ARCHITECTURES: Final = ("arm64", "armhf", "amd64")
STATES: Final = ("supported", "untested", "unsupported")
LOADERS: Final = ("raspi-firmware", "u-boot")
GPIO_LIBRARIES: Final = ("RPi.GPIO", "rpi-lgpio", "gpiod", "simulated")
LINKS: Final = {
    "uart": ("kind", "device", "baud"),
    "spi": ("kind", "device", "hertz", "mode"),
    "simulated": ("kind",),
}
"""Kinds of links and the keys that each needs."""
LINK_NAMES: Final = {"supervisor": ("uart", "simulated"), "line_cards": ("spi", "simulated")}
"""Parts that are reached by a link, and the kinds that theirs may be (firmware/README.md: why no supervisor on SPI)."""

PINS: Final = {
    "supervisor_reset": "output, low resets the supervisor",
    "supervisor_boot": "output, low at its reset: boot loader",
    "power_fail": "input, low when the supply is about to go",
    "line_card_reset": "output, low resets every line card",
    "line_card_interrupt": "input, low while a line card calls",
    "rescue_button": "input, low while pressed",
    "status_led": "output, high lights it",
}
"""Functions a GPIO line may have."""

MODEL: Final = Path("/proc/device-tree/compatible")
NAMED: Final = "OFFHOOK_BOARD"
"""In the environment: the name of the board, where the device tree does not tell."""


class BoardError(Exception):
    """A board's file cannot be used: one sentence a line."""


@dataclass(frozen=True, slots=True)
class Link:
    """How a part of the hardware is reached."""

    kind: str
    """uart, spi or simulated."""
    device: str = ""
    baud: int = 0
    hertz: int = 0
    mode: int = 0

    def __str__(self) -> str:
        if self.kind == "uart":
            return f"{self.device} at {self.baud} baud"
        return f"{self.device} at {self.hertz / 1e6:g} MHz, mode {self.mode}" if self.kind == "spi" else self.kind


@dataclass(frozen=True, slots=True)
class Board:
    """One board."""

    key: str
    """Name of its folder."""
    name: str
    architecture: str
    compatible: tuple[str, ...]
    state: str
    status: str
    kernel: Mapping[str, Any]
    boot: Mapping[str, Any]
    console: str
    console_baud: int
    gpio_chip: str
    gpio_library: str
    pins: Mapping[str, int]
    links: Mapping[str, Link]
    watchdog: str
    watchdog_driver: str
    watchdog_s: int
    unsupported: tuple[tuple[str, str], ...]
    """(what, why)."""


# ---- the schema -----------------------------------------------------------------------------------------

TEXT: Final = "text"
NUMBER: Final = "whole number"
TEXTS: Final = "list of texts"
TABLE: Final = "table"
TABLES: Final = "list of tables"

_SHAPE: Final[dict[str, dict[str, tuple[str, bool]]]] = {
    "": {
        "name": (TEXT, True),
        "architecture": (TEXT, True),
        "compatible": (TEXTS, True),
        "state": (TEXT, True),
        "status": (TEXT, True),
        "kernel": (TABLE, True),
        "boot": (TABLE, True),
        "console": (TABLE, True),
        "gpio": (TABLE, True),
        "links": (TABLE, False),
        "watchdog": (TABLE, False),
        "unsupported": (TABLES, False),
    },
    "kernel": {
        "package": (TEXT, True),
        "device_trees": (TEXTS, True),
        "overlays": (TEXTS, False),
        "command_line": (TEXT, True),
        "modules": (TEXTS, False),
        "denied_modules": (TEXTS, False),
    },
    "boot": {
        "loader": (TEXT, True),
        "packages": (TEXTS, True),
        "u_boot": (TEXT, False),
        "config": (TEXT, False),
        "script": (TEXT, False),
    },
    "console": {"device": (TEXT, True), "baud": (NUMBER, True)},
    "gpio": {"chip": (TEXT, False), "library": (TEXT, True), "pins": (TABLE, True)},
    "watchdog": {"device": (TEXT, True), "driver": (TEXT, True), "seconds": (NUMBER, True)},
    "unsupported": {"what": (TEXT, True), "why": (TEXT, True)},
    "link": {
        "kind": (TEXT, True),
        "device": (TEXT, False),
        "baud": (NUMBER, False),
        "hertz": (NUMBER, False),
        "mode": (NUMBER, False),
    },
}
"""Keys of each table: kind of value, and whether it must be there."""


def _is(kind: str, value: object) -> bool:
    if kind == TEXT:
        return isinstance(value, str) and bool(value)
    if kind == NUMBER:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == TABLE:
        return isinstance(value, dict)
    inner = str if kind == TEXTS else dict
    return isinstance(value, list) and all(isinstance(one, inner) for one in value)


class _Check:
    """Collects what is wrong in one file."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.lines = text.splitlines()
        self.wrong: list[str] = []

    def _line(self, table: str, key: str) -> int:
        """The line on which a key of a table stands, or the table begins; 0 for neither."""
        inside, found = table == "", 0
        for number, line in enumerate(self.lines, 1):
            heading = re.match(r"\s*\[+([\w.-]+)\]+", line)
            if heading:
                inside = heading[1] == table
                found = number if inside and not found else found
                if heading[1] == (f"{table}.{key}" if table else key):
                    return number
            elif inside and re.match(rf"\s*{re.escape(key)}\s*=", line):
                return number
        return found

    def complain(self, table: str, key: str, sentence: str) -> None:
        line = self._line(table, key)
        where = f"{self.path}:{line}" if line else str(self.path)
        self.wrong.append(f"{where}: {sentence}")

    def table(self, shape: str, values: Mapping[str, Any], label: str | None = None) -> None:
        """Check the keys of a table and the kinds of their values."""
        label = shape if label is None else label
        place = f"[{label}]" if label else "the file"
        known = _SHAPE[shape]
        for key, value in values.items():
            if key not in known:
                self.complain(label, key, f"{place} knows no key {key}; it has {', '.join(known)}")
            elif not _is(known[key][0], value):
                self.complain(label, key, f"{key} of {place} must be a {known[key][0]}")
        for key, (_, needed) in known.items():
            if needed and key not in values:
                self.complain(label, key, f"{place} needs {key}; add it")

    def one_of(self, table: str, key: str, value: object, words: tuple[str, ...]) -> None:
        if isinstance(value, str) and value not in words:
            self.complain(table, key, f'{key} = "{value}" is not one of {", ".join(words)}')

    def files(self, table: str, key: str, names: object) -> None:
        for name in [names] if isinstance(names, str) else names if isinstance(names, list) else []:
            if isinstance(name, str) and not (self.path.parent / name).is_file():
                self.complain(table, key, f"{key} names {name}, which is not in {self.path.parent}; add the file")


def load(folder: Path) -> Board:
    """Read one board's folder. Raises BoardError with everything that is wrong."""
    import tomllib  # no part of a running exchange

    path = folder / FILE
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except OSError as error:
        raise BoardError(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BoardError(f"{path}: {error}") from error
    check = _Check(path, text)
    check.table("", data)
    for name in ("kernel", "boot", "console", "gpio", "watchdog"):
        if isinstance(data.get(name), dict):
            check.table(name, data[name])
    for item in data.get("unsupported", []) if isinstance(data.get("unsupported"), list) else []:
        if isinstance(item, dict):
            check.table("unsupported", item)
    _words(check, data)
    _pins(check, data)
    _links(check, data)
    if check.wrong:
        raise BoardError("\n".join(check.wrong))
    return _make(folder.name, data)


def _words(check: _Check, data: Mapping[str, Any]) -> None:
    check.one_of("", "architecture", data.get("architecture"), ARCHITECTURES)
    check.one_of("", "state", data.get("state"), STATES)
    kernel, boot, gpio = (value if isinstance(value := data.get(name), dict) else {} for name in _PARTS)
    check.one_of("boot", "loader", boot.get("loader"), LOADERS)
    check.one_of("gpio", "library", gpio.get("library"), GPIO_LIBRARIES)
    check.files("kernel", "overlays", kernel.get("overlays", []))
    check.files("boot", "config", boot.get("config", []))
    check.files("boot", "script", boot.get("script", []))
    if boot.get("loader") == "u-boot" and "u_boot" not in boot:
        check.complain("boot", "u_boot", "the loader u-boot needs u_boot, its file below /usr/lib/u-boot")
    console = data.get("console")
    device = console.get("device") if isinstance(console, dict) else None
    line = kernel.get("command_line")
    if isinstance(device, str) and isinstance(line, str) and f"console={device}" not in line:
        check.complain("kernel", "command_line", f"the command line does not name the console; add console={device}")


_PARTS: Final = ("kernel", "boot", "gpio")


def _pins(check: _Check, data: Mapping[str, Any]) -> None:
    gpio = data.get("gpio")
    pins = gpio.get("pins") if isinstance(gpio, dict) else None
    if not isinstance(pins, dict):
        return
    taken: dict[int, str] = {}
    for function, number in pins.items():
        if function not in PINS:
            check.complain("gpio.pins", function, f"there is no function {function}; there are {', '.join(PINS)}")
        elif not _is(NUMBER, number) or number < 0:
            check.complain("gpio.pins", function, f"{function} must be the number of a GPIO line")
        elif number in taken:
            check.complain("gpio.pins", function, f"{function} and {taken[number]} have the same line {number}")
        else:
            taken[number] = function


def _links(check: _Check, data: Mapping[str, Any]) -> None:
    links = data.get("links")
    if not isinstance(links, dict):
        return
    for name, link in links.items():
        table = f"links.{name}"
        if name not in LINK_NAMES:
            check.complain("links", name, f"there is no link {name}; there are {', '.join(LINK_NAMES)}")
        elif not isinstance(link, dict):
            check.complain("links", name, f"{name} must be a table, [links.{name}]")
        else:
            check.table("link", link, table)
            check.one_of(table, "kind", link.get("kind"), LINK_NAMES[name])
            wanted = LINKS.get(link.get("kind", ""), ())
            for key in wanted:
                if key not in link and key != "kind":
                    check.complain(table, key, f"a link of kind {link['kind']} needs {key}")
            for key in link:
                if wanted and key in _SHAPE["link"] and key not in wanted:
                    check.complain(table, key, f"a link of kind {link['kind']} has no {key}; take it out")


def _make(key: str, data: Mapping[str, Any]) -> Board:
    watchdog = data.get("watchdog", {})
    return Board(
        key,
        data["name"],
        data["architecture"],
        tuple(data["compatible"]),
        data["state"],
        data["status"],
        data["kernel"],
        data["boot"],
        data["console"]["device"],
        data["console"]["baud"],
        data["gpio"].get("chip", ""),
        data["gpio"]["library"],
        data["gpio"]["pins"],
        {name: Link(**link) for name, link in data.get("links", {}).items()},
        watchdog.get("device", ""),
        watchdog.get("driver", ""),
        watchdog.get("seconds", 0),
        tuple((item["what"], item["why"]) for item in data.get("unsupported", [])),
    )


# ---- which one this is ----------------------------------------------------------------------------------


def folders(data_folder: str = "") -> Iterator[Path]:
    """Where boards may lie: below Offhook's data, beside an installed program, in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for place in (Path(data_folder) / "boards", package.parent / "boards", package.parents[1] / "boards"):
        if place.is_dir() and next(place.glob(f"*/{FILE}"), None) is not None:
            yield place


def every(place: Path) -> Iterator[tuple[str, Board | BoardError]]:
    """Every board of a place by name, or what is wrong with it."""
    for path in sorted(place.glob(f"*/{FILE}")):
        try:
            yield path.parent.name, load(path.parent)
        except BoardError as error:
            yield path.parent.name, error


def identity(model: Path = MODEL) -> tuple[str, ...]:
    """What the device tree says this machine is, most exact first; () where there is none."""
    try:
        return tuple(name.decode("ascii", "replace") for name in model.read_bytes().split(b"\0") if name)
    except OSError:
        return ()


def this_board(place: Path, names: tuple[str, ...], named: str | None = None) -> Board | None:
    """The board named, or the one that fits the first of the names of the device tree.

    Raises BoardError when the named one is not there or the board's file is wrong.
    """
    named = os.environ.get(NAMED, "") if named is None else named
    if named:
        if not (place / named / FILE).is_file():
            known = ", ".join(sorted(path.parent.name for path in place.glob(f"*/{FILE}")))
            raise BoardError(f'there is no board "{named}" in {place}; there are {known}')
        return load(place / named)
    for name in names:
        for _, board in every(place):
            if isinstance(board, Board) and name in board.compatible:
                return board
    return None
