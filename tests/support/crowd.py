"""A crowd of callers and called parties at a daemon: whole calls with media, each packet marked with its call.

One thread, one socket for the signalling of each side, one for the media of each party. Nothing is repeated: loopback
loses nothing that its buffers hold. What arrives is held against the call it is for: what went astray shows.
"""

from __future__ import annotations

import contextlib
import re
import resource
import selectors
import socket
import struct
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

HOST = "127.0.0.1"
SAMPLES = 160
FINALLY_S = 60.0
_BUFFER = 4 << 20
_REPORTS = range(192, 224)
"""RFC 5761 4"""
_REST = 100
"""Sockets that rest before they are used again."""

_CONTACT = re.compile(rb"^Contact:.*?<([^>]+)>", re.IGNORECASE | re.MULTILINE)
_AUDIO = re.compile(rb"^m=audio (\d+) ", re.MULTILINE)
_NUMBER = re.compile(rb"^From:[^<]*<sip:(\d+)@", re.IGNORECASE | re.MULTILINE)
_HEADER = {
    name: re.compile(rf"^{name}: *(.*?)\r?$".encode(), re.IGNORECASE | re.MULTILINE)
    for name in ("Via", "From", "To", "Call-ID", "CSeq")
}

PJSIP_CONF = """\
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{{sip}}

[party](!)
type = endpoint
context = crowd
allow = !all,ulaw
direct_media = no

[caller](party)
[caller]
type = identify
endpoint = caller
match_header = X-Crowd: caller

[callee](party)
aors = callee
[callee]
type = aor
contact = sip:callee@127.0.0.1:{callee}
"""

EXTENSIONS_CONF = """\
[crowd]
exten => bridge,1,Dial(PJSIP/callee,30)
 same => n,Hangup()
"""


def header(name: str, message: bytes) -> str:
    """The first header of a name; "" when it is not there."""
    found = _HEADER[name].search(message)
    return found[1].decode() if found else ""


def descriptors_for(calls: int) -> None:
    """Let this process have the sockets of that many calls."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 3 * calls + 200), most))


@dataclass(slots=True)
class Party:
    """One side of a call: its media socket, where the daemon's leg for it is, and what it heard."""

    media: socket.socket
    far: tuple[str, int] | None = None
    sent: int = 0
    heard: int = 0
    stray: int = 0

    def send(self, number: int) -> None:
        """One packet of 20 ms whose sound is the call's number."""
        if self.far is not None:
            head = struct.pack("!BBHII", 0x80, 0, self.sent & 0xFFFF, self.sent * SAMPLES, number * 2 + 1)
            self.media.sendto(head + struct.pack("!I", number) * (SAMPLES // 4), self.far)
            self.sent += 1

    def hear(self, number: int) -> None:
        """Take what waits; reports are for a port that happens to be a neighbour's."""
        with contextlib.suppress(BlockingIOError):
            while True:
                data = self.media.recv(2048)
                if len(data) == 12 + SAMPLES and data[12:16] == struct.pack("!I", number):
                    self.heard += 1
                elif data[1] not in _REPORTS:
                    self.stray += 1


@dataclass(slots=True)
class Call:
    """A call as both its parties see it."""

    number: int
    caller: Party
    callee: Party
    answered: bool = False
    over: bool = False
    target: str = ""
    remote: str = ""
    spoken: int = 0

    @property
    def parties(self) -> tuple[Party, Party]:
        """Both."""
        return self.caller, self.callee


@dataclass(slots=True)
class Tally:
    """What came of calls that ended."""

    calls: int = 0
    sent: int = 0
    heard: int = 0
    stray: int = 0

    def add(self, call: Call) -> None:
        """One more."""
        self.calls += 1
        for party in call.parties:
            self.sent += party.sent
            self.heard += party.heard
            self.stray += party.stray


@dataclass(slots=True)
class Crowd:
    """Everybody. ``server`` is the daemon's SIP port."""

    server: int = 0
    calls: dict[int, Call] = field(default_factory=dict)
    ended: Tally = field(default_factory=Tally)
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    signalling: list[socket.socket] = field(default_factory=list)
    idle: list[socket.socket] = field(default_factory=list)
    numbers: Any = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        for take in (self._to_caller, self._to_callee):
            one = self._socket()
            self.signalling.append(one)
            self.selector.register(one, selectors.EVENT_READ, take)

    def _socket(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        made.bind((HOST, 0))
        made.setblocking(False)
        return made

    def _rested(self) -> socket.socket:
        """The socket that has been idle longest, without what still came for the call before."""
        found = self.idle.pop(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                found.recv(2048)
        return found

    @property
    def callee_port(self) -> int:
        """Where called parties are."""
        return int(self.signalling[1].getsockname()[1])

    def close(self) -> None:
        """Give back every socket."""
        parties = [party.media for call in self.calls.values() for party in call.parties]
        for one in (*self.signalling, *self.idle, *parties):
            one.close()
        self.selector.close()

    # ---- what happens -----------------------------------------------------------------------------------

    def run(self, until: Callable[[], bool], *, every: float = 0.0, do: Callable[[], None] | None = None) -> None:
        """Go on until something is so, doing something in a rhythm (seconds); AssertionError when nothing goes on any
        more: a machine with other work may take its time."""
        due = looked = time.monotonic()
        deadline, before = due + FINALLY_S, ""
        while not until():
            now = time.monotonic()
            if now >= looked + 1:
                state, looked = f"{self.heard} heard, {self.state()}", now
                deadline, before = (deadline if state == before else now + FINALLY_S), state
            assert now < deadline, self.state()
            if do is not None and now >= due:
                do()
                due += every
            for key, _ in self.selector.select(max(0.0, min(due - time.monotonic(), 0.05)) if do else 0.05):
                key.data()

    @property
    def heard(self) -> int:
        """Packets that have reached the parties of calls that go on."""
        return sum(party.heard for call in self.calls.values() for party in call.parties)

    def rest(self, seconds: float = 0.5) -> None:
        """Until nothing has come for a while."""
        last, until = self.heard, time.monotonic() + seconds
        while time.monotonic() < until:
            for key, _ in self.selector.select(0.05):
                key.data()
            if self.heard != last:
                last, until = self.heard, time.monotonic() + seconds

    def state(self) -> str:
        """For a person who wonders."""
        answered = sum(call.answered for call in self.calls.values())
        return f"{len(self.calls)} calls, {answered} answered, {self.ended.calls} ended"

    def dial(self) -> Call:
        """Begin a call."""
        number = next(self.numbers)
        parties = [Party(self._rested() if len(self.idle) > _REST else self._socket()) for _ in range(2)]
        call = self.calls[number] = Call(number, *parties)
        for party in call.parties:
            self.selector.register(party.media, selectors.EVENT_READ, lambda party=party: party.hear(number))
        self._request(call, "INVITE", f"sip:bridge@{HOST}:{self.server}", self._description(call.caller))
        return call

    @property
    def unheard(self) -> list[Call]:
        """Calls whose parties have not heard each other yet."""
        return [call for call in self.calls.values() if not (call.caller.heard and call.callee.heard)]

    def speak(self, calls: Iterable[Call] | None = None) -> None:
        """Everybody who is in one of these calls (all there are) sends a packet."""
        for call in self.calls.values() if calls is None else calls:
            if call.answered and not call.over:
                call.spoken += 1
                for party in call.parties:
                    party.send(call.number)

    def hang_up(self, call: Call) -> None:
        """The caller ends it."""
        if not call.over:
            call.over = True
            self._request(call, "BYE", call.target)

    def _end(self, call: Call) -> None:
        for party in call.parties:
            party.hear(call.number)
            self.selector.unregister(party.media)
            self.idle.append(party.media)
        self.ended.add(self.calls.pop(call.number))

    # ---- messages ---------------------------------------------------------------------------------------

    def _description(self, party: Party) -> str:
        port = party.media.getsockname()[1]
        return (
            f"v=0\r\no=- 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
        )

    def _request(self, call: Call, method: str, target: str, body: str = "") -> None:
        own, port = self.signalling[0], self.signalling[0].getsockname()[1]
        sequence = 1 if method in ("INVITE", "ACK") else 2
        lines = [
            f"{method} {target} SIP/2.0",
            f"Via: SIP/2.0/UDP {HOST}:{port};branch=z9hG4bK{method}{call.number}",
            f"From: <sip:{call.number}@{HOST}>;tag=c{call.number}",
            f"To: {call.remote or f'<sip:bridge@{HOST}:{self.server}>'}",
            f"Call-ID: {call.number}@crowd",
            f"CSeq: {sequence} {method}",
            f"Contact: <sip:{call.number}@{HOST}:{port}>",
            "Max-Forwards: 70",
            "X-Crowd: caller",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        own.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), (HOST, self.server))

    def _answer(self, own: socket.socket, request: bytes, body: str = "") -> None:
        to = header("To", request)
        lines = [
            "SIP/2.0 200 OK",
            *(f"Via: {via[1].decode()}" for via in _HEADER["Via"].finditer(request)),
            f"From: {header('From', request)}",
            f"To: {to}" + ("" if ";tag=" in to else ";tag=callee"),
            f"Call-ID: {header('Call-ID', request)}",
            f"CSeq: {header('CSeq', request)}",
            f"Contact: <sip:callee@{HOST}:{own.getsockname()[1]}>",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        own.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), (HOST, self.server))

    def _waiting(self, own: socket.socket) -> list[bytes]:
        found = []
        with contextlib.suppress(BlockingIOError):
            while len(found) < 64:
                found.append(own.recv(8192))
        return found

    def _to_caller(self) -> None:
        for message in self._waiting(self.signalling[0]):
            if not message.startswith(b"SIP/2.0"):
                self._answer(self.signalling[0], message)
                continue
            call = self.calls.get(int(header("Call-ID", message).partition("@")[0] or 0))
            status, method = message[8:11], header("CSeq", message).split()[-1]
            assert status < b"300", message.decode(errors="replace")
            if call is None or status < b"200":
                continue
            if method == "BYE":
                self._end(call)
            else:
                self._take_answer(call, message)

    def _take_answer(self, call: Call, message: bytes) -> None:
        contact, audio = _CONTACT.search(message), _AUDIO.search(message)
        assert contact and audio, message.decode(errors="replace")
        call.target, call.remote = contact[1].decode(), header("To", message)
        call.caller.far = (HOST, int(audio[1]))
        call.answered = True
        self._request(call, "ACK", call.target)

    def _to_callee(self) -> None:
        own = self.signalling[1]
        for message in self._waiting(own):
            if message.startswith(b"INVITE"):
                number, audio = _NUMBER.search(message), _AUDIO.search(message)
                assert number and audio, message.decode(errors="replace")
                party = self.calls[int(number[1])].callee
                party.far = (HOST, int(audio[1]))
                self._answer(own, message, self._description(party))
            elif not message.startswith((b"ACK", b"SIP/2.0")):
                self._answer(own, message)
