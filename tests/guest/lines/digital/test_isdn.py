"""ISDN between E1 spans and between trunk groups: libpri on both ends of each cable."""

from __future__ import annotations

import time

import pytest

from guest.conversation import converse
from guest.exchange import Exchange
from guest.hearing import ALIKE, echoes, hear
from guest.telephone import telephones

TRUNK_GROUPS = """\
trunkgroup => 1,98
spanmap => 11,1,1
spanmap => 13,1,2
trunkgroup => 2,102
spanmap => 12,2,1
spanmap => 14,2,2
"""
CHANNELS = """\
[isdn-network]
switchtype = euroisdn
signalling = pri_net
aoc_enable = s,d,e
context = isdn
group = 2
dahdichan = 9-23,25-39
[isdn-user]
switchtype = euroisdn
signalling = pri_cpe
aoc_enable = s,d,e
context = isdn
group = 3
dahdichan = 40-54,56-70
[group-network]
switchtype = national
service_message_support = yes
signalling = pri_net
context = isdn
group = 12
dahdichan = 95-97,103-106
[group-user]
switchtype = national
service_message_support = yes
signalling = pri_cpe
context = isdn
group = 13
dahdichan = 99-101,107-110
"""
PLAN = """\
[from-phones-isdn]
exten => 20,1,Dial(DAHDI/g3/600,20)
[isdn]
exten => 600,1,Answer()
 same => n,Echo()
include => conversation
"""


def test_a_phone_calls_over_the_span(exchange: Exchange) -> None:
    shown = exchange.ask("pri show spans")
    assert all(f"PRI span {span}/0: Up, Active" in shown for span in (3, 4, 11, 12)), shown
    with telephones(5) as (alice,):
        alice.lift()
        alice.press("20")
        hear(alice, 3.0)
        assert echoes(alice) > ALIKE, exchange.told()
        alice.hang_up()
        exchange.until_calls(0)


@pytest.mark.parametrize(("group", "count"), [(3, 30), (13, 7)], ids=["every channel of an E1", "a trunk group"])
def test_calls_at_once_each_with_its_own_sound_both_ways(exchange: Exchange, group: int, count: int) -> None:
    converse(exchange, [f"DAHDI/g{group}"] * count)


def test_a_channel_is_out_of_service_at_both_ends_until_it_is_put_back(exchange: Exchange) -> None:
    """SERVICE: the near end's is kept as 1, the far end's as 2; calls go round it."""
    near, far = "dahdi/registry/11:95", "dahdi/registry/12:99"

    def kept(family: str) -> str:
        return exchange.ask(f"database get {family} service-state")

    exchange.ask("pri service disable channel 95")
    time.sleep(0.3)
    assert "O:1" in kept(near) and "O:2" in kept(far), exchange.told()
    converse(exchange, ["DAHDI/i11"])
    with exchange.manager() as manager:
        exchange.desk.action("Originate", Channel="DAHDI/95/700", Application="Wait", Data="5", Async="true")
        refused = manager.wait_for("OriginateResponse")
    assert refused["Response"] == "Failure"
    exchange.ask("pri service enable channel 95")
    time.sleep(0.3)
    assert "not found" in kept(near) and "not found" in kept(far), exchange.told()


def test_the_network_tells_what_a_call_costs(exchange: Exchange) -> None:
    with exchange.manager() as manager:
        asked = {"Channel": "DAHDI/g3/600/A(sde)", "Application": "Wait", "Data": "20"}
        exchange.desk.action("Originate", Async="true", **asked)
        network = manager.wait_for("Newchannel", Channel="DAHDI/i3/.*")["Channel"]
        exchange.until_calls(2)
        time.sleep(0.5)
        charge = {"MsgType": "D", "ChargeType": "Unit", "UnitAmount(0)": "7", "TotalType": "Total"}
        exchange.desk.action("AOCMessage", Channel=network, **charge)
        told = manager.wait_for("AOC-D", Channel="DAHDI/i4/.*")
        assert told["Charge/Units(0)/NumberOf"] == "7", told
    exchange.ask("channel request hangup all")
    exchange.until_calls(0)
