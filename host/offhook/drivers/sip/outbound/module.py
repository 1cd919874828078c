"""The module res_pjsip_outbound_registration: its life, its commands and its manager actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.calls.pbx import Pbx
from offhook.drivers.sip.outbound.registration import Registrations
from offhook.drivers.sip.showing.tables import listing, pairs_of, registration_body, registration_header, single
from offhook.drivers.sip.stack import PART, SipStack
from offhook.modules import ActionError, ActionRequest, CommandError, Module, Request, Syntax

if TYPE_CHECKING:
    from offhook.drivers.sip.outbound.registration import Client

module = Module(
    "res_pjsip_outbound_registration", "PJSIP Outbound Registration Support", depends=("res_pjsip",), priority=30
)
KEY = "pjsip registrations"


def registrations_of(pbx: Pbx) -> Registrations:
    """Our registrations."""
    found: Registrations = pbx.parts[KEY]
    return found


@module.on_load
def load(pbx: Pbx) -> None:
    """Begin to register."""
    registrations = pbx.parts[KEY] = Registrations(pbx.parts[PART])
    registrations.configure()


@module.on_unload
async def unload(pbx: Pbx) -> None:
    """Take every registration back."""
    await pbx.parts.pop(KEY).stop()


# ---- commands ---------------------------------------------------------------------------------------


def _names(pbx: Pbx, args: list[str], _typed: str) -> list[str]:
    return [] if args else sorted(registrations_of(pbx).clients)


def _list(request: Request) -> None:
    stack: SipStack = request.pbx.parts[PART]
    clients = registrations_of(request.pbx).clients
    pattern = ""
    if request.args:
        if request.args[0] != "like" or len(request.args) != 2:
            raise request.usage()
        pattern = request.args[1]
    sections = list(stack.config.registrations.values())
    request.print(
        *listing(
            registration_header(), sections, lambda one: registration_body(stack, one, clients.get(one.name)), pattern
        )
    )


@module.command("pjsip list registrations [like <pattern>]", "List PJSIP Registrations")
def list_registrations(request: Request) -> None:
    """List our registrations with servers.

    A regular expression on their names may follow "like".
    """
    _list(request)


@module.command("pjsip show registrations [like <pattern>]", "Show PJSIP Registrations")
def show_registrations(request: Request) -> None:
    """Show our registrations with servers.

    A regular expression on their names may follow "like".
    """
    _list(request)


@module.command("pjsip show registration <id>", "Show PJSIP Registration", complete=_names)
def show_registration(request: Request) -> None:
    """Show one registration of ours and all its options."""
    stack: SipStack = request.pbx.parts[PART]
    if len(request.args) != 1:
        raise CommandError("No object specified.")
    section = stack.config.registrations.get(request.args[0])
    if section is None:
        request.print(f"Unable to find object {request.args[0]}.", "")
        return
    client = registrations_of(request.pbx).clients.get(section.name)
    request.print(*single(registration_header(), registration_body(stack, section, client), pairs_of(stack, section)))


def _chosen(request: Request) -> list[Client]:
    if len(request.args) != 1:
        raise request.usage()
    clients = registrations_of(request.pbx).clients
    name = request.args[0]
    if name == "*all":
        return list(clients.values())
    if name not in clients:
        raise CommandError(f"Unable to retrieve registration {name}")
    return [clients[name]]


@module.command("pjsip send register <name>", "Registers an outbound registration target", complete=_names)
def send_register(request: Request) -> None:
    """Register with a server now.

    The name is that of a registration section, or *all. One that had been given up begins anew.
    """
    chosen = _chosen(request)
    for client in chosen:
        client.register_now()
    if request.args[0] == "*all":
        request.print("Re-register all queued")


@module.command("pjsip send unregister <name>", "Unregisters outbound registration target", complete=_names)
def send_unregister(request: Request) -> None:
    """Take a registration back.

    The name is that of a registration section, or *all. It stays unregistered until "pjsip send register".
    """
    chosen = _chosen(request)
    for client in chosen:
        client.unregister()
    if request.args[0] == "*all":
        request.print("Unregister all queued")


# ---- manager actions --------------------------------------------------------------------------------


def _wanted(request: ActionRequest) -> list[Client]:
    name = request.require("Registration", "Registration parameter missing.")
    clients = registrations_of(request.pbx).clients
    if name == "*all":
        return list(clients.values())
    if name not in clients:
        raise ActionError("Unable to retrieve registration entry\n")
    return [clients[name]]


@module.action("PJSIPRegister", ("system", "reporting"), Syntax("Registration"))
def register(request: ActionRequest) -> None:
    """Register with a server now.

    Registration is the name of a registration section, or *all.
    """
    for client in _wanted(request):
        client.register_now()
    everything = request.get("Registration") == "*all"
    request.ok("Reregistrations queued." if everything else "Reregistration sent")


@module.action("PJSIPUnregister", ("system", "reporting"), Syntax("Registration"))
def unregister(request: ActionRequest) -> None:
    """Take a registration back.

    Registration is the name of a registration section, or *all.
    """
    for client in _wanted(request):
        client.unregister()
    everything = request.get("Registration") == "*all"
    request.ok("Unregistrations queued." if everything else "Unregistration sent")


@module.action("PJSIPShowRegistrationsOutbound", ("system", "reporting"), Syntax())
def show_outbound(request: ActionRequest) -> None:
    """List our registrations.

    Sends an OutboundRegistrationDetail event for each, followed by an AuthDetail event for each of its secrets.
    """
    from offhook.drivers.sip.showing.details import auth_detail, detail

    stack: SipStack = request.pbx.parts[PART]
    clients = registrations_of(request.pbx).clients
    request.listed("Following are Events for each Outbound registration")
    registered = 0
    for section in stack.config.registrations.values():
        client = clients.get(section.name)
        headers = detail(stack, section)
        if client is not None:
            registered += client.status == "Registered"
            left = max(0, client.seconds_left()) if client.status == "Registered" else 0
            headers += [("Status", client.status), ("NextReg", str(left))]
        request.event("OutboundRegistrationDetail", headers)
        for name in section.outbound_auth:
            if name in stack.config.auths:
                request.event("AuthDetail", auth_detail(stack, name))
    count = len(stack.config.registrations)
    request.complete(
        "OutboundRegistrationDetailComplete",
        count,
        [("Registered", str(registered)), ("NotRegistered", str(count - registered))],
    )
