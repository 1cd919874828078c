"""SYSINFO, VERSION, SHELL, IFMODULE, AST_CONFIG, LOCK."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from offhook import ASTERISK_VERSION
from offhook.calls.channel import Channel
from offhook.config.store import Configuration
from offhook.functions import locks, machine
from offhook.functions.machine import version_number
from support.exchange import Exchange


@pytest.fixture
def exchange(exchange: Exchange, tmp_path: Path) -> Exchange:
    exchange.load(machine, locks)
    exchange.pbx.config = Configuration(str(tmp_path))
    return exchange


def test_versions_as_numbers():
    assert [version_number(text) for text in ("22.10.1", "1.2", "18.0.0-rc1")] == ["221001", "10200", "180000"]


async def test_the_version(exchange: Exchange):
    assert await exchange.read("${VERSION()}") == ASTERISK_VERSION
    assert await exchange.read("${VERSION(ASTERISK_VERSION_NUM)}") == version_number(ASTERISK_VERSION)
    assert await exchange.read("${VERSION(BUILD_MACHINE)}") == os.uname().machine


async def test_the_machine(exchange: Exchange, caplog: pytest.LogCaptureFixture):
    assert float(await exchange.read("${SYSINFO(loadavg)}")) >= 0
    for parameter in ("uptime", "totalram", "freeram", "bufferram", "totalswap", "freeswap", "numprocs"):
        assert (await exchange.read(f"${{SYSINFO({parameter})}}")).isdigit(), parameter
    assert int(await exchange.read("${SYSINFO(totalram)}")) > 0
    exchange.channel()
    assert await exchange.read("${SYSINFO(numcalls)}") == "0"
    assert await exchange.read("${SYSINFO(mood)}") == ""
    assert 'SYSINFO has no "mood"' in caplog.text


async def test_the_shell(exchange: Exchange, caplog: pytest.LogCaptureFixture):
    assert await exchange.read("${SHELL(echo -n '$HOME' a; printf b)}") == "$HOME ab"
    assert await exchange.read("[${SHELL()}]") == "[]"
    assert "SHELL needs a command" in caplog.text
    assert await exchange.read("[${SHELL(echo x)}]", restricted=True) == "[]"


async def test_whether_a_module_runs(exchange: Exchange):
    exchange.pbx.loader = cast("Any", SimpleNamespace(is_running=lambda name: name == "app_dial.so"))
    assert await exchange.read("${IFMODULE(app_dial.so)}${IFMODULE(app_none.so)}") == "10"


async def test_configuration_files(exchange: Exchange, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    path = tmp_path / "things.conf"
    path.write_text("[one]\nname=first\nname=second\nother=x\n[two]\nname=third\n")
    read = "${AST_CONFIG(things.conf,%s)}"
    assert await exchange.read(read % "one,name") == "first"
    assert await exchange.read(read % "one,name,1" + read % "one,name,-1" + read % "one,name,2") == "secondsecond"
    assert await exchange.read(read % "two,name" + read % "three,name") == "third"
    path.write_text("[one]\nname=changed entirely\n")
    assert await exchange.read(read % "one,name") == "changed entirely"
    assert await exchange.read("${AST_CONFIG(missing.conf,a,b)}" + read % "one,name,first") == ""
    assert "missing.conf cannot be read" in caplog.text
    assert '"first" is no index' in caplog.text


def _channels(exchange: Exchange, count: int) -> list[Channel]:
    return [exchange.channel(name=f"Test/{number}") for number in range(count)]


async def test_a_lock_belongs_to_one_channel_at_a_time(exchange: Exchange):
    one, two = _channels(exchange, 2)
    assert await exchange.read("${LOCK(door)}${TRYLOCK(door)}", one) == "11"
    assert await exchange.read("${TRYLOCK(door)}${UNLOCK(door)}${TRYLOCK(other)}", two) == "001"
    assert await exchange.read("${UNLOCK(door)}", one) == "1"
    assert await exchange.read("${TRYLOCK(door)}", two) == "0"
    assert await exchange.read("${UNLOCK(door)}${UNLOCK(door)}", one) == "10"
    assert await exchange.read("${TRYLOCK(door)}", two) == "1"


async def test_who_waits_for_a_lock_gets_it_in_turn(exchange: Exchange):
    one, two, three = _channels(exchange, 3)
    await exchange.read("${LOCK(door)}", one)
    turns = []

    async def wait(channel: Channel) -> None:
        turns.append((await exchange.read("${LOCK(door)}", channel), channel.name))

    tasks = [asyncio.create_task(wait(channel)) for channel in (two, three)]
    await asyncio.sleep(0)
    assert turns == []
    await exchange.read("${UNLOCK(door)}", one)
    await asyncio.wait_for(tasks[0], 5)
    two.hangup()
    await asyncio.wait_for(tasks[1], 5)
    assert turns == [("1", "Test/1"), ("1", "Test/2")]


async def test_waiting_for_a_lock_ends(exchange: Exchange, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(locks, "WAIT_SECONDS", 0.01)
    one, two = _channels(exchange, 2)
    await exchange.read("${LOCK(door)}", one)
    assert await exchange.read("${LOCK(door)}", two) == "0"
    await exchange.read("${UNLOCK(door)}", one)
    assert await exchange.read("${TRYLOCK(door)}", one) == "1"


async def test_who_is_interrupted_while_waiting_does_not_keep_the_lock(exchange: Exchange):
    one, two = _channels(exchange, 2)
    await exchange.read("${LOCK(door)}", one)
    task = asyncio.create_task(exchange.read("${LOCK(door)}", two))
    await asyncio.sleep(0)
    await exchange.read("${UNLOCK(door)}", one)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await exchange.read("${TRYLOCK(door)}", one) == "1"
