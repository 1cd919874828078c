"""Dictate worked by a caller's digits, through the real engine, on a clock that the test moves."""

from __future__ import annotations

import asyncio
import itertools
from array import array
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from offhook.apps import dictate
from offhook.apps.digits import send_digits
from offhook.calls import events
from offhook.calls.channel import Channel
from offhook.config.paths import Paths
from support.call_exchange import Exchange
from support.sound_story import OneThreadPolicy, advance, sounding

PROMPTS = (
    "enter_filename", "forhelp", "playback_mode", "record_mode", "paused", "pause", "playback", "record", "play_help",
    "record_help", "both_help", "truncating_audio",
)  # fmt: skip


@pytest.fixture(scope="module")
def event_loop_policy() -> OneThreadPolicy:
    return OneThreadPolicy()


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    running = Exchange(tmp_path)
    running.load(dictate)
    running.pbx.paths = Paths(str(tmp_path / "asterisk.conf"))
    running.pbx.paths.spool = str(tmp_path)
    (tmp_path / "dictate").mkdir()
    (tmp_path / "digits").mkdir()
    for name in [f"dictate/{prompt}" for prompt in PROMPTS] + [f"digits/{number}" for number in range(1, 5)]:
        (tmp_path / f"{name}.ulaw").write_bytes(b"\xff" * 800)
    async with sounding(running):
        yield running


async def call(exchange: Exchange, arguments: str) -> None:
    """Call the machine."""
    exchange.dialplan(f"[test]\nexten => s,1,Dictate({arguments})\nsame => n,UserEvent(Over,X: over)\n")
    calling = asyncio.get_running_loop().create_task(exchange.call("Local/s@test"))
    await advance(exchange, 1)
    assert calling.done()


async def dictator(exchange: Exchange, arguments: str = "") -> Channel:
    """Somebody who has called the machine."""
    await call(exchange, arguments)
    return exchange.named("Local/s@test-")


async def press(exchange: Exchange, caller: Channel, digits: str) -> None:
    """Dial, and hear what is said about it."""
    dialling = asyncio.get_running_loop().create_task(send_digits(caller, digits, 0.1))
    await advance(exchange, 1 + 0.2 * len(digits))
    assert dialling.done()


def said(exchange: Exchange) -> list[str]:
    found = [dict(event.headers).get("Message", "") for event in exchange.heard(events.TestEvent)]
    return [name.removeprefix("dictate/") for name in found if name]


async def dictated(exchange: Exchange, caller: Channel, tone: str, seconds: float) -> None:
    """Record a tone (the machine records and is paused)."""
    await press(exchange, caller, "*")
    assert caller.media is not None
    playing = caller.media.tones(tone)
    await advance(exchange, seconds)
    playing.stop()
    await press(exchange, caller, "*")


async def heard(exchange: Exchange, caller: Channel, seconds: float, folder: Path) -> array[int]:
    """What the caller hears meanwhile."""
    assert caller.media is not None
    path = folder / "heard.sln"
    recording = caller.media.record(path, "sln")
    await advance(exchange, seconds)
    recording.stop()
    await advance(exchange, 0.1)
    assert recording.done
    return array("h", path.read_bytes())


def frequency(samples: array[int]) -> float:
    """Of a tone, in Hz, by its zero crossings; parts without sound do not count."""
    crossings = loud = 0
    for before, after in itertools.pairwise(samples):
        if abs(before) + abs(after) > 500:
            loud += 1
            crossings += (before < 0) != (after < 0)
    return crossings / 2 / loud * 8000 if loud else 0.0


async def test_what_is_dictated_is_heard_again_at_any_speed(exchange: Exchange, tmp_path: Path) -> None:
    caller = await dictator(exchange)
    await press(exchange, caller, "12#")
    assert said(exchange) == ["enter_filename", "forhelp", "playback_mode", "paused"]
    await press(exchange, caller, "1")
    assert said(exchange)[4:] == ["record_mode", "paused"]
    await dictated(exchange, caller, "400", 4)
    assert said(exchange)[6:] == ["record", "pause"]
    samples = array("h", (tmp_path / "dictate/12.raw").read_bytes())
    assert 4 * 8000 <= len(samples) <= 6.5 * 8000
    assert frequency(samples[16000:24000]) == pytest.approx(400, rel=0.05)
    await press(exchange, caller, "1")
    await press(exchange, caller, "*")
    assert frequency(await heard(exchange, caller, 1, tmp_path)) == pytest.approx(400, rel=0.05)
    await press(exchange, caller, "2")
    assert frequency(await heard(exchange, caller, 1, tmp_path)) == pytest.approx(800, rel=0.05)


async def test_it_is_added_to_unless_deleted_first(exchange: Exchange, tmp_path: Path) -> None:
    caller = await dictator(exchange, f"{tmp_path}/deep/er,mine")
    file = tmp_path / "deep/er/mine.raw"
    await press(exchange, caller, "1")
    await dictated(exchange, caller, "400", 2)
    first = file.stat().st_size
    await dictated(exchange, caller, "400", 2)
    assert file.stat().st_size > 1.5 * first
    await press(exchange, caller, "8")
    assert "truncating_audio" in said(exchange)
    assert file.stat().st_size == 0
    await dictated(exchange, caller, "400", 2)
    assert 0 < file.stat().st_size < 1.5 * first


async def test_winding_back_and_forward(exchange: Exchange, tmp_path: Path) -> None:
    tones = [(300, 3), (600, 3), (1200, 3)]
    silence = bytes(16000)
    (tmp_path / "dictate/7.raw").write_bytes(
        b"".join(
            array("h", [8000 if int(at * hertz * 2 / 8000) % 2 else -8000 for at in range(8000 * seconds)]).tobytes()
            for hertz, seconds in tones
        )
        + silence
    )
    caller = await dictator(exchange, ",7")
    await press(exchange, caller, "8")
    await press(exchange, caller, "*")
    assert frequency(await heard(exchange, caller, 0.3, tmp_path)) == pytest.approx(600, rel=0.05)
    await press(exchange, caller, "7")
    assert frequency(await heard(exchange, caller, 0.3, tmp_path)) == pytest.approx(300, rel=0.05)


async def test_help_and_the_end(exchange: Exchange) -> None:
    caller = await dictator(exchange, ",7")
    before = len(said(exchange))
    await press(exchange, caller, "0")
    assert said(exchange)[before:] == ["paused", "play_help", "both_help"]
    await press(exchange, caller, "#")
    assert said(exchange)[-1] == "enter_filename"
    await press(exchange, caller, "#")
    assert exchange.heard(events.UserEvent)


async def test_a_name_without_its_end_is_none(exchange: Exchange, tmp_path: Path) -> None:
    caller = await dictator(exchange)
    await press(exchange, caller, "12")
    await advance(exchange, 6)
    assert exchange.heard(events.UserEvent)
    assert not (tmp_path / "dictate/12.raw").exists()


async def test_a_folder_that_cannot_be_is_told(exchange: Exchange, caplog: pytest.LogCaptureFixture) -> None:
    await call(exchange, "/dev/null/x,7")
    assert "Dictate cannot write /dev/null/x/7.raw" in caplog.text
    assert exchange.heard(events.UserEvent)
