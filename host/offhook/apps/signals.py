"""Signal and WaitForSignal: one channel tells others, by a name, that they may go on."""

from __future__ import annotations

import asyncio
import logging

from offhook.calls.channel import Channel, Hangup
from offhook.modules import Module, Syntax

log = logging.getLogger(__name__)
module = Module("app_signal", "Channel Signaling Applications")

_PART = "signals"
_LONGEST = 79

Waiting = dict[str, list["asyncio.Future[str]"]]


def _waiting(channel: Channel) -> Waiting:
    found: Waiting = channel.pbx.parts.setdefault(_PART, {})
    return found


def _checked(channel: Channel, application: str, name: str) -> str:
    if not name or len(name) > _LONGEST:
        log.warning("%s: %s needs the name of a signal, at most %d long", channel.name, application, _LONGEST)
        raise Hangup
    return name


@module.application("Signal", Syntax("signalname", "[payload]"), see_also=("WaitForSignal",))
def signal(channel: Channel, name: str = "", payload: str = "") -> None:
    """Let every channel go on that waits for a signal of that name.

    They find the payload in WAITFORSIGNALPAYLOAD. SIGNALSTATUS is SUCCESS, or FAILURE when nobody waits.
    """
    waiting = _waiting(channel).pop(_checked(channel, "Signal", name), [])
    for waiter in waiting:
        if not waiter.done():
            waiter.set_result(payload)
    channel.set("SIGNALSTATUS", "SUCCESS" if waiting else "FAILURE")


@module.application("WaitForSignal", Syntax("signalname", "[signaltimeout]"), see_also=("Signal",))
async def wait_for_signal(channel: Channel, name: str = "", timeout: str = "") -> None:
    """Wait until another channel gives a signal, or so many seconds.

    WAITFORSIGNALSTATUS is SIGNALED (with the signaller's WAITFORSIGNALPAYLOAD), TIMEOUT or HANGUP.
    """
    _checked(channel, "WaitForSignal", name)
    seconds = 0.0
    if timeout:
        try:
            seconds = max(0.0, float(timeout))
        except ValueError:
            log.warning("%s: WaitForSignal: %r is no number of seconds; it waits for ever", channel.name, timeout)
    waiting = _waiting(channel)
    waiter: asyncio.Future[str] = channel.pbx.loop.create_future()
    waiting.setdefault(name, []).append(waiter)
    try:
        async with asyncio.timeout(seconds or None):
            payload = await waiter
    except TimeoutError:
        channel.set("WAITFORSIGNALSTATUS", "TIMEOUT")
        return
    except asyncio.CancelledError:
        channel.set("WAITFORSIGNALSTATUS", "HANGUP")
        raise
    finally:
        others = waiting.get(name, [])
        if waiter in others:
            others.remove(waiter)
            if not others:
                del waiting[name]
        channel.frames.clear()
    channel.set("WAITFORSIGNALPAYLOAD", payload)
    channel.set("WAITFORSIGNALSTATUS", "SIGNALED")
