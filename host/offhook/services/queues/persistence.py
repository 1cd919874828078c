"""Dynamic members in the AstDB, so that they are there after a restart (persistentmembers)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offhook.services.queues.member import DYNAMIC, Member

if TYPE_CHECKING:
    from offhook.services.queues.queue import Queue
    from offhook.services.queues.queues import Queues

log = logging.getLogger(__name__)

FAMILY = "Queue/PersistentMembers"


def keep(queues: Queues, queue: Queue) -> None:
    """Write down the dynamic members of a queue as they are now, if that is wanted."""
    if not queues.general.persistentmembers:
        return
    text = "|".join(_text(member) for member in queue.members.values() if member.kind == DYNAMIC)
    if text:
        queues.pbx.astdb.put(FAMILY, queue.name, text)
    else:
        queues.pbx.astdb.delete(FAMILY, queue.name)


def _text(member: Member) -> str:
    fields = (
        member.interface,
        str(member.penalty),
        str(int(member.paused)),
        member.name,
        member.state_interface,
        member.reason,
        str(member.wrapuptime),
    )
    return ";".join(fields)


def kept(queues: Queues) -> list[tuple[str, list[Member]]]:
    """Queues by name with the members that were written down; what cannot be read is left out and told."""
    prefix = f"/{FAMILY}/"
    return [
        (key[len(prefix) :], _members(key[len(prefix) :], text))
        for key, text in queues.pbx.astdb.by_prefix(FAMILY, "")
        if key.startswith(prefix)
    ]


def _members(name: str, text: str) -> list[Member]:
    members = []
    for part in filter(None, text.replace(",", "|").split("|")):
        interface, penalty, paused, named, state, reason, wrapup = (*part.split(";"), *[""] * 7)[:7]
        if not penalty.lstrip("-").isdigit() or paused not in ("0", "1"):
            log.warning("AstDB %s/%s: %r is no member: interface;penalty;paused;name;...", FAMILY, name, part)
            break
        seconds = int(wrapup) if wrapup.isdigit() else 0
        members.append(
            Member(
                interface,
                named,
                int(penalty),
                state,
                wrapuptime=seconds,
                paused=paused == "1",
                reason=reason,
                kind=DYNAMIC,
            )
        )
    return members
