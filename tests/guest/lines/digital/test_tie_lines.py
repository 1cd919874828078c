"""E&M over signalling bits: immediate, wink start, and feature group D, which tells who calls."""

from __future__ import annotations

import pytest

from guest.exchange import Exchange
from guest.hearing import ALIKE, echoes, hear
from guest.telephone import telephones

CHANNELS = """\
[wink]
signalling = em_w
context = tie
group = 30
dahdichan = 79,83
[immediate]
signalling = em
context = tie
group = 31
dahdichan = 82,86
[feature-group-d]
signalling = featd
context = tie
group = 32
dahdichan = 80,84
"""
PLAN = """\
[from-phones-tie]
exten => 50,1,Dial(DAHDI/79/4455,30)
exten => 51,1,Dial(DAHDI/80/4455,30)
exten => 52,1,Dial(DAHDI/82/4455,30)
[tie]
exten => 4455,1,Set(GLOBAL(TIED)=${EXTEN} ${CALLERID(num)} on ${CHANNEL(name):0:8})
 same => n,Answer()
 same => n,Echo()
"""


@pytest.mark.parametrize(
    ("number", "told"),
    [("50", "4455  on DAHDI/83"), ("51", "4455 101 on DAHDI/84"), ("52", "4455  on DAHDI/86")],
    ids=["em_w", "featd", "em"],
)
def test_a_call_over_a_tie_line(exchange: Exchange, number: str, told: str) -> None:
    with telephones(5) as (alice,):
        alice.lift()
        alice.press(number)
        hear(alice, 3.0)
        exchange.until_value("TIED", told)
        hear(alice, 1.0)
        assert echoes(alice) > ALIKE, exchange.told()
        alice.hang_up()
        exchange.until_calls(0)
