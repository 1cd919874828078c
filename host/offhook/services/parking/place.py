"""A call that is parked: its place, its time, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offhook.calls.channel import Channel
from offhook.calls.holding import Waiting
from offhook.calls.member import Member

if TYPE_CHECKING:
    from offhook.services.parking.lots import Lot


@dataclass(slots=True)
class ParkingEvent:
    """Something happened to a parked call; ``kind`` is the manager interface's name of it."""

    kind: str
    place: Place


class Place(Waiting):
    """Somebody at a place of a parking lot; a feature of its presence in the lot's bridge."""

    __slots__ = (
        "_ended",
        "_timer",
        "announced",
        "channel",
        "comeback",
        "limit",
        "lot",
        "number",
        "parker",
        "resolved",
        "retriever",
        "since",
    )

    def __init__(
        self,
        lot: Lot,
        number: int,
        channel: Channel,
        parker: str,
        limit: int,
        ended: Callable[[Place, str], None],
        *,
        mode: str = "m",
        music_class: str = "",
        comeback: str = "",
    ) -> None:
        super().__init__(mode, music_class)
        self.lot = lot
        self.number = number
        self.channel = channel
        self.parker = parker
        """The dial string of who parked the call."""
        self.limit = limit
        """s; 0 is for ever."""
        self.comeback = comeback
        self.retriever: Channel | None = None
        self.announced = False
        """The parked party is told the place."""
        self.resolved = ""
        self.since = channel.pbx.now()
        self._ended = ended
        self._timer: asyncio.TimerHandle | None = None

    @property
    def duration(self) -> int:
        """s the call is parked so far."""
        return int(self.channel.pbx.now() - self.since)

    @property
    def left_s(self) -> int:
        """s until the call comes back."""
        return self.limit - self.duration

    def joined(self, member: Member) -> None:
        """The call is in the lot: entertain it and watch the clock."""
        self.channel = member.channel
        if self.limit and self._timer is None:
            loop = member.channel.pbx.loop
            remaining = max(0.0, self.since + self.limit - member.channel.pbx.now())
            self._timer = loop.call_later(remaining, self._ended, self, "timeout")
        super().joined(member)

    def left(self, member: Member) -> None:
        """The call is gone from the lot, unless another channel took its place in it."""
        super().left(member)
        if member.channel is self.channel:
            self.stop_clock()
            if not self.resolved:
                self._ended(self, "giveup")

    def stop_clock(self) -> None:
        """The call will not come back by itself."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
