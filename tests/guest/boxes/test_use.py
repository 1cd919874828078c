"""Calls over a box, its contacts, lamps and clock."""

from __future__ import annotations

import time

from guest.astribank_box import calls, hears, phone, state, until
from guest.exchange import Exchange
from kernel_shims.astribank.simulated.running import Remote
from kernel_shims.simulator import sound

RING_S = 10.0


def test_one_telephone_calls_another(exchange: Exchange, box: Remote) -> None:
    box("lift", 0)
    assert hears(box, 0, 350.0) + hears(box, 0, 440.0) > 0.8, exchange.told()
    box("dial", 0, "116")
    until(lambda: phone(box, 9)["rings"], "the bell", RING_S)
    box("lift", 9)
    time.sleep(1.0)
    box("say", 0, sound.encode(sound.tone((700.0,), 2500), "ulaw").hex())
    assert hears(box, 9, 700.0) > 0.8, exchange.told()
    box("lower", 9)
    box("lower", 0)
    time.sleep(2.0)
    assert "DAHDI" not in calls(exchange), exchange.told()


def test_an_input_contact_starts_a_call_that_closes_an_output_contact(exchange: Exchange, box: Remote) -> None:
    def outputs() -> object:
        return state(box)["outputs"]

    assert outputs() == [False, False]
    box("contact", 0, "close")
    until(lambda: outputs() == [True, False], "the output to close", 5)
    until(lambda: outputs() == [False, False], "the output to open again", 6)
    box("contact", 0, "open")
    # The driver looks at inputs every second, and a flash could still follow.
    time.sleep(3.0)
    assert "DAHDI" not in calls(exchange), exchange.told()


def test_lamps_blink_to_find_a_socket(exchange: Exchange, box: Remote) -> None:
    before = [phone(box, line)["flashes"] for line in range(16)]
    assert exchange.ask("xpp blink on channel 116") == ""
    until(lambda: phone(box, 9)["flashes"] >= before[9] + 2, "the lamp to blink", 5)
    assert [phone(box, line)["flashes"] for line in (0, 8, 10)] == [before[line] for line in (0, 8, 10)]
    exchange.ask("xpp blink off channel 116")
    time.sleep(0.5)
    after = phone(box, 9)["flashes"]
    time.sleep(1.5)
    assert phone(box, 9)["flashes"] == after, "it is quiet again"
    refused = exchange.desk.try_action("Command", Command="xpp blink on channel 109")
    assert "channel 109 is a contact, which has no lamp" in str(refused)


def test_the_box_is_told_whose_clock_it_follows(exchange: Exchange, box: Remote) -> None:
    assert state(box)["sync"] == "OWN", "it is the only one, and so the master"
    assert exchange.ask("xpp sync dahdi") == "Astribanks follow DAHDI"
    until(lambda: state(box)["sync"] == "HOST", "the host's clock", 5)
    assert exchange.ask("xpp sync SIM00001") == "Astribanks follow usb:SIM00001"
    until(lambda: state(box)["sync"] == "OWN", "its own clock", 5)
