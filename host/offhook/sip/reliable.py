"""Reliable provisional responses (RFC 3262): the answering side repeats, the calling side acknowledges in order."""

from __future__ import annotations

import random
from collections import deque

from .errors import SIPError
from .events import Event, ProvisionalTimeout, Send
from .grammar import parse_number
from .message import Request, Response
from .transaction import PROCEEDING, ServerInvite


class ReliableProvisionals:
    """The 101..199 responses to one INVITE that want a PRACK.

    Put it on the layer's timers with TransactionLayer.watch after `send` and `prack`. Only one response is on its way
    at a time; others wait in order (RFC 3262 3).
    """

    __slots__ = (
        "_cseq",
        "_data",
        "_interval",
        "_queue",
        "_resend_at",
        "_sdp",
        "_t1",
        "_until",
        "entry",
        "rseq",
        "transaction",
        "user",
    )

    def __init__(
        self, transaction: ServerInvite, invite: Request, t1: float = 0.5, rng: random.Random | None = None
    ) -> None:
        self.transaction = transaction
        self.user: object = None  # free for the owner
        self.entry: list[object] | None = None
        self.rseq = (rng or random).randint(1, 0x7FFFFFFF) - 1  # RFC 3262 3: at most 2**31 - 1
        self._cseq = invite.cseq.number
        self._t1 = t1
        self._queue: deque[Response] = deque()
        self._data = b""
        self._sdp = False
        self._interval = 0.0
        self._resend_at: float | None = None
        self._until = 0.0

    @property
    def pending(self) -> bool:
        """Whether a response waits for its PRACK."""
        return bool(self._data)

    @property
    def holds_answer(self) -> bool:
        """Whether a 2xx has to wait: an unacknowledged response carries a description (RFC 3262 3)."""
        return bool(self._data) and (self._sdp or any(response.body for response in self._queue))

    def send(self, response: Response, now: float) -> list[Event]:
        """Send a provisional response reliably: Require and RSeq are added. Queued while another is on its way."""
        if not 100 < response.status < 200:
            raise ValueError(f"{response.status} cannot be sent reliably")
        if self._data:
            self._queue.append(response)
            return []
        return self._send(response, now)

    def _send(self, response: Response, now: float) -> list[Event]:
        if self.transaction.state is not PROCEEDING:
            return []
        self.rseq += 1
        if "100rel" not in response.tokens("Require"):
            response.add("Require", "100rel")
        response.add("RSeq", self.rseq)
        self._data = response.to_bytes()
        self._sdp = bool(response.body)
        self._interval = self._t1
        self._resend_at = now + self._t1
        self._until = now + 64 * self._t1
        return self.transaction.send(response, now)

    def prack(self, request: Request, now: float) -> list[Event]:
        """Take a PRACK; events send the next queued response. Answer the PRACK 200.

        SIPError 481 when it acknowledges nothing that waits, 400 when its RAck is malformed.
        """
        rseq, cseq, method = parse_rack(request.get("RAck"))
        if not self._data or (rseq, cseq, method) != (self.rseq, self._cseq, "INVITE"):
            raise SIPError(481)
        self._data = b""
        self._resend_at = None
        return self._send(self._queue.popleft(), now) if self._queue else []

    def stop(self) -> None:
        """The INVITE has its final response: repeat nothing more."""
        self._queue.clear()
        self._data = b""
        self._resend_at = None

    @property
    def next_timer(self) -> float | None:
        return self._resend_at

    def timer(self, now: float) -> list[Event]:
        """Repeat, T1 doubling without bound; after 64*T1 ProvisionalTimeout (answer the INVITE 5xx)."""
        if self._resend_at is None or now < self._resend_at:
            return []
        if self.transaction.state is not PROCEEDING:
            self.stop()
            return []
        if now >= self._until:
            self.stop()
            return [ProvisionalTimeout(self)]
        self._interval *= 2
        self._resend_at = min(now + self._interval, self._until)
        return [Send(self._data, self.transaction.flow, self.transaction)]


def parse_rack(value: str | None) -> tuple[int, int, str]:
    """RAck to (RSeq, CSeq number, method); SIPError(400) when missing or malformed."""
    words = (value or "").split()
    if len(words) != 3:
        raise SIPError(400, "Bad RAck")
    return parse_number(words[0], "RAck"), parse_number(words[1], "RAck"), words[2]


class ProvisionalOrder:
    """The calling side, one object an early dialog: which reliable provisional responses to acknowledge."""

    __slots__ = ("last",)

    def __init__(self) -> None:
        self.last: int | None = None

    def rack(self, response: Response) -> str | None:
        """The RAck value for the PRACK of this response.

        None for one that asks for none, that is a repetition, or that comes out of order (RFC 3262 4: ignore it).
        """
        value = response.get("RSeq")
        if value is None or not 100 < response.status < 200 or "100rel" not in response.tokens("Require"):
            return None
        rseq = parse_number(value, "RSeq")
        if self.last is not None and rseq != self.last + 1:
            return None
        self.last = rseq
        return f"{rseq} {response.cseq}"


def wants_reliable(response: Response) -> bool:
    """Whether a provisional response asks for a PRACK."""
    return 100 < response.status < 200 and "100rel" in response.tokens("Require") and "RSeq" in response
