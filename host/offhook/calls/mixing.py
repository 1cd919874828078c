"""Who hears whom in a bridge: two legs of the engine connected to each other, or one of its mixers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from offhook.calls.bridge_technologies import HOLDING, SIMPLE
from offhook.calls.member import SPEAKER

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.calls.member import Member
    from offhook.calls.pbx import Pbx


class Mixing:
    """The media of one bridge. ``arrange`` is called again whenever members or technology change."""

    __slots__ = ("_mixed", "_mixer", "_pair", "_pbx", "_rates")

    def __init__(self, pbx: Pbx) -> None:
        self._pbx = pbx
        self._mixer: Any = None
        self._mixed: dict[Channel, tuple[bool, bool]] = {}
        """Who is in the mixer, and whether they hear and are heard."""
        self._rates = (0, 0)
        self._pair: tuple[Channel, Channel] | None = None

    def arrange(self, technology: str, members: Mapping[Channel, Member]) -> None:
        """Connect those who are not suspended, in this way of mixing."""
        active = [channel for channel, member in members.items() if not member.suspended and channel.media is not None]
        if technology == HOLDING:
            self._hold(active, members)
        elif technology == SIMPLE:
            self._connect_pair(active)
        else:
            self._drop_pair()
            self._mix(active, {channel: _manner(members[channel]) for channel in active})

    def limit(self, rate: int, most: int) -> None:
        """Mix at that rate (0: the best of the members'), at ``most`` that of (0: any)."""
        self._rates = (rate, most)

    def change(self, channel: Channel, member: Member) -> None:
        """A member of a mixer may be heard otherwise now."""
        manner = _manner(member)
        if self._mixed.get(channel, manner) != manner and channel.media is not None:
            self._mixed[channel] = manner
            self._mixer.add(channel.media, hears=manner[0], heard=manner[1])

    def other(self, channel: Channel) -> Channel | None:
        """The other one of two that are connected to each other."""
        if self._pair is None or channel not in self._pair:
            return None
        return self._pair[0] if self._pair[1] is channel else self._pair[1]

    def disconnect(self, channel: Channel) -> None:
        """It hears and is heard no more."""
        if self._pair is not None and channel in self._pair:
            self._drop_pair()
        if channel in self._mixed:
            del self._mixed[channel]
            if channel.media is not None:
                self._mixer.remove(channel.media)

    def close(self) -> None:
        """Disconnect everybody."""
        self._drop_pair()
        self._drop_mixer()

    def _connect_pair(self, active: list[Channel]) -> None:
        self._drop_mixer()
        pair = (active[0], active[1]) if len(active) == 2 else None
        if pair == self._pair:
            return
        self._drop_pair()
        if pair is not None:
            assert pair[0].media is not None and pair[1].media is not None
            pair[0].media.connect(pair[1].media, digits=False)
            self._pair = pair
            pair[0].tech_paired(pair[1])
            pair[1].tech_paired(pair[0])

    def _hold(self, active: list[Channel], members: Mapping[Channel, Member]) -> None:
        """Only an announcer is heard, by everybody else."""
        announcers = [channel for channel in active if members[channel].role == "announcer"]
        if announcers:
            self._mix(active, {channel: (channel not in announcers, channel in announcers) for channel in active})
        else:
            self._drop_mixer()

    def _mix(self, active: list[Channel], manners: Mapping[Channel, tuple[bool, bool]]) -> None:
        """Have these in the mixer, who hear or are heard as ``manners`` says."""
        if self._mixer is None:
            self._mixer = self._pbx.engine.mixer(*self._rates)
            self._mixed.clear()
        for channel in [one for one in self._mixed if one not in active]:
            self.disconnect(channel)
        for channel in active:
            if channel not in self._mixed and channel.media is not None:
                hears, heard = self._mixed[channel] = manners[channel]
                self._mixer.add(channel.media, hears=hears, heard=heard)

    def _drop_pair(self) -> None:
        pair, self._pair = self._pair, None
        if pair is not None:
            for channel in pair:
                channel.tech_unpaired()
            media = pair[0].media or pair[1].media
            if media is not None:
                media.disconnect()

    def _drop_mixer(self) -> None:
        if self._mixer is not None:
            self._mixer.close()
            self._mixer = None
            self._mixed.clear()


def _manner(member: Member) -> tuple[bool, bool]:
    """Whether a member of a mixer hears and is heard."""
    return member.role != SPEAKER, not member.muted
