"""SIP objects as headers of manager events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.drivers.sip.configuration.endpoint import Endpoint
from offhook.drivers.sip.configuration.sections import Aor, Identify
from offhook.drivers.sip.contacts.contact import Contact, Status
from offhook.drivers.sip.showing.tables import channels_of, device_text, matcher_of, pairs_of

if TYPE_CHECKING:
    from offhook.drivers.sip.configuration.options import Configured
    from offhook.drivers.sip.stack import SipStack

Pairs = list[tuple[str, str]]


def camel(name: str) -> str:
    """An option's name as a header: "max_contacts" is MaxContacts."""
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))


def detail(stack: SipStack, thing: Configured) -> Pairs:
    """Type, name and every option of an object."""
    headers = [("ObjectType", thing.TYPE), ("ObjectName", thing.name)]
    if isinstance(thing, Endpoint):
        pairs = list(thing.shown())
        if not thing.set_var:
            pairs.append(("set_var", ""))
    elif isinstance(thing, Identify):
        pairs = [pair for pair in thing.shown() if pair[0] != "match"]
        pairs.append(("match", ",".join(matcher_of(stack, thing).masks())))
    elif isinstance(thing, Aor):
        pairs = [
            (name, ",".join(contacts_of(stack, thing)) if name == "contact" else value) for name, value in thing.shown()
        ]
    else:
        pairs = pairs_of(stack, thing)
    return headers + [(camel(name), value) for name, value in dict(pairs).items()]


def contacts_of(stack: SipStack, aor: Aor) -> list[str]:
    """The contacts of an AOR as "aor/uri"."""
    location = stack.locations.by_name.get(aor.name)
    return [f"{each.aor}/{each.uri}" for each in location.contacts.values()] if location is not None else []


def aor_detail(stack: SipStack, aor: Aor, endpoint: Endpoint | None = None) -> Pairs:
    """An AOR with its contacts; with an endpoint as a part of what PJSIPShowEndpoint tells."""
    headers = [("Contacts", value) if name == "Contact" else (name, value) for name, value in detail(stack, aor)]
    if endpoint is not None:
        location = stack.locations.by_name[aor.name]
        headers += [
            ("TotalContacts", str(len(location.contacts))),
            ("ContactsRegistered", str(len(location.dynamic))),
            ("EndpointName", endpoint.name),
        ]
    return headers


def auth_detail(stack: SipStack, name: str, endpoint: Endpoint | None = None) -> Pairs:
    """An auth section."""
    headers = detail(stack, stack.config.auths[name])
    return headers + ([("EndpointName", endpoint.name)] if endpoint is not None else [])


def endpoint_state(stack: SipStack, endpoint: Endpoint) -> Pairs:
    """What an endpoint is doing."""
    return [
        ("DeviceState", device_text(stack, endpoint)),
        ("ActiveChannels", ",".join(channel.name for channel in channels_of(stack, endpoint)) or "0"),
    ]


def contact_status(stack: SipStack, contact: Contact, endpoint: str = "") -> Pairs:
    """A contact as ContactStatusDetail tells it."""
    headers = [
        ("AOR", contact.aor),
        ("URI", contact.uri),
        ("UserAgent", contact.user_agent),
        ("RegExpire", str(wall_expiry(stack, contact))),
    ]
    if contact.via_addr:
        headers.append(("ViaAddress", contact.via_addr + (f":{contact.via_port}" if contact.via_port else "")))
    if contact.call_id:
        headers.append(("CallID", contact.call_id))
    # What a configured contact says of qualifying is always the default, as in Asterisk.
    section = None if contact.static else stack.config.aors.get(contact.aor)
    return [
        *headers,
        *_reachability(contact),
        ("EndpointName", endpoint or contact.endpoint),
        ("ID", contact.id),
        ("AuthenticateQualify", str(int(section is not None and section.authenticate_qualify))),
        ("OutboundProxy", contact.outbound_proxy),
        ("Path", contact.path),
        ("QualifyFrequency", str(section.qualify_frequency if section is not None else 0)),
        ("QualifyTimeout", f"{section.qualify_timeout if section is not None else 3.0:.3f}"),
        ("Qualify2xxOnly", str(int(section is not None and section.qualify_2xx_only))),
    ]


def _reachability(contact: Contact) -> Pairs:
    roundtrip = str(contact.roundtrip_us) if contact.status is Status.AVAILABLE else "N/A"
    return [("Status", contact.status.value), ("RoundtripUsec", roundtrip)]


def contact_pairs(stack: SipStack, contact: Contact) -> Pairs:
    """A contact's fields by their names in pjsip.conf's terms."""
    section = stack.config.aors.get(contact.aor)
    yes_no = ("no", "yes")
    return [
        ("via_addr", contact.via_addr),
        ("qualify_timeout", f"{section.qualify_timeout if section is not None else 3.0:.6f}"),
        ("qualify_2xx_only", "true" if section is not None and section.qualify_2xx_only else "false"),
        ("call_id", contact.call_id),
        ("reg_server", contact.reg_server),
        ("prune_on_boot", yes_no[contact.prune_on_boot]),
        ("path", contact.path),
        ("endpoint", contact.endpoint),
        ("via_port", str(contact.via_port)),
        ("authenticate_qualify", yes_no[section is not None and section.authenticate_qualify]),
        ("uri", contact.uri),
        ("qualify_frequency", str(section.qualify_frequency if section is not None else 0)),
        ("user_agent", contact.user_agent),
        ("expiration_time", str(wall_expiry(stack, contact))),
        ("outbound_proxy", contact.outbound_proxy),
    ]


def contact_detail(stack: SipStack, contact: Contact) -> Pairs:
    """A contact as ContactList tells it."""
    headers = [("ObjectType", "contact"), ("ObjectName", contact.id)]
    headers += [(camel(name), value) for name, value in contact_pairs(stack, contact)]
    return headers + _reachability(contact)


def wall_expiry(stack: SipStack, contact: Contact) -> int:
    """When a contact expires, in seconds since the epoch; 0 for one that does not."""
    if contact.expires_at is None:
        return 0
    return int(stack.pbx.wall() + contact.expires_at - stack.now())
