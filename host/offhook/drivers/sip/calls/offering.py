"""What the dialplan changes about a call's next description: its codecs, and how digits travel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from offhook.drivers.sip.calls.incoming_call import IncomingInvite
from offhook.drivers.sip.calls.refresh import Refresh
from offhook.drivers.sip.calls.states import UP
from offhook.drivers.sip.media.codecs import Codec, describable
from offhook.drivers.sip.media.negotiation import MediaStream, default_stream, streams_of
from offhook.media.formats import Formats

if TYPE_CHECKING:
    from offhook.drivers.sip.calls.channel import SipChannel
    from offhook.drivers.sip.calls.session import CallSession

_CHOSEN = "formats to offer"


def offered_formats(call: CallSession) -> Formats:
    """The formats of the next offer: those chosen, else those being negotiated, else the endpoint's."""
    chosen: Formats | None = call.notes.get(_CHOSEN)
    if chosen is not None:
        return chosen
    if call.status not in UP and call.media.pending:
        return Formats(codec.format for stream in call.media.pending if stream.active for codec in stream.codecs)
    return call.endpoint.allow


def offer_formats(call: CallSession, kind: str, chosen: Formats) -> None:
    """Let the next description have these formats of a kind."""
    known = offered_formats(call)
    formats = known.minus(known.of(kind)).plus(chosen.of(kind))
    if call.status in UP:
        call.notes[_CHOSEN] = formats
        return
    call.media.terms.allowed = formats
    if isinstance(call.opening, IncomingInvite):
        call.opening.renew()
        return
    stream = default_stream(call.media.pending or (), kind)
    if stream is not None:
        stream.codecs = tuple(Codec(wanted) for wanted in formats.of(kind) if describable(wanted))


def refresh(call: CallSession, method: str) -> None:
    """Offer the far end what was chosen, by re-INVITE or UPDATE."""
    chosen: Formats | None = call.notes.pop(_CHOSEN, None)

    def streams() -> Sequence[MediaStream]:
        return _with_formats(call, chosen if chosen is not None else call.endpoint.allow)

    call.refreshes.add(Refresh(method, offer=True, streams=streams))


def _with_formats(call: CallSession, formats: Formats) -> list[MediaStream]:
    """The call's streams with other formats; the first of a kind gets them, kinds that are new get a stream."""
    result = [stream.copy() for stream in call.media.active]
    for fresh in streams_of(formats):
        known = default_stream(result, fresh.kind)
        if known is not None:
            kept = {codec.format: codec for codec in known.codecs}
            known.codecs = tuple(kept.get(codec.format, codec) for codec in fresh.codecs)
        elif call.media.terms.limit(fresh.kind):
            result.append(fresh)
    return result


def set_dtmf_mode(channel: SipChannel, mode: str) -> None:
    """Let digits of the call travel another way; the far end is told."""
    call = channel.session
    terms = call.media.terms
    if terms.dtmf == mode:
        return
    terms.dtmf = mode
    channel.follow_dtmf_mode()
    if call.status in UP:
        call.refreshes.add(Refresh("INVITE", offer=True))
    elif isinstance(call.opening, IncomingInvite):
        call.opening.renew()
