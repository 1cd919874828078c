"""Echo: the caller hears what it says."""

from __future__ import annotations

from contextlib import nullcontext

from offhook.calls.channel import Channel, Hangup
from offhook.calls.frames import Condition, Control, Digit, Text
from offhook.modules import Module

module = Module("app_echo", "Simple Echo Application")


@module.application("Echo")
async def echo(channel: Channel) -> None:
    """Echo media, digits and text back to the caller.

    Ends when the caller presses #. Does not answer the channel.
    """
    if channel.media is None and not any(stream.active for stream in channel.streams):
        raise Hangup
    # A call of video alone has no audio to loop.
    with channel.media.loopback() if channel.media is not None else nullcontext():
        while True:
            frame = await channel.read()
            if isinstance(frame, Digit):
                if frame.end and frame.digit == "#":
                    return
                if frame.end:
                    channel.send_digit_end(frame.digit, frame.duration_ms)
                else:
                    channel.send_digit_begin(frame.digit)
            elif isinstance(frame, Text):
                channel.tech_send_text(frame)
            elif isinstance(frame, Control) and frame.condition is Condition.VIDEO_UPDATE:
                channel.indicate(frame.condition)
