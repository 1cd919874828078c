"""Opinion scores from loss and delay, by the E-model of G.107 with the defaults that leave these three to say."""

from __future__ import annotations

from typing import Final

BEST_R: Final = 93.2
EQUIPMENT: Final = {
    "PCMU": (0.0, 25.1),
    "PCMA": (0.0, 25.1),
    "G722": (0.0, 25.1),
    "G729": (11.0, 19.0),
    "GSM": (20.0, 43.0),
}
"""Impairment and robustness against loss by codec (G.113 appendix I; concealment assumed)."""
OTHER: Final = (5.0, 25.0)
JITTER_BUFFERS: Final = 2.0
"""A jitter buffer holds about twice the mean jitter."""


def rating(codec: str, loss: float, delay_ms: float, jitter_ms: float) -> float:
    """The R factor: share of packets lost (0 to 1), one-way delay and jitter in ms."""
    impairment, robustness = EQUIPMENT.get(codec.upper(), OTHER)
    percent = loss * 100
    effective = impairment + (95 - impairment) * percent / (percent + robustness)
    delay = delay_ms + JITTER_BUFFERS * jitter_ms
    late = 0.024 * delay + (0.11 * (delay - 177.3) if delay > 177.3 else 0.0)
    return max(0.0, BEST_R - late - effective)


def mos(r: float) -> float:
    """The mean opinion score of an R factor (G.107 annex B)."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)
