"""Digits of trunks with in-band signalling: multi-frequency (R1 MF) and single-frequency (SF) pulses, as tones.

Frequencies and times are those of Bell System Technical Journal 39 (November 1960), as ITU-T Q.320 has them too.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from offhook.calls.channel import Channel
from offhook.calls.frames import Condition
from offhook.media.tones import Tone, ToneSpec

log = logging.getLogger(__name__)

MF = {
    "0": (1300, 1500),
    "1": (700, 900),
    "2": (700, 1100),
    "3": (900, 1100),
    "4": (700, 1300),
    "5": (900, 1300),
    "6": (1100, 1300),
    "7": (700, 1500),
    "8": (900, 1500),
    "9": (1100, 1500),
    "*": (1100, 1700),
    "#": (1500, 1700),
    "A": (900, 1700),
    "B": (1300, 1700),
    "C": (700, 1700),
}
"""The two frequencies of each digit in Hz; * is KP, # ST, A ST', B ST'' and C ST'''."""
PULSES = {**{str(digit): digit or 10 for digit in range(10)}, "*": 11, "#": 12, "D": 13, "C": 14, "B": 15, "A": 16}
"""How many pulses each SF digit has."""
SF_HZ = 2600
_SF_ON_MS, _SF_OFF_MS, _SF_BETWEEN_MS = 67, 33, 600
_LEAD_MS, _PAUSE_MS, _SEIZE_MS = 100, 500, 250
_SIGNALS = {"f": Condition.FLASH, "F": Condition.FLASH, "W": Condition.WINK}


@dataclass(frozen=True, slots=True)
class MfTimes:
    """How long the parts of an MF digit string last, in ms."""

    between: int = 50
    digit: int = 55
    key_pulse: int = 120
    start: int = 65

    def of(self, digit: str) -> int:
        """How long a digit sounds."""
        return self.key_pulse if digit == "*" else self.start if digit in "#ABC" else self.digit


Step = ToneSpec | Condition


def mf_steps(digits: str, times: MfTimes | None = None, *, seize: bool = True) -> list[Step]:
    """What to play and to signal for a string of MF digits; w pauses, h sends 2600 Hz, f flashes, W winks.

    Without ``seize`` 2600 Hz is silence: what somebody hears who only listens.
    """
    times = times or MfTimes()
    parts: list[Tone | Condition] = [_silence(_LEAD_MS)]
    for digit in digits:
        if digit in MF:
            low, high = MF[digit]
            parts += [Tone(low, high, times.of(digit)), _silence(times.between)]
        else:
            parts += _special(digit, times.between, "MF", "0-9, *, #, A, B, C, w, W, f and h are", seize=seize)
    return list(_grouped(parts))


def sf_steps(digits: str, frequency: int = SF_HZ, *, seize: bool = True) -> list[Step]:
    """What to play and to signal for a string of SF digits; w, h, f and W as in ``mf_steps``."""
    parts: list[Tone | Condition] = [_silence(_LEAD_MS)]
    for digit in digits:
        if digit in PULSES:
            parts += [Tone(frequency, 0, _SF_ON_MS), _silence(_SF_OFF_MS)] * PULSES[digit]
            parts.append(_silence(_SF_BETWEEN_MS))
        else:
            parts += _special(digit, _SF_BETWEEN_MS, "SF", "0-9, *, #, A-D, w, W, f and h are", seize=seize)
    return list(_grouped(parts))


async def send_steps(party: Channel, steps: list[Step]) -> None:
    """Play and signal to a party; returns when it is done, or at once when the party is gone."""
    for step in steps:
        if isinstance(step, Condition):
            party.indicate(step)
        elif party.media is not None:
            playback = party.media.tones(step)
            try:
                await playback.wait()
            finally:
                playback.stop()


def _special(digit: str, between: int, kind: str, known: str, *, seize: bool) -> list[Tone | Condition]:
    if digit == "w":
        return [_silence(_PAUSE_MS)]
    if digit in "hH":
        return [Tone(SF_HZ, 0, _SEIZE_MS) if seize else _silence(_SEIZE_MS)]
    if digit in _SIGNALS:
        return [_SIGNALS[digit], _silence(between)]
    log.warning("%r is no %s digit; %s", digit, kind, known)
    return []


def _silence(ms: int) -> Tone:
    return Tone(0, 0, ms)


def _grouped(parts: list[Tone | Condition]) -> Iterator[Step]:
    """Tones that follow each other as one spec: the engine then times all of it."""
    run: list[Tone] = []
    for part in parts:
        if isinstance(part, Tone):
            run.append(part)
        else:
            if run:
                yield ToneSpec(tuple(run), None)
            run = []
            yield part
    if run:
        yield ToneSpec(tuple(run), None)
