"""Files and the environment: ENV, STAT, FILE, FILE_COUNT_LINE, FILE_FORMAT, BASENAME, DIRNAME.

What touches the file system runs on a worker thread while the channel waits.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Callable

from offhook.dialplan.arguments import from_octets, integer, octets
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.modules import Module, Syntax

log = logging.getLogger(__name__)
module = Module("func_env", "Environment/filesystem dialplan functions")

_TERMINATORS = {"u": b"\n", "d": b"\r\n", "m": b"\r"}
_FILE = Syntax(
    "filename",
    "[offset]",
    "[length]",
    "[options]",
    "[format]",
    options={
        "l": "Offset and length count lines.",
        "a": "When assigning: append to the file.",
        "d": "When assigning lines: do not end the value with a line end; an empty value deletes lines.",
    },
    format="How lines end: u (Unix), d (DOS) or m (old Macintosh); found out when not given.",
)


@module.function("ENV", Syntax("varname"), raw=True)
def environment(scope: Scope, name: str) -> str:
    """A variable of the daemon's environment. It can be assigned, those that begin with AST_ excepted."""
    return os.environ.get(name, "")


@environment.writer
def set_environment(scope: Scope, value: str, name: str) -> None:
    """Assign a variable of the daemon's environment; an empty value takes it out."""
    if not name or name.startswith("AST_"):
        return
    if value:
        os.environ[name] = value
    else:
        os.environ.pop(name, None)


_STATISTICS: dict[str, Callable[[os.stat_result], str]] = {
    "e": lambda found: "1",
    "s": lambda found: str(found.st_size),
    "f": lambda found: str(int(stat.S_ISREG(found.st_mode))),
    "d": lambda found: str(int(stat.S_ISDIR(found.st_mode))),
    "M": lambda found: str(int(found.st_mtime)),
    "A": lambda found: str(int(found.st_mtime)),
    "C": lambda found: str(int(found.st_ctime)),
    "m": lambda found: f"{found.st_mode:o}",
}


@module.function("STAT", Syntax("flag", "filename"), raw=True, dangerous="read")
async def status(scope: Scope, data: str) -> str:
    """Something about a file; 0 when there is no such file.

    Flags: d is it a directory, e does it exist, f is it a regular file, m its mode in octal, s its size in octets,
    A, M and C the times of access, change and change of its inode in seconds since 1970.
    """
    flag, _, path = data.partition(",")
    try:
        found = await scope.pbx.off_loop(os.stat, path)
    except OSError:
        return "0"
    show = _STATISTICS.get(flag[:1])
    return show(found) if show is not None else "0"


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as source:
            return source.read()
    except OSError as error:
        raise FunctionError(f"{path} cannot be read: {error.strerror}") from error


def find_format(content: bytes) -> str:
    """How the lines of a file end: u, d, m, or x when it has no line end."""
    carriage, feed = content.find(b"\r"), content.find(b"\n")
    if carriage < 0 and feed < 0:
        return "x"
    if carriage >= 0 and (feed < 0 or carriage < feed):
        return "d" if feed == carriage + 1 else "m"
    return "u"


def _format(given: str, content: bytes, path: str) -> bytes:
    letter = given[:1].lower()
    if letter not in _TERMINATORS:
        letter = find_format(content)
    if letter == "x":
        raise FunctionError(f"{path} is no file of lines; tell its format (u, d or m)")
    return _TERMINATORS[letter]


def _ends(content: bytes, terminator: bytes) -> list[int]:
    """Where each line ends, its terminator included."""
    found = []
    at = content.find(terminator)
    while at >= 0:
        at += len(terminator)
        found.append(at)
        at = content.find(terminator, at)
    return found


def span_of_lines(content: bytes, terminator: bytes, offset: int, length: int | None) -> tuple[int, int]:
    """The octets from which and up to which so many lines reach. Raises FunctionError when there are not so many."""
    ends = _ends(content, terminator)
    if offset > 0:
        if offset > len(ends):
            raise FunctionError(f"the file has no line after {offset}")
        start = ends[offset - 1]
    elif offset < 0:
        if len(ends) > -offset:
            start = ends[offset - 1]
        elif len(ends) == -offset:
            start = 0
        else:
            raise FunctionError(f"the file has no {-offset} lines")
    else:
        start = 0
    if length is None:
        return start, len(content)
    if length < 0:
        stop = ends[length - 1] if len(ends) > -length else 0
        return start, max(start, stop)
    following = [end for end in ends if end > start]
    if length == 0:
        return start, start
    return start, following[length - 1] if length <= len(following) else len(content)


def span_of_octets(size: int, offset: int, length: int | None) -> tuple[int, int]:
    """The octets from which and up to which an offset and a length reach; negative ones count from the end."""
    start = max(0, size + offset) if offset < 0 else offset
    if length is None:
        return start, max(start, size)
    stop = size + length if length < 0 else start + length
    if stop < start:
        raise FunctionError("the length leaves nothing of the file")
    return start, stop


def _read_part(path: str, offset: int, length: int | None, options: str, shape: str) -> str:
    content = _read(path)
    if "l" in options:
        start, stop = span_of_lines(content, _format(shape, content, path), offset, length)
    else:
        start, stop = span_of_octets(len(content), offset, length)
    return from_octets(content[start:stop])


@module.function("FILE", _FILE, see_also=("FILE_COUNT_LINE", "FILE_FORMAT"), dangerous="both")
async def file(scope: Scope, path: str, offset: str = "", length: str = "", options: str = "", shape: str = "") -> str:
    """A file, or a part of it.

    Offset and length count octets, or lines with option l; negative ones count from the end of the file. Assigning
    writes: without offset and length the whole file anew, with them in place of that part.
    """
    return str(await scope.pbx.off_loop(_read_part, path, integer(offset) or 0, integer(length), options, shape))


@file.writer
async def write_file(
    scope: Scope, value: str, path: str, offset: str = "", length: str = "", options: str = "", shape: str = ""
) -> None:
    """Write a file, or a part of it."""
    await scope.pbx.off_loop(_write_part, path, value, integer(offset) or 0, integer(length), options, shape)


def _write_part(path: str, value: str, offset: int, length: int | None, options: str, shape: str) -> None:
    data = octets(value)
    whole = not offset and length is None
    try:
        content = b""
        if "l" in options:
            content = b"" if shape and (whole or "a" in options) else _read(path)
            terminator = _format(shape, content, path)
            if "d" not in options:
                data += terminator
        if "a" in options:
            with open(path, "ab") as target:
                target.write(data)
            return
        if whole:
            with open(path, "wb") as target:
                target.write(data)
            return
        if "l" in options:
            start, stop = span_of_lines(content, terminator, offset, length)
        else:
            content = _read(path)
            start, stop = span_of_octets(len(content), offset, length)
        with open(path, "r+b") as target:
            target.seek(start)
            target.write(data + content[stop:])
            target.truncate()
    except OSError as error:
        raise FunctionError(f"{path} cannot be written: {error.strerror}") from error


@module.function("FILE_COUNT_LINE", Syntax("filename", "[format]"), see_also=("FILE", "FILE_FORMAT"), dangerous="read")
async def count_lines(scope: Scope, path: str, shape: str = "") -> str:
    """How many lines a file has; -1 when it cannot be read. The format is u, d or m, as in FILE."""

    def count() -> int:
        content = _read(path)
        letter = shape[:1].lower() if shape[:1].lower() in _TERMINATORS else find_format(content)
        return content.count(_TERMINATORS[letter]) if letter in _TERMINATORS else 0

    try:
        return str(await scope.pbx.off_loop(count))
    except FunctionError as error:
        log.error("FILE_COUNT_LINE: %s", error)
        return "-1"


@module.function("FILE_FORMAT", Syntax("filename"), see_also=("FILE", "FILE_COUNT_LINE"), raw=True, dangerous="read")
async def file_format(scope: Scope, path: str) -> str:
    """How the lines of a file end: u (Unix), d (DOS), m (old Macintosh), or x when that cannot be told."""
    try:
        return find_format(await scope.pbx.off_loop(_read, path))
    except FunctionError as error:
        log.error("FILE_FORMAT: %s", error)
        return "x"


@module.function("BASENAME", Syntax("filename"), see_also=("DIRNAME",), raw=True)
def base_name(scope: Scope, path: str) -> str:
    """The last part of a path: ${BASENAME(/etc/asterisk/sip.conf)} is sip.conf."""
    if not path.strip("/"):
        return "/" if path else "."
    return path.rstrip("/").rpartition("/")[2]


@module.function("DIRNAME", Syntax("filename"), see_also=("BASENAME",), raw=True)
def directory_name(scope: Scope, path: str) -> str:
    """A path without its last part: ${DIRNAME(/etc/asterisk/sip.conf)} is /etc/asterisk."""
    if not path.strip("/"):
        return "/" if path else "."
    before, slash, _ = path.rstrip("/").rpartition("/")
    if not slash:
        return "."
    return before.rstrip("/") or "/"
