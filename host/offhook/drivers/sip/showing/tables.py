"""What "pjsip show" and "pjsip list" print, in Asterisk's shapes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from offhook.drivers.sip.configuration.options import Configured
from offhook.drivers.sip.contacts.contact import Contact, Status
from offhook.drivers.sip.requests.identify import Matcher
from offhook.drivers.sip.transport.flow import host_port
from offhook.drivers.sip.transport.transports import bind_address

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.configuration.sections import Aor, Auth, Identify, Registration, Transport
    from offhook.drivers.sip.outbound.registration import Client
    from offhook.drivers.sip.stack import SipStack

RULE = "=" * 90
WIDTH = 90
STOP = 62
"""Where the last columns begin."""

DEVICE_TEXTS = {
    "UNKNOWN": "Unknown",
    "NOT_INUSE": "Not in use",
    "INUSE": "In use",
    "BUSY": "Busy",
    "INVALID": "Invalid",
    "UNAVAILABLE": "Unavailable",
    "RINGING": "Ringing",
    "RINGINUSE": "Ring+Inuse",
    "ONHOLD": "On Hold",
}


def _indent(level: int) -> int:
    return 9 + 2 * level


def _label(text: str, level: int) -> str:
    return f"{text:>{_indent(level)}}:"


def _dots(count: int) -> str:
    return "." * count


def fit(text: str, width: int) -> str:
    """Text in a column of exactly that width."""
    return f"{text[:width]:<{width}}"


# ---- one object -------------------------------------------------------------------------------------


def device_text(stack: SipStack, endpoint: Endpoint) -> str:
    """An endpoint's device state in words."""
    return DEVICE_TEXTS.get(stack.pbx.devices.state(f"PJSIP/{endpoint.name}"), "Unknown")


def channels_of(stack: SipStack, endpoint: Endpoint) -> list[Channel]:
    """The channels of an endpoint."""
    prefix = f"pjsip/{endpoint.name.lower()}-"
    return [channel for channel in stack.pbx.channels if channel.name.lower().startswith(prefix)]


def endpoint_header(details: bool) -> Iterator[str]:
    yield " Endpoint:  <Endpoint/CID.....................................>  <State.....>  <Channels.>"
    if details:
        yield from auth_header(1)
        yield from aor_header(True, 1)
        yield from transport_header(1)
        yield from identify_header(True, 1)
        yield from channel_header(True, 1)


def endpoint_body(stack: SipStack, endpoint: Endpoint, details: bool) -> Iterator[str]:
    number = endpoint.callerid[1]
    name = f"{endpoint.name}/{number}" if number else endpoint.name
    busy_at = endpoint.device_state_busy_at or "inf"
    channels = channels_of(stack, endpoint)
    state = device_text(stack, endpoint)
    yield f"{_label('Endpoint', 0)}  {fit(name, STOP - 11)}  {fit(state, 12)}  {len(channels)} of {busy_at}"
    if not details:
        return
    config = stack.config
    for names, direction in ((endpoint.outbound_auth, "Out"), (endpoint.auth, "In")):
        for auth_name in names:
            if auth_name in config.auths:
                yield from auth_body(config.auths[auth_name], 1, direction)
    for aor_name in endpoint.aors:
        if aor_name in config.aors:
            yield from aor_body(stack, config.aors[aor_name], True, 1)
    if endpoint.transport in stack.transports.sections:
        yield from transport_body(stack, stack.transports.sections[endpoint.transport], 1)
    for identify in config.identifies.values():
        if identify.endpoint == endpoint.name:
            yield from identify_body(stack, identify, True, 1)
    for channel in channels:
        yield from channel_body(channel, True, 1)
    yield ""


def auth_header(level: int = 0) -> Iterator[str]:
    yield f"{_label('I/OAuth', level)}  <AuthId/UserName{_dots(WIDTH - _indent(level) - 20)}>"


def auth_body(auth: Auth, level: int = 0, direction: str = "") -> Iterator[str]:
    yield f"{_label(direction + 'Auth', level)}  {auth.name}/{auth.username}"


def aor_header(details: bool, level: int = 0) -> Iterator[str]:
    yield f"{_label('Aor', level)}  <Aor{_dots(STOP - _indent(level) - 7)}>  <MaxContact>"
    if details:
        yield from contact_header(level + 1)


def aor_body(stack: SipStack, aor: Aor, details: bool, level: int = 0) -> Iterator[str]:
    yield f"{_label('Aor', level)}  {fit(aor.name, STOP - _indent(level) - 12)} {aor.max_contacts:>12}"
    if not details:
        return
    location = stack.locations.by_name.get(aor.name)
    for contact in location.contacts.values() if location is not None else ():
        yield from contact_body(contact, level + 1)
    if not level:
        yield ""


def contact_header(level: int = 0) -> Iterator[str]:
    filler = _dots(STOP - _indent(level) - 23)
    yield f"{_label('Contact', level)}  <Aor/ContactUri{filler}> <Hash....> <Status> <RTT(ms)..>"


def contact_body(contact: Contact, level: int = 0) -> Iterator[str]:
    width = max(1, STOP - _indent(level) - 8 - len(contact.aor))
    digest = contact.id[len(contact.aor) + 2 :]
    roundtrip = f"{contact.roundtrip_us / 1000:.3f}" if contact.status is Status.AVAILABLE else "nan"
    yield (
        f"{_label('Contact', level)}  {contact.aor}/{fit(contact.uri, width)} {digest[:10]} "
        f"{fit(contact.status.short, 7)} {roundtrip:>11}"
    )


def transport_header(level: int = 0) -> Iterator[str]:
    filler = _dots(WIDTH - _indent(level) - 61)
    yield f"{_label('Transport', level)}  <TransportId........>  <Type>  <cos>  <tos>  <BindAddress{filler}>"


def transport_body(stack: SipStack, section: Transport, level: int = 0) -> Iterator[str]:
    if section.protocol in ("ws", "wss", "flow"):
        bound = host_port(*bind_address(section)) if section.bind else ""
    else:
        bound = host_port(*stack.transports.local(section))
    yield (
        f"{_label('Transport', level)}  {section.name:<21}  {section.protocol:>6}  {section.cos:>5}  {section.tos:>5}"
        f"  {bound}"
    )


def identify_header(details: bool, level: int = 0) -> Iterator[str]:
    yield f"{_label('Identify', level)}  <Identify/Endpoint{_dots(WIDTH - _indent(level) - 22)}>"
    if details:
        yield f"{_label('Match', level + 1)}  <criteria{_dots(38 - _indent(level + 1))}>"


def identify_body(stack: SipStack, identify: Identify, details: bool, level: int = 0) -> Iterator[str]:
    yield f"{_label('Identify', level)}  {identify.name}/{identify.endpoint}"
    if not details:
        return
    matcher = matcher_of(stack, identify)
    for text in matcher.shown():
        yield f"{_label('Match', level + 1)} {text}"
    if identify.match_header:
        yield f"{_label('Header', level + 1)} {identify.match_header}"
    if identify.match_request_uri:
        yield f"{_label('RequestURI', level + 1)} {identify.match_request_uri}"
    if not level:
        yield ""


def matcher_of(stack: SipStack, identify: Identify) -> Matcher:
    """The matcher in force for an identify section."""
    for matcher in stack.admission.identification.matchers:
        if matcher.name == identify.name:
            return matcher
    return Matcher(identify)


def channel_header(details: bool, level: int = 0) -> Iterator[str]:
    filler = _dots(STOP - _indent(level) - 13)
    yield f"{_label('Channel', level)}  <ChannelId{filler}>  <State.....>  <Time.....>"
    if details:
        filler = _dots(STOP - _indent(level + 1) - 38)
        yield f"{_label('Exten', level + 1)} <DialedExten{filler}>  CLCID: <ConnectedLineCID.......>"


def channel_body(channel: Channel, details: bool, level: int = 0) -> Iterator[str]:
    name = f"{channel.name}/{channel.application}"
    age = int(channel.pbx.now() - channel.created_at)
    clock = f"{age // 3600:02}:{age // 60 % 60:02}:{age % 60:02}"
    yield f"{_label('Channel', level)} {fit(name, STOP - _indent(level))} {fit(channel.state.text, 12)}  {clock:<11}"
    if not details:
        return
    party = channel.connected.id
    width = STOP - _indent(level + 1) - 25
    yield (
        f'{_label("Exten", level + 1)} {fit(channel.exten, width)}  CLCID: "{party.name.text}" <{party.number.text}>'
    )
    if not level:
        yield ""


def registration_header() -> Iterator[str]:
    yield " <Registration/ServerURI..............................>  <Auth....................>  <Status.......>"


def registration_body(stack: SipStack, section: Registration, client: Client | None) -> Iterator[str]:
    auth = section.outbound_auth[0] if section.outbound_auth else "n/a"
    width = max(1, 53 - len(section.name))
    status, tail = "Unregistered", "0"
    if client is not None:
        left = client.seconds_left()
        status, tail = client.status, f" (exp. {abs(left)}{'s ago)' if left < 0 else 's)'}"
    yield f" {section.name}/{fit(section.server_uri, width)}  {auth:<26}  {status:<16} {tail}"


# ---- parameters -------------------------------------------------------------------------------------


def parameters(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Names and values as the CLI lists them."""
    pairs = sorted(pairs, key=lambda pair: pair[0])
    wide = max([13, *(len(name) for name, _ in pairs)])
    value_wide = max([14, *(len(value) for _, value in pairs)])
    lines = [f" {'ParameterName':<{wide}} : ParameterValue", f" {'=' * (wide + value_wide + 3)}"]
    return lines + [f" {name:<{wide}} : {value}" for name, value in pairs]


def pairs_of(stack: SipStack, thing: Configured) -> list[tuple[str, str]]:
    """A section's options with values, as the CLI lists them: repeated ones apart."""
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.configuration.sections import Identify, Transport

    pairs = list(thing.shown())
    if isinstance(thing, Endpoint):
        pairs = [pair for pair in pairs if pair[0] != "set_var"]
        pairs += thing.set_var
    elif isinstance(thing, Identify):
        pairs = [pair for pair in pairs if pair[0] != "match"]
        pairs += [("match", text) for text in matcher_of(stack, thing).masks()]
    elif isinstance(thing, Transport):
        pairs = [(name, _bound(stack, thing) if name == "bind" else value) for name, value in pairs]
    return pairs


def _bound(stack: SipStack, section: Transport) -> str:
    if section.protocol in ("udp", "tcp", "tls"):
        return host_port(*stack.transports.local(section))
    return section.bind


# ---- the whole answer -------------------------------------------------------------------------------


def listing(
    header: Iterable[str], objects: list[Any], body: Callable[[Any], Iterable[str]], pattern: str = ""
) -> list[str]:
    """A table of objects; ``pattern`` is a regular expression on their names. Raises re.error."""
    if pattern:
        wanted = re.compile(pattern)
        objects = [each for each in objects if wanted.search(_name(each))]
    if not objects:
        return ["No objects found.", ""]
    objects = sorted(objects, key=_name)
    lines = ["", *header, RULE, ""]
    for each in objects:
        lines += body(each)
    return [*lines, "", f"Objects found: {len(objects)}", ""]


def _name(each: Any) -> str:
    return each.id if isinstance(each, Contact) else str(each.name)


def single(header: Iterable[str], body: Iterable[str], pairs: Iterable[tuple[str, str]]) -> list[str]:
    """One object with its parameters."""
    return ["", *header, RULE, "", *body, "", *parameters(pairs), ""]
