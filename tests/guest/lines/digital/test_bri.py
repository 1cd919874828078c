"""Basic rate interfaces: point to point and to several devices, network and user by libpri at the two ends."""

from __future__ import annotations

import time
from pathlib import Path

from guest.conversation import converse
from guest.dahdi_kernel import Hook
from guest.exchange import Exchange
from guest.hearing import ALIKE, echoes, hear, likeness, noise, talk
from guest.telephone import telephones

CHANNELS = """\
[bri-network]
switchtype = euroisdn
signalling = bri_net
context = bri
pritimer = t203,1000
group = 21
dahdichan = 121-122
[bri-user]
switchtype = euroisdn
signalling = bri_cpe
context = bri
pritimer = t203,1000
resetinterval = 3600
group = 22
dahdichan = 124-125
[bri-several-network]
switchtype = euroisdn
signalling = bri_net_ptmp
context = bri
moh_signaling = hold
max_call_waiting_calls = 1
group = 23
dahdichan = 127-128
[bri-several-user]
switchtype = euroisdn
signalling = bri_cpe_ptmp
context = bri
moh_signaling = hold
allow_call_waiting_calls = yes
layer2_persistence = keep_up
pritimer = t203,1000
group = 24
dahdichan = 130-131
"""
PLAN = """\
[from-phones-bri]
exten => 82,1,Dial(DAHDI/g23/102,20)
exten => 83,1,Dial(DAHDI/g23/8300,20)
[bri]
exten => 102,1,Dial(DAHDI/2,20)
exten => 8300,1,Ringing()
 same => n,Wait(1)
 same => n,Answer()
 same => n,Echo()
include => conversation
"""
NETWORK, USER, SEVERAL_NETWORK, SEVERAL_USER = 17, 18, 19, 20
"""Their spans."""


def is_up(exchange: Exchange, span: int) -> bool:
    """Layer 2."""
    return f"PRI span {span}/0: Up, Active" in exchange.ask("pri show spans")


def until_layer_2(exchange: Exchange, *spans: int, up: bool, seconds: float = 10.0) -> None:
    """Wait until layer 2 is up, or down, on all of them."""
    deadline = time.monotonic() + seconds
    while any(is_up(exchange, span) is not up for span in spans):
        shown = exchange.ask("pri show spans")
        assert time.monotonic() < deadline, f"{spans} are not {'up' if up else 'down'}: {shown}\n{exchange.told()}"
        time.sleep(0.2)


def channels_in_use(exchange: Exchange, span: int) -> int:
    """How many B channels of a span have a call."""
    rows = [line.split() for line in exchange.ask("pri show channels").splitlines()]
    return sum(row[0] == str(span) and row[2:4] == ["Yes", "No"] for row in rows if len(row) > 4)


def test_calls_both_ways_on_every_channel(exchange: Exchange) -> None:
    """Point to point layer 2 is up at once; the user among several keeps it up as it is told to, so it has its TEI. The
    two sides begin at different ends of the channels, so as not to meet on one."""
    until_layer_2(exchange, NETWORK, USER, SEVERAL_USER, up=True)
    assert "(TEI=64)" in exchange.ask(f"pri show span {SEVERAL_NETWORK}")
    converse(exchange, ["DAHDI/g21", "DAHDI/G22", "DAHDI/g23", "DAHDI/G24"])


def test_a_call_on_hold_leaves_its_channel_and_gets_it_back(exchange: Exchange) -> None:
    """HOLD and RETRIEVE between an exchange and one of several devices."""
    with telephones(5, 6) as (alice, bob), exchange.manager() as manager:
        alice.lift()
        alice.press("82")
        bob.answer(20)
        assert channels_in_use(exchange, SEVERAL_NETWORK) == channels_in_use(exchange, SEVERAL_USER) == 1
        alice.hook(Hook.FLASH)
        manager.wait_for("Hold", Channel=f"DAHDI/i{SEVERAL_USER}/.*")
        hear(alice, 0.5)
        assert channels_in_use(exchange, SEVERAL_NETWORK) == channels_in_use(exchange, SEVERAL_USER) == 0
        alice.hook(Hook.FLASH)
        manager.wait_for("Unhold", Channel=f"DAHDI/i{SEVERAL_USER}/.*")
        low, high = noise(1), noise(2)
        at_alice, at_bob = talk(2.5, (alice, low), (bob, high))
        assert likeness(high, at_alice) > ALIKE, exchange.told()
        assert likeness(low, at_bob) > ALIKE, exchange.told()
        bob.hook(Hook.ON)
        alice.hang_up()
    exchange.until_calls(0)


def test_a_third_call_waits_for_a_channel(exchange: Exchange) -> None:
    """It rings without one, and when it is answered it has the one that was given up meanwhile."""
    for number in (700, 701):
        exchange.desk.action("Originate", Channel=f"DAHDI/g23/{number}", Application="Wait", Data="30", Async="true")
    exchange.until_calls(4)
    with telephones(5) as (alice,):
        alice.lift()
        alice.press("83")
        hear(alice, 0.5)
        exchange.desk.action("Hangup", Channel=f"/^DAHDI.i{SEVERAL_NETWORK}.700/")
        hear(alice, 1.0)
        assert echoes(alice) > ALIKE, exchange.told()
        alice.hang_up()
    exchange.ask("channel request hangup all")
    exchange.until_calls(0)


def test_layer_2_that_was_lost_comes_back(exchange: Exchange, tmp_path: Path) -> None:
    """The network goes away, until the user notices, and is back: nobody has to do anything at the user's, who restarts
    the idle B channels after a while (resetinterval)."""
    messages = tmp_path / "messages"
    exchange.ask(f"pri set debug file {messages}")
    exchange.ask(f"pri set debug 2 span {USER}")
    for span in (NETWORK, SEVERAL_NETWORK):
        exchange.ask(f"pri destroy span {span}")
    until_layer_2(exchange, USER, up=False)
    exchange.ask("dahdi create channels new")
    until_layer_2(exchange, NETWORK, USER, SEVERAL_USER, up=True)
    converse(exchange, ["DAHDI/g21", "DAHDI/g24"])
    deadline = time.monotonic() + 10
    while messages.read_text().count("RESTART ACKNOWLEDGE") < 2:
        assert time.monotonic() < deadline, messages.read_text()
        time.sleep(0.2)
    exchange.ask(f"pri set debug off span {USER}")
