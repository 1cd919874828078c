"""``board show``: the board this is, what is wired to what, and what it cannot do."""

from __future__ import annotations

import logging
import textwrap
from typing import TYPE_CHECKING, Any, Final

from offhook.field.boards import PINS, Board, BoardError, every, folders, identity, load, this_board
from offhook.modules import CommandError, Module, Request

if TYPE_CHECKING:
    from pathlib import Path

    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)
module = Module("res_board", "The board Offhook runs on", priority=5)

PART: Final = "board"


@module.on_load
def find(pbx: Pbx) -> None:
    """Find out which board this is; a computer of any other kind is none, and nothing is missing there."""
    place = _place(pbx)
    try:
        board = this_board(place, identity()) if place is not None else None
    except BoardError as error:
        for line in str(error).splitlines():
            log.error("%s", line)
        board = None
    pbx.parts[PART] = board


@module.on_unload
def forget(pbx: Pbx) -> None:
    """The board is not known any more."""
    del pbx.parts[PART]


def _place(pbx: Pbx) -> Path | None:
    return next(folders(pbx.paths.data), None)


def _names(pbx: Any, args: list[str], _typed: str) -> list[str]:
    place = _place(pbx)
    return [name for name, _ in every(place)] if place is not None and not args else []


def describe(board: Board) -> list[str]:
    """A board for people, 80 columns wide."""
    lines = [
        f"Board:         {board.key}: {board.name}",
        f"State:         {board.state}",
        *_wrapped(board.status),
        f"Kernel:        {board.kernel['package']} ({board.architecture})",
        f"Console:       /dev/{board.console} at {board.console_baud} baud",
        f"GPIO:          {board.gpio_library}{f' on {board.gpio_chip}' if board.gpio_chip else ''}",
        *(f"  line {number:<4} {name.replace('_', ' ')}: {PINS[name]}" for name, number in board.pins.items()),
    ]
    lines += [f"{name.replace('_', ' ').capitalize() + ':':<14} {link}" for name, link in board.links.items()]
    if board.watchdog:
        lines.append(f"Watchdog:      {board.watchdog} ({board.watchdog_driver}), {board.watchdog_s} s")
    for what, why in board.unsupported:
        lines += [f"Not supported: {what}", *_wrapped(why)]
    return lines


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 79, initial_indent=" " * 15, subsequent_indent=" " * 15)


@module.command("board show [<board>]", "Show the board this runs on", complete=_names)
def show(request: Request) -> None:
    """Show the board this runs on, its pins and links, and what it cannot do.

    With a name, show that board instead. "board list" has the names.
    """
    if len(request.args) > 1:
        raise request.usage()
    if not request.args:
        board = request.pbx.parts[PART]
        if board is None:
            names = ", ".join(identity()) or "no device tree"
            raise CommandError(f'This is no board of ours ({names}). "board list" has those that are.')
        request.print(*describe(board))
        return
    place = _place(request.pbx)
    try:
        if place is None or not (place / request.args[0]).is_dir():
            raise CommandError(f'There is no board "{request.args[0]}". "board list" has those that are.')
        request.print(*describe(load(place / request.args[0])))
    except BoardError as error:
        raise CommandError(str(error)) from error


@module.command("board list", "List the boards Offhook knows")
def listing(request: Request) -> None:
    """List the boards Offhook knows, and how far each is supported."""
    place = _place(request.pbx)
    if place is None:
        raise CommandError("No boards are installed: they lie in the folder boards of a checkout.")
    request.print(*table(place))


def table(place: Path) -> list[str]:
    """Every board of a place, one a line."""
    lines = [f"{'Board':<18} {'Architecture':<13} {'State':<12} Name"]
    for name, board in every(place):
        if isinstance(board, BoardError):
            lines.append(f"{name:<18} {'-':<13} {'wrong':<12} {str(board).splitlines()[0]}")
        else:
            lines.append(f"{name:<18} {board.architecture:<13} {board.state:<12} {board.name}")
    return lines
