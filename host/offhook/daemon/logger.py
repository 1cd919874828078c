"""The log: one handler under Python's logging that hands messages to consoles, files and syslog.

Consoles are served on the spot. Files and syslog are written by one thread, because a disk may block; when it
cannot keep up, the least important messages are dropped first, and the log says how many.
"""

from __future__ import annotations

import logging
import os
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from offhook import __version__, log
from offhook.config.model import ConfigError, ConfigFile
from offhook.daemon.logchannel import (
    FIRST_DYNAMIC,
    LEVELS,
    ROTATE_AT,
    ChannelError,
    DateFormat,
    LogChannel,
    LogChannelChanged,
    Message,
    as_default,
    as_json,
    as_plain,
    file_name,
    for_syslog,
    make_channel,
    rotate,
)

GATHER_S: Final = 0.02
"""The writer waits so long after the first message for more, to write them at once."""
_FIRST_CUSTOM: Final = 19
_EVERY: Final = -1
"""Verbosity -1 in a channel: follow the root console."""


class Console(Protocol):
    """Somebody who watches the log: the daemon's own terminal or a remote console."""

    verbosity: int

    def show(self, message: Message, date: str) -> None: ...


class Log(logging.Handler):
    """Where the messages of the whole daemon arrive."""

    def __init__(self, log_dir: str, system_name: str = "") -> None:
        super().__init__()
        self.log_dir = log_dir
        self.system_name = system_name
        self.channels: list[LogChannel] = []
        self.consoles: list[Console] = []
        self.date = DateFormat()
        self.display_call_ids = True
        self.on_channel: Callable[[LogChannelChanged], None] = lambda _event: None
        """Told, on any thread, of files that cannot be written, and of those that can again."""
        self.groups: set[str] = set()
        """Groups of calls that consoles show alone; empty: all calls."""
        self.strategy = "sequential"
        self.exec_after_rotate = ""
        self.queue_limit = 1000
        self.queue_log_name = "queue_log"
        self.queue_log_wanted = True
        self.queue_log_to_file = False
        """Also when a database has the records."""
        self.queue_log_utc = False
        """Times in the database are in UTC."""
        self.host = ""
        self.root_verbosity = 0
        self.debug = 0
        self.debug_modules: dict[str, int] = {}
        """Debug levels of single modules, by name without ``.so``."""
        self.dynamic_levels: dict[str, int] = {"FAX": FIRST_DYNAMIC, "SECURITY": FIRST_DYNAMIC + 1}
        self._queue: deque[Message | str] = deque()
        self._dropped = 0
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._writing = threading.Lock()
        self._queue_log: LogChannel | None = None

    # ---- attaching ----------------------------------------------------------------------------------

    def install(self) -> None:
        """Become the handler of all messages."""
        root = logging.getLogger()
        root.handlers[:] = [self]
        logging.captureWarnings(True)
        self.update_levels()

    def update_levels(self) -> None:
        """Set what Python's loggers let through to what somebody looks at."""
        wanted = any(channel.takes("VERBOSE") for channel in self.channels if channel.kind != "Console")
        verbosities = [console.verbosity for console in self.consoles]
        verbosities += [
            self.root_verbosity if channel.verbosity == _EVERY else channel.verbosity
            for channel in self.channels
            if wanted and channel.kind != "Console" and channel.takes("VERBOSE")
        ]
        log.most_verbose = max(verbosities, default=self.root_verbosity)
        logging.getLogger().setLevel(logging.WARNING)
        logging.getLogger("offhook").setLevel(log.DEBUG if self.debug else log.VERBOSE)

    def set_root_verbosity(self, level: int) -> None:
        """How verbose log files without a level of their own, and the daemon's terminal, are."""
        for console in self.consoles:
            if console.verbosity == self.root_verbosity and not hasattr(console, "watching"):
                console.verbosity = level
        self.root_verbosity = level
        self.update_levels()

    def set_debug(self, level: int, module: str = "", source: str = "") -> None:
        """Set the debug level of everything, or of the module whose code is below the import path ``source``."""
        if not module:
            self.debug = level
            if not level:
                for name in list(self.debug_modules):
                    self.set_debug(0, name, name)
        elif level:
            self.debug_modules[module] = level
            logging.getLogger(source).setLevel(log.DEBUG)
        else:
            self.debug_modules.pop(module, None)
            logging.getLogger(source).setLevel(logging.NOTSET)
        self.update_levels()

    def attach(self, console: Console) -> None:
        self.consoles.append(console)
        self.update_levels()

    def detach(self, console: Console) -> None:
        if console in self.consoles:
            self.consoles.remove(console)
        self.update_levels()

    # ---- configuration ------------------------------------------------------------------------------

    def configure(self, config: ConfigFile | None) -> list[ConfigError]:
        """Take logger.conf (None: it is missing) and open its channels; what is wrong with it.

        Channels added at run time go, as in Asterisk.
        """
        self.flush()
        errors: list[ConfigError] = []
        with self._writing:
            for channel in self.channels:
                channel.close()
                if not channel.enabled:
                    self.on_channel(LogChannelChanged(channel.name))
            self.channels = []
            general = config.get("general") if config else None
            values = general.pairs() if general else {}
            self.date = DateFormat(values.get("dateformat", "%b %e %T"))
            self.host = os.uname().nodename if general and general.boolean("appendhostname") else ""
            self.display_call_ids = general.boolean(
                "display_callids", general.boolean("use_callids", True)
            ) if general else True  # fmt: skip
            self.exec_after_rotate = values.get("exec_after_rotate", "")
            self.queue_log_name = values.get("queue_log_name", "queue_log")
            self.queue_log_wanted = general.boolean("queue_log", True) if general else True
            self.queue_log_to_file = general.boolean("queue_log_to_file") if general else False
            self.queue_log_utc = general.boolean("queue_log_realtime_use_gmt") if general else False
            self.strategy = values.get("rotatestrategy", "").lower()
            if not self.strategy:
                self.strategy = "timestamp" if general and general.boolean("rotatetimestamp") else "sequential"
            if self.strategy not in ("none", "sequential", "rotate", "timestamp"):
                errors.append(
                    ConfigError(
                        "logger.conf",
                        general.line if general else 0,
                        f'"{self.strategy}" is no rotatestrategy; use none, sequential, rotate or timestamp',
                    )
                )
                self.strategy = "sequential"
            limit = values.get("logger_queue_limit", "1000")
            self.queue_limit = max(10, int(limit)) if limit.isdigit() else 1000
            for number, name in enumerate(filter(None, map(str.strip, values.get("custom_levels", "").split(",")))):
                self.dynamic_levels[name.upper()] = FIRST_DYNAMIC + 2 + number
                logging.addLevelName(min(_FIRST_CUSTOM + number, log.NOTICE - 1), name.upper())
            section = config.get("logfiles") if config else None
            for entry in section or ():
                errors += self._open(entry.name, entry.value, entry.file, entry.line)
            if config is None:
                errors += self._open("console", "error,warning,notice,verbose", "logger.conf", 0)
            self._open_queue_log()
        self.update_levels()
        return errors

    def _open(self, name: str, configuration: str, file: str, line: int) -> list[ConfigError]:
        try:
            self.add(name, configuration)
        except (ChannelError, OSError) as error:
            return [ConfigError(file, line, f"log channel {name}: {error}")]
        return []

    def _open_queue_log(self) -> None:
        if self._queue_log is not None:
            self._queue_log.close()
        self._queue_log = None
        if self.queue_log_wanted:
            self._queue_log = LogChannel(file_name(self.queue_log_name, self.log_dir), "File")

    def add(self, name: str, configuration: str, *, dynamic: bool = False) -> LogChannel:
        """Open one more channel. Raises ChannelError or OSError."""
        channel = make_channel(name, configuration, self.log_dir, self.host, dynamic=dynamic)
        channel.open(f"[{self.date.format(time.time())}] Offhook {__version__} log started on {os.uname().nodename}")
        self.channels.insert(0, channel)
        self.update_levels()
        return channel

    def find(self, name: str) -> LogChannel | None:
        """The channel of that name as logger.conf writes it."""
        path = "" if name.lower() == "console" else name
        if path and not path.lower().startswith("syslog"):
            path = file_name(name, self.log_dir, self.host)
        return next((channel for channel in self.channels if channel.name == path), None)

    def remove(self, name: str) -> bool:
        """Close a channel that was added at run time; False when there is none."""
        channel = self.find(name)
        if channel is None or not channel.dynamic:
            return False
        self.flush()
        with self._writing:
            self.channels.remove(channel)
            channel.close()
        self.update_levels()
        return True

    # ---- messages -----------------------------------------------------------------------------------

    def emit(self, record: logging.LogRecord) -> None:
        """Take a message from Python's logging."""
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + logging.Formatter().formatException(record.exc_info)
        verbosity: int = getattr(record, "verbosity", 0)
        message = Message(
            record.created,
            record.levelname,
            verbosity,
            threading.get_native_id(),
            log.call_id.get() if self.display_call_ids else "",
            record.filename,
            record.lineno,
            record.funcName or "",
            text,
        )
        level = message.level
        to_console = level == "VERBOSE" or any(
            channel.kind == "Console" and channel.takes(level) for channel in self.channels
        )
        if to_console and self.consoles and not self._hidden(record):
            date = self.date.format(message.when)
            for console in self.consoles:
                if level != "VERBOSE" or verbosity <= console.verbosity:
                    console.show(message, date)
        for channel in self.channels:
            if channel.kind != "Console" and self._takes(channel, message):
                self._put(message)
                break

    def _hidden(self, record: logging.LogRecord) -> bool:
        """Whether consoles show other calls only."""
        return bool(self.groups) and record.levelno < log.NOTICE and log.call_group.get() not in self.groups

    def _takes(self, channel: LogChannel, message: Message) -> bool:
        if not channel.takes(message.level):
            return False
        if message.level != "VERBOSE":
            return True
        return message.verbosity <= (self.root_verbosity if channel.verbosity == _EVERY else channel.verbosity)

    def queue_log(self, when: float, call: str, queue: str, agent: str, event: str, *data: str) -> None:
        """Write a line of queue_log: what happened to a caller or an agent of a queue."""
        if self._queue_log is not None:
            self._put(f"{int(when)}|{call}|{queue}|{agent}|{event}|{'|'.join(data)}")

    def _put(self, message: Message | str) -> None:
        if len(self._queue) >= self.queue_limit and not self._make_room(message):
            return
        self._queue.append(message)
        if self._thread is None and not self._closing:
            self._thread = threading.Thread(target=self._run, name="logger", daemon=True)
            self._thread.start()
        if not self._wake.is_set():
            self._wake.set()

    def _make_room(self, message: Message | str) -> bool:
        """Drop an unimportant message for this one; False when this one is to be dropped."""
        self._dropped += 1
        for index, old in enumerate(self._queue):
            if isinstance(old, Message) and old.level not in ("WARNING", "ERROR"):
                del self._queue[index]
                return True
        return isinstance(message, str)

    # ---- the writer ---------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._closing:
            self._wake.wait()
            if not self._closing:
                time.sleep(GATHER_S)
            self._wake.clear()
            self._write_out()

    def _write_out(self) -> None:
        with self._writing:
            messages: list[Message] = []
            queue_lines: list[str] = []
            while self._queue:
                item = self._queue.popleft()
                if isinstance(item, str):
                    queue_lines.append(item)
                else:
                    messages.append(item)
            dropped, self._dropped = self._dropped, 0
            if dropped:
                messages.append(
                    Message(
                        time.time(),
                        "WARNING",
                        0,
                        threading.get_native_id(),
                        "",
                        "logger.py",
                        0,
                        "_write_out",
                        f"{dropped} messages were dropped: the disk is too slow for the log",
                    )
                )
            for channel in self.channels:
                lines = [self._format(channel, one) for one in messages if self._takes(channel, one)]
                if lines and channel.kind != "Console":
                    channel.write(lines)
                    if not channel.enabled:
                        self.on_channel(LogChannelChanged(channel.name, channel.trouble))
            if queue_lines and self._queue_log is not None:
                self._append(self._queue_log.name, queue_lines)

    def _append(self, path: str, lines: list[str]) -> None:
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "a", encoding="utf-8", errors="surrogateescape") as target:
                target.write("\n".join(lines) + "\n")
        except OSError as error:
            if self._queue_log is not None and self._queue_log.enabled:
                self._queue_log.enabled = False
                logging.getLogger(__name__).error("cannot write %s: %s", path, error.strerror)

    def _format(self, channel: LogChannel, message: Message) -> str:
        if channel.kind == "Syslog":
            return for_syslog(message)
        date = self.date.format(message.when)
        if channel.formatter == "json":
            return as_json(message, date, self.system_name)
        return as_plain(message, date) if channel.formatter == "plain" else as_default(message, date)

    def flush(self) -> None:
        """Write everything that waits, now."""
        if self._queue:
            self._write_out()

    def close(self) -> None:
        """Write everything that waits, and end."""
        self._closing = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(5.0)
            self._thread = None
        self.flush()
        for channel in self.channels:
            channel.close()
        super().close()

    # ---- rotation -----------------------------------------------------------------------------------

    def rotate(self, *, everything: bool, now: float) -> list[str]:
        """Rotate all log files, or only those grown too big, before they are opened anew; what failed.

        May block: run it off the loop.
        """
        self.flush()
        failures = []
        with self._writing:
            channels = [channel for channel in self.channels if channel.kind == "File"]
            if self._queue_log is not None:
                channels.append(self._queue_log)
            for channel in channels:
                if not everything and channel.size() <= ROTATE_AT:
                    continue
                channel.close()
                try:
                    name = rotate(channel.name, self.strategy, now)
                    if self.exec_after_rotate:
                        command = self.exec_after_rotate.replace("${filename}", name)
                        subprocess.run(["/bin/sh", "-c", command], check=False, stdin=subprocess.DEVNULL, timeout=60)
                except (OSError, subprocess.TimeoutExpired) as error:
                    failures.append(f"{channel.name}: {error}")
        return failures

    def level_names(self) -> dict[str, int]:
        """Every level by name with its number."""
        return dict(zip(LEVELS, range(len(LEVELS)), strict=True)) | self.dynamic_levels
