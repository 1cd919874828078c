"""The dialplan functions DAHDI_CHANNEL and POLARITY: what a port is set to, whoever asks."""

from __future__ import annotations

from offhook.config.model import TRUE_WORDS
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.drivers.dahdi.channel import DahdiChannel
from offhook.drivers.dahdi.module import lines_of, module
from offhook.drivers.dahdi.port import Port
from offhook.drivers.dahdi.ports.phone import PhonePort
from offhook.modules import Syntax

_CALLS = ("owner", "callwait", "threeway")
_OF_PHONES = ("polarity", "dnd", "callforward", "lastexten")


def _port(scope: Scope, name: str, number: str) -> Port:
    """The port of a channel's number, or of the channel that asks."""
    if number:
        found = lines_of(scope.pbx).ports.get(int(number)) if number.isdigit() else None
        if found is None:
            raise FunctionError(f"{name}: there is no DAHDI channel {number}")
        return found
    channel = scope.channel
    if not isinstance(channel, DahdiChannel) or channel.port is None:
        raise FunctionError(f"{name}: this is no DAHDI channel; write {name}(...,<number>) for another one's")
    return channel.port


def _phone(port: Port, item: str) -> PhonePort:
    if item not in _OF_PHONES:
        raise FunctionError(f'DAHDI_CHANNEL: "{item}" is no property; there are {", ".join((*_CALLS, *_OF_PHONES))}')
    if not isinstance(port, PhonePort):
        raise FunctionError(f"DAHDI_CHANNEL({item}): channel {port.number} has no phone, it is {port.signalling}")
    return port


def _value(port: Port, item: str) -> str:
    if item in _CALLS:
        channel = port.calls.get(port.shown_calls()[_CALLS.index(item)])
        return channel.name if channel is not None else ""
    phone = _phone(port, item)
    match item:
        case "polarity":
            return str(int(phone.reversed))
        case "dnd":
            return str(int(phone.do_not_disturb))
        case "callforward":
            return phone.forward
        case _:
            return phone.machine.habits.rules.last_dialed


def _assign(port: Port, item: str, value: str) -> None:
    if item in _CALLS:
        raise FunctionError(f"DAHDI_CHANNEL({item}) can be read only")
    phone = _phone(port, item)
    match item:
        case "polarity":
            if value.strip() not in ("0", "1"):
                raise FunctionError(f'polarity is 0, as it is at rest, or 1, reversed; not "{value}"')
            phone.reverse(value.strip() == "1")
        case "dnd":
            phone.set_do_not_disturb(value.strip().lower() in TRUE_WORDS)
        case "callforward":
            phone.forward = value
        case _:
            phone.machine.habits.rules.last_dialed = value


@module.function(
    "DAHDI_CHANNEL",
    Syntax("property", "[dahdi_channel]", dahdi_channel="Number of another channel; none: the one that asks."),
    see_also=("POLARITY", "CHANNEL"),
)
def dahdi_channel(scope: Scope, item: str, number: str = "") -> str:
    """What a port of DAHDI is set to, or which calls it has.

    owner, callwait and threeway are the names of its channels, active, waiting and held; of ports with a phone
    polarity (0, or 1 when the battery is reversed), dnd, callforward and lastexten can be read and assigned.
    """
    return _value(_port(scope, "DAHDI_CHANNEL", number), item.lower())


@dahdi_channel.writer
def set_dahdi_channel(scope: Scope, value: str, item: str, number: str = "") -> None:
    """Assign a property of a port."""
    _assign(_port(scope, "DAHDI_CHANNEL", number), item.lower(), value)


@module.function("POLARITY", Syntax(), see_also=("DAHDI_CHANNEL",))
def polarity(scope: Scope) -> str:
    """Whether the battery towards the phone of this channel is reversed: 0, or 1; it can be assigned."""
    return _value(_port(scope, "POLARITY", ""), "polarity")


@polarity.writer
def set_polarity(scope: Scope, value: str) -> None:
    """Reverse the battery, or put it back."""
    _assign(_port(scope, "POLARITY", ""), "polarity", value)
