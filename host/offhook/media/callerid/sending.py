"""How caller-ID messages are sent: on hook between rings (type I), off hook in a call (type II).

Type II (GR-575, EN 300 659-2): the far end is muted, the alerting signal is sent, the telephone acknowledges by a DTMF
digit within 160 ms, then the data follows; without the acknowledgement nothing does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from offhook.media.detecting import ListenedTone, Standard
from offhook.media.tones import Tone, ToneSpec

ACKNOWLEDGES: Final = "AD"
"""DTMF digits by which a telephone says that it listens: D, and A of those that hold more than one line."""

ACKNOWLEDGE_WITHIN_MS: Final = 160
DATA_AFTER_MS: Final = 100
"""From the end of the acknowledgement to the data: 50 to 500 ms."""

ALERTING_SIGNAL: Final = ListenedTone(2130, 2750, least_ms=40)
"""What a telephone listens for: the CPE alerting signal (CAS, ETSI's DT-AS)."""

_ALERTING_MS: Final = 80
_ALERTING_LEVEL: Final = 3675  # each tone -15.9 dBm0: GR-30's -15 dBm at 0 dBr with some reserve


@dataclass(frozen=True, slots=True)
class Data:
    """A message as it is modulated; the fields are those of ``detecting.send_data``."""

    octets: bytes
    standard: Standard
    seizure_bits: int
    mark_bits: int


def alerting_signal() -> ToneSpec:
    """The alerting signal: 2130 and 2750 Hz for 80 ms."""
    return ToneSpec((Tone(2130, 2750, _ALERTING_MS),), None, _ALERTING_LEVEL)


def on_hook(message: bytes, standard: Standard = "bell202") -> Data:
    """Type I: 300 bits of channel seizure and 180 of mark (GR-30 2.4; EN 300 659-1 6.2) before the message."""
    return Data(message, standard, 300, 180)


def off_hook(message: bytes, standard: Standard = "bell202") -> Data:
    """Type II: 80 bits of mark and no seizure."""
    return Data(message, standard, 0, 80)
