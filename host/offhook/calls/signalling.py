"""Signalling as it passes, for whoever follows a call or captures: published only while somebody listens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class LineSignal:
    """Something on a line or a D channel. ``way`` is "-->" for what came from there, "<--" for what was done to it."""

    place: str
    """How the names of channels on it begin: "DAHDI/3", or "DAHDI/i1" for the D channel of span 1."""
    way: str
    text: str
    call: str = ""
    """Which of the calls of a place, where it has several."""
    setup: bool = False
    """It begins that call."""


@dataclass(slots=True)
class DChannelFrame:
    """A Q.921 frame, address first, without its check sum."""

    span: int
    sent: bool
    data: bytes


@dataclass(slots=True)
class ManagerAction:
    """A manager client asked for something, and what it was answered."""

    user: str
    action: str
    headers: Sequence[tuple[str, str]]
    answer: str = ""
    """"" when it is asked, then the answer's Response and Message."""
