"""Prompts: from the name dialplan uses to the sound file to play."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from offhook.media.formats import FORMATS, Format, format_for_extension
from offhook.media.playing import Prompt
from offhook.media.translation import translation_cost

_FAR = 1_000_000


class _Folder:
    """What a directory held when it was last read: extensions by name without them."""

    __slots__ = ("changed", "looked", "names")

    def __init__(self, path: str, changed: int, looked: float) -> None:
        self.changed = changed
        self.looked = looked
        self.names: dict[str, list[str]] = {}
        with os.scandir(path) as entries:
            for entry in entries:
                stem, dot, extension = entry.name.rpartition(".")
                if dot and format_for_extension(extension) is not None:
                    self.names.setdefault(stem, []).append(extension)


class PromptLibrary:
    """Sound files below one directory (``/var/lib/asterisk/sounds``), by language.

    ``find("digits/5", "en_AU", (ulaw,))`` looks for ``en_AU/digits/5.*``, ``en/digits/5.*``, the default
    language and the directory itself, and takes the file whose format is cheapest to bring to one of ``formats``.
    Names beginning with ``/`` are files without extension. A directory is read once, and looked at again for
    changes after ``remember`` seconds, so that playing digits does not touch the disk each time.
    """

    def __init__(self, directory: str | Path, *, default_language: str = "en", remember: float = 5.0) -> None:
        self.directory = str(directory)
        self.default_language = default_language
        self.remember = remember
        self._folders: dict[str, _Folder] = {}

    def find(self, name: str, language: str = "", formats: Sequence[Format] = ()) -> Prompt | None:
        """The prompt of that name, or None."""
        for path in self._places(name, language):
            extensions = self._extensions(path)
            if extensions:
                wanted = formats or (FORMATS["ulaw"],)
                best = min(extensions, key=lambda each: _cost(each, wanted))
                return Prompt(f"{path}.{best}", format_for_extension(best))
        return None

    def find_all(self, names: Iterable[str], language: str = "", formats: Sequence[Format] = ()) -> list[Prompt]:
        """The prompts of those names; KeyError naming the first that does not exist."""
        found = []
        for name in names:
            prompt = self.find(name, language, formats)
            if prompt is None:
                raise KeyError(f'no sound file is called "{name}" (language "{language or self.default_language}")')
            found.append(prompt)
        return found

    def exists(self, name: str, language: str = "") -> bool:
        """Whether any file of that name exists."""
        return any(self._extensions(path) for path in self._places(name, language))

    def extensions(self, name: str, language: str = "") -> list[str]:
        """Extensions of the files of that name, in the first place that has any."""
        return next((list(found) for path in self._places(name, language) if (found := self._extensions(path))), [])

    def _places(self, name: str, language: str) -> Iterator[str]:
        """Full names without extension, the best place first: ``en_AU_x``, ``en_AU``, ``en``, default, no language."""
        if name.startswith("/"):
            yield name
            return
        tried = []
        while language:
            tried.append(language)
            language = language.rpartition("_")[0]
        if self.default_language not in tried:
            tried.append(self.default_language)
        for each in tried:
            yield f"{self.directory}/{each}/{name}"
        yield f"{self.directory}/{name}"

    def _extensions(self, path: str) -> list[str]:
        folder, _, stem = path.rpartition("/")
        return self._folder(folder).get(stem, [])

    def _folder(self, path: str) -> dict[str, list[str]]:
        now = time.monotonic()
        known = self._folders.get(path)
        if known is not None and now - known.looked < self.remember:
            return known.names
        try:
            changed = os.stat(path).st_mtime_ns
            if known is None or known.changed != changed:
                known = self._folders[path] = _Folder(path, changed, now)
        except (FileNotFoundError, NotADirectoryError):
            self._folders.pop(path, None)
            return {}
        known.looked = now
        return known.names


def _cost(extension: str, wanted: Sequence[Format]) -> int:
    """Cost of bringing a file of that extension to the nearest wanted format; what cannot be brought is last."""
    held = format_for_extension(extension)
    costs = (translation_cost(held, each) for each in wanted) if held is not None else ()
    return min((cost for cost in costs if cost is not None), default=_FAR)
