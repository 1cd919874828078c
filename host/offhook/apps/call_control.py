"""Answering, signalling, waiting and hanging up."""

from __future__ import annotations

import asyncio
import logging
import re

from offhook.calls import causes
from offhook.calls.answering import MEDIA_WITHIN_S, wait_for_media
from offhook.calls.channel import Channel, Hangup, State
from offhook.calls.frames import Condition
from offhook.dialplan.outcome import Incomplete
from offhook.modules import Module, Options, Syntax

log = logging.getLogger(__name__)
module = Module("pbx_builtins", "Applications every dialplan needs")


def seconds(text: str, default: float = 0.0) -> float:
    """A number of seconds as the dialplan writes it; what cannot be read is the default, and logged."""
    if not text.strip():
        return default
    try:
        return float(text)
    except ValueError:
        log.warning("%r is no number of seconds; %g is taken", text, default)
        return default


@module.application(
    "Answer",
    Syntax(
        "[delay]",
        "[options]",
        delay="Milliseconds to wait after answering.",
        options={"i": "Go on at once, without waiting for media."},
    ),
    see_also=("Hangup",),
)
async def answer(channel: Channel, delay: str = "", options: str = "") -> None:
    """Answer a channel if it is not answered.

    The dialplan goes on when the party's media arrive, at the latest after half a second, so that nothing is played
    before the party can hear it. With a delay it goes on that many milliseconds later, at least half a second. An
    answered channel is left as it is.
    """
    if channel.state is State.UP:
        return
    calling = channel.state in (State.RING, State.RINGING)
    channel.answer()
    if "i" in Options(options):
        return
    wait = seconds(delay) / 1000
    if wait > 0:
        await channel.sleep(max(wait, MEDIA_WITHIN_S) if calling else wait)
    elif calling:
        await wait_for_media(channel)


@module.application(
    "Hangup", Syntax("[causecode]", causecode="Number or name of the cause."), see_also=("Answer", "Busy")
)
def hangup(channel: Channel, cause_text: str = "") -> None:
    """Hang up the calling channel.

    The cause may be a number or a name such as USER_BUSY; without one, a cause already set is kept, else it is
    normal clearing.
    """
    if cause_text:
        cause = causes.parse(cause_text)
        if cause is None:
            log.warning("Hangup(%s): no such cause; a number or a name such as USER_BUSY", cause_text)
        else:
            channel.hangup_cause = cause
    if not channel.hangup_cause:
        channel.hangup_cause = causes.NORMAL_CLEARING
    channel.name_hangup_source("dialplan/builtin")
    channel.hangup_requested = True
    raise Hangup


@module.application("Wait", Syntax("seconds", seconds="May have a fraction."), see_also=("WaitExten",))
async def wait(channel: Channel, time: str = "") -> None:
    """Wait some seconds."""
    span = seconds(time)
    if span > 0:
        await channel.sleep(span)


@module.application(
    "WaitExten",
    Syntax("[seconds]", "[options]", options={"m(class)": "Play music meanwhile.", "d": "Play dial tone meanwhile."}),
    see_also=("Background", "TIMEOUT"),
)
async def wait_exten(channel: Channel, time: str = "", options: str = "") -> None:
    """Wait for the caller to dial an extension.

    Without a time, the response timeout counts. What is dialled is looked up in the current context; nothing
    dialled in time goes to extension t, something that does not exist to i.
    """
    from offhook.dialplan.digits import wait_for_extension

    letters = Options(options)
    pbx = channel.pbx
    if "m" in letters:
        pbx.start_music(channel, letters["m"])
    elif "d" in letters:
        channel.play_zone_tone("dial")
    try:
        await wait_for_extension(channel, seconds(time) if time else None)
    finally:
        if "m" in letters:
            pbx.stop_music(channel)
        elif "d" in letters:
            channel.stop_tones()


@module.application(
    "WaitDigit", Syntax("[seconds]", "[digits]", digits="Others do not count; all when not said."), see_also=("Wait",)
)
async def wait_digit(channel: Channel, time: str = "", digits: str = "") -> None:
    """Wait so many seconds for a digit.

    WAITDIGITSTATUS is ERROR (that was no time), DTMF (WAITDIGITRESULT has the digit), TIMEOUT or CANCEL.
    """
    span = time_length(time)
    if span is None:
        channel.set("WAITDIGITSTATUS", "ERROR")
        return
    status = "CANCEL"
    deadline = channel.pbx.now() + span
    try:
        while True:
            digit = await channel.read_digit(deadline - channel.pbx.now())
            if digit is None or not digits or digit in digits:
                break
        status = "TIMEOUT" if digit is None else "DTMF"
        if digit is not None:
            channel.set("WAITDIGITRESULT", digit)
    finally:
        channel.set("WAITDIGITSTATUS", status)


_TIME_LENGTH = re.compile(r"\s*(\d+\.?\d*|\.\d+)\s*(h|m|s|ms)?\s*", re.IGNORECASE)
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def time_length(text: str) -> float | None:
    """Seconds of a time such as ``2``, ``1.5s``, ``200ms`` or ``1h``; None when it is none."""
    found = _TIME_LENGTH.fullmatch(text)
    return float(found[1]) * _UNITS[(found[2] or "s").lower()] if found else None


async def _until_hangup(channel: Channel, time: str) -> None:
    span = seconds(time)
    if span > 0:
        await channel.sleep(span)
    else:
        await asyncio.get_running_loop().create_future()


@module.application("Busy", Syntax("[timeout]"), see_also=("Congestion", "Hangup"))
async def busy(channel: Channel, timeout: str = "") -> None:
    """Show the caller that the destination is busy, and hang up.

    The tone or signal lasts ``timeout`` seconds, without one until the caller hangs up.
    """
    channel.indicate(Condition.BUSY)
    if channel.state is not State.UP or not channel.hangup_cause:
        channel.hangup_cause = causes.USER_BUSY
    await _until_hangup(channel, timeout)
    raise Hangup


@module.application("Congestion", Syntax("[timeout]"), see_also=("Busy", "Hangup"))
async def congestion(channel: Channel, timeout: str = "") -> None:
    """Show the caller that the network is congested, and hang up.

    The tone or signal lasts ``timeout`` seconds, without one until the caller hangs up.
    """
    channel.indicate(Condition.CONGESTION)
    if channel.state is not State.UP or not channel.hangup_cause:
        channel.hangup_cause = causes.NORMAL_CIRCUIT_CONGESTION
    await _until_hangup(channel, timeout)
    raise Hangup


@module.application("Ringing", see_also=("Busy", "Progress"))
def ringing(channel: Channel) -> None:
    """Show the caller that the destination rings."""
    channel.indicate(Condition.RINGING)


@module.application("Progress", see_also=("Ringing", "Proceeding"))
def progress(channel: Channel) -> None:
    """Tell the caller that early media comes."""
    channel.indicate(Condition.PROGRESS)


@module.application("Proceeding", see_also=("Progress",))
def proceeding(channel: Channel) -> None:
    """Tell the caller that the call proceeds."""
    channel.indicate(Condition.PROCEEDING)


@module.application("Incomplete", Syntax("[n]", n="n: do not answer the channel first."))
def incomplete(channel: Channel, option: str = "") -> None:
    """Say that the dialled extension is not complete yet, and wait for further digits.

    The channel is answered, so that the caller can dial them, unless told not to. When no longer extension
    begins so, the extension is invalid.
    """
    if channel.state is not State.UP and "n" not in option:
        channel.answer()
    channel.indicate(Condition.INCOMPLETE)
    raise Incomplete


@module.application("RaiseException", Syntax("reason"), see_also=("EXCEPTION",))
async def raise_exception(channel: Channel, reason: str = "") -> None:
    """Go to extension e of the context; EXCEPTION(reason) tells why."""
    from offhook.dialplan.executor import raise_exception as jump

    jump(channel, reason)


@module.application("SetAMAFlags", Syntax("flag"), see_also=("CHANNEL",))
def set_ama_flags(channel: Channel, flag: str = "") -> None:
    """Set the AMA flag of a channel: OMIT, BILLING or DOCUMENTATION."""
    words = {"omit": 1, "billing": 2, "documentation": 3, "default": 3}
    if flag.lower() not in words:
        log.warning("SetAMAFlags(%s): the flags are OMIT, BILLING and DOCUMENTATION", flag)
        return
    channel.ama_flags = words[flag.lower()]


@module.application("NoOp", Syntax("[text]"), raw=True, see_also=("Verbose", "Log"))
def noop(channel: Channel, text: str = "") -> None:
    """Do nothing but show its evaluated text on the console."""
