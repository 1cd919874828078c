"""Account codes in a call: what channels that meet in a two-party bridge tell each other about accounts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.calls.channel import Channel


def join(channel: Channel, others: Iterable[Channel]) -> None:
    """A channel joins others in a bridge: empty codes are filled, and a pair knows each other's."""
    others = list(others)
    for other in others:
        _fill(channel, other)
        if len(others) == 1:
            _match(channel, other)
            _match(other, channel)


def remain(members: Iterable[Channel]) -> None:
    """A channel left a bridge: a pair that remains knows each other's codes."""
    members = list(members)
    if len(members) == 2:
        join(members[0], members[1:])


def _fill(one: Channel, two: Channel) -> None:
    for channel, peer in ((one, two), (two, one)):
        if not channel.peer_account:
            channel.peer_account = peer.accountcode
    for channel, peer in ((one, two), (two, one)):
        if not channel.accountcode and peer.peer_account:
            channel.set_accountcode(peer.peer_account)


def _match(channel: Channel, peer: Channel) -> None:
    channel.peer_account = peer.accountcode
