"""Sound that comes from a pipe as it is made, to a caller: of a program that speaks or plays, or passed on by us."""

from __future__ import annotations

import asyncio
import os
import struct

from offhook.calls.channel import Channel, Hangup
from offhook.calls.frames import Condition, Digit, Media
from offhook.media.events import StreamEnded
from offhook.media.programs import SoundError
from offhook.media.stream import StreamLeg


async def hear(channel: Channel, leg: StreamLeg, keys: str = "") -> str:
    """Let the caller hear a stream to its end; the digit among ``keys`` that broke in, or "". The leg is closed."""
    if channel.media is None:
        leg.close()
        raise Hangup
    leg.on_event = lambda event: channel.deliver(Media(event))
    channel.indicate(Condition.STOP)
    channel.media.connect(leg, digits=False)
    try:
        while True:
            frame = await channel.read()
            if isinstance(frame, Digit) and frame.end and frame.digit in keys:
                return frame.digit
            if isinstance(frame, Media) and isinstance(frame.event, StreamEnded) and frame.event.leg is leg:
                return ""
    finally:
        leg.close()


async def read_wave_header(descriptor: int) -> int:
    """Read a WAVE file's beginning from a pipe, up to its sound; its rate. Raises SoundError when it is not 16-bit
    linear mono."""
    riff, _, wave = struct.unpack("<4sI4s", await _exactly(descriptor, 12))
    rate = 0
    while riff == b"RIFF" and wave == b"WAVE":
        name, size = struct.unpack("<4sI", await _exactly(descriptor, 8))
        if name == b"data" and rate:
            return rate
        if name == b"data" or size > 4096:
            break
        chunk = await _exactly(descriptor, size + size % 2)
        if name == b"fmt " and size >= 16:
            tag, channels, rate, _, _, bits = struct.unpack("<HHIIHH", chunk[:16])
            if (tag, channels, bits) != (1, 1, 16):
                raise SoundError(
                    f"it gives sound of {channels} channels and {bits} bits (kind {tag}), not mono of 16 bits"
                )
    raise SoundError("it gives no WAVE file")


async def _exactly(descriptor: int, count: int) -> bytes:
    data = b""
    while len(data) < count:
        try:
            more = os.read(descriptor, count - len(data))
        except BlockingIOError:
            await _ready(descriptor, writing=False)
            continue
        if not more:
            raise SoundError("it gives no sound")
        data += more
    return data


async def pour(descriptor: int, data: bytes) -> bool:
    """Write to a non-blocking pipe as far as it is read; false when nobody reads any more."""
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            await _ready(descriptor, writing=True)
        except BrokenPipeError:
            return False
    return True


async def _ready(descriptor: int, *, writing: bool) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    add, remove = (loop.add_writer, loop.remove_writer) if writing else (loop.add_reader, loop.remove_reader)
    add(descriptor, lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
    finally:
        remove(descriptor)
