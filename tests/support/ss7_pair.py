"""Two linksets of libss7 with wires between them, and a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable

from kernel_shims.ss7.events import Kind, Ss7Event
from kernel_shims.ss7.isup import Isup
from kernel_shims.ss7.linkset import Linkset

STEP_S = 0.01
HERE, THERE = 1, 2
"""Point codes."""


class Side:
    """One end: its linkset, its messages, and what it was told."""

    def __init__(self, point_code: int, other: int, variant: str, links: int, now: Callable[[], float]) -> None:
        self.linkset = Linkset(variant, point_code=point_code, network="national", now=now)
        self.isup = Isup(self.linkset)
        self.told: list[Ss7Event] = []
        self.said: list[str] = []
        self.linkset.on_message = self.said.append
        self.other = other
        for _ in range(links):
            self.linkset.add_link(other)


class Pair:
    """See the text of this file. ``cut`` names links (by place) that carry nothing."""

    def __init__(self, variant: str = "itu", links: int = 1, timers: dict[str, int] | None = None) -> None:
        self.clock = 100.0
        self.cut: set[int] = set()
        self.here = Side(HERE, THERE, variant, links, lambda: self.clock)
        self.there = Side(THERE, HERE, variant, links, lambda: self.clock)
        self.instead: Callable[[bytes], bytes] | None = None
        """What becomes of a unit on its way from here to there."""
        for side in (self.here, self.there):
            for name, ms in (timers or {}).items():
                layer, _, timer = name.partition(".")
                assert side.linkset.timer(layer, timer, ms), name
            for place in range(links):
                side.linkset.line_up(place)
            side.linkset.start()

    def turn(self) -> None:
        """Timers that are due, units that wait."""
        for one, other in ((self.here, self.there), (self.there, self.here)):
            one.told += one.linkset.tick()
            for place in range(len(one.linkset.links)):
                while one.linkset.has_unit(place):
                    unit = one.linkset.transmit(place)
                    if one is self.here and self.instead is not None:
                        unit = self.instead(unit)
                    if place not in self.cut:
                        other.told += other.linkset.receive(place, unit)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        for _ in range(round(seconds / STEP_S)):
            self.clock += STEP_S
            self.turn()

    def until(self, side: Side, kind: Kind, within: float = 30.0) -> Ss7Event:
        """Let time pass until something is told, which is taken."""
        for _ in range(round(within / STEP_S)):
            for event in side.told:
                if event.kind is kind:
                    side.told.remove(event)
                    return event
            self.advance(STEP_S)
        raise AssertionError(f"{kind.name} was not told; {[event.kind.name for event in side.told]}, {side.said[-5:]}")

    def up(self) -> None:
        """Until both ends may make calls."""
        self.until(self.here, Kind.UP)
        self.until(self.there, Kind.UP)
        self.here.told.clear()
        self.there.told.clear()

    def close(self) -> None:
        """End it."""
        self.here.linkset.close()
        self.there.linkset.close()


def isup_in_place_of_lpa(unit: bytes, message: bytes, variant: str = "itu") -> bytes:
    """A unit whose LPA has become another ISUP message, circuit and type first: libss7 cannot send all there are."""
    label = {"itu": 4, "ansi": 7}[variant]
    begin = 4 + label
    if len(unit) < begin + 5 or unit[3] & 0x0F != 5 or unit[begin + 2] != 0x24:
        return unit
    content = unit[3:begin] + message
    return unit[:2] + bytes([min(63, len(content))]) + content + unit[-2:]
