"""A second box with a BRI and a PRI card on the real xpp drivers: chips set up, layers up, calls over both cables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from guest.astribank_box import ALL_CHANNELS, kernel_log, open_channels, simulated_box, until, wait_for_channels
from guest.conversation import converse
from guest.exchange import Exchange
from kernel_shims.astribank.simulated.running import Remote

BRI, PRI = (51, 52), (53, 54)
"""Spans: user and network side of each."""
RED = 8
PROC = Path("/proc/xpp")
BOXES = Path("/sys/bus/astribanks/devices")
XPDS = Path("/sys/bus/xpds/devices")


@pytest.fixture(scope="module")
def trunks(exchange: Exchange, box: Remote) -> Iterator[Remote]:
    """The box, its spans numbered and layer 2 up on all of them.

    The drivers count by the ticks of the box that changed its clock last, which is this one when it comes: those of
    another simulated box would jump in bursts over the moments at which they look at the framers of this one. So its
    spans, as system.conf has them, are nobody's clock.
    """
    with simulated_box(
        *("--serial", "SIM00002", "--cards", "bri,pri", "--stage", "2", "--burst", "8"), place=Path("/run/trunks.sock")
    ) as remote:
        until_layer_2(exchange, *BRI, *PRI)
        yield remote
        number = xbus()
    until(lambda: not (BOXES / f"xbus-{number}").exists(), "the kernel to have taken the box away", 6)


def until_layer_2(exchange: Exchange, *spans: int) -> None:
    """Until all the spans are up."""

    def reached() -> bool:
        shown = exchange.ask("pri show spans")
        return all(f"PRI span {span}/0: Up, Active" in shown for span in spans)

    try:
        until(reached, f"layer 2 of {spans}", 30)
    except AssertionError as error:
        raise AssertionError(
            f"{error}: {exchange.ask('pri show spans')}{exchange.ask('dahdi show status')}"
            f"{exchange.ask('xpp show')}{exchange.told()}{kernel_log()}"
        ) from None


def xbus() -> str:
    """The number that the driver gave the box."""
    (label,) = [path for path in BOXES.glob("xbus-*/label") if "SIM00002" in path.read_text()]
    return label.parent.name.removeprefix("xbus-")


def alarms(span: int) -> int:
    """What the kernel tells of a span."""
    return int(Path(f"/sys/bus/dahdi_spans/devices/span-{span}/alarms").read_text(), 0)


def test_chips_are_set_up_and_layers_come_up(exchange: Exchange, trunks: Remote) -> None:
    number = xbus()
    for port, state in (("0", "F7 TE_ACTIVATED"), ("1", "G3 NT_ACTIVATED")):
        shown = (PROC / f"XBUS-{number}/XPD-0{port}/bri_info").read_text()
        assert re.search(rf"Layer 1: UP +{state}", shown), shown
        assert (XPDS / f"{number}:1:{port}/pri_layer1").read_text().startswith("UP")
    log = kernel_log()
    assert "2 BRI ports, 1 of them towards telephones" in log and "2 PRI ports, E1, E1" in log, log
    detail = exchange.ask("xpp show SIM00002")
    assert "licensed ports: 2 BRI, 2 PRI" in detail and f"module {number}:0:1: BRI_NT, span 52" in detail, detail


@pytest.mark.parametrize("sides", [("g1", "G2"), ("g3", "G4")], ids=["BRI", "E1"])
def test_conversations_both_ways(exchange: Exchange, trunks: Remote, sides: tuple[str, str]) -> None:
    """The two sides begin at different ends of the channels, so as not to meet on one.

    One cable after the other: two simulated boxes are about all that the guest can do in its time.
    """
    converse(exchange, [f"DAHDI/{side}" for side in sides])


def test_a_cable_that_is_pulled_is_an_alarm_and_goes_when_it_is_back(exchange: Exchange, trunks: Remote) -> None:
    assert [alarms(span) for span in PRI] == [0, 0]
    for card in (0, 1):
        trunks("cable", card, "out")
    until(lambda: [alarms(span) for span in PRI] == [RED, RED], "the alarms", 5)
    until(lambda: "DOWN" in (PROC / f"XBUS-{xbus()}/XPD-00/bri_info").read_text(), "layer 1 to go", 5)
    for card in (0, 1):
        trunks("cable", card, "in")
    until(lambda: [alarms(span) for span in PRI] == [0, 0], "the alarms to end", 5)
    until_layer_2(exchange, *BRI, *PRI)


def test_both_boxes_lose_power_and_come_back_under_their_numbers(
    exchange: Exchange, box: Remote, trunks: Remote
) -> None:
    """The kernel takes them away one after the other, and gives a second to let go of every channel of each."""
    before = open_channels(exchange)
    trunks("unplug")
    box("unplug")
    until(lambda: open_channels(exchange) <= ALL_CHANNELS, "the channels of one to be let go of", 5)
    until(lambda: not any(BOXES.iterdir()), "the kernel to have taken them away", 6)
    assert not open_channels(exchange), exchange.told()
    trunks("plug")
    box("plug")
    wait_for_channels(exchange, box, before)
    until_layer_2(exchange, *BRI, *PRI)
