"""Offhook on the kernel's lines: a phone on channel 1 (its far end is channel 5), a line on channel 6 (far end 2)."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from guest.dahdi_kernel import Event, Hook, lines
from guest.hearing import hear, hears, talk
from kernel_shims.simulator import sound
from support.daemon import Daemon

pytestmark = pytest.mark.usefixtures("spans")

CHANNELS = """\
[channels]
echocancel = no
context = phones
signalling = fxo_ks
callerid = Guest <101>
threewaycalling = yes
transfer = yes
channel => 1,3
callerid = asreceived
context = lines
signalling = fxs_ks
cidsignalling = auto
group = 1
channel => 6
context = isdn
switchtype = euroisdn
signalling = pri_net
group = 2
channel => 9-23,25-39
signalling = pri_cpe
group = 3
channel => 40-54,56-70
"""
PLAN = """\
[phones]
exten => 600,1,Answer()
 same => n,Echo()
exten => 103,1,Dial(DAHDI/3,20)
exten => 9,1,Dial(DAHDI/6/5551234,20)
exten => 8,1,Dial(DAHDI/g3/600,20)
[lines]
exten => s,1,Set(GLOBAL(WHO)=${CALLERID(num)} ${CALLERID(name)})
 same => n,Answer()
 same => n,Echo()
[isdn]
exten => 600,1,Answer()
 same => n,Echo()
"""
SETTLE_S = 1.5
RING_DEBOUNCE_S = 2.1
DIALED_S = 3.0


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, spans: None) -> Iterator[Daemon]:
    """The exchange with two phones."""
    folder: Path = tmp_path_factory.mktemp("offhook")
    with Daemon(folder, {"chan_dahdi.conf": CHANNELS, "extensions.conf": PLAN}) as running:
        time.sleep(SETTLE_S)
        yield running


def test_a_phone_gets_dial_tone_and_echoes_through_the_dialplan(daemon: Daemon) -> None:
    with lines(5) as (phone,):
        time.sleep(SETTLE_S)
        phone.hook(Hook.OFF)
        assert hears(hear(phone, 2.0), 350, 440)
        phone.dial("T600")
        phone.expect(Event.DIALCOMPLETE)
        hear(phone, 1.0)
        said = sound.encode(sound.tone((1000,), 2000), "ulaw")
        heard = sound.decode(talk(2.0, (phone, said))[0], "ulaw")
        assert hears(heard, 1000), daemon.told()
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
        low, high = (sound.encode(sound.tone((pitch,), 2000), "ulaw") for pitch in (700.0, 1100.0))
        at_caller, at_called = talk(2.0, (caller, low), (called, high))
        assert hears(sound.decode(at_caller, "ulaw"), 1100), daemon.told()
        assert hears(sound.decode(at_called, "ulaw"), 700), daemon.told()
        called.hook(Hook.ON)
        caller.expect(Event.ONHOOK, 5)
        caller.hook(Hook.ON)


def test_a_call_comes_in_on_a_line_with_caller_id_and_battery_drop_ends_it(daemon: Daemon) -> None:
    with lines(2) as (exchange,):
        time.sleep(RING_DEBOUNCE_S)
        exchange.hook(Hook.RING)
        talk(2.3, (exchange, b""))
        exchange.hook(Hook.RINGOFF)
        spill = sound.encode([0] * 4000 + sound.caller_id("5551234", "Carol"), "ulaw")
        talk(2.5, (exchange, spill))
        exchange.hook(Hook.OFF)
        said = sound.encode(sound.tone((1000,), 2000), "ulaw")
        heard = sound.decode(talk(2.0, (exchange, said))[0], "ulaw")
        assert hears(heard, 1000), daemon.told()
        assert "5551234 Carol" in daemon.cli("dialplan show globals"), daemon.told()
        exchange.hook(Hook.ON)
        time.sleep(SETTLE_S)
        assert "0 active channels" in daemon.cli("core show channels count"), daemon.told()


def test_a_phone_calls_out_on_a_line(daemon: Daemon) -> None:
    with lines(5, 2) as (phone, exchange):
        time.sleep(SETTLE_S)
        phone.hook(Hook.OFF)
        hear(phone, 1.0)
        phone.dial("T9")
        exchange.expect(Event.RINGOFFHOOK, 8)
        exchange.hook(Hook.OFF)
        digits, listener = "", sound.DigitListener()
        for _ in range(12):
            digits += listener.hear(hear(exchange, 0.3))
        assert digits == "5551234", daemon.told()
        low, high = (sound.encode(sound.tone((pitch,), 2000), "ulaw") for pitch in (700.0, 1100.0))
        at_phone, at_exchange = talk(2.0, (phone, low), (exchange, high))
        assert hears(sound.decode(at_phone, "ulaw"), 1100), daemon.told()
        assert hears(sound.decode(at_exchange, "ulaw"), 700), daemon.told()
        phone.hook(Hook.ON)
        time.sleep(SETTLE_S)


def test_a_phone_calls_over_the_isdn_pair(daemon: Daemon) -> None:
    assert daemon.cli("pri show spans").count("Up") == 2, daemon.told()
    with lines(5) as (phone,):
        time.sleep(SETTLE_S)
        phone.hook(Hook.OFF)
        hear(phone, 1.0)
        phone.dial("T8")
        phone.expect(Event.DIALCOMPLETE)
        hear(phone, 3.0)
        said = sound.encode(sound.tone((1000,), 2000), "ulaw")
        heard = sound.decode(talk(2.0, (phone, said))[0], "ulaw")
        assert hears(heard, 1000), daemon.told()
        phone.hook(Hook.ON)
        time.sleep(SETTLE_S)
        assert "0 active channels" in daemon.cli("core show channels count"), daemon.told()


def test_a_span_is_removed_in_a_call_and_comes_back(daemon: Daemon) -> None:
    """Unplugged and plugged as the kernel does it; dahdi_cfg sets its channels up again."""
    device = Path("/sys/bus/dahdi_spans/devices/span-1").resolve().parent
    with lines(5) as (phone,):
        time.sleep(SETTLE_S)
        phone.hook(Hook.OFF)
        hear(phone, 1.0)
        phone.dial("T600")
        phone.expect(Event.DIALCOMPLETE)
        hear(phone, 1.0)
        assert "DAHDI/1-" in daemon.cli("core show channels concise"), daemon.told()
        (device / "unassign_span").write_text("1")
        time.sleep(0.5)
        assert "DAHDI/1-" not in daemon.cli("core show channels concise"), daemon.told()
        phone.hook(Hook.ON)
        (device / "assign_span").write_text("1:1:1")
        again = Path("/etc/dahdi/again.conf")
        again.write_text("fxoks=1-4\n")
        subprocess.run(("dahdi_cfg", "-c", again), check=True)
        time.sleep(5.0)
        phone.hook(Hook.OFF)
        assert hears(hear(phone, 2.0), 350, 440), daemon.told()
        phone.hook(Hook.ON)
        time.sleep(SETTLE_S)
