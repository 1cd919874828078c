"""A request of ours until its final response: targets one after the other, challenges answered, failures told alike."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from offhook.drivers.sip.transport.flow import Flow
from offhook.sip.auth import Credentials, DigestClient
from offhook.sip.message import Header, Request, Response
from offhook.sip.transaction import ClientTransaction, Timing

if TYPE_CHECKING:
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.requests.building import Local
    from offhook.drivers.sip.stack import SipStack
    from offhook.drivers.sip.transport.routing import Route

log = logging.getLogger(__name__)

OnResponse = Callable[["OutgoingRequest", Response], None]
MOST_CHALLENGES = 5


def _unheard(outgoing: OutgoingRequest, response: Response) -> None:
    """For a request that was let go."""


class OutgoingRequest:
    """One request of ours, tried until somebody answers it.

    ``on_response(outgoing, response)`` gets every provisional response, and exactly one final one (an INVITE's 2xx of
    further forks excepted). When nobody answered, the final response is made here: 408 after a time-out, 503 when
    nothing could be sent; ``failure`` then says why ("timeout", "transport", "resolve") and is "" for a response from
    the net.
    """

    __slots__ = (
        "_cancelled",
        "_challenges",
        "_tried",
        "amend",
        "client",
        "done",
        "endpoint",
        "failure",
        "flow",
        "local",
        "next_cseq",
        "on_response",
        "request",
        "route",
        "stack",
        "targets",
        "timing",
        "transaction",
        "user",
    )

    def __init__(
        self,
        stack: SipStack,
        request: Request,
        on_response: OnResponse,
        *,
        credentials: Sequence[Credentials] = (),
        client: DigestClient | None = None,
        next_cseq: Callable[[], int] | None = None,
        timing: Timing | None = None,
    ) -> None:
        self.stack = stack
        self.request = request
        self.on_response = on_response
        self.client = client or (DigestClient(credentials) if credentials else None)
        self.next_cseq = next_cseq
        """Gives the dialog's next sequence number when the request is sent again with credentials."""
        self.timing = timing
        self.flow: Flow | None = None
        """What it went out on last."""
        self.targets: list[Flow] = []
        """Where to try next."""
        self.route: Route | None = None
        """Where further targets come from once ``targets`` is used up."""
        self.endpoint: Endpoint | None = None
        self.local: Local | None = None
        """The end of ours that the request was built for, when it may have to be corrected."""
        self.transaction: ClientTransaction | None = None
        self.amend: Callable[[Request, Response], None] | None = None
        """May change the request that is sent again after a challenge."""
        self.failure = ""
        self._tried = ""
        self.done = False
        self.user: object = None
        self._challenges = 0
        self._cancelled = False

    # ---- the user's verbs -----------------------------------------------------------------------------

    def cancel(self, headers: Iterable[Header] = ()) -> None:
        """Cancel an INVITE: by a CANCEL with these headers when it is on its way, at once (487 made here) when not."""
        self._cancelled = True
        if self.done:
            return
        if self.transaction is not None and not self.transaction.terminated:
            self.stack.carry_out(self.stack.layer.cancel(self.transaction, self.stack.now(), headers))
        else:
            self.stack.loop.call_soon(self.fail, 487, "cancelled")

    def abandon(self) -> None:
        """Forget it: nothing more is sent and nothing reported."""
        self.done = True
        self.route = None
        if self.transaction is not None:
            self.stack.layer.abandon(self.transaction)

    def let_go(self) -> None:
        """Nobody wants to hear any more of it: what the transaction still acknowledges, it does alone."""
        self.on_response = _unheard
        if self.transaction is not None:
            self.transaction.user = None

    # ---- the stack's ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Send to the first target that can be sent to."""
        if self.done:
            return
        while self.targets:
            if self._send(self.targets.pop(0)):
                return
        if self.route is not None:
            self.stack.pbx.spawn(self._follow_route(), f"locate {self.request.target}")
            return
        self.stack.loop.call_soon(self._exhausted, "transport")

    async def _follow_route(self) -> None:
        while (route := self.route) is not None:
            flow = await route.next()
            if self.done:
                return
            if flow is None:
                self.route = None
                self._exhausted("transport" if route.resolved else "resolve")
                return
            if self._send(flow):
                return

    def _send(self, flow: Flow) -> bool:
        if not flow.open:
            return False
        self.flow = flow
        self.stack.send_request(self, flow)
        return True

    def receive(self, response: Response) -> None:
        """The transaction has a response."""
        if self.done and not (response.status < 300 and self.request.method == "INVITE"):
            return
        status = response.status
        if status in (401, 407) and self._answer_challenge(response):
            return
        if status == 503 and self._try_next():
            return
        if status >= 200:
            self.done = True
            self.route = None
            if self.transaction is not None and self.request.method != "INVITE":
                self.transaction.user = None  # it stays a while for repeated responses; what it was for need not
        self.on_response(self, response)

    def transaction_failed(self, failure: str) -> None:
        """The transaction timed out or its transport went away."""
        if self.done:
            return
        self._tried = failure
        if not self._try_next():
            self._exhausted(failure)

    def _exhausted(self, failure: str) -> None:
        """There is nowhere left to send to: what came of the last try counts, else why there was none."""
        failure = self._tried or failure
        self.fail(408 if failure == "timeout" else 503, failure)

    def fail(self, status: int, failure: str) -> None:
        """End with a response made here."""
        if self.done:
            return
        self.done = True
        self.route = None
        self.failure = failure
        if self.request.get("Via") is None:
            self.request.insert(0, "Via", "SIP/2.0/UDP invalid.invalid;branch=z9hG4bK0")
        self.on_response(self, self.request.response(status))

    def _try_next(self) -> bool:
        if self._cancelled or not (self.targets or self.route is not None):
            return False
        self.request = self.request.copy()
        self.start()
        return True

    def _answer_challenge(self, response: Response) -> bool:
        if self.client is None or self._cancelled or self._challenges >= MOST_CHALLENGES or self.flow is None:
            return False
        if not self.client.receive(self.request, response):
            return False
        self._challenges += 1
        again = self.request.copy()
        number = self.next_cseq() if self.next_cseq is not None else again.cseq.number + 1
        again.set("CSeq", f"{number} {again.method}")
        if self.amend is not None:
            self.amend(again, response)
        self.client.authorize(again)
        self.request = again
        if not self._send(self.flow):
            self.stack.loop.call_soon(self.fail, 503, "transport")
        return True
