"""Memory caches of sorcery.conf over tables of a database."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from offhook.calls import events
from offhook.config.parser import loads
from offhook.drivers.sip.configuration import memory_cache, realtime
from offhook.drivers.sip.configuration.caching import MemoryCache, read_caches
from offhook.drivers.sip.configuration.reading import MIRROR
from offhook.modules import ActionError, ActionRequest, CommandError, Request
from support.sip_tables import Tables

ALICE = {"id": "alice", "context": "first"}


async def opened(office: Any, tables: Tables, options: str) -> Any:
    """The endpoint cache and its mirror, with the stack running."""
    sorcery = f"[res_pjsip]\nendpoint/cache = memory_cache{options}\nendpoint = realtime,ps_endpoints\n"
    (office.folder / "sorcery.conf").write_text(sorcery)
    await realtime.load(office.pbx)
    await office.telephone("", "[first]\nexten => 1,1,Answer\n")
    return office.pbx.parts[MIRROR].caches["endpoint"], office.pbx.parts[MIRROR]


def known(office: Any) -> str:
    found = office.stack.config.endpoints.get("alice")
    return found.context if found else ""


async def test_what_a_cache_holds_is_not_read(office: Any, tables: Tables) -> None:
    tables.put("ps_endpoints", **ALICE)
    cache, mirror = await opened(office, tables, "")
    await mirror.look_up("alice")
    tables.put("ps_endpoints", **{**ALICE, "context": "second"})
    before = len(tables.asked)
    await mirror.look_up("alice")
    assert (known(office), len(tables.asked)) == ("first", before)
    await asyncio.sleep(realtime.COMPARE_S + 1)
    assert known(office) == "first", "comparing the tables leaves alone what is held"
    cache.drop("alice")
    await mirror.look_up("alice")
    assert known(office) == "second"


async def test_rows_of_a_full_cache_are_read_together(office: Any, tables: Tables) -> None:
    tables.put("ps_endpoints", **ALICE)
    cache, mirror = await opened(office, tables, ",full_backend_cache=yes,object_lifetime_maximum=300")
    assert cache.names(0) == ["alice"]
    before = len(tables.asked)
    await mirror.look_up("nobody")
    await asyncio.sleep(realtime.COMPARE_S + 1)
    assert len(tables.asked) == before
    tables.rows.clear()
    assert await mirror.populate(cache) == 0
    assert known(office) == ""
    tables.put("ps_endpoints", **ALICE)
    await mirror.look_up("alice")
    assert known(office) == "first", "what holds nothing is read again"
    tables.put("ps_endpoints", **{**ALICE, "context": "second"})
    await asyncio.sleep(290)
    await mirror.look_up("alice")
    assert known(office) == "first"
    await asyncio.sleep(11)
    await mirror.look_up("alice")
    tables.down = True
    assert await mirror.populate(cache) is None
    assert known(office) == "second", "what cannot be read stays as it was"


async def test_what_is_stale_is_read_while_it_is_used(office: Any, tables: Tables) -> None:
    tables.put("ps_endpoints", **ALICE)
    _, mirror = await opened(office, tables, ",object_lifetime_stale=20")
    await mirror.look_up("alice")
    tables.put("ps_endpoints", **{**ALICE, "context": "second"})
    told: list[events.TestEvent] = []
    office.pbx.bus.subscribe(events.TestEvent, told.append)
    await asyncio.sleep(21)
    await mirror.look_up("alice")
    assert known(office) == "first"
    await asyncio.sleep(1)
    assert known(office) == "second"
    assert [(event.state, event.headers[-1]) for event in told] == [
        ("SORCERY_MEMORY_CACHE_REFRESHED", ("Name", "alice"))
    ]


async def test_a_reload_empties_it_if_it_is_to(office: Any, tables: Tables) -> None:
    tables.put("ps_endpoints", **ALICE)
    cache, mirror = await opened(office, tables, ",expire_on_reload=yes,name=mine")
    await mirror.look_up("alice")
    assert (cache.name, cache.names(0)) == ("mine", ["alice"])
    mirror.expire_on_reload()
    assert cache.names(0) == []


def test_limits() -> None:
    cache = MemoryCache("c", "aor", [("maximum_objects", "2"), ("object_lifetime_maximum", "10")])
    for at, name in enumerate("abac"):
        cache.keep(name, at)
    assert cache.names(3) == ["a", "c"]
    assert (cache.expires_in("a", 3), cache.holds("b", 3), cache.is_stale("a", 9)) == (9, False, False)
    assert cache.names(12) == ["c"]
    assert cache.make_stale("c") and not cache.make_stale("a")
    assert not cache.is_stale("c", 12), "nothing is stale without object_lifetime_stale"


def test_options_that_cannot_be_are_told() -> None:
    errors: list[Any] = []
    options = ("a/cache=%s,x=1", "b/cache=%s,maximum_objects=few", "c/cache=%s,name=", "d/cache=%s")
    lines = "\n".join(options).replace("%s", "memory_cache")
    assert list(read_caches(loads(f"[res_pjsip]\n{lines}\n", "sorcery.conf"), errors)) == ["d"]
    assert [str(error) for error in errors] == [
        'sorcery.conf:2: a memory cache has no option "x"; a has no cache',
        "sorcery.conf:3: maximum_objects of a memory cache is a number, not 'few'; b has no cache",
        "sorcery.conf:4: a memory cache needs a name after name=; c has no cache",
    ]


@pytest.mark.parametrize(
    ("action", "headers", "expected"),
    [
        ("Stale", {}, "All objects were marked as stale in the cache"),
        ("StaleObject", {"Object": "alice", "Reload": "yes"}, "The provided object was marked as stale in the cache"),
        ("StaleObject", {"Object": "bob"}, "The provided object could not be marked as stale in the cache"),
        ("StaleObject", {}, "SorceryMemoryCacheStaleObject requires that an object name be provided"),
        ("ExpireObject", {"Object": "alice"}, "The provided object was expired from the cache"),
        ("ExpireObject", {"Object": "bob"}, "The provided object could not be expired from the cache"),
        ("Expire", {}, "All objects were expired from the cache"),
        ("Expire", {"Cache": "none"}, "The provided cache does not exist"),
        ("Populate", {}, "The provided cache does not have full backend caching enabled"),
    ],
)
async def test_actions(office: Any, tables: Tables, action: str, headers: dict[str, str], expected: str) -> None:
    office.pbx.registry.add(memory_cache.module)
    tables.put("ps_endpoints", **ALICE)
    _, mirror = await opened(office, tables, ",object_lifetime_stale=9")
    await mirror.look_up("alice")
    pairs = list({"Cache": "res_pjsip/endpoint", **headers}.items())
    request = ActionRequest(office.pbx, f"SorceryMemoryCache{action}", pairs, None)
    try:
        done = office.pbx.registry.action(request.action).run(request)
        if asyncio.iscoroutine(done):
            await done
        answer = dict(request.response or ())["Message"]
    except ActionError as error:
        answer = str(error)
    assert answer.strip() == expected


async def test_commands(office: Any, tables: Tables) -> None:
    office.pbx.registry.add(memory_cache.module)
    tables.put("ps_endpoints", **ALICE)
    _, mirror = await opened(office, tables, ",object_lifetime_stale=9")
    await mirror.look_up("alice")
    name = "res_pjsip/endpoint"
    for line, expected in (
        (f"show {name}", "Number of seconds before object becomes stale: 9"),
        (f"dump {name}", "alice                     9               0"),
        (f"stale {name} alice reload", f"Successfully marked object 'alice' in memory cache '{name}' as stale"),
        (f"stale {name}", f"Marked all objects in sorcery memory cache '{name}' as stale"),
        (f"expire {name} alice", f"Successfully expired object 'alice' from cache '{name}'"),
        (f"expire {name}", f"All objects have been removed from cache '{name}'"),
        (f"populate {name}", f"Specified sorcery memory cache '{name}' does not have full backend caching enabled"),
        ("show none", "Specified sorcery memory cache 'none' does not exist"),
    ):
        words = ["sorcery", "memory", "cache", *line.split()]
        request = Request(office.pbx, " ".join(words), words, words[4:])
        try:
            done = office.pbx.registry.command(words).run(request)
            if asyncio.iscoroutine(done):
                await done
        except CommandError as error:
            request.print(str(error))
        assert expected in request.text()
