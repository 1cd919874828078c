"""Offhook on the kernel's lines: a phone on channel 1 (its far end is channel 5), a line on channel 6 (far end 2)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from guest.dahdi_kernel import Event, Hook, Line, carry, lines
from kernel_shims.simulator import sound
from support.daemon import Daemon

pytestmark = pytest.mark.usefixtures("spans")

CHANNELS = """\
[channels]
context = phones
signalling = fxo_ks
callerid = Guest <101>
threewaycalling = yes
transfer = yes
channel => 1,3
"""
PLAN = """\
[phones]
exten => 600,1,Answer()
 same => n,Echo()
exten => 103,1,Dial(DAHDI/3,20)
"""
SETTLE_S = 1.5
RING_DEBOUNCE_S = 2.1
DIALED_S = 3.0
BLOCK_S = 0.02


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, spans: None) -> Iterator[Daemon]:
    """The exchange with two phones."""
    folder: Path = tmp_path_factory.mktemp("offhook")
    with Daemon(folder, {"chan_dahdi.conf": CHANNELS, "extensions.conf": PLAN}) as running:
        time.sleep(SETTLE_S)
        yield running


def hear(line: Line, seconds: float) -> list[int]:
    """What a line says for a while."""
    silence = sound.encode([0] * 160, "ulaw") * int(seconds / BLOCK_S)
    return sound.decode(carry(line, line, silence + b"\x01", seconds=seconds), "ulaw")


def hears(samples: list[int], *frequencies: float) -> bool:
    """Whether these frequencies are most of what was heard at the end."""
    last = samples[-4000:]
    return len(last) == 4000 and sum(sound.share(last, frequency) for frequency in frequencies) > 0.8


def test_a_phone_gets_dial_tone_and_echoes_through_the_dialplan(daemon: Daemon) -> None:
    with lines(5) as (phone,):
        time.sleep(SETTLE_S)
        phone.hook(Hook.OFF)
        assert hears(hear(phone, 2.0), 350, 440)
        phone.dial("T600")
        phone.expect(Event.DIALCOMPLETE)
        hear(phone, 1.0)
        said = sound.encode(sound.tone((1000,), 2000), "ulaw")
        heard = sound.decode(carry(phone, phone, said + b"\x01", seconds=3.0), "ulaw")
        assert hears(heard[:14000], 1000), daemon.told()
        phone.hook(Hook.ON)
    time.sleep(SETTLE_S)
    assert daemon.cli("core show channels count").startswith("0 active channels")


def test_a_phone_rings_another_and_both_hear_each_other(daemon: Daemon) -> None:
    with lines(5, 7) as (caller, called):
        time.sleep(RING_DEBOUNCE_S)
        caller.hook(Hook.OFF)
        hear(caller, 1.0)
        caller.dial("T103")
        caller.expect(Event.DIALCOMPLETE)
        called.expect(Event.RINGBEGIN, 10)
        called.hook(Hook.OFF)
        hear(called, 1.0)
        for one, other, pitch in ((caller, called, 700.0), (called, caller, 1100.0)):
            said = sound.encode(sound.tone((pitch,), 2000), "ulaw")
            heard = sound.decode(carry(one, other, said + b"\x01", seconds=3.0), "ulaw")
            assert hears(heard[:14000], pitch), daemon.told()
        called.hook(Hook.ON)
        caller.expect(Event.ONHOOK, 5)
        caller.hook(Hook.ON)
