"""Dialplan functions about calls: what is offered, how digits travel, where an endpoint can be dialled, URIs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offhook.calls.channel import State
from offhook.dialplan.arguments import need_channel, variable
from offhook.dialplan.condition import truth
from offhook.dialplan.invocation import FunctionError
from offhook.drivers.sip.calls.channel import SipChannel
from offhook.drivers.sip.calls.offering import offer_formats, offered_formats, refresh, set_dtmf_mode
from offhook.drivers.sip.calls.technology import module
from offhook.drivers.sip.stack import PART, SipStack
from offhook.media.formats import parse_allow
from offhook.modules import Syntax
from offhook.sip.errors import SIPError
from offhook.sip.uri import NameAddr, SipUri

if TYPE_CHECKING:
    from offhook.dialplan.scope import Scope

log = logging.getLogger(__name__)

_MODES = ("none", "rfc4733", "inband", "info", "auto", "auto_info")


def _channel(scope: Scope, function: str) -> SipChannel:
    channel = need_channel(scope, function)
    if not isinstance(channel, SipChannel):
        raise FunctionError(f"function {function} is for PJSIP channels; {channel.name} is none")
    return channel


@module.function("PJSIP_DIAL_CONTACTS", Syntax("endpoint", "[aor]", "[user]"), see_also=("Dial",))
def dial_contacts(scope: Scope, name: str, aor: str = "", user: str = "") -> str:
    """A dial string for all contacts of an endpoint.

    It rings every reachable contact at once. The contacts are those of the AOR, or of all AORs of the endpoint; with
    a user, that user is called at each of them.
    """
    stack: SipStack = scope.pbx.parts[PART]
    endpoint = stack.config.endpoints.get(name)
    if endpoint is None:
        raise FunctionError(f'PJSIP_DIAL_CONTACTS: there is no endpoint "{name}" in pjsip.conf')
    places = [each.strip() for each in aor.split(",")] if aor else list(endpoint.aors)
    if not places:
        raise FunctionError(f'PJSIP_DIAL_CONTACTS: endpoint "{name}" has no aors; name one as second argument')
    called = f"{user}@{name}" if user else name
    found = [stack.locations.by_name.get(place) for place in places]
    return "&".join(f"PJSIP/{called}/{contact.uri}" for location in found if location for contact in location.reachable)


# ---- URIs ------------------------------------------------------------------------------------------------


@module.function("PJSIP_PARSE_URI", Syntax("uri", "part"), see_also=("PJSIP_PARSE_URI_FROM",))
def parse_uri(scope: Scope, uri: str, part: str) -> str:
    """A part of a SIP URI, with or without a display name.

    The parts: display, scheme, user, passwd, host, port (0 when there is none), user_param, method_param,
    transport_param, ttl_param, lr_param and maddr_param.
    """
    return _part("PJSIP_PARSE_URI", uri, part)


@module.function("PJSIP_PARSE_URI_FROM", Syntax("variable", "part"), see_also=("PJSIP_PARSE_URI",))
def parse_uri_from(scope: Scope, name: str, part: str) -> str:
    """A part of the SIP URI that a variable holds.

    The URI is taken as it stands in the variable, commas and quotes included. The parts are those of PJSIP_PARSE_URI.
    """
    if not name:
        raise FunctionError("PJSIP_PARSE_URI_FROM needs the name of a variable")
    uri = variable(scope, name)
    if not uri:
        raise FunctionError(f"PJSIP_PARSE_URI_FROM: variable {name} holds no URI")
    return _part("PJSIP_PARSE_URI_FROM", uri, part)


def _part(function: str, text: str, part: str) -> str:
    if not text:
        raise FunctionError(f"{function} needs a URI")
    if not part:
        raise FunctionError(f"{function} needs the part wanted")
    text = text.strip()
    try:
        # Parameters without <> are the URI's own here, there is no header they could belong to.
        address = NameAddr.parse(text if "<" in text else f"<{text}>")
    except SIPError as error:
        raise FunctionError(f'{function}: "{text}" is no SIP URI: {error.detail}') from error
    uri = address.uri
    if not isinstance(uri, SipUri):
        raise FunctionError(f'{function}: "{text}" is no SIP URI')
    match part:
        case "display":
            return address.display
        case "scheme":
            return uri.scheme
        case "user":
            return uri.user
        case "passwd":
            return uri.password or ""
        case "host":
            return uri.host.strip("[]")
        case "port":
            return str(uri.port or 0)
        case "lr_param":
            return "1" if "lr" in uri.params else "0"
        case "ttl_param":
            return uri.params.get("ttl") or "-1"
        case "user_param" | "method_param" | "transport_param" | "maddr_param":
            return uri.params.get(part.removesuffix("_param")) or ""
    raise FunctionError(f'{function}: "{part}" is no part of a URI')


# ---- what is negotiated ----------------------------------------------------------------------------------


@module.function("PJSIP_MEDIA_OFFER", Syntax("kind"), see_also=("PJSIP_SEND_SESSION_REFRESH",))
def media_offer(scope: Scope, kind: str) -> str:
    """The codecs that are offered, of the kind audio or video, separated by commas.

    Assign them as allow of pjsip.conf has them (!all,ulaw). Before a call is answered or its INVITE sent, the first
    description follows them; in a call that is up, the next PJSIP_SEND_SESSION_REFRESH.
    """
    call = _channel(scope, "PJSIP_MEDIA_OFFER").session
    return ",".join(wanted.name for wanted in offered_formats(call) if wanted.kind == kind)


@media_offer.writer
def set_media_offer(scope: Scope, value: str, kind: str) -> None:
    """Choose the codecs to be offered."""
    call = _channel(scope, "PJSIP_MEDIA_OFFER").session
    if kind not in ("audio", "video"):
        raise FunctionError(f'PJSIP_MEDIA_OFFER: "{kind}" is none of audio and video')
    try:
        chosen = parse_allow(value)
    except ValueError as error:
        log.warning("PJSIP_MEDIA_OFFER: %s", error.args[0])
        chosen = error.args[1]
    offer_formats(call, kind, chosen)


@module.function(
    "PJSIP_SEND_SESSION_REFRESH", Syntax("[method]"), see_also=("PJSIP_MEDIA_OFFER",), write_only=True, raw=True
)
def send_refresh(scope: Scope, value: str, _arguments: str = "") -> None:
    """Offers the far end of a call that is up what PJSIP_MEDIA_OFFER says.

    Assign invite (a re-INVITE) or update (an UPDATE).
    """
    channel = _channel(scope, "PJSIP_SEND_SESSION_REFRESH")
    if channel.state is not State.UP:
        raise FunctionError(f"PJSIP_SEND_SESSION_REFRESH: {channel.name} is not answered yet")
    refresh(channel.session, "UPDATE" if value == "update" else "INVITE")


@module.function("PJSIP_DTMF_MODE", Syntax(), raw=True)
def dtmf_mode(scope: Scope, _arguments: str = "") -> str:
    """How digits travel in this call: rfc4733, inband, info, auto, auto_info or none.

    When it is assigned in a call that is up, the far end is told by a re-INVITE.
    """
    return _channel(scope, "PJSIP_DTMF_MODE").session.media.terms.dtmf


@dtmf_mode.writer
def write_dtmf_mode(scope: Scope, value: str, _arguments: str = "") -> None:
    """Choose how digits travel."""
    channel = _channel(scope, "PJSIP_DTMF_MODE")
    if value not in _MODES:
        raise FunctionError(f'PJSIP_DTMF_MODE: "{value}" is none of {", ".join(_MODES)}')
    set_dtmf_mode(channel, value)


@module.function("PJSIP_MOH_PASSTHROUGH", Syntax(), raw=True)
def moh_passthrough(scope: Scope, _arguments: str = "") -> str:
    """Whether a party on hold is told by a re-INVITE (YES) or hears our music (NO).

    It begins with moh_passthrough of the endpoint.
    """
    call = _channel(scope, "PJSIP_MOH_PASSTHROUGH").session
    return "YES" if call.notes.get("moh passthrough", call.endpoint.moh_passthrough) else "NO"


@moh_passthrough.writer
def set_moh_passthrough(scope: Scope, value: str, _arguments: str = "") -> None:
    """Choose it for this call."""
    _channel(scope, "PJSIP_MOH_PASSTHROUGH").session.notes["moh passthrough"] = truth(value)


@module.function("PJSIP_TRANSFER_HANDLING", Syntax(), write_only=True, raw=True)
def transfer_handling(scope: Scope, value: str, _arguments: str = "") -> None:
    """Who carries out transfers that the far end asks for.

    Assign core (or nothing): the exchange does. ari-only: an application over ARI is told and does.
    """
    call = _channel(scope, "PJSIP_TRANSFER_HANDLING").session
    if value not in ("", "core", "ari-only"):
        raise FunctionError(f'PJSIP_TRANSFER_HANDLING: "{value}" is none of core and ari-only')
    call.notes["transfers by ari"] = value == "ari-only"
