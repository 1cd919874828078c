"""Messages out of a byte stream by Content-Length (RFC 3261 18.3), with limits, and CRLF keepalive (RFC 5626 4.4.1)."""

from __future__ import annotations

from .errors import SIPError

PING = b"\r\n\r\n"
PONG = b"\r\n"


def is_keepalive(datagram: bytes) -> bool:
    """Whether a datagram only keeps a NAT binding open (line breaks or zero bytes): ignore it, or answer a PING."""
    return not datagram.strip(b"\r\n\x00 ")


class StreamFraming:
    """Cuts the bytes of one TCP or TLS connection into messages.

    `feed` returns whole messages. `pings` counts double CRLFs of the peer that still want a PONG (the I/O layer sends
    one each and sets it to 0), `pongs` its single CRLFs. Raises SIPError when the stream cannot be followed any more
    (411 or 400: no or malformed Content-Length) or a message is too large (513): close the connection then.
    """

    __slots__ = ("_buffer", "_half_ping", "_need", "max_head", "max_message", "pings", "pongs")

    def __init__(self, max_head: int = 16384, max_message: int = 65536) -> None:
        self.max_head = max_head
        self.max_message = max_message
        self.pings = 0
        self.pongs = 0
        self._buffer = bytearray()
        self._need = 0
        self._half_ping = False

    @property
    def pending(self) -> int:
        """Bytes held of a message that is not complete yet."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """Add received bytes, return the messages they complete."""
        buffer = self._buffer
        scanned = max(0, len(buffer) - 3)
        buffer += data
        messages: list[bytes] = []
        while buffer:
            if not self._need:
                if buffer[0] in b"\r\n":
                    if not self._skip_keepalive():
                        break
                    scanned = 0
                    continue
                self._half_ping = False
                end = buffer.find(b"\r\n\r\n", scanned)
                if end < 0:
                    if len(buffer) > self.max_head:
                        raise SIPError(513, detail="header section too large")
                    break
                if end > self.max_head:
                    raise SIPError(513, detail="header section too large")
                length = _content_length(bytes(buffer[:end]))
                self._need = end + 4 + length
                if self._need > self.max_message:
                    raise SIPError(513, detail="message too large")
            if len(buffer) < self._need:
                break
            messages.append(bytes(buffer[: self._need]))
            del buffer[: self._need]
            self._need = 0
            scanned = 0
        return messages

    def _skip_keepalive(self) -> bool:
        buffer = self._buffer
        if len(buffer) < 2:
            return False
        if buffer[:2] != PONG:
            raise SIPError(400, detail="stray line break between messages")
        del buffer[:2]
        # One CRLF is a pong, two are a ping; the second may come with the next segment.
        if self._half_ping:
            self.pongs -= 1
            self.pings += 1
        else:
            self.pongs += 1
        self._half_ping = not self._half_ping
        return True


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, colon, value = line.partition(b":")
        if colon and name.strip().lower() in (b"content-length", b"l"):
            value = value.strip()
            if not value.isdigit() or len(value) > 9:
                raise SIPError(400, "Bad Content-Length")
            return int(value)
    raise SIPError(411, detail="no Content-Length on a stream")
