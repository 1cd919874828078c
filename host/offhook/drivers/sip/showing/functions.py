"""Dialplan functions that read SIP objects: PJSIP_AOR, PJSIP_CONTACT, PJSIP_ENDPOINT."""

from __future__ import annotations

from collections.abc import Iterable

from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.drivers.sip.contacts.contact import Status
from offhook.drivers.sip.showing.details import contact_pairs
from offhook.drivers.sip.showing.tables import pairs_of
from offhook.drivers.sip.stack import PART, SipStack
from offhook.modules import Module, Syntax

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
