"""The daemon's own link to a board that runs by the real clock."""

from __future__ import annotations

import asyncio
import os
import random
import struct
from collections.abc import AsyncIterator

import pytest

from offhook.field.supervisor import messages as m
from offhook.field.supervisor.conversation import Told
from offhook.field.supervisor.link import Link, LinkError
from support.supervisor_board import Board

EXCHANGES = 10_000


@pytest.fixture
async def link(board: Board) -> AsyncIterator[tuple[Link, list[Told]]]:
    """An open link, and what the board tells."""
    told: list[Told] = []
    made = Link(board.port, 115200, told.append)
    board.free(True)
    yield made, told
    made.close()


async def test_ten_thousand_exchanges(link: tuple[Link, list[Told]]) -> None:
    opened, _ = link
    opened.open()
    for number in range(EXCHANGES):
        if number % 2:
            status = m.Status.unpack(await opened.ask(m.STATUS))
            assert status.host == m.STARTING
        else:
            identity = m.Identity.unpack(await opened.ask(m.HELLO))
            assert identity.version == (1, 0, 0)
    assert opened.conversation.decoder.broken == 0


async def test_noise_on_the_line_costs_nothing(link: tuple[Link, list[Told]], board: Board) -> None:
    opened, _ = link
    opened.open()
    dice = random.Random(3)
    for number in range(400):
        if number % 4 == 0:
            os.write(board.host_end, dice.randbytes(dice.randrange(1, 30)))  # in front of the next question
        answer = await opened.ask(m.LOG, struct.pack(">H", 0))
        assert answer[:2] == b"\0\0"


async def test_news_is_told_once(link: tuple[Link, list[Told]], board: Board) -> None:
    opened, told = link
    opened.open()
    for _ in range(100):
        await opened.ask(m.STATUS)
    board.free(False)
    board.set(pins={"7": 1})
    board.free(True)
    async with asyncio.timeout(60):
        while Told(m.STOP_CHANGED, 1, 0) not in told:
            await opened.ask(m.STATUS)
    await asyncio.sleep(0.6)  # two repetitions, were it not acknowledged
    assert told.count(Told(m.STOP_CHANGED, 1, 0)) == 1


async def test_a_supervisor_that_does_not_answer_is_told(link: tuple[Link, list[Told]], board: Board) -> None:
    opened, _ = link
    board.free(False)
    opened.open()
    with pytest.raises(LinkError, match="does not answer"):
        await opened.ask(m.STATUS)
    board.free(True)
    assert m.Status.unpack(await opened.ask(m.STATUS)).host == m.STARTING


async def test_refusals_are_sentences(link: tuple[Link, list[Told]]) -> None:
    opened, _ = link
    opened.open()
    with pytest.raises(LinkError, match="the supervisor says: refused"):
        await opened.ask(m.UPDATE_START)
    with pytest.raises(LinkError, match="the supervisor says: unknown request"):
        await opened.ask(0x3E)
