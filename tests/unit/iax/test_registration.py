"""Registrations of ours and of others, and whether peers are there."""

from __future__ import annotations

import pytest

from offhook.iax.proof import MD5, PLAINTEXT, Credentials, Expectation
from offhook.iax.reachability import Reach, Reachability
from offhook.iax.registration import Registration, Standing
from support.iax_net import FAR, NEAR, Net


class _Watcher:
    def __init__(self) -> None:
        self.log: list[tuple[object, ...]] = []

    def registered(self, registration: Registration, *, news: bool) -> None:
        self.log.append(("registered", news))

    def rejected(self, registration: Registration, cause: str) -> None:
        self.log.append(("rejected", cause))

    def silent(self, registration: Registration) -> None:
        self.log.append(("silent",))

    def unproven(self, registration: Registration, why: str) -> None:
        self.log.append(("unproven", why))

    def found(self, reachability: Reachability, reach: Reach, *, changed: bool) -> None:
        self.log.append((reach, changed))


def _register(net: Net, secret: str = "secret") -> tuple[Registration, _Watcher]:
    watcher = _Watcher()
    registration = Registration(net.near.exchange, FAR, 0, Credentials("me", secret), watcher)
    registration.start(net.now)
    return registration, watcher


@pytest.mark.parametrize("methods", [MD5, PLAINTEXT, None])
def test_a_registration_is_kept_up(methods: int | None) -> None:
    net = Net()
    net.far.password = Expectation(methods, "secret") if methods else None
    registration, watcher = _register(net)
    net.run(1)
    assert watcher.log == [("registered", True)] and registration.standing is Standing.REGISTERED
    assert net.far.registrations == {"me": (NEAR, 60)}
    assert registration.perceived == NEAR and registration.messages == 0x0201
    net.far.registrations.clear()
    net.run(51)
    assert net.far.registrations and watcher.log == [("registered", True), ("registered", False)]
    assert not len(net.near.exchange) and not len(net.far.exchange)
    registration.stop(net.now, release=True)
    net.run(1)
    assert not net.far.registrations


def test_a_wrong_password() -> None:
    net = Net()
    net.far.password = Expectation(MD5, "secret")
    registration, watcher = _register(net, "wrong")
    net.run(2)
    assert watcher.log == [("rejected", "Registration Refused")] and registration.standing is Standing.REJECTED


def test_no_password() -> None:
    net = Net()
    net.far.password = Expectation(MD5, "secret")
    registration, watcher = _register(net, "")
    net.run(2)
    assert watcher.log[0][0] == "unproven" and registration.standing is Standing.NO_PROOF


def test_a_registrar_that_is_silent_for_a_while() -> None:
    net = Net()
    net.loss = 1.0
    _, watcher = _register(net)
    net.run(100)
    assert ("silent",) in watcher.log
    net.loss = 0.0
    net.run(60)
    assert ("registered", True) in watcher.log


def test_a_peer_is_there_then_far_then_gone() -> None:
    net = Net(delay=0.05)
    watcher = _Watcher()
    reachability = Reachability(net.near.exchange, watcher)
    reachability.most = 200
    reachability.ask(FAR, 0, net.now)
    net.run(1)
    assert watcher.log == [(Reach.REACHABLE, True)] and reachability.last == pytest.approx(100, abs=5)
    net.delay = 0.15
    net.run(61)
    assert watcher.log[1:] == [(Reach.LAGGED, True)]
    net.loss = 1.0
    net.run(30)
    assert watcher.log[-1][0] is Reach.UNREACHABLE and reachability.last == -1
    net.loss, net.delay = 0.0, 0.01
    net.run(25)
    assert watcher.log[-1] == (Reach.REACHABLE, True)
    reachability.stop(net.now)
    asked = len(net.near.sent)
    net.run(200)
    assert len(net.near.sent) == asked and net.near.exchange.next_timer is None
