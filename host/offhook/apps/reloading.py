"""Reload: configuration read again from the dialplan."""

from __future__ import annotations

from offhook.calls.channel import Channel
from offhook.modules import Module, Syntax, split_arguments
from offhook.modules.loader import Reloaded

module = Module("app_reload", "Reload module(s)")


@module.application("Reload", Syntax("[module[,...]]", module="A module's whole name; without one, all."), raw=True)
async def reload(channel: Channel, names: str = "") -> None:
    """Have modules read their configuration again, and wait until they have.

    RELOADSTATUS is SUCCESS when all of them could, else FAILURE.
    """
    results = [await channel.pbx.loader.reload(name.strip()) for name in split_arguments(names) or [""]]
    done = all(result is Reloaded.SUCCESS for result in results)
    channel.set("RELOADSTATUS", "SUCCESS" if done else "FAILURE")
