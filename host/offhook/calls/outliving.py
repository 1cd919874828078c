"""Channels that were called and go on when the bridge they were called for is behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.calls.channel import Channel


@dataclass(slots=True)
class OutlivesBridge:
    """A channel is nobody's called party any more: its time from now on is a record of its own."""

    channel: Channel


def outlive(channel: Channel) -> None:
    """The channel leaves a bridge and is not hung up."""
    if channel.outgoing:
        channel.outgoing = False
        channel.pbx.bus.publish(OutlivesBridge(channel))
