"""ChanSpy and ExtenSpy: listening to channels, whispering to them and barging in."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offhook.apps.monitors import tap, untap
from offhook.calls import events
from offhook.calls.channel import Channel, Hangup, State
from offhook.calls.frames import Condition, Control, Digit
from offhook.calls.prompts import NoPrompt, play, play_all
from offhook.log import NOTICE, verbose
from offhook.media.spoken import language_for
from offhook.modules import Module, Options, Syntax

if TYPE_CHECKING:
    from offhook.media.leg import SnoopLeg

log = logging.getLogger(__name__)
module = Module("app_chanspy", "Listen to the audio of an active channel")

_SPYING = "spying"
_LOOK_S = 0.1
"""How often channels are looked for while there is none."""
_VOLUME_DB = 6.0
_DIGITS = "0123456789*#"

_OPTIONS = {
    "b": "Only channels that are in a bridge.",
    "B": "Speak to both parties of the call.",
    "c(digit)": "The digit for the next channel, * when not said.",
    "d": "Digits change the mode: 4 listens, 5 whispers, 6 barges.",
    "D": "Two channels of sound (not supported).",
    "e(name[:...])": "Only channels with these names, without what follows the dash.",
    "E": "End when the channel that is listened to hangs up.",
    "g(group[:...])": "Only channels whose SPYGROUP has one of these.",
    "l": "Nothing: there is no queue to lengthen.",
    "n(mailbox@context)": "Say names from voicemail (not supported: the channel's is spelled).",
    "N": "Do not answer the channel.",
    "o": "Hear only what comes from the party, not what is sent to it.",
    "q": "No beep and no names.",
    "r(name)": "Record what is heard below the folder of recordings.",
    "s": "Do not say the technology of channels.",
    "S": "End when there is no further channel.",
    "u": "The first argument is a unique id or a whole name.",
    "v(x)": "Loudness, -4 to 4.",
    "w": "Speak to the party that is listened to.",
    "W": "Speak to the party and hear nothing.",
    "x(digit)": "The digit that ends it.",
    "X": "A digit that is an extension leaves to it (context SPY_EXIT_CONTEXT, or the present one).",
}

Candidates = Callable[[], Iterator[Channel]]


@dataclass(slots=True)
class _Spy:
    """One ChanSpy under way."""

    channel: Channel
    options: Options
    spec: str
    volume: int = 0
    cycle: str = "*"
    leave: str = ""
    exit_context: str = ""

    def __post_init__(self) -> None:
        options, channel = self.options, self.channel
        for letter, default in (("c", "*"), ("x", "")):
            digit = options[letter][:1]
            if letter in options and digit not in tuple(_DIGITS):
                log.log(NOTICE, "%s: ChanSpy: option %s needs a digit", channel.name, letter)
                digit = ""
            if letter == "c":
                self.cycle = digit or default
            else:
                self.leave = digit
        if "v" in options:
            try:
                self.volume = int(options["v"])
            except ValueError:
                self.volume = 9
            if not -4 <= self.volume <= 4:
                log.log(NOTICE, "%s: ChanSpy: loudness is a number from -4 to 4", channel.name)
                self.volume = 0
        if "X" in options:
            self.exit_context = channel.get("SPY_EXIT_CONTEXT") or channel.context

    def leaves_to(self, digit: str | None) -> bool:
        """Whether a digit is an extension to leave to; then the channel is sent there."""
        channel = self.channel
        caller = channel.caller.id.number.text
        if not digit or not self.exit_context:
            return False
        if not channel.pbx.dialplan.exists(self.exit_context, digit, 1, caller):
            return False
        channel.goto(self.exit_context, digit, 1)
        return True


class _Left(Exception):
    """The spy is done."""


@module.application(
    "ChanSpy", Syntax("[chanprefix]", "[options]", options=_OPTIONS), see_also=("ExtenSpy", "MixMonitor")
)
async def chan_spy(channel: Channel, prefix: str = "", options: str = "") -> None:
    """Listen to channels whose names begin so, or all, one after the other.

    * goes to the next channel, # changes the loudness, digits and # go to the channel of that number behind the prefix.
    """
    prefix = "" if prefix == "all" else prefix
    spy = _Spy(channel, Options(options), prefix)
    pbx = channel.pbx

    def candidates() -> Iterator[Channel]:
        if "u" in spy.options:
            found = pbx.channels.find(prefix)
            if found is None:
                raise Hangup
            yield found
        else:
            yield from (each for each in pbx.channels if each.name.lower().startswith(prefix.lower()))

    await _spy(spy, candidates)


@module.application(
    "ExtenSpy", Syntax("exten[@context]", "[options]", options=_OPTIONS), see_also=("ChanSpy", "MixMonitor")
)
async def exten_spy(channel: Channel, place: str = "", options: str = "") -> None:
    """Listen to channels that are at an extension, one after the other, as ChanSpy does."""
    exten, _, context = place.partition("@")
    context = context or channel.context
    spy = _Spy(channel, Options(options), "")

    def candidates() -> Iterator[Channel]:
        return (each for each in channel.pbx.channels if (each.exten, each.context) == (exten, context))

    await _spy(spy, candidates)


async def _spy(spy: _Spy, candidates: Candidates) -> None:
    channel, options = spy.channel, spy.options
    if "N" not in options and channel.state is not State.UP:
        channel.answer()
    channel.data[_SPYING] = True
    recorder = await _recording(spy)
    try:
        heard_one = True
        while True:
            if "q" not in options and heard_one:
                await _prompt(channel, "beep")
            if spy.leaves_to(await channel.read_digit(_LOOK_S)):
                return
            heard_one = await _each(spy, candidates)
            if "S" in options and not heard_one:
                return
            if "E" in options and heard_one:
                verbose(3, "Stopped spying due to the spied-on channel hanging up.")
                return
    except _Left:
        return
    finally:
        if not channel.hungup:
            channel.data.pop(_SPYING, None)
        if recorder is not None:
            recorder.stop()


async def _recording(spy: _Spy) -> Any:
    if "r" not in spy.options or spy.channel.media is None:
        return None
    pbx = spy.channel.pbx
    name = f"{spy.options['r'] or 'chanspy'}.{int(pbx.wall())}.raw"
    await pbx.off_loop(os.makedirs, pbx.paths.monitor, 0o777, True)
    return spy.channel.media.record(os.path.join(pbx.paths.monitor, name), "sln", "out")


async def _each(spy: _Spy, candidates: Candidates) -> bool:
    """Listen to every channel there is now, once; whether there was any."""
    done: set[str] = set()
    wanted: Channel | None = None
    found = False
    while True:
        target = wanted or next((each for each in candidates() if each.uniqueid not in done and _fits(spy, each)), None)
        if target is None:
            return found
        found = True
        done.add(target.uniqueid)
        if "q" not in spy.options:
            await _announce(spy, target)
        number = await _listen(spy, target)
        if "E" in spy.options:
            return True
        wanted = None
        if number and spy.spec:
            wanted = spy.channel.pbx.channels.by_prefix(f"{spy.spec}/{number}") or (target if target.alive else None)


def _fits(spy: _Spy, target: Channel) -> bool:
    options = spy.options
    if target is spy.channel or not target.alive or target.media is None or _SPYING in target.data:
        return False
    if "b" in options and target.bridge is None:
        return False
    if "g" in options:
        groups = (target.get("SPYGROUP") or "").split(":")
        if not any(group in groups for group in options["g"].split(":") if group):
            return False
    if "e" in options:
        name = target.name.partition("-")[0].lower()
        return name in options["e"].lower().split(":")
    return True


async def _prompt(channel: Channel, name: str) -> None:
    try:
        await play(channel, name)
    except NoPrompt as missing:
        log.warning("%s: ChanSpy: %s", channel.name, missing)


async def _announce(spy: _Spy, target: Channel) -> None:
    """Say which channel is listened to."""
    channel = spy.channel
    technology, _, rest = target.name.partition("/")
    name = rest.partition("-")[0]
    language = language_for(channel.language)
    if "s" not in spy.options:
        own = f"spy-{technology.lower()}"
        if channel.pbx.prompts.exists(own, channel.language):
            await _prompt(channel, own)
        else:
            await play_all(channel, language.characters(own))
    if name.isdigit():
        await play_all(channel, language.digits(name))


def _modes(options: Options) -> tuple[Any, Any]:
    """What is heard and where one's own voice goes, as Engine.snoop has it."""
    heard: Any = "none" if "W" in options else "in" if "o" in options else "both"
    whisper: Any = "both" if "B" in options else "out" if "w" in options or "W" in options else "none"
    return heard, whisper


async def _listen(spy: _Spy, target: Channel) -> int:
    """Listen to a channel until it ends or a key changes that; the number of the channel that was asked for, or 0.

    Raises _Left when the spy is done.
    """
    channel = spy.channel
    bus = channel.pbx.bus
    if channel.media is None or target.media is None:
        return 0
    name = target.name
    verbose(2, "Spying on channel %s", name)
    bus.publish(events.ChanSpyStart(channel, target))
    heard, whisper = _modes(spy.options)
    leg: SnoopLeg = channel.pbx.engine.snoop(target.media, heard, whisper)
    ended = False

    def end() -> None:
        nonlocal ended
        ended = True
        channel.deliver(Control(Condition.STOP))

    target.at_end(end)
    tap(target, leg)
    _loudness(spy, leg)
    channel.media.connect(leg, digits=False)
    try:
        return await _keys(spy, leg, name, heard, lambda: ended)
    finally:
        if channel.media is not None:
            channel.media.disconnect()
        leg.close()
        if not target.hungup:
            untap(target, leg)
            endings = target.data.get("at_end", [])
            if end in endings:
                endings.remove(end)
        verbose(2, "Done Spying on channel %s", name)
        bus.publish(events.ChanSpyStop(channel, target))


def _loudness(spy: _Spy, leg: SnoopLeg) -> None:
    if spy.volume:
        leg.gain(spy.volume * _VOLUME_DB)


async def _keys(spy: _Spy, leg: SnoopLeg, name: str, heard: Any, ended: Callable[[], bool]) -> int:
    """Follow the spy's digits until the channel listened to has ended or another is wanted."""
    channel = spy.channel
    typed = ""
    while not ended():
        frame = await channel.read()
        if not isinstance(frame, Digit) or not frame.end:
            continue
        digit = frame.digit
        if spy.leaves_to(digit):
            channel.set("SPY_CHANNEL", name)
            raise _Left
        if not spy.exit_context and digit.isdigit():
            if "d" in spy.options and digit in "456":
                leg.spy(heard, {"4": "none", "5": "out", "6": "both"}[digit])
            elif "d" not in spy.options:
                typed += digit
        if digit == spy.cycle:
            return 0
        if digit == spy.leave:
            raise _Left
        if digit == "#":
            if typed:
                return int(typed)
            spy.volume = spy.volume + 1 if spy.volume < 4 else -4
            verbose(3, "Setting spy volume on %s to %d", channel.name, spy.volume)
            leg.gain(spy.volume * _VOLUME_DB)
    return 0
