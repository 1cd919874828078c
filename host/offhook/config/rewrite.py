"""Changing configuration files and writing them back: what nobody touched stays as it was written.

Load with ``layout=True``, edit the sections and entries of the ConfigFile (the methods of ``Editor`` are those of
the UpdateConfig manager action), then ``save``.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from offhook.config.model import ConfigFile, Entry, Section, matches

if TYPE_CHECKING:
    from collections.abc import Iterator


class Role(Enum):
    """What a line of a file is."""

    OTHER = "comment, blank or broken line"
    HEADER = "[section]"
    ADDITION = "[section](+)"
    ENTRY = "name = value"
    APPEND = "name += value"
    INCLUDE = "#include"


@dataclass(slots=True)
class Line:
    raw: str
    role: Role
    item: Section | Entry | None = None
    comment: str = ""
    """The comment on the item's line, with the blanks before it."""
    written: tuple[object, ...] = ()
    """The item as it was when read: a difference means the line is written anew."""


def _state(item: Section | Entry) -> tuple[object, ...]:
    if isinstance(item, Entry):
        return (item.name, item.value, item.object)
    return (item.name, item.template, tuple(template.name for template in item.templates))


class Page:
    """One file's lines as written."""

    __slots__ = ("lines", "path", "sections")

    def __init__(self, path: str) -> None:
        self.path = path
        self.lines: list[Line] = []
        self.sections: dict[int, Section] = {}

    def other(self, raw: str) -> None:
        self.lines.append(Line(raw, Role.OTHER))

    def include(self, raw: str, _files: Iterable[str]) -> None:
        self.lines.append(Line(raw, Role.INCLUDE))

    def addition(self, raw: str, section: Section) -> None:
        self.lines.append(Line(raw, Role.ADDITION, section))

    def append(self, raw: str, entry: Entry) -> None:
        self.lines.append(Line(raw, Role.APPEND, entry))

    def item(self, raw: str, tail: int, opens: bool, item: Section | Entry, section: Section | None) -> None:
        """A line that made an item; when it opens a block comment, the comment becomes a line of its own."""
        role = Role.HEADER if isinstance(item, Section) else Role.ENTRY
        if opens and tail >= 0:
            self.lines.append(Line(raw[:tail].rstrip(), role, item))
            self.lines.append(Line(raw[tail:], Role.OTHER))
            return
        comment = ""
        if tail >= 0:
            comment = raw[len(raw[:tail].rstrip()) :]
        self.lines.append(Line(raw, role, item, comment))


class Layout:
    """The lines of a configuration file and of all it includes."""

    def __init__(self, path: str, etc_dir: str = "") -> None:
        self.path = path
        self.etc_dir = etc_dir
        self.pages: dict[str, Page] = {}
        self.repeats: set[int] = set()
        """Entries that repeated their template's when read: written so on purpose, and kept."""
        self._settled = False

    def page(self, path: str) -> Page:
        """The page of a file; a file included twice is written once."""
        page = self.pages[path] = Page(path)
        return page

    def settle(self, config: ConfigFile) -> None:
        """Remember every item as read; called before the first change."""
        if self._settled:
            return
        self._settled = True
        self.repeats.update(
            id(entry)
            for section in config.sections
            if section.templates
            for entry in section
            if not entry.inherited and _left_to_template(section, entry, True)
        )
        for page in self.pages.values():
            for line in page.lines:
                if line.item is not None:
                    line.written = _state(line.item)


class EditError(Exception):
    """A change that cannot be made; ``reason`` is one of the names below."""

    NO_CATEGORY = "category not found"
    NO_VARIABLE = "variable not found"
    EXISTS = "category exists already"
    NO_TEMPLATE = "template not found"
    BAD_LINE = "no such line"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Editor:
    """Changes to a ConfigFile in the terms of the manager's UpdateConfig action.

    Every method raises EditError. Categories are chosen by name and, optionally, a filter as in
    ``offhook.config.model.matches``.
    """

    def __init__(self, config: ConfigFile) -> None:
        self.config = config
        if isinstance(config.layout, Layout):
            config.layout.settle(config)

    def _chosen(self, name: str, match: str) -> Iterator[Section]:
        found = [section for section in self.config.sections if matches(section, name, match)]
        if not found:
            raise EditError(EditError.NO_CATEGORY)
        return iter(found)

    def new_category(
        self,
        name: str,
        *,
        template: bool = False,
        inherit: Iterable[str] = (),
        before: str = "",
        duplicate: bool = False,
    ) -> Section:
        """Add a category at the end, or before the first one named ``before``."""
        sections = self.config.sections
        if not duplicate and any(matches(section, name, "TEMPLATES=include") for section in sections):
            raise EditError(EditError.EXISTS)
        made = Section(name, template=template)
        for base in inherit:
            found = next((section for section in sections if matches(section, base, "TEMPLATES=restrict")), None)
            if found is None:
                raise EditError(EditError.NO_TEMPLATE)
            made.inherit(found)
        place = len(sections)
        if before:
            place = next((at for at, section in enumerate(sections) if section.name.lower() == before.lower()), -1)
            if place < 0:
                raise EditError(EditError.NO_CATEGORY)
        sections.insert(place, made)
        return made

    def rename_category(self, name: str, new: str, match: str = "") -> None:
        for section in self._chosen(name, match):
            section.name = new

    def delete_category(self, name: str, match: str = "") -> None:
        gone = {id(section) for section in self._chosen(name, match)}
        self.config.sections[:] = [section for section in self.config.sections if id(section) not in gone]

    def empty_category(self, name: str, match: str = "") -> None:
        for section in self._chosen(name, match):
            section.entries.clear()

    def update(
        self, name: str, variable: str, value: str, *, old: str = "", match: str = "", object: bool = False
    ) -> None:
        """Change the first variable of that name (and old value, when given) in each chosen category."""
        found = False
        for section in self._chosen(name, match):
            for entry in section:
                if entry.name.lower() == variable.lower() and (not old or entry.value.lower() == old.lower()):
                    entry.name, entry.value, entry.object = variable, value, entry.object or object
                    entry.inherited = False
                    found = True
                    break
        if not found:
            raise EditError(EditError.NO_VARIABLE)

    def delete(
        self, name: str, variable: str = "", *, value: str = "", line: int | None = None, match: str = ""
    ) -> None:
        """Take out variables by name (and value), or the one at a position, in each chosen category."""

        def fits(at: int, entry: Entry) -> bool:
            if line is not None:
                return at == line
            return entry.name.lower() == variable.lower() and (not value or entry.value.lower() == value.lower())

        found = False
        for section in self._chosen(name, match):
            kept = [entry for at, entry in enumerate(section.entries) if not fits(at, entry)]
            found |= len(kept) != len(section.entries)
            section.entries[:] = kept
        if not found:
            raise EditError(EditError.NO_VARIABLE)

    def append(self, name: str, variable: str, value: str, *, object: bool = False, match: str = "") -> None:
        for section in self._chosen(name, match):
            section.entries.append(Entry(variable, value, object=object))

    def insert(self, name: str, variable: str, value: str, line: int, *, match: str = "") -> None:
        """Insert a variable so that it becomes number ``line`` (from 0); beyond the end nothing is inserted."""
        for section in self._chosen(name, match):
            if line <= len(section.entries):
                section.entries.insert(line, Entry(variable, value))


def escape(value: str) -> str:
    """A value as it must be written: its semicolons escaped."""
    return value.replace(";", "\\;")


def render(config: ConfigFile, *, effective: bool = True) -> dict[str, str]:
    """The text of every file the configuration came from, by path.

    An entry that only repeats its template's is left out. With ``effective``, one that was inherited but no
    longer is what the template says is written out, so that the section keeps meaning what it did.
    """
    layout = config.layout
    if not isinstance(layout, Layout):
        raise ValueError(f"{config.path} was not loaded with layout=True")
    if not config.valid:
        raise ValueError(f"{config.path} includes a missing file and cannot be written back")
    layout.settle(config)
    return _Writer(config, layout, effective).render()


class _Writer:
    def __init__(self, config: ConfigFile, layout: Layout, effective: bool) -> None:
        self.layout = layout
        self.placed = {id(line.item) for page in layout.pages.values() for line in page.lines if line.item is not None}
        self.live = {id(section) for section in config.sections}
        self.after: dict[int, list[Entry]] = {}
        """New entries by the item whose line they follow."""
        self.before: dict[int, list[Section]] = {}
        """New sections by the section whose header they precede; under 0 those at the end."""
        for section in config.sections:
            anchor = id(section)
            for entry in section:
                if id(entry) not in layout.repeats and _left_to_template(section, entry, effective):
                    continue
                self.live.add(id(entry))
                if id(entry) in self.placed:
                    anchor = id(entry)
                else:
                    self.after.setdefault(anchor, []).append(entry)
        waiting: list[Section] = []
        for section in config.sections:
            if id(section) not in self.placed:
                waiting.append(section)
            elif waiting:
                self.before[id(section)] = waiting
                waiting = []
        if waiting:
            self.before[0] = waiting

    def render(self) -> dict[str, str]:
        texts = {path: self.page(page) for path, page in self.layout.pages.items()}
        main = self.layout.path
        text = texts.get(main, "")
        for section in self.before.get(0, ()):
            text = text.rstrip("\n")
            text += ("\n\n" if text else "") + "\n".join(self.section(section)) + "\n"
        texts[main] = text
        return texts

    def section(self, section: Section) -> list[str]:
        return [_header(section), *(_entry(entry) for entry in self.after.get(id(section), ()))]

    def page(self, page: Page) -> str:
        out: list[str] = []
        remarks: list[str] = []
        """Lines without meaning since the last one that had some."""
        lost = False
        """Inside a section that is deleted."""
        for line in page.lines:
            if line.role in (Role.OTHER, Role.INCLUDE):
                if line.role is Role.OTHER:
                    remarks.append(line.raw)
                else:
                    out.extend([*remarks, line.raw])
                    remarks = []
                continue
            item = line.item
            if line.role in (Role.HEADER, Role.ADDITION):
                out.extend(_last_paragraph(remarks) if lost else remarks)
                lost = id(item) not in self.live
                if line.role is Role.HEADER and (new := self.before.get(id(item))):
                    lead = _last_paragraph(remarks)
                    del out[len(out) - len(lead) :]
                    for section in new:
                        out.extend([*self.section(section), ""])
                    out.extend(lead)
                remarks = []
                if lost:
                    continue
            elif id(item) not in self.live:
                if lost:
                    remarks = []
                continue
            out.extend(remarks)
            remarks = []
            changed = item is not None and _state(item) != line.written
            if line.role is Role.ENTRY and isinstance(item, Entry):
                out.append(_entry(item) + line.comment if changed else line.raw)
            elif line.role is Role.HEADER and isinstance(item, Section):
                out.append(_header(item) + line.comment if changed else line.raw)
            elif line.role is Role.ADDITION and isinstance(item, Section):
                out.append(f"[{item.name}{line.raw[line.raw.index(']') :]}" if changed else line.raw)
            elif not changed:
                out.append(line.raw)
            out.extend(_entry(entry) for entry in self.after.get(id(item), ()) if line.role is not Role.ADDITION)
        out.extend([] if lost else remarks)
        text = "\n".join(out)
        return text if not text or text.endswith("\n") else text + "\n"


def _left_to_template(section: Section, entry: Entry, effective: bool) -> bool:
    if not section.templates:
        return False
    if entry.inherited and not effective:
        return True
    name = entry.name.lower()
    return any(
        one.name.lower() == name and one.value == entry.value for template in section.templates for one in template
    )


def _last_paragraph(lines: list[str]) -> list[str]:
    """The lines after the last blank one: comments that belong to what follows."""
    at = len(lines)
    while at and lines[at - 1].strip():
        at -= 1
    return lines[at:]


def _header(section: Section) -> str:
    options = [*(["!"] if section.template else []), *(template.name for template in section.templates)]
    return f"[{section.name}]" + (f"({','.join(options)})" if options else "")


def _entry(entry: Entry) -> str:
    return f"{entry.name} {entry.operator} {escape(entry.value)}"


def save(config: ConfigFile, path: str = "", *, effective: bool = True) -> list[str]:
    """Write the files that changed, each beside the old one and then in its place; their paths.

    ``path`` writes the main file elsewhere (relative to its configuration directory). Raises OSError before
    anything is written when a file cannot be.
    """
    texts = render(config, effective=effective)
    layout = config.layout
    assert isinstance(layout, Layout)
    if path:
        target = path if path.startswith("/") else os.path.join(layout.etc_dir, path)
        if target != layout.path:
            texts[target] = texts.pop(layout.path)
    changed = {os.path.realpath(name): text for name, text in texts.items() if text != _on_disk(name)}
    beside: dict[str, str] = {}
    try:
        for name, text in changed.items():
            beside[name] = _write_beside(name, text)
        for name, temporary in list(beside.items()):
            os.replace(temporary, name)
            del beside[name]
    finally:
        for temporary in beside.values():
            with contextlib.suppress(OSError):
                os.unlink(temporary)
    return list(changed)


def write_file(path: str, text: str) -> None:
    """Write a whole file: beside the old one, safe on the disk, then in its place. Raises OSError."""
    path = os.path.realpath(path)
    temporary = _write_beside(path, text if text.endswith("\n") else text + "\n")
    try:
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise


def _on_disk(path: str) -> str | None:
    try:
        with open(path, "rb") as source:
            return source.read().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return None


def _write_beside(path: str, text: str) -> str:
    """Write the text, safe on disk, to a new file beside ``path`` with its owner and mode; the new file's name."""
    import tempfile  # few write configuration

    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path) or ".", prefix=".", suffix=".new")
    with open(descriptor, "wb") as target:
        target.write(text.encode("utf-8", "surrogateescape"))
        target.flush()
        os.fsync(target.fileno())
        try:
            status = os.stat(path)
            os.fchmod(target.fileno(), status.st_mode & 0o7777)
            if os.geteuid() == 0:
                os.fchown(target.fileno(), status.st_uid, status.st_gid)
        except FileNotFoundError:
            os.fchmod(target.fileno(), 0o640)
    return temporary
