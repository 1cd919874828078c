"""Sections of pjsip.conf that live in a database: sorcery.conf says which types, extconfig.conf where.

What the tables hold is mirrored here, so that everything finds endpoints at once. A request looks up its own endpoint,
addresses and secrets first: what has changed about them counts from that request on. The whole tables are compared
now and then, for what nobody asks about: who is to be qualified, registered with, or is gone. A memory cache says
what is not to be read again for a while.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from offhook.calls import events
from offhook.config.model import ConfigError, ConfigFile, Entry, Section
from offhook.drivers.sip.configuration.caching import MemoryCache, read_caches
from offhook.drivers.sip.configuration.reading import MIRROR, TYPES, Configuration, make
from offhook.modules import Module
from offhook.sip.auth import parse_digest
from offhook.sip.errors import SIPError
from offhook.sip.events import CancelReceived, TransactionTimeout, TransportFailed
from offhook.sip.layer import new_tag
from offhook.storage.realtime import realtime_of

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.sip.owners import ServerEvent
    from offhook.drivers.sip.stack import SipStack
    from offhook.sip.events import RequestReceived
    from offhook.sip.message import Request

log = logging.getLogger(__name__)
module = Module("res_sorcery_realtime", "Sorcery Realtime Object Wizard", depends=("extconfig",), priority=9)

FILE: Final = "sorcery.conf"
SECTIONS: Final = "res_pjsip"
FRESH_S: Final = 1.0
"""What was looked up is good for so long: the requests of one call do not ask again and again."""
COMPARE_S: Final = 60.0
MOST_LOOKUPS: Final = 64
"""Requests beyond so many at once are judged by what is known: names that nobody has must not become work."""

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Source:
    """Where the sections of a type come from: a family, and pjsip.conf too unless that is left out."""

    kind: str
    family: str
    file: bool = False
    file_first: bool = False


def read_sources(config: ConfigFile | None, errors: list[ConfigError]) -> dict[str, Source]:
    """What sorcery.conf says of SIP, by type of section."""
    found: dict[str, Source] = {}
    for section in config or ():
        if not section.name.startswith(SECTIONS):
            continue
        files: set[str] = set()
        for entry in section:
            kind = entry.name.partition("/")[0].strip().lower()
            wizard, _, rest = (part.strip() for part in entry.value.partition(","))
            if wizard == "config":
                files.add(kind)
                if kind in found:
                    found[kind] = Source(kind, found[kind].family, file=True)
            elif wizard == "memory_cache":
                continue  # of read_caches
            elif wizard != "realtime":
                sentence = f"{kind} cannot be kept in {wizard}; write realtime,FAMILY or config,pjsip.conf"
                errors.append(ConfigError(entry.file, entry.line, sentence))
            elif kind not in TYPES:
                what = "contacts are kept in the AstDB" if kind == "contact" else f'there is no type "{kind}"'
                errors.append(ConfigError(entry.file, entry.line, f"{what}; take the line out"))
            else:
                known = kind in files
                found[kind] = Source(kind, rest.partition(",")[0].strip() or kind, file=known, file_first=known)
    return found


def section_of(source: Source, name: str, row: Row) -> Section:
    """A row as a section of pjsip.conf. Columns have no order that anybody chose: disallow comes before allow."""
    made = Section(name, f"realtime {source.family}", 0)
    first = {"disallow": row["disallow"]} if "disallow" in row else {}
    columns = {"type": source.kind} | first | row
    made.entries = [Entry(column, value, made.file, 0) for column, value in columns.items()]
    return made


class _Waiting:
    """What becomes of a request's transaction while its rows are being read."""

    cancelled = lost = False

    def on_transaction_event(self, event: ServerEvent) -> None:
        """The peer, or its connection, gave up."""
        if isinstance(event, CancelReceived):
            self.cancelled = True
        elif isinstance(event, TransactionTimeout | TransportFailed):
            self.lost = True


class Mirror:
    """What the tables hold."""

    def __init__(self, pbx: Pbx, sources: dict[str, Source], caches: dict[str, MemoryCache] | None = None) -> None:
        self.pbx = pbx
        self.sources = sources
        self.caches = {kind: cache for kind, cache in (caches or {}).items() if kind in sources}
        self.rows: dict[str, dict[str, Row]] = {kind: {} for kind in sources}
        """By type and id."""
        self._stack: SipStack | None = None
        self._seen: dict[str, float] = {}
        """Names by when they were looked up."""
        self._lookups = 0
        self._changing = asyncio.Lock()

    # ---- reading ------------------------------------------------------------------------------------

    async def read_all(self) -> list[tuple[str, str]]:
        """Read every table; (type, id) of what has changed. A table that cannot be read stays as it was known."""
        changed = []
        for kind, cache in ((kind, self.caches.get(kind)) for kind in self.sources):
            if cache is None or not (cache.full and cache.holds("", self.pbx.now())):
                changed += await self._read_table(kind) or []
        return changed

    async def _read_table(self, kind: str, *, anew: bool = False) -> list[tuple[str, str]] | None:
        """Read a table but for what its cache holds, or that too; (type, id) of what has changed, None in vain."""
        rows = await realtime_of(self.pbx).found(self.sources[kind].family, [("id LIKE", "%")])
        if rows is None:
            return None
        new, known, cache, now = dict(map(_split, rows)), self.rows[kind], self.caches.get(kind), self.pbx.now()
        if cache is not None and cache.full:
            cache.fill(new, now)
        elif cache is not None and not anew:
            new.update({name: known[name] for name in cache.names(now) if name in known})
        self.rows[kind] = new
        return [(kind, name) for name in known.keys() | new if known.get(name) != new.get(name)]

    async def _read(self, kind: str, names: Iterable[str]) -> list[tuple[str, str]]:
        """Read some rows that no cache holds; (type, id) of what has changed."""
        changed = list[tuple[str, str]]()
        if kind not in self.sources:
            return changed
        cache = self.caches.get(kind)
        for name in names:
            now = self.pbx.now()
            if cache is None:
                changed += await self._read_row(kind, name)
            elif cache.holds(name, now):
                if cache.is_stale(name, now):
                    self.refresh_soon(cache, name)
            elif cache.full:
                changed += await self._read_table(kind) or []
            else:
                changed += await self._read_row(kind, name)
        return changed

    async def _read_row(self, kind: str, name: str) -> list[tuple[str, str]]:
        rows = await realtime_of(self.pbx).found(self.sources[kind].family, [("id", name)])
        if rows is None:
            return []
        known, row, cache = self.rows[kind].get(name), _split(rows[0])[1] if rows else None, self.caches.get(kind)
        if row is None:
            self.rows[kind].pop(name, None)
        else:
            self.rows[kind][name] = row
        if cache is not None and row is None:
            cache.drop(name)
        elif cache is not None:
            cache.keep(name, self.pbx.now())
        return [(kind, name)] if row != known else []

    def merged(self, sections: Iterable[Section]) -> list[Section]:
        """Sections of files together with those of the tables, each name of a type once."""
        kept = [section for section in sections if self._from_file(section)]
        named = {((section.first("type") or "").strip().lower(), section.name) for section in kept}
        for kind, source in self.sources.items():
            kept += [
                section_of(source, name, row) for name, row in self.rows[kind].items() if (kind, name) not in named
            ]
        return kept

    def _from_file(self, section: Section) -> bool:
        kind = (section.first("type") or section.name).strip().lower()
        source = self.sources.get(kind)
        if source is None:
            return True
        return source.file and (source.file_first or section.name not in self.rows[kind])

    # ---- while it runs ------------------------------------------------------------------------------

    def attach(self, stack: SipStack) -> None:
        """The stack runs: requests look up what is about them."""
        self._stack = stack
        stack.first_look = self.look

    def detach(self) -> None:
        """Requests look up nothing any more."""
        if self._stack is not None:
            self._stack.first_look = None
        self._stack = None

    async def watch(self) -> None:
        """Compare the tables now and then."""
        while self.pbx.parts.get(MIRROR) is self:
            await asyncio.sleep(COMPARE_S)
            async with self._changing:
                await self._apply(await self.read_all())

    def look(self, event: RequestReceived) -> bool:
        """Whether a request has to wait until its rows have been read; then it comes again by itself."""
        now = self.pbx.now()
        names = [
            name for name in dict.fromkeys(_names(event.request)) if now - self._seen.get(name, -FRESH_S) >= FRESH_S
        ]
        if not names or self._lookups >= MOST_LOOKUPS:
            return False
        self._lookups += 1
        event.transaction.user = waiting = _Waiting()
        self.pbx.spawn(self._look_up(event, names, waiting), "look up SIP sections")
        return True

    async def _look_up(self, event: RequestReceived, names: list[str], waiting: _Waiting) -> None:
        try:
            async with self._changing:
                await self._read_about(names)
        finally:
            self._lookups -= 1
            self._note(names)
        stack, transaction = self._stack, event.transaction
        if stack is None or waiting.lost:
            return
        if waiting.cancelled:
            stack.respond(transaction, event.request.response(487, "", new_tag()))
            return
        transaction.user = None
        stack.carry_out([event])

    async def _read_about(self, names: list[str]) -> None:
        """Read endpoints with their addresses and secrets."""
        changed = await self._read("endpoint", names)
        aors, auths = set(names), set(names)
        for row in filter(None, map(self.rows.get("endpoint", {}).get, names)):
            aors.update(_list(row.get("aors", "")))
            auths.update(_list(row.get("auth", "")) + _list(row.get("outbound_auth", "")))
        changed += await self._read("aor", sorted(aors)) + await self._read("auth", sorted(auths))
        await self._apply(changed)

    async def look_up(self, name: str) -> None:
        """See what the tables say of an endpoint now, unless a cache holds it."""
        async with self._changing:
            await self._read_about([name])

    # ---- caches -------------------------------------------------------------------------------------

    def forget_looks(self) -> None:
        """Caches hold less than they did: the next request looks."""
        self._seen.clear()

    def expire_on_reload(self) -> None:
        """pjsip.conf is read again."""
        for cache in self.caches.values():
            if cache.expire_on_reload:
                cache.clear()

    async def populate(self, cache: MemoryCache) -> int | None:
        """Read the whole table of a cache; how many rows there are, None when it cannot be read."""
        async with self._changing:
            changed = await self._read_table(cache.kind, anew=True)
            await self._apply(changed or [])
        return None if changed is None else len(self.rows[cache.kind])

    def refresh_soon(self, cache: MemoryCache, name: str) -> None:
        """Read what has become stale, while it is in use."""
        about = "" if cache.full else name
        if about not in cache.refreshing:
            cache.refreshing.add(about)
            self.pbx.spawn(self._refresh(cache, name, about), "refresh SIP sections")

    async def _refresh(self, cache: MemoryCache, name: str, about: str) -> None:
        try:
            async with self._changing:
                await self._apply(
                    await self._read_table(cache.kind) or [] if cache.full else await self._read_row(cache.kind, name)
                )
        finally:
            cache.refreshing.discard(about)
        headers = (("Cache", cache.name), ("Type", cache.kind), ("Name", name))
        if self.pbx.bus.wants(events.TestEvent):
            self.pbx.bus.publish(
                events.TestEvent("SORCERY_MEMORY_CACHE_REFRESHED", headers, "res_sorcery_memory_cache.c")
            )

    def _note(self, names: list[str]) -> None:
        now = self.pbx.now()
        if len(self._seen) > 16 * MOST_LOOKUPS:
            self._seen = {name: at for name, at in self._seen.items() if now - at < FRESH_S}
        self._seen.update(dict.fromkeys(names, now))

    async def _apply(self, changed: list[tuple[str, str]]) -> None:
        """Put what has changed into force."""
        stack = self._stack
        if stack is None or not changed:
            return
        from offhook.drivers.sip.resource import apply

        config, errors = Configuration(), list[ConfigError]()
        config.objects = {kind: dict(objects) for kind, objects in stack.config.objects.items()}
        for kind, name in changed:
            source, row = self.sources[kind], self.rows[kind].get(name)
            if row is None:
                config.objects[kind].pop(name, None)
            elif not (source.file_first and name in config.objects[kind]):
                made = make(section_of(source, name, row), TYPES[kind], errors)
                if made is not None:
                    config.objects[kind][name] = made
        for error in errors:
            log.error("%s", error)
        await apply(stack, config)


def _split(row: Iterable[tuple[str, str]]) -> tuple[str, Row]:
    """A row's id, and its other columns that say something."""
    columns = dict(row)
    name = columns.pop("id", "")
    return name, {column: value for column, value in columns.items() if value}


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _names(request: Request) -> Iterator[str]:
    """Ids of rows that a request may be about: users of From, To and credentials, bare and with their domains."""
    try:
        for uri in (request.from_.uri, request.to.uri):
            if user := getattr(uri, "user", ""):
                yield user
                yield f"{user}@{uri.host}"
        for header in ("Authorization", "Proxy-Authorization"):
            if value := request.get(header):
                yield parse_digest(value).get("username", "")
    except SIPError:
        return


@module.on_load
async def load(pbx: Pbx) -> None:
    """Read sorcery.conf, and the tables that it names."""
    errors: list[ConfigError] = []
    config = pbx.config.load(FILE, module.name)
    sources, caches = read_sources(config, errors), read_caches(config, errors)
    for error in errors:
        log.error("%s", error)
    if not sources:
        return
    mirror = pbx.parts[MIRROR] = Mirror(pbx, sources, caches)
    await mirror.read_all()
    pbx.spawn(mirror.watch(), "compare SIP sections")


@module.on_unload
def unload(pbx: Pbx) -> None:
    """What was known stays until pjsip.conf is read again."""
    mirror: Mirror | None = pbx.parts.pop(MIRROR, None)
    if mirror is not None:
        mirror.detach()
