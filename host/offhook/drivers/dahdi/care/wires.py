"""The metallic test: what the voltages on a pair of wires say of the line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kernel_shims.line import LineError, Voltages
from offhook.drivers.dahdi.astribank.measuring import measure

if TYPE_CHECKING:
    from offhook.drivers.dahdi.port import Port

_FOREIGN_V = 6.0
"""An idle tip wire further from its place than that has a foreign voltage on it (GR-909: hazardous from 50 V on)."""
_TIP_V, _SHORT_V, _LEAK_MA = -2.6, 20.0, 2.5
_NO_BATTERY_V, _IN_USE_V, _FAINT_V = 2.0, 20.0, 40.0


async def test(port: Port, *, phone: bool) -> list[str]:
    """Measure an idle line and say what it means. Raises LineError where nothing can measure it."""
    line = port.line
    if line is None:
        raise LineError(f"channel {port.number} is gone")
    try:
        found = line.voltages()
    except LineError as error:
        found = await measure(port.pbx, port.number, error)
    return list(of_phone(found, line.off_hook()) if phone else of_exchange(found))


def of_phone(found: Voltages, off_hook: bool) -> Iterator[str]:
    """A telephone's line, which we feed: tip near ground, ring near the battery, no current on hook."""
    between = abs(found.tip - found.ring)
    current = "" if found.loop_ma is None else f", loop {found.loop_ma:.1f} mA"
    yield f"wires: tip {found.tip:.1f} V, ring {found.ring:.1f} V, battery {found.battery:.1f} V{current}"
    loop = found.loop_ma or 0.0
    if off_hook:
        ohm = between / loop * 1000 if loop else 0.0
        yield f"metallic test: off hook{f', {ohm:.0f} ohm in the loop' if ohm else ''}; test it again on hook"
    elif between < _SHORT_V:
        yield "metallic test: the wires touch, or the handset is off its hook"
        yield "remedy: unplug the telephone; if it stays so, the cable has a short"
    elif loop > _LEAK_MA:
        yield f"metallic test: {loop:.1f} mA leak between the wires ({between / loop:.0f} kohm)"
        yield "remedy: look for moisture in sockets and cables"
    elif abs(found.tip - _TIP_V) > _FOREIGN_V:
        yield f"metallic test: a foreign voltage of {found.tip - _TIP_V:.0f} V is on the line"
        yield "remedy: unplug the line from the port at once and find where it touches another circuit"
    else:
        yield "metallic test: no fault"


def of_exchange(found: Voltages) -> Iterator[str]:
    """An exchange's line, which feeds us: 40 to 60 V on hook; less while somebody else is off hook on it."""
    between = abs(found.battery)
    reversed_ = ", reversed" if found.battery < 0 else ""
    yield f"wires: {between:.0f} V between them{reversed_}"
    if between < _NO_BATTERY_V:
        yield "metallic test: no battery; the line is not plugged in, or out of service"
        yield "remedy: check the cable, then call the carrier"
    elif between < _IN_USE_V:
        yield "metallic test: in use; another telephone on the same line is off hook"
    elif between < _FAINT_V:
        yield "metallic test: the battery is low; a long line, or a leak"
        yield "remedy: measure at the carrier's socket with our cable unplugged"
    else:
        yield "metallic test: no fault"
