"""Talks of callers with members: when one ends, by whom, and what is told of it.

A talk ends when either hangs up or transfers the other, wherever the two have got to in the meantime.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offhook.calls import events
from offhook.services.queues import events as told
from offhook.services.queues.events import AgentEvent
from offhook.services.queues.records import record

if TYPE_CHECKING:
    from offhook.calls.bridge import Bridge
    from offhook.calls.channel import Channel
    from offhook.calls.pbx import Pbx
    from offhook.services.queues.line import Entry
    from offhook.services.queues.member import Member
    from offhook.services.queues.moments import Moment
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
    held_s: int
    """How long the caller has waited."""
    began: Moment
    first_position: int
    in_level: bool
    bridge: Bridge | None = None
    call: str = ""
    """The caller's unique id."""


class Conversations:
    """Every talk that goes on."""

    def __init__(self, queues: Queues) -> None:
        self.queues = queues
        self._by_channel: dict[Channel, Conversation] = {}
        bus = queues.pbx.bus
        self._drops: list[Callable[[], None]] = [
            bus.subscribe(events.HangupRequest, self._hung_up),
            bus.subscribe(events.Hangup, self._hung_up),
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
        return len(self._by_channel) // 2

    def begin(self, queue: Queue, entry: Entry, member: Member, agent: Channel, bridge: Bridge) -> None:
        """Caller and member are put together now, at the moment that the member keeps."""
        assert member.talking_since is not None
        caller = entry.channel
        talk = Conversation(
            queue,
            member,
            caller,
            agent,
            entry.waited,
            member.talking_since,
            entry.first_position,
            member.in_service_level,
            bridge,
            caller.uniqueid,
        )
        self._by_channel[caller] = self._by_channel[agent] = talk

    def _hung_up(self, event: events.HangupRequest | events.Hangup) -> None:
        talk = self._by_channel.get(event.channel)
        if talk is None:
            return
        by_caller = event.channel is talk.caller
        self._end(talk, CALLER if by_caller else AGENT, "COMPLETECALLER" if by_caller else "COMPLETEAGENT")

    def _transferred(self, event: events.BlindTransfer) -> None:
        talk = self._by_channel.get(event.transferer)
        if talk is not None and event.result == "Success":
            self._end(talk, TRANSFER, "BLINDTRANSFER", event.exten, event.context)

    def _joined(self, event: events.AttendedTransfer) -> None:
        if event.result != "Success" or event.dest_type == "Threeway":
            return
        talk = self._by_channel.get(event.first_transferer) or self._by_channel.get(event.second_transferer)
        if talk is None:
            return
        where = ["BRIDGE", event.dest_bridge.uniqueid if event.dest_bridge is not None else ""]
        if event.dest_type == "App":
            where = ["APP", event.dest_app]
        elif event.dest_type == "Link":
            where = ["LINK", *(channel.name for channel in event.dest_channels)]
        self._end(talk, TRANSFER, "ATTENDEDTRANSFER", *where)

    def _shortened(self, event: events.LocalOptimizationBegin) -> None:
        """A Local channel goes; whoever was behind it goes on with the talk."""
        source = event.source
        if source is None:
            return
        for half in (event.one, event.two):
            talk = self._by_channel.get(half)
            if talk is None or source in self._by_channel:
                continue
            del self._by_channel[half]
            self._by_channel[source] = talk
            if half is talk.agent:
                talk.agent = source
            else:
                talk.caller = source

    def _end(self, talk: Conversation, reason: str, event: str, *details: str) -> None:
        for channel in (talk.caller, talk.agent):
            self._by_channel.pop(channel, None)
        pbx, queue, member = self.queues.pbx, talk.queue, talk.member
        talked = int(pbx.now() - talk.began.at)
        record(pbx, queue.name, talk.call, member.name, event, *details, talk.held_s, talked, talk.first_position)
        pbx.bus.publish(
            AgentEvent(
                told.COMPLETE,
                talk.caller,
                talk.agent,
                (
                    ("Queue", queue.name),
                    ("Interface", member.interface),
                    ("MemberName", member.name),
                    ("HoldTime", str(talk.held_s)),
                    ("TalkTime", str(talked)),
                    ("Reason", reason),
                ),
            )
        )
        self.queues.end_talk(queue, member, talk.began, in_level=talk.in_level)


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
