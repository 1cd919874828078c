"""Prompts: from the name dialplan uses to the sound file to play."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from offhook.media.formats import Format
from offhook.media.leg import Prompt


class PromptLibrary:
    """Sound files below one directory (``/var/lib/asterisk/sounds``), by language.

    ``find("digits/5", "en_AU", (ulaw,))`` looks for ``en_AU/digits/5.*``, ``en/digits/5.*``, the default
    language and the directory itself, and takes the file whose format is cheapest to bring to one of ``formats``.
    Names beginning with ``/`` are files without extension. Looking is done once a name and remembered
    for ``remember`` seconds, so that playing digits does not touch the disk each time.
    """

    def __init__(self, directory: str | Path, *, default_language: str = "en", remember: float = 5.0) -> None:
        raise NotImplementedError

    def find(self, name: str, language: str = "", formats: Sequence[Format] = ()) -> Prompt | None:
        """The prompt of that name, or None."""
        raise NotImplementedError

    def find_all(self, names: Iterable[str], language: str = "", formats: Sequence[Format] = ()) -> list[Prompt]:
        """The prompts of those names; KeyError naming the first that does not exist."""
        raise NotImplementedError

    def exists(self, name: str, language: str = "") -> bool:
        """Whether any file of that name exists."""
        raise NotImplementedError

    def extensions(self, name: str, language: str = "") -> list[str]:
        """Extensions of the files of that name."""
        raise NotImplementedError
