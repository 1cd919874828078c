"""Requests of the peer inside a call's dialog: re-INVITE, UPDATE, BYE, PRACK, OPTIONS and those of other files."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offhook.calls import causes
from offhook.calls.frames import Condition, Control
from offhook.drivers.sip.calls.capabilities import ALLOW, supported
from offhook.drivers.sip.calls.info import receive_info
from offhook.drivers.sip.calls.states import CONFIRMED, CONNECTING, ENDED, LAST_WORDS
from offhook.drivers.sip.calls.texts import receive_message
from offhook.drivers.sip.media.descriptions import SDP, description_of
from offhook.drivers.sip.transfers.referring import receive_refer, receive_subscribe
from offhook.drivers.sip.transfers.transfer_replies import receive_notify
from offhook.log import NOTICE
from offhook.media.engine import NoPort
from offhook.sip.errors import SIPError
from offhook.sip.events import AckReceived, CancelReceived, TransactionTimeout, TransportFailed
from offhook.sip.message import Header, Message
from offhook.sip.offer_answer import Role

if TYPE_CHECKING:
    from offhook.drivers.sip.calls.session import CallSession
    from offhook.drivers.sip.owners import ServerEvent
    from offhook.drivers.sip.requests.incoming import IncomingRequest

log = logging.getLogger(__name__)


def receive(call: CallSession, incoming: IncomingRequest) -> None:
    """Take a request inside the dialog of a call."""
    message = incoming.message
    method = message.method
    session = call.session
    assert session is not None
    if call.status is ENDED and method != "BYE":
        _after_the_end(call, incoming)
        return
    if method == "INVITE" and call.status is CONNECTING and not call.uac:
        # Their first INVITE is not acknowledged yet: not the time for another.
        incoming.respond(491)
        return
    try:
        session.receive(message, incoming.transaction)
    except SIPError as error:
        incoming.respond(error.status, error.reason, error.headers)
        return
    handler = _METHODS.get(method)
    if handler is None:
        incoming.respond(405, headers=[ALLOW])
    else:
        handler(call, incoming)


def _after_the_end(call: CallSession, incoming: IncomingRequest) -> None:
    """Our BYE is on its way: a re-INVITE that crossed it gets what was agreed last, anything else is too late."""
    local = call.media.local
    if incoming.method == "INVITE" and not incoming.message.body and local is not None:
        incoming.respond(200, headers=common_headers(call), body=local.to_bytes(), content_type=SDP)
    else:
        incoming.respond(481)


def common_headers(call: CallSession) -> list[Header]:
    """Contact, Allow and Supported of a 2xx."""
    return [("Contact", call.contact), ALLOW, supported(call)]


class ReInvite:
    """A re-INVITE of the peer from its 2xx to its ACK."""

    __slots__ = ("call", "incoming", "offered")

    def __init__(self, call: CallSession, incoming: IncomingRequest, *, offered: bool) -> None:
        self.call = call
        self.incoming = incoming
        self.offered = offered

    def on_transaction_event(self, event: ServerEvent) -> None:
        """The ACK, or that there is none."""
        call = self.call
        if isinstance(event, AckReceived):
            if self.offered:
                # Without a usable answer the call goes on as it was.
                take_acknowledged(call, event.request)
            call.refreshes.proceed()
            call.not_for_long()
        elif isinstance(event, TransactionTimeout) and event.timer == "L":
            call.lost(causes.NO_USER_RESPONSE)
        elif isinstance(event, TransportFailed | CancelReceived):
            log.debug("%s: re-INVITE: %s", call.name, type(event).__name__)


def take_acknowledged(call: CallSession, ack: Message) -> bool:
    """The ACK brings the answer to the offer in our 2xx; False when it has none that can be used."""
    session = call.session
    assert session is not None
    try:
        answer = description_of(ack)
        if answer is None:
            raise SIPError(400, detail="the ACK brings no answer")
        if session.offers.receive(answer) is Role.ANSWER:
            call.media.take_answer(answer)
    except SIPError as error:
        log.warning("%s: the answer in the ACK cannot be used: %s", call.name, error.detail)
        session.offers.withdraw()
        call.media.withdraw()
        return False
    return True


def _receive_invite(call: CallSession, incoming: IncomingRequest) -> None:
    session = call.session
    assert session is not None
    message = incoming.message
    call.take_identity(message)
    offered = False
    try:
        offer = description_of(message)
        if offer is not None:
            session.offers.receive_offer(offer)
            answer = call.media.take_offer(offer)
            session.offers.send_answer(answer)
            call.media.commit()
        else:
            fresh = call.stack.config.settings.all_codecs_on_empty_reinvite
            answer = call.media.make_offer(call.media.all_streams() if fresh else None, afresh=True)
            session.offers.send_offer(answer)
            offered = True
            if call.channel is not None:
                # Offered anew, everything flows; a peer that still holds us says so in its answer.
                call.channel.deliver(Control(Condition.UNHOLD))
    except (SIPError, NoPort) as error:
        session.offers.withdraw()
        call.media.withdraw()
        session.invite_done(incoming.transaction)
        if isinstance(error, SIPError):
            log.log(NOTICE, "%s: re-INVITE refused: %s", call.name, error.detail)
            incoming.respond(error.status, error.reason, error.headers)
        else:
            incoming.respond(503)
        return
    incoming.transaction.user = ReInvite(call, incoming, offered=offered)
    headers = common_headers(call) + session.timer.answer(message, incoming.now)
    headers += call.identity_headers(message.to)
    session.invite_done(incoming.transaction)
    incoming.respond(200, headers=headers, body=answer.to_bytes(), content_type=SDP)
    call.watch_timer()
    if "Replaces" in message:
        # A call cannot take the place of another once it is up; who tries wants to be rid of it.
        call.stack.loop.call_soon(call.far_end_gone, causes.NORMAL_CLEARING)


def _receive_update(call: CallSession, incoming: IncomingRequest) -> None:
    session = call.session
    assert session is not None
    message = incoming.message
    call.take_identity(message)
    body = b""
    try:
        offer = description_of(message)
        if offer is not None:
            session.offers.receive_offer(offer)
            answer = call.media.take_offer(offer)
            session.offers.send_answer(answer)
            call.media.commit()
            body = answer.to_bytes()
    except SIPError as error:
        session.offers.withdraw()
        call.media.withdraw()
        incoming.respond(error.status, error.reason, error.headers)
        return
    headers = common_headers(call) + session.timer.answer(message, incoming.now)
    headers += call.identity_headers(message.to)
    incoming.respond(200, headers=headers, body=body, content_type=SDP if body else "")
    call.watch_timer()


def _receive_bye(call: CallSession, incoming: IncomingRequest) -> None:
    body, content_type = call.notes.get(LAST_WORDS, (b"", ""))
    incoming.respond(200, body=body, content_type=content_type)
    call.ended_by_peer(cause_of(incoming.message) or causes.NORMAL_CLEARING)


def cause_of(message: Message) -> int:
    """The cause Reason headers give (RFC 3326): Q.850's, else that of a SIP status; 0 when they give none."""
    told = 0
    for value in message.members("Reason"):
        protocol, _, rest = value.partition(";")
        cause = rest.lower().partition("cause=")[2]
        digits = cause[: len(cause) - len(cause.lstrip("0123456789"))]
        if not digits or len(digits) > 5:
            continue
        if protocol.strip().upper() == "Q.850":
            return int(digits) & 0x7F
        if protocol.strip().upper() == "SIP":
            told = causes.from_sip(int(digits))
    return told


def _receive_prack(call: CallSession, incoming: IncomingRequest) -> None:
    opening = call.opening
    if opening is None:
        incoming.respond(481)
    else:
        opening.prack(incoming)


def _receive_options(call: CallSession, incoming: IncomingRequest) -> None:
    headers: list[Header] = [
        ("Accept", "application/sdp, application/pidf+xml, application/dialog-info+xml, message/sipfrag;version=2.0"),
        ALLOW,
        supported(call),
        ("Accept-Encoding", "identity"),
        ("Accept-Language", "en"),
    ]
    incoming.respond(200, headers=headers)


_METHODS = {
    "INVITE": _receive_invite,
    "UPDATE": _receive_update,
    "BYE": _receive_bye,
    "PRACK": _receive_prack,
    "OPTIONS": _receive_options,
    "INFO": receive_info,
    "REFER": receive_refer,
    "SUBSCRIBE": receive_subscribe,
    "NOTIFY": receive_notify,
    "MESSAGE": receive_message,
}
__all__ = ["CONFIRMED", "ReInvite", "cause_of", "common_headers", "receive", "take_acknowledged"]
