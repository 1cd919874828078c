"""Festival: what the server is told, how its answers are taken apart, and what the caller hears; the test's clock."""

from __future__ import annotations

import asyncio
import socket
import struct
from array import array
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from offhook.apps import festival
from offhook.apps.digits import send_digits
from offhook.apps.festival import cache_name, command
from offhook.apps.festival_answers import KEY, Answer, Answers
from offhook.calls import events
from support.call_exchange import Exchange
from support.sound_story import OneThreadPolicy, advance, sounding

STUFFED = KEY[:-1] + b"X" + KEY[-1:]


def sent(waveform: bytes) -> bytes:
    """A waveform as a Festival server sends it."""
    return b"WV\n" + waveform.replace(KEY, STUFFED) + KEY


# ---- what the server is told


def test_the_text_stands_in_the_command() -> None:
    usual = '(tts_textasterisk "%s" \'file)(quit)\\n'
    assert command(usual, "hello") == '(tts_textasterisk "hello" \'file)(quit)\n'
    assert command("a\\%s%s\\\\%", "X") == "a%sX\\%"


def test_quotes_of_the_text_do_not_end_the_string() -> None:
    assert command('(say "%s")', 'a")(system "x\\') == '(say "a\\")(system \\"x\\\\")'


# ---- its answers


def whole(answers: list[Answer]) -> list[tuple[str, bytes]]:
    """Parts of one waveform put together."""
    found: list[tuple[str, bytes]] = []
    open_ = False
    for answer in answers:
        if open_:
            found[-1] = (answer.kind, found[-1][1] + answer.data)
        else:
            found.append((answer.kind, answer.data))
        open_ = not answer.last
    return found


pieces = st.lists(st.sampled_from([KEY, KEY[:-1], KEY[:5], b"X", b"y", b"f", b"\0\1", b"WV\n"]) | st.binary(max_size=8))


@given(pieces.map(b"".join), st.lists(st.integers(1, 9)))
def test_a_waveform_comes_through_whole_however_it_is_cut(waveform: bytes, cuts: list[int]) -> None:
    assume(STUFFED[:-1] not in waveform)  # the protocol itself cannot carry these twelve bytes
    data = b"LP\n(a b)" + KEY + sent(waveform) + b"OK\n"
    answers, found = Answers(), []
    for cut in cuts:
        found += answers.feed(data[:cut])
        data = data[cut:]
    found += answers.feed(data)
    assert whole(found) == [("LP", b"(a b)"), ("WV", waveform), ("OK", b"OK\n")]


@given(st.binary(max_size=200))
def test_whatever_comes_is_taken_apart(data: bytes) -> None:
    for answer in Answers().feed(data):
        assert answer.kind in ("WV", "LP", "ER", "OK", "?")


# ---- calls


class Server:
    """Answers one connection after the other with what it was given; never waits."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.listening.setblocking(False)
        self.port = self.listening.getsockname()[1]
        self.told: list[str] = []

    def answer(self, data: bytes) -> None:
        """Take a connection, read what is asked, answer, close."""
        connection, _ = self.listening.accept()
        with connection:
            self.told.append(connection.recv(4096).decode())
            connection.sendall(data)


@pytest.fixture(scope="module")
def event_loop_policy() -> OneThreadPolicy:
    return OneThreadPolicy()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.listening.close()


@pytest.fixture
async def exchange(tmp_path: Path, server: Server) -> AsyncIterator[Exchange]:
    running = Exchange(tmp_path)
    running.load(festival)
    (tmp_path / "festival.conf").write_text(f"[general]\nhost=127.0.0.1\nport={server.port}\ncachedir={tmp_path}\n")
    async with sounding(running):
        yield running


def use_cache(tmp_path: Path) -> None:
    with (tmp_path / "festival.conf").open("a") as file:
        file.write("usecache=yes\n")


async def call(exchange: Exchange, arguments: str) -> None:
    exchange.dialplan(
        f"[test]\nexten => s,1,Festival({arguments})\nsame => n,UserEvent(Over,X: on)\nsame => n,Wait(60)\n"
        "exten => 7,1,UserEvent(Digit,X: seven)\nsame => n,Wait(60)\nexten => h,1,UserEvent(Ended,X: hung up)\n"
    )
    asyncio.get_running_loop().create_task(exchange.call("Local/s@test"))
    await advance(exchange, 0.2)


def over(exchange: Exchange) -> list[str]:
    return [event.headers[0][1] for event in exchange.heard(events.UserEvent)]


SPEECH = array("h", [3000, -3000] * 4000).tobytes()
"""A second."""


async def test_the_caller_hears_the_waveform(exchange: Exchange, server: Server) -> None:
    await call(exchange, '"Hello, you"')
    server.answer(sent(SPEECH) + b"OK\n")
    await advance(exchange, 0.1)
    caller = exchange.named("Local/s@test-")
    assert caller.state.text == "Up" and caller.media is not None
    heard = asyncio.get_running_loop().create_task(caller.media.watch_silence(noise_ms=500, silence_ms=100).wait())
    await advance(exchange, 0.8)
    assert heard.done() and over(exchange) == []
    await advance(exchange, 0.4)
    assert over(exchange) == ["on"]
    assert server.told == ['(tts_textasterisk "Hello, you" \'file)(quit)\n']


async def test_the_header_of_a_wave_file_is_not_heard(exchange: Exchange, server: Server) -> None:
    await call(exchange, "Hello")
    caller = exchange.named("Local/s@test-")
    assert caller.media is not None
    noise = asyncio.get_running_loop().create_task(caller.media.watch_silence(noise_ms=20, threshold=50).wait())
    header = b"RIFF\xff\xff\0\0WAVEfmt " + bytes(20) + b"data\0\0\0\0"
    server.answer(sent(header + bytes(8000)) + b"OK\n")
    await advance(exchange, 1)
    assert over(exchange) == ["on"] and not noise.done()
    noise.cancel()


async def test_a_digit_breaks_in_and_is_an_extension(exchange: Exchange, server: Server) -> None:
    await call(exchange, "Hello,any")
    server.answer(sent(SPEECH * 20) + b"OK\n")
    await advance(exchange, 0.3)
    digits = asyncio.get_running_loop().create_task(send_digits(exchange.named("Local/s@test-"), "7", 0))
    await advance(exchange, 0.5)
    assert digits.done() and over(exchange) == ["seven"]


async def test_errors_end_the_call(exchange: Exchange, server: Server, caplog: pytest.LogCaptureFixture) -> None:
    await call(exchange, "Hello")
    server.answer(b"LP\n(nothing)" + KEY + b"ER\n")
    await advance(exchange, 0.2)
    assert over(exchange) == ["hung up"]
    assert "LP : (nothing)" in caplog.text and "reports an error" in caplog.text


async def test_a_server_that_is_not_there_ends_the_call(
    exchange: Exchange, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.listening.close()
    await call(exchange, "Hello")
    assert over(exchange) == ["hung up"] and "cannot be reached" in caplog.text


async def test_without_configuration_the_call_ends(
    exchange: Exchange, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "festival.conf").unlink()
    await call(exchange, "Hello")
    assert over(exchange) == ["hung up"] and "there is no festival.conf" in caplog.text


async def test_nothing_to_say_goes_on(exchange: Exchange, server: Server) -> None:
    await call(exchange, "Hello")
    server.answer(b"OK\n")
    await advance(exchange, 0.2)
    assert over(exchange) == ["on"]


async def test_what_was_said_is_kept_and_said_again(exchange: Exchange, server: Server, tmp_path: Path) -> None:
    use_cache(tmp_path)
    await call(exchange, "Hello")
    server.answer(sent(SPEECH) + b"OK\n")
    await advance(exchange, 1.5)
    assert over(exchange) == ["on"]
    kept = (tmp_path / cache_name("Hello")).read_bytes()
    assert kept.startswith(struct.pack("=i", 5) + b"Hello" + sent(SPEECH))
    server.listening.close()
    await call(exchange, "Hello")
    await advance(exchange, 1.5)
    assert over(exchange) == ["on", "on"]


def test_the_cache_has_asterisks_names() -> None:
    assert cache_name("hello") == "5D41402ABC4B2A76B9719D911017C592"
    assert len(cache_name("1")) == 31  # c4ca4238a0b923820dcc509a6f75849b: the nought of 0d and others is left out
