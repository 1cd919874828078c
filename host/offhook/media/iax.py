"""IAX2's voice in the engine: a UDP port whose mini and trunk frames the engine carries, with a leg for each call.

Full frames are Python's: they arrive at ``Carrier.descriptor``, and leave by it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from offhook.media.errors import EngineError
from offhook.media.rtp import Packet, RtpLeg

if TYPE_CHECKING:
    from offhook.media.engine import Engine
    from offhook.media.formats import Format

__all__ = ["Carrier", "IaxLeg"]

_TYPE = 0
"""The payload type that stands for whatever format a call has."""


class IaxLeg(RtpLeg):
    """The voice of one IAX2 call."""

    __slots__ = ("on_voice",)

    def __init__(self, engine: Engine, handle: Any) -> None:
        super().__init__(engine, handle, "")
        self.on_voice: Callable[[int, bytes], None] | None = None
        """Called with time (ms of the call) and payload of voice that has to go in a full frame (RFC 5456 8.1.1.1):
        the first, and those at which format or upper half of the time change. ``opened`` tells that it went."""

    def call(
        self,
        address: tuple[str, int],
        ours: int,
        theirs: int,
        ms: int,
        *,
        trunk: bool = False,
        timestamps: bool = True,
    ) -> None:
        """Where frames go and come from: call numbers (``theirs`` 0: not known yet), the call's time now, and whether
        they travel in trunk frames, there with times of their own or without. ValueError for a host that is no
        address."""
        if self._closed:
            return
        host, port = address
        if not self.engine.lib.iax_call(self._handle, host.encode(), port, ours, theirs, ms, trunk, timestamps):
            raise ValueError(f'"{host}" is no numeric IP address')
        self._remote = address

    def set_formats(self, receive: Format | None, send: Format | None, ptime: int = 20) -> None:
        """What arrives and what is sent (None: nothing)."""
        self.set_codecs({_TYPE: receive} if receive else {}, (_TYPE, send) if send else None, ptime=ptime)

    def opened(self, ms: int) -> None:
        """A full voice frame of that time went."""
        if not self._closed:
            self.engine.lib.iax_opened(self._handle, ms)

    def voice(self, ms: int, payload: bytes) -> None:
        """Voice came in a full frame."""
        if not self._closed and payload:
            self.engine.lib.iax_voice(self._handle, ms & 0xFFFFFFFF, payload, len(payload))

    def seal(self, key: bytes, *, sends: bool) -> None:
        """AES-128 for the mini frames we send, or for those that come, from now on. EngineError without OpenSSL."""
        if not self._closed and not self.engine.lib.iax_key(self._handle, sends, key):
            raise EngineError("no encryption: libcrypto of OpenSSL 3 (Debian: libssl3, libssl3t64) is missing")

    @property
    def reordered(self) -> int:
        """Frames that came in another order than they were sent."""
        return int(self._figures().reordered)

    def take_packet(self, packet: Packet) -> None:
        """What the engine hands over is voice; its time stands for the port."""
        if self.on_voice is not None:
            self.on_voice(packet.port & 0xFFFFFFFF, packet.data)

    def released(self) -> None:
        """See RtpLeg."""
        super().released()
        self.on_voice = None


class Carrier:
    """A UDP port. Raises EngineError with a sentence when it cannot be had. ``traffic_class``: DSCP << 2."""

    __slots__ = ("_engine", "_handle", "descriptor", "host", "port")

    def __init__(self, engine: Engine, host: str, port: int, traffic_class: int = 0) -> None:
        self._engine = engine
        self.host = host
        self.port = port
        self._handle = engine.new_carrier(host, port, traffic_class)
        self.descriptor = int(engine.lib.carrier_socket(self._handle))
        """A bound socket, to be read and written but not closed."""

    def leg(self) -> IaxLeg:
        """A leg for a call."""
        engine = self._engine
        handle = engine.lib.leg_iax(self._handle, engine.error_text)
        if not handle:
            raise EngineError(engine.text(engine.error_text))
        leg = IaxLeg(engine, handle)
        engine.watch_object(handle, leg)
        return leg

    def close(self) -> None:
        """Give the port back, with its last leg. Harmless twice, and after the engine's end."""
        handle, self._handle = self._handle, None
        self.descriptor = -1
        if handle is not None and self._engine.running:
            self._engine.lib.carrier_close(handle)
