"""Talks of callers with members: when one ends, by whom, and what is told of it.

A talk ends when either hangs up or transfers the other, wherever the two have got to in the meantime.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offhook.calls import events
from offhook.calls.transfer import TRANSFERRING
from offhook.services.queues import events as told
from offhook.services.queues.events import AgentEvent
from offhook.services.queues.member import Member, Talk
from offhook.services.queues.moments import Moment
from offhook.services.queues.records import record

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.calls.pbx import Pbx
    from offhook.services.queues.line import Entry
    from offhook.services.queues.queue import Queue
    from offhook.services.queues.queues import Queues

CALLER, AGENT, TRANSFER = "caller", "agent", "transfer"
_PART = "queue conversations"


@dataclass(slots=True, eq=False)
class Conversation:
    """A caller talks with a member."""

    queue: Queue
    member: Member
    caller: Channel
    agent: Channel
    talk: Talk
    held_s: int
    """How long the caller has waited."""
    first_position: int
    call: str
    """The caller's unique id."""


class Conversations:
    """Every talk that goes on."""

    def __init__(self, queues: Queues) -> None:
        self.queues = queues
        self._by_channel: dict[Channel, Conversation] = {}
        bus = queues.pbx.bus
        self._drops: list[Callable[[], None]] = [
            bus.subscribe(events.HangupRequest, lambda event: self.hung_up(event.channel)),
            bus.subscribe(events.Hangup, lambda event: self.hung_up(event.channel)),
            bus.subscribe(events.BlindTransfer, self._transferred),
            bus.subscribe(events.AttendedTransfer, self._joined),
            bus.subscribe(events.LocalOptimizationBegin, self._shortened),
        ]

    def close(self) -> None:
        """Follow none any more."""
        for drop in self._drops:
            drop()
        self._by_channel.clear()

    def __len__(self) -> int:
        return len(set(self._by_channel.values()))

    def begin(self, queue: Queue, entry: Entry, member: Member, agent: Channel) -> None:
        """Caller and member are put together now."""
        talk = Talk(Moment.of(queue.pbx), entry.waited <= queue.settings.servicelevel)
        member.talks.append(talk)
        caller = entry.channel
        conversation = Conversation(
            queue, member, caller, agent, talk, entry.waited, entry.first_position, caller.uniqueid
        )
        self._by_channel[caller] = self._by_channel[agent] = conversation

    def hung_up(self, channel: Channel) -> None:
        """A channel hangs up. One that transfers after asking goes, too, and what became of that is told then."""
        conversation = self._by_channel.get(channel)
        if conversation is None or TRANSFERRING in channel.data:
            return
        by_caller = channel is conversation.caller
        self._end(conversation, CALLER if by_caller else AGENT, "COMPLETECALLER" if by_caller else "COMPLETEAGENT")

    def _transferred(self, event: events.BlindTransfer) -> None:
        conversation = self._by_channel.get(event.transferer)
        if conversation is not None and event.result == "Success":
            self._end(conversation, TRANSFER, "BLINDTRANSFER", event.exten, event.context)

    def _joined(self, event: events.AttendedTransfer) -> None:
        if event.result != "Success" or event.dest_type == "Threeway":
            return
        conversation = self._by_channel.get(event.first_transferer) or self._by_channel.get(event.second_transferer)
        if conversation is None:
            return
        where = ["BRIDGE", event.dest_bridge.uniqueid if event.dest_bridge is not None else ""]
        if event.dest_type == "App":
            where = ["APP", event.dest_app]
        elif event.dest_type == "Link":
            where = ["LINK", *(channel.name for channel in event.dest_channels)]
        self._end(conversation, TRANSFER, "ATTENDEDTRANSFER", *where)

    def _shortened(self, event: events.LocalOptimizationBegin) -> None:
        """A Local channel goes; whoever was behind it goes on with the talk."""
        source = event.source
        if source is None:
            return
        for half in (event.one, event.two):
            conversation = self._by_channel.get(half)
            if conversation is None or source in self._by_channel:
                continue
            del self._by_channel[half]
            self._by_channel[source] = conversation
            if half is conversation.agent:
                conversation.agent = source
            else:
                conversation.caller = source

    def _end(self, conversation: Conversation, reason: str, event: str, *details: str) -> None:
        for channel in (conversation.caller, conversation.agent):
            if self._by_channel.get(channel) is conversation:  # an agent may have the next call already
                del self._by_channel[channel]
        pbx, queue, member = self.queues.pbx, conversation.queue, conversation.member
        talked = int(pbx.now() - conversation.talk.began.at)
        record(
            pbx,
            queue.name,
            conversation.call,
            member.name,
            event,
            *details,
            conversation.held_s,
            talked,
            conversation.first_position,
        )
        pbx.bus.publish(
            AgentEvent(
                told.COMPLETE,
                conversation.caller,
                conversation.agent,
                (
                    ("Queue", queue.name),
                    ("Interface", member.interface),
                    ("MemberName", member.name),
                    ("HoldTime", str(conversation.held_s)),
                    ("TalkTime", str(talked)),
                    ("Reason", reason),
                ),
            )
        )
        self.queues.end_talk(queue, member, conversation.talk)


def conversations_of(pbx: Pbx) -> Conversations:
    """The exchange's talks; followed from the first queue on."""
    found = pbx.parts.get(_PART)
    if found is None:
        from offhook.services.queues.queues import queues_of

        found = pbx.parts[_PART] = Conversations(queues_of(pbx))
    assert isinstance(found, Conversations)
    return found


def forget_conversations(pbx: Pbx) -> None:
    """Follow none any more."""
    found: Conversations | None = pbx.parts.pop(_PART, None)
    if found is not None:
        found.close()
