"""The parts of the stack under the module names Asterisk gives them, so that modules.conf can leave them out."""

from __future__ import annotations

from offhook.calls.pbx import Pbx
from offhook.drivers.sip.contacts.regcontext import RegistrationContext
from offhook.drivers.sip.contacts.registrar import Registrar
from offhook.drivers.sip.stack import PART, SipStack
from offhook.modules import Module

registrar = Module("res_pjsip_registrar", "PJSIP Registrar Support", depends=("res_pjsip",), priority=15)
acl = Module("res_pjsip_acl", "PJSIP ACL Resource", depends=("res_pjsip",), priority=15)
digest = Module("res_pjsip_authenticator_digest", "PJSIP authentication resource", depends=("res_pjsip",), priority=12)
outbound_digest = Module(
    "res_pjsip_outbound_authenticator_digest", "PJSIP authentication resource", depends=("res_pjsip",), priority=12
)
by_address = Module(
    "res_pjsip_endpoint_identifier_ip", "PJSIP IP endpoint identifier", depends=("res_pjsip",), priority=13
)
by_user = Module(
    "res_pjsip_endpoint_identifier_user", "PJSIP username endpoint identifier", depends=("res_pjsip",), priority=13
)
anonymous = Module(
    "res_pjsip_endpoint_identifier_anonymous",
    "PJSIP Anonymous endpoint identifier",
    depends=("res_pjsip",),
    priority=13,
)
nat = Module("res_pjsip_nat", "PJSIP NAT Support", depends=("res_pjsip",), priority=14)
resolver = Module("res_resolver_unbound", "Name look-ups by resolver_unbound.conf", depends=("res_pjsip",), priority=11)
sips_contact = Module("res_pjsip_sips_contact", "UAC SIPS Contact support", depends=("res_pjsip",), priority=16)
path = Module("res_pjsip_path", "PJSIP Path Header Support", depends=("res_pjsip_registrar",), priority=16)


@resolver.on_load
def load_resolver(pbx: Pbx) -> None:
    """Ask the name servers of resolver_unbound.conf."""
    pbx.parts[PART].resolver.configure(pbx.config.load("resolver_unbound.conf", resolver.name))


@resolver.on_reload
def reload_resolver(pbx: Pbx) -> None:
    """Read it again."""
    load_resolver(pbx)


@resolver.on_unload
def unload_resolver(pbx: Pbx) -> None:
    """Ask the system's name servers."""
    pbx.parts[PART].resolver.configure(None)


@registrar.on_load
def load_registrar(pbx: Pbx) -> None:
    """Take REGISTER."""
    stack: SipStack = pbx.parts[PART]
    stack.handlers["REGISTER"] = Registrar(stack).on_register
    RegistrationContext(stack).configure()


@registrar.on_unload
def unload_registrar(pbx: Pbx) -> None:
    """Take it no more."""
    pbx.parts[PART].handlers.pop("REGISTER", None)


@by_address.on_load
def load_by_address(pbx: Pbx) -> None:
    """Know peers by address, header and Request-URI."""
    pbx.parts[PART].admission.ways.update(("ip", "header", "request_uri"))


@by_address.on_unload
def unload_by_address(pbx: Pbx) -> None:
    """No more."""
    pbx.parts[PART].admission.ways.difference_update(("ip", "header", "request_uri"))


@by_user.on_load
def load_by_user(pbx: Pbx) -> None:
    """Know peers by the user of From or of their credentials."""
    pbx.parts[PART].admission.ways.update(("username", "auth_username"))


@by_user.on_unload
def unload_by_user(pbx: Pbx) -> None:
    """No more."""
    pbx.parts[PART].admission.ways.difference_update(("username", "auth_username"))


@anonymous.on_load
def load_anonymous(pbx: Pbx) -> None:
    """Let the endpoint "anonymous" stand for strangers."""
    pbx.parts[PART].admission.ways.add("anonymous")


@anonymous.on_unload
def unload_anonymous(pbx: Pbx) -> None:
    """No more."""
    pbx.parts[PART].admission.ways.discard("anonymous")


@acl.on_load
def load_acl(pbx: Pbx) -> None:
    """Mind the acl sections."""
    pbx.parts[PART].admission.acl_sections = True


@acl.on_unload
def unload_acl(pbx: Pbx) -> None:
    """Mind them no more."""
    pbx.parts[PART].admission.acl_sections = False


@sips_contact.on_load
def load_sips_contact(pbx: Pbx) -> None:
    """Write a sips Contact into requests that go to a sips URI (RFC 3261 8.1.1.8)."""
    pbx.parts[PART].sips_contact = True


@sips_contact.on_unload
def unload_sips_contact(pbx: Pbx) -> None:
    """No more."""
    pbx.parts[PART].sips_contact = False


# What else these modules register stands in files of their own.
from offhook.drivers.sip.showing import actions, commands  # noqa: E402, F401
