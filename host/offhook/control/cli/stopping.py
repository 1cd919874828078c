"""Commands that wait for the start and ask for the stop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from offhook.modules import Module, Request

if TYPE_CHECKING:
    from offhook.daemon.stopping import Stopping

module = Module("cli_stopping", "Commands to stop and restart")


def _stopping(request: Request) -> Stopping:
    if request.args:
        raise request.usage()
    stopping: Stopping = request.pbx.parts["stopping"]
    return stopping


@module.command("core waitfullybooted", "Wait for Asterisk to be fully booted")
async def wait_fully_booted(request: Request) -> None:
    """Return once everything is loaded.

    Answers at once when it is; scripts wait with it for a daemon that they started.
    """
    from offhook.calls.events import FullyBooted

    if request.args:
        raise request.usage()
    if not request.pbx.booted:
        booted = asyncio.Event()
        drop = request.pbx.bus.subscribe(FullyBooted, lambda _event: booted.set())
        try:
            await booted.wait()
        finally:
            drop()
    request.print("Asterisk has fully booted.")


@module.command("core stop now", "Shut down Asterisk immediately")
def stop_now(request: Request) -> None:
    """Stop without waiting: calls are cut off."""
    _stopping(request).now()


@module.command("core stop gracefully", "Gracefully shut down Asterisk")
async def stop_gracefully(request: Request) -> None:
    """Take no new calls, and stop when the last present one is over.

    Answers when there are no calls any more, or the stop was aborted.
    """
    stopping = _stopping(request)
    stopping.gracefully()
    await stopping.settled()


@module.command("core stop when convenient", "Shut down Asterisk at empty call volume")
def stop_when_convenient(request: Request) -> None:
    """Stop as soon as there are no calls; new ones are still taken until then."""
    stopping = _stopping(request)
    request.print("Waiting for inactivity to perform halt")
    stopping.when_convenient()


@module.command("core restart now", "Restart Asterisk immediately")
def restart_now(request: Request) -> None:
    """Stop without waiting, and start again."""
    _stopping(request).now(restart=True)


@module.command("core restart gracefully", "Restart Asterisk gracefully")
def restart_gracefully(request: Request) -> None:
    """Take no new calls, and start again when the last present one is over."""
    _stopping(request).gracefully(restart=True)


@module.command("core restart when convenient", "Restart Asterisk at empty call volume")
def restart_when_convenient(request: Request) -> None:
    """Start again as soon as there are no calls; new ones are still taken until then."""
    stopping = _stopping(request)
    request.print("Waiting for inactivity to perform restart")
    stopping.when_convenient(restart=True)


@module.command("core abort shutdown", "Cancel a running shutdown")
def abort_shutdown(request: Request) -> None:
    """Go on after all: cancels a stop or restart that waits for calls to end."""
    if _stopping(request).abort():
        request.print("Shutdown aborted.")
