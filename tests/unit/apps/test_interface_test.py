"""TestServer and TestClient against each other, through the real engine, on a clock that the test moves."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from offhook.apps import interface_test
from offhook.calls import events
from offhook.config.paths import Paths
from support.call_exchange import Exchange
from support.sound_story import OneThreadPolicy, advance, sounding

IDLE = "Answer()\nsame => n,Wait(100)"
WHAT = ("NOISE", "TONE")


@pytest.fixture(scope="module")
def event_loop_policy() -> OneThreadPolicy:
    return OneThreadPolicy()


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    running = Exchange(tmp_path)
    running.load(interface_test)
    running.pbx.paths = Paths(str(tmp_path / "asterisk.conf"))
    running.pbx.paths.log = str(tmp_path)
    async with sounding(running):
        yield running


async def meet(exchange: Exchange, server: str, client: str, seconds: float = 60) -> None:
    """Two channels meet and run an application each."""
    exchange.dialplan(f"[test]\nexten => server,1,{server}\nexten => client,1,{client}\n")
    work = exchange.call("Local/server@test", context="test", exten="client", priority=1)
    call = asyncio.get_running_loop().create_task(work)
    await advance(exchange, seconds)
    assert call.done()


def report(folder: Path, name: str) -> list[str]:
    return (folder / "testresults" / name).read_text().splitlines()


def level(line: str) -> int:
    found = re.search(r"PASS \((\d+)\)$", line)
    assert found, line
    return int(found[1])


async def test_both_sides_pass_every_step(exchange: Exchange, tmp_path: Path) -> None:
    await meet(exchange, "TestServer()", "TestClient(4711)")
    server, client = report(tmp_path, "4711-server.txt"), report(tmp_path, "4711-client.txt")
    assert re.fullmatch(r"SERVERCHAN:    Local/server@test-\w+;2", server[0])
    assert server[1] == "SERVERTEST ID: 4711"
    assert [line.partition(":")[0] for line in server[2:]] == [
        "ANSWER", "SEND DTMF 1", "WAIT DTMF 2", "MEASURENOISE", "SEND DTMF 4", "WAIT 1 SEC", "MEASURETONE",
        "SEND DTMF 5", "SENDTONE", "WAIT DTMF 7", "SEND DTMF 8", "WAIT HANGUP", "-- END TEST--",
    ]  # fmt: skip
    assert [line.partition(":")[0] for line in client[2:]] == [
        "ANSWER", "WAIT DTMF 1", "SEND DTMF 2", "WAIT 1 SEC", "MEASURENOISE", "WAIT DTMF 4", "SENDTONE",
        "WAIT DTMF 5", "WAIT 1 SEC", "MEASURETONE", "SEND DTMF 7", "WAIT DTMF 8", "-- END TEST--",
    ]  # fmt: skip
    for lines in (server, client):
        assert not [line for line in lines if "FAIL" in line]
        noise, tone = (level(next(line for line in lines if line.startswith(f"MEASURE{what}"))) for what in WHAT)
        assert noise < 100
        assert 4000 < tone < 9000
    assert len(exchange.heard(events.Hangup)) >= 2


async def test_a_silent_server_fails_the_first_step(exchange: Exchange, tmp_path: Path) -> None:
    await meet(exchange, IDLE, "TestClient(12)")
    assert report(tmp_path, "12-client.txt")[2:] == ["ANSWER:        PASS", "WAIT DTMF 1:   FAIL", "-- END TEST--"]
    assert not len(exchange.pbx.channels)


async def test_a_call_that_ends_in_the_middle_leaves_a_report(exchange: Exchange, tmp_path: Path) -> None:
    await meet(exchange, "TestServer()", "TestClient(12)", seconds=15)
    for channel in exchange.pbx.channels:
        channel.request_hangup()
    await advance(exchange, 1)
    assert report(tmp_path, "12-server.txt")[-2:] == ["MEASURENOISE:  FAIL", "-- END TEST--"]
    assert report(tmp_path, "12-client.txt")[-2:] == ["MEASURENOISE:  FAIL", "-- END TEST--"]


async def test_no_report_is_written_outside_its_folder(
    exchange: Exchange, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "testresults").mkdir()
    await meet(exchange, IDLE, "TestClient(../12)", seconds=30)
    assert '"../12" has a slash' in caplog.text
    assert not (tmp_path / "12-client.txt").exists()


async def test_a_client_needs_an_identifier(exchange: Exchange, caplog: pytest.LogCaptureFixture) -> None:
    await meet(exchange, IDLE, "TestClient()", seconds=2)
    assert "TestClient needs an identifier" in caplog.text
    assert not len(exchange.pbx.channels)
