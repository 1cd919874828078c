"""Assigning variables."""

from __future__ import annotations

import logging
from collections.abc import Awaitable

from offhook.calls.channel import Channel
from offhook.dialplan.scope import Scope, scope_of
from offhook.modules import Module, Syntax, split_arguments

log = logging.getLogger(__name__)
module = Module("pbx_variables", "Applications that assign variables")


@module.application("Set", Syntax("name", "value", separator="="), raw=True, see_also=("MSet", "GLOBAL", "ENV"))
def set_variable(channel: Channel, data: str = "") -> Awaitable[None] | None:
    """Assign a channel variable or write a function.

    One leading underscore lets the next channel inherit it, two all further ones. Everything after the first = is
    the value, commas and quotes included.
    """
    name, equals, value = data.partition("=")
    if not equals:
        log.warning("%s: Set(%s) needs name=value", channel.name, data)
        return None
    if name.endswith(")"):
        return scope_of(channel).write(name, value)
    if " " in name:
        log.warning(
            "%s: Set(%s): the blanks around = become part of name and value; leave them out", channel.name, data
        )
    channel.set(name, value)
    return None


@module.application("MSet", Syntax("name1=value1", rest="name2=value2"), raw=True, see_also=("Set",))
async def set_several(channel: Channel, data: str = "") -> None:
    """Assign several variables at once, separated by commas.

    Values with commas are written in quotes.
    """
    for pair in split_arguments(data):
        name, equals, value = pair.partition("=")
        if not equals:
            log.warning("%s: MSet ignores %r: it needs name=value", channel.name, pair)
            continue
        if " " in name:
            log.warning("%s: MSet(%s): the blanks around %r become part of the name", channel.name, data, name.strip())
        done = scope_of(channel).set(name, value)
        if done is not None:
            await done


@module.application("ImportVar", Syntax("newvar=channelname", "variable"), raw=True)
async def import_variable(channel: Channel, data: str = "") -> None:
    """Copy a variable of another channel into one of this channel."""
    name, _, rest = data.partition("=")
    other, _, variable = rest.partition(",")
    source = channel.pbx.channels.find(other.strip())
    value = ""
    if source is not None and variable:
        value = await Scope(channel.pbx, source).expanded(f"${{{variable.strip()}}}")
    channel.set(name.strip(), value)
