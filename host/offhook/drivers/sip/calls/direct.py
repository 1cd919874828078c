"""Direct media: two parties are told each other's addresses by re-INVITE or UPDATE, and their RTP passes us by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offhook.calls.bridge_technologies import NATIVE, suspended
from offhook.calls.features import granted
from offhook.drivers.sip.calls.refresh import Refresh
from offhook.drivers.sip.calls.states import UP
from offhook.drivers.sip.media.negotiation import MediaStream
from offhook.media.formats import Formats

if TYPE_CHECKING:
    from offhook.drivers.sip.calls.channel import SipChannel

_TRIED = "direct media tried"


def engage(one: SipChannel, two: SipChannel) -> None:
    """Let two parties that talk to each other alone send to each other, when everything about them allows it."""
    if suspended(one.pbx, NATIVE) or not (_ready(one) and _ready(two) and _common(one, two)):
        return
    for channel in (one, two):
        leg: Any = channel.media
        leg.on_tapped = channel.media_wanted
    redirect(one, two)
    redirect(two, one)


def redirect(channel: SipChannel, other: SipChannel | None) -> None:
    """Let a party send to the other one's address; to us with None."""
    call = channel.session
    media = call.media
    changed = False
    for stream, theirs in (
        (media.audio, other.session.media.audio if other is not None else None),
        (media.video, other.session.media.video if other is not None else None),
    ):
        target = _address(theirs) if theirs is not None else None
        if stream is not None and stream.active and stream.direct != target:
            stream.direct = target
            changed = True
    formats = _formats(other) if other is not None else None
    if formats != media.terms.direct_formats:
        media.terms.direct_formats = formats
        changed = True
    if not changed or call.status not in UP:
        return
    mitigation = call.endpoint.direct_media_glare_mitigation
    if _TRIED not in call.notes and other is not None:
        call.notes[_TRIED] = True
        if mitigation == ("outgoing" if call.uac else "incoming"):
            return  # the other exchange redirects this one: both at once would meet
    call.refreshes.add(Refresh(call.endpoint.direct_media_method.upper(), offer=True))


def disengage(channel: SipChannel) -> None:
    """Take a party's media back, if it went elsewhere."""
    leg: Any = channel.media
    if leg is not None:
        leg.on_tapped = None
    if is_direct(channel):
        redirect(channel, None)


def is_direct(channel: SipChannel) -> bool:
    """Whether the party sends elsewhere (or has been told to)."""
    return any(stream.direct is not None for stream in channel.session.media.streams)


def _ready(channel: SipChannel) -> bool:
    call = channel.session
    endpoint, audio = call.endpoint, call.media.audio
    if not endpoint.direct_media or call.status not in UP or audio is None or _address(audio) is None:
        return False
    if audio.encryption != "no" or audio.ice is not None:
        return False  # keys and ways are between the party and us
    flow, said = call.peer_flow, audio.remote
    if endpoint.disable_direct_media_on_nat and flow is not None and said is not None and said[0] != flow.host:
        return False
    if audio.digits is not None and (granted(channel) or channel.get("DYNAMIC_FEATURES")):
        return False  # codes come by RTP: they have to pass here
    return channel.media is not None and not getattr(channel.media, "tapped", False)


def _common(one: SipChannel, two: SipChannel) -> bool:
    first, second = one.session.media.audio, two.session.media.audio
    assert first is not None and second is not None
    if not {codec.format for codec in first.codecs} & {codec.format for codec in second.codecs}:
        return False
    return one.session.media.ptime(first) == two.session.media.ptime(second)


def _address(stream: MediaStream) -> tuple[str, int] | None:
    """Where a party receives: where its packets come from once they do, else what it said."""
    leg: Any = stream.leg
    if not stream.active or stream.remote is None or leg is None:
        return None
    learned: tuple[str, int] | None = leg.remote
    return learned or stream.remote


def _formats(channel: SipChannel) -> Formats:
    return Formats(codec.format for stream in channel.session.media.streams if stream.active for codec in stream.codecs)
