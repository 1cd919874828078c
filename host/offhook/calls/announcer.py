"""A channel of nobody: it speaks or listens in a bridge for the exchange itself."""

from __future__ import annotations

from offhook.calls.channel import Channel, State
from offhook.calls.pbx import Pbx


class Announcer(Channel):
    """What a bridge mixes for its leg can be recorded; what is played to it reaches nobody."""

    technology = "CBAnn"
    internal = True
    __slots__ = ()

    @classmethod
    def of(cls, pbx: Pbx, place: str) -> Announcer:
        """One for a room of that name."""
        name = f"{cls.technology}/{place}-{pbx.next_name(cls.technology):08x};2"
        return cls(pbx, name, state=State.UP, media=pbx.engine.null_leg(), formats=("slin",))
