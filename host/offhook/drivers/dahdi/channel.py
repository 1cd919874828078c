"""Channels of analog ports and digital trunks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offhook.calls import causes
from offhook.calls.channel import Channel
from offhook.calls.frames import Condition, Text
from offhook.calls.requesting import RequestError

if TYPE_CHECKING:
    from offhook.calls.completion.core import Completion
    from offhook.calls.completion.native import CallerSide
    from offhook.calls.pbx import Pbx
    from offhook.drivers.dahdi.port import Port

OPERATED = "operated"
"""Key in the data of an operator's channel: the channel of the caller whom a flash rings."""


class DahdiChannel(Channel):
    """One call of a port. What it does is the port's to carry out."""

    technology = "DAHDI"
    texts = "BASIC"
    __slots__ = ("address", "call", "dial_string", "port")

    def __init__(self, port: Port, call: int, pbx: Pbx, name: str, **options: Any) -> None:
        self.port: Port | None = port
        self.call = call
        """Its number with the port's machine."""
        self.address = ""
        """What was dialled, "" for calls from the line."""
        self.dial_string = ""
        """The same with the channel or group that was asked for: what stands behind DAHDI/."""
        super().__init__(pbx, name, **options)

    def tech_call(self, destination: str) -> None:
        """Ring the phone, or dial on the line."""
        if self.port is None:
            raise RequestError(causes.DESTINATION_OUT_OF_ORDER, f"{self.name}: its port is gone")
        self.port.call(self)

    def tech_answer(self) -> None:
        """The dialplan answers."""
        if self.port is not None:
            self.port.answered(self)

    def mark_up(self) -> None:
        """See Channel; the port is told of an answer from whichever side."""
        super().mark_up()
        if self.port is not None:
            self.port.up(self)

    def tech_indicate(self, condition: Condition, payload: object = None) -> bool:
        """Conditions are tones on an analog line; see Port.indicated for those that are more."""
        return self.port is not None and self.port.indicated(self, condition, payload)

    def tech_digit_begin(self, digit: str) -> None:
        """A tone on the line."""
        if self.port is not None:
            self.port.digit_begin(self, digit)

    def tech_digit_end(self, digit: str, duration_ms: int) -> None:
        """It ends."""
        if self.port is not None:
            self.port.digit_end(self, digit, duration_ms)

    def tech_send_text(self, text: Text) -> bool:
        """On the display of an ISDN telephone."""
        return self.port is not None and self.port.send_text(self, text.body)

    def tech_completion_agent(self, completion: Completion, core_id: int) -> CallerSide | None:
        """See Technology: ISDN has one."""
        return self.port.completion_agent(self, completion, core_id) if self.port is not None else None

    def tech_watchable(self) -> bool:
        """See Technology: who is behind a digital trunk cannot be seen from here."""
        return self.port is None or self.port.watchable(self)

    def tech_hangup(self, cause: int) -> None:
        """The call is over."""
        port, self.port = self.port, None
        if port is not None:
            port.ended(self, cause)

    def note_cause(self, cause: int, text: str) -> None:
        """Remember what the far end said when it cleared, for HANGUPCAUSE()."""
        self.tech_cause = text
        for one in (self, self.data.get("dialed_by")):
            if one is not None and not one.hungup:
                one.data.setdefault("tech_causes", {})[self.name] = (cause, text)

    def tech_operate(self, operator: Channel, *, by_flash: bool) -> bool:
        """Between two lines."""
        if self.port is None or not isinstance(operator, DahdiChannel) or operator.port is None:
            return False
        return self.port.operate(self, operator, by_flash=by_flash)

    def tech_function(self, item: str) -> str | None:
        """CHANNEL(dahdi_channel), CHANNEL(dahdi_span), CHANNEL(dahdi_type) and the like."""
        return self.port.channel_item(self, item) if self.port is not None else None

    def tech_set_function(self, item: str, value: str) -> bool:
        """CHANNEL(rxgain), CHANNEL(txgain), CHANNEL(dialmode), CHANNEL(echocan_mode)."""
        return self.port is not None and self.port.set_channel_item(self, item, value)
