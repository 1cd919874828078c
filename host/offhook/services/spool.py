"""Call files: calls ordered by files that appear in the spool's folder ``outgoing``.

A file names what to call and what to do with who answers. Its modification time says when; a failed call is tried
again as often as it says, and each attempt is noted at the end of the file, so that a restart goes on where it was.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from offhook.calls.originate import Origination, originate
from offhook.calls.party import parse_callerid
from offhook.config.model import TRUE_WORDS
from offhook.log import NOTICE, verbose
from offhook.media.formats import parse_allow
from offhook.modules import LoadError, Module

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)
module = Module("pbx_spool", "Outgoing Spool Support", priority=60)

PART: Final = "spool"
LOOK_S: Final = 1.0
"""The folder is looked at so often."""
LONGEST_LINE: Final = 1023

REASONS: Final = {
    0: "Call Failure (not BUSY, and not NO_ANSWER, maybe Circuit busy or down?)",
    1: "Hangup",
    3: "Remote end Ringing",
    4: "Remote end has Answered",
    5: "Remote end is Busy",
    8: "Congestion (circuits busy)",
}


@dataclass(slots=True)
class CallFile:
    """What a call file says; times in seconds."""

    channel: str = ""
    application: str = ""
    data: str = ""
    context: str = ""
    exten: str = ""
    priority: int = 1
    caller_number: str = ""
    caller_name: str = ""
    account: str = ""
    formats: tuple[str, ...] = ()
    most_retries: int = 0
    retry_time: int = 300
    wait_time: int = 45
    always_delete: bool = True
    archive: bool = False
    early_media: bool = False
    variables: list[tuple[str, str]] = field(default_factory=list)
    retries: int = 0
    """Attempts that are over."""
    calling: int = 0
    """Process id of whoever is calling, 0 for nobody."""

    @property
    def complete(self) -> bool:
        """Whether it says whom to call and what for."""
        technology, slash, address = self.channel.partition("/")
        return bool(technology and slash and address and (self.application or self.exten))

    def order(self) -> Origination:
        """The call of the next attempt."""
        variables = [*self.variables, ("AST_OUTGOING_ATTEMPT", str(self.retries + 1))]
        return Origination(
            self.channel,
            self.application,
            self.data if self.application else "",
            self.context,
            self.exten,
            self.priority,
            timeout=float(self.wait_time),
            caller_number=self.caller_number,
            caller_name=self.caller_name,
            account=self.account,
            variables=variables,
            formats=self.formats,
            early_media=self.early_media,
        )


def parse(text: str, name: str) -> CallFile:
    """Read a call file; lines that make no sense are logged and left out."""
    call = CallFile()
    for number, raw in enumerate(text.split("\n"), 1):
        if len(raw) > LONGEST_LINE:
            log.warning("%s:%d: the line is too long and is left out", name, number)
            continue
        line = _without_comment(raw).rstrip()
        if not line:
            continue
        key, colon, value = line.partition(":")
        problem = _take(call, key.lower(), value.lstrip()) if colon else "it has no colon; write Name: value"
        if problem:
            log.warning("%s:%d: %s", name, number, problem)
    return call


def _without_comment(line: str) -> str:
    """A line up to ``#`` behind a blank or ``;``; ``\\;`` is a plain semicolon."""
    found = re.search(r"(^|(?<=[ \t]))#", line)
    if found:
        line = line[: found.start()]
    out = []
    for index, part in enumerate(parts := line.split(";")):
        if not part.endswith("\\") or index == len(parts) - 1:
            out.append(part)
            break
        out.append(part[:-1] + ";")
    return "".join(out)


def _take(call: CallFile, key: str, value: str) -> str:
    """Take one line; what is wrong with it, or ""."""
    if key == "channel":
        if "/" not in value:
            return f'"{value}" is no channel; write Technology/address'
        call.channel = value
    elif key == "callerid":
        call.caller_name, call.caller_number = parse_callerid(value)
    elif key in _TEXTS:
        setattr(call, _TEXTS[key], value)
    elif key in _NUMBERS:
        attribute, least, default = _NUMBERS[key]
        number = re.match(r"\s*[+-]?\d+", value)
        setattr(call, attribute, int(number[0]) if number and int(number[0]) >= least else default)
        if number is None or int(number[0]) < least:
            return f'"{value}" is no number of at least {least}; {default} is taken'
    elif key in _FLAGS:
        setattr(call, _FLAGS[key], value.lower() in TRUE_WORDS)
    elif key == "codecs":
        return _take_formats(call, value)
    elif key in ("setvar", "set"):
        variable, equals, text = value.partition("=")
        if not equals:
            return f'"{value}" sets nothing; write {key.capitalize()}: NAME=value'
        call.variables.append((variable, text))
    elif key == "retry":
        call.retries += 1
    elif key == "startretry":
        call.calling = int(found[0]) if (found := re.match(r"\d+", value)) else 0
    elif key in ("endretry", "abortretry"):
        call.calling = 0
        call.retries += 1
    elif key not in ("delayedretry", "status"):
        return f'unknown keyword "{key}"'
    return ""


def _take_formats(call: CallFile, value: str) -> str:
    try:
        formats = parse_allow(value)
    except ValueError as error:
        formats = error.args[1]
        call.formats = tuple(formats.names.split(","))
        return str(error.args[0])
    call.formats = tuple(formats.names.split(","))
    return ""


_TEXTS = {
    "application": "application",
    "data": "data",
    "context": "context",
    "extension": "exten",
    "account": "account",
}
_NUMBERS = {
    "maxretries": ("most_retries", -(1 << 31), 0),
    "priority": ("priority", 1, 1),
    "retrytime": ("retry_time", 1, 300),
    "waittime": ("wait_time", 1, 45),
}
_FLAGS = {"alwaysdelete": "always_delete", "archive": "archive", "early_media": "early_media"}


@dataclass(slots=True)
class Waiting:
    """A file of the folder: when it is due, and how it was when last looked at."""

    due: float
    stamp: tuple[int, int]
    """Size and modification time in ns."""
    settled: bool = False
    """It did not change between two looks: nobody is writing it."""
    attempts: int = 0
    """Attempts made since; they count even if the file cannot be written."""


class Spool:
    """The folder and the calls that are under way for it."""

    def __init__(self, pbx: Pbx, folder: str, done: str) -> None:
        self.pbx = pbx
        self.folder = folder
        self.done = done
        self.files: dict[str, Waiting] = {}
        self._calls: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Look at the folder for ever."""
        while True:
            await asyncio.sleep(LOOK_S)
            if self.pbx.booted and not self.pbx.stopping:
                try:
                    await self.look(self.pbx.wall())
                except OSError as error:
                    log.warning("the spool %s cannot be read: %s", self.folder, error)

    async def look(self, now: float) -> None:
        """Start the calls that are due at this moment (seconds since 1970)."""
        found = await self.pbx.off_loop(_list, self.folder)
        for name in self.files.keys() - found.keys():
            del self.files[name]
        for name, stamp in found.items():
            known = self.files.get(name)
            if known is None or known.stamp != stamp:
                due = stamp[1] / 1e9
                # A file that is just being written is read when it has come to rest.
                self.files[name] = Waiting(due, stamp, settled=due > now or due < now - LOOK_S)
            elif not known.settled:
                known.settled = True
        for name in sorted(self.files, key=lambda one: self.files[one].due):
            waiting = self.files[name]
            if waiting.settled and waiting.due <= now:
                await self._serve(name, waiting, now)

    async def _serve(self, name: str, waiting: Waiting, now: float) -> None:
        path = os.path.join(self.folder, name)
        try:
            text = await self.pbx.off_loop(_read, path)
        except OSError as error:
            log.warning("%s cannot be read and is deleted: %s", path, error)
            await self._remove(name, CallFile(), "Failed", now)
            return
        call = parse(text, name)
        if not call.complete:
            log.warning("%s names no channel, or neither application nor extension: it is deleted", path)
            await self._remove(name, call, "Failed", now)
            return
        call.retries = max(call.retries, waiting.attempts)
        if call.retries > call.most_retries:
            await self._expire(name, call, now)
            return
        waiting.due = now + call.retry_time
        if call.calling == os.getpid():
            await self._note(name, call, "DelayedRetry", now)
            return
        if call.calling:
            call.retries += 1
            await self._note(name, call, "AbortRetry", now)
        await self._note(name, call, "StartRetry", now + call.retry_time)
        task = self.pbx.spawn(self._attempt(name, call), name=f"call file {name}")
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _attempt(self, name: str, call: CallFile) -> None:
        target = (
            f"application {call.application}({call.data})"
            if call.application
            else f"{call.exten}@{call.context}:{call.priority}"
        )
        verbose(3, "Attempting call on %s for %s (Retry %d)", call.channel, target, call.retries + 1)
        result = await originate(self.pbx, call.order())
        call.retries += 1
        if result.channel is not None:
            if result.channel.task is not None:
                await asyncio.wait({result.channel.task})
            log.log(NOTICE, "Call completed to %s", call.channel)
            await self._remove(name, call, "Completed", self.pbx.wall())
            return
        text = REASONS.get(result.reason, "Unknown Reason!!")
        log.log(NOTICE, "Call failed to go through, reason (%d) %s", result.reason, text)
        now = self.pbx.wall()
        if name in self.files:
            self.files[name].attempts = call.retries
        if call.retries > call.most_retries:
            await self._expire(name, call, now)
            return
        await self._note(name, call, "EndRetry", now)

    async def _expire(self, name: str, call: CallFile, now: float) -> None:
        tried = max(0, call.retries - 1)
        plural = "" if tried == 1 else "s"
        log.log(NOTICE, "Queued call to %s expired without completion after %d attempt%s", call.channel, tried, plural)
        await self._remove(name, call, "Expired", now)

    async def _note(self, name: str, call: CallFile, what: str, now: float) -> None:
        """Add a line to the file and set its time to that of the next retry."""
        path = os.path.join(self.folder, name)
        line = f"\n{what}: {os.getpid()} {call.retries} ({int(now)})\n"
        try:
            stamp = await self.pbx.off_loop(_append, path, line, now + call.retry_time)
        except OSError as error:
            log.warning("%s cannot be written: %s", path, error)
            return
        if name in self.files:
            self.files[name].stamp = stamp

    async def _remove(self, name: str, call: CallFile, status: str, now: float) -> None:
        """Delete or archive the file, unless it is to be kept until its time."""
        path = os.path.join(self.folder, name)
        waiting = self.files.get(name)
        if not call.always_delete and waiting is not None and now < waiting.stamp[1] / 1e9:
            waiting.due = float("inf")  # it stays, and is done with until somebody changes it
            return
        self.files.pop(name, None)
        try:
            await self.pbx.off_loop(_dispose, path, self.done if call.archive else "", status)
        except OSError as error:
            log.warning("%s cannot be removed: %s", path, error)


# ---- files, on a worker thread ----------------------------------------------------------------------


def _list(folder: str) -> dict[str, tuple[int, int]]:
    """Size and time of every file."""
    found = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                status = entry.stat()
            except OSError:
                continue  # it was taken away meanwhile
            if stat.S_ISREG(status.st_mode):
                found[entry.name] = (status.st_size, status.st_mtime_ns)
    return found


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape") as source:
        return source.read()


def _append(path: str, line: str, modified: float) -> tuple[int, int]:
    with open(path, "a", encoding="utf-8", errors="surrogateescape") as target:
        target.write(line)
    os.utime(path, (modified, modified))
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns


def _dispose(path: str, archive: str, status: str) -> None:
    if not archive:
        os.unlink(path)
        return
    os.makedirs(archive, exist_ok=True)
    target = os.path.join(archive, os.path.basename(path))
    os.replace(path, target)
    with open(target, "a", encoding="utf-8") as done:
        done.write(f"Status: {status}\n")


# ---- the module -------------------------------------------------------------------------------------


@module.on_load
def load(pbx: Pbx) -> None:
    """Make the folder and begin to look at it."""
    folder = os.path.join(pbx.paths.spool, "outgoing")
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise LoadError(f"the folder {folder} cannot be made: {error.strerror}") from error
    spool = Spool(pbx, folder, os.path.join(pbx.paths.spool, "outgoing_done"))
    pbx.parts[PART] = pbx.spawn(spool.run(), name="spool")


@module.on_unload
def unload(pbx: Pbx) -> None:
    """Look at the folder no longer; calls under way go on."""
    pbx.parts.pop(PART).cancel()
