"""Who calls, as the telephone that rings is told: between the first bursts, in the port's way of coding."""

from __future__ import annotations

import pytest

from guest import modem
from guest.dahdi_kernel import Event
from guest.exchange import Exchange
from guest.hearing import hear
from guest.telephone import telephones
from kernel_shims.simulator import sound


@pytest.mark.parametrize(
    ("channel", "number", "standard"), [(5, "101", "bell202"), (6, "102", "v23")], ids=["bell", "v23"]
)
def test_fsk(exchange: Exchange, channel: int, number: str, standard: str) -> None:
    with telephones(8, channel) as (dora, called):
        dora.lift()
        dora.press(number)
        called.expect(Event.RINGBEGIN, 10)
        assert modem.caller(hear(called, 4.5), standard) == ("104", "Dora"), exchange.told()
        dora.hang_up()
        exchange.until_calls(0)


def test_dtmf(exchange: Exchange) -> None:
    with telephones(8, 7) as (dora, carol):
        dora.lift()
        dora.press("103")
        carol.expect(Event.RINGBEGIN, 10)
        assert sound.DigitListener().hear(hear(carol, 4.5)) == "A104C", exchange.told()
        dora.hang_up()
        exchange.until_calls(0)
