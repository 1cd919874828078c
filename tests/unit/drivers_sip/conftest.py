"""An exchange that speaks SIP over loopback, with a clock that leaps over waiting."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from offhook.calls.pbx import Pbx
from offhook.config.parser import loads
from offhook.config.store import Configuration
from offhook.dialplan.plan import Dialplan
from offhook.dialplan.reading import read_extensions
from offhook.drivers.sip import parts, resource
from offhook.drivers.sip.outbound import module as outbound
from offhook.drivers.sip.showing import functions
from offhook.drivers.sip.stack import SipStack
from offhook.drivers.sip.transport import wirelog
from offhook.modules import Module, Request
from offhook.modules.registry import Registry
from offhook.services import acl
from offhook.storage.astdb import AstDb
from support.leaping_loop import LeapingPolicy
from support.sip_peer import TcpPeer, UdpPeer
from support.sip_watcher import MODULES, OFFICE, PLAN, PRESENCE, STATES, Watcher

TRANSPORTS = """
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:0
[tcp]
type = transport
protocol = tcp
bind = 127.0.0.1:0
"""


def pytest_configure(config: pytest.Config) -> None:
    """The policy below is the one way to choose the loop that every pytest-asyncio in use knows."""
    config.addinivalue_line("filterwarnings", "ignore:Overriding the .event_loop_policy.")


@pytest.fixture(scope="session")
def event_loop_policy() -> LeapingPolicy:
    """Waiting takes no time in these tests."""
    return LeapingPolicy()


class Office:
    """An exchange of SIP's modules only, and everything heard on its bus."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pbx = Pbx(asyncio.get_running_loop())
        self.pbx.registry = Registry()
        self.pbx.config = Configuration(str(folder))
        self.pbx.dialplan = Dialplan(self.pbx)
        self.pbx.astdb = AstDb(":memory:")
        self.pbx.astdb.open()
        self.pbx.booted = True
        self.started = self.pbx.now()
        self.pbx.wall = lambda: 1_800_000_000.0 + self.pbx.now() - self.started  # type: ignore[method-assign]
        self.events: list[Any] = []
        self.pbx.bus.subscribe_all(self.events.append)
        self.modules: list[Module] = []
        self.peers: list[UdpPeer | TcpPeer] = []

    # ---- life ---------------------------------------------------------------------------------------

    async def start(
        self,
        pjsip: str,
        *,
        transports: str = TRANSPORTS,
        without: tuple[str, ...] = (),
        also: tuple[ModuleType, ...] = (),
        dialplan: str = "",
    ) -> SipStack:
        """Write pjsip.conf and load the modules in their order."""
        self.write("pjsip.conf", transports + pjsip)
        self.pbx.dialplan.replace("pbx_config", read_extensions(self.pbx.dialplan, loads(dialplan, "e.conf")).contexts)
        self.pbx.hints.start()
        found = [
            value
            for source in (acl, resource, parts, outbound, wirelog, functions, *also)
            for value in vars(source).values()
            if isinstance(value, Module) and value.name not in without
        ]
        for module in sorted(found, key=lambda each: each.priority):
            self.pbx.registry.add(module)
            self.modules.append(module)
            await self._call(module.load)
        return self.stack

    async def _call(self, hook: Any) -> None:
        done = hook(self.pbx) if hook is not None else None
        if done is not None:
            await done

    def write(self, name: str, text: str) -> None:
        """Write a configuration file."""
        (self.folder / name).write_text(text)

    async def reload(self, pjsip: str, *, transports: str = TRANSPORTS) -> None:
        """Write another pjsip.conf and read it."""
        self.write("pjsip.conf", transports + pjsip)
        await self.reload_only()

    async def reload_only(self) -> None:
        """Read the files again as they are."""
        await self._call(resource.reload)

    async def restart(self, pjsip: str, **others: Any) -> None:
        """Stop and start again, with the same database."""
        await self.unload()
        await self.start(pjsip, **others)

    async def unload(self) -> None:
        """Unload everything, the last loaded first."""
        for module in reversed(self.modules):
            await self._call(module.unload)
            self.pbx.registry.remove(module)
        self.modules.clear()

    async def stop(self) -> None:
        """Unload everything, send the peers home."""
        await self.unload()
        for peer in self.peers:
            peer.close()
        await self.pbx.end_tasks()
        self.pbx.astdb.close()
        await asyncio.sleep(0)

    # ---- looking ------------------------------------------------------------------------------------

    @property
    def stack(self) -> SipStack:
        return self.pbx.parts["pjsip"]

    @property
    def udp(self) -> tuple[str, int]:
        """The address of the transport "udp"."""
        carrier = self.stack.transports.datagram["udp"]
        return carrier.host, carrier.port

    @property
    def tcp(self) -> tuple[str, int]:
        """The address of the transport "tcp"."""
        listener = self.stack.transports.listeners["tcp"]
        return listener.host, listener.port

    async def phone(self) -> UdpPeer:
        """A new peer over UDP."""
        peer = await UdpPeer(self.udp).start()
        self.peers.append(peer)
        return peer

    async def tcp_phone(self) -> TcpPeer:
        """A new peer over TCP."""
        peer = await TcpPeer(self.tcp).start()
        self.peers.append(peer)
        return peer

    def contacts(self, aor: str = "alice") -> list[str]:
        """The contacts of an AOR now."""
        return [contact.uri for contact in self.stack.locations.by_name[aor].contacts.values()]

    def heard(self, kind: type) -> list[Any]:
        """All events of a class so far."""
        return [event for event in self.events if type(event) is kind]

    def cli(self, line: str) -> list[str]:
        """The output of a command."""
        words = line.split()
        command = self.pbx.registry.command(words)
        assert command is not None, f"no command {line!r}"
        request = Request(self.pbx, line, words, words[len(command.words) :])
        done = command.run(request)
        if asyncio.iscoroutine(done):  # that has nothing to wait for
            with contextlib.suppress(StopIteration):
                done.send(None)
        return request.out

    async def until(self, condition: Callable[[], object], seconds: float = 60) -> None:
        """Let time pass until something is so."""
        now = self.pbx.now
        limit = now() + seconds
        while not condition():
            assert now() < limit, "it did not come to pass"
            await asyncio.sleep(0)
            due = self.pbx.loop.next_timer()  # type: ignore[attr-defined]
            await asyncio.sleep(max(0.0, min(limit if due is None else due, limit) - now()) + 0.0005)

    async def after(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)


@pytest.fixture
async def office(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Office]:
    """An exchange that a test starts with its own pjsip.conf."""
    caplog.set_level(logging.DEBUG, "offhook")
    made = Office(tmp_path)
    yield made
    await made.stop()


@pytest.fixture
def begin(office):
    """Starts the exchange and gives a watcher."""

    async def start(pjsip: str = OFFICE, plan: str = PLAN, *, tcp: bool = False) -> Watcher:
        await office.start(pjsip, also=MODULES, dialplan=plan)
        return Watcher(office, await (office.tcp_phone() if tcp else office.phone()))

    office.pbx.devices.providers["custom"] = lambda name: STATES.get(name, "NOT_INUSE")
    office.pbx.presence.providers["custompresence"] = PRESENCE.get
    STATES.clear()
    PRESENCE.clear()
    yield start
    subscriptions = office.pbx.parts["pubsub"].subscriptions if "pubsub" in office.pbx.parts else {}
    assert all(each.core.dialog.id in office.stack.dialogs for each in subscriptions)
