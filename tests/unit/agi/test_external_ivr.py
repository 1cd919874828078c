"""ExternalIVR: what programs and their servers are told, and what they can have done; a clock that the test moves."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from offhook.apps.digits import send_digits
from offhook.calls import events
from offhook.calls.channel import Channel
from offhook.config.paths import Paths
from offhook.control.agi import external_ivr
from support.call_exchange import Exchange
from support.sound_story import OneThreadPolicy, advance, sounding

DIALPLAN = """
[test]
exten => s,1,ExternalIVR(ivr://127.0.0.1:${PORT}(one,two)%s)
 same => n,UserEvent(Over,X: on)
 same => n,Wait(60)
exten => h,1,UserEvent(Ended,X: hung up)
exten => other,1,UserEvent(Other,X: elsewhere)
"""


class Server:
    """Takes one connection on loopback, and never waits: the test moves the clock."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.listening.setblocking(False)
        self.port = self.listening.getsockname()[1]
        self.connection: socket.socket | None = None
        self.buffer = b""

    def told(self) -> list[str]:
        """The events that have come since the last call, without their times."""
        if self.connection is None:
            self.connection, _ = self.listening.accept()
            self.connection.setblocking(False)
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # real time does not matter here
        try:
            while data := self.connection.recv(65_536):
                self.buffer += data
        except BlockingIOError:
            pass
        *lines, self.buffer = self.buffer.split(b"\n")
        for line in lines:
            assert re.match(rb"[A-Z0-9*#],\d{10}(,|$)", line), line
        return [re.sub(r",\d{10}", "", line.decode(), count=1) for line in lines]

    def say(self, *commands: str) -> None:
        """Send commands."""
        assert self.connection is not None
        self.connection.sendall("".join(f"{command}\n" for command in commands).encode())


@pytest.fixture(scope="module")
def event_loop_policy() -> OneThreadPolicy:
    return OneThreadPolicy()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.listening.close()
    if made.connection is not None:
        made.connection.close()


@pytest.fixture
async def exchange(tmp_path: Path, server: Server) -> AsyncIterator[Exchange]:
    running = Exchange(tmp_path)
    running.load(external_ivr)
    running.pbx.paths = Paths(str(tmp_path / "asterisk.conf"))
    running.pbx.set_global("PORT", str(server.port))
    (tmp_path / "silence").mkdir()
    for name, seconds in (("first", 1), ("second", 1), ("silence/10", 10)):
        (tmp_path / f"{name}.ulaw").write_bytes(b"\xff" * 8000 * seconds)
    async with sounding(running):
        yield running


async def served(exchange: Exchange, server: Server, options: str = "") -> Channel:
    """Somebody who has called the server."""
    exchange.dialplan(DIALPLAN % options)
    calling = asyncio.get_running_loop().create_task(exchange.call("Local/s@test"))
    await advance(exchange, 0.1)
    assert calling.done() or options == ",n"
    assert server.told() == []
    return exchange.named("Local/s@test-")


async def answers(exchange: Exchange, server: Server, *commands: str) -> list[str]:
    """What the server is told after it has sent commands."""
    server.say(*commands)
    await advance(exchange, 0.1)
    return server.told()


def over(exchange: Exchange) -> list[str]:
    return [event.headers[0][1] for event in exchange.heard(events.UserEvent)]


async def test_prompts_are_played_one_after_the_other_and_told(exchange: Exchange, server: Server) -> None:
    await served(exchange, server)
    assert await answers(exchange, server, "A,first", "A,second", "A,nowhere") == ["Z,nowhere"]
    await advance(exchange, 1)
    assert server.told() == ["F,first"]
    await advance(exchange, 1)
    assert server.told() == ["F,second"]


async def test_what_is_cut_short_and_dropped_is_told(exchange: Exchange, server: Server) -> None:
    await served(exchange, server)
    assert await answers(exchange, server, "A,first", "A,second") == []
    assert await answers(exchange, server, "I,,") == ["T,first", "D,second"]
    assert await answers(exchange, server, "I,,") == []
    assert await answers(exchange, server, "A,first", "A,first", "A,second") == []
    assert await answers(exchange, server, "S,second") == ["T,first", "D,first", "D,second"]
    assert await answers(exchange, server, "S,nowhere") == ["Z,nowhere"]
    await advance(exchange, 1)
    assert server.told() == ["F,second"]


async def test_digits_are_told_and_clear_the_queue_if_wanted(exchange: Exchange, server: Server) -> None:
    caller = await served(exchange, server)
    server.say("A,first", "A,second")
    dialling = asyncio.get_running_loop().create_task(send_digits(caller, "1", 0))
    await advance(exchange, 0.5)
    assert dialling.done() and server.told() == ["1"]
    assert await answers(exchange, server, "O,autoclear", "O,nonsense") == []
    dialling = asyncio.get_running_loop().create_task(send_digits(caller, "#", 0))
    await advance(exchange, 0.4)
    assert server.told() == ["#", "T,first", "D,second"]


async def test_parameters_variables_and_a_farewell(exchange: Exchange, server: Server) -> None:
    await served(exchange, server)
    port = server.port
    assert await answers(exchange, server, "P", "P,?") == [f"P,ivr://127.0.0.1:{port},one,two"]
    assert await answers(exchange, server, "V,A=1,B=x y,C", "G,A,B,C,PORT,NONE") == [
        f"G,A=1,B=x y,C=,PORT={port},NONE="
    ]
    assert await answers(exchange, server, "L,hello", "?,nothing", "E,bye") == ["E"]
    assert over(exchange) == ["on"]


async def test_an_old_exit_has_no_event_and_a_hangup_ends_the_call(exchange: Exchange, server: Server) -> None:
    await served(exchange, server)
    assert await answers(exchange, server, "X,bye") == []
    assert over(exchange) == ["on"]


async def test_a_program_may_hang_up(exchange: Exchange, server: Server) -> None:
    await served(exchange, server)
    assert await answers(exchange, server, "H,bye") == ["H"]
    assert over(exchange) == ["hung up"]


async def test_a_server_that_goes_away_ends_the_call(exchange: Exchange, server: Server) -> None:
    await served(exchange, server)
    assert server.connection is not None
    server.connection.close()
    await advance(exchange, 0.1)
    assert over(exchange) == ["hung up"]


async def test_the_end_of_the_call_is_told(exchange: Exchange, server: Server) -> None:
    caller = await served(exchange, server)
    caller.request_hangup()
    await advance(exchange, 0.1)
    assert server.told() == ["H"]
    assert over(exchange) == ["hung up"]


async def test_a_program_may_stay_when_the_call_is_over(exchange: Exchange, server: Server) -> None:
    caller = await served(exchange, server, ",i")
    caller.request_hangup()
    await advance(exchange, 0.1)
    assert server.told() == ["I,HANGUP"]
    assert await answers(exchange, server, "A,first", "S,first", "I,,", "O,autoclear") == ["Z"] * 4
    assert await answers(exchange, server, "V,A=1", "G,A") == ["G,A=1"]
    assert over(exchange) == []
    assert await answers(exchange, server, "E,bye") == ["E"]
    assert over(exchange) == ["hung up"]


async def test_a_redirected_caller_is_let_go(exchange: Exchange, server: Server) -> None:
    await served(exchange, server)
    running = exchange.pbx.channels.by_prefix("Local/s@test-00000000;2")
    assert running is not None
    running.async_goto("test", "other", 1)
    await advance(exchange, 0.1)
    assert server.told() == ["H"]
    assert over(exchange)[0] == "elsewhere"


async def test_nothing_is_played_before_the_answer(exchange: Exchange, server: Server) -> None:
    await served(exchange, server, ",n")
    running = exchange.named("Local/s@test-00000000;2")
    assert await answers(exchange, server, "A,first") == ["Z"]
    assert running.state.text == "Ring"
    assert await answers(exchange, server, "T,,", "A,first") == []
    assert running.state.text == "Up"
    await advance(exchange, 1)
    assert server.told() == ["F,first"]


async def test_a_program_runs_on_a_call_that_is_over(exchange: Exchange, server: Server) -> None:
    exchange.dialplan(
        "[test]\nexten => s,1,Answer()\nsame => n,Hangup()\n"
        "exten => h,1,ExternalIVR(ivr://127.0.0.1:${PORT},d)\nsame => n,UserEvent(Over,X: ${SEEN})\n"
    )
    calling = asyncio.get_running_loop().create_task(exchange.call("Local/s@test"))
    await advance(exchange, 1)
    assert calling.done() and server.told() == []
    assert await answers(exchange, server, "V,SEEN=yes", "E,bye") == ["E"]
    assert over(exchange) == ["yes"]


async def test_digits_are_sent(exchange: Exchange, server: Server) -> None:
    await served(exchange, server)
    server.say("D,12,100,50")
    await advance(exchange, 1)
    sent = [event for event in exchange.heard(events.DtmfEnd) if event.direction == "Sent"]
    assert [(event.digit, event.duration_ms) for event in sent][:2] == [("1", 50), ("2", 50)]


@pytest.mark.parametrize("arguments", ["", "/bin/menu(one", "/no/such/program", "ivr://127.0.0.1:1", "/bin/sh,d"])
async def test_what_cannot_be_run_ends_the_call(
    exchange: Exchange, caplog: pytest.LogCaptureFixture, arguments: str
) -> None:
    exchange.dialplan(f"[test]\nexten => s,1,ExternalIVR({arguments})\nexten => h,1,UserEvent(Ended,X: hung up)\n")
    calling = asyncio.get_running_loop().create_task(exchange.call("Local/s@test"))
    await advance(exchange, 0.5)
    assert calling.done() and over(exchange) == ["hung up"]
    assert "ExternalIVR" in caplog.text


async def test_a_program_is_a_process(exchange: Exchange, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    script = tmp_path / "menu"
    script.write_text('#!/bin/sh\necho "P,?"\nread told\necho oops >&2\necho "V,TOLD=$1"\necho "E,bye"\nread told\n')
    script.chmod(0o755)
    caplog.set_level("INFO")
    exchange.dialplan(
        f"[test]\nexten => s,1,ExternalIVR({script}(first))\n"
        "same => n,UserEvent(Over,X: ${TOLD})\nsame => n,Wait(60)\n"
    )
    calling = asyncio.get_running_loop().create_task(exchange.call("Local/s@test"))
    deadline = time.monotonic() + 60
    while not over(exchange):
        assert time.monotonic() < deadline
        await advance(exchange, 0.05)
    assert calling.done() and over(exchange) == ["first"]
    assert "stderr: oops" in caplog.text
