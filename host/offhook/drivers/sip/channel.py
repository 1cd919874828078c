"""PJSIP channels: what calls/ asks of a technology, spoken in SIP."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from offhook.calls import causes, events
from offhook.calls.channel import Channel, State
from offhook.calls.fax_detection import listen_for_fax
from offhook.calls.frames import Condition, Control, Text
from offhook.calls.party import Caller, Connected, Party, Redirecting
from offhook.calls.requesting import RequestError
from offhook.calls.streams import Stream
from offhook.drivers.sip.advice import show_advice
from offhook.drivers.sip.channel_items import channel_item, is_secure, keep_figures
from offhook.drivers.sip.direct import disengage, engage, is_direct, redirect
from offhook.drivers.sip.endpoint import group_names
from offhook.drivers.sip.info import FLASH, send_digit
from offhook.drivers.sip.negotiation import MediaStream, default_stream
from offhook.drivers.sip.outgoing_call import OutgoingInvite
from offhook.drivers.sip.pairing import connect_streams, disconnect_streams, pair
from offhook.drivers.sip.pictures import hear_requests, request_picture
from offhook.drivers.sip.refresh import Refresh
from offhook.drivers.sip.refused import Refused
from offhook.drivers.sip.reports import tell_far_end, tell_report
from offhook.drivers.sip.states import ENDED, UP
from offhook.drivers.sip.texts import send_message
from offhook.drivers.sip.transferring import transfer
from offhook.log import NOTICE
from offhook.media.engine import NoPort
from offhook.media.events import FarEndQuiet, RtcpReceived, RtcpSent, RtpTimeout, SourceJudged
from offhook.media.rtp import RtpLeg
from offhook.sip.message import Response
from offhook.sip.uri import SipUri

if TYPE_CHECKING:
    from offhook.drivers.sip.incoming_call import IncomingInvite
    from offhook.drivers.sip.session import CallSession
    from offhook.media.events import MediaEvent

log = logging.getLogger(__name__)

ON_HOLD = "on hold"
"""Flag of a channel whose party has been put on hold by the other one."""
_KEYPAD = "0123456789*#ABCD"


class SipChannel(Channel):
    """One party reached by SIP."""

    technology = "PJSIP"
    texts = "ENHANCED"
    __slots__ = ("_invite", "paired", "session")

    def __init__(
        self,
        call: CallSession,
        invite: OutgoingInvite | IncomingInvite,
        state: State,
        *,
        exten: str = "s",
        ani2: int = 0,
        requester: Channel | None = None,
        ids: tuple[str, str] = ("", ""),
    ) -> None:
        self.session = call
        self._invite = invite
        self.paired: SipChannel | None = None
        """The SIP channel that this one alone talks to, and media may pass to directly."""
        endpoint = call.endpoint
        pbx = call.stack.pbx
        party = call.party
        super().__init__(
            pbx,
            f"PJSIP/{endpoint.name}-{pbx.next_name('PJSIP'):08x}",
            state=state,
            formats=call.media.formats,
            context=endpoint.context,
            exten=exten,
            caller=Caller(party.copy(), party.copy(), ani2=ani2),
            accountcode=endpoint.accountcode,
            tenantid=endpoint.tenantid,
            requester=requester,
            uniqueid=ids[0],
        )
        call.channel = self
        call.media.on_commit = self._media_changed
        audio = call.media.audio
        if audio is not None and audio.leg is not None:
            self.attach(audio.leg)
        self.call_groups = group_names(endpoint.call_group, endpoint.named_call_group)
        self.pickup_groups = group_names(endpoint.pickup_group, endpoint.named_pickup_group)
        if endpoint.language:
            self.language = endpoint.language
        if endpoint.tone_zone:
            self.tone_zone = endpoint.tone_zone
        for name, value in endpoint.set_var:
            self.set_by_name(name, value)

    # ---- coming in ----------------------------------------------------------------------------------

    def begin(self) -> None:
        """Run the dialplan for a call that came in."""
        uri = self.session.request.uri if self.session.request is not None else None
        self.set("SIPDOMAIN", uri.host if isinstance(uri, SipUri) else "")
        self.dialed.number = self.exten
        pick_up = self.pbx.parts.get("pickup")
        if pick_up is not None and self.exten == self.pbx.parts.get("pickupexten"):
            self.start_task(pick_up(self))
            return
        self.start_pbx()

    # ---- calling ------------------------------------------------------------------------------------

    def tech_call(self, destination: str) -> None:
        """Send the INVITE."""
        invite, call = self._invite, self.session
        assert isinstance(invite, OutgoingInvite)
        call.opening = invite
        call.party = self.caller.id.copy()
        try:
            call.media.prepare()
        except NoPort:
            raise RequestError(
                causes.NORMAL_CIRCUIT_CONGESTION, "no RTP port is left: widen rtpstart to rtpend in rtp.conf"
            ) from None
        except Refused as error:
            raise RequestError(causes.BEARERCAPABILITY_NOTAVAIL, error.detail) from None
        call.media.when_ready(self._send_invite)

    def tech_secures(self, *, signaling: bool, media: bool) -> bool:
        """By TLS, and by an endpoint that insists on encryption."""
        endpoint, invite = self.session.endpoint, self._invite
        assert isinstance(invite, OutgoingInvite)
        contact = invite.destination.contact
        flow = contact.flow if contact is not None else None
        if signaling and not is_secure(str(invite.destination.uri), flow):
            return False
        return not media or (endpoint.media_encryption != "no" and not endpoint.media_encryption_optimistic)

    def _send_invite(self) -> None:
        invite, call = self._invite, self.session
        if self.hungup or call.status is ENDED:
            return  # while STUN or TURN servers were asked
        assert isinstance(invite, OutgoingInvite)
        invite.send(self)
        audio = call.media.audio
        if audio is not None and audio.leg is not None and self.media is None:
            self.attach(audio.leg)
        party = self.caller.id
        if party.number.valid or party.name.valid:
            # Whom we call is what the caller is told, until the far end tells better.
            self.deliver(Control(Condition.CONNECTED_LINE, Connected(party.copy(), source="answer")))

    def progress(self, status: int, *, described: bool) -> None:
        """The far end answered provisionally."""
        if status == 180:
            self.deliver(Control(Condition.PROGRESS if described else Condition.RINGING))
            if self.state is not State.UP:
                self.set_state(State.RINGING)
        elif status == 183 and (described or not self.session.endpoint.ignore_183_without_sdp):
            self.deliver(Control(Condition.PROGRESS))

    def note_response(self, response: Response) -> None:
        """Remember what the far end answered, for HANGUPCAUSE."""
        told = (causes.from_sip(response.status), f"SIP {response.status} {response.reason}")
        for channel in (self, self.data.get("dialed_by")):
            if channel is not None and not channel.hungup:
                channel.data.setdefault("tech_causes", {})[self.name] = told
        if response.status >= 300:
            self.tech_cause = str(response.status)

    def effective_connected(self) -> Party:
        """The connected party as the far end is to see it: its private identity where there is one."""
        connected = self.connected
        party, private = connected.id, connected.priv
        if not (private.name.valid or private.number.valid):
            return party
        party = party.copy()
        if private.name.valid:
            party.name = private.name
        if private.number.valid:
            party.number = private.number
        return party

    # ---- answering and indicating -------------------------------------------------------------------

    def tech_answer(self) -> None:
        """Send the 200."""
        invite = self._invite
        if not isinstance(invite, OutgoingInvite):
            invite.accept()

    def tech_indicate(self, condition: Condition, payload: object = None) -> bool:
        """Show a condition by a response, a re-INVITE or an INFO."""
        shown = _INDICATIONS.get(condition)
        return shown(self, payload) if shown is not None else False

    def _provisional(self, status: int) -> bool:
        """Send a provisional response to the caller; False when it is too late for one."""
        invite = self._invite
        if self.state is State.UP or isinstance(invite, OutgoingInvite):
            return False
        invite.provisional(status)
        return True

    def _ringing(self, _: object) -> bool:
        invite = self._invite
        self.pbx.devices.changed(f"PJSIP/{self.session.endpoint.name}")
        if self.state is not State.RING or isinstance(invite, OutgoingInvite):
            return False
        if not self.session.endpoint.inband_progress and not invite.described:
            invite.provisional(180)
            return True
        settings = self.session.stack.config.settings
        invite.provisional(180 if settings.allow_sending_180_after_183 else 183)
        return False

    def _refuse(self, status: int) -> bool:
        invite = self._invite
        if self.state is State.UP or isinstance(invite, OutgoingInvite) or invite.answered:
            return False
        if not self.hangup_cause:
            self.hangup_cause = causes.from_sip(status)
        invite.end(status)
        # The application that asked for it finishes its step first.
        self.pbx.loop.call_soon(self.session.far_end_gone, self.hangup_cause)
        return True

    def _progress(self, _: object) -> bool:
        done = self._provisional(183)
        self.pbx.devices.changed(f"PJSIP/{self.session.endpoint.name}")
        return done

    def _redirected(self, payload: object) -> bool:
        if isinstance(payload, Redirecting):
            self.redirecting = payload
        return self._provisional(181)

    def _flash(self, _: object) -> bool:
        if self.session.status in UP:
            send_digit(self.session, FLASH, 300)
        return True

    def _connected_line(self, _: object) -> bool:
        call = self.session
        endpoint = call.endpoint
        party = self.effective_connected()
        if not (endpoint.send_connected_line and (endpoint.send_pai or endpoint.send_rpid)):
            return True
        if not party.number.valid or not (endpoint.trust_id_outbound or party.shown):
            return True
        invite = self._invite
        if self.state is State.UP or isinstance(invite, OutgoingInvite):
            method = "UPDATE" if call.notes.get("update") else endpoint.connected_line_method.upper()
            call.refreshes.add(Refresh(method, offer=method == "INVITE"))
        elif endpoint.rpid_immediate:
            if self.state is State.RING:
                invite.provisional(183 if endpoint.inband_progress else 180)
            elif self.state is State.RINGING:
                invite.provisional(183)
        return True

    def _hold(self, payload: object) -> bool:
        return self._local_hold(True)

    def _unhold(self, payload: object) -> bool:
        return self._local_hold(False)

    def _local_hold(self, on: bool) -> bool:
        """Hold the far end by re-INVITE when moh_passthrough asks for it; False: music is played here."""
        call = self.session
        (self.flags.add if on else self.flags.discard)(ON_HOLD)
        self.pbx.devices.changed(f"PJSIP/{call.endpoint.name}")
        if self.paired is not None and is_direct(self.paired):
            # Music comes from here; without it the other party is heard again.
            redirect(self, None if on else self.paired)
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

    def _topology(self, payload: object) -> bool:
        """Offer the streams wanted (a list of Stream); those missing at the end are taken out."""
        call = self.session
        if not isinstance(payload, list):
            return False
        wanted: list[Stream] = payload

        def done(agreed: bool) -> None:
            if agreed:
                self.deliver(Control(Condition.STREAM_TOPOLOGY_CHANGED))

        def streams() -> Sequence[MediaStream]:
            return call.media.merged(wanted)

        if _shown(streams()) == self.streams:
            return True
        method = "INVITE"
        if call.notes.get("early confirmed") and self.state in (State.RING, State.RINGING):
            method = "UPDATE"  # RFC 6337 3.2
        call.refreshes.add(Refresh(method, offer=True, streams=streams, on_done=done))
        return True

    # ---- digits and text ----------------------------------------------------------------------------

    def tech_digit_begin(self, digit: str) -> None:
        """Begin a digit as dtmf_mode says: RFC 4733 events or tones; INFO has nothing to begin."""
        audio = self.session.media.audio
        mode = self.session.media.terms.dtmf
        if audio is None or self.media is None or mode in ("info", "none"):
            return
        if audio.digits is None and mode in ("rfc4733", "auto_info"):
            return
        if audio.digits is not None and self.pbx.bus.wants(events.TestEvent) and digit in _KEYPAD:
            payload, rate = audio.digits
            headers = (("Digit", str(_KEYPAD.index(digit))), ("Payload", str(payload)), ("Rate", str(rate)))
            self.pbx.bus.publish(events.TestEvent("DTMF_BEGIN", headers, "res_rtp_asterisk.c", "ast_rtp_dtmf_begin"))
        self.media.begin_digit(digit)

    def tech_digit_end(self, digit: str, duration_ms: int) -> None:
        """End a digit."""
        audio = self.session.media.audio
        mode = self.session.media.terms.dtmf
        if mode == "info" or (mode == "auto_info" and (audio is None or audio.digits is None)):
            if self.session.status in UP:
                send_digit(self.session, digit, duration_ms)
        elif mode == "none" or self.media is None or audio is None:
            return
        elif audio.digits is not None or mode in ("inband", "auto"):
            self.media.end_digit(digit, duration_ms)

    def tech_send_text(self, text: Text) -> bool:
        """Send a MESSAGE inside the dialog."""
        return send_message(self.session, text)

    def tech_transfer(self, destination: str) -> bool:
        """Send the far end elsewhere, by 302 or REFER."""
        return transfer(self, destination)

    # ---- media --------------------------------------------------------------------------------------

    @property
    def streams(self) -> list[Stream]:
        """The streams of the call, empty places included."""
        return _shown(self.session.media.streams)

    @property
    def native_formats(self) -> Sequence[str]:
        """The formats in use."""
        return self.session.media.native_formats

    def _media_changed(self, before: list[MediaStream]) -> None:
        """New streams are in force."""
        media = self.session.media
        audio = media.audio
        hear_requests(self)
        # An answer that leaves a choice is one codec all the same, unless both directions may differ.
        one = self.outgoing and not self.session.endpoint.asymmetric_rtp_codec
        self.formats = media.preferred_formats if one else media.formats
        if audio is None:
            return
        if audio.leg is not None and self.media is not audio.leg:
            self.attach(audio.leg)
        self.follow_dtmf_mode()
        if media.asked and self.paired is not None and is_direct(self.paired):
            redirect(self.paired, self)
        if before and (len(before) > 1 or len(media.active) > 1):
            self._streams_changed(before)
        known = default_stream(before, "audio")
        held = known is not None and known.remote_hold
        if audio.remote_hold != held and not self.session.endpoint.suppress_moh_on_sendonly:
            if audio.remote_hold:
                self.deliver(Control(Condition.HOLD, self.session.endpoint.moh_suggest))
            else:
                self.deliver(Control(Condition.UNHOLD))

    def _streams_changed(self, before: list[MediaStream]) -> None:
        other = self.paired
        if other is not None:
            connect_streams(self, other)
        if self.session.media.asked and _shown(before) != self.streams:
            # The far end's doing: whoever it talks to may want to follow.
            self.deliver(Control(Condition.STREAM_TOPOLOGY_CHANGED, self.streams))

    def tech_paired(self, other: Channel) -> None:
        """Let video and other streams pass directly between two SIP channels."""
        if isinstance(other, SipChannel):
            self.paired = other
            if other.paired is self:
                pair(self, other)
                engage(self, other)

    def tech_unpaired(self) -> None:
        """Stop that."""
        if self.paired is not None:
            self.paired = None
            disconnect_streams(self)
            if self.alive:
                disengage(self)

    def media_wanted(self) -> None:
        """Somebody here needs the sound: it comes this way again."""
        other = self.paired
        disengage(self)
        if other is not None:
            disengage(other)

    def follow_dtmf_mode(self) -> None:
        """Listen for the tones of digits where they come as such (mode inband; auto without events), and of fax."""
        audio = self.session.media.audio
        if self.media is None or audio is None:
            return
        mode = self.session.media.terms.dtmf
        tones = mode == "inband" or (mode == "auto" and audio.digits is None)
        if tones or "digit tones" in self.flags:
            self.media.detect_digits(tones)
            (self.flags.add if tones else self.flags.discard)("digit tones")
        if self.session.endpoint.fax_detect:
            listen_for_fax(self, self.session.endpoint.fax_detect_timeout)

    def tech_media_event(self, event: MediaEvent) -> None:
        """No RTP for too long ends the call; reports are told."""
        if isinstance(event, RtcpSent | RtcpReceived):
            if isinstance(event.leg, RtpLeg):
                tell_report(self, event.leg, event, self.session.media.address)
        elif isinstance(event, FarEndQuiet | SourceJudged):
            tell_far_end(self, event)
        elif isinstance(event, RtpTimeout):
            log.log(
                NOTICE,
                "Disconnecting channel '%s' for lack of audio RTP activity in %d seconds",
                self.name,
                event.seconds,
            )
            self.request_hangup(causes.REQUESTED_CHAN_UNAVAIL)

    def tech_call_id(self) -> str:
        """The call's Call-ID."""
        return self.session.call_id

    def tech_function(self, item: str) -> str | None:
        """CHANNEL(pjsip,...), (rtp,...), (rtcp,...), (endpoint), (contact) and (aor)."""
        return channel_item(self.session, item)

    # ---- the end ------------------------------------------------------------------------------------

    def keep_figures(self) -> None:
        """Leave what is known of the call's RTP in variables."""
        audio = self.session.media.audio
        if audio is not None and audio.leg is not None:
            keep_figures(self, audio.leg)

    def tech_hangup(self, cause: int) -> None:
        """Refuse, cancel or send BYE."""
        status = causes.to_sip(cause)
        if not self.tech_cause:
            self.tech_cause = str(status)
        self.keep_figures()
        self.session.terminate(status)
        self.session.release()


def _shown(streams: Sequence[MediaStream]) -> list[Stream]:
    return [Stream(each.kind, tuple(codec.name for codec in each.codecs), each.state, each.name) for each in streams]


_INDICATIONS: dict[Condition, Callable[[SipChannel, object], bool]] = {
    Condition.RINGING: SipChannel._ringing,
    Condition.PROGRESS: SipChannel._progress,
    Condition.PROCEEDING: lambda channel, _: channel._provisional(100),
    Condition.BUSY: lambda channel, _: channel._refuse(486),
    Condition.CONGESTION: lambda channel, _: channel._refuse(503),
    Condition.INCOMPLETE: lambda channel, _: channel._refuse(484),
    Condition.REDIRECTING: SipChannel._redirected,
    Condition.FLASH: SipChannel._flash,
    Condition.VIDEO_UPDATE: lambda channel, _: request_picture(channel),
    Condition.CONNECTED_LINE: SipChannel._connected_line,
    Condition.AOC: lambda channel, advice: show_advice(channel.session, advice),
    Condition.HOLD: SipChannel._hold,
    Condition.UNHOLD: SipChannel._unhold,
    Condition.STREAM_TOPOLOGY_REQUEST: SipChannel._topology,
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
