"""What every simulated card of a box does, whatever its kind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from kernel_shims.astribank.xproto import Packet, Piece, Register, Unit


@dataclass(frozen=True, slots=True)
class Port:
    """What the driver makes a span of."""

    kind: str
    """As sysfs has it: FXS, BRI_TE, BRI_NT, E1, T1."""
    signalling: tuple[str, ...]
    """Of its channels, as SIGNALLINGS has them."""


class Card(Protocol):
    """A card. Registers, pieces of frames and sound come from the host; sound goes there every millisecond."""

    number: int

    @property
    def unit(self) -> Unit:
        """How the box describes it."""

    @property
    def ports(self) -> list[Port]:
        """Its spans."""

    def register(self, asked: Register) -> Iterable[Packet]:
        """A read or write of a chip: what the card says of it."""

    def piece(self, piece: Piece) -> Iterable[Packet]:
        """A piece of a frame for the D channel of a port, or the switch for frames from there."""

    def hear(self, subunit: int, body: bytes) -> None:
        """A millisecond of sound. Raises ValueError for what is none."""

    def speak(self, *, first: bool) -> list[bytes]:
        """A millisecond of sound, packets as octets; ``first``: one at least, whose sync bit is the host's clock."""

    def unplugged(self) -> None:
        """Power is gone."""
