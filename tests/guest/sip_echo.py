"""A SIP telephone that answers every call and says back what it hears."""

from __future__ import annotations

import re
import select
import socket
import threading
from types import TracebackType

SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
COPIED = ("via", "from", "call-id", "cseq")


class SipEcho:
    """Listens on loopback while the context lasts."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.signalling = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.called: list[str] = []
        """The request lines of INVITE."""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> SipEcho:
        self.signalling.bind(("127.0.0.1", self.port))
        self.sound.bind(("127.0.0.1", 0))
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join(5)
        self.signalling.close()
        self.sound.close()

    def _run(self) -> None:
        while not self._ended.is_set():
            for ready in select.select([self.signalling, self.sound], [], [], 0.2)[0]:
                data, source = ready.recvfrom(4000)
                if ready is self.sound:
                    self.sound.sendto(data, source)
                else:
                    self._answer(data.decode(), source)

    def _answer(self, text: str, source: tuple[str, int]) -> None:
        head = text.split("\r\n\r\n")[0].split("\r\n")
        method = head[0].split(" ")[0]
        if method not in ("INVITE", "BYE", "OPTIONS"):
            return
        lines = [line for line in head[1:] if line.split(":")[0].strip().lower() in COPIED]
        to = next(line for line in head if re.match("to *:", line, re.IGNORECASE))
        lines.append(to if "tag=" in to else f"{to};tag=echo")
        body = ""
        if method == "INVITE":
            self.called.append(head[0])
            body = SDP.format(port=self.sound.getsockname()[1])
            lines += [f"Contact: <sip:127.0.0.1:{self.port}>", "Content-Type: application/sdp"]
        lines.append(f"Content-Length: {len(body)}")
        answer = "\r\n".join(["SIP/2.0 200 OK", *lines, "", body])
        self.signalling.sendto(answer.encode(), source)
