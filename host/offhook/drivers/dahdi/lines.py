"""All lines of the exchange: the hardware, the configured ports, groups, and the reload that leaves calls alone.

``pbx.parts["dahdi"]``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from kernel_shims.dahdi.system_conf import ranges
from kernel_shims.line import SIGNALLINGS, LineError, LinePort, LineSystem, no_such_channel
from offhook.calls import causes
from offhook.calls.completion.parameters import Parameters, from_settings
from offhook.calls.line_events import ChannelAlarm, SpanAlarm
from offhook.calls.requesting import RequestError
from offhook.drivers.dahdi.addresses import Address, order_of_hunt, parse
from offhook.drivers.dahdi.analog.schemes import SCHEMES
from offhook.drivers.dahdi.configuration.options import ANALOG, RADIO
from offhook.drivers.dahdi.configuration.reading import PSEUDO, ChannelSettings, Reading
from offhook.drivers.dahdi.hardware import set_up_again
from offhook.drivers.dahdi.isdn.spans import ISDN, IsdnSpans
from offhook.drivers.dahdi.ports.phone import PhonePort
from offhook.drivers.dahdi.ports.tie import TiePort
from offhook.drivers.dahdi.ports.trunk import TrunkPort
from offhook.drivers.dahdi.r2.port import R2Port
from offhook.drivers.dahdi.showing import tables
from offhook.drivers.dahdi.showing.alarms import words_of
from offhook.drivers.dahdi.ss7.linksets import Ss7Linksets
from offhook.log import NOTICE, verbose

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.calls.pbx import Pbx
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.port import Port

log = logging.getLogger(__name__)

PART = "dahdi"
_SEARCH_S = 2.0
"""How often removed hardware is looked for."""
PortMaker = Callable[["Pbx", LinePort, ChannelSettings, str], "Port"]
PORT_KINDS: dict[str, PortMaker] = {
    **dict.fromkeys(("fxo_ls", "fxo_gs", "fxo_ks"), PhonePort),
    **dict.fromkeys(("fxs_ls", "fxs_gs", "fxs_ks"), TrunkPort),
    **dict.fromkeys(SCHEMES, TiePort),
    "mfcr2": R2Port,
}
"""What makes the port of a signalling."""
_IN_DRIVER = {
    **{name: "sf" if name.startswith("sf") else "em" for name in SCHEMES if name != "em_e1"},
    "mfcr2": "cas",
}
"""What the driver calls signallings that it has no word of their own for."""
_NAMES = {number: name for name, number in SIGNALLINGS.items()}
_WORDS = {"em": "e&m", "em_e1": "e&me1"} | {name: name.replace("_", "") for name in SIGNALLINGS if name[:2] == "fx"}
"""Words of system.conf."""
_IDLE = {"cas": ":1101"}
"""What stands there behind the channels: the bits of an idle line."""
DEFAULT_CADENCES = (
    (125, 125, 2000, -4000),
    (250, 250, 500, 1000, 250, 250, 500, -4000),
    (125, 125, 125, 125, 125, -4000),
    (1000, 500, 2500, -5000),
)
"""r1 to r4 where the file has none; caller ID goes into the negative pause."""


class Lines:
    """See the text of this file."""

    def __init__(self, pbx: Pbx, system: LineSystem) -> None:
        self.pbx = pbx
        self.system = system
        self.ports: dict[int, Port] = {}
        self.reading = Reading()
        self.cadences: list[tuple[int, ...]] = [*DEFAULT_CADENCES]
        self._last: dict[frozenset[int], int] = {}
        """Where a round robin stopped, by groups."""
        self.isdn = IsdnSpans(pbx, system)
        self.ss7 = Ss7Linksets(pbx, system, self._miss)
        self.awaited: Callable[[], str] = str
        """Which hardware is still on its way, a sentence; "" for none."""
        self._absent: set[int] = set()
        """Channels of spans that are not there yet."""
        self._untold: dict[tuple[str, int], list[int]] = {}
        """Of these such that nobody was told of, by the line of the file that names them."""
        self._gone_now: list[int] = []
        self._complaints: set[str] = set()
        """Why lines that are back could not be set up: told once, tried for ever."""
        self._missing: set[int] = set()
        """Channels whose hardware was removed."""
        self._search: asyncio.TimerHandle | None = None
        system.on_event = self._event

    def __iter__(self) -> Iterator[Port]:
        return iter([self.ports[number] for number in sorted(self.ports)])

    # ---- configuration ---------------------------------------------------------------------------------------

    def configure(self, reading: Reading) -> None:
        """Put a configuration in force: new channels are opened, those no longer named go once they are idle."""
        self.reading = reading
        self.cadences = [*reading.cadences] or [*DEFAULT_CADENCES]
        for error in reading.errors:
            log.warning("%s", error)
        try:
            self.isdn.use_groups(reading.trunk_groups, reading.span_maps)
        except ValueError as error:
            log.error("chan_dahdi.conf: %s", error)
        self.ss7.use(reading.ss7.found)
        for number, port in list(self.ports.items()):
            settings = reading.channels.get(number)
            if settings is None and not port.calls:
                self._close(port)
            elif settings is not None:
                self._resettle(port, settings)
        for number, settings in sorted(reading.channels.items()):
            if number not in self.ports and number != PSEUDO:
                self.open(settings)
        self._tell_absent()
        self.ss7.start()

    def create(self, reading: Reading, wanted: range | None) -> list[int]:
        """Open channels of a file that are not open, of a range or all; which ones are open now."""
        made = []
        for number, settings in sorted(reading.channels.items()):
            if number in self.ports or number == PSEUDO or (wanted is not None and number not in wanted):
                continue
            self.reading.channels[number] = settings
            if self.open(settings) is not None:
                made.append(number)
        self._tell_absent()
        self.ss7.start()
        return made

    def _resettle(self, port: Port, settings: ChannelSettings) -> None:
        """Give a port other settings; what cannot be changed under a running channel is told."""
        wanted = settings["signalling"]
        if wanted not in ("auto", port.signalling):
            text = f"channel {port.number}: signalling stays {port.signalling}; dahdi restart makes it {wanted}"
            log.warning("%s:%d: %s", settings.file, settings.line, text)
        port.settings = settings
        port.settings_changed()
        verbose(3, "Reconfigured channel %d, %s signalling", port.number, tables.SIGNALLINGS[port.signalling])

    def open(self, settings: ChannelSettings, *, patient: bool = False) -> Port | None:
        """Open one channel; what keeps it from working is logged with the line of the file, if it will not be tried
        again."""
        try:
            port = self._port_for(settings)
        except LineError as error:
            self._refused(settings, str(error), patient=patient)
            return None
        if port is not None:
            port.on_alarm = self._alarm
            port.on_gone = self._gone
            self.ports[port.number] = port
            port.begin()
            verbose(3, "Registered channel %d, %s signalling", port.number, tables.SIGNALLINGS[port.signalling])
        return port

    def _port_for(self, settings: ChannelSettings) -> Port | None:
        wanted: str = settings["signalling"]
        if wanted in ISDN:
            return self.isdn.bearer(settings)
        if wanted == "ss7":
            return self.ss7.circuit(settings)
        if wanted in RADIO:
            raise LineError(
                f"channel {settings.number}: signalling {wanted} is for radios of app_rpt, which Asterisk has dropped"
            )
        line = self.system.open(settings.number)
        signalling = wanted if wanted != "auto" else _NAMES.get(line.signalling, "")
        try:
            self._check(line, signalling)
            return PORT_KINDS[signalling](self.pbx, line, settings, signalling)
        except LineError:
            line.close()
            raise

    def _check(self, line: LinePort, signalling: str) -> None:
        """Whether the channel is set up in the driver for what the file wants of it."""
        if signalling not in PORT_KINDS:
            what = f"signalling {signalling} is not there yet" if signalling else "the driver has it not configured"
            raise LineError(f"channel {line.number}: {what}")
        there = _NAMES.get(line.signalling, f"type {line.signalling:#x}")
        kernel = _IN_DRIVER.get(signalling, signalling)
        if line.signalling != SIGNALLINGS.get(kernel, line.signalling):
            wanted = f"{_WORDS.get(kernel, kernel)}={line.number}{_IDLE.get(kernel, '')}"
            raise LineError(
                f"channel {line.number}: signalling is {signalling} here but {there} in the driver; "
                f"make system.conf say {wanted}, or change the line here"
            )

    def _refused(self, settings: ChannelSettings, sentence: str, *, patient: bool) -> None:
        level = logging.DEBUG if patient else logging.ERROR
        if not any(settings.number in span for span in self.system.spans()):
            self._absent.add(settings.number)
            if not patient:
                self._untold.setdefault((settings.file, settings.line), []).append(settings.number)
                return
        log.log(level, "%s:%d: %s", settings.file, settings.line, sentence)

    def _tell_absent(self) -> None:
        """Tell of the channels that have no hardware, those of a line of the file in one sentence."""
        awaited, spans = self.awaited(), self.system.spans() if self._untold else []
        for (file, line), numbers in self._untold.items():
            if awaited:
                verbose(3, "%s:%d: %s not there yet: %s", file, line, _channels_are(numbers), awaited)
            else:
                log.error("%s:%d: %s", file, line, no_such_channel(ranges(numbers), spans))
        self._untold = {}

    def _close(self, port: Port) -> None:
        del self.ports[port.number]
        port.close()
        verbose(3, "Unregistered channel %d", port.number)

    def destroy(self, number: int) -> bool:
        """Give one channel back; its calls end. False when there is none such."""
        port = self.ports.get(number)
        if port is not None:
            self._close(port)
        return port is not None

    def restart(self) -> None:
        """End every call, close every channel and open them anew."""
        for port in list(self.ports.values()):
            self._close(port)
        self.isdn.stop()
        self.ss7.stop()
        self.ss7.use(self.reading.ss7.found)
        for _, settings in sorted(self.reading.channels.items()):
            if settings.number != PSEUDO:
                self.open(settings)
        self._tell_absent()
        self.ss7.start()

    def stop(self) -> None:
        """Close everything."""
        if self._search is not None:
            self._search.cancel()
        for port in list(self.ports.values()):
            self._close(port)
        self.isdn.stop()
        self.ss7.stop()
        self.system.stop()

    # ---- events ----------------------------------------------------------------------------------------------

    def _event(self, line: LinePort) -> None:
        port = self.ports.get(line.number)
        if port is not None and port.line is line:
            port.take_events()
        elif not self.ss7.take_events(line):
            self.isdn.take_events(line)

    def _gone(self, port: Port) -> None:
        """A port's hardware was pulled out: it may come back under its number."""
        if self.ports.get(port.number) is port:
            del self.ports[port.number]
        if not self._gone_now:
            self.pbx.loop.call_soon(self._tell_gone)
        self._gone_now.append(port.number)
        self.pbx.devices.changed(f"DAHDI/{port.number}")
        self._miss(port.number)

    def _tell_gone(self) -> None:
        """A span's channels go together."""
        gone, self._gone_now = sorted(self._gone_now), []
        log.warning("%s gone: the hardware was removed", _channels_are(gone))

    def _miss(self, number: int) -> None:
        """A channel is looked for until it is there."""
        self._missing.add(number)
        if self._search is None:
            self._search = self.pbx.loop.call_later(_SEARCH_S, self._look_again)

    def appeared(self) -> None:
        """Spans may have come: configured channels that wait for them are taken at once."""
        wanted = self._absent | self._missing
        spans = self.system.spans() if wanted else []
        came = {number for number in wanted if any(number in span for span in spans)}
        if came:
            self._absent -= came
            self._missing |= came
            if self._search is not None:
                self._search.cancel()
            self._look_again()

    def _look_again(self) -> None:
        """Look whether hardware that was removed is back, as long as some is missing."""
        self._search = None
        spans = self.system.spans()
        back = [n for n in sorted(self._missing) if any(s.first <= n < s.first + s.channels for s in spans)]
        if back:
            self.pbx.spawn(self._take_back(back), "take lines back")
        elif self._missing:
            self._search = self.pbx.loop.call_later(_SEARCH_S, self._look_again)

    async def _take_back(self, back: list[int]) -> None:
        """Channels are there again: open those that are configured; what is not set up yet is tried again."""
        try:
            await set_up_again(self.pbx, self.system, frozenset(back))
        except LineError as error:
            if str(error) not in self._complaints:
                self._complaints.add(str(error))
                log.error("%s", error)
        for number in back:
            try:
                if self.ss7.open_again(number):
                    self._missing.discard(number)
                    continue
            except LineError as error:
                log.debug("%s", error)
                continue
            settings = self.reading.channels.get(number)
            if settings is None or number in self.ports or self.open(settings, patient=True) is not None:
                verbose(3, "channel %d is back", number)
                self._missing.discard(number)
                self.pbx.devices.changed(f"DAHDI/{number}")
        if self._missing and self._search is None:
            self._search = self.pbx.loop.call_later(_SEARCH_S, self._look_again)

    def _alarm(self, port: Port, bits: int) -> None:
        self.pbx.devices.changed(f"DAHDI/{port.number}")
        if port.ignores_alarms:
            return
        report = port.settings["reportalarms"]
        words, analog = words_of(bits), port.signalling in ANALOG
        if report in ("channels", "all") or (analog and not words):
            self._alarm_told(f"channel {'' if words or analog else 'DAHDI/'}{port.number}", words)
            self.pbx.bus.publish(ChannelAlarm(port.number, words, analog))
        first = min(other.number for other in self.ports.values() if other.span == port.span)
        if report in ("spans", "all") and port.number == first:
            self._alarm_told(f"span {port.span}", words)
            self.pbx.bus.publish(SpanAlarm(port.span, words))

    @staticmethod
    def _alarm_told(where: str, words: str) -> None:
        """In the words that programs look for in logs."""
        if words:
            log.warning("Detected alarm on %s: %s", where, words)
        else:
            log.log(NOTICE, "Alarm cleared on %s", where)

    # ---- calling ---------------------------------------------------------------------------------------------

    def request(self, text: str, requester: Channel | None, ids: tuple[str, str]) -> DahdiChannel:
        """A channel for a dial string. Raises RequestError."""
        try:
            address = parse(text)
        except ValueError as error:
            raise RequestError(causes.INVALID_NUMBER_FORMAT, f"DAHDI/{error}") from None
        port = self._hunt(address, text)
        channel = port.requested(address, requester, ids)
        channel.address, channel.dial_string = address.number, text
        channel.data["dahdi_address"] = address
        port.prepare(channel, address, self.cadences)
        return channel

    def _candidates(self, address: Address) -> list[Port]:
        """The ports of an address in the order they are tried."""
        ports = [port for port in self.ports.values() if not address.span or port.span == address.span]
        if address.channel:
            number = self._number(address)
            ports = [port for port in ports if port.number == number]
        elif address.groups or not address.span:
            ports = [port for port in ports if address.groups & port.settings["group"]]
        return order_of_hunt(ports, address, self._last.get(address.groups, 0))

    def _number(self, address: Address) -> int:
        """The channel of an address that names one; 0 when there is no such device."""
        if not address.folder:
            return address.channel
        try:
            return self.system.channel_at(f"{address.folder}/{address.channel}")
        except LineError as error:
            log.warning("%s", error)
            return 0

    def waited_for(self, text: str) -> list[tuple[str, Parameters]]:
        """The lines behind a dial string that is busy, and what each allows of call completion."""
        try:
            ports = self._candidates(parse(text))
        except ValueError:
            return []
        return [
            (f"DAHDI/{port.number}", from_settings(port.settings.values))
            for port in ports
            if port.signalling not in ISDN
        ]

    def _hunt(self, address: Address, text: str) -> Port:
        candidates = self._candidates(address)
        if not candidates:
            raise RequestError(causes.NO_ROUTE_DESTINATION, f"DAHDI/{text}: there is no such channel or group")
        for port in candidates:
            refusal = port.refusal()
            if port.do_not_disturb and port.signalling in ANALOG:
                refusal = refusal or causes.REQUESTED_CHAN_UNAVAIL
            if not refusal or (address.channel and port.forward):
                self._last[address.groups] = port.number
                return port
            if not address.channel and (other := port.instead()) is not None:
                return other
        cause = causes.NORMAL_CIRCUIT_CONGESTION
        if address.channel:  # one alone is busy, or not to be had
            usual = refusal if refusal != cause else causes.REQUESTED_CHAN_UNAVAIL
            cause = causes.USER_BUSY if len(port.calls) else usual
        raise RequestError(cause, f"DAHDI/{text}: {'busy' if cause == causes.USER_BUSY else 'no channel is free'}")

    def device_state(self, resource: str) -> str | None:
        """Device states come from channels; a channel that is not configured has none. I<span>/congestion is BUSY when
        no B channel of an ISDN span is free."""
        if (congestion := self.isdn.congestion(resource)) is not None:
            return congestion
        number = resource.partition("-")[0]
        if not number.isdigit():
            return None
        port = self.ports.get(int(number))
        if port is None:
            return "INVALID"
        return "UNAVAILABLE" if port.line is None or port.machine.alarm else None


def _channels_are(numbers: list[int]) -> str:
    """The beginning of a sentence about them."""
    return f"channels {ranges(numbers)} are" if len(numbers) > 1 else f"channel {numbers[0]} is"
