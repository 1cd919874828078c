"""Holding bridges: many wait, each entertained on its own; one announcer is heard by all."""

from __future__ import annotations

from offhook.calls.bridge import Bridge
from offhook.calls.frames import Condition, Control, Frame
from offhook.calls.member import Member

ANNOUNCER = "announcer"
PARTICIPANT = "holding_participant"
KEPT = "kept"
"""Among the flags of a channel that comes back to a holding bridge: it is not taken out as a Local channel between."""


class Waiting:
    """A bridge feature of somebody who waits: music, ringing, hold, silence or nothing until an announcer comes.

    ``mode`` is m, r, h, s or n as BridgeWait's option e has it.
    """

    __slots__ = ("_active", "mode", "music_class")

    def __init__(self, mode: str = "m", music_class: str = "") -> None:
        self.mode = mode
        self.music_class = music_class
        self._active = False

    def joined(self, member: Member) -> None:
        """Begin to entertain, unless somebody announces."""
        if not any(other.role == ANNOUNCER for other in member.bridge.members.values()):
            self.start(member)

    def start(self, member: Member) -> None:
        """Begin to entertain."""
        if self._active:
            return
        self._active = True
        channel = member.channel
        if self.mode == "m":
            channel.pbx.start_music(channel, self.music_class)
        elif self.mode == "r":
            channel.indicate(Condition.RINGING)
        elif self.mode == "h":
            channel.indicate(Condition.HOLD, self.music_class)

    def stop(self, member: Member) -> None:
        """Leave off."""
        if not self._active:
            return
        self._active = False
        channel = member.channel
        if self.mode == "m":
            channel.pbx.stop_music(channel)
        elif self.mode == "r":
            channel.indicate(Condition.STOP)
        elif self.mode == "h":
            channel.indicate(Condition.UNHOLD)

    def frame(self, member: Member, frame: Frame) -> bool:
        """Nobody hears of somebody who waits; only the hangup counts."""
        return not (isinstance(frame, Control) and frame.condition is Condition.HANGUP)

    def left(self, member: Member) -> None:
        """Leave off."""
        self.stop(member)


class Announcing:
    """A bridge feature of the announcer: while it is there nobody is entertained."""

    __slots__ = ()

    def joined(self, member: Member) -> None:
        """Everybody listens."""
        for other, waiting in _waiting(member.bridge):
            waiting.stop(other)

    def frame(self, member: Member, frame: Frame) -> bool:
        """Nothing is kept back."""
        return False

    def left(self, member: Member) -> None:
        """Everybody is entertained again."""
        for other, waiting in _waiting(member.bridge):
            waiting.start(other)


def _waiting(bridge: Bridge) -> list[tuple[Member, Waiting]]:
    return [
        (member, feature)
        for member in bridge.members.values()
        for feature in member.features
        if isinstance(feature, Waiting)
    ]
