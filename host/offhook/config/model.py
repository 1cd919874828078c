"""A configuration file in memory: sections and entries in their order, with where each came from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Self

TRUE_WORDS = frozenset(("yes", "true", "y", "t", "1", "on"))
FALSE_WORDS = frozenset(("no", "false", "n", "f", "0", "off"))


class ConfigError(Exception):
    """Something wrong in a configuration file: where, what, and what to do about it."""

    def __init__(self, file: str, line: int, sentence: str) -> None:
        super().__init__(file, line, sentence)
        self.file = file
        self.line = line
        self.sentence = sentence

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.sentence}" if self.line else f"{self.file}: {self.sentence}"


class Entry:
    """One ``name = value`` or ``name => value`` line."""

    __slots__ = ("file", "inherited", "line", "name", "object", "value")

    def __init__(
        self, name: str, value: str, file: str = "", line: int = 0, *, object: bool = False, inherited: bool = False
    ) -> None:
        self.name = name
        self.value = value
        self.file = file
        self.line = line
        self.object = object
        """Written with ``=>``."""
        self.inherited = inherited
        """Came with a template."""

    @property
    def operator(self) -> str:
        return "=>" if self.object else "="

    def __repr__(self) -> str:
        return f"{self.name} {self.operator} {self.value}"


class Section:
    """One ``[name](...)`` with its entries; those of its templates come first, as in Asterisk."""

    __slots__ = ("entries", "file", "line", "name", "template", "templates")

    def __init__(self, name: str, file: str = "", line: int = 0, *, template: bool = False) -> None:
        self.name = name
        self.file = file
        self.line = line
        self.template = template
        self.templates: list[Section] = []
        self.entries: list[Entry] = []

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def get(self, name: str, default: str | None = None) -> str | None:
        """The last value of that name (case-insensitive): what a later line or a child overrides counts."""
        name = name.lower()
        for entry in reversed(self.entries):
            if entry.name.lower() == name:
                return entry.value
        return default

    def first(self, name: str, default: str | None = None) -> str | None:
        """The first value of that name (case-insensitive)."""
        name = name.lower()
        for entry in self.entries:
            if entry.name.lower() == name:
                return entry.value
        return default

    def all(self, name: str) -> list[str]:
        """Every value of that name, in order."""
        name = name.lower()
        return [entry.value for entry in self.entries if entry.name.lower() == name]

    def boolean(self, name: str, default: bool = False) -> bool:
        """The value as yes or no; a word that is neither leaves the default."""
        value = self.get(name)
        if value is None:
            return default
        word = value.strip().lower()
        if word in TRUE_WORDS:
            return True
        return False if word in FALSE_WORDS else default

    def pairs(self) -> dict[str, str]:
        """Names (lower case) with their last values."""
        return {entry.name.lower(): entry.value for entry in self.entries}

    def objects(self, *names: str) -> Iterator[tuple[Entry, dict[str, list[Entry]]]]:
        """Entries of these names with the settings that stand above them.

        For files that configure an object by the lines before it (``channel => 1-4`` in chan_dahdi.conf takes every
        setting above it, and settings stay for the next object). The dictionary maps lower-case names to
        their entries so far and is the caller's own.
        """
        wanted = {name.lower() for name in names}
        above: dict[str, list[Entry]] = {}
        for entry in self.entries:
            name = entry.name.lower()
            if name in wanted:
                yield entry, {key: list(entries) for key, entries in above.items()}
            else:
                above.setdefault(name, []).append(entry)

    def inherit(self, template: Section) -> None:
        """Take a copy of the template's entries as it is now."""
        self.templates.append(template)
        self.entries.extend(
            Entry(entry.name, entry.value, entry.file, entry.line, object=entry.object, inherited=True)
            for entry in template.entries
        )

    def __repr__(self) -> str:
        return f"[{self.name}]{'(!)' if self.template else ''} ({len(self.entries)} entries)"


class ConfigFile:
    """A configuration file with all it includes.

    Sections of the same name stay apart, in order. ``errors`` holds what was wrong; ``valid`` is False when the
    file must not be used at all (an included file is missing).
    """

    __slots__ = ("errors", "layout", "path", "sections", "stamps", "valid")

    def __init__(self, path: str) -> None:
        self.path = path
        self.sections: list[Section] = []
        self.errors: list[ConfigError] = []
        self.valid = True
        self.stamps: dict[str, tuple[int, int]] = {}
        """Every file read: its size and modification time in ns; (-1, -1) when an #exec makes it always new."""
        self.layout: object | None = None
        """Comments and lines as written (offhook.config.rewrite.Layout) when loaded for rewriting."""

    def __iter__(self) -> Iterator[Section]:
        """Sections that are no templates."""
        return (section for section in self.sections if not section.template)

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def get(self, name: str) -> Section | None:
        """The first section of that name (case-insensitive) that is no template."""
        name = name.lower()
        for section in self.sections:
            if not section.template and section.name.lower() == name:
                return section
        return None

    def all(self, name: str) -> list[Section]:
        """Every section of that name (case-insensitive) that is no template, in order."""
        name = name.lower()
        return [section for section in self.sections if not section.template and section.name.lower() == name]

    def value(self, section: str, name: str, default: str = "") -> str:
        """The last value of a name in the first section of that name."""
        found = self.get(section)
        value = found.get(name) if found else None
        return default if value is None else value

    def boolean(self, section: str, name: str, default: bool = False) -> bool:
        """As ``Section.boolean`` of the first section of that name."""
        found = self.get(section)
        return found.boolean(name, default) if found else default

    def find(self, name: str = "", match: str = "", separator: str = ",") -> list[Section]:
        """Sections by name and by what they contain; see ``matches``."""
        return [section for section in self.sections if matches(section, name, match, separator)]

    def changed(self, newer: Self) -> bool:
        """Whether another load of the same file read different files."""
        return self.stamps != newer.stamps


def matches(section: Section, name: str = "", match: str = "", separator: str = ",") -> bool:
    """Whether a section has that name (any when empty) and fits all ``name=value`` regular expressions.

    ``TEMPLATES=include`` lets templates match too, ``TEMPLATES=restrict`` templates only.
    An expression without ``=`` never matches. Raises re.error for a bad expression.
    """
    if name and section.name.lower() != name.lower():
        return False
    if not match:
        return not section.template
    template_fits = not section.template
    for expression in match.split(separator):
        key, equals, value = expression.partition("=")
        key, value = _bare(key), _bare(value)
        if not equals:
            return False
        if key == "TEMPLATES":
            if value.lower() == "include" or (value.lower() == "restrict" and section.template):
                template_fits = True
            else:
                return False
            continue
        name_expression, value_expression = re.compile(key), re.compile(value)
        if not any(name_expression.search(entry.name) and value_expression.search(entry.value) for entry in section):
            return False
    return template_fits


def _bare(text: str) -> str:
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    return text
