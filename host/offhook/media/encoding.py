"""What an encoder is asked for: by the far end's SDP, or by codecs.conf."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Encoding:
    """Settings of an encoder; None leaves the codec's own default. Each codec heeds what means something to it.

    ``bitrate`` in bit/s, ``max_rate`` the sample rate in Hz that the far end plays, ``complexity`` and ``quality`` 0 to
    10, ``loss`` the percentage of packets that are expected to be lost.
    """

    bitrate: int | None = None
    max_rate: int | None = None
    complexity: int | None = None
    quality: int | None = None
    vbr: bool | None = None
    dtx: bool | None = None
    fec: bool | None = None
    loss: int | None = None

    def words(self) -> dict[str, int]:
        """As the engine takes them."""
        return {item.name: _word(getattr(self, item.name)) for item in fields(self)}


def _word(value: Any) -> int:
    return -1 if value is None else int(value)


def opus_encoding(parameters: Mapping[str, str]) -> Encoding:
    """What a far end asks of our Opus encoder in its fmtp (RFC 7587 6.1)."""

    def number(name: str, low: int, high: int) -> int | None:
        text = parameters.get(name, "")
        return min(max(int(text), low), high) if text.isascii() and text.isdigit() and len(text) < 10 else None

    def flag(name: str) -> bool | None:
        return {"0": False, "1": True}.get(parameters.get(name, ""))

    constant = flag("cbr")
    return Encoding(
        bitrate=number("maxaveragebitrate", 6000, 510_000),
        max_rate=number("maxplaybackrate", 8000, 48_000),
        vbr=None if constant is None else not constant,
        dtx=flag("usedtx"),
        fec=flag("useinbandfec"),
    )
