"""A party of a call is out of the mix for a moment (it hears a prompt, it dials): what the others send waits for it."""

from __future__ import annotations

import asyncio
from typing import Any

from offhook.calls import events
from offhook.calls.bridge import Bridge
from offhook.calls.channel import Channel
from offhook.calls.frames import Condition, Control, Digit, Text
from offhook.calls.indicating import WAITS
from offhook.calls.member import Member
from offhook.calls.transfer import Transfer, attended_transfer

PLAN = """
[all]
exten => alice,1,Dial(Local/way@all)
exten => way,1,Dial(Local/bob@all/n)
exten => bob,1,Answer()
 same => n,Wait(60)
"""


class Prompt:
    """Something that is played to a party until ``over`` is set."""

    def __init__(self, name: str, story: list[str]) -> None:
        self.name = name
        self.story = story
        self.over = asyncio.Event()

    async def play(self, member: Member) -> None:
        self.story.append(f"{self.name} begins")
        try:
            await self.over.wait()
        finally:
            self.story.append(f"{self.name} ends")


def member(channel: Channel) -> Member:
    """The channel's presence in its bridge."""
    assert channel.bridge is not None
    return channel.bridge.members[channel]


async def settle() -> None:
    """Let everything that is due happen."""
    for _ in range(20):
        await asyncio.sleep(0)


async def call_by_way(exchange: Any) -> tuple[Channel, Channel, Channel]:
    """Alice speaks with bob by way of a pair of Local channels that is about to be taken out.

    Returns alice's channel, the pair's half towards bob, and bob's channel.
    """
    exchange.pbx.engine.heard = False  # nobody is heard yet, so the pair stays
    exchange.dialplan(PLAN)
    await exchange.call("Local/alice@all/n")
    await exchange.until(lambda: sum(len(bridge) == 2 for bridge in exchange.pbx.bridges) == 2)
    return (
        exchange.named("Local/alice@all-00000000;2"),
        exchange.named("Local/way@all-00000001;2"),
        exchange.named("Local/bob@all-00000002;1"),
    )


def digits(exchange: Any, channel: Channel) -> str:
    """The digits that the party of a channel was sent."""
    sent = [event for event in exchange.heard(events.DtmfEnd) if event.direction == "Sent"]
    return "".join(event.digit for event in sent if event.channel is channel)


async def test_a_pair_stays_while_one_of_its_halves_is_out_of_the_mix(exchange: Any) -> None:
    alice, half, bob = await call_by_way(exchange)
    prompt = Prompt("prompt", [])
    member(half).perform(prompt.play)
    half.media.heard = True
    half.tech_bridged()
    await settle()
    assert half.alive and not exchange.heard(events.LocalOptimizationBegin)
    for digit in "54":
        bob.deliver(Digit(digit, False))
        bob.deliver(Digit(digit, True, 100))
    await settle()
    assert digits(exchange, half) == ""
    prompt.over.set()
    await exchange.until(lambda: half.hungup)
    assert digits(exchange, alice) == "54", "they went by way of the pair before it was taken out"
    assert alice.bridge is bob.bridge


async def test_conditions_and_texts_wait_as_well(exchange: Any) -> None:
    _, half, bob = await call_by_way(exchange)
    prompt = Prompt("prompt", [])
    member(half).perform(prompt.play)
    await settle()
    bob.deliver(Control(Condition.HOLD))
    bob.deliver(Text("good morning"))
    assert WAITS not in half.flags
    prompt.over.set()
    await settle()
    assert WAITS in half.flags
    heard = exchange.named("Local/alice@all-00000000;1").frames
    assert [frame.body for frame in heard if isinstance(frame, Text)] == ["good morning"]


async def test_what_waits_goes_with_the_party_into_another_bridge(exchange: Any) -> None:
    _, half, bob = await call_by_way(exchange)
    prompt = Prompt("prompt", [])
    member(half).perform(prompt.play)
    await settle()
    bob.deliver(Digit("7", True, 100))
    assert half.bridge is not None
    half.bridge.move(half, Bridge(exchange.pbx))
    prompt.over.set()
    await settle()
    assert digits(exchange, half) == "7"
    assert not member(half).suspended


async def test_works_of_one_party_are_done_one_after_the_other(exchange: Any) -> None:
    _, half, _ = await call_by_way(exchange)
    story: list[str] = []
    first, second = Prompt("first", story), Prompt("second", story)
    member(half).perform(first.play)
    member(half).perform(second.play)
    await settle()
    assert story == ["first begins"]
    first.over.set()
    await settle()
    assert story == ["first begins", "first ends", "second begins"]
    assert member(half).suspended
    second.over.set()
    await settle()
    assert not member(half).suspended


async def test_works_end_when_the_party_leaves(exchange: Any) -> None:
    _, half, _ = await call_by_way(exchange)
    story: list[str] = []
    member(half).perform(Prompt("first", story).play)
    member(half).perform(Prompt("second", story).play)
    await settle()
    assert half.bridge is not None
    half.bridge.remove(half)
    await settle()
    assert story == ["first begins", "first ends"]


async def test_who_hears_a_prompt_as_a_transfer_joins_it_can_hang_up_afterwards(exchange: Any) -> None:
    exchange.dialplan(PLAN)
    await exchange.call("Local/way@all/n")
    await exchange.call("Local/way@all/n")
    await exchange.until(lambda: sum(len(bridge) == 2 for bridge in exchange.pbx.bridges) == 2)
    calls = [list(bridge) for bridge in exchange.pbx.bridges]
    (_, first), (target, second) = calls[0], calls[1]
    prompt = Prompt("prompt", [])
    member(target).perform(prompt.play)
    await settle()
    assert attended_transfer(first, second) is Transfer.SUCCESS
    await settle()
    assert target.bridge is not None and calls[0][0] in target.bridge
    prompt.over.set()
    await settle()
    target.deliver(Control(Condition.HANGUP))
    await exchange.until(lambda: calls[0][0].hungup)
