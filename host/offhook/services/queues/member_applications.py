"""Applications that add, remove and pause members."""

from __future__ import annotations

import logging

from offhook.calls.channel import Channel
from offhook.dialplan.arguments import integer
from offhook.dialplan.outcome import ApplicationError
from offhook.log import NOTICE
from offhook.modules import Options, Syntax
from offhook.services.queues.member import Member
from offhook.services.queues.membership import Result, add, pause, remove
from offhook.services.queues.module import module
from offhook.services.queues.queues import queues_of
from offhook.services.queues.realtime import fetch

log = logging.getLogger(__name__)


def _device(channel: Channel, interface: str) -> str:
    """What is said, or the channel's own device."""
    return interface or channel.name.rpartition("-")[0]


@module.application(
    "AddQueueMember",
    Syntax(
        "queuename",
        "[interface]",
        "[penalty]",
        "[options]",
        "[membername]",
        "[stateinterface]",
        "[wrapuptime]",
        options={"p": "Paused.", "r(reason)": "Why it is paused."},
        interface="The channel's own device when not said.",
    ),
    see_also=("RemoveQueueMember", "PauseQueueMember"),
)
async def add_queue_member(
    channel: Channel,
    name: str = "",
    interface: str = "",
    penalty: str = "",
    option_text: str = "",
    membername: str = "",
    state: str = "",
    wrapuptime: str = "",
) -> None:
    """Add a member to a queue, until it is removed.

    AQMSTATUS is ADDED, MEMBERALREADY or NOSUCHQUEUE.
    """
    if not name:
        raise ApplicationError("AddQueueMember needs a queue: AddQueueMember(queuename[,interface[,penalty]])")
    queues = queues_of(channel.pbx)
    options = Options(option_text)
    number = integer(penalty) if penalty else 0
    if number is None or number < 0:
        log.warning("%s: AddQueueMember: penalty %r is no number of 0 or more", channel.name, penalty)
        number = 0
    member = Member(
        _device(channel, interface),
        membername,
        number,
        state,
        wrapuptime=max(0, integer(wrapuptime) or 0),
        paused="p" in options,
        reason=options["r"] if "p" in options else "",
    )
    await fetch(queues, name)
    result = add(queues, name, member, channel.uniqueid)
    if result is Result.DONE:
        log.log(NOTICE, "Added interface '%s' to queue '%s'", member.interface, name)
    else:
        log.warning("%s: AddQueueMember(%s,%s): %s", channel.name, name, member.interface, _WHY[result])
    channel.set("AQMSTATUS", _ADDED[result])


_ADDED = {Result.DONE: "ADDED", Result.ALREADY: "MEMBERALREADY", Result.NO_QUEUE: "NOSUCHQUEUE"}
_REMOVED = {
    Result.DONE: "REMOVED",
    Result.NOT_THERE: "NOTINQUEUE",
    Result.NO_QUEUE: "NOSUCHQUEUE",
    Result.NOT_DYNAMIC: "NOTDYNAMIC",
}
_WHY = {
    Result.ALREADY: "it is a member already",
    Result.NO_QUEUE: "there is no such queue",
    Result.NOT_THERE: "it is no member",
    Result.NOT_DYNAMIC: "it is no dynamic member",
}


@module.application("RemoveQueueMember", Syntax("queuename", "[interface]"), see_also=("AddQueueMember",))
async def remove_queue_member(channel: Channel, name: str = "", interface: str = "") -> None:
    """Take a dynamic member out of a queue.

    RQMSTATUS is REMOVED, NOTINQUEUE, NOSUCHQUEUE or NOTDYNAMIC.
    """
    if not name:
        raise ApplicationError("RemoveQueueMember needs a queue: RemoveQueueMember(queuename[,interface])")
    queues = queues_of(channel.pbx)
    device = _device(channel, interface)
    result = remove(queues, name, device, channel.uniqueid)
    if result is Result.DONE:
        log.log(NOTICE, "Removed interface '%s' from queue '%s'", device, name)
    else:
        log.warning("%s: RemoveQueueMember(%s,%s): %s", channel.name, name, device, _WHY[result])
    channel.set("RQMSTATUS", _REMOVED[result])


_PAUSING = Syntax(
    "[queuename]",
    "interface",
    "[options]",
    "[reason]",
    queuename="All the member's queues when empty.",
    options={},
    reason="Told in queue_log and events.",
)


@module.application("PauseQueueMember", _PAUSING, see_also=("UnpauseQueueMember",))
async def pause_queue_member(
    channel: Channel, name: str = "", interface: str = "", options: str = "", reason: str = ""
) -> None:
    """Pause a member: it gets no calls.

    PQMSTATUS is PAUSED or NOTFOUND.
    """
    await _pause(channel, name, interface, reason, on=True)


@module.application("UnpauseQueueMember", _PAUSING, see_also=("PauseQueueMember",))
async def unpause_queue_member(
    channel: Channel, name: str = "", interface: str = "", options: str = "", reason: str = ""
) -> None:
    """Let a paused member get calls again.

    UPQMSTATUS is UNPAUSED or NOTFOUND.
    """
    await _pause(channel, name, interface, reason, on=False)


async def _pause(channel: Channel, name: str, interface: str, reason: str, *, on: bool) -> None:
    application = "PauseQueueMember" if on else "UnpauseQueueMember"
    if not interface:
        raise ApplicationError(f"{application} needs a member: {application}([queuename],interface[,options[,reason]])")
    queues = queues_of(channel.pbx)
    if name:
        await fetch(queues, name)
    found = pause(queues, name, interface, reason, on)
    if not found:
        log.warning("%s: %s: there is no member %s", channel.name, application, interface)
    word = "PAUSED" if on else "UNPAUSED"
    channel.set("PQMSTATUS" if on else "UPQMSTATUS", word if found else "NOTFOUND")
