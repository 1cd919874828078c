"""The module chan_dahdi: loading, reloading, and the technology DAHDI."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from kernel_shims.line import LineError
from offhook.config.model import ConfigFile
from offhook.drivers.dahdi.astribank.attendant import PART as ASTRIBANKS
from offhook.drivers.dahdi.configuration.reading import read
from offhook.drivers.dahdi.hardware import find_hardware
from offhook.drivers.dahdi.lines import PART, Lines
from offhook.log import NOTICE
from offhook.modules import LoadError, Module

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.calls.completion.parameters import Parameters
    from offhook.calls.pbx import Pbx
    from offhook.drivers.dahdi.channel import DahdiChannel

log = logging.getLogger(__name__)
FILE = "chan_dahdi.conf"
module = Module("chan_dahdi", "DAHDI Telephony", priority=25, needs="chan_dahdi.conf|dahdi/system.conf|/dev/dahdi/ctl")


def lines_of(pbx: Pbx) -> Lines:
    """The lines of the exchange."""
    found: Lines = pbx.parts[PART]
    return found


@module.on_load
async def load(pbx: Pbx) -> None:
    """Find the hardware, read chan_dahdi.conf, open the channels; without that file ``lines scan`` can write it."""
    file = await pbx.off_loop(pbx.config.load, FILE, module.name)
    try:
        system = await find_hardware(pbx)
    except LineError as error:
        raise LoadError(str(error)) from None
    lines = Lines(pbx, system)
    pbx.parts[PART] = lines
    boxes = pbx.parts.get(ASTRIBANKS)
    if boxes is not None:
        lines.awaited = boxes.pending
        boxes.on_spans = lines.appeared
    if file is None:
        log.log(NOTICE, "there is no %s, so no line is in use; lines scan --apply writes one for what is there", FILE)
    lines.configure(read(file or ConfigFile(FILE)))


@module.on_reload
async def reload(pbx: Pbx) -> None:
    """Read chan_dahdi.conf again; calls go on with the settings they began with."""
    file = await pbx.off_loop(pbx.config.load, FILE, module.name)
    if file is not None:
        lines_of(pbx).configure(read(file))


@module.on_unload
def unload(pbx: Pbx) -> None:
    """End every call and close every channel."""
    boxes = pbx.parts.pop(ASTRIBANKS, None)
    if boxes is not None:
        boxes.stop()
    lines: Lines = pbx.parts.pop(PART)
    lines.stop()


def _device_state(pbx: Pbx, resource: str) -> str | None:
    lines = pbx.parts.get(PART)
    return lines.device_state(resource) if lines is not None else None


def _waited_for(pbx: Pbx, address: str) -> list[tuple[str, Parameters]]:
    lines: Lines | None = pbx.parts.get(PART)
    return lines.waited_for(address) if lines is not None else []


@module.driver("DAHDI", "DAHDI Telephony", device_state=_device_state, lines=_waited_for)  # type: ignore[arg-type]
def request(
    pbx: Pbx, address: str, formats: tuple[str, ...], requester: Channel | None, ids: tuple[str, str]
) -> DahdiChannel:
    """Make a channel for ``<channel>`` or ``g<group>[options][/number]``."""
    return lines_of(pbx).request(address, requester, ids)


# These register themselves with the module above.
from offhook.drivers.dahdi.astribank import commands as astribank_commands  # noqa: E402, F401
from offhook.drivers.dahdi.care import commands as care_commands  # noqa: E402, F401
from offhook.drivers.dahdi.isdn import actions as isdn_actions  # noqa: E402, F401
from offhook.drivers.dahdi.isdn import applications as isdn_applications  # noqa: E402, F401
from offhook.drivers.dahdi.isdn import commands as isdn_commands  # noqa: E402, F401
from offhook.drivers.dahdi.r2 import commands as r2_commands  # noqa: E402, F401
from offhook.drivers.dahdi.showing import actions, commands, functions  # noqa: E402, F401
from offhook.drivers.dahdi.ss7 import commands as ss7_commands  # noqa: E402, F401
