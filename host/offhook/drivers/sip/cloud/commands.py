"""The module res_trunk: trunk.conf, and the commands ``trunk show`` and ``trunk test``."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from offhook.calls import events
from offhook.calls.endpoints import Registry
from offhook.calls.pbx import Pbx
from offhook.drivers.sip.resource import read_again
from offhook.drivers.sip.stack import PART as STACK
from offhook.log import verbose
from offhook.modules import CommandError, Module, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from offhook.config.model import ConfigError, Section
    from offhook.drivers.sip.cloud.netlink import Change, Watch
    from offhook.drivers.sip.cloud.trunk import Trunk
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.stack import SipStack
    from offhook.drivers.sip.transport.flow import Flow
    from offhook.sip.message import Request as SipRequest

log = logging.getLogger(__name__)
module = Module(
    "res_trunk", "Trunks to the cloud", depends=("res_pjsip", "res_pjsip_outbound_registration"), priority=31
)

PART: Final = "trunks"
LOOK_S: Final = 1.0
TEST_S: Final = 10.0


class Trunks:
    """Every trunk of trunk.conf."""

    def __init__(self, pbx: Pbx) -> None:
        self.pbx = pbx
        self.stack: SipStack = pbx.parts[STACK]
        self.trunks: dict[str, Trunk] = {}
        self.network_changes = 0
        self._settings: dict[str, Any] = {}
        self._watch: Watch | None = None
        self._looking: asyncio.Task[None] | None = None
        self._drops: list[Callable[[], None]] = []

    # ---- configuration ------------------------------------------------------------------------------

    def sections(self, pbx: Pbx) -> list[Section]:
        """What trunk.conf adds to pjsip.conf."""
        file = pbx.config.load("trunk.conf", module.name)
        if file is None:
            self._settings = {}
            return []
        from offhook.drivers.sip.cloud.settings import read_trunks

        errors: list[ConfigError] = []
        self._settings = read_trunks(file, errors)
        for error in errors:
            log.error("%s", error)
        return [section for settings in self._settings.values() for section in settings.sections()]

    def configure(self) -> None:
        """Take the trunks that are in force now; those that did not change go on."""
        for name, trunk in list(self.trunks.items()):
            if self._settings.get(name) != trunk.settings:
                self.trunks.pop(name).stop()
        if self._settings:
            from offhook.drivers.sip.cloud.trunk import Trunk

            for name, settings in self._settings.items():
                if name not in self.trunks and name in self.stack.config.endpoints:
                    self.trunks[name] = Trunk(self.stack, settings)
        for trunk in self.trunks.values():
            trunk.start()
        if self.trunks and not self._drops:
            self._begin()

    def _begin(self) -> None:
        """There are trunks: listen to what concerns them."""
        from offhook.drivers.sip.cloud.netlink import Watch

        bus = self.pbx.bus
        self._drops = [
            bus.subscribe(Registry, self._registry),
            bus.subscribe(events.NewChannel, lambda event: self._channel(event.channel, "begun")),
            bus.subscribe(events.NewState, lambda event: self._channel(event.channel, "changed")),
            bus.subscribe(events.Hangup, lambda event: self._channel(event.channel, "ended")),
        ]
        self.stack.gates.append(self._gate)
        self.stack.admission.first_ways.append(self._endpoint_of_flow)
        try:
            self._watch = Watch(self.pbx.loop, self._network_changed)
        except OSError as error:
            log.warning("changes of the network are not seen (%s): a trunk comes back later than it could", error)
        self._looking = self.pbx.spawn(self._look(), "trunks")

    def stop(self) -> None:
        """Let go of everything."""
        for drop in self._drops:
            drop()
        if self._drops:
            self.stack.gates.remove(self._gate)
            self.stack.admission.first_ways.remove(self._endpoint_of_flow)
        if self._watch is not None:
            self._watch.close()
        if self._looking is not None:
            self._looking.cancel()
        for trunk in self.trunks.values():
            trunk.stop()

    # ---- what happens -------------------------------------------------------------------------------

    def _registry(self, event: Registry) -> None:
        for trunk in self.trunks.values():
            client = trunk.client
            if client is not None and client.section.client_uri == event.username:
                if event.status == "Registered":
                    trunk.came_up()
                else:
                    trunk.went_down()

    def _channel(self, channel: Any, what: str) -> None:
        session = getattr(channel, "session", None)
        trunk = self.trunks.get(session.endpoint.name) if session is not None else None
        if trunk is not None:
            getattr(trunk, what)(channel)

    def _gate(self, endpoint: Endpoint, number: str) -> None:
        trunk = self.trunks.get(endpoint.name)
        if trunk is not None:
            trunk.gate(number)

    def _endpoint_of_flow(self, _request: SipRequest, flow: Flow) -> Endpoint | None:
        """A request over the connection that we registered over comes from that trunk."""
        for trunk in self.trunks.values():
            client = trunk.client
            if client is not None and client.flow is not None and client.flow.carrier is flow.carrier:
                return self.stack.config.endpoints.get(trunk.name)
        return None

    def _network_changed(self, changes: list[Change]) -> None:
        kinds = sorted({f"{change.kind} {change.subject}" for change in changes if change.subject != "lo"})
        if not any(change.kind in ("address", "address gone", "route") for change in changes):
            return
        self.network_changes += 1
        verbose(2, "the network has changed: %s", ", ".join(kinds[:6]))
        self.stack.resolver.network_changed()
        self.stack.routing.network_changed()
        for trunk in self.trunks.values():
            trunk.network_changed()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            for trunk in self.trunks.values():
                trunk.look()


@module.on_load
async def load(pbx: Pbx) -> None:
    """Add what trunk.conf says to the configuration of SIP."""
    trunks = pbx.parts[PART] = Trunks(pbx)
    trunks.stack.more_sections.append(trunks.sections)
    trunks.stack.on_reloaded.append(trunks.configure)
    if pbx.config.load("trunk.conf", module.name) is not None:
        await read_again(trunks.stack)


@module.on_unload
async def unload(pbx: Pbx) -> None:
    """Take it out again."""
    trunks: Trunks = pbx.parts.pop(PART)
    trunks.stop()
    # The servers hear of it while there are transports to tell them by.
    clients = [trunk.client for trunk in trunks.trunks.values()]
    await asyncio.gather(*(client.leave() for client in clients if client is not None))
    trunks.stack.on_reloaded.remove(trunks.configure)
    trunks.stack.more_sections.remove(trunks.sections)
    if not pbx.stopping:
        await read_again(trunks.stack)


@module.on_reload
async def reload(pbx: Pbx) -> None:
    """Read trunk.conf again."""
    await read_again(pbx.parts[STACK])


# ---- commands ---------------------------------------------------------------------------------------


def _names(pbx: Any, args: list[str], _typed: str) -> list[str]:
    return sorted(pbx.parts[PART].trunks) if not args else []


def _chosen(request: Request) -> Trunk:
    trunks: Trunks = request.pbx.parts[PART]
    if len(request.args) != 1:
        raise request.usage()
    found = trunks.trunks.get(request.args[0])
    if found is None:
        raise CommandError(f"There is no trunk {request.args[0]}; trunk.conf has {', '.join(trunks.trunks) or 'none'}.")
    return found


@module.command("trunk show [<trunk>]", "Show the trunks to the cloud", complete=_names)
def show(request: Request) -> None:
    """List the trunks of trunk.conf, or show one: its state, connection, calls, and what was spent."""
    trunks: Trunks = request.pbx.parts[PART]
    now = request.pbx.now()
    if not request.args:
        request.print(f"{'Trunk':<16} {'State':<14} {'Calls':>5} {'Spent':>9}  Server")
        for trunk in trunks.trunks.values():
            state = _state(trunk, now)
            spent = f"{trunk.meter.cost(now):.2f}"
            request.print(
                f"{trunk.name:<16} {state:<14} {trunk.meter.calls:>5} {spent:>9}  {trunk.settings.host}".rstrip()
            )
        if not trunks.trunks:
            request.print("none: trunk.conf has no section")
        return
    trunk = _chosen(request)
    client, limits, values = trunk.client, trunk.settings.limits, trunk.settings.values
    flow = client.flow if client is not None else None
    request.print(f"Trunk:        {trunk.name}, {trunk.settings.host} over {values['transport']}")
    request.print(f"State:        {_state(trunk, now)}")
    request.print(f"Connection:   {flow if flow is not None else 'none'}")
    if client is not None and client.due_at > now:
        request.print(f"Next REGISTER {client.due_at - now:.0f} s from now, {trunk.backoff.attempts} failures in a row")
    request.print(f"Recoveries:   {trunk.recoveries}, {trunk.pongs_missed} signs of life without an answer")
    request.print(f"Network:      changed {trunks.network_changes} times")
    encryption = values["media_encryption"]
    request.print(f"Media:        {'not encrypted' if encryption == 'no' else encryption}")
    request.print(f"Calls:        {trunk.meter.calls} of {limits.calls or 'any number'}, {trunk.meter.refused} refused")
    limit = f" of {limits.spend:.2f}" if limits.spend else ""
    request.print(f"Spent today:  {trunk.meter.cost(now):.2f}{limit}")
    for channel, silence in trunk.silences.items():
        told = f", {silence.told}" if silence.told else ""
        request.print(f"Call:         {channel.name}, {silence.cloud.packets} packets from the cloud{told}")


def _state(trunk: Trunk, now: float) -> str:
    if not trunk.settings.values["register"]:
        return "not registered"
    return "up" if trunk.down_since is None else f"down {now - trunk.down_since:.0f} s"


@module.command("trunk test <trunk>", "Try a trunk step by step", complete=_names)
async def test(request: Request) -> None:
    """Look the server up, connect to it and register, and say how far it goes and how long each step takes.

    Calls that go on are left alone: an existing connection is used.
    """
    trunk = _chosen(request)
    from offhook.drivers.sip.cloud.trial import Trial

    trial = Trial(trunk)
    try:
        async with asyncio.timeout(TEST_S):
            async for line in trial.run():
                request.print(line)
    except TimeoutError:
        request.print(f"Failed:       not done within {TEST_S:.0f} s")
