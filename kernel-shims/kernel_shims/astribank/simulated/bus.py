"""A bus in process with simulated devices: what the firmware stages are tried on without a kernel."""

from __future__ import annotations

from kernel_shims.astribank.simulated.device import Setup, SimulatedDevice, Stall
from kernel_shims.astribank.usb import Pipes, UsbAddress, UsbGone, UsbTimeout, pipes
from kernel_shims.line import LineError


class SimulatedUsb:
    """See UsbBus. Each enumeration of a device has a number of its own."""

    def __init__(self) -> None:
        self._plugged: dict[str, SimulatedDevice] = {}
        self._numbers: dict[str, int] = {}
        self._last = 0

    def plug(self, name: str, device: SimulatedDevice) -> None:
        """Plug a device into a socket."""
        self._plugged[name] = device
        device.on_change = lambda: self._enumerate(name)
        device.on_leave = lambda: self.unplug(name)
        self._enumerate(name)

    def unplug(self, name: str) -> None:
        """Pull it out."""
        device = self._plugged.pop(name)
        device.on_change = device.on_leave = None
        self._last += 1
        self._numbers[name] = self._last

    def _enumerate(self, name: str) -> None:
        self._last += 1
        self._numbers[name] = self._last

    def devices(self) -> list[UsbAddress]:
        """See UsbBus."""
        return [
            UsbAddress(
                name,
                1,
                self._numbers[name],
                device.look.vendor,
                device.look.product,
                device.look.release,
                device.look.serial,
            )
            for name, device in sorted(self._plugged.items())
        ]

    def open(self, address: UsbAddress) -> OpenDevice:
        """See UsbBus."""
        opened = OpenDevice(self, address)
        opened.device()
        return opened

    def find(self, address: UsbAddress) -> SimulatedDevice:
        """The device of an address. Raises UsbGone once it is another."""
        if self._numbers.get(address.name) != address.number or address.name not in self._plugged:
            raise UsbGone(f"{address}: it was unplugged, or enumerated anew")
        return self._plugged[address.name]


class OpenDevice:
    """See UsbDevice."""

    def __init__(self, bus: SimulatedUsb, address: UsbAddress) -> None:
        self.address = address
        self._bus = bus
        self._open = True

    def device(self) -> SimulatedDevice:
        """What it is. Raises LineError."""
        if not self._open:
            raise LineError(f"{self.address}: it is closed")
        return self._bus.find(self.address)

    def control(self, request_type: int, request: int, value: int, index: int, data: bytes) -> None:
        """See UsbDevice."""
        try:
            self.device().control(Setup(request_type, request, value, index, len(data)), data)
        except Stall:
            raise LineError(f"{self.address}: control request {request:#04x} is refused") from None

    def claim(self, interface: int) -> Pipes:
        """See UsbDevice."""
        return pipes(self.device().look.configuration(), interface)

    def write(self, endpoint: int, data: bytes) -> None:
        """See UsbDevice."""
        try:
            self.device().written(endpoint, data)
        except Stall:
            raise LineError(f"{self.address}: endpoint {endpoint:#04x} refuses") from None

    def read(self, endpoint: int, timeout_ms: int) -> bytes:
        """See UsbDevice: what is not there now will not come while nobody does anything."""
        data = self.device().read(endpoint)
        if data is None:
            raise UsbTimeout(f"{self.address}: nothing to read within {timeout_ms} ms")
        return data

    def close(self) -> None:
        """See UsbDevice."""
        self._open = False
