"""Telephones with calls: a SIP peer on loopback that knows the dialogs it is in, for stories about calls."""

from __future__ import annotations

import re
from typing import Any

from offhook.sip.message import Request, Response, make_request
from support.sip_peer import UdpPeer

SDP = "application/sdp"


def audio(port: int = 4000, formats: str = "0 8 101", *more: str, address: str = "127.0.0.1") -> bytes:
    """A description with one audio stream; further lines belong to it."""
    lines = [
        "v=0",
        f"o=- 7 {port} IN IP4 {address}",
        "s=-",
        f"c=IN IP4 {address}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {formats}",
        *(["a=rtpmap:101 telephone-event/8000"] if "101" in formats.split() else []),
        *more,
    ]
    return "".join(f"{line}\r\n" for line in lines).encode()


class Telephone:
    """A telephone of one user: calls of both directions, one INVITE transaction at a time in each."""

    def __init__(self, peer: UdpPeer, user: str) -> None:
        self.peer = peer
        self.user = user
        self.number = 0

    async def call(self, exten: str, *headers: tuple[str, str], body: bytes | None = None, **more: str) -> Call:
        """Send an INVITE to an extension; ``body`` None is a description of audio, b"" is none at all."""
        self.number += 1
        call = Call(self, f"{self.user}-{self.number}", more.get("from_tag", f"f{self.number}"))
        host = f"{self.peer.server[0]}:{self.peer.server[1]}"
        call.local = f'"{self.user.title()}" <sip:{self.user}@{self.peer.address}>;tag={call.tag}'
        call.remote = more.get("to", f"<sip:{exten}@{host}>")
        call.target = more.get("target", f"sip:{exten}@{host}")
        kind = more.get("content_type", SDP)
        call.invite = call.send("INVITE", *headers, body=audio() if body is None else body, content_type=kind)
        return call

    async def incoming(self) -> Call:
        """The next INVITE that comes, as a call; repeated ones are passed over."""
        request = await self.next("INVITE")
        self.number += 1
        call = Call(self, request.call_id, f"r{self.number}")
        call.local = f"{request.get('To')};tag={call.tag}"
        call.remote = request.get("From") or ""
        call.target = str(request.contact.uri) if request.contact else ""
        call.invite = request
        call.received = {(request.method, request.cseq.number)}
        return call

    async def next(self, what: str = "", seconds: float = 5) -> Any:
        """The next request of a method, or response of a status ("200"); provisional responses are passed over."""
        while True:
            message = await self.peer.receive(seconds)
            if isinstance(message, Request):
                if message.method == what or not what:
                    return message
            elif str(message.status) == what or (not what and message.status >= 200):
                return message
            if what and isinstance(message, Request):
                raise AssertionError(f"{message.method} came instead of {what}")

    async def silent(self, seconds: float = 1) -> None:
        """Nothing comes for a while."""
        try:
            message = await self.peer.receive(seconds)
        except TimeoutError:
            return
        raise AssertionError(f"unexpected: {message.start_line}")


class Call:
    """One dialog of a telephone."""

    def __init__(self, phone: Telephone, call_id: str, tag: str) -> None:
        self.phone = phone
        self.call_id = call_id
        self.tag = tag
        self.local = self.remote = self.target = ""
        self.seq = 0
        self.invite: Any = None
        self.received: set[tuple[str, int]] = set()

    # ---- sending --------------------------------------------------------------------------------------

    def send(self, method: str, *headers: tuple[str, str], body: bytes = b"", content_type: str = SDP) -> Request:
        """Send a request in the dialog."""
        if method not in ("ACK", "CANCEL"):
            self.seq += 1
        request = make_request(
            method,
            self.target,
            self.local,
            self.remote,
            self.call_id,
            self.seq,
            list(headers),
            contact=f"<sip:{self.phone.user}@{self.phone.peer.address}>",
            body=body,
            content_type=content_type if body else "",
        )
        self.phone.number += 1
        branch = f"z9hG4bK-{self.call_id}-{self.phone.number}-{method}"
        request.insert(0, "Via", f"SIP/2.0/UDP {self.phone.peer.address};rport;branch={branch}")
        self.phone.peer.send(request)
        return request

    def reply(
        self, request: Request, status: int, *headers: tuple[str, str], body: bytes = b"", tag: str = ""
    ) -> Response:
        """Answer a request."""
        to = request.get("To") or ""
        if status > 100 and "tag=" not in to:
            to += f";tag={tag or self.tag}"
        copied = [(name, value) for name, value in request.headers if name in ("Via", "From", "Call-ID", "CSeq")]
        response = Response(status, "", [*copied, ("To", to), *headers], body)
        response.add("Contact", f"<sip:{self.phone.user}@{self.phone.peer.address}>")
        if body:
            response.add("Content-Type", SDP)
        self.phone.peer.send(response)
        return response

    def ack(self, response: Response, body: bytes = b"") -> None:
        """Acknowledge a final response to the INVITE: in a dialog for a 2xx, else in its transaction."""
        if response.status >= 300:
            ack = make_request("ACK", self.invite.target, self.local, response.get("To") or "", self.call_id, self.seq)
            ack.insert(0, "Via", self.invite.get("Via"))
            self.phone.peer.send(ack)
            return
        self.remote = response.get("To") or ""
        if response.contact is not None:
            self.target = str(response.contact.uri)
        self.send("ACK", body=body)

    def cancel(self, *headers: tuple[str, str]) -> None:
        """Cancel the INVITE."""
        request = make_request(
            "CANCEL", self.invite.target, self.local, self.invite.get("To"), self.call_id, self.seq, list(headers)
        )
        request.insert(0, "Via", self.invite.get("Via"))
        self.phone.peer.send(request)

    # ---- stories --------------------------------------------------------------------------------------

    async def response(self, status: int) -> Response:
        """The next response that is not 100: of that status."""
        while True:
            message = await self.phone.peer.receive()
            if isinstance(message, Response) and message.status == 100:
                continue
            assert isinstance(message, Response), f"{message.method} came instead of {status}"
            assert message.status == status, f"{message.status} came instead of {status}"
            return message

    async def answered(self) -> Response:
        """Wait for the 200 and acknowledge it."""
        while True:
            message = await self.phone.next("200")
            if message.cseq.method == "INVITE":
                self.ack(message)
                return message

    async def accept(self, body: bytes | None = None, **more: str) -> None:
        """Answer the INVITE that came and wait for the ACK."""
        self.reply(self.invite, 200, body=audio() if body is None else body, **more)
        await self.phone.next("ACK")

    async def request(self, method: str, *headers: tuple[str, str], body: bytes = b"", **more: str) -> Response:
        """Send a request in the dialog and give its final response; a 2xx to an INVITE is acknowledged."""
        request = self.send(method, *headers, body=body, **more)
        if method == "INVITE":
            self.invite = request
        while True:
            message = await self.phone.peer.receive()
            if isinstance(message, Response) and message.status >= 200 and message.get("CSeq") == request.get("CSeq"):
                if method == "INVITE":
                    self.ack(message)
                return message

    async def hang_up(self) -> None:
        """Say BYE."""
        response = await self.request("BYE")
        assert response.status == 200

    async def bye(self) -> Request:
        """The exchange says BYE: answer it."""
        request: Request = await self.phone.next("BYE")
        self.reply(request, 200)
        return request


def media_lines(message: Request | Response) -> list[str]:
    """The lines of a description from its first stream on, its ports written as PORT."""
    text = message.body.decode().split("\r\n")
    found = [line for line in text[next(i for i, line in enumerate(text) if line.startswith("m=")) :] if line]
    return [re.sub(r"^(m=\w+) [1-9]\d*", r"\1 PORT", line) for line in found]
