"""The transaction layer: received messages to transactions, transactions to events, one timer heap.

Everything is sans-IO. The I/O layer parses bytes (parser.parse), calls `receive`, and carries out what comes back:
it sends every Send and hands the other events to the transaction user in order. `next_timer` says when `timer` wants
to be called. All verbs return a list of events.

    events = layer.receive(parse(data), flow, now)
    events = layer.respond(transaction, request.response(180, to_tag=tag), now)
    transaction, events = layer.request(invite, flow, now, via="SIP/2.0/UDP 192.0.2.1:5060;rport")
"""

from __future__ import annotations

from collections.abc import Iterable

from .entropy import random_hex
from .errors import SIPError
from .events import AckReceived, Event, Flow, Malformed, RequestReceived, Send, StrayResponse
from .message import Header, Request, Response
from .timers import Timed, TimerHeap
from .transaction import (
    DEFAULT_TIMING,
    PROCEEDING,
    TERMINATED,
    ClientInvite,
    ClientNonInvite,
    ClientTransaction,
    Key,
    ServerInvite,
    ServerNonInvite,
    ServerTransaction,
    Timing,
    Transaction,
    server_cancelled,
)

MAGIC = "z9hG4bK"


def new_branch() -> str:
    """A branch no other transaction of ours has had (RFC 3261 8.1.1.7)."""
    return MAGIC + random_hex(8)


def new_tag() -> str:
    """A From or To tag with 64 random bits (RFC 3261 19.3)."""
    return random_hex(8)


def server_key(request: Request) -> Key:
    """What a request is matched by (RFC 3261 17.2.3); an ACK gives the key of its INVITE.

    The last element is the method; a CANCEL's key differs from its INVITE's in nothing else.
    """
    via = request.via
    branch = via.params.get("branch")
    method = "INVITE" if request.method == "ACK" else request.method
    if branch is not None and branch.startswith(MAGIC) and len(branch) > 7:
        # The sequence number is no part of the rule, but tells a new request of a peer that reuses a branch.
        return (branch, via.host.lower(), via.port, request.cseq.number, method)
    # RFC 2543: the To tag of an ACK is the one of our response, so To tags stay out of the key.
    cseq = request.cseq
    return (request.target, request.from_tag, request.call_id, cseq.number, str(via), method)


class TransactionLayer:
    """Holds every live transaction and its timers.

    `timing` sets the base timers of new transactions (Asterisk's timer_t1, timer_b of pjsip.conf's system section).
    """

    __slots__ = ("_accepted", "_by_flow", "_clients", "_servers", "timers", "timing")

    def __init__(self, timing: Timing = DEFAULT_TIMING) -> None:
        self.timing = timing
        self._clients: dict[Key, ClientTransaction] = {}
        self._servers: dict[Key, ServerTransaction] = {}
        self._accepted: dict[Key, ServerInvite] = {}  # INVITEs answered 2xx, by what their ACK carries
        self._by_flow: dict[Flow, set[Transaction]] = {}
        self.timers = TimerHeap()
        """Every timer of the layer; ``earliest`` of it is cheaper to ask than ``next_timer``."""

    def __len__(self) -> int:
        """Live transactions."""
        return len(self._clients) + len(self._servers)

    @property
    def transactions(self) -> list[Transaction]:
        """Every live transaction, for display."""
        return [*self._clients.values(), *self._servers.values()]

    # Verbs of the I/O layer.

    def receive(self, message: Request | Response, flow: Flow, now: float) -> list[Event]:
        """Take a parsed message that came in on `flow`.

        A RequestReceived has passed Request.validate: its URI, From, To and Contact can be used without care. A request
        that does not pass is answered here.
        """
        if isinstance(message, Response):
            return self._receive_response(message, flow, now)
        return self._receive_request(message, flow, now)

    def reject(self, error: SIPError, flow: Flow) -> list[Event]:
        """Answer a message that parser.parse refused, without keeping anything; only Malformed when it cannot be."""
        events: list[Event] = [Malformed(error, flow)]
        if error.request is not None:
            response = error.request.response(error.status, error.reason, new_tag())
            response.headers += error.headers
            events.append(Send(response.to_bytes(), flow))
        return events

    def transport_closed(self, flow: Flow, now: float) -> list[Event]:
        """The flow is gone: end every transaction on it at once, TransportFailed for each still undecided."""
        events: list[Event] = []
        for transaction in list(self._by_flow.get(flow, ())):
            events += transaction.transport_failed(now)
            self._settle(transaction)
        return events

    def transport_failed(self, transaction: Transaction, now: float) -> list[Event]:
        """A Send of this transaction could not be carried out: end it, with TransportFailed when it was undecided."""
        events = transaction.transport_failed(now)
        self._settle(transaction)
        return events

    @property
    def flows(self) -> list[Flow]:
        """Every flow that has live transactions."""
        return list(self._by_flow)

    @property
    def next_timer(self) -> float | None:
        """When `timer` must be called next, None when no timer runs."""
        return self.timers.next

    def timer(self, now: float) -> list[Event]:
        """Act on every timer due at `now`."""
        events: list[Event] = []
        timers = self.timers
        while (timed := timers.pop(now)) is not None:
            events += timed.timer(now)
            if isinstance(timed, Transaction):
                self._settle(timed)
            else:
                timers.put(timed)
        return events

    def watch(self, timed: Timed) -> None:
        """Let a session timer, reliable provisional or subscription run on this heap; call it again whenever its
        next_timer may have changed. Its events come out of `timer`."""
        self.timers.put(timed)

    def unwatch(self, timed: Timed) -> None:
        """End that."""
        self.timers.remove(timed)

    # Verbs of the transaction user.

    def request(
        self, request: Request, flow: Flow, now: float, *, via: str, timing: Timing | None = None
    ) -> tuple[ClientTransaction, list[Event]]:
        """Send a request in a new client transaction.

        `via` is `SIP/2.0/<transport> <sent-by>[;params]`; the branch is added and it becomes the one Via of `request`
        (which the transaction keeps: send a copy() to try another target).
        """
        branch = new_branch()
        request.set_top_via(f"{via};branch={branch}")
        return self._start(request, branch, flow, now, timing)

    def acknowledge(
        self, transaction: ClientTransaction, ack: Request, flow: Flow, now: float, *, via: str
    ) -> list[Event]:
        """Send the ACK of a 2xx; retransmissions of that 2xx are answered with it until timer M."""
        ack.set_top_via(f"{via};branch={new_branch()}")
        if not isinstance(transaction, ClientInvite):
            raise TypeError("only an INVITE is acknowledged")
        return transaction.acknowledge(ack, flow)

    def cancel(self, transaction: ClientTransaction, now: float, headers: Iterable[Header] = ()) -> list[Event]:
        """Cancel an INVITE of ours: at once after a provisional response, or when the first comes.

        `headers` (Reason...) go into the CANCEL.

        The INVITE's final response (487, or a 2xx that won the race) is reported as ever; when none comes within
        64*T1 of the CANCEL, TransactionTimeout with timer "B".
        """
        if not isinstance(transaction, ClientInvite):
            raise TypeError("only an INVITE is cancelled")
        if headers:
            transaction.cancel_headers = headers
        if not transaction.want_cancel():
            return []
        return self._send_cancel(transaction, now)

    def respond(
        self, transaction: ServerTransaction, response: Response, now: float, flow: Flow | None = None
    ) -> list[Event]:
        """Send a response (to `flow` instead of the request's, when given). [] when the transaction has ended."""
        if transaction.state is TERMINATED:
            return []
        if flow is not None and flow != transaction.flow:
            self._unbind(transaction)
            transaction.flow = flow
            self._by_flow.setdefault(flow, set()).add(transaction)
        events = transaction.send(response, now)
        if 200 <= response.status < 300 and isinstance(transaction, ServerInvite):
            # what its ACK carries; the sequence number is that of the request
            transaction.dialog_key = (response.call_id, transaction.key[3], *response.tags)
            self._accepted[transaction.dialog_key] = transaction
        self._settle(transaction)
        return events

    def abandon(self, transaction: Transaction) -> None:
        """Forget a transaction without a message or an event."""
        transaction.abandon()
        self._settle(transaction)

    # Inside.

    def _receive_response(self, response: Response, flow: Flow, now: float) -> list[Event]:
        transaction = self._clients.get((response.branch, response.cseq.method))
        if transaction is None:
            return [StrayResponse(response, flow)]
        try:
            response.validate()
        except SIPError as error:
            return [Malformed(error, flow)]
        events = transaction.receive(response, now, flow)
        self._settle(transaction)
        if isinstance(transaction, ClientInvite) and transaction.cancel_due():
            events += self._send_cancel(transaction, now)
        return events

    def _receive_request(self, request: Request, flow: Flow, now: float) -> list[Event]:
        method = request.method
        key = server_key(request)
        transaction = self._servers.get(key)
        if transaction is not None:
            events = transaction.receive(request, now)
            self._settle(transaction)
            return events
        if method == "ACK":
            accepted = self._accepted.get((request.call_id, request.cseq.number, *request.tags))
            if accepted is None:
                return [AckReceived(request, None, flow)]
            events = accepted.acknowledged(request, flow)
            self._settle(accepted)
            return events
        try:
            request.validate()
        except SIPError as error:
            error.request = request
            return self.reject(error, flow)
        if method == "INVITE":
            transaction = ServerInvite(key, method, flow, self.timing)
        else:
            transaction = ServerNonInvite(key, method, flow, self.timing)
        self._servers[key] = transaction
        self._by_flow.setdefault(flow, set()).add(transaction)
        if method == "CANCEL":
            return self._receive_cancel(request, transaction, key, now)
        return [RequestReceived(request, transaction, flow)]

    def _receive_cancel(self, request: Request, transaction: ServerTransaction, key: Key, now: float) -> list[Event]:
        invite = self._servers.get((*key[:-1], "INVITE"))
        if not isinstance(invite, ServerInvite):
            return self.respond(transaction, request.response(481, to_tag=new_tag()), now)
        events = self.respond(transaction, request.response(200, to_tag=invite.to_tag or new_tag()), now)
        return events + server_cancelled(invite, request, transaction.flow)

    def _start(
        self, request: Request, branch: str, flow: Flow, now: float, timing: Timing | None
    ) -> tuple[ClientTransaction, list[Event]]:
        key = (branch, request.method)
        make = ClientInvite if request.method == "INVITE" else ClientNonInvite
        transaction = make(request, key, flow, timing or self.timing)
        self._clients[key] = transaction
        self._by_flow.setdefault(flow, set()).add(transaction)
        events = transaction.start(now)
        self._settle(transaction)
        return transaction, events

    def _send_cancel(self, invite: ClientInvite, now: float) -> list[Event]:
        request = invite.cancel(now)
        self._settle(invite)
        return self._start(request, request.via.branch, invite.flow, now, None)[1]

    def _settle(self, transaction: Transaction) -> None:
        """After any step of a transaction: drop it when it has ended, else put its timer in the heap."""
        if transaction.state is TERMINATED:
            self.timers.remove(transaction)
            self._drop(transaction)
        else:
            self.timers.put(transaction)

    def _drop(self, transaction: Transaction) -> None:
        if isinstance(transaction, ClientTransaction):
            self._clients.pop(transaction.key, None)
        else:
            self._servers.pop(transaction.key, None)
            if isinstance(transaction, ServerInvite) and transaction.dialog_key is not None:
                self._accepted.pop(transaction.dialog_key, None)
        self._unbind(transaction)

    def _unbind(self, transaction: Transaction) -> None:
        bound = self._by_flow.get(transaction.flow)
        if bound is not None:
            bound.discard(transaction)
            if not bound:
                del self._by_flow[transaction.flow]


__all__ = ["PROCEEDING", "TransactionLayer", "new_branch", "new_tag", "server_key"]
