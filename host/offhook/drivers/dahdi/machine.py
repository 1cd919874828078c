"""What decides about an analog or digital port: a machine, told of the line, calls and the clock, that gives orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from kernel_shims.line import LineEvent
    from offhook.drivers.dahdi.analog.orders import Order


class Machine(Protocol):
    """What every machine of a port can be told."""

    alarm: bool

    @property
    def calls(self) -> tuple[int, ...]:
        """The calls it knows, the active one first."""

    @property
    def next_timer(self) -> float:
        """When ``tick`` is due."""

    def line(self, event: LineEvent, now: float) -> list[Order]:
        """Something happened on the line."""

    def tick(self, now: float) -> list[Order]:
        """Time has passed."""

    def ended(self, number: int, now: float) -> list[Order]:
        """A call was ended by its other side."""

    def gone(self) -> list[Order]:
        """The port is no more."""
