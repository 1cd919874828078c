"""One call as a ladder, as it happens and on one clock: SIP messages, hook events and Q.931 of its lines, what manager
clients ask of it, and what happens to its channels.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from offhook.calls import events
from offhook.calls.signalling import LineSignal, ManagerAction

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.calls.pbx import Pbx
    from offhook.drivers.sip.stack import SipStack
    from offhook.drivers.sip.transport.flow import Flow

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
        self.lines: set[tuple[str, str]] = set()
        """Its calls on D channels: place and reference."""
        self.channels = 0
        self._setup: tuple[float, LineSignal] | None = None
        """The last SETUP that came in and belongs to no call yet: its channel follows at once."""
        self._calling: set[str] = set()
        """Places on which a channel of ours waits for its SETUP to go out."""
        self._origin = ""
        """What an Originate calls, when it is what this call begins with."""
        self._asked: set[tuple[str, str]] = set()
        """Actions of manager clients that are not answered yet."""
        self.done = asyncio.Event()
        """Every channel of the call has ended."""
        self._began = pbx.now()
        bus = pbx.bus
        self._drops = [
            bus.subscribe(events.NewChannel, lambda event: self._channel(event.channel, "begins")),
            bus.subscribe(events.NewState, lambda event: self._channel(event.channel, event.channel.state.text)),
            bus.subscribe(events.NewExten, self._exten),
            bus.subscribe(events.Hangup, self._hangup),
            bus.subscribe(LineSignal, self._signal),
            bus.subscribe(ManagerAction, self._action),
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
            begun = bool(self._origin) and channel.name.startswith(f"{self._origin}-")
            if call_id not in self.call_ids and not named and not begun and not self._fits_setup(channel.name):
                return False
            self.linked = channel.linkedid
        if channel.linkedid != self.linked:
            return False
        if call_id := channel.tech_call_id():
            self.call_ids.add(call_id)
        if channel.name not in self.names:
            self.names.add(channel.name)
            self._claim(channel.name)
        return True

    # ---- lines --------------------------------------------------------------------------------------

    def _fits_setup(self, name: str) -> bool:
        """Whether a channel was made for a SETUP that says what is wanted."""
        setup = self._setup[1] if self._setup is not None else None
        return setup is not None and _on(name, setup.place) and not self.call_ids and self._fits(setup.text)

    def _claim(self, name: str) -> None:
        """A channel of ours on a D channel: the SETUP that came for it, or the one that will go out, is its call's."""
        if self._setup is not None and _on(name, self._setup[1].place):
            when, setup = self._setup
            self._setup = None
            self.lines.add((setup.place, setup.call))
            self._rung(setup.place, setup.way, setup.text, when)
        elif name.startswith("DAHDI/i"):
            self._calling.add("/".join(name.split("/")[:2]))

    def _signal(self, event: LineSignal) -> None:
        """A line's hook or a D channel's message: of ours, or what may be its beginning."""
        if not event.call:
            if any(_on(name, event.place) for name in self.names) or (not self.linked and self._fits(event.place)):
                self._rung(event.place, event.way, event.text)
            return
        if event.setup and event.way == "-->":
            self._setup = self.pbx.now(), event
        elif event.setup and event.place in self._calling:
            self._calling.remove(event.place)
            self.lines.add((event.place, event.call))
        if (event.place, event.call) in self.lines:
            self._rung(event.place, event.way, event.text)

    # ---- manager clients ----------------------------------------------------------------------------

    def _action(self, event: ManagerAction) -> None:
        """An action that names one of our channels, or the Originate that begins the call; and its answer."""
        asked = event.user, event.action
        if event.answer:
            if asked in self._asked:
                self._asked.remove(asked)
                self._rung(f"manager {event.user}", "<--", f"{event.action}: {event.answer}")
            return
        values = [value for _, value in event.headers]
        begins = not self.linked and event.action == "Originate" and self._fits(" ".join(values))
        if begins:
            self._origin = next((value for key, value in event.headers if key.lower() == "channel"), "")
        if begins or self.names.intersection(values):
            self._asked.add(asked)
            about = next((f" {value}" for key, value in event.headers if key.lower() == "channel"), "")
            self._rung(f"manager {event.user}", "-->", f"{event.action}{about}")

    # ---- what happens -------------------------------------------------------------------------------

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

    def _rung(self, far: str, arrow: str, text: str, when: float | None = None) -> None:
        passed = (self.pbx.now() if when is None else when) - self._began
        self.show(f"{passed:9.3f} {far[:FAR]:<{FAR}} {arrow} {text}"[:WIDTH])


def _on(name: str, place: str) -> bool:
    """Whether a channel is on a line, by its name."""
    return name == place or name.startswith((f"{place}-", f"{place}/"))


def _header(head: str, *names: str) -> str:
    """The value of the first header of one of some names."""
    for line in head.split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() in names:
            return value.strip()
    return ""
