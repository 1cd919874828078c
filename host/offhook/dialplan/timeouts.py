"""The absolute timeout of a call: when it is over, the dialplan goes to T, or e, or the call ends."""

from __future__ import annotations

from asyncio import TimerHandle
from typing import TYPE_CHECKING, Any

from offhook.dialplan.outcome import Interruption

if TYPE_CHECKING:
    from offhook.dialplan.protocols import Channel

_KEY = "absolute timeout"


def set_absolute(channel: Channel, seconds: float) -> None:
    """End the call in so many seconds; 0 takes the limit away."""
    before: TimerHandle | None = channel.data.pop(_KEY, None)
    if before is not None:
        before.cancel()
    if seconds > 0:
        pbx = channel.pbx
        channel.data[_KEY] = pbx.loop.call_later(seconds, _over, channel)


def absolute_left(channel: Channel) -> float:
    """Seconds until the call ends by its absolute timeout; 0 when it has none."""
    timer: TimerHandle | None = channel.data.get(_KEY)
    return 0.0 if timer is None else max(0.0, timer.when() - channel.pbx.now())


def _over(channel: Any) -> None:
    channel.data.pop(_KEY, None)
    if channel.hungup:
        return
    if channel.task is not None:
        channel.interrupt(Interruption.TIMEOUT)
    else:
        channel.request_hangup()
