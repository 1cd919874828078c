"""The hardware there is: the DAHDI drivers of the kernel, or spans simulated by system.conf's ``dynamic=sim``."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from kernel_shims.dahdi.system import DahdiSystem, present
from kernel_shims.dahdi.system_conf import SystemConf, read_system_conf
from kernel_shims.line import LineError, LineSystem
from kernel_shims.simulator.system import SimulatedSystem

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)
OVERRIDE = "line_system"
"""Key in the parts of the exchange of a system to use instead of what is found (tests)."""
PLACES = ("dahdi/system.conf", "/etc/dahdi/system.conf")
"""Below the configuration folder first."""


async def find_hardware(pbx: Pbx) -> LineSystem:
    """The system of lines, started. Raises LineError with what is missing."""
    given: LineSystem | None = pbx.parts.get(OVERRIDE)
    if given is not None:
        given.start(pbx.loop)
        return given
    conf = await pbx.off_loop(_read, pbx.config.etc_dir)
    simulated = simulate(conf)
    if simulated is not None:
        log.warning("lines are simulated: system.conf has dynamic=sim")
        simulated.start(pbx.loop, real_time=True)
        return simulated
    if not present():
        raise LineError("there are no lines: the DAHDI drivers are not loaded (modprobe dahdi), nothing is simulated")
    system = DahdiSystem()
    system.start(pbx.loop)
    return system


def _read(folder: str) -> SystemConf:
    for place in PLACES:
        path = Path(folder) / place
        if path.exists():
            return read_system_conf(path)
    return SystemConf()


def simulate(conf: SystemConf) -> SimulatedSystem | None:
    """The spans with driver "sim", channels numbered after each other; None when there are none."""
    spans = [span for span in conf.dynamic if span.driver == "sim"]
    if not spans:
        return None
    system = SimulatedSystem()
    first = 1
    for span in spans:
        channels = {}
        for number in range(first, first + span.channels):
            if number not in conf.signalling:
                raise LineError(f"{conf.path}: simulated channel {number} has no signalling; add fxoks={number}")
            channels[number] = conf.signalling[number]
        law = "alaw" if first in conf.alaw else "ulaw"
        system.add_span(channels, law)
        first += span.channels
    return system
