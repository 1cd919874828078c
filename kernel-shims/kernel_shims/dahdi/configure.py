"""Setting up spans and channels by a SystemConf: what dahdi_cfg does, in its order."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from kernel_shims.dahdi.request import DEV, Device, sentence
from kernel_shims.dahdi.system_conf import SpanLine, SystemConf, ranges
from kernel_shims.dahdi.zones import Zone, definitions
from kernel_shims.line import SIGNALLINGS, LineError

_FRAMING = {"d4": 1 << 4, "esf": 1 << 5, "ccs": 1 << 8, "cas": 0}
_CODING = {"ami": 1 << 6, "b8zs": 1 << 7, "hdb3": 1 << 9}
_OPTIONS = {"crc4": 1 << 10, "yellow": 1 << 16, "nt": 1 << 11, "te": 0, "term": 1 << 12, "ni": 0, "ntte": 1 << 11}
_ALAW, _ULAW, _DEFAULT_LAW = 2, 1, 0
_NONE = 0


def _part(conf: SystemConf, there: Mapping[int, range]) -> SystemConf:
    """What of a file is for these spans and channels."""
    channels = {channel for reach in there.values() for channel in reach}
    return replace(
        conf,
        spans=[span for span in conf.spans if span.number in there],
        signalling={channel: name for channel, name in conf.signalling.items() if channel in channels},
        cancellers={channel: name for channel, name in conf.cancellers.items() if channel in channels},
    )


class Configurator:
    """Works on /dev/dahdi/ctl. Each step raises LineError with what failed; ``apply`` does all of them."""

    def __init__(self) -> None:
        self._device = Device(f"{DEV}/ctl")

    def close(self) -> None:
        """Give the device back."""
        self._device.close()

    def apply(
        self, conf: SystemConf, zones: Mapping[str, Zone], there: Callable[[], Mapping[int, range]] | None = None
    ) -> Iterator[str]:
        """Zones, dynamic spans, spans, channels, echo cancellers, start. Yields a sentence for each step done.

        With ``there`` (spans and their channels) what is not there yet is passed over.
        """
        yield from self.load_zones(conf, zones)
        yield from self.create_dynamic(conf)
        whole, conf = conf, conf if there is None else _part(conf, there())
        for span in conf.spans:
            self.configure_span(span)
            yield f"span {span.number}: {span.framing}, {span.coding}"
        for channel in sorted(conf.signalling):
            self.configure_channel(conf, channel)
        yield f"{len(conf.signalling)} channels"
        absent = sorted(whole.signalling.keys() - conf.signalling.keys())
        if absent:
            yield f"channels {ranges(absent)} wait for their hardware: no span has them yet"
        for channel, name in sorted(conf.cancellers.items()):
            self.attach_canceller(channel, name)
        for span in conf.spans:
            self.start(span.number)

    def load_zones(self, conf: SystemConf, zones: Mapping[str, Zone]) -> Iterator[str]:
        """Load the zones that the file names; the default one is the first unless it says otherwise."""
        names = conf.zones or [conf.default_zone or "us"]
        for number, name in enumerate(names):
            zone = zones.get(name)
            if zone is None:
                raise LineError(f"{conf.path}: loadzone={name}: indications.conf has no such zone")
            self._load(number, zone)
            yield f"tone zone {name}"
        default = names.index(conf.default_zone) if conf.default_zone in names else 0
        self._device.number("DEFAULTZONE", default, "set the default tone zone")

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

    def create_dynamic(self, conf: SystemConf) -> Iterator[str]:
        """Make the dynamic spans that are not there yet."""
        for line in conf.dynamic:
            made = self._device.struct(
                "dynamic_span", driver=line.driver, addr=line.address, numchans=line.channels, timing=line.timing
            )
            result = self._device.attempt("DYNAMIC_CREATE", made)
            if result < 0 and -result != errno.EEXIST:
                raise LineError(sentence(f"dynamic={line.driver},{line.address}", -result))
            if result >= 0:
                yield f"dynamic span {line.driver} {line.address} is span {made.spanno}"

    def destroy_dynamic(self, driver: str, address: str) -> None:
        """Take a dynamic span out."""
        made = self._device.struct("dynamic_span", driver=driver, addr=address)
        self._device.ask("DYNAMIC_DESTROY", made, f"destroy dynamic span {driver} {address}")

    def configure_span(self, span: SpanLine) -> None:
        """Framing, coding and timing of a span."""
        bits = _FRAMING[span.framing] | _CODING[span.coding] | sum(_OPTIONS[option] for option in span.options)
        line = self._device.struct(
            "lineconfig", span=span.number, lbo=span.build_out, lineconfig=bits, sync=span.timing
        )
        self._device.ask("SPANCONFIG", line, f"configure span {span.number}")

    def configure_channel(self, conf: SystemConf, channel: int) -> None:
        """Signalling and law of a channel."""
        name = conf.signalling[channel]
        law = _ALAW if channel in conf.alaw else _ULAW if channel in conf.mulaw else _DEFAULT_LAW
        config = self._device.struct(
            "chanconfig",
            chan=channel,
            sigtype=_NONE if name == "none" else SIGNALLINGS[name],
            deflaw=law,
            master=channel,
            idlebits=conf.idle_bits.get(channel, 0),
        )
        self._device.ask("CHANCONFIG", config, f"configure channel {channel} as {name}")

    def attach_canceller(self, channel: int, name: str) -> None:
        """Which of the kernel's echo cancellers a channel has; "" for none, as where the engine cancels."""
        attach = self._device.struct("attach_echocan", chan=channel, echocan=name)
        self._device.ask("ATTACH_ECHOCAN", attach, f"attach echo canceller {name or 'none'} to channel {channel}")

    def detach_cancellers(self, channels: Iterable[int]) -> None:
        """Leave echo to the engine on these channels."""
        for channel in channels:
            self.attach_canceller(channel, "")

    def start(self, span: int) -> None:
        """Start a span."""
        self._device.number("STARTUP", span, f"start span {span}")
