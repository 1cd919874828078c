"""An engine whose clock and network are the caller's: for tests that must not depend on time or sockets.

Nothing happens but in ``advance``; packets are handed in by ``inject`` and taken out by ``sent``. No thread, no port.
"""

from __future__ import annotations

from typing import NamedTuple

from offhook.media.engine import Engine, Settings

TICK_MS = 10
_ROOM = 2048


class Packet(NamedTuple):
    """A packet that would have been sent."""

    local_port: int
    remote: tuple[str, int]
    data: bytes


class SimulatedEngine(Engine):
    """The engine in simulated time."""

    def __init__(self, settings: Settings | None = None) -> None:
        settings = settings or Settings()
        settings.socket_mode = "simulated"
        super().__init__(None, settings)

    def advance(self, ms: int = TICK_MS) -> None:
        """Let that much time pass (whole ticks of 10 ms), delivering events after each tick."""
        for _ in range(ms // TICK_MS):
            self.lib.engine_tick(self._running(), 1)
            self.deliver_events()

    def inject(self, local_port: int, remote: tuple[str, int], data: bytes) -> None:
        """A packet arrives at one of our ports; it is read in the next tick."""
        host, port = remote
        if not self.lib.engine_inject(self._running(), local_port, host.encode(), port, data, len(data)):
            raise ValueError(f"{host} is no address, or {len(data)} bytes are too many")

    def sent(self) -> list[Packet]:
        """What was sent since the last call, in order."""
        ffi, packets = self.ffi, []
        local, port = ffi.new("int *"), ffi.new("int *")
        host, room = ffi.new("char[]", 48), ffi.new("uint8_t[]", _ROOM)
        while count := self.lib.engine_sent(self._running(), local, host, port, room, _ROOM):
            packets.append(Packet(local[0], (self.text(host), port[0]), bytes(ffi.buffer(room, count))))
        return packets
