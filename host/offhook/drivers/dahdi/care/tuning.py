"""``line tune``: which termination of an FXO port lets least of what it says come back (what fxotune does).

The chip (Si3050) has sixteen impedances and a filter of eight taps for its hybrid. The tried settings are those of
Silicon Laboratories' application note AN84, for each termination of an exchange from near to long lines.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kernel_shims.line import Hook, LineError, Termination
from offhook.drivers.dahdi.care.measures import Borrowed, level
from offhook.drivers.dahdi.care.termination import keep, kept
from offhook.drivers.dahdi.ports.trunk import TrunkPort
from offhook.media.line import dbm0
from offhook.media.tones import parse_tone_list

if TYPE_CHECKING:
    from offhook.drivers.dahdi.port import Port
    from offhook.media.line import LineLeg

_LONGEST = ("8: 253 2 244 255 10 244 3 253", "10: 249 244 8 12 245 252 0 1")
"""For the longest lines, whatever the exchange."""
_TABLE = {
    "600 ohm": (
        *("0", "10: 0 6 1 254 2 255 0 0", "3: 255 255 0 1 0 0 0 0", "3: 1 253 253 2 255 0 0 0"),
        *("9: 254 251 255 2 0 1 0 0", "5: 3 251 250 2 254 0 0 255", *_LONGEST),
    ),
    "900 ohm": (
        *("1", "10: 252 255 1 255 0 0 0 0", "7: 255 251 251 2 255 255 1 255", "3: 1 251 250 1 254 255 0 255"),
        *("5: 252 250 0 0 255 1 0 0", "5: 3 251 250 1 253 0 0 255"),
    ),
    "CTR 21": (
        *("2", "7: 0 0 255 254 0 0 0 0", "9: 0 253 254 2 255 0 0 0", "5: 1 249 254 4 253 1 0 0"),
        *("5: 252 250 1 1 254 0 255 0", "5: 3 251 250 2 253 255 255 255"),
    ),
    "Australia, Germany": (
        *("3", "7: 0 255 254 255 0 255 0 0", "9: 0 253 253 1 255 0 0 0", "5: 1 249 254 3 253 1 0 0"),
        "5: 3 251 251 2 253 255 255 255",
    ),
    "New Zealand, India": (
        *("4", "9: 255 1 4 0 0 1 255 0", "9: 0 253 0 3 254 0 0 255", "9: 2 250 253 5 253 1 0 255"),
        *("5: 252 250 1 2 255 0 255 0", "5: 3 251 250 3 254 255 255 255"),
    ),
    "England": (
        *("5", "9: 0 255 1 255 255 0 255 0", "5: 255 252 0 2 254 0 255 255", "9: 2 250 253 4 252 0 255 255"),
        *("5: 252 250 1 1 254 0 255 255", "5: 3 251 250 2 253 255 255 254", "3: 1 1 242 2 9 245 3 253"),
    ),
    "370 + (820 ohm, 110 nF)": (
        *("6", "6: 1 254 253 0 255 0 0 0", "9: 0 251 252 2 255 0 0 0", "5: 1 248 252 4 253 1 0 0"),
        "5: 252 250 0 0 254 0 255 0",
    ),
    "275 + (780 ohm, 115 nF)": ("7", "7: 255 255 255 255 0 0 0 0"),
    "others": tuple(str(impedance) for impedance in range(8, 16)),
}
_TONES = ("697+1336", "941+1633")
"""Two tones at a time, from one end of the band to the other."""
_SETTLE_S, _LISTEN_S, _QUIET_S = 0.1, 0.15, 1.0
_QUIET_DBM0 = -40.0
_QUIET_TRIES = 3
_LEAST_GAIN_DB = 1.0
_USUAL = Termination(0)


def settings() -> Iterator[tuple[str, Termination]]:
    """Every setting that is tried, and what it is for."""
    for what, rows in _TABLE.items():
        for row in rows:
            impedance, _, taps = row.partition(":")
            yield what, Termination(int(impedance), tuple(map(int, taps.split())) or (0,) * 8)


@dataclass(frozen=True, slots=True)
class Tuned:
    """The best setting, what it is for, and how much comes back with it and with the usual one, in dB."""

    setting: Termination
    what: str
    back_db: float
    before_db: float


async def tune(port: Port, digit: str, report: Callable[[str], None]) -> Tuned:
    """Find the best termination of an idle line, leave it in force and keep it. Raises LineError.

    ``digit`` is dialled to have the exchange stop its dial tone.
    """
    line = port.line
    if not isinstance(port, TrunkPort) or line is None:
        raise LineError(f"channel {port.number} has no line from an exchange: its signalling is {port.signalling}")
    before = kept(port.pbx, port.number) or _USUAL
    best: Tuned | None = None
    async with Borrowed(port, off_hook=True) as leg:
        try:
            line.terminate(_USUAL)
            usual = await _back(port, leg, digit)
            every = list(settings())
            report(f"as it is without tuning {usual:.1f} dB comes back; {len(every)} settings are tried")
            for place, (what, setting) in enumerate(every, 1):
                line.terminate(setting)
                back = await _back(port, leg, digit)
                if best is None or back < best.back_db:
                    best = Tuned(setting, what, back, usual)
                    report(f"setting {place} of {len(every)}: {back:.1f} dB ({what})")
        except BaseException:
            if port.line is not None:
                line.terminate(before)
            raise
        assert best is not None
        if best.back_db > usual - _LEAST_GAIN_DB:
            best = Tuned(_USUAL, "600 ohm", usual, usual)
        line.terminate(best.setting)
    keep(port.pbx, port.number, best.setting)
    return best


async def _back(port: TrunkPort, leg: LineLeg, digit: str) -> float:
    """How much of what is said comes back, in dB."""
    await _quiet(port, leg, digit)
    loss = 0.0
    for pair in _TONES:
        tone = leg.tones(parse_tone_list(pair))
        await asyncio.sleep(_SETTLE_S)
        heard, _ = await level(leg, _LISTEN_S)
        said = dbm0(leg.line_figures().level_out)
        tone.stop()
        loss += heard - said
    return loss / len(_TONES)


async def _quiet(port: TrunkPort, leg: LineLeg, digit: str) -> None:
    """Have the exchange say nothing: a digit ends dial tone, and when it has lost its patience it is called anew."""
    for attempt in range(_QUIET_TRIES):
        _, peak = await level(leg, _SETTLE_S)
        if peak < _QUIET_DBM0:
            return
        if attempt:
            port.on_line(lambda line: line.hook(Hook.ON))
            await asyncio.sleep(_QUIET_S)
            port.on_line(lambda line: line.hook(Hook.OFF))
            await asyncio.sleep(_QUIET_S)
        leg.send_digit(digit, port.settings["toneduration"])
        await asyncio.sleep(_QUIET_S)
    raise LineError(f"channel {port.number}: the exchange does not fall silent after {digit}; name another digit")
