"""Offer and answer (RFC 3264) of a call's media, as an endpoint of pjsip.conf asks for it. Pure: no sockets, no engine.

Streams are kept in the order of the m= lines for the whole life of a call; one that is gone keeps its place with
state "removed". What is being negotiated is a list of copies; it becomes the call's list when both sides agree.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from offhook.drivers.sip.media import encryption, ice_terms
from offhook.drivers.sip.media.codecs import Codec, Offered, PayloadTypes, describable, read_codecs
from offhook.drivers.sip.media.encryption import DtlsTerms, check_profile
from offhook.drivers.sip.media.refused import Refused
from offhook.ice.candidate import IceOffer
from offhook.media.formats import Format, Formats
from offhook.sip.sdes import Agreement
from offhook.sip.sdp import Media, Session, reverse_direction

if TYPE_CHECKING:
    from offhook.drivers.sip.configuration.endpoint import Endpoint

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
REMOVED = "removed"
EXTENDED_REPORTS = {"voip-metrics": "voip-metrics", "stat-summary": "stat-summary=loss,jitt"}
"""The extended reports there are, and what an answer says of those an offer wants (RFC 3611 5.1)."""

_SENDS = {"sendrecv": 3, "sendonly": 1, "recvonly": 2, "inactive": 0}
_DIRECTIONS: tuple[Direction, ...] = ("inactive", "sendonly", "recvonly", "sendrecv")


class MediaStream:
    """One m= section of a call.

    ``state`` is what we want of it: a direction from our side, or "removed". ``direction`` is what was agreed.
    ``leg`` is the engine's; streams of a bundle share that of its first (``leg`` is None in the others).
    """

    __slots__ = (
        "bundled",
        "codecs",
        "comfort_noise",
        "digits",
        "direct",
        "direction",
        "dtls",
        "encryption",
        "events",
        "extended",
        "group",
        "ice",
        "kind",
        "leg",
        "link",
        "local_hold",
        "longest",
        "mid",
        "name",
        "payloads",
        "protocol",
        "ptime",
        "receive",
        "remote",
        "remote_hold",
        "rtcp_mux",
        "sdes",
        "send",
        "state",
    )

    def __init__(self, kind: str, codecs: tuple[Codec, ...] = (), *, name: str = "", state: str = "sendrecv") -> None:
        self.kind = kind
        self.name = name or kind
        self.state = state
        self.codecs = codecs
        self.direction: Direction = "sendrecv"
        self.local_hold = False
        self.remote_hold = False
        self.leg: Any = None
        self.link: Any = None
        """The leg's ICE and DTLS, where the endpoint has any."""
        self.encryption = ""
        """ "no", "sdes" or "dtls" once agreed; until then it is the endpoint's wish."""
        self.sdes: Agreement | None = None
        self.dtls: DtlsTerms | None = None
        self.ice: IceOffer | None = None
        """What the peer said about ICE, None where it has none."""
        self.payloads = PayloadTypes()
        self.receive: dict[int, Format] = {}
        self.send: tuple[int, Format] | None = None
        self.digits: tuple[int, int] | None = None
        """Payload type and clock of telephone events, None when they were not agreed."""
        self.events: dict[int, int] = {}
        """What the peer last listed of them: payload type by clock."""
        self.comfort_noise: int | None = None
        self.ptime = 0
        """Packet time in ms the peer asked for and we follow (use_ptime); 0: the format's."""
        self.longest = 0
        """The most ms of sound the peer takes in a packet (maxptime); 0: any."""
        self.extended: tuple[str, ...] = ()
        """RTCP's extended reports (RFC 3611) that the peer wants, of those there are."""
        self.remote: tuple[str, int] | None = None
        self.direct: tuple[str, int] | None = None
        """Where the peer shall send instead of to our leg (direct media)."""
        self.protocol = ""
        """The profile to write; "" is the one of the endpoint's options."""
        self.rtcp_mux = False
        self.mid = ""
        self.group = -1
        """Which BUNDLE group it is in; -1 for none."""
        self.bundled = False

    @property
    def active(self) -> bool:
        """Whether the stream is there at all."""
        return self.state != REMOVED

    def copy(self) -> MediaStream:
        """A copy to negotiate with; it shares the leg and the payload types."""
        other = MediaStream.__new__(MediaStream)
        for slot in MediaStream.__slots__:
            setattr(other, slot, getattr(self, slot))
        return other

    def remove(self) -> None:
        """Take the stream out; its place stays."""
        self.state = REMOVED
        self.mid = ""
        self.group = -1
        self.bundled = False

    @property
    def wanted(self) -> Direction:
        """The direction we would like: the stream's own, restricted by who holds whom."""
        if self.local_hold:
            return "inactive" if self.remote_hold else "sendonly"
        if self.remote_hold:
            return "recvonly"
        return "sendrecv" if self.state == REMOVED else self.state  # type: ignore[return-value]

    def __repr__(self) -> str:
        codecs = "|".join(codec.name for codec in self.codecs)
        return f"<stream {self.name} {self.state} {codecs}>"


@dataclass(slots=True)
class Terms:
    """What one call negotiates by: its endpoint, and what the dialplan changed for this call."""

    endpoint: Endpoint
    allowed: Formats
    """The endpoint's formats, or PJSIP_MEDIA_OFFER's."""
    incoming: bool
    dtmf: str
    """dtmf_mode, or PJSIP_DTMF_MODE's."""
    direct_formats: Formats | None = None
    """While media goes directly to the bridged party: what that one can take."""
    ice_allowed: bool = True
    """rtp.conf's icesupport."""
    srtp_allowed: bool = True
    """Whether res_srtp is loaded."""

    @property
    def preference(self) -> str:
        """incoming_call_offer_pref or outgoing_call_offer_pref, whichever direction the call has."""
        endpoint = self.endpoint
        return endpoint.incoming_call_offer_pref if self.incoming else endpoint.outgoing_call_offer_pref

    @property
    def events(self) -> bool:
        """Whether telephone-event is negotiated."""
        return self.dtmf in ("rfc4733", "auto", "auto_info")

    @property
    def ice(self) -> bool:
        """Whether ICE is offered, and answered to."""
        return self.endpoint.ice_support and self.ice_allowed

    def limit(self, kind: str) -> int:
        """How many streams of a kind the endpoint takes."""
        if kind == "audio":
            return self.endpoint.max_audio_streams
        return self.endpoint.max_video_streams if kind == "video" else 0


def default_stream(streams: Sequence[MediaStream], kind: str) -> MediaStream | None:
    """The first stream of a kind that is there: the one a channel speaks by."""
    for stream in streams:
        if stream.kind == kind and stream.state != REMOVED:
            return stream
    return None


# ---- codecs in common -----------------------------------------------------------------------------------


def joint_codecs(remote: Iterable[Codec], local: Formats, kind: str, preference: str) -> tuple[Codec, ...]:
    """What two lists have in common, by one of pjsip.conf's preferences.

    ``local``/``remote`` says whose order counts; ``_first`` keeps only the best; ``_merge`` adds what only we have.
    """
    by_format = {codec.format: codec for codec in remote}
    whose, _, how = preference.partition("_")
    joint: list[Codec] = []
    if whose != "local":
        joint += [codec for codec in by_format.values() if codec.format in local and codec.format.kind == kind]
    if whose == "local" or how == "merge":
        for wanted in local:
            if wanted.kind != kind or not describable(wanted):
                continue
            if wanted not in by_format:
                if how == "merge":
                    joint.append(Codec(wanted))
            elif whose == "local":
                joint.append(by_format[wanted])
    return tuple(joint[:1] if how == "first" else joint)


def initial_streams(requested: Sequence[MediaStream], terms: Terms) -> list[MediaStream]:
    """The streams of an outgoing call: what the caller has, as far as the endpoint takes it; else all it allows.

    What is only sent to the caller is only received from the called party, and the other way round; the first audio
    stream goes both ways whoever holds.
    """
    streams: list[MediaStream] = []
    for wish in requested:
        if not wish.active:
            continue
        codecs = joint_codecs(wish.codecs, terms.allowed, wish.kind, terms.preference)
        if codecs:
            both_ways = wish.kind == "audio" and default_stream(streams, wish.kind) is None
            state = "sendrecv" if both_ways else reverse_direction(wish.state)
            streams.append(MediaStream(wish.kind, codecs, name=wish.name, state=state))
    return streams or streams_of(terms.allowed)


def streams_of(formats: Formats) -> list[MediaStream]:
    """One stream a kind for a list of formats."""
    return [
        MediaStream(kind, tuple(Codec(wanted) for wanted in formats if wanted.kind == kind and describable(wanted)))
        for kind in ("audio", "video")
        if any(wanted.kind == kind for wanted in formats)
    ]


# ---- an offer comes in ----------------------------------------------------------------------------------


def receive_offer(offer: Session, active: Sequence[MediaStream], terms: Terms) -> list[MediaStream]:
    """The streams that answer an offer. Refused when the endpoint forbids it or nothing of it can be taken."""
    pending: list[MediaStream] = []
    counts: dict[str, int] = {}
    handled = False
    for index, media in enumerate(offer.media):
        kind = media.kind
        known = active[index] if index < len(active) and active[index].kind == kind else None
        stream = known.copy() if known is not None else MediaStream(kind, name=f"{kind}-{index}")
        if not stream.active:
            stream = MediaStream(kind, name=f"{kind}-{index}")
        default = kind == "audio" and default_stream(pending, kind) is None
        pending.append(stream)
        stated = offer.direction_of(media)
        stream.state = "sendrecv" if default else reverse_direction(stated)
        count = counts.get(kind, 0)
        if not media.port or count >= terms.limit(kind):
            stream.remove()
            continue
        _take_bundle(stream, offer, media, terms)
        if not any(wanted.kind == kind for wanted in terms.allowed):
            stream.remove()
            continue
        offered = check_profile(media, terms.endpoint)
        host = check_host(offer.address_of(media))
        if bundle_carrier(stream, pending) is stream:
            encryption.take_offer(stream, offer, media, terms, offered)
            stream.ice = ice_terms.read(offer, media, terms)
        stream.rtcp_mux = "rtcp-mux" in media
        if default:
            stream.remote_hold = stated in ("sendonly", "inactive") or _is_any(host)
        found = read_codecs(media, g726_non_standard=terms.endpoint.g726_non_standard)
        codecs = joint_codecs(found.codecs, terms.allowed, kind, terms.preference)
        codecs = tuple(codec for codec in codecs if codec in found.codecs)
        if not codecs:
            stream.remove()
            continue
        stream.codecs = codecs
        numbers = [(codec.format, payload) for codec, payload in found.codecs.items()]
        stream.payloads.learn(numbers, found.events)
        carrier = bundle_carrier(stream, pending)
        if carrier is not stream:
            carrier.payloads.learn(numbers, {})  # a number means one thing in a bundle (RFC 9143 9.1)
        stream.direction = _both(stream.wanted, reverse_direction(stated))
        _agree(stream, found, terms, default=default)
        _take_address(stream, offer, media, terms)
        # What we answer is what may come.
        stream.receive = {found.codecs[codec]: codec.format for codec in codecs}
        counts[kind] = count + 1
        handled = True
    if not handled:
        raise Refused("no stream of the offer can be taken")
    return pending


def _take_bundle(stream: MediaStream, offer: Session, media: Media, terms: Terms) -> None:
    if not terms.endpoint.bundle:
        return
    stream.mid = media.mid
    stream.group = -1
    for number, mids in enumerate(offer.bundles):
        if stream.mid and stream.mid in mids:
            stream.group = number
            break
    stream.bundled = stream.group >= 0


@lru_cache(256)
def check_host(host: str) -> str:
    """The address of a c= line; Refused for anything but a numeric one (a name would have to be looked up first)."""
    if host == "localhost":
        return "127.0.0.1"
    host = host.strip("[]")  # some write IPv6 as in URIs
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise Refused(f"connection address {host[:60]!r} is no IP address") from None
    return host


def _is_any(host: str) -> bool:
    return host in ("0.0.0.0", "::")


def _both(wanted: str, allowed: str) -> Direction:
    return _DIRECTIONS[_SENDS[wanted] & _SENDS[allowed]]


def _take_address(stream: MediaStream, remote: Session, media: Media, terms: Terms) -> None:
    host = check_host(remote.address_of(media))
    stream.remote = None if _is_any(host) else (host, media.port)
    if terms.endpoint.use_ptime:
        stream.ptime = media.ptime or 0
    stream.longest = media.maxptime or 0
    stream.extended = ()
    wanted = media.get("rtcp-xr") or remote.get("rtcp-xr")
    if wanted and stream.kind == "audio":
        named = {word.partition("=")[0] for word in wanted.lower().split()}
        stream.extended = tuple(name for name in EXTENDED_REPORTS if name in named)


def _agree(stream: MediaStream, found: Offered, terms: Terms, *, default: bool) -> None:
    """What we send: the best codec in common, telephone events at its clock (else any), comfort noise."""
    best = stream.codecs[0]
    stream.send = (found.codecs[best], best.format)
    stream.comfort_noise = found.comfort_noise
    stream.events = found.events
    stream.digits = None
    if default and terms.events and found.events:
        clock = best.format.clock
        rate = clock if clock in found.events else next(iter(found.events))
        stream.digits = (found.events[rate], rate)


# ---- an answer comes in ---------------------------------------------------------------------------------


def receive_answer(answer: Session, pending: Sequence[MediaStream], terms: Terms) -> None:
    """Apply the peer's answer to what we offered. Refused when it fits nothing of it."""
    agreed = False
    for index, stream in enumerate(pending):
        media = answer.media[index] if index < len(answer.media) else None
        if media is None or not media.port:
            stream.remove()
            continue
        if not stream.active:
            continue
        if media.kind != stream.kind:
            raise Refused(f"m={media.kind} answers m={stream.kind}")
        check_profile(media, terms.endpoint)
        if terms.endpoint.bundle:
            _take_bundle(stream, answer, media, terms)
        if bundle_carrier(stream, pending) is stream:
            encryption.take_answer(stream, answer, media, terms)
            stream.ice = ice_terms.read(answer, media, terms)
        found = read_codecs(media, g726_non_standard=terms.endpoint.g726_non_standard)
        offered = {codec.format: codec for codec in stream.codecs}
        theirs = {codec.format: codec for codec in found.codecs}
        joint = tuple(theirs[wanted] for wanted in _in_order(terms, offered) if wanted in theirs)
        if not joint:
            # Some answer with what they like best, whatever was offered.
            joint = tuple(theirs[wanted] for wanted in terms.endpoint.allow if wanted in theirs)
        if not joint:
            raise Refused(f"the answer has no {stream.kind} format that was offered")
        default = stream is default_stream(pending, "audio")
        stated = answer.direction_of(media)
        _take_address(stream, answer, media, terms)
        if default:
            stream.remote_hold = stated in ("sendonly", "inactive") or stream.remote is None
        stream.rtcp_mux = stream.rtcp_mux and "rtcp-mux" in media
        stream.direction = _both(stream.wanted, reverse_direction(stated))
        if not default and not stream.local_hold and not stream.remote_hold:
            stream.state = stream.direction  # what is shown, and wanted from now on, is what was agreed
        # The peer shall use our numbers; many use their own, which do no harm where we gave them no other meaning.
        stream.receive = {stream.payloads.of(wanted): wanted for wanted in offered}
        for codec, payload in found.codecs.items():
            if codec.format in offered or codec in joint:
                stream.receive.setdefault(payload, codec.format)
        stream.codecs = joint
        _agree(stream, found, terms, default=default)
        agreed = True
    if not agreed:
        raise Refused("the answer refuses every stream")


def _in_order(terms: Terms, offered: Iterable[Format]) -> list[Format]:
    """The offered formats, those the endpoint allows first and in its order."""
    formats = list(offered)
    return [wanted for wanted in terms.allowed if wanted in formats] + [f for f in formats if f not in terms.allowed]


def bundle_carrier(stream: MediaStream, streams: Sequence[MediaStream]) -> MediaStream:
    """The stream whose leg carries this one: itself, or the first of its bundle."""
    if stream.bundled:
        for other in streams:
            if other.group == stream.group and other.bundled and other.active:
                return other
    return stream
