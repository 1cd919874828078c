"""Dial and RetryDial: call one or more destinations and connect the first that answers."""

from __future__ import annotations

import logging

from offhook.apps.dial_digits import exit_digit
from offhook.apps.dial_run import Ending, run_dial
from offhook.calls.channel import Channel, Hangup
from offhook.calls.prompts import ANY_DIGIT, NoPrompt, play
from offhook.dialplan.outcome import ApplicationError
from offhook.modules import Module, Options, Syntax

log = logging.getLogger(__name__)
module = Module("app_dial", "Dialing Application")

_SLEEP_S = 10
OPTIONS = {
    "A(x[:y])": "Play x to the called party, and y to the caller, when the call is answered.",
    "a": "Answer the calling channel as soon as the called one answers.",
    "b([[context^]exten^]priority[(arg1^...)])": "Run a subroutine on each called channel before it is called.",
    "B([[context^]exten^]priority[(arg1^...)])": "Run a subroutine on the calling channel before anybody is called.",
    "C": "Reset the record (CDR) of this call.",
    "c": "Tell phones that the call was answered elsewhere when it is cancelled.",
    "d": "Let the caller dial a one-digit extension while waiting (EXITCONTEXT or the current context).",
    "D([called][:calling[:progress[:mfprogress[:mfwink[:sfprogress[:sfwink]]]]]])": (
        "Send digits: DTMF to either party after the answer; DTMF, MF or SF to the called one at progress or wink."
    ),
    "E": "Let the caller hear the MF and SF digits of option D as well.",
    "e": "Run extension h on the called channel afterwards.",
    "f(callerid)": "Show this caller ID to the called party; without argument, the dialled extension on forwards.",
    "F([[context^]exten^]priority)": "Send the called party there (or to the next priority) when the caller hangs up.",
    "g": "Go on in the dialplan when the called party hangs up.",
    "G([[context^]exten^]priority)": "On answer, send the caller there and the called party to the priority after it.",
    "h": "Let the called party end the call with the disconnect code.",
    "H": "Let the caller end the call with the disconnect code, also before the answer.",
    "i": "Ignore forwarding requests.",
    "I": "Ignore connected-line and redirecting updates.",
    "j": "Offer what the calling channel had when this option was used first, whatever it has negotiated since.",
    "k": "Let the called party park the call.",
    "K": "Let the caller park the call.",
    "L(x[:y[:z]])": "Limit the call to x ms, warn when y ms are left, and again every z ms.",
    "m(class)": "Play music to the caller until the answer.",
    "n(delete)": "Screening: do not keep the caller's introduction.",
    "N": "Screening: not for callers who have a number.",
    "o(callerid)": "Show the caller's original caller ID, or this one, as that of the called channel.",
    "O(mode)": (
        "Operator: between two analog phones the caller cannot end the call. A caller who hangs up is rung at once, "
        "with mode 2 when the operator flashes."
    ),
    "p": "Screening: the caller says a name, and the called party decides.",
    "P(family)": "Privacy: as screening, and the decision is kept in the database.",
    "Q(cause)": "Cause for the channels that did not answer.",
    "r(tone)": "Indicate ringing to the caller, with this tone.",
    "R": "Indicate ringing to the caller until early media comes.",
    "s(tag)": "Tag of the forced caller ID.",
    "S(x)": "End the call x seconds after the answer.",
    "t": "Let the called party transfer.",
    "T": "Let the caller transfer.",
    "u(presentation)": "Presentation of the forced caller ID.",
    "U(context[^arg1^...])": "Run a subroutine on the called channel after its answer, before the bridge.",
    "w": "Let the called party start recording (Monitor's successor).",
    "W": "Let the caller start recording (Monitor's successor).",
    "x": "Let the called party start a MixMonitor recording.",
    "X": "Let the caller start a MixMonitor recording.",
    "z": "A call forward ends the dial timeout: from then on an answer is waited for without end.",
}


@module.application(
    "Dial",
    Syntax(
        "Technology/Resource[&...]",
        "[timeout]",
        "[options]",
        "[URL]",
        options=OPTIONS,
        timeout="Seconds to wait for an answer, and after ^ for early media. Default: for ever.",
    ),
    see_also=("RetryDial", "SendDTMF", "Gosub", "CHANNEL"),
)
async def dial(channel: Channel, destinations: str = "", timeout: str = "", options: str = "", url: str = "") -> None:
    """Call one or more destinations and connect the caller to the first that answers.

    DIALSTATUS tells how it went: CHANUNAVAIL, CONGESTION, NOANSWER, BUSY, ANSWER, CANCEL, DONTCALL, TORTURE,
    INVALIDARGS. DIALEDPEERNAME and DIALEDPEERNUMBER name the answered channel; DIALEDTIME, ANSWEREDTIME,
    RINGTIME and PROGRESSTIME (and the same with _MS) are the durations. When the call ends the calling channel
    is hung up unless option g lets it go on.

    BRIDGE_FEATURES gives the parties features (as letters of the options), BRIDGE_NOANSWER keeps the calling channel
    from being answered, OUTBOUND_GROUP and OUTBOUND_GROUP_ONCE put called channels into a group.
    """
    if not (await run_dial(channel, destinations, timeout, options)).go_on:
        raise Hangup


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
