"""Session timers (RFC 4028): negotiation, refresh, expiry."""

from __future__ import annotations

from enum import Enum

from .errors import SIPError
from .events import Event, SessionExpired, SessionRefreshDue
from .grammar import parse_number
from .headers import Valued
from .message import Header, Message, Request, Response

MIN_SE = 90


class Use(Enum):
    """Asterisk's `timers` option: never; when the peer supports them; insist (421); even without its support."""

    NO = "no"
    YES = "yes"
    REQUIRED = "required"
    ALWAYS = "always"


class SessionTimer:
    """The timer of one session. Put it on the layer's timers with TransactionLayer.watch.

    `interval` is the agreed Session-Expires in seconds (None: the session has no timer), `refreshing` whether the
    refreshing is ours.
    """

    __slots__ = ("_due", "_expiry", "_wanted", "entry", "interval", "min_se", "refreshing", "use", "user")

    def __init__(self, use: Use = Use.YES, expires: int = 1800, min_se: int = MIN_SE) -> None:
        self.use = use
        self.user: object = None  # free for the owner
        self.min_se = max(min_se, MIN_SE)
        self._wanted = max(expires, self.min_se)
        self.interval: int | None = None
        self.refreshing = False
        self.entry: list[object] | None = None
        self._due: float | None = None
        self._expiry: float | None = None

    def request_headers(self) -> list[Header]:
        """Session-Expires and Min-SE for our INVITE or UPDATE; the refresher of a running timer stays the same."""
        if self.use is Use.NO and self.interval is None:
            return []
        value = str(self.interval or self._wanted)
        if self.interval is not None:
            value += f";refresher={'uac' if self.refreshing else 'uas'}"
        return [("Session-Expires", value), ("Min-SE", str(self.min_se))]

    def check(self, request: Request) -> None:
        """Refuse an INVITE or UPDATE: SIPError 422 (with Min-SE) for too short an interval, 421 when the peer must
        support timers and does not."""
        if self.use is Use.NO:
            return
        if self.use is Use.REQUIRED and not _supported(request):
            raise SIPError(421, detail="timer required", headers=(("Require", "timer"),))
        expires = session_expires(request)
        if expires is not None and expires[0] < self.min_se:
            raise SIPError(422, headers=(("Min-SE", str(self.min_se)),))

    def answer(self, request: Request, now: float) -> list[Header]:
        """We answer that request 2xx: agree, start the timer, and return the headers of the response (9)."""
        if self.use is Use.NO:
            return []
        offered = session_expires(request)
        peer = _supported(request)
        if offered is None:
            if not (self.use is Use.ALWAYS or (self.use is Use.REQUIRED and peer)):
                self.stop()
                return []
            interval, refresher = self._wanted, "uas"
        else:
            interval, refresher = offered
            if not peer:
                refresher = "uas"  # only we can refresh
            elif not refresher:
                refresher = "uac"
        self._start(interval, refresher == "uas", now)
        headers = [("Session-Expires", f"{interval};refresher={refresher}")]
        if peer:
            headers.insert(0, ("Require", "timer"))
        return headers

    def agreed(self, response: Response, now: float) -> None:
        """Take the 2xx to our INVITE or UPDATE: start, restart or stop the timer (RFC 4028 7.2)."""
        if self.use is Use.NO and self.interval is None:
            return
        offered = session_expires(response)
        if offered is not None:
            self._start(offered[0], offered[1] != "uas", now)
        elif self.use is Use.ALWAYS:
            self._start(self._wanted, True, now)
        else:
            self.stop()

    def refused(self, response: Response) -> bool:
        """Take a 422: true when the request should be sent again with the interval it asks for (RFC 4028 7.3)."""
        value = response.get("Min-SE")
        if response.status != 422 or value is None:
            return False
        asked = parse_number(value.partition(";")[0], "Min-SE")
        if asked <= (self.interval or self._wanted):
            return False
        self.min_se = asked
        self._wanted = asked
        if self.interval is not None:
            self.interval = asked
        return True

    def stop(self) -> None:
        """The session ended or has no timer any more."""
        self.interval = self._due = self._expiry = None
        self.refreshing = False

    @property
    def next_timer(self) -> float | None:
        return self._due if self._due is not None else self._expiry

    def timer(self, now: float) -> list[Event]:
        """SessionRefreshDue at half the interval when refreshing is ours; SessionExpired shortly before its end."""
        if self._due is not None and now >= self._due:
            self._due = None
            return [SessionRefreshDue(self)]
        if self._expiry is not None and now >= self._expiry:
            self.stop()
            return [SessionExpired(self)]
        return []

    def _start(self, interval: int, refreshing: bool, now: float) -> None:
        self.interval = interval
        self.refreshing = refreshing
        self._due = now + interval / 2 if refreshing else None
        # RFC 4028 10: BYE comes the smaller of 32 s and a third of the interval before the end.
        self._expiry = now + interval - min(32.0, interval / 3)


def session_expires(message: Message) -> tuple[int, str] | None:
    """Session-Expires as (seconds, refresher "uac", "uas" or ""); None when absent, SIPError(400) when malformed."""
    value = message.valued("Session-Expires")
    if value is None:
        return None
    return _seconds(value), (value.params.get("refresher") or "").lower()


def _seconds(value: Valued) -> int:
    return parse_number(value.value, "Session-Expires")


def _supported(message: Message) -> bool:
    return "timer" in message.tokens("Supported") or "timer" in message.tokens("Require")
