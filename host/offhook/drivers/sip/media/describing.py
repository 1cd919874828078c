"""Writing descriptions: a call's streams as the sections of an offer or an answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from offhook.drivers.sip.media import encryption, ice_terms
from offhook.drivers.sip.media.codecs import Codec, add_codec, add_comfort_noise, add_events
from offhook.drivers.sip.media.encryption import profile
from offhook.drivers.sip.media.negotiation import EXTENDED_REPORTS, bundle_carrier, default_stream
from offhook.sip.sdp import Media, Origin, Session

if TYPE_CHECKING:
    from offhook.drivers.sip.media.negotiation import MediaStream, Terms

MAX_FORMATS = 64
WEBRTC_FEEDBACK = ("* transport-cc", "* ccm fir", "* goog-remb", "* nack")
"""What browsers may report (RFC 4585), the first of every stream, all of video: passed on, not made here."""


def describe(
    streams: Sequence[MediaStream], terms: Terms, origin: Origin, address: str, offer: Session | None = None
) -> Session:
    """Our description of the streams: the answer to ``offer``, or an offer. Every active stream has its leg."""
    endpoint = terms.endpoint
    session = Session(origin, endpoint.sdp_session)
    for index, stream in enumerate(streams):
        asked = offer.media[index] if offer is not None and index < len(offer.media) else None
        if not stream.active or not stream.codecs:
            # RFC 3264 6: a refused stream repeats the offer's format list; one taken out keeps its own (8.2).
            own = [str(stream.payloads.of(codec.format)) for codec in stream.codecs]
            formats = (own or ["32"]) if asked is None else list(asked.formats)
            stream.remove()
            session.media.append(Media(stream.kind, 0, "RTP/AVP" if asked is None else asked.protocol, formats))
            continue
        session.media.append(_stream_lines(stream, streams, terms, address, asked))
    if endpoint.bundle:
        for group in range(max((stream.group for stream in streams), default=-1) + 1):
            mids = dict.fromkeys(stream.mid for stream in streams if stream.group == group)
            if mids:
                session.add("group", f"BUNDLE {' '.join(mids)}")
    for media in session.media:
        session.address = session.address or media.address
    session.address = session.address or address
    for media in session.media:
        if media.address == session.address:
            media.address = ""
    if origin.address != session.address:
        session.origin = origin._replace(address=session.address)
    return session


def _stream_lines(
    stream: MediaStream, streams: Sequence[MediaStream], terms: Terms, address: str, asked: Media | None
) -> Media:
    endpoint = terms.endpoint
    carrier = bundle_carrier(stream, streams)
    port = carrier.leg.local_port
    if stream.direct is not None:
        address, port = stream.direct
    media = Media(stream.kind, port, profile(carrier, endpoint), address=address)
    encryption.add_attributes(media, carrier, terms, answering=asked is not None)
    ice_terms.add_attributes(media, carrier, terms, asked, carries=carrier is stream)
    codecs: Iterable[Codec] = stream.codecs
    if stream.direct is not None and terms.direct_formats is not None:
        direct = terms.direct_formats
        codecs = [codec for codec in stream.codecs if codec.format in direct] or stream.codecs
    payloads = carrier.payloads
    rates: dict[int, None] = {}
    longest = 0
    for codec in codecs:
        if len(media.formats) >= MAX_FORMATS:
            break
        wanted = codec.format
        payload = payloads.of(wanted)
        if carrier is not stream:
            stream.payloads.learn([(wanted, payload)], {})
        add_codec(media, codec, payload, g726_non_standard=endpoint.g726_non_standard)
        rates[wanted.clock] = None
        if wanted.max_ptime and (not longest or wanted.max_ptime < longest):
            longest = wanted.max_ptime
    if terms.events and stream is default_stream(streams, "audio"):
        wanted_rates = dict.fromkeys([*rates, 8000])
        for rate in wanted_rates if asked is None else [rate for rate in wanted_rates if rate in stream.events]:
            if len(media.formats) < MAX_FORMATS:
                add_events(media, payloads.of_events(rate), rate)
    if stream.comfort_noise is not None and asked is not None and len(media.formats) < MAX_FORMATS:
        add_comfort_noise(media, stream.comfort_noise)
    if stream.kind == "audio":
        shortest = stream.ptime or min(terms.allowed.ptime(codec.format) for codec in codecs)
        if shortest:
            media.add("ptime", shortest)
        if longest:
            media.add("maxptime", longest)
    direction = stream.wanted
    if asked is not None:
        direction = stream.direction
    media.add(direction)
    if carrier is not stream or (endpoint.rtcp_mux and (stream.rtcp_mux or asked is None)):
        stream.rtcp_mux = True
        media.add("rtcp-mux")
    if asked is not None and stream.extended:
        media.add("rtcp-xr", " ".join(EXTENDED_REPORTS[name] for name in stream.extended))
    if stream.group >= 0:
        media.add("ssrc", f"{stream.leg.ssrc} cname:{carrier.leg.cname}")
    if endpoint.webrtc:
        media.add("msid", f"{carrier.leg.cname} {stream.name}")
        for feedback in WEBRTC_FEEDBACK if stream.kind == "video" else WEBRTC_FEEDBACK[:1]:
            media.add("rtcp-fb", feedback)
    if stream.mid:
        media.add("mid", stream.mid)
    return media
