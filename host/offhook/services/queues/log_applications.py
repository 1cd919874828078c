"""Applications that write into queue_log, and count calls that members made themselves."""

from __future__ import annotations

import logging

from offhook.calls.channel import Channel
from offhook.dialplan.arguments import integer
from offhook.dialplan.outcome import ApplicationError
from offhook.modules import Syntax
from offhook.services.queues.module import module
from offhook.services.queues.moments import Moment
from offhook.services.queues.queues import queues_of
from offhook.services.queues.realtime import fetch
from offhook.services.queues.records import record

log = logging.getLogger(__name__)


@module.application(
    "QueueLog",
    Syntax("queuename", "uniqueid", "agent", "event", "[additionalinfo]"),
    see_also=("Queue",),
)
def queue_log(
    channel: Channel, name: str = "", call: str = "", agent: str = "", event: str = "", data: str = ""
) -> None:
    """Write a line of one's own into queue_log."""
    if not (name and call and agent and event):
        raise ApplicationError("QueueLog needs queuename,uniqueid,agent,event[,additionalinfo]")
    record(channel.pbx, name, call, agent, event, data)


@module.application(
    "QueueUpdate",
    Syntax(
        "queuename",
        "uniqueid",
        "agent",
        "status",
        "[talktime]",
        "[params]",
        agent="A member's name.",
        status="ANSWER for a call that was answered.",
        talktime="Seconds that it took.",
        params="Told in queue_log.",
    ),
    see_also=("Queue", "QueueLog"),
)
async def queue_update(
    channel: Channel,
    name: str = "",
    call: str = "",
    agent: str = "",
    status: str = "",
    talktime: str = "",
    params: str = "",
) -> None:
    """Count a call that a member made itself in a queue's figures."""
    if not (name and call and agent and status):
        raise ApplicationError("QueueUpdate needs queuename,uniqueid,agent,status[,talktime[,params]]")
    queues = queues_of(channel.pbx)
    queue = await fetch(queues, name)
    if queue is None:
        log.warning("%s: QueueUpdate: there is no queue %r", channel.name, name)
        return
    talked = integer(talktime) or 0
    for member in queue.members.values():
        if member.name.lower() != agent.lower():
            continue
        member.last_call = Moment.of(channel.pbx)
        if status.upper() == "ANSWER":
            queue.complete(talked, in_level=talked <= queue.settings.servicelevel)
            member.calls += 1
            member.last_queue = queue
        else:
            queue.abandoned += 1
        record(queues.pbx, name, call, agent, "OUTCALL", status, talktime, params)
