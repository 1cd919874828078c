"""Caller-ID messages out of what a data detector hears."""

from __future__ import annotations

from offhook.media.callerid.message import TYPES, Call, MessageError, Waiting, checksum, decode

_LONGEST = 258


class Receiver:
    """Finds messages among octets: the channel seizure before them and noise around them are skipped. No I/O.

    ``errors`` says what was wrong with messages that came but could not be used.
    """

    def __init__(self) -> None:
        self.errors: list[str] = []
        self._octets = bytearray()

    def feed(self, octets: bytes) -> list[Call | Waiting]:
        """Octets arrived: the messages that are complete now."""
        self._octets += octets
        found: list[Call | Waiting] = []
        while True:
            start = next((at for at, each in enumerate(self._octets) if each in TYPES), len(self._octets))
            del self._octets[:start]
            if len(self._octets) < 3 or len(self._octets) < self._octets[1] + 3:
                return found
            size = self._octets[1] + 3
            message = bytes(self._octets[:size])
            if checksum(message) == 0:
                try:
                    found.append(decode(message))
                except MessageError as error:
                    self.errors.append(str(error))
                del self._octets[:size]
            else:
                self.errors.append(f"a caller-ID message of {size} octets has a wrong checksum")
                del self._octets[:1]

    def carrier_lost(self) -> list[Call | Waiting]:
        """The carrier is gone: what is begun will not be completed; messages that hide in it are returned."""
        found: list[Call | Waiting] = []
        pending, self._octets = bytes(self._octets[1:]), bytearray()
        while pending:
            found += self.feed(pending)
            pending, self._octets = bytes(self._octets[1:]), bytearray()
        return found
