"""AGI commands that play, say, record, and wait for digits or text."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterable

from offhook.apps.saying import local_time
from offhook.calls.channel import Hangup
from offhook.calls.frames import Condition, Digit, Media, Text
from offhook.calls.prompts import ANY_DIGIT, Keys, NoPrompt, find, follow, here, play_steered, start
from offhook.control.agi.commands import needs, whole
from offhook.control.agi.protocol import CommandFailed, Superseded, UsageError, command
from offhook.control.agi.session import Session
from offhook.log import verbose
from offhook.media.errors import UnsupportedMedia
from offhook.media.events import RecordDone, Silence
from offhook.media.formats import format_for_extension
from offhook.media.length import samples_of
from offhook.media.playing import Playback
from offhook.media.spoken import language_for

log = logging.getLogger(__name__)

SAMPLES_A_MS = 8
FIRST_DIGIT_MS = 6000
NEXT_DIGIT_MS = 2000
FOR_EVER_MS = 1_000_000_000
_SILENCE_LEVEL = 256
_OF_THE_DIGIT_MS = 200
"""What the digit that ended a recording takes off its end."""


def _play(session: Session, name: str, offset_ms: int = 0) -> Playback:
    channel = session.channel
    prompt = find(channel, name)
    if channel.media is None:
        raise Hangup
    return channel.media.play(prompt, offset_ms=offset_ms)


async def _digit(session: Session, timeout_ms: int) -> str | None:
    """A digit within some time; None when none came. Raises Superseded."""
    now = session.channel.pbx.now
    deadline = now() + timeout_ms / 1000 if timeout_ms >= 0 else None
    while True:
        frame = await session.read(None if deadline is None else deadline - now())
        if isinstance(frame, Digit) and frame.end:
            return frame.digit
        if deadline is not None and now() >= deadline:
            return None


# ---- playing ------------------------------------------------------------------------------------------


@command("STREAM FILE <filename> <escape digits> [<sample offset>]")
async def stream_file(session: Session, arguments: list[str]) -> str:
    """Play a sound file, which the escape digits end. The result is the digit's code, 0 at its end, or -1."""
    needs(arguments, 2, 3)
    offset = whole(arguments[2]) if len(arguments) > 2 else 0
    ending, position = await _stream(session, arguments[0], arguments[1], offset)
    session.channel.set("PLAYBACKSTATUS", "FAILED" if ending else "SUCCESS")
    return f"{ending} endpos={position}"


async def _stream(session: Session, name: str, escape: str, offset: int) -> tuple[int, int]:
    """Play a file from a sample on; the digit's code or 0, and the sample that was reached."""
    session.broken = f"-1 endpos={offset}"
    try:
        playback = _play(session, await here(session.channel, name), offset // SAMPLES_A_MS)
    except NoPrompt as missing:
        log.warning("%s: %s", session.channel.name, missing)
        raise CommandFailed(session.broken) from None
    verbose(
        3,
        "<%s> Playing '%s' (escape_digits=%s) (sample_offset %d) (language '%s')",
        session.channel.name,
        name,
        escape,
        offset,
        session.channel.language,
    )
    ending = await follow(session.channel, playback, Keys(escape), session.read)
    code = ord(ending) if isinstance(ending, str) and ending else 0
    return code, playback.position_ms * SAMPLES_A_MS


@command("GET OPTION <filename> <escape digits> [<timeout>]")
async def get_option(session: Session, arguments: list[str]) -> str:
    """Play a sound file and then wait some milliseconds for one of the escape digits.

    The result is the digit's code, 0 without one.
    """
    needs(arguments, 2, 3)
    channel = session.channel
    timeout = whole(arguments[2]) if len(arguments) > 2 else int(float(channel.data.get("timeout.digit", 5.0)) * 1000)
    code, position = await _stream(session, arguments[0], arguments[1], 0)
    if not code:
        digit = await _digit(session, timeout)
        code = ord(digit) if digit and digit in arguments[1] else 0
    return f"{code} endpos={position}"


@command("CONTROL STREAM FILE <filename> <escape digits> [<skip ms>] [<forward>] [<rewind>] [<pause>] [<offset ms>]")
async def control_stream_file(session: Session, arguments: list[str]) -> str:
    """Play a sound file that digits wind, pause and end.

    Winds by 3000 ms with # and * unless told otherwise. The result is the digit's code, 0 at its end. CPLAYBACKSTATUS,
    CPLAYBACKSTOPKEY and CPLAYBACKOFFSET are set as by the application ControlPlayback.
    """
    needs(arguments, 2, 7)
    channel = session.channel
    given = [*arguments, *[""] * (7 - len(arguments))]
    name, stop, skip, forward, reverse, pause, offset = given
    keys = Keys("", forward or "#", reverse or "*", whole(skip) if len(arguments) > 2 else 3000)
    begin = whole(offset) if len(arguments) > 6 else 0
    session.broken = f"-1 endpos={begin}"
    try:
        end = await play_steered(channel, name, keys, stop=stop, suspend=pause, offset_ms=begin, read=session.read)
    except NoPrompt as missing:
        log.warning("%s: %s", channel.name, missing)
        channel.set("CPLAYBACKSTATUS", "ERROR")
        channel.set("CPLAYBACKOFFSET", str(begin))
        raise CommandFailed(session.broken) from None
    code = 0
    if isinstance(end.ending, str) and end.ending:
        code = ord(end.ending)
        channel.set("CPLAYBACKSTATUS", "USERSTOPPED")
        channel.set("CPLAYBACKSTOPKEY", end.ending)
    else:
        channel.set("CPLAYBACKSTATUS", "REMOTESTOPPED" if end.ending is Condition.STREAM_STOP else "SUCCESS")
    channel.set("CPLAYBACKOFFSET", str(end.position_ms))
    return f"{code} endpos={end.position_ms}"


# ---- digits and text ------------------------------------------------------------------------------------


@command("WAIT FOR DIGIT <timeout>")
async def wait_for_digit(session: Session, arguments: list[str]) -> str:
    """Wait some milliseconds for a digit, -1 for ever. The result is its code, 0 without one."""
    needs(arguments, 1)
    try:
        digit = await _digit(session, whole(arguments[0]))
    except Superseded:
        return "1"
    return str(ord(digit)) if digit else "0"


@command("GET DATA <filename> [<timeout>] [<most digits>]")
async def get_data(session: Session, arguments: list[str]) -> str:
    """Play a sound file and take digits until #, the most there may be, or some milliseconds without one.

    The result are the digits, with (timeout) behind them when time ended them.
    """
    needs(arguments, 1, 127)
    timeout = whole(arguments[1]) if len(arguments) > 1 and arguments[1].strip() else 0
    most = whole(arguments[2]) if len(arguments) > 2 else 1024
    first, between = FIRST_DIGIT_MS, NEXT_DIGIT_MS
    if timeout:
        first = between = timeout if timeout > 0 else FOR_EVER_MS
    digits = ""
    digit: str | None = None
    channel = session.channel
    if arguments[0]:
        try:
            ending = await follow(
                channel, start(channel, await here(channel, arguments[0])), Keys(ANY_DIGIT), session.read
            )
        except NoPrompt as missing:
            log.warning("%s: GET DATA: %s", channel.name, missing)
            return "-1"
        digit = ending if isinstance(ending, str) else ""
    while True:
        digit = digit or await _digit(session, between if digits else first)
        if digit is None:
            return f"{digits} (timeout)"
        if digit == "#":
            return digits
        digits += digit
        if len(digits) >= most:
            return digits
        digit = None


@command("RECEIVE CHAR <timeout>")
async def receive_char(session: Session, arguments: list[str]) -> str:
    """Wait some milliseconds for text in the call. The result is its first character's code, 0 (timeout) without."""
    needs(arguments, 1)
    text = await _text(session, whole(arguments[0]))
    if text is None:
        return "0 (timeout)"
    return str(ord(text[0])) if text else "0"


@command("RECEIVE TEXT <timeout>")
async def receive_text(session: Session, arguments: list[str]) -> str:
    """Wait some milliseconds for text in the call. The result is 1 with the text in parentheses, -1 without."""
    needs(arguments, 1)
    text = await _text(session, whole(arguments[0]))
    return f"1 ({text})" if text is not None else "-1"


async def _text(session: Session, timeout_ms: int) -> str | None:
    now = session.channel.pbx.now
    deadline = now() + timeout_ms / 1000 if timeout_ms > 0 else None
    while True:
        frame = await session.channel.read(None if deadline is None else deadline - now())
        if isinstance(frame, Text):
            return frame.body
        if deadline is not None and now() >= deadline:
            return None


# ---- saying ---------------------------------------------------------------------------------------------


async def _say(session: Session, names: Iterable[str], escape: str) -> str:
    """Play prompts; the code of the digit that ended them, or 0."""
    for name in names:
        try:
            ending = await follow(session.channel, start(session.channel, name), Keys(escape), session.read)
        except NoPrompt as missing:
            log.warning("%s: %s", session.channel.name, missing)
            continue
        if isinstance(ending, str) and ending:
            return str(ord(ending))
    return "0"


@command("SAY ALPHA <text> <escape digits> [<case>]")
async def say_alpha(session: Session, arguments: list[str]) -> str:
    """Spell a text. Case a says whether letters are small or capital, l of small, u of capital ones, n of none."""
    needs(arguments, 2, 3)
    case = arguments[2][:1].lower() if len(arguments) > 2 else "n"
    if case not in ("a", "l", "n", "u", ""):
        raise UsageError
    names = language_for(session.channel.language).characters(arguments[0], case or "n")
    return await _say(session, names, arguments[1])


@command("SAY DIGITS <number> <escape digits>")
async def say_digits(session: Session, arguments: list[str]) -> str:
    """Say a number digit by digit. The result is the code of the escape digit that ended it, or 0."""
    needs(arguments, 2)
    return await _say(session, language_for(session.channel.language).digits(arguments[0]), arguments[1])


@command("SAY NUMBER <number> <escape digits> [<gender>]")
async def say_number(session: Session, arguments: list[str]) -> str:
    """Say a number. The result is the code of the escape digit that ended it, or 0."""
    needs(arguments, 2, 3)
    gender = arguments[2] if len(arguments) > 2 else ""
    names = language_for(session.channel.language).number(whole(arguments[0]), gender)
    return await _say(session, names, arguments[1])


@command("SAY PHONETIC <text> <escape digits>")
async def say_phonetic(session: Session, arguments: list[str]) -> str:
    """Spell a text in the spelling alphabet. The result is the code of the escape digit that ended it, or 0."""
    needs(arguments, 2)
    return await _say(session, language_for(session.channel.language).phonetic(arguments[0]), arguments[1])


@command("SAY DATE <date> <escape digits>")
async def say_date(session: Session, arguments: list[str]) -> str:
    """Say the day of a moment given in seconds since 1970. The result is the escape digit's code, or 0."""
    return await _say_time(session, arguments, "ABdY")


@command("SAY TIME <time> <escape digits>")
async def say_time(session: Session, arguments: list[str]) -> str:
    """Say the time of day of a moment given in seconds since 1970. The result is the escape digit's code, or 0."""
    return await _say_time(session, arguments, "IMp")


async def _say_time(session: Session, arguments: list[str], form: str) -> str:
    needs(arguments, 2)
    moment = local_time(session.channel, str(whole(arguments[0])), "")
    names = language_for(session.channel.language).time(moment, form, moment)
    return await _say(session, names, arguments[1])


@command("SAY DATETIME <time> <escape digits> [<format>] [<timezone>]")
async def say_datetime(session: Session, arguments: list[str]) -> str:
    """Say a moment given in seconds since 1970, in a format of voicemail.conf's and a time zone by name.

    The result is the code of the escape digit that ended it, or 0.
    """
    needs(arguments, 2, 127)
    channel = session.channel
    zone = arguments[3] if len(arguments) > 3 else ""
    form = arguments[2] if len(arguments) > 2 else ""
    moment = local_time(channel, str(whole(arguments[0])), zone)
    names = language_for(channel.language).time(moment, form, local_time(channel, "", zone))
    return await _say(session, names, arguments[1])


# ---- recording ------------------------------------------------------------------------------------------


@command("RECORD FILE <filename> <format> <escape digits> <timeout> [<offset>] [beep] [s=<silence>]")
async def record_file(session: Session, arguments: list[str]) -> str:
    """Record the caller until an escape digit, some milliseconds (-1: for ever), or seconds of silence.

    The result is the digit's code or 0, with the number of samples in the file as endpos.
    """
    needs(arguments, 4, 127)
    channel = session.channel
    name, extension, escape = arguments[:3]
    limit = whole(arguments[3])
    offset, beep, silence = _record_options(arguments[4:])
    session.broken = f"-1 (hangup) endpos={offset}"
    if beep:
        with contextlib.suppress(NoPrompt):
            ending = await follow(channel, start(channel, "beep"), Keys(escape), session.read)
            if isinstance(ending, str) and ending:
                return f"{ord(ending)} (randomerror) endpos={offset}"
    if channel.media is None:
        raise Hangup
    base = name if name.startswith("/") else os.path.join(channel.pbx.paths.sounds, name)
    path = f"{base}.{extension}"
    if format_for_extension(extension) is None:
        log.warning("%s: RECORD FILE: the format %r is not known", channel.name, extension)
        raise CommandFailed("-1 (writefile)")
    try:
        recording = channel.media.record(path, extension, append=offset > 0, silence_threshold=_SILENCE_LEVEL)
    except UnsupportedMedia as error:
        log.warning("%s: RECORD FILE: %s", channel.name, error)
        raise CommandFailed("-1 (writefile)") from None
    channel.indicate(Condition.VIDEO_UPDATE)
    watch = channel.media.watch_silence(silence_ms=silence, threshold=_SILENCE_LEVEL) if silence > 0 else None
    now = channel.pbx.now
    deadline = now() + limit / 1000 if limit >= 0 else None
    reason, code, cut = "timeout", 0, 0
    try:
        while deadline is None or now() < deadline:
            frame = await channel.read(None if deadline is None else deadline - now())
            if isinstance(frame, Digit) and frame.end and frame.digit in escape:
                reason, code, cut = "dtmf", ord(frame.digit), _OF_THE_DIGIT_MS
                break
            if isinstance(frame, Media) and isinstance(frame.event, Silence) and frame.event.watch is watch:
                cut = max(0, silence - 1000)
                break
            if isinstance(frame, Media) and isinstance(frame.event, RecordDone) and frame.event.recording is recording:
                log.warning("%s: RECORD FILE: %s", channel.name, frame.event.reason)
                raise CommandFailed("-1 (writefile)")
    finally:
        if watch is not None:
            watch.close()
        recording.stop(truncate_ms=cut)
        await recording.wait()
        samples = await channel.pbx.off_loop(_samples, path, recording.duration_ms)
        session.broken = f"-1 (hangup) endpos={samples}"
    return f"{code} ({reason}) endpos={samples}"


def _samples(path: str, duration_ms: int) -> int:
    try:
        return samples_of(path)
    except (OSError, ValueError):
        return duration_ms * SAMPLES_A_MS


def _record_options(words: list[str]) -> tuple[int, bool, int]:
    """Offset in samples, whether to beep, and milliseconds of silence that end the recording."""
    offset, beep, silence = 0, False, 0
    for place, word in enumerate(words[:3]):
        if word.startswith("s="):
            with contextlib.suppress(UsageError):
                silence = max(0, whole(word[2:])) * 1000
        elif place == 0:
            try:
                offset = whole(word)
            except UsageError:
                beep = True
        else:
            beep = True
    return offset, beep, silence
