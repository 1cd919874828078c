"""USB devices of this machine: what there is from sysfs, open ones by usbfs (include/uapi/linux/usbdevice_fs.h)."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
from pathlib import Path

from kernel_shims.astribank.usb import XORCOM, Pipes, UsbAddress, UsbGone, UsbTimeout, pipes
from kernel_shims.line import LineError

_WORDS = ("busnum", "devnum", "idVendor", "idProduct", "bcdDevice")
_PATIENCE_MS = 1000
_LONGEST = 512
_REMEDIES = {
    errno.EACCES: "there is no permission; run the daemon as root, or let a udev rule give its group vendor e4e4",
    errno.EPERM: "there is no permission; run the daemon as root, or let a udev rule give its group vendor e4e4",
    errno.EBUSY: "a driver or another program has it; end xpp_fxloader or astribank_tool and try again",
    errno.ENOENT: "it was unplugged, or its USB port lost power",
}
_GONE = (errno.ENODEV, errno.ESHUTDOWN, errno.ENOENT, errno.EPROTO)


class _Control(ctypes.Structure):
    _fields_ = [
        ("request_type", ctypes.c_uint8),
        ("request", ctypes.c_uint8),
        ("value", ctypes.c_uint16),
        ("index", ctypes.c_uint16),
        ("length", ctypes.c_uint16),
        ("timeout_ms", ctypes.c_uint32),
        ("data", ctypes.c_void_p),
    ]


class _Bulk(ctypes.Structure):
    _fields_ = [
        ("endpoint", ctypes.c_uint),
        ("length", ctypes.c_uint),
        ("timeout_ms", ctypes.c_uint),
        ("data", ctypes.c_void_p),
    ]


def _number(direction: int, number: int, size: int) -> int:
    return direction << 30 | size << 16 | ord("U") << 8 | number


_CONTROL = _number(3, 0, ctypes.sizeof(_Control))
_BULK = _number(3, 2, ctypes.sizeof(_Bulk))
_CLAIM = _number(2, 15, 4)
_RELEASE = _number(2, 16, 4)


class SystemUsb:
    """The buses of the machine; the folders can be others'."""

    def __init__(self, sysfs: Path = Path("/sys"), dev: Path = Path("/dev")) -> None:
        self._devices = sysfs / "bus/usb/devices"
        self._dev = dev
        self._serials: dict[tuple[str, str, str], str] = {}
        """Serial numbers of Astribanks by name, bus and device number.

        The kernel locks a device, and its texts, while it takes it away, for a second or more: who read them then could
        not let go of another box's channels in time.
        """

    def devices(self) -> list[UsbAddress]:
        """See UsbBus."""
        found = []
        names = sorted(self._devices.iterdir()) if self._devices.is_dir() else []
        for folder in names:
            try:
                found.append(self._address(folder))
            except (OSError, ValueError):  # an interface, or a device that just went
                continue
        here = {(one.name, str(one.bus), str(one.number)) for one in found}
        self._serials = {key: serial for key, serial in self._serials.items() if key in here}
        return found

    def _address(self, folder: Path) -> UsbAddress:
        bus, number, vendor, product, release = (_text(folder / name) for name in _WORDS)
        key = folder.name, bus, number
        if int(vendor, 16) == XORCOM and key not in self._serials:
            self._serials[key] = _text(folder / "serial") if (folder / "serial").exists() else ""
        numbers = int(bus), int(number), int(vendor, 16), int(product, 16), int(release, 16)
        return UsbAddress(folder.name, *numbers, self._serials.get(key, ""))

    def open(self, address: UsbAddress) -> UsbfsDevice:
        """See UsbBus."""
        try:
            descriptors = (self._devices / address.name / "descriptors").read_bytes()
        except OSError as error:
            raise UsbGone(f"{address}: {error.strerror}; it was unplugged") from None
        return UsbfsDevice(address, self._dev / f"bus/usb/{address.bus:03d}/{address.number:03d}", descriptors)


def _text(path: Path) -> str:
    return path.read_text(encoding="latin-1").strip()


class UsbfsDevice:
    """See UsbDevice."""

    def __init__(self, address: UsbAddress, path: Path, descriptors: bytes) -> None:
        self.address = address
        self._descriptors = descriptors
        self._claimed: list[int] = []
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            remedy = _REMEDIES.get(error.errno or 0, "is /dev/bus/usb mounted?")
            raise LineError(f"{path}: {error.strerror}; {remedy}") from None

    def _ask(self, request: int, argument: object, doing: str) -> int:
        try:
            return fcntl.ioctl(self._descriptor, request, argument)  # type: ignore[call-overload,no-any-return]
        except OSError as error:
            sentence = f"{self.address}: {doing}: {error.strerror}"
            if error.errno == errno.ETIMEDOUT:
                raise UsbTimeout(sentence) from None
            if error.errno in _GONE:
                raise UsbGone(f"{sentence}; it was unplugged, or its USB port lost power") from None
            remedy = _REMEDIES.get(error.errno or 0)
            raise LineError(f"{sentence}; {remedy}" if remedy else sentence) from None

    def control(self, request_type: int, request: int, value: int, index: int, data: bytes) -> None:
        """See UsbDevice."""
        room = ctypes.create_string_buffer(data, len(data))
        place = ctypes.addressof(room)
        order = _Control(request_type, request, value, index, len(data), _PATIENCE_MS, place)
        self._ask(_CONTROL, order, f"control request {request:#04x}")

    def claim(self, interface: int) -> Pipes:
        """See UsbDevice."""
        found = pipes(self._descriptors, interface)
        self._ask(_CLAIM, ctypes.c_uint(interface), f"claim interface {interface}")
        self._claimed.append(interface)
        return found

    def write(self, endpoint: int, data: bytes) -> None:
        """See UsbDevice."""
        room = ctypes.create_string_buffer(data, len(data))
        order = _Bulk(endpoint, len(data), _PATIENCE_MS, ctypes.addressof(room))
        done = self._ask(_BULK, order, f"write to endpoint {endpoint:#04x}")
        if done != len(data):
            raise LineError(f"{self.address}: endpoint {endpoint:#04x} took {done} of {len(data)} octets")

    def read(self, endpoint: int, timeout_ms: int) -> bytes:
        """See UsbDevice."""
        room = ctypes.create_string_buffer(_LONGEST)
        order = _Bulk(endpoint, _LONGEST, timeout_ms, ctypes.addressof(room))
        length = self._ask(_BULK, order, f"read from endpoint {endpoint:#04x}")
        return room.raw[:length]

    def close(self) -> None:
        """See UsbDevice."""
        if self._descriptor < 0:
            return
        for interface in self._claimed:
            try:
                fcntl.ioctl(self._descriptor, _RELEASE, ctypes.c_uint(interface))
            except OSError as error:
                if error.errno not in _GONE:
                    raise LineError(f"{self.address}: release interface {interface}: {error.strerror}") from None
        os.close(self._descriptor)
        self._descriptor = -1
