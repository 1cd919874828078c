"""What may be set of the media engine before it starts, and what it counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from offhook.media.ice_settings import IceSettings
from offhook.media.rtp import Strictness

SocketMode = Literal["auto", "steer", "pool", "leg", "simulated"]
MODES: list[SocketMode] = ["auto", "steer", "pool", "leg", "simulated"]


@dataclass(slots=True)
class Settings:
    """What may be set before ``Engine.start``.

    Ports from ``rtp.conf``'s rtpstart and rtpend. ``socket_mode``: one steered socket for all legs, a pool of shared
    sockets, or a pair a leg; "auto" takes the first that is permitted. ``realtime`` asks for SCHED_FIFO.
    ``rtcp_interval`` is in seconds, ``probation`` counts the packets in sequence after which a new address is believed,
    and an unended digit ends after ``dtmf_timeout_ms``. ``replay_protection``: an SRTP packet that comes again is
    dropped. ``srtp``: encryption may be agreed on. ``dtls_mtu``: octets of a DTLS datagram.
    """

    port_low: int = 5000
    port_high: int = 31000
    socket_mode: SocketMode = "auto"
    realtime: bool = True
    strict_rtp: Strictness = "yes"
    probation: int = 4
    rtcp_interval: float = 5.0
    dtmf_timeout_ms: int = 150
    checksums: bool = True
    replay_protection: bool = True
    srtp: bool = False
    dtls_mtu: int = 1200
    ice: IceSettings = field(default_factory=IceSettings)


@dataclass(frozen=True, slots=True)
class Figures:
    """The engine at a glance, for the CLI and the bench. ``memory_bytes`` is what legs' media state takes."""

    mode: str
    descriptors: int
    legs: int
    packets_in: int
    packets_out: int
    packets_bad: int
    ticks: int
    late_ticks: int
    cpu_seconds: float
    memory_bytes: int
    realtime: bool
