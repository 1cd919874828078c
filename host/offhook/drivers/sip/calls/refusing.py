"""PJSIPHangup: refuse a call that came in with a response code of one's own choice."""

from __future__ import annotations

import logging
import re

from offhook.calls.channel import Channel, Hangup
from offhook.dialplan.posix import RegexError, compile_regex
from offhook.drivers.sip.calls.channel import SipChannel
from offhook.drivers.sip.calls.incoming_call import IncomingInvite
from offhook.drivers.sip.calls.technology import module
from offhook.modules import ActionError, ActionRequest, Syntax
from offhook.sip.reasons import REASONS

log = logging.getLogger(__name__)

_DECLINE = 603
_WORDS = {re.sub(r"\W", "_", phrase).upper(): status for status, phrase in REASONS.items() if status >= 400}
_WORDS.update(
    REQUEST_URI_TOO_LONG=414,
    UNKNOWN_RESOURCE_PRIORITY=417,
    SESSION_TIMER_TOO_SMALL=422,
    PROVIDE_REFERRER_HEADER=429,
    ANONIMITY_DISALLOWED=433,
    UNSUPPORTED_CERTIFICATE=437,
    MAX_BREADTH_EXCEEDED=440,
    CALL_TSX_DOES_NOT_EXIST=481,
    REQUEST_UPDATED=490,
    SECURITY_AGREEMENT_NEEDED=494,
    INTERNAL_SERVER_ERROR=500,
    SERVER_TIMEOUT=504,
    NOT_ACCEPTABLE_ANYWHERE=606,
)


def response_code(who: str, text: str) -> int:
    """A code from 400 to 699, by number or name (``PJSIP_SC_BUSY_HERE``, ``BUSY_HERE``); 603 for anything else."""
    if re.fullmatch(r"\d{1,9}", text):
        status = int(text)
    else:
        status = _WORDS.get(text.upper().removeprefix("PJSIP_SC_"), 0)
        if not status:
            log.warning("%s: %r is no response code, %d is sent instead", who, text, _DECLINE)
            return _DECLINE
    if not 400 <= status <= 699:
        log.warning("%s: response code %d is not between 400 and 699, %d is sent instead", who, status, _DECLINE)
        return _DECLINE
    return status


def refuse(channel: Channel, status: int) -> None:
    """Answer the INVITE of a channel that came in and is not answered yet."""
    if not isinstance(channel, SipChannel):
        log.warning("%s is no PJSIP channel, it cannot be refused with a response code", channel.name)
        return
    opening = channel.session.opening
    if not isinstance(opening, IncomingInvite) or opening.answered:
        log.warning("%s cannot be refused with a response code: it came not in, or is answered", channel.name)
        return
    opening.end(status)
    channel.pbx.loop.call_soon(channel.session.far_end_gone, channel.hangup_cause)


@module.application("PJSIPHangup", Syntax("code"), see_also=("Hangup",), raw=True)
def hang_up(channel: Channel, code: str) -> None:
    """Refuses an incoming PJSIP call with a response code.

    The code is a number from 400 to 699 or its name, such as 437, UNSUPPORTED_CERTIFICATE or
    PJSIP_SC_UNSUPPORTED_CERTIFICATE; anything else becomes 603 (Decline). A call that is answered already is just
    hung up. The dialplan ends.
    """
    if not code:
        log.warning("%s: PJSIPHangup needs a response code", channel.name)
    else:
        refuse(channel, response_code(channel.name, code))
    raise Hangup


@module.action("PJSIPHangup", ("system", "call"), Syntax("Channel", "Cause"), see_also=("Hangup",))
def hang_up_action(request: ActionRequest) -> None:
    """Refuse incoming PJSIP calls with a response code.

    Channel is a name, or a regular expression between slashes that stands for all channels it fits. Cause is the
    code, as PJSIPHangup of the dialplan takes it.
    """
    named = request.require("Channel", "No channel specified")
    status = response_code(named, request.get("Cause"))
    if not named.startswith("/"):
        channel = request.pbx.channels.find(named)
        if channel is None:
            raise ActionError("No such channel")
        refuse(channel, status)
        request.ok("Channel Hungup")
        return
    if len(named) < 2 or not named.endswith("/"):
        raise ActionError("Regex format invalid, Channel param should be /regex/")
    try:
        fits = compile_regex(named[1:-1])
    except RegexError:
        raise ActionError(f"Regex compile failed on: {named}") from None
    chosen = [channel for channel in request.pbx.channels if fits.search(channel.name) is not None]
    request.listed("Channels hung up will follow")
    for channel in chosen:
        refuse(channel, status)
        request.event("ChannelHungup", [("Channel", channel.name), ("ActionID", request.get("ActionID"))])
    request.complete("ChannelsHungupListComplete", len(chosen))
