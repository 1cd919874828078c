"""The CLI commands that show SIP objects, qualify contacts and reload."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from offhook.calls.pbx import Pbx
from offhook.drivers.sip.configuration.options import Configured
from offhook.drivers.sip.configuration.reading import MIRROR
from offhook.drivers.sip.contacts.contact import Contact
from offhook.drivers.sip.parts import by_address
from offhook.drivers.sip.resource import module
from offhook.drivers.sip.showing import tables
from offhook.drivers.sip.showing.details import contact_pairs
from offhook.drivers.sip.stack import PART, SipStack
from offhook.modules import CommandError, Request
from offhook.modules.loader import Reloaded


def _stack(pbx: Pbx) -> SipStack:
    found: SipStack = pbx.parts[PART]
    return found


def pattern_of(request: Request) -> str:
    """The regular expression of "like <pattern>", "" without one."""
    args = request.args
    if not args:
        return ""
    if args[0] != "like" or len(args) != 2:
        raise request.usage()
    try:
        re.compile(args[1])
    except re.error as error:
        raise CommandError(f'"{args[1]}" is no regular expression: {error}') from None
    return args[1]


def print_table(
    request: Request, header: Iterable[str], objects: Iterable[Any], body: Callable[[Any], Iterable[str]]
) -> None:
    """Print objects, those whose names match "like <pattern>"."""
    request.print(*tables.listing(header, list(objects), body, pattern_of(request)))


def _one(
    request: Request,
    found: Configured | None,
    header: Iterable[str],
    body: Callable[[Any], Iterable[str]],
) -> None:
    if found is None:
        request.print(f"Unable to find object {request.args[0]}.", "")
    else:
        stack = _stack(request.pbx)
        request.print(*tables.single(header, body(found), tables.pairs_of(stack, found)))


def object_name(request: Request) -> str:
    """The one argument."""
    if len(request.args) != 1:
        raise CommandError("No object specified.")
    return request.args[0]


def _complete(kind: str) -> Callable[[Pbx, list[str], str], list[str]]:
    def names(pbx: Pbx, args: list[str], _typed: str) -> list[str]:
        return [] if args else sorted(_stack(pbx).config.objects.get(kind, {}))

    return names


# ---- endpoints --------------------------------------------------------------------------------------


def _endpoints(request: Request, *, details: bool) -> None:
    stack = _stack(request.pbx)
    print_table(
        request,
        tables.endpoint_header(details),
        stack.config.endpoints.values(),
        lambda each: tables.endpoint_body(stack, each, details),
    )


@module.command("pjsip list endpoints [like <pattern>]", "List PJSIP Endpoints")
def list_endpoints(request: Request) -> None:
    """List the endpoints, a line each.

    A regular expression on their names may follow "like".
    """
    _endpoints(request, details=False)


@module.command("pjsip show endpoints [like <pattern>]", "Show PJSIP Endpoints")
def show_endpoints(request: Request) -> None:
    """Show the endpoints with their secrets, contacts, transports and channels.

    A regular expression on their names may follow "like".
    """
    _endpoints(request, details=True)


@module.command("pjsip show endpoint <id>", "Show PJSIP Endpoint", complete=_complete("endpoint"))
async def show_endpoint(request: Request) -> None:
    """Show one endpoint with all its options."""
    stack, name = _stack(request.pbx), object_name(request)
    if (mirror := request.pbx.parts.get(MIRROR)) is not None:
        await mirror.look_up(name)
    found = stack.config.endpoints.get(name)
    _one(request, found, tables.endpoint_header(True), lambda each: tables.endpoint_body(stack, each, True))


# ---- AORs and contacts ------------------------------------------------------------------------------


def _aors(request: Request, *, details: bool) -> None:
    stack = _stack(request.pbx)
    print_table(
        request,
        tables.aor_header(details),
        stack.config.aors.values(),
        lambda each: tables.aor_body(stack, each, details),
    )


@module.command("pjsip list aors [like <pattern>]", "List PJSIP Aors")
def list_aors(request: Request) -> None:
    """List the addresses of record, a line each.

    A regular expression on their names may follow "like".
    """
    _aors(request, details=False)


@module.command("pjsip show aors [like <pattern>]", "Show PJSIP Aors")
def show_aors(request: Request) -> None:
    """Show the addresses of record with their contacts.

    A regular expression on their names may follow "like".
    """
    _aors(request, details=True)


@module.command("pjsip show aor <id>", "Show PJSIP Aor", complete=_complete("aor"))
def show_aor(request: Request) -> None:
    """Show one address of record with all its options."""
    stack = _stack(request.pbx)
    found = stack.config.aors.get(object_name(request))
    _one(request, found, tables.aor_header(True), lambda each: tables.aor_body(stack, each, True))


def _contacts(request: Request) -> None:
    print_table(request, tables.contact_header(), _stack(request.pbx).locations.contacts(), tables.contact_body)


@module.command("pjsip list contacts [like <pattern>]", "List PJSIP Contacts")
def list_contacts(request: Request) -> None:
    """List the contacts, a line each.

    A regular expression on their names may follow "like".
    """
    _contacts(request)


@module.command("pjsip show contacts [like <pattern>]", "Show PJSIP Contacts")
def show_contacts(request: Request) -> None:
    """Show the contacts with how they answer.

    A regular expression on their names may follow "like".
    """
    _contacts(request)


def _contact_names(pbx: Pbx, args: list[str], _typed: str) -> list[str]:
    return [] if args else sorted(contact.id for contact in _stack(pbx).locations.contacts())


@module.command("pjsip show contact <id>", "Show PJSIP Contact", complete=_contact_names)
def show_contact(request: Request) -> None:
    """Show one contact with all that is known of it."""
    stack = _stack(request.pbx)
    name = object_name(request)
    found: Contact | None = stack.locations.find(name)
    if found is None:
        request.print(f"Unable to find object {name}.", "")
        return
    pairs = contact_pairs(stack, found)
    request.print(*tables.single(tables.contact_header(), tables.contact_body(found), pairs))


# ---- auths, transports, identifies ------------------------------------------------------------------


def _auths(request: Request) -> None:
    print_table(request, tables.auth_header(), _stack(request.pbx).config.auths.values(), tables.auth_body)


@module.command("pjsip list auths [like <pattern>]", "List PJSIP Auths")
def list_auths(request: Request) -> None:
    """List the auth sections, a line each.

    A regular expression on their names may follow "like".
    """
    _auths(request)


@module.command("pjsip show auths [like <pattern>]", "Show PJSIP Auths")
def show_auths(request: Request) -> None:
    """Show the auth sections.

    A regular expression on their names may follow "like".
    """
    _auths(request)


@module.command("pjsip show auth <id>", "Show PJSIP Auth", complete=_complete("auth"))
def show_auth(request: Request) -> None:
    """Show one auth section with all its options, the secret included."""
    found = _stack(request.pbx).config.auths.get(object_name(request))
    _one(request, found, tables.auth_header(), tables.auth_body)


def _transports(request: Request) -> None:
    stack = _stack(request.pbx)
    sections = stack.transports.sections.values()
    print_table(request, tables.transport_header(), sections, lambda each: tables.transport_body(stack, each))


@module.command("pjsip list transports [like <pattern>]", "List PJSIP Transports")
def list_transports(request: Request) -> None:
    """List the transports in use, a line each.

    A regular expression on their names may follow "like".
    """
    _transports(request)


@module.command("pjsip show transports [like <pattern>]", "Show PJSIP Transports")
def show_transports(request: Request) -> None:
    """Show the transports in use and where they are bound.

    A regular expression on their names may follow "like".
    """
    _transports(request)


@module.command("pjsip show transport <id>", "Show PJSIP Transport", complete=_complete("transport"))
def show_transport(request: Request) -> None:
    """Show one transport with all its options."""
    stack = _stack(request.pbx)
    found = stack.transports.sections.get(object_name(request))
    _one(request, found, tables.transport_header(), lambda each: tables.transport_body(stack, each))


def _identifies(request: Request, *, details: bool) -> None:
    stack = _stack(request.pbx)
    print_table(
        request,
        tables.identify_header(details),
        stack.config.identifies.values(),
        lambda each: tables.identify_body(stack, each, details),
    )


@by_address.command("pjsip list identifies [like <pattern>]", "List PJSIP Identifies")
def list_identifies(request: Request) -> None:
    """List the identify sections, a line each.

    A regular expression on their names may follow "like".
    """
    _identifies(request, details=False)


@by_address.command("pjsip show identifies [like <pattern>]", "Show PJSIP Identifies")
def show_identifies(request: Request) -> None:
    """Show the identify sections and what they match.

    A regular expression on their names may follow "like".
    """
    _identifies(request, details=True)


@by_address.command("pjsip show identify <id>", "Show PJSIP Identify", complete=_complete("identify"))
def show_identify(request: Request) -> None:
    """Show one identify section with all its options."""
    stack = _stack(request.pbx)
    found = stack.config.identifies.get(object_name(request))
    _one(request, found, tables.identify_header(True), lambda each: tables.identify_body(stack, each, True))


# ---- settings and state -----------------------------------------------------------------------------


@module.command("pjsip show settings", "Show global and system configuration options")
def show_settings(request: Request) -> None:
    """Show the options of the global and system sections."""
    config = _stack(request.pbx).config
    settings = dict(config.settings.shown())
    settings["user_agent"] = _stack(request.pbx).user_agent
    request.print("", "Global Settings:", "", *tables.parameters(settings.items()))
    request.print("", "System Settings:", "", *tables.parameters(config.system.shown()))


@module.command("pjsip show version", "Show the version of the SIP stack")
def show_version(request: Request) -> None:
    """Show which SIP stack runs and in which version."""
    from offhook import __version__

    request.print(f"Offhook's own SIP stack currently running: {__version__}")


@module.command("pjsip show identifiers", "List registered endpoint identifiers")
def show_identifiers(request: Request) -> None:
    """Show the ways by which endpoints are known, in the order they are tried."""
    admission = _stack(request.pbx).admission
    request.print(f"{'Identifier Names:':<20}")
    for _ in admission.first_ways:
        request.print(f"{'name not specified':<20}")
    for word in admission.identification.order:
        if word in admission.ways:
            request.print(f"{word:<20}")


@module.command("pjsip show unidentified_requests", "Show PJSIP Unidentified Requests")
def show_unidentified(request: Request) -> None:
    """Show the addresses from which requests came that belong to no endpoint."""
    stack = _stack(request.pbx)
    strangers = stack.admission.strangers(stack.now())
    if not strangers:
        request.print("No objects found.", "")
        return
    request.print("", f"{'Request':>9}:  <IP Address{'.' * 25}>  <Count>  <Age(sec)>", tables.RULE, "")
    for source, count, age in strangers:
        request.print(f"{'Request':>9}:  {source:<37}  {count:>7}  {age:>10.3f}")
    request.print("", f"Objects found: {len(strangers)}", "")


@module.command("pjsip show transport-monitors", "Show pjsip transport monitors")
def show_monitors(request: Request) -> None:
    """Show the connections and how many contacts and registrations live and die with each."""
    request.print(
        "PJSIP Transport Monitors:",
        "",
        "<Remote Host...................................> <State.....> <Direction> <RefCnt> <Monitors> "
        "<ObjName............>",
    )
    connections = list(_stack(request.pbx).transports.connections)
    for connection in connections:
        flow = connection.flow
        direction = "Incoming" if connection.incoming else "Outgoing"
        name = f"{connection.protocol.lower()}{connection.generation}"
        request.print(
            f"{flow.host + ':' + str(flow.port):<48.48} {'ACTIVE':<12} {direction:<11} {1:>8} "
            f"{len(connection.bound):>10} {name:<21}"
        )
    request.print("", f"Total Transport Monitors: {len(connections)}", "")


# ---- qualifying -------------------------------------------------------------------------------------


def _aors_of(request: Request, name: str) -> list[str]:
    stack = _stack(request.pbx)
    endpoint = stack.config.endpoints.get(name)
    if endpoint is None:
        raise CommandError(f"Unable to retrieve endpoint {name}")
    if not endpoint.aors:
        raise CommandError(f"No AORs configured for endpoint '{name}'")
    return [aor for aor in endpoint.aors if aor in stack.locations.by_name]


@module.command(
    "pjsip qualify <endpoint>", "Send an OPTIONS request to a PJSIP endpoint", complete=_complete("endpoint")
)
def qualify(request: Request) -> None:
    """Ask every contact of an endpoint whether it is there, by OPTIONS."""
    if len(request.args) != 1:
        raise request.usage()
    stack, name = _stack(request.pbx), request.args[0]
    for aor in _aors_of(request, name):
        request.print(f"Qualifying AOR '{aor}' on endpoint '{name}'")
        stack.qualify.ask(stack.locations.by_name[aor])


def _qualify_options(request: Request, aor_name: str) -> list[str]:
    aor = _stack(request.pbx).config.aors[aor_name]
    return [
        f"  Qualify frequency    : {aor.qualify_frequency} sec",
        f"  Qualify timeout      : {int(aor.qualify_timeout * 1000)} ms",
        f"  Qualify 2xx only     : {'yes' if aor.qualify_2xx_only else 'no'}",
        f"  Authenticate qualify : {'yes' if aor.authenticate_qualify else 'no'}",
    ]


@module.command(
    "pjsip show qualify endpoint <id>",
    "Show the current qualify options for all Aors on the PJSIP endpoint",
    complete=_complete("endpoint"),
)
def show_qualify_endpoint(request: Request) -> None:
    """Show how the contacts of an endpoint are qualified."""
    if len(request.args) != 1:
        raise request.usage()
    name = request.args[0]
    for aor in _aors_of(request, name):
        request.print(f" * AOR '{aor}' on endpoint '{name}'", *_qualify_options(request, aor), "")


@module.command("pjsip show qualify aor <id>", "Show the PJSIP Aor current qualify options", complete=_complete("aor"))
def show_qualify_aor(request: Request) -> None:
    """Show how the contacts of an address of record are qualified."""
    if len(request.args) != 1:
        raise request.usage()
    name = request.args[0]
    if name not in _stack(request.pbx).config.aors:
        raise CommandError(f"Unable to retrieve aor '{name}' qualify options")
    request.print(f" * AOR '{name}'", *_qualify_options(request, name))


@module.command(
    "pjsip reload qualify endpoint <id>",
    "Synchronize the qualify options for all Aors on the PJSIP endpoint",
    complete=_complete("endpoint"),
)
def reload_qualify_endpoint(request: Request) -> None:
    """Apply the qualify options of an endpoint's addresses of record again."""
    if len(request.args) != 1:
        raise request.usage()
    stack, name = _stack(request.pbx), request.args[0]
    for aor in _aors_of(request, name):
        request.print(f"Synchronizing AOR '{aor}' on endpoint '{name}'")
        stack.qualify.configured(stack.locations.by_name[aor])


@module.command("pjsip reload qualify aor <id>", "Synchronize the PJSIP Aor qualify options", complete=_complete("aor"))
def reload_qualify_aor(request: Request) -> None:
    """Apply the qualify options of an address of record again."""
    if len(request.args) != 1:
        raise request.usage()
    stack, name = _stack(request.pbx), request.args[0]
    if name not in stack.locations.by_name:
        raise CommandError(f"Unable to retrieve aor '{name}'")
    request.print(f"Synchronizing AOR '{name}'")
    stack.qualify.configured(stack.locations.by_name[name])


# ---- reload -----------------------------------------------------------------------------------------

_RELOADS = (
    "res_pjsip",
    "res_pjsip_authenticator_digest",
    "res_pjsip_endpoint_identifier_ip",
    "res_pjsip_mwi",
    "res_pjsip_notify",
    "res_pjsip_outbound_publish",
    "res_pjsip_publish_asterisk",
    "res_pjsip_outbound_registration",
)
"""What "pjsip reload" reads again, as far as it is loaded."""


@module.command("pjsip reload", "Reload the SIP configuration")
async def reload(request: Request) -> None:
    """Read pjsip.conf and the files of the other SIP modules again.

    What is wrong is logged; what is in force stays so for objects that cannot be read.
    """
    loader = request.pbx.loader
    for name in _RELOADS:
        if loader.is_running(name):
            result = await loader.reload(name)
            if result is Reloaded.SUCCESS:
                request.print(f"Module '{name}.so' reloaded successfully.")
            elif result is not Reloaded.NOT_IMPLEMENTED:
                request.print(f"Module '{name}.so' reported a reload failure.")
