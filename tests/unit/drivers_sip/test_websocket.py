"""Phones in browsers: SIP over the web server's WebSockets."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Request, TextMessage

from offhook.config.acl import NamedAcls
from offhook.config.parser import loads
from offhook.control.http import http_server, websockets
from offhook.control.http.settings import read_settings
from offhook.drivers.sip.transport import websocket
from offhook.modules.module import LoadError
from support.sip_peer import Peer

BROWSER = "[alice]\ntype=endpoint\naors=alice\n[alice]\ntype=aor\nmax_contacts=5\nqualify_frequency=30\n"
WSS = "[ws]\ntype=transport\nprotocol=ws\nbind=127.0.0.1:0\n"


class BrowserPhone(Peer):
    """A SIP user agent behind a WebSocket, which knows no address of its own."""

    transport = "WS"

    async def start(self) -> BrowserPhone:
        self.reader, self.writer = await asyncio.open_connection(*self.server)
        self.host, self.port = "abcdef.invalid", 0
        self.source = self.writer.get_extra_info("sockname")[:2]
        self.wire = WSConnection(ConnectionType.CLIENT)
        self.over = asyncio.Event()
        self.writer.write(self.wire.send(Request(host="x", target="/ws", subprotocols=["sip"])))
        while True:
            self.wire.receive_data(await self.reader.read(65536))
            for event in self.wire.events():
                assert isinstance(event, AcceptConnection), event
                self.reading = asyncio.create_task(self.read())
                return self

    @property
    def address(self) -> str:
        return self.host

    async def read(self) -> None:
        while data := await self.reader.read(65536):
            self.wire.receive_data(data)
            for event in self.wire.events():
                if isinstance(event, TextMessage | BytesMessage):
                    self.arrived(event.data.encode() if isinstance(event.data, str) else bytes(event.data))
        self.over.set()

    def write(self, data: bytes, to=None) -> None:
        self.writer.write(self.wire.send(TextMessage(data.decode())))

    def farewell(self) -> None:
        """Close as the protocol wants it."""
        self.writer.write(self.wire.send(CloseConnection(1000)))

    def close(self) -> None:
        self.reading.cancel()
        self.writer.close()


@pytest.fixture
async def browser(office):
    """Makes phones in browsers, once the exchange has started."""
    office.pbx.paths = SimpleNamespace(etc=str(office.folder), data=str(office.folder))
    web = http_server(office.pbx)
    await web.apply(read_settings(loads("[general]\nenabled=yes\nbindaddr=127.0.0.1\nbindport=0\n"), NamedAcls()))
    web.link(websockets.websockets(office.pbx).uri)

    async def make() -> BrowserPhone:
        host, _, port = web.bound.rpartition(":")
        phone = await BrowserPhone((host, int(port))).start()
        office.peers.append(phone)
        return phone

    yield make
    await web.stop()


async def test_it_registers_and_is_reached_through_its_socket(office, browser):
    await office.start(BROWSER, transports=WSS)
    websocket.load(office.pbx)
    phone = await browser()
    phone.answer = lambda request: request.response(200)
    answer = await phone.register()
    assert answer.status == 200
    assert answer.get("Contact").startswith("<sip:alice@abcdef.invalid;transport=ws>")
    host, port = phone.source
    assert [uri.partition(";")[0] for uri in office.contacts()] == [f"sip:alice@{host}:{port}"]
    await office.after(0.1)
    [options] = phone.requests
    assert options.method == "OPTIONS"
    assert "SIP/2.0/WS " in options.get("Via")
    assert options.contact.uri.transport == "ws"
    [contact] = office.stack.locations.contacts()
    assert contact.status.value == "Reachable"


@pytest.mark.parametrize("how", ["farewell", "close", "abort"])
async def test_its_contact_goes_with_its_socket(office, browser, how):
    await office.start(BROWSER, transports=WSS)
    websocket.load(office.pbx)
    for _ in range(5):
        phone = await browser()
        assert (await phone.register()).status == 200
        assert len(office.contacts()) == 1
        if how == "abort":
            phone.writer.transport.abort()
        else:
            getattr(phone, how)()
        for _ in range(20):
            await asyncio.sleep(0.001)
            assert all(contact.flow.open for contact in office.stack.locations.contacts())
        assert not office.contacts()
        assert not list(office.stack.layer.transactions)
    assert not office.stack.transports.connections


async def test_no_binding_to_a_socket_that_has_closed(office, browser):
    await office.start(BROWSER, transports=WSS)
    websocket.load(office.pbx)

    def vanish(message, flow) -> None:
        flow.carrier._socket.close()

    office.stack.admission.first_ways.append(vanish)
    phone = await browser()
    phone.send(phone.request("REGISTER", "alice", ("Contact", "<sip:alice@abcdef.invalid;transport=ws>")))
    await asyncio.wait_for(phone.over.wait(), 5)
    assert not office.contacts()
    assert not list(office.pbx.astdb.by_prefix("registrar", "contact/"))


async def test_contacts_of_browsers_do_not_survive_a_restart(office, browser):
    await office.start(BROWSER, transports=WSS)
    websocket.load(office.pbx)
    phone = await browser()
    await phone.register()
    [(_, text)] = office.pbx.astdb.by_prefix("registrar", "contact/")
    assert '"prune_on_boot":"yes"' in text


async def test_sockets_end_with_the_module(office, browser):
    await office.start(BROWSER, transports=WSS)
    websocket.load(office.pbx)
    phone = await browser()
    await phone.register()
    websocket.unload(office.pbx)
    assert not office.contacts()
    await asyncio.wait_for(phone.over.wait(), 5)


async def test_without_a_web_server_there_are_no_websockets(office):
    await office.start(BROWSER, transports=WSS)
    with pytest.raises(LoadError, match="res_http_websocket"):
        websocket.load(office.pbx)
