"""How a SIP party is shown what happens: by responses, re-INVITEs, UPDATEs and INFOs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from offhook.calls import causes
from offhook.calls.channel_state import State
from offhook.calls.frames import Condition, Control
from offhook.calls.party import Redirecting
from offhook.calls.streams import Stream
from offhook.drivers.sip.calls.advice import show_advice
from offhook.drivers.sip.calls.direct import is_direct, redirect
from offhook.drivers.sip.calls.info import FLASH, send_digit
from offhook.drivers.sip.calls.outgoing_call import OutgoingInvite
from offhook.drivers.sip.calls.refresh import Refresh
from offhook.drivers.sip.calls.states import UP
from offhook.drivers.sip.media.negotiation import MediaStream, default_stream
from offhook.drivers.sip.media.pictures import request_picture

if TYPE_CHECKING:
    from offhook.drivers.sip.calls.channel import SipChannel

ON_HOLD = "on hold"
"""Flag of a channel whose party has been put on hold by the other one."""


def _provisional(channel: SipChannel, status: int) -> bool:
    """Send a provisional response to the caller; False when it is too late for one."""
    invite = channel.invite
    if channel.state is State.UP or isinstance(invite, OutgoingInvite):
        return False
    invite.provisional(status)
    return True


def _ringing(channel: SipChannel, _: object) -> bool:
    invite = channel.invite
    channel.pbx.devices.changed(f"PJSIP/{channel.session.endpoint.name}")
    if channel.state is not State.RING or isinstance(invite, OutgoingInvite):
        return False
    if not channel.session.endpoint.inband_progress and not invite.described:
        invite.provisional(180)
        return True
    settings = channel.session.stack.config.settings
    invite.provisional(180 if settings.allow_sending_180_after_183 else 183)
    return False


def _refuse(channel: SipChannel, status: int) -> bool:
    invite = channel.invite
    if channel.state is State.UP or isinstance(invite, OutgoingInvite) or invite.answered:
        return False
    if not channel.hangup_cause:
        channel.hangup_cause = causes.from_sip(status)
    invite.end(status)
    # The application that asked for it finishes its step first.
    channel.pbx.loop.call_soon(channel.session.far_end_gone, channel.hangup_cause)
    return True


def _progress(channel: SipChannel, _: object) -> bool:
    done = _provisional(channel, 183)
    channel.pbx.devices.changed(f"PJSIP/{channel.session.endpoint.name}")
    return done


def _redirected(channel: SipChannel, payload: object) -> bool:
    if isinstance(payload, Redirecting):
        channel.redirecting = payload
    return _provisional(channel, 181)


def _flash(channel: SipChannel, _: object) -> bool:
    if channel.session.status in UP:
        send_digit(channel.session, FLASH, 300)
    return True


def _connected_line(channel: SipChannel, _: object) -> bool:
    call = channel.session
    endpoint = call.endpoint
    if not (endpoint.send_connected_line and (endpoint.send_pai or endpoint.send_rpid)):
        return True
    party = channel.effective_connected()
    if not party.number.valid or not (endpoint.trust_id_outbound or party.shown):
        return True
    invite = channel.invite
    if channel.state is State.UP or isinstance(invite, OutgoingInvite):
        method = "UPDATE" if call.notes.get("update") else endpoint.connected_line_method.upper()
        call.refreshes.add(Refresh(method, offer=method == "INVITE"))
    elif endpoint.rpid_immediate:
        if channel.state is State.RING:
            invite.provisional(183 if endpoint.inband_progress else 180)
        elif channel.state is State.RINGING:
            invite.provisional(183)
    return True


def _advice(channel: SipChannel, advice: object) -> bool:
    return show_advice(channel.session, advice)


def _hold(channel: SipChannel, payload: object) -> bool:
    return _local_hold(channel, True)


def _unhold(channel: SipChannel, payload: object) -> bool:
    return _local_hold(channel, False)


def _local_hold(channel: SipChannel, on: bool) -> bool:
    """Hold the far end by re-INVITE when moh_passthrough asks for it; False: music is played here."""
    call = channel.session
    (channel.flags.add if on else channel.flags.discard)(ON_HOLD)
    channel.pbx.devices.changed(f"PJSIP/{call.endpoint.name}")
    if channel.paired is not None and is_direct(channel.paired):
        # Music comes from here; without it the other party is heard again.
        redirect(channel, None if on else channel.paired)
    if not call.notes.get("moh passthrough", call.endpoint.moh_passthrough):
        return False

    def streams() -> Sequence[MediaStream]:
        copies = [stream.copy() for stream in call.media.active]
        audio = default_stream(copies, "audio")
        if audio is not None:
            audio.local_hold = on
        return copies

    call.refreshes.add(Refresh("INVITE", offer=True, streams=streams))
    return True


def _topology(channel: SipChannel, payload: object) -> bool:
    """Offer the streams wanted (a list of Stream); those missing at the end are taken out."""
    call = channel.session
    if not isinstance(payload, list):
        return False
    wanted: list[Stream] = payload

    def done(agreed: bool) -> None:
        if agreed:
            channel.deliver(Control(Condition.STREAM_TOPOLOGY_CHANGED))

    def streams() -> Sequence[MediaStream]:
        return call.media.merged(wanted)

    if shown_streams(streams()) == channel.streams:
        return True
    method = "INVITE"
    if call.notes.get("early confirmed") and channel.state in (State.RING, State.RINGING):
        method = "UPDATE"  # RFC 6337 3.2
    call.refreshes.add(Refresh(method, offer=True, streams=streams, on_done=done))
    return True


def shown_streams(streams: Sequence[MediaStream]) -> list[Stream]:
    """Streams as calls/ knows them."""
    return [Stream(each.kind, tuple(codec.name for codec in each.codecs), each.state, each.name) for each in streams]


INDICATIONS: dict[Condition, Callable[[SipChannel, object], bool]] = {
    Condition.RINGING: _ringing,
    Condition.PROGRESS: _progress,
    Condition.PROCEEDING: lambda channel, _: _provisional(channel, 100),
    Condition.BUSY: lambda channel, _: _refuse(channel, 486),
    Condition.CONGESTION: lambda channel, _: _refuse(channel, 503),
    Condition.INCOMPLETE: lambda channel, _: _refuse(channel, 484),
    Condition.REDIRECTING: _redirected,
    Condition.FLASH: _flash,
    Condition.VIDEO_UPDATE: lambda channel, _: request_picture(channel),
    Condition.CONNECTED_LINE: _connected_line,
    Condition.AOC: _advice,
    Condition.HOLD: _hold,
    Condition.UNHOLD: _unhold,
    Condition.STREAM_TOPOLOGY_REQUEST: _topology,
    **dict.fromkeys(
        (
            Condition.SOURCE_UPDATE,
            Condition.SOURCE_CHANGE,
            Condition.STREAM_TOPOLOGY_CHANGED,
            Condition.STREAM_TOPOLOGY_SOURCE_CHANGED,
            Condition.TRANSFER,
        ),
        lambda channel, _: True,
    ),
}
"""What shows a condition, and whether that was all (else a tone is played); other conditions are not shown."""
