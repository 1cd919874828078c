"""R2 register signals as tones (ITU-T Q.441, Q.454, Q.455). Those of R1 are in ``calls.trunk_digits``."""

from __future__ import annotations

from typing import Final

from offhook.media.tones import Tone, ToneSpec

_FORWARD = (1380, 1500, 1620, 1740, 1860, 1980)
_BACKWARD = (1140, 1020, 900, 780, 660, 540)

R2_SIGNALS: Final = "1234567890BCDEF"
"""Signals 1 to 15: the pairs of frequencies 0+1, 0+2, 1+2, 0+3, 1+3, 2+3, 0+4 ..."""

_LEVEL: Final = 5734
"""-12 dBm0 a frequency: within Q.454's -8 dBm less the loss of a circuit."""


def r2_tone(signal: str, *, forward: bool, duration_ms: int = 0) -> ToneSpec:
    """A register signal, until it is stopped unless a time is given (signals are compelled: Q.457).

    Raises ValueError for a letter that is no signal.
    """
    at = R2_SIGNALS.find(signal) if len(signal) == 1 else -1
    frequencies = _FORWARD if forward else _BACKWARD
    for high in range(1, len(frequencies)):
        for low in range(high):
            if high * (high - 1) // 2 + low == at:
                return ToneSpec((Tone(frequencies[low], frequencies[high], duration_ms),), None, _LEVEL)
    raise ValueError(f'"{signal}" is no R2 register signal; {R2_SIGNALS} are')
