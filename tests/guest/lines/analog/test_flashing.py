"""The hook flashed in a call: hold and three-way, transfer, call waiting."""

from __future__ import annotations

import time

from guest.dahdi_kernel import Event
from guest.exchange import Exchange
from guest.hearing import ALIKE, hear, heard_by, hears
from guest.telephone import Telephone, telephones
from kernel_shims.simulator import sound

BOUNCE_S = 2.0
"""Going on hook sooner after a flash counts as the end of both calls."""
NOTHING = 0.2


def connect(caller: Telephone, called: Telephone, number: str) -> None:
    """One calls the other, which answers."""
    caller.press(number)
    called.answer()


def test_a_flash_holds_and_a_second_makes_three(exchange: Exchange) -> None:
    """A third one drops who came last."""
    with telephones(5, 6, 8) as (alice, bob, dora):
        alice.lift()
        connect(alice, bob, "102")
        assert hears(alice.flash(), 350, 440), exchange.told()
        connect(alice, dora, "104")
        at_alice, at_bob = heard_by(dora, alice, bob)
        assert at_alice > ALIKE, exchange.told()
        assert at_bob < NOTHING, exchange.told()
        alice.flash()
        assert min(heard_by(dora, alice, bob)) > ALIKE, exchange.told()
        assert min(heard_by(bob, alice, dora)) > ALIKE, exchange.told()
        alice.flash()
        dora.expect(Event.ONHOOK, 5)
        assert heard_by(bob, alice)[0] > ALIKE, exchange.told()
        alice.hang_up()
        bob.expect(Event.ONHOOK, 5)
        exchange.until_calls(0)


def test_hanging_up_on_two_calls_joins_them(exchange: Exchange) -> None:
    with telephones(5, 6, 8) as (alice, bob, dora):
        alice.lift()
        connect(alice, bob, "102")
        alice.flash()
        connect(alice, dora, "104")
        time.sleep(BOUNCE_S)
        alice.hang_up()
        assert heard_by(bob, dora)[0] > ALIKE, exchange.told()
        assert heard_by(dora, bob)[0] > ALIKE, exchange.told()
        bob.hang_up()
        dora.expect(Event.ONHOOK, 5)
        exchange.until_calls(0)


def test_a_waiting_call_beeps_and_a_flash_changes_over(exchange: Exchange) -> None:
    with telephones(5, 6, 8) as (alice, bob, dora):
        alice.lift()
        connect(alice, bob, "102")
        dora.lift()
        dora.press("101")
        beep = hear(alice, 2.0)
        loudest = max((beep[at : at + 800] for at in range(0, len(beep), 800)), key=lambda part: sum(map(abs, part)))
        assert sound.share(loudest, 440) > 0.8, exchange.told()
        alice.flash()
        at_alice, at_bob = heard_by(dora, alice, bob)
        assert at_alice > ALIKE, exchange.told()
        assert at_bob < NOTHING, exchange.told()
        alice.flash()
        assert heard_by(bob, alice)[0] > ALIKE, exchange.told()
        alice.hang_up()
        bob.hang_up()
        dora.hang_up()
        exchange.until_calls(0)
