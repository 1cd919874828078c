"""The way into a room and out again: what ConfBridge does, from looking up profiles to the last prompt."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from offhook.calls.answering import answer_and_wait
from offhook.calls.channel import Channel, Hangup
from offhook.calls.prompts import play_all
from offhook.dialplan.invocation import FunctionError
from offhook.services.conference import asking, configuration
from offhook.services.conference.attendance import BEGIN, ONLY_PERSON, WAIT_FOR_LEADER
from offhook.services.conference.counting import tell_all_count, tell_count
from offhook.services.conference.farewell import forget, tell_others
from offhook.services.conference.presence import Presence
from offhook.services.conference.room import Room, rooms_of
from offhook.services.conference.user import IN, User

if TYPE_CHECKING:
    from offhook.services.conference.configuration import Configuration

log = logging.getLogger(__name__)

RESULT = "CONFBRIDGE_RESULT"
MOST_NAME = 79
"""Characters that the name of a room may have."""


class NoEntry(Exception):
    """Somebody does not come in; the sentence says why, "" when it has been told."""


async def take_part(channel: Channel, config: Configuration, name: str, bridge: str, user: str, menu: str) -> None:
    """Have a channel take part in a conference until it leaves. CONFBRIDGE_RESULT tells why it did."""
    try:
        who = await _prepare(channel, config, name, bridge, user, menu)
        try:
            room = await _enter(who, name)
        except BaseException:
            asking.drop_name(who)
            raise
    except NoEntry as refusal:
        if str(refusal):
            log.warning("%s: ConfBridge: %s", channel.name, refusal)
        channel.set(RESULT, "FAILED")
        raise Hangup from None
    except BaseException:
        channel.data.pop(IN, None)
        channel.set(RESULT, "FAILED")
        raise
    await _stay(room, who)


async def _prepare(channel: Channel, config: Configuration, name: str, bridge: str, user: str, menu: str) -> User:
    """Profiles, answer, PIN and name of whoever wants to come in."""
    if not name:
        raise NoEntry("give the name of a conference: ConfBridge(name)")
    if len(name) > MOST_NAME:
        raise NoEntry(f"the name of a conference has {MOST_NAME} characters at most")
    room_profile = configuration.bridge_for(config, channel, bridge)
    if room_profile is None:
        raise NoEntry(f"confbridge.conf has no bridge profile {bridge!r}")
    profile = configuration.user_for(config, channel, user)
    if profile is None:
        raise NoEntry(f"confbridge.conf has no user profile {user!r}")
    found = configuration.menu_for(config, channel, menu)
    if found is None:
        raise NoEntry(f"confbridge.conf has no menu {menu!r}")
    if profile.answer_channel:
        await answer_and_wait(channel)
    if profile.pin and not await asking.ask_pin(channel, profile.pin, room_profile):
        raise NoEntry("no right PIN in three tries")
    name_file = ""
    if not profile.quiet and (profile.announce_join_leave or profile.announce_join_leave_review):
        name_file = await asking.ask_name(channel, name, review=profile.announce_join_leave_review)
    who = User(channel, profile, room_profile, found)
    who.name_file = name_file
    return who


async def _enter(user: User, name: str) -> Room:
    """The room, once its attendance has the user and all was said that is said before."""
    channel = user.channel
    rooms = rooms_of(channel.pbx)
    while (room := rooms.find(name)) is not None and not room.begun.is_set():
        await room.begun.wait()
    if room is not None and not room.admits(user):
        await play_all(channel, [room.sound("locked")])
        raise NoEntry("")
    channel.data[IN] = user
    if room is None:
        room = rooms.open(name, user.requested)
        try:
            await room.start()
        except BaseException:
            room.abandon()
            raise
    room.join(user)
    try:
        await _welcome(room, user)
        await _present(room, user)
    except BaseException:
        room.leave(user)
        raise
    return room


async def _welcome(room: Room, user: User) -> None:
    """What somebody hears, and all hear, before it is in."""
    channel, profile = user.channel, user.profile
    if profile.announcement:
        await play_all(channel, [profile.announcement])
    if profile.announce_user_count:
        await tell_count(room, user)
    above = profile.announce_user_count_all
    if above is not None and len(room.attendance.active) > above:
        await wait_outside(channel, tell_all_count(room))
    while user.prompts:
        what = user.prompts.popleft()
        if what == BEGIN:
            await wait_outside(channel, room.announcements.say([room.sound(BEGIN)]))
        elif (what == WAIT_FOR_LEADER and not profile.quiet) or (
            what == ONLY_PERSON and not profile.quiet and profile.announce_only_user
        ):
            await play_all(channel, [room.sound(what)])


async def _present(room: Room, user: User) -> None:
    """Manners of its sound, and how the others hear of it."""
    channel, profile = user.channel, user.profile
    if profile.jitterbuffer:
        _use(channel, "JITTERBUFFER(adaptive)", "default")
    if profile.denoise:
        _use(channel, "DENOISE(rx)", "on")
    if user.name_file:
        await wait_outside(channel, room.announcements.say([user.name_file, room.sound("has_joined")]))
    if profile.quiet:
        return
    sound = room.sound("join")
    if profile.hear_own_join_sound and channel.language == room.announcements.language:
        room.announcements.say([sound], ready=user.in_bridge)
        return
    if profile.hear_own_join_sound:
        await play_all(channel, [sound])
    await wait_outside(channel, room.announcements.say([sound]))


async def wait_outside(channel: Channel, done: asyncio.Future[None]) -> None:
    """Wait for an announcement to all with somebody who does not hear it; digits meanwhile are nobody's."""
    await asyncio.shield(done)
    channel.frames.clear()


def _use(channel: Channel, function: str, value: str) -> None:
    try:
        channel.set_by_name(function, value)
    except FunctionError as error:
        log.warning("%s: ConfBridge: %s", channel.name, error)


async def _stay(room: Room, user: User) -> None:
    """The time in the room, and the way out."""
    channel = user.channel
    try:
        room.release_music(user)
        if not user.kicked:
            await room.bridge.join(channel, Presence(room, user))
    finally:
        user.arrive()
        if not user.kicked and not channel.alive:
            channel.set(RESULT, "HANGUP")
        if not user.replaced:
            await _go(room, user)


async def _go(room: Room, user: User) -> None:
    """Take leave; who was thrown out is told so before."""
    tell_others(room, user)
    try:
        if user.kicked and not user.profile.quiet and user.channel.alive:
            await play_all(user.channel, [room.sound("kicked")])
    finally:
        forget(room, user)
