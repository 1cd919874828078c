"""AudioSocket, application and channels: a real connection to the test's server, the real engine, the test's clock."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID as Uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.apps import audiosocket
from offhook.apps.digits import send_digits
from offhook.calls import events
from offhook.calls.channel import Channel
from offhook.drivers import audiosocket as driver
from offhook.media.audiosocket import AudioSocketError, parse_service, parse_uuid
from support.audiosocket_server import DIGIT, HANGUP, SOUND, UUID, Message, Server, messages
from support.call_exchange import Exchange
from support.sound_story import OneThreadPolicy, advance, sounding

CALL = "40325ec2-5efd-4bd3-805f-53576e581d13"
NAMED = bytes.fromhex(CALL.replace("-", ""))


@pytest.fixture(scope="module")
def event_loop_policy() -> OneThreadPolicy:
    return OneThreadPolicy()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    running = Exchange(tmp_path)
    running.load(audiosocket)
    running.load(driver)
    async with sounding(running):
        yield running


def level(samples: bytes) -> float:
    """Mean magnitude of 16-bit linear sound."""
    values = array("h", samples)
    return sum(abs(value) for value in values) / max(1, len(values))


async def call(exchange: Exchange, service: str, *, answer: str = "Answer()", uuid: str = CALL) -> None:
    """Call an extension that runs AudioSocket."""
    exchange.dialplan(
        f"[test]\nexten => s,1,{answer}\nsame => n,AudioSocket({uuid},{service})\n"
        "same => n,UserEvent(Over,X: on)\nsame => n,Wait(60)\n"
        "exten => h,1,UserEvent(Ended,X: hung up)\n"
    )
    calling = asyncio.get_running_loop().create_task(exchange.call("Local/s@test"))
    await advance(exchange, 0.6)  # Answer waits for sound
    assert calling.done() or answer != "Answer()"


async def caller_of(exchange: Exchange, service: str) -> Channel:
    """Somebody who has called it."""
    await call(exchange, service)
    return exchange.named("Local/s@test-")


def over(exchange: Exchange) -> list[str]:
    return [event.headers[0][1] for event in exchange.heard(events.UserEvent)]


def sound(received: list[Message], kind: int = SOUND) -> bytes:
    return b"".join(message.payload for message in received if message.kind == kind)


async def test_the_call_is_introduced_and_sound_goes_both_ways(exchange: Exchange, server: Server) -> None:
    caller = await caller_of(exchange, server.service)
    assert server.poll() == [Message(UUID, NAMED)]
    assert caller.media is not None
    caller.media.tones("440")
    await advance(exchange, 1)
    received = server.poll()
    assert {(message.kind, len(message.payload)) for message in received} == {(SOUND, 320)}
    assert 46 <= len(received) <= 50
    assert level(sound(received)[3200:]) > 2000
    # and what the server says is heard by the caller
    listening = asyncio.get_running_loop().create_task(caller.media.watch_silence(noise_ms=100).wait())
    for _ in range(20):
        server.send(SOUND, array("h", [4000, -4000] * 80).tobytes())
        await advance(exchange, 0.02)
    assert listening.done()
    assert over(exchange) == []


async def test_wider_sound_of_the_server_is_heard_too(exchange: Exchange, server: Server) -> None:
    caller = await caller_of(exchange, server.service)
    server.poll()
    assert caller.media is not None
    listening = asyncio.get_running_loop().create_task(caller.media.watch_silence(noise_ms=100).wait())
    for _ in range(20):
        server.send(SOUND + 2, array("h", [4000, 4000, -4000, -4000] * 80).tobytes())
        await advance(exchange, 0.02)
    assert listening.done()


async def test_digits_are_messages(exchange: Exchange, server: Server) -> None:
    caller = await caller_of(exchange, server.service)
    dialling = asyncio.get_running_loop().create_task(send_digits(caller, "1#A", 0.1))
    await advance(exchange, 1)
    assert dialling.done()
    found = [message.payload for message in server.poll() if message.kind == DIGIT]
    assert found == [b"1", b"#", b"A"]


@pytest.mark.parametrize("farewell", [HANGUP.pack(), b""])
async def test_the_dialplan_goes_on_when_the_server_has_finished(
    exchange: Exchange, server: Server, farewell: bytes
) -> None:
    await call(exchange, server.service)
    server.poll()
    assert server.connection is not None
    server.send(SOUND, bytes(16_000))
    server.connection.sendall(farewell)
    if not farewell:
        server.connection.close()
    await advance(exchange, 0.8)
    assert over(exchange) == []  # the second that it sent is being heard
    await advance(exchange, 0.4)
    assert over(exchange) == ["on"]


@pytest.mark.parametrize("nonsense", [b"\x10\0\0", b"\x03\0\x011", b"\xff\0\x01\0"])
async def test_nonsense_ends_the_call(
    exchange: Exchange, server: Server, nonsense: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    await call(exchange, server.service)
    server.poll()
    assert server.connection is not None
    server.connection.sendall(nonsense)
    await advance(exchange, 0.2)
    assert over(exchange) == ["hung up"]
    server.poll()
    assert server.closed
    assert f"kind 0x{nonsense[0]:02x}" in caplog.text


async def test_silence_of_both_sides_for_two_seconds_ends_the_call(
    exchange: Exchange, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    await call(exchange, server.service)
    server.poll()
    await advance(exchange, 1.8)
    assert over(exchange) == []
    await advance(exchange, 0.4)
    assert over(exchange) == ["hung up"]
    assert "2 seconds" in caplog.text


async def test_a_caller_who_hangs_up_leaves_nothing(exchange: Exchange, server: Server) -> None:
    caller = await caller_of(exchange, server.service)
    server.poll()
    caller.request_hangup()
    await advance(exchange, 0.2)
    server.poll()
    assert server.closed and over(exchange) == ["hung up"]


@pytest.mark.parametrize(
    ("answer", "uuid", "service", "said"),
    [
        ("Answer()", "no-uuid", "", "is no UUID"),
        ("Answer()", CALL, "localhost", "write host:port"),
        ("Answer()", CALL, "127.0.0.1:1", "cannot be reached"),
        ("Progress()", CALL, "", "is answered"),
    ],
)
async def test_what_is_wrong_is_said_and_ends_the_call(
    exchange: Exchange,
    server: Server,
    caplog: pytest.LogCaptureFixture,
    answer: str,
    uuid: str,
    service: str,
    said: str,
) -> None:
    await call(exchange, service or server.service, answer=answer, uuid=uuid)
    assert said in caplog.text and over(exchange) == ["hung up"]


# ---- channels


async def dialled(
    exchange: Exchange, server: Server, options: str = "", formats: tuple[str, ...] = ("ulaw",)
) -> Channel:
    """Call a server from the command line, connected with somebody who waits."""
    order = exchange.call(f"AudioSocket/{server.service}/{CALL}{options}", formats=formats)
    calling = asyncio.get_running_loop().create_task(order)
    await advance(exchange, 0.1)
    assert calling.done()
    return exchange.named("AudioSocket/")


async def test_a_server_is_a_party(exchange: Exchange, server: Server) -> None:
    channel = await dialled(exchange, server, "/c(slin16)")
    assert server.poll() == [Message(UUID, NAMED)]
    assert channel.name == f"AudioSocket/{server.service}-{CALL}"
    assert channel.get("AUDIOSOCKET_UUID") == CALL and channel.get("AUDIOSOCKET_SERVICE") == server.service
    assert channel.state.text == "Up" and channel.formats == ("slin16",)
    assert channel.media is not None
    channel.media.tones("440")
    await advance(exchange, 0.5)
    received = server.poll()
    assert {(message.kind, len(message.payload)) for message in received} == {(SOUND + 2, 640)}
    channel.send_digit_begin("7")
    await advance(exchange, 0.1)
    channel.send_digit_end("7", 100)
    await advance(exchange, 0.2)
    assert [message for message in server.poll() if message.kind == DIGIT] == [Message(DIGIT, b"7")]
    server.send(*HANGUP)
    await advance(exchange, 0.2)
    assert channel.hungup and channel.hangup_cause == 16


async def test_without_a_codec_the_server_gets_what_the_caller_has(exchange: Exchange, server: Server) -> None:
    channel = await dialled(exchange, server, formats=("ulaw", "slin"))
    server.poll()
    assert channel.media is not None and channel.formats == ("ulaw",)
    channel.media.tones("440")
    await advance(exchange, 0.5)
    assert {(message.kind, len(message.payload)) for message in server.poll()} == {(SOUND, 160)}


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (f"127.0.0.1:1/{CALL}", "cannot be reached"),
        ("127.0.0.1:1/abc", "is no UUID"),
        ("127.0.0.1:1", "is no UUID"),
        (f"nowhere/{CALL}", "write host:port"),
        (f"127.0.0.1:1/{CALL}/c(nix)", "is no codec"),
    ],
)
async def test_a_server_that_is_not_there_is_an_unavailable_party(
    exchange: Exchange, caplog: pytest.LogCaptureFixture, address: str, said: str
) -> None:
    caplog.set_level("INFO")
    exchange.dialplan(
        f"[test]\nexten => s,1,Answer()\nsame => n,Dial(AudioSocket/{address},5)\n"
        "same => n,UserEvent(Over,X: ${DIALSTATUS} ${HANGUPCAUSE})\nsame => n,Wait(60)\n"
    )
    calling = asyncio.get_running_loop().create_task(exchange.call("Local/s@test"))
    await advance(exchange, 1)
    assert calling.done()
    assert over(exchange) == ["CHANUNAVAIL 38"]
    assert said in caplog.text


# ---- what names a server and a call


@given(st.uuids())
def test_uuids_are_read(uuid: Uuid) -> None:
    assert parse_uuid(str(uuid)) == uuid.bytes


@pytest.mark.parametrize("text", ["", CALL[:-1], CALL.replace("-", ""), f"{{{CALL}}}", f"g{CALL[1:]}", f"{CALL} "])
def test_other_forms_of_uuids_are_refused(text: str) -> None:
    with pytest.raises(AudioSocketError, match="is no UUID"):
        parse_uuid(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [("host:9019", ("host", 9019)), ("10.0.0.1:1", ("10.0.0.1", 1)), ("[::1]:65535", ("::1", 65535))],
)
def test_services_are_read(text: str, found: tuple[str, int]) -> None:
    assert parse_service(text) == found


@pytest.mark.parametrize(
    "text", ["", "host", ":5", "host:", "host:0", "host:65536", "host:x", "::1:5", "[::1]", "a:1:2"]
)
def test_services_without_a_port_are_refused(text: str) -> None:
    with pytest.raises(AudioSocketError, match="write host:port"):
        parse_service(text)


def test_the_server_of_the_tests_takes_messages_apart() -> None:
    buffer = bytearray(Message(SOUND, b"ab").pack() + HANGUP.pack() + b"\x10\0")
    assert list(messages(buffer)) == [Message(SOUND, b"ab"), HANGUP] and bytes(buffer) == b"\x10\0"
