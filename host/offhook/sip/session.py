"""An INVITE session inside its dialog: which requests may be sent and taken when (RFC 3261 14, RFC 3311, RFC 6337)."""

from __future__ import annotations

from typing import Generic, TypeVar

from .dialog import Dialog
from .errors import SIPError
from .message import Request
from .offer_answer import OfferAnswer, retry_after
from .session_timer import SessionTimer
from .transaction import ClientTransaction, ServerTransaction

D = TypeVar("D")


class Session(Generic[D]):
    """Dialog, offer/answer state and session timer of a call leg, and the INVITE in progress in each direction.

    `sent_invite` and `received_invite` are the transactions that have no final response yet; set them when an INVITE
    starts (the first included), clear them with `invite_done`.
    """

    __slots__ = ("dialog", "offers", "received_invite", "sent_invite", "timer")

    def __init__(self, dialog: Dialog, timer: SessionTimer | None = None) -> None:
        self.dialog = dialog
        self.offers: OfferAnswer[D] = OfferAnswer()
        self.timer = timer or SessionTimer()
        self.sent_invite: ClientTransaction | None = None
        self.received_invite: ServerTransaction | None = None

    @property
    def may_invite(self) -> bool:
        """Whether we may send a re-INVITE now (RFC 3261 14.1)."""
        return self.sent_invite is None and self.received_invite is None and self.offers.may_offer

    @property
    def may_update(self) -> bool:
        """Whether we may send an UPDATE with an offer now (RFC 3311 5.1)."""
        return self.offers.may_offer

    def receive(self, request: Request, transaction: ServerTransaction | None = None) -> None:
        """Check a request inside the dialog: sequence, target refresh, crossing INVITEs, session interval.

        SIPError: 500 out of order or (with Retry-After) an INVITE before our answer to the last, 491 when it crosses
        ours, 422 or 421 of the session timer. The description, if any, goes to `offers.receive_offer` afterwards.
        """
        self.dialog.receive_request(request)
        if request.method == "INVITE":
            if self.received_invite is not None and self.received_invite is not transaction:
                raise SIPError(500, detail="INVITE before the answer to the last", headers=(retry_after(),))
            if self.sent_invite is not None:
                raise SIPError(491, detail="INVITE crosses ours")
            self.timer.check(request)
            self.received_invite = transaction
        elif request.method == "UPDATE":
            self.timer.check(request)

    def invite_done(self, transaction: ClientTransaction | ServerTransaction) -> None:
        """An INVITE has its final response (sent or received)."""
        if self.sent_invite is transaction:
            self.sent_invite = None
            self.offers.settle()
        if self.received_invite is transaction:
            self.received_invite = None
