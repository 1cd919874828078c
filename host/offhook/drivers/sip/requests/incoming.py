"""A request that came in, identified and authenticated, as its handler sees it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from offhook.calls import security
from offhook.calls.events import Security
from offhook.sip.layer import new_tag
from offhook.sip.message import Header, Request, Response
from offhook.sip.transaction import ServerTransaction

if TYPE_CHECKING:
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.stack import SipStack
    from offhook.drivers.sip.transport.flow import Flow


class IncomingRequest:
    """One request outside or inside a dialog, with the transaction that answers it.

    ``endpoint`` is who sent it. ``reply_flow`` is where responses go (RFC 3261 18.2.2, or the source address when the
    endpoint's force_rport says so). ``user`` is free for the handler.
    """

    __slots__ = ("_tag", "endpoint", "flow", "message", "now", "reply_flow", "stack", "transaction", "user")

    def __init__(
        self,
        stack: SipStack,
        message: Request,
        flow: Flow,
        transaction: ServerTransaction,
        endpoint: Endpoint,
        now: float,
    ) -> None:
        self.stack = stack
        self.message = message
        self.flow = flow
        self.reply_flow = flow
        self.transaction = transaction
        self.endpoint = endpoint
        self.now = now
        self.user: object = None
        self._tag = ""

    @property
    def method(self) -> str:
        """The request's method."""
        return self.message.method

    @property
    def tag(self) -> str:
        """Our To tag: the one in the request, else one made once for all responses to it."""
        if not self._tag:
            self._tag = self.message.to_tag or new_tag()
        return self._tag

    def let_go(self) -> None:
        """The handler wants to hear no more of it: what the transaction still repeats, it repeats alone."""
        self.transaction.user = None

    @property
    def answered(self) -> bool:
        """Whether a final response has been sent."""
        return self.transaction.answered or self.transaction.terminated

    def response(
        self,
        status: int,
        reason: str = "",
        headers: Iterable[Header] = (),
        body: bytes = b"",
        content_type: str = "",
    ) -> Response:
        """A response to this request with our tag and Server header, not sent yet."""
        response = self.message.response(status, reason, self.tag)
        lines = response.headers
        lines.append(("Server", self.stack.user_agent))
        lines.extend(headers)
        if body:
            lines.append(("Content-Type", content_type))
            response.body = body
        return response

    def send(self, response: Response) -> None:
        """Send a response made by ``response``; nothing happens when the transaction has ended."""
        self.stack.respond(self.transaction, response, self.reply_flow)

    def respond(
        self,
        status: int,
        reason: str = "",
        headers: Iterable[Header] = (),
        body: bytes = b"",
        content_type: str = "",
    ) -> Response:
        """Build a response and send it; returns it."""
        response = self.response(status, reason, headers, body, content_type)
        self.send(response)
        return response

    def report(self, kind: str, account: str = "", **elements: str) -> None:
        """Publish a security event about this request; ``elements`` are those that the kind asks for."""
        if not self.stack.pbx.bus.wants(Security):
            return
        flow = self.flow
        if not account:
            account = "<unknown>" if self.endpoint is self.stack.artificial else self.endpoint.name
        security.report(
            self.stack.pbx,
            kind,
            "PJSIP",
            account=account,
            session=self.message.call_id,
            local=security.address(*self.stack.routing.advertised(flow.carrier, flow.host), flow.protocol),
            remote=security.address(flow.host, flow.port, flow.protocol),
            **elements,
        )
