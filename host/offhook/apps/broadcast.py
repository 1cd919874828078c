"""Broadcast: one caller speaks to many channels, or hears them, whatever they do meanwhile."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from offhook.apps.monitors import tap, untap
from offhook.calls import events
from offhook.calls.channel import Channel, Hangup
from offhook.calls.frames import Condition, Control
from offhook.log import verbose
from offhook.modules import Module, Options, Syntax

if TYPE_CHECKING:
    from offhook.media.leg import SnoopLeg
    from offhook.media.mixer import Mixer

log = logging.getLogger(__name__)
module = Module("app_broadcast", "Channel Audio Broadcasting", support="extended")


@module.application(
    "Broadcast",
    Syntax(
        "options",
        rest="channels",
        options={
            "b": "Speak also to whom the channels are bridged with (in bridges of two).",
            "l": "Nothing: there is no queue to lengthen.",
            "o": "Hear only what comes from the channels, not what is sent to them (with s).",
            "r": "With b: speak into what comes from the channels, which whoever is bridged with them hears.",
            "s": "Hear what goes on on the channels.",
            "w": "Speak to the channels.",
        },
        channels="Whole names of channels, with commas between them.",
    ),
    see_also=("ChanSpy", "Page"),
)
async def broadcast(channel: Channel, options: str = "", channels: str = "") -> None:
    """Speak to several channels at once, or hear them, until the caller hangs up or all of them have ended.

    The channels do not hear each other. Does not answer the channel.
    """
    letters = Options(options)
    if not channels:
        log.warning("%s: Broadcast needs the names of channels, as in Broadcast(w,PJSIP/a-00000001)", channel.name)
        raise Hangup
    if not any(letter in letters for letter in "bsw"):
        log.warning("%s: Broadcast needs one of the options b, s and w", channel.name)
        raise Hangup
    if channel.media is None:
        log.warning("%s: Broadcast: the channel has no sound", channel.name)
        raise Hangup
    station = _Station(channel, letters)
    try:
        for name in channels.split(","):
            if name:
                station.add(name)
        verbose(4, "Broadcasting to %d channels on %s", len(station.targets), channel.name)
        while station.targets:
            await channel.read()
    finally:
        station.close()


@dataclass(eq=False, slots=True)
class _Target:
    """A channel that is spoken to or heard, with its legs; and whoever is spoken to beside it."""

    channel: Channel
    legs: list[SnoopLeg] = field(default_factory=list)
    beside: Channel | None = None


class _Station:
    """Who speaks, and all who are spoken to. What is heard of them and what they hear are two mixers: none of them
    hears another."""

    def __init__(self, channel: Channel, letters: Options) -> None:
        assert channel.media is not None
        self.channel = channel
        self.letters = letters
        self.targets: list[_Target] = []
        self._taps: list[tuple[Channel, SnoopLeg]] = []
        engine = channel.pbx.engine
        self._heard: Mixer | None = engine.mixer() if "s" in letters else None
        if self._heard is not None:
            self._heard.add(channel.media, hears=True, heard=False)
        self._said = engine.mixer()
        self._voice = engine.snoop(channel.media, "in")
        self._said.add(self._voice, hears=False, heard=True)
        self._barges = "b" in letters and "r" not in letters
        self._unsubscribe = channel.pbx.bus.subscribe(events.BridgeEnter, self._entered)

    def add(self, name: str) -> None:
        """Take a channel in by its name."""
        found = self.channel.pbx.channels.find(name)
        if found is self.channel:
            log.warning("%s: Broadcast: %s is the channel itself", self.channel.name, name)
            return
        if found is None or found.media is None or not found.alive:
            log.warning("%s: Broadcast: there is no channel %s", self.channel.name, name)
            return
        target = _Target(found)
        self.targets.append(target)
        letters = self.letters
        into_call = "b" in letters and "r" in letters
        whisper: Any = "both" if "w" in letters and into_call else "in" if into_call else "out"
        if "w" in letters or into_call:
            self._said.add(self._snoop(target, found, "none", whisper), hears=True, heard=False)
        if self._heard is not None:
            heard: Any = "in" if "o" in letters else "both"
            self._heard.add(self._snoop(target, found, heard, "none"), hears=False, heard=True)
        found.at_end(lambda: self._gone(target))
        self._barge(target)

    def _snoop(self, target: _Target, channel: Channel, heard: Any, whisper: Any) -> SnoopLeg:
        assert channel.media is not None
        leg = channel.pbx.engine.snoop(channel.media, heard, whisper)
        target.legs.append(leg)
        self._taps.append((channel, leg))
        tap(channel, leg)
        return leg

    def _entered(self, event: events.BridgeEnter) -> None:
        for target in self.targets:
            self._barge(target)

    def _barge(self, target: _Target) -> None:
        """Speak to whom a target is bridged with, from when there is one."""
        if not self._barges or target.beside is not None or target.channel.bridge is None:
            return
        peer = target.channel.bridge.peer(target.channel)
        if peer is not None and peer.media is not None and peer is not self.channel:
            target.beside = peer
            self._said.add(self._snoop(target, peer, "none", "out"), hears=True, heard=False)
            peer.at_end(lambda: self._gone(target))

    def _gone(self, target: _Target) -> None:
        """A target, or whom it was bridged with, has hung up."""
        if target in self.targets:
            self.targets.remove(target)
            self._let_go(target)
            self.channel.deliver(Control(Condition.STOP))

    def _let_go(self, target: _Target) -> None:
        for leg in target.legs:
            leg.close()
        for channel, leg in self._taps:
            if leg in target.legs and not channel.hungup:
                untap(channel, leg)

    def close(self) -> None:
        """Leave everybody alone."""
        self._unsubscribe()
        targets, self.targets = self.targets, []
        for target in targets:
            self._let_go(target)
        self._voice.close()
        for mixer in (self._said, self._heard):
            if mixer is not None:
                mixer.close()
