"""Asking a party of a call for the extension to transfer to."""

from __future__ import annotations

import logging

from offhook.calls import events
from offhook.calls.channel import Channel
from offhook.calls.prompts import ANY_DIGIT, play_all
from offhook.dialplan.patterns import Match
from offhook.services.features.configuration import General

log = logging.getLogger(__name__)


def transfer_context(channel: Channel) -> str:
    """Where a party's transfers are dialled."""
    return channel.get("TRANSFER_CONTEXT") or channel.context or "default"


async def dial_extension(channel: Channel, context: str, general: General) -> str | None:
    """Prompt a party that is out of the mix for an extension; None when no valid one came."""
    plan = channel.pbx.dialplan
    caller = channel.caller.id.number.text
    given = channel.get("TRANSFER_EXTEN")
    if given:
        if plan.exists(context, given, 1, caller):
            return given
        log.warning("%s: TRANSFER_EXTEN %s does not exist in context %r", channel.name, given, context)
    dialled = await play_all(channel, filter(None, [general.transferannouncesound]), ANY_DIGIT)
    for attempt in range(1, max(1, general.transferdialattempts) + 1):
        place = (("Channel", channel.name), ("Attempt", str(attempt)))
        _tell(channel, "TRANSFER_BEGIN_DIAL", *place)
        dialled = await _collect(channel, context, dialled, general.transferdigittimeout)
        valid = bool(plan.exists(context, dialled, 1, caller)) if dialled else False
        _tell(channel, "TRANSFER_DIALLED", *place, ("Dialled", dialled), ("Result", "Success" if valid else "Failure"))
        if valid:
            _tell(channel, "TRANSFER_DIAL_FINAL", ("Channel", channel.name), ("Result", "Success"))
            return dialled
        last = attempt >= general.transferdialattempts
        sound = general.transferinvalidsound if last else general.transferretrysound
        await play_all(channel, filter(None, [sound]))
        dialled = ""
    _tell(channel, "TRANSFER_DIAL_FINAL", ("Channel", channel.name), ("Result", "Failure"))
    return None


async def _collect(channel: Channel, context: str, dialled: str, timeout: float) -> str:
    """Digits until no longer extension can come of them, # ends them, or none comes in time."""
    from offhook.dialplan.digits import reaches

    if not dialled:
        channel.play_zone_tone("dial")
    try:
        while True:
            digit = await channel.read_digit(timeout)
            channel.stop_tones()
            if digit is None or digit == "#":
                break
            dialled += digit
            if not await reaches(channel, dialled, Match.MORE, context):
                break
    finally:
        channel.stop_tones()
    return dialled


def _tell(channel: Channel, state: str, *headers: tuple[str, str]) -> None:
    bus = channel.pbx.bus
    if bus.wants(events.TestEvent):
        bus.publish(events.TestEvent(state, headers, "bridge_basic.c", "grab_transfer"))
