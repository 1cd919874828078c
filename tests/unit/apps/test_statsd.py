"""StatsD: what a server of statistics gets, and what it does not."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from offhook.apps import statsd
from offhook.calls import events
from offhook.calls.endpoints import ContactAsked, ContactChange, RegistrationChange
from offhook.services import statsd as service
from support.call_exchange import Exchange


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.setblocking(False)
        yield made


@pytest.fixture
async def exchange(tmp_path: Path, server: socket.socket) -> AsyncIterator[Exchange]:
    running = Exchange(tmp_path)
    running.load(statsd)
    await configured(running, tmp_path, server)
    yield running
    await running.quiet()
    service._close(running.pbx)


async def configured(exchange: Exchange, tmp_path: Path, server: socket.socket, more: str = "") -> None:
    port = server.getsockname()[1]
    (tmp_path / "statsd.conf").write_text(f"[general]\nenabled=yes\nserver=127.0.0.1:{port}\n{more}")
    await service.configure(exchange.pbx)


def got(server: socket.socket) -> list[str]:
    """All that is waiting at the server."""
    found = []
    while True:
        try:
            found.append(server.recv(1000).decode())
        except BlockingIOError:
            return found


async def sent(exchange: Exchange, server: socket.socket, *figures: str) -> list[str]:
    """What the server gets of figures in the dialplan."""
    steps = "".join(f" same => n,StatsD({figure})\n" for figure in figures)
    exchange.dialplan(f"[test]\nexten => s,1,NoOp()\n{steps} same => n,UserEvent(Over,X: on)\n")
    await exchange.call("Local/s@test")
    await exchange.quiet()
    return got(server)


async def test_figures_are_sent_as_they_are(exchange: Exchange, server: socket.socket) -> None:
    figures = ["g,a.b,1,1", "s,a.b,two words", "ms,a.b,3", "c,a.b,-4", "g,a.b,+.5"]
    assert await sent(exchange, server, *figures) == ["a.b:1|g", "a.b:two words|s", "a.b:3|ms", "a.b:-4|c", "a.b:+.5|g"]


async def test_what_is_configured_is_heeded(exchange: Exchange, server: socket.socket, tmp_path: Path) -> None:
    await configured(exchange, tmp_path, server, "prefix=box\nadd_newline=yes\nmeter_support=no\n")
    assert await sent(exchange, server, "g,a,1") == ["box.a:1|g\n"]
    client = service.statsd_of(exchange.pbx)
    assert client is not None
    client.send("calls", "m", "1")
    assert server.recv(100) == b"box.calls_meter:1|c\n"


async def test_only_some_are_sent(exchange: Exchange, server: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    chances = iter([0.4, 0.6])
    monkeypatch.setattr("random.random", lambda: next(chances))
    assert await sent(exchange, server, "c,a,1,0.5", "c,a,2,0.5", "c,a,3,0") == ["a:1|c|@0.50"]


@pytest.mark.parametrize(
    "figure",
    ["", "b,a,1", ",a,1", "g,,1", "g,a|,1", "g,a,", "g,a,x", "g,a,+", "ms,a,-1", "s,a,b|c", "g,a,1,x", f"g,a,{2**70}"],
)
async def test_what_is_wrong_ends_the_call(
    exchange: Exchange, server: socket.socket, caplog: pytest.LogCaptureFixture, figure: str
) -> None:
    assert await sent(exchange, server, figure) == []
    assert not exchange.heard(events.UserEvent) and "StatsD(" in caplog.text


async def test_switched_off_nothing_is_sent(exchange: Exchange, server: socket.socket, tmp_path: Path) -> None:
    (tmp_path / "statsd.conf").unlink()
    await service.configure(exchange.pbx)
    assert await sent(exchange, server, "g,a,1") == []
    assert len(exchange.heard(events.UserEvent)) == 1


async def test_contacts_and_registrations_are_counted(
    exchange: Exchange, server: socket.socket, tmp_path: Path
) -> None:
    for event in (
        ContactChange("bob@@1", "", "NonQualified"),
        ContactChange("bob@@1", "NonQualified", "Reachable"),
        ContactAsked("bob@@1", 4999),
        ContactAsked("bob@@1", None),
        RegistrationChange("PJSIP", "trunk", "", "Unregistered"),
        RegistrationChange("PJSIP", "trunk", "Unregistered", "Registered"),
        RegistrationChange("PJSIP", "trunk", "Registered", ""),
    ):
        exchange.pbx.bus.publish(event)
    assert got(server) == [
        "PJSIP.contacts.states.NonQualified:+1|g",
        "PJSIP.contacts.states.NonQualified:-1|g",
        "PJSIP.contacts.states.Reachable:+1|g",
        "PJSIP.contacts.bob@@1.rtt:4|ms",
        "PJSIP.contacts.bob@@1.rtt:-1|ms",
        "PJSIP.registrations.count:+1|g",
        "PJSIP.registrations.state.Unregistered:+1|g",
        "PJSIP.registrations.state.Unregistered:-1|g",
        "PJSIP.registrations.state.Registered:+1|g",
        "PJSIP.registrations.count:-1|g",
        "PJSIP.registrations.state.Registered:-1|g",
    ]
    (tmp_path / "statsd.conf").write_text("[general]\nenabled=no\n")
    await service.configure(exchange.pbx)
    exchange.pbx.bus.publish(ContactChange("bob@@1", "Reachable", "Removed"))
    assert got(server) == []


async def test_gauges_begin_at_nought(exchange: Exchange, server: socket.socket) -> None:
    await service.load(exchange.pbx)
    assert len(figures := got(server)) == 9
    assert all(figure.endswith(":0|g") for figure in figures)
