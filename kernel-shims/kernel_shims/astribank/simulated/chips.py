"""The chips of a simulated card as ``initcard`` has them, without a kernel between."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from kernel_shims.astribank.initcard.registers import ChipRegisters
from kernel_shims.astribank.initcard.xhfc import LOUD, QUIET
from kernel_shims.astribank.simulated.card import Card
from kernel_shims.astribank.xproto import Packet, Piece, Register
from kernel_shims.line import LineError


def made_of(command: str) -> Register | Piece:
    """What the driver makes of a command of ``chipregs``. Raises LineError."""
    try:
        chip, how, *numbers = command.split()
        if how in (QUIET, LOUD) and not numbers:
            return Piece(int(chip), b"", how == QUIET)
        values = [int(number, 16) for number in numbers]
        all_ports, port = chip == "*", 0 if chip == "*" else int(chip)
        sub = values.pop(1) if how[1] == "S" else None
        number, *data = values
        low, high = (*data, None, None)[:2]
    except ValueError:
        raise LineError(f'"{command}" is no command for a chip') from None
    return Register(port, number, sub, low or 0, high, how[0] == "R", all_ports)


class CardChips(ChipRegisters):
    """See ChipRegisters; nothing here takes time."""

    def __init__(self, card: Card) -> None:
        super().__init__(Path(f"card {card.number}"), lambda seconds: None)
        self._card = card
        self.commands: list[str] = []
        """All that was written."""

    def write(self, commands: Iterable[str]) -> None:
        """See ChipRegisters."""
        for command in commands:
            self.commands.append(command)
            made = made_of(command)
            list(self._card.piece(made) if isinstance(made, Piece) else self._card.register(made))

    def read(self, chip: int, register: int) -> int:
        """See ChipRegisters."""
        answers: list[Packet] = list(self._card.register(Register(chip, register, read=True)))
        found = Register.decode(answers[0].body)
        assert found is not None
        return found.low
