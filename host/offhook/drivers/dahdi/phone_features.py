"""What the codes that a phone dials do (*67, *72, *78 ...)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from kernel_shims.line import Hook
from offhook.calls import causes
from offhook.calls.channel import Hangup
from offhook.calls.frames import Forward
from offhook.calls.prompts import play_all
from offhook.calls.transfer import blind_transfer
from offhook.drivers.dahdi.channel import OPERATED, DahdiChannel

if TYPE_CHECKING:
    from offhook.drivers.dahdi.analog.orders import Feature
    from offhook.drivers.dahdi.phone_port import PhonePort

log = logging.getLogger(__name__)

_WITHHELD = 0x20


def carry_out(port: PhonePort, order: Feature) -> None:
    """Do what was dialled."""
    channel = port.calls.get(order.call)
    match order.name:
        case "dnd":
            port.set_do_not_disturb(order.value == "yes")
        case "forward":
            port.forward = order.value
            log.info("channel %d: calls are %s", port.number, f"forwarded to {order.value}" if order.value else "taken")
        case "callwaiting":
            log.info("channel %d: no call waiting in this call", port.number)
        case "blacklist":
            port.pbx.astdb.put("blacklist", order.value, "1")
        case _ if channel is not None:
            _on_channel(port, channel, order)


def _on_channel(port: PhonePort, channel: DahdiChannel, order: Feature) -> None:
    match order.name:
        case "hide":
            channel.caller.id.present(_WITHHELD if order.value == "yes" else 0)
        case "pickup":
            _pick_up(port, channel)
        case "callreturn":
            channel.start_task(_say_last_caller(channel, order.value))
        case "announce":
            port.pbx.spawn(_announce(channel), f"announcement to {channel.name}")
        case "forwardwaiting":
            channel.deliver(Forward(f"f@{port.settings['context']}"))
        case "park":
            _park(port, channel, order.value)
        case "recall":
            caller = channel.data.get(OPERATED)
            if isinstance(caller, DahdiChannel) and caller.port is not None:
                caller.port.recall(caller)
        case "flash":
            _flash_line(port, channel)


def _pick_up(port: PhonePort, channel: DahdiChannel) -> None:
    work = port.pbx.parts.get("pickup")
    if work is None:
        log.warning("channel %d: no call can be picked up: the module that does it is not loaded", port.number)
        channel.far_end_hangup(causes.CALL_REJECTED)
    else:
        channel.start_task(work(channel))


async def _say_last_caller(channel: DahdiChannel, number: str) -> None:
    try:
        channel.answer()
        await play_all(channel, [f"digits/{digit}" for digit in number if digit.isdigit()])
    except Hangup:
        log.debug("%s hung up while it was told its last caller", channel.name)
    finally:
        channel.task = None
        channel.hangup()


async def _announce(channel: DahdiChannel) -> None:
    """Ask a waiting caller to hold on: the party that rings this phone hears it in place of ringing."""
    caller = channel.data.get("dialed_by")
    prompt = channel.get("CALLWAITDELUXEANNOUNCEMENT") or "one-moment-please"
    if caller is not None and caller.alive:
        try:
            await play_all(caller, [prompt])
        except Hangup:
            log.debug("%s hung up while it was asked to wait", caller.name)


def _park(port: PhonePort, channel: DahdiChannel, exten: str) -> None:
    """Park the held call, and hang up the one that dialled the place."""
    held = next((other for other in port.calls if other is not channel), None)
    if held is not None:
        result = blind_transfer(held, channel.context, exten)
        log.info("channel %d: %s parked: %s", port.number, held.name, result.value)
    channel.hangup(causes.NORMAL_CLEARING)


def _flash_line(port: PhonePort, channel: DahdiChannel) -> None:
    """*0: flash the line that the held call is bridged to."""
    held = next((other for other in port.calls if other is not channel), None)
    far = held.bridge.peer(held) if held is not None and held.bridge is not None else None
    if isinstance(far, DahdiChannel) and far.port is not None and far.port.line is not None:
        far.port.line.hook(Hook.FLASH)
    channel.hangup(causes.NORMAL_CLEARING)
