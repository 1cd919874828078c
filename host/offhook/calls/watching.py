"""Looking at what passes between a party and the exchange, and keeping some of it back.

Sound and pictures stay in the engine; digits, conditions and text pass here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from offhook.calls.frames import Control, Digit, Frame, Text
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.calls.channel import Channel

Look = Callable[[Frame], bool]
"""Told of a frame; True keeps it back."""

READ, WRITE = "frame_hooks", "write_hooks"
"""Where a channel keeps who looks at what its party sends, and at what is sent to it."""

_TRACE = "frame trace"


class Watch:
    """Somebody looks at a channel's frames until ``stop``."""

    __slots__ = ("_channel", "_hooks")

    def __init__(self, channel: Channel, read: Look | None = None, write: Look | None = None) -> None:
        self._channel = channel
        self._hooks = [(key, look) for key, look in ((READ, read), (WRITE, write)) if look is not None]
        for key, look in self._hooks:
            channel.data[key] = [*channel.data.get(key, ()), look]

    def stop(self) -> None:
        """Look no more. Harmless twice, and when the channel is gone."""
        for key, look in self._hooks:
            left = [each for each in self._channel.data.get(key, ()) if each is not look]
            if left:
                self._channel.data[key] = left
            else:
                self._channel.data.pop(key, None)


def kind_of(frame: Frame) -> str:
    """The name of a frame's type: DTMF_BEGIN, DTMF_END, CONTROL, TEXT; "" of what nobody sent."""
    if isinstance(frame, Digit):
        return "DTMF_END" if frame.end else "DTMF_BEGIN"
    if isinstance(frame, Control):
        return "CONTROL"
    return "TEXT" if isinstance(frame, Text) else ""


def lines_of(frame: Frame) -> list[str]:
    """A frame as people read it."""
    if isinstance(frame, Digit):
        lines = [
            f"FrameType: DTMF {'END' if frame.end else 'BEGIN'}",
            f"Digit: 0x{ord(frame.digit):02X} '{frame.digit}'",
        ]
        return [*lines, f"MS: {frame.duration_ms}"] if frame.end else lines
    if isinstance(frame, Control):
        return ["FrameType: CONTROL", f"SubClass: {frame.condition.name.replace('_', ' ')}"]
    if isinstance(frame, Text):
        return ["FrameType: TEXT", f"Text: {frame.body}"]
    return []


def trace(channel: Channel, wanted: Callable[[str], bool] | None) -> None:
    """Tell on the console which frames pass, of types that are wanted; None: no more."""
    before: Watch | None = channel.data.pop(_TRACE, None)
    if before is not None:
        before.stop()
    if wanted is None:
        return

    def show(frame: Frame, way: str) -> bool:
        kind = kind_of(frame)
        if kind and wanted(kind):
            verbose(0, "%s on Channel %s\n%s", way, channel.name, "\n".join(lines_of(frame)))
        return False

    channel.data[_TRACE] = Watch(channel, lambda frame: show(frame, "<--Read"), lambda frame: show(frame, "--> Write"))
