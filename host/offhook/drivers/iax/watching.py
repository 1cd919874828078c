"""Frames for those who watch them: ``iax2 set debug on``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.iax import elements as ies
from offhook.iax.elements import Address
from offhook.iax.frames import FrameError, FullFrame, label
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

_SECRET = frozenset({"password", "md5_result", "rsa_result", "challenge", "calltoken", "enckey"})


class FrameWatch:
    """Shows frames on the console, of everybody or of one host."""

    def __init__(self, pbx: Pbx) -> None:
        self.pbx = pbx
        self.host = ""
        """"" for every host."""

    def tell(self, frame: FullFrame, address: Address, *, sent: bool) -> None:
        """Show a frame."""
        if self.host and address[0] != self.host:
            return
        for line in render(frame, address, sent=sent):
            verbose(0, "%s", line)


def render(frame: FullFrame, address: Address, *, sent: bool) -> list[str]:
    """A frame as lines of text, without secrets."""
    kind, subclass = label(frame)
    way = "Tx" if sent else "Rx"
    lines = [
        f"{way}-Frame Retry[{'Yes' if frame.again else 'No'}] -- OSeqno: {frame.out:03d} ISeqno: {frame.expected:03d} "
        f"Type: {kind} Subclass: {subclass}",
        f"   Timestamp: {frame.time:05d}ms  SCall: {frame.source:05d}  DCall: {frame.destination:05d} "
        f"{address[0]}:{address[1]}",
    ]
    if frame.is_command and frame.payload:
        try:
            found = ies.decode(frame.payload)
        except FrameError as error:
            return [*lines, f"   {error}"]
        lines += [f"   {name.upper():<17}: {'...' if name in _SECRET else value}" for name, value in found]
    return lines
