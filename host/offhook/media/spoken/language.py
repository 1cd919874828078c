"""What a language must be able to say, and which languages there are.

A language is a class in a file of this folder that registers itself with ``@speaks("en")``. Each method gives
names of prompts in the order to play them; what a language does not override it says letter by letter or as
English has it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

_SIGNS = {
    "*": "digits/star",
    "#": "digits/pound",
    "!": "letters/exclaimation-point",
    "@": "letters/at",
    "$": "letters/dollar",
    "-": "letters/dash",
    ".": "letters/dot",
    "=": "letters/equals",
    "+": "letters/plus",
    "/": "letters/slash",
    " ": "letters/space",
}


class Language:
    """A language's way to say things. Prompt names as Asterisk's sound packages have them."""

    def digits(self, text: str) -> list[str]:
        """Digit by digit; * and # and - are said, all else is skipped."""
        names = []
        for char in text:
            if char.isdigit() and char.isascii():
                names.append(f"digits/{char}")
            elif char in "*#":
                names.append(_SIGNS[char])
            elif char == "-":
                names.append("digits/minus")
        return names

    def characters(self, text: str, case: str = "n") -> list[str]:
        """Letter by letter. ``case``: "n" as it comes, "a" says case of all, "l" of small, "u" of capital letters."""
        names = []
        for char in text:
            if char in _SIGNS:
                names.append(_SIGNS[char])
            elif char.isascii() and char.isdigit():
                names.append(f"digits/{char}")
            elif char.isascii() and char.isalpha():
                if char.isupper() and case in "au":
                    names.append("uppercase")
                elif char.islower() and case in "al":
                    names.append("lowercase")
                names.append(f"letters/{char.lower()}")
            else:
                names.append(f"letters/ascii{ord(char)}")
        return names

    def phonetic(self, text: str) -> list[str]:
        """Letter by letter in the spelling alphabet."""
        names = []
        for char in text:
            if char in _SIGNS:
                names.append(_SIGNS[char])
            elif char.isascii() and char.isdigit():
                names.append(f"digits/{char}")
            elif char.isascii() and char.isalpha():
                names.append(f"phonetic/{char.lower()}_p")
        return names

    def number(self, value: int, gender: str = "") -> list[str]:
        """A cardinal number."""
        raise NotImplementedError

    def ordinal(self, value: int, gender: str = "") -> list[str]:
        """An ordinal number."""
        raise NotImplementedError

    def money(self, text: str) -> list[str]:
        """An amount such as "12.50"."""
        raise NotImplementedError

    def time(self, when: datetime, form: str, now: datetime) -> list[str]:
        """A date or time in a form of voicemail.conf's time zones ("ABdY 'digits/at' IMp"); "" is the usual form."""
        raise NotImplementedError


_languages: dict[str, Language] = {}
L = TypeVar("L", bound=type[Language])


def speaks(*codes: str) -> Callable[[L], L]:
    """Class decorator: these language codes are said by it."""

    def register(cls: L) -> L:
        for code in codes:
            _languages[code] = cls()
        return cls

    return register


def language_for(code: str) -> Language:
    """The language of a channel ("en_AU", "de"): the nearest there is, English otherwise."""
    if not _languages:
        import pkgutil

        import offhook.media.spoken as folder

        for found in pkgutil.iter_modules(folder.__path__):
            importlib.import_module(f"{folder.__name__}.{found.name}")
    code = code.replace("-", "_")
    while code:
        if code in _languages:
            return _languages[code]
        code = code.rpartition("_")[0]
    return _languages["en"]
