"""Our registrations with others: the lines ``register => user[:secret]@host[:port]``."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offhook.calls.endpoints import Registry
from offhook.drivers.iax.peers import USUAL_PORT
from offhook.drivers.iax.resolving import resolve
from offhook.drivers.iax.secrets import credentials
from offhook.iax.elements import Address
from offhook.iax.registration import USUAL_EXPIRY, Registration, Standing
from offhook.log import NOTICE, verbose

if TYPE_CHECKING:
    from offhook.drivers.iax.stack import IaxStack

log = logging.getLogger(__name__)
_AGAIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file."""

    username: str
    secret: str
    host: str
    port: int


def parse(text: str) -> Line:
    """Read a line. Raises ValueError with a sentence."""
    who, at, where = text.split("?", 1)[0].strip().rpartition("@")
    if not at or not who or not where:
        raise ValueError(f"register => {text}: write it as user[:secret]@host[:port]")
    username, _, secret = who.partition(":")
    if where.startswith("["):
        host, _, rest = where[1:].partition("]")
        port = rest.removeprefix(":")
    else:
        host, _, port = where.partition(":") if where.count(":") < 2 else (where, "", "")
    if port and not port.isdigit():
        raise ValueError(f"register => {text}: {port} is no port")
    return Line(username, secret, host, int(port) if port else USUAL_PORT)


class Registrations:
    """All of them, as the file has them."""

    def __init__(self, stack: IaxStack) -> None:
        self.stack = stack
        self.lines: dict[Line, OwnRegistration] = {}

    def configure(self, texts: list[str]) -> None:
        """Begin what is new, end what is gone, leave the rest."""
        wanted = []
        for text in texts:
            try:
                wanted.append(parse(text))
            except ValueError as error:
                log.warning("iax.conf: %s", error)
        for line in [line for line in self.lines if line not in wanted]:
            self.lines.pop(line).stop()
        for line in wanted:
            if line not in self.lines:
                self.lines[line] = OwnRegistration(self.stack, line)
                self.lines[line].start()

    def stop(self) -> None:
        """End all of them."""
        for each in self.lines.values():
            each.stop()
        self.lines.clear()


class OwnRegistration:
    """One registration, with its host's name."""

    def __init__(self, stack: IaxStack, line: Line) -> None:
        self.stack = stack
        self.line = line
        self.registration: Registration | None = None
        self._stopped = False

    @property
    def standing(self) -> Standing:
        """How it stands."""
        return self.registration.standing if self.registration is not None else Standing.UNREGISTERED

    @property
    def address(self) -> Address | None:
        """Where it is, once that is known."""
        return self.registration.address if self.registration is not None else None

    @property
    def refresh(self) -> int:
        """Seconds for which it is good."""
        return self.registration.refresh if self.registration is not None else USUAL_EXPIRY

    def start(self) -> None:
        """Look up the host and register there."""
        self.stack.pbx.spawn(self._start(), f"registration with {self.line.host}")

    async def _start(self) -> None:
        stack, line = self.stack, self.line
        address = await resolve(stack.pbx, line.host, line.port, services=stack.reading.general["srvlookup"])
        if self._stopped:
            return
        if address is None:
            log.warning("there is no host %s to register with; it is tried again in a minute", line.host)
            stack.exchange.after(_AGAIN_S, lambda now: self.start(), stack.now())
            stack.rearm()
            return
        secret, key = line.secret, ""
        if secret.startswith("["):
            secret, key = "", secret.strip("[]")
        proof = credentials(stack.pbx, line.username, secret, key)
        self.registration = Registration(stack.exchange, address, 0, proof, self)
        self.registration.start(stack.now())
        stack.rearm()

    def stop(self) -> None:
        """Register no more, and say so."""
        self._stopped = True
        if self.registration is not None:
            self.registration.stop(self.stack.now(), release=True)
            self.stack.rearm()

    # ---- Watcher ------------------------------------------------------------------------------------------------

    def registered(self, registration: Registration, *, news: bool) -> None:
        """See Watcher."""
        if not news:
            return
        seen = "{}:{}".format(*registration.perceived) if registration.perceived is not None else "<Unspecified>"
        new, old = registration.messages & 0xFF, registration.messages >> 8
        waiting = f"{new} new and {old} old messages" if new or old else "no messages"
        verbose(
            3, "Registered IAX2 to '%s:%d', who sees us as %s with %s waiting", *registration.address, seen, waiting
        )
        self._tell("Registered")

    def rejected(self, registration: Registration, cause: str) -> None:
        """See Watcher."""
        log.warning(
            "Registration of '%s' rejected: '%s' from: '%s'", self.line.username, cause, registration.address[0]
        )
        self._tell("Rejected", cause)

    def silent(self, registration: Registration) -> None:
        """See Watcher."""
        log.log(NOTICE, "registration of '%s' with %s:%d: no answer", self.line.username, *registration.address)
        self._tell("Timeout")

    def unproven(self, registration: Registration, why: str) -> None:
        """See Watcher."""
        log.log(NOTICE, "registration of '%s' with %s: %s", self.line.username, registration.address[0], why)

    def _tell(self, status: str, cause: str = "") -> None:
        registration = self.registration
        place = "{}:{}".format(*registration.address) if registration is not None else self.line.host
        self.stack.pbx.bus.publish(Registry("IAX2", self.line.username, place, status, cause))
