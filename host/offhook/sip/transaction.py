"""The four transactions of RFC 3261 17 with the corrections of RFC 6026 and RFC 4320, as tables.

Sans-IO: messages and the time come in, events come out. `now` is a monotonic time in seconds. Each transaction is
in one state; a table maps (state, what happened) to the next state, and the timers of a state are set on entering
it. `next_timer` is when `timer(now)` wants to be called, None when no timer runs. In TERMINATED the transaction is
dead and whoever holds it drops it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, NamedTuple

from .events import (
    AckReceived,
    CancelReceived,
    Event,
    Flow,
    RequestReceived,
    ResponseReceived,
    Send,
    TransactionTimeout,
    TransportFailed,
)
from .message import Header, Request, Response

CALLING = "calling"
TRYING = "trying"
PROCEEDING = "proceeding"
COMPLETED = "completed"
ACCEPTED = "accepted"
CONFIRMED = "confirmed"
TERMINATED = "terminated"


class Timing(NamedTuple):
    """The base timers of RFC 3261 17.1.1.1 in seconds."""

    t1: float = 0.5
    t2: float = 4.0
    t4: float = 5.0
    timeout: float = 32.0  # timers B, F, H, J, L, M: 64 * T1
    d: float = 32.0  # at least 32 s, whatever T1 is


DEFAULT_TIMING = Timing()
Key = tuple[object, ...]


class Transaction:
    """What all four share.

    `key` finds it in the layer, `method` is the request's, `flow` where it lives, `user` is free for the
    transaction user (its dialog, its call).
    """

    __slots__ = ("_deadline", "_interval", "_resend_at", "_timing", "entry", "flow", "key", "method", "state", "user")

    def __init__(self, key: Key, method: str, flow: Flow, timing: Timing, state: str) -> None:
        self.key = key
        self.method = method
        self.flow = flow
        self.state = state
        self.user: object = None
        self.entry: list[object] | None = None  # the layer's place in its timer heap
        self._timing = timing
        self._resend_at: float | None = None  # timers A, E, G
        self._interval = 0.0
        self._deadline: float | None = None  # timers B, D, F, H, I, J, K, L, M: one at a time

    @property
    def next_timer(self) -> float | None:
        """When `timer` must be called, None when nothing is timed."""
        resend, deadline = self._resend_at, self._deadline
        if resend is None:
            return deadline
        if deadline is None:
            return resend
        return resend if resend < deadline else deadline

    @property
    def _settled(self) -> bool:
        """Whether nothing the user waits for can come any more, although the transaction lives on."""
        return False

    @property
    def terminated(self) -> bool:
        return self.state is TERMINATED

    def timer(self, now: float) -> list[Event]:
        """Act on every timer due at `now`."""
        events: list[Event] = []
        if self._deadline is not None and now >= self._deadline:
            self._expired(events)
        elif self._resend_at is not None and now >= self._resend_at:
            self._resend(now, events)
        return events

    def transport_failed(self, now: float) -> list[Event]:
        """The flow is gone: end at once (RFC 3261 17.1.4, 17.2.4)."""
        if self.state is TERMINATED:
            return []
        silent = self.state in _FINISHED or self._settled
        self._terminate()
        return [] if silent else [TransportFailed(self)]

    def abandon(self) -> None:
        """End without any event or message."""
        self._terminate()

    def _terminate(self) -> None:
        self.state = TERMINATED
        self._resend_at = self._deadline = None

    def _expired(self, events: list[Event]) -> None:
        raise NotImplementedError

    def _resend(self, now: float, events: list[Event]) -> None:
        raise NotImplementedError


_FINISHED = frozenset((COMPLETED, CONFIRMED, TERMINATED))


class ClientTransaction(Transaction):
    """A request of ours and the responses to it."""

    __slots__ = ("_data",)

    def __init__(self, request: Request, key: Key, flow: Flow, timing: Timing, state: str) -> None:
        super().__init__(key, request.method, flow, timing, state)
        self._data = request.to_bytes()

    def start(self, now: float) -> list[Event]:
        """Send the request and set timers A/E (unreliable transports) and B/F."""
        if not self.flow.reliable:
            self._interval = self._timing.t1
            self._resend_at = now + self._interval
        self._deadline = now + self._timing.timeout
        return [Send(self._data, self.flow, self)]

    def receive(self, response: Response, now: float, flow: Flow | None = None) -> list[Event]:
        """Take a response that matches this transaction; `flow` is the one it came on, when not the transaction's."""
        raise NotImplementedError


class ClientNonInvite(ClientTransaction):
    """RFC 3261 17.1.2: Trying, Proceeding, Completed."""

    __slots__ = ()

    # (state, class of response) -> next state; what is missing is ignored.
    TABLE: ClassVar = {
        (TRYING, 1): PROCEEDING,
        (TRYING, 2): COMPLETED,
        (PROCEEDING, 1): PROCEEDING,
        (PROCEEDING, 2): COMPLETED,
    }

    def __init__(self, request: Request, key: Key, flow: Flow, timing: Timing = DEFAULT_TIMING) -> None:
        super().__init__(request, key, flow, timing, TRYING)

    def receive(self, response: Response, now: float, flow: Flow | None = None) -> list[Event]:
        state = self.TABLE.get((self.state, 1 if response.status < 200 else 2))
        if state is None:
            return []
        self.state = state
        if state is COMPLETED:
            self._resend_at = None
            self._data = b""
            if self.flow.reliable:
                self._terminate()
            else:
                self._deadline = now + self._timing.t4  # timer K
        elif self._resend_at is not None:
            self._interval = self._timing.t2  # 17.1.2.2: in Proceeding timer E runs at T2
        return [ResponseReceived(response, self, flow or self.flow)]

    def _resend(self, now: float, events: list[Event]) -> None:
        self._interval = min(self._interval * 2, self._timing.t2)
        self._resend_at = now + self._interval
        events.append(Send(self._data, self.flow, self))

    def _expired(self, events: list[Event]) -> None:
        if self.state is not COMPLETED:
            events.append(TransactionTimeout(self, "F"))
        self._terminate()


class ClientInvite(ClientTransaction):
    """RFC 3261 17.1.1 as corrected by RFC 6026 7.2: Calling, Proceeding, Completed, Accepted.

    The ACK of a non-2xx is built and repeated here. The ACK of a 2xx is the user's: give it to `acknowledge`, and
    retransmitted 2xx of that fork are answered with it.
    """

    __slots__ = ("_acks", "_cancel_wanted", "_cancelled", "_request", "cancel_headers")

    TABLE: ClassVar = {
        (CALLING, 1): PROCEEDING,
        (CALLING, 2): ACCEPTED,
        (CALLING, 3): COMPLETED,
        (PROCEEDING, 1): PROCEEDING,
        (PROCEEDING, 2): ACCEPTED,
        (PROCEEDING, 3): COMPLETED,
        (ACCEPTED, 2): ACCEPTED,
        (COMPLETED, 3): COMPLETED,
    }

    def __init__(self, request: Request, key: Key, flow: Flow, timing: Timing = DEFAULT_TIMING) -> None:
        super().__init__(request, key, flow, timing, CALLING)
        self._request: Request | None = request
        """Kept until the final response: of it CANCEL and ACK are made."""
        self._acks: dict[str, tuple[bytes, Flow] | None] = {}
        self._cancel_wanted = False
        self._cancelled = False
        self.cancel_headers: Iterable[Header] = ()

    def receive(self, response: Response, now: float, flow: Flow | None = None) -> list[Event]:
        status = response.status
        before = self.state
        state = self.TABLE.get((before, 1 if status < 200 else 2 if status < 300 else 3))
        if state is None:
            return []
        self.state = state
        if state is PROCEEDING:
            self._resend_at = None
            if not self._cancelled:
                self._deadline = None
            return [ResponseReceived(response, self, flow or self.flow)]
        if state is ACCEPTED:
            if before is not ACCEPTED:
                self._resend_at = self._request = None
                self._data = b""
                self._deadline = now + self._timing.timeout  # timer M
            fork = response.to_tag
            if fork in self._acks:
                ack = self._acks[fork]
                return [] if ack is None else [Send(ack[0], ack[1])]
            self._acks[fork] = None
            return [ResponseReceived(response, self, flow or self.flow)]
        if before is COMPLETED:
            return [Send(self._data, self.flow, self)]
        self._data = self._ack(response).to_bytes()
        self._resend_at = self._request = None
        events: list[Event] = [Send(self._data, self.flow, self), ResponseReceived(response, self, flow or self.flow)]
        if self.flow.reliable:
            self._terminate()
        else:
            self._deadline = now + self._timing.d  # timer D
        return events

    @property
    def _settled(self) -> bool:
        return self.state is ACCEPTED

    def acknowledge(self, ack: Request, flow: Flow) -> list[Event]:
        """Send the ACK of a 2xx and keep it for retransmissions of that 2xx."""
        data = ack.to_bytes()
        if self.state is ACCEPTED:
            self._acks[ack.to_tag] = (data, flow)
        return [Send(data, flow)]

    def want_cancel(self) -> bool:
        """Ask for a CANCEL; true when it may be sent now (RFC 3261 9.1: only after a provisional response)."""
        if self.state is CALLING:
            self._cancel_wanted = True
        return self.state is PROCEEDING and not self._cancelled

    def cancel_due(self) -> bool:
        """Whether a CANCEL asked for earlier may be sent now."""
        return self._cancel_wanted and self.state is PROCEEDING and not self._cancelled

    def cancel(self, now: float) -> Request:
        """The CANCEL of this INVITE, Via included; without a final response the INVITE ends 64*T1 later."""
        self._cancelled = True
        self._deadline = now + self._timing.timeout
        assert self._request is not None
        request = _hop_request(self._request, "CANCEL", self._request.get("To") or "")
        for name, value in self.cancel_headers:
            request.add(name, value)
        return request

    def _ack(self, response: Response) -> Request:
        # RFC 3261 17.1.1.3: same branch, To of the response.
        assert self._request is not None
        return _hop_request(self._request, "ACK", response.get("To") or "")

    def _resend(self, now: float, events: list[Event]) -> None:
        self._interval *= 2
        self._resend_at = now + self._interval
        events.append(Send(self._data, self.flow, self))

    def _expired(self, events: list[Event]) -> None:
        if self.state is CALLING or self.state is PROCEEDING:
            events.append(TransactionTimeout(self, "B"))
        self._terminate()


_HOP = frozenset(("From", "Call-ID", "Route", "Max-Forwards"))


def _hop_request(invite: Request, method: str, to: str) -> Request:
    headers: list[Header] = []
    via = False
    for header in invite.headers:
        name = header[0]
        if name == "Via":
            if not via:
                headers.append(header)
                via = True
        elif name == "To":
            headers.append(("To", to))
        elif name == "CSeq":
            headers.append(("CSeq", f"{invite.cseq.number} {method}"))
        elif name in _HOP:
            headers.append(header)
    return Request(method, invite.target, headers)


class ServerTransaction(Transaction):
    """A request of the peer and our responses to it. The request is not kept: its RequestReceived has it."""

    __slots__ = ("_data",)

    def __init__(self, key: Key, method: str, flow: Flow, timing: Timing, state: str) -> None:
        super().__init__(key, method, flow, timing, state)
        self._data = b""

    @property
    def answered(self) -> bool:
        """Whether a final response has been sent."""
        return self.state is not TRYING and self.state is not PROCEEDING

    def receive(self, request: Request, now: float) -> list[Event]:
        """Take a retransmission (or the ACK) that matches this transaction."""
        raise NotImplementedError

    def send(self, response: Response, now: float) -> list[Event]:
        """Send a response. ValueError when a final response has been sent before."""
        raise NotImplementedError


class ServerNonInvite(ServerTransaction):
    """RFC 3261 17.2.2 with RFC 4320: Trying, Proceeding, Completed."""

    __slots__ = ()

    def __init__(self, key: Key, method: str, flow: Flow, timing: Timing = DEFAULT_TIMING) -> None:
        super().__init__(key, method, flow, timing, TRYING)

    def receive(self, request: Request, now: float) -> list[Event]:
        return [Send(self._data, self.flow, self)] if self._data else []

    def send(self, response: Response, now: float) -> list[Event]:
        if self.answered:
            raise ValueError(f"{self.method} transaction has been answered before")
        if response.status < 200:
            self.state = PROCEEDING
        else:
            self.state = COMPLETED
            if self.flow.reliable:
                data = response.to_bytes()
                self._terminate()
                return [Send(data, self.flow, self)]
            self._deadline = now + self._timing.timeout  # timer J
        self._data = response.to_bytes()
        return [Send(self._data, self.flow, self)]

    def _expired(self, events: list[Event]) -> None:
        self._terminate()

    def _resend(self, now: float, events: list[Event]) -> None:
        self._resend_at = None


class ServerInvite(ServerTransaction):
    """RFC 3261 17.2.1 as corrected by RFC 6026 7.1: Proceeding, Completed, Confirmed, Accepted.

    The 2xx of RFC 3261 13.3.1.4 is repeated here too, over reliable transports as well, until `acknowledged` is called
    (the layer does, when the ACK of that dialog arrives) or 64*T1 have passed: TransactionTimeout with timer "L".
    """

    __slots__ = ("_acknowledged", "dialog_key", "to_tag")

    def __init__(self, key: Key, method: str, flow: Flow, timing: Timing = DEFAULT_TIMING) -> None:
        super().__init__(key, method, flow, timing, PROCEEDING)
        self._acknowledged = False
        self.dialog_key: Key | None = None
        self.to_tag = ""  # of the last response sent

    def receive(self, request: Request, now: float) -> list[Event]:
        if request.method == "ACK":
            if self.state is COMPLETED:
                self._resend_at = None
                self._data = b""
                if self.flow.reliable:
                    self._terminate()
                else:
                    self.state = CONFIRMED
                    self._deadline = now + self._timing.t4  # timer I
            elif self.state is ACCEPTED:
                # A 2xx's ACK under the INVITE's branch (some peers do): it is the user's all the same.
                return self.acknowledged(request, self.flow)
            return []
        if self.state is PROCEEDING or self.state is COMPLETED:
            return [Send(self._data, self.flow, self)] if self._data else []
        return []

    @property
    def _settled(self) -> bool:
        return self._acknowledged

    def acknowledged(self, ack: Request, flow: Flow) -> list[Event]:
        """The ACK of our 2xx has come: stop repeating it, report the ACK the first time."""
        if self._acknowledged or self.state is not ACCEPTED:
            return []
        self._acknowledged = True
        self._resend_at = None
        self._data = b""
        return [AckReceived(ack, self, flow)]

    def send(self, response: Response, now: float) -> list[Event]:
        if self.state is not PROCEEDING:
            raise ValueError("INVITE transaction has been answered before")
        status = response.status
        self._data = response.to_bytes()
        if status > 100:
            self.to_tag = response.to_tag
        if status >= 200:
            timing = self._timing
            self._interval = timing.t1
            self._deadline = now + timing.timeout  # timer H or L
            if status < 300:
                self.state = ACCEPTED
                self._resend_at = now + timing.t1
            else:
                self.state = COMPLETED
                if not self.flow.reliable:
                    self._resend_at = now + timing.t1  # timer G
        return [Send(self._data, self.flow, self)]

    def _resend(self, now: float, events: list[Event]) -> None:
        self._interval = min(self._interval * 2, self._timing.t2)
        self._resend_at = now + self._interval
        events.append(Send(self._data, self.flow, self))

    def _expired(self, events: list[Event]) -> None:
        if self.state is COMPLETED:
            events.append(TransactionTimeout(self, "H"))
        elif self.state is ACCEPTED and not self._acknowledged:
            events.append(TransactionTimeout(self, "L"))
        self._terminate()


def server_cancelled(transaction: ServerInvite, cancel: Request, flow: Flow) -> list[Event]:
    """The event of a CANCEL for an INVITE; nothing when the INVITE has its final response (RFC 3261 9.2)."""
    return [] if transaction.answered else [CancelReceived(cancel, transaction, flow)]


__all__ = ["ClientInvite", "ClientNonInvite", "RequestReceived", "ServerInvite", "ServerNonInvite", "Timing"]
