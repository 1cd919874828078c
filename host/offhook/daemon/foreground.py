"""The log on the daemon's own terminal or pipe, when it stays in the foreground."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from typing import Final

from offhook.daemon.logchannel import Message, for_console

MOST_WAITING: Final = 1000


class Foreground:
    """Prints the log to standard output from a thread of its own: a pipe that nobody reads must not stop calls."""

    def __init__(self, verbosity: int, *, colours: bool, timestamp: bool) -> None:
        self.verbosity = verbosity
        self.colours = colours
        self.timestamp = timestamp
        self._lines: deque[str] = deque(maxlen=MOST_WAITING)
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._closing = False

    def show(self, message: Message, date: str) -> None:
        """Print a line of the log."""
        self.print(for_console(message, date, colours=self.colours, timestamp=self.timestamp))

    def print(self, text: str) -> None:
        """Print any text."""
        self._lines.append(text)
        if self._thread is None and not self._closing:
            self._thread = threading.Thread(target=self._run, name="foreground", daemon=True)
            self._thread.start()
        self._wake.set()

    def _run(self) -> None:
        while not self._closing:
            self._wake.wait()
            self._wake.clear()
            self._drain()

    def _drain(self) -> None:
        lines = []
        while self._lines:
            lines.append(self._lines.popleft())
        if not lines:
            return
        data = ("\n".join(lines) + "\n").encode("utf-8", "replace")
        try:
            while data:
                data = data[os.write(sys.stdout.fileno(), data) :]
        except OSError:
            self._closing = True

    def close(self) -> None:
        """Print what waits, as far as somebody reads it within a second."""
        self._closing = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(1.0)
        self._drain()
