"""Named access control lists: acl.conf and its command."""

from __future__ import annotations

from offhook.calls.pbx import Pbx
from offhook.config.acl import named_acls, reload_named, show
from offhook.modules import Module, Request

module = Module("acl", "Named access control lists", priority=5)


@module.on_load
def load(pbx: Pbx) -> None:
    """Read acl.conf."""
    reload_named(pbx)


@module.on_reload
def reload(pbx: Pbx) -> None:
    """Read acl.conf again."""
    reload_named(pbx)


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
