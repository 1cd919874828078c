"""Telling a phone who calls: between bursts of ringing, or in a call after it said that it listens (type II)."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from offhook.config.model import TRUE_WORDS
from offhook.media.callerid import (
    ACKNOWLEDGES,
    Call,
    alerting_signal,
    encode_call,
    encode_digits,
    off_hook,
    on_hook,
)
from offhook.media.callerid.message import MOST_NAME
from offhook.media.detecting import Standard, send_data

if TYPE_CHECKING:
    from offhook.calls.party import Party
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.phone_port import PhonePort

_BEFORE_S = 0.5
"""From the end of the ring burst to the data (GR-30: 0.5 to 1.5 s)."""
_TRANSFER_MS = 4000
_ACKNOWLEDGE_S = 0.5
_BEEP_S = 0.3
_ALERT_S = 0.1
_OLD_DISPLAY = 15
"""Letters that every display of GR-1188 shows."""


REASONS = {"cfb": 1, "cfnr": 2, "cfu": 3, "out_of_order": 4, "deflection": 5}
"""Why a call was forwarded, as a caller's identity tells it."""
QUALIFIER = "CALL_QUALIFIER"
"""Variable of a call from far away."""


def call_to(channel: DahdiChannel, wall: float) -> Call:
    """What a phone on hook is told of a call; some displays show why it was forwarded, or that it comes from far."""
    redirecting = channel.redirecting
    reason = REASONS.get(redirecting.reason, 0) if redirecting.from_.number.valid else 0
    far = (channel.get(QUALIFIER) or "").lower() in TRUE_WORDS
    return replace(call_of(channel.connected.id, wall), reason=reason, long_distance=far)


def call_of(party: Party, wall: float) -> Call:
    """What a phone is told of a caller; what is withheld or unknown says so."""
    number = party.number.text if party.number.valid and party.number.text else None
    name = party.name.text if party.name.valid and party.name.text else None
    withheld = party.number.presentation & 0x60 == 0x20
    hidden_name = party.name.presentation & 0x60 == 0x20
    when = time.strftime("%m%d%H%M", time.localtime(wall))
    return Call(
        number=None if withheld else number,
        name=None if hidden_name or name is None else name[: min(_OLD_DISPLAY, MOST_NAME)],
        time=when,
        no_number="P" if withheld else "O",
        no_name="P" if hidden_name else "O",
    )


class IdentitySender:
    """Sends identities to the phone of a port."""

    def __init__(self, port: PhonePort) -> None:
        self._port = port
        self._timer: asyncio.TimerHandle | None = None
        self.awaits_acknowledge = False
        """A digit now says that the phone listens."""
        self._pending = b""

    @property
    def _standard(self) -> Standard:
        return "v23" if self._port.settings["cidsignalling"] in ("v23", "v23_jp") else "bell202"

    def _later(self, seconds: float, work: object) -> None:
        self.cancel()
        self._timer = self._port.pbx.loop.call_later(seconds, work)  # type: ignore[arg-type]

    def cancel(self) -> None:
        """Send no more: the phone was lifted, or the call is over."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.awaits_acknowledge = False

    def between_bursts(self, channel: DahdiChannel) -> None:
        """Type I, after a burst of ringing."""
        port = self._port
        call = call_to(channel, port.pbx.wall())
        port.on_line(lambda line: line.on_hook_transfer(_TRANSFER_MS))
        if port.settings["cidsignalling"] == "dtmf":
            digits = encode_digits(call, "A", "C")
            self._later(_BEFORE_S, lambda: self._digits(digits))
        else:
            self._later(_BEFORE_S, lambda: self._data(encode_call(call)))

    def _digits(self, digits: str) -> None:
        self._timer = None
        for digit in digits if self._port.leg is not None else "":
            assert self._port.leg is not None
            self._port.leg.send_digit(digit, 80)

    def _data(self, message: bytes) -> None:
        self._timer = None
        if self._port.leg is not None:
            data = on_hook(message, self._standard)
            send_data(
                self._port.leg, data.octets, data.standard, seizure_bits=data.seizure_bits, mark_bits=data.mark_bits
            )

    def message_waiting(self, message: bytes) -> None:
        """The phone is on hook: light its lamp by data, without ringing."""
        self._port.on_line(lambda line: line.on_hook_transfer(_TRANSFER_MS))
        self._later(_BEFORE_S, lambda: self._data(message))

    def in_call(self, party: Party) -> None:
        """Type II: after the beep the alerting signal, and the data if the phone answers it."""
        self._pending = encode_call(call_of(party, self._port.pbx.wall()))
        self._later(_BEEP_S, self._alert)

    def _alert(self) -> None:
        self._timer = None
        if self._port.leg is not None:
            self._port.leg.tones(alerting_signal())
            self.awaits_acknowledge = True
            self._later_acknowledge()

    def _later_acknowledge(self) -> None:
        self._timer = self._port.pbx.loop.call_later(_ALERT_S + _ACKNOWLEDGE_S, self.cancel)

    def acknowledged(self, digit: str) -> None:
        """A digit came while one was waited for."""
        self.cancel()
        if digit in ACKNOWLEDGES and self._port.leg is not None:
            data = off_hook(self._pending, self._standard)
            send_data(self._port.leg, data.octets, data.standard, seizure_bits=0, mark_bits=data.mark_bits)
