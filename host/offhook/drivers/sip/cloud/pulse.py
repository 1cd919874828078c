"""The pulse of a connection: within seconds it is known that nothing comes back over it any more.

A NAT that forgot its bindings, or a line that was away, tells nobody. RFC 5626 finds out with a ping every two minutes;
until then no call from outside comes in. Here the kernel asks instead: TCP's own keepalive is one empty packet every
two seconds, answered by the other end's kernel, so that neither program is woken and the provider's servers have
nothing to do. When an answer is late we send one real ping, which TCP repeats several times within its patience, so
that a few lost packets end no connection that lives.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from enum import Enum
from typing import Final

IDLE_S: Final = 2
"""Silence after which the kernel asks; TCP_KEEPIDLE counts whole seconds."""
LATE_S: Final = 0.4
"""An answer is late after so long, or twice the round trip of the connection."""
PATIENCE_S: Final = 1.2
"""So long we wait for any sign after our own ping, or three round trips: by then TCP has sent it thrice or more."""
PROBES: Final = 9
"""Of the kernel, before it ends a connection that we somehow did not."""

_LAST_ACK_MS, _ROUND_TRIP_US = 56, 68
"""Places of tcpi_last_ack_recv and tcpi_rtt in struct tcp_info (linux/tcp.h)."""


class Finding(Enum):
    """What the pulse says is to be done."""

    ALIVE = "alive"
    ASK = "ask"
    """Send a ping."""
    DEAD = "dead"


@dataclass(slots=True)
class Pulse:
    """Judges one connection by what its kernel knows; all times in seconds."""

    _asked: bool = False

    def feel(self, silent: float, round_trip: float) -> tuple[Finding, float]:
        """Judge; the finding, and how long to wait before the next look.

        ``silent`` is the time since the other end's kernel last acknowledged anything.
        """
        late = max(LATE_S, 2 * round_trip)
        patience = max(PATIENCE_S, 3 * round_trip)
        if self._asked:
            self._asked = False
            if silent >= patience:
                return Finding.DEAD, 0.0
        elif silent >= IDLE_S + late:
            self._asked = True
            return Finding.ASK, patience
        return Finding.ALIVE, max(0.1, IDLE_S + late - silent)


def begin(sock: socket.socket) -> None:
    """Let the kernel ask the other end now and then. Raises OSError where it cannot."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, IDLE_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, IDLE_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, PROBES)


def read(sock: socket.socket) -> tuple[float, float]:
    """Seconds since the last acknowledgement, and the round trip. Raises OSError for a socket that is closed."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _ROUND_TRIP_US + 4)
    (silent,) = struct.unpack_from("=I", info, _LAST_ACK_MS)
    (round_trip,) = struct.unpack_from("=I", info, _ROUND_TRIP_US)
    return silent / 1e3, round_trip / 1e6
