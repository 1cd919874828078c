"""Dialplan functions that read SIP objects and take URIs apart."""

from __future__ import annotations

from collections.abc import Iterable

from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.drivers.sip.contact import Status
from offhook.drivers.sip.details import contact_pairs
from offhook.drivers.sip.resource import module
from offhook.drivers.sip.stack import PART, SipStack
from offhook.drivers.sip.tables import pairs_of
from offhook.modules import Module, Syntax
from offhook.sip.errors import SIPError
from offhook.sip.uri import NameAddr, SipUri
from offhook.sip.uri import parse_uri as parse_uri_text

aor_module = Module("func_pjsip_aor", "Get information about a PJSIP AOR", depends=("res_pjsip",))
contact_module = Module("func_pjsip_contact", "Get information about a PJSIP contact", depends=("res_pjsip",))
endpoint_module = Module("func_pjsip_endpoint", "Get information about a PJSIP endpoint", depends=("res_pjsip",))


def _stack(scope: Scope) -> SipStack:
    found: SipStack = scope.pbx.parts[PART]
    return found


def _field(pairs: Iterable[tuple[str, str]], field: str, what: str) -> str:
    for name, value in pairs:
        if name == field:
            return value
    raise FunctionError(f"a PJSIP {what} has no field {field!r}")


@aor_module.function("PJSIP_AOR", Syntax("name", "field"), see_also=("PJSIP_CONTACT", "PJSIP_ENDPOINT"))
def aor(scope: Scope, name: str, field: str) -> str:
    """An option of an address of record of pjsip.conf.

    The field is an option's name; "contact" gives the names of its contacts, registered and configured, with
    commas between, for PJSIP_CONTACT.
    """
    stack = _stack(scope)
    section = stack.config.aors.get(name)
    if section is None:
        raise FunctionError(f"there is no AOR {name!r} in pjsip.conf")
    if field == "contact":
        return ",".join(stack.locations.by_name[name].contacts)
    return _field(pairs_of(stack, section), field, "AOR")


@contact_module.function("PJSIP_CONTACT", Syntax("name", "field"), see_also=("PJSIP_AOR", "PJSIP_ENDPOINT"))
def contact(scope: Scope, name: str, field: str) -> str:
    """A fact about a contact.

    The name is one that PJSIP_AOR(aor,contact) gives. The field is uri, status, rtt (microseconds, or N/A),
    expiration_time, user_agent, via_addr, via_port, call_id, path, endpoint, reg_server, outbound_proxy or one
    of the AOR's qualify options.
    """
    stack = _stack(scope)
    found = stack.locations.find(name)
    if found is None:
        raise FunctionError(f"there is no contact {name!r}")
    if field == "status":
        return found.status.value
    if field == "rtt":
        return str(found.roundtrip_us) if found.status is Status.AVAILABLE else "N/A"
    return _field(contact_pairs(stack, found), field, "contact")


@endpoint_module.function("PJSIP_ENDPOINT", Syntax("name", "field"), see_also=("PJSIP_AOR", "PJSIP_CONTACT"))
def endpoint(scope: Scope, name: str, field: str) -> str:
    """An option of an endpoint of pjsip.conf.

    The field is an option's name. disallow gives the formats allowed with "!" in front.
    """
    stack = _stack(scope)
    section = stack.config.endpoints.get(name)
    if section is None:
        raise FunctionError(f"there is no endpoint {name!r} in pjsip.conf")
    if field in section.OPTIONS:
        value = section.OPTIONS[field].show(getattr(section, section.OPTIONS[field].attribute))
        return f"!{value}" if field == "disallow" else value
    return _field(section.set_var, field, "endpoint")


_PARAMETERS = ("user", "method", "transport", "maddr")


def _part(text: str, part: str) -> str:
    try:
        # Parameters of a bare URI are its own here, unlike in a header.
        address = NameAddr.parse(text) if "<" in text else NameAddr(parse_uri_text(text.strip()))
    except SIPError as error:
        raise FunctionError(f"{text!r} is no URI: {error.detail}") from None
    uri = address.uri
    if not isinstance(uri, SipUri):
        raise FunctionError(f"{text!r} is no SIP URI")
    match part:
        case "display":
            return address.display
        case "scheme" | "user" | "host":
            return str(getattr(uri, part))
        case "passwd":
            return uri.password or ""
        case "port":
            return str(uri.port or 0)
        case "ttl_param":
            return uri.params.get("ttl") or "-1"
        case "lr_param":
            return "1" if uri.loose_route else "0"
    name = part.removesuffix("_param")
    if part.endswith("_param") and name in _PARAMETERS:
        return uri.params.get(name) or ""
    raise FunctionError(f"a URI has no part {part!r}")


@module.function("PJSIP_PARSE_URI", Syntax("uri", "type"), see_also=("PJSIP_PARSE_URI_FROM",))
def parse_uri(scope: Scope, uri: str, part: str) -> str:
    """A part of a SIP URI or of an address with a display name.

    The type is display, scheme, user, passwd, host, port, user_param, method_param, transport_param,
    ttl_param, lr_param or maddr_param.
    """
    return _part(uri, part)


@module.function("PJSIP_PARSE_URI_FROM", Syntax("uri", "type"), see_also=("PJSIP_PARSE_URI",))
def parse_uri_from(scope: Scope, variable: str, part: str) -> str:
    """A part of the SIP URI that a variable holds.

    The first argument is the variable's name, so that commas and brackets in the URI do no harm. The types are
    those of PJSIP_PARSE_URI.
    """
    text = scope.get(variable)
    if not text:
        raise FunctionError(f"the variable {variable!r} must contain a URI")
    return _part(text, part)
