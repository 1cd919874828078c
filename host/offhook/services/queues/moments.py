"""Moments: durations are counted on the monotonic clock, and what is shown is seconds since the epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx


class Moment(NamedTuple):
    """When something was."""

    at: float
    """Monotonic seconds (``pbx.now``)."""
    epoch: int
    """Seconds since the epoch."""

    @classmethod
    def of(cls, pbx: Pbx) -> Moment:
        """Now."""
        return cls(pbx.now(), int(pbx.wall()))


def epoch_of(moment: Moment | None) -> int:
    """A moment as it is shown; 0 when it never was."""
    return moment.epoch if moment is not None else 0


def since(pbx: Pbx, moment: Moment | None) -> float:
    """Seconds since then; 0 when it never was."""
    return pbx.now() - moment.at if moment is not None else 0.0
