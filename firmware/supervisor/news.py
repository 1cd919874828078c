"""What the supervisor tells the host unasked: sent again until it is acknowledged."""

import struct

import messages as m
from frames import Frame

AGAIN_MS = 250
TRIES = 40
HELD = 32


class News:
    """Frames under way to the host."""

    def __init__(self):
        self._sequence = 0
        self._under_way = {}
        """Sequence number -> [frame, when to send it, tries left]."""
        self.dropped = 0

    def tell(self, now, code, a=0, b=0):
        """Send an event until the host acknowledges it."""
        if len(self._under_way) >= HELD:
            self.dropped += 1
            return
        while self._sequence in self._under_way:
            self._sequence = self._sequence + 1 & 0xFF
        frame = Frame(m.NEWS, self._sequence, struct.pack(">BBH", code, a & 0xFF, b & 0xFFFF))
        self._under_way[self._sequence] = [frame, now, TRIES]
        self._sequence = self._sequence + 1 & 0xFF

    def acknowledged(self, sequence):
        """The host has it."""
        self._under_way.pop(sequence, None)

    def due(self, now):
        """The frames to send now."""
        out = []
        for sequence in list(self._under_way):
            entry = self._under_way[sequence]
            if now < entry[1]:
                continue
            if not entry[2]:
                del self._under_way[sequence]
                self.dropped += 1
                continue
            entry[1] = now + AGAIN_MS
            entry[2] -= 1
            out.append(entry[0])
        return out
