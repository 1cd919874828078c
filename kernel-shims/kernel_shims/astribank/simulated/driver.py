"""The xpp driver for simulated boxes in process: those with all of their firmware are there, with simulated spans."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kernel_shims.astribank.simulated.box import SimulatedAstribank
from kernel_shims.astribank.simulated.bus import SimulatedUsb
from kernel_shims.astribank.simulated.card import Card
from kernel_shims.astribank.simulated.cards import FxsCard
from kernel_shims.astribank.simulated.chips import CardChips
from kernel_shims.astribank.simulated.pri_card import FRAMING, IS_T1
from kernel_shims.astribank.spans_conf import Assignment
from kernel_shims.astribank.xbus import Box, Module
from kernel_shims.astribank.xproto import Register
from kernel_shims.line import LineError
from kernel_shims.simulator.system import SimulatedSystem

_CONTACT_NAMES = ("OUT", "OUT", "IN", "IN", "IN", "IN")


class SimulatedXpp:
    """See XppDriver. ``look`` takes notice of boxes that came and went, as the kernel does by itself."""

    def __init__(self, usb: SimulatedUsb, system: SimulatedSystem) -> None:
        self._usb = usb
        self._system = system
        self._numbers: dict[tuple[str, int], int] = {}
        """Number of a box by USB name and device number."""
        self._registered: set[int] = set()
        self._spans: dict[int, dict[int, int]] = {}
        """Spans of a box by their local numbers."""
        self._blinking: dict[str, int] = {}
        self._clock = "SYNC=00"
        self.init_folder: Path | None = None

    def look(self) -> None:
        """Boxes that went take their spans along."""
        here = {(address.name, address.number) for address in self._usb.devices() if address.stage == 2}
        for key in [key for key in self._numbers if key not in here]:
            number = self._numbers.pop(key)
            self._registered.discard(number)
            for span in self._spans.pop(number, {}).values():
                self._system.remove_span(span)
        for key in sorted(here - self._numbers.keys()):
            self._numbers[key] = next(n for n in range(100) if n not in self._numbers.values())

    def load(self, init_folder: Path) -> None:
        """See XppDriver."""
        self.init_folder = init_folder

    def _devices(self) -> list[tuple[int, str, SimulatedAstribank]]:
        self.look()
        found = []
        for address in self._usb.devices():
            number = self._numbers.get((address.name, address.number))
            device = self._usb.find(address)
            if number is not None and isinstance(device, SimulatedAstribank):
                found.append((number, address.name, device))
        return sorted(found, key=lambda one: one[0])

    def boxes(self) -> list[Box]:
        """See XppDriver."""
        return [
            Box(
                number,
                f"usb:{device.serial}" if device.serial else "",
                f"usb-simulated-{name}",
                connected=True,
                state="READY",
                timing="AB",
                registered=number in self._registered,
                modules=self._modules(number, device),
            )
            for number, name, device in self._devices()
        ]

    def _modules(self, number: int, device: SimulatedAstribank) -> tuple[Module, ...]:
        made: list[Module] = []
        for card, port in ((one, port) for one in device.cards for port in range(len(one.ports))):
            kind, hooks = card.ports[port].kind, [False] * len(card.ports[port].signalling)
            if isinstance(card, FxsCard):
                hooks = [*(phone.is_off_hook for phone in card.telephones), *card.outputs, *card.inputs]
            span = self._spans.get(number, {}).get(len(made) + 1, 0)
            name = f"{number:02d}:{card.number}:{port}"
            made.append(Module(name, kind, span, tuple(hooks), self._blinking.get(name, 0), 0))
        return tuple(made)

    def spans(self) -> dict[int, range]:
        """See XppDriver."""
        return {span.number: range(span.first, span.first + span.channels) for span in self._system.spans()}

    def register(self, box: Box) -> None:
        """See XppDriver."""
        self._registered.add(box.number)

    def assign(self, box: Box, assignment: Assignment) -> None:
        """See XppDriver."""
        if box.number not in self._registered:
            raise LineError(f"{box.identity}: DAHDI does not know it; is it registered?")
        module = box.modules[assignment.local - 1]
        numbers = range(assignment.first, assignment.first + module.channels)
        taken = self.spans()
        if assignment.span in taken or any(number in there for there in taken.values() for number in numbers):
            raise LineError(f"assign_span: {assignment}: Invalid argument")
        card, port = self._card(module)
        name = f"XBUS-{box.number:02d}/XPD-{card.number}{port}"
        kinds = dict(zip(numbers, card.ports[port].signalling, strict=True))
        self._system.add_span(kinds, name=name, number=assignment.span)
        self._spans.setdefault(box.number, {})[assignment.local] = assignment.span
        for place, contact in enumerate(_CONTACT_NAMES if isinstance(card, FxsCard) and card.outputs else ()):
            self._system.ports[numbers[8 + place]].name = f"XPP_{contact}/{box.number:02d}/00/{8 + place}"

    def set_type(self, box: Box, local: int, wanted: str) -> None:
        """See XppDriver."""
        module = box.spans[local - 1]
        if wanted not in ("E1", "T1"):
            raise LineError(f"dahdi_spantype: {local}:{wanted}: Function not implemented")
        card, port = self._card(module)
        list(card.register(Register(port, FRAMING, low=IS_T1 if wanted == "T1" else 0)))

    def blink(self, module: Module, ports: int) -> None:
        """See XppDriver."""
        self._blinking[module.name] = ports

    def chip(self, module: Module, port: int, registers: Sequence[int]) -> list[int]:
        """See XppDriver."""
        return [CardChips(self._card(module)[0]).read(port, register) for register in registers]

    def _card(self, module: Module) -> tuple[Card, int]:
        number, unit, port = (int(word) for word in module.name.split(":"))
        for found, _, device in self._devices():
            if found == number:
                return device.cards[unit], port
        raise LineError(f"{module.name}: it is gone")

    def clock(self) -> str:
        """See XppDriver."""
        return self._clock

    def set_clock(self, box: Box | None) -> None:
        """See XppDriver."""
        self._clock = "DAHDI" if box is None else f"SYNC={box.number:02d}"

    def begin_again(self, usb_name: str) -> None:
        """See XppDriver: simulated cards never fail."""
