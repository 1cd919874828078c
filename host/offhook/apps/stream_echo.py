"""StreamEcho: every stream back to where it came from, one stream perhaps to several."""

from __future__ import annotations

import logging

from offhook.apps.echo import echo
from offhook.calls.channel import Channel
from offhook.calls.frames import Condition
from offhook.calls.streams import Stream
from offhook.modules import Module, Syntax

log = logging.getLogger(__name__)
module = Module("app_stream_echo", "Stream Echo Application")

_KINDS = ("audio", "video", "text", "image")


@module.application(
    "StreamEcho",
    Syntax("[num]", "[type]", num="How many streams of the type there shall be.", type="audio or video (default)."),
    see_also=("Echo",),
)
async def stream_echo(channel: Channel, number: str = "", kind: str = "") -> None:
    """Echo all streams back to the caller, after asking for a number of streams of one type.

    Without a number the streams stay as they are.
    """
    if number:
        kind = kind.lower() or "video"
        if not number.isdigit() or kind not in _KINDS:
            log.error("%s: StreamEcho(%s,%s): a number, and one of %s", channel.name, number, kind, ", ".join(_KINDS))
            return
        channel.indicate(Condition.STREAM_TOPOLOGY_REQUEST, wanted(channel.streams, int(number), kind))
    await echo(channel)


def wanted(streams: list[Stream], number: int, kind: str) -> list[Stream]:
    """The streams with exactly ``number`` active ones of a kind: the first copied, those too many removed."""
    found: list[Stream] = []
    count = 0
    model: Stream | None = None
    for stream in streams:
        if stream.kind != kind:
            found.append(stream)
            continue
        model = model or stream
        keep = stream.active and count < number
        count += keep
        found.append(stream if keep else Stream(stream.kind, stream.formats, "removed", stream.name))
    while model is not None and count < number:
        found.append(Stream(kind, model.formats, "sendonly"))
        count += 1
    return found
