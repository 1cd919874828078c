"""Leaving a recording in a voicemail box, where and as Asterisk's app_voicemail keeps messages in files.

A box is ``voicemail/<context>/<mailbox>/<folder>`` below the spool, a message ``msgNNNN.<format>`` beside a text
``msgNNNN.txt`` that tells of its call. Which boxes there are says voicemail.conf.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offhook.identifiers import random_uuid

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.config.model import ConfigFile

INBOX = "INBOX"
_NEW, _OLD = (INBOX, "Urgent"), ("Old",)
_MOST_MESSAGES = 100
_MESSAGE = re.compile(r"msg(\d{4})\.txt")


class DepositError(Exception):
    """The message cannot be left; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Box:
    """A voicemail box."""

    mailbox: str
    context: str
    least_seconds: int = 0
    """Shorter messages are not kept."""
    most_messages: int = _MOST_MESSAGES

    @property
    def name(self) -> str:
        """How configuration files name it."""
        return f"{self.mailbox}@{self.context}"


@dataclass(frozen=True, slots=True)
class Origin:
    """The call that a message is of."""

    context: str
    exten: str
    priority: int
    channel: str
    caller_id: str


def recipients(text: str) -> Iterator[tuple[str, str, str]]:
    """Mailbox, context and folder of each of ``1000@home/Work,1001&1002``. Raises DepositError."""
    for part in re.split("[,&]", text):
        name, _, folder = part.strip().partition("/")
        mailbox, at, context = name.partition("@")
        if not mailbox or (at and not context) or ".." in part or "/" in folder:
            raise DepositError(f"{part.strip()!r} is no mailbox; write mailbox@context or mailbox@context/folder")
        yield mailbox, context or "default", folder or INBOX


def box_in(config: ConfigFile | None, mailbox: str, context: str) -> Box:
    """The box of voicemail.conf. Raises DepositError when it has none of that name."""
    section = config.get(context) if config is not None else None
    line = section.get(mailbox) if section is not None else None
    if config is None or line is None:
        raise DepositError(f"there is no mailbox {mailbox} in section [{context}] of voicemail.conf")
    general = config.get("general")
    settings = dict(general.pairs()) if general is not None else {}
    for option in ",".join(line.split(",")[4:]).split("|"):
        name, _, value = option.partition("=")
        settings[name.strip()] = value.strip()
    return Box(mailbox, context, _number(settings, "minsecs", 0), _number(settings, "maxmsg", _MOST_MESSAGES))


def _number(settings: dict[str, str], name: str, default: int) -> int:
    text = settings.get(name, "")
    return int(text) if text.isdigit() else default


def deposit(spool: str, box: Box, folder: str, recording: str, seconds: int, origin: Origin) -> str:
    """Leave a recording (blocking); the path of the message without extension. Raises DepositError and OSError."""
    if not os.path.exists(recording):
        raise DepositError(f"there is no recording {recording}")
    if seconds < box.least_seconds:
        raise DepositError(f"{seconds} s are less than the {box.least_seconds} s (minsecs) that {box.name} keeps")
    root = _root(spool, box)
    place, temporary = os.path.join(root, folder), os.path.join(root, "tmp")
    os.makedirs(place, exist_ok=True)
    os.makedirs(temporary, exist_ok=True)
    numbers = [int(found[1]) for name in os.listdir(place) if (found := _MESSAGE.fullmatch(name))]
    if len(numbers) >= box.most_messages:
        raise DepositError(f"{box.name} is full: {len(numbers)} messages (maxmsg)")
    number = max(numbers, default=-1) + 1
    path = os.path.join(place, f"msg{number:04d}")
    part = os.path.join(temporary, random_uuid())
    shutil.copyfile(recording, part)
    os.rename(part, path + os.path.splitext(recording)[1])
    with open(part, "w", encoding="utf-8") as file:
        file.write(_text(box, seconds, origin, number))
    os.rename(part, f"{path}.txt")  # with its text the message is there
    return path


def _text(box: Box, seconds: int, origin: Origin, number: int) -> str:
    now = time.time()
    lines = {
        "origmailbox": box.mailbox,
        "context": origin.context,
        "exten": origin.exten,
        "rdnis": "Unknown",
        "priority": origin.priority,
        "callerchan": origin.channel,
        "callerid": origin.caller_id or "Unknown",
        "origdate": time.strftime("%a %b %e %r UTC %Y", time.gmtime(now)),
        "origtime": int(now),
        "category": "",
        "msg_id": f"{int(now)}-{number:08x}",
        "flag": "",
        "duration": seconds,
    }
    head = ";\n; Message Information file\n;\n[message]\n"
    return head + "".join(f"{name}={value}\n" for name, value in lines.items())


def _root(spool: str, box: Box) -> str:
    return os.path.join(spool, "voicemail", box.context, box.mailbox)


def count(spool: str, box: Box) -> tuple[int, int]:
    """New and old messages of a box (blocking)."""
    root = _root(spool, box)
    return sum(_messages(root, folder) for folder in _NEW), sum(_messages(root, folder) for folder in _OLD)


def _messages(root: str, folder: str) -> int:
    try:
        return sum(_MESSAGE.fullmatch(name) is not None for name in os.listdir(os.path.join(root, folder)))
    except FileNotFoundError:
        return 0


def leave(pbx: Pbx, box: Box, folder: str, recording: str, seconds: int, origin: Origin) -> tuple[int, int]:
    """``deposit`` in the exchange's spool; what the box holds then, new and old (blocking)."""
    deposit(pbx.paths.spool, box, folder, recording, seconds, origin)
    return count(pbx.paths.spool, box)
