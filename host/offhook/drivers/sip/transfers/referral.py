"""The subscription a REFER makes (RFC 3515): NOTIFYs that tell the transferer how its transfer goes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from offhook.calls import events
from offhook.calls.frames import Condition
from offhook.calls.indicating import HOOKS
from offhook.sip.reasons import reason_of

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.drivers.sip.calls.session import CallSession

log = logging.getLogger(__name__)

EXPIRES_S = 600
SIPFRAG = "message/sipfrag;version=2.0"
ALLOW_EVENTS = "message-summary, presence, dialog, refer"

_LOOK_S = 0.2
"""How often a transferee without a bridge is looked at for media."""
_STATUSES = {
    Condition.RING: 180,
    Condition.RINGING: 180,
    Condition.PROGRESS: 183,
    Condition.PROCEEDING: 100,
    Condition.BUSY: 486,
    Condition.CONGESTION: 503,
    Condition.ANSWER: 200,
}


class Referral:
    """How one transfer that was asked for goes on, as far as the transferer wants to know."""

    __slots__ = ("_drops", "_looking", "_sent", "_tried", "call", "ends_at", "over", "subscribed", "transferee")

    def __init__(self, call: CallSession, *, subscribed: bool) -> None:
        self.call = call
        self.subscribed = subscribed
        """False after "Refer-Sub: false" (RFC 4488): nothing is notified."""
        self.over = False
        self.ends_at = call.stack.now() + EXPIRES_S
        self.transferee: Channel | None = None
        self._tried = False
        self._drops: list[Callable[[], object]] = []
        self._looking: asyncio.TimerHandle | None = None
        self._sent: int | None = None
        """Packets sent to the transferee up to the last look; None while that is no measure."""

    # ---- telling --------------------------------------------------------------------------------------

    def notify(self, status: int) -> None:
        """Tell the status of the transfer; one from 200 on is the last."""
        if self.over:
            return
        if status >= 200:
            self._stop()
            self.over = True
        if not self.subscribed:
            return
        if not self._tried:
            self._tried = True
            if status != 100:
                self._send(100, "active")
        self._send(status, "terminated" if status >= 200 else "active")

    def _send(self, status: int, state: str) -> None:
        left = max(0, round(self.ends_at - self.call.stack.now()))
        state = f"active;expires={left}" if state == "active" else "terminated;reason=noresource"
        self.call.send(
            "NOTIFY",
            [("Event", "refer"), ("Subscription-State", state), ("Allow-Events", ALLOW_EVENTS)],
            f"SIP/2.0 {status} {reason_of(status)}\r\n".encode(),
            SIPFRAG,
        )

    def end(self) -> None:
        """The transferer wants to hear no more."""
        if not self.over:
            self.over = True
            self._stop()
            if self.subscribed:
                self._send(100, "terminated")

    # ---- watching the transferee ----------------------------------------------------------------------

    def watch(self, transferee: Channel) -> None:
        """Tell what becomes of a channel that has been sent elsewhere."""
        self.transferee = transferee
        hooks: list[Callable[[Condition], None]] = transferee.data.setdefault(HOOKS, [])
        hooks.append(self._indicated)
        self._drops.append(lambda: hooks.remove(self._indicated))
        self._drops.append(transferee.pbx.bus.subscribe(events.BridgeEnter, self._entered))
        transferee.at_end(self._ended)
        self._look_again()

    def _indicated(self, condition: Condition) -> None:
        status = _STATUSES.get(condition)
        if status is not None:
            self.notify(status)

    def _entered(self, event: events.BridgeEnter) -> None:
        if event.channel is self.transferee:
            self.notify(200)

    def _ended(self) -> None:
        self.notify(503)

    def _look_again(self) -> None:
        self._looking = self.call.stack.loop.call_later(_LOOK_S, self._look)

    def _look(self) -> None:
        """Media to the transferee without a tone of ours: something answered it.

        It takes two looks at silence of ours: of music or a tone that has just ended the last may still be on its way.
        """
        transferee = self.transferee
        assert transferee is not None
        packets = self._packets()
        toned = "tone" in transferee.data or "music" in transferee.data
        if self._sent is not None and packets > self._sent and not toned:
            self.notify(200)
        elif self.call.stack.now() >= self.ends_at:
            self.end()
        else:
            self._sent = None if toned else packets
            self._look_again()

    def _packets(self) -> int:
        media = self.transferee.media if self.transferee is not None else None
        return int(media.figures().get("tx_packets", 0)) if media is not None else 0

    def _stop(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        for drop in self._drops:
            drop()
        self._drops.clear()
