"""What the kernel tells of Astribanks and takes from us: folders of sysfs, messages of devices, and our own files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel_shims.astribank import spans_conf
from kernel_shims.astribank.initcard.launch import write_launchers
from kernel_shims.astribank.spans_conf import Assignment, allot, parse_assignments
from kernel_shims.astribank.uevents import parse
from kernel_shims.astribank.usb import UsbAddress
from kernel_shims.astribank.usbfs import SystemUsb
from kernel_shims.astribank.xbus import Xpp
from kernel_shims.line import LineError


def write(root: Path, files: dict[str, str]) -> None:
    """Files below a folder."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def kernel(root: Path) -> Xpp:
    """A box with two modules as DAHDI 3.4.0 shows it, not registered yet."""
    box, first, second = "bus/astribanks/devices/xbus-00", "bus/xpds/devices/00:0:0", "bus/xpds/devices/00:1:0"
    write(
        root,
        {
            f"{box}/label": "usb:A1\n",
            f"{box}/connector": "usb-0000:00:14.0-1\n",
            f"{box}/status": "connected\n",
            f"{box}/xbus_state": "READY (4)\n",
            f"{box}/timing": "AB \n",
            f"{box}/dahdi_registration": "0\n",
            f"{first}/type": "FXS\n",
            f"{first}/hwid": "1.0\n",
            f"{first}/span": "0\n",
            f"{first}/offhook": "0 1" + " 0" * 12 + "\n",
            f"{first}/blink": "0x0\n",
            f"{first}/timing_priority": "0\n",
            f"{second}/type": "FXO\n",
            f"{second}/hwid": "2.0\n",
            f"{second}/span": "0\n",
            f"{second}/offhook": "0" + " 0" * 7 + "\n",
            f"{second}/blink": "0xff\n",
            f"{second}/timing_priority": "0\n",
            "bus/dahdi_devices/devices/other/location": "PCI Bus 01\n",
            "bus/dahdi_devices/devices/other/hardware_id": "\n",
            "bus/dahdi_devices/devices/astribanks:xbus-00/location": "usb-0000:00:14.0-1\n",
            "bus/dahdi_devices/devices/astribanks:xbus-00/hardware_id": "usb:A1\n",
            "bus/dahdi_spans/devices/span-1/basechan": "1\n",
            "bus/dahdi_spans/devices/span-1/channels": "31\n",
            "bus/astribanks/drivers/xppdrv/sync": "SYNC=00\n",
            "module/dahdi/parameters/auto_assign_spans": "1\n",
        },
    )
    return Xpp(root)


def test_boxes_and_their_modules_are_read(tmp_path: Path) -> None:
    xpp = kernel(tmp_path)
    (box,) = xpp.boxes()
    assert (box.name, box.identity, box.state, box.connected, box.registered) == (
        "xbus-00",
        "usb:A1",
        "READY",
        True,
        False,
    )
    assert [(one.kind, one.channels, one.blinking) for one in box.spans] == [("FXS", 14, 0), ("FXO", 8, 0xFF)]
    assert box.modules[0].off_hook[1] and not any(box.modules[1].off_hook)
    assert xpp.spans() == {1: range(1, 32)} and xpp.clock() == "SYNC=00"
    assert not Xpp(tmp_path / "nothing").boxes()


def test_a_box_is_registered_without_dahdi_numbering_it(tmp_path: Path) -> None:
    xpp = kernel(tmp_path)
    (box,) = xpp.boxes()
    xpp.register(box)
    assert (tmp_path / "bus/astribanks/devices/xbus-00/dahdi_registration").read_text() == "1"
    assert (tmp_path / "module/dahdi/parameters/auto_assign_spans").read_text() == "1", "put back"
    xpp.assign(box, Assignment(2, 7, 45))
    devices = tmp_path / "bus/dahdi_devices/devices"
    assert (devices / "astribanks:xbus-00/assign_span").read_text() == "2:7:45"
    assert not (devices / "other/assign_span").exists()
    xpp.set_clock(None)
    assert xpp.clock() == "DAHDI"


def test_an_echo_canceller_is_no_span_and_pri_spans_get_their_types(tmp_path: Path) -> None:
    xpp = kernel(tmp_path)
    ports = {"00:2:0": ("E1", "4.0", 31), "00:2:1": ("E1", "4.0", 31), "00:4:0": ("ECHO", "5.0", 0)}
    for name, (kind, chip, channels) in ports.items():
        folder = f"bus/xpds/devices/{name}"
        numbers = {"span": "0\n", "blink": "0x0\n", "timing_priority": "0\n", "offhook": " 0" * channels + "\n"}
        write(tmp_path, {f"{folder}/{key}": text for key, text in numbers.items()})
        write(tmp_path, {f"{folder}/type": f"{kind}\n", f"{folder}/hwid": f"{chip}\n"})
    (box,) = xpp.boxes()
    assert [one.kind for one in box.modules] == ["FXS", "FXO", "E1", "E1", "ECHO"]
    assert [(one.kind, one.channels) for one in box.spans[2:]] == [("E1", 31), ("E1", 31)]
    xpp.set_type(box, 4, "T1")
    devices = tmp_path / "bus/dahdi_devices/devices/astribanks:xbus-00"
    assert (devices / "spantype").read_text() == "4:T1", "as DAHDI for old kernels has it"
    (devices / "dahdi_spantype").write_text("")
    xpp.set_type(box, 3, "T1")
    assert (devices / "dahdi_spantype").read_text() == "3:T1"


def test_what_cannot_be_written_is_told_with_the_file(tmp_path: Path) -> None:
    xpp = kernel(tmp_path)
    (box,) = xpp.boxes()
    path = tmp_path / "bus/xpds/devices/00:0:0/blink"
    path.unlink()
    path.mkdir()
    with pytest.raises(LineError, match=r"00:0:0/blink: 0xffff: Is a directory"):
        xpp.blink(box.modules[0], 0xFFFF)
    (tmp_path / "bus/dahdi_devices/devices/astribanks:xbus-00/location").write_text("elsewhere\n")
    with pytest.raises(LineError, match="DAHDI does not know it; is it registered"):
        xpp.assign(box, Assignment(1, 1, 1))


def test_usb_devices_are_found_and_told_when_they_cannot_be_opened(tmp_path: Path) -> None:
    base = "bus/usb/devices/1-1.2"
    names = {"busnum": "1", "devnum": "9", "idVendor": "e4e4", "idProduct": "1161", "bcdDevice": "0203", "serial": "A1"}
    write(tmp_path, {f"{base}/{name}": f"{text}\n" for name, text in names.items()})
    write(tmp_path, {"bus/usb/devices/1-1.2:1.0/bInterfaceNumber": "00\n", f"{base}/descriptors": ""})
    usb = SystemUsb(tmp_path, tmp_path / "dev")
    (address,) = usb.devices()
    assert address == UsbAddress("1-1.2", 1, 9, 0xE4E4, 0x1161, 0x0203, "A1") and address.is_astribank
    assert (address.model, address.stage) == (0x1160, 1)
    with pytest.raises(LineError, match=r"usb/001/009: No such file or directory; it was unplugged"):
        usb.open(address)


def test_texts_of_usb_devices_are_read_once_and_of_astribanks_only(tmp_path: Path) -> None:
    """The kernel lets nobody read them while it takes a device away."""
    numbers = {"busnum": "1", "idProduct": "1162", "bcdDevice": "0203"}
    for name, vendor in (("1-1", "e4e4"), ("1-2", "0781")):
        folder = f"bus/usb/devices/{name}"
        write(tmp_path, {f"{folder}/{key}": text for key, text in numbers.items()})
        write(tmp_path, {f"{folder}/idVendor": vendor, f"{folder}/devnum": name[-1], f"{folder}/serial": "A1"})
    other = tmp_path / "bus/usb/devices/1-2/serial"
    other.unlink()
    other.mkdir()
    usb = SystemUsb(tmp_path, tmp_path / "dev")
    assert [one.serial for one in usb.devices()] == ["A1", ""]
    (tmp_path / "bus/usb/devices/1-1/serial").write_text("never read")
    assert [one.serial for one in usb.devices()] == ["A1", ""]
    (tmp_path / "bus/usb/devices/1-1/devnum").write_text("9")
    assert [one.serial for one in usb.devices()] == ["never read", ""], "another device in the same socket"


@pytest.mark.parametrize("product", [0x0160, 0x1120, 0x1164, 0x1174, 0x1168, 0x2160])
def test_other_products_are_no_astribanks(product: int) -> None:
    assert not UsbAddress("1-1", 1, 1, 0xE4E4, product, 0).is_astribank


def test_messages_of_devices() -> None:
    event = parse(b"add@/devices/pci/usb1/1-1\0ACTION=add\0SUBSYSTEM=usb\0PRODUCT=e4e4/1160/203\0")
    assert event is not None and (event.action, event.subsystem) == ("add", "usb")
    assert event.values["PRODUCT"] == "e4e4/1160/203"
    assert parse(b"libudev\0\xfe\xed\xca\xfe") is None


@given(st.binary(max_size=200))
def test_no_message_is_too_odd(message: bytes) -> None:
    event = parse(message)
    assert event is None or event.path.startswith("/")


def test_assigned_spans_conf(tmp_path: Path) -> None:
    path = tmp_path / "assigned-spans.conf"
    path.write_text("# table\nusb:A1\t1:1:1 2:2:15 # both\n@usb-*-3 1:9:300\nusb:A1 3:3:40\n")
    found = spans_conf.read_assigned_spans(path)
    assert found.of("usb:A1") == [Assignment(1, 1, 1), Assignment(2, 2, 15), Assignment(3, 3, 40)]
    assert found.of("@usb-0000:00:1d.7-3") == [Assignment(1, 9, 300)] and not found.of("usb:B2")
    assert not spans_conf.read_assigned_spans(tmp_path / "none")
    path.write_text("usb:A1 1:1\n")
    with pytest.raises(LineError, match=r'assigned-spans\.conf:1: "1:1" is no assignment'):
        spans_conf.read_assigned_spans(path)
    with pytest.raises(ValueError, match="out of range"):
        parse_assignments("1:200:1")


def test_span_types_conf(tmp_path: Path) -> None:
    path = tmp_path / "span-types.conf"
    path.write_text("# all over the country\n* *:T1\nusb:A1 [34]:E1 # but here\n@usb-*-3 1:J1 2:E1\n")
    types = spans_conf.read_span_types(path)
    assert [types.of("usb:A1", "usb-x-1", local) for local in (1, 3, 4)] == ["T1", "E1", "E1"]
    assert [types.of("", "usb-0000:00:1d.7-3", local) for local in (1, 2, 3)] == ["J1", "E1", "T1"]
    assert not spans_conf.read_span_types(tmp_path / "none").of("usb:A1", "", 1)
    path.write_text("\nusb:A1 1:E3\n")
    with pytest.raises(LineError, match=r'span-types\.conf:2: "1:E3" gives no type; write LOCAL:TYPE'):
        spans_conf.read_span_types(path)


def test_xpp_order_comes_before_labels(tmp_path: Path) -> None:
    path = tmp_path / "xpp_order"
    path.write_text("usb:Z9 # the oldest\n@usb-1\n")
    order = spans_conf.read_order(path)
    boxes = ["usb:B2", "usb:A1", "@usb-1", "usb:Z9"]
    wanted = ["usb:Z9", "@usb-1", "usb:A1", "usb:B2"]
    assert sorted(boxes, key=lambda one: spans_conf.place_in_order(one, order)) == wanted


@given(
    st.lists(st.integers(1, 31), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 31)), max_size=6),
    st.lists(st.tuples(st.integers(1, 6), st.integers(1, 40), st.integers(1, 300)), max_size=6),
)
def test_numbers_never_collide_and_stay_where_they_can(
    counts: list[int], there: list[tuple[int, int]], before: list[tuple[int, int, int]]
) -> None:
    """Whatever spans there are and whatever a box had before."""
    taken, first = {}, 1
    for span, channels in there:
        if span not in taken:
            taken[span] = range(first, first + channels)
            first += channels
    kept = [Assignment(*one) for one in before]
    found = allot(counts, taken, kept)
    assert [one.local for one in found] == list(range(1, len(counts) + 1))
    used = dict(taken)
    for one, count in zip(found, counts, strict=True):
        reach = range(one.first, one.first + count)
        assert one.span not in used
        assert not any(set(reach) & set(other) for other in used.values())
        used[one.span] = reach
    again = allot(counts, taken, found)
    assert again == found, "what it had is what it gets"


def test_programs_for_cards_need_no_shell(tmp_path: Path) -> None:
    write_launchers(tmp_path / "xpp", "/usr/bin/python3", Path("/usr/lib/offhook"))
    text = (tmp_path / "xpp/init_card_2_30").read_text()
    assert text.startswith("#!/usr/bin/python3 -I\n") and "sys.path.insert(0, '/usr/lib/offhook')" in text
    assert (tmp_path / "xpp/init_card_6_30").stat().st_mode & 0o777 == 0o755
    compile(text, "init_card_2_30", "exec")
