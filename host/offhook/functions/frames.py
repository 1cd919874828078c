"""FRAME_TRACE and FRAME_DROP: looking at what passes on a channel, and keeping some of it back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from offhook.calls.channel import Channel
from offhook.calls.frames import Control, Frame
from offhook.calls.watching import Watch, kind_of, trace
from offhook.dialplan.arguments import need_channel
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.modules import Module, Syntax

trace_module = Module("func_frame_trace", "Frame Trace for internal ast_frame debugging.")
drop_module = Module("func_frame_drop", "Function to drop frames on a channel.")

TYPES = frozenset(
    ("DTMF_BEGIN", "DTMF_END", "VOICE", "VIDEO", "CONTROL", "NULL", "IAX", "TEXT", "TEXT_DATA", "IMAGE", "HTML", "CNG",
     "MODEM")
)  # fmt: skip
CONDITIONS = frozenset(
    ("RING", "RINGING", "ANSWER", "BUSY", "TAKEOFFHOOK", "OFFHOOK", "CONGESTION", "FLASH", "WINK", "PROGRESS",
     "PROCEEDING", "HOLD", "UNHOLD", "VIDUPDATE", "CONNECTED_LINE", "REDIRECTING")
)  # fmt: skip
_SIDES: dict[str, Literal["in", "out"]] = {"TX": "out", "RX": "in"}
_DROPS = "dropped frames"


def _words(value: str, known: Iterable[str], name: str) -> frozenset[str]:
    words = frozenset(word.strip().upper() for word in value.split(",") if word.strip())
    if unknown := sorted(words.difference(known)):
        raise FunctionError(f"{name}: {', '.join(unknown)} is no type of frame")
    return words


@trace_module.function("FRAME_TRACE", Syntax("[filter_list_type]", filter_list_type="white or black."))
def frame_trace(scope: Scope, kind: str = "") -> str:
    """Show on the console which frames pass on the channel.

    Write only: Set(FRAME_TRACE(white)=DTMF_BEGIN,DTMF_END) shows those types, with black all others. Sound and pictures
    stay in the media engine and are not shown: see "rtp set debug".
    """
    raise FunctionError("FRAME_TRACE can only be assigned")


@frame_trace.writer
def set_frame_trace(scope: Scope, value: str, kind: str = "") -> None:
    """Begin to show, in place of what was asked for before."""
    words, black = _words(value, TYPES, "FRAME_TRACE"), kind.strip().lower() == "black"
    trace(need_channel(scope, "FRAME_TRACE"), lambda each: (each in words) is not black)


@drop_module.function("FRAME_DROP", Syntax("direction", direction="TX (to the party) or RX (from it)."))
def frame_drop(scope: Scope, direction: str = "") -> str:
    """Keep frames back.

    Write only: Set(FRAME_DROP(RX)=DTMF_BEGIN,DTMF_END) keeps the party's digits to itself. Types are DTMF_BEGIN,
    DTMF_END, VOICE, TEXT and CONTROL, or single conditions such as RINGING or HOLD. An empty value lets all pass again.
    """
    raise FunctionError("FRAME_DROP can only be assigned")


@frame_drop.writer
def set_frame_drop(scope: Scope, value: str, direction: str = "") -> None:
    """Keep these back, in place of those before."""
    channel = need_channel(scope, "FRAME_DROP")
    side = _SIDES.get(direction.strip().upper())
    if side is None:
        raise FunctionError(f'FRAME_DROP: "{direction}" is neither TX nor RX')
    words = _words(value, TYPES | CONDITIONS, "FRAME_DROP")
    drops: dict[str, tuple[frozenset[str], Watch]] = channel.data.setdefault(_DROPS, {})
    before = drops.pop(side, None)
    if before is not None:
        before[1].stop()

    def kept(frame: Frame) -> bool:
        if isinstance(frame, Control) and frame.condition.value.upper() in words:
            return True
        return kind_of(frame) in words

    if words:
        drops[side] = words, Watch(channel, kept if side == "in" else None, kept if side == "out" else None)
    _silence(channel, side, "VOICE" in words, before is not None and "VOICE" in before[0])


def _silence(channel: Channel, side: Literal["in", "out"], now: bool, before: bool) -> None:
    if channel.media is not None and now is not before:
        channel.media.mute(side, now)
