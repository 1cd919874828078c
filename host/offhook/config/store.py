"""The configuration of one running exchange: which part has read which file."""

from __future__ import annotations

import logging
import os
from typing import Final

from offhook.config.model import ConfigFile, Section
from offhook.config.parser import load

log = logging.getLogger(__name__)
_MISSING: Final = (-2, -2)


class Configuration:
    """Loads configuration files for modules and remembers it, for ``config list`` and ``config reload``."""

    def __init__(self, etc_dir: str, *, exec_includes: bool = False) -> None:
        self.etc_dir = etc_dir
        self.exec_includes = exec_includes
        self.loaded: dict[tuple[str, str], dict[str, tuple[int, int]]] = {}
        """By (full path, module): size and time of every file read for it."""
        self.mappings: dict[str, Mapping] = {}
        """Files that a database stands in for, by name (static realtime)."""

    def load(self, name: str, module: str = "", *, layout: bool = False) -> ConfigFile | None:
        """Read a file for a module; None when it is missing, or includes a file that is.

        What is wrong with it is logged, each error at its file and line.
        """
        path = name if name.startswith("/") else os.path.join(self.etc_dir, name)
        try:
            config = load(
                name,
                etc_dir=self.etc_dir,
                exec_includes=self.exec_includes,
                layout=layout,
                engine=self._mapped if self.mappings else None,
            )
        except FileNotFoundError:
            self.loaded[path, module] = {path: _MISSING}
            return None
        self.loaded[path, module] = config.stamps
        for error in config.errors:
            log.error("%s", error)
        if not config.valid:
            log.error("%s is not used, because a file that it includes is missing", name)
            return None
        return config

    def has(self, name: str) -> bool:
        """Whether there is such a file, or a database that stands in for it."""
        return name in self.mappings or os.path.exists(os.path.join(self.etc_dir, name))

    def changed(self, name: str, module: str = "") -> bool:
        """Whether the file, or one it includes, is another than when the module read it last."""
        path = name if name.startswith("/") else os.path.join(self.etc_dir, name)
        stamps = self.loaded.get((path, module))
        return stamps is None or any(_stamp(one) != stamp for one, stamp in stamps.items())

    def readers(self, path: str) -> list[str]:
        """The modules that read that file (by full path) themselves."""
        return sorted({module for known, module in self.loaded if known == path and module})

    def _mapped(self, name: str) -> list[Section] | None:
        mapping = self.mappings.get(name)
        return mapping.sections(name) if mapping is not None else None


class Mapping:
    """What a database must offer to stand in for a file."""

    driver: str = ""
    database: str = ""
    table: str = ""

    def sections(self, name: str) -> list[Section] | None:
        """The sections of that file, or None when the database cannot be asked and the file must serve."""
        raise NotImplementedError(f"the {self.driver} driver cannot stand in for {name}")


def _stamp(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return _MISSING
    return (status.st_size, status.st_mtime_ns)
