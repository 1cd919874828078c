"""What the codes that a phone dials do (*67, *72, *78 ...)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from kernel_shims.line import Hook
from offhook.calls import causes
from offhook.calls.channel import Hangup
from offhook.calls.frames import Forward
from offhook.calls.prompts import play_all
from offhook.calls.transfer import Transfer, blind_transfer
from offhook.drivers.dahdi.channel import OPERATED, DahdiChannel
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.drivers.dahdi.analog.orders import Feature
    from offhook.drivers.dahdi.ports.phone import PhonePort

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
            if order.value:
                verbose(3, "Setting call forward to '%s' on channel %d", order.value, port.number)
            else:
                verbose(3, "Cancelling call forwarding on channel %d", port.number)
        case "callwaiting":
            verbose(3, "Disabling call waiting on %s", channel.name if channel is not None else port.number)
        case "blacklist":
            verbose(3, "Blacklisting number %s", order.value)
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


def _held(port: PhonePort, channel: DahdiChannel) -> DahdiChannel | None:
    """The call that is held while a channel dials."""
    return next((other for other in port.calls if other is not channel), None)


def _park(port: PhonePort, channel: DahdiChannel, exten: str) -> None:
    """Park the held call; the phone hears where."""
    held = _held(port, channel)
    result = blind_transfer(held, channel.context, exten) if held is not None else Transfer.INVALID
    back = result is Transfer.SUCCESS
    verbose(3, "%s: Parked call" if back else "%s: the call could not be parked", channel.name)
    port.obey(port.machine.back_from(channel.call) if back else port.machine.refused(channel.call, port.now()))


def _flash_line(port: PhonePort, channel: DahdiChannel) -> None:
    """*0: flash the line that the held call is bridged to, and back to that call."""
    held = _held(port, channel)
    far = held.bridge.peer(held) if held is not None and held.bridge is not None else None
    if isinstance(far, DahdiChannel) and far.port is not None and far.port.is_trunk:
        far.port.on_line(lambda line: line.hook(Hook.FLASH))
        port.obey(port.machine.back_from(channel.call))
    else:
        verbose(3, "channel %d: *0 flashes lines of an exchange; the held call is on none", port.number)
        port.obey(port.machine.refused(channel.call, port.now()))
