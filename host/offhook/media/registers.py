"""Register and line signals between exchanges as tones to be played: MF (R1), R2, pulses at a single frequency (SF).

Frequencies are ITU-T Q.320 to Q.322 and Q.441; MF times are Q.320's 68 ms (KP 100 ms); pulses are the Bell System's 10
a second with 67 ms of tone (Bell System Technical Journal 39, November 1960).
"""

from __future__ import annotations

from typing import Final

from offhook.media.tones import DEFAULT_LEVEL, Tone, ToneSpec

_MF = (700, 900, 1100, 1300, 1500, 1700)
_FORWARD = (1380, 1500, 1620, 1740, 1860, 1980)
_BACKWARD = (1140, 1020, 900, 780, 660, 540)
_MF_SIGNALS: Final = "1234567890CA*B#"
_R2_SIGNALS: Final = "1234567890BCDEF"

MF_SIGNALS: Final = frozenset(_MF_SIGNALS)
"""``*`` is KP, ``#`` ST, ``A`` ST', ``B`` ST'', ``C`` ST'''."""
R2_SIGNALS: Final = frozenset(_R2_SIGNALS)
"""Signals 1 to 15."""

SF_HERTZ: Final = 2600
SF_ON_MS: Final = 67
SF_OFF_MS: Final = 33
SF_BETWEEN_MS: Final = 600
_MF_LEVEL: Final = 5734
"""-8 dBm0 a frequency: Q.321's -7 dBm less a reserve."""


def _pair(frequencies: tuple[int, ...], signals: str, signal: str) -> tuple[int, int]:
    """Signals count the pairs 0+1, 0+2, 1+2, 0+3 ...; ValueError for one that is none."""
    at = signals.find(signal) if len(signal) == 1 else -1
    for high in range(1, len(frequencies)):
        for low in range(high):
            if high * (high - 1) // 2 + low == at:
                return frequencies[low], frequencies[high]
    raise ValueError(f'"{signal}" is no register signal; {"".join(sorted(signals))} are')


def mf_tones(
    signals: str, *, digit_ms: int = 68, gap_ms: int = 68, kp_ms: int = 100, st_ms: int | None = None
) -> ToneSpec:
    """MF signals one after the other; ``w`` is half a second of silence and ``h`` 250 ms of 2600 Hz.

    Raises ValueError for other letters.
    """
    parts: list[Tone] = []
    for signal in signals:
        if signal in "wW":
            parts.append(Tone(0, 0, 500))
        elif signal in "hH":
            parts.append(Tone(SF_HERTZ, 0, 250))
        else:
            low, high = _pair(_MF, _MF_SIGNALS, signal)
            ms = kp_ms if signal == "*" else st_ms if st_ms is not None and signal in "#ABC" else digit_ms
            parts += [Tone(low, high, ms), Tone(0, 0, gap_ms)]
    return ToneSpec(tuple(parts), None, _MF_LEVEL)


def r2_tone(signal: str, *, forward: bool, duration_ms: int = 0) -> ToneSpec:
    """An R2 register signal, until it is stopped unless a time is given (signals are compelled: Q.457)."""
    low, high = _pair(_FORWARD if forward else _BACKWARD, _R2_SIGNALS, signal)
    return ToneSpec((Tone(low, high, duration_ms),), None, _MF_LEVEL)


def pulse_tones(digits: str, hertz: float = SF_HERTZ) -> ToneSpec:
    """Digits as pulses of tone: 1 to 9, 0 is ten; ``w`` is half a second of silence, ``h`` 250 ms of 2600 Hz.

    Raises ValueError for other letters.
    """
    parts: list[Tone] = []
    for digit in digits:
        if digit in "wW":
            parts.append(Tone(0, 0, 500))
        elif digit in "hH":
            parts.append(Tone(SF_HERTZ, 0, 250))
        elif digit.isascii() and digit.isdigit():
            parts += [Tone(hertz, 0, SF_ON_MS), Tone(0, 0, SF_OFF_MS)] * (int(digit) or 10)
            parts.append(Tone(0, 0, SF_BETWEEN_MS))
        else:
            raise ValueError(f'"{digit}" cannot be pulsed; 0 to 9 can')
    return ToneSpec(tuple(parts), None, DEFAULT_LEVEL)
