"""The module app_agent_pool: it reads its file; what it offers registers itself below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.modules import Module
from offhook.services.agents.pool import forget_pool, pool_of

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

module = Module("app_agent_pool", "Call center agent pool applications", priority=30)


@module.on_load
@module.on_reload
async def read(pbx: Pbx) -> None:
    """Read agents.conf, at first or again."""
    from offhook.services.agents.settings import FILE

    pool = pool_of(pbx)
    pool.configure(await pbx.off_loop(pbx.config.load, FILE, module.name))
    pbx.devices.providers["agent"] = pool.device_state


@module.on_unload
def forget(pbx: Pbx) -> None:
    """Agents are logged off."""
    forget_pool(pbx)
    pbx.devices.providers.pop("agent", None)


from offhook.services.agents import applications, commands, listing  # noqa: E402, F401
