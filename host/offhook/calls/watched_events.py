"""Events of what phones and people watch: devices, mailboxes, presence, extensions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.calls.channel import Channel


@dataclass(slots=True)
class DeviceStateChange:
    """A device's state word changed ("NOT_INUSE", "INUSE", "RINGING", ...)."""

    device: str
    state: str


@dataclass(slots=True)
class MessageWaiting:
    """The number of messages in a mailbox was told.

    The channel is the one that changed it, if one did. New messages of a mailbox that another exchange keeps
    (``kept_here`` is false) do not count as waiting.
    """

    mailbox: str
    new: int
    old: int
    channel: Channel | None = None
    kept_here: bool = True


@dataclass(slots=True)
class PresenceStateChange:
    """A presentity's state changed."""

    presentity: str
    status: str
    subtype: str
    message: str


@dataclass(slots=True)
class ExtensionState:
    """The combined state of a hint changed (number as AST_EXTENSION_*: -1 removed, 0 idle, 1 in use, ...)."""

    exten: str
    context: str
    hint: str
    state: int


@dataclass(slots=True)
class ExtensionPresence:
    """The presence of those behind an extension's hint changed."""

    exten: str
    context: str
    hint: str
    status: str
    subtype: str
    message: str
