"""res_http_media_cache: sound files are named by http and https URIs wherever one is played."""

from __future__ import annotations

import logging
import os

from offhook import __version__
from offhook.calls.pbx import Pbx
from offhook.calls.prompts import REMOTE
from offhook.config.model import ConfigError
from offhook.config.options import Schema, flag, integer, string
from offhook.modules import CommandError, Module, Request
from offhook.services.media_cache.cache import MediaCache
from offhook.services.media_cache.terms import CannotFetch, Terms

log = logging.getLogger(__name__)
module = Module("res_http_media_cache", "HTTP Media Cache Backend", priority=14)

FILE = "res_http_media_cache.conf"
SCHEMA = Schema("res_http_media_cache", FILE, "sound files of web servers")
_general = SCHEMA.type("general", "How sound files are fetched.")
_general.option("timeout_secs", integer(1, 86400, "s"), 180, "How long a server may take.")
_general.option("user_agent", string(), f"Offhook/{__version__}", "How we call ourselves.")
_general.option("follow_location", flag(), True, "Go where a server sends us.")
_general.option("max_redirects", integer(0, 1000), 8, "So often at most.")
_general.option("proxy", string(), "", "Proxy to fetch through: http://host:port.")
_general.option("protocols", string(), "http,https", "Protocols that may be used.")
_general.option("redirect_protocols", string(), "http,https", "Protocols that a server may send us to.")
_general.option("dns_cache_timeout_secs", integer(-1), 60, "Read and ignored: names are looked up each time.")


def _cache(pbx: Pbx) -> MediaCache:
    found: MediaCache = pbx.parts[REMOTE]
    return found


@module.on_load
def load(pbx: Pbx) -> None:
    """Know again what was fetched, and fetch what is asked for."""
    cache = pbx.parts[REMOTE] = MediaCache(pbx, os.path.join(pbx.paths.cache, "media"))
    reload(pbx)
    cache.recall()


@module.on_reload
def reload(pbx: Pbx) -> None:
    """Read res_http_media_cache.conf."""
    config = pbx.config.load(FILE, module.name)
    errors: list[ConfigError] = []
    values = _general.apply(config.get("general") if config is not None else None, errors)
    for error in errors:
        log.warning("%s", error)
    allowed = (frozenset(filter(None, values[name].replace(" ", "").lower().split(",")))
               for name in ("protocols", "redirect_protocols"))  # fmt: skip
    _cache(pbx).terms = Terms(
        float(values["timeout_secs"]),
        values["user_agent"],
        values["follow_location"],
        values["max_redirects"],
        values["proxy"],
        *allowed,
    )


@module.on_unload
def unload(pbx: Pbx) -> None:
    """Fetch no more; the files stay."""
    del pbx.parts[REMOTE]


# ---- commands -----------------------------------------------------------------------------------------


def _uris(pbx: Pbx, args: list[str], _typed: str) -> list[str]:
    return [] if args else sorted(_cache(pbx).entries)


@module.command("media cache show all", "Show all items in the media cache")
def show_all(request: Request) -> None:
    """List the sound files that have been fetched."""
    if request.args:
        raise request.usage()
    entries = _cache(request.pbx).entries
    request.print("URI\n\tLocal File", "---------------")
    request.print(*(f"{uri}\n\t{entry.path}" for uri, entry in sorted(entries.items())))


@module.command("media cache show <uri>", "Show a single item in the media cache", complete=_uris)
def show(request: Request) -> None:
    """Show where a file lies, and what its server said about it."""
    uri = _argument(request)
    entry = _cache(request.pbx).entries.get(uri)
    if entry is None:
        raise CommandError(f"Unable to find '{uri}' in the media cache")
    request.print(f"URI: {uri}", "-" * 40, f"{'Path':>20}: {entry.path}")
    request.print(*(f"{name:>20}: {value}" for name, value in sorted(entry.metadata.items())))


@module.command("media cache delete <uri>", "Remove an item from the media cache", complete=_uris)
def delete(request: Request) -> None:
    """Give a file up; the next time it is fetched anew."""
    uri = _argument(request)
    if not _cache(request.pbx).delete(uri):
        raise CommandError(f"Unable to delete '{uri}'")
    request.print(f"Deleted '{uri}' from the media cache")


@module.command("media cache refresh <uri>", "Refresh an item in the media cache", complete=_uris)
async def refresh(request: Request) -> None:
    """Fetch a file, again or for the first time."""
    uri = _argument(request)
    try:
        entry = await _cache(request.pbx).fetch(uri)
    except CannotFetch as error:
        raise CommandError(f"Unable to refresh '{uri}': {error}") from None
    request.print(f"Refreshed '{uri}' to local storage '{entry.bare}'")


@module.command("media cache create <uri> <file>", "Create an item in the media cache")
def create(request: Request) -> None:
    """Have a file that lies here stand for a URI."""
    if len(request.args) != 2:
        raise request.usage()
    uri, path = request.args
    try:
        _cache(request.pbx).create(uri, path)
    except ValueError as error:
        raise CommandError(f"Unable to create '{uri}' associated with local file '{path}': {error}") from None
    request.print(f"Created '{uri}' for '{path}' in the media cache")


def _argument(request: Request) -> str:
    if len(request.args) != 1:
        raise request.usage()
    return request.args[0]
