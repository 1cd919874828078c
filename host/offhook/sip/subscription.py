"""Event subscriptions (RFC 6665): the notifier's side and the subscriber's."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from .dialog import Dialog
from .errors import SIPError
from .events import Event, SubscriptionExpired, SubscriptionRefreshDue
from .grammar import parse_number
from .headers import Valued
from .message import Header, Message, Request, Response


class SubscriptionStatus(Enum):
    """The states of RFC 6665 4.1.2; INIT before the first NOTIFY or acceptance."""

    INIT = "init"
    PENDING = "pending"
    ACTIVE = "active"
    TERMINATED = "terminated"


INIT = SubscriptionStatus.INIT
PENDING = SubscriptionStatus.PENDING
ACTIVE = SubscriptionStatus.ACTIVE
TERMINATED = SubscriptionStatus.TERMINATED


def event_of(message: Message) -> tuple[str, str]:
    """(event package with template, id) of the Event header; SIPError(489) when it is missing."""
    header = message.valued("Event")
    if header is None:
        raise SIPError(489, detail="no Event header")
    return header.value.lower(), header.params.get("id") or ""


class Notifier:
    """One subscription as the notifier sees it.

    `expires` in SUBSCRIBE is bounded: below `min_expires` (and not 0) it is refused 423, above `max_expires` shortened;
    `default` is used when the SUBSCRIBE has none. Put it on the layer's timers with TransactionLayer.watch.
    """

    __slots__ = ("_until", "default", "dialog", "entry", "event", "id", "max_expires", "min_expires", "status", "user")

    def __init__(
        self,
        dialog: Dialog,
        event: str,
        id: str = "",
        *,
        default: int = 3600,
        min_expires: int = 0,
        max_expires: int = 7200,
    ) -> None:
        self.dialog = dialog
        self.event = event
        self.id = id
        self.default = default
        self.min_expires = min_expires
        self.max_expires = max_expires
        self.status = INIT
        self.user: object = None  # free for the owner
        self.entry: list[object] | None = None
        self._until: float | None = None

    def receive(self, request: Request, now: float) -> int:
        """Take a SUBSCRIBE (the first, a refresh, or the end): the seconds granted, for the 200's Expires.

        With 0 the subscription ends: send the 200 and then a NOTIFY. SIPError 423 with Min-Expires, 481 after the end.
        """
        if self.status is TERMINATED:
            raise SIPError(481, "Subscription Does Not Exist")
        expires = request.expires
        if expires is None:
            expires = self.default
        if 0 < expires < self.min_expires:
            raise SIPError(423, headers=(("Min-Expires", str(self.min_expires)),))
        expires = min(expires, self.max_expires)
        self._until = now + expires
        if expires == 0:
            self.status = TERMINATED
            self._until = None
        return expires

    def remaining(self, now: float) -> int:
        """Whole seconds left."""
        return 0 if self._until is None else max(0, round(self._until - now))

    def notify(
        self,
        now: float,
        status: SubscriptionStatus = ACTIVE,
        *,
        body: bytes = b"",
        content_type: str = "",
        reason: str = "",
        retry_after: int | None = None,
        extra: Iterable[Header] = (),
        contact: str = "",
        user_agent: str = "",
    ) -> Request:
        """A NOTIFY of the resource's state, and the subscription goes to `status`.

        TERMINATED carries `reason` (deactivated, probation, rejected, timeout, giveup, noresource, invariant) and
        perhaps `retry_after` seconds. After the subscriber ended it, `status` is TERMINATED whatever is passed.
        """
        if self.status is TERMINATED:
            status = TERMINATED
            reason = reason or "timeout"
        self.status = status
        if status is TERMINATED:
            state = "terminated"
            if reason:
                state += f";reason={reason}"
            if retry_after is not None:
                state += f";retry-after={retry_after}"
            self._until = None
        else:
            state = f"{status.value};expires={self.remaining(now)}"
        event = self.event + (f";id={self.id}" if self.id else "")
        return self.dialog.request(
            "NOTIFY",
            [("Event", event), ("Subscription-State", state), *extra],
            contact=contact,
            user_agent=user_agent,
            body=body,
            content_type=content_type,
        )

    def notify_failed(self, response: Response) -> bool:
        """Take a failed NOTIFY: true when it ends the subscription (RFC 6665 4.2.2: 404, 405, 410, 416, 480-485, 489,
        501, 604, and a timeout given as 408)."""
        if response.status in _ENDING:
            self.status = TERMINATED
            self._until = None
            return True
        return False

    @property
    def next_timer(self) -> float | None:
        return self._until

    def timer(self, now: float) -> list[Event]:
        if self._until is None or now < self._until:
            return []
        self._until = None
        self.status = TERMINATED
        return [SubscriptionExpired(self)]


_ENDING = frozenset((404, 405, 408, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604))


class Retry(Enum):
    """What a terminated subscription's reason asks of the subscriber (RFC 6665 4.1.3)."""

    NEVER = "never"
    NOW = "now"
    LATER = "later"


class Subscriber:
    """One subscription as the subscriber sees it (one a dialog: a forked SUBSCRIBE makes several).

    `expires` is what is asked for. Put it on the layer's timers with TransactionLayer.watch.
    """

    __slots__ = (
        "_refresh_at",
        "_until",
        "dialog",
        "entry",
        "event",
        "expires",
        "id",
        "reason",
        "retry_after",
        "status",
        "user",
    )

    def __init__(self, dialog: Dialog, event: str, id: str = "", expires: int = 3600) -> None:
        self.dialog = dialog
        self.event = event
        self.id = id
        self.expires = expires
        self.status = INIT
        self.reason = ""
        self.retry_after: int | None = None
        self.user: object = None  # free for the owner
        self.entry: list[object] | None = None
        self._until: float | None = None
        self._refresh_at: float | None = None

    def subscribe(
        self, expires: int | None = None, *, extra: Iterable[Header] = (), contact: str = "", user_agent: str = ""
    ) -> Request:
        """A refreshing SUBSCRIBE in the dialog; `expires` 0 ends the subscription."""
        event = self.event + (f";id={self.id}" if self.id else "")
        asked = self.expires if expires is None else expires
        return self.dialog.request(
            "SUBSCRIBE", [("Event", event), ("Expires", str(asked)), *extra], contact=contact, user_agent=user_agent
        )

    def receive_response(self, response: Response, now: float) -> bool:
        """Take a final response to a SUBSCRIBE: false when it ended the subscription.

        A 423 raises `expires` to its Min-Expires: subscribe again.
        """
        status = response.status
        if 200 <= status < 300:
            self._lasts(response.expires if response.expires is not None else self.expires, now)
            return True
        if status == 423 and (minimum := response.get("Min-Expires")):
            self.expires = max(self.expires, parse_number(minimum, "Min-Expires"))
            return True
        if status in (401, 407) or (status in (408, 500, 503) and self.status is not INIT):
            return True  # RFC 6665 4.1.2.2: a refresh that failed so lets the subscription run out
        self._end("rejected")
        return False

    def receive(self, request: Request, now: float) -> SubscriptionStatus:
        """Take a NOTIFY and return the status it announces; SIPError 489, 400 or 481 to answer it with."""
        if event_of(request) != (self.event, self.id):
            raise SIPError(489)
        if self.status is TERMINATED:
            raise SIPError(481, "Subscription Does Not Exist")
        state = request.valued("Subscription-State")
        if state is None:
            raise SIPError(400, "Missing Subscription-State header field")
        self.dialog.receive_request(request)
        word = state.value.lower()
        if word == "terminated":
            self.retry_after = _number(state, "retry-after")
            self._end((state.params.get("reason") or "").lower())
            return self.status
        self.status = PENDING if word == "pending" else ACTIVE
        expires = _number(state, "expires")
        if expires is not None:
            self._lasts(expires, now)
        return self.status

    @property
    def retry(self) -> Retry:
        """Whether and when to subscribe anew after the end; LATER waits `retry_after` seconds (or a while)."""
        if self.reason in ("rejected", "noresource", "invariant"):
            return Retry.NEVER
        if self.reason in ("deactivated", "timeout"):
            return Retry.NOW
        return Retry.LATER

    @property
    def next_timer(self) -> float | None:
        return self._refresh_at if self._refresh_at is not None else self._until

    def timer(self, now: float) -> list[Event]:
        if self._refresh_at is not None and now >= self._refresh_at:
            self._refresh_at = None
            return [SubscriptionRefreshDue(self)]
        if self._until is not None and now >= self._until:
            self._end("timeout")
            return [SubscriptionExpired(self)]
        return []

    def _lasts(self, seconds: int, now: float) -> None:
        if seconds == 0:
            self._refresh_at = None
            self._until = now + 32  # the last NOTIFY has timer N to come (RFC 6665 4.1.2.4)
            return
        self._until = now + seconds
        self._refresh_at = now + max(seconds - 32, seconds / 2)

    def _end(self, reason: str) -> None:
        self.status = TERMINATED
        self.reason = reason
        self._until = self._refresh_at = None


def _number(header: Valued, name: str) -> int | None:
    text = header.params.get(name)
    return parse_number(text, name) if text else None


__all__ = ["ACTIVE", "INIT", "PENDING", "TERMINATED", "Notifier", "Retry", "Subscriber", "event_of"]
