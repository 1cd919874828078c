"""A channel: one party's side of a call, with its state, its dialplan position and its driver's hooks.

A driver subclasses Channel, owns the protocol, and reports what the far end does with ``deliver`` and
``far_end_hangup``. Everything above talks to the party with ``answer``, ``indicate``, ``send_digit`` and
``hangup``. Hooks (``tech_...``) never block and never raise for a far end's misbehaviour: they start
something, and what comes of it is delivered later. All of it runs on the loop's one thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from offhook.calls import causes, events, interception
from offhook.calls.channel_state import State as State
from offhook.calls.frames import Condition, Control, Digit, Frame, Media
from offhook.calls.hanging_up import HangsUp
from offhook.calls.indicating import Indicates
from offhook.calls.party import Caller, Connected, Dialed, Redirecting
from offhook.calls.running import RunsDialplan
from offhook.calls.streams import Stream, streams_of
from offhook.calls.technology import Technology
from offhook.dialplan.outcome import Hangup as Hangup
from offhook.dialplan.outcome import Interruption as Interruption
from offhook.dialplan.scope import scope_of
from offhook.dialplan.variables import Variables
from offhook.media.events import DigitBegin, DigitEnd

if TYPE_CHECKING:
    from offhook.calls.bridge import Bridge
    from offhook.calls.pbx import Pbx
    from offhook.media.events import MediaEvent
    from offhook.media.leg import Leg

log = logging.getLogger(__name__)

_QUEUE_LIMIT = 128
INHERITED = "inherited"
"""Key in a channel's data of lists, by the keys of features, that channels called from it get copies of."""


class Channel(RunsDialplan, HangsUp, Indicates, Technology):
    """One party's side of a call. See the module's text for who calls what."""

    __slots__ = (
        "__weakref__",
        "_redirecting",
        "_told_caller",
        "_told_connected",
        "accountcode",
        "adsicpe",
        "after_bridge",
        "ama_flags",
        "answered_at",
        "bridge",
        "call_groups",
        "caller",
        "connected",
        "consumer",
        "created_at",
        "created_wall",
        "data",
        "dialed",
        "formats",
        "frames",
        "hangup_cause",
        "hangup_source",
        "hungup",
        "language",
        "latest_music_class",
        "linked_age",
        "linkedid",
        "media",
        "music_class",
        "name",
        "originated",
        "outgoing",
        "parking_lot",
        "peer_account",
        "pickup_groups",
        "state",
        "tech_cause",
        "tenantid",
        "tone_zone",
        "uniqueid",
        "variables",
        "waiter",
    )

    def __init__(
        self,
        pbx: Pbx,
        name: str,
        *,
        state: State = State.DOWN,
        media: Leg | None = None,
        formats: tuple[str, ...] = (),
        context: str = "default",
        exten: str = "s",
        caller: Caller | None = None,
        accountcode: str = "",
        requester: Channel | None = None,
        uniqueid: str = "",
        linkedid: str = "",
        outgoing: bool = False,
        tenantid: str = "",
    ) -> None:
        RunsDialplan.__init__(self, pbx, context, exten)
        self.name = name
        self.uniqueid = uniqueid or pbx.new_uniqueid()
        self.linkedid: str = linkedid or (requester.linkedid if requester else self.uniqueid)
        self.linked_age: int = requester.linked_age if requester else pbx.channels.total
        """How many channels there had been when the one came into being that the linked id is of."""
        self.state = state
        self.created_at = pbx.now()
        self.created_wall = pbx.wall()
        self.answered_at: float | None = None
        self.outgoing = outgoing
        self.originated = False
        # parties
        self.caller = caller or Caller()
        self.connected = Connected()
        self._redirecting: Redirecting | None = None
        self.dialed = Dialed()
        # accounting and manners
        self.accountcode = accountcode
        self.peer_account = ""
        self.ama_flags = 3
        self.language: str = requester.language if requester else pbx.options.default_language
        self.music_class: str = requester.music_class if requester else ""
        self.latest_music_class = ""
        self.parking_lot = ""
        self.tone_zone = ""
        self.tenantid: str = tenantid or (requester.tenantid if requester else "")
        self.adsicpe = 0
        self.call_groups: frozenset[str] = frozenset()
        self.pickup_groups: frozenset[str] = frozenset()
        # dialplan
        self.variables = Variables()
        self.data: dict[str, Any] = {}
        """What features keep on a channel, by their own keys."""
        # ending
        self.hangup_cause = causes.NOTDEFINED
        self.tech_cause = ""
        self.hangup_source = ""
        self.hungup = False
        # media and bridging
        self.media: Leg | None = None
        if media is not None:
            self.attach(media)
        self.formats = formats
        self.bridge: Bridge | None = None
        self.after_bridge: Callable[[Channel], None] | None = None
        self.consumer: Callable[[Frame], None] | None = None
        self.frames: deque[Frame] = deque(maxlen=_QUEUE_LIMIT)
        self.waiter: asyncio.Future[None] | None = None
        pbx.channels.add(self)
        self._told_caller = self.caller.id.labels()
        self._told_connected = ("", "")
        pbx.bus.publish(events.NewChannel(self))

    # ---- variables ----------------------------------------------------------------------------------

    def get(self, name: str) -> str | None:
        """A channel variable, or None."""
        return self.variables.get(name)

    def set(self, name: str, value: str) -> None:
        """Assign a channel variable and tell the bus. A leading ``_`` or ``__`` makes it inherited."""
        self.variables.set(name, value)
        bus = self.pbx.bus
        if bus.wants(events.VarSet):
            bus.publish(events.VarSet(self, name, value))

    def set_all(self, values: Mapping[str, str]) -> None:
        """Assign several channel variables, in their order."""
        if self.pbx.bus.wants(events.VarSet):
            for name, value in values.items():
                self.set(name, value)
        else:
            self.variables.update(values)

    def promise(self, names: Iterable[str], work_out: Callable[[str], str]) -> None:
        """Assign variables that are worked out when first read, or told of. Those that have a value keep it."""
        if self.pbx.bus.wants(events.VarSet):
            for name in names:
                if name not in self.variables:
                    self.set(name, work_out(name))
        else:
            self.variables.promise(names, work_out)

    def announce_variable(self, name: str, value: str) -> None:
        """Tell the bus of an assignment that was made elsewhere (LOCAL(), the end of a subroutine)."""
        bus = self.pbx.bus
        if bus.wants(events.VarSet):
            bus.publish(events.VarSet(self, name, value))

    def set_by_name(self, name: str, value: str) -> None:
        """Assign a variable, or through a function when the name is one: ``CALLERID(num)``.

        A function that waits for something is carried out in the background.
        """
        done = scope_of(self).set(name, value)
        if done is not None:
            self.pbx.spawn(_finish(done), f"set {name}")

    def inherit_from(self, parent: Channel) -> None:
        """Take over the parent's variables marked ``_`` (once) or ``__`` (for ever), and its inherited data."""
        for name, value in parent.variables.inherited():
            self.set(name, value)
        self.inherit_data(parent)

    def inherit_data(self, parent: Channel) -> None:
        """Take over what features keep for every channel that comes from this one: copies, by their own keys."""
        kept: dict[str, list[Any]] | None = parent.data.get(INHERITED)
        if kept:
            self.data[INHERITED] = {key: list(items) for key, items in kept.items()}

    # ---- media --------------------------------------------------------------------------------------

    @property
    def streams(self) -> list[Stream]:
        """The channel's media streams; a driver that knows several of a kind says so."""
        return streams_of(self.formats)

    @property
    def native_formats(self) -> Sequence[str]:
        """Names of the formats in use; a driver that knows more of them than are in use says so."""
        return self.formats

    def attach(self, media: Leg) -> None:
        """Make a leg of the engine the channel's own; its events are delivered as frames."""
        self.media = media
        media.on_event = self._media_event

    def _media_event(self, event: MediaEvent) -> None:
        if isinstance(event, DigitEnd):
            self.deliver(Digit(event.digit, True, event.duration_ms))
        elif isinstance(event, DigitBegin):
            self.deliver(Digit(event.digit, False))
        else:
            self.tech_media_event(event)
            self.deliver(Media(event))

    # ---- parties ------------------------------------------------------------------------------------

    @property
    def redirecting(self) -> Redirecting:
        """Who redirected the call; made when first asked for, since few calls are."""
        if self._redirecting is None:
            self._redirecting = Redirecting()
        return self._redirecting

    @redirecting.setter
    def redirecting(self, redirecting: Redirecting) -> None:
        self._redirecting = redirecting

    @property
    def redirected(self) -> bool:
        """Whether anybody has redirected the call, or asked who did."""
        return self._redirecting is not None

    def redirect_like(self, other: Channel) -> None:
        """Take over from another channel who redirected the call."""
        self._redirecting = other._redirecting.copy() if other._redirecting is not None else None

    # ---- state --------------------------------------------------------------------------------------

    @property
    def alive(self) -> bool:
        """Not hung up and nobody asked for it."""
        return not (self.hungup or self.hangup_requested)

    def set_state(self, state: State) -> None:
        """Change the state and tell the bus."""
        if state is not self.state:
            self.state = state
            self.pbx.bus.publish(events.NewState(self))

    def rename(self, name: str) -> None:
        """Give the channel another name."""
        old, self.name = self.name, name
        self.pbx.channels.renamed(self, old)
        self.pbx.bus.tell(events.Rename, self, old)

    def tell_caller(self) -> None:
        """Tell the bus who calls, if number or name are others than told last."""
        labels = self.caller.id.labels()
        if labels != self._told_caller:
            self._told_caller = labels
            self.pbx.bus.tell(events.NewCallerId, self)

    def tell_connected(self) -> None:
        """Tell the bus who is connected, if number or name are others than told last."""
        labels = self.connected.id.labels()
        if labels != self._told_connected:
            self._told_connected = labels
            self.pbx.bus.tell(events.NewConnectedLine, self)

    def set_connected(self, connected: Connected, *, update: bool = True) -> None:
        """Change the connected party; with ``update`` the party is told."""
        self.connected = connected
        self.tell_connected()
        if update and not interception.intercept(self, interception.CONNECTED, self.show_connected):
            self.show_connected()

    def show_connected(self) -> None:
        """Tell the party who is connected."""
        self.tell_connected()
        self.tech_indicate(Condition.CONNECTED_LINE, self.connected)

    def set_redirecting(self, redirecting: Redirecting) -> None:
        """Change who redirected the call, and tell the party."""
        self.redirecting = redirecting
        if not interception.intercept(self, interception.REDIRECTING, self.show_redirecting):
            self.show_redirecting()

    def show_redirecting(self) -> None:
        """Tell the party who redirected the call."""
        self.indicate(Condition.REDIRECTING, self.redirecting)

    def set_accountcode(self, code: str) -> None:
        """Change the account code and tell the bus."""
        old, self.accountcode = self.accountcode, code
        self.pbx.bus.tell(events.NewAccountCode, self, old)

    def groups(self) -> list[tuple[str, str]]:
        """(category, group) memberships set by GROUP()."""
        found: dict[str, str] = self.data.get("groups", {})
        return list(found.items())

    # ---- answering ----------------------------------------------------------------------------------

    def answer(self) -> None:
        """Answer the channel if it is not up; raises Hangup when it is ending."""
        if not self.alive:
            raise Hangup
        if self.state is not State.UP:
            self.stop_tones()
            if not self.outgoing:
                self.tech_answer()
            self.mark_up()

    def mark_up(self) -> None:
        """The channel is answered, whichever side did it."""
        if self.answered_at is None:
            self.answered_at = self.pbx.now()
        self.set_state(State.UP)

    # ---- from the party -----------------------------------------------------------------------------

    def deliver(self, frame: Frame) -> None:
        """The driver reports something of the far end; whoever minds the channel now gets it."""
        if self.hungup:
            return
        if isinstance(frame, Digit):
            if frame.end:
                self.pbx.bus.tell(events.DtmfEnd, self, frame.digit, frame.duration_ms, "Received")
            else:
                self.pbx.bus.tell(events.DtmfBegin, self, frame.digit, "Received")
        elif isinstance(frame, Control):
            condition = frame.condition
            if condition is Condition.HOLD:
                self.data["held"] = True
                self.pbx.bus.tell(events.Hold, self, str(frame.payload or ""))
            elif condition is Condition.UNHOLD:
                self.data.pop("held", None)
                self.pbx.bus.tell(events.Unhold, self)
            elif condition is Condition.FLASH:
                self.pbx.bus.tell(events.Flash, self)
            elif condition is Condition.ANSWER and self.state is not State.UP:
                self.mark_up()
        for hook in tuple(self.data.get("frame_hooks", ())):
            if hook(frame):
                return
        if self.consumer is not None:
            self.consumer(frame)
            return
        self.frames.append(frame)
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    async def read(self, timeout: float | None = None) -> Frame | None:
        """The next frame from the party; None after ``timeout`` seconds."""
        if self.frames:
            return self.frames.popleft()
        loop = self.pbx.loop
        self.waiter = waiter = loop.create_future()
        handle = None
        if timeout is not None:
            handle = loop.call_later(max(0.0, timeout), _wake, waiter)
        try:
            await waiter
        finally:
            if handle is not None:
                handle.cancel()
            self.waiter = None
        return self.frames.popleft() if self.frames else None

    async def read_digit(self, timeout: float | None = None) -> str | None:
        """The next digit the party completes; None after ``timeout`` seconds. Other frames are dropped."""
        deadline = None if timeout is None else self.pbx.now() + timeout
        while True:
            left = None if deadline is None else deadline - self.pbx.now()
            frame = await self.read(left)
            if frame is None and (left is None or left <= 0 or self.pbx.now() >= (deadline or 0)):
                return None
            if isinstance(frame, Digit) and frame.end:
                return frame.digit

    async def sleep(self, seconds: float) -> None:
        """Wait on the channel, dropping what the party sends meanwhile (as Wait does)."""
        await asyncio.sleep(max(0.0, seconds))
        self.frames.clear()

    def __repr__(self) -> str:
        return f"<{self.name} {self.state.text}>"


async def _finish(done: Awaitable[None]) -> None:
    await done


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
