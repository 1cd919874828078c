"""An ICE agent (RFC 8445) for one stream, without sockets or a clock of its own.

``receive`` takes STUN messages, ``timer`` is called when ``next_timer`` has come, ``datagrams`` gives what is to be
sent. All host candidates of a component share one socket, so that a pair is a peer's candidate and whether our side of
it is that socket or the TURN relay. Pairs are not frozen: with one stream there is nothing to learn from others.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from .candidate import Candidate, is_usable, pair_priority, priority_of
from .consent import Consent
from .stun import Address, Attribute, Class, Message, Method, StunError, respond

PACE = 0.02
"""Seconds between checks that nobody waits for (Ta); RFC 8445 14.2 lets it be 5 ms and more."""
FIRST_WAIT, WAITS = 0.5, 6
"""Seconds until a check is said again, doubling, and how often it is said in all (RFC 8489 6.2.1)."""
AGAIN = 0.1
"""Until a check on its way is said again when the peer shows that it is there, in seconds."""
PATIENCE = 0.3
"""How long better pairs are waited for before the best one that works is nominated, in seconds."""
GIVE_UP = 30.0
MOST_PAIRS = 100
"""RFC 8445 6.1.2.5"""


class PairState(Enum):
    """Where a pair's check stands."""

    WAITING = "waiting"
    GOING_ON = "in progress"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Outgoing(NamedTuple):
    """A datagram to be sent from a component's port, by the relay when it says so."""

    component: int
    data: bytes
    address: Address
    relayed: bool


class Selected(NamedTuple):
    """Media of a component goes this way from now on."""

    component: int
    address: Address
    relayed: bool


class Failed(NamedTuple):
    """No way was found."""

    reason: str


class ConsentLost(NamedTuple):
    """Nobody at the end of a component's way wants to be sent anything any more (RFC 7675)."""

    component: int
    address: Address


Event = Selected | Failed | ConsentLost


@dataclass(slots=True)
class Check:
    """A request on its way."""

    message: bytes
    transaction: bytes
    nominates: bool
    said: int
    due: float
    wait: float


@dataclass(slots=True)
class Pair:
    """One way to try."""

    component: int
    remote: Candidate
    relayed: bool
    state: PairState = PairState.WAITING
    check: Check | None = None
    wanted: bool = False
    """The peer nominated it before our own check came back."""
    nominated: bool = False
    local_priority: int = 0

    @property
    def key(self) -> tuple[int, Address, bool]:
        """What makes it this pair."""
        return self.component, self.remote.address, self.relayed


@dataclass(slots=True)
class Remote:
    """What the peer said of itself."""

    ufrag: str
    password: str
    lite: bool = False
    candidates: list[Candidate] = field(default_factory=list)


class Agent:
    """ICE of one stream. ``controlling``: we made the first offer (RFC 8445 6.1.1)."""

    def __init__(self, *, controlling: bool, components: int = 2, software: str = "") -> None:
        self.ufrag, self.password = new_credentials()
        self.controlling = controlling
        self.components = components
        self.software = software
        self.local: list[Candidate] = []
        self.remote: Remote | None = None
        self.selected: dict[int, Pair] = {}
        self.failed = False
        self._tie = secrets.randbits(64)
        self._pairs: dict[tuple[int, Address, bool], Pair] = {}
        self._triggered: list[Pair] = []
        self._early: list[tuple[int, Address, bool, int, bool]] = []
        self._out: list[Outgoing] = []
        self._events: list[Event] = []
        self._next_check: float | None = None
        self._first_valid: dict[int, float] = {}
        self._deadline: float | None = None
        self._consents: dict[int, Consent] = {}

    # ---- what is known --------------------------------------------------------------------------------

    def add_local(self, candidate: Candidate) -> None:
        """One more address of ours (before the description is written)."""
        if all((known.component, known.address) != (candidate.component, candidate.address) for known in self.local):
            self.local.append(candidate)

    def describes(self, ufrag: str, password: str) -> bool:
        """Whether the peer's credentials are those known already: others mean that it began anew (RFC 8445 9)."""
        return self.remote is not None and (self.remote.ufrag, self.remote.password) == (ufrag, password)

    def restart(self, *, controlling: bool | None = None) -> None:
        """Begin anew with fresh credentials; media stays on the selected pairs until others are found."""
        self.ufrag, self.password = new_credentials()
        if controlling is not None:
            self.controlling = controlling
        self.remote = None
        self.failed = False
        self._pairs.clear()
        self._triggered.clear()
        self._early.clear()
        self._first_valid.clear()
        self._next_check = self._deadline = None

    def set_remote(
        self, ufrag: str, password: str, candidates: Iterable[Candidate], now: float, *, lite: bool = False
    ) -> None:
        """What the peer's description says; checks begin. Said again it adds the candidates that are new."""
        known = self.remote
        if known is None:
            known = self.remote = Remote(ufrag, password, lite)
            self._deadline = now + GIVE_UP
            if lite:
                self.controlling = True  # RFC 8445 6.1.1
        for candidate in candidates:
            if candidate.component <= self.components and is_usable(candidate.host):
                known.candidates.append(candidate)
                self._add_pairs(candidate)
        early, self._early = self._early, []
        for component, address, relayed, priority, nominates in early:
            self._checked(component, address, relayed, priority, now, nominates=nominates)
        self._next_check = now

    def _add_pairs(self, remote: Candidate) -> None:
        ways = {(mine.kind == "relay", ":" in mine.host) for mine in self.local if mine.component == remote.component}
        for relayed, six in sorted(ways):
            if six == (":" in remote.host) and len(self._pairs) < MOST_PAIRS:
                self._pair(remote, relayed=relayed)

    def _pair(self, remote: Candidate, *, relayed: bool) -> Pair:
        best = max(
            (
                mine.priority
                for mine in self.local
                if mine.component == remote.component and (mine.kind == "relay") == relayed
            ),
            default=priority_of("host", remote.component),
        )
        pair = Pair(remote.component, remote, relayed, local_priority=best)
        return self._pairs.setdefault(pair.key, pair)

    def _rank(self, pair: Pair) -> int:
        ours, theirs = pair.local_priority, pair.remote.priority
        return pair_priority(ours, theirs) if self.controlling else pair_priority(theirs, ours)

    @property
    def done(self) -> bool:
        """Whether every component has its way."""
        return all(component in self.selected for component in range(1, self.components + 1))

    def knows(self, address: Address) -> bool:
        """Whether an address is the peer's by its description or by checks that proved it."""
        return any(pair.remote.address == address for pair in (*self._pairs.values(), *self.selected.values()))

    # ---- what comes in --------------------------------------------------------------------------------

    def receive(self, component: int, data: bytes, source: Address, now: float, *, relayed: bool = False) -> None:
        """A STUN message came to a component's port. What is not of this session is dropped."""
        try:
            message = Message.parse(data)
        except StunError:
            return
        if message.method != Method.BINDING:
            return
        if message.kind is Class.REQUEST:
            self._request(component, message, source, now, relayed=relayed)
        elif message.kind in (Class.SUCCESS, Class.ERROR):
            self._response(component, message, source, now, relayed=relayed)

    def _request(self, component: int, message: Message, source: Address, now: float, *, relayed: bool) -> None:
        username = message.text(Attribute.USERNAME)
        if username.partition(":")[0] != self.ufrag or not message.is_signed_by(self.password.encode()):
            self._refuse(component, message, source, 401, "Unauthorized", relayed=relayed, signed=False)
            return
        if unknown := message.unknown:
            self._refuse(component, message, source, 420, "Unknown Attribute", relayed=relayed, unknown=unknown)
            return
        if not self._settle_roles(component, message, source, relayed=relayed):
            return
        response = respond(message)
        response.set_address(Attribute.XOR_MAPPED_ADDRESS, source)
        self._send(component, self._signed(response, self.password), source, relayed=relayed)
        nominates = Attribute.USE_CANDIDATE in message.attributes and not self.controlling
        priority = message.number(Attribute.PRIORITY) or priority_of("prflx", component)
        if self.remote is None:
            if len(self._early) < MOST_PAIRS:
                self._early.append((component, source, relayed, priority, nominates))
            return
        self._checked(component, source, relayed, priority, now, nominates=nominates)
        self._next_check = now

    def _settle_roles(self, component: int, message: Message, source: Address, *, relayed: bool) -> bool:
        """RFC 8445 7.3.1.1: of two that think alike the larger number stays."""
        theirs = message.number(Attribute.ICE_CONTROLLING if self.controlling else Attribute.ICE_CONTROLLED)
        if theirs is None:
            return True
        if (self._tie >= theirs) == self.controlling:
            self._refuse(component, message, source, 487, "Role Conflict", relayed=relayed)
            return False
        self.controlling = not self.controlling
        return True

    def _refuse(
        self,
        component: int,
        message: Message,
        source: Address,
        code: int,
        reason: str,
        *,
        relayed: bool,
        signed: bool = True,
        unknown: Iterable[int] = (),
    ) -> None:
        response = respond(message, Class.ERROR)
        response.set_error(code, reason)
        if listed := b"".join(kind.to_bytes(2, "big") for kind in unknown):
            response.attributes[Attribute.UNKNOWN_ATTRIBUTES] = listed
        data = self._signed(response, self.password) if signed else response.encode()
        self._send(component, data, source, relayed=relayed)

    def _checked(
        self, component: int, source: Address, relayed: bool, priority: int, now: float, *, nominates: bool
    ) -> None:
        """The peer's check works from there to us: try the other way at once (RFC 8445 7.3.1.4)."""
        pair = self._pairs.get((component, source, relayed))
        if pair is None:
            if len(self._pairs) >= MOST_PAIRS:
                return
            pair = self._pair(Candidate(component, "prflx", *source, priority), relayed=relayed)
        if nominates:
            pair.wanted = True
        if pair.state is PairState.SUCCEEDED:
            if pair.wanted:
                self._select(pair, now)
            return
        if pair.check is not None:
            # One on its way already will do, said again soon: beginning it anew would orphan its answer.
            pair.check.due = min(pair.check.due, now + AGAIN)
            pair.check.said = max(1, pair.check.said - 1)
        elif pair not in self._triggered:
            pair.state = PairState.WAITING
            self._triggered.append(pair)

    def _response(self, component: int, message: Message, source: Address, now: float, *, relayed: bool) -> None:
        pair = next(
            (each for each in self._pairs.values() if each.check and each.check.transaction == message.transaction),
            None,
        )
        if pair is None or self.remote is None or pair.check is None:
            for consent in self._consents.values():
                consent.receive(message, source, now, relayed=relayed)
            return
        if not message.is_signed_by(self.remote.password.encode()):
            return
        nominated, pair.check = pair.check.nominates, None
        if message.kind is Class.ERROR:
            if message.error is not None and message.error[0] == 487:
                # Only if the roles were still those of the request (RFC 8445 7.2.5.1).
                self.controlling = not self.controlling
                pair.state = PairState.WAITING
                self._triggered.append(pair)
                self._next_check = now
            else:
                pair.state = PairState.FAILED
            return
        if (component, source, relayed) != pair.key:
            pair.state = PairState.FAILED  # RFC 8445 7.2.5.2.1: an answer from elsewhere
            return
        pair.state = PairState.SUCCEEDED
        self._first_valid.setdefault(component, now)
        if nominated or pair.wanted:
            self._select(pair, now)
        self._next_check = now

    def _select(self, pair: Pair, now: float) -> None:
        pair.nominated = True
        chosen = self.selected.get(pair.component)
        if chosen is pair or (
            chosen is not None
            and chosen.key in self._pairs
            and chosen.nominated
            and self._rank(chosen) > self._rank(pair)
        ):
            return
        self.selected[pair.component] = pair
        if self.remote is not None:
            username = f"{self.remote.ufrag}:{self.ufrag}"
            address, password = pair.remote.address, self.remote.password
            self._consents[pair.component] = Consent(address, username, password, now, relayed=pair.relayed)
        self._events.append(Selected(pair.component, pair.remote.address, pair.relayed))

    # ---- time -----------------------------------------------------------------------------------------

    @property
    def next_timer(self) -> float | None:
        """When ``timer`` is due."""
        times = [pair.check.due for pair in self._pairs.values() if pair.check is not None]
        times += [time for time in (self._next_check, self._deadline) if time is not None]
        times += [time for consent in self._consents.values() if (time := consent.next_timer) is not None]
        return min(times, default=None)

    def timer(self, now: float) -> None:
        """Time has come: repeat, begin, nominate, ask for consent or give up."""
        for pair in self._pairs.values():
            if pair.check is not None and pair.check.due <= now:
                self._repeat(pair, now)
        if self._next_check is not None and self._next_check <= now:
            self._next_check = now + PACE if self._begin_check(now) or self._nominate(now) else self._wait_on(now)
        if self._deadline is not None and (self.done or self._deadline <= now):
            self._deadline = None
            if not self.done:
                self.failed = True
                self._events.append(Failed("no address of the far end answers"))
        for component, consent in self._consents.items():
            self._ask_consent(component, consent, now)

    def _ask_consent(self, component: int, consent: Consent, now: float) -> None:
        if consent.lost:
            return
        data = consent.timer(now, self._attributes(component))
        if data is not None:
            self._send(component, data, consent.address, relayed=consent.relayed)
        elif consent.lost:
            self._events.append(ConsentLost(component, consent.address))

    def _wait_on(self, now: float) -> float | None:
        """When there is something to nominate after all."""
        if not self.controlling or self.done:
            return None
        waiting = [first + PATIENCE for component, first in self._first_valid.items() if component not in self.selected]
        return max(now + PACE, min(waiting)) if waiting else None

    def _repeat(self, pair: Pair, now: float) -> None:
        check = pair.check
        assert check is not None
        if check.said >= WAITS:
            pair.check = None
            pair.state = PairState.FAILED
            return
        check.said += 1
        check.wait *= 2
        check.due = now + check.wait
        self._send(pair.component, check.message, pair.remote.address, relayed=pair.relayed)

    def _begin_check(self, now: float) -> bool:
        if self._triggered:
            self._check(self._triggered.pop(0), now)
            return True
        waiting = [pair for pair in self._pairs.values() if pair.state is PairState.WAITING]
        if not waiting:
            return False
        self._check(max(waiting, key=self._rank), now)
        return True

    def _nominate(self, now: float) -> bool:
        """Regular nomination (RFC 8445 8.1.1): the best pair that works, once no better one may still come."""
        if not self.controlling or self.remote is None:
            return False
        for component in range(1, self.components + 1):
            pairs = [pair for pair in self._pairs.values() if pair.component == component]
            if component in self.selected and self.selected[component] in pairs:
                continue
            working = [pair for pair in pairs if pair.state is PairState.SUCCEEDED]
            if not working or any(pair.check and pair.check.nominates for pair in pairs):
                continue
            best = max(working, key=self._rank)
            better = any(
                pair.state in (PairState.WAITING, PairState.GOING_ON) and self._rank(pair) > self._rank(best)
                for pair in pairs
            )
            if better and now < self._first_valid[component] + PATIENCE:
                continue
            self._check(best, now, nominates=True)
            return True
        return False

    def _check(self, pair: Pair, now: float, *, nominates: bool = False) -> None:
        remote = self.remote
        if remote is None:
            return
        request = Message(Method.BINDING, Class.REQUEST)
        request.attributes[Attribute.USERNAME] = f"{remote.ufrag}:{self.ufrag}".encode()
        request.attributes |= self._attributes(pair.component)
        if nominates:
            request.attributes[Attribute.USE_CANDIDATE] = b""
        data = self._signed(request, remote.password)
        pair.state = PairState.GOING_ON
        pair.check = Check(data, request.transaction, nominates, 1, now + FIRST_WAIT, FIRST_WAIT)
        self._send(pair.component, data, pair.remote.address, relayed=pair.relayed)

    def _attributes(self, component: int) -> dict[int, bytes]:
        """What every check says of us."""
        role = Attribute.ICE_CONTROLLING if self.controlling else Attribute.ICE_CONTROLLED
        priority = priority_of("prflx", component)
        return {Attribute.PRIORITY: priority.to_bytes(4, "big"), role: self._tie.to_bytes(8, "big")}

    def _signed(self, message: Message, password: str) -> bytes:
        if self.software:
            message.attributes[Attribute.SOFTWARE] = self.software.encode()
        return message.encode(password.encode())

    # ---- what comes out -------------------------------------------------------------------------------

    def _send(self, component: int, data: bytes, address: Address, *, relayed: bool) -> None:
        self._out.append(Outgoing(component, data, address, relayed))

    def datagrams(self) -> list[Outgoing]:
        """What is to be sent now."""
        out, self._out = self._out, []
        return out

    def events(self) -> list[Event]:
        """What happened since."""
        happened, self._events = self._events, []
        return happened


def new_credentials() -> tuple[str, str]:
    """User fragment and password: 64 and 128 bits of chance (RFC 8445 5.3 asks for 24 and 128)."""
    return secrets.token_hex(8), secrets.token_hex(16)
