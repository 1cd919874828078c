"""The module ``manager``: manager.conf, the interface's start and end. Actions and commands are in the files beside."""

from __future__ import annotations

import logging

from offhook.calls.pbx import Pbx
from offhook.config.acl import named_acls
from offhook.control.manager.ami import manager
from offhook.control.manager.settings import read_settings
from offhook.modules import Module

log = logging.getLogger(__name__)

module = Module("manager", "The manager interface (AMI)", priority=12)


@module.on_load
async def load(pbx: Pbx) -> None:
    """Read manager.conf and listen."""
    await configure(pbx)


@module.on_reload
async def reload(pbx: Pbx) -> None:
    """Read manager.conf again. Sessions keep what their users had when they logged in."""
    await configure(pbx)


@module.on_unload
async def unload(pbx: Pbx) -> None:
    """End every session."""
    unlink(pbx)
    await manager(pbx).stop()


async def configure(pbx: Pbx) -> None:
    settings = read_settings(pbx.config.load("manager.conf", module.name), named_acls(pbx))
    for error in settings.errors:
        log.warning("%s", error)
    await manager(pbx).apply(settings)
    if settings.enabled and settings.web_enabled:
        link(pbx)
    else:
        unlink(pbx)


# Everything below registers itself with the module above.
from offhook.control.manager import (  # noqa: E402, F401
    actions_bridges,
    actions_channels,
    actions_config,
    actions_dialplan,
    actions_originate,
    actions_session,
    actions_states,
    actions_system,
    actions_transfer,
    advice,
    commands,
    events_agents,
    events_bridges,
    events_channels,
    events_completion,
    events_conference,
    events_dialing,
    events_endpoints,
    events_lines,
    events_parking,
    events_queues,
    events_records,
    events_system,
)
from offhook.control.manager.web import link, unlink  # noqa: E402
