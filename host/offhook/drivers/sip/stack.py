"""The SIP stack of one exchange: messages between transports, transactions and whoever handles them.

``pbx.parts["pjsip"]``. A method's handler registers under its name in ``handlers``; whoever owns a dialog registers in
``dialogs``. Requests reach a handler identified, admitted and authenticated, as IncomingRequest.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from offhook.drivers.sip.configuration import Configuration
from offhook.drivers.sip.endpoint import Endpoint
from offhook.drivers.sip.flow import Carrier, Flow, host_port
from offhook.drivers.sip.incoming import IncomingRequest
from offhook.drivers.sip.outgoing import OnResponse, OutgoingRequest
from offhook.drivers.sip.transports import Transports
from offhook.log import NOTICE
from offhook.sip.auth import Credentials, DigestClient, Secret
from offhook.sip.dialog import DialogId
from offhook.sip.errors import SIPError
from offhook.sip.events import (
    AckReceived,
    CancelReceived,
    Event,
    ProvisionalTimeout,
    RequestReceived,
    ResponseReceived,
    Send,
    SessionExpired,
    SessionRefreshDue,
    TransactionTimeout,
    TransportFailed,
)
from offhook.sip.layer import TransactionLayer, new_tag
from offhook.sip.message import Request, Response, make_request, parse
from offhook.sip.transaction import ClientTransaction, ServerTransaction, Timing
from offhook.sip.uri import NameAddr, SipUri, parse_uri

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)

Handler = Callable[[IncomingRequest], None]
ServerEvent = CancelReceived | AckReceived | TransactionTimeout | TransportFailed


class DialogOwner(Protocol):
    """Who owns a dialog: gets its requests, and the ACK that belongs to no transaction."""

    endpoint: Endpoint

    def on_request(self, incoming: IncomingRequest) -> None: ...


class TransactionOwner(Protocol):
    """What a server transaction's ``user`` may be: told of CANCEL, ACK, time-outs and a lost transport."""

    def on_transaction_event(self, event: ServerEvent) -> None: ...


class SipStack:
    """Everything SIP of one exchange."""

    def __init__(self, pbx: Pbx) -> None:
        self.pbx = pbx
        self.loop = pbx.loop
        self.now = pbx.now
        self.config = Configuration()
        self.layer = TransactionLayer()
        self.transports = Transports(pbx.loop, self.received)
        self.handlers: dict[str, Handler] = {}
        self.dialogs: dict[DialogId, DialogOwner] = {}
        self.user_agent = "Asterisk PBX"
        self.artificial = Endpoint("")
        """Stands for whoever is not identified."""
        self.on_sent: list[Callable[[bytes, Flow], None]] = []
        self.on_received: list[Callable[[bytes, Flow], None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    # ---- in -------------------------------------------------------------------------------------------

    def received(self, data: bytes, flow: Flow) -> None:
        """Bytes of one message from a carrier."""
        for listener in self.on_received:
            listener(data, flow)
        now = self.now()
        try:
            message = parse(data, stream=flow.reliable)
            if isinstance(message, Request):
                message.received_from(flow.host, flow.port)
            events = self.layer.receive(message, flow, now)
        except SIPError as error:
            log.debug("from %s: %s", flow, error)
            events = self.layer.reject(error, flow)
        self.carry_out(events)

    def carry_out(self, events: list[Event]) -> None:
        """Do what the transaction layer says: send, and hand the rest to whom it concerns."""
        for event in events:
            if isinstance(event, Send):
                self._send(event)
            elif isinstance(event, RequestReceived):
                self._on_request(event)
            elif isinstance(event, ResponseReceived):
                outgoing = event.transaction.user
                if isinstance(outgoing, OutgoingRequest):
                    outgoing.receive(event.response)
            elif isinstance(event, AckReceived):
                self._on_ack(event)
            elif isinstance(event, CancelReceived):
                self._tell(event.transaction.user, event)
            elif isinstance(event, TransactionTimeout | TransportFailed):
                self._on_failure(event)
            elif isinstance(event, ProvisionalTimeout | SessionRefreshDue | SessionExpired):
                event.source.user.on_timer(event)  # type: ignore[attr-defined]
        self._set_timer()

    def _send(self, event: Send) -> None:
        flow = event.flow
        assert isinstance(flow, Flow)
        for listener in self.on_sent:
            listener(event.data, flow)
        try:
            flow.carrier.send(event.data, flow.host, flow.port)
        except OSError as error:
            log.debug("cannot send to %s: %s", flow, error)
            transaction = event.transaction
            if transaction is not None:
                self.loop.call_soon(self._send_failed, transaction)

    def _send_failed(self, transaction: object) -> None:
        if isinstance(transaction, ClientTransaction | ServerTransaction) and not transaction.terminated:
            user = transaction.user
            self.layer.abandon(transaction)
            if isinstance(user, OutgoingRequest):
                user.transaction_failed("transport")
            else:
                self._tell(user, TransportFailed(transaction))

    def _on_request(self, event: RequestReceived) -> None:
        message, flow = event.request, event.flow
        assert isinstance(flow, Flow)
        if message.to_tag:
            owner = self.dialogs.get((message.call_id, message.to_tag, message.from_tag))
            if owner is not None:
                owner.on_request(self._incoming(event, flow, owner.endpoint))
                return
            if message.method != "REGISTER":
                self._incoming(event, flow, self.artificial).respond(481)
                return
        endpoint = self.identify(message, flow)
        incoming = self._incoming(event, flow, endpoint or self.artificial)
        if endpoint is None:
            log.log(
                NOTICE,
                "Request '%s' from '%s' failed for '%s' (callid: %s) - No matching endpoint found",
                message.method,
                message.get("From"),
                host_port(flow.host, flow.port),
                message.call_id,
            )
            incoming.respond(401)
            return
        handler = self.handlers.get(message.method)
        if handler is None:
            incoming.respond(501)
        else:
            handler(incoming)

    def _incoming(self, event: RequestReceived, flow: Flow, endpoint: Endpoint) -> IncomingRequest:
        return IncomingRequest(self, event.request, flow, event.transaction, endpoint, self.now())

    def _on_ack(self, event: AckReceived) -> None:
        if event.transaction is not None and event.transaction.user is not None:
            self._tell(event.transaction.user, event)

    def _on_failure(self, event: TransactionTimeout | TransportFailed) -> None:
        user = event.transaction.user
        if isinstance(user, OutgoingRequest):
            user.transaction_failed("timeout" if isinstance(event, TransactionTimeout) else "transport")
        else:
            self._tell(user, event)

    @staticmethod
    def _tell(user: object, event: ServerEvent) -> None:
        if user is not None:
            user.on_transaction_event(event)  # type: ignore[attr-defined]

    # ---- out ------------------------------------------------------------------------------------------

    def respond(self, transaction: ServerTransaction, response: Response, flow: Flow | None = None) -> None:
        """Send a response in a server transaction; nothing happens when it has ended."""
        self.carry_out(self.layer.respond(transaction, response, self.now(), flow))

    def request(
        self,
        request: Request,
        on_response: OnResponse,
        *,
        endpoint: Endpoint | None = None,
        flow: Flow | None = None,
        target: str = "",
        credentials: Sequence[Credentials] | None = None,
        client: DigestClient | None = None,
        next_cseq: Callable[[], int] | None = None,
        timing: Timing | None = None,
        user: object = None,
    ) -> OutgoingRequest:
        """Send a request in a client transaction.

        It goes to ``flow`` when that is given and open; else to where ``target`` (default: the first Route, or the
        Request-URI) leads, one address after the other until somebody answers. Challenges are answered with
        ``client``, ``credentials``, or the endpoint's outbound_auth. ``on_response`` is never called before this
        returns.
        """
        if credentials is None:
            credentials = self.credentials(endpoint.outbound_auth) if endpoint is not None else ()
        outgoing = OutgoingRequest(
            self, request, on_response, credentials=credentials, client=client, next_cseq=next_cseq, timing=timing
        )
        outgoing.user = user
        if outgoing.client is not None:
            outgoing.client.authorize(request)
        if flow is not None and flow.open:
            outgoing.targets = [flow]
            outgoing.start()
        else:
            uri = target or self._next_hop(request)
            found = self.targets_now(uri, endpoint)
            if found is None:
                self.pbx.spawn(self._resolve(outgoing, uri, endpoint), f"locate {uri}")
            else:
                outgoing.targets = found
                outgoing.start()
        return outgoing

    def send_request(self, outgoing: OutgoingRequest, flow: Flow) -> None:
        """Put an outgoing request on a flow in a new transaction (OutgoingRequest's own verb)."""
        request = outgoing.request
        transaction, events = self.layer.request(request, flow, self.now(), via=self.via(flow), timing=outgoing.timing)
        transaction.user = outgoing
        outgoing.transaction = transaction
        self.carry_out(events)

    def acknowledge(self, outgoing: OutgoingRequest, ack: Request, flow: Flow | None = None) -> None:
        """Send the ACK of a 2xx to an INVITE of ours; it is repeated when that 2xx is."""
        assert outgoing.transaction is not None
        if flow is None or not flow.open:
            found = self.targets_now(self._next_hop(ack), None)
            flow = found[0] if found else outgoing.flow
        assert flow is not None
        self.carry_out(self.layer.acknowledge(outgoing.transaction, ack, flow, self.now(), via=self.via(flow)))

    async def _resolve(self, outgoing: OutgoingRequest, uri: str, endpoint: Endpoint | None) -> None:
        target = parse_uri(uri)
        carrier = self.carrier_for(uri, endpoint)
        if not isinstance(target, SipUri) or carrier is None:
            outgoing.fail(503, "resolve")
            return
        try:
            found = await self.loop.getaddrinfo(target.host, target.port or 5060)
        except OSError as error:
            log.warning("cannot find the address of %s: %s", target.host, error)
            outgoing.fail(503, "resolve")
            return
        hosts = dict.fromkeys(entry[4][0] for entry in found)
        outgoing.targets = [Flow(carrier, str(host), target.port or 5060) for host in hosts]
        outgoing.start()

    @staticmethod
    def _next_hop(request: Request) -> str:
        route = request.get("Route")
        if route is not None:
            return str(NameAddr.parse(request.members("Route")[0]).uri)
        return request.target

    def targets_now(self, uri: str, endpoint: Endpoint | None) -> list[Flow] | None:
        """Where a URI with a numeric address leads; None when names have to be looked up first."""
        target = parse_uri(uri)
        if not isinstance(target, SipUri):
            return []
        host = target.host
        if not (":" in host or host.replace(".", "").isdigit()):
            return None
        carrier = self.carrier_for(uri, endpoint)
        return [] if carrier is None else [Flow(carrier, host, target.port or 5060)]

    def carrier_for(self, uri: str, endpoint: Endpoint | None) -> Carrier | None:
        """The transport for a URI: the endpoint's, else the first of the URI's protocol and address family."""
        if endpoint is not None and endpoint.transport in self.transports.carriers:
            return self.transports.carriers[endpoint.transport]
        target = parse_uri(uri)
        assert isinstance(target, SipUri)
        return self.transports.for_protocol((target.transport or "udp").upper(), ":" in target.host)

    # ---- addresses ------------------------------------------------------------------------------------

    def local_address(self, flow: Flow) -> tuple[str, int]:
        """Host and port by which the far end of a flow can reach us."""
        carrier = flow.carrier
        return carrier.host, carrier.port

    def via(self, flow: Flow) -> str:
        """The Via of our requests on a flow, without branch."""
        host, port = self.local_address(flow)
        return f"SIP/2.0/{flow.protocol} {host_port(host, port)};rport"

    def contact(self, flow: Flow, endpoint: Endpoint | None = None, user: str = "") -> str:
        """Our Contact on a flow: "<sip:user@host:port;transport=TCP>"; the endpoint's contact_user wins."""
        host, port = self.local_address(flow)
        user = (endpoint.contact_user if endpoint is not None else "") or user
        at = f"{user}@" if user else ""
        protocol = flow.protocol
        return f"<sip:{at}{host_port(host, port)}{'' if protocol == 'UDP' else ';transport=' + protocol}>"

    def outgoing_flow(self, uri: str, endpoint: Endpoint | None = None) -> Flow | None:
        """The flow a request to ``uri`` will most likely take, for building its From and Contact; None without any."""
        found = self.targets_now(uri, endpoint)
        if found:
            return found[0]
        carrier = self.carrier_for(uri, endpoint)
        return None if carrier is None else Flow(carrier, "", 0)

    def credentials(self, names: Sequence[str]) -> list[Credentials]:
        """Client credentials of auth sections."""
        found = []
        for name in names:
            auth = self.config.auths.get(name)
            if auth is None:
                log.error("there is no auth section [%s] in pjsip.conf", name)
                continue
            secret = Secret(auth.username, auth.password or None, auth.password_digest or auth.md5_cred)
            found.append(Credentials(secret, auth.realm))
        return found

    # ---- who ------------------------------------------------------------------------------------------

    def identify(self, request: Request, flow: Flow) -> Endpoint | None:
        """The endpoint a request comes from."""
        try:
            uri = request.from_.uri
        except SIPError:
            return None
        return self.config.endpoints.get(uri.user)

    # ---- time -----------------------------------------------------------------------------------------

    def _set_timer(self) -> None:
        due = self.layer.next_timer
        timer = self._timer
        if due is None:
            return
        if timer is not None:
            if self._due <= due:
                return
            timer.cancel()
        self._due = due
        self._timer = self.loop.call_at(due, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self.carry_out(self.layer.timer(self.now()))

    # ---- life -----------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the configured transports."""
        for section in self.config.transports.values():
            try:
                await self.transports.open(section)
            except (OSError, ValueError) as error:
                log.error("transport %s cannot be used: %s", section.name, error)

    def stop(self) -> None:
        """Close everything."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.transports.close()


__all__ = ["DialogOwner", "IncomingRequest", "OutgoingRequest", "SipStack", "make_request", "new_tag"]
