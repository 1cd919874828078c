"""The ISDN spans of the exchange, and trunk groups: each starts with the first of its B channels that is configured."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from kernel_shims.line import SIGNALLINGS, LineError, LinePort, LineSystem, SpanStatus
from offhook.drivers.dahdi.isdn.bearer import BearerPort
from offhook.drivers.dahdi.isdn.debug_file import DebugFile
from offhook.drivers.dahdi.isdn.groups import TrunkGroup, groups_of

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.dahdi.configuration.reading import ChannelSettings
    from offhook.drivers.dahdi.isdn.span import IsdnSpan

ISDN = frozenset({"pri_cpe", "pri_net", "bri_cpe", "bri_net", "bri_cpe_ptmp", "bri_net_ptmp"})
_D_CHANNELS = {31: 16, 24: 24, 3: 3}
"""Place of the D channel on an E1, a T1 and a BRI span."""
_CONGESTION = re.compile(r"[Ii](\d+)/congestion")


class IsdnSpans:
    """See the text of this file. libpri is loaded with the first of them."""

    def __init__(self, pbx: Pbx, system: LineSystem) -> None:
        self._pbx = pbx
        self._system = system
        self.spans: dict[int, IsdnSpan] = {}
        self._groups: dict[int, TrunkGroup] = {}
        """By span."""
        self.debug_file = DebugFile()

    def __iter__(self) -> Iterator[IsdnSpan]:
        return iter([self.spans[number] for number in sorted(self.spans)])

    def use_groups(self, trunk_groups: Iterable[str], span_maps: Iterable[str]) -> None:
        """Which spans share a D channel ([trunkgroups]); spans that run stay as they are. Raises ValueError."""
        self._groups = groups_of(trunk_groups, span_maps)

    def bearer(self, settings: ChannelSettings) -> BearerPort:
        """The port of a B channel. Raises LineError."""
        status = next((span for span in self._system.spans() if settings.number in span), None)
        if status is None:
            self._system.open(settings.number).close()  # says what there is instead
            raise LineError(f"no such channel {settings.number}")
        span = self._span(status, settings)
        if any(settings.number == channel.number for channel in span.d_channels):
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
        group = self._groups.get(status.number)
        logical = group.spans[status.number] if group is not None else 0
        signalling = settings["signalling"]
        port = BearerPort(self._pbx, line, settings, signalling, span, first=status.first, logical=logical)
        span.bearers[port.place] = port
        span.upkeep.added(port)
        return port

    def _span(self, status: SpanStatus, settings: ChannelSettings) -> IsdnSpan:
        group = self._groups.get(status.number)
        if group is None:
            found = self.spans.get(status.number) or self._single(status, settings)
        else:
            number = self._span_of(group.d_channels[0]).number
            found = self.spans.get(number) or self._group(number, group, settings)
        if found.signalling != settings["signalling"]:
            raise LineError(f"span {status.number} is {found.signalling} already; one span has one signalling")
        return found

    def _span_of(self, channel: int) -> SpanStatus:
        for span in self._system.spans():
            if channel in span:
                return span
        raise LineError(f"trunkgroup: D channel {channel}: there is no such channel")

    def _single(self, status: SpanStatus, settings: ChannelSettings) -> IsdnSpan:
        place = _D_CHANNELS.get(status.channels)
        if place is None:
            raise LineError(
                f"span {status.number} has {status.channels} channels: neither E1 (31), T1 (24) nor BRI (3)"
            )
        line = self._d_channel(status.first + place - 1, "hardhdlc" if place == 3 else "dchan")
        span = self._new(status.number, settings, group=False)
        span.take_d_channel(line)
        return span

    def _group(self, number: int, group: TrunkGroup, settings: ChannelSettings) -> IsdnSpan:
        lines = [(self._d_channel(channel, "dchan"), self._span_of(channel).number) for channel in group.d_channels]
        span = self._new(number, settings, group=True)
        for line, where in lines:
            span.take_d_channel(line, group.spans.get(where, 0))
        return span

    def _new(self, number: int, settings: ChannelSettings, *, group: bool) -> IsdnSpan:
        from offhook.drivers.dahdi.isdn.span import IsdnSpan

        span = self.spans[number] = IsdnSpan(self._pbx, number, settings, group=group)
        span.on_debug = self.debug_file.write
        return span

    def _d_channel(self, number: int, key: str) -> LinePort:
        line = self._system.open(number)
        if line.signalling not in (SIGNALLINGS["hdlcfcs"], SIGNALLINGS["hardhdlc"]):
            line.close()
            raise LineError(f"channel {number} is no D channel in the driver; make system.conf say {key}={number}")
        return line

    def congestion(self, resource: str) -> str | None:
        """The state of ``I<span>/congestion``; None when that is not asked for."""
        found = _CONGESTION.fullmatch(resource)
        if found is None:
            return None
        span = self.spans.get(int(found[1]))
        return span.congestion if span is not None else "UNKNOWN"

    def take_events(self, line: LinePort) -> None:
        """A D channel has events."""
        for span in self:
            if span.d_channel_of(line) is not None:
                span.take_events(line)
                if not span.d_channel:
                    del self.spans[span.number]

    def stop(self) -> None:
        """End every D channel."""
        for span in self:
            span.stop()
        self.spans.clear()
        self.debug_file.close()

    def destroy(self, number: int) -> None:
        """End a span: its D channels are given back, its B channels are the caller's to close."""
        span = self.spans.pop(number, None)
        if span is not None:
            span.stop()
