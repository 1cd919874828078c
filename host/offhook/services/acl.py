"""Named access control lists: acl.conf and its command."""

from __future__ import annotations

import logging

from offhook.calls.events import FullyBooted
from offhook.calls.pbx import Pbx
from offhook.config.acl import named_acls, reload_named, show
from offhook.modules import Module, Request
from offhook.storage.realtime import realtime_of

log = logging.getLogger(__name__)
module = Module("acl", "Named access control lists", priority=5)

FAMILY = "acls"


@module.on_load
def load(pbx: Pbx) -> None:
    """Read acl.conf; the lists of a database follow once its driver is there."""
    reload_named(pbx)
    pbx.bus.subscribe(FullyBooted, lambda _: _read_soon(pbx))


def _read_soon(pbx: Pbx) -> None:
    pbx.spawn(read_stored(pbx), "acls")


@module.on_reload
async def reload(pbx: Pbx) -> None:
    """Read acl.conf and the stored lists again."""
    reload_named(pbx)
    await read_stored(pbx)


async def read_stored(pbx: Pbx) -> None:
    """Read the lists of the realtime family ``acls``."""
    realtime = realtime_of(pbx)
    if realtime.maps(FAMILY):
        criteria = [("systemname", pbx.options.system_name)] if pbx.options.system_name else [("name LIKE", "%")]
        rows = await realtime.many(FAMILY, criteria)
        for error in named_acls(pbx).store(dict(row) for row in rows):
            log.error("%s", error)


def _names(pbx: Pbx, args: list[str], _typed: str) -> list[str]:
    return [] if args else [name for name, _ in named_acls(pbx).lists.values()]


@module.command("acl show [<name>]", "Show a named ACL or list all named ACLs", complete=_names)
def acl_show(request: Request) -> None:
    """Show the named ACLs.

    Shows the names of all lists in acl.conf, or the rules of one.
    """
    acls = named_acls(request.pbx)
    if len(request.args) > 1:
        raise request.usage()
    if not request.args:
        request.print("", "acl", "---", *(name for name, _ in acls.lists.values()))
        return
    found = acls.lists.get(request.args[0].lower())
    if found is None:
        request.print("", f"Could not find ACL named '{request.args[0]}'")
        return
    request.print("", *show(*found))
