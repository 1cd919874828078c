"""Session descriptions in and out of messages, and the media they are about."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from offhook.drivers.sip.media.negotiation import Terms
from offhook.drivers.sip.media.streams import CallMedia
from offhook.sip.body import find_part, multipart
from offhook.sip.errors import SIPError
from offhook.sip.message import Message
from offhook.sip.sdp import Media, Session, parse_sdp
from offhook.sip.sdp_attributes import parse_rtpmap

if TYPE_CHECKING:
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.stack import SipStack
    from offhook.drivers.sip.transport.flow import Flow

SDP = "application/sdp"


def description_of(message: Message) -> Session | None:
    """The session description a message carries; SIPError(400) for one that breaks SDP's rules."""
    body = find_part(message, SDP)
    if body is None:
        return None
    try:
        description = parse_sdp(body)
    except SIPError as error:
        raise SIPError(400, detail=error.detail) from None
    for media in description.media:
        if media.port and media.protocol.startswith("RTP/"):
            _check_payloads(media)
    return description


def _check_payloads(media: Media) -> None:
    dynamic = [payload for payload in media.payloads if payload >= 96]
    if not dynamic:
        return
    named = {mapping.payload for mapping in map(parse_rtpmap, media.get_all("rtpmap")) if mapping is not None}
    for payload in dynamic:
        if payload not in named:
            raise SIPError(400, detail=f"payload type {payload} without an rtpmap")


def enclosing(description: bytes, other: tuple[str, bytes]) -> tuple[str, bytes]:
    """(Content-Type, body) of a description, if there is one, with another (Content-Type, body) beside it."""
    parts = [(SDP, description)] if description else []
    return multipart([*parts, other], f"{random.getrandbits(64):016x}")


def new_media(stack: SipStack, endpoint: Endpoint, flow: Flow | None, *, incoming: bool) -> CallMedia:
    """The media of a call with an endpoint that is reached by a flow."""
    settings = stack.pbx.engine.settings
    terms = Terms(
        endpoint,
        endpoint.allow,
        incoming,
        endpoint.dtmf_mode,
        ice_allowed=settings.ice.enabled,
        srtp_allowed=settings.srtp,
    )
    configured = endpoint.media_address.strip("[]")
    address = configured or media_address(stack, endpoint, flow)
    if endpoint.bind_rtp_to_media_address and configured:
        bind = configured
    elif endpoint.transport and flow is not None and not flow.carrier.wildcard:
        bind = flow.carrier.host
    else:
        bind = "::" if ":" in address else "0.0.0.0"
    return CallMedia(stack.pbx, terms, address, bind)


def media_address(stack: SipStack, endpoint: Endpoint, flow: Flow | None) -> str:
    """What our descriptions advertise: the transport's external_media_address for peers beyond a NAT, else ours."""
    routing = stack.routing
    if flow is None:
        return routing.source("2001:db8::1" if endpoint.rtp_ipv6 else "192.0.2.1")
    section = flow.carrier.section
    if section.external_media_address and not routing.is_local(section, flow.host):
        return section.external_media_address
    if endpoint.rtp_ipv6 and ":" not in flow.host:
        return routing.source("2001:db8::1")
    return flow.carrier.host if not flow.carrier.wildcard else routing.source(flow.host)
