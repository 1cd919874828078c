"""PJSIP channels: what calls/ asks of a technology, spoken in SIP."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from offhook.calls import causes, events
from offhook.calls.channel import Channel, State
from offhook.calls.fax_detection import listen_for_fax
from offhook.calls.frames import Condition, Control, Text
from offhook.calls.party import Caller, Connected, Party
from offhook.calls.requesting import RequestError
from offhook.calls.streams import Stream
from offhook.drivers.sip.calls.channel_items import channel_item, is_secure, keep_figures
from offhook.drivers.sip.calls.direct import disengage, engage, is_direct, redirect
from offhook.drivers.sip.calls.indications import INDICATIONS, shown_streams
from offhook.drivers.sip.calls.info import send_digit
from offhook.drivers.sip.calls.outgoing_call import OutgoingInvite
from offhook.drivers.sip.calls.pairing import connect_streams, disconnect_streams, pair
from offhook.drivers.sip.calls.states import ENDED, UP
from offhook.drivers.sip.calls.texts import send_message
from offhook.drivers.sip.configuration.endpoint import group_names
from offhook.drivers.sip.media.negotiation import MediaStream, default_stream
from offhook.drivers.sip.media.pictures import hear_requests
from offhook.drivers.sip.media.refused import Refused
from offhook.drivers.sip.media.reports import tell_far_end, tell_report
from offhook.drivers.sip.transfers.transferring import transfer
from offhook.log import NOTICE
from offhook.media.engine import NoPort
from offhook.media.events import FarEndQuiet, RtcpReceived, RtcpSent, RtpTimeout, SourceJudged
from offhook.media.rtp import RtpLeg
from offhook.sip.message import Response
from offhook.sip.uri import SipUri

if TYPE_CHECKING:
    from offhook.drivers.sip.calls.incoming_call import IncomingInvite
    from offhook.drivers.sip.calls.session import CallSession
    from offhook.media.events import MediaEvent

log = logging.getLogger(__name__)

_KEYPAD = "0123456789*#ABCD"


class SipChannel(Channel):
    """One party reached by SIP."""

    technology = "PJSIP"
    texts = "ENHANCED"
    __slots__ = ("invite", "paired", "session")

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
        self.invite = invite
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
        invite, call = self.invite, self.session
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
        endpoint, invite = self.session.endpoint, self.invite
        assert isinstance(invite, OutgoingInvite)
        contact = invite.destination.contact
        flow = contact.flow if contact is not None else None
        if signaling and not is_secure(str(invite.destination.uri), flow):
            return False
        return not media or (endpoint.media_encryption != "no" and not endpoint.media_encryption_optimistic)

    def _send_invite(self) -> None:
        invite, call = self.invite, self.session
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
        invite = self.invite
        if not isinstance(invite, OutgoingInvite):
            invite.accept()

    def tech_indicate(self, condition: Condition, payload: object = None) -> bool:
        """Show a condition by a response, a re-INVITE or an INFO."""
        shown = INDICATIONS.get(condition)
        return shown(self, payload) if shown is not None else False

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
        return shown_streams(self.session.media.streams)

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
        if self.session.media.asked and shown_streams(before) != self.streams:
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
