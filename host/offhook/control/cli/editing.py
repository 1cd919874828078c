"""What makes typing on the console comfortable: completion and history."""

from __future__ import annotations

import os
import shutil
from collections.abc import Awaitable, Callable
from itertools import takewhile

from prompt_toolkit import print_formatted_text
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from offhook.control.cli.link import Lost

OWN = ("exit", "quit")
"""What the console itself understands."""


class Abandoned(Exception):
    """The line that was being typed is not wanted. KeyboardInterrupt would end the loop."""


def completion(line: str, candidates: list[str]) -> tuple[str, list[str]]:
    """What Tab adds to the line, and the candidates to list when it adds nothing."""
    word = line.rpartition(" ")[2]
    if " " not in line.lstrip() and word:
        candidates = sorted({*candidates, *(one for one in OWN if one.startswith(word.lower()))})
    if len(candidates) == 1:
        return candidates[0][len(word) :] + " ", []
    common = sum(
        1 for _ in takewhile(lambda chars: len(set(chars)) == 1, zip(*map(str.lower, candidates), strict=False))
    )
    if common > len(word):
        return candidates[0][len(word) : common], []
    return "", candidates


def columns(words: list[str], width: int) -> list[str]:
    """Words side by side in columns, downwards first, as lines no wider than the terminal."""
    if not words:
        return []
    cell = max(map(len, words)) + 2
    across = max(1, width // cell)
    down = -(-len(words) // across)
    return ["".join(f"{word:<{cell}}" for word in words[row::down]).rstrip() for row in range(down)]


def keys(ask: Callable[[str], Awaitable[list[str]]]) -> KeyBindings:
    """Tab completes with what the daemon says, as readline does: the common part first, then a list. Ctrl-C raises
    Abandoned where the line is waited for."""
    bindings = KeyBindings()

    @bindings.add("c-c")
    def abandon(event: KeyPressEvent) -> None:
        event.app.exit(exception=Abandoned(), style="class:aborting")

    @bindings.add("tab")
    async def complete(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        line = buffer.document.text_before_cursor
        if line.startswith("!"):
            return
        try:
            candidates = await ask(line)
        except Lost:
            return
        if buffer.document.text_before_cursor != line:
            return
        added, listed = completion(line, candidates)
        if added:
            buffer.insert_text(added)
        elif listed:
            width = shutil.get_terminal_size().columns
            await run_in_terminal(lambda: print_formatted_text("\n".join(columns(listed, width))))

    return bindings


def history(path: str, most: int) -> History:
    """The lines typed before, the last ``most`` of them; kept only while running when the file cannot be used."""
    path = os.path.expanduser(path)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.close(descriptor)
        _shorten(path, most)
    except OSError:
        return InMemoryHistory()
    return FileHistory(path)


def _shorten(path: str, most: int) -> None:
    """Keep the last entries of a prompt_toolkit history file (each starts with a comment that holds the time)."""
    with open(path, encoding="utf-8", errors="replace") as source:
        entries = source.read().split("\n# ")
    if len(entries) > 2 * most:
        beside = path + ".new"
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as target:
            target.write("\n# " + "\n# ".join(entries[-most:]))
        os.replace(beside, path)
