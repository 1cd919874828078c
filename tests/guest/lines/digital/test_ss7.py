"""SS7 between 133-138 and 139-144: two links on the kernel's own HDLC in each span, a linkset at both ends.

These spans have no MTP2 mode: we repeat the fill-in units.
"""

from __future__ import annotations

import time

import pytest

from guest.exchange import Exchange
from guest.hearing import ALIKE, echoes, hear
from guest.telephone import telephones

CHANNELS = """\
[ss7-near]
signalling = ss7
ss7type = itu
callerid = asreceived
networkindicator = national
linkset = 1
pointcode = 1
adjpointcode = 2
defaultdpc = 2
cicbeginswith = 1
sigchan = 137
sigchan = 138
context = nobody
group = 6
dahdichan = 133-136
[ss7-far]
signalling = ss7
ss7type = itu
callerid = asreceived
networkindicator = national
linkset = 2
pointcode = 2
adjpointcode = 1
defaultdpc = 1
cicbeginswith = 1
sigchan = 143
sigchan = 144
context = ss7
group = 7
dahdichan = 139-142
"""
PLAN = """\
[from-phones-ss7]
exten => 60,1,Dial(DAHDI/g6/4321,20)
exten => 61,1,Dial(DAHDI/g6/4401,20)
 same => n,Set(GLOBAL(SS7_END)=${DIALSTATUS} ${HANGUPCAUSE})
[ss7]
exten => 4321,1,Set(GLOBAL(SS7_CALLER)=${CALLERID(num)} ${EXTEN} ${SS7_CALLING_PARTY_CATEGORY})
 same => n,Answer()
 same => n,Echo()
exten => 4401,1,Hangup(17)
"""
ALIGNED_S = 15.0
CIRCUITS = 8
PASSED_S = 1.5


def until_idle(exchange: Exchange, seconds: float = 3.0) -> None:
    """Every circuit, at both ends, is free for calls."""
    deadline = time.monotonic() + seconds
    while True:
        shown = exchange.ask("ss7 show channels").splitlines()[2:]
        if len(shown) == CIRCUITS and all(line.split()[2] == "Yes" for line in shown):
            return
        assert time.monotonic() < deadline, "\n".join(shown) + exchange.told()
        time.sleep(0.1)


@pytest.fixture
def aligned(exchange: Exchange) -> Exchange:
    """The exchange, with both links up in both linksets and the circuits free."""
    until_idle(exchange, ALIGNED_S)
    return exchange


def test_both_linksets_come_up_with_both_links(aligned: Exchange) -> None:
    for number in (1, 2):
        shown = aligned.ask(f"ss7 show linkset {number}")
        assert f"SS7 linkset {number} status: Up" in shown, shown + aligned.told()
        assert shown.count("INSERVICE,  UP") == 2, shown


def test_a_phone_calls_through_and_is_heard(aligned: Exchange) -> None:
    with telephones(5) as (alice,):
        alice.lift()
        alice.press("60")
        hear(alice, 3.0)
        assert aligned.value("SS7_CALLER") == "101 4321 10", aligned.told()
        assert echoes(alice) > ALIKE, aligned.told()
        alice.hang_up()
        aligned.until_calls(0)
    until_idle(aligned)


def test_busy_comes_back(aligned: Exchange) -> None:
    with telephones(5) as (alice,):
        alice.lift()
        alice.press("61")
        hear(alice, 3.0)
        assert aligned.value("SS7_END") == "BUSY 17", aligned.told()
        alice.hang_up()
    until_idle(aligned)


def test_blocking_and_resets_pass(aligned: Exchange) -> None:
    aligned.ask("ss7 block cic 1 2 2")
    time.sleep(PASSED_S)
    blocked = [line.split() for line in aligned.ask("ss7 show cics 2").splitlines()[1:]]
    assert [words[0] for words in blocked if words[-1] == "R:M"] == ["2"], blocked
    assert "GRS sent" in aligned.ask("ss7 reset group 1 2 1 3")
    until_idle(aligned)
