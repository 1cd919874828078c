"""Calls that come in: an INVITE outside any dialog, from its checks to its final response."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offhook.calls import causes
from offhook.calls.channel import State
from offhook.calls.party import Party
from offhook.drivers.sip.calls.capabilities import ALLOW, EXTENSIONS, reason_headers, supported
from offhook.drivers.sip.calls.diversion import diversion_headers, redirecting_of_request
from offhook.drivers.sip.calls.identity import calling_party, originating_line
from offhook.drivers.sip.calls.in_dialog import cause_of, take_acknowledged
from offhook.drivers.sip.calls.replacing import replaced_call, take_place
from offhook.drivers.sip.calls.session import CallSession
from offhook.drivers.sip.calls.states import CONNECTING, EARLY, ENCLOSED, ENDED, INCOMING
from offhook.drivers.sip.media.descriptions import SDP, description_of, enclosing, new_media
from offhook.log import NOTICE
from offhook.media.engine import NoPort
from offhook.sip.body import parts_of
from offhook.sip.dialog import Dialog
from offhook.sip.errors import SIPError
from offhook.sip.events import (
    AckReceived,
    CancelReceived,
    Event,
    ProvisionalTimeout,
    TransactionTimeout,
    TransportFailed,
)
from offhook.sip.message import Header, Request, Response
from offhook.sip.reliable import ReliableProvisionals
from offhook.sip.sdp import Session as Description
from offhook.sip.transaction import ServerInvite
from offhook.sip.uri import OtherUri

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.sip.calls.channel import SipChannel
    from offhook.drivers.sip.owners import ServerEvent
    from offhook.drivers.sip.requests.incoming import IncomingRequest

log = logging.getLogger(__name__)

_ENCLOSING = frozenset((180, 183, 200))


class IncomingInvite:
    """The first INVITE of a call that came in, until its ACK."""

    __slots__ = (
        "_accept_wanted",
        "_answered",
        "_described",
        "_description",
        "_identity",
        "_offer",
        "_reliable",
        "call",
        "incoming",
    )

    def __init__(self, call: CallSession, incoming: IncomingRequest, *, reliable: bool) -> None:
        self.call = call
        self.incoming = incoming
        self._offer = description_of(incoming.message)
        """What the INVITE offers; None: our 2xx makes the offer."""
        self._description: Description | None = None
        self._described = False
        self._answered = False
        self._accept_wanted = False
        self._identity: list[Header] = []
        self._reliable: ReliableProvisionals | None = None
        transaction = incoming.transaction
        transaction.user = self
        call.invite = incoming
        if reliable and isinstance(transaction, ServerInvite):
            self._reliable = ReliableProvisionals(transaction, incoming.message, call.stack.layer.timing.t1)
            self._reliable.user = self

    @property
    def described(self) -> bool:
        """Whether our description has been sent: early media flows."""
        return self._described

    @property
    def answered(self) -> bool:
        """Whether the final response has been sent."""
        return self._answered

    # ---- descriptions ---------------------------------------------------------------------------------

    def describe(self) -> None:
        """Prepare our description: the answer, or the offer. Refused when nothing of theirs can be taken; NoPort."""
        media = self.call.media
        session = self.call.session
        assert session is not None
        offer = self._offer
        if offer is None:
            self._description = media.make_offer()
            return
        if self._description is None:
            session.offers.receive_offer(offer)
            self._description = media.take_offer(offer)
            session.offers.send_answer(self._description)
        else:
            self._description = media.take_offer(offer)
            session.offers.local = self._description

    def renew(self) -> None:
        """The dialplan changed what is negotiated by: prepare another description unless one is sent already."""
        if self._described or self._answered:
            return
        try:
            self.describe()
        except (SIPError, NoPort) as error:
            log.warning("%s: nothing is left to negotiate (%s), what was prepared stays", self.call.name, error)

    # ---- responses ------------------------------------------------------------------------------------

    def provisional(self, status: int) -> None:
        """Send a provisional response; those that announce media (181 to 183), and all after them, carry our answer."""
        call = self.call
        if self._answered or call.status is ENDED:
            return
        if status == 100:
            self.incoming.respond(100)
            return
        headers: list[Header] = [("Contact", call.contact), ALLOW]
        body = b""
        if (status != 180 or self._described) and self._offer is not None and not self._holds_described():
            assert self._description is not None
            body = self._description.to_bytes()
        response = self._response(status, headers, body)
        if call.status is INCOMING:
            call.status = EARLY
        if body:
            self._described = True
            call.media.commit()
        if self._reliable is not None:
            stack = call.stack
            stack.carry_out(self._reliable.send(response, stack.now()))
            stack.layer.watch(self._reliable)
            stack.alarm.watch()
        else:
            self.incoming.send(response)

    def _holds_described(self) -> bool:
        # Sent reliably, a description is sent once (RFC 6337 3.1.1); unreliably it is repeated.
        return self._described and self._reliable is not None

    def accept(self) -> None:
        """Answer the call: 200, once no reliable provisional response with a description is on its way any more."""
        call = self.call
        if self._answered or call.status is ENDED:
            return
        if self._reliable is not None and self._reliable.holds_answer:
            self._accept_wanted = True
            return
        self._answered = True
        session = call.session
        assert session is not None
        if self._reliable is not None:
            self._reliable.stop()
            call.stack.layer.unwatch(self._reliable)
        description = self._description
        assert description is not None
        body = b""
        if self._offer is None:
            session.offers.send_offer(description)
        if not self._holds_described():
            body = description.to_bytes()
        headers = [("Contact", call.contact), ALLOW, supported(call)]
        headers += session.timer.answer(self.incoming.message, call.stack.now())
        response = self._response(200, headers, body)
        call.status = CONNECTING
        session.dialog.confirm()
        session.invite_done(self.incoming.transaction)
        self.incoming.send(response)
        if self._offer is not None and not self._described:
            call.media.commit()
        self._described = True

    def end(self, status: int, headers: list[Header] | None = None) -> None:
        """Refuse the call."""
        if self._answered or self.call.status is ENDED:
            return
        self._answered = True
        if self._reliable is not None:
            self._reliable.stop()
            self.call.stack.layer.unwatch(self._reliable)
        self.incoming.send(self._response(status, headers or []))
        self.call.forget()

    def _response(self, status: int, headers: list[Header], body: bytes = b"") -> Response:
        call = self.call
        channel = call.channel
        message = self.incoming.message
        content_type = SDP if body else ""
        if ENCLOSED in call.notes and status in _ENCLOSING:
            content_type, body = enclosing(body, call.notes[ENCLOSED])
        response = self.incoming.response(status, "", headers, body, content_type)
        if channel is not None:
            if call.endpoint.send_connected_line or call.status is INCOMING:
                self._identity = call.identity_headers(message.to)
            for name, value in self._identity:  # without send_connected_line, the first one told stays
                response.add(name, value)
            if status == 181 or 300 <= status < 400:
                for name, value in diversion_headers(response, channel.redirecting, call.endpoint):
                    response.add(name, value)
            if status >= 300:
                for name, value in reason_headers(call):
                    response.add(name, value)
        return response

    # ---- what the peer does meanwhile -----------------------------------------------------------------

    def on_transaction_event(self, event: ServerEvent) -> None:
        """CANCEL, ACK, or neither in time."""
        call = self.call
        if isinstance(event, CancelReceived):
            if self._answered:
                return
            cause = cause_of(event.request) or causes.from_sip(487)
            if call.channel is not None:
                call.channel.hangup_cause = cause
            channel = call.channel
            self.end(487)
            if channel is not None:
                call.far_end_gone(cause)
        elif isinstance(event, AckReceived):
            self._acknowledged(event)
        elif isinstance(event, TransactionTimeout):
            if event.timer == "L":
                call.lost(causes.NO_USER_RESPONSE)
        elif isinstance(event, TransportFailed):
            self._answered = True
            call.ended_by_peer(causes.NORMAL_TEMPORARY_FAILURE)

    def _acknowledged(self, event: AckReceived) -> None:
        call = self.call
        if self._offer is None and call.status is CONNECTING and not take_acknowledged(call, event.request):
            call.lost(causes.BEARERCAPABILITY_NOTAVAIL)
            return
        call.confirmed()

    def prack(self, incoming: IncomingRequest) -> None:
        """The peer acknowledges a reliable provisional response."""
        call = self.call
        stack = call.stack
        try:
            if self._reliable is None:
                raise SIPError(481)
            events = self._reliable.prack(incoming.message, stack.now())
        except SIPError as error:
            incoming.respond(error.status, error.reason)
            return
        incoming.respond(200)
        if self._described:
            call.notes["early confirmed"] = True
        stack.layer.watch(self._reliable)
        stack.carry_out(events)
        if self._accept_wanted:
            self.accept()
        else:
            call.refreshes.proceed()

    def on_timer_event(self, event: Event) -> None:
        """No PRACK came in time (RFC 3262 3)."""
        assert isinstance(event, ProvisionalTimeout)
        log.log(NOTICE, "%s: no PRACK for our provisional response", self.call.name)
        self.end(504)
        self.call.far_end_gone(causes.RECOVERY_ON_TIMER_EXPIRE)


def pickup_extension(pbx: Pbx) -> str:
    """The extension that picks up a ringing call (features.conf's pickupexten)."""
    found = pbx.parts.get("pickupexten", "*8")
    assert isinstance(found, str)
    return found


def receive_invite(incoming: IncomingRequest) -> None:
    """Take an INVITE outside any dialog; whatever is wrong with it is answered here."""
    try:
        _start(incoming)
    except SIPError as error:
        log.log(NOTICE, "INVITE from %s refused: %s", incoming.endpoint.name, error)
        if not incoming.answered:
            incoming.respond(error.status, error.reason, error.headers)


def _start(incoming: IncomingRequest) -> None:
    from offhook.drivers.sip.calls.channel import SipChannel

    stack, endpoint, message = incoming.stack, incoming.endpoint, incoming.message
    reliable = _check(incoming)
    exten, party = _destination(incoming)
    dialog = Dialog.of_request(message, incoming.tag)
    call = CallSession(stack, endpoint, new_media(stack, endpoint, incoming.flow, incoming=True), party, uac=False)
    call.request = message
    call.peer_flow = incoming.flow
    call.contact = stack.contact(incoming.flow, endpoint)
    call.notes["update"] = "UPDATE" in message.members("Allow")
    call.start(dialog, INCOMING)
    session = call.session
    assert session is not None
    session.timer.check(message)
    incoming.respond(100)
    call.opening = opening = IncomingInvite(call, incoming, reliable=reliable)
    try:
        opening.describe()
    except NoPort:
        log.error("no RTP port is left for a call from %s: widen rtpstart to rtpend in rtp.conf", endpoint.name)
        raise SIPError(488) from None
    call.follow(dialog)
    session.received_invite = incoming.transaction
    replaced = replaced_call(stack, message)
    channel = SipChannel(call, opening, State.RING, exten=exten, ani2=originating_line(message))
    redirecting = redirecting_of_request(message)
    if redirecting is not None:
        channel.redirecting = redirecting
    if replaced is not None:
        take_place(channel, replaced)
    elif call.media.ready:
        channel.begin()
    else:
        call.media.when_ready(lambda: _begin_described(opening, channel))


def _begin_described(opening: IncomingInvite, channel: SipChannel) -> None:
    """STUN and TURN servers have told our addresses: they go into the answer."""
    opening.renew()
    channel.begin()


def _check(incoming: IncomingRequest) -> bool:
    """What has to hold before anything is made of an INVITE; tells whether provisional responses go reliably."""
    message, endpoint = incoming.message, incoming.endpoint
    contact = message.contact
    if contact is None:
        raise SIPError(400, "Missing Contact header field")
    if isinstance(contact.uri, OtherUri) or contact.uri.scheme == "tel":
        raise SIPError(416, detail=f"Contact {contact.uri}")
    required = message.tokens("Require")
    unknown = [tag for tag in required if tag not in EXTENSIONS or (tag == "100rel" and endpoint.rel100 == "no")]
    if unknown:
        raise SIPError(420, headers=(("Unsupported", ", ".join(sorted(unknown))),))
    _check_content(message)
    offered = message.tokens("Supported")
    if endpoint.rel100 == "required":
        if "100rel" not in offered and "100rel" not in required:
            raise SIPError(421, headers=(("Require", "100rel"),))
        return True
    return "100rel" in required or (endpoint.rel100 == "peer_supported" and "100rel" in offered)


def _check_content(message: Request) -> None:
    """An INVITE may bring a description or nothing, and must take ours. SIPError 415 or 406 (RFC 3261 21.4)."""
    accepted = [each.partition(";")[0].strip().lower() for each in message.members("Accept")]
    if accepted and not {SDP, "application/*", "*/*"}.intersection(accepted):
        raise SIPError(406, detail=f"only {', '.join(accepted)} would be accepted")
    kind = message.content_type
    optional = "handling=optional" in (message.get("Content-Disposition") or "").lower()
    if message.body and kind not in ("", SDP) and not kind.startswith("multipart/") and not optional:
        raise SIPError(415, headers=(("Accept", SDP),))


def _destination(incoming: IncomingRequest) -> tuple[str, Party]:
    """Where in the dialplan the call goes, and who calls. SIPError 404, 484 or 416 when it goes nowhere."""
    stack, endpoint, message = incoming.stack, incoming.endpoint, incoming.message
    uri = message.uri
    if isinstance(uri, OtherUri):
        raise SIPError(416)
    exten = uri.user or "s"
    if stack.config.settings.ignore_uri_user_options:
        exten = exten.partition(";")[0]
    party = calling_party(message, endpoint)
    plan = stack.pbx.dialplan
    context = endpoint.overlap_context or endpoint.context
    number = party.number.text
    known = plan.exists(context, exten, 1, number) or plan.switched(context)  # switches are asked once the call runs
    if exten != pickup_extension(stack.pbx) and not known:
        if endpoint.allow_overlap and plan.can_match(context, exten, number):
            raise SIPError(484)
        log.log(
            NOTICE,
            "%s: Call (%s) to extension '%s' rejected because extension not found in context '%s'.",
            endpoint.name,
            incoming.flow,
            exten,
            endpoint.context,
        )
        raise SIPError(404)
    if message.content_type.startswith("multipart/"):
        for part in parts_of(message):
            if "handling=required" in part.headers.get("content-disposition", "").lower() and part.content_type != SDP:
                raise SIPError(415, headers=(("Accept", SDP),))
    return exten, party
