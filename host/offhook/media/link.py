"""The link of a leg to its far end: the way found by ICE, and the keys agreed by DTLS over it.

A leg in the clear, or with keys from SDP, has none. The protocols live in ``offhook.ice`` and in the engine; here are
their timers, and what follows from them for the leg.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from offhook.ice.agent import Agent, ConsentLost, Event, Failed
from offhook.ice.candidate import Candidate, IceOffer, host_candidate, is_usable
from offhook.ice.servers import Relay
from offhook.ice.stun import is_stun
from offhook.media.dtls import DtlsContext, Handshake
from offhook.media.gathering import Gathering
from offhook.media.rtp import Packet, RtpLeg

if TYPE_CHECKING:
    from offhook.media.engine import Engine

log = logging.getLogger(__name__)

Address = tuple[str, int]
_MOST_ADDRESSES = 32


class Association:
    """DTLS of one component."""

    __slots__ = ("address", "agreed", "handshake", "relayed")

    def __init__(self, handshake: Handshake, address: Address | None) -> None:
        self.handshake = handshake
        self.address = address
        self.relayed = False
        self.agreed: object = None
        """The keys in force."""


class Link:
    """ICE and DTLS of one leg. ``address`` is what SDP advertises: the candidate liked best.

    ``on_failed(sentence)`` is told when no secure way could be found.
    """

    def __init__(self, engine: Engine, leg: RtpLeg, loop: asyncio.AbstractEventLoop, address: str) -> None:
        self.engine = engine
        self.leg = leg
        self.agent: Agent | None = None
        self.context: DtlsContext | None = None
        self.on_failed: Callable[[str], None] | None = None
        self._loop = loop
        self._address = address
        self._associations: dict[int, Association] = {}
        self._remote: Address | None = None
        self._mux = True
        self._active: bool | None = None
        self._fingerprint: tuple[str, str] | None = None
        self._rekey = 0
        self._rekey_timer: asyncio.TimerHandle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._gathering: Gathering | None = None
        self._waiting: list[Callable[[], None]] = []
        self._detour: Address | None = None
        """The peer that media goes to by the TURN channel."""
        leg.on_packet = self._receive

    # ---- ICE ------------------------------------------------------------------------------------------

    def use_ice(self, *, controlling: bool, components: int) -> None:
        """Have an agent with our addresses; harmless again."""
        if self.agent is not None:
            self.agent.components = min(self.agent.components, components)
            return
        settings = self.engine.settings.ice
        self.agent = Agent(
            controlling=controlling, components=components, software="Offhook" if settings.software else ""
        )
        hosts = self._hosts()
        for component in range(1, components + 1):
            port = self.leg.local_port + component - 1
            for order, host in enumerate(hosts):
                self.agent.add_local(host_candidate(component, host, port, order))
        self._expect()
        if (settings.stun is not None or settings.turn is not None) and ":" not in self.leg.local_address:
            self._gathering = Gathering(
                self.leg,
                settings,
                self._loop,
                base=hosts[0] if hosts else self._address,
                components=components,
                on_found=self.agent.add_local,
                on_begun=self._work,
                on_done=self._gathered,
            )

    @property
    def ready(self) -> bool:
        """Whether all candidates are known."""
        return self._closed or self._gathering is None or self._gathering.done

    def when_ready(self, then: Callable[[], None]) -> None:
        """Call back once all candidates are known: at once, unless servers are being asked."""
        if self.ready:
            then()
        else:
            self._waiting.append(then)

    def _gathered(self) -> None:
        waiting, self._waiting = self._waiting, []
        for then in waiting:
            then()

    def _hosts(self) -> list[str]:
        """Our addresses as candidates: the advertised one first."""
        settings = self.engine.settings.ice
        bound = self.leg.local_address
        if bound in ("0.0.0.0", "::"):
            hosts = host_addresses(self.engine, self._address)
            if bound == "0.0.0.0":
                hosts = [host for host in hosts if ":" not in host]
        else:
            hosts = [bound]
        told: dict[str, None] = {}
        for host in hosts:
            if settings.allows(host):
                told.update(dict.fromkeys(settings.advertised(host)))
        return list(told)

    @property
    def candidates(self) -> list[Candidate]:
        """What to advertise."""
        return [] if self.agent is None else self.agent.local

    def peer_describes(self, offer: IceOffer) -> None:
        """The peer made an offer: when it began anew, so do we, before our answer is written."""
        agent = self.agent
        if agent is not None and agent.remote is not None and not agent.describes(offer.ufrag, offer.password):
            agent.restart()

    # ---- what SDP agreed on ---------------------------------------------------------------------------

    def agree_ice(self, offer: IceOffer | None, *, controlling: bool, components: int) -> bool:
        """Both descriptions are exchanged: look for the way (True when that begins now); None: the peer has no ICE."""
        agent = self.agent
        if agent is None:
            return False
        if offer is None:
            self.agent = None
            self._expect()
            return False
        agent.components = components
        begins = not agent.describes(offer.ufrag, offer.password)
        if begins:
            if agent.remote is None:
                agent.controlling = controlling
            else:
                agent.restart()
            now = self._loop.time()
            agent.set_remote(offer.ufrag, offer.password, offer.candidates, now, lite=offer.lite)
            if self._relay is not None:
                hosts = {each.host for each in offer.candidates if is_usable(each.host) and ":" not in each.host}
                self._relay.permit(hosts, now)
        self._work()
        return begins

    @property
    def _relay(self) -> Relay | None:
        relay = self._gathering.relay if self._gathering is not None else None
        return relay if relay is not None and relay.relayed is not None else None

    def agree_dtls(
        self,
        context: DtlsContext,
        *,
        active: bool,
        fingerprint: tuple[str, str] | None,
        new: bool = False,
        rekey: int = 0,
    ) -> None:
        """Agree on keys by DTLS, as the active side or not; the far end has to show a certificate of that fingerprint
        (hash name, hex). A changed fingerprint or part, or ``new``, begins another association."""
        changed = self._active is not None and (active, fingerprint) != (self._active, self._fingerprint)
        if changed or (new and any(each.agreed for each in self._associations.values())):
            self._associations.clear()
        self.context, self._active, self._fingerprint, self._rekey = context, active, fingerprint, rekey
        self.leg.guard(True)
        self._expect()

    def set_remote(self, address: Address | None, *, mux: bool) -> None:
        """Where SDP says the far end is, and whether RTCP shares the port. What ICE finds is better."""
        self._remote, self._mux = address, mux
        selected = self.agent.selected if self.agent is not None else {}
        if 1 not in selected and address is not None:
            self.leg.set_remote(*address, address[1] if mux else None)
        self._begin_handshakes()
        self._work()

    @property
    def established(self) -> bool:
        """Whether there is a DTLS association."""
        return any(each.agreed is not None for each in self._associations.values())

    def fingerprint(self, hash_name: str) -> str:
        """Of our certificate."""
        return "" if self.context is None else self.context.fingerprint(hash_name)

    def close(self) -> None:
        """The leg is not used any more."""
        if self._closed:
            return
        for component, association in self._associations.items():
            association.handshake.close()
            self._send_flights(component, association)
        self._closed = True
        if self._gathering is not None:
            self._gathering.close()
        self._waiting.clear()
        self.leg.on_packet = None
        self._associations.clear()
        for timer in (self._timer, self._rekey_timer):
            if timer is not None:
                timer.cancel()

    # ---- packets --------------------------------------------------------------------------------------

    def _expect(self) -> None:
        agent = self.agent
        chosen = agent is not None and 1 in agent.selected
        self.leg.expect(stun=agent is not None, dtls=self.context is not None, chosen=chosen)

    def _receive(self, packet: Packet) -> None:
        component = 2 if packet.rtcp else 1
        if self._gathering is not None and not packet.relayed:
            ours, handed = self._gathering.receive(component, packet.data, (packet.host, packet.port))
            if ours and handed is None:
                self._work()
                return
            if handed is not None:
                data, (host, port) = handed
                packet = Packet(data, host, port, relayed=True)
        if is_stun(packet.data):
            if self.agent is not None:
                source = packet.host, packet.port
                self.agent.receive(component, packet.data, source, self._loop.time(), relayed=packet.relayed)
        elif self.context is not None and self._active is not None:
            self._receive_dtls(component, packet)
        self._work()

    def _receive_dtls(self, component: int, packet: Packet) -> None:
        agent = self.agent
        if agent is not None and not agent.failed and not agent.knows((packet.host, packet.port)):
            return  # a stranger may not begin a handshake, nor draw one to itself
        association = self._associations.get(component)
        if association is None:
            if self._active:
                return
            association = self._associate(component, (packet.host, packet.port))
        if association.agreed is None:
            association.address, association.relayed = (packet.host, packet.port), packet.relayed
        self._follow(component, association, association.handshake.receive(packet.data))

    # ---- DTLS -----------------------------------------------------------------------------------------

    def _associate(self, component: int, address: Address | None) -> Association:
        assert self.context is not None
        handshake = self.context.handshake(active=bool(self._active))
        association = self._associations[component] = Association(handshake, address)
        return association

    def _begin_handshakes(self) -> None:
        """As the active side: once the way is known."""
        if self.context is None or not self._active:
            return
        for component in (1,) if self._mux else (1, 2):
            address, relayed = self._way(component)
            if address is None or component in self._associations:
                continue
            association = self._associate(component, address)
            association.relayed = relayed
            self._follow(component, association, association.handshake.begin())

    def _way(self, component: int) -> tuple[Address | None, bool]:
        """Where a component's packets go; None while ICE still looks."""
        agent = self.agent
        if agent is not None and not agent.failed:
            pair = agent.selected.get(component)
            return (None, False) if pair is None else (pair.remote.address, pair.relayed)
        if self._remote is None:
            return None, False
        host, port = self._remote
        return (host, port + component - 1), False

    def _follow(self, component: int, association: Association, state: int) -> None:
        """Send what a handshake wants sent, and use what it agreed on."""
        self._send_flights(component, association)
        lib = self.engine.lib
        if state == lib.DTLS_FAILED:
            self._fail(component, f"DTLS failed: {association.handshake.error}")
        elif state == lib.DTLS_DONE:
            keys = association.handshake.keys
            if keys is None:
                self._fail(component, "DTLS: no SRTP profile is in common")
            elif keys != association.agreed:
                if not self._is_verified(association.handshake):
                    self._fail(component, "DTLS: the certificate is not the one whose fingerprint SDP gave")
                    return
                association.agreed = keys
                self.leg.secure(keys.suite, keys.send, keys.receive, rtcp_port=component == 2)
                self._watch_rekey(component)

    def _is_verified(self, handshake: Handshake) -> bool:
        assert self.context is not None
        if not self.context.settings.verify_fingerprint or self._fingerprint is None:
            return True
        name, wanted = self._fingerprint
        return handshake.peer_fingerprint(name).upper() == wanted.upper()

    def _fail(self, component: int, sentence: str) -> None:
        self._associations.pop(component, None)
        log.warning("leg at port %d: %s", self.leg.local_port, sentence)
        if self.on_failed is not None:
            self.on_failed(sentence)

    def _send_flights(self, component: int, association: Association) -> None:
        for data in association.handshake.datagrams():
            if association.address is not None:
                self._send(component, data, association.address, relayed=association.relayed)

    def _send(self, component: int, data: bytes, address: Address, *, relayed: bool) -> None:
        host, port = address
        relay = self._relay if relayed else None
        if relay is None:
            self.leg.send_packet(data, host, port, rtcp=component == 2)
        elif self._detour == address:
            self.leg.send_packet(data, host, port, relayed=True)
        else:
            self.leg.send_packet(relay.wrap(data, address), *relay.requests.server)

    def _follow_detour(self) -> None:
        """Let media go by the TURN channel once it is bound, where the chosen way is the relay's."""
        relay, agent = self._relay, self.agent
        chosen = agent.selected.get(1) if agent is not None else None
        if relay is None or chosen is None or not chosen.relayed:
            if self._detour is not None:
                self._detour = None
                self.leg.detour(None)
        elif relay.channel_peer == chosen.remote.address and self._detour != relay.channel_peer:
            self._detour = relay.channel_peer
            self.leg.detour(relay.requests.server, relay.channel)

    def _watch_rekey(self, component: int) -> None:
        if self._rekey and component == 1:
            if self._rekey_timer is not None:
                self._rekey_timer.cancel()
            self._rekey_timer = self._loop.call_later(self._rekey, self._renew_keys)

    def _renew_keys(self) -> None:
        for component, association in list(self._associations.items()):
            self._follow(component, association, association.handshake.rekey())
        self._work()

    # ---- time -----------------------------------------------------------------------------------------

    def _work(self) -> None:
        """Send what waits, follow what happened, and set the timer for what is due next."""
        if self._closed:
            return
        agent = self.agent
        if agent is not None:
            now = self._loop.time()
            due = agent.next_timer
            if due is not None and due <= now:
                agent.timer(now)
            for out in agent.datagrams():
                self._send(out.component, out.data, out.address, relayed=out.relayed)
            for event in agent.events():
                self._happened(event)
        if self._gathering is not None:
            self._gathering.work()
            self._follow_detour()
        self._set_timer()

    def _happened(self, event: Event) -> None:
        agent = self.agent
        assert agent is not None
        if isinstance(event, Failed):
            log.warning("leg at port %d: ICE failed: %s", self.leg.local_port, event.reason)
        elif isinstance(event, ConsentLost):
            log.warning("leg at port %d: %s:%d does not consent to media any more", self.leg.local_port, *event.address)
            if event.component == 1:
                self.leg.set_remote("0.0.0.0", 0)
        else:
            log.debug("leg at port %d: ICE selected %s:%d", self.leg.local_port, *event.address)
            first = agent.selected.get(1)
            if first is not None:
                host, port = first.remote.address
                second = agent.selected.get(2)
                control = port if self._mux else second.remote.port if second is not None else None
                self.leg.set_remote(host, port, control)
                self._expect()
            if event.relayed and event.component == 1 and self._relay is not None:
                self._relay.bind(event.address, self._loop.time())
            association = self._associations.get(event.component)
            if association is not None:
                association.address, association.relayed = event.address, event.relayed
        self._begin_handshakes()

    def _set_timer(self) -> None:
        now = self._loop.time()
        times = [now + left for each in self._associations.values() if (left := each.handshake.timeout) is not None]
        if self.agent is not None and self.agent.next_timer is not None:
            times.append(self.agent.next_timer)
        if self._gathering is not None and self._gathering.next_timer is not None:
            times.append(self._gathering.next_timer)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if times:
            self._timer = self._loop.call_at(max(now, min(times)), self._time_has_come)

    def _time_has_come(self) -> None:
        self._timer = None
        for component, association in list(self._associations.items()):
            left = association.handshake.timeout
            if left is not None and left <= 0:
                self._follow(component, association, association.handshake.expired())
        self._work()


def host_addresses(engine: Engine, first: str) -> list[str]:
    """The addresses of this host's interfaces that are up: that one first, if it is among them; the loopback's
    only when there is nothing else."""
    room = engine.ffi.new("struct host_address[]", _MOST_ADDRESSES)
    count = engine.lib.host_addresses(room, _MOST_ADDRESSES)
    found = {engine.text(room[index].host): bool(room[index].loopback) for index in range(count)}
    outside = [host for host, loopback in found.items() if not loopback] or list(found)
    return list(dict.fromkeys([first, *outside] if first in found else outside))
