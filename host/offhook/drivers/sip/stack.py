"""The SIP stack of one exchange: messages between transports, transactions and whoever handles them.

``pbx.parts["pjsip"]``. A method's handler registers under its name in ``handlers``; whoever owns a dialog registers in
``dialogs``. Requests reach a handler identified, admitted and authenticated, as IncomingRequest.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from offhook.drivers.sip.alarm import Alarm
from offhook.drivers.sip.configuration.endpoint import Endpoint
from offhook.drivers.sip.configuration.reading import Configuration
from offhook.drivers.sip.contacts.locations import Locations
from offhook.drivers.sip.contacts.qualify import Qualify
from offhook.drivers.sip.owners import DialogOwner, ServerEvent, TimerOwner, Undo
from offhook.drivers.sip.requests.admission import Admission
from offhook.drivers.sip.requests.authentication import secret_of
from offhook.drivers.sip.requests.building import Local, local_end, moved_to, next_hop, outside_dialog, secure_contact
from offhook.drivers.sip.requests.incoming import IncomingRequest
from offhook.drivers.sip.requests.outgoing import OnResponse, OutgoingRequest
from offhook.drivers.sip.requests.screening import objection
from offhook.drivers.sip.transport.connections import StreamCarrier
from offhook.drivers.sip.transport.flow import Carrier, Flow, host_port
from offhook.drivers.sip.transport.nat import rewrite, rewrite_contact
from offhook.drivers.sip.transport.resolver import Resolver
from offhook.drivers.sip.transport.routing import TRANSPORT_PARAM, Routing, sip_uri
from offhook.drivers.sip.transport.transports import Transports
from offhook.sip.auth import Credentials, DigestClient
from offhook.sip.dialog import DialogId
from offhook.sip.errors import SIPError
from offhook.sip.events import (
    AckReceived,
    CancelReceived,
    Event,
    Malformed,
    RequestReceived,
    ResponseReceived,
    Send,
    StrayResponse,
    TransactionTimeout,
    TransportFailed,
)
from offhook.sip.layer import TransactionLayer, new_tag
from offhook.sip.message import Header, Request, Response, make_request
from offhook.sip.parser import parse
from offhook.sip.transaction import ServerTransaction, Timing, Transaction

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.calls.pbx import Pbx
    from offhook.config.model import Section
    from offhook.drivers.sip.contacts.contact import Contact

log = logging.getLogger(__name__)

Handler = Callable[[IncomingRequest], None]
PART = "pjsip"


class SipStack:
    """Everything SIP of one exchange."""

    def __init__(self, pbx: Pbx) -> None:
        self.pbx = pbx
        self.loop = pbx.loop
        self.now = pbx.now
        self.config = Configuration()
        self.layer = TransactionLayer()
        self.alarm = Alarm(pbx.loop, self.layer.timers, self._timers_due)
        self.transports = Transports(pbx.loop, self.received, self._carrier_closed, self._garbage)
        self.resolver = Resolver()
        self.routing = Routing(self.transports, self.resolver)
        self.locations = Locations(pbx)
        self.qualify = Qualify(self)
        self.admission = Admission(self)
        self.handlers: dict[str, Handler] = {}
        self.dialogs: dict[DialogId, DialogOwner] = {}
        self.user_agent = "Offhook PBX"
        self.artificial = Endpoint("")
        """Stands for whoever is not identified."""
        self.accepting = True
        """False before the exchange has fully booted: peers send again, and by then everything is there."""
        self.on_sent: list[Callable[[bytes, Flow], None]] = []
        self.on_received: list[Callable[[bytes, Flow], None]] = []
        self.on_reloaded: list[Callable[[], None]] = []
        self.on_refer: list[Callable[[Channel, Request], Undo | None]] = []
        """What looks at a REFER before it is carried out: (channel, request) -> how to undo what it did. May raise
        SIPError to refuse it."""
        self.sips_contact = False
        """Whether requests that travel by sips name a sips Contact."""
        self.maintenance: set[str] = set()
        """Endpoints whose new calls and requests are refused for now."""
        self.more_sections: list[Callable[[Pbx], list[Section]]] = []
        """What adds sections to those of pjsip.conf whenever it is read."""
        self.first_look: Callable[[RequestReceived], bool] | None = None
        """Asked about each request outside dialogs; true when it has to wait, and will be carried out again."""
        self.gates: list[Callable[[Endpoint, str], None]] = []
        """Asked before a call to a user at an endpoint is made; RequestError when it must not be."""

    # ---- in -------------------------------------------------------------------------------------------

    def received(self, data: bytes, flow: Flow) -> None:
        """Bytes of one message from a carrier."""
        if not self.accepting:
            return
        for listener in self.on_received:
            listener(data, flow)
        now = self.now()
        try:
            message = parse(data, stream=flow.carrier.reliable)
            if isinstance(message, Request):
                message.received_from(flow.host, flow.port)
            events = self.layer.receive(message, flow, now)
        except SIPError as error:
            events = self.layer.reject(error, flow)
        self.carry_out(events)

    def carry_out(self, events: list[Event]) -> None:
        """Do what the transaction layer says: send, and hand the rest to whom it concerns."""
        for event in events:
            try:
                _ACTIONS.get(type(event), SipStack._on_timed)(self, event)
            except Exception:  # a fault in handling one message must not cost the others theirs
                log.exception("%s could not be dealt with", type(event).__name__)
        if self.layer.timers.earliest < self.alarm.due:
            self.alarm.watch()

    def _send(self, event: Send) -> None:
        flow = event.flow
        assert isinstance(flow, Flow)
        for listener in self.on_sent:
            listener(event.data, flow)
        try:
            flow.carrier.send(event.data, flow.host, flow.port)
        except OSError as error:
            log.debug("cannot send to %s: %s", flow, error)
            if event.transaction is not None:
                self.loop.call_soon(self._send_failed, event.transaction)

    def _send_failed(self, transaction: Transaction) -> None:
        if not transaction.terminated:
            self.layer.abandon(transaction)
            self._on_failure(TransportFailed(transaction))

    def _on_request(self, event: RequestReceived) -> None:
        message, flow = event.request, event.flow
        assert isinstance(flow, Flow)
        wrong = objection(message)
        if wrong is not None:
            self._incoming(event, flow, self.artificial).respond(*wrong)
            self.layer.abandon(event.transaction)
            return
        from_tag, to_tag = message.tags
        if to_tag:
            owner = self.dialogs.get((message.call_id, to_tag, from_tag))
            if owner is not None:
                incoming = self._incoming(event, flow, owner.endpoint)
                self._apply_nat(incoming, owner)
                owner.on_request(incoming)
                return
            if message.method != "REGISTER":
                self._incoming(event, flow, self.artificial).respond(481)
                return
        elif message.method == "BYE":
            self._incoming(event, flow, self.artificial).respond(481)
            return
        if self.first_look is not None and self.first_look(event):
            return
        incoming = self._incoming(event, flow, self.artificial)
        if not self.admission.admit(incoming):
            return
        self._apply_nat(incoming, None)
        handler = self.handlers.get(message.method)
        if handler is None:
            incoming.respond(501)
            return
        try:
            handler(incoming)
        except Exception:
            log.exception("%s from %s failed", message.method, flow)
            if not incoming.answered:
                incoming.respond(500)

    def _incoming(self, event: RequestReceived, flow: Flow, endpoint: Endpoint) -> IncomingRequest:
        return IncomingRequest(self, event.request, flow, event.transaction, endpoint, self.now())

    def _apply_nat(self, incoming: IncomingRequest, owner: DialogOwner | None) -> None:
        """What rewrite_contact, symmetric_transport and WebSockets change in a request (in a dialog: its owner's)."""
        message, flow = incoming.message, incoming.flow
        if incoming.endpoint.rewrite_contact:
            rewrite(message, flow, routed=owner is not None and owner.routed)
        elif flow.carrier.protocol in ("WS", "WSS"):
            rewrite_contact(message, flow)
        if flow.carrier.section.symmetric_transport and owner is None:
            self._mark_transport(message, flow)

    @staticmethod
    def _mark_transport(message: Request, flow: Flow) -> None:
        contacts = message.contacts
        if len(contacts) == 1 and not contacts[0].star:
            uri = sip_uri(str(contacts[0].uri))
            if uri is not None:
                contacts[0].uri = uri.replace(params={**uri.params, TRANSPORT_PARAM: flow.carrier.name})
                message.set("Contact", contacts[0])

    def _on_response(self, event: ResponseReceived) -> None:
        outgoing, flow = event.transaction.user, event.flow
        if not isinstance(outgoing, OutgoingRequest):
            return
        assert isinstance(flow, Flow)
        endpoint = outgoing.endpoint
        if endpoint is not None and endpoint.rewrite_contact and event.response.cseq.method != "REGISTER":
            rewrite(event.response, flow)
        elif flow.carrier.protocol in ("WS", "WSS"):
            rewrite_contact(event.response, flow)
        outgoing.receive(event.response)

    def _on_failure(self, event: TransactionTimeout | TransportFailed) -> None:
        user = event.transaction.user
        if isinstance(user, OutgoingRequest):
            user.transaction_failed("timeout" if isinstance(event, TransactionTimeout) else "transport")
        else:
            self._tell(user, event)

    def _on_server_event(self, event: AckReceived | CancelReceived) -> None:
        if event.transaction is not None:
            self._tell(event.transaction.user, event)

    def _on_malformed(self, event: Malformed) -> None:
        self._garbage(event.flow, str(event.error))

    def _on_stray(self, event: StrayResponse) -> None:
        """A response to nothing we know of is nobody's."""

    def _on_timed(self, event: Event) -> None:
        """Of a timer watched by the layer: its owner's business."""
        owner: TimerOwner | None = getattr(event.source, "user", None)  # type: ignore[union-attr]
        if owner is not None:
            owner.on_timer_event(event)

    @staticmethod
    def _tell(user: object, event: ServerEvent) -> None:
        if user is not None:
            user.on_transaction_event(event)  # type: ignore[attr-defined]

    def _garbage(self, flow: object, what: str) -> None:
        assert isinstance(flow, Flow)
        self.admission.garbage(flow, what)

    def _carrier_closed(self, carrier: Carrier, why: str) -> None:
        """A transport or connection has ended: so do its transactions, at once."""
        now = self.now()
        if isinstance(carrier, StreamCarrier):
            self.carry_out(self.layer.transport_closed(carrier.flow, now))
        else:
            for flow in {transaction.flow for transaction in self.layer.transactions}:
                if isinstance(flow, Flow) and flow.carrier is carrier:
                    self.carry_out(self.layer.transport_closed(flow, now))
        log.debug("%s is closed: %s", carrier, why)

    # ---- out ------------------------------------------------------------------------------------------

    def respond(self, transaction: ServerTransaction, response: Response, flow: Flow | None = None) -> None:
        """Send a response in a server transaction; nothing happens when it has ended."""
        response.compact = self.config.system.compact_headers
        self.carry_out(self.layer.respond(transaction, response, self.now(), flow))

    def request(
        self,
        request: Request,
        on_response: OnResponse,
        *,
        endpoint: Endpoint | None = None,
        flow: Flow | None = None,
        target: str = "",
        transport: str = "",
        credentials: Sequence[Credentials] | None = None,
        client: DigestClient | None = None,
        next_cseq: Callable[[], int] | None = None,
        timing: Timing | None = None,
        local: Local | None = None,
        user: object = None,
    ) -> OutgoingRequest:
        """Send a request in a client transaction.

        It goes to ``flow`` when that is given and open; else to where ``target`` (default: the first Route, or the
        Request-URI) leads, one address after the other until somebody answers, over the named ``transport`` or the
        endpoint's. Challenges are answered with ``client``, ``credentials``, or the endpoint's outbound_auth. A request
        built for another end of ours (``local``) than the one it goes out on is corrected. ``on_response`` is never
        called before this returns.
        """
        if credentials is None:
            credentials = self.credentials(endpoint.outbound_auth) if endpoint is not None else ()
        outgoing = OutgoingRequest(
            self, request, on_response, credentials=credentials, client=client, next_cseq=next_cseq, timing=timing
        )
        outgoing.user = user
        outgoing.endpoint = endpoint
        outgoing.local = local
        if outgoing.client is not None:
            outgoing.client.authorize(request)
        if flow is not None and flow.open:
            outgoing.targets = [flow]
        else:
            uri = sip_uri(target or next_hop(request))
            if uri is not None:
                direct = self.routing.immediate(uri, endpoint, transport)
                if direct is not None:
                    outgoing.targets = [direct]
                else:
                    outgoing.route = self.routing.route(uri, endpoint, transport)
        outgoing.start()
        return outgoing

    def send_request(self, outgoing: OutgoingRequest, flow: Flow) -> None:
        """Put an outgoing request on a flow in a new transaction (OutgoingRequest's own verb)."""
        request = outgoing.request
        carrier = flow.carrier
        host, port = self.routing.advertised(carrier, flow.host)
        local = outgoing.local
        if local is not None and (local.host, local.port, local.protocol) != (host, port, carrier.protocol):
            after = Local(carrier.protocol, host, port)
            moved_to(request, local, after)
            outgoing.local = after
        if self.sips_contact:
            secure_contact(request)
        via = f"SIP/2.0/{carrier.protocol} {host_port(host, port)}{self._rport}"
        request.compact = self.config.system.compact_headers
        transaction, events = self.layer.request(request, flow, self.now(), via=via, timing=outgoing.timing)
        transaction.user = outgoing
        outgoing.transaction = transaction
        self.carry_out(events)

    def acknowledge(self, outgoing: OutgoingRequest, ack: Request, flow: Flow | None = None) -> None:
        """Send the ACK of a 2xx to an INVITE of ours; it is repeated when that 2xx is."""
        assert outgoing.transaction is not None
        if flow is None or not flow.open:
            uri = sip_uri(next_hop(ack))
            flow = (self.routing.immediate(uri, outgoing.endpoint) if uri is not None else None) or outgoing.flow
        assert flow is not None
        ack.compact = self.config.system.compact_headers
        events = self.layer.acknowledge(outgoing.transaction, ack, flow, self.now(), via=self.via(flow))
        self.carry_out(events)

    def send_outside_dialog(
        self,
        method: str,
        endpoint: Endpoint | None,
        uri: str,
        on_response: OnResponse,
        *,
        headers: Iterable[Header] = (),
        body: bytes = b"",
        content_type: str = "",
        timing: Timing | None = None,
        user: object = None,
    ) -> OutgoingRequest:
        """Send a request that belongs to no dialog; ValueError when ``uri`` is no SIP URI."""
        request, local = outside_dialog(
            self, method, endpoint, uri, headers=headers, body=body, content_type=content_type
        )
        return self.request(request, on_response, endpoint=endpoint, timing=timing, local=local, user=user)

    def send_to_contact(
        self,
        method: str,
        endpoint: Endpoint,
        contact: Contact,
        on_response: OnResponse,
        *,
        headers: Iterable[Header] = (),
        body: bytes = b"",
        content_type: str = "",
        timing: Timing | None = None,
        user: object = None,
    ) -> OutgoingRequest:
        """Send a request that belongs to no dialog to a contact, over its connection when it is bound to one."""
        request, local = outside_dialog(
            self,
            method,
            endpoint,
            contact.uri,
            contact=contact,
            headers=headers,
            body=body,
            content_type=content_type,
        )
        return self.deliver(request, local, endpoint, contact, on_response, timing=timing, user=user)

    def deliver(
        self,
        request: Request,
        local: Local,
        endpoint: Endpoint,
        contact: Contact,
        on_response: OnResponse,
        *,
        timing: Timing | None = None,
        user: object = None,
    ) -> OutgoingRequest:
        """Send a request made for a contact (by ``outside_dialog``) to it, over its connection when it is bound."""
        uri = sip_uri(contact.uri)
        transport = "" if endpoint.transport or uri is None else uri.params.get(TRANSPORT_PARAM) or ""
        return self.request(
            request,
            on_response,
            endpoint=endpoint,
            flow=contact.flow,
            transport=transport,
            timing=timing,
            local=local,
            user=user,
        )

    # ---- addresses ------------------------------------------------------------------------------------

    def local_address(self, flow: Flow) -> tuple[str, int]:
        """Host and port by which the far end of a flow can reach us."""
        return self.routing.advertised(flow.carrier, flow.host)

    @property
    def _rport(self) -> str:
        return "" if self.config.system.disable_rport else ";rport"

    def via(self, flow: Flow) -> str:
        """The Via of our requests on a flow, without branch."""
        return f"SIP/2.0/{flow.carrier.protocol} {host_port(*self.local_address(flow))}{self._rport}"

    def contact(self, flow: Flow, endpoint: Endpoint | None = None, user: str = "") -> str:
        """Our Contact on a flow: "<sip:user@host:port;transport=TCP>"; the endpoint's contact_user wins."""
        user = (endpoint.contact_user if endpoint is not None else "") or user
        return Local(flow.carrier.protocol, *self.local_address(flow)).contact(user)

    def local_end(self, uri: str, endpoint: Endpoint | None = None, flow: Flow | None = None) -> Local | None:
        """Our end of the way a request to ``uri`` will most likely take, for its From, Contact and SDP."""
        found = sip_uri(uri)
        return None if found is None else local_end(self, found, endpoint, flow)

    def outgoing_flow(self, uri: str, endpoint: Endpoint | None = None) -> Flow | None:
        """The flow a request to ``uri`` would take at once; None when that takes a look-up or a connection first."""
        found = sip_uri(uri)
        return None if found is None else self.routing.immediate(found, endpoint)

    def credentials(self, names: Sequence[str]) -> list[Credentials]:
        """Client credentials of auth sections."""
        found = []
        for name in names:
            auth = self.config.auths.get(name)
            if auth is None:
                log.error("there is no auth section [%s] in pjsip.conf", name)
                continue
            algorithms = auth.supported_algorithms_uac or self.config.settings.default_auth_algorithms_uac
            found.append(Credentials(secret_of(auth), auth.realm, algorithms))
        return found

    # ---- time -----------------------------------------------------------------------------------------

    def _timers_due(self) -> None:
        self.carry_out(self.layer.timer(self.now()))

    def close(self) -> None:
        """End every timer, transport and connection."""
        self.alarm.cancel()
        self.locations.stop()
        self.transports.close()


_ACTIONS: dict[type, Callable[[SipStack, Any], None]] = {
    Send: SipStack._send,
    RequestReceived: SipStack._on_request,
    ResponseReceived: SipStack._on_response,
    AckReceived: SipStack._on_server_event,
    CancelReceived: SipStack._on_server_event,
    TransactionTimeout: SipStack._on_failure,
    TransportFailed: SipStack._on_failure,
    Malformed: SipStack._on_malformed,
    StrayResponse: SipStack._on_stray,
}
"""What is done about an event of the transaction layer; others come from timers it watches."""

__all__ = ["IncomingRequest", "OutgoingRequest", "SipStack", "make_request", "new_tag"]
