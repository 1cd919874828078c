"""WebSockets: the handshake and the messages."""

import asyncio
import base64

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Ping, Pong, Request, TextMessage

from offhook.control.http import Uri
from offhook.control.http.websocket import accept
from offhook.control.http.websockets import websockets


class Peer:
    """A WebSocket client by the same library's other side."""

    def __init__(self, client):
        self.client = client
        self.wire = WSConnection(ConnectionType.CLIENT)

    async def connect(self, path, *subprotocols):
        self.send(Request(host="x", target=path, subprotocols=list(subprotocols)))
        return await self.event()

    def send(self, event):
        self.client.writer.write(self.wire.send(event))

    async def event(self):
        while True:
            for event in self.wire.events():
                return event
            self.wire.receive_data(await asyncio.wait_for(self.client.reader.read(65536), 5) or None)


async def repeat(socket):
    while (message := await socket.receive()) is not None:
        socket.send(message)


@pytest.fixture
def peer(pbx, server, client):
    server.link(Uri("echo", "Echo", lambda request: accept(pbx, request, ("one", "two"), repeat)))
    return Peer(client)


async def test_messages_go_both_ways(peer):
    answer = await peer.connect("/echo", "zero", "two")
    assert isinstance(answer, AcceptConnection)
    assert answer.subprotocol == "two"
    peer.send(TextMessage("grüezi"))
    assert (await peer.event()).data == "grüezi"
    peer.send(BytesMessage(b"\0\1"))
    assert (await peer.event()).data == b"\0\1"
    peer.send(Ping(b"p"))
    assert await peer.event() == Pong(b"p")


async def test_a_message_in_parts_arrives_whole(peer):
    await peer.connect("/echo", "one")
    peer.send(TextMessage("a", message_finished=False))
    peer.send(TextMessage("b"))
    assert (await peer.event()).data == "ab"


async def test_a_message_of_many_empty_parts_takes_no_room(pbx, server, client):
    minded = []

    async def mind(socket):
        minded.append(socket)
        await socket.receive()
        assert not socket._parts
        socket.send("done")

    server.link(Uri("mind", "Mind", lambda request: accept(pbx, request, ("one",), mind)))
    peer = Peer(client)
    await peer.connect("/mind", "one")
    for _ in range(2000):
        peer.send(TextMessage("", message_finished=False))
    peer.send(Ping(b"p"))
    assert await peer.event() == Pong(b"p")
    assert len(minded[0]._parts) == 0
    peer.send(TextMessage("x"))
    assert (await peer.event()).data == "done"


async def test_too_long_a_message_closes_the_socket(peer):
    await peer.connect("/echo", "one")
    peer.send(TextMessage("x" * 70000))
    event = await peer.event()
    assert isinstance(event, CloseConnection)
    assert event.code == 1009


async def test_the_minder_learns_that_the_peer_is_gone(pbx, server, client):
    over = asyncio.Event()

    async def mind(socket):
        assert await socket.receive() is None
        assert socket.close_code == 1001
        over.set()

    server.link(Uri("echo", "Echo", lambda request: accept(pbx, request, ("one",), mind)))
    peer = Peer(client)
    await peer.connect("/echo")  # the only subprotocol need not be named
    peer.send(CloseConnection(1001))
    await asyncio.wait_for(over.wait(), 5)


async def test_what_is_no_handshake_is_refused(pbx, server, client):
    server.link(Uri("echo", "Echo", lambda request: accept(pbx, request, ("one", "two"), repeat)))
    assert (await client.get("/echo"))[0] == 426
    key = "Sec-WebSocket-Key: " + base64.b64encode(b"0" * 16).decode()
    upgrade = ("Upgrade: websocket", "Connection: Upgrade", key)
    status, headers, _ = await client.get("/echo", *upgrade, "Sec-WebSocket-Version: 99", "Sec-WebSocket-Protocol: one")
    assert (status, headers["sec-websocket-version"]) == (400, "7, 8, 13")
    assert (await client.get("/echo", *upgrade, "Sec-WebSocket-Version: 13"))[0] == 400
    assert (await client.ask(b"POST /echo HTTP/1.1\r\nHost: x\r\n\r\n"))[0] == 501


async def test_subprotocols_register_themselves_at_ws(pbx, server, client):
    server.link(websockets(pbx).uri)
    websockets(pbx).register("sip", repeat)
    peer = Peer(client)
    answer = await peer.connect("/ws", "sip")
    assert answer.subprotocol == "sip"
    peer.send(TextMessage("OPTIONS"))
    assert (await peer.event()).data == "OPTIONS"
