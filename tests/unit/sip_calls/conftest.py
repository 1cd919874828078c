"""An exchange that takes and makes SIP calls over loopback, without sound, with a clock that leaps over waiting."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from offhook.apps import (
    call_control,
    dial,
    digits,
    echo,
    flow,
    messages,
    other_channels,
    variables,
)
from offhook.calls.pbx import Pbx
from offhook.config.parser import loads
from offhook.config.store import Configuration
from offhook.dialplan.plan import Dialplan
from offhook.dialplan.reading import read_extensions
from offhook.drivers import local
from offhook.drivers.sip import parts, resource
from offhook.drivers.sip.calls import call_parts, header_functions, technology
from offhook.drivers.sip.outbound import module as outbound
from offhook.drivers.sip.stack import SipStack
from offhook.drivers.sip.transfers import send_to_voicemail
from offhook.functions import callerid, channel, hangupcause
from offhook.functions import stack as stack_functions
from offhook.modules import Module
from offhook.modules.registry import Registry
from offhook.services import acl
from offhook.storage.astdb import AstDb
from offhook.storage.realtime import Target, realtime_of
from support.leaping_loop import LeapingPolicy
from support.silent_engine import RtpLeg, SilentEngine
from support.sip_call import Call, Telephone
from support.sip_peer import UdpPeer
from support.sip_tables import Tables

TRANSPORT = """
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:0
"""
SOURCES = (
    acl, resource, parts, outbound, call_parts, technology, header_functions, local, call_control, dial, digits, echo,
    flow, messages, other_channels, variables, callerid, channel, hangupcause, stack_functions, send_to_voicemail,
)  # fmt: skip


@pytest.fixture(scope="session")
def event_loop_policy() -> LeapingPolicy:
    """Waiting takes no time in these tests."""
    return LeapingPolicy()


class Office:
    """The exchange, its telephones and everything heard on its bus."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pbx = Pbx(asyncio.get_running_loop())
        self.pbx.registry = Registry()
        self.pbx.config = Configuration(str(folder))
        self.pbx.dialplan = Dialplan(self.pbx)
        self.pbx.engine = SilentEngine()  # type: ignore[assignment]
        self.pbx.astdb = AstDb(":memory:")
        self.pbx.astdb.open()
        self.pbx.booted = True
        self.events: list[Any] = []
        self.pbx.bus.subscribe_all(self.events.append)
        self.modules: list[Module] = []
        self.peers: list[UdpPeer] = []

    # ---- life ---------------------------------------------------------------------------------------

    async def telephone(self, pjsip: str, dialplan: str, user: str = "alice") -> Telephone:
        """Start the exchange; a telephone at it."""
        await self.start(pjsip, dialplan)
        return await self.another(user)

    async def start(self, pjsip: str, dialplan: str) -> None:
        """Load the modules with a configuration and put a dialplan in force."""
        (self.folder / "pjsip.conf").write_text(TRANSPORT + pjsip)
        reading = read_extensions(self.pbx.dialplan, loads(dialplan, "extensions.conf"))
        self.pbx.dialplan.replace("pbx_config", reading.contexts)
        found = {
            value.name: value for source in SOURCES for value in vars(source).values() if isinstance(value, Module)
        }
        for module in sorted(found.values(), key=lambda each: each.priority):
            self.pbx.registry.add(module)
            self.modules.append(module)
            await self._call(module.load)

    async def _call(self, hook: Any) -> None:
        done = hook(self.pbx) if hook is not None else None
        if done is not None:
            await done

    async def another(self, user: str, port: int = 0) -> Telephone:
        """One more telephone."""
        carrier = self.stack.transports.datagram["udp"]
        peer = UdpPeer((carrier.host, carrier.port))
        await peer.start(port)
        self.peers.append(peer)
        return Telephone(peer, user)

    async def stop(self) -> None:
        """Hang up what is left and unload everything; nothing of any call may stay."""
        for one in self.pbx.channels:
            one.request_hangup()
        await self.until(lambda: not len(self.pbx.channels))
        for module in reversed(self.modules):
            await self._call(module.unload)
        for peer in self.peers:
            peer.close()
        await self.pbx.end_tasks()
        self.pbx.astdb.close()
        assert not len(self.pbx.bridges)
        assert not self.engine.legs, "legs are left in the engine"
        await asyncio.sleep(0)

    # ---- looking ------------------------------------------------------------------------------------

    @property
    def stack(self) -> SipStack:
        return self.pbx.parts["pjsip"]

    @property
    def engine(self) -> SilentEngine:
        return self.pbx.engine  # type: ignore[return-value]

    @property
    def leg(self) -> RtpLeg:
        """The only RTP leg."""
        (found,) = [leg for leg in self.engine.legs if isinstance(leg, RtpLeg)]
        return found

    def channel(self, prefix: str) -> Any:
        """The channel whose name begins so."""
        found = self.pbx.channels.by_prefix(prefix)
        assert found is not None, f"no channel {prefix}: {list(self.pbx.channels)}"
        return found

    def heard(self, kind: type) -> list[Any]:
        """All events of a class so far."""
        return [event for event in self.events if type(event) is kind]

    async def until(self, condition: Callable[[], object], seconds: float = 60) -> None:
        """Let time pass until something is so."""
        limit = self.pbx.now() + seconds
        while not condition():
            assert self.pbx.now() < limit, "it did not come to pass"
            await asyncio.sleep(0.01)

    async def hung_up(self) -> None:
        """Wait until every channel is gone."""
        await self.until(lambda: not len(self.pbx.channels))

    async def taken_elsewhere(self, call: Call) -> None:
        """Cancel a call with the reason that somebody else took it."""
        call.cancel(("Reason", 'SIP;cause=200;text="Call completed elsewhere"'), ("Reason", "Q.850;cause=26"))
        for _ in range(2):
            message = await call.phone.next()
            if message.status == 487:
                call.ack(message)
        await self.hung_up()


@pytest.fixture
async def office(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Office]:
    """An exchange that a test starts with its own pjsip.conf and dialplan."""
    caplog.set_level(logging.DEBUG, "offhook")
    made = Office(tmp_path)
    yield made
    await made.stop()


@pytest.fixture
async def tables(office: Any) -> Tables:
    made = Tables()
    found = realtime_of(office.pbx)
    found.backends["fake"] = made  # type: ignore[assignment]
    for family in ("ps_endpoints", "ps_auths", "ps_aors", "ps_ips"):
        found.targets[family] = [Target(family, "fake", "d", family)]
    return made
