"""Astribanks in an exchange: plugged in, loaded, numbered by label; pulled out in a call, and back again."""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from kernel_shims.astribank.firmware import Library
from kernel_shims.astribank.hexfile import write_hex
from kernel_shims.astribank.simulated.box import SimulatedAstribank
from kernel_shims.astribank.simulated.bus import SimulatedUsb
from kernel_shims.astribank.simulated.driver import SimulatedXpp
from kernel_shims.line import SIGNALLINGS
from offhook.drivers.dahdi.astribank.attendant import DRIVER, LIBRARY, PART, USB, Astribanks, somebody_else_loads
from offhook.drivers.dahdi.astribank.measuring import voltages
from offhook.log import VERBOSE
from offhook.modules import CommandError
from support.line_story import Office

CONFIGURATION = """\
[channels]
signalling = fxo_ks
context = phones
channel => 1-8,15-22,23-30,37-44
"""
PLAN = """\
[phones]
exten => 600,1,Answer()
 same => n,Echo()
exten => 102,1,Dial(DAHDI/2,20)
"""


class Shelf:
    """An office whose lines come from boxes on a bus."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.usb = SimulatedUsb()
        self.driver = SimulatedXpp(self.usb, office.system)
        self.folder = office.folder / "firmware"
        self.folder.mkdir()
        chance = random.Random(3)
        for name in ("USB_FW.203.hex", "FPGA_1161.203.hex"):
            write_hex(self.folder / name, [(16 * place, chance.randbytes(16)) for place in range(20)])
        for kind in (1, 2, 3, 4, 6):
            write_hex(self.folder / f"PIC_TYPE_{kind}.hex", [(place, chance.randbytes(3)) for place in range(5)])
        office.pbx.paths.run = str(office.folder / "run")
        office.pbx.parts |= {USB: self.usb, DRIVER: self.driver, LIBRARY: Library((self.folder,))}

    @property
    def boxes(self) -> Astribanks:
        """Who attends to them."""
        found: Astribanks = self.office.pbx.parts[PART]
        return found

    async def begin(self, configuration: str = CONFIGURATION) -> None:
        """Start the exchange."""
        await self.office.begin(configuration, PLAN)

    def plug(self, name: str, serial: str, stage: int = 0, cards: Sequence[str] = ("fxs", "fxs")) -> SimulatedAstribank:
        """Plug a box in."""
        box = SimulatedAstribank(serial, stage=stage, cards=cards)
        self.usb.plug(name, box)
        return box

    def unplug(self, name: str) -> None:
        """Pull one out: the kernel tells at once."""
        self.usb.unplug(name)
        self.driver.look()

    async def settled(self) -> None:
        """All boxes are ready and numbered."""

        def done() -> bool:
            boxes = self.driver.boxes()
            numbered = all(module.span for box in boxes for module in box.spans)
            return not self.boxes.pending() and numbered and len(boxes) == len(self.boxes.standing)

        await self.office.until(done, 30.0)
        await self.office.advance(0.5)

    def spans(self) -> dict[str, list[tuple[int, int]]]:
        """Span and first channel of each module, by label."""
        return {
            box.label: [(module.span, self.driver.spans()[module.span].start) for module in box.spans]
            for box in self.driver.boxes()
        }


async def test_a_box_plugged_in_later_brings_its_channels(office: Office) -> None:
    shelf = Shelf(office)
    await shelf.begin()
    assert not office.pbx.parts["dahdi"].ports
    box = shelf.plug("1-1", "A1")
    shelf.boxes.look()
    await shelf.settled()
    assert box.stage == 2 and box.fpga
    assert shelf.spans() == {"usb:A1": [(1, 1), (2, 15)]}
    assert sorted(office.pbx.parts["dahdi"].ports) == [*range(1, 9), *range(15, 23)]
    office.phone(2).off_hook()
    await office.advance(1.0)
    assert office.phone(2).hears(350, 440)
    office.phone(2).on_hook()
    await office.advance(1.0)


async def test_numbers_go_by_label_whichever_box_was_quicker(office: Office) -> None:
    shelf = Shelf(office)
    shelf.plug("1-1", "B2", stage=2)
    shelf.plug("1-2", "A1", stage=0)
    await shelf.begin()
    await shelf.settled()
    assert shelf.spans() == {"usb:A1": [(1, 1), (2, 15)], "usb:B2": [(3, 23), (4, 37)]}


async def test_a_box_keeps_its_numbers_in_another_socket_and_while_it_is_away(office: Office) -> None:
    shelf = Shelf(office)
    shelf.plug("1-1", "A1", stage=2)
    await shelf.begin()
    await shelf.settled()
    shelf.unplug("1-1")
    shelf.plug("1-1", "B2", stage=2)
    shelf.boxes.look()
    await shelf.settled()
    assert shelf.spans() == {"usb:B2": [(3, 23), (4, 37)]}, "those of A1 are kept for it"
    shelf.plug("1-4", "A1")
    shelf.boxes.look()
    await shelf.settled()
    assert shelf.spans() == {"usb:A1": [(1, 1), (2, 15)], "usb:B2": [(3, 23), (4, 37)]}


async def test_assigned_spans_conf_pins_numbers(office: Office) -> None:
    shelf = Shelf(office)
    (office.folder / "dahdi").mkdir()
    (office.folder / "dahdi/assigned-spans.conf").write_text("# pinned\nusb:A1 1:7:37\nusb:A* 2:3:15\n")
    shelf.plug("1-1", "A1", stage=2)
    await shelf.begin()
    await shelf.settled()
    assert shelf.spans() == {"usb:A1": [(7, 37), (3, 15)]}
    assert not office.pbx.astdb.tree("astribank"), "the file decides, nothing needs to be remembered"


async def test_span_types_are_set_before_spans_are_numbered(office: Office) -> None:
    """A T1 has fewer channels than an E1, so what comes behind it begins earlier."""
    shelf = Shelf(office)
    (office.folder / "dahdi").mkdir()
    (office.folder / "dahdi/span-types.conf").write_text("usb:A1 5:T1 1:T1\n")
    shelf.plug("1-1", "A1", stage=2, cards=("fxs", "bri", "pri"))
    shelf.plug("1-2", "B2", stage=2, cards=("pri",))
    await shelf.begin()
    await shelf.settled()
    first, _ = shelf.driver.boxes()
    assert [module.kind for module in first.modules] == ["FXS", "BRI_TE", "BRI_NT", "E1", "T1"]
    assert shelf.spans()["usb:A1"] == [(1, 1), (2, 15), (3, 18), (4, 21), (5, 52)]
    assert shelf.spans()["usb:B2"] == [(6, 76), (7, 107)]
    told = await office.cli("xpp show A1")
    assert "  module 00:1:1: BRI_NT, span 3, channels 18-20" in told
    assert "  licensed ports: 8 FXS, 2 BRI, 2 PRI" in told
    assert all(len(line) <= 80 for line in told)


async def test_a_type_that_the_driver_refuses_is_told(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    shelf = Shelf(office)
    (office.folder / "dahdi").mkdir()
    (office.folder / "dahdi/span-types.conf").write_text("* *:J1\n")
    shelf.plug("1-1", "A1", stage=2, cards=("pri",))
    await shelf.begin()
    await office.advance(5.0)
    told = [record.message for record in caplog.records if "1:J1" in record.message]
    assert told == ["dahdi_spantype: 1:J1: Function not implemented"], "once"


async def test_pulled_out_in_a_call_the_call_ends_and_its_channels_come_back(office: Office) -> None:
    shelf = Shelf(office)
    shelf.plug("1-1", "A1", stage=2)
    await shelf.begin()
    await shelf.settled()
    phone = office.phone(1)
    phone.off_hook()
    await office.advance(1.0)
    phone.dial("600")
    await office.until(lambda: office.pbx.channels.by_prefix("DAHDI/1-") is not None)
    await office.advance(6.0)
    opened = [port for port in office.system.ports.values() if port.is_open]
    assert len(opened) == 16
    shelf.unplug("1-1")
    await office.advance(0.1)
    assert office.pbx.channels.by_prefix("DAHDI/1-") is None
    assert not [port for port in opened if port.is_open], "every descriptor of the span is closed"
    assert not office.pbx.parts["dahdi"].ports
    shelf.plug("1-1", "A1")
    shelf.boxes.look()
    await shelf.settled()
    assert sorted(office.pbx.parts["dahdi"].ports) == [*range(1, 9), *range(15, 23)]
    office.phone(1).off_hook()
    await office.advance(1.0)
    assert office.phone(1).hears(350, 440)
    office.phone(1).on_hook()
    await office.advance(1.0)


async def test_missing_firmware_is_told_once_and_tried_again_when_asked(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    shelf = Shelf(office)
    gone = shelf.folder / "FPGA_1161.203.hex"
    kept = gone.read_text()
    gone.unlink()
    with caplog.at_level(VERBOSE):
        await shelf.begin()
        shelf.plug("1-1", "A1")
        shelf.boxes.look()
        await office.advance(10.0)
    told = [record.message for record in caplog.records if "FPGA_1161" in record.message]
    assert len(told) == 1 and "dahdi-firmware-nonfree" in told[0] and "xpp load" in told[0]
    gone.write_text(kept)
    assert "loading firmware" in "\n".join(await office.cli("xpp load"))
    await shelf.settled()
    assert shelf.spans() == {"usb:A1": [(1, 1), (2, 15)]}


async def test_channels_that_wait_for_a_box_are_no_errors(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    shelf = Shelf(office)
    shelf.plug("1-1", "A1")
    with caplog.at_level(VERBOSE):
        await shelf.begin()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert any(
        "channels 1-8,15-30,37-44 are not there yet: Astribank at USB 1-1 still loading" in line.message
        for line in caplog.records
    )
    await shelf.settled()
    assert 1 in office.pbx.parts["dahdi"].ports


async def test_boxes_on_the_console(office: Office) -> None:
    shelf = Shelf(office)
    box = shelf.plug("1-1", "A1", stage=2)
    await shelf.begin()
    await shelf.settled()
    told = await office.cli("xpp show")
    assert told[1].split() == ["usb:A1", "1-1", "ready", "1,2", "1-14,15-22", "master"]
    told += await office.cli("xpp show A1")
    assert "  module 00:0:0: FXS, span 1, channels 1-14" in told
    assert "  licensed ports: 16 FXS" in told
    assert "  TwinStar: this is USB-0, watchdog off guard, power USB-0 on, USB-1 off" in told
    assert "    input contact, channel 11" in told
    assert all(len(line) <= 80 for line in told)
    assert await office.cli("xpp sync dahdi") == ["Astribanks follow DAHDI"]
    assert await office.cli("xpp sync a1") == ["Astribanks follow usb:A1"]
    await office.cli("xpp blink on channel 16")
    assert shelf.driver.boxes()[0].modules[1].blinking == 2
    await office.cli("xpp blink off A1")
    assert not shelf.driver.boxes()[0].modules[1].blinking
    await office.meanwhile(office.cli("xpp blink bzzt span 1"))
    assert not shelf.driver.boxes()[0].modules[0].blinking
    assert await office.cli("xpp twinstar A1 jump") == ["usb:A1 USB-1 has no power: no other host is there"]
    assert await office.cli("xpp twinstar A1 watchdog on") == ["usb:A1 watchdog on"]
    with pytest.raises(CommandError, match="channel 12 is a contact, which has no lamp"):
        await office.cli("xpp blink on channel 12")
    with pytest.raises(CommandError, match='no Astribank "B2" is ready; there are usb:A1'):
        await office.cli("xpp show B2")
    box.powered[1] = True
    assert await office.cli("xpp twinstar A1 jump") == ["usb:A1 goes over to USB-1"]
    shelf.driver.look()
    await office.advance(0.1)
    assert not office.pbx.parts["dahdi"].ports and not shelf.driver.boxes()


async def test_a_box_that_is_reset_comes_back_with_its_channels(office: Office) -> None:
    shelf = Shelf(office)
    shelf.plug("1-1", "A1", stage=2)
    await shelf.begin()
    await shelf.settled()
    assert await office.cli("xpp reset A1") == ["usb:A1 begins anew"]
    shelf.driver.look()
    await office.advance(0.2)
    assert not office.pbx.parts["dahdi"].ports
    shelf.boxes.look()
    await shelf.settled()
    assert shelf.spans() == {"usb:A1": [(1, 1), (2, 15)]}


async def test_contacts_start_calls_and_are_switched_by_calls(office: Office) -> None:
    shelf = Shelf(office)
    shelf.plug("1-1", "A1", stage=2)
    await office.begin(
        "[channels]\nsignalling = fxo_ks\ncontext = contacts\nchannel => 9-10\nimmediate = yes\nchannel => 11-14\n",
        "[contacts]\nexten => s,1,Set(GLOBAL(DOOR)=${CHANNEL})\n same => n,Dial(DAHDI/9,5)\n",
    )
    await shelf.settled()
    output, switch = office.phone(9), office.phone(12)
    switch.off_hook()
    await office.until(lambda: output.port.ringing)
    assert str(office.pbx.globals.get("DOOR")).startswith("DAHDI/12-")
    told = await office.cli("xpp contacts")
    assert [line.split()[1:] for line in told[1:3]] == [["9", "output", "closed"], ["10", "output", "open"]]
    await office.until(lambda: not output.port.ringing, 8.0)
    switch.on_hook()
    await office.advance(1.0)
    assert not list(office.pbx.channels)


async def test_wires_of_a_box_are_measured_by_its_chips(office: Office) -> None:
    shelf = Shelf(office)
    shelf.plug("1-1", "A1", stage=2)
    await shelf.begin()
    await shelf.settled()
    box = office.pbx.parts[USB]
    found = await voltages(office.pbx, 16)
    assert box is shelf.usb and found is not None and round(found.ring) == -49 and found.loop_ma == 0.0
    assert await voltages(office.pbx, 99) is None


async def test_what_is_found_becomes_configuration(office: Office) -> None:
    shelf = Shelf(office)
    shelf.plug("1-1", "A1", stage=2)
    await shelf.begin("[channels]\n")
    await shelf.settled()
    office.system.ports[20].signalling = 0  # the driver has not set it up
    changes = await office.cli("lines scan")
    assert {"+usb:A1 1:1:1 2:2:15", "+fxoks=20", "+channel => 1-8", "+channel => 15-22"} <= set(changes)
    at = changes.index("+channel => 11-14")
    assert changes[at - 2] == "+immediate = yes" and changes[at + 1] == "+immediate = no"
    assert not (office.folder / "dahdi").exists(), "nothing is written without apply"
    await office.cli("lines scan apply")
    assert (office.folder / "dahdi/assigned-spans.conf").read_text().splitlines()[-1] == "usb:A1 1:1:1 2:2:15"
    office.system.ports[20].signalling = SIGNALLINGS["fxo_ks"]
    await office.reload()
    assert sorted(office.pbx.parts["dahdi"].ports) == [*range(1, 23)]
    assert await office.cli("lines scan") == ["The configuration fits the hardware."]


def test_debians_own_loader_is_left_to_its_work(tmp_path: Path) -> None:
    rules, loader = tmp_path / "rules.d", tmp_path / "xpp_fxloader"
    rules.mkdir()
    assert somebody_else_loads((rules,)) is None
    rule = rules / "60-dahdi.rules"
    rule.write_text(f'# xpp_fxloader\nSUBSYSTEM=="usb", \\\n\tRUN+="{loader} udev $env{{PRODUCT}}"\n')
    assert somebody_else_loads((rules,)) is None, "the rule is there, its program is not"
    loader.touch()
    assert somebody_else_loads((rules,)) == rule
