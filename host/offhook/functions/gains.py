"""Levels of a channel, as several functions set them."""

from __future__ import annotations

from offhook.calls.channel import Channel

_KEY = "gains"


def apply_gains(channel: Channel, source: str, in_db: float | None = None, out_db: float | None = None) -> None:
    """What one source (a function) adds to what is received and sent, in dB; None leaves its part as it was."""
    parts: dict[str, tuple[float, float]] = channel.data.setdefault(_KEY, {})
    before = parts.get(source, (0.0, 0.0))
    parts[source] = (before[0] if in_db is None else in_db, before[1] if out_db is None else out_db)
    if channel.media is not None:
        channel.media.gain(sum(part[0] for part in parts.values()), sum(part[1] for part in parts.values()))
