"""Linked ids: channels that meet in a call have one id in common from then on, that of the oldest call among them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from offhook.calls import events

if TYPE_CHECKING:
    from offhook.calls.channel import Channel


def join(channel: Channel, others: Iterable[Channel]) -> None:
    """A channel meets others in a bridge."""
    all_of_them = (channel, *others)
    oldest = min(all_of_them, key=_age)
    for one in all_of_them:
        if one.linkedid != oldest.linkedid:
            old = one.linkedid
            one.linkedid, one.linked_age = oldest.linkedid, oldest.linked_age
            one.pbx.bus.publish(events.LinkedIdChange(one, old))


def _age(channel: Channel) -> int:
    return channel.linked_age
