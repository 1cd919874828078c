"""DNS questions of the SIP stack: dnspython on the loop, /etc/hosts first, the name server of resolver_unbound.conf.

The library is imported at the first question about a name; an edge box that knows its trunk by address never loads it.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offhook.log import NOTICE
from offhook.sip.locate import Address, Naptr, Query, Record, Srv

if TYPE_CHECKING:
    from offhook.config.model import ConfigFile

log = logging.getLogger(__name__)

QUESTION_SECONDS = 5.0
FAILURE_SECONDS = 5.0
"""How long a failed question is not asked again."""
REMEMBERED = 512
STALE_SECONDS = 86400.0
"""While no server answers, what was known a day ago is better than nothing (RFC 8767)."""
IMPATIENT_SECONDS = 1.0
"""With an old answer at hand a question is given up so soon."""


class Resolver:
    """Answers Query objects of sip.locate."""

    def __init__(self, hosts_file: str = "/etc/hosts") -> None:
        self._hosts_file = hosts_file
        self._hosts: dict[str, list[str]] = {}
        self._hosts_stamp: tuple[int, int] = (0, 0)
        self._nameservers: list[tuple[str, int]] = []
        self._resolver: Any = None
        self._remembered: dict[Query, tuple[float, list[Record]]] = {}
        self._stale: dict[Query, tuple[float, list[Record]]] = {}
        """The last good answers, and when they are too old to be used."""

    def configure(self, config: ConfigFile | None) -> None:
        """Take the name servers of resolver_unbound.conf (None: the system's)."""
        self._nameservers = []
        self._resolver = None
        self._remembered.clear()
        section = config.get("general") if config is not None else None
        if section is None:
            return
        for text in section.all("nameserver"):
            host, _, port = text.strip().partition("@")
            if not port and host.count(":") == 1:
                host, _, port = host.partition(":")
            self._nameservers.append((host.strip("[]"), int(port) if port.isdigit() else 53))
        hosts = section.get("hosts", "system")
        self._hosts_file = "/etc/hosts" if hosts in ("system", None) else hosts or ""
        self._hosts_stamp = (0, 0)

    async def ask(self, query: Query) -> list[Record]:
        """The records that answer a question, [] for none or when no server answered in time."""
        if query.type in ("A", "AAAA"):
            known = self._from_hosts(query.name, ":" if query.type == "AAAA" else ".")
            if known is not None:
                return known
        now = time.monotonic()
        found = self._remembered.get(query)
        if found is not None and found[0] > now:
            return found[1]
        old = self._stale.get(query)
        if old is not None and old[0] < now:
            old = None
        found_now = await self._question(query, IMPATIENT_SECONDS if old is not None else QUESTION_SECONDS)
        if found_now is None:
            if old is not None:
                log.log(NOTICE, "no name server answers: the old answer for %s %s is used", query.type, query.name)
            found_now = (old[1] if old is not None else [], FAILURE_SECONDS)
        elif found_now[0]:
            if len(self._stale) >= REMEMBERED:
                self._stale.clear()
            self._stale[query] = (now + STALE_SECONDS, found_now[0])
        records, lifetime = found_now
        if len(self._remembered) >= REMEMBERED:
            self._remembered.clear()
        self._remembered[query] = (now + lifetime, records)
        return records

    def network_changed(self) -> None:
        """Ask everything anew: failures of before say nothing now, and the name server may be another one."""
        self._remembered.clear()
        self._resolver = None

    async def addresses(self, name: str) -> list[str]:
        """Every IPv4 and IPv6 address of a host name."""
        records = await self.ask(Query("A", name)) + await self.ask(Query("AAAA", name))
        return [record.address for record in records if isinstance(record, Address)]

    async def srv(self, name: str) -> list[Srv]:
        """The SRV records of a service name."""
        return [record for record in await self.ask(Query("SRV", name)) if isinstance(record, Srv)]

    async def _question(self, query: Query, seconds: float) -> tuple[list[Record], float] | None:
        """Records and their lifetime; None when no name server answered."""
        import dns.asyncresolver
        import dns.exception
        import dns.resolver

        resolver = self._resolver
        if resolver is None:
            resolver = self._resolver = self._make()
        try:
            answer = await resolver.resolve(query.name, query.type, search=False, lifetime=seconds)
        except (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN):
            return [], FAILURE_SECONDS
        except (dns.exception.DNSException, OSError) as error:
            log.debug("%s %s: %s", query.type, query.name, error)
            return None
        records: list[Record] = []
        for item in answer:
            if query.type in ("A", "AAAA"):
                records.append(Address(item.address))
            elif query.type == "SRV":
                records.append(Srv(item.priority, item.weight, item.port, item.target.to_text()))
            elif query.type == "NAPTR":
                records.append(
                    Naptr(
                        item.order,
                        item.preference,
                        item.flags.decode(),
                        item.service.decode(),
                        item.replacement.to_text(),
                    )
                )
        return records, float(min(answer.rrset.ttl, 3600)) if answer.rrset is not None else FAILURE_SECONDS

    def _make(self) -> Any:
        import dns.asyncresolver
        import dns.nameserver
        import dns.resolver

        if not self._nameservers:
            try:
                return dns.asyncresolver.Resolver()
            except dns.resolver.NoResolverConfiguration:
                log.warning("no name server is known: /etc/resolv.conf names none and resolver_unbound.conf neither")
                return dns.asyncresolver.Resolver(configure=False)
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers = [dns.nameserver.Do53Nameserver(host, port) for host, port in self._nameservers]
        return resolver

    def _from_hosts(self, name: str, kind: str) -> list[Record] | None:
        if not self._hosts_file:
            return None
        try:
            status = Path(self._hosts_file).stat()
        except OSError:
            return None
        stamp = (status.st_mtime_ns, status.st_size)
        if stamp != self._hosts_stamp:
            self._hosts_stamp = stamp
            self._hosts = read_hosts(self._hosts_file)
        found = self._hosts.get(name.lower().rstrip("."))
        if found is None:
            return None
        return [Address(address) for address in found if kind in address]


def read_hosts(path: str) -> dict[str, list[str]]:
    """Names (lower case) to addresses of a hosts file."""
    result: dict[str, list[str]] = {}
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            words = line.partition("#")[0].split()
            for name in words[1:]:
                result.setdefault(name.lower(), []).append(words[0])
    return result
