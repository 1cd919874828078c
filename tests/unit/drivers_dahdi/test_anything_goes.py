"""People and exchanges who do anything in any order: when all have hung up, every line is free again."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest

from kernel_shims.line import Happening, Hook
from support.line_story import Office

LINES = """
[channels]
echocancel = no
threewaycalling = yes
transfer = {transfer}
callwaiting = yes
callwaitingcallerid = yes
callwaitingdeluxe = {deluxe}
cancallforward = yes
lastnumredial = yes
signalling = {phone}
context = phones
callerid = Alice <101>
channel => 1
callerid = Bob <102>
channel => 2
callerid = Carol <103>
channel => 3
callwaiting = no
context = lines
signalling = {line}
busydetect = yes
answeronpolarityswitch = {polarity}
hanguponpolarityswitch = {polarity}
channel => 5-6
signalling = {tie}
context = phones
group = 1
channel => 9
channel => 10
"""
PLAN = """
[phones]
exten => _10X,1,Dial(DAHDI/${EXTEN:2},20)
exten => 95,1,Dial(DAHDI/5/123,20)
exten => 97,1,Dial(DAHDI/9/10,20)
exten => _8,1,Answer()
 same => n,Wait(30)
[lines]
exten => s,1,Dial(DAHDI/1&DAHDI/2,20)
"""
KINDS = (
    *(("fxo_ks", "fxs_ks", "em"), ("fxo_ls", "fxs_ls", "em_w"), ("fxo_gs", "fxs_gs", "featd")),
    *(("fxo_ks", "fxs_ks", "featdmf"), ("fxo_ks", "fxs_ls", "featb"), ("fxo_ls", "fxs_ks", "e911")),
    *(("fxo_ks", "fxs_gs", "fgccama"), ("fxo_gs", "fxs_ks", "fgccamamf"), ("fxo_ks", "fxs_ks", "featdmf_ta")),
    *(("fxo_ks", "fxs_ks", "sf"), ("fxo_ks", "fxs_ks", "sf_w"), ("fxo_ks", "fxs_ks", "em_e1")),
)
# OFFHOOK_SEEDS=30 tries more of them.
SEEDS = range(int(os.environ.get("OFFHOOK_SEEDS", "1")))
STEPS = 50


def phone_does(office: Office, number: int, chance: random.Random) -> None:
    """One thing that somebody does with a telephone."""
    phone = office.phone(number)
    if not phone.is_off_hook:
        phone.off_hook()
        return
    deeds: tuple[Callable[[], None], ...] = (
        phone.on_hook,
        phone.flash,
        phone.flash,
        lambda: phone.dial(chance.choice(("101", "102", "103", "95", "97", "8", "*0", "##", "*78", "*79", "5", "D"))),
        lambda: phone.pulse(chance.choice(("8", "102"))),
        lambda: phone.dial(chance.choice("36789")),
    )
    chance.choice(deeds)()


def line_does(office: Office, number: int, chance: random.Random) -> None:
    """One thing that an exchange does."""
    line = office.line(number)
    deeds = [line.reverse, line.hang_up, line.unplug, line.plug, line.plug]
    if not line.seized:
        deeds += [lambda: line.ring("5551234", "Erin"), line.ring, line.stop_ringing]
    chance.choice(deeds)()


def tie_does(office: Office, number: int, chance: random.Random) -> None:
    """Something on the cable between two spans."""
    happening = chance.choice((Happening.FLASH, Happening.ON_HOOK, Happening.ALARM, Happening.NO_ALARM))
    office.system.ports[number].happen(happening)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("phone", "line", "tie"), KINDS)
async def test_every_line_is_free_again(office: Office, phone: str, line: str, tie: str, seed: int) -> None:
    chance = random.Random(f"{seed} {tie}")
    kernel = tie if tie in ("em", "em_e1") else "sf" if tie.startswith("sf") else "em"
    office.lay(phone, line)
    office.trunk(9, 10, [kernel], "ulaw")
    words = {name: chance.choice(("yes", "no")) for name in ("transfer", "deluxe", "polarity")}
    lines = await office.begin(LINES.format(phone=phone, line=line, tie=tie, **words), PLAN)
    done: list[str] = []
    for _ in range(STEPS):
        number = chance.choice((1, 1, 1, 2, 2, 3, 3, 5, 6, 9, 10))
        does = phone_does if number < 5 else line_does if number < 9 else tie_does
        does(office, number, chance)
        done.append(f"{office.loop.clock:.2f} {number}")
        await office.advance(chance.choice((0.03, 0.1, 0.5, 0.9, 2.2)))
    for number in (1, 2, 3):
        if office.phone(number).is_off_hook:
            office.phone(number).on_hook()
    for number in (5, 6):
        office.line(number).plug()
        office.line(number).stop_ringing()
    for number in (9, 10):
        office.system.ports[number].happen(Happening.NO_ALARM)
        if not office.system.ports[number].far_off_hook:
            office.system.ports[number].happen(Happening.ON_HOOK)
    for _ in range(65):
        await office.advance(1)
        if not len(office.pbx.channels):
            break
    for number in (1, 2, 3) * 2:
        if office.phone(number).ringing:  # for a call that it had held, perhaps one that holds it as well
            office.phone(number).off_hook()
            await office.advance(2.5)
            office.phone(number).on_hook()
            await office.advance(2.5)
    left = [f"{port.number}: {channel.name}" for port in lines for channel in port.calls]
    assert not left and not len(office.pbx.channels), (left, done)
    await office.advance(8)
    for port in lines:
        if port.signalling.startswith("fxo"):
            office.system.ports[port.number].hook(Hook.ON)
            port.set_do_not_disturb(False)  # type: ignore[attr-defined]
        assert port.refusal() == 0, (port.number, done)
        assert port.leg is None, (port.number, "its sound is open")
