"""Simulated spans as a LineSystem. Time is moved by ``advance`` in tests, by the loop's clock when run for real."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from kernel_shims.line import (
    PORT_KINDS,
    SIGNALLINGS,
    ChannelStatus,
    Happening,
    LineError,
    LinePort,
    SpanStatus,
    no_such_channel,
)
from kernel_shims.simulator.cable import join
from kernel_shims.simulator.exchange import Exchange
from kernel_shims.simulator.phone import Phone
from kernel_shims.simulator.port import SimulatedPort
from kernel_shims.simulator.script import Script
from kernel_shims.simulator.sound import STEP_MS

_MOST_BEHIND = 50
"""Steps made up for when the loop was held up; more are skipped."""


class SimulatedSystem:
    """Spans of simulated channels, a telephone on each FXS port and an exchange's line on each FXO port."""

    def __init__(self) -> None:
        self.on_event: Callable[[LinePort], None] | None = None
        self.ports: dict[int, SimulatedPort] = {}
        self._spans: dict[int, SpanStatus] = {}
        self._scripts: dict[Script, SimulatedPort] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._began = 0.0
        self._steps = 0

    # ---- making ----------------------------------------------------------------------------------------------

    def add_span(
        self, channels: Mapping[int, str], law: str = "ulaw", *, name: str = "", number: int = 0
    ) -> SpanStatus:
        """Add a span: signalling (as in SIGNALLINGS) by channel number; numbers follow each other."""
        span = number or max(self._spans, default=0) + 1
        digital = any(SIGNALLINGS[signalling] & SIGNALLINGS["clear"] for signalling in channels.values())
        status = SpanStatus(
            span, name or f"SIM/{span}", f"Simulated span {span}", min(channels), len(channels), digital=digital
        )
        self._spans[span] = status
        for number, signalling in channels.items():
            port = SimulatedPort(number, span, SIGNALLINGS[signalling], law, self._notify)
            self.ports[number] = port
            if port.signalling in PORT_KINDS["fxs"]:
                port.attach(Phone())
            elif port.signalling in PORT_KINDS["fxo"]:
                port.attach(Exchange())
        return status

    def cable(self, one: int, two: int) -> None:
        """Lay a cable between two spans of the same size, channel by channel."""
        first, second = self._spans[one], self._spans[two]
        for offset in range(min(first.channels, second.channels)):
            join(self.ports[first.first + offset], self.ports[second.first + offset])

    def phone(self, number: int) -> Phone:
        """The telephone on a port. Raises LineError when there is none."""
        party = self._port(number).party
        if not isinstance(party, Phone):
            raise LineError(f"channel {number} has no telephone; it is not signalled fxo_ls, fxo_gs or fxo_ks")
        return party

    def exchange(self, number: int) -> Exchange:
        """The exchange behind a port. Raises LineError when there is none."""
        party = self._port(number).party
        if not isinstance(party, Exchange):
            raise LineError(f"channel {number} has no line; it is not signalled fxs_ls, fxs_gs or fxs_ks")
        return party

    def remove_span(self, span: int) -> None:
        """Pull a span out: its open ports are told, its channels are gone."""
        status = self._spans.pop(span)
        for number in range(status.first, status.first + status.channels):
            port = self.ports.pop(number)
            port.happen(Happening.REMOVED)

    def alarm(self, span: int, bits: int) -> None:
        """Set the alarms of a span."""
        before = self._spans[span]
        self._spans[span] = SpanStatus(
            before.number, before.name, before.description, before.first, before.channels, bits, digital=before.digital
        )
        for number in range(before.first, before.first + before.channels):
            self.ports[number].alarm_bits = bits  # type: ignore[assignment]
            self.ports[number].happen(Happening.ALARM if bits else Happening.NO_ALARM)

    # ---- LineSystem ------------------------------------------------------------------------------------------

    def start(self, loop: asyncio.AbstractEventLoop, *, real_time: bool = False) -> None:
        """See LineSystem. With ``real_time`` the loop's clock moves the simulated one."""
        self._loop = loop
        if real_time:
            self._began = loop.time()
            self._steps = 0
            self._tick()

    def stop(self) -> None:
        """See LineSystem. Harmless twice."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for port in self.ports.values():
            port.close()

    def open(self, number: int) -> SimulatedPort:
        """See LineSystem."""
        port = self._port(number)
        if port.is_open:
            raise LineError(f"channel {number}: Device or resource busy; somebody else has it open")
        if not port.signalling:
            raise LineError(f"channel {number} is not set up; add it to system.conf")
        port.opened()
        return port

    def _port(self, number: int) -> SimulatedPort:
        port = self.ports.get(number)
        if port is None:
            raise LineError(no_such_channel(str(number), self.spans()))
        return port

    def spans(self) -> list[SpanStatus]:
        """See LineSystem."""
        return [self._spans[number] for number in sorted(self._spans)]

    def channel(self, number: int) -> ChannelStatus:
        """See LineSystem."""
        port = self._port(number)
        return ChannelStatus(number, port.name, port.signalling, port.capabilities, number)

    def channel_at(self, place: str) -> int:
        """See LineSystem: the channels of a span are numbered in a folder of its name."""
        name, _, number = place.rpartition("/")
        for span in self._spans.values():
            if span.name == name and number.isdigit() and 0 < int(number) <= span.channels:
                return span.first + int(number) - 1
        raise LineError(f"no simulated span has a channel {place}")

    def version(self) -> tuple[str, str]:
        """See LineSystem."""
        return "simulator", "none"

    # ---- time and events -------------------------------------------------------------------------------------

    def _notify(self, port: SimulatedPort) -> None:
        if self._loop is not None and self.on_event is not None:
            self._loop.call_soon(self._deliver, port)

    def _deliver(self, port: SimulatedPort) -> None:
        if self.on_event is not None:
            self.on_event(port)

    def run(self, number: int, text: str) -> Script:
        """Have the party of a channel carry out a script from now on. Raises ScriptError and LineError."""
        party = self._port(number).party
        if not isinstance(party, Phone | Exchange):
            raise LineError(f"channel {number} has neither a telephone nor a line from an exchange")
        script = Script(party, text)
        self._scripts[script] = self.ports[number]
        return script

    def step(self) -> None:
        """10 ms pass on every line."""
        for port in list(self.ports.values()):
            port.step()
        for script, port in list(self._scripts.items()):
            if self.ports.get(port.number) is port:
                script.step()
            else:
                script.end("its channel was taken away")
            if script.done:
                del self._scripts[script]
                if script.on_done is not None:
                    script.on_done()

    def _tick(self) -> None:
        assert self._loop is not None
        due = int((self._loop.time() - self._began) * 1000 / STEP_MS)
        if due - self._steps > _MOST_BEHIND:
            self._steps = due - _MOST_BEHIND
        while self._steps < due:
            self._steps += 1
            self.step()
        self._timer = self._loop.call_later(STEP_MS / 1000, self._tick)
