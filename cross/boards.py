"""A board as the image builder sees it: what ``boards/NAME/board.toml`` says, and what follows from that."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

from cross import cache
from offhook.field import boards as described
from offhook.field.panel import BUTTON, LAMP

FOLDER = cache.CHECKOUT / "boards"


@dataclass(frozen=True)
class Board:
    """What differs between the images of boards."""

    key: str
    folder: Path
    kernel_flavour: str
    modules: tuple[str, ...]
    denied_modules: tuple[str, ...]
    packages: tuple[str, ...]
    device_trees: tuple[str, ...]
    overlays: tuple[str, ...]
    command_line: str
    loader: str
    u_boot: str
    config: str
    watchdog_s: int
    panel: bool
    """It has a lamp or a button."""

    @property
    def disk_id(self) -> str:
        """The identity in the partition table, eight hexadecimal digits; names of partitions begin with it."""
        return f"{zlib.crc32(f'offhook {self.key}'.encode()):08x}"


def load(key: str) -> Board:
    """Read a board's description; exit with what is wrong."""
    folder = FOLDER / key
    if not (folder / described.FILE).exists():
        known = ", ".join(sorted(path.parent.name for path in FOLDER.glob(f"*/{described.FILE}")))
        raise SystemExit(f'There is no board "{key}": write BOARD= and one of {known}')
    try:
        board = described.load(folder)
    except described.BoardError as error:
        raise SystemExit(str(error)) from error
    if board.state == "unsupported" or board.architecture != "arm64":
        raise SystemExit(f"No image for {board.name} ({board.architecture}): {board.status}")
    kernel, boot = board.kernel, board.boot
    return Board(
        key=key,
        folder=folder,
        kernel_flavour=str(kernel["package"]).removeprefix("linux-image-"),
        modules=tuple(kernel.get("modules", ())),
        denied_modules=tuple(kernel.get("denied_modules", ())),
        packages=tuple(boot["packages"]),
        device_trees=tuple(kernel["device_trees"]),
        overlays=tuple(kernel.get("overlays", ())),
        command_line=str(kernel["command_line"]),
        loader=str(boot["loader"]),
        u_boot=str(boot.get("u_boot", "")),
        config=str(boot.get("config", "")),
        watchdog_s=board.watchdog_s,
        panel=board.gpio_library != "simulated" and not {LAMP, BUTTON}.isdisjoint(board.pins),
    )
