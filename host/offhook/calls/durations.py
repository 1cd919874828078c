"""Durations of a call as channel variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.calls.channel import Channel


def set_duration(channel: Channel, name: str, seconds: float) -> None:
    """Set NAME to whole seconds and NAME_MS to milliseconds."""
    channel.set(name, str(int(seconds)))
    channel.set(f"{name}_MS", str(int(seconds * 1000)))
