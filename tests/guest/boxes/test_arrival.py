"""A box without firmware on the real xpp drivers becomes telephones; the daemon alone takes care of it."""

from __future__ import annotations

import time

from guest.astribank_box import calls, hears, kernel_log, phone, state, until
from guest.exchange import Exchange
from kernel_shims.astribank.simulated.running import Remote
from kernel_shims.simulator import sound

RING_S = 10.0


def test_firmware_is_loaded_in_three_stages_and_the_cards_are_set_up_without_perl(
    exchange: Exchange, box: Remote
) -> None:
    found = state(box)
    assert found["product"] == "1162" and found["host_version"] == 30 and found["ticking"]
    assert found["fpga_octets"] == 1024 and found["programs"] == [1, 2, 3, 4, 6]
    assert "line chips calibrated" in kernel_log()
    shown = exchange.ask("xpp show")
    assert "usb:SIM00001" in shown and "101-114,115-122" in shown and "master" in shown, shown
    detail = exchange.ask("xpp show SIM00001")
    assert "licensed ports: 16 FXS" in detail and "TwinStar" in detail, detail
    measured = exchange.ask("line test 118")
    assert "ring -48.9 V" in measured and "metallic test: no fault" in measured, measured


def test_a_telephone_rings_answers_and_hears_itself(exchange: Exchange, box: Remote) -> None:
    exchange.ask("channel originate DAHDI/115 application Echo")
    until(lambda: phone(box, 8)["rings"], "the bell", RING_S)
    box("lift", 8)
    time.sleep(1.5)
    box("say", 8, sound.encode(sound.tone((1000.0,), 3000), "ulaw").hex())
    assert hears(box, 8, 1000.0) > 0.8, exchange.told()
    box("lower", 8)
    time.sleep(2.0)
    assert "DAHDI" not in calls(exchange), exchange.told()
