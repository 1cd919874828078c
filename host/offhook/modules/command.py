"""A CLI command as its handler sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class CommandError(Exception):
    """The command failed; the sentence is shown to the person who typed it."""


class Request:
    """One CLI command being carried out: its arguments in, its output out.

    ``words`` is the whole line split as a shell would; ``args`` what follows the command's own
    words. A console has a ``stream``: what takes its text at once.
    """

    __slots__ = ("args", "line", "out", "pbx", "session", "stream", "words")

    def __init__(self, pbx: Any, line: str, words: list[str], args: list[str], session: Any = None) -> None:
        self.pbx = pbx
        self.line = line
        self.words = words
        self.args = args
        self.session = session
        self.out: list[str] = []
        self.stream: Callable[[str], None] | None = getattr(session, "stream", None)

    def print(self, *lines: str) -> None:
        """Add lines to the answer; each is ended by a newline."""
        self.out.extend(lines)

    def tell(self, *lines: str) -> None:
        """Lines that whoever waits sees at once: how far a long command is."""
        self.print(*lines)
        if self.stream is not None:
            self.stream(self.text())
            self.out.clear()

    def usage(self) -> CommandError:
        """The error to raise when the arguments do not fit: the console prints the command's usage."""
        return CommandError("")

    def text(self) -> str:
        """The whole answer."""
        return "".join(line + "\n" for line in self.out)
