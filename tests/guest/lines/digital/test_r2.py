"""MFC/R2 on the kernel's own signalling bits: channels 71-74 cabled to 75-78; a phone calls through."""

from __future__ import annotations

from guest.exchange import Exchange
from guest.hearing import ALIKE, echoes, hear
from guest.telephone import telephones

CHANNELS = """\
[r2-near]
signalling = mfcr2
mfcr2_variant = itu
mfcr2_max_ani = 10
mfcr2_max_dnis = 4
callerid = asreceived
context = nobody
group = 4
dahdichan = 71-74
[r2-far]
signalling = mfcr2
mfcr2_variant = itu
mfcr2_max_ani = 10
mfcr2_max_dnis = 4
mfcr2_accept_on_offer = no
callerid = asreceived
context = r2
group = 5
dahdichan = 75-78
"""
PLAN = """\
[from-phones-r2]
exten => 40,1,Dial(DAHDI/g4/4321,20)
exten => 41,1,Dial(DAHDI/g4/4401,20)
 same => n,Set(GLOBAL(R2_END)=${DIALSTATUS} ${HANGUPCAUSE})
[r2]
exten => 4321,1,Set(GLOBAL(R2_CALLER)=${CALLERID(num)} ${EXTEN} ${MFCR2_CATEGORY})
 same => n,Answer()
 same => n,Echo()
exten => 4401,1,Hangup(17)
[nobody]
"""


def all_idle(exchange: Exchange) -> None:
    """Every channel, at both ends."""
    shown = exchange.ask("mfcr2 show channels").splitlines()[1:]
    assert [line.split()[0] for line in shown] == [str(number) for number in range(71, 79)], exchange.told()
    assert all(line.split()[-2:] == ["IDLE", "IDLE"] for line in shown), "\n".join(shown)


def test_a_phone_calls_through_and_is_heard(exchange: Exchange) -> None:
    all_idle(exchange)
    with telephones(5) as (alice,):
        alice.lift()
        alice.press("40")
        hear(alice, 4.0)
        assert exchange.value("R2_CALLER") == "101 4321 National Subscriber", exchange.told()
        assert echoes(alice) > ALIKE, exchange.told()
        alice.hang_up()
        exchange.until_calls(0)
    all_idle(exchange)


def test_busy_comes_back_as_a_tone_of_group_b(exchange: Exchange) -> None:
    with telephones(5) as (alice,):
        alice.lift()
        alice.press("41")
        hear(alice, 4.0)
        assert exchange.value("R2_END") == "BUSY 17", exchange.told()
        alice.hang_up()
    all_idle(exchange)
