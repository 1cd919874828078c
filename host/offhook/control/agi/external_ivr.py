"""ExternalIVR: a program, or its server, is told what the caller does and says what to play.

Events go out as ``letter,seconds since 1970[,data]``, commands come in as ``letter,data``; a line each.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TYPE_CHECKING

from offhook.apps.digits import GAP_S, LENGTH_MS, send_digits
from offhook.calls.channel import Channel, Hangup, Interruption, State
from offhook.calls.frames import Digit, Frame, Media
from offhook.calls.prompts import NoPrompt, start
from offhook.control.agi import links
from offhook.dialplan.executor import take_interruption
from offhook.log import NOTICE
from offhook.media.events import PlaybackDone
from offhook.modules import Module, Options, Syntax, split_arguments

if TYPE_CHECKING:
    from offhook.media.playing import Playback

log = logging.getLogger(__name__)
module = Module("app_externalivr", "External IVR Interface Application", support="extended")

PORT = 2949
SILENCE = "silence/10"
_SHORTEST = 3
"""Characters of a command; what is shorter is none."""


class _Left(Exception):
    """The program wants no more of the call; ``ends_call``: nor shall anybody else have it."""

    def __init__(self, *, ends_call: bool) -> None:
        self.ends_call = ends_call


class Ivr:
    """A program that is in charge of what a caller hears."""

    def __init__(self, channel: Channel, link: links.Link, letters: Options, words: list[str]) -> None:
        self.channel = channel
        self.link = link
        self.letters = letters
        self.words = words
        self.generating = False
        """Prompts are played: the channel was answered for the program."""
        self.autoclear = False
        self.queue: deque[str] = deque()
        """Prompts to be played; the first is being played, if any is."""
        self.playing: Playback | None = None
        self.silence: Playback | None = None
        self.interruption: Interruption | None = None

    def tell(self, event: str, data: str | None = None) -> None:
        """Send an event."""
        text = f"{event},{int(self.channel.pbx.wall()):10d}"
        self.link.send(f"{text}\n" if data is None else f"{text},{data}\n")

    # ---- the program's side -------------------------------------------------------------------------

    async def run(self) -> bool:
        """Serve the program; false when the call shall end."""
        self.link.on_arrival = self._wake
        try:
            while True:
                self._look_for_hangup()
                self._play_next()
                try:
                    await self._step()
                except asyncio.CancelledError:
                    if self.channel.interruption is None:
                        raise
        except _Left as left:
            return not left.ends_call
        finally:
            self.link.on_arrival = None
            self._stop()

    async def _step(self) -> None:
        """Something happened: the channel sent something, or the program did."""
        frame = await self.channel.read(None if not self.link.lines and not self.link.ended else 0)
        if frame is not None:
            self._take(frame)
        if self.link.lines:
            done = self._obey(self.link.take().rstrip())
            if isawaitable(done):
                await done
        elif self.link.ended:
            log.error("%s: ExternalIVR: the program went away", self.channel.name)
            raise _Left(ends_call=True)

    def _wake(self) -> None:
        waiter = self.channel.waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _look_for_hangup(self) -> None:
        """Tell the program when the call is over: then it has done, unless it wanted to say so itself."""
        channel = self.channel
        if "d" in self.letters or self.interruption is not None or (channel.interruption is None and channel.alive):
            return
        self.interruption = take_interruption(channel) or Interruption.HANGUP
        if "i" not in self.letters:
            self.tell("H")
            raise _Left(ends_call=True)
        self.tell("I", "HANGUP")

    @property
    def usable(self) -> bool:
        """Whether the caller hears what is played."""
        return self.channel.state is State.UP and self.channel.alive and self.interruption is None

    # ---- the caller's side --------------------------------------------------------------------------

    def _take(self, frame: Frame) -> None:
        if isinstance(frame, Digit) and frame.end:
            self.tell(frame.digit)
            if self.autoclear:
                self._clear()
        elif isinstance(frame, Media) and isinstance(frame.event, PlaybackDone):
            self._played(frame.event.playback)

    def _played(self, playback: Playback) -> None:
        if playback is self.playing:
            self.playing = None
            self.tell("F", self.queue.popleft())

    def _play_next(self) -> None:
        """Play the first of the queue; silence when there is none."""
        while self.generating and self.usable and self.playing is None and self.queue:
            try:
                self.playing, self.silence = start(self.channel, self.queue[0]), None
            except NoPrompt as missing:
                log.warning("%s: ExternalIVR: %s", self.channel.name, missing)
                self.queue.popleft()
        if self.generating and self.usable and self.playing is None and self.silence is None:
            prompt = self.channel.pbx.prompts.find(SILENCE, self.channel.language)
            if prompt is not None and self.channel.media is not None:
                self.silence = self.channel.media.play(prompt, loop=True)

    def _clear(self) -> None:
        """Play nothing more of what is queued: what is cut short and what is dropped is told."""
        if self.playing is not None:
            self._stop()
            self.tell("T", self.queue.popleft())
        while self.queue:
            self.tell("D", self.queue.popleft())

    def _stop(self) -> None:
        for playback in (self.playing, self.silence):
            if playback is not None:
                playback.stop()
        self.playing = self.silence = None

    # ---- commands -----------------------------------------------------------------------------------

    def _obey(self, line: str) -> Awaitable[None] | None:
        if len(line) < _SHORTEST:
            return None
        handler = _COMMANDS.get(line[0])
        data = line[2:]
        if handler is None:
            return None
        if line[0] in _NEED_THE_CALLER and not self.usable:
            log.warning("%s: ExternalIVR: %s needs a channel that is answered", self.channel.name, line)
            self.tell("Z")
            return None
        return handler(self, data)

    def parameters(self, _data: str) -> None:
        """P: what the program was called with."""
        self.tell("P", ",".join(self.words))

    async def digits(self, data: str) -> None:
        """D: send digits (with the pause between them, and their length, in ms)."""
        digits, gap, length = [*split_arguments(data), "", "", ""][:3]
        await send_digits(self.channel, digits, _ms(gap) / 1000 or GAP_S, _ms(length) or LENGTH_MS)

    def answer(self, _data: str) -> None:
        """T: answer, and play what is queued from now on."""
        if self.channel.state is not State.UP:
            if "d" in self.letters or not self.channel.alive:
                log.warning("%s: ExternalIVR: the channel cannot be answered", self.channel.name)
                self.tell("Z", "ANSWER_FAILURE")
                return
            self.channel.answer()
        self.generating = True

    def interrupt(self, _data: str) -> None:
        """I: play nothing more of what is queued."""
        self._clear()

    def replace(self, data: str) -> None:
        """S: play this, and nothing of what was queued."""
        if self._known(data):
            self._clear()
            self.queue.append(data)

    def append(self, data: str) -> None:
        """A: play this when all before it has been played."""
        if self._known(data):
            self.queue.append(data)

    def _known(self, name: str) -> bool:
        if self.channel.pbx.prompts.exists(name, self.channel.language):
            return True
        log.warning("%s: ExternalIVR: there is no prompt %s", self.channel.name, name)
        self.tell("Z", name)
        return False

    def get(self, data: str) -> None:
        """G: tell variables of the channel."""
        pbx = self.channel.pbx
        found = ((name, self.channel.get(name) or pbx.globals.get(name) or "") for name in data.split(","))
        self.tell("G", ",".join(f"{name}={value}" for name, value in found))

    def assign(self, data: str) -> None:
        """V: set variables of the channel."""
        for assignment in data.split(","):
            name, _, value = assignment.partition("=")
            self.channel.set_by_name(name, value)

    def note(self, data: str) -> None:
        """L: write to the log."""
        log.log(NOTICE, "%s: Log message from EIVR: %s", self.channel.name, data)

    def leave(self, data: str) -> None:
        """E: the dialplan goes on."""
        log.log(NOTICE, "%s: Exiting: %s", self.channel.name, data)
        self.tell("E")
        raise _Left(ends_call=False)

    def leave_as_of_old(self, data: str) -> None:
        """X: an old name of E, without an event."""
        log.log(NOTICE, "%s: Exiting: %s", self.channel.name, data)
        log.warning("%s: ExternalIVR: command X is an old name; send E", self.channel.name)
        raise _Left(ends_call=False)

    def hang_up(self, data: str) -> None:
        """H: the call ends."""
        log.log(NOTICE, "%s: Hanging up: %s", self.channel.name, data)
        self.tell("H")
        raise _Left(ends_call=True)

    def option(self, data: str) -> None:
        """O: whether a digit clears the queue."""
        if data.lower() in ("autoclear", "noautoclear"):
            self.autoclear = data.lower() == "autoclear"
        else:
            log.warning(
                "%s: ExternalIVR: option %s is not known; autoclear and noautoclear are", self.channel.name, data
            )


_COMMANDS: dict[str, Callable[[Ivr, str], Awaitable[None] | None]] = {
    "A": Ivr.append,
    "D": Ivr.digits,
    "E": Ivr.leave,
    "G": Ivr.get,
    "H": Ivr.hang_up,
    "I": Ivr.interrupt,
    "L": Ivr.note,
    "O": Ivr.option,
    "P": Ivr.parameters,
    "S": Ivr.replace,
    "T": Ivr.answer,
    "V": Ivr.assign,
    "X": Ivr.leave_as_of_old,
}
_NEED_THE_CALLER = frozenset("AIOS")


def _ms(text: str) -> int:
    return int(text) if text.isdigit() else 0


@module.application(
    "ExternalIVR",
    Syntax(
        "command[(arg1[,arg2...])]",
        "[options]",
        options={
            "n": "Do not answer; nothing is played until the program says T.",
            "i": "When the call is over only tell the program (I,time,HANGUP), which ends it with H.",
            "d": "Run on a call that is over; the program ends with E.",
        },
    ),
    raw=True,
    see_also=("AGI",),
)
async def external_ivr(channel: Channel, data: str = "") -> None:
    """Let a program, or its server (ivr://host[:port], port 2949), play prompts to the caller.

    Events, a line each with the seconds since 1970: a digit the caller pressed; F, T, D a prompt that has been played,
    was cut short, dropped; P parameters; G variables; Z a command that failed; I, H the call is over; E farewell.

    Commands: S,name and A,name play a prompt at once, or when the others have been played; I, stop; O,autoclear and
    O,noautoclear whether a digit stops; D,digits[,gap ms,length ms]; G,name,name; V,name=value,name=value; P, L,text;
    T, answer; E, the dialplan goes on; H, hang up. A program says what is wrong on its standard error.
    """
    fields = split_arguments(data)
    words = _words(fields[0]) if fields else []
    if not words or not words[0]:
        log.error("%s: ExternalIVR needs a program, as in ExternalIVR(/usr/bin/menu(first,second))", channel.name)
        raise Hangup
    letters = Options(fields[1] if len(fields) > 1 else "")
    if "n" not in letters and channel.state is not State.UP:
        if "d" in letters:
            log.error("%s: ExternalIVR: option d is for calls that were answered, and are over", channel.name)
            raise Hangup
        channel.answer()
    try:
        link = await _link(channel, words)
    except links.LaunchError as error:
        log.error("%s: ExternalIVR: %s", channel.name, error)
        raise Hangup from error
    try:
        ivr = Ivr(channel, link, letters, words)
        ivr.generating = "n" not in letters
        goes_on = await ivr.run()
    finally:
        link.close()
    if ivr.interruption is not None:
        channel.interruption = ivr.interruption
    if not goes_on:
        raise Hangup


def _words(text: str) -> list[str]:
    """Program and arguments of ``program(arg1,arg2)``; none when a parenthesis is missing."""
    program, opened, rest = text.partition("(")
    if not opened:
        return [program]
    inside, closed, _ = rest.rpartition(")")
    return [program, *split_arguments(inside)] if closed else []


async def _link(channel: Channel, words: list[str]) -> links.Link:
    """The way to the program. Raises LaunchError."""
    kind, network, address = words[0].partition("://")
    if network and kind == "ivr":
        return await links.reach(*links.split_address(address, PORT))

    def complain(line: str) -> None:
        log.log(NOTICE, "%s: stderr: %s", channel.name, line.strip())

    program = words[0] if words[0].startswith("/") else f"{os.getcwd()}/{words[0]}"
    return await links.start(channel.pbx.paths, program, words[1:], on_complaint=complain)
