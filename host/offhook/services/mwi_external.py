"""Message waiting told from outside: mailboxes that another system keeps and manager clients update.

Their counts are kept in the AstDB, or where sorcery.conf says: ``[res_mwi_external]``, ``mailboxes = realtime,FAMILY``.
"""

from __future__ import annotations

import json
import logging
import re
from typing import Any, Protocol

from offhook.calls.mailboxes import Count
from offhook.calls.pbx import Pbx
from offhook.modules import ActionError, ActionRequest, Module, Syntax
from offhook.storage.realtime import realtime_of

log = logging.getLogger(__name__)

module = Module("res_mwi_external", "Core external MWI resource", priority=6)
ami = Module("res_mwi_external_ami", "AMI support for external MWI", depends=("res_mwi_external",), priority=7)

PART = "external mailboxes"
FAMILY = "mwi_external"
_PREFIX = "mailboxes/"
_BOX = Syntax("Mailbox")


class Store(Protocol):
    """Where the counts are kept."""

    async def all(self) -> dict[str, Count]:
        """Every mailbox with its count."""

    async def get(self, name: str) -> Count | None:
        """A mailbox's count, None when it is not there."""

    async def put(self, name: str, count: Count) -> bool:
        """Keep a count; false when that fails."""

    async def delete(self, name: str) -> None:
        """Forget a mailbox."""


class AstDbStore:
    """The AstDB."""

    def __init__(self, pbx: Pbx) -> None:
        self._astdb = pbx.astdb

    async def all(self) -> dict[str, Count]:
        """Every mailbox; lines that hold no count are dropped."""
        found = {}
        for key, text in self._astdb.by_prefix(FAMILY, _PREFIX):
            name = key.removeprefix(f"/{FAMILY}/{_PREFIX}")
            count = _count(text)
            if count is not None:
                found[name] = count
            else:
                log.warning("%s in the database is no message count and is dropped", key)
                self._astdb.delete(FAMILY, _PREFIX + name)
        return found

    async def get(self, name: str) -> Count | None:
        """One."""
        text = self._astdb.get(FAMILY, _PREFIX + name)
        return _count(text) if text is not None else None

    async def put(self, name: str, count: Count) -> bool:
        """Keep it."""
        values = {"msgs_new": str(count.new), "msgs_old": str(count.old)}
        self._astdb.put(FAMILY, _PREFIX + name, json.dumps(values, separators=(",", ":")))
        return True

    async def delete(self, name: str) -> None:
        """Forget it."""
        self._astdb.delete(FAMILY, _PREFIX + name)


class RealtimeStore:
    """A realtime family with the columns id, msgs_new and msgs_old."""

    def __init__(self, pbx: Pbx, family: str) -> None:
        self._realtime = realtime_of(pbx)
        self._family = family

    async def all(self) -> dict[str, Count]:
        """Every row."""
        rows = await self._realtime.many(self._family, [("id LIKE", "%")])
        return {name: _of_row(row) for row in rows if (name := dict(row).get("id", ""))}

    async def get(self, name: str) -> Count | None:
        """One."""
        row = await self._realtime.one(self._family, [("id", name)])
        return _of_row(row) if row is not None else None

    async def put(self, name: str, count: Count) -> bool:
        """Update the row, or insert it."""
        values = [("msgs_new", str(count.new)), ("msgs_old", str(count.old))]
        if await self.get(name) is not None:
            return await self._realtime.update(self._family, [("id", name)], values) >= 0
        return await self._realtime.store(self._family, [("id", name), *values]) > 0

    async def delete(self, name: str) -> None:
        """Delete the row."""
        await self._realtime.destroy(self._family, [("id", name)])


def _count(text: str) -> Count | None:
    try:
        values = json.loads(text)
        return Count(int(values["msgs_new"]), int(values["msgs_old"]))
    except (ValueError, KeyError, TypeError):
        return None


def _of_row(row: Any) -> Count:
    values = dict(row)
    return Count(*(int(text) if (text := values.get(name, "")).isdigit() else 0 for name in ("msgs_new", "msgs_old")))


def _store(pbx: Pbx) -> Store:
    """The store that sorcery.conf names."""
    file = pbx.config.load("sorcery.conf", module.name)
    section = file.get("res_mwi_external") if file is not None else None
    kind, _, family = ((section.get("mailboxes") if section is not None else None) or "astdb").partition(",")
    kind = kind.strip().lower()
    if kind == "realtime":
        return RealtimeStore(pbx, family.strip() or "mailboxes")
    if kind != "astdb":
        log.error("sorcery.conf: mailboxes cannot be kept in %s; write astdb or realtime,FAMILY", kind)
    return AstDbStore(pbx)


@module.on_load
async def load(pbx: Pbx) -> None:
    """Tell what the mailboxes held when they were updated last."""
    store = pbx.parts[PART] = _store(pbx)
    for name, count in (await store.all()).items():
        pbx.mailboxes.publish(name, *count)


@module.on_unload
def unload(pbx: Pbx) -> None:
    """Keep them no longer."""
    pbx.parts.pop(PART, None)


async def _selected(request: ActionRequest) -> dict[str, Count]:
    """The mailboxes a request means: one by name, or all that match ``/regular expression/``."""
    wanted = request.require("Mailbox", "Missing mailbox parameter in request")
    store: Store = request.pbx.parts[PART]
    if not wanted.startswith("/"):
        count = await store.get(wanted)
        return {wanted: count} if count is not None else {}
    try:
        if len(wanted) < 2 or not wanted.endswith("/"):
            raise re.error("no slash at the end")
        pattern = re.compile(wanted[1:-1])
    except re.error:
        raise ActionError(f"Mailbox regex format invalid in: {wanted}") from None
    return {name: count for name, count in (await store.all()).items() if pattern.search(name)}


@ami.action("MWIGet", ("call", "reporting"), _BOX)
async def mwi_get(request: ActionRequest) -> None:
    """Get selected mailboxes with message counts.

    Mailbox is a name, or a regular expression between slashes. Sends an MWIGet event for each that is known.
    """
    found = await _selected(request)
    request.listed("Mailboxes will follow")
    for name, count in found.items():
        counts = [("OldMessages", str(count.old)), ("NewMessages", str(count.new))]
        request.event("MWIGet", [("Mailbox", name), *counts])
    request.complete("MWIGetComplete", len(found))


@ami.action("MWIDelete", ("call",), _BOX)
async def mwi_delete(request: ActionRequest) -> None:
    """Delete selected mailboxes.

    Mailbox is a name, or a regular expression between slashes. Who watches them is told that they are empty.
    """
    mailboxes = request.pbx.mailboxes
    for name, count in (await _selected(request)).items():
        await request.pbx.parts[PART].delete(name)
        if count.new or count.old:
            mailboxes.publish(name, 0, 0)
        mailboxes.drop(name)
    request.ok()


@ami.action("MWIUpdate", ("call",), Syntax("Mailbox", "[OldMessages]", "[NewMessages]"))
async def mwi_update(request: ActionRequest) -> None:
    """Update the message counts of a mailbox.

    A count that is not given is 0. They are kept over restarts.
    """
    name = request.require("Mailbox", "Missing mailbox parameter in request")
    old, new = _number(request, "OldMessages"), _number(request, "NewMessages")
    if not await request.pbx.parts[PART].put(name, Count(new, old)):
        raise ActionError("Update attempt failed")
    request.pbx.mailboxes.publish(name, new, old)
    request.ok()


def _number(request: ActionRequest, header: str) -> int:
    text = request.get(header).strip()
    if text and not (text.isascii() and text.isdigit()):
        raise ActionError(f"Invalid {header}: {text}")
    return int(text or 0)
