"""Queues and members in databases: the families queues and queue_members of extconfig.conf."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offhook.config.model import FALSE_WORDS, TRUE_WORDS, ConfigError, Entry
from offhook.services.queues.member import REALTIME, Member
from offhook.services.queues.moments import Moment
from offhook.services.queues.queue import Queue
from offhook.services.queues.records import record
from offhook.services.queues.settings import is_option, read_settings
from offhook.storage.realtime import realtime_of

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.services.queues.queues import Queues

log = logging.getLogger(__name__)

QUEUES, MEMBERS = "queues", "queue_members"
_BY = "REALTIME"


async def fetch(queues: Queues, name: str) -> Queue | None:
    """The queue of a name; what databases have of it and its members is read first. Files go before databases."""
    realtime = realtime_of(queues.pbx)
    queue = queues.find(name)
    if (queue is None or queue.realtime) and realtime.maps(QUEUES):
        rows = await realtime.found(QUEUES, [("name", name)])
        queue = queues.find(name)  # somebody else may have read it meanwhile
        if rows is None:  # no database answers: what is known stays
            return queue
        if not rows:
            if queue is not None and queue.realtime:
                queues.drop(queue)
                queue = None
        elif queue is None or queue.realtime:
            queue = _from_row(queues, queue, name, rows[0])
    if queue is not None and realtime.maps(MEMBERS):
        await fetch_members(queues, queue)
    return queue


async def fetch_all(queues: Queues, name: str = "") -> None:
    """Read what databases have of one queue or ("") of all."""
    realtime = realtime_of(queues.pbx)
    if not realtime.maps(QUEUES):
        return
    names = [name] if name else []
    if not name:
        rows = await realtime.many(QUEUES, [("name LIKE", "%")])
        names = [found for row in rows if (found := dict(row).get("name"))]
    for each in names:
        await fetch(queues, each)


def _from_row(queues: Queues, queue: Queue | None, name: str, row: list[tuple[str, str]]) -> Queue:
    errors: list[ConfigError] = []
    columns = [Entry(column.replace("_", "-"), value.strip(" ")) for column, value in row if value]
    known = [entry for entry in columns if is_option(entry.name)]  # tables may have other columns
    settings = read_settings(known, queues.general, errors)
    for error in errors:
        log.warning("table %s: queue %s: %s", QUEUES, name, error.sentence)
    if queue is None:
        queue = Queue(queues.pbx, name, settings)
        queue.realtime = True
        queues.add(queue)
    queue.settings = settings
    return queue


async def fetch_members(queues: Queues, queue: Queue) -> None:
    """Read the members that a database has for a queue; if none answers, those known stay."""
    rows = await realtime_of(queues.pbx).found(MEMBERS, [("interface LIKE", "%"), ("queue_name", queue.name)])
    if rows is None:
        return
    seen: set[str] = set()
    for row in rows:
        member = _take(queues, queue, dict(row))
        if member is not None:
            seen.add(member.key)
    for member in list(queue.members.values()):
        if member.kind == REALTIME and member.key not in seen:
            record(queues.pbx, queue.name, _BY, queues.logged_name(member), "REMOVEMEMBER", "")
            queue.remove(member)


def _take(queues: Queues, queue: Queue, row: dict[str, str]) -> Member | None:
    """A row's member, added or changed; None when it has none."""
    interface, number = row.get("interface", ""), row.get("uniqueid", "")
    if not interface or not number:
        log.warning("table %s: a member of %s has no %s", MEMBERS, queue.name, "uniqueid" if interface else "interface")
        return None
    penalty = _whole(row.get("penalty", ""))
    if penalty < 0 and queues.general.negative_penalty_invalid:
        return None
    penalty = max(0, penalty)
    rings = row.get("ringinuse", "").lower()
    ringinuse = rings in TRUE_WORDS if rings in TRUE_WORDS or rings in FALSE_WORDS else queue.settings.ringinuse
    wrapup = max(0, _whole(row.get("wrapuptime", "")))
    paused = _whole(row.get("paused", "")) > 0
    known = next((one for one in queue.members.values() if one.row == number and one.kind == REALTIME), None)
    if known is None or known.interface != interface:
        if known is not None:
            queue.remove(known)
        member = Member(
            interface,
            row.get("membername", ""),
            penalty,
            row.get("state_interface", ""),
            ringinuse,
            wrapup,
            paused,
            row.get("reason_paused", ""),
            REALTIME,
            number,
        )
        if queue.member(interface) is not None:
            return None  # a member of the file, or a dynamic one, goes before
        record(queues.pbx, queue.name, _BY, queues.logged_name(member), "ADDMEMBER", "PAUSED" if paused else "")
        queue.add(member)
        return member
    if "paused" in row and paused != known.paused:
        known.paused = paused
        if paused:
            known.last_pause = known.last_pause or Moment.of(queues.pbx)
        queue.tell_paused(known)
    if "reason_paused" in row:
        known.reason = row["reason_paused"]
    known.penalty, known.ringinuse, known.wrapuptime = penalty, ringinuse, wrapup
    queue.follow(known, row.get("state_interface", "") or interface)
    return known


def change_row(pbx: Pbx, member: Member, **values: str) -> None:
    """Write something of a member into its row, in the background."""
    if member.row:
        pbx.spawn(_update(pbx, member, list(values.items())), f"row of {member.interface}")


async def _update(pbx: Pbx, member: Member, values: list[tuple[str, str]]) -> None:
    for name, value in values:
        if await realtime_of(pbx).update(MEMBERS, [("uniqueid", member.row)], [(name, value)]) < 0:
            log.warning("table %s: %s = %r of %s cannot be written", MEMBERS, name, value, member.interface)


def _whole(text: str) -> int:
    return int(text) if text.strip().lstrip("-").isdigit() else 0
