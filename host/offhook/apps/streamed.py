"""Sound that comes from a pipe as it is made: a program that speaks or plays, or what this process passes on."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import struct
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from offhook.calls.channel import Channel, Hangup
from offhook.calls.frames import Condition, Digit, Media
from offhook.media.events import StreamEnded
from offhook.media.formats import FORMATS
from offhook.media.stream import StreamLeg

log = logging.getLogger(__name__)

_LAST_WORDS_S = 1.0
_COMPLAINT = 300
"""Characters of what a program complains about that are kept."""


class SoundError(Exception):
    """There is no sound to be had; the sentence says why."""


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


def linear(rate: int) -> str:
    """The linear format of a sample rate, or of the lowest one that it is a part of. Raises SoundError."""
    whole = sorted(one.rate for one in FORMATS.values() if one.family == "slin" and rate > 0 and one.rate % rate == 0)
    found = [one.name for one in FORMATS.values() if one.family == "slin" and whole and one.rate == whole[0]]
    if not found:
        raise SoundError(f"sound of {rate} samples a second cannot be played; 8000, 11025, 16000, 22050, 48000 can")
    return found[0]


# ---- programs ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Program:
    """A program whose sound is read from ``descriptor``."""

    descriptor: int
    _listening: asyncio.Task[str]

    async def last_words(self) -> str:
        """The last line that it wrote to its standard error, if it ends; "" when it goes on."""
        done, _ = await asyncio.wait({self._listening}, timeout=_LAST_WORDS_S)
        return self._listening.result() if done else ""


async def _complaint(errors: asyncio.StreamReader) -> str:
    """Read a standard error to its end; the last line that says something."""
    last = ""
    while data := await errors.read(4096):
        lines = data.decode("utf-8", "replace").split("\n")
        last = next((line for line in reversed(lines) if line.strip()), last)[:_COMPLAINT]
    return last


@contextlib.asynccontextmanager
async def program(words: Sequence[str], text: str = "") -> AsyncIterator[Program]:
    """Run a program, with a text on its standard input, and end it. Raises SoundError when it cannot be started."""
    reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    os.set_blocking(writing, True)
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.PIPE if text else asyncio.subprocess.DEVNULL,
            stdout=writing,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        os.close(reading)
        raise SoundError(f"{words[0]} is not installed") from error
    except OSError as error:
        os.close(reading)
        raise SoundError(f"{words[0]} cannot be started: {error.strerror}") from error
    finally:
        os.close(writing)
    if process.stdin is not None:
        process.stdin.write(text.encode("utf-8", "surrogateescape"))
        process.stdin.close()
    assert process.stderr is not None
    listening = asyncio.get_running_loop().create_task(_complaint(process.stderr))
    try:
        yield Program(reading, listening)
    finally:
        listening.cancel()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        os.close(reading)


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
