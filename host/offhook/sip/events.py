"""What the transaction layer tells its user. One tuple type an event; match with isinstance.

Send is for the I/O layer; all others are for the transaction user.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from .message import Request, Response

if TYPE_CHECKING:
    from .errors import SIPError
    from .reliable import ReliableProvisionals
    from .session_timer import SessionTimer
    from .subscription import Notifier, Subscriber
    from .transaction import ClientTransaction, ServerInvite, ServerTransaction, Transaction


class Flow(Protocol):
    """Where a message came from or goes to: transport, its generation and the remote address.

    The I/O layer makes it; the core only hashes and compares it and asks whether the transport is reliable
    (TCP, TLS, WebSocket) or not (UDP).
    """

    @property
    def reliable(self) -> bool: ...

    def __hash__(self) -> int: ...


class Send(NamedTuple):
    """Put these bytes on the wire. `transaction` is the one that sends, None for a stateless reply or an ACK."""

    data: bytes
    flow: Flow
    transaction: Transaction | None = None


class RequestReceived(NamedTuple):
    """A new request (never ACK or CANCEL); answer it with TransactionLayer.respond(transaction, ...)."""

    request: Request
    transaction: ServerTransaction
    flow: Flow


class CancelReceived(NamedTuple):
    """The peer cancels the INVITE of `transaction`, which has no final response yet.

    The CANCEL itself has been answered 200. The user answers the INVITE (487).
    """

    request: Request
    transaction: ServerInvite
    flow: Flow


class AckReceived(NamedTuple):
    """The ACK of a 2xx (`transaction` is the INVITE's) or one that matches nothing (None).

    ACKs of other final responses are absorbed. A retransmitted ACK is reported once.
    """

    request: Request
    transaction: ServerInvite | None
    flow: Flow


class ResponseReceived(NamedTuple):
    """A response to our request, `flow` being the one it came on.

    Retransmitted final responses are not reported again; a 2xx of another fork (another To tag) is.
    """

    response: Response
    transaction: ClientTransaction
    flow: Flow


class StrayResponse(NamedTuple):
    """A response that matches no transaction. Nothing needs to be done (RFC 3261 18.1.2 lets a UA drop it)."""

    response: Response
    flow: Flow


class Malformed(NamedTuple):
    """A message that was refused: a request has been answered with `error`, anything else is dropped. For logs."""

    error: SIPError
    flow: Flow


class TransactionTimeout(NamedTuple):
    """Timer B or F (no response: treat as 408), H (no ACK for a non-2xx) or L (no ACK for our 2xx: end the dialog)."""

    transaction: Transaction
    timer: str


class TransportFailed(NamedTuple):
    """The transaction's flow is gone (treat a client transaction as 503). The transaction has ended."""

    transaction: Transaction


class ProvisionalTimeout(NamedTuple):
    """No PRACK came for a reliable provisional response: answer the INVITE 5xx (RFC 3262 3)."""

    source: ReliableProvisionals


class SessionRefreshDue(NamedTuple):
    """Send a re-INVITE or UPDATE to keep the session (RFC 4028 10)."""

    source: SessionTimer


class SessionExpired(NamedTuple):
    """Nobody refreshed the session: send BYE."""

    source: SessionTimer


class SubscriptionRefreshDue(NamedTuple):
    """Send a SUBSCRIBE to keep the subscription."""

    source: Subscriber


class SubscriptionExpired(NamedTuple):
    """A subscription ran out: at the notifier send a last NOTIFY (terminated;reason=timeout), at the subscriber it is
    gone."""

    source: Subscriber | Notifier


Event = (
    Send
    | RequestReceived
    | CancelReceived
    | AckReceived
    | ResponseReceived
    | StrayResponse
    | Malformed
    | TransactionTimeout
    | TransportFailed
    | ProvisionalTimeout
    | SessionRefreshDue
    | SessionExpired
    | SubscriptionRefreshDue
    | SubscriptionExpired
)
