"""Telling a phone who calls: between bursts of ringing, or in a call after it said that it listens (type II)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from offhook.config.model import TRUE_WORDS
from offhook.log import verbose
from offhook.media.callerid import (
    ACKNOWLEDGES,
    DATA_AFTER_MS,
    Call,
    Data,
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
    from offhook.drivers.dahdi.ports.phone import PhonePort
    from offhook.media.playing import Playback

_BEFORE_S = 0.5
"""From the end of the ring burst to the data (GR-30: 0.5 to 1.5 s)."""
_TRANSFER_MS = 4000
_ACKNOWLEDGE_S = 0.5
_BEEP_S = 0.3
_ALERT_S = 0.1
_LONGEST_KEY_S = 2.0
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
        self._told = ("", "")
        """Name and number that the phone is told in a call."""
        self._sending: Playback | None = None

    @property
    def _standard(self) -> Standard:
        return "v23" if self._port.settings["cidsignalling"] in ("v23", "v23_jp") else "bell202"

    def _later(self, seconds: float, work: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._port.pbx.loop.call_later(seconds, work)

    def cancel(self) -> None:
        """Send no more: the phone was lifted or flashed, or the call is over."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        sending, self._sending = self._sending, None
        if sending is not None:
            sending.stop()
        self.awaits_acknowledge = False
        self._port.calls.apart_from_line(False)

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
        self._send(on_hook(message, self._standard))

    def _send(self, data: Data) -> None:
        leg = self._port.leg
        if leg is not None:
            self._sending = send_data(
                leg, data.octets, data.standard, seizure_bits=data.seizure_bits, mark_bits=data.mark_bits
            )

    def message_waiting(self, message: bytes) -> None:
        """The phone is on hook: light its lamp by data, without ringing."""
        self._port.on_line(lambda line: line.on_hook_transfer(_TRANSFER_MS))
        self._later(_BEFORE_S, lambda: self._data(message))

    def in_call(self, party: Party) -> None:
        """Type II: after the beep the alerting signal, and the data if the phone answers it. Meanwhile the phone and
        whom it talks to do not hear each other (GR-575)."""
        self._told = (party.name.text, party.number.text)
        self._pending = encode_call(call_of(party, self._port.pbx.wall()))
        self._later(_BEEP_S, self._alert)

    def _alert(self) -> None:
        self._timer = None
        if self._port.leg is not None:
            self._port.calls.apart_from_line(True)
            self._port.leg.tones(alerting_signal())
            self.awaits_acknowledge = True
            self._later(_ALERT_S + _ACKNOWLEDGE_S, self._unacknowledged)

    def _unacknowledged(self) -> None:
        verbose(3, "CPE does not support Call Waiting Caller*ID.")
        self.cancel()

    def digit(self, digit: str, *, over: bool) -> bool:
        """A key was pressed, or let go (``over``): whether that answers the alerting signal."""
        if not self.awaits_acknowledge:
            return False
        if not over:
            self._later(_LONGEST_KEY_S, self.cancel)
        elif digit in ACKNOWLEDGES:
            self.awaits_acknowledge = False
            verbose(3, "CPE supports Call Waiting Caller*ID.  Sending '%s/%s'", *self._told)
            self._later(DATA_AFTER_MS / 1000, self._tell_in_call)
        else:
            self.cancel()
        return True

    def _tell_in_call(self) -> None:
        self._timer = None
        self._send(off_hook(self._pending, self._standard))
        sending = self._sending
        if sending is not None:
            self._port.pbx.spawn(self._until_sent(sending), f"caller ID to channel {self._port.number}")

    async def _until_sent(self, sending: Playback) -> None:
        await sending.wait()
        if self._sending is sending:
            self.cancel()
