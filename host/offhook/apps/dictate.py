"""Dictate: a dictation machine that the caller's digits work."""

from __future__ import annotations

import logging
import os

from offhook.apps.digits import channel_timeouts
from offhook.calls.channel import Channel, Hangup, State
from offhook.calls.prompts import ANY_DIGIT, NoPrompt, play, play_all, until_done
from offhook.media.spoken import language_for
from offhook.modules import Module, Syntax

log = logging.getLogger(__name__)
module = Module("app_dictate", "Virtual Dictation Machine")

_WIND_MS = 3200
_SPEEDS = {1: "sln", 2: "sln16", 3: "sln24", 4: "sln32"}
"""Formats whose rates are so many times that of a dictation: read as one of these it is played faster."""
_LONGEST = 255
_SOUNDING_BYTES = 320
"""Below 20 ms there is nothing to be heard."""


@module.application(
    "Dictate",
    Syntax(
        "[base_dir]",
        "[filename]",
        base_dir="The folder of the dictations; dictate below astspooldir when not said.",
        filename="Without extension; the caller is asked when not said.",
    ),
    see_also=("Record", "ControlPlayback"),
)
async def dictate(channel: Channel, folder: str = "", name: str = "") -> None:
    """Record dictations and play them to the caller.

    1 changes between playing and recording, * goes on and pauses, 0 tells the keys, # goes to another dictation. While
    playing 2 changes the speed (1 to 4), 7 winds back and 8 forward; while recording 8 deletes what there was before.
    Dictations are FILENAME.raw: 16-bit signed, 8000 samples a second. What is played faster sounds higher.
    """
    if channel.state is not State.UP:
        channel.answer()
    await channel.sleep(0.2)
    if channel.media is None:
        raise Hangup
    base = folder or os.path.join(channel.pbx.paths.spool, "dictate")
    import tempfile

    with tempfile.TemporaryDirectory(prefix="dictate-") as links:
        while name := name or await _asked(channel):
            path = os.path.join(base, f"{name}.raw")
            try:
                await channel.pbx.off_loop(_prepare, path, links)
            except OSError as error:
                log.warning("%s: Dictate cannot write %s: %s", channel.name, path, error)
                return
            await _Machine(channel, path, links).run()
            name = ""


async def _asked(channel: Channel) -> str:
    """The name that the caller dials with # behind it; nothing when no # comes."""
    first, between = channel_timeouts(channel)
    digits = ""
    digit: str | None = await _say(channel, "enter_filename")
    while len(digits) < _LONGEST:
        digit = digit or await channel.read_digit(between if digits else first)
        if digit is None:
            return ""
        if digit == "#":
            break
        digits += digit
        digit = None
    return digits


async def _say(channel: Channel, prompt: str) -> str:
    try:
        return await play(channel, f"dictate/{prompt}", ANY_DIGIT)
    except NoPrompt as missing:
        log.warning("%s: Dictate: %s", channel.name, missing)
        return ""


def _prepare(path: str, links: str) -> None:
    """Have the dictation there, and by its other names."""
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    with open(path, "ab"):
        pass
    for extension in _SPEEDS.values():
        link = os.path.join(links, f"dictation.{extension}")
        if os.path.lexists(link):
            os.unlink(link)
        os.symlink(os.path.abspath(path), link)


class _Machine:
    """The machine with one dictation in it."""

    def __init__(self, channel: Channel, path: str, links: str) -> None:
        self._channel = channel
        self._path = path
        self._links = links
        self._records = False
        self._paused = True
        self._anew = False
        """What was recorded before goes when recording goes on."""
        self._told: bool | None = None
        """Of which way of working (playing, recording) the caller has been told."""
        self._position_ms = 0
        self._speed = 1

    async def run(self) -> None:
        """Work until #."""
        digit = await _say(self._channel, "forhelp")
        while True:
            digit = digit or await self._work()
            if digit == "#":
                return
            digit = await self._key(digit)

    async def _work(self) -> str:
        """Do what it stands at until a digit comes."""
        if self._told is not self._records:
            digit = await self._begin()
            if digit:
                return digit
        if self._paused:
            return await self._digit()
        return await (self._record() if self._records else self._play())

    async def _digit(self) -> str:
        return await self._channel.read_digit() or ""

    async def _begin(self) -> str:
        digit = ""
        if self._paused:
            digit = await _say(self._channel, "record_mode" if self._records else "playback_mode")
            digit = digit or await _say(self._channel, "paused")
        self._told = self._records
        if self._records and self._anew:
            self._anew = False
            await self._channel.pbx.off_loop(os.truncate, self._path, 0)
            digit = digit or await _say(self._channel, "truncating_audio")
        return digit

    async def _play(self) -> str:
        """Play it, over and over, until a digit comes."""
        channel, leg = self._channel, self._channel.media
        if leg is None:
            raise Hangup
        link = os.path.join(self._links, f"dictation.{_SPEEDS[self._speed]}")
        while await channel.pbx.off_loop(os.path.getsize, self._path) >= _SOUNDING_BYTES:
            playback = leg.play(link, offset_ms=self._position_ms // self._speed)
            digit = await until_done(channel, playback, ANY_DIGIT)
            if digit:
                self._position_ms = playback.position_ms * self._speed
                return digit
            if playback.reason not in ("done", "stopped"):
                log.warning("%s: Dictate: %s: %s", channel.name, self._path, playback.reason)
                break
            self._position_ms = 0
        return await self._digit()

    async def _record(self) -> str:
        leg = self._channel.media
        if leg is None:
            raise Hangup
        recording = leg.record(self._path, "raw", append=True)
        try:
            return await self._digit()
        finally:
            recording.stop()
            if not self._channel.hangup_requested:
                await recording.wait()

    async def _key(self, digit: str) -> str:
        """Do what a digit says; the digit that broke into what is said about it."""
        channel = self._channel
        if digit == "1":
            self._records, self._paused = not self._records, True
        elif digit == "*":
            self._paused = not self._paused
            return await _say(channel, "pause" if self._paused else "record" if self._records else "playback")
        elif digit == "0":
            self._paused = True
            await _say(channel, "paused")
            return await _say(channel, "record_help" if self._records else "play_help") or await _say(
                channel, "both_help"
            )
        elif self._records and digit == "8":
            self._anew = not self._anew
            self._told = None
        elif not self._records and digit == "2":
            self._speed = self._speed % len(_SPEEDS) + 1
            return await play_all(channel, language_for(channel.language).number(self._speed, ""), ANY_DIGIT)
        elif not self._records and digit in "78":
            self._position_ms = max(0, self._position_ms + (_WIND_MS if digit == "8" else -_WIND_MS))
        return ""
