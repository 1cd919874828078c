"""A DAHDI channel as a LinePort."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from kernel_shims.dahdi.request import DEV, Device
from kernel_shims.line import Happening, Hook, LineError, LineEvent, Termination, Voltages

_FLUSH_ALL = 7
_BUFFERS = 8
_FRAMES, _FRAME = 32, 1024
_LAMPS = {"lrev": 1, "hvdc": 2, "hvac": 4}
_DIGIT_KINDS = (Happening.PULSE_DIGIT, Happening.DTMF_DOWN, Happening.DTMF_UP)
_EINPROGRESS = 115
_DIAL_REPLACE = 2
_MOST_CADENCE = 16


def decode_event(raw: int) -> LineEvent | None:
    """The event of a number of GETEVENT's; None for a number that no driver of ours sends."""
    for kind in _DIGIT_KINDS:
        if raw & kind.value:
            return LineEvent(kind, chr(raw & 0xFF))
    try:
        return LineEvent(Happening(raw))
    except ValueError:
        return None


class DahdiPort:
    """One channel of /dev/dahdi. Made by ``DahdiSystem.open``."""

    def __init__(self, number: int, closed: Callable[[DahdiPort], None]) -> None:
        self._device = Device(f"{DEV}/channel", f"channel {number}")
        try:
            self._device.number("SPECIFY", number, "open")
            found = self._device.struct("params")
            self._device.ask("GET_PARAMS", found, "read its parameters")
        except LineError:
            self._device.close()
            raise
        self.number = number
        self.name = self._device.text(found.name)
        self.span = int(found.spanno)
        self.law = "alaw" if found.curlaw == 2 else "ulaw"
        self.signalling = int(found.sigtype)
        self.capabilities = int(found.sigcap)
        self._closed = closed

    @property
    def descriptor(self) -> int:
        """Sound, and POLLPRI for events; -1 once closed."""
        return self._device.descriptor

    def hook(self, state: Hook) -> None:
        """See LinePort. Ringing and flashing go on when this returns."""
        cell = self._device.ffi.new("int *", int(state))
        result = self._device.attempt("HOOK", cell)
        if result < 0 and result != -_EINPROGRESS:
            self._device.ask("HOOK", cell, f"hook {state.name.lower()}")

    def off_hook(self) -> bool:
        """See LinePort."""
        found = self._device.struct("params")
        self._device.ask("GET_PARAMS", found, "read its parameters")
        return bool(found.rxisoffhook)

    def cadence(self, times_ms: Sequence[int]) -> None:
        """See LinePort. The driver wants an even count of at most 16 times."""
        cadence = self._device.struct("ring_cadence")
        for place, ms in enumerate(times_ms[:_MOST_CADENCE]):
            cadence.ringcadence[place] = ms
        argument = cadence if times_ms else self._device.ffi.NULL
        self._device.ask("SETCADENCE", argument, "set the ring cadence")

    def ready_audio(self, block: int) -> None:
        """See LinePort."""
        buffers = self._device.struct("bufferinfo", numbufs=_BUFFERS, bufsize=block)
        self._device.ask("SET_BUFINFO", buffers, "set its buffers")
        self._device.number("FLUSH", _FLUSH_ALL & 3, "flush")

    def ready_frames(self) -> None:
        """See LinePort."""
        buffers = self._device.struct("bufferinfo", numbufs=_FRAMES, bufsize=_FRAME)
        self._device.ask("SET_BUFINFO", buffers, "set its buffers")

    def voice(self, on: bool) -> None:
        """See LinePort."""
        self._device.number("AUDIOMODE", int(on), "set audio mode")

    def loop(self, on: bool) -> None:
        """See LinePort."""
        self._device.number("LOOPBACK", int(on), "loop it back")

    def dial(self, digits: str) -> None:
        """See LinePort."""
        order = self._device.struct("dialoperation", op=_DIAL_REPLACE, dialstr=digits)
        self._device.ask("DIAL", order, f'dial "{digits}"')

    def dialing(self) -> bool:
        """See LinePort."""
        return bool(self._device.number("DIALING"))

    def on_hook_transfer(self, ms: int) -> None:
        """See LinePort."""
        self._device.number("ONHOOKTRANSFER", ms, "transfer on hook")

    def polarity(self, reversed_: bool) -> None:
        """See LinePort."""
        self._device.number("SETPOLARITY", int(reversed_), "set the polarity")

    def message_waiting(self, count: int) -> None:
        """See LinePort."""
        self._device.number("VMWI", count, "set the message lamp")

    def message_lamp(self, kinds: frozenset[str]) -> None:
        """See LinePort."""
        bits = sum(_LAMPS[kind] for kind in kinds)
        self._device.number("VMWI_CONFIG", bits, "choose the message lamp")

    def timing(self, times_ms: Mapping[str, int]) -> None:
        """See LinePort."""
        found = self._device.struct("params")
        self._device.ask("GET_PARAMS", found, "read its parameters")
        for name, ms in times_ms.items():
            setattr(found, f"{name}time", ms)
        self._device.ask("SET_PARAMS", found, "set its times")

    def hardware_gain(self, db: float, *, transmit: bool) -> None:
        """See LinePort."""
        gain = self._device.struct("hwgain", newgain=round(db * 10), tx=int(transmit))
        self._device.ask("SET_HWGAIN", gain, "set the hardware gain")

    def voltages(self) -> Voltages:
        """See LinePort."""
        found = self._device.struct("wctdm_stats")
        self._device.ask("WCTDM_STATS", found, "measure its wires")
        return Voltages(found.tipvolt / 1000, found.ringvolt / 1000, found.batvolt / 1000)

    def terminate(self, how: Termination) -> None:
        """See LinePort."""
        order = self._device.struct("wctdm_echo_coefs", acim=how.impedance)
        for place, tap in enumerate(how.taps):
            order.coef[place] = tap
        self._device.ask("WCTDM_ECHOTUNE", order, "set its termination")

    def alarms(self) -> int:
        """See LinePort."""
        found = self._device.struct("params")
        self._device.ask("GET_PARAMS", found, "read its parameters")
        return int(found.chan_alarms)

    def bits(self) -> int:
        """See LinePort."""
        return self._device.number("GETRXBITS")

    def set_bits(self, value: int) -> None:
        """See LinePort."""
        self._device.number("SETTXBITS", value, "set the signalling bits")

    def next_event(self) -> LineEvent | None:
        """See LinePort. A channel whose driver is gone says REMOVED, as one that was told so does."""
        while self._device.descriptor >= 0:
            cell = self._device.ffi.new("int *")
            if self._device.attempt("GETEVENT", cell) < 0:
                return LineEvent(Happening.REMOVED)
            if not cell[0]:
                return None
            event = decode_event(cell[0])
            if event is not None:
                return event
        return None

    def close(self) -> None:
        """See LinePort."""
        if self._device.descriptor >= 0:
            self._closed(self)
            self._device.close()
