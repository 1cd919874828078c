"""Re-INVITEs and UPDATEs of ours: one at a time, queued while they may not be sent, repeated after glare."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offhook.drivers.sip.calls.capabilities import ALLOW, supported
from offhook.drivers.sip.calls.states import CONFIRMED, EARLY
from offhook.drivers.sip.media.descriptions import SDP, description_of
from offhook.drivers.sip.media.negotiation import MediaStream
from offhook.drivers.sip.media.refused import Refused
from offhook.media.engine import NoPort
from offhook.sip.errors import SIPError
from offhook.sip.message import Response
from offhook.sip.offer_answer import Role, glare_delay
from offhook.sip.uri import NameAddr

if TYPE_CHECKING:
    from offhook.drivers.sip.calls.session import CallSession
    from offhook.drivers.sip.requests.outgoing import OutgoingRequest

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Refresh:
    """One re-INVITE or UPDATE to send (RFC 3261 14, RFC 3311).

    ``streams`` is asked for the streams to offer when its turn comes (without it, or by a result of None, those in
    force); ``on_done`` is told whether the peer agreed.
    """

    method: str
    offer: bool
    streams: Callable[[], Sequence[MediaStream] | None] | None = None
    on_done: Callable[[bool], None] | None = None


class Refreshes:
    """The session's own re-INVITEs and UPDATEs."""

    __slots__ = ("_call", "_current", "_outgoing", "_queue", "_waiting")

    def __init__(self, call: CallSession) -> None:
        self._call = weakref.proxy(call)  # it is the call's own: together they would outlive it
        self._queue: deque[Refresh] | None = None
        self._current: Refresh | None = None
        self._outgoing: OutgoingRequest | None = None
        self._waiting: asyncio.TimerHandle | None = None

    @property
    def inviting(self) -> bool:
        """Whether a re-INVITE of ours waits for its final response."""
        return self._current is not None and self._current.method == "INVITE"

    def add(self, refresh: Refresh) -> None:
        """Send it as soon as that is allowed, after those asked for before."""
        if self._queue is None:
            self._queue = deque()
        self._queue.append(refresh)
        self.proceed()

    def keep_alive(self) -> None:
        """Refresh the session timer: by UPDATE without a description, or INVITE for a peer that knows no UPDATE."""
        method = "UPDATE" if self._call.notes.get("update") else "INVITE"
        self.add(Refresh(method, offer=method == "INVITE"))

    def clear(self) -> None:
        """The session is over."""
        self._queue = None
        self._current = None
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def proceed(self) -> None:
        """Something changed that may allow the next one to be sent."""
        while self._queue and self._current is None and self._waiting is None and self._may_send(self._queue[0]):
            refresh = self._queue.popleft()
            if not self._send(refresh) and refresh.on_done is not None:
                refresh.on_done(False)

    def _may_send(self, refresh: Refresh) -> bool:
        call = self._call
        session = call.session
        if session is None:
            return False
        if refresh.method == "INVITE":
            return call.status is CONFIRMED and session.may_invite
        if call.status is EARLY and call.uac and not refresh.offer:
            return True
        if call.status is not CONFIRMED and not (call.status is EARLY and call.notes.get("early confirmed")):
            return False
        return session.may_update or not refresh.offer

    def _send(self, refresh: Refresh) -> bool:
        call = self._call
        session = call.session
        assert session is not None
        body = b""
        if refresh.offer:
            wanted = refresh.streams() if refresh.streams is not None else None
            try:
                description = call.media.make_offer(wanted)
            except NoPort as error:
                log.warning("%s: no offer can be made: %s", call.name, error)
                return False
            session.offers.send_offer(description)
            body = description.to_bytes()
        headers = [ALLOW, supported(call), *session.timer.request_headers()]
        headers += call.identity_headers(call.from_base or NameAddr.parse(session.dialog.local))
        self._current = refresh
        self._outgoing = call.send(refresh.method, headers, body, SDP if body else "", self._answered)
        if refresh.method == "INVITE" and self._current is refresh:
            session.sent_invite = self._outgoing
        return True

    def _answered(self, response: Response) -> None:
        refresh, call = self._current, self._call
        session = call.session
        status = response.status
        agreed = 200 <= status < 300
        if session is None or status < 200:
            return
        if agreed and response.cseq.method == "INVITE":
            self._acknowledge(response)
        if refresh is None:
            return
        if refresh.method == "INVITE":
            session.invite_done(self._outgoing)
        self._current = self._outgoing = None
        if agreed:
            agreed = self._take_answer(refresh, response)
            call.take_identity(response)
            session.timer.agreed(response, call.stack.now())
            call.watch_timer()
        elif refresh.offer:
            session.offers.withdraw()
            call.media.withdraw()
        if (status == 491 or (status == 422 and session.timer.refused(response))) and self._queue is not None:
            self._queue.appendleft(refresh)
            delay = glare_delay(call.uac) if status == 491 else 0.0
            self._waiting = call.stack.loop.call_later(delay, self._waited)
            call.invite_over()
            return
        if refresh.on_done is not None:
            refresh.on_done(agreed)
        call.invite_over()
        self.proceed()

    def _waited(self) -> None:
        self._waiting = None
        self.proceed()

    def _acknowledge(self, response: Response) -> None:
        call, outgoing = self._call, self._outgoing
        if call.session is not None and outgoing is not None:
            ack = call.session.dialog.ack(response.cseq.number, user_agent=call.stack.user_agent)
            call.stack.acknowledge(outgoing, ack)

    def _take_answer(self, refresh: Refresh, response: Response) -> bool:
        call = self._call
        session = call.session
        assert session is not None
        if not refresh.offer:
            return True
        try:
            answer = description_of(response)
            if answer is None:
                raise Refused("it has no description")
            if session.offers.receive(answer) is Role.ANSWER:
                call.media.take_answer(answer)
        except SIPError as error:
            log.warning("%s: the answer to our %s cannot be used: %s", call.name, refresh.method, error.detail)
            session.offers.withdraw()
            call.media.withdraw()
            return False
        return True
