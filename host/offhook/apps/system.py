"""Running programs of the host from the dialplan."""

from __future__ import annotations

import asyncio
import logging

from offhook.calls.channel import Channel
from offhook.modules import Module, Syntax

log = logging.getLogger(__name__)
module = Module("app_system", "Generic System() application")


async def _run(channel: Channel, command: str, failure: str) -> None:
    """Run a shell command to its end; SYSTEMSTATUS tells how it went."""
    if not command.strip():
        log.warning("%s: System needs a command", channel.name)
        channel.set("SYSTEMSTATUS", failure)
        return
    if len(command) >= 2 and command[0] == command[-1] == '"':
        command = command[1:-1]
    try:
        process = await asyncio.create_subprocess_shell(command, stdin=asyncio.subprocess.DEVNULL)
    except OSError as error:
        log.warning("%s: cannot run %r: %s", channel.name, command, error)
        channel.set("SYSTEMSTATUS", failure)
        return
    status = await process.wait()
    if status == 127:
        log.warning("%s: unable to execute %r", channel.name, command)
        channel.set("SYSTEMSTATUS", failure)
    else:
        channel.set("SYSTEMSTATUS", "SUCCESS" if status == 0 else "APPERROR")


@module.application("System", Syntax("command"), raw=True, see_also=("TrySystem", "SHELL"))
async def system(channel: Channel, command: str = "") -> None:
    """Run a command of the operating system and wait for it.

    SYSTEMSTATUS is FAILURE (it could not be run), SUCCESS (exit status 0) or APPERROR.
    """
    await _run(channel, command, "FAILURE")


@module.application("TrySystem", Syntax("command"), raw=True, see_also=("System",))
async def try_system(channel: Channel, command: str = "") -> None:
    """Run a command of the operating system and wait for it; the call goes on whatever comes of it.

    SYSTEMSTATUS is FAILURE (it could not be run), SUCCESS (exit status 0) or APPERROR.
    """
    await _run(channel, command, "FAILURE")
