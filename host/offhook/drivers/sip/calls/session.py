"""A call leg's SIP session: its dialog, what is negotiated in it, requests inside it both ways, and its end.

The INVITE that starts it is handled by an ``IncomingInvite`` or an ``OutgoingInvite`` (``opening``), which goes away
once the call is up. The channel is told what the far end does; ``terminate`` is the channel's word that it is over.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from offhook.calls import causes, events
from offhook.calls.frames import Condition, Control
from offhook.calls.party import Caller, Connected, Party
from offhook.drivers.sip.calls.capabilities import reason_headers
from offhook.drivers.sip.calls.identity import asserted_party, identity_headers, news
from offhook.drivers.sip.calls.in_dialog import receive
from offhook.drivers.sip.calls.refresh import Refreshes
from offhook.drivers.sip.calls.states import CONFIRMED, CONNECTING, ENDED, LAST_WORDS, NEW
from offhook.log import NOTICE
from offhook.sip.events import Event, SessionExpired, SessionRefreshDue
from offhook.sip.message import Header, Message, Request, Response
from offhook.sip.sdp import Session as Description
from offhook.sip.session import Session
from offhook.sip.session_timer import SessionTimer, Use
from offhook.sip.uri import NameAddr

if TYPE_CHECKING:
    from offhook.drivers.sip.calls.channel import SipChannel
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.media.streams import CallMedia
    from offhook.drivers.sip.requests.incoming import IncomingRequest
    from offhook.drivers.sip.requests.outgoing import OutgoingRequest
    from offhook.drivers.sip.stack import SipStack
    from offhook.drivers.sip.transport.flow import Flow
    from offhook.sip.dialog import Dialog, DialogId

log = logging.getLogger(__name__)

_TARGETED = frozenset(("INVITE", "UPDATE", "REFER", "SUBSCRIBE", "NOTIFY"))
_TIMERS = {"no": Use.NO, "yes": Use.YES, "required": Use.REQUIRED, "always": Use.ALWAYS}

_BYE_OVERDUE_S = 60
"""How long a peer that transferred its call may take to say BYE."""

OnAnswer = Callable[[Response], None]


class Opening(Protocol):
    """The INVITE that starts a call, while it lasts."""

    @property
    def described(self) -> bool:
        """Whether descriptions have gone both ways: early media flows."""
        ...

    def end(self, status: int) -> None:
        """Refuse it with the status, or cancel it."""

    def prack(self, incoming: IncomingRequest) -> None:
        """A PRACK for one of its provisional responses."""


class CallSession:
    """One call leg over SIP. See the module's text."""

    __slots__ = (
        "__weakref__",
        "_bye_wanted",
        "_ids",
        "added_headers",
        "channel",
        "contact",
        "endpoint",
        "from_base",
        "invite",
        "media",
        "notes",
        "opening",
        "party",
        "peer_flow",
        "refreshes",
        "request",
        "response",
        "session",
        "stack",
        "status",
        "uac",
    )

    def __init__(self, stack: SipStack, endpoint: Endpoint, media: CallMedia, party: Party, *, uac: bool) -> None:
        self.stack = stack
        self.endpoint = endpoint
        self.media = media
        self.uac = uac
        self.party = party
        """Who the far end is, as far as it told."""
        self.channel: SipChannel | None = None
        self.status = NEW
        self.session: Session[Description] | None = None
        self.contact = ""
        """Our Contact, brackets included."""
        self.from_base: NameAddr | None = None
        """What identity headers of our requests are made from: From before it was made anonymous."""
        self.peer_flow: Flow | None = None
        """Where the far end is reached."""
        self.opening: Opening | None = None
        self.invite: IncomingRequest | OutgoingRequest | None = None
        """The first INVITE as a transaction, which outlives the call by half a minute (RFC 6026)."""
        self.request: Request | None = None
        """The first INVITE, as it came or went."""
        self.response: Response | None = None
        """The 200 that answered our INVITE."""
        self.added_headers: list[Header] | None = None
        """Headers the dialplan adds to our INVITE."""
        self.notes: dict[str, Any] = {}
        """What transfers and functions keep about this call, by their own keys."""
        self.refreshes = Refreshes(self)
        self._bye_wanted = False
        self._ids: list[DialogId] = []

    @property
    def name(self) -> str:
        """The channel's name, or the endpoint's."""
        return self.channel.name if self.channel is not None else f"endpoint {self.endpoint.name}"

    @property
    def routed(self) -> bool:
        """Whether the dialog has a route set."""
        return self.session is not None and bool(self.session.dialog.route_set)

    @property
    def call_id(self) -> str:
        """The Call-ID, "" before there is one."""
        return self.session.dialog.call_id if self.session is not None else ""

    # ---- dialog ---------------------------------------------------------------------------------------

    def start(self, dialog: Dialog, status: str) -> None:
        """The dialog (or our side of it) exists now."""
        endpoint = self.endpoint
        timer = SessionTimer(_TIMERS[endpoint.timers], endpoint.timers_sess_expires, endpoint.timers_min_se)
        timer.user = self
        self.session = Session(dialog, timer)
        self.status = status

    def follow(self, dialog: Dialog) -> None:
        """Take requests of a dialog; it becomes the session's."""
        assert self.session is not None
        self.session.dialog = dialog
        name = dialog.id
        if name not in self._ids:
            self._ids.append(name)
            self.stack.dialogs[name] = self

    def confirmed(self) -> None:
        """The INVITE has been acknowledged: the call is up."""
        if self.status in (ENDED, CONFIRMED):
            return
        self.status = CONFIRMED
        self.opening = None
        self.watch_timer()
        if self._bye_wanted:
            self._send_bye()
        else:
            self.refreshes.proceed()

    # ---- requests of ours -----------------------------------------------------------------------------

    def send(
        self,
        method: str,
        headers: Iterable[Header] = (),
        body: bytes = b"",
        content_type: str = "",
        on_answer: OnAnswer | None = None,
    ) -> OutgoingRequest:
        """Send a request inside the dialog; ``on_answer`` gets its responses (a final one made up here too)."""
        assert self.session is not None
        request = self.session.dialog.request(
            method,
            headers,
            contact=self.contact if method in _TARGETED else "",
            user_agent=self.stack.user_agent,
            body=body,
            content_type=content_type,
        )
        most = self.stack.config.settings.max_forwards
        if most != 70:
            request.set("Max-Forwards", most)
        return self.stack.request(
            request, self._on_response, endpoint=self.endpoint, next_cseq=self.next_cseq, user=on_answer
        )

    def next_cseq(self) -> int:
        """The dialog's next sequence number, for a request repeated with credentials."""
        assert self.session is not None
        dialog = self.session.dialog
        dialog.local_seq += 1
        return dialog.local_seq

    def _on_response(self, outgoing: OutgoingRequest, response: Response) -> None:
        session = self.session
        if session is None:
            return
        method = outgoing.request.method
        session.dialog.receive_response(response)
        if callable(outgoing.user):
            outgoing.user(response)
        if method == "BYE":
            if response.status >= 200:
                self.forget()
        elif method == "NOTIFY":
            return
        elif response.status == 481 or (response.status == 408 and method in ("INVITE", "UPDATE")):
            # RFC 3261 12.2.1.2: the peer knows no such dialog any more (a NOTIFY's is about its subscription alone).
            self.lost(causes.from_sip(response.status))

    # ---- requests of the peer -------------------------------------------------------------------------

    def on_request(self, incoming: IncomingRequest) -> None:
        """A request inside the dialog."""
        receive(self, incoming)

    def on_timer_event(self, event: Event) -> None:
        """The session timer: refresh, or end what nobody refreshed."""
        if isinstance(event, SessionRefreshDue):
            self.watch_timer()
            self.refreshes.keep_alive()
        elif isinstance(event, SessionExpired) and self.status is CONFIRMED:
            log.log(NOTICE, "%s: nobody refreshed the session within its interval", self.name)
            self.lost(causes.RECOVERY_ON_TIMER_EXPIRE)

    def watch_timer(self) -> None:
        """Let the session timer run, or take note that it changed."""
        if self.session is not None and self.session.timer.interval is not None:
            self.stack.layer.watch(self.session.timer)
            self.stack.alarm.watch()

    # ---- identities -----------------------------------------------------------------------------------

    def identity_headers(self, base: NameAddr) -> list[Header]:
        """P-Asserted-Identity, Remote-Party-ID and Privacy about who the far end is connected to."""
        channel, endpoint = self.channel, self.endpoint
        if channel is None or not (endpoint.send_pai or endpoint.send_rpid):
            return []
        return identity_headers(channel.effective_connected(), base, endpoint, calling=self.uac)

    def take_identity(self, message: Message) -> None:
        """A trusted peer may assert a new identity at any time: tell the channel and who it is connected to."""
        endpoint, channel = self.endpoint, self.channel
        if channel is None or not (endpoint.trust_connected_line and endpoint.trust_id_inbound):
            return
        heard = asserted_party(message)
        if heard is None or not news(self.party, heard):
            return
        heard.tag = endpoint.callerid_tag
        self.party = heard.copy()
        channel.caller = Caller(heard.copy(), heard.copy(), channel.caller.priv, channel.caller.ani2)
        channel.tell_caller()
        channel.deliver(Control(Condition.CONNECTED_LINE, Connected(heard.copy(), heard.copy(), source="answer")))

    # ---- the end --------------------------------------------------------------------------------------

    def terminate(self, status: int) -> None:
        """The channel is over: refuse with ``status`` (0: 603), cancel or send BYE, whichever fits."""
        if self.status is ENDED:
            return
        if self.status is CONFIRMED:
            if "keep for bye" in self.notes:
                self._bye_later()
                self.notes["bye overdue"] = self.stack.loop.call_later(_BYE_OVERDUE_S, self._send_bye)
            elif self.refreshes.inviting:
                # The peer is about to answer our re-INVITE; its ACK has to come before the BYE.
                self._bye_later()
            else:
                self._send_bye()
        elif self.status is CONNECTING and not self.uac:
            self._bye_later()  # RFC 3261 15: not before the ACK of our 2xx
        elif self.opening is not None:
            self.opening.end(status or 603)
        else:
            self.forget()

    def invite_over(self) -> None:
        """A re-INVITE of ours is decided: a BYE that waited for it goes out now."""
        if self._bye_wanted and self.status is CONFIRMED and "bye overdue" not in self.notes:
            self._send_bye()

    def keep_for_bye(self) -> None:
        """The peer transfers its call: it is the peer that says BYE once it has heard how that went (RFC 5589 6.1)."""
        self.notes["keep for bye"] = True

    def not_for_long(self) -> None:
        """The peer wants its call back instead of saying BYE, and there is none any more."""
        if "bye overdue" in self.notes:
            self._send_bye()

    def keep_no_longer(self) -> None:
        """The transfer came to nothing."""
        self.notes.pop("keep for bye", None)

    def _send_bye(self) -> None:
        self._bye_wanted = False
        headers = self.notes.pop("end headers", None)
        self._end()
        headers = reason_headers(self) if headers is None else headers
        self.send("BYE", headers, *self.notes.get(LAST_WORDS, ()))

    def _bye_later(self) -> None:
        self._bye_wanted = True
        self.notes["end headers"] = reason_headers(self)  # the channel will not be there to ask

    def close_soon(self) -> None:
        """Our INVITE is being cancelled: only its final response is still of interest."""
        self._end()

    def release(self) -> None:
        """The channel is gone, and the media with it."""
        self.channel = None
        self.media.close()

    def lost(self, cause: int) -> None:
        """The call is broken (no ACK, no refresh, 481): tell the peer in case it listens, and the channel."""
        if self.status in (CONNECTING, CONFIRMED):
            self._send_bye()
        self.far_end_gone(cause)

    def ended_by_peer(self, cause: int) -> None:
        """The far end hung up, cancelled or refused."""
        self.forget()
        self.far_end_gone(cause)

    def far_end_gone(self, cause: int) -> None:
        """Tell the channel that its far end is gone."""
        channel = self.channel
        if channel is not None and not channel.hungup:
            channel.keep_figures()
            channel.far_end_hangup(cause)

    def _end(self) -> None:
        self.status = ENDED
        self._tell_end()
        overdue = self.notes.pop("bye overdue", None)
        if overdue is not None:
            overdue.cancel()
        self.opening = None
        self.refreshes.clear()
        if self.session is not None:
            self.session.timer.stop()
            self.stack.layer.unwatch(self.session.timer)
            self.session.dialog.terminate()

    def _tell_end(self) -> None:
        bus = self.stack.pbx.bus
        if bus.wants(events.TestEvent):
            contact = self.notes.get("contact")
            whose = ("Endpoint", self.endpoint.name)
            places = (("AOR", contact.aor if contact else "<none>"), ("Contact", contact.id if contact else "<none>"))
            file = "res_pjsip_session.c"
            bus.publish(events.TestEvent("SESSION_DESTROYING", (whose, *places), file, "session_destructor"))
            bus.publish(events.TestEvent("SESSION_DESTROYED", (whose,), file, "session_destructor"))

    def forget(self) -> None:
        """Nothing more is expected in the dialog."""
        if self.status is not ENDED:
            self._end()
        for dialog_id in self._ids:
            self.stack.dialogs.pop(dialog_id, None)
        self._ids.clear()
        # What stays behind for a while (the transaction) or refers back to us (the timer) must not keep the call.
        if self.invite is not None:
            self.invite.let_go()
            self.invite = None
        if self.session is not None:
            self.session.timer.user = None
