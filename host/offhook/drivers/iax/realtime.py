"""Users and peers of a database: the realtime families iaxusers and iaxpeers, asked about who is not in iax.conf."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from offhook.config.acl import named_acls
from offhook.config.model import Entry as Line
from offhook.config.model import Section
from offhook.drivers.iax.peers import Peer
from offhook.drivers.iax.reading import make_entry
from offhook.drivers.iax.resolving import resolve
from offhook.storage.realtime import realtime_of

if TYPE_CHECKING:
    from offhook.drivers.iax.reading import Entry
    from offhook.drivers.iax.stack import IaxStack
    from offhook.iax.elements import Address
    from offhook.storage.realtime import Row

log = logging.getLogger(__name__)
USERS, PEERS = "iaxusers", "iaxpeers"
_STATE = frozenset({"name", "ipaddr", "regseconds", "regserver", "id"})
"""Columns that are no options."""


class Friends:
    """Those that the databases have, and what is remembered of them (rtcachefriends)."""

    def __init__(self, stack: IaxStack) -> None:
        self.stack = stack
        self.users: dict[str, Entry] = {}

    @property
    def has_users(self) -> bool:
        """Whether a database has users."""
        return realtime_of(self.stack.pbx).maps(USERS)

    @property
    def has_peers(self) -> bool:
        """Whether a database has peers."""
        return realtime_of(self.stack.pbx).maps(PEERS)

    def _entry(self, name: str, row: Row, kind: str) -> Entry | None:
        section = Section(name, f"realtime {kind}")
        lines = [Line(column, value, section.file) for column, value in row if column.lower() not in _STATE]
        if not any(line.name.lower() == "type" for line in lines):
            lines.append(Line("type", "friend", section.file))
        section.entries += lines
        reading = self.stack.reading
        told = len(reading.errors)
        entry = make_entry(section, reading, named_acls(self.stack.pbx), realtime=True)
        for error in reading.errors[told:]:
            log.warning("%s", error)
        del reading.errors[told:]
        return entry

    async def user(self, name: str, host: str) -> Entry | None:
        """Who calls by that name from an address."""
        if name in self.users:
            return self.users[name]
        row = await realtime_of(self.stack.pbx).one(USERS, [("name", name)])
        entry = self._entry(name, row, USERS) if row is not None else None
        if entry is None or not entry.is_user:
            return None
        if entry["host"] and not entry.dynamic:
            place = await resolve(self.stack.pbx, entry["host"], None)
            if place is None or place[0] != host:
                return None
        if self.stack.reading.general["rtcachefriends"]:
            self.users[name] = entry
        return entry

    async def peer(self, name: str) -> Peer | None:
        """The peer of that name, where it registered last or is by its host."""
        stack = self.stack
        if name in stack.peers:
            return stack.peers[name]
        row = await realtime_of(stack.pbx).one(PEERS, [("name", name)])
        entry = self._entry(name, row, PEERS) if row is not None else None
        if row is None or entry is None or not entry.is_peer:
            return None
        peer = Peer(stack, entry)
        if stack.reading.general["rtcachefriends"]:
            stack.peers[name] = peer
            peer.configure(entry)
        if entry.dynamic:
            peer.address = self._registered(dict(row))
        elif entry["host"]:
            services = stack.reading.general["srvlookup"]
            peer.address = await resolve(stack.pbx, entry["host"], entry["port"], services=services)
        return peer

    def _registered(self, row: dict[str, str]) -> Address | None:
        """Where a peer registered, unless that was too long ago."""
        host, port, since = row.get("ipaddr", ""), row.get("port", ""), row.get("regseconds", "")
        general = self.stack.reading.general
        if not host or not port.isdigit():
            return None
        if not general["rtignoreregexpire"] and since.isdigit() and int(since) + general["maxregexpire"] < time.time():
            return None
        return host, int(port)

    def wrote(self, peer: Peer, address: Address | None) -> None:
        """A peer of a database registered, or released its registration: the database is told."""
        stack = self.stack
        general = stack.reading.general
        if not peer.entry.realtime or not general["rtupdate"]:
            return
        host, port = (address[0], str(address[1])) if address is not None else ("", "")
        values = [("ipaddr", host), ("port", port), ("regseconds", str(int(time.time()) if address else 0))]
        system = stack.pbx.options.system_name
        if general["rtsavesysname"] and system:
            values.append(("regserver", system))
        stack.pbx.spawn(realtime_of(stack.pbx).update(PEERS, [("name", peer.name)], values), f"place of {peer.name}")

    def prune(self, name: str) -> bool:
        """Forget what is remembered of somebody ("all": of everybody); whether there was anything."""
        names = [*self.users, *(each for each, peer in self.stack.peers.items() if peer.entry.realtime)]
        gone = [each for each in names if name in ("all", each)]
        for each in gone:
            self.users.pop(each, None)
            peer = self.stack.peers.get(each)
            if peer is not None and peer.entry.realtime:
                self.stack.peers.pop(each).stop()
        return bool(gone)
