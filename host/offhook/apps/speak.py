"""Speak: a program turns text into speech, and the caller hears it while it is made."""

from __future__ import annotations

import logging
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offhook.apps.streamed import hear, read_wave_header
from offhook.calls.channel import Channel, State
from offhook.calls.prompts import ANY_DIGIT
from offhook.config.options import Schema, string
from offhook.dialplan.digits import wait_for_extension
from offhook.dialplan.scope import scope_of
from offhook.media.errors import EngineError
from offhook.media.programs import Program, SoundError, linear, program
from offhook.modules import Module, Syntax

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.config.model import ConfigError
    from offhook.media.stream import StreamLeg

log = logging.getLogger(__name__)
module = Module("app_speak", "Text to speech by programs", support="extended")

FILE = "speak.conf"
_KEY = "voices of Speak"
_OUTPUT = re.compile(r"raw:(\d{4,6})")

SCHEMA = Schema(module.name, FILE, "programs that turn text into speech")
GENERAL = SCHEMA.type("general", "Which voice speaks")
GENERAL.option("voice", string(), "espeak", "Section of the voice that Speak uses when it names none.")
VOICE = SCHEMA.type("voice", "A voice: a program that reads text on its standard input and writes sound to its output")
VOICE.option(
    "command",
    string(),
    "espeak-ng --stdin --stdout -v ${CHANNEL(language)}",
    "The program and its arguments. Variables are those of the channel; no shell is involved.",
)
VOICE.option(
    "output",
    string(),
    "wav",
    "What it writes, 16-bit linear and mono: wav, or raw:RATE (samples a second) without header.",
)


@dataclass(frozen=True, slots=True)
class Voice:
    """How a voice speaks: words of a command, and the rate of its raw sound (0: it writes a WAVE file)."""

    words: tuple[str, ...]
    rate: int = 0


@dataclass(frozen=True, slots=True)
class Voices:
    """The voices there are, and the one used when none is named."""

    usual: str
    found: dict[str, Voice]


def _voice(values: dict[str, str]) -> Voice:
    """Raises ValueError with a sentence."""
    try:
        words = tuple(shlex.split(values["command"]))
    except ValueError as error:
        raise ValueError(f"command = {values['command']}: {error}") from error
    raw = _OUTPUT.fullmatch(values["output"])
    if not words:
        raise ValueError("command is empty")
    if raw is None and values["output"] != "wav":
        raise ValueError(f"output = {values['output']}: it is wav, or raw:RATE such as raw:16000")
    return Voice(words, int(raw[1]) if raw is not None else 0)


@module.on_load
@module.on_reload
def configure(pbx: Pbx) -> None:
    """Read speak.conf. Without one there is the voice espeak."""
    errors: list[ConfigError] = []
    found = {"espeak": _voice(VOICE.defaults())}
    usual = "espeak"
    for section in pbx.config.load(FILE, module.name) or ():
        if section.name == "general":
            usual = GENERAL.apply(section, errors)["voice"]
        elif not section.template:
            try:
                found[section.name] = _voice(VOICE.apply(section, errors))
            except ValueError as error:
                log.error("%s:%d: [%s]: %s", section.file, section.line, section.name, error)
    for complaint in errors:
        log.error("%s", complaint)
    if usual not in found:
        log.error("%s: [general]: there is no voice [%s]", FILE, usual)
    pbx.parts[_KEY] = Voices(usual, found)


@module.application(
    "Speak",
    Syntax(
        "text",
        "[intkeys]",
        "[voice]",
        intkeys="Digits that break in, or any.",
        voice="A section of speak.conf.",
    ),
    see_also=("Festival", "Playback"),
)
async def speak(channel: Channel, text: str = "", keys: str = "", voice: str = "") -> None:
    """Say a text to the caller by a program of speak.conf (espeak-ng without one), while it speaks.

    Answers the channel. A digit of intkeys ends it, and the dialplan goes on at the extension of that digit.
    SPEAKSTATUS is SUCCESS, or FAILURE when there was nothing to be heard; the log says why.
    """
    voices: Voices = channel.pbx.parts[_KEY]
    chosen = voices.found.get(voice or voices.usual)
    digit, status = "", "FAILURE"
    if chosen is None:
        log.warning("%s: Speak: there is no voice [%s] in %s", channel.name, voice or voices.usual, FILE)
    elif text:
        if channel.state is not State.UP:
            channel.answer()
        scope = scope_of(channel)
        words = [await scope.expanded(word) for word in chosen.words]
        try:
            async with program(words, text) as running:
                leg = await _leg(channel, running, chosen)
                digit = await hear(channel, leg, ANY_DIGIT if keys.lower() == "any" else keys)
                if not digit and not leg.heard:
                    raise SoundError(f"{words[0]} gave no sound. {await running.last_words()}")
            status = "SUCCESS"
        except (SoundError, EngineError) as error:
            log.warning("%s: Speak: %s", channel.name, error)
    channel.set("SPEAKSTATUS", status)
    if digit:
        await wait_for_extension(channel, None, dialled=digit)


async def _leg(channel: Channel, running: Program, voice: Voice) -> StreamLeg:
    try:
        rate = voice.rate or await read_wave_header(running.descriptor)
    except SoundError as error:
        raise SoundError(f"{voice.words[0]}: {error}. {await running.last_words()}") from error
    return channel.pbx.engine.stream_leg(running.descriptor, "heard", linear(rate), rate=rate)
