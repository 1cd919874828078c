"""res_sorcery_memory_cache: commands and manager actions about the memory caches of sorcery.conf."""

from __future__ import annotations

from offhook.calls.pbx import Pbx
from offhook.config.model import TRUE_WORDS
from offhook.drivers.sip.configuration.caching import MemoryCache
from offhook.drivers.sip.configuration.reading import MIRROR
from offhook.drivers.sip.configuration.realtime import Mirror
from offhook.modules import ActionError, ActionRequest, CommandError, Module, Request, Syntax

module = Module("res_sorcery_memory_cache", "Sorcery Memory Cache Object Wizard", depends=("res_sorcery_realtime",))

FULL = (
    "Due to full backend caching per-object expiration is not available, consider using "
    "SorceryMemoryCachePopulate or SorceryMemoryCacheExpire instead\n"
)


def _caches(pbx: Pbx) -> dict[str, tuple[Mirror, MemoryCache]]:
    mirror: Mirror | None = pbx.parts.get(MIRROR)
    return {} if mirror is None else {cache.name: (mirror, cache) for cache in mirror.caches.values()}


# ---- the manager --------------------------------------------------------------------------------------


def _cache(request: ActionRequest) -> tuple[Mirror, MemoryCache]:
    name = request.require("Cache", f"{request.action} requires that a cache name be provided.\n")
    if name not in _caches(request.pbx):
        raise ActionError("The provided cache does not exist\n")
    return _caches(request.pbx)[name]


def _object(request: ActionRequest) -> str:
    return request.require("Object", f"{request.action} requires that an object name be provided\n")


@module.action("SorceryMemoryCacheExpireObject", ("system",), Syntax("Cache", "Object"))
def expire_object(request: ActionRequest) -> None:
    """Hold an object in a memory cache no longer: who needs it next reads it.

    Of a cache with full_backend_cache only everything can be given up: SorceryMemoryCacheExpire or
    SorceryMemoryCachePopulate.
    """
    (mirror, cache), name = _cache(request), _object(request)
    if cache.full:
        raise ActionError(FULL)
    if not cache.drop(name):
        raise ActionError("The provided object could not be expired from the cache\n")
    mirror.forget_looks()
    request.ok("The provided object was expired from the cache\n")


@module.action("SorceryMemoryCacheExpire", ("system",), Syntax("Cache"))
def expire(request: ActionRequest) -> None:
    """Hold nothing in a memory cache any longer: what is needed next is read."""
    mirror, cache = _cache(request)
    cache.clear()
    mirror.forget_looks()
    request.ok("All objects were expired from the cache\n")


@module.action("SorceryMemoryCacheStaleObject", ("system",), Syntax("Cache", "Object", "[Reload]"))
def stale_object(request: ActionRequest) -> None:
    """Make an object in a memory cache stale: it is read again when somebody needs it next, or with Reload: yes now.

    That takes a cache with object_lifetime_stale.
    """
    (mirror, cache), name = _cache(request), _object(request)
    if not cache.make_stale(name):
        raise ActionError("The provided object could not be marked as stale in the cache\n")
    mirror.forget_looks()
    if (request.get("Reload") or "").lower() in TRUE_WORDS:
        mirror.refresh_soon(cache, name)
    request.ok("The provided object was marked as stale in the cache\n")


@module.action("SorceryMemoryCacheStale", ("system",), Syntax("Cache"))
def stale(request: ActionRequest) -> None:
    """Make everything in a memory cache stale: it is read again when somebody needs it next.

    That takes a cache with object_lifetime_stale.
    """
    mirror, cache = _cache(request)
    cache.make_stale()
    mirror.forget_looks()
    request.ok("All objects were marked as stale in the cache\n")


@module.action("SorceryMemoryCachePopulate", ("system",), Syntax("Cache"))
async def populate(request: ActionRequest) -> None:
    """Read everything that a memory cache with full_backend_cache is about."""
    mirror, cache = _cache(request)
    if not cache.full:
        raise ActionError("The provided cache does not have full backend caching enabled\n")
    if await mirror.populate(cache) is None:
        raise ActionError("An error occurred while populating the cache\n")
    request.ok("Cache has been expired and populated\n")


# ---- the console --------------------------------------------------------------------------------------


def _names(pbx: Pbx, args: list[str], _typed: str) -> list[str]:
    caches = _caches(pbx)
    if not args:
        return list(caches)
    return caches[args[0]][1].names(pbx.now()) if len(args) == 1 and args[0] in caches else []


def _asked(request: Request, most: int = 1) -> tuple[Mirror, MemoryCache]:
    if not 1 <= len(request.args) <= most:
        raise request.usage()
    found = _caches(request.pbx).get(request.args[0])
    if found is None:
        raise CommandError(f"Specified sorcery memory cache '{request.args[0]}' does not exist")
    return found


@module.command("sorcery memory cache show <name>", "Show sorcery memory cache information", complete=_names)
def show(request: Request) -> None:
    """Show what sorcery.conf says of a memory cache, and how much it holds."""
    _, cache = _asked(request)
    limits = (
        (cache.most, "Maximum allowed objects: {}", "There is no limit on the maximum number of objects in the cache"),
        (
            cache.lifetime_s,
            "Number of seconds before object expires: {}",
            "Object expiration is not enabled - cached objects will not expire",
        ),
        (
            cache.stale_s,
            "Number of seconds before object becomes stale: {}",
            "Object staleness is not enabled - cached objects will not go stale",
        ),
    )
    request.print(
        f"Sorcery memory cache: {cache.name}",
        f"Number of objects within cache: {len(cache.names(request.pbx.now()))}",
        *(some.format(limit) if limit else none for limit, some, none in limits),
        f"Expire all objects on reload: {'On' if cache.expire_on_reload else 'Off'}",
    )


@module.command("sorcery memory cache dump <name>", "Dump all objects within a sorcery memory cache", complete=_names)
def dump(request: Request) -> None:
    """Show what a memory cache holds."""
    _, cache = _asked(request)
    now, rule = request.pbx.now(), f"{'-' * 25} {'-' * 15} {'-' * 15} "
    request.print(f"Dumping sorcery memory cache '{cache.name}':")
    if not cache.stale_s:
        request.print(" * Staleness is not enabled - objects will not go stale")
    if not cache.lifetime_s:
        request.print(" * Object lifetime is not enabled - objects will not expire")
    request.print(f"{'Object Name':<25} {'Stale In':<15} {'Expires In':<15} ", rule)
    names = cache.names(now)
    for name in names:
        expires_in = cache.expires_in(name, now) if cache.lifetime_s else 0
        stale_in = cache.stale_in(name, now) if cache.stale_s else 0
        request.print(f"{name:<25.25} {stale_in:<15} {expires_in:<15} ")
    request.print(rule, f"Total number of objects cached: {len(names)}")


@module.command(
    "sorcery memory cache expire <cache> [<object>]",
    "Expire a specific object or ALL objects within a sorcery memory cache",
    complete=_names,
)
def expire_command(request: Request) -> None:
    """Hold an object, or everything, in a memory cache no longer: what is needed next is read."""
    mirror, cache = _asked(request, 2)
    mirror.forget_looks()
    if len(request.args) == 1:
        cache.clear()
        request.print(f"All objects have been removed from cache '{cache.name}'")
        return
    name = request.args[1]
    if cache.full:
        sentence = f"Due to full backend caching per-object expiration is not available on cache '{cache.name}'"
    elif cache.drop(name):
        sentence = f"Successfully expired object '{name}' from cache '{cache.name}'"
    else:
        sentence = f"Object '{name}' was not expired from cache '{cache.name}' as it was not found"
    request.print(sentence)


@module.command(
    "sorcery memory cache stale <cache> [<object> [reload]]",
    "Mark a specific object or ALL objects as stale within a sorcery memory cache",
    complete=_names,
)
def stale_command(request: Request) -> None:
    """Make an object, or everything, in a memory cache stale: it is read again when needed next, with "reload" now."""
    mirror, cache = _asked(request, 3)
    if request.args[2:] not in ([], ["reload"]):
        raise request.usage()
    if not cache.stale_s:
        raise CommandError(f"Specified sorcery memory cache '{cache.name}' does not have staleness enabled")
    mirror.forget_looks()
    if len(request.args) == 1:
        cache.make_stale()
        request.print(f"Marked all objects in sorcery memory cache '{cache.name}' as stale")
        return
    name = request.args[1]
    if not cache.make_stale(name):
        request.print(
            f"Object '{name}' in sorcery memory cache '{cache.name}' could not be marked as stale as it was not found"
        )
        return
    request.print(f"Successfully marked object '{name}' in memory cache '{cache.name}' as stale")
    if len(request.args) == 3:
        mirror.refresh_soon(cache, name)


@module.command(
    "sorcery memory cache populate <cache>",
    "Clear and populate the sorcery memory cache with objects from the backend",
    complete=_names,
)
async def populate_command(request: Request) -> None:
    """Read everything that a memory cache with full_backend_cache is about."""
    mirror, cache = _asked(request)
    if not cache.full:
        raise CommandError(f"Specified sorcery memory cache '{cache.name}' does not have full backend caching enabled")
    number = await mirror.populate(cache)
    if number is None:
        raise CommandError(f"An error occurred while populating sorcery memory cache '{cache.name}'")
    request.print(
        f"Specified sorcery memory cache '{cache.name}' has been populated with '{number}' objects from the backend"
    )
