"""Peers as they are now: where they are, whether they answer, what their mailbox holds."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from offhook.calls.endpoints import PeerStatus
from offhook.drivers.iax import regcontext
from offhook.iax.elements import Address
from offhook.iax.reachability import Reach, Reachability
from offhook.log import NOTICE

if TYPE_CHECKING:
    from offhook.drivers.iax.reading import Entry
    from offhook.drivers.iax.stack import IaxStack
    from offhook.iax.exchange import Timer

log = logging.getLogger(__name__)
USUAL_PORT = 4569
GRACE_S = 10
"""A registration is good for so much longer than was agreed."""


class Peer:
    """One peer or friend."""

    def __init__(self, stack: IaxStack, entry: Entry) -> None:
        self.stack = stack
        self.entry = entry
        self.address: Address | None = None
        """Where it registered, or is by configuration."""
        self.default_address: Address | None = None
        self.local = 0
        """The port by which it is called."""
        self.expiry = 0
        self.tokens_seen = False
        """It showed that it knows call tokens."""
        self.reachability = Reachability(stack.exchange, self)
        self._expires: Timer | None = None
        self._drop_mailbox: Callable[[], None] | None = None

    @property
    def name(self) -> str:
        """Its section's name."""
        return self.entry.name

    @property
    def device(self) -> str:
        """Its name for hints and events."""
        return f"IAX2/{self.name}"

    @property
    def where(self) -> Address | None:
        """Where to call it; None while nobody knows."""
        return self.address or self.default_address

    @property
    def reachable(self) -> bool:
        """Whether a call may be tried."""
        if self.where is None:
            return False
        return not self.entry["qualify"] or self.reachability.reach not in (Reach.UNREACHABLE, Reach.LAGGED)

    def status(self) -> str:
        """How the console tells of it."""
        most, last = self.entry["qualify"], self.reachability.last
        if not most:
            return "Unmonitored"
        if last < 0:
            return "UNREACHABLE"
        if last > most:
            return f"LAGGED ({last} ms)"
        return f"OK ({last} ms)" if last else "UNKNOWN"

    # ---- configuration ----------------------------------------------------------------------------------------

    def configure(self, entry: Entry) -> None:
        """Take what the file says; a registration stays."""
        self.entry = entry
        reachability = self.reachability
        reachability.most, reachability.smoothing = entry["qualify"], entry["qualifysmoothing"]
        reachability.frequency_ok, reachability.frequency_not_ok = entry["qualifyfreqok"], entry["qualifyfreqnotok"]
        self.local = self.stack.port_for(entry["sourceaddress"])
        if entry["mailbox"] and self._drop_mailbox is None:
            self._drop_mailbox = self.stack.pbx.mailboxes.watch(entry["mailbox"], lambda name, count: None)

    def settle(self, address: Address | None) -> None:
        """Its place is known by configuration: ask whether it is there."""
        if address is not None and address[1] == 0:
            address = (address[0], USUAL_PORT)
        if address == self.address and address is not None and self.reachability.last:
            return
        self.address = address
        self.ask()

    def ask(self) -> None:
        """Ask whether it is there, if that is wanted."""
        where, now = self.where, self.stack.now()
        if self.entry["qualify"] and where is not None:
            self.reachability.ask(where, self.local, now)
        else:
            self.reachability.stop(now)
        self.stack.rearm()

    def stop(self) -> None:
        """It is not configured any more."""
        self.reachability.stop(self.stack.now())
        if self._expires is not None:
            self._expires.cancel()
        if self._drop_mailbox is not None:
            self._drop_mailbox()
            self._drop_mailbox = None

    # ---- registration -----------------------------------------------------------------------------------------

    def registered(self, address: Address, expiry: int, local: int) -> None:
        """It is there from now on, for so many seconds."""
        news = address != self.address
        self.address, self.expiry, self.local = address, expiry, local
        if self._expires is not None:
            self._expires.cancel()
        self._expires = self.stack.exchange.after(expiry + GRACE_S, lambda now: self.expired(), self.stack.now())
        if news:
            self.tell("Registered", address=address)
            regcontext.show(self.stack, self, there=True)
            self.stack.pbx.devices.changed(self.device)
            self.ask()

    def unregistered(self, cause: str = "") -> None:
        """It is not there any more."""
        if self._expires is not None:
            self._expires.cancel()
            self._expires = None
        if self.address is None:
            return
        self.address = None
        self.reachability.stop(self.stack.now())
        self.reachability.last = 0
        self.reachability.reach = Reach.UNKNOWN
        self.tell("Unregistered", cause=cause)
        regcontext.show(self.stack, self, there=False)
        self.stack.pbx.devices.changed(self.device)

    def expired(self) -> None:
        """Its registration was not renewed."""
        log.debug("expiring registration for peer '%s'", self.name)
        self._expires = None
        self.unregistered("Expired")
        self.stack.forget_registration(self)

    # ---- Asker ------------------------------------------------------------------------------------------------

    def found(self, reachability: Reachability, reach: Reach, *, changed: bool) -> None:
        """See Asker."""
        if not changed:
            return
        ms = reachability.last
        if reach is Reach.UNREACHABLE:
            log.log(NOTICE, "Peer '%s' is now UNREACHABLE! Time: %d", self.name, ms)
        elif reach is Reach.LAGGED:
            log.log(NOTICE, "Peer '%s' is now TOO LAGGED (%d ms)!", self.name, ms)
        else:
            log.log(NOTICE, "Peer '%s' is now REACHABLE! Time: %d", self.name, ms)
        self.tell(reach.value, time_ms=str(ms))
        self.stack.pbx.devices.changed(self.device)

    def tell(self, status: str, *, address: Address | None = None, time_ms: str = "", cause: str = "") -> None:
        """Tell the bus how it stands."""
        host, port = (address[0], str(address[1])) if address is not None else ("", "")
        self.stack.pbx.bus.publish(PeerStatus("IAX2", self.device, status, cause, host, port, time_ms))
