"""SIP peers on loopback: they send what a story says, word for word, and keep what they get."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from itertools import count
from typing import Any

from offhook.sip.auth import Credentials, DigestClient, Secret
from offhook.sip.framing import StreamFraming
from offhook.sip.message import Request, Response, make_request
from offhook.sip.parser import parse

_numbers = count(1)
Message = Request | Response


class Peer:
    """A SIP user agent over UDP, or over one TCP connection."""

    transport = "UDP"

    def __init__(self, server: tuple[str, int]) -> None:
        self.server = server
        self.host, self.port = "127.0.0.1", 0
        self.inbox: asyncio.Queue[Message] = asyncio.Queue()
        self.answer: Callable[[Request], Response | None] = lambda request: None
        """Answers requests at once; those it does not answer go to the inbox."""
        self.requests: list[Request] = []
        """Every request that came, with the repeated ones."""

    # ---- the wire -----------------------------------------------------------------------------------

    def write(self, data: bytes, to: tuple[str, int] | None = None) -> None:
        """Put bytes on the wire."""
        raise NotImplementedError

    def close(self) -> None:
        """Go away."""
        raise NotImplementedError

    def arrived(self, data: bytes, source: tuple[str, int] | None = None) -> None:
        """Take one message."""
        message = parse(data)
        if isinstance(message, Request):
            self.requests.append(message)
            response = self.answer(message)
            if response is not None:
                self.write(response.to_bytes(), source)
                return
        self.inbox.put_nowait(message)

    # ---- what a story says --------------------------------------------------------------------------

    @property
    def address(self) -> str:
        """host:port of this end."""
        return f"{self.host}:{self.port}"

    def uri(self, user: str) -> str:
        """Where this peer can be reached."""
        return f"sip:{user}@{self.address}" + (
            "" if self.transport == "UDP" else f";transport={self.transport.lower()}"
        )

    def request(
        self, method: str, user: str = "alice", *headers: tuple[str, str], target: str = "", call_id: str = ""
    ) -> Request:
        """A request from a user to the exchange; further headers replace those made here."""
        number = next(_numbers)
        host = f"{self.server[0]}:{self.server[1]}"
        to = f"<sip:{user}@{host}>"
        made = make_request(
            method, target or f"sip:{host}", f"{to};tag=t{number}", to, call_id or f"call-{number}@peer", number
        )
        made.insert(0, "Via", f"SIP/2.0/{self.transport} {self.address};rport;branch=z9hG4bK-peer-{number}")
        for name, value in headers:
            made.remove(name) if name in ("From", "To", "Via", "CSeq") else None
            made.add(name, value)
        return made

    def send(self, message: Message) -> None:
        """Send a message."""
        self.write(message.to_bytes())

    async def receive(self, seconds: float = 5) -> Message:
        """The next message that came."""
        return await asyncio.wait_for(self.inbox.get(), seconds)

    async def exchange(self, request: Request, secret: str = "", username: str = "", seconds: float = 5) -> Response:
        """Send a request and give its final response; with a secret one challenge is answered."""
        client = DigestClient([Credentials(Secret(username or request.from_.uri.user, secret), "")])
        while True:
            self.send(request)
            response = await self.final(seconds)
            if not secret or response.status != 401 or not client.receive(request, response):
                return response
            secret = ""
            again = request.copy()
            again.remove("Via")
            number = next(_numbers)
            again.insert(0, "Via", f"SIP/2.0/{self.transport} {self.address};rport;branch=z9hG4bK-peer-{number}")
            again.set("CSeq", f"{number} {again.method}")
            client.authorize(again)
            request = again

    async def final(self, seconds: float = 5) -> Response:
        """The next final response; requests that come meanwhile stay in ``requests``."""
        while True:
            message = await self.receive(seconds)
            if isinstance(message, Response) and message.status >= 200:
                return message

    async def register(
        self, user: str = "alice", *contacts: str, secret: str = "", expires: int | None = None, **more: str
    ) -> Response:
        """Register contacts (default: this peer) at the exchange; its final response."""
        headers = [("Contact", f"<{uri}>" if uri != "*" and "<" not in uri else uri) for uri in contacts]
        headers += [(name.replace("_", "-").title(), value) for name, value in more.items()]
        if not contacts:
            headers.append(("Contact", f"<{self.uri(user)}>"))
        if expires is not None:
            headers.append(("Expires", str(expires)))
        return await self.exchange(self.request("REGISTER", user, *headers), secret)


class UdpPeer(Peer, asyncio.DatagramProtocol):
    """A peer over UDP; ``await`` its ``start`` first."""

    async def start(self, port: int = 0) -> UdpPeer:
        """Bind a port (0: any)."""
        loop = asyncio.get_running_loop()
        self._socket, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", port))
        self.host, self.port = self._socket.get_extra_info("sockname")[:2]
        return self

    def write(self, data: bytes, to: tuple[str, int] | None = None) -> None:
        self._socket.sendto(data, to or self.server)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.arrived(data, addr)

    def close(self) -> None:
        self._socket.close()


class TcpPeer(Peer, asyncio.Protocol):
    """A peer with one TCP connection to the exchange; ``await`` its ``start`` first."""

    transport = "TCP"

    async def start(self, **options: Any) -> TcpPeer:
        """Connect (with TLS by ``ssl=context``)."""
        loop = asyncio.get_running_loop()
        self.framing = StreamFraming()
        self.over = asyncio.Event()
        self._connection, _ = await loop.create_connection(lambda: self, *self.server, **options)
        self.host, self.port = self._connection.get_extra_info("sockname")[:2]
        return self

    def write(self, data: bytes, to: tuple[str, int] | None = None) -> None:
        self._connection.write(data)

    def data_received(self, data: bytes) -> None:
        for message in self.framing.feed(data):
            self.arrived(message)

    def connection_lost(self, exc: Exception | None) -> None:
        self.over.set()

    def close(self) -> None:
        self._connection.close()

    def reset(self) -> None:
        """Go away without farewell (RST)."""
        sock = self._connection.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.abort()
