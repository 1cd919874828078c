"""res_phoneprov: phones fetch their configuration at /phoneprov/... of the web server."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from offhook.calls.pbx import Pbx
from offhook.calls.provisioning import Line, providers_of
from offhook.config.model import ConfigError
from offhook.control.http import Uri, http_server
from offhook.control.phoneprov.core import Provisioning, rows
from offhook.control.phoneprov.profiles import FILE, USERS_FILE, read_profiles, read_users
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.modules import Module, Request, Syntax
from offhook.modules.module import LoadError

log = logging.getLogger(__name__)
module = Module("res_phoneprov", "HTTP Phone Provisioning", depends=("http",), priority=17, needs="phoneprov.conf")

PART = "phoneprov"
_URI = "phoneprov.uri"
OWN = "sipusers"
"""How the provider of phoneprov_users.conf is called."""


def provisioning_of(pbx: Pbx) -> Provisioning:
    """The provisioning server of an exchange."""
    found: Provisioning = pbx.parts[PART]
    return found


@module.on_load
def load(pbx: Pbx) -> None:
    """Read phoneprov.conf and serve. Raises LoadError when it has no profile."""
    pbx.parts[PART] = provisioning = Provisioning(pbx)
    providers = providers_of(pbx)
    providers.add(OWN, lambda: _own_users(pbx))
    try:
        reload(pbx)
    except LoadError:
        providers.remove(OWN)
        del pbx.parts[PART]
        raise
    providers.on_change = provisioning.changed
    uri = Uri("phoneprov", "Asterisk HTTP Phone Provisioning Tool", provisioning.serve, subtree=True)
    pbx.parts[_URI] = uri
    http_server(pbx).link(uri)


@module.on_reload
def reload(pbx: Pbx) -> None:
    """Read the profiles, and all phones, again. Raises LoadError; then what was stays."""
    config = pbx.config.load(FILE, module.name)
    profiles = read_profiles(config) if config is not None else {}
    if not profiles:
        raise LoadError(f"{FILE} has no profile: a section that names the files of a kind of phones")
    provisioning_of(pbx).configure(profiles)


@module.on_unload
def unload(pbx: Pbx) -> None:
    """Serve no more."""
    http_server(pbx).unlink(pbx.parts.pop(_URI))
    providers = providers_of(pbx)
    providers.on_change = None
    providers.remove(OWN)
    del pbx.parts[PART]


def _own_users(pbx: Pbx) -> Iterable[Line]:
    config, users = pbx.config.load(FILE, module.name), pbx.config.load(USERS_FILE, module.name)
    errors: list[ConfigError] = []
    found = list(read_users(config, users, errors)) if config is not None and users is not None else []
    for error in errors:
        log.warning("%s", error)
    return found


# ---- functions and commands ---------------------------------------------------------------------------


@module.function("PP_EACH_USER", Syntax("string", "[exclude_mac]"), see_also=("PP_EACH_EXTENSION",))
async def each_user(scope: Scope, text: str = "", without: str = "") -> str:
    """A text for each phone that is provisioned, but one.

    %{NAME} in it are the variables of the phone: ${PP_EACH_USER(<item>%{DISPLAY_NAME}</item>,${MAC})}. For templates of
    phoneprov.conf.
    """
    return await provisioning_of(scope.pbx).each_user(text, without)


@module.function("PP_EACH_EXTENSION", Syntax("mac", "template_file"), see_also=("PP_EACH_USER",))
async def each_extension(scope: Scope, mac: str = "", template: str = "") -> str:
    """A template for each line of a phone. For templates of phoneprov.conf."""
    if not mac or not template:
        raise FunctionError("PP_EACH_EXTENSION needs the address of a phone and a template's name")
    try:
        return await provisioning_of(scope.pbx).each_line(mac, template, scope.get("SERVER") or "")
    except (ValueError, OSError) as error:
        raise FunctionError(f"PP_EACH_EXTENSION: {error}") from None


@module.command("phoneprov show routes", "Show registered phoneprov http routes")
def show_routes(request: Request) -> None:
    """List the paths that phones may ask for."""
    if request.args:
        raise request.usage()
    routes = provisioning_of(request.pbx).routes.values()
    request.print("Static routes", "", f"{'Profile':<20} {'Relative URI':<40}  {'Physical location':<30}")
    request.print(*rows(routes, dynamic=False))
    head = f"{'Provider':<20} {'Profile':<20} {'Relative URI':<40}  {'Template':<30}"
    request.print("", "Dynamic routes", "", head, *rows(routes, dynamic=True))
