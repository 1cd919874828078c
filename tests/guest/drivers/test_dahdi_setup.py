"""Spans and channels set up by Offhook are, in the kernel, what Debian's dahdi_cfg makes of the same file."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from guest.dahdi_kernel import Line, frame, lines
from kernel_shims.astribank.xbus import Xpp
from kernel_shims.dahdi.configure import Configurator
from kernel_shims.dahdi.request import Device
from kernel_shims.dahdi.system import DahdiSystem
from kernel_shims.dahdi.system_conf import DynamicLine, read_system_conf
from kernel_shims.dahdi.zones import US, Zone
from kernel_shims.line import SIGNALLINGS, LineError
from offhook.drivers.dahdi.configuration.scanning import Proposal

pytestmark = pytest.mark.usefixtures("spans")

ENDS = ("8:0", "8:1")
SIZE = 31
GET_PARAMS, GETTONEZONE = 0xC088DA05, 0x8004DA16
RETURN_MASTER = 0x40000000
ZONES = {name: Zone(name, US.cadence, US.tones) for name in ("us", "uk", "de")}
EVERY_KIND = """\
span=%1,1,0,ccs,hdb3,crc4,yellow
fxoks = @1-@4
fxols=@5
fxogs=@6
fxsks=@7,@8
fxsls=@9
fxsgs=@10
e&m=@11-@12
cas=@13-@14:1101
user=@15:0101
unused=@16
bchan=@17-@18, @20
indclear=@19
dchan=@21
alaw=@1-@2
mulaw=@3,@17
deflaw=@2
echocanceller=mg2,@1-@4
echocanceller=kb1,@2
loadzone=us
loadzone=uk
defaultzone=uk
"""
BUNDLES = """\
span=%1,0,3,esf,b8zs
span=%2,2,7,d4,ami,yellow
clear=@1-@3
clear=@5,@6
rawhdlc=@7-@8
fcshdlc=@9-@10,@12
dchan=@13,@14
56k=@13
dacs=@20-@21:@40
dacsrbs=@22:@43
e&m=@23
"""
ANOTHER = """\
span=%1,0,0,cas,hdb3
fxsks=@1-@4
clear=@7-@8
fcshdlc=@9
bchan=@10-@12
cas=@13:0000
fxoks=@20-@22,@40
echocanceller=jpah,@1
"""


class Pair:
    """Two spans that are one cable, made and taken out again."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "system.conf"
        self.spans: list[range] = []
        self.numbers: list[int] = []

    def make(self) -> None:
        """Make both."""
        before = Xpp().spans()
        configurator = Configurator()
        for end in ENDS:
            list(configurator.create_dynamic("none", DynamicLine("loc", end, SIZE, 0)))
        configurator.close()
        found = Xpp().spans()
        self.numbers = sorted(found.keys() - before.keys())
        self.spans = [found[number] for number in self.numbers]
        assert [len(span) for span in self.spans] == [SIZE, SIZE]

    def destroy(self) -> None:
        """Take both out."""
        configurator = Configurator()
        for end in ENDS:
            configurator.destroy_dynamic("loc", end)
        configurator.close()

    def channel(self, number: int) -> int:
        """The number of a channel of the pair, counted from 1."""
        return [*self.spans[0], *self.spans[1]][number - 1]

    def write(self, text: str) -> None:
        """The file: @N are channels of the pair, %N its spans."""
        text = re.sub(r"@(\d+)", lambda found: str(self.channel(int(found[1]))), text)
        self.path.write_text(re.sub(r"%(\d)", lambda found: str(self.numbers[int(found[1]) - 1]), text))

    def by_dahdi_cfg(self, text: str) -> int:
        """Set up by Debian's program; its exit status."""
        self.write(text)
        return subprocess.run(("dahdi_cfg", "-c", self.path), capture_output=True, check=False).returncode

    def by_offhook(self, text: str) -> list[str]:
        """Set up by ours; what it told."""
        self.write(text)
        configurator = Configurator()
        try:
            return list(configurator.apply(read_system_conf(self.path), ZONES))
        finally:
            configurator.close()

    def state(self) -> dict[str, object]:
        """Everything that the kernel tells of both."""
        time.sleep(0.05)  # signalling bits go over the cable
        found: dict[str, object] = {}
        control = os.open("/dev/dahdi/ctl", os.O_RDWR)
        for channel in (*self.spans[0], *self.spans[1]):
            asked = struct.pack("i132x", channel | RETURN_MASTER)
            words = struct.unpack("12i", fcntl.ioctl(control, GET_PARAMS, asked)[:48])
            # Not: channel and master together, span, place, capabilities, what the far end does.
            found[f"channel {channel}"] = (words[0] >> 16, words[3], *words[6:12])
        os.close(control)
        for number in self.numbers:
            found[f"span {number}"] = Path(f"/proc/dahdi/{number}").read_text()
            for name in ("lineconfig", "lbo", "syncsrc", "alarms"):
                place = Path(f"/sys/bus/dahdi_spans/devices/span-{number}/{name}")
                found[f"span {number} {name}"] = place.read_text() if place.exists() else ""
        with lines(self.channel(1)) as (line,):
            found["zone"] = struct.unpack("i", fcntl.ioctl(line.fd, GETTONEZONE, bytes(4)))
        return found


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """A pair that nobody set up yet."""
    made = Pair(tmp_path)
    made.make()
    yield made
    made.destroy()


@pytest.mark.parametrize(
    "files",
    [(EVERY_KIND,), (BUNDLES,), (EVERY_KIND, ANOTHER), (BUNDLES, ANOTHER)],
    ids=["every kind", "bundles", "every kind and then another", "bundles and then another"],
)
def test_the_kernel_s_state_is_the_same(pair: Pair, files: tuple[str, ...]) -> None:
    states = []
    for by in (pair.by_dahdi_cfg, pair.by_offhook):
        for text in files:
            done = by(text)
            assert done != 1, text
        states.append(pair.state())
        pair.destroy()
        pair.make()
    assert states[1] == states[0]
    assert len(set(map(str, states[0].values()))) > 8, "all sorts of channels were seen"


def test_what_is_set_up_already_is_left_alone(pair: Pair) -> None:
    """Setting a channel up puts it on hook; a telephone that is off hook would be heard to flash."""
    told = pair.by_offhook("fxoks=@1-@4\nfxsks=@32-@35\nalaw=@1\n")
    assert "8 channels" in told
    told = pair.by_offhook("fxoks=@1-@4\nfxsks=@32-@35\nalaw=@1\n")
    assert "0 channels, 8 are set up already" in told


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "\nhardhdlc=@1",
            r"system.conf:2: hardhdlc=\d+: the hardware of channel \d+ cannot be that; it can be fxsls, ",
        ),
        ("mtp2=@1", "cannot be that; it can be .*dchan, rawhdlc, nethdlc"),
        ("e&me1=@1", "cannot be that; it can be fxsls, fxsgs, fxsks, fxols, fxogs, fxoks, e&m, bchan"),
        ("nethdlc=@1-@2:hdlc7", r"built without network interfaces \(CONFIG_DAHDI_NET\)"),
        ("fxoks=901", "system.conf:1: fxoks=901: there is no channel 901"),
        ("span=99,0,0,ccs,hdb3", "system.conf:1: span=99: there is no span 99"),
        ("fxoks=@1\nechocanceller=nope,@1", r"system.conf:2: echocanceller=nope,\d+: .* no such canceller, but .*MG2"),
        ("loadzone=xx", "system.conf:1: loadzone=xx: indications.conf has no such zone; it has de, uk, us"),
        ("loadzone=us\ndefaultzone=de", "system.conf:2: defaultzone=de: the zone is not loaded; add loadzone=de"),
    ],
)
def test_what_cannot_be_is_told_with_its_line_and_refused_by_dahdi_cfg_too(
    pair: Pair, text: str, sentence: str
) -> None:
    with pytest.raises(LineError, match=sentence):
        pair.by_offhook(f"{text}\n")
    if "zone" not in text:
        assert pair.by_dahdi_cfg(f"{text}\n")


def test_what_is_wrong_does_not_keep_the_rest_from_being_set_up(pair: Pair) -> None:
    with pytest.raises(LineError) as told:
        pair.by_offhook("loadzone=xx\nhardhdlc=@1\nfxoks=@2\nspan=99,0,0,ccs,hdb3\ne&me1=@3\nfxsks=@4\n")
    assert [line.partition(".conf:")[2][0] for line in str(told.value).splitlines()] == ["1", "4", "2", "5"]
    system = DahdiSystem()
    found = [system.channel(pair.channel(number)).signalling for number in (1, 2, 3, 4)]
    assert found == [0, SIGNALLINGS["fxo_ks"], 0, SIGNALLINGS["fxs_ks"]]


def test_frames_go_as_slowly_as_the_file_says(pair: Pair) -> None:
    def arrives() -> bool:
        with lines(pair.channel(16), pair.channel(47), block=1024, blocks=32) as (one, other):
            time.sleep(0.1)
            return frame(one, other, b"\2\1 slow", 0.3) == b"\2\1 slow"

    pair.by_offhook("dchan=@16,@47\n56k=@16,@47\n")
    assert arrives()
    pair.by_offhook("dchan=@16,@47\n56k=@16\n")
    assert not arrives(), "one end still sends all eight bits"
    pair.by_offhook("dchan=@16,@47\n")
    assert arrives()


def test_channels_that_cannot_be_had_are_told_with_what_there_is(pair: Pair) -> None:
    system = DahdiSystem()
    first, last = pair.spans[1][0], pair.spans[1][-1]
    with pytest.raises(LineError, match=rf"no such channel {last + 1}; span 1 has 1-4, .* has {first}-{last}$"):
        system.open(last + 1)
    shell = subprocess.Popen(
        ("busybox", "sh", "-c", "exec 3</dev/dahdi/chan/001/003 && echo open; read x"), stdin=-1, stdout=-1
    )
    assert shell.stdout is not None and shell.stdout.readline()
    with pytest.raises(LineError, match=rf"channel 3: .*busy; somebody else has it open: .*process {shell.pid}\)"):
        system.open(3)
    shell.communicate(b"\n")
    system.open(3).close()
    os.seteuid(65534)
    try:
        with pytest.raises(
            LineError, match="/dev/dahdi/channel: Permission denied; /dev/dahdi is root's alone; Offhook"
        ):
            Device("/dev/dahdi/channel")
    finally:
        os.seteuid(0)
    Line(3).close()


def test_configuration_on_a_read_only_file_system_is_told(tmp_path: Path) -> None:
    """lines scan apply: an appliance may have its configuration there."""
    path = tmp_path / "etc/chan_dahdi.conf"
    path.parent.mkdir()
    subprocess.run(("busybox", "mount", "-t", "tmpfs", "-o", "ro", "tmpfs", path.parent), check=True)
    try:
        with pytest.raises(LineError, match=r"chan_dahdi\.conf cannot be written: Read-only file system; let"):
            Proposal(path, "[channels]\n").write()
    finally:
        subprocess.run(("busybox", "umount", path.parent), check=True)


def test_the_master_of_the_clock_is_told(pair: Pair) -> None:
    spans = {span.number: span for span in DahdiSystem().spans()}
    masters = [number for number, span in spans.items() if span.master]
    for number in spans:
        shown = Path(f"/sys/bus/dahdi_spans/devices/span-{number}/is_sync_master").read_text().strip()
        assert (shown == "1") == (number in masters), shown
    assert len(masters) <= 1
