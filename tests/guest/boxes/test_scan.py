"""Hardware that nobody set up is found, written down, set up and used; beside a box that is there already."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from guest.astribank_box import ALL_CHANNELS, open_channels, until
from guest.cables import unplug
from guest.exchange import Exchange
from kernel_shims.astribank.simulated.running import Remote
from kernel_shims.dahdi.configure import Configurator
from kernel_shims.dahdi.system import DahdiSystem
from kernel_shims.dahdi.system_conf import DynamicLine
from kernel_shims.line import SIGNALLINGS

NOT_THERE = "201-202,204-205,207-221,223-252,254-268"
"""Of the second box."""
ENDS = ("1:0", "1:1")
T1 = 24


@pytest.fixture
def spans() -> Iterator[list[int]]:
    """Two T1 spans, one cable, that nobody set up; their first channels."""
    subprocess.run(("modprobe", "dahdi_dynamic_loc"), check=True)
    configurator = Configurator()
    before = {span.number for span in DahdiSystem().spans()}
    for end in ENDS:
        list(configurator.create_dynamic("none", DynamicLine("loc", end, T1, 0)))
    yield [span.first for span in DahdiSystem().spans() if span.number not in before]
    configurator.close()


def both_trunks(exchange: Exchange) -> bool:
    """Whether the exchange has them as ISDN."""
    shown = exchange.ask("pri show spans")
    return all(f"PRI span {span}/0" in shown for span in (1, 2))


def etc(exchange: Exchange, name: str) -> Path:
    """A file of the exchange's configuration."""
    return exchange.root / "etc" / name


def test_two_trunks_are_found_applied_and_come_up(exchange: Exchange, box: Remote, spans: list[int]) -> None:
    assert len(spans) == 2
    written = {name: etc(exchange, name).read_text() for name in ("chan_dahdi.conf", "dahdi/system.conf")}
    shown = exchange.ask("lines scan")
    for line in ("+span=1,1,0,esf,b8zs", "+span=2,2,0,esf,b8zs", "+bchan=1-23,25-47", "+dchan=24,48"):
        assert line in shown.splitlines(), shown
    assert {name: etc(exchange, name).read_text() for name in written} == written, "nothing is written without apply"
    exchange.ask("lines scan apply")
    for name, text in written.items():
        assert etc(exchange, name).read_text().startswith(text), "what somebody wrote stays"
        assert etc(exchange, f"{name}.old").read_text() == text
    system = DahdiSystem()
    kinds = [system.channel(first + place).signalling for first in spans for place in (0, T1 - 1)]
    assert kinds == [SIGNALLINGS["clear"], SIGNALLINGS["hdlcfcs"]] * 2, "the drivers have it already"
    exchange.ask("module reload chan_dahdi")
    until(lambda: both_trunks(exchange), "both trunks", 5)
    assert exchange.ask("dahdi show channels").count("from-trunk") == 2 * (T1 - 1)
    # Pulled out and back: what the file says of the D channel is in force again with the rest.
    before = ALL_CHANNELS + 2 * T1
    until(lambda: open_channels(exchange) == before, "every line to be taken, and none looked at besides", 5)
    for _ in range(2):
        device = unplug(1)
        until(lambda: open_channels(exchange) == before - T1, "all of them to be let go of at once", 0.5)
        (device / "assign_span").write_text(f"1:1:{spans[0]}")
        try:
            until(lambda: open_channels(exchange) == before, "the lines to be taken back", 5)
        except AssertionError as error:
            raise AssertionError(f"{error}: {open_channels(exchange)} of {before}; {exchange.told()}") from None
    assert system.channel(spans[0] + T1 - 1).signalling == SIGNALLINGS["hdlcfcs"]
    assert both_trunks(exchange)
    again = exchange.ask("lines scan apply")
    assert again.strip() == f"chan_dahdi.conf names channels that are not there: {NOT_THERE}", "nothing else is to do"
    table = [line.split()[0] for line in exchange.ask("dahdi show channels").splitlines() if line.split()]
    assert sum(word.isdigit() and int(word) > 100 for word in table) == ALL_CHANNELS, "the box's telephones stay"
