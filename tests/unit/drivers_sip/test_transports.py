"""Sockets: framing, limits, silence, TLS, and the way a request finds its socket."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import socket
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from offhook.drivers.sip.transport import transports
from offhook.drivers.sip.transport.flow import Flow
from offhook.drivers.sip.transport.routing import sip_uri
from offhook.sip.framing import PING, PONG
from offhook.sip.locate import Address, Query, Record, Srv
from support.sip_peer import TcpPeer, UdpPeer

ALICE = "[alice]\ntype=endpoint\naors=alice\n[alice]\ntype=aor\nmax_contacts=1000\n"


# ---- streams ---------------------------------------------------------------------------------------------


async def test_messages_in_pieces_and_in_one_piece(office):
    await office.start(ALICE)
    phone = await office.tcp_phone()
    first, second = phone.request("OPTIONS").to_bytes(), phone.request("OPTIONS").to_bytes()
    for index in range(len(first)):
        phone.write(first[index : index + 1])
        await asyncio.sleep(0)
    phone.write(second + second.replace(b"branch=", b"branch=z9hG4bK"))
    assert [(await phone.final()).status for _ in range(3)] == [200, 200, 200]


async def test_a_ping_is_answered(office):
    await office.start(ALICE)
    reader, writer = await asyncio.open_connection(*office.tcp)
    writer.write(PING)
    assert await reader.readexactly(len(PONG)) == PONG
    writer.close()


async def test_pings_go_out_at_their_interval(office):
    await office.start(ALICE + "[global]\ntype=global\nkeep_alive_interval=7\n")
    reader, writer = await asyncio.open_connection(*office.tcp)
    began = office.stack.transports.now()
    assert await reader.readexactly(2 * len(PING)) == 2 * PING
    assert 13.9 <= office.stack.transports.now() - began <= 14.5
    writer.close()


async def test_what_is_no_sip_ends_the_connection(office, caplog):
    await office.start(ALICE)
    reader, writer = await asyncio.open_connection(*office.tcp)
    writer.write(b"GET / HTTP/1.1\r\nHost: office\r\n\r\n" * 3)
    assert await reader.read() in (b"", b"SIP/2.0 400 Bad Request\r\n\r\n")
    assert not office.stack.transports.connections
    writer.close()


async def test_a_message_without_end_is_not_collected_for_ever(office):
    await office.start(ALICE)
    reader, writer = await asyncio.open_connection(*office.tcp)
    writer.write(b"OPTIONS sip:x SIP/2.0\r\nX: " + b"x" * 300_000)
    with contextlib.suppress(ConnectionResetError):
        assert await reader.read() == b""
    assert not office.stack.transports.connections
    writer.close()


async def test_who_says_nothing_is_sent_away(office):
    await office.start(ALICE)
    reader, writer = await asyncio.open_connection(*office.tcp)
    await office.after(transports.IDLE_SECONDS - 2)
    assert len(office.stack.transports.connections) == 1
    assert await reader.read() == b""
    assert not office.stack.transports.connections
    writer.close()


async def test_who_stops_in_the_middle_of_a_message_is_sent_away(office):
    await office.start(ALICE)
    phone = await office.tcp_phone()
    assert (await phone.exchange(phone.request("OPTIONS"))).status == 200
    await office.after(100)
    assert len(office.stack.transports.connections) == 1
    phone.write(b"OPTIONS sip:x SIP/2.0\r\n")
    await office.until(phone.over.is_set, 50)


async def test_one_source_has_so_many_connections_at_most(office, monkeypatch):
    monkeypatch.setattr(transports, "CONNECTIONS_A_SOURCE", 4)
    await office.start(ALICE)
    phones = [await office.tcp_phone() for _ in range(6)]
    await office.after(0.1)
    assert [phone.over.is_set() for phone in phones] == [False] * 4 + [True] * 2
    phones[0].close()
    await office.after(0.1)
    another = await office.tcp_phone()
    assert (await another.exchange(another.request("OPTIONS"))).status == 200


async def test_a_peer_that_does_not_read_is_given_up(office):
    await office.start(ALICE)
    phone = await office.tcp_phone()
    phone._connection.pause_reading()
    [connection] = office.stack.transports.connections
    with pytest.raises(OSError):
        for _ in range(100_000):
            connection.send(b"x" * 10_000)
    assert not connection.open
    assert not office.stack.transports.connections


async def test_a_closed_connection_does_not_wait_for_ever_for_a_peer_that_does_not_read(office):
    await office.start(ALICE)
    phone = await office.tcp_phone()
    phone._connection.pause_reading()
    [connection] = office.stack.transports.connections
    while not connection._transport.get_write_buffer_size():
        connection.send(b"x" * 50_000)
    connection.close("enough")
    assert not connection.open
    assert connection._transport.get_write_buffer_size()
    await office.after(6)
    assert not connection._transport.get_write_buffer_size()


# ---- TLS ---------------------------------------------------------------------------------------------------


def certificate(folder: Path, *names: str) -> tuple[str, str]:
    """A certificate that vouches for names, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.datetime.now(datetime.UTC)
    alternatives = [
        x509.IPAddress(ipaddress.ip_address(each)) if each[0].isdigit() else x509.DNSName(each) for each in names
    ]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / f"{names[0]}.crt".replace("*", "any"), folder / f"{names[0]}.key"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(certificate_file), str(key_file)


def tls_transport(certificate_file: str, key_file: str, *options: str) -> str:
    return "\n".join(
        (
            "[tls]",
            "type=transport",
            "protocol=tls",
            "bind=127.0.0.1:0",
            f"cert_file={certificate_file}",
            f"priv_key_file={key_file}",
            *options,
            "",
        )
    )


def spoil(file: str) -> None:
    Path(file).write_text("no certificate")


async def test_a_phone_over_tls(office):
    files = certificate(office.folder, "127.0.0.1")
    await office.start(ALICE, transports=tls_transport(*files))
    context = ssl.create_default_context(cafile=files[0])
    listener = office.stack.transports.listeners["tls"]
    phone = TcpPeer((listener.host, listener.port))
    phone.transport = "TLS"
    office.peers.append(await phone.start(ssl=context))
    assert (await phone.register()).status == 200
    assert office.contacts() == [phone.uri("alice")]
    phone.close()
    await office.until(lambda: not office.contacts(), 1)


async def test_a_new_certificate_serves_after_a_reload(office):
    certificate_file, key_file = certificate(office.folder, "127.0.0.1")
    conf = tls_transport(certificate_file, key_file)
    await office.start(ALICE, transports=conf)
    listener = office.stack.transports.listeners["tls"]

    def shown() -> bytes:
        return ssl.PEM_cert_to_DER_cert(Path(certificate_file).read_text())

    async def presented() -> bytes:
        context = ssl.create_default_context(cafile=certificate_file)
        _, writer = await asyncio.open_connection(listener.host, listener.port, ssl=context)
        found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        return found

    assert await presented() == shown()
    certificate(office.folder, "127.0.0.1")
    await office.reload(ALICE, transports=conf)
    assert await presented() == shown()
    spoil(certificate_file)
    await office.reload(ALICE, transports=conf)
    certificate(office.folder, "127.0.0.1")
    await office.reload(ALICE, transports=conf)
    assert await presented() == shown()


@pytest.mark.parametrize(
    ("options", "shown", "let_in"),
    [
        (("verify_client=yes", "require_client_cert=yes"), "known", True),
        (("verify_client=yes", "require_client_cert=yes"), "", False),
        (("verify_client=yes", "require_client_cert=yes"), "stranger", False),
        (("verify_client=yes",), "", True),
        (("verify_client=yes",), "stranger", False),
        ((), "stranger", True),
    ],
    ids=["known", "none", "unknown", "none asked", "unknown asked", "not asked"],
)
async def test_phones_may_have_to_show_a_certificate(office, options, shown, let_in):
    ours, theirs = certificate(office.folder, "127.0.0.1"), certificate(office.folder, "known")
    await office.start(ALICE, transports=tls_transport(*ours, f"ca_list_file={theirs[0]}", *options))
    context = ssl.create_default_context(cafile=ours[0])
    if shown:
        context.load_cert_chain(*(theirs if shown == "known" else certificate(office.folder, shown)))
    listener = office.stack.transports.listeners["tls"]
    phone = TcpPeer((listener.host, listener.port))
    phone.transport = "TLS"
    office.peers.append(await phone.start(ssl=context))
    if let_in:
        assert (await phone.register()).status == 200
        return
    # TLS 1.3 tells the client of a refusal only after its side of the handshake is done.
    await asyncio.wait_for(phone.over.wait(), 5)
    assert not office.contacts()
    assert not office.stack.transports.connections


async def test_a_stalled_handshake_holds_no_socket(office, monkeypatch):
    files = certificate(office.folder, "127.0.0.1")
    await office.start(ALICE, transports=tls_transport(*files))
    listener = office.stack.transports.listeners["tls"]
    reader, writer = await asyncio.open_connection(listener.host, listener.port)
    assert await asyncio.wait_for(reader.read(), transports.HANDSHAKE_SECONDS + 5) == b""
    writer.close()


@pytest.mark.parametrize(
    ("names", "options", "reached"),
    [
        (("proxy.trunk.example",), ("verify_server=yes",), True),
        (("other.example",), ("verify_server=yes",), False),
        (("other.example",), ("verify_server=no",), True),
        (("*.trunk.example",), ("verify_server=yes",), False),
        (("*.trunk.example",), ("verify_server=yes", "allow_wildcard_certs=yes"), True),
    ],
    ids=["its name", "another name", "unverified", "wildcard", "wildcard allowed"],
)
async def test_the_server_of_a_tls_connection_must_be_the_one_we_meant(office, names, options, reached):
    theirs = certificate(office.folder, *names)
    ours = certificate(office.folder, "127.0.0.1")
    await office.start(ALICE, transports=tls_transport(*ours, f"ca_list_file={theirs[0]}", *options))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*theirs)
    requests = []

    class Server(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport = transport

        def data_received(self, data):
            requests.append(data)
            self.transport.close()

    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    answer_from(office, {Query("A", "proxy.trunk.example"): [Address("127.0.0.1")]})
    failures = []
    office.stack.send_outside_dialog(
        "OPTIONS",
        None,
        f"sips:proxy.trunk.example:{port}",
        lambda outgoing, response: failures.append(outgoing.failure),
    )
    await office.until(lambda: requests or failures, 20)
    assert bool(requests) == reached
    server.close()


# ---- the way out ------------------------------------------------------------------------------------------


def answer_from(office, records: dict[Query, list[Record]]) -> None:
    """Let DNS know this much."""

    async def ask(query: Query) -> list[Record]:
        return records.get(query, [])

    office.stack.resolver.ask = ask


def asked(office, uri: str, **more):
    """Send OPTIONS; the list gets (status, failure) of the final response."""
    answers = []
    office.stack.send_outside_dialog(
        "OPTIONS", None, uri, lambda outgoing, response: answers.append((response.status, outgoing.failure)), **more
    )
    return answers


async def server(office, status: int | None) -> UdpPeer:
    made = await UdpPeer(("127.0.0.1", 0)).start()
    office.peers.append(made)
    made.answer = lambda request: request.response(status) if status else None
    return made


async def test_the_next_server_is_tried_when_one_is_silent_or_busy(office):
    await office.start("")
    silent, busy, good = await server(office, None), await server(office, 503), await server(office, 200)
    answer_from(
        office,
        {
            Query("SRV", "_sip._udp.trunk.example"): [
                Srv(number, 0, peer.port, f"{number}.example") for number, peer in enumerate((silent, busy, good))
            ]
        }
        | {Query("A", f"{number}.example"): [Address("127.0.0.1")] for number in range(3)},
    )
    answers = asked(office, "sip:trunk.example")
    await office.until(lambda: answers, 100)
    assert answers == [(200, "")]
    assert len(busy.requests) == len(good.requests) == 1
    assert len({request.branch for request in (silent.requests[0], busy.requests[0], good.requests[0])}) == 3
    assert len({request.call_id for request in (silent.requests[0], good.requests[0])}) == 1


async def test_a_refusal_is_not_taken_elsewhere(office):
    await office.start("")
    busy, good = await server(office, 486), await server(office, 200)
    answer_from(
        office,
        {
            Query("SRV", "_sip._udp.trunk.example"): [Srv(0, 0, busy.port, "h"), Srv(1, 0, good.port, "h")],
            Query("A", "h"): [Address("127.0.0.1")],
        },
    )
    answers = asked(office, "sip:trunk.example")
    await office.until(lambda: answers, 100)
    assert answers == [(486, "")]
    assert not good.requests


async def test_a_name_that_nobody_knows_is_told(office):
    await office.start("")
    answer_from(office, {})
    answers = asked(office, "sip:nowhere.example")
    await office.until(lambda: answers, 10)
    assert answers == [(503, "resolve")]


async def test_silence_is_a_timeout(office):
    await office.start("")
    silent = await server(office, None)
    answers = asked(office, f"sip:{silent.address}")
    await office.until(lambda: answers, 33)
    assert answers == [(408, "timeout")]


async def test_nobody_listens(office):
    await office.start("")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    answers = asked(office, f"sip:127.0.0.1:{port};transport=tcp")
    await office.until(lambda: answers, 11)
    assert answers == [(503, "transport")]


async def test_requests_to_one_server_share_their_connection(office):
    await office.start("")
    connections = []

    class Server(TcpPeer):
        def connection_made(self, transport):
            connections.append(transport)
            from offhook.sip.framing import StreamFraming

            self.framing, self.over, self._connection = StreamFraming(), asyncio.Event(), transport
            self.answer = lambda request: request.response(200)

    listening = await asyncio.get_running_loop().create_server(lambda: Server(office.tcp), "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    answers = [asked(office, f"sip:127.0.0.1:{port};transport=tcp") for _ in range(5)]
    await office.until(lambda: all(answers), 10)
    assert answers == [[(200, "")]] * 5
    assert len(connections) == 1
    listening.close()


def external(*options: str) -> str:
    return "\n".join(("[udp]", "type=transport", "protocol=udp", "bind=127.0.0.1:0", *options, ""))


async def test_behind_a_nat_we_name_the_address_outside(office):
    await office.start(
        "", transports=external("external_signaling_address=203.0.113.7", "external_signaling_port=5999")
    )
    peer = await server(office, 200)
    answers = asked(office, f"sip:{peer.address}")
    await office.until(lambda: answers, 1)
    [request] = peer.requests
    assert (request.via.host, request.via.port) == ("203.0.113.7", 5999)
    assert "@203.0.113.7:5999" in request.get("Contact")
    assert request.from_.uri.host == "203.0.113.7"


async def test_but_not_to_those_inside_with_us(office):
    await office.start(
        "", transports=external("external_signaling_address=203.0.113.7", "local_net=127.0.0.0/8,10.0.0.0/8")
    )
    routing = office.stack.routing
    carrier = office.stack.transports.datagram["udp"]
    assert routing.advertised(carrier, "127.0.0.9") == ("127.0.0.1", carrier.port)
    assert routing.advertised(carrier, "10.1.2.3") == ("127.0.0.1", carrier.port)
    assert routing.advertised(carrier, "192.0.2.1") == ("203.0.113.7", carrier.port)


async def test_an_endpoint_s_transport_decides(office):
    two = external() + "[other]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:0\n"
    await office.start("[a]\ntype=endpoint\n[b]\ntype=endpoint\ntransport=other\n", transports=two)
    endpoints, routing = office.stack.config.endpoints, office.stack.routing
    uri = sip_uri("sip:127.0.0.1:5099")
    assert routing.immediate(uri, endpoints["a"]).carrier.name == "udp"
    assert routing.immediate(uri, endpoints["b"]).carrier.name == "other"
    assert routing.immediate(sip_uri("sip:phone.example"), endpoints["a"]) is None


async def test_responses_go_back_where_the_request_came_from(office):
    await office.start(ALICE)
    phone = await office.phone()
    request = phone.request("OPTIONS")
    request.set("Via", f"SIP/2.0/UDP 192.0.2.77:5070;branch={request.branch}")
    assert (await phone.exchange(request)).status == 200


async def test_or_where_via_says_without_force_rport(office):
    await office.start(ALICE.replace("aors=alice", "aors=alice\nforce_rport=no"))
    phone, other = await office.phone(), await office.phone()
    request = phone.request("OPTIONS")
    request.set("Via", f"SIP/2.0/UDP {other.address};branch={request.branch}")
    phone.send(request)
    assert (await other.final()).status == 200


def test_a_flow_reads_like_an_address():
    class Carrier:
        protocol = "TCP"

    assert str(Flow(Carrier(), "2001:db8::1", 5060)) == "TCP:[2001:db8::1]:5060"


# ---- flows -----------------------------------------------------------------------------------------------


async def test_a_peer_has_one_flow_and_few_are_remembered(office, monkeypatch):
    await office.start(ALICE)
    (carrier,) = office.stack.transports.datagram.values()
    assert carrier.flow_to("192.0.2.1", 5060) is carrier.flow_to("192.0.2.1", 5060)
    assert carrier.flow_to("192.0.2.1", 5060) == Flow(carrier, "192.0.2.1", 5060)
    monkeypatch.setattr(transports, "FLOWS", 8)
    for port in range(1000, 1100):
        assert carrier.flow_to("192.0.2.1", port) == Flow(carrier, "192.0.2.1", port)
    assert len(carrier._flows) <= 8
