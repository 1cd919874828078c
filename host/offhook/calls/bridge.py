"""Bridges: channels that hear each other.

A channel is in a bridge either with its own task waiting in ``join`` (the caller in Dial), or imparted
(the called party), in which case leaving means its ``after_bridge`` or its end. The engine mixes; the
bridge decides who is connected to whom, passes digits and conditions on, and runs the features.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from offhook.calls import accounts, causes, events, linking
from offhook.calls.bridge_technologies import HOLDING, SIMPLE, SOFTMIX, choose
from offhook.calls.channel import Channel
from offhook.calls.frames import Condition, Control, Digit, Frame, Media, Text
from offhook.calls.indicating import WAITS
from offhook.calls.member import Feature, Member, Minder
from offhook.calls.mixing import Mixing
from offhook.calls.outliving import outlive
from offhook.calls.streams import mirrored
from offhook.media.rtp import RtpLeg

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)


class Bridge:
    """Channels connected to each other.

    ``dissolve_on_hangup``: any member's hangup ends the bridge (a two-party call).
    ``dissolve_when_empty``: the bridge ends with its last member.
    ``stays``: its channels are not taken into other bridges, and no Local channel between; others come here.
    ``keeps``: where a Local channel between is taken out, the others come here.
    ``technology`` is Asterisk's name for the way of mixing: simple_bridge, softmix, holding_bridge. A bridge for which
    all that could serve it are suspended ends when a channel comes in.
    """

    def __init__(
        self,
        pbx: Pbx,
        *,
        kind: str = "basic",
        creator: str = "",
        name: str = "",
        uniqueid: str = "",
        dissolve_on_hangup: bool = True,
        dissolve_when_empty: bool = True,
        holding: bool = False,
        softmix: bool = False,
        stays: bool = False,
        keeps: bool = False,
    ) -> None:
        self.pbx = pbx
        self.uniqueid = uniqueid or pbx.bridges.new_id()
        self.kind = kind
        self.creator = creator
        self.name = name
        self.dissolve_on_hangup = dissolve_on_hangup
        self.dissolve_when_empty = dissolve_when_empty
        self.holding = holding
        self.softmix = softmix
        self.stays = stays
        self.keeps = keeps
        self.technology = choose(pbx, (HOLDING,) if holding else (SOFTMIX,) if softmix else (SIMPLE, SOFTMIX))
        self.created_at = pbx.now()
        self.members: dict[Channel, Member] = {}
        self.dissolved = False
        self.cause = 0
        self.minder: Minder | None = None
        self.video_mode = "none"
        self.video_source = ""
        self.data: dict[str, Any] = {}
        self._mixing = Mixing(pbx)
        pbx.bridges.add(self)
        pbx.bus.tell(events.BridgeCreate, self)

    def __iter__(self) -> Iterator[Channel]:
        return iter(list(self.members))

    def __len__(self) -> int:
        return len(self.members)

    def __repr__(self) -> str:
        return f"<bridge {self.uniqueid} {self.technology} {len(self.members)}>"

    # ---- coming and going ---------------------------------------------------------------------------

    async def join(self, channel: Channel, *features: Feature, swap: Channel | None = None, role: str = "") -> None:
        """Put a channel whose task this is into the bridge and wait until it is out again (at once if dissolved)."""
        if self.dissolved:
            return
        departed = self.pbx.loop.create_future()
        self._enter(channel, Member(self, channel, list(features), departed), swap, role)
        try:
            await departed
        finally:
            bridge = channel.bridge  # it may have moved to another bridge meanwhile
            if bridge is not None:
                bridge.remove(channel)

    def impart(
        self,
        channel: Channel,
        *features: Feature,
        swap: Channel | None = None,
        role: str = "",
        after: Callable[[Channel], None] | None = None,
        muted: bool = False,
        lonely: bool = False,
    ) -> Member:
        """Put a channel without a task into the bridge. When it leaves, ``after`` (or the channel's
        ``after_bridge``) is called with it; without one it is hung up."""
        if after is not None:
            channel.after_bridge = after
        member = Member(self, channel, list(features), None)
        member.muted, member.lonely = muted, lonely
        self._enter(channel, member, swap, role)
        return member

    def _enter(self, channel: Channel, member: Member, swap: Channel | None, role: str) -> None:
        if self.dissolved:
            raise RuntimeError(f"bridge {self.uniqueid} is dissolved")
        if channel.bridge is not None:
            raise RuntimeError(f"{channel.name} is in bridge {channel.bridge.uniqueid} already")
        member.role = role
        self.members[channel] = member
        channel.bridge = self
        if not member.suspended:
            channel.consumer = lambda frame: self._frame(channel, frame)
        if self.minder is not None:
            self.minder.entered(self, channel, swap)  # what the other one has (a parking place) is taken over first
        if swap is not None and swap in self.members:
            self._leave(swap, mix=False)
        if self.kind == "basic":
            others = [other for other in self.members if other is not channel]
            linking.join(channel, others)
            accounts.join(channel, others)
        self.pbx.bus.tell(events.BridgeEnter, self, channel, swap)
        self._mix()
        if self.dissolved:
            return
        self._name_peers()
        for build in self.pbx.parts.get("member_features", ()):
            if (found := build(member)) is not None:
                member.features.append(found)
        for feature in member.features:
            feature.joined(member)
        self._catch_up(member)
        if channel.hangup_requested and channel.bridge is self:
            self.remove(channel)
        for other in self:
            other.tech_bridged()
        self._tell_native()

    def remove(self, channel: Channel) -> None:
        """Take a channel out; what the bridge is for decides whether it lives on."""
        if channel in self.members:
            if self.minder is not None:
                self._leave(channel)
                self.minder.departed(self, channel)
                return
            hung = channel.hangup_requested or channel.hungup
            self._leave(channel, mix=self.kind != "basic" or len(self.members) > 2)  # a pair that is broken ends
            pair_broken = self.kind == "basic" and len(self.members) < 2
            empty = self.dissolve_when_empty and all(member.lonely for member in self.members.values())
            ends = hung and self.dissolve_on_hangup and self.kind != "basic"
            if pair_broken or empty or ends:
                self.dissolve(channel.hangup_cause)

    def _leave(self, channel: Channel, *, mix: bool = True) -> None:
        if not self.dissolved:
            _set_peers(channel, None)
        member = self.members.pop(channel)
        channel.bridge = None
        channel.consumer = None
        self._mixing.disconnect(channel)
        self._settle_accounts()
        for feature in member.features:
            feature.left(member)
        member.features = []
        member.end_works()
        if WAITS in channel.flags and channel.alive:
            channel.indicate(Condition.UNHOLD)
        self.pbx.bus.tell(events.BridgeLeave, self, channel)
        if mix and self.members:
            self._mix()
            self._name_peers()
        if member.departed is not None:
            if not member.departed.done():
                member.departed.set_result(None)
        elif not channel.hungup:
            self.pbx.loop.call_soon(_after, channel, channel.task)

    def move(
        self,
        channel: Channel,
        target: Bridge,
        *,
        swap: Channel | None = None,
        between: Callable[[], None] | None = None,
    ) -> None:
        """Move a member to another bridge; a task waiting in ``join`` goes on waiting there.

        ``between`` is called when it is out of the one and not in the other yet.
        """
        member = self.members.pop(channel)
        channel.bridge = None
        channel.consumer = None
        self._mixing.disconnect(channel)
        self._settle_accounts()
        outlive(channel)
        self.pbx.bus.tell(events.BridgeLeave, self, channel)
        if self.members:
            self._mix()
            self._name_peers()
        member.bridge = target
        if between is not None:
            between()
        target._enter(channel, member, swap, member.role)

    def merge(self, source: Bridge, kick: tuple[Channel, ...] = ()) -> None:
        """Take over all of another bridge's channels but those to kick, which leave it; that bridge ends."""
        self.pbx.bus.tell(events.BridgeMerge, self, source)
        for channel in source:
            if channel in kick:
                source._leave(channel, mix=False)
            else:
                source.move(channel, self)
        for channel in kick:
            if channel in self.members:
                self._leave(channel)
        source.dissolve()

    def dissolve(self, cause: int = 0) -> None:
        """End the bridge: everybody leaves."""
        if self.dissolved:
            return
        self.dissolved = True
        self.minder = None
        self.cause = cause
        for channel in self:
            _set_peers(channel, None)
        for channel in self:
            if not channel.hangup_cause:
                channel.hangup_cause = cause or causes.NORMAL_CLEARING
            self._leave(channel, mix=False)
        self._mixing.close()
        self.pbx.bridges.remove(self)
        self.pbx.bus.tell(events.BridgeDestroy, self)

    def peer(self, channel: Channel) -> Channel | None:
        """The other channel of a two-party bridge."""
        if len(self.members) != 2:
            return None
        return next((other for other in self.members if other is not channel), None)

    def _settle_accounts(self) -> None:
        if self.kind == "basic" and not self.dissolved:
            accounts.remain(self.members)

    def _name_peers(self, *, anew: bool = False) -> None:
        """Tell every member in BRIDGEPEER who is with it, ``anew`` even if it knows."""
        if self.holding or len(self.members) < 2:
            return
        first = list(self.members)[: _MOST_PEERS + 1]
        for channel in self.members:
            _set_peers(channel, [other for other in first if other is not channel], anew=anew)

    def _tell_native(self) -> None:
        """Two parties by RTP: Asterisk's bridge would turn into native_rtp, and managers hear of that as often as there
        are parties, by their peers being named anew."""
        if self.technology != SIMPLE or len(self.members) != 2 or not self.pbx.bus.wants(events.VarSet):
            return
        if all(isinstance(channel.media, RtpLeg) and not channel.data.get("taps") for channel in self.members):
            for _ in self.members:
                self._name_peers(anew=True)

    # ---- frames -------------------------------------------------------------------------------------

    def _frame(self, channel: Channel, frame: Frame) -> None:
        member = self.members.get(channel)
        if member is None:
            return
        for feature in member.features:
            if feature.frame(member, frame):
                return
        if isinstance(frame, Control):
            condition = frame.condition
            if condition is Condition.HANGUP:
                self.remove(channel)
                return
            if condition is Condition.ANSWER:
                return
            if condition in _NOT_PASSED:
                return
            if condition is Condition.STREAM_TOPOLOGY_CHANGED:
                self._match_streams(channel)
                return
        if member.suspended:
            return
        self.write(channel, frame)

    def _match_streams(self, channel: Channel) -> None:
        """A party of a call of two has other streams now: the other one is asked for the same."""
        other = self._mixing.other(channel)
        if other is not None:
            wanted = mirrored(channel.streams, other.streams)
            if wanted != other.streams:
                other.indicate(Condition.STREAM_TOPOLOGY_REQUEST, wanted)

    def write(self, source: Channel | None, frame: Frame) -> None:
        """Pass a digit, condition or text on to everybody but its source."""
        if isinstance(frame, Media) or (isinstance(frame, Digit) and (self.holding or self.softmix)):
            return
        for member in list(self.members.values()):
            if member.channel is not source:
                self.give(member, frame)

    def give(self, member: Member, frame: Frame) -> None:
        """Send a member's party what another one sent; a member that is suspended gets it afterwards."""
        if member.suspended:
            member.deferred.append(frame)
        elif not member.channel.hungup:
            _pass(member.channel, frame)

    # ---- media --------------------------------------------------------------------------------------

    def mix_at(self, rate: int, most: int = 0) -> None:
        """Mix at that rate (0: the best of the members'), at ``most`` that of (0: any); before anybody is in."""
        self._mixing.limit(rate, most)

    def mute(self, channel: Channel, on: bool) -> None:
        """Let a member of a mix be heard by nobody, or again."""
        member = self.members.get(channel)
        if member is not None and member.muted != on:
            member.muted = on
            self._mixing.change(channel, member)

    def suspend(self, member: Member) -> None:
        """Take a member's media out of the mix for a moment (it stays a member).

        What its party sends waits for ``channel.read`` meanwhile, and what the others send for ``resume``.
        """
        if not member.suspended:
            member.suspended = True
            member.channel.consumer = None
            self._mix()

    def resume(self, member: Member) -> None:
        """Put a suspended member's media back; frames that nobody read are the bridge's again."""
        channel = member.channel
        member.suspended = False
        channel.consumer = lambda frame: self._frame(channel, frame)
        self._mix()
        self._catch_up(member)
        while member.deferred and channel.bridge is self and not member.suspended:
            _pass(channel, member.deferred.pop(0))
        channel.tech_bridged()

    def _catch_up(self, member: Member) -> None:
        """Take what the party sent before the bridge listened to it."""
        channel = member.channel
        while channel.frames and channel.bridge is self and not member.suspended:
            self._frame(channel, channel.frames.popleft())

    def _choose(self) -> str:
        """The way of mixing for those who are here now."""
        if self.holding:
            return choose(self.pbx, (HOLDING,), self.technology, (HOLDING,))
        if self.softmix or len(self.members) > 2:
            return choose(self.pbx, (SOFTMIX,), self.technology, (SOFTMIX,))
        return choose(self.pbx, (SIMPLE,), self.technology, (SIMPLE, SOFTMIX))

    def _mix(self) -> None:
        technology = self._choose()
        if not technology:
            log.warning("Bridge %s has no technology available to support it.", self.uniqueid)
            self.dissolve()
            return
        self._set_technology(technology)
        self._mixing.arrange(technology, self.members)

    def _set_technology(self, technology: str) -> None:
        if technology != self.technology:
            old, self.technology = self.technology, technology
            self.pbx.bus.tell(events.BridgeTechnology, self, old)


#: Conditions that end at the bridge: they are about the leg itself.
_NOT_PASSED = frozenset(
    {
        Condition.RING,
        Condition.TAKE_OFF_HOOK,
        Condition.BUSY,
        Condition.CONGESTION,
        Condition.STREAM_STOP,
        Condition.STREAM_SUSPEND,
        Condition.STREAM_RESTART,
        Condition.STREAM_REVERSE,
        Condition.STREAM_FORWARD,
    }
)


_MOST_PEERS = 10
"""BRIDGEPEER names no more."""


def _pass(channel: Channel, frame: Frame) -> None:
    """Send the party what another one sent."""
    if isinstance(frame, Digit) and frame.end:
        channel.send_digit_end(frame.digit, frame.duration_ms)
    elif isinstance(frame, Digit):
        channel.send_digit_begin(frame.digit)
    elif isinstance(frame, Text):
        channel.tech_send_text(frame)
    elif isinstance(frame, Control):
        condition = frame.condition
        if condition is Condition.CONNECTED_LINE and frame.payload is not None:
            channel.set_connected(frame.payload)  # type: ignore[arg-type]
        elif condition is Condition.REDIRECTING and frame.payload is not None:
            channel.set_redirecting(frame.payload)  # type: ignore[arg-type]
        else:
            channel.indicate(condition, frame.payload)


def _set_peers(channel: Channel, peers: list[Channel] | None, *, anew: bool = False) -> None:
    """Set BRIDGEPEER and, in a call of two, BRIDGEPVTCALLID, or drop them; set what is set only ``anew``."""
    names = ",".join(peer.name for peer in peers) if peers else ""
    call_id = peers[0].tech_call_id() if peers and len(peers) == 1 else ""
    for name, value in (("BRIDGEPEER", names), ("BRIDGEPVTCALLID", call_id)):
        if value:
            if anew or value != channel.get(name):
                channel.set(name, value)
        elif channel.variables.pop(name) is not None:
            channel.announce_variable(name, "")


def _after(channel: Channel, task: asyncio.Task[None] | None) -> None:
    """An imparted channel is out of its bridge: carry on elsewhere or end, unless somebody made it do so already.

    ``task`` is what ran on it when it left (a channel that picked up the call has one).
    """
    if channel.bridge is not None or channel.hungup or channel.task is not task:
        return
    after, channel.after_bridge = channel.after_bridge, None
    if after is not None and channel.alive:
        outlive(channel)
        after(channel)
    else:
        channel.hangup(0 if channel.hangup_cause else causes.NORMAL_CLEARING)
