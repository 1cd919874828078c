"""Spans that go away in a call and come back."""

from __future__ import annotations

import fcntl
import os
import struct
import time
from pathlib import Path

from guest.cables import plug
from guest.exchange import Exchange
from guest.hearing import ALIKE, echoes, hear, hears
from guest.telephone import telephones

CHANNELS = """\
[unplugged]
signalling = em_w
context = unplugged
dahdichan = 81,85
"""
PLAN = """\
[from-phones-unplugged]
exten => 70,1,Dial(DAHDI/81/7766,30)
[unplugged]
exten => 7766,1,Answer()
 same => n,Echo()
"""
TIE_SPAN = 7
DESTROY = 0x4048DA51
"""DAHDI_DYNAMIC_DESTROY: driver, address, channels, timing, span number."""


def unplug(span: int) -> Path:
    """Take a span away as the kernel does when its box is pulled out; its device, whose first and only span it is."""
    device = Path(f"/sys/bus/dahdi_spans/devices/span-{span}").resolve().parent
    (device / "unassign_span").write_text("1")
    return device


def destroy(address: str, channels: int) -> None:
    """Make an end of a cable go away for good, which the kernel refuses while a descriptor of it is open."""
    control = os.open("/dev/dahdi/ctl", os.O_RDWR)
    try:
        fcntl.ioctl(control, DESTROY, struct.pack("20s40s3i", b"loc", address.encode(), channels, 0, 0))
    finally:
        os.close(control)


def test_a_span_is_unplugged_in_a_call_and_comes_back(exchange: Exchange) -> None:
    """dahdi_cfg sets its channels up again."""
    with telephones(5) as (alice,):
        alice.lift()
        alice.press("600")
        hear(alice, 0.5)
        assert "DAHDI/1-" in exchange.ask("core show channels concise"), exchange.told()
        device = unplug(1)
        exchange.until_calls(0, 1.0)
        alice.hang_up()
        (device / "assign_span").write_text("1:1:1")
        plug("fxoks=1-4\n", "again")
        time.sleep(2.0)
        assert hears(alice.lift(), 350, 440), exchange.told()
        alice.hang_up()


def test_a_span_is_destroyed_in_a_call_and_made_again(exchange: Exchange) -> None:
    """A trunk's near end: every descriptor is given back at once, so it can be; the same calls work on the new one."""
    with telephones(5) as (alice,):
        alice.lift()
        alice.press("70")
        hear(alice, 2.5)
        assert echoes(alice) > ALIKE, exchange.told()
        unplug(TIE_SPAN)
        destroy("4:0", 4)
        exchange.until_calls(0, 2.0)
        alice.hang_up()
        plug("dynamic=loc,4:0,4,0\ne&m=79-82\n", "again")
        time.sleep(3.0)
        alice.lift()
        alice.press("70")
        hear(alice, 2.5)
        assert echoes(alice) > ALIKE, exchange.told()
        alice.hang_up()
        exchange.until_calls(0)
