"""The engine: starts and stops the C media engine and makes legs in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from offhook.media.formats import Format, Kind
from offhook.media.leg import Leg, NullLeg, PipeLeg, SnoopLeg
from offhook.media.mixer import Mixer
from offhook.media.rtp import RelayLeg, RtpLeg

SocketMode = Literal["auto", "steer", "pool", "leg"]


@dataclass(slots=True)
class Settings:
    """What may be set before ``Engine.start``; later changes of ports and timeouts hold for new legs.

    Ports from ``rtp.conf``'s rtpstart and rtpend; ``socket_mode`` as design says: one steered socket for all legs, a pool of shared
    sockets, or a pair a leg; "auto" takes the first that is permitted. ``realtime`` asks for SCHED_FIFO.
    """

    port_low: int = 5000
    port_high: int = 31000
    socket_mode: SocketMode = "auto"
    realtime: bool = True
    strict_rtp: bool = True
    probation: int = 4
    rtcp_interval: int = 5
    dscp_audio: int = 46
    dtmf_timeout_ms: int = 150
    checksums: bool = True


@dataclass(frozen=True, slots=True)
class Figures:
    """The engine at a glance, for the CLI and the bench."""

    mode: str
    descriptors: int
    legs: int
    packets_in: int
    packets_out: int
    ticks: int
    late_ticks: int
    cpu_seconds: float
    memory_bytes: int
    realtime: bool


class Engine:
    """The media engine of the process. ``loop`` is where events are delivered; None: the running one."""

    settings: Settings

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None, settings: Settings | None = None) -> None:
        raise NotImplementedError

    def start(self) -> None:
        """Start the engine's threads. Raises EngineError with the remedy when it is not built or cannot start."""
        raise NotImplementedError

    def stop(self) -> None:
        """Close every leg, end the threads, give back all descriptors. Harmless twice."""
        raise NotImplementedError

    def rtp_leg(self, address: str = "0.0.0.0", *, kind: Kind | str = Kind.AUDIO) -> RtpLeg:
        """A leg on a fresh pair of ports at a local address (IPv4 or IPv6; a wildcard for any). Raises NoPort when
        all ports of the range are taken. For other kinds than audio it is a RelayLeg."""
        raise NotImplementedError

    def relay_leg(self, address: str = "0.0.0.0") -> RelayLeg:
        """An RTP leg for video or text, relayed packet by packet."""
        raise NotImplementedError

    def pipe(self) -> tuple[PipeLeg, PipeLeg]:
        """Two legs back to back: what is sent to one arrives at the other."""
        raise NotImplementedError

    def null_leg(self, rate: int = 8000) -> NullLeg:
        """A leg without a far end."""
        raise NotImplementedError

    def snoop(
        self,
        target: Leg,
        spy: Literal["none", "in", "out", "both"] = "both",
        whisper: Literal["none", "in", "out", "both"] = "none",
    ) -> SnoopLeg:
        """A leg that hears ``target`` and whispers into it ("out": to its far end, "in": to who is connected to it)."""
        raise NotImplementedError

    def mixer(self, rate: int = 0) -> Mixer:
        """A conference mixer; ``rate`` 0 follows the best of its members."""
        raise NotImplementedError

    def figures(self) -> Figures:
        """Counts and costs up to now."""
        raise NotImplementedError

    def can_decode(self, wanted: Format) -> bool:
        """Whether this build can turn the format into sound and back."""
        raise NotImplementedError

    on_log: Callable[[str, str], None] | None
    """Called with a level ("notice", "warning", "error") and a sentence; None: the logging package."""


class EngineError(Exception):
    """The engine cannot start; the sentence names the remedy."""


class NoPort(Exception):
    """Every RTP port of the range is taken."""
