"""One call as a ladder: its SIP messages and what happens to its channels, on one clock, as it happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from offhook.calls import events

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.calls.pbx import Pbx
    from offhook.drivers.sip.flow import Flow
    from offhook.drivers.sip.stack import SipStack

FAR: Final = 24
WIDTH: Final = 79


class Trace:
    """Follows the next call that fits. ``show`` gets each rung."""

    def __init__(self, pbx: Pbx, wanted: str, show: Callable[[str], None]) -> None:
        self.pbx = pbx
        self.wanted = wanted.lower()
        self.show = show
        self.call_ids: set[str] = set()
        self.linked = ""
        self.names: set[str] = set()
        """Of its channels, so that what happens on their lines is shown."""
        self.channels = 0
        self.done = asyncio.Event()
        """Every channel of the call has ended."""
        self._began = pbx.now()
        bus = pbx.bus
        self._drops = [
            bus.subscribe(events.NewChannel, lambda event: self._channel(event.channel, "begins")),
            bus.subscribe(events.NewState, lambda event: self._channel(event.channel, event.channel.state.text)),
            bus.subscribe(events.NewExten, self._exten),
            bus.subscribe(events.Hangup, self._hangup),
            bus.subscribe(events.LineSignal, self._signal),
            bus.subscribe(events.BridgeEnter, lambda event: self._channel(event.channel, "enters a bridge")),
            bus.subscribe(events.BridgeLeave, lambda event: self._channel(event.channel, "leaves its bridge")),
        ]
        self._stack: SipStack | None = pbx.parts.get("pjsip")
        if self._stack is not None:
            self._stack.on_received.append(self._received)
            self._stack.on_sent.append(self._sent)

    def close(self) -> None:
        """Follow no longer."""
        for drop in self._drops:
            drop()
        if self._stack is not None:
            self._stack.on_received.remove(self._received)
            self._stack.on_sent.remove(self._sent)

    # ---- SIP ----------------------------------------------------------------------------------------

    def _received(self, data: bytes, flow: Flow) -> None:
        self._message(data, flow, "-->")

    def _sent(self, data: bytes, flow: Flow) -> None:
        self._message(data, flow, "<--")

    def _message(self, data: bytes, flow: Flow, arrow: str) -> None:
        head = data.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
        first, _, rest = head.partition("\r\n")
        call_id = _header(rest, "call-id", "i")
        if call_id not in self.call_ids:
            fits = first.startswith("INVITE ") and not self.linked and self._fits(head)
            if not (fits and not self.call_ids):
                return
            self.call_ids.add(call_id)
        if first.startswith("SIP/2.0 "):
            text = f"{first[8:]} ({_header(rest, 'cseq').partition(' ')[2]})"
        else:
            text = first.removesuffix(" SIP/2.0")
        body = "  +SDP" if b"\r\n\r\nv=0" in data else ""
        self._rung(f"{flow.host}:{flow.port}", arrow, text + body)

    def _fits(self, text: str) -> bool:
        return not self.wanted or self.wanted in text.lower()

    # ---- channels -----------------------------------------------------------------------------------

    def _ours(self, channel: Channel) -> bool:
        if not self.linked:
            call_id = channel.tech_call_id()
            named = not self.call_ids and self._fits(f"{channel.name} {channel.exten} {channel.caller.id.number.text}")
            if call_id not in self.call_ids and not named:
                return False
            self.linked = channel.linkedid
        if channel.linkedid != self.linked:
            return False
        if call_id := channel.tech_call_id():
            self.call_ids.add(call_id)
        self.names.add(channel.name)
        return True

    def _signal(self, event: events.LineSignal) -> None:
        """A line's hook or a D channel's message: of ours, or what may be its beginning."""
        ours = any(name == event.place or name.startswith(f"{event.place}-") for name in self.names)
        if ours or (not self.linked and self._fits(event.place)):
            self._rung(event.place, event.way, event.text)

    def _channel(self, channel: Channel, what: str) -> None:
        if self._ours(channel):
            self.channels += what == "begins"
            self._rung(channel.name, " * ", what)

    def _exten(self, event: events.NewExten) -> None:
        channel = event.channel
        if self._ours(channel):
            place = f"{channel.context},{channel.exten},{channel.priority}"
            self._rung(channel.name, " * ", f"{place} {channel.application}({channel.application_data})")

    def _hangup(self, event: events.Hangup) -> None:
        if self._ours(event.channel):
            self.channels -= 1
            self._rung(event.channel.name, " * ", f"ends, cause {event.channel.hangup_cause}")
            if self.channels <= 0:
                self.done.set()

    def _rung(self, far: str, arrow: str, text: str) -> None:
        passed = self.pbx.now() - self._began
        self.show(f"{passed:9.3f} {far[:FAR]:<{FAR}} {arrow} {text}"[:WIDTH])


def _header(head: str, *names: str) -> str:
    """The value of the first header of one of some names."""
    for line in head.split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() in names:
            return value.strip()
    return ""
