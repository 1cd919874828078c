"""Programs that make sound: started with a pipe for it, and ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from offhook.media.formats import FORMATS

_LAST_WORDS_S = 1.0
_COMPLAINT = 300
"""Characters of what a program complains about that are kept."""
Ending = Callable[[Process], Awaitable[None]]


class SoundError(Exception):
    """There is no sound to be had; the sentence says why."""


def linear(rate: int) -> str:
    """The linear format of a sample rate, or of the lowest one that it is a part of. Raises SoundError."""
    whole = sorted(one.rate for one in FORMATS.values() if one.family == "slin" and rate > 0 and one.rate % rate == 0)
    found = [one.name for one in FORMATS.values() if one.family == "slin" and whole and one.rate == whole[0]]
    if not found:
        raise SoundError(f"sound of {rate} samples a second cannot be played; 8000, 11025, 16000, 22050, 48000 can")
    return found[0]


@dataclass(slots=True)
class Program:
    """A program whose sound is read from ``descriptor``."""

    descriptor: int
    pid: int
    """Of the program, and of the process group that it begins."""
    _listening: asyncio.Task[str]

    async def last_words(self) -> str:
        """The last line that it wrote to its standard error, if it ends; "" when it goes on."""
        done, _ = await asyncio.wait({self._listening}, timeout=_LAST_WORDS_S)
        return self._listening.result() if done else ""


async def kill(process: Process) -> None:
    """End a program and all that it has started at once."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


async def _complaint(errors: asyncio.StreamReader) -> str:
    """Read a standard error to its end; the last line that says something."""
    last = ""
    while data := await errors.read(4096):
        lines = data.decode("utf-8", "replace").split("\n")
        last = next((line for line in reversed(lines) if line.strip()), last)[:_COMPLAINT]
    return last


@contextlib.asynccontextmanager
async def program(
    words: Sequence[str], text: str = "", *, folder: str | None = None, end: Ending = kill
) -> AsyncIterator[Program]:
    """Run a program (in a folder), with a text on its standard input, and end it.

    Raises SoundError when it cannot be started.
    """
    reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    os.set_blocking(writing, True)
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.PIPE if text else asyncio.subprocess.DEVNULL,
            stdout=writing,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            cwd=folder,
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
        yield Program(reading, process.pid, listening)
    finally:
        listening.cancel()
        await end(process)
        os.close(reading)
