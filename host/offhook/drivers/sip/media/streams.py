"""A call's media: its streams, their legs in the engine, and the descriptions exchanged about them.

Offers and answers work on ``pending`` streams. ``commit`` makes them the call's and tells the engine; ``withdraw``
drops them. Legs are made when a description of ours needs their port.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from offhook.calls import events
from offhook.calls.streams import Stream
from offhook.drivers.sip.media import ice_terms
from offhook.drivers.sip.media.codecs import Codec
from offhook.drivers.sip.media.describing import describe
from offhook.drivers.sip.media.encryption import encryption_of
from offhook.drivers.sip.media.negotiation import (
    REMOVED,
    MediaStream,
    Terms,
    bundle_carrier,
    default_stream,
    receive_answer,
    receive_offer,
    streams_of,
)
from offhook.drivers.sip.media.refused import Refused
from offhook.drivers.sip.media.reports import WATCHDOG_S
from offhook.media.dtls import DtlsSettings
from offhook.media.encoding import opus_encoding
from offhook.media.engine import EngineError, NoPort
from offhook.media.formats import Formats, format_named
from offhook.media.marking import UNMARKED, Marking
from offhook.media.rtp_figures import METRICS, SUMMARY
from offhook.sip.sdp import Origin, Session
from offhook.sip.sdp_attributes import parse_fmtp

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)

_EXTENDED = {"voip-metrics": METRICS, "stat-summary": SUMMARY}


class CallMedia:
    """The streams of one call.

    ``address`` is what our descriptions advertise, ``bind`` where legs are made. ``on_commit(before)`` is told when new
    streams have come into force.
    """

    __slots__ = (
        "_content",
        "_offered",
        "_origin",
        "_pbx",
        "active",
        "address",
        "asked",
        "bind",
        "local",
        "on_commit",
        "pending",
        "remote",
        "terms",
    )

    def __init__(self, pbx: Pbx, terms: Terms, address: str, bind: str) -> None:
        self._pbx = pbx
        self.terms = terms
        self.address = address
        self.bind = bind
        self.active: list[MediaStream] = []
        self.pending: list[MediaStream] | None = None
        self.local: Session | None = None
        self.remote: Session | None = None
        self.asked = False
        """Whether the last offer was the peer's."""
        self.on_commit: Callable[[list[MediaStream]], None] | None = None
        self._origin: Origin | None = None
        self._content = ""
        self._offered: list[MediaStream] | None = None

    # ---- the streams ----------------------------------------------------------------------------------

    @property
    def streams(self) -> list[MediaStream]:
        """Those in force, or before that, those being negotiated."""
        return self.active or self.pending or []

    @property
    def audio(self) -> MediaStream | None:
        """The audio stream the channel speaks by."""
        return default_stream(self.active or self.pending or (), "audio")

    @property
    def video(self) -> MediaStream | None:
        """The first video stream."""
        return default_stream(self.streams, "video")

    @property
    def native_formats(self) -> tuple[str, ...]:
        """Names of the formats in use: the one of audio that is sent, unless each may come and go at any time."""
        names: dict[str, None] = {}
        for stream in (stream for stream in self.streams if stream.active):
            sent = stream.leg.send_format if stream.leg is not None and stream.send is not None else None
            if stream.kind == "audio" and sent is not None and not self.terms.endpoint.asymmetric_rtp_codec:
                names[sent.name] = None
            else:
                names.update(dict.fromkeys(codec.name for codec in stream.codecs))
        return tuple(names)

    @property
    def formats(self) -> tuple[str, ...]:
        """Names of all formats of all streams."""
        names: dict[str, None] = {}
        for stream in self.streams:
            if stream.state != REMOVED:
                for codec in stream.codecs:
                    names[codec.format.name] = None
        return tuple(names)

    @property
    def preferred_formats(self) -> tuple[str, ...]:
        """Name of the first format of each stream: what is sent, and expected."""
        return tuple(dict.fromkeys(stream.codecs[0].name for stream in self.streams if stream.active and stream.codecs))

    # ---- descriptions ---------------------------------------------------------------------------------

    def take_offer(self, offer: Session) -> Session:
        """Our answer to an offer; the streams stay pending until ``commit``. Refused (488) leaves all as it was."""
        pending = receive_offer(offer, self.streams, self.terms)
        self._make_legs(pending)
        for stream in pending:
            if stream.active and stream.link is not None and stream.ice is not None:
                stream.link.peer_describes(stream.ice)
        self.pending = pending
        self.asked = True
        self.remote = offer
        self.local = self._describe(pending, offer)
        return self.local

    def make_offer(self, wanted: Sequence[MediaStream] | None = None, *, afresh: bool = False) -> Session:
        """An offer: of the wanted streams, else of those in force, else of all the endpoint allows.

        ``afresh`` answers an INVITE without a description: everybody comes off hold unless the peer says otherwise.
        """
        if wanted is not None:
            pending = list(wanted)
        elif self.active:
            pending = [stream.copy() for stream in self.active]
        else:
            pending = streams_of(self.terms.allowed)
            for stream, before in zip(pending, self.pending or (), strict=False):
                stream.leg, stream.payloads, stream.link = before.leg, before.payloads, before.link
                stream.sdes = before.sdes
        for index, stream in enumerate(pending):
            if afresh and stream.active:
                stream.local_hold = stream.remote_hold = False
                stream.state = "sendrecv"
            if self.terms.endpoint.bundle and stream.active and not stream.mid:
                stream.mid = f"{stream.kind}-{index}"
                stream.group = 0
        self._make_legs(pending)
        self.pending = pending
        self.asked = False
        self._offered = [stream.copy() for stream in pending]
        self.local = self._describe(pending, None)
        return self.local

    def prepare(self) -> None:
        """Make the legs of what will be offered, and begin to look for their addresses. NoPort."""
        self._make_legs(self.pending or ())
        for stream in self.pending or ():
            if stream.link is not None and self.terms.ice:
                stream.link.use_ice(controlling=True, components=ice_terms.components(self.terms, None))

    @property
    def ready(self) -> bool:
        """Whether nothing is being looked for."""
        return all(stream.link is None or stream.link.ready for stream in self.pending or ())

    def when_ready(self, then: Callable[[], None]) -> None:
        """Call back once the addresses that descriptions are to tell are known: mostly at once."""
        for stream in self.pending or ():
            if stream.link is not None and not stream.link.ready:
                stream.link.when_ready(lambda: self.when_ready(then))
                return
        then()

    def take_answer(self, answer: Session) -> None:
        """The peer's answer to our offer comes into force. Refused when it fits nothing we offered."""
        if self.pending is None:
            # Another answer to an offer answered before: of another fork.
            self.pending = [stream.copy() for stream in self._offered or self.active]
        receive_answer(answer, self.pending, self.terms)
        self.remote = answer
        self.commit()

    def settle(self) -> None:
        """Our offer is answered for good."""
        self._offered = None

    def all_streams(self) -> list[MediaStream]:
        """The streams in force, widened to all formats the endpoint allows."""
        found = {stream.kind: stream for stream in streams_of(self.terms.allowed)}
        widened = []
        for stream in self.active:
            stream = stream.copy()
            if stream.active and stream.kind in found:
                stream.codecs = found[stream.kind].codecs
            widened.append(stream)
        return widened

    def restored(self, shown: Sequence[Stream]) -> list[MediaStream]:
        """Streams as the call had them when they were shown so, with the parameters their formats have now."""
        known = {codec.format: codec for stream in self.streams for codec in stream.codecs}
        return [
            MediaStream(
                each.kind,
                tuple(known.get(wanted) or Codec(wanted) for wanted in map(format_named, each.formats)),
                name=each.name,
                state=each.state,
            )
            for each in shown
        ]

    def merged(self, wanted: Sequence[Stream]) -> list[MediaStream]:
        """The streams in force, changed to what is wanted as far as the endpoint allows; places never vanish."""
        result: list[MediaStream] = []
        counts: dict[str, int] = {}
        for wish in wanted:
            index = len(result)
            known = self.active[index] if index < len(self.active) else None
            if counts.get(wish.kind, 0) >= self.terms.limit(wish.kind) or (not wish.active and known is None):
                continue
            if known is not None and known.kind == wish.kind and known.active:
                stream = known.copy()
            else:
                stream = MediaStream(wish.kind, name=wish.name or f"{wish.kind}-{index}")
            codecs = tuple(Codec(f) for f in map(format_named, wish.formats) if f in self.terms.allowed)
            kept = {codec.format: codec for codec in stream.codecs}
            stream.codecs = tuple(kept.get(codec.format, codec) for codec in codecs) or stream.codecs
            if not wish.active or not stream.codecs:
                if known is None:
                    continue
                stream.remove()
            else:
                stream.state = wish.state
                counts[wish.kind] = counts.get(wish.kind, 0) + 1
            result.append(stream)
        for known in self.active[len(result) :]:
            gone = known.copy()
            gone.remove()
            result.append(gone)
        return result

    def _describe(self, streams: Sequence[MediaStream], offer: Session | None) -> Session:
        endpoint = self.terms.endpoint
        origin = self._origin
        if origin is None:
            # A fresh session id, or the peer's: both sides of a call are easier to find in a trace that way.
            number = offer.origin.id if offer is not None else random.getrandbits(31)
            version = offer.origin.version + 2 if offer is not None else number
            origin = Origin(endpoint.sdp_owner, number, version, self.address)
        session = describe(streams, self.terms, origin, self.address, offer)
        if self._content and session.content != self._content:
            origin = origin._replace(version=origin.version + 1)
            session.origin = origin._replace(address=session.origin.address)
        self._content = session.content
        self._origin = origin
        return session

    # ---- legs -----------------------------------------------------------------------------------------

    def _make_legs(self, streams: Sequence[MediaStream]) -> None:
        made: list[MediaStream] = []
        try:
            for stream in streams:
                if not stream.active or stream.leg is not None:
                    continue
                engine = self._pbx.engine
                if stream.kind == "audio" and stream is default_stream(streams, "audio"):
                    stream.leg = engine.rtp_leg(self.bind, marking=self._marking("audio"))
                else:
                    stream.leg = engine.relay_leg(self.bind, marking=self._marking(stream.kind))
                made.append(stream)
                if bundle_carrier(stream, streams) is stream:
                    self._make_link(stream)
        except (NoPort, Refused):
            for stream in made:
                _close_leg(stream)
                stream.leg = stream.link = None
            raise

    def _marking(self, kind: str) -> Marking:
        """Tos and cos of the endpoint's for audio or video."""
        endpoint = self.terms.endpoint
        if kind == "audio":
            tos, cos = endpoint.tos_audio, endpoint.cos_audio
        elif kind == "video":
            tos, cos = endpoint.tos_video, endpoint.cos_video
        else:
            return UNMARKED
        return Marking(tos, cos) if tos or cos else UNMARKED

    def _make_link(self, stream: MediaStream) -> None:
        """ICE and DTLS for a fresh leg, where the endpoint has any."""
        endpoint = self.terms.endpoint
        secure = encryption_of(stream, endpoint) == "dtls"
        if not (secure or self.terms.ice):
            return
        from offhook.media.link import Link  # what calls in the clear do without

        stream.link = Link(self._pbx.engine, stream.leg, self._pbx.loop, self.address)
        if secure:
            stream.link.context = self._dtls_context()

    def _dtls_context(self) -> Any:
        endpoint, engine = self.terms.endpoint, self._pbx.engine
        settings = DtlsSettings(
            certificate=endpoint.dtls_cert_file,
            key=endpoint.dtls_private_key,
            ciphers=endpoint.dtls_cipher,
            ca_file=endpoint.dtls_ca_file,
            ca_path=endpoint.dtls_ca_path,
            profiles="SRTP_AES128_CM_SHA1_32" if endpoint.srtp_tag_32 else "SRTP_AES128_CM_SHA1_80",
            verify_fingerprint=endpoint.dtls_verify in ("fingerprint", "yes"),
            verify_certificate=endpoint.dtls_verify in ("certificate", "yes"),
            mtu=engine.settings.dtls_mtu,
        )
        try:
            return engine.dtls(settings)
        except EngineError as error:
            raise Refused(f"endpoint {endpoint.name}: {error}") from None

    def commit(self) -> None:
        """What was negotiated is in force: tell the engine, give up legs nobody uses any more."""
        pending, self.pending = self.pending, None
        if pending is None:
            return
        before, self.active = self.active, pending
        kept = {id(stream.leg) for stream in pending if stream.active}
        for stream in before:
            if stream.leg is not None and id(stream.leg) not in kept:
                _close_leg(stream)
        for stream in pending:
            if not stream.active:
                stream.leg = stream.link = None
            elif stream.leg is not None:
                self._apply(stream, bundle_carrier(stream, pending))
        if self.on_commit is not None:
            self.on_commit(before)

    def withdraw(self) -> None:
        """Drop what was being negotiated (refused, cancelled); what is in force stays."""
        pending, self.pending = self.pending, None
        kept = {id(stream.leg) for stream in self.active}
        for stream in pending or ():
            if stream.leg is not None and id(stream.leg) not in kept:
                _close_leg(stream)

    def close(self) -> None:
        """The call is over."""
        self.withdraw()
        self.on_commit = None
        for stream in self.active:
            if stream.leg is not None:
                _close_leg(stream)

    def ptime(self, stream: MediaStream) -> int:
        """Packet time in ms that is sent on a stream: the peer's wish where it is followed, else the format's."""
        wanted = stream.ptime
        if not wanted and stream.send is not None and stream.kind == "audio":
            wanted = self.terms.allowed.ptime(stream.send[1])
        return min(wanted, stream.longest) if stream.longest else wanted

    def _apply(self, stream: MediaStream, carrier: MediaStream) -> None:
        leg: Any = stream.leg
        endpoint = self.terms.endpoint
        ptime = self.ptime(stream)
        # Digits go out by one payload type; they may come by each that was agreed.
        more = {number: clock for clock, number in stream.events.items()} if stream.digits is not None else None
        leg.set_codecs(
            stream.receive, stream.send, stream.digits, ptime, comfort_noise=stream.comfort_noise, events=more
        )
        leg.follows = stream.kind == "audio" and not endpoint.asymmetric_rtp_codec
        if stream.send is not None and stream.send[1].name == "opus":
            leg.set_encoding(opus_encoding(parse_fmtp(_parameters(stream))))
        if carrier is not stream:
            if stream.link is not None:
                stream.link.close()
                stream.link = None
            leg.bundle(carrier.leg)
            leg.set_direction(stream.direction)
            return
        leg.bundle(None)
        self._protect(stream)
        if stream.link is not None:
            self._agree(stream)
        elif stream.remote is not None:
            host, port = stream.remote
            leg.set_remote(host, port, port if stream.rtcp_mux else None)
        held = stream.remote_hold or stream.local_hold
        here = stream.direct is None
        leg.set_options(
            symmetric=endpoint.rtp_symmetric,
            timeout=endpoint.rtp_timeout if here else 0,
            hold_timeout=endpoint.rtp_timeout_hold if here else 0,
            keepalive=endpoint.rtp_keepalive if here else 0,
            watchdog=WATCHDOG_S if here else 0,
            reports=True,
            extended=sum(_EXTENDED[name] for name in stream.extended),
            sources=self._pbx.bus.wants(events.TestEvent) or None,
        )
        leg.set_hold(held)
        leg.set_direction(stream.direction)

    def _protect(self, stream: MediaStream) -> None:
        """Give the leg the keys of SDP, or see to it that nothing passes before DTLS has some."""
        leg, agreement = stream.leg, stream.sdes
        if stream.encryption == "sdes" and agreement is not None and agreement.receive is not None:
            leg.secure(agreement.suite, agreement.send, agreement.receive, mki=agreement.mki)
        elif stream.encryption == "dtls":
            leg.guard(True)
        else:
            leg.clear()

    def _agree(self, stream: MediaStream) -> None:
        """Tell the link what both descriptions say."""
        link, dtls, endpoint = stream.link, stream.dtls, self.terms.endpoint
        if stream.encryption == "dtls" and dtls is not None and dtls.setup != "holdconn":
            link.agree_dtls(
                link.context,
                active=dtls.setup == "active",
                fingerprint=dtls.fingerprint,
                new=dtls.new,
                rekey=endpoint.dtls_rekey,
            )
        bus = self._pbx.bus
        begins = link.agree_ice(stream.ice, controlling=not self.asked, components=1 if stream.rtcp_mux else 2)
        if begins and bus.wants(events.TestEvent):
            bus.publish(events.TestEvent("ICECHECKLISTCREATE", (("Result", "SUCCESS"),), "res_rtp_asterisk.c"))
        link.set_remote(stream.remote, mux=stream.rtcp_mux)


def _close_leg(stream: MediaStream) -> None:
    if stream.link is not None:
        stream.link.close()
    stream.leg.close()


def _parameters(stream: MediaStream) -> str:
    """The fmtp parameters of what is sent."""
    sent = stream.send[1] if stream.send is not None else None
    return next((codec.parameters for codec in stream.codecs if codec.format is sent), "")


def requested_streams(formats: Sequence[str]) -> list[MediaStream]:
    """Streams for a list of format names: what a calling channel of another technology wants."""
    return streams_of(Formats(name for name in formats if name != "none"))
