"""Measuring the wires of an Astribank's FXS line: its driver has no request for that, its chip's registers tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel_shims.line import LineError, Voltages
from offhook.drivers.dahdi.astribank import showing
from offhook.drivers.dahdi.astribank.attendant import PART

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.dahdi.astribank.attendant import Astribanks

_LOOP_CURRENT, _TIP, _RING, _BATTERY = 79, 80, 81, 82
"""Registers of the Si3210: loop current, voltages of both wires, battery."""
_MA, _VOLT = 1.25, -0.376
"""What one step of them is."""
_MAGNITUDE = 0x3F


async def voltages(pbx: Pbx, channel: int) -> Voltages | None:
    """The wires of a channel; None when it is no telephone's of an Astribank. Raises LineError."""
    boxes: Astribanks | None = pbx.parts.get(PART)
    if boxes is None:
        return None
    spans = boxes.driver.spans()
    for box in boxes.driver.boxes():
        place = showing.module_of(box, channel, spans)
        if place is not None and place[0].kind == "FXS":
            module, port = place
            found = await pbx.off_loop(boxes.driver.chip, module, port, (_LOOP_CURRENT, _TIP, _RING, _BATTERY))
            current, tip, ring, battery = found
            return Voltages(tip * _VOLT, ring * _VOLT, battery * _VOLT, (current & _MAGNITUDE) * _MA)
    return None


async def measure(pbx: Pbx, channel: int, otherwise: LineError) -> Voltages:
    """The wires of a channel whose driver refused. Raises LineError: that refusal where it is no Astribank's."""
    found = await voltages(pbx, channel)
    if found is None:
        raise otherwise
    return found
