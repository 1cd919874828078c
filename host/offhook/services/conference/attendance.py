"""Who is in a room, and what comings and goings mean: a room is empty, has one or several, waits for a marked user or
has one.

Asterisk's states and transitions (conf_state_*.c), as rules over two lists. Nothing here touches channels: what is to
be done is asked of an ``Effects``.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from offhook.services.conference.user import User

ONLY_PERSON, WAIT_FOR_LEADER, BEGIN = "only_person", "wait_for_leader", "begin"
"""What may be said to, or for, somebody on the way in."""


class State(Enum):
    """How a room stands. MULTI and SINGLE are without marked users."""

    EMPTY = "EMPTY"
    INACTIVE = "INACTIVE"
    """All wait."""
    SINGLE = "SINGLE"
    SINGLE_MARKED = "SINGLE_MARKED"
    MULTI = "MULTI"
    MULTI_MARKED = "MULTI_MARKED"


class Effects(Protocol):
    """What a room does when somebody comes or goes."""

    def state_changed(self, old: State, new: State) -> None:
        """The room stands otherwise now."""

    def opened(self) -> None:
        """The first one came."""

    def ended(self) -> None:
        """The last one left."""

    def start_music(self, user: User) -> None:
        """Let somebody hear music."""

    def stop_music(self, user: User) -> None:
        """Let nobody's music go on."""

    def settle_mute(self, user: User) -> None:
        """Whether somebody is heard may be otherwise now."""

    def kick(self, user: User, result: str) -> None:
        """Throw somebody out, for the reason that CONFBRIDGE_RESULT tells."""

    def leader_left(self, leader: User) -> None:
        """The last marked user has left some who stay."""


class Attendance:
    """Who takes part (``active``) and who waits for a marked user (``waiting``), in the order in which they came."""

    __slots__ = ("_effects", "active", "state", "waiting")

    def __init__(self, effects: Effects) -> None:
        self._effects = effects
        self.active: list[User] = []
        self.waiting: list[User] = []
        self.state = State.EMPTY

    @property
    def marked(self) -> int:
        """How many marked users there are."""
        return sum(user.marked for user in self.active)

    def everybody(self) -> list[User]:
        """All: those who take part, then those who wait."""
        return [*self.active, *self.waiting]

    # ---- coming -------------------------------------------------------------------------------------

    def join(self, user: User) -> None:
        """Somebody comes."""
        first = self.state is State.EMPTY
        if user.waits and self.state not in (State.SINGLE_MARKED, State.MULTI_MARKED):
            self._join_waiting(user, first)
            return
        before, alone = self.state, self.active[0] if len(self.active) == 1 else None
        self.active.append(user)
        if first:
            self._effects.opened()
        if before in (State.EMPTY, State.INACTIVE) and not (user.marked and self.waiting):
            user.prompts.append(ONLY_PERSON)
            self._change(user, State.SINGLE_MARKED if user.marked else State.SINGLE)
            return
        if alone is not None:
            if alone.profile.music_on_hold_when_empty:
                self._effects.stop_music(alone)
            self._effects.settle_mute(alone)
        self._effects.settle_mute(user)
        if user.marked or before in (State.SINGLE_MARKED, State.MULTI_MARKED):
            self._change(user, State.MULTI_MARKED)
        else:
            self._change(user, State.MULTI)

    def _join_waiting(self, user: User, first: bool) -> None:
        self.waiting.append(user)
        if user.profile.music_on_hold_when_empty:
            self._effects.start_music(user)
        self._effects.settle_mute(user)
        user.prompts.append(WAIT_FOR_LEADER)
        if first:
            self._effects.opened()
            self._change(user, State.INACTIVE)

    # ---- going --------------------------------------------------------------------------------------

    def leave(self, user: User) -> None:
        """Somebody goes. Harmless for who is not there."""
        if user in self.waiting:
            self.waiting.remove(user)
            if user.music:
                self._effects.stop_music(user)
            if self.state is State.INACTIVE and not self.waiting:
                self._change(user, State.EMPTY)
            return
        if user not in self.active:
            return
        self.active.remove(user)
        if user.music:
            self._effects.stop_music(user)
        if self.state is State.MULTI_MARKED and user.marked:
            stays = self._end_marked()
            self._change(user, self._standing())
            if stays:
                self._left_behind(user)
        elif self.state is State.MULTI_MARKED:
            if len(self.active) == 1:
                self._change(user, State.SINGLE_MARKED)
        else:
            self._change(user, self._standing())

    def _standing(self) -> State:
        """How the room stands with those who are left."""
        if not self.active:
            return State.INACTIVE if self.waiting else State.EMPTY
        if not self.marked:
            return State.SINGLE if len(self.active) == 1 else State.MULTI
        return State.SINGLE_MARKED if len(self.active) == 1 and not self.waiting else State.MULTI_MARKED

    def _end_marked(self) -> bool:
        """A marked user has gone: throw out who goes with it, let wait who waits again. Whether anybody stays."""
        stays = False
        last = not self.marked
        for user in list(self.active):
            profile = user.profile
            if not last and not profile.end_marked_any:
                continue
            ends = (profile.end_marked or profile.end_marked_any) and not user.kicked
            if profile.wait_marked and (not profile.marked or (ends and profile.end_marked_any)):
                self.active.remove(user)
                self.waiting.append(user)
            if ends:
                self._effects.kick(user, "ENDMARKED")
            else:
                stays = True
        return stays

    def _left_behind(self, leader: User) -> None:
        self._effects.leader_left(leader)
        for user in list(self.waiting):
            if not user.kicked:
                if user.profile.music_on_hold_when_empty:
                    self._effects.start_music(user)
                self._effects.settle_mute(user)

    def replace(self, old: User, new: User) -> None:
        """Somebody takes another one's place."""
        for users in (self.active, self.waiting):
            if old in users:
                users[users.index(old)] = new

    # ---- states -------------------------------------------------------------------------------------

    def _change(self, user: User, state: State) -> None:
        if state is self.state:
            return
        old, self.state = self.state, state
        self._effects.state_changed(old, state)
        if state is State.EMPTY:
            self._effects.ended()
        elif state in (State.SINGLE, State.SINGLE_MARKED):
            alone = self.active[0]
            if alone.profile.music_on_hold_when_empty:
                self._effects.start_music(alone)
            self._effects.settle_mute(alone)
        elif state is State.MULTI_MARKED:
            self._begin(user)

    def _begin(self, user: User) -> None:
        """A marked user is there: whoever waited takes part."""
        came, self.waiting = self.waiting, []
        for each in came:
            self.active.append(each)
            if each.music:
                self._effects.stop_music(each)
            self._effects.settle_mute(each)
        if came and user.marked and self.marked == 1 and not user.profile.quiet:
            user.prompts.append(BEGIN)
