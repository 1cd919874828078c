"""What the media plane raises."""

from __future__ import annotations


class EngineError(Exception):
    """The engine cannot start; the sentence names the remedy."""


class NoPort(Exception):
    """Every RTP port of the range is taken, or none can be bound; the sentence says which."""


class UnsupportedMedia(Exception):
    """The leg, the format or this build of the engine cannot do that; the sentence says what and why."""
