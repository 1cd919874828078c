"""Message waiting told from outside: mailboxes that another system keeps and manager clients update."""

from __future__ import annotations

import json
import logging
import re

from offhook.calls.mailboxes import Count
from offhook.calls.pbx import Pbx
from offhook.modules import ActionError, ActionRequest, Module, Syntax

log = logging.getLogger(__name__)

module = Module("res_mwi_external", "Core external MWI resource", priority=6)
ami = Module("res_mwi_external_ami", "AMI support for external MWI", depends=("res_mwi_external",), priority=7)

FAMILY = "mwi_external"
_PREFIX = "mailboxes/"
_BOX = Syntax("Mailbox")


@module.on_load
def load(pbx: Pbx) -> None:
    """Tell what the mailboxes held when they were updated last."""
    for key, text in pbx.astdb.by_prefix(FAMILY, _PREFIX):
        count = _read(text)
        if count is None:
            log.warning("%s in the database is no message count and is dropped", key)
            pbx.astdb.delete(FAMILY, key.removeprefix(f"/{FAMILY}/"))
        else:
            pbx.mailboxes.publish(_name(key), *count)


def _name(key: str) -> str:
    return key.removeprefix(f"/{FAMILY}/{_PREFIX}")


def _read(text: str) -> Count | None:
    try:
        values = json.loads(text)
        return Count(int(values["msgs_new"]), int(values["msgs_old"]))
    except (ValueError, KeyError, TypeError):
        return None


def _selected(request: ActionRequest) -> list[tuple[str, Count]]:
    """The mailboxes a request means: one by name, or all that match ``/regular expression/``."""
    wanted = request.require("Mailbox", "Missing mailbox parameter in request")
    kept = [(_name(key), _read(text) or Count()) for key, text in request.pbx.astdb.by_prefix(FAMILY, _PREFIX)]
    if not wanted.startswith("/"):
        return [each for each in kept if each[0] == wanted]
    try:
        if len(wanted) < 2 or not wanted.endswith("/"):
            raise re.error("no slash at the end")
        pattern = re.compile(wanted[1:-1])
    except re.error:
        raise ActionError(f"Mailbox regex format invalid in: {wanted}") from None
    return [each for each in kept if pattern.search(each[0])]


@ami.action("MWIGet", ("call", "reporting"), _BOX)
def mwi_get(request: ActionRequest) -> None:
    """Get selected mailboxes with message counts.

    Mailbox is a name, or a regular expression between slashes. Sends an MWIGet event for each that is known.
    """
    found = _selected(request)
    request.listed("Mailboxes will follow")
    for name, count in found:
        counts = [("OldMessages", str(count.old)), ("NewMessages", str(count.new))]
        request.event("MWIGet", [("Mailbox", name), *counts])
    request.complete("MWIGetComplete", len(found))


@ami.action("MWIDelete", ("call",), _BOX)
def mwi_delete(request: ActionRequest) -> None:
    """Delete selected mailboxes.

    Mailbox is a name, or a regular expression between slashes. Who watches them is told that they are empty.
    """
    for name, _ in _selected(request):
        request.pbx.astdb.delete(FAMILY, _PREFIX + name)
        request.pbx.mailboxes.forget(name)
    request.ok()


@ami.action("MWIUpdate", ("call",), Syntax("Mailbox", "[OldMessages]", "[NewMessages]"))
def mwi_update(request: ActionRequest) -> None:
    """Update the message counts of a mailbox.

    A count that is not given is 0. They are kept over restarts.
    """
    name = request.require("Mailbox", "Missing mailbox parameter in request")
    old, new = _number(request, "OldMessages"), _number(request, "NewMessages")
    text = json.dumps({"msgs_new": str(new), "msgs_old": str(old)}, separators=(",", ":"))
    request.pbx.astdb.put(FAMILY, _PREFIX + name, text)
    request.pbx.mailboxes.publish(name, new, old)
    request.ok()


def _number(request: ActionRequest, header: str) -> int:
    text = request.get(header).strip()
    if text and not (text.isascii() and text.isdigit()):
        raise ActionError(f"Invalid {header}: {text}")
    return int(text or 0)
