"""Links: two legs of two calls find each other by ICE and agree on keys by DTLS, over real sockets on the loopback."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest

from offhook.ice.candidate import IceOffer
from offhook.media.dtls import DtlsSettings
from offhook.media.engine import Engine, Settings
from offhook.media.errors import EngineError
from offhook.media.formats import format_named
from offhook.media.ice_settings import IceSettings, Server
from offhook.media.link import Link
from offhook.media.rtp import RtpLeg
from support.turn_server import PASSWORD, USER, TurnServer

WITHIN_S = 10.0


async def until(true: Callable[[], bool]) -> None:
    """Wait for something that has to come."""
    ends = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < ends, "it does not come"
        await asyncio.sleep(0.01)


class Party:
    """A leg with its link."""

    def __init__(self, engine: Engine) -> None:
        self.leg: RtpLeg = engine.rtp_leg("127.0.0.1")
        self.link = Link(engine, self.leg, asyncio.get_running_loop(), "127.0.0.1")
        self.failed: list[str] = []
        self.link.on_failed = self.failed.append

    def offer(self) -> IceOffer:
        """What it says about ICE."""
        assert self.link.agent is not None
        return IceOffer(self.link.agent.ufrag, self.link.agent.password, tuple(self.link.candidates))


@pytest.fixture(params=["pool", "leg"])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    """An engine with sockets."""
    made = Engine(None, Settings(socket_mode=request.param, realtime=False))
    made.start()
    yield made
    made.stop()


@pytest.fixture
async def parties(engine: Engine) -> AsyncIterator[tuple[Party, Party]]:
    """Two of them."""
    made = Party(engine), Party(engine)
    yield made
    for party in made:
        party.link.close()
        party.leg.close()


def meet(engine: Engine, one: Party, two: Party, *, ice: bool, mux: bool, shown: str = "", **terms: object) -> None:
    """Exchange descriptions. ``shown``: the fingerprint one is told to expect."""
    context = engine.dtls(DtlsSettings())
    print_ = context.fingerprint("sha-256")
    components = 1 if mux else 2
    if ice:
        one.link.use_ice(controlling=True, components=components)
        two.link.use_ice(controlling=False, components=components)
    offers = (one.offer(), two.offer()) if ice else (None, None)
    for party, other, offer, active in ((two, one, offers[0], True), (one, two, offers[1], False)):
        expected = shown if shown and party is one else print_
        party.link.agree_dtls(context, active=active, fingerprint=("sha-256", expected), **terms)  # type: ignore[arg-type]
        party.link.agree_ice(offer, controlling=party is one, components=components)
        party.link.set_remote(("127.0.0.1", other.leg.local_port), mux=mux)


@pytest.mark.parametrize("ice", [True, False])
@pytest.mark.parametrize("mux", [True, False])
async def test_two_legs_agree_on_keys(engine: Engine, parties: tuple[Party, Party], ice: bool, mux: bool) -> None:
    one, two = parties
    meet(engine, one, two, ice=ice, mux=mux)
    ports = {False} if mux else {False, True}
    await until(lambda: set(one.leg._secured) == ports and set(two.leg._secured) == ports)
    for port in ports:
        suite, send, receive, _ = one.leg._secured[port]
        assert two.leg._secured[port][:3] == (suite, receive, send)
        assert suite == "AES_CM_128_HMAC_SHA1_80" and len(send) == 30
    if ice:
        assert one.leg.remote == ("127.0.0.1", two.leg.local_port)
    assert one.link.established and two.link.established


async def test_a_certificate_of_somebody_else_gives_no_keys(engine: Engine, parties: tuple[Party, Party]) -> None:
    one, two = parties
    meet(engine, one, two, ice=True, mux=True, shown=":".join(["00"] * 32))
    await until(lambda: bool(one.failed))
    assert "fingerprint" in one.failed[0]
    assert not one.leg.suite and not one.link.established


async def test_keys_are_renewed(engine: Engine, parties: tuple[Party, Party]) -> None:
    one, two = parties
    meet(engine, one, two, ice=False, mux=True)
    await until(lambda: bool(one.leg.suite and two.leg.suite))
    before = one.leg._secured[False]
    one.link._renew_keys()  # the passive side may ask as well
    await until(lambda: one.leg._secured[False] != before)
    await until(lambda: two.leg._secured[False][1:3] == one.leg._secured[False][2:0:-1])


async def test_the_same_said_again_keeps_the_association(engine: Engine, parties: tuple[Party, Party]) -> None:
    one, two = parties
    meet(engine, one, two, ice=True, mux=True)
    await until(lambda: bool(one.leg.suite and two.leg.suite))
    keys = one.leg._secured[False]
    meet(engine, one, two, ice=True, mux=True)
    await asyncio.sleep(0.2)
    assert one.leg._secured[False] == keys
    meet(engine, one, two, ice=True, mux=True, new=True)
    await until(lambda: one.leg._secured[False] != keys)


def test_what_cannot_be_used_is_told() -> None:
    engine = Engine(None, Settings(socket_mode="simulated"))
    engine.start()
    with pytest.raises(EngineError, match=r"dtls_cert_file /nowhere\.pem: "):
        engine.dtls(DtlsSettings(certificate="/nowhere.pem"))
    with pytest.raises(EngineError, match="dtls_cipher ROT13: "):
        engine.dtls(DtlsSettings(ciphers="ROT13"))
    assert engine.dtls(DtlsSettings()) is engine.dtls(DtlsSettings())
    engine.stop()


class Servers(asyncio.DatagramProtocol):
    """The STUN and TURN server of the tests, on the loopback."""

    def __init__(self, relay_host: str) -> None:
        self.relay_host = relay_host

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.turn = TurnServer(transport.get_extra_info("sockname")[:2], self.relay_host)
        self.relays: dict[tuple[str, int], asyncio.DatagramTransport] = {}

    def datagram_received(self, data: bytes, client: tuple[str, int]) -> None:
        asyncio.get_running_loop().create_task(self._serve(self.turn.receive(data, client)))

    async def _serve(self, out: list[tuple[tuple[str, int], tuple[str, int], bytes]]) -> None:
        for relay in self.turn.relays.values():
            if relay not in self.relays:
                loop = asyncio.get_running_loop()
                transport, _ = await loop.create_datagram_endpoint(lambda at=relay: Relayed(self, at), local_addr=relay)
                self.relays[relay] = transport
        for source, to, data in out:
            if source == self.turn.address:
                self.reply(data, to)
            else:
                self.relays[source].sendto(data, to)

    def reply(self, data: bytes, to: tuple[str, int]) -> None:
        """Send to a client."""
        self.transport.sendto(data, to)  # type: ignore[attr-defined]

    def close(self) -> None:
        """End."""
        for transport in (self.transport, *self.relays.values()):
            transport.close()


class TcpServers(Servers):
    """The same behind a network that lets no datagram through to it: clients connect."""

    def __init__(self, relay_host: str) -> None:
        super().__init__(relay_host)
        self.clients: dict[tuple[str, int], asyncio.StreamWriter] = {}

    def datagram_received(self, data: bytes, client: tuple[str, int]) -> None:
        """Not one."""

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client."""
        client = writer.get_extra_info("peername")[:2]
        self.clients[client] = writer
        try:
            while True:
                head = await reader.readexactly(4)
                length = int.from_bytes(head[2:], "big")
                channel = 0x40 <= head[0] < 0x50
                body = await reader.readexactly(-(-length // 4) * 4 if channel else length + 16)
                await self._serve(self.turn.receive(head + (body[:length] if channel else body), client))
        except (asyncio.IncompleteReadError, ConnectionError):
            self.turn.relays.pop(client, None)
            writer.close()

    def reply(self, data: bytes, to: tuple[str, int]) -> None:
        padding = bytes(-len(data) % 4) if 0x40 <= data[0] < 0x50 else b""
        # in two pieces: what comes over TCP is cut anywhere
        for piece in (data[:7], data[7:] + padding):
            self.clients[to].write(piece)


class Relayed(asyncio.DatagramProtocol):
    """A relayed address."""

    def __init__(self, servers: Servers, address: tuple[str, int]) -> None:
        self.servers, self.address = servers, address

    def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
        for _, to, reply in self.servers.turn.arrive(data, peer, self.address):
            self.servers.reply(reply, to)


@pytest.fixture
async def servers() -> AsyncIterator[Servers]:
    """Servers at 127.0.0.1 that relay from 127.0.0.2."""
    loop = asyncio.get_running_loop()
    _, made = await loop.create_datagram_endpoint(lambda: Servers("127.0.0.2"), local_addr=("127.0.0.1", 0))
    yield made
    made.close()


@pytest.fixture
async def tcp_servers() -> AsyncIterator[Servers]:
    """Servers at a port of 127.0.0.1 that are reached by TCP only."""
    loop = asyncio.get_running_loop()
    _, made = await loop.create_datagram_endpoint(lambda: TcpServers("127.0.0.3"), local_addr=("127.0.0.1", 0))
    listener = await asyncio.start_server(made.connected, *made.turn.address)
    yield made
    listener.close()
    made.close()


@pytest.mark.parametrize("transport", ["auto", "tcp"])
async def test_media_goes_by_turn_over_tcp(engine: Engine, tcp_servers: Servers, transport: str) -> None:
    await media_by_turn(engine, tcp_servers, transport, "127.0.0.3")


async def test_media_goes_by_turn_where_nothing_else_does(engine: Engine, servers: Servers) -> None:
    await media_by_turn(engine, servers, "auto", "127.0.0.2")


async def media_by_turn(engine: Engine, servers: Servers, transport: str, relay_host: str) -> None:
    """A call of one party that is only reached through the servers, to one that is not."""
    host, port = servers.turn.address
    engine.settings.ice.turn = Server(host, port, USER, PASSWORD, transport)
    engine.settings.ice.allows = lambda _: False  # as if all our addresses were behind a wall
    one = Party(engine)
    one.link.use_ice(controlling=True, components=1)
    ready: list[bool] = []
    one.link.when_ready(lambda: ready.append(True))
    await until(lambda: bool(ready))
    assert [each.kind for each in one.link.candidates] == ["relay"]
    engine.settings.ice = IceSettings()
    two = Party(engine)
    meet(engine, one, two, ice=True, mux=True)
    await until(lambda: bool(one.leg.suite and two.leg.suite))
    assert one.link.agent is not None and one.link.agent.selected[1].relayed
    assert two.leg.remote is not None and two.leg.remote[0] == relay_host
    await until(lambda: one.link._detour is not None)
    for leg in (one.leg, two.leg):
        leg.set_codecs({0: format_named("ulaw")}, (0, format_named("ulaw")))
    one.leg.tones("440")
    two.leg.tones("440")
    await until(lambda: one.leg.stats().rx_packets > 10 and two.leg.stats().rx_packets > 10)
    for party in (one, two):
        party.link.close()
        party.leg.close()
    await until(lambda: not servers.turn.relays)


async def test_a_stun_server_tells_our_address(engine: Engine, servers: Servers) -> None:
    engine.settings.ice.stun = Server(*servers.turn.address)
    engine.settings.ice.overrides["127.0.0.1"] = ("127.0.0.3", False)
    one = Party(engine)
    one.link.use_ice(controlling=True, components=2)
    await until(lambda: one.link.ready)
    told = {(each.component, each.kind, each.address) for each in one.link.candidates}
    port = one.leg.local_port
    assert told == {
        (1, "host", ("127.0.0.3", port)),
        (2, "host", ("127.0.0.3", port + 1)),
        (1, "srflx", ("127.0.0.1", port)),
        (2, "srflx", ("127.0.0.1", port + 1)),
    }
    one.link.close()
    one.leg.close()


async def test_a_server_that_does_not_answer_delays_a_call_and_no_more(engine: Engine) -> None:
    engine.settings.ice.stun = Server("127.0.0.1", 9)
    one = Party(engine)
    one.link.use_ice(controlling=True, components=1)
    assert not one.link.ready
    await until(lambda: one.link.ready)
    assert [each.kind for each in one.link.candidates] == ["host"]
    one.link.close()
    one.leg.close()
