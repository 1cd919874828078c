"""The linksets there are: signalling channels and circuits are opened as chan_dahdi.conf says."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from kernel_shims.line import SIGNALLINGS, LineError, LinePort, LineSystem
from offhook.drivers.dahdi.ss7.circuit import CircuitPort
from offhook.drivers.dahdi.ss7.sigchan import SIGNALLING, SignallingChannel

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.dahdi.configuration.reading import ChannelSettings
    from offhook.drivers.dahdi.ss7.linkset import Ss7Linkset
    from offhook.drivers.dahdi.ss7.settings import LinksetSettings, LinkSettings

log = logging.getLogger(__name__)


class Ss7Linksets:
    """See the text of this file. libss7 is loaded with the first of them.

    ``miss`` is called with the number of a signalling channel that is gone, and may come back.
    """

    def __init__(self, pbx: Pbx, system: LineSystem, miss: Callable[[int], None]) -> None:
        self._pbx = pbx
        self._system = system
        self._miss = miss
        self.sets: dict[int, Ss7Linkset] = {}
        self._refused: dict[int, str] = {}
        """Why a linkset is not there, by its number."""

    def __iter__(self) -> Iterator[Ss7Linkset]:
        return iter([self.sets[number] for number in sorted(self.sets)])

    def use(self, found: Mapping[int, LinksetSettings]) -> None:
        """Open the signalling channels of linksets that are new; those that run stay as they are."""
        for number, settings in sorted(found.items()):
            if number not in self.sets and settings.links:
                self._begin(settings)

    def _begin(self, settings: LinksetSettings) -> None:
        from offhook.drivers.dahdi.ss7.linkset import Ss7Linkset

        first = settings.links[0]
        try:
            linkset = Ss7Linkset(self._pbx, settings)
        except LineError as error:
            self._refused[settings.number] = str(error)
            log.error("%s:%d: linkset %d: %s", first.file, first.line, settings.number, error)
            return
        self._refused.pop(settings.number, None)
        self.sets[settings.number] = linkset
        for link in settings.links:
            try:
                self._add_link(linkset, link)
            except LineError as error:
                log.error("%s:%d: sigchan = %d: %s", link.file, link.line, link.channel, error)

    def _add_link(self, linkset: Ss7Linkset, settings: LinkSettings) -> None:
        if any(link.number == settings.channel for one in self for link in one.links):
            raise LineError("the channel is a signalling channel already")
        place = linkset.library.add_link(settings.neighbour, settings.code)
        link = SignallingChannel(self._pbx, linkset.library, place, settings.channel, linkset.take)
        linkset.links.append(link)
        try:
            link.open(self._open(settings.channel))
        except LineError:
            link.lose()
            self._miss(settings.channel)
            raise

    def _open(self, number: int) -> LinePort:
        line = self._system.open(number)
        if line.signalling not in SIGNALLING:
            line.close()
            raise LineError(
                f"channel {number} is no signalling channel in the driver; make system.conf say mtp2={number}"
            )
        return line

    def circuit(self, settings: ChannelSettings) -> CircuitPort:
        """The port of a circuit. Raises LineError."""
        number: int = settings["linkset"]
        linkset = self.sets.get(number)
        if linkset is None:
            why = self._refused.get(number) or "it has no signalling channel; write sigchan = above the channels"
            raise LineError(f"channel {settings.number}: linkset {number} is not there: {why}")
        if any(settings.number == link.number for one in self for link in one.links):
            raise LineError(f"channel {settings.number} is a signalling channel; leave it out of the list")
        cic, point_code = settings["cic"], settings["point_code"]
        other = linkset.circuit(cic, point_code)
        if other is not None:
            raise LineError(f"channel {settings.number}: CIC {cic} is channel {other.number} already")
        line = self._system.open(settings.number)
        if line.signalling != SIGNALLINGS["clear"]:
            line.close()
            raise LineError(
                f"channel {settings.number}: it carries no circuit in the driver; make system.conf say "
                f"bchan={settings.number}"
            )
        return CircuitPort(self._pbx, line, settings, linkset)

    def start(self) -> None:
        """Align the links of linksets that have not begun."""
        for linkset in self:
            if not linkset.started:
                linkset.start()

    # ---- channels that go and come -----------------------------------------------------------------------------

    def take_events(self, line: LinePort) -> bool:
        """A channel has events; False when it is none of ours."""
        for linkset in self:
            for link in linkset.links:
                if link.line is line:
                    if not link.take_events():
                        log.warning("signalling channel %d is gone: its hardware was removed", link.number)
                        link.close()
                        link.lose()
                        self._miss(link.number)
                    linkset.settle()
                    return True
        return False

    def open_again(self, number: int) -> bool:
        """A channel is there: whether it is a link's that waits for it. Raises LineError when it cannot be opened."""
        for linkset in self:
            for link in linkset.links:
                if link.number == number:
                    if link.line is None:
                        link.open(self._open(number))
                        linkset.settle()
                    return True
        return False

    def stop(self) -> None:
        """End every linkset."""
        for linkset in self:
            linkset.stop()
        self.sets.clear()
        self._refused.clear()
