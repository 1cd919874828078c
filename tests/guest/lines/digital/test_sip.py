"""A telephone on a line calls one on the network."""

from __future__ import annotations

import platform

from guest.exchange import Exchange
from guest.hearing import ALIKE, echoes, hear
from guest.sip_echo import SipEcho
from guest.telephone import telephones

PORT = 5090
PJSIP = f"""\
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{{sip}}
[desk]
type = endpoint
context = nobody
disallow = all
allow = ulaw
aors = desk
[desk]
type = aor
contact = sip:desk@127.0.0.1:{PORT}
"""
PLAN = """\
[from-phones-sip]
exten => 30,1,Dial(PJSIP/desk,20)
"""


def test_a_phone_calls_a_sip_phone_and_hears_it(exchange: Exchange) -> None:
    assert platform.machine() == "aarch64"
    with SipEcho(PORT) as desk, telephones(5) as (alice,):
        alice.lift()
        alice.press("30")
        hear(alice, 2.0)
        assert echoes(alice) > ALIKE, exchange.told()
        assert desk.called[0].startswith(f"INVITE sip:desk@127.0.0.1:{PORT}")
        alice.hang_up()
        exchange.until_calls(0)
