"""A box goes in the middle of a call, pulled out or over to another host, and comes back under its numbers."""

from __future__ import annotations

import time
from pathlib import Path

from guest.astribank_box import ALL_CHANNELS, calls, hears, open_channels, state, until, wait_for_channels
from guest.exchange import Exchange
from kernel_shims.astribank.simulated.running import Remote


def test_pulled_out_in_a_call_it_comes_back_under_its_numbers(exchange: Exchange, box: Remote) -> None:
    assert open_channels(exchange) == ALL_CHANNELS
    box("lift", 1)
    time.sleep(1.0)
    box("dial", 1, "600")
    until(lambda: "DAHDI/102-" in calls(exchange) and "Echo" in calls(exchange), "the call", 8)
    box("unplug")
    time.sleep(1.0)
    assert "DAHDI" not in calls(exchange), exchange.told()
    assert not open_channels(exchange), exchange.descriptors()
    until(lambda: not any(Path("/sys/bus/astribanks/devices").iterdir()), "the kernel to have taken the box away", 3)
    box("lower", 1)
    box("plug")
    wait_for_channels(exchange, box)
    box("lift", 1)
    assert hears(box, 1, 350.0) + hears(box, 1, 440.0) > 0.8, exchange.told()
    box("lower", 1)
    time.sleep(2.0)


def test_twinstar_takes_it_over_to_another_host_and_back(exchange: Exchange, box: Remote) -> None:
    assert exchange.ask("xpp twinstar SIM00001") == "usb:SIM00001 listens to USB-0, watchdog off"
    assert exchange.ask("xpp twinstar SIM00001 jump") == "usb:SIM00001 USB-1 has no power: no other host is there"
    assert exchange.ask("xpp twinstar SIM00001 watchdog on") == "usb:SIM00001 watchdog on" and state(box)["watchdog"]
    box("power", "on")
    box("lift", 1)
    time.sleep(1.0)
    box("dial", 1, "600")
    until(lambda: "Echo" in calls(exchange), "the call", 8)
    assert exchange.ask("xpp twinstar SIM00001 jump") == "usb:SIM00001 goes over to USB-1"
    until(lambda: not open_channels(exchange), "the lines to go", 3)
    assert "DAHDI" not in calls(exchange), exchange.told()
    assert (state(box)["twinstar_port"], state(box)["plugged"]) == (1, False)
    box("lower", 1)
    box("plug")
    wait_for_channels(exchange, box)
    assert state(box)["product"] == "1162"
    box("lift", 1)
    assert hears(box, 1, 350.0) + hears(box, 1, 440.0) > 0.8, exchange.told()
    box("lower", 1)
