"""SS7 on the kernel's own HDLC: spans of six channels cabled to each other, two links in each, a linkset at both ends;
a phone on channel 1 calls through. The numbers are those that the kernel gave the spans, which have no MTP2 mode: the
fill-in units are repeated by us."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from guest.cables import plug
from guest.dahdi_kernel import Event, Hook, lines
from guest.hearing import hear, hears, talk
from kernel_shims.simulator import sound
from support.daemon import Daemon

CABLES = "dynamic=loc,7:0,6,0\ndynamic=loc,7:1,6,0\n"
SYSTEM_CONF = """\
{cables}bchan={one}-{one_last},{two}-{two_last}
dchan={one_link}
dchan={one_other}
dchan={two_link}
dchan={two_other}
alaw={one}-{one_other},{two}-{two_other}
"""
CHANNELS = """\
[channels]
echocancel = no
context = phones
signalling = fxo_ks
callerid = Guest <5550101>
channel => 1
signalling = ss7
ss7type = itu
callerid = asreceived
networkindicator = national
linkset = 1
pointcode = 1
adjpointcode = 2
defaultdpc = 2
cicbeginswith = 1
sigchan = {one_link}
sigchan = {one_other}
context = nobody
group = 6
channel => {one}-{one_last}
linkset = 2
pointcode = 2
adjpointcode = 1
defaultdpc = 1
cicbeginswith = 1
sigchan = {two_link}
sigchan = {two_other}
context = far
group = 7
channel => {two}-{two_last}
"""
PLAN = """\
[phones]
exten => 8,1,Dial(DAHDI/g6/4321,20)
exten => 7,1,Dial(DAHDI/g6/4401,20)
 same => n,Set(GLOBAL(STATUS)=${DIALSTATUS} ${HANGUPCAUSE})
[far]
exten => 4321,1,Set(GLOBAL(WHO)=${CALLERID(num)} ${EXTEN} ${SS7_CALLING_PARTY_CATEGORY})
 same => n,Answer()
 same => n,Echo()
exten => 4401,1,Hangup(17)
[nobody]
"""
SETTLE_S = 1.5
ALIGNED_S = 10.0
CIRCUITS = 4


def _first(address: str) -> int:
    """The first channel of a span, by its address."""
    for span in sorted(Path("/proc/dahdi").iterdir()):
        told = span.read_text()
        channel = re.search(r"^\s+(\d+) ", told, re.MULTILINE)
        if address in told and channel is not None:
            return int(channel[1])
    raise AssertionError(f"no span {address}: {[path.read_text() for path in Path('/proc/dahdi').iterdir()]}")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, spans: None) -> Iterator[Daemon]:
    """The exchange, at both ends of the trunk, both links up and all circuits free."""
    plug(CABLES, "ss7")
    numbers = {}
    for name, address in (("one", "7:0"), ("two", "7:1")):
        first = _first(address)
        last = first + CIRCUITS - 1
        numbers |= {name: first, f"{name}_last": last, f"{name}_link": last + 1, f"{name}_other": last + 2}
    plug(SYSTEM_CONF.format(cables=CABLES, **numbers), "ss7")
    folder: Path = tmp_path_factory.mktemp("offhook")
    with Daemon(folder, {"chan_dahdi.conf": CHANNELS.format(**numbers), "extensions.conf": PLAN}) as running:
        time.sleep(ALIGNED_S)
        yield running


def _idle(daemon: Daemon) -> bool:
    shown = daemon.cli("ss7 show channels").splitlines()[2:]
    return len(shown) == 2 * CIRCUITS and all(line.split()[2] == "Yes" for line in shown)


def test_both_linksets_come_up_with_both_links(daemon: Daemon) -> None:
    for number in (1, 2):
        shown = daemon.cli(f"ss7 show linkset {number}")
        assert f"SS7 linkset {number} status: Up" in shown, shown + daemon.told()
        assert shown.count("INSERVICE,  UP") == 2, shown
    assert _idle(daemon), daemon.cli("ss7 show channels")


def test_a_phone_calls_through_and_is_heard(daemon: Daemon) -> None:
    with lines(5) as (phone,):
        time.sleep(SETTLE_S)
        phone.hook(Hook.OFF)
        hear(phone, 1.0)
        phone.dial("T8")
        phone.expect(Event.DIALCOMPLETE)
        hear(phone, 3.0)
        assert "5550101 4321 10" in daemon.cli("dialplan show globals"), daemon.told()
        said = sound.encode(sound.tone((1000,), 2000), "ulaw")
        heard = sound.decode(talk(2.0, (phone, said))[0], "ulaw")
        assert hears(heard, 1000), daemon.told()
        phone.hook(Hook.ON)
        time.sleep(SETTLE_S)
        assert "0 active channels" in daemon.cli("core show channels count"), daemon.told()
    assert _idle(daemon), daemon.cli("ss7 show channels")


def test_busy_comes_back(daemon: Daemon) -> None:
    with lines(5) as (phone,):
        time.sleep(SETTLE_S)
        phone.hook(Hook.OFF)
        hear(phone, 1.0)
        phone.dial("T7")
        phone.expect(Event.DIALCOMPLETE)
        hear(phone, 3.0)
        assert "BUSY 17" in daemon.cli("dialplan show globals"), daemon.told()
        phone.hook(Hook.ON)
        time.sleep(SETTLE_S)
    assert _idle(daemon), daemon.cli("ss7 show channels")


def test_blocking_and_resets_pass(daemon: Daemon) -> None:
    daemon.cli("ss7 block cic 1 2 2")
    time.sleep(SETTLE_S)
    blocked = [line.split() for line in daemon.cli("ss7 show cics 2").splitlines()[1:]]
    assert [words[0] for words in blocked if words[-1] == "R:M"] == ["2"], blocked
    assert "GRS sent" in daemon.cli("ss7 reset group 1 2 1 3")
    time.sleep(SETTLE_S)
    assert _idle(daemon), daemon.cli("ss7 show channels")
