"""The features that are built in besides attended transfer: blind transfer, disconnect, applications with codes."""

from __future__ import annotations

import logging

from offhook.calls import causes
from offhook.calls.channel import Channel, Hangup
from offhook.calls.member import Member, Work
from offhook.calls.prompts import play_all
from offhook.calls.transfer import Transfer, blind_transfer, hold_others, unhold_others
from offhook.dialplan.context import DialplanError
from offhook.dialplan.executor import run_application
from offhook.dialplan.location import parse_location
from offhook.dialplan.scope import scope_of
from offhook.dialplan.subroutine import run_gosub
from offhook.log import verbose
from offhook.services.features.configuration import AppFeature, General
from offhook.services.features.dialling import dial_extension, transfer_context

log = logging.getLogger(__name__)


async def transfer_blindly(member: Member, general: General) -> None:
    """Ask for an extension and send the others there; GOTO_ON_BLINDXFR is where the transferer goes on."""
    channel = member.channel
    verbose(3, "Channel %s: Started DTMF blind transfer.", channel.name)
    hold_others(channel)
    context = transfer_context(channel)
    exten = await dial_extension(channel, context, general)
    if exten is None:
        unhold_others(channel)
        return
    onward = channel.get("GOTO_ON_BLINDXFR")
    place = _onward(channel, onward) if onward else None
    if place is not None and channel.task is None:
        channel.after_bridge = lambda left: _go_on(left, place)
    result = blind_transfer(
        channel, context, exten, external=False, prepare=lambda moved: moved.set("TRANSFERERNAME", channel.name)
    )
    if result is not Transfer.SUCCESS:
        unhold_others(channel)
    elif place is not None and channel.task is not None:
        channel.async_goto(*place)


def _onward(channel: Channel, text: str) -> tuple[str, str, int] | None:
    try:
        return parse_location(channel, text.replace("^", ","))
    except DialplanError as error:
        log.warning("%s: GOTO_ON_BLINDXFR: %s", channel.name, error)
        return None


def _go_on(channel: Channel, place: tuple[str, str, int]) -> None:
    channel.context, channel.exten, channel.priority = place
    channel.start_pbx()


async def disconnect(member: Member) -> None:
    """The code that ends the call."""
    leave(member)


def leave(member: Member) -> None:
    """Take a party out of its call, which ends with that unless there are two others."""
    bridge = member.bridge
    if len(bridge) > 2:
        bridge.remove(member.channel)
    else:
        bridge.dissolve(causes.NORMAL_CLEARING)


def application(feature: AppFeature) -> Work:
    """What the code of an application feature starts."""

    async def start(member: Member) -> None:
        activator = member.channel
        if feature.on_self:
            await _run(activator, feature, activator)
            return
        for other in list(member.bridge.members.values()):
            if other is not member:
                other.perform(lambda place: _run(place.channel, feature, activator))

    return start


async def _run(channel: Channel, feature: AppFeature, activator: Channel) -> None:
    channel.set("DYNAMIC_FEATURENAME", feature.name)
    channel.set("DYNAMIC_WHO_ACTIVATED", activator.name)
    if feature.music_class:
        hold_others(channel, feature.music_class)
    try:
        data = await scope_of(channel).expanded(feature.data)
        if feature.application.lower() == "gosub":
            await run_gosub(channel, data)
        else:
            await run_application(channel, feature.application, data)
    except Hangup:
        if channel.bridge is not None:
            leave(channel.bridge.members[channel])
    finally:
        if feature.music_class:
            unhold_others(channel)


def sound_to(channel: Channel, name: str) -> None:
    """Play a prompt to a party of a call as soon as it does nothing else."""

    async def work(member: Member) -> None:
        await play_all(member.channel, [name])

    if name and channel.bridge is not None:
        channel.bridge.members[channel].perform(work)
