"""One-touch recording: the code automixmon of features.conf begins and ends a MixMonitor of the call."""

from __future__ import annotations

import re

from offhook.apps import monitors
from offhook.calls.channel import Channel
from offhook.calls.member import Member, Work
from offhook.calls.pbx import Pbx
from offhook.log import verbose
from offhook.modules import Module
from offhook.services.features.builtin import sound_to
from offhook.services.features.core import features_of

module = Module("bridge_builtin_features", "Built in bridging features", priority=42)

_NAME = "automixmon"
_PREFIX, _FORMAT = "auto", "wav"
_BEEP_S, _BEEP_LEAST_S = 15, 5
_OPTIONS = "b"
OUTPUT = "TOUCH_MIXMONITOR_OUTPUT"


@module.on_load
def start(pbx: Pbx) -> None:
    """Give the code something to do."""
    features_of(pbx).works[_NAME] = _work


@module.on_unload
def stop(pbx: Pbx) -> None:
    """The code does nothing from now on."""
    features_of(pbx).works.pop(_NAME, None)


def _work(_: Channel) -> Work:
    return toggle


async def record(member: Member) -> None:
    """Begin to record the other party as the code does, unless it is recorded."""
    peer = member.bridge.peer(member.channel)
    if peer is None or not monitors.monitors(peer):
        await toggle(member)


async def toggle(member: Member) -> None:
    """Begin to record the other party, or end that; the TOUCH_MIXMONITOR variables of either say how."""
    channel = member.channel
    peer = member.bridge.peer(channel)
    general = features_of(channel.pbx).general(channel)
    if peer is None:
        verbose(4, "Cannot start AutoMixMonitor for %s - cannot determine peer in bridge.", channel.name)
        sound_to(channel, general.recordingfailsound)
        return
    recording = bool(monitors.monitors(peer))
    done = await (monitors.end(peer) if recording else _begin(channel, peer))
    if not done:
        verbose(4, "AutoMixMonitor feature was tried by '%s' but MixMonitor failed.", channel.name)
        sound_to(channel, general.recordingfailsound)
        return
    message = channel.get(f"TOUCH_MIXMONITOR_MESSAGE_{'STOP' if recording else 'START'}") or ""
    for party in (channel, peer):
        sound_to(party, general.courtesytone)
        sound_to(party, message)


async def _begin(channel: Channel, peer: Channel) -> bool:
    said = {name: _said(channel, peer, name) for name in ("", "_PREFIX", "_FORMAT", "_BEEP", "_OPTIONS")}
    parties = said[""] or "-".join(party.caller.id.number.text or party.name for party in (channel, peer))
    stem = f"{said['_PREFIX'] or _PREFIX}-{int(channel.pbx.wall())}-{parties}"
    file = f"{stem.replace('/', '-')}.{said['_FORMAT'] or _FORMAT}"
    verbose(4, "AutoMixMonitor used to record call. Filename: %s", file)
    options = said["_OPTIONS"]
    if not options:
        options = _OPTIONS
        if said["_BEEP"]:
            seconds = re.match(r"\d+", said["_BEEP"])
            options += f"B({max(_BEEP_LEAST_S, int(seconds[0])) if seconds else _BEEP_S})"
    if await monitors.begin(peer, f"{file},{options}") is None:
        return False
    for party in (channel, peer):
        party.set(OUTPUT, file)
    return True


def _said(channel: Channel, peer: Channel, name: str) -> str:
    """A TOUCH_MIXMONITOR variable: all are taken from one party, the one who pressed the code if it has any."""
    own = any(channel.get(f"TOUCH_MIXMONITOR{each}") for each in ("", "_PREFIX", "_FORMAT", "_BEEP", "_OPTIONS"))
    return (channel if own else peer).get(f"TOUCH_MIXMONITOR{name}") or ""
