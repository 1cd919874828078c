"""Transfer of a call to another far end, as whoever sits between asks for it (RFC 5456 6.5.7): both ends find each
other, say so, and are let go. With TXMEDIA only the voice goes there and signalling stays."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from offhook.iax.elements import Address, Elements
from offhook.iax.frames import Command, FullFrame, Kind

if TYPE_CHECKING:
    from offhook.iax.call import Call


class Stage(Enum):
    """How far a transfer is."""

    NONE = auto()
    BEGUN = auto()
    """We look for the other far end."""
    READY = auto()
    """It answered, and whoever sits between was told."""
    MEDIA = auto()
    """Voice goes there."""


class Transfer:
    """What a call knows of a transfer. ``allowed`` False: it is refused (transfer=no)."""

    commands = frozenset({
        Command.TXREQ, Command.TXCNT, Command.TXACC, Command.TXREL, Command.TXREJ, Command.TXREADY, Command.TXMEDIA,
    })  # fmt: skip

    __slots__ = ("_call", "_identity", "address", "allowed", "number", "stage")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._identity = 0
        self.allowed = True
        self.stage = Stage.NONE
        self.address: Address | None = None
        self.number = 0

    def received(self, frame: FullFrame, elements: Elements, now: float) -> None:
        """A frame about a transfer."""
        match frame.subclass:
            case Command.TXREQ:
                self._begin(elements, now)
            case Command.TXCNT if self.stage is not Stage.NONE:
                self._send(Command.TXACC, None, now)
            case Command.TXACC if self.stage is Stage.BEGUN:
                association = self._call.association
                association.forget_transfers()
                self.stage = Stage.READY
                association.command(Command.TXREADY, Elements(callno=association.number), now)
            case Command.TXREL:
                self._complete(frame, elements, now)
            case Command.TXMEDIA if self.stage is Stage.READY:
                self._call.association.forget_transfers()
                self.stage = Stage.MEDIA
                if self._call.listener is not None:
                    self._call.listener.moved(now)
            case Command.TXREJ:
                self._forget()

    def _begin(self, elements: Elements, now: float) -> None:
        association = self._call.association
        address, number = elements.get("apparent_addr"), elements.number("callno")
        sealed = association.seal is not None
        if not self.allowed or sealed or address is None or not number:
            association.command(Command.TXREJ, None, now)
            return
        self.address, self.number = address, number
        self._identity = elements.number("transferid")
        association.transfer, association.transfer_number = address, number
        self.stage = Stage.BEGUN
        self._send(Command.TXCNT, Elements(transferid=self._identity) if self._identity else None, now)

    def _send(self, command: int, elements: Elements | None, now: float) -> None:
        payload = elements.encode() if elements is not None else b""
        self._call.association.send(Kind.IAX, command, payload, now, transfer=True)

    def _complete(self, frame: FullFrame, elements: Elements, now: float) -> None:
        call, address = self._call, self.address
        association = call.association
        number = elements.number("callno") or self.number
        if address is None or not number:
            return
        association.acknowledge_now(frame, now)  # while the old far end still is one
        self._forget()
        association.reset()
        association.began = now
        association.exchange.move(association, address, number)
        if call.listener is not None:
            call.listener.moved(now)

    def _forget(self) -> None:
        association = self._call.association
        association.forget_transfers()
        association.transfer, association.transfer_number = None, 0
        self.stage, self.address, self.number = Stage.NONE, None, 0
