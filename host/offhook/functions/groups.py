"""Counting calls: GROUP and its companions."""

from __future__ import annotations

import logging

from offhook.dialplan.arguments import need_channel
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.posix import RegexError, compile_regex
from offhook.dialplan.scope import Scope
from offhook.modules import Module, Request, Syntax

log = logging.getLogger(__name__)
module = Module("func_groupcount", "Channel group dialplan functions")

_KEY = "groups"


def _split(text: str) -> tuple[str, str]:
    """``group@category`` as group and category."""
    group, _, category = text.partition("@")
    return group, category


def _count(scope: Scope, group: str, category: str) -> int:
    """How many channels are in a group of a category; of any when that is empty."""
    return sum(
        sum(1 for kind, name in channel.groups() if name == group and (not category or kind == category.lower()))
        for channel in scope.pbx.channels
    )


@module.function("GROUP", Syntax("[category]"), see_also=("GROUP_COUNT", "GROUP_LIST"), raw=True)
def group(scope: Scope, category: str) -> str:
    """The group of the channel in a category; its first one when no category is named."""
    groups = need_channel(scope, "GROUP").groups()
    for kind, name in groups:
        if not category or kind == category.lower():
            return name
    return ""


@group.writer
def set_group(scope: Scope, value: str, category: str) -> None:
    """Put the channel into a group; ``group@category`` names the category in the value."""
    channel = need_channel(scope, "GROUP")
    name, kind = (value, category) if category else _split(value)
    if not name:
        log.warning("%s: GROUP(%s) is assigned no name of a group", channel.name, category)
        return
    channel.data.setdefault(_KEY, {})[kind.lower()] = name


@module.function("GROUP_COUNT", Syntax("[groupname][@category]"), see_also=("GROUP",), raw=True)
def group_count(scope: Scope, text: str) -> str:
    """How many channels are in a group; without a name, in the channel's own."""
    channel = need_channel(scope, "GROUP_COUNT")
    name, category = _split(text)
    if not name:
        for kind, own in channel.groups():
            if not category or kind == category.lower():
                name, category = own, kind
                break
        else:
            raise FunctionError(f"GROUP_COUNT: {channel.name} is in no group")
    return str(_count(scope, name, category))


@module.function("GROUP_MATCH_COUNT", Syntax("groupmatch[@category]"), see_also=("GROUP_COUNT",), raw=True)
def group_match_count(scope: Scope, text: str) -> str:
    """How many channels are in groups whose name (and category) fit a regular expression."""
    name, category = _split(text)
    if not name:
        raise FunctionError("GROUP_MATCH_COUNT needs a regular expression")
    try:
        fits, category_fits = compile_regex(name), compile_regex(category)
    except RegexError as error:
        raise FunctionError(f'GROUP_MATCH_COUNT: "{text}" is no regular expression: {error}') from error
    return str(
        sum(
            fits.search(found) is not None and (not category or category_fits.search(kind) is not None)
            for channel in scope.pbx.channels
            for kind, found in channel.groups()
        )
    )


@module.function("GROUP_LIST", Syntax(), see_also=("GROUP",))
def group_list(scope: Scope) -> str:
    """The groups of the channel, separated by blanks, each with its @category if it has one."""
    groups = need_channel(scope, "GROUP_LIST").groups()
    return " ".join(f"{name}@{kind}" if kind else name for kind, name in groups)


@module.command("group show channels [<pattern>]", "Display active channels with group(s)")
def show_groups(request: Request) -> None:
    """List channels and the groups they are in; a regular expression chooses groups by their names."""
    if len(request.args) > 1:
        raise request.usage()
    wanted = None
    if request.args:
        try:
            wanted = compile_regex(request.args[0])
        except RegexError:
            raise request.usage() from None
    row = "{:<25.25}  {:<20.20}  {:<20.20}".format
    request.print(row("Channel", "Group", "Category"))
    found = [
        (channel.name, name, category or "(default)")
        for channel in request.pbx.channels
        for category, name in channel.groups()
        if wanted is None or wanted.search(name)
    ]
    request.print(*(row(*each) for each in found), f"{len(found)} active channel{'' if len(found) == 1 else 's'}")
