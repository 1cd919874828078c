"""Sections of type phoneprov: phones that fetch their configuration, and the endpoints that it is about."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from offhook.calls.provisioning import Line, providers_of
from offhook.drivers.sip.configuration.provisioning_section import Phoneprov
from offhook.drivers.sip.stack import PART, SipStack
from offhook.drivers.sip.transport.transports import bind_address
from offhook.modules import Module

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)
module = Module(
    "res_pjsip_phoneprov_provider",
    "PJSIP Phoneprov Provider",
    depends=("res_pjsip", "res_phoneprov"),
    priority=18,
)

DEFAULT_PORT = "5060"


def lines(stack: SipStack) -> Iterator[Line]:
    """The lines of all sections; one about an endpoint that cannot be used is told and left out."""
    for section in stack.config.of(Phoneprov).values():
        try:
            known = _of_endpoint(stack, section.endpoint) if section.endpoint else {}
        except ValueError as error:
            log.error("[%s] of type phoneprov: %s", section.name, error)
            continue
        defaults = {"USERNAME": section.name, "LABEL": section.name, "SERVER_PORT": DEFAULT_PORT}
        yield defaults | known | section.variables


def _of_endpoint(stack: SipStack, name: str) -> Line:
    """What is known of an endpoint. ValueError for one that cannot be used."""
    config = stack.config
    endpoint = config.endpoints.get(name)
    if endpoint is None:
        raise ValueError(f"there is no endpoint [{name}]")
    transport = stack.transports.sections.get(endpoint.transport)
    if transport is None:
        raise ValueError(f"endpoint {name} names no transport that is there; write transport = NAME")
    display, number = endpoint.callerid
    found = {"ENDPOINT_ID": name, "TRANSPORT_ID": endpoint.transport, "CALLERID": number, "DISPLAY_NAME": display}
    found["SERVER_PORT"] = str(bind_address(transport)[1])
    if endpoint.auth:
        auth = config.auths.get(endpoint.auth[0])
        if auth is None:
            raise ValueError(f"endpoint {name} names no auth that is there")
        found |= {"AUTH_ID": auth.name, "USERNAME": auth.username, "SECRET": auth.password}
    return {variable: value for variable, value in found.items() if value}


@module.on_load
def load(pbx: Pbx) -> None:
    """Tell the provisioning server of the sections, now and after each reload."""
    stack: SipStack = pbx.parts[PART]
    providers = providers_of(pbx)
    providers.add(module.name, lambda: lines(stack))
    pbx.parts[module.name] = changed = lambda: providers.changed(module.name)
    stack.on_reloaded.append(changed)


@module.on_unload
def unload(pbx: Pbx) -> None:
    """No more."""
    stack: SipStack = pbx.parts[PART]
    stack.on_reloaded.remove(pbx.parts.pop(module.name))
    providers_of(pbx).remove(module.name)
