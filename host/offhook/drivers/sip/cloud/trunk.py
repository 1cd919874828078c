"""A trunk at work: registered over one connection, watched for life and silence, its calls counted against limits."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from typing import TYPE_CHECKING, Final

from offhook.calls import causes
from offhook.calls.channel import State
from offhook.calls.requesting import RequestError
from offhook.drivers.sip.cloud import pulse
from offhook.drivers.sip.cloud.backoff import Backoff
from offhook.drivers.sip.cloud.limits import Meter
from offhook.drivers.sip.cloud.silence import Silence
from offhook.drivers.sip.transport.connections import Connection
from offhook.log import NOTICE
from offhook.media.rtp import RtpLeg

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.drivers.sip.calls.channel import SipChannel
    from offhook.drivers.sip.cloud.settings import TrunkSettings
    from offhook.drivers.sip.outbound.registration import Client
    from offhook.drivers.sip.stack import SipStack

log = logging.getLogger(__name__)

PONG_S: Final = 4.0
"""A sign of life is answered within, several retransmissions included. RFC 5626 4.4.1 would wait 10 s, and a call that
comes in meanwhile is lost."""
CHANGED_S: Final = 2.0
"""The same after the network has changed, when there is reason to doubt."""
PULSE_S: Final = 0.5
"""How soon a new connection's pulse is felt."""
FAMILY: Final = "trunk"
"""The AstDB family of what was spent: survives a restart."""


class Trunk:
    """One trunk."""

    def __init__(self, stack: SipStack, settings: TrunkSettings) -> None:
        self.stack = stack
        self.settings = settings
        self.name = settings.name
        self.backoff = Backoff()
        self.recoveries = 0
        """How often it came back after it was down."""
        self.down_since: float | None = stack.now()
        """Monotonic; None while it is registered."""
        self.pongs_missed = 0
        self.silences: dict[SipChannel, Silence] = {}
        day, _, spent = (stack.pbx.astdb.get(FAMILY, f"{self.name}/spent") or "").partition(" ")
        self.meter = Meter(settings.limits, day, float(spent or 0))
        self._watches: list[asyncio.Task[None]] = []
        self._number = ""
        """The number that the gate let pass last: that of the channel made in the same step."""

    # ---- life ---------------------------------------------------------------------------------------

    @property
    def client(self) -> Client | None:
        """Its registration."""
        from offhook.drivers.sip.outbound.module import KEY

        registrations = self.stack.pbx.parts.get(KEY)
        return registrations.clients.get(self.name) if registrations is not None else None

    def start(self) -> None:
        """Look after the registration, and give signs of life."""
        client = self.client
        if client is not None:
            client.backoff = self._wait
        if not self._watches:
            for watch in (self._keep_alive, self._feel_pulse):
                self._watches.append(self.stack.pbx.spawn(watch(), f"trunk {self.name}"))

    def stop(self) -> None:
        """Leave it alone."""
        for watch in self._watches:
            watch.cancel()

    def _wait(self, status: int) -> float:
        """How long to wait after a failed registration; nothing is sent to a server that cannot be reached anyhow."""
        self.went_down()
        return self.backoff.after(status, self.stack.now())

    def went_down(self) -> None:
        """It is not registered any more."""
        if self.down_since is None:
            self.down_since = self.stack.now()
            log.warning("trunk %s is down: calls to it fail, everything else goes on", self.name)

    def came_up(self) -> None:
        """It is registered."""
        self.backoff.succeeded()
        if self.down_since is not None:
            self.recoveries += 1
            log.log(NOTICE, "trunk %s is up after %.1f s", self.name, self.stack.now() - self.down_since)
            self.down_since = None

    async def _keep_alive(self) -> None:
        """A sign of life now and then; a connection that does not answer is closed, and we register anew."""
        while True:
            # Between 80 and 100 percent of the interval (RFC 5626 4.4.1).
            await asyncio.sleep(self.settings.values["keepalive"] * random.uniform(0.8, 1.0))
            await self._sign_of_life(PONG_S)

    def _connection(self) -> Connection | None:
        """The open connection that it is registered over."""
        client = self.client
        flow = client.flow if client is not None else None
        return flow.carrier if flow is not None and flow.open and isinstance(flow.carrier, Connection) else None

    async def _feel_pulse(self) -> None:
        """Notice within seconds that nothing comes back over the connection, and register over a new one."""
        while True:
            connection = self._connection()
            if connection is None:
                await asyncio.sleep(PULSE_S)
                continue
            try:
                await self._until_dead(connection)
            except OSError as error:
                connection.close(str(error))

    async def _until_dead(self, connection: Connection) -> None:
        """Watch one connection to its end. Raises OSError for one that has none of what TCP has."""
        judge = pulse.Pulse()
        if connection.socket is not None:
            pulse.begin(connection.socket)
        while (sock := connection.socket) is not None:
            finding, wait = judge.feel(*pulse.read(sock))
            if finding is pulse.Finding.ASK:
                connection.ping()
            elif finding is pulse.Finding.DEAD:
                self._give_up(connection, "nothing comes back over it")
                return
            await asyncio.sleep(wait)

    async def _sign_of_life(self, patience: float) -> None:
        """Ask the other end of the connection for one; without, it is closed."""
        connection, asked = self._connection(), self.stack.now()
        if connection is None:
            return
        try:
            connection.ping()
        except OSError as error:
            connection.close(str(error))
            return
        await asyncio.sleep(patience)
        if connection.open and connection.heard < asked:
            self._give_up(connection, f"no sign of life within {patience:.0f} s")

    def _give_up(self, connection: Connection, why: str) -> None:
        """Close a connection that is dead, and register anew without the wait that spreads a thousand boxes."""
        self.pongs_missed += 1
        connection.close(why)
        self.went_down()
        if self.client is not None:
            self.client.register_now()

    def network_changed(self) -> None:
        """Another address, another way: register anew at once.

        A connection from an address that is not ours any more is dead without a word. One from the address that still
        leads there may live: calls need it, so it is asked.
        """
        client = self.client
        if client is None:
            return
        self.backoff.news()
        flow = client.flow
        if flow is not None and flow.open:
            if self.stack.routing.source(flow.host) == flow.carrier.host:
                self.stack.pbx.spawn(self._sign_of_life(CHANGED_S), f"trunk {self.name} lives")
            else:
                flow.carrier.close("the network has changed")
        client.register_now()

    # ---- calls --------------------------------------------------------------------------------------

    def _today(self) -> str:
        return time.strftime("%Y-%m-%d", time.localtime(self.stack.pbx.wall()))

    def gate(self, number: str) -> None:
        """Refuse a call that the limits forbid. Raises RequestError."""
        reason = self.meter.why_not(number, self._today(), self.stack.now())
        if reason:
            log.warning("trunk %s: %s; the call is refused", self.name, reason)
            raise RequestError(causes.CALL_REJECTED, f"trunk {self.name}: {reason}")
        self._number = number

    def begun(self, channel: SipChannel) -> None:
        """A call begins. One from outside beyond the number allowed is ended at once."""
        outgoing = channel.session.uac
        limit = self.settings.limits.calls
        if not outgoing and limit and self.meter.calls >= limit:
            log.warning("trunk %s: %d calls go on already; %s is refused", self.name, self.meter.calls, channel.name)
            channel.request_hangup(causes.SWITCH_CONGESTION)
        self.meter.begun(channel, self._number if outgoing else "", self.stack.now(), outgoing=outgoing)

    def changed(self, channel: SipChannel) -> None:
        """Its state changed."""
        if channel.state is State.UP and channel not in self.silences:
            self.meter.answered(channel, self.stack.now())
            self.silences[channel] = Silence(self.settings.values["silence"], self.stack.now())

    def ended(self, channel: SipChannel) -> None:
        """It is over."""
        self.silences.pop(channel, None)
        if self.meter.ended(channel, self._today(), self.stack.now()):
            self.stack.pbx.astdb.put(FAMILY, f"{self.name}/spent", f"{self.meter.day} {self.meter.spent:.4f}")

    def look(self) -> None:
        """Once a second: end what costs too much, tell who is silent."""
        now = self.stack.now()
        for call in self.meter.overspent(now):
            log.warning("trunk %s: the day's %.2f are spent; a call is ended", self.name, self.settings.limits.spend)
            call.request_hangup(causes.CALL_REJECTED)  # type: ignore[attr-defined]
        for channel, silence in self.silences.items():
            media = channel.media
            if not isinstance(media, RtpLeg):
                continue
            here = _other_leg(channel)
            held = any(stream.remote_hold or stream.local_hold for stream in channel.session.media.active)
            news = silence.look(
                media.stats().rx_packets, here.stats().rx_packets if here is not None else None, now, held=held
            )
            if news:
                log.warning("trunk %s: %s in %s", self.name, news, channel.name)


def _other_leg(channel: Channel) -> RtpLeg | None:
    """The RTP leg of the one other party, None when there is none or it has no RTP."""
    bridge = channel.bridge
    others = [other for other in bridge.members if other is not channel] if bridge is not None else []
    media = others[0].media if len(others) == 1 else None
    return media if isinstance(media, RtpLeg) else None
