"""Privacy and screening: the caller says who calls, the called party decides. Dial's options p, P, n and N."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from offhook.calls.channel import Channel, Hangup
from offhook.calls.frames import Condition, Control, Digit, Frame, Media
from offhook.calls.prompts import ANY_DIGIT, Keys, NoPrompt, follow, play, start
from offhook.log import verbose
from offhook.media.events import Silence
from offhook.modules import Options

log = logging.getLogger(__name__)

_FAMILY = "privacy"
_INTRO_S = 4.0
_INTRO_SILENCE_MS = 2000
_ROUNDS = 3
_SILENCE_LEVEL = 256
_STATUS = {"deny": "NOANSWER", "kill": "DONTCALL", "torture": "TORTURE"}
"""DIALSTATUS for a caller about whom it was decided already."""
_DECISIONS = {"1": "allow", "2": "deny", "3": "torture", "4": "kill", "5": "allow"}
_ANSWERS = {"2": "NOANSWER", "3": "TORTURE", "4": "DONTCALL", "5": "NOANSWER"}


class Minded:
    """A channel without a task of its own, read by somebody else's."""

    __slots__ = ("channel", "gone")

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.gone = False

    def _take(self, frame: Frame) -> None:
        if isinstance(frame, Control) and frame.condition is Condition.HANGUP:
            self.gone = True
        else:
            self.channel.frames.append(frame)
        waiter = self.channel.waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def read(self, timeout: float | None = None) -> Frame | None:
        """The next frame; None after some seconds. Raises Hangup when the channel is over."""
        if not self.gone:
            frame = await self.channel.read(timeout)
            if frame is not None or not self.gone:
                return frame
        raise Hangup


@contextlib.contextmanager
def minded(channel: Channel) -> Iterator[Minded]:
    """Read a channel that has no task; its hangup ends reading, and the channel is still there afterwards."""
    reader = Minded(channel)
    channel.consumer = reader._take
    try:
        yield reader
    finally:
        if channel.consumer == reader._take:
            channel.consumer = None


@dataclass(slots=True)
class Screening:
    """What is known of a caller before anybody is called."""

    caller: str
    """The number, or NOCALLERID_ and what else tells the call."""
    family: str
    """Where decisions are kept: the argument of P; "" for screening, which keeps none."""
    decided: str = ""
    intro: str = ""
    keep_intro: bool = True

    @property
    def status(self) -> str:
        """DIALSTATUS for a caller who is not put through; "" to go on calling."""
        return _STATUS.get(self.decided, "")

    @property
    def asks(self) -> bool:
        """Whether the called party is asked."""
        return not self.decided


async def introduce(channel: Channel, options: Options) -> Screening | None:
    """Look the caller up, and have an unknown one say a name. None without the options p and P."""
    if "P" not in options and "p" not in options:
        return None
    family = (options["P"] or channel.exten) if "P" in options else ""
    number = channel.caller.id.number
    known = number.valid and bool(number.text)
    if known:
        caller = re.sub(r"[()\-. ]", "", number.text)
    else:
        caller = f"NOCALLERID_{channel.exten}{channel.name.replace('/', '=')}"
    screening = Screening(caller, family)
    if known and family:
        screening.decided = (channel.pbx.astdb.get(_FAMILY, f"{family}/{caller}") or "").lower()
    if known and "N" in options:
        screening.decided = "allow"
    screening.keep_intro = known and "n" not in options
    if screening.asks:
        screening.intro = f"priv-callerintros/{caller}"
        if not known or not channel.pbx.prompts.exists(screening.intro):
            await _record_intro(channel, screening)
    return screening


def _folder(channel: Channel) -> str:
    return os.path.join(channel.pbx.paths.sounds, "priv-callerintros")


async def _record_intro(channel: Channel, screening: Screening) -> None:
    await channel.pbx.off_loop(os.makedirs, _folder(channel), 0o755, True)
    channel.answer()
    complete = False
    try:
        await _say(channel, "priv-recordintro")
        await _say(channel, "beep")
        if await _record(channel, os.path.join(_folder(channel), f"{screening.caller}.sln")) == "#":
            await _say(channel, "auth-thankyou")
        complete = True
    finally:
        if not complete:
            await asyncio.shield(channel.pbx.off_loop(_remove, channel, screening))
    await _say(channel, "vm-dialout")


async def _say(channel: Channel, name: str) -> None:
    try:
        await play(channel, name)
    except NoPrompt as missing:
        log.warning("%s: %s", channel.name, missing)


async def _record(channel: Channel, path: str) -> str:
    """Record until #, silence or the time is over; the digit, or ""."""
    if channel.media is None:
        raise Hangup
    recording = channel.media.record(path, "sln")
    watch = channel.media.watch_silence(silence_ms=_INTRO_SILENCE_MS, threshold=_SILENCE_LEVEL)
    now = channel.pbx.now
    deadline = now() + _INTRO_S
    try:
        while now() < deadline:
            frame = await channel.read(deadline - now())
            if isinstance(frame, Digit) and frame.end and frame.digit == "#":
                return "#"
            if isinstance(frame, Media) and isinstance(frame.event, Silence) and frame.event.watch is watch:
                break
        return ""
    finally:
        watch.close()
        recording.stop()


def _remove(channel: Channel, screening: Screening) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(_folder(channel), f"{screening.caller}.sln"))


async def ask(channel: Channel, peer: Channel, screening: Screening) -> str:
    """Let the called party decide; DIALSTATUS when the call is refused, "" when it is taken.

    A decision of privacy is kept for the caller's next calls. Who does not answer refuses nothing for later.
    """
    private = bool(screening.family)
    valid = "12345" if private else "1234"
    with minded(peer) as reader:
        digit = await _ask(reader, screening, "priv-callee-options" if private else "screen-callee-options", valid)
    if private and digit:
        decision = _DECISIONS[digit]
        verbose(3, "--Set privacy database entry %s/%s to %s", screening.family, screening.caller, decision.upper())
        channel.pbx.astdb.put(_FAMILY, f"{screening.family}/{screening.caller}", decision)
    if digit == "1":
        if not screening.keep_intro:
            await channel.pbx.off_loop(_remove, channel, screening)
        return ""
    if not digit:
        verbose(3, "privacy: no valid response from the callee. Sending the caller to voicemail")
    return _ANSWERS.get(digit, "ANSWER")


async def _ask(reader: Minded, screening: Screening, question: str, valid: str) -> str:
    try:
        for _ in range(_ROUNDS):
            for name in ("priv-callpending", screening.intro, question):
                digit = await _prompted(reader, name)
                if digit and digit in valid:
                    return digit
            digit = await _prompted(reader, "vm-sorry")
            if digit and digit in valid:
                return digit
    except Hangup:
        return ""
    return ""


async def _prompted(reader: Minded, name: str) -> str:
    channel = reader.channel
    try:
        ending = await follow(channel, start(channel, name), Keys(ANY_DIGIT), reader.read)
    except NoPrompt as missing:
        log.warning("%s: %s", channel.name, missing)
        return ""
    return ending if isinstance(ending, str) else ""
