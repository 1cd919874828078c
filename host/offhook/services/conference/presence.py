"""A user's time in the room's bridge: who is told, what of its frames the others get, when it has to go."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from offhook.calls.frames import Condition, Control, Digit, Frame, Media, Text
from offhook.media.events import Noise, Silence
from offhook.services.conference import events as told
from offhook.services.conference.user import user_of

if TYPE_CHECKING:
    from offhook.calls.member import Member
    from offhook.media.recording import Watch
    from offhook.services.conference.room import Room
    from offhook.services.conference.user import User
    from offhook.services.features.detection import CodeDetection

_TALK_MS = 20
"""So long somebody must be loud to have begun to talk: a frame of Asterisk's."""


class Presence:
    """A bridge feature of each user of a room."""

    __slots__ = ("_codes", "_timer", "_watch", "room", "user")

    def __init__(self, room: Room, user: User) -> None:
        self.room = room
        self.user = user
        self._codes: CodeDetection | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._watch: Watch | None = None

    def joined(self, member: Member) -> None:
        """The user is in."""
        room, user = self.room, self.user
        member.muted = False
        room.settle_heard(user)
        profile = user.profile
        if user.menu.entries:
            self._codes = _detection(room, user, member)
        if profile.timeout:
            self._timer = room.pbx.loop.call_later(profile.timeout, self._expire)
        media = member.channel.media
        if media is not None and (profile.talk_detection_events or profile.dsp_drop_silence):
            self._watch = media.watch_silence(
                silence_ms=profile.dsp_silence_threshold,
                noise_ms=_TALK_MS,
                threshold=profile.dsp_talking_threshold,
            )
        user.arrive()
        room.tell(told.JOIN, user, ("Muted", "Yes" if user.muted else "No"))

    def frame(self, member: Member, frame: Frame) -> bool:
        """Keep back what is the room's own business."""
        if isinstance(frame, Media):
            self._heard(frame)
            return False
        if isinstance(frame, Digit):
            if self._codes is not None and self._codes.frame(member, frame):
                return True
            if self.user.profile.dtmf_passthrough:
                self._pass_digit(member, frame)
            return True
        if isinstance(frame, Text):
            self._pass_text(member, frame)
            return True
        if not isinstance(frame, Control) or frame.condition is Condition.HANGUP:
            return False
        if frame.condition is Condition.HOLD:
            self._deafen()
            self._talks(False)
        elif frame.condition is Condition.UNHOLD:
            self._listen()
        return True

    def left(self, member: Member) -> None:
        """The user is out."""
        if self._timer is not None:
            self._timer.cancel()
        self._deafen()
        if self._codes is not None:
            self._codes.left(member)
        self.room.tell(told.LEAVE, self.user)

    def _expire(self) -> None:
        channel = self.user.channel
        channel.set("CONFBRIDGE_RESULT", "TIMEOUT")
        self.room.bridge.remove(channel)

    # ---- talking ------------------------------------------------------------------------------------

    def _listen(self) -> None:
        """Find out from now on when the user talks, where somebody wants to know."""
        profile, media = self.user.profile, self.user.channel.media
        if self._watch is None and media is not None and (profile.talk_detection_events or profile.dsp_drop_silence):
            self._watch = media.watch_silence(
                silence_ms=profile.dsp_silence_threshold,
                noise_ms=_TALK_MS,
                threshold=profile.dsp_talking_threshold,
            )

    def _deafen(self) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def _heard(self, frame: Media) -> None:
        event = frame.event
        if self._watch is not None and isinstance(event, Noise | Silence) and event.watch is self._watch:
            self._talks(isinstance(event, Noise))

    def _talks(self, talks: bool) -> None:
        if talks == self.user.talking:
            return
        self.user.talking = talks
        if self.user.profile.talk_detection_events:
            self.room.tell(told.TALKING, self.user, ("TalkingStatus", "on" if talks else "off"))
        self.room.settle_heard(self.user)

    # ---- what the others get ------------------------------------------------------------------------

    def _pass_digit(self, member: Member, digit: Digit) -> None:
        for place in list(member.bridge.members.values()):
            if place is not member and not place.lonely and place.channel.alive:
                member.bridge.give(place, digit)

    def _pass_text(self, member: Member, text: Text) -> None:
        for place in list(member.bridge.members.values()):
            user = user_of(place.channel)
            if place is not member and place.channel.alive and user is not None and user.profile.text_messaging:
                member.bridge.give(place, text)


def _detection(room: Room, user: User, member: Member) -> CodeDetection:
    """What finds a user's menu entries in its digits."""
    from offhook.services.conference.doing import Doing
    from offhook.services.features.core import features_of
    from offhook.services.features.detection import CodeDetection

    works = Doing(room, user).works()
    general = features_of(room.pbx).general(user.channel)
    found = CodeDetection(
        member,
        lambda _member: works,
        lambda _channel: general.featuredigittimeout,
        lambda _channel, code: code,
        passes=user.profile.dtmf_passthrough,
    )
    found.joined(member)
    return found
