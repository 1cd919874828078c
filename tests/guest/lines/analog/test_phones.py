"""Telephones on FXS ports: dial tone, calls, and the end of calls."""

from __future__ import annotations

from guest.dahdi_kernel import Event
from guest.exchange import Exchange
from guest.hearing import ALIKE, echoes, hear, heard_by, hears
from guest.telephone import telephones


def test_a_phone_gets_dial_tone_and_echoes_through_the_dialplan(exchange: Exchange) -> None:
    with telephones(5) as (alice,):
        assert hears(alice.lift(), 350, 440), exchange.told()
        alice.press("600")
        hear(alice, 0.5)
        assert echoes(alice) > ALIKE, exchange.told()
        alice.hang_up()
        exchange.until_calls(0)


def test_a_phone_rings_another_and_both_hear_each_other(exchange: Exchange) -> None:
    with telephones(5, 8) as (alice, dora):
        alice.lift()
        alice.press("104")
        dora.answer()
        assert heard_by(alice, dora)[0] > ALIKE, exchange.told()
        assert heard_by(dora, alice)[0] > ALIKE, exchange.told()
        dora.hang_up()
        alice.expect(Event.ONHOOK, 5)
        alice.hang_up()
        exchange.until_calls(0)


def test_battery_drops_when_the_other_side_ends_the_call(exchange: Exchange) -> None:
    """What kewlstart is for: a machine on the port learns that it may hang up."""
    with telephones(5) as (machine,):
        machine.lift()
        machine.press("601")
        hear(machine, 0.5)
        machine.expect(Event.ONHOOK, 5)
        machine.hang_up()
        exchange.until_calls(0)
