"""A network between two transaction layers with its own clock: delay, loss, duplication, reordering from a seed."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from itertools import count
from typing import NamedTuple, TypeVar

from offhook.sip.events import Event, RequestReceived, ResponseReceived, Send
from offhook.sip.layer import TransactionLayer
from offhook.sip.message import Request, make_request
from offhook.sip.parser import parse
from offhook.sip.transaction import Timing

T = TypeVar("T")

VIA = "SIP/2.0/UDP 192.0.2.1:5060;rport"


class Path(NamedTuple):
    """A flow of the simulation."""

    name: str
    reliable: bool


class Side:
    """One layer and everything its user was told, with the time."""

    def __init__(self, timing: Timing | None = None) -> None:
        self.layer = TransactionLayer(timing) if timing else TransactionLayer()
        self.told: list[tuple[float, Event]] = []
        self.answer: Callable[[RequestReceived, float], list[Event]] = lambda event, now: []
        self.sent = 0

    def events(self, kind: type[T]) -> list[T]:
        return [event for _, event in self.told if isinstance(event, kind)]


class Network:
    """Carries what the sides send. `loss` and `duplication` are chances, `delay` seconds at most."""

    def __init__(
        self, *, reliable: bool = False, loss: float = 0.0, duplication: float = 0.0, delay: float = 0.01, seed: int = 0
    ) -> None:
        self.now = 0.0
        self.client = Side()
        self.server = Side()
        self.flow = Path("path", reliable)
        self.loss = loss
        self.duplication = duplication
        self.delay = delay
        self.rng = random.Random(seed)
        self.wire: list[tuple[float, int, Side, bytes]] = []
        self._order = count()
        self._last: dict[int, float] = {}

    def carry(self, side: Side, events: list[Event]) -> None:
        """Take the events a side produced: Sends go on the wire, the rest is told."""
        other = self.server if side is self.client else self.client
        for event in events:
            if not isinstance(event, Send):
                side.told.append((self.now, event))
                if isinstance(event, RequestReceived):
                    self.carry(side, side.answer(event, self.now))
                continue
            side.sent += 1
            copies = 1
            if not self.flow.reliable:
                copies = 0 if self.rng.random() < self.loss else 2 if self.rng.random() < self.duplication else 1
            for _ in range(copies):
                at = self.now + self.rng.uniform(0.0, self.delay)
                if self.flow.reliable:  # a stream keeps its order
                    at = self._last[id(other)] = max(at, self._last.get(id(other), 0.0))
                heapq.heappush(self.wire, (at, next(self._order), other, event.data))

    def run(self, until: float) -> None:
        """Let time pass."""
        while True:
            times = [t for t in (self.client.layer.next_timer, self.server.layer.next_timer) if t is not None]
            if self.wire:
                times.append(self.wire[0][0])
            if not times or min(times) > until:
                break
            self.now = max(self.now, min(times))
            while self.wire and self.wire[0][0] <= self.now:
                _, _, side, data = heapq.heappop(self.wire)
                self.carry(side, side.layer.receive(parse(data), self.flow, self.now))
            for side in (self.client, self.server):
                self.carry(side, side.layer.timer(self.now))
        self.now = until


def invite(call_id: str = "call", number: int = 1, method: str = "INVITE") -> Request:
    return make_request(
        method,
        "sip:bob@192.0.2.2",
        "<sip:alice@192.0.2.1>;tag=alice",
        "<sip:bob@192.0.2.2>",
        call_id,
        number,
        contact="<sip:alice@192.0.2.1>",
    )


def final(events: list[ResponseReceived]) -> list[int]:
    """The final statuses among them."""
    return [event.response.status for event in events if event.response.status >= 200]
