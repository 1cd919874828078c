"""The media streams of a channel, as everything above the drivers sees them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from offhook.media.formats import Kind, format_named


@dataclass(slots=True)
class Stream:
    """One stream: "audio", "video", "text" or "image", its format names, and its direction from our side
    ("sendrecv", "sendonly", "recvonly", "inactive", or "removed" for a place that is empty)."""

    kind: str
    formats: tuple[str, ...]
    state: str = "sendrecv"
    name: str = ""

    @property
    def active(self) -> bool:
        """Whether the stream is there."""
        return self.state != "removed"


def streams_of(formats: Iterable[str]) -> list[Stream]:
    """One stream for each kind of media among some formats, in the order audio, video, image, text."""
    by_kind: dict[str, list[str]] = {}
    for name in formats:
        by_kind.setdefault(str(format_named(name).kind), []).append(name)
    return [
        Stream(str(kind), tuple(by_kind[kind]), name=str(kind))
        for kind in (Kind.AUDIO, Kind.VIDEO, Kind.IMAGE, Kind.TEXT)
        if kind in by_kind
    ]
