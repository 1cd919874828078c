"""Calls of ours: where an endpoint is reached, the INVITE, its forks, its responses up to the final one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offhook.calls import causes, events
from offhook.calls.channel import INHERITED
from offhook.calls.frames import Condition, Control, Forward
from offhook.calls.requesting import RequestError
from offhook.drivers.sip.calls.capabilities import ALLOW, reason_headers, supported
from offhook.drivers.sip.calls.diversion import diversion_headers, redirecting_of_response
from offhook.drivers.sip.calls.identity import configured_party, contact_user, from_addresses, phone_uri
from offhook.drivers.sip.calls.in_dialog import cause_of
from offhook.drivers.sip.calls.session import CallSession
from offhook.drivers.sip.calls.states import CALLING, CONNECTING, EARLY, ENDED
from offhook.drivers.sip.media.descriptions import SDP, description_of, new_media
from offhook.drivers.sip.media.negotiation import MediaStream, initial_streams
from offhook.drivers.sip.requests.building import (
    Local,
    address_of,
    local_end,
    new_call_id,
    next_hop,
    proxies,
    set_routes,
)
from offhook.drivers.sip.transport.routing import sendable, sip_uri
from offhook.log import verbose
from offhook.sip.dialog import Dialog, Forks
from offhook.sip.entropy import random_number
from offhook.sip.errors import SIPError
from offhook.sip.layer import new_tag
from offhook.sip.message import Header, Request, Response, make_request
from offhook.sip.offer_answer import Role
from offhook.sip.reliable import ProvisionalOrder, wants_reliable
from offhook.sip.uri import SipUri

if TYPE_CHECKING:
    from offhook.drivers.sip.calls.channel import SipChannel
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.contacts.contact import Contact
    from offhook.drivers.sip.requests.incoming import IncomingRequest
    from offhook.drivers.sip.requests.outgoing import OutgoingRequest
    from offhook.drivers.sip.stack import SipStack
    from offhook.drivers.sip.transport.flow import Flow

log = logging.getLogger(__name__)

MOST_REDIRECTIONS = 5

_TRANSFERRED = (("SIPREPLACESHDR", "Replaces"), ("SIPREFERREDBYHDR", "Referred-By"))
"""Variables a transfer leaves, and the headers of our INVITE they become."""
INHERITABLE = "SIP headers"
"""Key in a channel's inherited data: headers of the INVITEs of whatever is called from it."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a call goes: the URI to call and, when it is known by one, the contact."""

    endpoint: Endpoint
    uri: SipUri
    contact: Contact | None


def destination_of(stack: SipStack, address: str) -> Destination:
    """Read the address of a dial string: ``endpoint``, ``user@endpoint``, ``endpoint/aor`` or ``endpoint/sip:uri``.

    RequestError when there is no such endpoint or it cannot be reached anywhere.
    """
    name, _, place = address.partition("/")
    user = ""
    endpoints = stack.config.endpoints
    endpoint = endpoints.get(name)
    if (endpoint is None or stack.config.settings.disable_multi_domain) and "@" in name:
        user, _, name = name.partition("@")
        endpoint = endpoints.get(name)
    if not name:
        raise RequestError(6, "a PJSIP dial string names an endpoint")
    if endpoint is None:
        raise RequestError(causes.NO_ROUTE_DESTINATION, f"there is no endpoint {name!r} in pjsip.conf")
    if name in stack.maintenance:
        raise RequestError(causes.NO_ROUTE_DESTINATION, f"endpoint {name!r} is in maintenance mode")
    contact = _contact(stack, place, endpoint)
    text = contact.uri if contact is not None else place
    if not text:
        raise RequestError(causes.NO_ROUTE_DESTINATION, f"endpoint {name!r} has no contact: it is not registered")
    uri = sip_uri(text.strip("<>") if text.startswith("<") else text)
    if uri is None:
        raise RequestError(causes.NO_ROUTE_DESTINATION, f"endpoint {name!r} cannot be called at {text!r}: no SIP URI")
    if user:
        uri = uri.replace(user=user)
    return Destination(endpoint, phone_uri(uri, endpoint), contact)


def _contact(stack: SipStack, place: str, endpoint: Endpoint) -> Contact | None:
    """The first reachable contact of the AORs named, or of the endpoint's."""
    for name in place.split(",") if place else endpoint.aors:
        location = stack.locations.by_name.get(name.strip())
        if location is not None:
            for contact in location.reachable:
                return contact
    return None


def new_call(stack: SipStack, destination: Destination, wanted: Sequence[MediaStream]) -> CallSession:
    """A session for a call to a destination, with the streams it will offer; nothing is sent yet."""
    endpoint = destination.endpoint
    contact = destination.contact
    flow = contact.flow if contact is not None else None
    flow = flow or stack.routing.immediate(destination.uri, endpoint)
    media = new_media(stack, endpoint, flow, incoming=False)
    media.pending = initial_streams(wanted, media.terms)
    call = CallSession(stack, endpoint, media, configured_party(endpoint), uac=True)
    call.notes["contact"] = contact
    return call


class OutgoingInvite:
    """The first INVITE of a call of ours, until its ACK."""

    __slots__ = ("_cancelled", "_forks", "_orders", "_redirections", "_tag", "call", "destination", "outgoing")

    def __init__(self, call: CallSession, destination: Destination) -> None:
        self.call = call
        self.destination = destination
        self.outgoing: OutgoingRequest | None = None
        self._forks: Forks | None = None
        self._orders: dict[str, ProvisionalOrder] | None = None
        self._tag: str | None = None
        """The To tag of the fork that became the call."""
        self._cancelled = False
        self._redirections = 0

    @property
    def described(self) -> bool:
        """Whether descriptions have gone both ways."""
        session = self.call.session
        return session is not None and session.offers.remote is not None

    # ---- sending --------------------------------------------------------------------------------------

    def send(self, channel: SipChannel) -> None:
        """Build the INVITE from what the channel knows and send it. NoPort when no RTP port is left."""
        call, destination = self.call, self.destination
        stack, endpoint, uri, contact = call.stack, call.endpoint, destination.uri, destination.contact
        settings = stack.config.settings
        flow, local = self._way(contact)
        party = channel.effective_connected()
        default_user = settings.default_from_user
        from_, call.from_base = from_addresses(
            party, endpoint, default_user, local.bracketed, domain=channel.get("SIPFROMDOMAIN") or ""
        )
        for kind, name, value in call.notes.pop("from parameters", ()):
            (from_.params if kind == "header" else from_.uri.params)[name] = value or None
        user = contact_user(party, endpoint, default_user, use_caller=settings.use_callerid_contact)
        call.contact = local.contact(user)
        tag, call_id, number = new_tag(), new_call_id(), random_number(15)
        target = sip_uri(sendable(str(uri)))
        assert target is not None
        to = address_of(target)
        call.start(Dialog(call_id, f"{from_};tag={tag}", tag, to, "", str(target), [], caller=True), CALLING)
        session = call.session
        assert session is not None
        session.dialog.local_seq = number
        offer = call.media.make_offer(call.media.pending)
        session.offers.send_offer(offer)
        headers: list[Header] = [ALLOW, supported(call, history=True)]
        if endpoint.rel100 == "required":
            headers.append(("Require", "100rel"))
        headers += session.timer.request_headers()
        headers += call.identity_headers(call.from_base)
        headers += call.added_headers or ()
        headers += channel.data.get(INHERITED, {}).get(INHERITABLE, ())
        headers += [(name, channel.get(variable) or "") for variable, name in _TRANSFERRED if channel.get(variable)]
        call.added_headers = None
        request = make_request(
            "INVITE",
            target,
            f"{from_};tag={tag}",
            to,
            call_id,
            number,
            headers,
            max_forwards=settings.max_forwards,
            contact=call.contact,
            user_agent=stack.user_agent,
            body=offer.to_bytes(),
            content_type=SDP,
        )
        if channel.redirected or endpoint.send_history_info:
            for name, value in diversion_headers(request, channel.redirecting, endpoint):
                request.add(name, value)
        set_routes(request, proxies(stack, endpoint, contact))
        self._send(request, flow, local)

    def _way(self, contact: Contact | None) -> tuple[Flow | None, Local]:
        """The connection the contact is bound to, if it is to one, and our end of the way there."""
        call = self.call
        flow = contact.flow if contact is not None else None
        return flow, local_end(call.stack, self.destination.uri, call.endpoint, flow)

    def _send(self, request: Request, flow: Flow | None, local: Local) -> None:
        call = self.call
        call.request = request
        self.outgoing = call.stack.request(
            request, self._received, endpoint=call.endpoint, flow=flow, next_cseq=call.next_cseq, local=local
        )
        call.peer_flow = self.outgoing.flow

    def end(self, status: int) -> None:
        """Cancel the call."""
        call, outgoing = self.call, self.outgoing
        self._cancelled = True
        headers = reason_headers(call)
        call.close_soon()
        if outgoing is not None:
            outgoing.cancel(headers)

    # ---- responses ------------------------------------------------------------------------------------

    def _received(self, outgoing: OutgoingRequest, response: Response) -> None:
        call = self.call
        session = call.session
        if session is None or response.status == 100:
            return
        if outgoing.flow is not None:
            call.peer_flow = outgoing.flow
        try:
            dialog = self._dialog(outgoing, response)
        except SIPError as error:
            log.warning("%s: response %d cannot be used: %s", call.name, response.status, error)
            dialog = None
            if response.status < 300:
                call.forget()
                call.far_end_gone(causes.INTERWORKING)
                return
        if response.status < 200:
            if not self._cancelled and self._tag is None:
                self._provisional(response, dialog)
        elif response.status < 300:
            assert dialog is not None
            self._accepted(outgoing, response, dialog)
        elif self._tag is None:
            self._refused(response)

    def _dialog(self, outgoing: OutgoingRequest, response: Response) -> Dialog | None:
        forks = self._forks
        if forks is None or forks.request is not outgoing.request:
            # Sent again with credentials or elsewhere: its early dialogs are other ones.
            forks = self._forks = Forks(outgoing.request)
        return forks.receive(response)

    def _provisional(self, response: Response, dialog: Dialog | None) -> None:
        call, status = self.call, response.status
        channel = call.channel
        reliable = wants_reliable(response)
        if dialog is not None:
            if reliable and not self._acknowledge_provisional(response, dialog):
                return
            call.follow(dialog)
            call.status = EARLY
            if "Allow" in response:
                call.notes["update"] = "UPDATE" in response.members("Allow")
        elif status != 183 and status != 180:
            return
        try:
            described = self._take_description(response)
        except SIPError as error:
            log.warning("%s: response %d describes what cannot be used: %s", call.name, status, error.detail)
            call.notes["unusable"] = True
            described = False
        if reliable and described:
            call.notes["early confirmed"] = True
        if channel is None:
            return
        call.take_identity(response)
        channel.note_response(response)
        if status == 181:
            self._redirecting(response)
        channel.progress(status, described=described)
        call.refreshes.proceed()

    def _acknowledge_provisional(self, response: Response, dialog: Dialog) -> bool:
        """PRACK a reliable response; False for a repeated one or one out of order."""
        orders = self._orders
        if orders is None:
            orders = self._orders = {}
        rack = orders.setdefault(dialog.remote_tag, ProvisionalOrder()).rack(response)
        if rack is None:
            return False
        call = self.call
        call.follow(dialog)
        call.send("PRACK", [("RAck", rack)])
        return True

    def _take_description(self, response: Response) -> bool:
        """The answer in a response, if there is one; False when there is none or it is of no use to us."""
        call = self.call
        session = call.session
        assert session is not None
        answer = description_of(response) if response.body else None
        if answer is None:
            return False
        role = session.offers.receive(answer)
        if role is Role.REPEAT:
            endpoint = call.endpoint
            same = call.notes.get("answered by") == response.to_tag
            if not (endpoint.accept_multiple_sdp_answers if same else endpoint.follow_early_media_fork):
                return True
            session.offers.replace_answer(answer)
        elif role is Role.OFFER:
            raise SIPError(400, detail="an offer where an answer was due")
        call.notes["answered by"] = response.to_tag
        call.media.take_answer(answer)
        return True

    def _accepted(self, outgoing: OutgoingRequest, response: Response, dialog: Dialog) -> None:
        call = self.call
        stack = call.stack
        session = call.session
        assert session is not None
        ack = dialog.ack(response.cseq.number, user_agent=stack.user_agent)
        if outgoing.client is not None:
            outgoing.client.authorize(ack)
        stack.acknowledge(outgoing, ack)
        if self._tag not in (None, response.to_tag) or self._cancelled:
            # Another fork was faster, or our CANCEL came too late (RFC 3261 13.2.2.4).
            self._hang_up(dialog)
            if self._cancelled:
                self._report_late_answer(response)
                call.forget()
            return
        if self._tag is not None:
            return
        self._tag = response.to_tag
        call.follow(dialog)
        call.invite = outgoing
        call.status = CONNECTING
        call.response = response
        channel = call.channel
        try:
            if "unusable" in call.notes:
                raise SIPError(488, detail="the description that came before")
            described = self._take_description(response) or session.offers.remote is not None
        except SIPError as error:
            log.warning("%s: answered with a description that cannot be used: %s", call.name, error.detail)
            if channel is not None:
                channel.hangup_cause = causes.BEARERCAPABILITY_NOTAVAIL
            call.lost(causes.BEARERCAPABILITY_NOTAVAIL)
            return
        session.timer.agreed(response, stack.now())
        session.offers.settle()
        call.media.settle()
        call.notes["update"] = "UPDATE" in response.members("Allow")
        call.take_identity(response)
        call.confirmed()
        if channel is not None:
            channel.note_response(response)
            channel.deliver(Control(Condition.ANSWER))
        if not described:
            log.warning("%s: answered without a description, there is nothing to talk by", call.name)
            stack.loop.call_soon(call.lost, causes.BEARERCAPABILITY_NOTAVAIL)

    def _hang_up(self, dialog: Dialog) -> None:
        stack = self.call.stack
        bye = dialog.request("BYE", reason_headers(self.call), user_agent=stack.user_agent)
        stack.request(bye, _ignored, endpoint=self.call.endpoint)

    def _report_late_answer(self, response: Response) -> None:
        bus = self.call.stack.pbx.bus
        if bus.wants(events.TestEvent):
            headers = (
                ("Endpoint", self.call.endpoint.name),
                ("Channel", self.call.channel.name if self.call.channel is not None else ""),
                ("Message", f"Response msg {response.status}/INVITE/cseq={response.cseq.number}"),
                ("SDP", "complete"),
            )
            bus.publish(events.TestEvent("PJSIP_SESSION_CANCELED", headers, "res_pjsip_session.c", "session_on_tsx"))

    def _refused(self, response: Response) -> None:
        call = self.call
        session = call.session
        assert session is not None
        status = response.status
        if self._cancelled:
            call.forget()
            return
        if status == 422 and session.timer.refused(response):
            self._again(session.timer.request_headers())
            return
        channel = call.channel
        if channel is not None:
            channel.note_response(response)
        if 300 <= status < 400 and channel is not None and self._redirected(response, channel):
            return
        call.media.withdraw()
        call.ended_by_peer(cause_of(response) or causes.from_sip(status))

    def _again(self, timer_headers: list[Header]) -> None:
        """Send the INVITE again with the session interval the peer asks for."""
        outgoing = self.outgoing
        assert outgoing is not None
        request = outgoing.request.copy()
        request.set("CSeq", f"{self.call.next_cseq()} INVITE")
        for name, value in timer_headers:
            request.set(name, value)
        self._send(request, *self._way(self.destination.contact))

    # ---- redirection ----------------------------------------------------------------------------------

    def _redirecting(self, response: Response) -> None:
        channel = self.call.channel
        assert channel is not None
        redirecting = redirecting_of_response(response, self.call.party)
        if redirecting is not None:
            channel.redirecting = redirecting
            if response.status == 181:
                channel.deliver(Control(Condition.REDIRECTING, redirecting))

    def _redirected(self, response: Response, channel: SipChannel) -> bool:
        """Follow a 3xx by the endpoint's redirect_method; True when the INVITE goes on elsewhere by itself."""
        call = self.call
        try:
            targets = [address.uri for address in response.contacts if isinstance(address.uri, SipUri)]
        except SIPError:
            targets = []
        if not targets:
            return False
        method = call.endpoint.redirect_method
        if method == "uri_pjsip":
            if self._redirections >= MOST_REDIRECTIONS:
                return False
            self._redirections += 1
            self._send_elsewhere(targets[0])
            return True
        self._redirecting(response)
        if method == "user":
            user = targets[0].user
            if call.stack.config.settings.ignore_uri_user_options:
                user = user.partition(";")[0]
            forward = user
        else:
            forward = f"PJSIP/{call.endpoint.name}/{targets[0]}"
        if forward:
            channel.deliver(Forward(forward))
        return False

    def _send_elsewhere(self, target: SipUri) -> None:
        outgoing = self.outgoing
        assert outgoing is not None
        request = outgoing.request.copy()
        request.target = str(target)
        request.set("CSeq", f"{self.call.next_cseq()} INVITE")
        request.touched()
        self.destination = Destination(self.call.endpoint, target, None)
        verbose(3, "%s: redirected to %s", self.call.name, next_hop(request))
        self._send(request, *self._way(None))

    def prack(self, incoming: IncomingRequest) -> None:
        """A PRACK makes no sense for an INVITE of ours."""
        incoming.respond(481)


def _ignored(outgoing: OutgoingRequest, response: Response) -> None:
    log.debug("%s answered %d", outgoing.request.method, response.status)


__all__ = ["CALLING", "ENDED", "Destination", "OutgoingInvite", "destination_of", "new_call"]
