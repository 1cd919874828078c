"""Two SIP channels that talk to each other: their further streams (video, text) pass from one to the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from offhook.calls.frames import Condition
from offhook.calls.streams import mirrored

if TYPE_CHECKING:
    from offhook.drivers.sip.calls.channel import SipChannel


def pair(one: SipChannel, two: SipChannel) -> None:
    """Connect what both have; who has fewer streams is asked for those of the other."""
    connect_streams(one, two)
    if len(one.session.media.streams) < len(two.session.media.streams):
        one, two = two, one
    if len(one.session.media.streams) > 1:
        wanted = mirrored(one.streams, two.streams)
        if wanted != two.streams:
            two.indicate(Condition.STREAM_TOPOLOGY_REQUEST, wanted)


def connect_streams(one: SipChannel, two: SipChannel) -> None:
    """Let the legs of further streams pass to each other, the first of a kind to the first, and so on."""
    others = dict(_further(two))
    for place, leg in _further(one):
        other = others.get(place)
        if other is not None:
            leg.connect(other)


def disconnect_streams(channel: SipChannel) -> None:
    """The legs of further streams are alone again."""
    for _, leg in _further(channel):
        leg.disconnect()


def _further(channel: SipChannel) -> Iterator[tuple[tuple[str, int], Any]]:
    """Kind and number of each stream with a leg of its own besides the channel's, and that leg."""
    counts: dict[str, int] = {}
    for stream in channel.session.media.streams:
        number = counts[stream.kind] = counts.get(stream.kind, 0) + 1
        if stream.leg is not None and stream.leg is not channel.media and stream.active:
            yield (stream.kind, number), stream.leg
