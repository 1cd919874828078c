"""Advice of charge between two E1 spans: asked for, told before, during and after a call; and libpri's numbers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.calls.advice import (
    Advice,
    AdviceReceived,
    Association,
    AtEnd,
    Billing,
    ByDuration,
    ByVolume,
    Charge,
    Duration,
    DuringCall,
    Free,
    Item,
    Money,
    Multiplier,
    Rate,
    Rates,
    Scale,
    SpecialCode,
    Units,
    Volume,
    send,
)
from offhook.calls.channel import State
from offhook.drivers.dahdi.isdn.advice import from_library, to_library
from support.isdn_story import start
from support.line_story import Office

CENT = Money(5, Multiplier.ONE_HUNDREDTH, "EUR")
RATES = Rates(
    (
        Rate(Item.BASIC_COMMUNICATION, ByDuration(CENT, Duration(1, Scale.MINUTE), Duration(10, Scale.SECOND), True)),
        Rate(Item.CALL_SETUP, Money(1, Multiplier.ONE_TENTH, "EUR")),
        Rate(Item.USER_USER_INFO, ByVolume(CENT, Volume.MESSAGE)),
        Rate(Item.CALL_ATTEMPT, Free.FREE),
    )
)
SO_FAR = DuringCall(Charge(units=(Units(3),), billing=Billing.NORMAL), subtotal=True)
IN_ALL = AtEnd(Charge(money=CENT, billing=Billing.REVERSE_CHARGE), Association(number="5551", plan=0x21))


def told(office: Office) -> list[Advice]:
    """What is received from now on."""
    heard: list[Advice] = []
    office.pbx.bus.subscribe(AdviceReceived, lambda event: heard.append(event.advice))
    return heard


@pytest.mark.parametrize("letters", ["s,d,e", "d", ""])
async def test_what_was_granted_is_told(office: Office, letters: str) -> None:
    """The network side tells what aoc_enable has; the user asked for all of it."""
    allowed = f"aoc_enable = {letters}"
    lines = await start(office, allowed, "aoc_enable = s,d,e")
    heard = told(office)
    mine = lines.request("g2/5551/A(sde)", None, ("", ""))
    mine.tech_call("")
    await office.until(lambda: any("i3" in channel.name for channel in office.pbx.channels), 5)
    theirs = office.channel("DAHDI/i3/")
    send(theirs, RATES)
    await office.until(lambda: mine.state is State.UP, 5)
    send(theirs, SO_FAR)
    await office.advance(0.5)
    send(theirs, IN_ALL)
    await office.advance(0.5)
    theirs.hangup()
    await office.until(lambda: not len(office.pbx.channels), 5)
    wanted = {"s": RATES, "d": SO_FAR, "e": IN_ALL}
    assert heard == [advice for letter, advice in wanted.items() if letter in letters]


DELAYED = """
[phones]
[from-network]
exten => 77,1,Dial(DAHDI/g2/5551,30)
[from-user]
exten => 5551,1,Answer()
 same => n,Wait(60)
"""


@pytest.mark.parametrize("waits", [True, False])
async def test_the_end_waits_for_the_price(office: Office, waits: bool) -> None:
    """aoce_delayhangup: who called hangs up, the network tells the price when its call is cleared, and the first call
    is cleared with that."""
    lines = await start(office, "aoc_enable = s,d,e", f"aoce_delayhangup = {'yes' if waits else 'no'}", plan=DELAYED)
    heard = told(office)
    mine = lines.request("g1/77", None, ("", ""))
    mine.tech_call("")
    await office.until(lambda: mine.state is State.UP, 5)
    said: list[object] = []
    link = lines.isdn.spans[4].link
    advise, link.advise = link.advise, lambda call, advice: (said.append(advice), advise(call, advice))[1]  # type: ignore[method-assign]
    answering = next(one for one in office.pbx.channels if one.dialed.number == "5551")
    send(answering, IN_ALL)  # kept until the call is cleared
    mine.hangup()
    await office.until(lambda: not len(office.pbx.channels), 30)
    await office.advance(0.5)
    assert IN_ALL in heard
    assert len(said) == int(waits)


MONEY = st.builds(
    Money, st.integers(0, 2**24 - 1), st.sampled_from(Multiplier), st.text("ABCDEFGHIJ", min_size=1, max_size=10)
)
TIMES = st.builds(Duration, st.integers(1, 10**6), st.sampled_from(Scale))
PRICES = st.one_of(
    st.sampled_from(Free),
    MONEY,
    st.builds(ByDuration, MONEY, TIMES, st.none() | TIMES, st.booleans()),
    st.builds(ByVolume, MONEY, st.sampled_from(Volume)),
    st.builds(SpecialCode, st.integers(1, 10)),
)
UNITS = st.lists(st.builds(Units, st.none() | st.integers(0, 10**6), st.none() | st.integers(1, 16)), min_size=1)
CHARGES = st.one_of(
    st.builds(Charge, billing=st.sampled_from(Billing)),
    st.builds(Charge, free=st.just(True), billing=st.sampled_from(Billing)),
    st.builds(Charge, money=MONEY, billing=st.sampled_from(Billing)),
    st.builds(Charge, units=UNITS.map(tuple), billing=st.sampled_from(Billing)),
)
ASSOCIATIONS = st.one_of(
    st.none(),
    st.builds(Association, number=st.text("0123456789", min_size=1, max_size=20), plan=st.integers(0, 127)),
    st.builds(Association, id=st.integers(0, 2**31 - 1)),
)


def advices() -> Sequence[st.SearchStrategy[Advice]]:
    """Of all three kinds."""
    rates = st.lists(st.builds(Rate, st.sampled_from(Item), PRICES), max_size=10).map(lambda all_: Rates(tuple(all_)))
    return rates, st.builds(DuringCall, CHARGES, st.booleans()), st.builds(AtEnd, CHARGES, ASSOCIATIONS)


@given(st.one_of(*advices()))
def test_numbers_and_back(advice: Advice) -> None:
    """Nothing is lost on the way to libpri's enumerations and back."""
    assert from_library(to_library(advice)) == advice
