"""EAGI: a program hears the caller on its descriptor 3, and one that does not listen stops nobody."""

from __future__ import annotations

import asyncio
import itertools
import time
from array import array
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from offhook.calls import events
from offhook.config.paths import Paths
from offhook.control.agi import applications
from support.call_exchange import Exchange
from support.sound_story import OneThreadPolicy, advance, sounding

DIALPLAN = """
[test]
exten => s,1,Answer()
 same => n,Set(EAGI_AUDIO_FORMAT=${FORMAT})
 same => n,EAGI(%s)
 same => n,UserEvent(Over,X: ${AGISTATUS})
 same => n,Wait(60)
"""


@pytest.fixture(scope="module")
def event_loop_policy() -> OneThreadPolicy:
    return OneThreadPolicy()


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    running = Exchange(tmp_path)
    running.load(applications)
    running.pbx.paths = Paths(str(tmp_path / "asterisk.conf"))
    async with sounding(running):
        yield running


async def until(exchange: Exchange, condition: Callable[[], bool]) -> None:
    """Let the story go on while a program of this machine does its part."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        await advance(exchange, 0.05)
        await exchange.pbx.loop.run_in_executor(None, time.sleep, 0.002)


def program(path: Path, text: str) -> Path:
    """A shell script."""
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(0o755)
    return path


async def eagi(exchange: Exchange, script: Path) -> None:
    """Somebody who says a tone calls an extension that runs a program."""
    exchange.dialplan(DIALPLAN % script)
    calling = asyncio.get_running_loop().create_task(exchange.call("Local/s@test"))
    await advance(exchange, 0.6)
    assert calling.done()
    media = exchange.named("Local/s@test-").media
    assert media is not None
    media.tones("440")


def status(exchange: Exchange) -> list[str]:
    return [event.headers[0][1] for event in exchange.heard(events.UserEvent)]


@pytest.mark.parametrize(("name", "bytes_a_s", "width"), [("", 16_000, 2), ("slin16", 32_000, 2), ("ulaw", 8000, 1)])
async def test_a_program_hears_the_caller(
    exchange: Exchange, tmp_path: Path, name: str, bytes_a_s: int, width: int
) -> None:
    exchange.pbx.set_global("FORMAT", name)
    await eagi(exchange, program(tmp_path / "listen", f"head -c {bytes_a_s} <&3 > {tmp_path}/heard\n"))
    await until(exchange, lambda: bool(status(exchange)))
    heard = (tmp_path / "heard").read_bytes()
    assert status(exchange) == ["SUCCESS"] and len(heard) == bytes_a_s
    if width == 2:
        samples = array("h", heard)
        crossings = sum(a < 0 <= b for a, b in itertools.pairwise(samples))
        assert 435 <= crossings <= 445
    else:
        assert len(set(heard)) > 50


async def test_a_program_that_does_not_listen_stops_nobody(exchange: Exchange, tmp_path: Path) -> None:
    await eagi(exchange, program(tmp_path / "deaf", f"while [ ! -e {tmp_path}/go ]; do sleep 0.01; done\n"))
    await advance(exchange, 30)  # far more than a pipe holds
    recording = exchange.named("Local/s@test-").media.record(tmp_path / "other.sln", "sln", "out")  # type: ignore[union-attr]
    await advance(exchange, 1)
    recording.stop()
    await until(
        exchange, lambda: (tmp_path / "other.sln").exists() and (tmp_path / "other.sln").stat().st_size > 15_000
    )
    (tmp_path / "go").touch()
    await until(exchange, lambda: bool(status(exchange)))
    assert status(exchange) == ["SUCCESS"]


async def test_a_format_that_is_none_is_a_failure(
    exchange: Exchange, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    exchange.pbx.set_global("FORMAT", "jpeg")
    await eagi(exchange, program(tmp_path / "listen", "exit 0\n"))
    assert status(exchange) == ["FAILURE"]
    assert "EAGI_AUDIO_FORMAT" in caplog.text
