"""Broadcast: who hears whom, through the real engine, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from offhook.apps import broadcast
from offhook.calls import events
from offhook.calls.channel import Channel
from support.call_exchange import Exchange
from support.sound_story import OneThreadPolicy, advance, sounding

DIALPLAN = """
[test]
exten => _[ab],1,Answer()
 same => n,Wait(600)
exten => dials,1,Answer()
 same => n,Dial(Local/a@test/n)
exten => s,1,Answer()
 same => n,Broadcast(${ARGUMENTS})
 same => n,UserEvent(Over,X: on)
 same => n,Wait(60)
exten => h,1,UserEvent(Ended,X: hung up)
"""


@pytest.fixture(scope="module")
def event_loop_policy() -> OneThreadPolicy:
    return OneThreadPolicy()


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    running = Exchange(tmp_path)
    running.load(broadcast)
    running.dialplan(DIALPLAN)
    async with sounding(running):
        yield running


async def party(exchange: Exchange, exten: str) -> tuple[Channel, Channel]:
    """Somebody (first) connected with a channel that is at an extension (second)."""
    before = set(exchange.pbx.channels)
    asyncio.get_running_loop().create_task(exchange.call(f"Local/{exten}@test/n"))
    await advance(exchange, 0.8)
    new = [channel for channel in exchange.pbx.channels if channel not in before]
    name = f"Local/{exten}@test"
    one, two = (next(each for each in new if each.name.startswith(name) and each.name.endswith(half)) for half in "12")
    return one, two


async def speaker(exchange: Exchange, options: str, *targets: Channel) -> Channel:
    """Somebody who broadcasts."""
    names = ",".join(target.name for target in targets)
    exchange.pbx.set_global("ARGUMENTS", f"{options},{names}")
    before = set(exchange.pbx.channels)
    asyncio.get_running_loop().create_task(exchange.call("Local/s@test/n"))
    await advance(exchange, 0.8)
    return next(each for each in exchange.pbx.channels if each not in before and each.name.endswith(";1"))


async def who_hears(exchange: Exchange, source: Channel, *listeners: Channel) -> list[bool]:
    """Which of them hear a tone that one of them says."""
    watching = []
    for listener in listeners:
        assert listener.media is not None
        watch = listener.media.watch_silence(noise_ms=200)
        watching.append((watch, asyncio.get_running_loop().create_task(watch.wait())))
    assert source.media is not None
    tone = source.media.tones("440")
    await advance(exchange, 0.6)
    tone.stop()
    found = [task.done() for _, task in watching]
    for watch, task in watching:
        watch.close()
        task.cancel()
    await advance(exchange, 0.1)
    return found


def over(exchange: Exchange) -> list[str]:
    return [event.headers[0][1] for event in exchange.heard(events.UserEvent)]


async def test_all_hear_the_speaker_and_nobody_another(exchange: Exchange) -> None:
    a, a_channel = await party(exchange, "a")
    b, b_channel = await party(exchange, "b")
    voice = await speaker(exchange, "w", a_channel, b_channel)
    assert await who_hears(exchange, voice, a, b, voice) == [True, True, False]
    assert await who_hears(exchange, a, b, voice) == [False, False]


async def test_the_listener_hears_all_and_nobody_hears_it(exchange: Exchange) -> None:
    a, a_channel = await party(exchange, "a")
    b, b_channel = await party(exchange, "b")
    ear = await speaker(exchange, "s", a_channel, b_channel)
    assert await who_hears(exchange, a, b, ear) == [False, True]
    assert await who_hears(exchange, b, a, ear) == [False, True]
    assert await who_hears(exchange, ear, a, b) == [False, False]


async def test_both_ways_the_speaker_does_not_hear_itself(exchange: Exchange) -> None:
    a, a_channel = await party(exchange, "a")
    b, b_channel = await party(exchange, "b")
    voice = await speaker(exchange, "ws", a_channel, b_channel)
    assert await who_hears(exchange, voice, a, b, voice) == [True, True, False]
    assert await who_hears(exchange, a, b, voice) == [False, True]


async def test_who_is_bridged_with_a_target_hears_the_speaker_too(exchange: Exchange) -> None:
    caller, target = await party(exchange, "dials")
    called = exchange.named("Local/a@test-00000001;2")
    plain = await speaker(exchange, "w", target)
    assert await who_hears(exchange, plain, caller, called) == [True, False]
    plain.request_hangup()
    await advance(exchange, 0.2)
    barging = await speaker(exchange, "wb", target)
    assert await who_hears(exchange, barging, caller, called) == [True, True]
    barging.request_hangup()
    await advance(exchange, 0.2)
    into = await speaker(exchange, "wbr", target)
    assert await who_hears(exchange, into, caller, called) == [True, True]


async def test_it_ends_with_the_last_target(exchange: Exchange, caplog: pytest.LogCaptureFixture) -> None:
    a, a_channel = await party(exchange, "a")
    b, b_channel = await party(exchange, "b")
    await speaker(exchange, "w", a_channel, b_channel)
    a.request_hangup()
    await advance(exchange, 0.2)
    assert "on" not in over(exchange)
    b.request_hangup()
    await advance(exchange, 0.2)
    assert "on" in over(exchange)


@pytest.mark.parametrize(
    ("arguments", "said", "goes_on"),
    [
        ("w,Nobody/1", "no channel Nobody/1", True),
        ("w,Local/s@test-00000000;2", "is the channel itself", True),
        ("w", "needs the names", False),
        ("o,Nobody/1", "one of the options", False),
    ],
)
async def test_what_is_wrong_is_said(
    exchange: Exchange, caplog: pytest.LogCaptureFixture, arguments: str, said: str, goes_on: bool
) -> None:
    exchange.pbx.set_global("ARGUMENTS", arguments)
    asyncio.get_running_loop().create_task(exchange.call("Local/s@test/n"))
    await advance(exchange, 0.8)
    assert said in caplog.text
    assert over(exchange) == (["on"] if goes_on else ["hung up"])
