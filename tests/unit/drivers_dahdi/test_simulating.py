"""``line simulate``: simulated phones and lines carry out what is written, and say what cannot be."""

from __future__ import annotations

import asyncio

import pytest

from kernel_shims.simulator.exchange import STATES
from offhook.modules import CommandError
from support.line_story import Office

PHONES = """
[channels]
echocancel = no
context = phones
signalling = fxo_ks
channel => 1-4
context = lines
signalling = fxs_ks
channel => 5-8
"""
PLAN = """
[phones]
exten => 102,1,Dial(DAHDI/2,30)
exten => 9,1,Dial(DAHDI/5/123,30)
[lines]
exten => s,1,Dial(DAHDI/1,30)
"""
UNREADABLE = [
    (1, ";", "there is nothing in the script; write steps such as off-hook; dial 600"),
    (1, "lift", 'a phone knows no step "lift"'),
    (1, "off-hook; ring 123", 'a phone knows no step "ring 123"'),
    (5, "off-hook", 'a line knows no step "off-hook"'),
    (1, "off-hook; dial 12y", '"dial 12y": "Y" is no digit'),
    (1, "off-hook; pulse 1*", '"pulse 1*": "*" is no digit'),
    (1, "wait nan", '"nan" is not within 0 and 3600'),
    (1, "wait soon", '"soon" is no number'),
    (1, "off-hook; say 440 inf", '"inf" is not within 0 and 3600'),
    (1, "off-hook; until tone 9000", '"9000" is not within 0 and 4000'),
    (5, "drop -1", '"-1" is not within 0 and 3.6e+06'),
    (
        5,
        "until quiet",
        f'"until quiet": a line is {", ".join(STATES[:-1])} or ended',
    ),
]
"""Channel, script, and why it cannot be read."""


async def run(office: Office, number: int, script: str) -> list[str]:
    """Have a script carried out; the console's answer."""
    return await office.meanwhile(office.cli(f"line simulate {number} {script}"))


async def refused(office: Office, number: int, script: str) -> str:
    """Why a script fails."""
    with pytest.raises(CommandError) as told:
        await run(office, number, script)
    return str(told.value)


async def test_two_phones_talk_by_script(office: Office) -> None:
    await office.start(PHONES, PLAN)
    caller = "off-hook; until tone 350 440; dial 102; until tone 440 480"
    assert await run(office, 1, caller) == ["done"]
    assert await run(office, 2, "until ringing; off-hook; wait 0.5; say 1000 0.5") == ["done"]
    assert office.phone(1).hears(1000)
    assert await run(office, 2, "on-hook") == ["done"]
    assert await run(office, 1, "until tone 480 620; on-hook; wait 1") == ["done"]
    assert not len(office.pbx.channels)


async def test_a_line_rings_with_its_callers_number_and_is_let_go_of(office: Office) -> None:
    await office.start(PHONES, PLAN)
    assert await run(office, 5, "ring 4711 Anna; wait 5") == ["done"]
    assert await run(office, 1, "until ringing; wait 3; off-hook; wait 1") == ["done"]
    assert office.channel("DAHDI/5").caller.id.number.text == "4711"
    assert await run(office, 5, "until talking; say 700 0.5") == ["done"]
    assert office.phone(1).hears(700)
    assert await run(office, 5, "hang-up; wait 1") == ["done"]
    assert await run(office, 1, "on-hook; wait 1") == ["done"]
    assert not len(office.pbx.channels)


async def test_a_line_of_ntt_s_tells_its_callers_number(office: Office) -> None:
    await office.start(
        PHONES.replace("signalling = fxs", "cidsignalling = v23_jp\ncidstart = polarity\nsignalling = fxs"), PLAN
    )
    assert await run(office, 5, "alert 0312345678; wait 5") == ["done"]
    assert office.channel("DAHDI/5").caller.id.number.text == "0312345678"


@pytest.mark.parametrize(("number", "script", "why"), UNREADABLE, ids=[script for _, script, _ in UNREADABLE])
async def test_what_cannot_be_read_is_refused_before_anything_happens(
    office: Office, number: int, script: str, why: str
) -> None:
    await office.start(PHONES, PLAN)
    assert await refused(office, number, script) == why
    await office.advance(1)
    assert not office.phone(1).is_off_hook


@pytest.mark.parametrize("step", ["dial 102", "pulse 1", "say 440 1", "flash"])
async def test_a_handset_on_its_hook_says_nothing(office: Office, step: str) -> None:
    await office.start(PHONES, PLAN)
    why = f'"{step}": the handset is on its hook; off-hook comes before'
    assert await refused(office, 1, step) == why
    assert await refused(office, 1, f"off-hook; wait 0.1; on-hook; {step}") == why


async def test_a_handset_put_down_ends_what_another_script_is_dialling(office: Office) -> None:
    await office.start(PHONES, PLAN)
    script = office.system.run(1, "off-hook; pulse 000000")
    await office.advance(2)
    assert not script.done
    assert await run(office, 1, "on-hook") == ["done"]
    await office.advance(0.1)
    assert script.error == '"pulse 000000": the handset is on its hook; off-hook comes before'
    await office.advance(5)
    assert not len(office.pbx.channels)


async def test_what_does_not_come_to_pass_fails(office: Office) -> None:
    await office.start(PHONES, PLAN)
    assert await refused(office, 1, "until ringing") == '"until ringing" did not come to pass within 30 s'


async def test_a_script_ends_with_its_channel(office: Office) -> None:
    await office.start(PHONES, PLAN)
    script = office.system.run(1, "wait 60")
    await office.advance(1)
    office.system.remove_span(1)
    await office.advance(0.1)
    assert script.error == '"wait 60": its channel was taken away'


async def test_a_script_that_nobody_waits_for_any_more_ends(office: Office) -> None:
    await office.start(PHONES, PLAN)
    console = asyncio.ensure_future(office.cli("line simulate 1 wait 1; off-hook"))
    await office.advance(0.5)
    console.cancel()
    await office.advance(2)
    assert console.cancelled()
    assert not office.phone(1).is_off_hook
    assert await run(office, 1, "off-hook; on-hook") == ["done"]


async def test_who_cannot_be_simulated_is_named(office: Office) -> None:
    await office.start(PHONES, PLAN)
    assert "no such channel 99" in await refused(office, 99, "off-hook")
    with pytest.raises(CommandError, match=r"^$"):  # how it is written is printed
        await office.cli("line simulate 1")
