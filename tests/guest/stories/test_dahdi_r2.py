"""MFC/R2 on the kernel's own signalling bits: channels 71-74 cabled to 75-78; a phone on channel 1 calls through."""

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

SYSTEM_CONF = """\
dynamic=loc,3:0,4,0
dynamic=loc,3:1,4,0
cas=71-74:1101
cas=75-78:1101
alaw=71-78
loadzone=us
defaultzone=us
"""
CHANNELS = """\
[channels]
echocancel = no
context = phones
signalling = fxo_ks
callerid = Guest <5550101>
channel => 1
signalling = mfcr2
mfcr2_variant = itu
mfcr2_max_ani = 10
mfcr2_max_dnis = 4
callerid = asreceived
context = nobody
group = 4
channel => 71-74
context = far
group = 5
mfcr2_accept_on_offer = no
channel => 75-78
"""
PLAN = """\
[phones]
exten => 8,1,Dial(DAHDI/g4/4321,20)
exten => 7,1,Dial(DAHDI/g4/4401,20)
 same => n,Set(GLOBAL(STATUS)=${DIALSTATUS} ${HANGUPCAUSE})
[far]
exten => 4321,1,Set(GLOBAL(WHO)=${CALLERID(num)} ${EXTEN} ${MFCR2_CATEGORY})
 same => n,Answer()
 same => n,Echo()
exten => 4401,1,Hangup(17)
[nobody]
"""
SETTLE_S = 1.5


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, spans: None) -> Iterator[Daemon]:
    """The exchange, at both ends of the trunk."""
    configuration = Path("/etc/dahdi/r2.conf")
    configuration.write_text(SYSTEM_CONF)
    done = subprocess.run(("dahdi_cfg", "-c", configuration), check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    time.sleep(SETTLE_S)
    folder: Path = tmp_path_factory.mktemp("offhook")
    with Daemon(folder, {"chan_dahdi.conf": CHANNELS, "extensions.conf": PLAN}) as running:
        time.sleep(SETTLE_S)
        yield running


def test_both_ends_are_idle(daemon: Daemon) -> None:
    shown = daemon.cli("mfcr2 show channels").splitlines()[1:]
    assert [line.split()[0] for line in shown] == [str(number) for number in range(71, 79)], daemon.told()
    assert all(line.split()[-2:] == ["IDLE", "IDLE"] for line in shown), "\n".join(shown)


def test_a_phone_calls_through_and_is_heard(daemon: Daemon) -> None:
    with lines(5) as (phone,):
        time.sleep(SETTLE_S)
        phone.hook(Hook.OFF)
        hear(phone, 1.0)
        phone.dial("T8")
        phone.expect(Event.DIALCOMPLETE)
        hear(phone, 4.0)
        assert "5550101 4321 National Subscriber" in daemon.cli("dialplan show globals"), daemon.told()
        said = sound.encode(sound.tone((1000,), 2000), "ulaw")
        heard = sound.decode(talk(2.0, (phone, said))[0], "ulaw")
        assert hears(heard, 1000), daemon.told()
        phone.hook(Hook.ON)
        time.sleep(SETTLE_S)
        assert "0 active channels" in daemon.cli("core show channels count"), daemon.told()
    test_both_ends_are_idle(daemon)


def test_busy_comes_back_as_a_tone_of_group_b(daemon: Daemon) -> None:
    with lines(5) as (phone,):
        time.sleep(SETTLE_S)
        phone.hook(Hook.OFF)
        hear(phone, 1.0)
        phone.dial("T7")
        phone.expect(Event.DIALCOMPLETE)
        hear(phone, 4.0)
        assert "BUSY 17" in daemon.cli("dialplan show globals"), daemon.told()
        phone.hook(Hook.ON)
        time.sleep(SETTLE_S)
    test_both_ends_are_idle(daemon)
