"""Registration (RFC 5456 6.1): ours with a far end, and a far end's with us."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

from offhook.iax.elements import Address, Elements
from offhook.iax.frames import Command, FullFrame
from offhook.iax.proof import MD5, RSA, Credentials, Expectation, Unproven, new_challenge

if TYPE_CHECKING:
    from collections.abc import Callable

    from offhook.iax.association import Association
    from offhook.iax.exchange import Exchange, Timer

USUAL_EXPIRY = 60
_EARLY = 5 / 6
"""Of its time a registration is renewed after so much."""
_LINGER = 10.0
_PROOF_S = 30.0
"""Seconds that a far end may take to answer a challenge."""


class Standing(Enum):
    """How a registration of ours stands; values are what the console and the manager show."""

    UNREGISTERED = "Unregistered"
    SENT = "Request Sent"
    PROVING = "Auth. Sent"
    REGISTERED = "Registered"
    REJECTED = "Rejected"
    TIMEOUT = "Timeout"
    NO_PROOF = "No Authentication"


class Watcher(Protocol):
    """Who wants to know of a registration of ours."""

    def registered(self, registration: Registration, *, news: bool) -> None:
        """It is acknowledged; ``news``: our address as they see it, or the mailbox, changed."""

    def rejected(self, registration: Registration, cause: str) -> None:
        """They refuse it."""

    def silent(self, registration: Registration) -> None:
        """They do not answer."""

    def unproven(self, registration: Registration, why: str) -> None:
        """We cannot prove who we are."""


class Registration:
    """A registration of ours, kept up until ``stop``."""

    def __init__(
        self, exchange: Exchange, address: Address, local: int, credentials: Credentials, watcher: Watcher
    ) -> None:
        self.exchange = exchange
        self.address = address
        self.local = local
        self.credentials = credentials
        self.watcher = watcher
        self.standing = Standing.UNREGISTERED
        self.refresh = USUAL_EXPIRY
        self.perceived: Address | None = None
        """Our address as they see it."""
        self.messages = 0
        """New messages waiting, plus 256 for each old one."""
        self._association: Association | None = None
        self._timer: Timer | None = None
        self._stopped = False

    def start(self, now: float) -> None:
        """Register, and go on doing so."""
        if self._stopped:
            return
        self._again(now)
        if self._association is None:
            self._association = self.exchange.begin(self.address, self.local, now)
            if self._association is None:
                return
            self._association.role = self
        self.standing = Standing.SENT
        self._request(Command.REGREQ, Elements(username=self.credentials.username, refresh=self.refresh), now)

    def _again(self, now: float, seconds: float | None = None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        wait = self.refresh * _EARLY if seconds is None else seconds
        self._timer = self.exchange.after(wait, self.start, now)

    def _request(self, command: int, elements: Elements, now: float, *, final: bool = False) -> None:
        association = self._association
        assert association is not None
        association.token = elements
        elements.add("calltoken", b"")
        association.command(command, elements, now, final=final)

    def stop(self, now: float, *, release: bool) -> None:
        """Register no more; with ``release`` they are told."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        association = self._association
        if release and self.standing is Standing.REGISTERED:
            if association is None:
                association = self._association = self.exchange.begin(self.address, self.local, now)
            if association is not None:
                association.role = self
                elements = Elements(username=self.credentials.username)
                self._request(Command.REGREL, elements, now)
                self.exchange.after(_LINGER, association.end, now)
        elif association is not None:
            association.role = None
            association.end(now)
        self.standing = Standing.UNREGISTERED

    # ---- what comes (Role) --------------------------------------------------------------------------------------

    def received(self, frame: FullFrame, elements: Elements, now: float) -> None:
        """See Role."""
        match frame.subclass:
            case Command.REGAUTH:
                self._prove(elements, now)
            case Command.REGACK:
                self._acknowledged(frame, elements, now)
            case Command.REGREJ:
                association = self._association
                assert association is not None
                association.acknowledge_now(frame, now)
                self._drop(now)
                if not self._stopped:
                    self.standing = Standing.REJECTED
                    self.watcher.rejected(self, elements.text("cause") or "<unknown>")

    def _prove(self, elements: Elements, now: float) -> None:
        methods, challenge = elements.number("authmethods"), elements.get("challenge", b"")
        request = Elements(username=self.credentials.username)
        if not self._stopped:
            request.add("refresh", self.refresh)
        try:
            answer, _ = self.credentials.answer(methods, challenge)
        except Unproven as error:
            self.standing = Standing.NO_PROOF
            self.watcher.unproven(self, str(error))
            return
        for name, value in answer:
            request.add(name, value)
        if not self._stopped:
            self.standing = Standing.PROVING
        self._request(Command.REGREL if self._stopped else Command.REGREQ, request, now)

    def _acknowledged(self, frame: FullFrame, elements: Elements, now: float) -> None:
        association = self._association
        assert association is not None
        association.acknowledge_now(frame, now)
        self._drop(now)
        if self._stopped:
            return
        before = (self.perceived, self.messages, self.standing is Standing.UNREGISTERED)
        self.perceived = elements.get("apparent_addr")
        if "msgcount" in elements:
            self.messages = elements.number("msgcount")
        self.refresh = elements.number("refresh") or USUAL_EXPIRY
        self.standing = Standing.REGISTERED
        self._again(now)
        self.watcher.registered(self, news=before != (self.perceived, self.messages, False))

    def _drop(self, now: float) -> None:
        association, self._association = self._association, None
        if association is not None:
            association.role = None
            association.end(now)

    def keyed(self) -> None:
        """See Role."""

    def lost(self, now: float) -> None:
        """See Role."""
        self._association = None
        if self._stopped:
            return
        self.standing = Standing.TIMEOUT
        self.watcher.silent(self)
        self.start(now)

    def invalid(self, now: float) -> None:
        """See Role."""
        self._association = None

    def finished(self, now: float) -> None:
        """See Role."""
        self._association = None


class Registrar(Protocol):
    """Who takes registrations."""

    def expects(
        self, registering: Registering, now: float, proceed: Callable[[Expectation | None, float], None]
    ) -> None:
        """Call ``proceed`` with what somebody has to prove (None: nothing, nobody asks for a password) and the time,
        now or later."""

    def register(self, registering: Registering, *, proven: bool, refresh: int) -> Elements | None:
        """Write it down (``refresh`` 0: release it): what the acknowledgement says; None: refused."""


class Registering:
    """A far end's registration with us, while it goes on."""

    def __init__(self, association: Association, registrar: Registrar) -> None:
        self.association = association
        self.registrar = registrar
        self.username = ""
        self.device = ""
        self.reject_delay = 1.0
        self.failed = False
        """A wrong answer was given."""
        self._challenge = b""
        self._asked = False
        self._done = False
        association.role = self

    def received(self, frame: FullFrame, elements: Elements, now: float) -> None:
        """See Role."""
        if frame.subclass not in (Command.REGREQ, Command.REGREL) or self._done:
            return
        association = self.association
        association.acknowledge_now(frame, now)
        self.username = elements.text("username")
        self.device = elements.text("devicetype")
        if not self.username:
            self._reject(now)
            return
        self.registrar.expects(self, now, lambda expectation, later: self._proceed(frame, elements, expectation, later))

    def _proceed(self, frame: FullFrame, elements: Elements, expectation: Expectation | None, now: float) -> None:
        association = self.association
        if self._done or association.dead:
            return
        proven = False
        if expectation is not None:
            proven = self._asked and bool(expectation.met_by(self._challenge, elements))
            if not proven and not self._asked:
                self._ask(expectation, now)
                return
            if not proven:
                self.failed = True
                self._reject(now)
                return
        self._done = True
        refresh = 0 if frame.subclass == Command.REGREL else elements.number("refresh", USUAL_EXPIRY) or USUAL_EXPIRY
        answer = self.registrar.register(self, proven=proven, refresh=refresh)
        if answer is None:
            self._reject(now)
        else:
            association.command(Command.REGACK, answer, now, final=True)
            association.exchange.after(_LINGER, association.end, now)

    def _ask(self, expectation: Expectation, now: float) -> None:
        self._asked = True
        elements = Elements(authmethods=expectation.methods)
        if expectation.methods & (MD5 | RSA):
            self._challenge = new_challenge()
            elements.add("challenge", self._challenge)
        self.association.command(Command.REGAUTH, elements.add("username", self.username), now)
        self.association.exchange.after(_PROOF_S, self._not_proven, now)

    def _not_proven(self, now: float) -> None:
        if not self._done:
            self._reject(now)

    def _reject(self, now: float) -> None:
        self._done = True
        association = self.association
        refusal = Elements(cause="Registration Refused", causecode=29)

        def send(later: float) -> None:
            association.command(Command.REGREJ, refusal, later, final=True)
            association.exchange.after(_LINGER, association.end, later)

        if self.reject_delay:
            association.exchange.after(self.reject_delay, send, now)
        else:
            send(now)

    def keyed(self) -> None:
        """See Role."""

    def lost(self, now: float) -> None:
        """See Role."""

    def invalid(self, now: float) -> None:
        """See Role."""

    def finished(self, now: float) -> None:
        """See Role."""
