"""Who is calling whom, as SIP says it: From, P-Asserted-Identity, Remote-Party-ID, Privacy (RFC 3323, RFC 3325)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.calls.party import PROHIBITED, Name, Number, Party
from offhook.sip.errors import SIPError
from offhook.sip.message import Header, Message, Request
from offhook.sip.uri import NameAddr, SipUri, TelUri

if TYPE_CHECKING:
    from offhook.drivers.sip.configuration.endpoint import Endpoint

_OLI = ("isup-oli", "ss7-oli", "oli")
_DIALABLE = frozenset("0123456789*#ABCDabcd")
_RESTRICTED = 0x60
_SCREENED = 0x03
_PASSED = 0x01


_NOT_OF_PARTIES = frozenset({"transport", "lr", "maddr", "ttl", "method"})
"""Parameters that URIs of parties do not have, as they have no port (RFC 3261 19.1.1, table 1)."""


def party_of(address: NameAddr, presentation: int = 0) -> Party:
    """Name and number an address header gives; the number ends at a semicolon ("123;phone-context=national")."""
    uri = address.uri
    number = uri.user.partition(";")[0] if isinstance(uri, SipUri | TelUri) else ""
    return Party(
        Name(bool(address.display), address.display, presentation),
        Number(bool(number), number, presentation=presentation),
    )


def configured_party(endpoint: Endpoint) -> Party:
    """What the endpoint's callerid, callerid_privacy and callerid_tag say."""
    name, number = endpoint.callerid
    privacy = endpoint.callerid_privacy
    return Party(
        Name(bool(name), name, privacy), Number(bool(number), number, presentation=privacy), tag=endpoint.callerid_tag
    )


def first_address(message: Message, header: str) -> NameAddr | None:
    """The first address of a header, None when there is none or it cannot be read."""
    if header not in message:
        return None
    try:
        found = message.addresses(header)
    except SIPError:
        return None
    return found[0] if found else None


def asserted_party(message: Message) -> Party | None:
    """The party of P-Asserted-Identity, else of Remote-Party-ID; None when neither gives a number."""
    address = first_address(message, "P-Asserted-Identity")
    if address is not None:
        party = party_of(address)
        if party.number.valid:
            privacy = (message.get("Privacy") or "none").strip().lower()
            party.present(0 if privacy == "none" else PROHIBITED)
            return party
    address = first_address(message, "Remote-Party-ID")
    if address is not None:
        party = party_of(address)
        if party.number.valid:
            shown = PROHIBITED if (address.params.get("privacy") or "").lower() == "full" else 0
            shown |= _PASSED if (address.params.get("screen") or "").lower() == "yes" else 0
            party.present(shown)
            return party
    return None


def calling_party(request: Request, endpoint: Endpoint) -> Party:
    """Who calls: what a trusted peer asserts, else what is configured for the endpoint, else what From says."""
    if endpoint.trust_id_inbound:
        party = asserted_party(request)
        if party is not None:
            party.tag = endpoint.callerid_tag
            return party
    party = configured_party(endpoint)
    if not party.number.valid:
        said = party_of(request.from_, endpoint.callerid_privacy)
        if said.name.text or not party.name.valid:
            party.name = said.name
        party.number = said.number
    return party


def originating_line(request: Request) -> int:
    """The originating line information (ANI II digits) of From's parameters or its URI's; 0 when there is none."""
    address = request.from_
    for params in (address.params, address.uri.params):
        for name in _OLI:
            value = params.get(name)
            if value is not None:
                return int(value) if value.isascii() and value.isdigit() and len(value) < 5 else 0
    return 0


def restricted(party: Party) -> bool:
    """Whether a party may not be shown."""
    return bool(party.presentation() & _RESTRICTED)


def presentable(party: Party, endpoint: Endpoint) -> bool:
    """Whether a party may be told to the endpoint at all."""
    return party.number.valid and (endpoint.trust_id_outbound or not restricted(party))


def identity_headers(party: Party, base: NameAddr, endpoint: Endpoint, *, calling: bool) -> list[Header]:
    """P-Asserted-Identity with Privacy, and Remote-Party-ID, as the endpoint wants them.

    ``base`` gives the host: From in a request, To in a response. ``calling`` is the side of the call we are.
    """
    if not (endpoint.send_pai or endpoint.send_rpid) or not presentable(party, endpoint):
        return []
    uri = base.uri
    if not isinstance(uri, SipUri):
        return []
    params = {name: value for name, value in uri.params.items() if name not in _NOT_OF_PARTIES}
    uri = uri.replace(user=party.number.text, port=None, params=params)
    display = party.name.text if party.name.valid else ""
    headers: list[Header] = []
    hidden = restricted(party)
    if endpoint.send_pai:
        if hidden:
            headers.append(("Privacy", "id"))
        headers.append(("P-Asserted-Identity", str(NameAddr(uri, display))))
    if endpoint.send_rpid:
        passed = party.presentation() & _SCREENED == _PASSED
        told: dict[str, str | None] = {
            "party": "calling" if calling else "called",
            "privacy": "full" if hidden else "off",
            "screen": "yes" if passed else "no",
        }
        headers.append(("Remote-Party-ID", str(NameAddr(uri, display, told))))
    return headers


def phone_uri(uri: SipUri, endpoint: Endpoint) -> SipUri:
    """The URI with user=phone when user_eq_phone asks for it and its user is a telephone number."""
    user = uri.user
    if not endpoint.user_eq_phone or not user:
        return uri
    digits = user[1:] if user[0] == "+" else user
    if not _DIALABLE.issuperset(digits):
        return uri
    return uri.replace(params={**uri.params, "user": "phone"})


def from_addresses(
    party: Party, endpoint: Endpoint, default_user: str, host: str, *, domain: str = ""
) -> tuple[NameAddr, NameAddr]:
    """From of a call of ours, and the address that identity headers are made from (never anonymous).

    ``domain`` is the channel's SIPFROMDOMAIN; from_user and from_domain win over privacy.
    """
    hidden = restricted(party)
    user = endpoint.from_user or default_user
    display = ""
    if endpoint.trust_id_outbound or not hidden:
        if party.name.valid:
            display = party.name.text
        if party.number.valid:
            user = party.number.text
    if endpoint.from_user:
        user, display = endpoint.from_user, ""
    host = domain or endpoint.from_domain or host
    if "@" in user:
        # A user of several domains brings its own.
        user, _, host = user.partition("@")
    base = NameAddr(phone_uri(SipUri(host, user), endpoint), display)
    if not hidden:
        return base, base
    anonymous = SipUri(
        host if endpoint.from_domain else "anonymous.invalid",
        endpoint.from_user or "anonymous",
    )
    return NameAddr(anonymous, "Anonymous"), base


def contact_user(party: Party, endpoint: Endpoint, default_user: str, *, use_caller: bool) -> str:
    """The user part of our Contact in a call of ours."""
    if endpoint.contact_user:
        return endpoint.contact_user
    if use_caller:
        if restricted(party):
            return "anonymous"
        return party.number.text if party.number.valid else ""
    return endpoint.from_user or default_user


def news(known: Party, heard: Party) -> bool:
    """Whether what a peer asserts now differs from what we knew of it."""
    if not heard.number.valid:
        return False
    if not known.number.text or known.number.text != heard.number.text:
        return True
    return heard.name.valid and (not known.name.text or known.name.text != heard.name.text)
