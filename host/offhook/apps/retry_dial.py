"""RetryDial: call, and call again when nobody answered."""

from __future__ import annotations

import logging

from offhook.apps.dial import Ending, module, run_dial
from offhook.apps.dial_digits import exit_digit
from offhook.calls.channel import Channel, Hangup
from offhook.calls.prompts import ANY_DIGIT, NoPrompt, play
from offhook.dialplan.outcome import ApplicationError
from offhook.modules import Options, Syntax

log = logging.getLogger(__name__)

_SLEEP_S = 10


@module.application(
    "RetryDial",
    Syntax(
        "announce",
        "sleep",
        "retries",
        "Technology/Resource[&...]",
        "[timeout]",
        "[options]",
        "[URL]",
        announce="A prompt played before each pause.",
        sleep="Seconds between two calls; 10 when not said.",
        retries="How often to call; 0 or less: for ever.",
    ),
    see_also=("Dial",),
)
async def retry_dial(
    channel: Channel,
    announce: str = "",
    sleep: str = "",
    retries: str = "",
    destinations: str | None = None,
    timeout: str = "",
    options: str = "",
    url: str = "",
) -> None:
    """Call, and call again when it did not succeed.

    Between two calls ``announce`` and then music on hold is played. A one-digit extension dialled meanwhile ends it
    (context EXITCONTEXT or the current one); with Dial's option d it may be dialled during the announcement too.
    """
    if destinations is None:
        raise ApplicationError("RetryDial needs destinations: RetryDial(announce,sleep,retries,technology/resource)")
    pause = int(sleep) if sleep.isdigit() and int(sleep) else _SLEEP_S
    count = int(retries) if retries.lstrip("-").isdigit() else 0
    escape = ANY_DIGIT if "d" in Options(options) else ""
    ending = Ending(True)
    try:
        while True:
            channel.pbx.stop_music(channel)
            ending = await run_dial(channel, destinations, timeout, options)
            if ending.final or not ending.go_on:
                break
            if await _pause(channel, announce, pause, escape):
                break
            count -= 1
            if not count:
                break
    finally:
        if not channel.hungup:
            channel.pbx.stop_music(channel)
    if not ending.go_on:
        raise Hangup


async def _pause(channel: Channel, announce: str, seconds: float, escape: str) -> bool:
    """Announce and wait; True when a digit took the caller elsewhere."""
    digit: str | None = ""
    if announce:
        try:
            digit = await play(channel, announce, escape)
        except NoPrompt as missing:
            log.warning("%s: RetryDial: %s", channel.name, missing)
    channel.pbx.start_music(channel)
    digit = digit or await channel.read_digit(seconds)
    return bool(digit) and exit_digit(channel, digit or "")
