"""The file that libpri's messages are written to beside the console (``pri set debug file``)."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO


class DebugFile:
    """At most one file for all spans."""

    def __init__(self) -> None:
        self.name = ""
        self._file: TextIO | None = None

    def open(self, name: str) -> None:
        """Write to that file from now on, behind what it has. Raises OSError."""
        file = Path(name).open("a", buffering=1, encoding="utf-8")  # noqa: SIM115
        self.close()
        self._file, self.name = file, name

    def close(self) -> bool:
        """Write to it no more; False when there was none."""
        file, self._file = self._file, None
        if file is not None:
            file.close()
        return file is not None

    @property
    def is_open(self) -> bool:
        """Whether messages are written."""
        return self._file is not None

    def write(self, text: str) -> None:
        """One message."""
        if self._file is not None:
            self._file.write(text + "\n")
