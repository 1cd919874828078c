"""Call pickup: answering a call that rings elsewhere, by group, extension, mark or channel."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from offhook.calls import causes, events
from offhook.calls.channel import Channel, Hangup, State
from offhook.calls.dialing import DIALING, Dialing
from offhook.calls.party import Connected
from offhook.calls.pbx import Pbx
from offhook.calls.prompts import play_all
from offhook.log import NOTICE, call_id, new_call_id, verbose
from offhook.modules import Module, Options, Syntax
from offhook.services.features.core import features_of

log = logging.getLogger(__name__)
module = Module("app_directed_pickup", "Directed Call Pickup Application", priority=42)

MARK = "PICKUPMARK"
_RINGS = (State.RINGING, State.RING, State.DOWN)


@module.on_load
def start(pbx: Pbx) -> None:
    """Let drivers pick up calls when the pickup extension is dialled."""
    pbx.parts["pickup"] = pick_up_by_extension


@module.on_unload
def stop(pbx: Pbx) -> None:
    """The pickup extension picks nothing up from now on."""
    pbx.parts.pop("pickup", None)


def can_be_picked_up(channel: Channel) -> bool:
    """Whether a channel is called and has not answered."""
    return channel.alive and channel.task is None and channel.state in _RINGS and DIALING in channel.data


def in_group(picker: Channel) -> Channel | None:
    """The channel that rings longest in a call group that the picker may pick up."""
    groups = picker.pickup_groups
    found = [target for target in _others(picker) if groups & target.call_groups] if groups else []
    return min(found, key=lambda target: target.created_at, default=None)


def _others(picker: Channel) -> Iterable[Channel]:
    return (channel for channel in picker.pbx.channels if channel is not picker and can_be_picked_up(channel))


async def pick_up(picker: Channel, target: Channel) -> bool:
    """Answer a ringing call with another channel and stay until that call is over; False when it cannot be."""
    dialing: Dialing = target.data[DIALING]
    caller = target.connected
    picker.set_connected(Connected(caller.id.copy(), caller.ani.copy(), source="answer"))
    picker.answer()
    if not dialing.pick_up(target, picker):
        return False
    picker.hangup_cause = causes.ANSWERED_ELSEWHERE
    over: asyncio.Future[None] = picker.pbx.loop.create_future()
    picker.at_end(lambda: None if over.done() else over.set_result(None))
    picker.pbx.bus.publish(events.Pickup(picker, target))
    target.hangup_cause = causes.ANSWERED_ELSEWHERE
    target.hangup(causes.ANSWERED_ELSEWHERE)
    try:
        await over
    finally:
        if picker.bridge is not None:  # its task is wanted elsewhere and goes on
            picker.after_bridge = _carry_on
            picker.bridge.remove(picker)
    return True


def _carry_on(_: Channel) -> None:
    """After the bridge the channel's own task decides."""


async def pick_up_by_extension(channel: Channel) -> None:
    """What dialling the pickup extension does; the channel's own task, and the channel ends with it."""
    if not channel.callid:
        channel.callid = new_call_id()
    call_id.set(channel.callid)
    try:
        general = features_of(channel.pbx).general(channel)
        target = in_group(channel)
        if target is not None:
            log.log(NOTICE, "Pickup %s attempt by %s", target.name, channel.name)
            if general.pickupsound:
                target.set("BRIDGE_PLAY_SOUND", general.pickupsound)
        if target is None or not await pick_up(channel, target):
            verbose(3, "%s: there is no call to pick up", channel.name)
            if general.pickupfailsound:
                channel.answer()
                await play_all(channel, [general.pickupfailsound])
    except Hangup:
        log.debug("%s hung up while it picked up a call", channel.name)
    except asyncio.CancelledError:
        if channel.interruption is None and not channel.hangup_requested:
            raise
    finally:
        channel.task = None
        channel.hangup()


@module.application(
    "Pickup",
    Syntax("extension[@context]&[extension2[@context]...]|mark@PICKUPMARK"),
    see_also=("PickupChan",),
    raw=True,
)
async def pickup(channel: Channel, text: str = "") -> None:
    """Answer a call that rings at an extension, under a mark, or without argument in the channel's pickup groups.

    The context is the channel's own unless written. ``mark@PICKUPMARK`` finds channels whose variable PICKUPMARK
    is the mark. The dialplan goes on only if no call was picked up.
    """
    if not text.strip():
        target = in_group(channel)
        if target is not None:
            verbose(3, "pickup %s attempt by %s", target.name, channel.name)
        if target is not None and await pick_up(channel, target):
            raise Hangup
        return
    for wanted in filter(None, text.split("&")):
        exten, _, context = wanted.partition("@")
        test = _marked(exten) if context.upper() == MARK else _dialled(exten, context or channel.context)
        await _try(channel, test)
        log.log(NOTICE, "%s: no call rings at %s", channel.name, wanted)


def _marked(mark: str) -> Callable[[Channel], bool]:
    return lambda target: (target.get(MARK) or "").lower() == mark.lower()


def _dialled(exten: str, context: str) -> Callable[[Channel], bool]:
    return lambda target: (target.exten, target.context) == (exten, context)


async def _try(channel: Channel, test: Callable[[Channel], bool]) -> None:
    """Pick up the first call that passes; raises Hangup when it was and is over."""
    target = next((other for other in _others(channel) if test(other)), None)
    if target is not None:
        verbose(3, "%s pickup by %s", target.name, channel.name)
        if await pick_up(channel, target):
            raise Hangup


@module.application(
    "PickupChan",
    Syntax(
        "channel[&channel2...]",
        "[options]",
        options={"p": "The names are beginnings of channel names."},
    ),
    see_also=("Pickup",),
)
async def pickup_chan(channel: Channel, names: str = "", option_text: str = "") -> None:
    """Answer a call that rings on a channel, named with or without its number, or by its unique id."""
    partial = "p" in Options(option_text)
    for name in filter(None, names.split("&")):
        if name.lower() == channel.name.lower():
            log.log(NOTICE, "%s cannot pick itself up", channel.name)
            continue
        start_of = name.lower() if partial or "-" in name else f"{name.lower()}-"
        await _try(channel, _named(start_of, name))
        log.log(NOTICE, "%s: no call rings on %s", channel.name, name)


def _named(start_of: str, uniqueid: str) -> Callable[[Channel], bool]:
    return lambda target: target.name.lower().startswith(start_of) or target.uniqueid == uniqueid
