"""Reading Asterisk's configuration language.

Lines are ``[section](options)``, ``name = value``, ``name => object``, ``name += more`` and the directives
``#include``, ``#tryinclude`` and ``#exec``; ``;`` starts a comment, ``;--`` to ``--;`` encloses a nested one
and ``\\;`` is a plain semicolon. Behaviour follows Asterisk 22, with one mercy: a broken line
costs that line (a broken header its section), and says so, where Asterisk drops the whole file.
"""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from offhook.config.model import ConfigError, ConfigFile, Entry, Section, matches

if TYPE_CHECKING:
    from offhook.config.rewrite import Layout

BLANKS: Final = "".join(map(chr, range(33)))
MOST_INCLUDES_DEEP: Final = 10
MOST_COMMENTS_DEEP: Final = 128
EXEC_SECONDS: Final = 30.0

Engine = Callable[[str], list[Section] | None]
"""Asked for each file name first: the sections that a database has in the file's place, or None."""


def load(
    path: str,
    *,
    etc_dir: str = "",
    exec_includes: bool = False,
    layout: bool = False,
    engine: Engine | None = None,
) -> ConfigFile:
    """Read a file with all it includes; relative names are below ``etc_dir``.

    Raises FileNotFoundError when the file itself is not there. Everything else that is wrong is in ``errors`` of
    the result, whose ``valid`` is False when a file named by #include is missing.
    """
    parser = _Parser(path, etc_dir, exec_includes, engine)
    if layout:
        from offhook.config.rewrite import Layout

        parser.layout = parser.config.layout = Layout(parser.path_of(path), etc_dir)
    if not parser.read(path):
        raise FileNotFoundError(f"{parser.path_of(path)}: no such file")
    return parser.config


def loads(text: str, path: str = "text", *, etc_dir: str = "") -> ConfigFile:
    """Read configuration from a string."""
    parser = _Parser(path, etc_dir, False, None)
    parser.lines(text, path)
    return parser.config


class CommentScanner:
    """Takes the comments out of lines; block comments reach over lines and nest."""

    __slots__ = ("opened",)

    def __init__(self) -> None:
        self.opened: list[int] = []
        """Line numbers where the block comments still open began."""

    def strip(self, line: str, number: int = 0) -> tuple[str, int]:
        """The line without comments, and where its plain comment or an unclosed block comment starts (-1: none)."""
        live: list[str] = []
        start = 0 if not self.opened else -1
        position = 0
        tail = -1
        taken = 0
        """Backslashes taken out so far: what positions in the original are ahead by."""
        while (found := line.find(";", position)) >= 0:
            if found > position and line[found - 1] == "\\":
                line = line[: found - 1] + line[found:]
                position = found
                taken += 1
            elif line.startswith("--", found + 1) and not line.startswith("-", found + 3):
                if len(self.opened) < MOST_COMMENTS_DEEP:
                    if not self.opened and start >= 0:
                        live.append(line[start:found])
                        start = -1
                        tail = found + taken
                    self.opened.append(number)
                position = found + 3
            elif self.opened and found >= position + 2 and line.startswith("--", found - 2):
                self.opened.pop()
                position = found + 1
                if not self.opened:
                    start = position
                    tail = -1
            elif self.opened:
                position = found + 1
            else:
                live.append(line[start:found])
                return "".join(live), found + taken
        if start >= 0:
            live.append(line[start:])
        return "".join(live), tail


class _Parser:
    def __init__(self, path: str, etc_dir: str, exec_includes: bool, engine: Engine | None) -> None:
        self.config = ConfigFile(path)
        self.etc_dir = etc_dir
        self.exec_includes = exec_includes
        self.engine = engine
        self.depth = 0
        self.layout: Layout | None = None
        self.current: Section | None = None
        """The section opened last, in whatever file: where the entries of the next included file go."""

    def path_of(self, name: str) -> str:
        return name if name.startswith("/") else os.path.join(self.etc_dir, name)

    def shown(self, path: str) -> str:
        """The file as people know it: relative to the configuration directory when below it."""
        prefix = self.etc_dir.rstrip("/") + "/"
        return path[len(prefix) :] if self.etc_dir and path.startswith(prefix) else path

    def error(self, file: str, line: int, sentence: str) -> None:
        self.config.errors.append(ConfigError(file, line, sentence))

    def read(self, name: str, included: list[str] | None = None) -> bool:
        """Read the file or files of that name; False when there is none."""
        if self.engine is not None and (sections := self.engine(name)) is not None:
            self.config.sections.extend(sections)
            self.current = sections[-1] if sections else self.current
            return True
        count = 0
        for path in _expand(self.path_of(name)):
            try:
                status = os.stat(path)
                if not stat.S_ISREG(status.st_mode):
                    self.error(self.shown(path), 0, "not a regular file, ignored")
                    continue
                with open(path, "rb") as source:
                    text = source.read().decode("utf-8", "surrogateescape")
            except OSError as error:
                if not isinstance(error, FileNotFoundError):
                    self.error(self.shown(path), 0, f"cannot be read: {error.strerror}; check owner and mode")
                continue
            count += 1
            self.config.stamps[path] = (status.st_size, status.st_mtime_ns)
            if included is not None:
                included.append(path)
            self.depth += 1
            self.lines(text.removeprefix("\ufeff"), self.shown(path), path)
            self.depth -= 1
            if not self.config.valid:
                break
        return count > 0

    def lines(self, text: str, file: str, path: str = "") -> None:
        """Read the lines of one file; ``file`` is its name in messages and entries."""
        section = self.current
        orphaned = False
        scanner = CommentScanner()
        page = self.layout.page(path) if self.layout is not None else None
        for number, raw in enumerate(text.split("\n"), 1):
            line, tail = raw, -1
            if scanner.opened or ";" in raw:
                line, tail = scanner.strip(raw, number)
            line = line.strip(BLANKS)
            if not line:
                if page is not None:
                    page.other(raw)
                continue
            first = line[0]
            item: Section | Entry | None = None
            if first == "[":
                section, item, orphaned = self.header(line, file, number)
                if page is not None and section is not None and item is None:
                    page.addition(raw, section)
                    continue
            elif first == "#":
                included = self.directive(line, file, number)
                if page is not None:
                    page.include(raw, included)
                if not self.config.valid:
                    return
                continue
            elif section is not None:
                count = len(section.entries)
                item = self.entry(line, section, file, number)
                if page is not None and item is not None and len(section.entries) == count:
                    page.append(raw, item)
                    continue
            elif not orphaned:
                orphaned = True
                self.error(file, number, f'"{line}" stands before any [section]; put a section header above it')
            if page is None:
                continue
            if item is None:
                page.other(raw)
            else:
                page.item(raw, tail, bool(scanner.opened), item, section)
        if scanner.opened:
            self.error(file, scanner.opened[-1], 'the comment that starts here never ends; close it with "--;"')

    def header(self, line: str, file: str, number: int) -> tuple[Section | None, Section | None, bool]:
        """(section that takes the following lines, section made here, whether the following lines are lost)."""
        end = line.find("]")
        if end < 0:
            self.error(file, number, f'"{line}" has no closing "]"; its section is skipped')
            return None, None, True
        name = line[1:end]
        made = section = Section(name, file, number)
        if line.startswith("(", end + 1):
            close = line.find(")", end + 2)
            if close < 0:
                self.error(file, number, f'"{line}" has no closing ")"; its section is skipped')
                return None, None, True
            for option in line[end + 2 : close].split(","):
                if option == "!":
                    section.template = True
                elif option.startswith("+"):
                    found = self.find(name, option[1:], "&", file, number)
                    if found is None:
                        self.error(
                            file, number, f"[{name}](+) adds to a section that does not exist; define [{name}] above it"
                        )
                        return None, None, True
                    found.template |= section.template
                    found.entries.extend(section.entries)
                    section = self.current = found
                else:
                    base = self.find(option, "TEMPLATES=include", ",", file, number)
                    if base is None:
                        self.error(
                            file, number, f'[{name}] inherits from "{option}", which does not exist; define it above'
                        )
                        return None, None, True
                    section.inherit(base)
        if section is not made:
            return section, None, False
        self.config.sections.append(section)
        self.current = section
        return section, section, False

    def find(self, name: str, match: str, separator: str, file: str, number: int) -> Section | None:
        try:
            return next((one for one in self.config.sections if matches(one, name, match, separator)), None)
        except re.error as error:
            self.error(file, number, f'"{match}" is not a regular expression: {error}')
            return None

    def entry(self, line: str, section: Section, file: str, number: int) -> Entry | None:
        """The entry made by the line, or the one that its += makes longer."""
        escaped = line[0] == "\\"
        if escaped:
            line = line[1:]
            if not line or line[0] < "!":
                self.error(file, number, "a backslash must be followed by the character it escapes")
                return None
        at = line.find("=", 1 if escaped else 0)
        if at < 0:
            self.error(file, number, f'"{line}" has no "="; write name = value')
            return None
        if at > escaped and line[at - 1] == "+":
            name = line[: at - 1].strip(BLANKS)
            value = line[at + 1 :]
            before = next((one for one in reversed(section.entries) if one.name == name), None)
            if before is not None:
                before.value = (before.value + value).strip(BLANKS)
                return before
            made = Entry(name, value.strip(BLANKS), file, number)
        else:
            is_object = line.startswith(">", at + 1)
            name = line[:at].strip(BLANKS)
            made = Entry(name, line[at + 2 if is_object else at + 1 :].strip(BLANKS), file, number, object=is_object)
        if not name:
            self.error(file, number, f'"{line}" has no name before the "="')
            return None
        section.entries.append(made)
        return made

    def directive(self, line: str, file: str, number: int) -> list[str]:
        """Carry out an #include, #tryinclude or #exec; the files it read."""
        word, _, argument = line[1:].replace("\t", " ").partition(" ")
        word = word.lower()
        argument = argument.strip(BLANKS)
        files: list[str] = []
        if word not in ("include", "tryinclude", "exec"):
            self.error(file, number, f'unknown directive "#{word}"; known are #include, #tryinclude and #exec')
            return files
        if not argument:
            self.error(file, number, f'"#{word}" needs the name of a {"program" if word == "exec" else "file"}')
            return files
        if argument[0] in '"<' and argument[-1] == {'"': '"', "<": ">"}[argument[0]] and len(argument) > 1:
            argument = argument[1:-1]
        if word == "exec":
            self.execute(argument, file, number)
            return files
        if self.depth >= MOST_INCLUDES_DEEP + 1:
            self.error(
                file, number, f"files include each other more than {MOST_INCLUDES_DEEP} deep; {argument} is skipped"
            )
            return files
        if not self.read(argument, files) and word == "include" and self.config.valid:
            self.error(
                file,
                number,
                f'the file "{argument}" does not exist; create it, or write #tryinclude if it may be missing',
            )
            self.config.valid = False
        return files

    def execute(self, command: str, file: str, number: int) -> None:
        """Read what a program prints, as if it stood here."""
        if not self.exec_includes:
            self.error(file, number, "#exec is off; set execincludes = yes in the [options] of asterisk.conf")
            return
        import subprocess

        self.config.stamps[f"exec {command}"] = (-1, -1)
        try:
            result = subprocess.run(
                ["/bin/sh", "-c", command],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=EXEC_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            self.error(file, number, f'"#exec {command}" failed: {error}')
            return
        for complaint in result.stderr.decode("utf-8", "replace").splitlines():
            self.error(file, number, f'"#exec {command}" says: {complaint}')
        if result.returncode:
            self.error(file, number, f'"#exec {command}" ended with status {result.returncode}')
        if not result.stdout:
            self.error(file, number, f'"#exec {command}" printed nothing')
        layout, self.layout = self.layout, None
        self.depth += 1
        self.lines(result.stdout.decode("utf-8", "surrogateescape"), command)
        self.depth -= 1
        self.layout = layout


def _expand(pattern: str) -> Iterator[str]:
    """Files of a shell pattern with braces, sorted; the name itself when it is no pattern."""
    for name in _braces(pattern):
        if glob.has_magic(name):
            yield from sorted(glob.glob(name))
        else:
            yield name


def _braces(pattern: str) -> list[str]:
    """``a{b,c}d`` as ``abd`` and ``acd``; nested braces too."""
    start = pattern.find("{")
    if start < 0:
        return [pattern]
    depth, cut, parts = 0, start + 1, []
    for index in range(start, len(pattern)):
        char = pattern[index]
        if char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            if not depth:
                parts.append(pattern[cut:index])
                head, tail = pattern[:start], pattern[index + 1 :]
                if len(parts) == 1:
                    return [pattern]
                return [whole for part in parts for whole in _braces(head + part + tail)]
        elif char == "," and depth == 1:
            parts.append(pattern[cut:index])
            cut = index + 1
    return [pattern]
