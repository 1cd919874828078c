"""Two exchanges and a network between them, with a clock that the test moves."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from offhook.iax.association import Association
from offhook.iax.call import Call
from offhook.iax.elements import Address, Elements
from offhook.iax.exchange import Exchange
from offhook.iax.frames import FullFrame, label
from offhook.iax.proof import Expectation
from offhook.iax.registration import Registering

NEAR: Address = ("192.0.2.1", 4569)
FAR: Address = ("192.0.2.2", 4569)
MIDDLE: Address = ("192.0.2.3", 4569)
ULAW = 4


@dataclass
class Phone:
    """Who has a call: it notes all it is told."""

    log: list[tuple[object, ...]] = field(default_factory=list)
    call: Call | None = None
    answer: str = "accept"
    """What to do with a call that comes in: accept, challenge, reject or nothing."""

    def words(self) -> list[object]:
        return [item[0] for item in self.log]

    def asked(self, elements: Elements, now: float) -> None:
        self.log.append(("asked", elements))
        assert self.call is not None
        if self.answer == "accept":
            self.call.accept(ULAW, now)
        elif self.answer == "challenge":
            self.call.challenge(elements.text("username"), now, elements.number("encryption"))
        elif self.answer == "reject":
            self.call.reject(3, "No such context/extension", now)

    def proven(self, method: str, elements: Elements, now: float) -> None:
        self.log.append(("proven", method))
        assert self.call is not None
        self.call.accept(ULAW, now)

    def established(self, now: float) -> None:
        self.log.append(("established",))

    def accepted(self, bit: int, now: float) -> None:
        self.log.append(("accepted", bit))

    def given(self, variables: dict[str, str]) -> None:
        self.log.append(("given", variables))

    def signalled(self, signal: int, payload: bytes) -> None:
        self.log.append(("signalled", signal, payload))

    def digit(self, digit: str, *, ended: bool) -> None:
        self.log.append(("digit", digit, ended))

    def text(self, body: str) -> None:
        self.log.append(("text", body))

    def voice(self, bit: int, time: int, payload: bytes) -> None:
        self.log.append(("voice", bit, time, payload))

    def held(self, music: str) -> None:
        self.log.append(("held", music))

    def unheld(self) -> None:
        self.log.append(("unheld",))

    def wants_transfer(self, number: str, context: str) -> None:
        self.log.append(("wants_transfer", number, context))

    def moved(self, now: float) -> None:
        self.log.append(("moved",))

    def keyed(self) -> None:
        self.log.append(("keyed",))

    def ended(self, cause: int, command: int, text: str) -> None:
        self.log.append(("ended", cause, command, text))


class Box:
    """One end of the network."""

    def __init__(self, net: Net, address: Address) -> None:
        self.net = net
        self.address = address
        self.exchange = Exchange(self, net.now)
        self.phones: list[Phone] = []
        self.sent: list[FullFrame] = []
        self.errors: list[str] = []
        self.tokens_needed = True
        self.full = False
        self.next_answer = "accept"
        self.expectation = Expectation()
        self.encryption = 0
        self.pings = False
        self.registrations: dict[str, tuple[Address, int]] = {}
        self.password: Expectation | None = None
        self.exchange.trace = True

    # Owner

    def put(self, datagram: bytes, address: Address, local: int) -> None:
        self.net.carry(datagram, self.address, address)

    def tell(self, frame: FullFrame, address: Address, *, sent: bool) -> None:
        if sent:
            self.sent.append(frame)

    def malformed(self, address: Address, why: str) -> None:
        self.errors.append(why)

    def needs_token(self, address: Address, username: str, command: int) -> bool:
        return self.tokens_needed

    def has_token(self, username: str, command: int) -> None:
        pass

    def admits(self, address: Address, *, proven: bool) -> bool:
        return not self.full

    def opened(self, association: Association, frame: FullFrame, elements: Elements, now: float) -> None:
        if label(frame)[1] != "NEW":
            Registering(association, self).reject_delay = 0.0
            return
        phone = Phone(answer=self.next_answer)
        phone.call = Call(association, phone)
        phone.call.expectation = self.expectation
        phone.call.pings = self.pings
        phone.call.encryption = self.encryption
        self.phones.append(phone)

    def closed(self, association: Association, now: float) -> None:
        pass

    # Registrar

    def expects(
        self, registering: Registering, now: float, proceed: Callable[[Expectation | None, float], None]
    ) -> None:
        proceed(self.password, now)

    def register(self, registering: Registering, *, proven: bool, refresh: int) -> Elements | None:
        address = registering.association.address
        if not refresh:
            self.registrations.pop(registering.username, None)
            return Elements(username=registering.username)
        self.registrations[registering.username] = (address, refresh)
        return Elements(username=registering.username, refresh=refresh, apparent_addr=address, msgcount=0x0201)

    # what tests do

    def call(self, to: Address = FAR, **elements: object) -> Phone:
        association = self.exchange.begin(to, 0, self.net.now)
        assert association is not None
        phone = Phone()
        phone.call = Call(association, phone)
        self.phones.append(phone)
        request = Elements(version=2, called_number="100", format=ULAW, capability=ULAW, codec_prefs="D", **elements)
        phone.call.encryption = self.encryption
        phone.call.pings = self.pings
        phone.call.credentials.username = str(elements.get("username", ""))
        phone.call.credentials.secret = "secret"
        phone.call.call(request, self.net.now)
        return phone

    def commands(self) -> list[str]:
        return [label(frame)[1] for frame in self.sent]


class Net:
    """The network. ``loss`` of 1 in that many, ``jitter`` in s, both by a generator of the test's; ``lose`` sees each
    datagram and says whether it is lost."""

    def __init__(self, seed: int = 0, *, loss: float = 0.0, jitter: float = 0.0, delay: float = 0.01) -> None:
        self.now = 1000.0
        self.random = Random(seed)
        self.loss, self.jitter, self.delay = loss, jitter, delay
        self.lose = lambda datagram, source: False
        self._flying: list[tuple[float, int, bytes, Address, Address]] = []
        self._count = 0
        self.boxes: dict[Address, Box] = {}
        self.near, self.far = self.box(NEAR), self.box(FAR)

    def box(self, address: Address) -> Box:
        self.boxes[address] = box = Box(self, address)
        return box

    def carry(self, datagram: bytes, source: Address, to: Address) -> None:
        if self.random.random() < self.loss or self.lose(datagram, source):
            return
        self._count += 1
        arrives = self.now + self.delay + self.random.random() * self.jitter
        heapq.heappush(self._flying, (arrives, self._count, datagram, source, to))

    def run(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + seconds
        while True:
            due = [box.exchange.next_timer for box in self.boxes.values()]
            events = [time for time in due if time is not None] + [item[0] for item in self._flying[:1]]
            if not events or min(events) > until:
                break
            self.now = max(self.now, min(events))
            while self._flying and self._flying[0][0] <= self.now:
                _, _, datagram, source, to = heapq.heappop(self._flying)
                if to in self.boxes:
                    self.boxes[to].exchange.receive(datagram, source, 0, self.now)
            for box in self.boxes.values():
                box.exchange.timer(self.now)
        self.now = until
