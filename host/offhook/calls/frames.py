"""What reaches a channel besides media: digits, conditions and text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Condition(Enum):
    """A control condition, towards a party (indicate) or from it (deliver). Values are Asterisk's names."""

    HANGUP = "hangup"
    RING = "ring"
    RINGING = "ringing"
    ANSWER = "answer"
    BUSY = "busy"
    TAKE_OFF_HOOK = "offhook"
    CONGESTION = "congestion"
    FLASH = "flash"
    WINK = "wink"
    PROGRESS = "progress"
    PROCEEDING = "proceeding"
    INCOMPLETE = "incomplete"
    HOLD = "hold"
    UNHOLD = "unhold"
    VIDEO_UPDATE = "vidupdate"
    SOURCE_UPDATE = "srcupdate"
    SOURCE_CHANGE = "srcchange"
    CONNECTED_LINE = "connected_line"
    REDIRECTING = "redirecting"
    TRANSFER = "transfer"
    T38 = "t38_parameters"
    CALL_COMPLETION = "cc"
    AOC = "aoc"
    MCID = "mcid"
    STREAM_TOPOLOGY_REQUEST = "stream_topology_request_change"
    STREAM_TOPOLOGY_CHANGED = "stream_topology_changed"
    STREAM_TOPOLOGY_SOURCE_CHANGED = "stream_topology_source_changed"
    STREAM_STOP = "stream_stop"
    """What is played to the channel shall stop (the five STREAM_... steer playbacks from outside)."""
    STREAM_SUSPEND = "stream_suspend"
    STREAM_RESTART = "stream_restart"
    STREAM_REVERSE = "stream_reverse"
    STREAM_FORWARD = "stream_forward"
    STOP = "stop"
    """Stop whatever tone the condition before started."""


@dataclass(slots=True)
class Digit:
    """A DTMF digit: it begins (``end`` False) or ended after ``duration_ms``."""

    digit: str
    end: bool = True
    duration_ms: int = 0


@dataclass(slots=True)
class Control:
    """A condition with what belongs to it: hold music class, Connected, Redirecting, cause, ..."""

    condition: Condition
    payload: object = None


@dataclass(slots=True)
class Text:
    """A text message inside the call."""

    body: str
    content_type: str = "text/plain"
    sender: str = ""
    """Name shown of who sends it, and of who gets it, where the technology shows them."""
    recipient: str = ""


@dataclass(slots=True)
class Media:
    """Something the media engine reports about the channel's leg (silence, playback done, RTP timeout...)."""

    event: object


@dataclass(slots=True)
class Forward:
    """The called party forwards: to "exten[@context]" or "Technology/address"."""

    destination: str


Frame = Digit | Control | Text | Media | Forward
