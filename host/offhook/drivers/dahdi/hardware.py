"""The hardware there is: the DAHDI drivers of the kernel, or spans simulated by system.conf's ``dynamic=sim``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kernel_shims.dahdi.configure import Configurator
from kernel_shims.dahdi.system import DahdiSystem, present
from kernel_shims.dahdi.system_conf import SystemConf, read_system_conf
from kernel_shims.dahdi.zones import TONES, Part, Zone
from kernel_shims.line import LineError, LineSystem
from kernel_shims.simulator.system import SimulatedSystem
from offhook.drivers.dahdi.astribank.attendant import DRIVER, attend, somebody_else_loads
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.media.tones import ToneZone

log = logging.getLogger(__name__)
OVERRIDE = "line_system"
"""Key in the parts of the exchange of a system to use instead of what is found (tests)."""
_DRIVER_S, _LOOK_S = 10.0, 0.2
"""How long boxes on USB are given to bring the drivers."""
PLACES = ("dahdi/system.conf", "/etc/dahdi/system.conf")
"""Below the configuration folder first."""


async def find_hardware(pbx: Pbx) -> LineSystem:
    """The system of lines, started. Raises LineError with what is missing."""
    given: LineSystem | None = pbx.parts.get(OVERRIDE)
    if given is not None:
        given.start(pbx.loop)
        if DRIVER in pbx.parts:
            attend(pbx, ours=True)
        return given
    conf = await pbx.off_loop(find_conf, pbx.config.etc_dir)
    simulated = simulate(conf)
    if simulated is not None:
        log.warning("lines are simulated: %s has dynamic=sim", conf.path)
        simulated.start(pbx.loop, real_time=True)
        return simulated
    boxes = attend(pbx, ours=is_ours(pbx, conf) or somebody_else_loads() is None)
    for _ in range(round(_DRIVER_S / _LOOK_S)):
        if present() or not boxes.pending():
            break
        await asyncio.sleep(_LOOK_S)
    if not present():
        boxes.stop()
        raise LineError("there are no lines: the DAHDI drivers are not loaded (modprobe dahdi), nothing is simulated")
    if is_ours(pbx, conf):
        try:
            await pbx.off_loop(set_up, pbx, conf, boxes.driver.spans)
        except LineError as error:
            # The rest is set up: a wrong line does not take all telephones away.
            log.error("%s", error)
    system = DahdiSystem()
    system.start(pbx.loop)
    return system


def find_conf(folder: str) -> SystemConf:
    """The system.conf that counts: ours (below the configuration folder), else dahdi_cfg's; an empty one for none."""
    for place in PLACES:
        path = Path(folder) / place
        if path.exists():
            return read_system_conf(path)
    return SystemConf()


def is_ours(pbx: Pbx, conf: SystemConf) -> bool:
    """Whether setting up spans is Offhook's work: the file lies below its configuration folder."""
    return conf.path.startswith(pbx.config.etc_dir + "/")


def set_up(pbx: Pbx, conf: SystemConf, there: Callable[[], Mapping[int, range]] | None = None) -> list[str]:
    """Set up spans and channels as the file says, those that are ``there`` if that is given.

    What was done, a sentence each. Raises LineError.
    """
    configurator = Configurator()
    done = []
    try:
        for sentence in configurator.apply(conf, kernel_zones(pbx), there):
            verbose(3, "%s: %s", conf.path, sentence)
            done.append(sentence)
    finally:
        configurator.close()
    return done


async def set_up_again(pbx: Pbx, system: LineSystem, channels: frozenset[int]) -> None:
    """Set up the spans that came back, those of these channels, where that is Offhook's work: D channels and signalling
    links, which nobody asked for, with them. Raises LineError."""
    if not isinstance(system, DahdiSystem):
        return
    conf = await pbx.off_loop(find_conf, pbx.config.etc_dir)
    if not is_ours(pbx, conf):
        return
    reach = {span.number: range(span.first, span.first + span.channels) for span in system.spans()}
    held = {number: numbers for number, numbers in reach.items() if channels & {*numbers}}
    part = replace(
        conf,
        spans=[span for span in conf.spans if span.number in held],
        dynamic=[],
        channels={
            channel: line
            for channel, line in conf.channels.items()
            if any(channel in numbers for numbers in held.values())
        },
    )
    await pbx.off_loop(set_up, pbx, part)


def kernel_zones(pbx: Pbx) -> dict[str, Zone]:
    """The zones of indications.conf as the kernel takes them."""
    return {name: _kernel_zone(zone) for name, zone in pbx.zones.items()}


def _kernel_zone(zone: ToneZone) -> Zone:
    tones: dict[str, list[Part]] = {}
    for name in TONES:
        spec = zone.tone(name)
        if spec is not None:
            again = spec.repeat or 0
            tones[name] = [
                Part(part.low, part.high, part.duration_ms, part.modulated, place < again)
                for place, part in enumerate(spec.parts)
            ]
    return Zone(zone.name, zone.ring_cadence or (2000, 4000), tones)


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
            if number not in conf.channels:
                raise LineError(
                    f"{conf.path}:{span.line}: simulated channel {number} has no signalling; add fxoks={number}"
                )
            channels[number] = conf.channels[number].signalling
        law = "alaw" if conf.laws.get(first) == "alaw" else "ulaw"
        system.add_span(channels, law)
        first += span.channels
    return system
