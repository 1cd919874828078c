"""A conference room: a bridge, who is in it and how, and what is said and recorded there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from offhook.calls import events
from offhook.calls.bridge import Bridge
from offhook.dialplan.context import DialplanError, Priority
from offhook.services.conference import events as told
from offhook.services.conference.announcing import Announcements
from offhook.services.conference.attendance import Attendance, State
from offhook.services.conference.events import ConferenceEvent
from offhook.services.conference.recording import RoomRecording
from offhook.services.conference.succession import Succession

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.services.conference.profiles import BridgeProfile
    from offhook.services.conference.user import User

log = logging.getLogger(__name__)

REGISTRAR = "ConfBridge"
EVERYBODY, PARTICIPANTS = "all", "participants"
"""Words for more than one channel: participants are all but admins."""
_VIDEO = {"follow_talker": "talker", "sfu": "sfu"}
"""The bridge's video mode by that of the profile, where it does not follow marked users."""
_RATES = (8000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000)


class Room:
    """A room with somebody in it, or on the way in."""

    def __init__(self, pbx: Pbx, name: str, profile: BridgeProfile) -> None:
        self.pbx = pbx
        self.name = name
        self.profile = profile
        self.locked = False
        self.muted = False
        """Whoever comes and is no admin comes muted."""
        self.attendance = Attendance(self)
        self.bridge = Bridge(
            pbx,
            kind="base",
            creator="ConfBridge",
            name=name,
            softmix=True,
            dissolve_on_hangup=False,
            dissolve_when_empty=False,
            stays=True,
        )
        self.bridge.minder = Succession(self)
        self.bridge.video_mode = _VIDEO.get(profile.video_mode, "none")
        self.bridge.mix_at(_nearest(profile.internal_sample_rate), _nearest(profile.maximum_sample_rate))
        self.announcements = Announcements(self.bridge, name, profile.language)
        self.recording = RoomRecording(self)
        self.closed = False
        self.begun = asyncio.Event()
        """Set once whoever opened the room has begun it."""

    async def start(self) -> None:
        """Begin: record if that is wanted, tell the bus, make the room's extension."""
        if self.profile.record_conference:
            await self.recording.start()
        self.tell(told.START)
        context = self.profile.regcontext
        if context and not self.pbx.dialplan.exists(context, self.name, 1, ""):
            if context not in self.pbx.dialplan.contexts:
                self.pbx.dialplan.create(context, REGISTRAR)
            self.pbx.dialplan.add(context, Priority(self.name, 1, "NoOp", "", registrar=REGISTRAR))
        self.begun.set()

    # ---- what others ask ----------------------------------------------------------------------------

    @property
    def users(self) -> list[User]:
        """Everybody: those who take part, then those who wait."""
        return self.attendance.everybody()

    def admits(self, user: User) -> bool:
        """Whether somebody may come in."""
        most = self.profile.max_members
        full = bool(most) and len(self.attendance.active) >= most
        return user.profile.admin or not (self.locked or full)

    def sound(self, name: str) -> str:
        """The prompt for something."""
        return self.profile.sound(name)

    def tell(self, kind: str, user: User | None = None, *details: tuple[str, str]) -> None:
        """Publish what happened in the room; with a user whether it is an admin belongs to it."""
        if user is not None:
            admin = ("Admin", _yes(user.profile.admin))
            details = (*details, admin) if kind == told.TALKING else (admin, *details)
        channel = user.channel if user is not None else None
        event = ConferenceEvent(kind, self.name, self.bridge, channel, details)
        if self.profile.enable_events:
            from offhook.services.conference.messages import send_event

            send_event(self, event, user)
        self.pbx.bus.publish(event)

    def test(self, state: str, *headers: tuple[str, str], function: str = "") -> None:
        """Publish a step that Asterisk's tests look at."""
        if self.pbx.bus.wants(events.TestEvent):
            self.pbx.bus.publish(events.TestEvent(state, headers, "app_confbridge.c", function))

    def lock(self, on: bool) -> None:
        """Let nobody in but admins, or everybody again."""
        self.locked = on
        message = f"conference {'locked' if on else 'unlocked'}"
        self.test("CONF_LOCK", ("Message", message), ("Conference", self.profile.name))

    def mute(self, user: User, on: bool) -> None:
        """Mute somebody as asked for, or no longer."""
        user.muted = on
        self.settle_mute(user)
        name, word = user.channel.name, "muted" if on else "unmuted"
        message = f"participant {name} {word}"
        self.test("CONF_MUTE", ("Message", message), ("Conference", self.profile.name), ("Channel", name))
        self.tell(told.MUTE if on else told.UNMUTE, user)

    def mute_named(self, name: str, on: bool) -> bool:
        """Mute the first whose channel's name begins so, all, or participants; whether there was anybody."""
        for each in (found := list(self._named(name, whole=False))):
            self.mute(each, on)
        return bool(found)

    def kick_named(self, name: str) -> bool:
        """Throw out the one with that channel, all, or participants; whether there was anybody."""
        for each in (found := [user for user in self._named(name, whole=True) if not user.kicked]):
            self.kick(each, "KICKED")
        return bool(found)

    def _named(self, name: str, *, whole: bool) -> Iterable[User]:
        word = name.lower()
        users = self.users
        if word in (EVERYBODY, PARTICIPANTS):
            return [user for user in users if word == EVERYBODY or not user.profile.admin]
        names = ((user, user.channel.name.lower()) for user in users)
        return [user for user, full in names if (full == word if whole else full.startswith(word))][:1]

    # ---- coming and going ---------------------------------------------------------------------------

    def join(self, user: User) -> None:
        """Somebody comes; what is said on the way in is for ``entry`` to do."""
        if user.profile.startmuted or (self.muted and not user.profile.admin):
            user.muted = True
        user.music_held = 1
        self.attendance.join(user)

    def leave(self, user: User) -> None:
        """Somebody is gone; with the last one the room ends."""
        self.attendance.leave(user)

    def hold_music(self, user: User) -> None:
        """Let somebody's music pause while something else is to be heard."""
        user.music_held += 1
        if user.music_held == 1 and user.music:
            self.pbx.stop_music(user.channel)

    def release_music(self, user: User) -> None:
        """What was to be heard is over."""
        user.music_held -= 1
        if not user.music_held and user.music and user.channel.alive:
            self.pbx.start_music(user.channel, user.profile.music_on_hold_class)

    def show(self, user: User) -> None:
        """Note whose pictures all are to see."""
        if self.profile.video_mode != "sfu":
            self.bridge.video_mode, self.bridge.video_source = "single", user.channel.uniqueid

    def hide(self, user: User) -> None:
        """Note that these pictures are not to be seen any more."""
        if self.bridge.video_source == user.channel.uniqueid:
            self.bridge.video_mode, self.bridge.video_source = _VIDEO.get(self.profile.video_mode, "none"), ""

    def abandon(self) -> None:
        """Whoever opened the room is gone before it began: it ends if nobody came meanwhile."""
        self.begun.set()
        if not self.users:
            self.ended()

    # ---- as the attendance asks ---------------------------------------------------------------------

    def state_changed(self, old: State, new: State) -> None:
        """Tell tests."""
        log.debug("conference %s: %s, was %s", self.name, new.value, old.value)
        self.test("CONF_CHANGE_STATE", ("Conference", self.name), ("OldState", old.value), ("NewState", new.value))

    def opened(self) -> None:
        """The room is in use."""
        self.pbx.devices.changed(f"confbridge:{self.name}")

    def ended(self) -> None:
        """The last one is gone."""
        self.closed = True
        rooms = rooms_of(self.pbx)
        rooms.remove(self)
        self.pbx.devices.changed(f"confbridge:{self.name}")
        self.tell(told.END)
        context = self.profile.regcontext
        if context and self.pbx.dialplan.exists(context, self.name, 1, ""):
            try:
                self.pbx.dialplan.remove(context, self.name, 1, registrar=REGISTRAR)
            except DialplanError as error:
                log.debug("conference %s: %s", self.name, error)
        self.recording.stop()
        self.announcements.close()
        self.bridge.dissolve()

    def start_music(self, user: User) -> None:
        """Let somebody hear music, now or when it is not held back any more."""
        user.music = True
        if not user.music_held:
            self.pbx.start_music(user.channel, user.profile.music_on_hold_class)

    def stop_music(self, user: User) -> None:
        """Let somebody hear the room."""
        user.music = False
        if not user.music_held:
            self.pbx.stop_music(user.channel)

    def settle_mute(self, user: User) -> None:
        """Have somebody heard who asked for nothing else, hears no music and waits for nobody."""
        user.silent = user.muted or user.music or (user.profile.wait_marked and not self.attendance.marked)
        self.settle_heard(user)
        mode = ("Mode", "muted" if user.silent else "unmuted")
        self.test("CONF_MUTE_UPDATE", mode, ("Conference", self.profile.name), ("Channel", user.channel.name))

    def settle_heard(self, user: User) -> None:
        """Have the bridge mix somebody who is not silent; silence is not mixed where that is wanted."""
        quiet = user.profile.dsp_drop_silence and not user.talking
        self.bridge.mute(user.channel, user.silent or quiet)

    def kick(self, user: User, result: str) -> None:
        """Throw somebody out."""
        user.kicked = True
        user.channel.set("CONFBRIDGE_RESULT", result)
        if user.channel.bridge is self.bridge:
            self.bridge.remove(user.channel)

    def leader_left(self, leader: User) -> None:
        """Say so to those who stay."""
        if not leader.profile.quiet:
            self.announcements.say([self.sound("leader_has_left")])


class Rooms:
    """All rooms, by name in lower case."""

    def __init__(self, pbx: Pbx) -> None:
        self._pbx = pbx
        self._rooms: dict[str, Room] = {}

    def find(self, name: str) -> Room | None:
        """The room of that name in any case."""
        return self._rooms.get(name.lower())

    def open(self, name: str, profile: BridgeProfile) -> Room:
        """A new room."""
        room = self._rooms[name.lower()] = Room(self._pbx, name, profile)
        return room

    def remove(self, room: Room) -> None:
        """Forget a room that has ended."""
        if self._rooms.get(room.name.lower()) is room:
            del self._rooms[room.name.lower()]

    def __iter__(self) -> Iterator[Room]:
        return iter(list(self._rooms.values()))

    def __len__(self) -> int:
        return len(self._rooms)


def rooms_of(pbx: Pbx) -> Rooms:
    """The rooms of an exchange."""
    found: Rooms = pbx.parts.setdefault("conference rooms", Rooms(pbx))
    return found


def _nearest(rate: int) -> int:
    """The rate that can be mixed at which is next to one that is wanted; 0 stays 0."""
    return min(_RATES, key=lambda known: abs(known - rate)) if rate else 0


def _yes(value: bool) -> str:
    return "Yes" if value else "No"
