"""res_security_log: security events as lines of the log's level SECURITY, for programs such as fail2ban."""

from __future__ import annotations

import logging

from offhook.calls import events
from offhook.calls.pbx import Pbx
from offhook.log import SECURITY, verbose
from offhook.modules import Module

log = logging.getLogger(__name__)
module = Module("res_security_log", "Security Event Logging", priority=11)

_STOP = "security log"


def line(event: events.Security) -> str:
    """An event as it stands in the log."""
    pairs = (("SecurityEvent", event.name), *event.elements)
    return ",".join(f'{name}="{value}"' for name, value in pairs)


@module.on_load
def load(pbx: Pbx) -> None:
    """Write from now on."""
    pbx.parts[_STOP] = pbx.bus.subscribe(events.Security, lambda event: log.log(SECURITY, "%s", line(event)))
    verbose(3, "Security Logging Enabled")


@module.on_unload
def unload(pbx: Pbx) -> None:
    """No more."""
    pbx.parts.pop(_STOP)()
    verbose(3, "Security Logging Disabled")
