"""RTP legs: a party reached by RTP, and relays for video and text that pass through packet by packet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from offhook.media.encoding import Encoding
from offhook.media.errors import EngineError, UnsupportedMedia
from offhook.media.formats import FORMATS, Format
from offhook.media.leg import Direction, Leg, Playback, Recording
from offhook.media.rtp_figures import Report, RtpStats, statistics
from offhook.media.rtp_figures import report as report_of

if TYPE_CHECKING:
    from offhook.media.engine import Engine
    from offhook.media.tones import ToneSpec

StreamDirection = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
Strictness = Literal["no", "yes", "seqno"]
"""Take packets from anywhere, or from the address that proved to be the far end's: by numbers and pace, or numbers."""

_STRICTNESS: tuple[Strictness, ...] = ("no", "yes", "seqno")
_DIRECTIONS: dict[str, int] = {"inactive": 0, "recvonly": 1, "sendonly": 2, "sendrecv": 3}
_OPTIONS = {
    "symmetric": 0,
    "strict": 1,
    "inband_digits": 2,
    "timeout": 3,
    "hold_timeout": 4,
    "keepalive": 5,
    "rtcp_interval": 6,
    "reports": 9,
    "watchdog": 12,
    "extended": 13,
    "sources": 15,
}
_HOLD, _DIRECTION, _GUARD, _ASIDE, _JITTER = 7, 8, 10, 11, 14


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet that is no RTP: STUN or DTLS. ``rtcp``: it came to our RTCP port; ``relayed``: through the TURN channel,
    and the address is that of the peer behind it."""

    data: bytes
    host: str
    port: int
    rtcp: bool = False
    relayed: bool = False


class RtpLeg(Leg):
    """A party reached by RTP. Its port is reserved when the leg is made, so that it can be offered in SDP."""

    __slots__ = (
        "_address",
        "_agreed",
        "_carrier",
        "_guarded",
        "_port",
        "_receive",
        "_remains",
        "_remote",
        "_secured",
        "_send",
        "follows",
        "on_packet",
        "on_tunnel_lost",
    )

    def __init__(self, engine: Engine, handle: Any, address: str) -> None:
        super().__init__(engine, handle)
        self._address = address
        self._port = int(engine.lib.leg_port(handle))
        self._remote: tuple[str, int] | None = None
        self._carrier: RtpLeg | None = None
        self.follows = False
        """Whether to send what arrives, as soon as another of the agreed formats does."""
        self._agreed: tuple[Any, ...] = ({}, None, 0, None, None)
        self._receive: Format | None = None
        self._send: tuple[int, Format] | None = None
        self._remains: bytes | None = None
        self.on_packet: Callable[[Packet], None] | None = None
        """Called on the loop with each packet that is no RTP, as far as ``expect`` asks for them."""
        self.on_tunnel_lost: Callable[[], None] | None = None
        """Called when the connection to the TURN server has ended."""
        self._guarded = False
        self._secured: dict[bool, tuple[str, bytes, bytes, int]] = {}
        """What was ordered: suite, keys and identifier by whether it is the RTCP port's alone."""

    @property
    def local_address(self) -> str:
        """The address given when the leg was made; a wildcard when it was."""
        return self._address

    @property
    def local_port(self) -> int:
        """Our RTP port (even); RTCP is the next one."""
        return self._port

    @property
    def remote(self) -> tuple[str, int] | None:
        """Where packets come from and (on symmetric legs) go to: what was learned, else what SDP said."""
        figures = self._figures()
        if figures.learned_port:
            return self.engine.text(figures.learned), figures.learned_port
        return self._remote

    def set_remote(self, host: str, port: int, rtcp_port: int | None = None) -> None:
        """Where SDP says the far end receives (a numeric address; port 0: send nothing). ``rtcp_port`` None is
        ``port`` + 1, equal to ``port`` is rtcp-mux (RFC 5761). Raises ValueError for a name instead of an address."""
        if self._closed:
            return
        if rtcp_port is None:
            rtcp_port = port + 1 if port else 0
        if not self.engine.lib.rtp_remote(self._handle, host.encode(), port, rtcp_port):
            raise ValueError(f'"{host}" is no numeric IP address')
        self._remote = (host, port) if port else None

    def bundle(self, carrier: RtpLeg | None) -> None:
        """Send and receive by another leg's port, with its keys and to its far end; None: by our own again."""
        if not self._closed and self._carrier is not carrier and (carrier is None or not carrier.closed):
            self._carrier = carrier
            handle = self.engine.ffi.NULL if carrier is None else carrier._handle
            self.engine.lib.rtp_bundle(self._handle, handle)

    def ask_picture(self) -> None:
        """Ask the far end for a whole picture, by RTCP (RFC 4585 6.3.1)."""
        if not self._closed:
            self.engine.lib.rtp_ask_picture(self._handle)

    def set_codecs(
        self,
        receive: Mapping[int, Format],
        send: tuple[int, Format] | None,
        digits: tuple[int, int] | None = None,
        ptime: int = 0,
        *,
        comfort_noise: int | None = None,
        events: Mapping[int, int] | None = None,
    ) -> None:
        """What was negotiated: formats by payload type that may arrive, the payload type and format to send, payload
        type and clock of telephone events (None: digits are sent as tones), packet time to send in ms (0: any), and
        the payload type of comfort noise when agreed. ``events``: further payload types by which telephone events may
        arrive, and their clocks (multiples of 8000 Hz)."""
        if self._closed:
            return
        engine = self.engine
        known = [(number, codec) for number, each in receive.items() if (codec := engine.codec(each))]
        for number, clock in (events or {}).items():
            known.append((number, engine.lib.CODEC_EVENTS + clock // 8000))
        table = engine.ffi.new("struct codec_map[]", known)
        send_type, send_codec = (send[0], engine.codec(send[1])) if send else (0, 0)
        digits_type, digits_clock = digits or (0, 8000)
        engine.lib.rtp_codecs(
            self._handle, table, len(known), send_type, send_codec, digits_type, digits_clock, ptime, comfort_noise or 0
        )
        self._agreed = (dict(receive), digits, ptime, comfort_noise, events)
        self._send = send
        self._receive = next(iter(receive.values()), None)

    def set_encoding(self, encoding: Encoding) -> None:
        """What the encoder shall heed from now on."""
        if not self._closed:
            settings = self.engine.ffi.new("struct codec_settings *", encoding.words())
            self.engine.lib.rtp_encoding(self._handle, settings)

    @property
    def send_format(self) -> Format | None:
        """The format being sent."""
        return self._send[1] if self._send else None

    @property
    def receive_format(self) -> Format | None:
        """The format that arrived last (or the only one that may arrive)."""
        return self._receive

    def set_direction(self, direction: StreamDirection) -> None:
        """SDP's direction from our side: what is not received is not heard, what is not sent is not sent."""
        if not self._closed:
            self.engine.lib.rtp_option(self._handle, _DIRECTION, _DIRECTIONS[direction])

    def set_options(
        self,
        *,
        symmetric: bool | None = None,
        strict: Strictness | None = None,
        inband_digits: bool | None = None,
        timeout: int | None = None,
        hold_timeout: int | None = None,
        keepalive: int | None = None,
        rtcp_interval: float | None = None,
        reports: bool | None = None,
        watchdog: int | None = None,
        extended: int | None = None,
        sources: bool | None = None,
    ) -> None:
        """Change what is given and leave the rest.

        symmetric: send to where packets come from, whatever SDP said. strict: whether packets from elsewhere than the
        address that proved itself are dropped. inband_digits: send digits as tones even if events are agreed. Times in
        seconds, 0 is never: timeout without packets, the same while on hold, silence before a keepalive
        packet (comfort noise) is sent, between RTCP reports (5 unless set), and without packets until FarEndQuiet tells
        it (watchdog). reports: deliver RtcpSent and RtcpReceived. extended: which reports of RFC 3611 to send, a sum of
        SUMMARY and METRICS. sources: deliver SourceJudged.
        """
        if self._closed:
            return
        given = {
            "symmetric": symmetric,
            "strict": None if strict is None else _STRICTNESS.index(strict),
            "inband_digits": inband_digits,
            "timeout": timeout,
            "hold_timeout": hold_timeout,
            "keepalive": keepalive,
            "rtcp_interval": None if rtcp_interval is None else int(rtcp_interval * 1000),
            "reports": reports,
            "watchdog": watchdog,
            "extended": extended,
            "sources": sources,
        }
        for name, value in given.items():
            if value is not None:
                self.engine.lib.rtp_option(self._handle, _OPTIONS[name], value)

    def set_playout(self, kind: Literal["usual", "adaptive", "fixed"], ms: int = 0) -> None:
        """How what arrives is held back: by as much as the stream needs ("usual"), at least ``ms`` ("adaptive"), or by
        ``ms`` always, and what comes later is lost ("fixed")."""
        if not self._closed:
            number = ("usual", "adaptive", "fixed").index(kind)
            self.engine.lib.rtp_option(self._handle, _JITTER, number | max(0, min(ms, 2000)) << 8)
            self.tap()

    def set_hold(self, on: bool) -> None:
        """Tell that the far end put us on hold: the hold timeout counts instead of the timeout."""
        if not self._closed:
            self.engine.lib.rtp_option(self._handle, _HOLD, on)

    def secure(self, suite: str, send: bytes, receive: bytes, *, mki: int = 0, rtcp_port: bool = False) -> None:
        """Protect both directions by SRTP from now on; nothing passes in the clear any more. The same said again
        changes nothing.

        ``suite`` as RFC 4568, 6188 and 7714 name it, keys with their salts, ``mki``: octets of the key identifier in
        the far end's packets; ``rtcp_port``: only what passes that port. ValueError for a suite unknown or keys of the
        wrong length, EngineError where OpenSSL is missing."""
        if self._closed or self._secured.get(rtcp_port) == (suite, send, receive, mki):
            return
        lib = self.engine.lib
        number = lib.secure_suite(suite.encode())
        length = lib.secure_bytes(number)
        if not number or len(send) != length or len(receive) != length:
            raise ValueError(f"{suite}: unknown, or its keys are not {length} octets")
        self._order_keys(number, send, receive, mki, rtcp_port)
        self._secured[rtcp_port] = (suite, send, receive, mki)
        self.guard(True)

    def clear(self) -> None:
        """Media is not protected any more."""
        if self._closed:
            return
        for rtcp_port in self._secured:
            self._order_keys(0, b"", b"", 0, rtcp_port)
        if self._guarded:
            self.guard(False)
        self._secured.clear()

    def _order_keys(self, suite: int, send: bytes, receive: bytes, mki: int, rtcp_port: bool) -> None:
        engine = self.engine
        keys = engine.ffi.new("struct secure_keys *")
        keys.suite, keys.mki, keys.rtcp_port = suite, mki, rtcp_port
        keys.replay_protection = engine.settings.replay_protection
        engine.ffi.memmove(keys.send, send, len(send))
        engine.ffi.memmove(keys.receive, receive, len(receive))
        if not engine.lib.rtp_secure(self._handle, keys, engine.error_text):
            raise EngineError(engine.text(engine.error_text))

    @property
    def suite(self) -> str:
        """The SRTP suite in force; "" for none."""
        return self._secured[False][0] if False in self._secured else ""

    def guard(self, on: bool) -> None:
        """Let nothing pass in the clear, in either direction: what comes before there are keys is dropped."""
        self._guarded = on
        if not self._closed:
            self.engine.lib.rtp_option(self._handle, _GUARD, on)

    def expect(self, *, stun: bool = False, dtls: bool = False, chosen: bool = False) -> None:
        """Which packets that are no RTP are handed to ``on_packet``; others are dropped. ``chosen``: ICE has found
        where to send; what comes does not change that, and may come from anywhere if it is of the far end's key."""
        if not self._closed:
            lib = self.engine.lib
            kinds = (lib.ASIDE_STUN if stun else 0) | (lib.ASIDE_DTLS if dtls else 0)
            kinds |= lib.ASIDE_CHOSEN if chosen else 0
            lib.rtp_option(self._handle, _ASIDE, kinds)

    def send_packet(self, data: bytes, host: str, port: int, *, rtcp: bool = False, relayed: bool = False) -> None:
        """Send a packet that is no RTP from our RTP port (or the RTCP port), or by way of the TURN channel."""
        if not self._closed:
            lib = self.engine.lib
            way = (lib.PACKET_RTCP_PORT if rtcp else 0) | (lib.PACKET_RELAYED if relayed else 0)
            lib.rtp_send(self._handle, way, host.encode(), port, data, len(data))
            if self.engine.on_packet is not None:
                self.engine.on_packet(Packet(data, host, port, rtcp, relayed), True)

    def detour(self, server: tuple[str, int] | None, channel: int = 0) -> None:
        """Send and take media by a TURN server's channel (RFC 8656 12); None: directly."""
        if not self._closed:
            host, port = server or ("0.0.0.0", 0)
            self.engine.lib.rtp_detour(self._handle, host.encode(), port, channel if server else 0)

    def tunnel(self, server: tuple[str, int], descriptor: int) -> None:
        """Let all that goes to and comes from a TURN server pass a connected, non-blocking TCP socket, which is the
        engine's from now on. OSError when it cannot be; then it stays the caller's."""
        host, port = server
        if self._closed or not self.engine.lib.rtp_tunnel(self._handle, host.encode(), port, descriptor):
            raise OSError("the leg has ended")

    @property
    def heard(self) -> bool:
        """Whether packets have arrived."""
        return bool(self.arrived)

    @property
    def arrived(self) -> int:
        """How many packets have."""
        return int(self._figures().rx_packets)

    def stats(self) -> RtpStats:
        """Counts and quality up to now (also after ``close``)."""
        return statistics(self._figures())

    def _figures(self) -> Any:
        engine = self.engine
        if self._remains is not None:
            return engine.ffi.cast("struct leg_figures *", engine.ffi.from_buffer(self._remains))
        return engine.lib.leg_figures(self._handle)

    @property
    def ssrc(self) -> int:
        """Our SSRC."""
        return int(self._figures().ssrc)

    @property
    def cname(self) -> str:
        """Our RTCP CNAME; random, as RFC 7022 has it. Empty after ``close``."""
        if self._remains is not None:
            return ""
        room = self.engine.ffi.new("char[]", 64)
        self.engine.lib.rtp_identity(self._handle, room)
        return self.engine.text(room)

    def figures(self) -> dict[str, Any]:
        """What ``core show channel`` and diagnostics show."""
        raw, figures = self._figures(), super().figures()
        figures.update(
            read_format=self._receive.name if self._receive else "",
            write_format=self._send[1].name if self._send else "",
            local_port=self._port,
            remote=self.remote,
            relayed=bool(raw.relayed),
            rx_packets=raw.rx_packets,
            tx_packets=raw.tx_packets,
            concealed_ms=raw.concealed_ms,
            delay_ms=raw.depth_ms,
        )
        return figures

    def report(self, *, sent: bool) -> Report:
        """The last RTCP report that was sent, or that arrived."""
        raw = self._figures()
        return report_of(raw.sent if sent else raw.received)

    # ---- the engine's side -----------------------------------------------------------------------------

    def take_packet(self, packet: Packet) -> None:
        """A packet that is no RTP came."""
        if self.on_packet is not None:
            if self.engine.on_packet is not None:
                self.engine.on_packet(packet, False)
            self.on_packet(packet)

    def codec_changed(self, name: str) -> None:
        """Another agreed format arrives now."""
        self._receive = arrived = FORMATS.get(name, self._receive)
        if not self.follows or self._send is None or arrived is None or arrived is self._send[1]:
            return
        receive, digits, ptime, comfort_noise, events = self._agreed
        number = next((number for number, each in receive.items() if each is arrived), None)
        if number is not None:
            self.set_codecs(receive, (number, arrived), digits, ptime, comfort_noise=comfort_noise, events=events)
            self._receive = arrived

    def tunnel_lost(self) -> None:
        """The connection to the TURN server has ended."""
        if self.on_tunnel_lost is not None:
            self.on_tunnel_lost()

    def released(self) -> None:
        """Keep the figures."""
        super().released()
        self.on_packet = self.on_tunnel_lost = None
        self._remains = bytes(self.engine.ffi.buffer(self.engine.lib.leg_figures(self._handle)))


class RelayLeg(RtpLeg):
    """A video or text stream (or audio no codec here can decode): packets pass to the connected leg as they are, with
    payload types translated by format name. Playing and recording are not possible and raise UnsupportedMedia."""

    __slots__ = ()

    def _play(self, paths: list[str], offset_ms: int, flags: int) -> Playback:
        raise UnsupportedMedia("a relayed stream has no sound: nothing can be played to it")

    def tones(self, spec: ToneSpec | str, *, mix: bool = False) -> Playback:
        """Not possible."""
        raise UnsupportedMedia("a relayed stream has no sound: no tone can be played to it")

    def record(self, path: Any, format: Any, direction: Direction = "in", **options: Any) -> Recording:
        """Not possible."""
        raise UnsupportedMedia("a relayed stream cannot be recorded")
