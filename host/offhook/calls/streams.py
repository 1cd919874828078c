"""The media streams of a channel, as everything above the drivers sees them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from offhook.media.formats import Kind, format_named


@dataclass(slots=True)
class Stream:
    """One stream: "audio", "video", "text" or "image", its format names, and its direction from our side
    ("sendrecv", "sendonly", "recvonly", "inactive", or "removed" for a place that is empty)."""

    kind: str
    formats: tuple[str, ...]
    state: str = "sendrecv"
    name: str = field(default="", compare=False)

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


_MIRRORED = {"sendonly": "recvonly", "recvonly": "sendonly"}


def mirrored(streams: Sequence[Stream], known: Sequence[Stream]) -> list[Stream]:
    """What the other party of a call of two is to have when one has these streams: what one sends the other receives.

    Audio keeps the formats the other party has (``known``): they are translated between.
    """
    audio = next((stream.formats for stream in known if stream.kind == "audio" and stream.active), None)
    return [
        replace(
            stream,
            formats=audio if stream.kind == "audio" and stream.active and audio is not None else stream.formats,
            state=_MIRRORED.get(stream.state, stream.state),
        )
        for stream in streams
    ]
