"""A member has answered: what both hear first, what is told and set, and the talk itself."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from offhook.apps.monitors import begin as begin_recording
from offhook.apps.privacy import minded
from offhook.calls import causes, events
from offhook.calls.after import going_on
from offhook.calls.attempts import status_of_cause
from offhook.calls.bridge import Bridge
from offhook.calls.called_subroutine import run_called_gosub
from offhook.calls.channel import Channel, Hangup
from offhook.calls.durations import set_duration
from offhook.calls.features import grant_by_options
from offhook.calls.prompts import Keys, NoPrompt, follow, start
from offhook.calls.requesting import reset_max_forwards
from offhook.dialplan.executor import run_application
from offhook.dialplan.subroutine import beginning
from offhook.log import NOTICE
from offhook.media.spoken import language_for
from offhook.services.queues import events as told
from offhook.services.queues.announcing import play_if_there
from offhook.services.queues.conversations import conversations_of
from offhook.services.queues.events import AgentEvent
from offhook.services.queues.moments import epoch_of
from offhook.services.queues.records import NOBODY, record

if TYPE_CHECKING:
    from offhook.apps.privacy import Minded
    from offhook.services.queues.ringing import Answer
    from offhook.services.queues.visit import Visit

log = logging.getLogger(__name__)


async def connect(visit: Visit, answer: Answer) -> bool:
    """Put the caller through and wait for the end of the talk; False when the member hung up before it began."""
    visit.queue.answered(visit.entry)
    visit.agent = answer.member.name
    prepared = False
    try:
        prepared = await _prepare_member(visit, answer)
        if not prepared:
            _dumped(visit, answer)
            return False
    finally:
        if not prepared:
            visit.entry.ringing = False
            visit.queues.pending.discard(answer.member.key)
            _let_go(visit, answer)
    await _put_through(visit, answer)
    await _talk(visit, answer)
    return True


def _let_go(visit: Visit, answer: Answer) -> None:
    """There will be no talk: the member's call ends."""
    peer = answer.channel
    peer.pbx.bus.publish(events.DialEnd(visit.channel, peer, status_of_cause(peer.hangup_cause)))
    peer.consumer = None
    peer.hangup()


# ---- before -------------------------------------------------------------------------------------------------


async def _prepare_member(visit: Visit, answer: Answer) -> bool:
    """Delay, announcements, hold time; False when the member hung up meanwhile."""
    settings, peer = visit.queue.settings, answer.channel
    announce = visit.order.announce or settings.announce
    with minded(peer) as reader:
        try:
            if settings.memberdelay:
                log.log(NOTICE, "Delaying member connect for %d seconds", settings.memberdelay)
                await _wait(peer, reader, settings.memberdelay)
            for name in filter(None, (part.strip() for part in announce.split("&"))):
                await _tell_member(peer, reader, name)
            if settings.reportholdtime:
                await _report_hold_time(visit, peer, reader)
        except Hangup:
            return False
    return peer.alive


async def _wait(peer: Channel, reader: Minded, seconds: float) -> None:
    until = peer.pbx.now() + seconds
    while (left := until - peer.pbx.now()) > 0:
        await reader.read(left)


async def _tell_member(peer: Channel, reader: Minded, name: str) -> None:
    try:
        await follow(peer, start(peer, name), Keys(), reader.read)
    except NoPrompt as missing:
        log.error("%s: Queue: %s", peer.name, missing)


async def _report_hold_time(visit: Visit, peer: Channel, reader: Minded) -> None:
    settings = visit.queue.settings
    minutes, seconds = divmod(visit.entry.waited, 60)
    names = [settings.queue_reporthold]
    for value, least, unit in ((minutes, 1, settings.queue_minutes), (seconds, 2, settings.queue_seconds)):
        if value >= least:
            names += [*language_for(peer.language).number(value, "n"), unit]
    for name in filter(None, names):
        await _tell_member(peer, reader, name)


def _dumped(visit: Visit, answer: Answer) -> None:
    """The member hung up on the caller, who goes on waiting."""
    peer = answer.channel
    log.warning("Agent on %s hungup on the customer.", peer.name)
    record(visit.queues.pbx, visit.queue.name, visit.channel.uniqueid, answer.member.name, "AGENTDUMP", "")
    _tell(told.DUMP, visit, answer)
    visit.agent = NOBODY


def _show_variables(visit: Visit, answer: Answer) -> None:
    settings, entry, member = visit.queue.settings, visit.entry, answer.member
    values: dict[str, str] = {}
    if settings.setinterfacevar:
        values |= {
            "MEMBERINTERFACE": member.interface,
            "MEMBERNAME": member.name,
            "MEMBERCALLS": str(member.calls),
            "MEMBERLASTCALL": str(epoch_of(member.last_call)),
            "MEMBERPENALTY": str(member.penalty),
            "MEMBERDYNAMIC": str(int(member.kind == "dynamic")),
            "MEMBERREALTIME": str(int(member.kind == "realtime")),
        }
    if settings.setqueueentryvar:
        values |= {"QEHOLDTIME": str(entry.waited), "QEORIGINALPOS": str(entry.first_position)}
    for channel in (visit.channel, answer.channel):
        for name, value in values.items():
            channel.set(name, value)
        visit.queue.show_on(channel.set)


async def _record(visit: Visit) -> None:
    """monitor-format: record while they talk, by what MONITOR_FILENAME, MONITOR_OPTIONS and MONITOR_EXEC say."""
    form, channel = visit.queue.settings.monitor_format, visit.channel
    if not form:
        return
    name = channel.get("MONITOR_FILENAME") or channel.uniqueid
    command = channel.get("MONITOR_EXEC") or ""
    options = f"b{channel.get('MONITOR_OPTIONS') or ''}"
    if await begin_recording(channel, f"{name}.{form},{options}{f',{command}' if command else ''}") is None:
        log.warning("%s: the call cannot be recorded in format %s", channel.name, form)


async def _run_programs(visit: Visit, peer: Channel) -> None:
    """The subroutine for the member's channel, and the AGI for the caller's."""
    gosub = visit.order.gosub or visit.queue.settings.membergosub
    if gosub:
        await run_called_gosub(peer, beginning(peer, gosub))
    if visit.order.agi:
        if "agi" in {name.lower() for name in visit.channel.pbx.registry.applications}:
            await run_application(visit.channel, "AGI", visit.order.agi)
        else:
            log.warning("%s: Queue cannot run %s: application AGI is not there", visit.channel.name, visit.order.agi)


async def _put_through(visit: Visit, answer: Answer) -> None:
    """What is heard, set and run right before they talk; who hangs up meanwhile ends a talk already."""
    channel, peer, queue = visit.channel, answer.channel, visit.queue
    ready = False
    try:
        visit.announcer.quiet()
        await play_if_there(channel, queue.settings.queue_callerannounce, "")
        _show_variables(visit, answer)
        if "F" in visit.order.options:
            peer.after_bridge = going_on(channel, visit.order.options["F"])
        await _record(visit)
        queue.leave(visit.entry)
        await _run_programs(visit, peer)
        ready = True
    finally:
        queue.leave(visit.entry)
        _connected(visit, answer)
        if not ready:
            if not channel.alive:
                conversations_of(channel.pbx).hung_up(channel)
            _let_go(visit, answer)


# ---- the talk -----------------------------------------------------------------------------------------------


def _connected(visit: Visit, answer: Answer) -> None:
    """They are connected now: tell so, and follow the talk."""
    queue, entry, member, channel = visit.queue, visit.entry, answer.member, visit.channel
    visit.served = True
    held, rang = entry.waited, answer.rang_s
    record(visit.queues.pbx, queue.name, channel.uniqueid, member.name, "CONNECT", held, answer.channel.uniqueid, rang)
    set_duration(channel, "QUEUEWAIT", held)
    _tell(told.CONNECT, visit, answer, ("HoldTime", str(held)), ("RingTime", str(rang)))
    conversations_of(channel.pbx).begin(queue, entry, member, answer.channel)


async def _talk(visit: Visit, answer: Answer) -> None:
    queue, channel, peer = visit.queue, visit.channel, answer.channel
    pbx = channel.pbx
    began = pbx.now()
    bridge = Bridge(pbx, keeps=True)
    grant_by_options(channel, peer, visit.order.options)
    for party in (channel, peer):
        reset_max_forwards(party)
    try:
        if not channel.get("BRIDGE_NOANSWER"):
            channel.answer()
        if not peer.alive:
            conversations_of(pbx).hung_up(peer)
            channel.hangup_cause = peer.hangup_cause or channel.hangup_cause
            peer.hangup(causes.NORMAL_CLEARING)
            bridge.dissolve()
            return
        bridge.impart(peer)
        await bridge.join(channel)
    except (asyncio.CancelledError, Hangup):
        if peer.bridge is None and not peer.hungup and bridge.dissolved is False:
            peer.hangup()
        raise
    finally:
        if not len(bridge):
            bridge.dissolve()
        queue.show_on(channel.set)
        set_duration(channel, "ANSWEREDTIME", pbx.now() - began)
        set_duration(channel, "DIALEDTIME", pbx.now() - channel.created_at)


def _tell(kind: str, visit: Visit, answer: Answer, *details: tuple[str, str]) -> None:
    member = answer.member
    named = (("Queue", visit.queue.name), ("Interface", member.interface), ("MemberName", member.name), *details)
    visit.queues.pbx.bus.publish(AgentEvent(kind, visit.channel, answer.channel, named))
