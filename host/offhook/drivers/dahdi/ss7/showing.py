"""Circuits as people read them: the tables of the CLI, in Asterisk's shape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from offhook.drivers.dahdi.ss7.states import Blocked

if TYPE_CHECKING:
    from offhook.drivers.dahdi.ss7.circuit import CircuitPort
    from offhook.drivers.dahdi.ss7.linkset import Ss7Linkset

_CHANNEL = "{:<4} {:>4} {:<4} {:<3} {:<3} {:<10} {:<4} {}"
_CHANNEL_ROW = "{:>4} {:>4} {:<4} {:<3} {:<3} {:<10} {:<4} {}"
_CIRCUIT = "{:>5} {:>5} {:>6} {:>12}   {:<12}"


def _yes(value: object) -> str:
    return "Yes" if value else "No"


def channels(linksets: Iterable[Ss7Linkset]) -> Iterator[str]:
    """``ss7 show channels``."""
    yield _CHANNEL.format("link", "", "Chan", "Lcl", "Rem", "Call", "SS7", "Channel")
    yield _CHANNEL.format("set", "Chan", "Idle", "Blk", "Blk", "Level", "Call", "Name")
    for linkset in linksets:
        for circuit in linkset.circuits:
            channel = circuit.channel
            yield _CHANNEL_ROW.format(
                linkset.number,
                circuit.number,
                _yes(circuit.free),
                _yes(circuit.locally),
                _yes(circuit.remotely),
                circuit.level.name.capitalize(),
                _yes(circuit.call_record is not None),
                channel.name if channel is not None else "",
            )


def circuits(linkset: Ss7Linkset, point_code: int | None) -> Iterator[str]:
    """``ss7 show cics``; None: to every point code."""
    yield _CIRCUIT.format("CIC", "DPC", "DAHDI", "STATE", "BLOCKING")
    for circuit in linkset.circuits:
        if point_code in (None, circuit.point_code):
            yield _CIRCUIT.format(
                circuit.cic,
                linkset.point_code_text(circuit.point_code),
                circuit.number,
                _state(circuit),
                f"{_letters('L', circuit.locally)} {_letters('R', circuit.remotely)}".rstrip() or "",
            ).rstrip()


def _state(circuit: CircuitPort) -> str:
    if circuit.channel is not None:
        return "Used"
    if circuit.call_record is not None:
        return "Pending"
    return "Idle" if circuit.in_service else "NotInServ"


def _letters(side: str, reasons: Blocked) -> str:
    if not reasons:
        return "    "
    maintenance = "M" if reasons & Blocked.MAINTENANCE else " "
    return f"{side}:{maintenance}{'H' if reasons & Blocked.HARDWARE else ' '}"
