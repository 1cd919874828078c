"""Figures about RTP that a call leaves behind: worked out when somebody reads them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from offhook.calls import events
from offhook.calls.bus import Bus
from offhook.calls.channel import Channel
from offhook.dialplan.variables import Variables
from offhook.drivers.sip.calls.channel_items import keep_figures
from offhook.media.rtp_figures import RtpStats


class Party:
    """As much of a channel as keeping figures needs."""

    promise, set = Channel.promise, Channel.set

    def __init__(self, bus: Bus) -> None:
        self.pbx = SimpleNamespace(bus=bus)
        self.variables = Variables()
        self.bridge: Any = None


class CountedLeg:
    """Counts how often its figures are asked for."""

    def __init__(self) -> None:
        self.asked = 0

    def stats(self) -> RtpStats:
        self.asked += 1
        return RtpStats(ssrc=7, rx_packets=50)


@pytest.fixture
def call() -> tuple[Any, Any, CountedLeg]:
    """Two parties in a bridge, and the first one's leg."""
    bus = Bus()
    one, two = Party(bus), Party(bus)
    one.bridge = SimpleNamespace(peer=lambda channel: two)
    return one, two, CountedLeg()


def test_figures_are_written_when_they_are_read(call: tuple[Any, Any, CountedLeg]) -> None:
    one, two, leg = call
    keep_figures(one, leg)  # type: ignore[arg-type]
    keep_figures(one, leg)  # type: ignore[arg-type]
    assert leg.asked == 0
    assert one.variables.get("RTPAUDIOQOS").startswith("ssrc=7;themssrc=0;lp=0;rxjitter=0.000000;rxcount=50;")
    assert two.variables.get("RTPAUDIOQOSBRIDGED") == one.variables.get("RTPAUDIOQOS")
    assert two.variables.get("RTPAUDIOQOSRTTBRIDGED").startswith("     minrtt=000.000000;")
    assert leg.asked == 3


def test_who_listens_is_told_at_once(call: tuple[Any, Any, CountedLeg]) -> None:
    one, two, leg = call
    told: list[events.VarSet] = []
    one.pbx.bus.subscribe(events.VarSet, told.append)
    one.variables.set("RTPAUDIOQOSLOSS", "mine")
    keep_figures(one, leg)  # type: ignore[arg-type]
    names = ["RTPAUDIOQOS", "RTPAUDIOQOSJITTER", "RTPAUDIOQOSRTT", "RTPAUDIOQOSMES"]
    assert [event.name for event in told if event.channel is one] == names
    assert len([event for event in told if event.channel is two]) == 5
    assert one.variables.get("RTPAUDIOQOSLOSS") == "mine"
