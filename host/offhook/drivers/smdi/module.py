"""The module res_smdi: serial lines of smdi.conf, SMDI_MSG_RETRIEVE, SMDI_MSG, lamps of mailboxes at the exchange."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from offhook.dialplan.invocation import FunctionError
from offhook.drivers.smdi.conf import read
from offhook.drivers.smdi.link import SmdiLink
from offhook.drivers.smdi.protocol import CallMessage
from offhook.modules import LoadError, Module, Options, Request, Syntax

if TYPE_CHECKING:
    from offhook.calls.mailboxes import Count
    from offhook.calls.pbx import Pbx
    from offhook.dialplan.scope import Scope

log = logging.getLogger(__name__)
module = Module("res_smdi", "Simplified Message Desk Interface (SMDI) Resource", priority=15)
FILE = "smdi.conf"
PART = "smdi"
_KEY = "smdi_messages"
_TIMEOUT_S = 3.0
_COMPONENTS = {"number": "desk", "terminal": "terminal", "station": "station", "callerid": "caller", "type": "kind"}


class Desk:
    """All lines. ``pbx.parts["smdi"]``."""

    def __init__(self, pbx: Pbx) -> None:
        self.pbx = pbx
        self.links: dict[str, SmdiLink] = {}
        self._watches: list[Callable[[], None]] = []
        self._identities = count(1)

    def configure(self) -> None:
        """Read smdi.conf; lines that go on as they are keep their messages. Raises LoadError."""
        file = self.pbx.config.load(FILE, module.name)
        if file is None:
            raise LoadError(f"there is no {FILE}: SMDI is not used")
        conf = read(file)
        for error in conf.errors:
            log.warning("%s", error)
        for path, link in list(self.links.items()):
            if conf.ports.get(path) != link.settings:
                link.close()
                del self.links[path]
        for path, settings in conf.ports.items():
            if path not in self.links:
                try:
                    self.links[path] = SmdiLink(path, settings, self.pbx.loop)
                except OSError as error:
                    log.error("%s: %s", FILE, error)
        self._forget()
        for path, station, mailbox in conf.mailboxes:
            if path in self.links:
                watch = partial(self._changed, path, station)
                self._watches.append(self.pbx.mailboxes.watch(mailbox, watch))

    def _forget(self) -> None:
        for drop in self._watches:
            drop()
        self._watches.clear()

    def _changed(self, path: str, station: str, _mailbox: str, counts: Count) -> None:
        link = self.links.get(path)
        if link is not None:
            link.lamp(station, counts.new > 0)

    def close(self) -> None:
        """Give every port back."""
        self._forget()
        for link in self.links.values():
            link.close()

    async def next_call(self, path: str, within_s: float) -> CallMessage | None:
        """The oldest message of a line, whomever it is about; None when none came in time or there is no such line."""
        link = self.links.get(path)
        return await link.take(lambda message: True, within_s) if link is not None else None

    def identity(self) -> str:
        """A number for a message that a channel takes."""
        return str(next(self._identities))


@module.on_load
def load(pbx: Pbx) -> None:
    """Open the lines of smdi.conf."""
    desk = Desk(pbx)
    desk.configure()
    pbx.parts[PART] = desk


@module.on_reload
def reload(pbx: Pbx) -> None:
    """Read smdi.conf again."""
    pbx.parts[PART].configure()


@module.on_unload
def unload(pbx: Pbx) -> None:
    """Close the lines."""
    pbx.parts.pop(PART).close()


_SEARCHED = {"t": "terminal", "n": "desk"}


@module.function(
    "SMDI_MSG_RETRIEVE", Syntax("smdi port", "search key", "[timeout]", "[options]"), see_also=("SMDI_MSG",)
)
async def retrieve(scope: Scope, port: str, key: str, timeout: str = "", options: str = "") -> str:
    """Take the message of an exchange about a call off an SMDI line; what comes is its number for SMDI_MSG.

    Searched for by the forwarding station, or with option t by the message desk terminal, n by the desk number.
    ``timeout`` is in ms, 3000 unless given. A message can be taken once.
    """
    desk: Desk = scope.pbx.parts[PART]
    link = desk.links.get(port)
    if scope.channel is None or not port or not key:
        raise FunctionError("SMDI_MSG_RETRIEVE needs a channel, a port and a search key")
    if link is None:
        raise FunctionError(f"SMDI port '{port}' not found; smdi.conf has {', '.join(desk.links) or 'none'}")
    given = Options(options)
    field = next((name for letter, name in _SEARCHED.items() if letter in given), "station")
    if timeout and not timeout.isdigit():
        log.error("'%s' is not a valid timeout", timeout)
    within = int(timeout) / 1000 if timeout.isdigit() else _TIMEOUT_S
    found = await link.take(lambda message: getattr(message, field) == key, within)
    if found is None:
        raise FunctionError(f"No SMDI message retrieved for search key '{key}' after waiting {within * 1000:.0f} ms.")
    number = desk.identity()
    scope.channel.data.setdefault(_KEY, {})[number] = found
    return number


@module.function("SMDI_MSG", Syntax("message_id", "component"), see_also=("SMDI_MSG_RETRIEVE",))
def message(scope: Scope, number: str, component: str) -> str:
    """A part of a message: number of the desk, its terminal, the station, callerid, or type (D, A, B or N)."""
    if scope.channel is None:
        raise FunctionError("SMDI_MSG can not be called without a channel")
    found = scope.channel.data.get(_KEY, {}).get(number)
    if found is None:
        raise FunctionError(f"No SMDI message found for message ID '{number}'")
    name = _COMPONENTS.get(component.lower())
    if name is None:
        raise FunctionError(f"'{component}' is not a valid message component; there are {', '.join(_COMPONENTS)}")
    return str(getattr(found, name))


@module.command("smdi show", "Show SMDI lines")
def show(request: Request) -> None:
    """List the serial lines of smdi.conf that are open, and how they are set."""
    desk: Desk = request.pbx.parts[PART]
    request.print("{:<20} {:>6} {:<7} {:>4} {:>6}".format("Port", "Speed", "Parity", "Bits", "Strip"))
    for path, link in desk.links.items():
        line = link.settings
        request.print(f"{path:<20} {line.speed:>6} {line.parity:<7} {line.bits:>4} {line.strip:>6}")
