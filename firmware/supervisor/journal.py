"""The last events, by number, for whoever asks later."""

import struct

import messages as m

KEPT = 128


class Journal:
    """Events in a ring. ``first`` is the number of the oldest that is kept."""

    def __init__(self):
        self.first = 0
        self._entries = []

    def add(self, now, code, a, b):
        """Note an event at this time (ms)."""
        self._entries.append(struct.pack(m.ENTRY, now // 1000 & 0xFFFFFFFF, code, a & 0xFF, b & 0xFFFF))
        if len(self._entries) > KEPT:
            del self._entries[0]
            self.first += 1

    def read(self, number, room):
        """The number of the first entry from ``number`` on that is kept, and entries of at most ``room`` bytes."""
        at = max(number, self.first)
        out = bytearray()
        for entry in self._entries[at - self.first :]:
            if len(out) + len(entry) > room:
                break
            out.extend(entry)
        return at & 0xFFFF, bytes(out)
