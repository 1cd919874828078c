"""The manager port: banner, limits, and the end of sessions."""

import asyncio
import ssl
import subprocess

import pytest

from offhook.config.acl import NamedAcls
from offhook.config.parser import loads
from offhook.control.manager.ami import manager
from offhook.control.manager.connection import Connection
from offhook.control.manager.settings import read_settings
from support.call_exchange import Exchange
from support.leaping_loop import LeapingLoop
from unit.manager.conftest import CONF


@pytest.fixture
async def port(ami):
    await listen(ami)
    return ami


async def listen(ami, extra=""):
    settings = read_settings(loads(CONF.replace("[admin]", extra + "[admin]")), NamedAcls())
    settings.port = 0
    await ami.apply(settings)
    return int(ami.bound.rpartition(":")[2])


async def connect(ami, **options):
    bound = ami.tls_bound if options else ami.bound
    return await asyncio.open_connection("127.0.0.1", int(bound.rpartition(":")[2]), **options)


async def read(reader, end=b"\r\n\r\n"):
    return (await asyncio.wait_for(reader.readuntil(end), 5)).decode()


LOGIN = b"action: login\r\nusername: admin\r\nsecret: mysecret\r\nactionid: x-1\r\n\r\n"


async def test_a_client_may_talk_before_it_has_read_the_banner(port):
    reader, writer = await connect(port)
    writer.write(LOGIN + b"Action: Ping\r\nActionID: 2\r\n\r\n")
    assert await read(reader, b"\r\n") == "Asterisk Call Manager/11.0.0\r\n"
    assert await read(reader) == "Response: Success\r\nActionID: x-1\r\nMessage: Authentication accepted\r\n\r\n"
    assert (await read(reader)).startswith("Event: SuccessfulAuth\r\nPrivilege: security,all\r\n")
    assert (await read(reader)).startswith("Response: Success\r\nActionID: 2\r\nPing: Pong\r\n")
    writer.write(b"Action: Logoff\r\n\r\n")
    assert (await read(reader)).startswith("Response: Goodbye\r\n")
    assert await reader.read() == b""
    assert port.sessions == []


async def test_a_booted_system_says_so_after_the_login(exchange, port):
    exchange.pbx.booted = True
    reader, writer = await connect(port)
    writer.write(LOGIN)
    await read(reader)
    text = await read(reader)
    assert text.startswith("Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: 0\r\nLastReload: 0\r\n")
    assert "ActionID" not in text
    writer.close()


async def test_events_follow_the_answers(exchange, port):
    reader, writer = await connect(port)
    writer.write(LOGIN)
    await read(reader)
    await read(reader)
    exchange.pbx.set_global("a", "1")
    assert (await read(reader)).startswith("Event: VarSet\r\n")
    writer.close()


async def test_who_does_not_log_in_in_time_is_disconnected(port):
    port.settings.auth_timeout_s = 0.05
    reader, writer = await connect(port)
    await read(reader, b"\r\n")
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_only_so_many_may_wait_to_log_in(port):
    port.settings.most_unauthenticated = 1
    first, first_writer = await connect(port)
    await read(first, b"\r\n")
    second, second_writer = await connect(port)
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await read(second, b"\r\n")
    first_writer.write(LOGIN)
    await read(first)
    third, third_writer = await connect(port)
    assert (await read(third, b"\r\n")).startswith("Asterisk")
    for writer in (first_writer, second_writer, third_writer):
        writer.close()


async def test_a_refused_login_is_answered_and_hung_up(port, quick):
    reader, writer = await connect(port)
    writer.write(b"Action: Login\r\nUsername: admin\r\nSecret: x\r\n\r\nAction: Ping\r\n\r\n")
    assert "Authentication failed" in await read(reader)
    assert await reader.read() == b""
    writer.close()


async def test_a_faulty_message_is_answered_and_the_next_is_served(port):
    reader, writer = await connect(port)
    writer.write(b"X: " + b"x" * 2000 + b"\r\n\r\n" + LOGIN)
    assert "line too long" in await read(reader)
    assert "accepted" in await read(reader)
    writer.close()


async def test_a_session_may_be_kicked(exchange, port):
    reader, writer = await connect(port)
    writer.write(LOGIN)
    await read(reader)
    await read(reader)
    from offhook.control.cli.run import run_command

    descriptor = port.sessions[0].descriptor
    done, text = await run_command(exchange.pbx, f"manager kick session {descriptor}")
    assert (done, text) == (True, f"Kicking manager session connected using file descriptor {descriptor}\n")
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_a_port_that_is_taken_is_logged_and_nothing_worse(exchange, port, caplog):
    from offhook.control.manager.ami import Ami

    other = Ami(exchange.pbx)
    taken = read_settings(loads(CONF), NamedAcls())
    taken.port = int(port.bound.rpartition(":")[2])
    await other.apply(taken)
    assert other.bound == ""
    assert "cannot listen" in caplog.text


@pytest.fixture
def pem(tmp_path):
    """A certificate and its key in one file."""
    both, certificate = tmp_path / "both.pem", tmp_path / "cert.pem"
    command = f"openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 1 -keyout {both} -out {certificate}"
    subprocess.run(command.split(), check=True, capture_output=True)
    both.write_text(both.read_text() + certificate.read_text())
    return both


async def test_tls(ami, pem):
    await listen(ami, f"tlsenable=yes\ntlsbindaddr=127.0.0.1:0\ntlscertfile={pem}\n")
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    reader, writer = await connect(ami, ssl=context)
    writer.write(LOGIN)
    assert (await read(reader, b"\r\n")).startswith("Asterisk")
    await read(reader)
    assert "LocalAddress: IPV4/TLS/127.0.0.1/" in await read(reader)
    writer.close()


async def test_a_certificate_that_is_not_there_is_logged(ami, caplog):
    await listen(ami, "tlsenable=yes\ntlscertfile=/nonexistent.pem\n")
    assert ami.tls_bound == ""
    assert "check tlscertfile" in caplog.text


class Reader(asyncio.Transport):
    """The transport of a client that takes its bytes when it is told to."""

    def __init__(self):
        super().__init__()
        self.unsent = 0
        self.aborted = False

    def write(self, data):
        self.unsent += len(data)

    def get_write_buffer_size(self):
        return self.unsent

    def set_write_buffer_limits(self, high=None, low=None): ...

    def abort(self):
        self.aborted = True


@pytest.mark.parametrize(
    ("a_step", "most", "cut_off"),
    [(10_000, 2 << 20, False), (0, 2 << 20, True), (10_000, 9 << 20, True)],
    ids=["takes some all the time", "takes nothing", "leaves too much"],
)
def test_a_client_is_slow_when_it_takes_nothing_for_long(tmp_path, a_step, most, cut_off):
    async def story():
        exchange = Exchange(tmp_path)
        connection, reader = Connection(manager(exchange.pbx), "TCP"), Reader()
        connection.connection_made(reader)
        connection.write("x" * most)
        await asyncio.sleep(0)
        connection.pause_writing()
        for _ in range(10):
            await asyncio.sleep(10)
            reader.unsent -= a_step
        connection.connection_lost(None)
        return reader.aborted

    loop = LeapingLoop(settle=0.0)
    try:
        assert loop.run_until_complete(story()) is cut_off
    finally:
        loop.close()
