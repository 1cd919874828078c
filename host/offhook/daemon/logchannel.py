"""Log channels: where messages go (files, syslog, the console) and how they look there."""

from __future__ import annotations

import contextlib
import json
import os
import re
import syslog
import time
from dataclasses import dataclass, field
from typing import Final, TextIO

LEVELS: Final = ("DEBUG", "TRACE", "NOTICE", "WARNING", "ERROR", "VERBOSE", "DTMF")
"""Asterisk's fixed levels, by number; dynamic ones (FAX, SECURITY, custom_levels) have numbers from 16."""
FIRST_DYNAMIC: Final = 16
ROTATE_AT: Final = 0x40000000
"""A file of 1 GiB is rotated at the next reload even if nobody asked."""

PREFIXES: Final = ("", " ", "  == ", "    -- ", *(" " * blanks + "> " for blanks in range(7, 14)))
"""What the console puts before verbose messages, by their level."""

_COLOURS: Final = {
    "DEBUG": "1;32",
    "TRACE": "1;34",
    "NOTICE": "33;1",
    "WARNING": "31;1",
    "ERROR": "31",
    "VERBOSE": "32",
    "DTMF": "1;32",
}
_BRIGHT: Final = "1;37"
_ESCAPES: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_FRACTION: Final = re.compile(r"%(\d?)q")


@dataclass(slots=True)
class Message:
    """One message, as the channels format it."""

    when: float
    """Seconds since the epoch."""
    level: str
    verbosity: int
    thread: int
    call: str
    file: str
    line: int
    function: str
    text: str


class DateFormat:
    """strftime(3) with Asterisk's ``%3q`` for fractions of a second."""

    def __init__(self, pattern: str = "%b %e %T") -> None:
        self.pattern = pattern
        self._fractions = _FRACTION.search(pattern) is not None
        self._cached = (-1, "")

    def format(self, when: float) -> str:
        second = int(when)
        known, text = self._cached
        if second != known or self._fractions:
            pattern = self.pattern
            if self._fractions:
                digits = f"{when - second:.9f}"[2:]
                pattern = _FRACTION.sub(lambda found: digits[: int(found[1] or 3)], pattern)
            text = time.strftime(pattern, time.localtime(second))
            self._cached = (second, text)
        return text


def strip_colours(text: str) -> str:
    """The text without terminal escape sequences."""
    return _ESCAPES.sub("", text) if "\x1b" in text else text


def as_default(message: Message, date: str) -> str:
    """A line of a file, in the [default] format."""
    return f"[{date}] {message.level}[{message.thread}]{_call(message)} {message.file}: {strip_colours(message.text)}"


def as_plain(message: Message, date: str) -> str:
    """A line in the [plain] format: with line number and function."""
    return (
        f"[{date}] {message.level}[{message.thread}]{_call(message)}: "
        f"{message.file}:{message.line} {message.function}: {strip_colours(message.text)}"
    )


def as_json(message: Message, date: str, host: str = "") -> str:
    """A line in the [json] format."""
    return json.dumps(
        {
            "hostname": host,
            "timestamp": date,
            "identifiers": {"lwp": message.thread, "callid": _call(message)},
            "logmsg": {
                "location": {"filename": message.file, "function": message.function, "line": message.line},
                "level": message.level,
                "message": strip_colours(message.text),
            },
        }
    )


def for_syslog(message: Message) -> str:
    """What syslog gets: it adds the time itself."""
    return (
        f"{message.level}[{message.thread}]{_call(message)}: "
        f"{message.file}:{message.line} in {message.function}: {strip_colours(message.text)}"
    )


def for_console(message: Message, date: str, *, colours: bool, timestamp: bool = False) -> str:
    """What a console shows; verbose messages get the prefix of their level on every line."""
    if message.level == "VERBOSE":
        prefix = (f"[{date}] " if timestamp else "") + PREFIXES[min(message.verbosity, len(PREFIXES) - 1)]
        text = message.text if colours else strip_colours(message.text)
        return "\n".join(prefix + line for line in text.split("\n"))
    level, file, line, function = message.level, message.file, str(message.line), message.function
    if colours:
        level = f"\x1b[{_COLOURS.get(level, '1;34')}m{level}\x1b[0m"
        file, line, function = (f"\x1b[{_BRIGHT}m{text}\x1b[0m" for text in (file, line, function))
    text = message.text if colours else strip_colours(message.text)
    return f"[{date}] {level}[{message.thread}]{_call(message)}: {file}:{line} {function}: {text}"


def _call(message: Message) -> str:
    return f"[{message.call}]" if message.call else ""


@dataclass(frozen=True, slots=True)
class LogChannelChanged:
    """Event: a file could not be written and is left alone, or is written again."""

    name: str
    trouble: str = ""


@dataclass(slots=True)
class LogChannel:
    """One line of logger.conf's [logfiles]."""

    name: str
    """The full path of a file, ``syslog.facility``, or "" for the console."""
    kind: str
    """Console, File or Syslog."""
    formatter: str = "default"
    levels: frozenset[str] = frozenset()
    everything: bool = False
    """Configured as ``*``: levels that come later included."""
    verbosity: int = -1
    """The most verbose messages taken; -1 follows the root console."""
    enabled: bool = True
    trouble: str = ""
    """Why it is not: number and text of the error."""
    dynamic: bool = False
    facility: int = syslog.LOG_LOCAL0
    _file: TextIO | None = field(default=None, repr=False)

    def takes(self, level: str) -> bool:
        return self.enabled and (self.everything or level in self.levels)

    def open(self, banner: str) -> None:
        """Open the file, below directories made as needed. Raises OSError."""
        if self.kind == "File":
            os.makedirs(os.path.dirname(self.name) or ".", exist_ok=True)
            self._file = open(self.name, "a", encoding="utf-8", errors="surrogateescape")  # noqa: SIM115
            self._file.write(banner + "\n")
            self._file.flush()

    def write(self, lines: list[str]) -> None:
        """Append lines to the file or hand them to syslog; a full disk disables the channel until a reload."""
        if self.kind == "Syslog":
            syslog.openlog("offhook", syslog.LOG_PID, self.facility)
            for line in lines:
                level = line.partition("[")[0]
                syslog.syslog(_SYSLOG_PRIORITIES.get(level, syslog.LOG_INFO), line)
        elif self._file is not None:
            try:
                self._file.write("\n".join(lines) + "\n")
                self._file.flush()
            except OSError as error:
                self.enabled = False
                self.trouble = f"{error.errno} - {error.strerror}"

    def size(self) -> int:
        """Bytes in the file."""
        with contextlib.suppress(OSError):
            return os.path.getsize(self.name)
        return 0

    def close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None


_SYSLOG_PRIORITIES: Final = {
    "DEBUG": syslog.LOG_DEBUG,
    "NOTICE": syslog.LOG_NOTICE,
    "WARNING": syslog.LOG_WARNING,
    "ERROR": syslog.LOG_ERR,
}

FACILITIES: Final = {
    name: getattr(syslog, f"LOG_{name.upper()}")
    for name in (
        "kern",
        "user",
        "mail",
        "daemon",
        "auth",
        "authpriv",
        "syslog",
        "lpr",
        "news",
        "uucp",
        "cron",
        *(f"local{number}" for number in range(8)),
    )
}


class ChannelError(Exception):
    """A log channel that cannot be made, in a sentence."""


def make_channel(name: str, configuration: str, log_dir: str, host: str = "", *, dynamic: bool = False) -> LogChannel:
    """A channel from its name and configuration ("[json]notice,verbose(3)"). Raises ChannelError."""
    lowered = name.lower()
    if lowered == "console":
        channel = LogChannel("", "Console", dynamic=dynamic)
    elif lowered.startswith("syslog"):
        facility = lowered.partition(".")[2] or "local0"
        if facility not in FACILITIES:
            raise ChannelError(f'there is no syslog facility "{facility}"; use one of {", ".join(FACILITIES)}')
        channel = LogChannel(name, "Syslog", facility=FACILITIES[facility], dynamic=dynamic)
    else:
        channel = LogChannel(file_name(name, log_dir, host), "File", dynamic=dynamic)
    words = configuration.strip()
    if words.startswith("["):
        end = words.find("]")
        formatter = words[1:end].strip().lower() if end > 0 else ""
        if formatter not in ("default", "plain", "json"):
            raise ChannelError(f'"{words[: end + 1] or words}" is no formatter; use [default], [plain] or [json]')
        channel.formatter = formatter
        words = words[end + 1 :]
    levels = set()
    for word in (word.strip().upper() for word in words.split(",")):
        if word == "*":
            channel.everything = True
        elif word.startswith("VERBOSE(") and word.endswith(")") and word[8:-1].isdigit():
            channel.verbosity = int(word[8:-1])
            levels.add("VERBOSE")
        elif word:
            levels.add(word)
    if channel.kind == "Console":
        channel.verbosity = -1
        levels.add("VERBOSE")
    channel.levels = frozenset(levels)
    return channel


def file_name(name: str, log_dir: str, host: str = "") -> str:
    """The full path of a channel's file."""
    path = name if name.startswith("/") else os.path.join(log_dir, name)
    return f"{path}.{host}" if host else path


def rotate(path: str, strategy: str, now: float) -> str:
    """Move a log file out of the way by logger.conf's rotatestrategy; the name for exec_after_rotate.

    Raises OSError.
    """
    if strategy == "none" or not os.path.exists(path):
        return path
    if strategy == "timestamp":
        new = f"{path}.{int(now)}"
        os.rename(path, new)
        return new
    if strategy == "sequential":
        number = 0
        while os.path.exists(f"{path}.{number}"):
            number += 1
        os.rename(path, f"{path}.{number}")
        return f"{path}.{number}"
    suffixes = ("", ".gz", ".bz2", ".Z")
    free = 0
    while any(os.path.exists(f"{path}.{free}{suffix}") for suffix in suffixes):
        free += 1
    for number in range(free, 0, -1):
        for suffix in suffixes:
            if os.path.exists(old := f"{path}.{number - 1}{suffix}"):
                os.rename(old, f"{path}.{number}{suffix}")
                break
    os.rename(path, f"{path}.0")
    return path
