"""Firmware of an Astribank by its stages, against a simulated box: what arrives is what the files hold."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel_shims.astribank import firmware, fx2, hexfile, mpp
from kernel_shims.astribank.simulated.box import SimulatedAstribank
from kernel_shims.astribank.simulated.bus import SimulatedUsb
from kernel_shims.astribank.usb import UsbAddress, UsbGone, pipes
from kernel_shims.line import LineError

USB, FPGA = "USB_FW.203.hex", "FPGA_1161.203.hex"


def library(folder: Path, seed: int = 1) -> firmware.Library:
    """Small files with the names of the real ones."""
    chance = random.Random(seed)
    usb = [(0x0000, b"\x02\x1f\x00"), *((0x100 + 16 * place, chance.randbytes(16)) for place in range(120))]
    hexfile.write_hex(folder / USB, [*usb, (0xE000, b"tail")], "11452")
    hexfile.write_hex(folder / FPGA, [(16 * place & 0xFFFF, chance.randbytes(16)) for place in range(300)], "11404")
    for kind in (1, 2, 3, 4, 6):
        hexfile.write_hex(folder / f"PIC_TYPE_{kind}.hex", [(place, chance.randbytes(3)) for place in range(40)])
    return firmware.Library((folder,))


def plugged(stage: int = 0, serial: str = "SIM00001") -> tuple[SimulatedUsb, SimulatedAstribank]:
    """A box on a bus."""
    bus, box = SimulatedUsb(), SimulatedAstribank(serial, stage=stage)
    bus.plug("1-1", box)
    return bus, box


def load_all(bus: SimulatedUsb, files: firmware.Library, report: firmware.Report | None = None) -> list[str]:
    """Stage by stage, as the daemon does at each enumeration."""
    told: list[str] = []
    while any(firmware.needs(address) for address in bus.devices()):
        told += firmware.load_stage(bus, bus.devices()[0], files, report)
    return told


def test_a_box_without_firmware_gets_all_of_it(tmp_path: Path) -> None:
    files, (bus, box) = library(tmp_path), plugged()
    assert [f"{found.product:04x}" for found in bus.devices()] == ["1160"]
    assert not bus.devices()[0].serial, "before its firmware a box tells no label"
    report = firmware.Report()
    told = load_all(bus, files, report)
    assert [f"{found.product:04x}" for found in bus.devices()] == ["1162"]
    assert bus.devices()[0].serial == "SIM00001"
    for record in files.read(USB).records:
        assert box.memory[record.address : record.address + len(record.data)] == record.data
    assert box.fpga == b"".join(record.data for record in files.read(FPGA).records)
    assert box.fpga_version == "11404"
    assert box.programs == {
        kind: b"".join(record.data for record in files.read(f"PIC_TYPE_{kind}.hex").records) for kind in (1, 2, 3, 4, 6)
    }
    assert [USB in told[0], FPGA in told[1], "PIC_TYPE_6.hex" in told[2]] == [True, True, True]
    assert report.capabilities is not None and report.capabilities.fxs == 16 and report.capabilities.twinstar
    assert [card.kind for card in report.cards] == [1, 1, 7, 7, 7] and not report.echo_module


def test_the_usb_chip_is_written_while_its_processor_rests_in_few_transfers(tmp_path: Path) -> None:
    files = library(tmp_path)
    blocks = list(fx2.blocks(files.read(USB)))
    assert [address for address, _ in blocks] == [0x0000, 0x0100, 0x0100 + 1008, 0xE000]
    assert all(len(data) <= 1023 for _, data in blocks)
    bus, _ = plugged()
    device = bus.open(bus.devices()[0])
    with pytest.raises(LineError, match="is refused"):
        device.control(fx2.VENDOR_OUT, fx2.LOAD, 0, 0, b"running")


def test_a_missing_file_names_the_package(tmp_path: Path) -> None:
    files, (bus, _) = library(tmp_path), plugged()
    (tmp_path / USB).unlink()
    with pytest.raises(LineError, match=r"USB_FW\.203\.hex is not in .*dahdi-firmware-nonfree"):
        load_all(bus, files)


def test_a_missing_program_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    files, (bus, box) = library(tmp_path), plugged(stage=1)
    (tmp_path / "PIC_TYPE_4.hex").unlink()
    with pytest.raises(LineError, match="PIC_TYPE_4"):
        load_all(bus, files)
    assert not box.fpga


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (":0300430002BB7C80", "checksum"),
        (":03004300021F00", "octets long"),
        ("0300430002BB7C8F", 'begins with ":"'),
        (":0300430G021F0099", "hexadecimal"),
        (":00000107F8", "no kind"),
    ],
)
def test_a_damaged_file_is_told_with_its_line(tmp_path: Path, line: str, why: str) -> None:
    path = tmp_path / "X.hex"
    path.write_text(f"# a comment\n:03004300021F0099\n{line}\n:00000001FF\n")
    with pytest.raises(LineError, match=rf"X\.hex:3: .*{why}"):
        hexfile.read_hex(path)


def test_a_file_that_is_cut_short_is_told(tmp_path: Path) -> None:
    path = tmp_path / "X.hex"
    path.write_text(":03004300021F0099\n")
    with pytest.raises(LineError, match="cut short"):
        hexfile.read_hex(path)


def test_firmware_for_another_chip_is_not_loaded(tmp_path: Path) -> None:
    files, (bus, box) = library(tmp_path), plugged()
    hexfile.write_hex(tmp_path / USB, [(0x8000, b"external memory")])
    with pytest.raises(LineError, match="0x8000 is not in the chip"):
        load_all(bus, files)
    assert not box.resting


@given(records=st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(min_size=1, max_size=255)), max_size=20))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, records: list[tuple[int, bytes]]) -> None:
    path = tmp_path_factory.mktemp("hex") / "any.hex"
    hexfile.write_hex(path, records, "42")
    found = hexfile.read_hex(path)
    assert [(record.address, record.data) for record in found.records] == records
    assert found.version == "42"


def test_files_by_model_and_release() -> None:
    def box(product: int, release: int) -> UsbAddress:
        return UsbAddress("1-1", 1, 2, 0xE4E4, product, release)

    assert firmware.usb_firmware(box(0x1130, 0x0101)) == "USB_FW.hex"
    assert firmware.usb_firmware(box(0x1163, 0x0202)) == "USB_FW.202.hex"
    assert firmware.usb_firmware(UsbAddress("1-1", 1, 2, 0x04B4, 0x8613, 0)) == "USB_RECOV.hex"
    assert firmware.fpga_firmware(box(0x1131, 0x0101)) == "FPGA_FXS.hex"
    assert firmware.fpga_firmware(box(0x1151, 0x0101)) == "FPGA_1151.hex"
    assert firmware.fpga_firmware(box(0x1161, 0x0201)) == "FPGA_1161.201.hex"
    for wrong in (box(0x1160, 0x0300), box(0x1140, 0x0201)):
        with pytest.raises(LineError, match="no USB firmware is known"):
            firmware.usb_firmware(wrong)
    assert [firmware.needs(box(product, 0)) for product in (0x1160, 0x1161, 0x1162, 0x1163)] == [
        True,
        True,
        False,
        True,
    ]
    assert not firmware.needs(UsbAddress("1-1", 1, 2, 0x1D6B, 0x1160, 0))


def test_a_board_that_refuses_is_told_in_words(tmp_path: Path) -> None:
    library(tmp_path)
    bus, _ = plugged(stage=1)
    board = mpp.Board(bus.open(bus.devices()[0]))
    with pytest.raises(LineError, match="no destination is selected"):
        board.ask(mpp.Operation.SEND_SEGMENT, b"\0\0data")
    with pytest.raises(LineError, match="FPGA reports an error"):
        board.send_fpga(hexfile.HexFile(tmp_path / "empty.hex", "1", ()))


def test_answers_to_somebody_else_are_passed_over() -> None:
    bus, box = plugged(stage=1)
    board = mpp.Board(bus.open(bus.devices()[0]))
    box.say(0x88, mpp.HEADER.pack(6, 0x4711, mpp.ACKNOWLEDGE) + b"\0")
    assert board.status() == mpp.Status(False, "1.0", "", "large")


def test_twinstar_goes_over_to_the_other_host() -> None:
    bus, box = plugged(stage=2)
    board = mpp.Board(bus.open(bus.devices()[0]))
    board.set_watchdog(True)
    assert board.twinstar() == mpp.TwinStar(0, True, (True, False))
    assert board.extra_info() == "simulated"
    board.jump(1)
    assert box.twinstar_port == 0 and bus.devices(), "without power there it stays"
    box.powered[1] = True
    assert board.twinstar().power == (True, True)
    board.jump(1)
    assert box.twinstar_port == 1 and not bus.devices()
    bus.plug("1-1", box)
    assert box.stage == 2, "it comes back with its firmware"


def test_a_box_pulled_out_while_it_loads_is_told(tmp_path: Path) -> None:
    files, (bus, _) = library(tmp_path), plugged()
    address = bus.devices()[0]
    bus.unplug("1-1")
    with pytest.raises(UsbGone, match="unplugged"):
        list(firmware.load_stage(bus, address, files))


def test_reset_takes_a_box_back_to_the_beginning(tmp_path: Path) -> None:
    files, (bus, box) = library(tmp_path), plugged()
    load_all(bus, files)
    mpp.Board(bus.open(bus.devices()[0])).reset(whole=True)
    assert box.stage == 0
    load_all(bus, files)
    assert box.stage == 2


def test_endpoints_come_from_the_descriptors() -> None:
    _, box = plugged(stage=1)
    found = pipes(box.look.device() + box.look.configuration(), 1)
    assert (found.out, found.into, found.packet) == (0x04, 0x88, 512)
    with pytest.raises(LineError, match="no interface 2"):
        pipes(box.look.configuration(), 2)
