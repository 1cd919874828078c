"""Reading queues.conf and queuerules.conf, at first and again, as a whole or in parts."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offhook.config.model import ConfigError
from offhook.services.queues.member import DYNAMIC, STATIC, Member, parse_member
from offhook.services.queues.persistence import kept
from offhook.services.queues.queue import Queue
from offhook.services.queues.rules import add_rows, read_rules
from offhook.services.queues.settings import FILE, read_general, read_settings
from offhook.storage.realtime import realtime_of

if TYPE_CHECKING:
    from offhook.config.model import ConfigFile, Section
    from offhook.services.queues.queues import Queues

log = logging.getLogger(__name__)

RULES_FILE = "queuerules.conf"
MODULE = "app_queue"
_RULES = "queue_rules"


@dataclass(frozen=True, slots=True)
class Parts:
    """What is read again."""

    parameters: bool = False
    members: bool = False
    rules: bool = False


ALL = Parts(parameters=True, members=True, rules=True)


async def read(queues: Queues, parts: Parts = ALL, name: str = "") -> bool:
    """Read the files for one queue or ("") all. False when there is no queues.conf."""
    pbx = queues.pbx
    if parts.rules:
        await _read_rules(queues)
    if not (parts.parameters or parts.members):
        return True
    file: ConfigFile | None = await pbx.off_loop(pbx.config.load, FILE, MODULE)
    if file is None:
        return False
    errors: list[ConfigError] = []
    if parts.parameters:
        queues.general = read_general(file.get("general"), errors)
    seen: set[str] = set()
    for section in file:
        key = section.name.lower()
        if key == "general":
            continue
        if key in seen:
            sentence = f"queue {section.name} stands here a second time; this section has no effect"
            errors.append(ConfigError(section.file, section.line, sentence))
            continue
        seen.add(key)
        if not name or key == name.lower():
            _read_queue(queues, section, parts, errors)
    if parts.parameters:
        for queue in queues:
            if not queue.realtime and queue.name.lower() not in seen and name.lower() in ("", queue.name.lower()):
                queues.drop(queue)
    for error in errors:
        log.warning("%s", error)
    return True


def _read_queue(queues: Queues, section: Section, parts: Parts, errors: list[ConfigError]) -> None:
    queue = queues.find(section.name)
    if parts.parameters:
        settings = read_settings(section, queues.general, errors)
        if queue is None or queue.realtime:
            queue = Queue(queues.pbx, section.name, settings)
            queues.add(queue)
        queue.settings = settings
    if queue is None:
        return
    if parts.members:
        _read_members(queue, section, errors)


def _read_members(queue: Queue, section: Section, errors: list[ConfigError]) -> None:
    """Static members become those of the section, in its order; those who were there keep what they have done."""
    before = {key: member for key, member in queue.members.items() if member.kind == STATIC}
    found: dict[str, Member] = {}
    for entry in section:
        if entry.name.lower() != "member":
            continue

        def complain(sentence: str, line: int = entry.line, file: str = entry.file) -> None:
            errors.append(ConfigError(file, line, sentence))

        try:
            member = parse_member(entry.value, queue.settings.ringinuse, complain)
        except ValueError as error:
            complain(f"member = {entry.value}: {error}")
            continue
        found[member.key] = member
    for key, old in before.items():
        if key not in found:
            queue.remove(old)
    for key, member in found.items():
        known = queue.members.get(key)
        if known is not None:
            _renew(queue, known, member)
        else:
            queue.add(member)
    for member in queue.members.values():
        if member.kind == DYNAMIC:
            member.ringinuse = queue.settings.ringinuse
    _order(queue, list(found))


def _renew(queue: Queue, known: Member, written: Member) -> None:
    """A member is as the file says now, even one who came by itself before; whether it is paused stays."""
    known.kind, known.row = STATIC, ""
    known.name, known.penalty = written.name, written.penalty
    known.ringinuse, known.wrapuptime = written.ringinuse, written.wrapuptime
    queue.follow(known, written.state_interface)


def _order(queue: Queue, first: list[str]) -> None:
    """Members of the file in its order, then the others as they came."""
    rest = [key for key in queue.members if key not in first]
    queue.members = {key: queue.members[key] for key in (*first, *rest) if key in queue.members}


async def _read_rules(queues: Queues) -> None:
    pbx = queues.pbx
    file: ConfigFile | None = await pbx.off_loop(pbx.config.load, RULES_FILE, MODULE)
    errors: list[ConfigError] = []
    rules = read_rules(file, errors)
    for error in errors:
        log.warning("%s", error)
    if file is not None and file.boolean("general", "realtime_rules"):
        realtime = realtime_of(pbx)
        if not realtime.maps(_RULES):
            log.warning("%s: realtime_rules: extconfig.conf maps no %s", RULES_FILE, _RULES)
        sentences: list[str] = []
        add_rows(rules, map(dict, await realtime.many(_RULES, [("rule_name LIKE", "%")])), sentences)
        for sentence in sentences:
            log.warning("%s", sentence)
    queues.rules = rules


def restore_members(queues: Queues) -> None:
    """Members that the AstDB has from before the restart come back; those of queues that are gone are forgotten."""
    from offhook.services.queues.persistence import FAMILY

    for name, members in kept(queues):
        queue = queues.find(name)
        if queue is None:
            log.warning("AstDB %s/%s: there is no such queue; it is forgotten", FAMILY, name)
            queues.pbx.astdb.delete(FAMILY, name)
            continue
        for member in members:
            if queue.member(member.interface) is None:
                member.ringinuse = queue.settings.ringinuse
                queue.add(member)


def reset(queues: Queues, name: str = "") -> bool:
    """Forget the figures of one queue or ("") of all; False when there is no such queue."""
    found = [queue for queue in queues if name.lower() in ("", queue.name.lower())]
    for queue in found:
        queue.reset()
    return bool(found) or not name
