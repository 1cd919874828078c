"""Setting up spans and channels by a SystemConf: what dahdi_cfg does, but channels that are set up already stay."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from kernel_shims.dahdi.request import DEV, RETURN_MASTER, Device, sentence
from kernel_shims.dahdi.system_conf import ChannelLine, DynamicLine, Said, SpanLine, SystemConf, able, ranges
from kernel_shims.dahdi.zones import US, Zone, definitions, numbers
from kernel_shims.line import SIGNALLINGS, LineError

_FRAMING = {"d4": 1 << 4, "esf": 1 << 5, "ccs": 1 << 8, "cas": 0}
_CODING = {"ami": 1 << 6, "b8zs": 1 << 7, "hdb3": 1 << 9}
_OPTIONS = {"crc4": 1 << 10, "nt": 1 << 11, "term": 1 << 12, "yellow": 1 << 16}
_LAWS = {"deflaw": 0, "mulaw": 1, "alaw": 2}
_NONE, _SLAVE = 0, 1 << 11
_HDLC = frozenset({"hdlcraw", "hdlcfcs", "hdlcnet"})
_FULL_RATE, _SLOW_RATE = 64, 56


def _part(conf: SystemConf, there: Mapping[int, range]) -> SystemConf:
    """What of a file is for these spans and channels."""
    channels = {channel for reach in there.values() for channel in reach}
    return replace(
        conf,
        spans=[span for span in conf.spans if span.number in there],
        channels={channel: line for channel, line in conf.channels.items() if channel in channels},
        slow={channel: line for channel, line in conf.slow.items() if channel in channels},
    )


def line_bits(span: SpanLine) -> int:
    """A span's framing, coding and options as the kernel has them."""
    bits = _FRAMING[span.framing] | _CODING[span.coding]
    for option in span.options:
        bits = bits & ~_OPTIONS["nt"] if option == "te" else bits | _OPTIONS[option]
    return bits


class Configurator:
    """Works on /dev/dahdi/ctl. Each step raises LineError with the line of the file; ``apply`` does all of them."""

    def __init__(self) -> None:
        self._device = Device(f"{DEV}/ctl")

    def close(self) -> None:
        """Give the device back."""
        self._device.close()

    def apply(
        self, conf: SystemConf, zones: Mapping[str, Zone], there: Callable[[], Mapping[int, range]] | None = None
    ) -> Iterator[str]:
        """Zones, dynamic spans, spans, channels, echo cancellers, start. Yields a sentence for each step done.

        With ``there`` (spans and their channels) what is not there yet is passed over. What fails does not keep the
        rest from being done: LineError is raised at the end, for all of it.
        """
        wrong: list[str] = []

        def done(step: Callable[[], bool | None]) -> bool:
            with _noting(wrong):
                return step() is not False
            return False

        yield from conf.notes
        with _noting(wrong):
            yield from self.load_zones(conf, zones)
        for line in conf.dynamic:
            with _noting(wrong):
                yield from self.create_dynamic(conf.path, line)
        whole, conf = conf, conf if there is None else _part(conf, there())
        spans = [span for span in conf.spans if done(partial(self.configure_span, conf.path, span))]
        yield from (f"span {span.number}: {span.framing}, {span.coding}" for span in spans)
        before = len(wrong)
        changed = [channel for channel in sorted(conf.channels) if done(partial(self.configure_channel, conf, channel))]
        kept = len(conf.channels) - len(changed) - (len(wrong) - before)
        yield f"{len(changed)} channels{f', {kept} are set up already' if kept else ''}"
        yield from _awaited(whole, conf)
        for span in spans:
            done(partial(self.start, conf.path, span))
        framed = {channel for channel, line in conf.channels.items() if line.signalling in _HDLC}
        for channel in sorted(framed | {*changed}):
            done(partial(self.settle, conf, channel))
        if wrong:
            raise LineError("\n".join(wrong))

    def load_zones(self, conf: SystemConf, zones: Mapping[str, Zone]) -> Iterator[str]:
        """Load the zones that the file names, "us" when it names none."""
        wanted = conf.zones or [Said(US.name)]
        known = {US.name: US, **zones}
        number_of = numbers([one.value for one in wanted])
        for one in wanted:
            zone = known.get(one.value)
            if zone is None:
                raise LineError(
                    f"{conf.path}:{one.line}: loadzone={one.value}: indications.conf has no such zone; "
                    f"it has {', '.join(sorted(known))}"
                )
            self._load(number_of[one.value], zone)
            yield f"tone zone {one.value}"
        default = conf.default_zone
        if default is not None and default.value not in number_of:
            raise LineError(
                f"{conf.path}:{default.line}: defaultzone={default.value}: the zone is not loaded; "
                f"add loadzone={default.value}"
            )
        if default is not None or not conf.zones:
            number = number_of[default.value if default is not None else US.name]
            self._device.number("DEFAULTZONE", number, "set the default tone zone")

    def _load(self, number: int, zone: Zone) -> None:
        ffi = self._device.ffi
        tones = definitions(zone)
        size = ffi.sizeof("struct dahdi_tone_def_header") + len(tones) * ffi.sizeof("struct dahdi_tone_def")
        room = ffi.new("char[]", size)
        header = ffi.cast("struct dahdi_tone_def_header *", room)
        header.count, header.zone = len(tones), number
        for place, ms in enumerate(zone.cadence[:16]):
            header.ringcadence[place] = ms
        for place, byte in enumerate(zone.name.encode()[:39]):
            header.name[place] = bytes([byte])
        items = ffi.cast("struct dahdi_tone_def *", header + 1)
        for place, tone in enumerate(tones):
            item = items[place]
            for name in tone.__slots__:
                setattr(item, name, getattr(tone, name))
        free = ffi.new("int *", number)
        self._device.attempt("FREEZONE", free)
        result = self._device.attempt("LOADZONE", header)
        if result < 0 and -result != errno.EBUSY:
            raise LineError(sentence(f"{DEV}/ctl: load tone zone {zone.name}", -result))

    def create_dynamic(self, path: str, line: DynamicLine) -> Iterator[str]:
        """Make a dynamic span if it is not there yet."""
        made = self._device.struct(
            "dynamic_span", driver=line.driver, addr=line.address, numchans=line.channels, timing=line.timing
        )
        result = self._device.attempt("DYNAMIC_CREATE", made)
        what = f"{path}:{line.line}: dynamic={line.driver},{line.address}"
        if result == -errno.EINVAL:
            raise LineError(f"{what}: the module dahdi_dynamic_{line.driver} is missing, or refuses that address")
        if result < 0 and result != -errno.EEXIST:
            raise LineError(sentence(what, -result))
        if result >= 0:
            yield f"dynamic span {line.driver} {line.address} is span {made.spanno}"

    def destroy_dynamic(self, driver: str, address: str) -> None:
        """Take a dynamic span out."""
        made = self._device.struct("dynamic_span", driver=driver, addr=address)
        self._device.ask("DYNAMIC_DESTROY", made, f"destroy dynamic span {driver} {address}")

    def configure_span(self, path: str, span: SpanLine) -> None:
        """Framing, coding and timing of a span."""
        line = self._device.struct(
            "lineconfig", span=span.number, lbo=span.build_out, lineconfig=line_bits(span), sync=span.timing
        )
        result = self._device.attempt("SPANCONFIG", line)
        if result < 0:
            raise LineError(sentence(f"{path}:{span.line}: span={span.number}: {self._span_of(span.number)}", -result))

    def _span_of(self, number: int) -> str:
        info = self._device.struct("spaninfo", spanno=number)
        if self._device.attempt("SPANSTAT", info) < 0:
            return f"there is no span {number}"
        return f"{self._device.text(info.desc)} does not take this"

    def configure_channel(self, conf: SystemConf, channel: int) -> bool:
        """Signalling, law and echo canceller of a channel; whether it had to be changed: changing it hangs up."""
        line = conf.channels[channel]
        law = _LAWS[conf.laws.get(channel, "deflaw")]
        now = self._device.struct("params", channo=channel | RETURN_MASTER)
        if self._device.attempt("GET_PARAMS", now) < 0:
            raise LineError(f"{conf.path}:{line.line}: {line.word}={channel}: there is no channel {channel}")
        change = self._differs(now, conf, channel, law)
        if change:
            config = self._device.struct(
                "chanconfig",
                chan=channel,
                sigtype=_SLAVE if line.master else SIGNALLINGS.get(line.signalling, _NONE),
                deflaw=law,
                master=line.master or channel,
                idlebits=line.peer or line.idle_bits,
                netdev_name=line.network,
            )
            result = self._device.attempt("CHANCONFIG", config)
            if result < 0:
                raise LineError(_refusal(conf, channel, int(now.sigcap), -result))
        self.attach_canceller(conf.path, channel, conf.cancellers.get(channel, Said("")))
        return change

    def _differs(self, now: object, conf: SystemConf, channel: int, law: int) -> bool:
        """Whether a channel is not as the file wants it; what a cross connection leads to cannot be read."""
        line = conf.channels[channel]
        found: tuple[int, ...] = tuple(getattr(now, name) for name in ("sigtype", "channo", "idlebits", "curlaw"))
        sigtype, numbers_, idle, law_now = found
        wanted = SIGNALLINGS.get(line.signalling, _NONE)
        master = numbers_ >> 16
        if line.peer or (wanted and (sigtype, master, idle) != (wanted, line.master or channel, line.idle_bits)):
            return True
        return (not wanted and sigtype != _NONE) or law not in (_LAWS["deflaw"], law_now)

    def attach_canceller(self, path: str, channel: int, name: Said) -> None:
        """Which of the kernel's echo cancellers a channel has; "" for none, as where the engine cancels."""
        attach = self._device.struct("attach_echocan", chan=channel, echocan=name.value)
        if self._device.attempt("ATTACH_ECHOCAN", attach) < 0:
            version = self._device.struct("versioninfo")
            there = ""
            if self._device.attempt("GETVERSION", version) >= 0:
                there = self._device.text(version.echo_canceller).strip(", ")
            raise LineError(
                f"{path}:{name.line}: echocanceller={name.value},{channel}: the drivers have no such canceller, "
                f"but {there or 'none'}; load dahdi_echocan_{name.value}, or take the line out: the engine cancels"
            )

    def start(self, path: str, span: SpanLine) -> None:
        """Start a span."""
        cell = self._device.ffi.new("int *", span.number)
        result = self._device.attempt("STARTUP", cell)
        if result < 0:
            raise LineError(sentence(f"{path}:{span.line}: start span {span.number}", -result))

    def settle(self, conf: SystemConf, channel: int) -> None:
        """Open a channel, by which its law comes in force, and set its rate, 64 or 56 kbit/s. One that cannot be opened
        (of a bundle, connected through, in use) keeps what it has, if it need not be slow."""
        slow = channel in conf.slow
        device = Device(f"{DEV}/channel", f"{conf.path}:{conf.slow.get(channel, 0)}: 56k={channel}")
        try:
            opened = device.ffi.new("int *", channel)
            if device.attempt("SPECIFY", opened) < 0:
                if slow:
                    device.ask("SPECIFY", opened, "open")
            elif conf.channels[channel].signalling in _HDLC:
                device.number("HDLC_RATE", _SLOW_RATE if slow else _FULL_RATE, "set the rate")
        finally:
            device.close()


@contextmanager
def _noting(wrong: list[str]) -> Iterator[None]:
    """What goes wrong within is told later."""
    try:
        yield
    except LineError as error:
        wrong.append(str(error))


def _awaited(whole: SystemConf, part: SystemConf) -> Iterator[str]:
    """What of a file has no hardware yet."""
    spans = sorted({span.number for span in whole.spans} - {span.number for span in part.spans})
    if spans:
        yield f"span {', '.join(map(str, spans))} waits for its hardware"
    channels = sorted(whole.channels.keys() - part.channels.keys())
    if channels:
        yield f"channels {ranges(channels)} wait for their hardware: no span has them yet"


def _refusal(conf: SystemConf, channel: int, capabilities: int, number: int) -> str:
    """Why a channel cannot be what a file says, and what it can be."""
    line: ChannelLine = conf.channels[channel]
    what = f"{conf.path}:{line.line}: {line.word}={channel}"
    if number == errno.ENOSYS:
        return f"{what}: these drivers are built without network interfaces (CONFIG_DAHDI_NET)"
    if number != errno.EINVAL:
        return sentence(what, number)
    if line.master:
        return f"{what}: channel {line.master} cannot lead it"
    return f"{what}: the hardware of channel {channel} cannot be that; it can be {able(capabilities)}"
