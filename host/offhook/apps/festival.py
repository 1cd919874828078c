"""Festival: a Festival server turns text into speech."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import struct
from collections import deque
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offhook.apps.festival_answers import Answer, Answers
from offhook.apps.streamed import hear, pour
from offhook.calls.channel import Channel, Hangup, State
from offhook.calls.prompts import ANY_DIGIT
from offhook.config.options import Schema, flag, integer, string
from offhook.dialplan.digits import wait_for_extension
from offhook.media.errors import EngineError
from offhook.modules import Module, Syntax

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.config.model import ConfigError

log = logging.getLogger(__name__)
module = Module("app_festival", "Simple Festival Interface", support="extended")

FILE = "festival.conf"
CONNECT_S = 5.0
_CHUNK = 16_384
_WAVE_HEADER = 44

SCHEMA = Schema(module.name, FILE, "the Festival server that turns text into speech")
GENERAL = SCHEMA.type("general", "All of it")
GENERAL.option("host", string(), "localhost", "Where the server runs.")
GENERAL.option("port", integer(1, 65_535), 1314, "Its port.")
GENERAL.option("usecache", flag(), False, "Keep what was said, and say it again without the server.")
GENERAL.option("cachedir", string(), "/tmp/", "Folder of what was said. It must exist, and nobody cleans it.")
GENERAL.option(
    "festivalcommand",
    string(),
    '(tts_textasterisk "%s" \'file)(quit)\\n',
    "What the server is told; %s is the text, \\n a new line. It must end with (quit).",
)


class FestivalError(Exception):
    """Nothing can be said; the sentence tells why."""


@module.application(
    "Festival",
    Syntax("text", "[intkeys]", intkeys="Digits that break in, or any."),
    see_also=("Speak", "Playback"),
)
async def festival(channel: Channel, text: str = "", keys: str = "") -> None:
    """Say a text to the caller by a Festival server (festival.conf).

    Answers the channel. A digit of intkeys ends it, and the dialplan goes on at the extension of that digit. The call
    ends when the server cannot be reached or reports an error.
    """
    if not text:
        log.warning("%s: Festival needs a text", channel.name)
        raise Hangup
    values = settings(channel.pbx)
    if values is None:
        log.warning("%s: Festival: there is no %s", channel.name, FILE)
        raise Hangup
    try:
        digit = await _say(channel, values, text, ANY_DIGIT if keys.lower() == "any" else keys)
    except FestivalError as error:
        log.warning("%s: Festival: %s", channel.name, error)
        raise Hangup from error
    if digit:
        await wait_for_extension(channel, None, dialled=digit)


def settings(pbx: Pbx) -> dict[str, Any] | None:
    """What festival.conf says now; None without one."""
    config = pbx.config.load(FILE, module.name)
    if config is None:
        return None
    section = config.get("general")
    errors: list[ConfigError] = []
    values = GENERAL.apply(section, errors) if section is not None else GENERAL.defaults()
    for error in errors:
        log.error("%s", error)
    return values


def command(template: str, text: str) -> str:
    """What the server is told: the text's quotes and backslashes do not end the string it stands in."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    out, index = "", 0
    while index < len(template):
        pair = template[index : index + 2]
        if pair == "%s":
            out += quoted
        elif pair[0] == "\\":
            out += "\n" if pair == "\\n" else pair[1:]
        else:
            out += pair[0]
            index -= 1
        index += 2
    return out


def cache_name(text: str) -> str:
    """The file of a text in the cache, by the name that Asterisk gives it."""
    return "".join(f"{octet:X}" for octet in hashlib.md5(text.encode("utf-8", "surrogateescape")).digest())


async def _say(channel: Channel, values: dict[str, Any], text: str, keys: str) -> str:
    """Say the text; the digit that broke in, or "". Raises FestivalError."""
    pbx, cached = channel.pbx, bool(values["usecache"])
    path = Path(values["cachedir"]) / cache_name(text)
    kept = await pbx.off_loop(_read_cache, path, text) if cached else None
    told = command(values["festivalcommand"], text)
    source = _from_server(values["host"], values["port"], told) if kept is None else _from_cache(kept)
    async with contextlib.aclosing(source):
        speech = _Speech(source)
        if not await speech.begins(channel.name):
            return ""
        if channel.state is not State.UP:
            channel.answer()
        digit = await speech.hear(channel, keys)
    if cached and kept is None and speech.whole:
        await pbx.off_loop(_write_cache, path, text, bytes(speech.said))
    return digit


class _Speech:
    """A waveform on its way from the server to the caller."""

    def __init__(self, source: AsyncGenerator[bytes, None]) -> None:
        self._source = source
        self._answers = Answers()
        self._found: deque[Answer] = deque()
        self.said = bytearray()
        """Everything that the server sent."""
        self.whole = False
        """All of the waveform came."""

    async def _next(self) -> Answer | None:
        while not self._found:
            data = await anext(self._source, b"")
            if not data:
                return None
            self.said += data
            self._found += self._answers.feed(data)
        return self._found.popleft()

    async def begins(self, name: str) -> bool:
        """Wait until there is something to hear; false when the server has nothing to say. Raises FestivalError."""
        while (answer := await self._next()) is not None:
            if answer.kind == "WV":
                self._found.appendleft(answer)
                return True
            if answer.kind == "LP":
                log.warning("%s: Festival returned LP : %s", name, answer.data.decode("utf-8", "replace"))
            elif answer.kind == "OK":
                return False
            else:
                raise FestivalError("the server reports an error")
        raise FestivalError("the server closed the connection without an answer")

    async def hear(self, channel: Channel, keys: str) -> str:
        """Pass the waveform on as it comes; the digit that broke in, or ""."""
        reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            leg = channel.pbx.engine.stream_leg(reading, "heard", "slin")
        except EngineError as error:
            os.close(writing)
            raise FestivalError(str(error)) from error
        finally:
            os.close(reading)
        passing = asyncio.get_running_loop().create_task(self._pass_on(writing))
        try:
            return await hear(channel, leg, keys)
        finally:
            passing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await passing

    async def _pass_on(self, writing: int) -> None:
        begun, beginning = False, b""
        try:
            while (answer := await self._next()) is not None:
                beginning += answer.data
                self.whole = answer.last
                if not begun and len(beginning) < _WAVE_HEADER and not answer.last:
                    continue
                heard = await pour(writing, beginning if begun else _bare(beginning))
                begun, beginning = True, b""
                if answer.last or not heard:
                    return
        except FestivalError as error:
            log.warning("Festival: %s", error)
        finally:
            os.close(writing)


def _bare(waveform: bytes) -> bytes:
    """A waveform without the header that the server puts before it, unless it is told not to."""
    headed = waveform.startswith(b"RIFF") and waveform[36:40] == b"data"
    return waveform[_WAVE_HEADER:] if headed else waveform


async def _from_cache(kept: bytes) -> AsyncGenerator[bytes, None]:
    yield kept


async def _from_server(host: str, port: int, told: str) -> AsyncGenerator[bytes, None]:
    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(host, port)
    except TimeoutError as error:
        raise FestivalError(f"the server {host} port {port} does not answer in {CONNECT_S:g} s") from error
    except OSError as error:
        raise FestivalError(f"the server {host} port {port} cannot be reached: {error}") from error
    try:
        writer.write(told.encode("utf-8", "surrogateescape"))
        while data := await reader.read(_CHUNK):
            yield data
    except OSError as error:
        raise FestivalError(f"the server {host} port {port}: {error}") from error
    finally:
        writer.close()


# ---- the cache: the text's length (as a C int), the text, what the server said


def _read_cache(path: Path, text: str) -> bytes | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    written = text.encode("utf-8", "surrogateescape")
    head = struct.pack("=i", len(written)) + written
    if not data.startswith(head):
        log.warning("Festival: %s holds another text", path)
        return None
    return data[len(head) :]


def _write_cache(path: Path, text: str, said: bytes) -> None:
    written = text.encode("utf-8", "surrogateescape")
    beside = path.with_suffix(".new")
    try:
        beside.write_bytes(struct.pack("=i", len(written)) + written + said)
        beside.replace(path)
    except OSError as error:
        log.warning("Festival: the cache cannot be written: %s", error)
