"""What a call carries: the information transfer capability of ISDN (Q.931 4.5.5), by Asterisk's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.calls.channel import Channel

CAPABILITIES = {
    0x00: "SPEECH",
    0x08: "DIGITAL",
    0x09: "RESTRICTED_DIGITAL",
    0x10: "3K1AUDIO",
    0x11: "DIGITAL_W_TONES",
    0x18: "VIDEO",
}
_NUMBERS = {word: number for number, word in CAPABILITIES.items()}
_KEY = "transfer capability"


def capability_of(channel: Channel) -> str:
    """What a call carries; SPEECH unless it was said."""
    found: str = channel.data.get(_KEY, "SPEECH")
    return found


def capability_number(channel: Channel) -> int:
    """The same as the message has it."""
    return _NUMBERS[capability_of(channel)]


def set_capability(channel: Channel, word: str) -> bool:
    """Say what it carries; False when there is no such thing."""
    known = word.upper() in _NUMBERS
    if known:
        channel.data[_KEY] = word.upper()
    return known


def is_digital(number: int) -> bool:
    """Whether it is data, which nothing may change on the way."""
    return bool(number & 0x08)
