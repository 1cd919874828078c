"""The engine: starts and stops the C media engine, makes legs in it, and brings its events to the loop."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from offhook.log import NOTICE
from offhook.media.detecting import Detector
from offhook.media.dtls import DtlsContext, DtlsSettings
from offhook.media.effects import Effect
from offhook.media.encoding import Encoding
from offhook.media.engine_settings import MODES, Figures, Settings
from offhook.media.errors import EngineError, NoPort
from offhook.media.events import (
    DigitBegin,
    DigitEnd,
    FarEndAddressLearned,
    FarEndQuiet,
    LineLost,
    PictureWanted,
    RtcpReceived,
    RtcpSent,
    RtpTimeout,
    SourceJudged,
)
from offhook.media.formats import Format, Kind
from offhook.media.leg import DIRECTIONS, Leg, NullLeg, PipeLeg, SnoopLeg
from offhook.media.line import LAWS, LineLeg
from offhook.media.marking import UNMARKED, Marking
from offhook.media.mixer import Mixer
from offhook.media.playing import Playback
from offhook.media.recording import Recording, Watch
from offhook.media.rtp import Packet, RelayLeg, RtpLeg
from offhook.media.stream import FRAMINGS, Framing, StreamLeg

__all__ = ["Engine", "EngineError", "Figures", "NoPort", "Settings"]

log = logging.getLogger(__name__)

_REASONS = ("done", "stopped", "replaced", "closed", "failed")
_SOURCES = ("rfc4733", "inband")
_BATCH = 64
Watched = Leg | Playback | Recording | Watch | Detector | Effect | Mixer
AnyLeg = TypeVar("AnyLeg", bound=Leg)


class Traced(NamedTuple):
    """A packet somebody watches: ``type`` is the payload type, or RTCP's packet type; ``length`` without the header."""

    sent: bool
    rtcp: bool
    host: str
    port: int
    type: int
    length: int
    sequence: int
    timestamp: int


class Engine:
    """The media engine of the process. ``loop`` is where events are delivered; None: the one running at ``start``."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.ffi: Any = None
        self.lib: Any = None
        self._loop = loop
        self._handle: Any = None
        self._descriptor = -1
        self._objects: dict[int, Watched] = {}
        self._codecs: dict[str, int] = {}
        self._dtls: dict[DtlsSettings, DtlsContext] = {}
        self.on_trace: Callable[[Traced], None] | None = None
        self.on_packet: Callable[[Packet, bool], None] | None = None
        """Told of every packet that is no RTP, and whether it is sent."""
        self.error_text: Any = None
        self._events: Any = None

    # ---- life ------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the engine's threads. Raises EngineError with the remedy when it is not built or cannot start."""
        if self._handle is not None:
            return
        try:
            from offhook.media import _engine  # type: ignore[attr-defined]
        except ImportError as error:
            raise EngineError(f"the media engine is not built ({error}): run make -C host/engine") from None
        self.ffi, self.lib = _engine.ffi, _engine.lib
        self.error_text = self.ffi.new("char[]", self.lib.ENGINE_TEXT)
        self._events = self.ffi.new("struct engine_event[]", _BATCH)
        options = self._options()
        handle = self.lib.engine_new(options, self.error_text)
        if not handle:
            raise EngineError(self.text(self.error_text))
        self._handle = handle
        if not self.lib.engine_start(handle, self.error_text):
            self.lib.engine_free(handle)
            self._handle = None
            raise EngineError(self.text(self.error_text))
        while note := self.lib.engine_notice(handle):
            log.log(NOTICE, "media: %s", self.text(note))
        if self.settings.socket_mode != "simulated":
            self._loop = self._loop or asyncio.get_running_loop()
            self._descriptor = self.lib.engine_event_descriptor(handle)
            self._loop.add_reader(self._descriptor, self.deliver_events)

    def _options(self) -> Any:
        settings = self.settings
        return self.ffi.new(
            "struct engine_options *",
            {
                "mode": MODES.index(settings.socket_mode),
                "port_low": settings.port_low,
                "port_high": settings.port_high,
                "realtime": settings.realtime,
                "probation": settings.probation,
                "rtcp_interval": int(settings.rtcp_interval * 1000),
                "digit_timeout": settings.dtmf_timeout_ms,
                "checksums": settings.checksums,
            },
        )

    def change_settings(self, settings: Settings) -> None:
        """Follow other settings where that is possible while the engine runs: for legs made from now on, probation and
        a digit's end for all. ``socket_mode``, ``realtime`` and ``checksums`` stay as they are."""
        kept = self.settings
        self.settings = replace(
            settings,
            socket_mode=kept.socket_mode,
            realtime=kept.realtime,
            checksums=kept.checksums,
            srtp=kept.srtp,
        )
        if self._handle is not None:
            self.lib.engine_change(self._handle, self._options())

    def stop(self) -> None:
        """Close every leg, end the threads, give back all descriptors. Harmless twice.

        What was going on is told as closed before this returns.
        """
        if self._handle is None:
            return
        if self._descriptor >= 0 and self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._descriptor)
        self._descriptor = -1
        self.lib.engine_stop(self._handle)
        self.deliver_events()
        self.lib.engine_free(self._handle)
        self._handle = None
        self._objects.clear()
        self._dtls.clear()

    @property
    def running(self) -> bool:
        """Between ``start`` and ``stop``."""
        return self._handle is not None

    # ---- legs ------------------------------------------------------------------------------------------

    def rtp_leg(
        self, address: str = "0.0.0.0", *, kind: Kind | str = Kind.AUDIO, marking: Marking = UNMARKED
    ) -> RtpLeg:
        """A leg on a fresh pair of ports at a local address (IPv4 or IPv6; a wildcard for any). Raises NoPort when
        all ports of the range are taken. For other kinds than audio it is a RelayLeg. Where packets cannot be marked as
        wanted, the log says so."""
        engine, relays = self._running(), kind != Kind.AUDIO
        handle = self.lib.leg_rtp(engine, address.encode(), relays, *marking, self.error_text)
        if not handle:
            raise NoPort(self.text(self.error_text))
        if marking != UNMARKED and (complaint := self.text(self.error_text)):
            log.warning("%s", complaint)
        leg = (RelayLeg if relays else RtpLeg)(self, handle, address)
        self.watch_object(handle, leg)
        if self.settings.strict_rtp != "yes":
            leg.set_options(strict=self.settings.strict_rtp)
        return leg

    def relay_leg(self, address: str = "0.0.0.0", *, marking: Marking = UNMARKED) -> RelayLeg:
        """An RTP leg for video or text, relayed packet by packet."""
        leg = self.rtp_leg(address, kind=Kind.VIDEO, marking=marking)
        assert isinstance(leg, RelayLeg)
        return leg

    def pipe(self) -> tuple[PipeLeg, PipeLeg]:
        """Two legs back to back: what is sent to one arrives at the other."""
        engine = self._running()
        first, second = self.ffi.new("struct leg **"), self.ffi.new("struct leg **")
        if not self.lib.leg_pipe(engine, first, second):
            raise MemoryError("no memory for a pipe")
        legs = PipeLeg.pair(self, first[0], second[0])
        for leg in legs:
            self.watch_object(leg._handle, leg)
        return legs

    def null_leg(self, rate: int = 8000) -> NullLeg:
        """A leg without a far end."""
        engine = self._running()
        return self._made(NullLeg, self.lib.leg_null(engine, rate))

    def line_leg(
        self, descriptor: int, law: str = "ulaw", *, block: int = 80, ahead: int = 3, echo_ms: int = 0
    ) -> LineLeg:
        """A leg on a line's descriptor, of which it uses a copy. ``law`` is ulaw, alaw or slin (16 bit linear).

        ``block`` samples (8000 Hz, in eights up to 160) are read and written at a time, and ``ahead`` blocks kept
        written before they are due. An echo of up to ``echo_ms`` (at most 128) is cancelled. Raises EngineError when
        the descriptor cannot be used.
        """
        engine = self._running()
        handle = self.lib.leg_line(engine, descriptor, LAWS.index(law), block, ahead, echo_ms, self.error_text)
        if not handle:
            raise EngineError(self.text(self.error_text))
        leg = LineLeg(self, handle)
        self.watch_object(handle, leg)
        return leg

    def lines(self) -> list[LineLeg]:
        """The legs of lines that have a name and sound now."""
        return [leg for leg in self._objects.values() if isinstance(leg, LineLeg) and leg.name and not leg.closed]

    def stream_leg(self, descriptor: int, framing: Framing, sent: str = "slin", *, rate: int = 0) -> StreamLeg:
        """A leg on a connection or pipe, of which it uses a copy. ``sent`` names the format of what is sent to it;
        what is heard bare is linear, of the same rate, or of ``rate`` where that is a part of it (22050 of slin44).
        Raises EngineError when that cannot be."""
        engine = self._running()
        codec = int(self.lib.engine_codec(sent.encode()))
        handle = self.lib.leg_stream(engine, descriptor, FRAMINGS.index(framing), codec, rate, self.error_text)
        if not handle:
            raise EngineError(self.text(self.error_text))
        return self._made(StreamLeg, handle)

    def snoop(
        self,
        target: Leg,
        spy: Literal["none", "in", "out", "both"] = "both",
        whisper: Literal["none", "in", "out", "both"] = "none",
    ) -> SnoopLeg:
        """A leg that hears ``target`` and whispers into it ("out": to its far end, "in": to who is connected to it)."""
        if target.closed:
            raise ValueError("the leg to be heard is closed")
        self._running()
        target.tap()
        return self._made(SnoopLeg, self.lib.leg_snoop(target._handle, DIRECTIONS[spy], DIRECTIONS[whisper]))

    def new_carrier(self, host: str, port: int, traffic_class: int) -> Any:
        """See ``media.iax.Carrier``."""
        handle = self.lib.carrier_new(self._running(), host.encode(), port, traffic_class, self.error_text)
        if not handle:
            raise EngineError(self.text(self.error_text))
        return handle

    def _made(self, kind: type[AnyLeg], handle: Any) -> AnyLeg:
        if not handle:
            raise MemoryError("no memory for a leg")
        leg = kind(self, handle)
        self.watch_object(handle, leg)
        return leg

    def mixer(self, rate: int = 0, most: int = 0) -> Mixer:
        """A conference mixer; ``rate`` 0 follows the best of its members, up to ``most`` (0: any)."""
        engine = self._running()
        handle = self.lib.mixer_new(engine, rate, most)
        if not handle:
            raise MemoryError("no memory for a mixer")
        mixer = Mixer(self, handle, rate)
        self.watch_object(handle, mixer)
        return mixer

    def _running(self) -> Any:
        if self._handle is None:
            raise EngineError("the media engine does not run")
        return self._handle

    # ---- what the engine knows -------------------------------------------------------------------------

    def figures(self) -> Figures:
        """Counts and costs up to now."""
        engine = self._running()
        raw = self.ffi.new("struct engine_figures *")
        self.lib.engine_figures(engine, raw)
        return Figures(
            mode=MODES[raw.mode],
            descriptors=raw.descriptors,
            legs=raw.legs,
            packets_in=raw.packets_in,
            packets_out=raw.packets_out,
            packets_bad=raw.packets_bad,
            ticks=raw.ticks,
            late_ticks=raw.late_ticks,
            cpu_seconds=raw.cpu_ns / 1e9,
            memory_bytes=raw.memory,
            realtime=bool(raw.realtime),
        )

    def codec(self, wanted: Format) -> int:
        """The engine's number of a format; 0 when it knows none such."""
        number = self._codecs.get(wanted.name)
        if number is None:
            number = self._codecs[wanted.name] = int(self.lib.engine_codec(wanted.name.encode()))
        return number

    def can_decode(self, wanted: Format) -> bool:
        """Whether this build can turn the format into sound and back (its library is loaded to find out)."""
        return bool(self.lib.engine_codec_usable(self.codec(wanted)))

    def encode_by_default(self, wanted: Format, encoding: Encoding) -> None:
        """Settings of all encoders of a format that begin from now on, as far as a leg has none of its own."""
        settings = self.ffi.new("struct codec_settings *", encoding.words())
        self.lib.engine_codec_defaults(self.codec(wanted), settings)

    def codes_at(self, wanted: Format, rate: int) -> bool:
        """Whether a format becomes sound of that rate (Hz), and is made of it, without a change of rate."""
        return bool(self.lib.engine_codec_knows_rate(self.codec(wanted), rate))

    def coding_cost(self, wanted: Format, rate: int, *, encode: bool) -> int:
        """Microseconds of processor time that a second of sound of that rate (Hz) takes to be encoded or decoded,
        measured now."""
        return int(self.lib.engine_codec_cost(self.codec(wanted), rate, encode)) // 1000

    def exchanging_cost(self, source: Format, target: Format) -> int | None:
        """The same for formats whose octets are exchanged one by one; None for others."""
        cost = int(self.lib.engine_exchange_cost(self.codec(source), self.codec(target)))
        return cost // 1000 if cost else None

    def resampling_cost(self, source: int, target: int) -> int:
        """The same for a change of rate (Hz)."""
        return int(self.lib.engine_resample_cost(source, target)) // 1000

    def trim(self) -> bool:
        """Have the process give memory that it has freed back to the system; False when there was none."""
        return bool(self.lib.engine_trim())

    def gather(self) -> int:
        """Have what is loaded now lie on huge pages, as far as that takes no more memory; how many of them."""
        return int(self.lib.engine_gather())

    def knows_file(self, extension: str) -> bool:
        """Whether sound files with that ending (no dot) can be played."""
        return bool(self.lib.engine_sound_readable(extension.encode()))

    def convert(self, source: str | Path, target: str | Path, extension: str) -> int:
        """Turn a sound file into one of another format; its length in ms. Waits for the disk: call it off the loop.

        Raises EngineError with a sentence that says what is wrong.
        """
        error = self.ffi.new("char[]", self.lib.ENGINE_TEXT)
        names = [str(each).encode("utf-8", "surrogateescape") for each in (source, target)]
        ms = self.lib.engine_convert(*names, extension.encode(), error)
        if ms < 0:
            raise EngineError(self.text(error))
        return int(ms)

    def dtls(self, settings: DtlsSettings) -> DtlsContext:
        """What handshakes with these settings need; the same for the same settings, so that the certificate stays.
        Raises EngineError for files that cannot be used, and where OpenSSL is missing."""
        context = self._dtls.get(settings)
        if context is None:
            context = self._dtls[settings] = DtlsContext(self, settings)
        return context

    def text(self, pointer: Any) -> str:
        """A C string of the engine's."""
        return str(self.ffi.string(pointer).decode("utf-8", "replace"))

    # ---- the engine's objects and events ---------------------------------------------------------------

    def watch_object(self, handle: Any, item: Watched) -> None:
        """Deliver events about a handle to that object."""
        self._objects[int(self.ffi.cast("uintptr_t", handle))] = item

    def close_leg(self, handle: Any) -> None:
        """Order a leg closed."""
        if self._handle is not None:
            self.lib.leg_close(handle)

    def deliver_events(self) -> None:
        """Take what the engine has to tell and hand it on. A listener's error does not keep the rest."""
        count = _BATCH
        while count == _BATCH and self._handle is not None:
            count = self.lib.engine_events(self._handle, self._events, _BATCH)
            for index in range(count):
                try:
                    self._deliver(self._events[index])
                except Exception:
                    log.exception("a media event could not be handled")

    def _deliver(self, event: Any) -> None:
        lib, key = self.lib, int(self.ffi.cast("uintptr_t", event.object))
        item = self._objects.get(key)
        if event.kind == lib.EVENT_TRACE:
            if self.on_trace is not None:
                self.on_trace(self._traced(event))
            return
        if event.kind == lib.EVENT_PACKET:
            self._deliver_packet(item, event)
            return
        match item:
            case Leg():
                if event.kind == lib.EVENT_LEG_CLOSED:
                    del self._objects[key]
                    item.released()
                    lib.leg_free(item._handle)
                else:
                    self._deliver_leg(item, event)
            case Playback():
                if event.kind == lib.EVENT_PLAYER_DONE:
                    del self._objects[key]
                    item.ended(_REASONS[event.a])
                elif event.kind == lib.EVENT_PLAYER_FILE:
                    item.advanced(event.a)
            case Recording():
                del self._objects[key]
                item.ended(_REASONS[event.a])
            case Watch():
                if event.kind == lib.EVENT_WATCH_CLOSED:
                    del self._objects[key]
                    item.ended()
                else:
                    item.told(bool(event.a), event.b)
            case Detector():
                if event.kind == lib.EVENT_DETECTOR_END:
                    del self._objects[key]
                    item.ended()
                else:
                    item.told(event.a, event.b, event.c)
            case Effect():
                del self._objects[key]
                item.ended()
            case Mixer():
                del self._objects[key]
                item.ended()

    def _traced(self, event: Any) -> Traced:
        return Traced(
            sent=bool(event.a & 1),
            rtcp=bool(event.a & 2),
            host=self.text(event.address),
            port=event.port,
            type=event.b >> 32,
            length=event.b & 0xFFFFFFFF,
            sequence=event.c >> 32,
            timestamp=event.c & 0xFFFFFFFF,
        )

    def trace(self, *, rtp: bool, rtcp: bool, host: str = "", port: int = 0) -> None:
        """Have ``on_trace`` told of every packet, or of those to and from one host (and port). ValueError for a host
        that is no address."""
        lib = self.lib
        kinds = (lib.TRACE_RTP if rtp else 0) | (lib.TRACE_RTCP if rtcp else 0)
        if not lib.engine_trace(self._running(), kinds, host.encode(), port):
            raise ValueError(f'"{host}" is no numeric IP address')

    def _deliver_packet(self, leg: object, event: Any) -> None:
        """The packet has to be taken from the engine even when nobody wants it any more."""
        lib = self.lib
        room = self.ffi.new("uint8_t[]", event.b)
        count = lib.engine_packet(self._handle, self.ffi.addressof(event), room)
        if isinstance(leg, RtpLeg):
            data = bytes(self.ffi.buffer(room, count))
            rtcp, relayed = bool(event.a & lib.PACKET_RTCP_PORT), bool(event.a & lib.PACKET_RELAYED)
            leg.take_packet(Packet(data, self.text(event.address), event.port, rtcp, relayed))

    def _deliver_leg(self, leg: Leg, event: Any) -> None:
        lib, kind = self.lib, event.kind
        if kind == lib.EVENT_DIGIT_BEGIN:
            leg.deliver(DigitBegin(leg, chr(event.a), _SOURCES[event.b]))
        elif kind == lib.EVENT_DIGIT_END:
            leg.deliver(DigitEnd(leg, chr(event.a), event.c, _SOURCES[event.b]))
        elif kind == lib.EVENT_DIGITS_SENT:
            leg.digits_sent()
        elif kind == lib.EVENT_TIMEOUT:
            leg.deliver(RtpTimeout(leg, bool(event.a), event.b))
        elif kind == lib.EVENT_QUIET:
            leg.deliver(FarEndQuiet(leg, bool(event.a), event.b))
        elif kind == lib.EVENT_ADDRESS:
            leg.deliver(FarEndAddressLearned(leg, self.text(event.address), event.port))
        elif kind == lib.EVENT_SOURCE:
            leg.deliver(SourceJudged(leg, self.text(event.address), event.port, bool(event.a)))
        elif kind == lib.EVENT_PICTURE:
            leg.deliver(PictureWanted(leg))
        elif isinstance(leg, RtpLeg) and kind == lib.EVENT_TUNNEL_LOST:
            leg.tunnel_lost()
        elif isinstance(leg, LineLeg) and kind == lib.EVENT_LINE_LOST:
            leg.lost = os.strerror(event.a) if event.a else "it was closed"
            leg.deliver(LineLost(leg, leg.lost))
        elif isinstance(leg, StreamLeg) and kind == lib.EVENT_STREAM:
            leg.told(event.a, event.b)
        elif isinstance(leg, RtpLeg) and kind == lib.EVENT_CODEC:
            leg.codec_changed(self.text(lib.engine_codec_name(event.a)))
        elif isinstance(leg, RtpLeg) and kind in (lib.EVENT_RTCP_SENT, lib.EVENT_RTCP_RECEIVED):
            sent = kind == lib.EVENT_RTCP_SENT
            leg.deliver((RtcpSent if sent else RtcpReceived)(leg, leg.report(sent=sent)))
