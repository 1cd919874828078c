"""Astribanks as the xpp driver shows them in sysfs: boxes (xbus), modules (xpd), registration, spans, lamps, clock."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kernel_shims.astribank.initcard.registers import ChipRegisters
from kernel_shims.astribank.spans_conf import Assignment
from kernel_shims.line import LineError

_CHIP_KINDS = {"1": "FXS", "2": "FXO", "3": "BRI", "4": "PRI", "5": "ECHO", "6": "FXS"}
_NO_SPAN = "ECHO"
_DRIVERS = ("xpd_fxs", "xpd_fxo", "xpd_bri", "xpd_pri", "xpd_echo", "xpp_usb")
"""USB last: what it finds wants drivers for its cards."""
ALL_PORTS = 0xFFFF


@dataclass(frozen=True, slots=True)
class Module:
    """One module (XPD) of a box; ``span`` is 0 while it has none."""

    name: str
    """As sysfs has it: 00:1:0 for box, unit, subunit."""
    kind: str
    """FXS, FXO, BRI_TE, BRI_NT, E1, T1, ECHO."""
    span: int
    off_hook: tuple[bool, ...]
    """For each of its lines, contacts included."""
    blinking: int
    priority: int
    """For the choice of the clock; 0: none wished."""

    @property
    def channels(self) -> int:
        """How many lines and contacts it has."""
        return len(self.off_hook)


@dataclass(frozen=True, slots=True)
class Box:
    """One Astribank that has its firmware."""

    number: int
    label: str
    """usb:SERIAL; "" for one without a serial number."""
    connector: str
    """Where it is plugged in."""
    connected: bool
    state: str
    """READY, FAIL, ... of the driver."""
    timing: str
    registered: bool
    modules: tuple[Module, ...]

    @property
    def name(self) -> str:
        """As the driver calls it."""
        return f"xbus-{self.number:02d}"

    @property
    def identity(self) -> str:
        """What it is known by: its label, or where it is plugged in."""
        return self.label or f"@{self.connector}"

    @property
    def spans(self) -> tuple[Module, ...]:
        """The modules that are spans, in their order: their local numbers count from 1."""
        return tuple(module for module in self.modules if module.kind != _NO_SPAN)


class XppDriver(Protocol):
    """The xpp driver, real or simulated. What changes something raises LineError."""

    def load(self, init_folder: Path) -> None:
        """Have the driver, and have it set up cards by the programs of that folder."""

    def boxes(self) -> list[Box]:
        """The boxes there are, by number."""

    def spans(self) -> dict[int, range]:
        """Channels of every span there is, whosever it is, by its number."""

    def register(self, box: Box) -> None:
        """Make the box known to DAHDI; its spans have no numbers yet."""

    def set_type(self, box: Box, local: int, wanted: str) -> None:
        """Make a PRI span of a registered box that has no number yet an E1, T1 or J1."""

    def assign(self, box: Box, assignment: Assignment) -> None:
        """Give a span of the box its number, and its channels theirs."""

    def blink(self, module: Module, ports: int) -> None:
        """Let the lamps of some ports blink (a bit each), or none."""

    def chip(self, module: Module, port: int, registers: Sequence[int]) -> list[int]:
        """Read registers of a line's chip. Blocks for a moment."""

    def clock(self) -> str:
        """Whose clock all boxes follow: SYNC=NN, DAHDI or NO-SYNC."""

    def set_clock(self, box: Box | None) -> None:
        """Have all boxes follow that box's clock, or DAHDI's."""

    def begin_again(self, usb_name: str) -> None:
        """Let go of a box by its USB name and take it anew: its cards are set up once more."""


class Xpp:
    """See XppDriver. ``sysfs`` may be another folder."""

    def __init__(self, sysfs: Path = Path("/sys")) -> None:
        self._spans = sysfs / "bus/dahdi_spans/devices"
        self._boxes = sysfs / "bus/astribanks/devices"
        self._modules = sysfs / "bus/xpds/devices"
        self._devices = sysfs / "bus/dahdi_devices/devices"
        self._sync = sysfs / "bus/astribanks/drivers/xppdrv/sync"
        self._parameters = sysfs / "module"
        self._usb = sysfs / "bus/usb"

    def load(self, init_folder: Path) -> None:
        """See XppDriver. The modules of cards are loaded too: not every kernel can ask for them itself."""
        given = self._parameters / "xpp/parameters/initdir"
        if not given.exists():
            _modprobe("xpp", f"initdir={init_folder}")
        elif _text(given) != str(init_folder):
            _put(given, str(init_folder))
        for name in _DRIVERS:
            if not (self._parameters / name).exists():
                _modprobe(name)

    def spans(self) -> dict[int, range]:
        """See XppDriver."""
        found = {}
        for folder in self._spans.glob("span-*"):
            try:
                first, count = int(_text(folder / "basechan")), int(_text(folder / "channels"))
            except (OSError, ValueError):  # it is just going
                continue
            found[int(folder.name.partition("-")[2])] = range(first, first + count)
        return found

    def boxes(self) -> list[Box]:
        """See XppDriver."""
        if not self._boxes.is_dir():
            return []
        found = []
        for folder in sorted(self._boxes.glob("xbus-*")):
            try:
                found.append(self._box(folder))
            except OSError:  # it is just going
                continue
        return found

    def _box(self, folder: Path) -> Box:
        number = int(folder.name.partition("-")[2])
        modules = [self._module(path) for path in sorted(self._modules.glob(f"{number:02d}:*"))]
        state = _text(folder / "xbus_state").partition(" ")[0]
        connected, registered = _text(folder / "status") == "connected", _text(folder / "dahdi_registration") == "1"
        label, connector, timing = (_text(folder / name) for name in ("label", "connector", "timing"))
        return Box(number, label, connector, connected, state, timing, registered, tuple(modules))

    def _module(self, folder: Path) -> Module:
        kind = _text(folder / "type") or _CHIP_KINDS.get(_text(folder / "hwid").partition(".")[0], "?")
        hooks = tuple(word == "1" for word in _text(folder / "offhook").split())
        numbers = [int(_text(folder / name) or "0", 0) for name in ("span", "blink", "timing_priority")]
        return Module(folder.name, kind, numbers[0], hooks, numbers[1], numbers[2])

    # ---- what can be done ------------------------------------------------------------------------------------

    def register(self, box: Box) -> None:
        """See XppDriver."""
        automatically = self._parameters / "dahdi/parameters/auto_assign_spans"
        before = _text(automatically) if automatically.exists() else "0"
        changed = before != "0"
        if changed:
            _put(automatically, "0")
        try:
            _put(self._boxes / box.name / "dahdi_registration", "1")
        finally:
            if changed:
                _put(automatically, before)

    def assign(self, box: Box, assignment: Assignment) -> None:
        """See XppDriver."""
        _put(self._device(box) / "assign_span", str(assignment))

    def set_type(self, box: Box, local: int, wanted: str) -> None:
        """See XppDriver."""
        folder = self._device(box)
        # Without the prefix where DAHDI is built for a kernel before 4.13.
        name = "dahdi_spantype" if (folder / "dahdi_spantype").exists() else "spantype"
        _put(folder / name, f"{local}:{wanted}")

    def _device(self, box: Box) -> Path:
        for folder in self._devices.glob("*"):
            if _text(folder / "location") == box.connector and _text(folder / "hardware_id") == box.label:
                return folder
        raise LineError(f"{box.identity}: DAHDI does not know it; is it registered?")

    def blink(self, module: Module, ports: int) -> None:
        """See XppDriver."""
        _put(self._modules / module.name / "blink", f"{ports:#x}")

    def chip(self, module: Module, port: int, registers: Sequence[int]) -> list[int]:
        """See XppDriver."""
        chips = ChipRegisters(self._modules / module.name)
        return [chips.read(port, register) for register in registers]

    def clock(self) -> str:
        """See XppDriver."""
        return _text(self._sync)

    def set_clock(self, box: Box | None) -> None:
        """See XppDriver."""
        _put(self._sync, "DAHDI" if box is None else f"SYNC={box.number}")

    def begin_again(self, usb_name: str) -> None:
        """See XppDriver."""
        for name in ("unbind", "bind"):
            _put(self._usb / f"drivers/xpp_usb/{name}", f"{usb_name}:1.0")


def _modprobe(*words: str) -> None:
    try:
        done = subprocess.run(("modprobe", *words), capture_output=True, text=True, check=False)
    except OSError as error:
        raise LineError(f"modprobe {words[0]}: {error.strerror}; install kmod") from None
    if done.returncode:
        why = (done.stderr.strip() or "it failed").splitlines()[-1]
        raise LineError(f"modprobe {words[0]}: {why}; are the DAHDI modules of this kernel installed?")


def _text(path: Path) -> str:
    return path.read_text(encoding="latin-1").strip()


def _put(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except PermissionError:
        raise LineError(f"{path}: no permission; run the daemon as root, or let udev give it the file") from None
    except OSError as error:
        raise LineError(f"{path}: {text}: {error.strerror}") from None
