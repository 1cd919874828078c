"""Record: the caller's voice to a file."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING

from offhook.calls.channel import Channel, Hangup, State
from offhook.calls.frames import Digit, Media
from offhook.calls.prompts import ANY_DIGIT, NoPrompt, play
from offhook.dialplan.arguments import need_channel
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.media.events import RecordDone, Silence
from offhook.media.formats import format_for_extension
from offhook.modules import Module, Options, Syntax
from offhook.storage.disk import Disk

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.media.recording import Recording

log = logging.getLogger(__name__)
module = Module("app_record", "Trivial Record Application")

_SILENCE_LEVEL = 256
_DURATION = "recorded ms"
"""Key in a channel's data of how long the last recording was."""


@module.application(
    "Record",
    Syntax(
        "filename.format",
        "[silence]",
        "[maxduration]",
        "[options]",
        silence="Seconds of silence that end it; 0 or nothing: none do.",
        maxduration="Seconds; 0 or nothing: no limit.",
        options={
            "a": "Add to a recording that exists.",
            "k": "Keep the recording when the caller hangs up.",
            "n": "Record without answering the channel.",
            "o": "0 ends it too, with RECORD_STATUS OPERATOR.",
            "q": "No beep before.",
            "s": "Do nothing when the channel is not answered.",
            "t": "* ends it instead of #.",
            "u": "Do not cut the silence that ended it.",
            "x": "Only the caller's hangup ends it.",
            "y": "Any digit ends it.",
        },
    ),
    see_also=("Playback", "MixMonitor"),
)
async def record(channel: Channel, name: str = "", silence: str = "", maximum: str = "", options: str = "") -> None:
    """Record the caller to a file.

    # ends it. A %d in the name is replaced by the first number that gives a new file; RECORDED_FILE is the name
    without its extension. RECORD_STATUS is DTMF, SILENCE, SKIP, TIMEOUT, HANGUP, OPERATOR or ERROR; RECORD_TIME are
    milliseconds.
    """
    letters = Options(options)
    stem, dot, extension = name.rpartition(".")
    if not dot and ":" in name:
        stem, dot, extension = name.rpartition(":")
    if not dot or not stem or format_for_extension(extension) is None:
        log.warning("%s: Record(%s): give a name with a known format, such as msg.wav", channel.name, name)
        channel.set("RECORD_STATUS", "ERROR")
        raise Hangup
    if channel.state is not State.UP:
        if "s" in letters:
            channel.set("RECORD_STATUS", "SKIP")
            return
        if "n" not in letters:
            channel.answer()
    base = await channel.pbx.off_loop(_file_base, channel.pbx.paths.sounds, stem, extension)
    channel.set("RECORDED_FILE", base if "%d" in stem or not stem.startswith("/") else stem)
    if "q" not in letters:
        try:
            await play(channel, "beep")
        except NoPrompt as missing:
            log.warning("%s: Record: %s", channel.name, missing)
    await _record(channel, base, extension, _number(silence), _number(maximum), letters)


@module.function("RECORDING_INFO", Syntax("property", property="duration, in milliseconds"), see_also=("Record",))
def recording_info(scope: Scope, name: str = "") -> str:
    """What is known of the channel's last recording by Record."""
    duration = need_channel(scope, "RECORDING_INFO").data.get(_DURATION)
    if duration is None:
        raise FunctionError("RECORDING_INFO: Record has recorded nothing on this channel yet")
    if name.lower() != "duration":
        raise FunctionError(f'RECORDING_INFO: there is no property "{name}"; duration is one')
    return str(duration)


def _number(text: str) -> float:
    try:
        return max(0.0, float(text)) if text else 0.0
    except ValueError:
        log.warning("Record: %r is no number of seconds", text)
        return 0.0


def _file_base(sounds: str, stem: str, extension: str) -> str:
    """The file's name without extension: below the sounds folder unless absolute, %d replaced."""
    full = stem if stem.startswith("/") else os.path.join(sounds, stem)
    if "%d" in full:
        number = 0
        while os.path.exists(f"{full.replace('%d', str(number), 1)}.{extension}"):
            number += 1
        full = full.replace("%d", str(number), 1)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    return full


async def _record(
    channel: Channel, base: str, extension: str, silence: float, maximum: float, letters: Options
) -> None:
    if channel.media is None:
        raise Hangup
    path = f"{base}.{extension}"
    recording = channel.media.record(path, extension, append="a" in letters, silence_threshold=_SILENCE_LEVEL)
    watch = None
    if silence:
        watch = channel.media.watch_silence(silence_ms=int(silence * 1000), threshold=_SILENCE_LEVEL)
    enders = "" if "x" in letters else ANY_DIGIT if "y" in letters else "*" if "t" in letters else "#"
    now = channel.pbx.now
    started = now()
    deadline = started + maximum if maximum else None
    status = "HANGUP"
    try:
        while True:
            frame = await channel.read(None if deadline is None else deadline - now())
            if deadline is not None and now() >= deadline:
                status = "TIMEOUT"
                break
            if isinstance(frame, Digit) and frame.end:
                if frame.digit in enders:
                    status = "DTMF"
                    break
                if frame.digit == "0" and "o" in letters:
                    status = "OPERATOR"
                    break
            elif isinstance(frame, Media):
                if watch is not None and isinstance(frame.event, Silence) and frame.event.watch is watch:
                    status = "SILENCE"
                    break
                if isinstance(frame.event, RecordDone) and frame.event.recording is recording:
                    log.warning("%s: Record to %s: %s", channel.name, path, frame.event.reason)
                    status = "ERROR"
                    break
    finally:
        if watch is not None:
            watch.close()
        cut = int(silence * 1000) - 1000 if status == "SILENCE" and "u" not in letters else 0
        recording.stop(truncate_ms=max(0, cut))
        channel.set("RECORD_TIME", str(max(0, int((now() - started) * 1000) - max(0, cut))))
        channel.set("RECORD_STATUS", status)
        channel.data[_DURATION] = int((now() - started) * 1000)
        if status == "HANGUP" and "k" not in letters:
            channel.pbx.spawn(channel.pbx.off_loop(_remove, path), "remove recording")
        else:
            kept = channel.pbx.spawn(_keep(channel.pbx, recording, path), "keep recording")
    # The dialplan goes on, and perhaps says so, when the recording would survive a power cut.
    await asyncio.shield(kept)


async def _keep(pbx: Pbx, recording: Recording, path: str) -> None:
    """Have a complete recording on the disk, content and name."""
    if (await recording.wait()).startswith("failed"):
        return
    disk = Disk()
    try:
        await pbx.off_loop(disk.sync, path)
        await pbx.off_loop(disk.sync_folder, os.path.dirname(path) or ".")
    except OSError as error:
        log.warning("Record: %s may not survive a power cut: %s", path, error.strerror)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
