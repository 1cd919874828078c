"""What menu entries do: actions of a user of a room, carried out while the bridge leaves its sound alone."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from offhook.calls.frames import Digit
from offhook.calls.prompts import ANY_DIGIT, play_all
from offhook.dialplan.excursion import excursion
from offhook.functions.gains import apply_gains
from offhook.log import NOTICE
from offhook.services.conference.counting import tell_count
from offhook.services.conference.menus import DIALPLAN_EXEC, PLAYBACK, PLAYBACK_AND_CONTINUE, Action
from offhook.services.conference.volume import Volume

if TYPE_CHECKING:
    from offhook.calls.member import Member, Work
    from offhook.services.conference.room import Room
    from offhook.services.conference.user import User

log = logging.getLogger(__name__)


class Doing:
    """The menu of one user in one room."""

    __slots__ = ("_room", "_user", "_volume")

    def __init__(self, room: Room, user: User) -> None:
        self._room = room
        self._user = user
        self._volume = Volume()

    def works(self) -> dict[str, Work]:
        """What each sequence of digits starts."""
        return {digits: self._work(digits) for digits in self._user.menu.entries}

    def _work(self, digits: str) -> Work:
        async def work(member: Member) -> None:
            room, user = self._room, self._user
            room.hold_music(user)
            user.depart()
            try:
                await self._carry_out(digits)
            finally:
                room.release_music(user)
                user.arrive()

        return work

    async def _carry_out(self, digits: str) -> None:
        """Do everything an entry says; a digit that breaks into a prompt goes on from there."""
        silent = False
        for action in self._user.menu.entries.get(digits, ()):
            if action.name == PLAYBACK_AND_CONTINUE:
                if not silent:
                    silent = await self._prompt_for_more(digits, action)
            elif action.name != PLAYBACK or not silent:
                await _ACTIONS[action.name](self, action)

    async def _prompt_for_more(self, digits: str, action: Action) -> bool:
        """Play prompts until a digit comes, which continues the sequence; whether one came."""
        more = await play_all(self._user.channel, action.argument.split("&"), ANY_DIGIT)
        if more and digits + more in self._user.menu.entries:
            await self._carry_out(digits + more)
        return bool(more)

    async def _say(self, sound: str) -> None:
        """Tell the user something; a digit meanwhile is dialled in the menu afterwards."""
        self._again(await play_all(self._user.channel, [self._room.sound(sound)], ANY_DIGIT))

    def _again(self, digit: str) -> None:
        if digit:
            self._user.channel.frames.appendleft(Digit(digit, True, 0))

    # ---- actions ------------------------------------------------------------------------------------

    async def toggle_mute(self, _action: Action) -> None:
        user = self._user
        self._room.mute(user, not user.muted)
        await self._say("muted" if user.muted else "unmuted")

    async def toggle_binaural(self, _action: Action) -> None:
        log.log(NOTICE, "%s: toggle_binaural: rooms are not binaural", self._user.channel.name)

    async def no_op(self, _action: Action) -> None:
        """Nothing: a sequence that is only reserved."""

    async def volume(self, action: Action) -> None:
        self._volume.change(action.name)
        apply_gains(self._user.channel, Volume.SOURCE, *self._volume.decibels())

    async def lock(self, _action: Action) -> None:
        if self._user.profile.admin:
            self._room.locked = not self._room.locked
            await self._say("locked_now" if self._room.locked else "unlocked_now")

    async def mute_participants(self, _action: Action) -> None:
        room, channel = self._room, self._user.channel
        if not self._user.profile.admin:
            return
        room.muted = not room.muted
        for each in room.attendance.active:
            if not each.profile.admin:
                each.muted = room.muted
                room.settle_mute(each)
        sound = room.sound("participants_muted" if room.muted else "participants_unmuted")
        if channel.language == room.announcements.language:
            room.announcements.say([sound], ready=self._user.in_bridge)
            return
        await play_all(channel, [sound])
        await room.announcements.say([sound])

    async def participant_count(self, _action: Action) -> None:
        self._again(await tell_count(self._room, self._user, breaks=True))

    async def kick_last(self, _action: Action) -> None:
        room, user = self._room, self._user
        if not user.profile.admin:
            log.warning("%s: admin_kick_last in conference %s is for admins", user.channel.name, room.name)
            await self._say("error_menu")
            return
        last = room.attendance.active[-1] if room.attendance.active else user
        if last is user or last.profile.admin:
            await self._say("error_menu")
        elif not last.kicked:
            room.kick(last, "KICKED")

    async def leave(self, _action: Action) -> None:
        channel = self._user.channel
        channel.set("CONFBRIDGE_RESULT", "DTMF")
        self._room.test("CONF_MENU_LEAVE", ("Channel", channel.name))
        self._room.bridge.remove(channel)

    async def show(self, _action: Action) -> None:
        self._room.show(self._user)

    async def hide(self, _action: Action) -> None:
        self._room.hide(self._user)

    async def playback(self, action: Action) -> None:
        channel = self._user.channel
        await play_all(channel, action.argument.split("&"))
        self._room.test("CONF_MENU_PLAYBACK", ("Message", action.argument), ("Channel", channel.name))

    async def dialplan(self, action: Action) -> None:
        context, exten, priority = action.place()
        await excursion(self._user.channel, (context, exten, priority))


_ACTIONS: dict[str, Callable[[Doing, Action], Awaitable[None]]] = {
    "toggle_mute": Doing.toggle_mute,
    "toggle_binaural": Doing.toggle_binaural,
    "no_op": Doing.no_op,
    "increase_listening_volume": Doing.volume,
    "decrease_listening_volume": Doing.volume,
    "reset_listening_volume": Doing.volume,
    "increase_talking_volume": Doing.volume,
    "decrease_talking_volume": Doing.volume,
    "reset_talking_volume": Doing.volume,
    "admin_toggle_conference_lock": Doing.lock,
    "admin_toggle_mute_participants": Doing.mute_participants,
    "participant_count": Doing.participant_count,
    "admin_kick_last": Doing.kick_last,
    "leave_conference": Doing.leave,
    "set_as_single_video_src": Doing.show,
    "release_as_single_video_src": Doing.hide,
    PLAYBACK: Doing.playback,
    DIALPLAN_EXEC: Doing.dialplan,
}
