"""The module app_queue: it reads its files and follows the talks; what it offers registers itself below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.modules import Module
from offhook.services.queues.queues import device_state, forget_queues, queues_of

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

module = Module("app_queue", "True Call Queueing", priority=55, needs="queues.conf")


@module.on_load
async def load(pbx: Pbx) -> None:
    """Read the files, and have members back from before the restart."""
    from offhook.services.queues.persistence import kept
    from offhook.services.queues.realtime import fetch
    from offhook.services.queues.reloading import read, restore_members

    queues = queues_of(pbx)
    await read(queues)
    if queues.general.persistentmembers:
        for name, _members in kept(queues):
            await fetch(queues, name)
        restore_members(queues)
    pbx.devices.providers["queue"] = lambda name: device_state(queues, name)


@module.on_reload
async def reload(pbx: Pbx) -> None:
    """Read the files again; callers stay in line."""
    from offhook.services.queues.reloading import read

    await read(queues_of(pbx))


@module.on_unload
def unload(pbx: Pbx) -> None:
    """Nobody new comes; who waits is served to the end."""
    from offhook.services.queues.conversations import forget_conversations

    forget_conversations(pbx)
    forget_queues(pbx)
    pbx.devices.providers.pop("queue", None)


from offhook.services.queues import (  # noqa: E402
    actions,  # noqa: F401
    applications,  # noqa: F401
    commands,  # noqa: F401
    functions,  # noqa: F401
    listing,  # noqa: F401
    log_applications,  # noqa: F401
    member_applications,  # noqa: F401
)
