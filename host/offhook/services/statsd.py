"""StatsD: figures to a server of statistics, one datagram each (statsd.conf)."""

from __future__ import annotations

import logging
import random
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offhook.config.options import Schema, address, flag, string
from offhook.modules import LoadError, Module
from offhook.services.statsd_figures import reset, watch

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.config.model import ConfigError

log = logging.getLogger(__name__)
module = Module("res_statsd", "StatsD client support", support="extended", priority=4)

FILE = "statsd.conf"
PORT = 8125
_KEY = "statsd"

SCHEMA = Schema(module.name, FILE, "the StatsD server that gets figures")
GENERAL = SCHEMA.type("general", "All of it")
GENERAL.option("enabled", flag(), False, "Send figures.")
GENERAL.option("server", address(PORT), ("127.0.0.1", PORT), "The server, as host or host:port.")
GENERAL.option("prefix", string(), "", "Put in front of every name, with a dot.")
GENERAL.option("add_newline", flag(), False, "End each datagram with a new line.")
GENERAL.option("meter_support", flag(), True, "The server knows meters (m); otherwise they are sent as counters.")


@dataclass(slots=True)
class StatsD:
    """A way to the server. Datagrams that cannot be sent are lost, as statistics may be."""

    socket: socket.socket
    prefix: str = ""
    newline: bool = False
    meters: bool = True
    end: Callable[[], None] | None = None
    """Ends what is sent by itself."""

    def send(self, name: str, kind: str, value: str, rate: float = 1.0) -> None:
        """Send a figure: ``kind`` is g, c, ms, s or m; with a ``rate`` below 1 only so many of all are sent."""
        if rate <= 0 or (rate < 1 and rate < random.random()):
            return
        if kind == "m" and not self.meters:
            name, kind = f"{name}_meter", "c"
        text = f"{self.prefix}.{name}" if self.prefix else name
        text += f":{value}|{kind}" + (f"|@{rate:.2f}" if rate < 1 else "") + ("\n" if self.newline else "")
        try:
            self.socket.send(text.encode("utf-8", "surrogateescape"))
        except OSError as error:
            log.debug("StatsD: %s is lost: %s", text, error)


def statsd_of(pbx: Pbx) -> StatsD | None:
    """The way to the server, if figures are to be sent."""
    found = pbx.parts.get(_KEY)
    return found if isinstance(found, StatsD) else None


@module.on_load
async def load(pbx: Pbx) -> None:
    """Read statsd.conf, and begin to count."""
    await _configure(pbx)
    if (client := statsd_of(pbx)) is not None:
        reset(client.send)


@module.on_reload
async def configure(pbx: Pbx) -> None:
    """Read statsd.conf again."""
    await _configure(pbx)


async def _configure(pbx: Pbx) -> None:
    config = pbx.config.load(FILE, module.name)
    section = config.get("general") if config is not None else None
    errors: list[ConfigError] = []
    values = GENERAL.apply(section, errors) if section is not None else GENERAL.defaults()
    for error in errors:
        log.error("%s", error)
    _close(pbx)
    if not values["enabled"]:
        return
    host, port = values["server"]
    try:
        found = await pbx.loop.getaddrinfo(host, port or PORT, type=socket.SOCK_DGRAM)
        family, kind, protocol, _name, where = found[0]
        way = socket.socket(family, kind, protocol)
        way.setblocking(False)
        way.connect(where)
    except OSError as error:
        raise LoadError(f"{FILE}: server = {host}: {error.strerror or error}") from error
    client = StatsD(way, values["prefix"], values["add_newline"], values["meter_support"])
    client.end = watch(pbx, client.send)
    pbx.parts[_KEY] = client


@module.on_unload
def _close(pbx: Pbx) -> None:
    """Send nothing more."""
    before = statsd_of(pbx)
    if before is not None:
        pbx.parts.pop(_KEY)
        if before.end is not None:
            before.end()
        before.socket.close()
