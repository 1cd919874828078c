"""A real Asterisk 22 at the far end of E1 cables: calls both ways, names, digits one by one, hold."""

from __future__ import annotations

import time

import pytest

from guest.asterisk import Asterisk
from guest.hearing import hear, likeness, noise, talk
from guest.telephone import Telephone, telephones
from support.daemon import Daemon

TRUNKS = pytest.mark.parametrize("trunk", [1, 2], ids=["euroisdn, asterisk the network", "qsig, offhook the network"])
ALIKE = 0.85


def told(daemon: Daemon, asterisk: Asterisk) -> str:
    """What both say, for a failure's sake."""
    return f"OFFHOOK\n{daemon.told()}\nASTERISK\n{asterisk.told()}"


def echoes(phone: Telephone) -> float:
    """How much of what a telephone says comes back to it."""
    said = noise(phone.channel)
    return likeness(said, talk(2.5, (phone, said))[0])


def idle(daemon: Daemon, asterisk: Asterisk) -> None:
    """No call is left at either end."""
    time.sleep(1.0)
    assert "0 active channels" in daemon.cli("core show channels count"), told(daemon, asterisk)
    assert "0 active channels" in asterisk.cli("core show channels count"), told(daemon, asterisk)


def test_it_is_asterisk_22_and_layer_2_is_up_at_both_ends(daemon: Daemon, asterisk: Asterisk) -> None:
    assert "Asterisk 22." in asterisk.cli("core show version"), asterisk.told()
    for shown in (daemon.cli("pri show spans"), asterisk.cli("pri show spans")):
        assert shown.count("Up, Active") == 2, f"{shown}\n{told(daemon, asterisk)}"


@TRUNKS
def test_a_call_to_asterisk(daemon: Daemon, asterisk: Asterisk, trunk: int) -> None:
    """Of names, libpri as the user of EuroISDN sends none: the display element is the network's."""
    name = {1: "", 2: "Alice"}[trunk]
    with telephones(5) as (phone,):
        phone.lift()
        phone.press(f"6{trunk}")
        hear(phone, 3.0)
        assert echoes(phone) > ALIKE, told(daemon, asterisk)
        assert f"CALLER=101 {name} for 8600" in asterisk.cli("dialplan show globals"), told(daemon, asterisk)
        phone.hang_up()
    idle(daemon, asterisk)


@TRUNKS
def test_a_call_from_asterisk(daemon: Daemon, asterisk: Asterisk, trunk: int) -> None:
    name = {1: "5550303 Carol for 101", 2: "5550404 Dora for 101"}[trunk]
    with telephones(5) as (phone,):
        asterisk.cli(f"channel originate Local/{trunk}@call extension s@echo")
        phone.answer()
        assert echoes(phone) > ALIKE, told(daemon, asterisk)
        assert f"CALLER={name}" in daemon.cli("dialplan show globals"), told(daemon, asterisk)
        phone.hang_up()
    idle(daemon, asterisk)


def test_a_call_that_asterisk_refuses_as_busy(daemon: Daemon, asterisk: Asterisk) -> None:
    with telephones(5) as (phone,):
        phone.lift()
        phone.press("64")
        hear(phone, 3.0)
        assert "CAME=BUSY 17" in daemon.cli("dialplan show globals"), told(daemon, asterisk)
        phone.hang_up()
    idle(daemon, asterisk)


@pytest.mark.parametrize("caller", [5, 7], ids=["to asterisk", "from asterisk"])
def test_digits_one_by_one(daemon: Daemon, asterisk: Asterisk, caller: int) -> None:
    with telephones(caller) as (phone,):
        phone.lift()
        phone.press("71")
        hear(phone, 4.0)
        for digit in "8600":
            phone.press(digit)
            hear(phone, 0.5)
        hear(phone, 2.0)
        assert echoes(phone) > ALIKE, told(daemon, asterisk)
        phone.hang_up()
    idle(daemon, asterisk)


def test_an_answer_while_the_last_key_is_pressed(daemon: Daemon, asterisk: Asterisk) -> None:
    """A digit that went by the D channel is not heard when its key is let go of: Asterisk's Echo() would hear it begin
    and say it back, and chan_dahdi listens to nothing while it says a digit."""
    with telephones(5) as (phone,):
        phone.lift()
        phone.press("71")
        hear(phone, 2.0)
        for digit in "8601":
            phone.press(digit)
            hear(phone, 0.3)
        hear(phone, 1.0)
        assert echoes(phone) > ALIKE, told(daemon, asterisk)
        phone.hang_up()
    idle(daemon, asterisk)


@pytest.mark.parametrize(
    ("caller", "called", "number"), [(5, 7, "63"), (7, 5, "61")], ids=["of asterisk", "of offhook"]
)
def test_a_flash_puts_the_other_end_on_hold_and_takes_it_back(
    daemon: Daemon, asterisk: Asterisk, caller: int, called: int, number: str
) -> None:
    """``called`` hears that it is held; its exchange tells its managers."""
    other = asterisk if called == 7 else daemon
    with telephones(caller, called) as (one, two), other.manager() as manager:
        one.lift()
        one.press(number)
        two.answer(20)
        low, high = noise(1), noise(2)
        at_one, at_two = talk(2.5, (one, low), (two, high))
        assert likeness(high, at_one) > ALIKE, told(daemon, asterisk)
        assert likeness(low, at_two) > ALIKE, told(daemon, asterisk)
        one.flash()
        held = manager.wait_for("Hold", Channel="DAHDI/i.*")
        assert held["ChannelStateDesc"] == "Up"
        one.flash()
        manager.wait_for("Unhold", Channel="DAHDI/i.*")
        at_one, at_two = talk(2.5, (one, low), (two, high))
        assert likeness(high, at_one) > ALIKE, told(daemon, asterisk)
        assert likeness(low, at_two) > ALIKE, told(daemon, asterisk)
        one.hang_up()
        two.hang_up()
    idle(daemon, asterisk)
