"""NOTIFYs at will: to endpoints, URIs and into calls, as pjsip_notify.conf, a manager client or the dialplan says."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from offhook.calls.pbx import Pbx
from offhook.drivers.sip.calls.channel import SipChannel
from offhook.drivers.sip.calls.states import ENDED
from offhook.drivers.sip.requests.building import outside_dialog
from offhook.drivers.sip.stack import PART, SipStack
from offhook.log import NOTICE
from offhook.modules import ActionError, ActionRequest, Module, Request, Syntax
from offhook.sip.headers import canonical

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.sip.message import Header, Response

log = logging.getLogger(__name__)

module = Module("res_pjsip_notify", "CLI/AMI PJSIP NOTIFY Support", depends=("res_pjsip",), priority=40)

FILE = "pjsip_notify.conf"
_KINDS = "pjsip_notify"
_OWN = frozenset(("call-id", "contact", "cseq", "to", "from", "record-route", "route", "request-uri", "via"))
"""Headers that belong to the request itself."""
_GAP = "PJSIPNotify requires either an endpoint name, a SIP URI, or a channel."


class NotifyError(Exception):
    """A NOTIFY cannot be sent; the sentence says why."""


class Notice:
    """What a NOTIFY says beside what every one has."""

    __slots__ = ("body", "content_type", "headers")

    def __init__(self, pairs: Iterable[Header]) -> None:
        self.headers: list[Header] = [("Subscription-State", "terminated")]
        self.content_type = ""
        lines: list[str] = []
        for name, value in pairs:
            word = name.lower()
            if word in _OWN:
                log.warning("a NOTIFY has its own %s: the one given is left out", name)
            elif word == "content-type":
                self.content_type = value
            elif word == "content":
                lines.append(value)
            elif word == "content-length":
                log.log(NOTICE, "Content-Length needs not be given: it is counted")
            elif word == "event" and any(known == "Event" for known, _ in self.headers):
                log.error('a NOTIFY has one Event: "%s" is left out', value)
            else:
                self.headers.append((canonical(name), value))
        self.body = "\r\n".join(lines).encode() if self.content_type else b""


def _kinds(pbx: Pbx) -> dict[str, list[Header]]:
    """The kinds of pjsip_notify.conf, by lower-case name."""
    found: dict[str, list[Header]] = pbx.parts.setdefault(_KINDS, {})
    return found


@module.on_load
def load(pbx: Pbx) -> None:
    """Read pjsip_notify.conf."""
    file = pbx.config.load(FILE, module.name)
    kinds = _kinds(pbx)
    if file is None:
        return
    kinds.clear()
    for section in file:
        kinds[section.name.lower()] = [(entry.name, entry.value) for entry in section]


@module.on_reload
def reload(pbx: Pbx) -> None:
    """Read it again; when it cannot be read, what was read before stays."""
    load(pbx)


@module.on_unload
def unload(pbx: Pbx) -> None:
    """Forget it."""
    pbx.parts.pop(_KINDS, None)


# ---- sending ------------------------------------------------------------------------------------------


def _answered(outgoing: object, response: Response) -> None:
    log.debug("NOTIFY was answered: %s", response)


def to_endpoint(pbx: Pbx, name: str, notice: Notice) -> None:
    """Send a NOTIFY to every contact of an endpoint. Raises NotifyError."""
    stack: SipStack = pbx.parts[PART]
    endpoint = stack.config.endpoints.get(name)
    if endpoint is None:
        raise NotifyError(f"Unable to retrieve endpoint {name}")
    if not endpoint.aors:
        log.warning("endpoint %s has no AORs to send NOTIFY to", name)
    for contact in stack.locations.contacts_of(endpoint):
        request, local = outside_dialog(
            stack,
            "NOTIFY",
            endpoint,
            contact.uri,
            contact=contact,
            headers=notice.headers,
            body=notice.body,
            content_type=notice.content_type,
        )
        stack.deliver(request, local, endpoint, contact, _answered)


def to_uri(pbx: Pbx, uri: str, notice: Notice) -> None:
    """Send a NOTIFY to a URI as default_outbound_endpoint; a warning when there is none, or the URI is none."""
    stack: SipStack = pbx.parts[PART]
    endpoint = stack.config.endpoints.get(stack.config.settings.default_outbound_endpoint)
    if endpoint is None:
        log.warning("NOTIFY to %s needs an endpoint: name one by default_outbound_endpoint of [global]", uri)
        return
    try:
        stack.send_outside_dialog(
            "NOTIFY",
            endpoint,
            uri,
            _answered,
            headers=notice.headers,
            body=notice.body,
            content_type=notice.content_type,
        )
    except ValueError as error:
        log.warning("NOTIFY cannot be sent: %s", error)


def to_channel(pbx: Pbx, name: str, notice: Notice) -> None:
    """Send a NOTIFY inside the dialog of a channel's call. Raises NotifyError."""
    channel = pbx.channels.find(name)
    if not isinstance(channel, SipChannel) or channel.session.session is None or channel.session.status is ENDED:
        raise NotifyError(f"Unable to find channel {name}")
    channel.session.send("NOTIFY", notice.headers, notice.body, notice.content_type)


# ---- interfaces -----------------------------------------------------------------------------------------

_WAYS = {"endpoint": to_endpoint, "uri": to_uri, "channel": to_channel}


def _complete(pbx: Pbx, args: list[str], typed: str) -> Sequence[str]:
    if not args:
        return list(_kinds(pbx))
    if len(args) == 1:
        return list(_WAYS)
    if args[1].lower() == "endpoint":
        stack: SipStack = pbx.parts[PART]
        return list(stack.config.endpoints)
    return [channel.name for channel in pbx.channels] if args[1].lower() == "channel" else []


@module.command(
    "pjsip send notify <type> {endpoint|uri|channel} <peer> [<peer>...]",
    "Send a NOTIFY request to a SIP endpoint",
    complete=_complete,
)
def send_notify(request: Request) -> None:
    """Send a NOTIFY of a type that pjsip_notify.conf describes to endpoints, URIs or channels."""
    if len(request.args) < 3 or request.args[1].lower() not in _WAYS:
        raise request.usage()
    kind, way, *peers = request.args
    pairs = _kinds(request.pbx).get(kind.lower())
    if pairs is None:
        request.print(f"Unable to find notify type '{kind}'")
        return
    for peer in peers:
        request.print(f"Sending NOTIFY of type '{kind}' to '{peer}'")
        try:
            _WAYS[way.lower()](request.pbx, peer, Notice(pairs))
        except NotifyError as error:
            request.print(str(error))


@module.action("PJSIPNotify", ("system",), Syntax("[Endpoint]", "[URI]", "[Channel]", "[Option]", "[Variable]"))
def notify_action(request: ActionRequest) -> None:
    """Send a NOTIFY to an endpoint, a URI, or inside a call.

    What it says is an Option, a type of pjsip_notify.conf, or Variables as name=value: headers, Content-type, and a
    Content for each line of the body.
    """
    option, variables = request.get("Option"), request.variables()
    if bool(option) == bool(request.get("Variable")):
        raise ActionError("PJSIPNotify requires either an Option or Variable(s).You must use only one of them.")
    given = [name for name in ("Endpoint", "URI", "Channel") if request.get(name)]
    if len(given) > 1:
        raise ActionError(f"{_GAP[:-1]}.  You must use only one of them.")
    if not given:
        raise ActionError(_GAP)
    way, peer = given[0], request.get(given[0])
    pairs: Sequence[Header] = variables
    if option and way != "Channel":
        found = _kinds(request.pbx).get(option.lower())
        if found is None:
            raise ActionError(f"Unable to find notify type '{option}'\n")
        pairs = found
    if way == "Endpoint":
        for prefix in ("sip/", "pjsip/"):
            if peer.lower().startswith(prefix):
                peer = peer[len(prefix) :]
    try:
        _WAYS[way.lower()](request.pbx, peer, Notice(pairs))
    except NotifyError as error:
        raise ActionError("Channel not found" if way == "Channel" else str(error)) from None
    request.ok("NOTIFY sent")


@module.application("PJSIPNotify", Syntax("[to]", "content"))
def notify_application(channel: Channel, to: str = "", content: str = "") -> None:
    """Send a NOTIFY to a URI, or inside the channel's own call.

    Without ``to`` it goes inside the call, which must be a PJSIP channel's. The content is a type of
    pjsip_notify.conf, or headers as name=value joined by &, with Content-type and a Content for each line of the body.
    """
    pairs = _kinds(channel.pbx).get(content.lower())
    if pairs is None:
        split = (part.partition("=") for part in content.split("&"))
        pairs = [(name, value) for name, equals, value in split if name and equals]
    notice = Notice(pairs)
    try:
        if to:
            to_uri(channel.pbx, to, notice)
        else:
            to_channel(channel.pbx, channel.name, notice)
    except NotifyError as error:
        log.warning("PJSIPNotify: %s", error)
