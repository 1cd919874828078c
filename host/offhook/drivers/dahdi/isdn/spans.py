"""The ISDN spans of the exchange: each is started with the first of its B channels that is configured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kernel_shims.line import SIGNALLINGS, LineError, LinePort, LineSystem, SpanStatus
from offhook.drivers.dahdi.isdn.bearer import BearerPort

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.dahdi.isdn.span import IsdnSpan
    from offhook.drivers.dahdi.reading import ChannelSettings

ISDN = frozenset({"pri_cpe", "pri_net", "bri_cpe", "bri_net", "bri_cpe_ptmp", "bri_net_ptmp"})
_D_CHANNELS = {31: 16, 24: 24, 3: 3}
"""Place of the D channel on an E1, a T1 and a BRI span."""


class IsdnSpans:
    """See the text of this file. libpri is loaded with the first of them."""

    def __init__(self, pbx: Pbx, system: LineSystem) -> None:
        self._pbx = pbx
        self._system = system
        self.spans: dict[int, IsdnSpan] = {}

    def __iter__(self) -> Iterator[IsdnSpan]:
        return iter([self.spans[number] for number in sorted(self.spans)])

    def bearer(self, settings: ChannelSettings) -> BearerPort:
        """The port of a B channel. Raises LineError."""
        status = next((span for span in self._system.spans() if settings.number in span), None)
        if status is None:
            self._system.open(settings.number).close()  # says what there is instead
            raise LineError(f"no such channel {settings.number}")
        span = self._span(status, settings)
        if settings.number == span.d_channel:
            raise LineError(
                f"channel {settings.number} is the D channel of span {span.number}; leave it out of the list"
            )
        line = self._system.open(settings.number)
        if line.signalling != SIGNALLINGS["clear"]:
            line.close()
            raise LineError(
                f"channel {settings.number}: it is no B channel in the driver; make system.conf say "
                f"bchan={settings.number}"
            )
        port = BearerPort(self._pbx, line, settings, settings["signalling"], span)
        span.bearers[port.offset] = port
        return port

    def _span(self, status: SpanStatus, settings: ChannelSettings) -> IsdnSpan:
        from offhook.drivers.dahdi.isdn.span import IsdnSpan

        span = self.spans.get(status.number)
        if span is None:
            place = _D_CHANNELS.get(status.channels)
            if place is None:
                raise LineError(
                    f"span {status.number} has {status.channels} channels: neither E1 (31), T1 (24) nor BRI (3)"
                )
            line = self._system.open(status.first + place - 1)
            if line.signalling not in (SIGNALLINGS["hdlcfcs"], SIGNALLINGS["hardhdlc"]):
                line.close()
                raise LineError(
                    f"channel {line.number} is no D channel in the driver; make system.conf say "
                    f"{'hardhdlc' if place == 3 else 'dchan'}={line.number}"
                )
            span = self.spans[status.number] = IsdnSpan(self._pbx, status, settings, line)
        elif span.signalling != settings["signalling"]:
            raise LineError(f"span {status.number} is {span.signalling} already; one span has one signalling")
        return span

    def take_events(self, line: LinePort) -> None:
        """A D channel has events."""
        for span in self:
            if span.d_channel == line.number:
                span.take_events()
                if not span.d_channel:
                    del self.spans[span.number]

    def stop(self) -> None:
        """End every D channel."""
        for span in self:
            span.stop()
        self.spans.clear()
