"""Originate: call somebody else from the dialplan."""

from __future__ import annotations

import logging

from offhook.calls.channel import Channel
from offhook.calls.originate import (
    REASON_ANSWERED,
    REASON_BUSY,
    REASON_CONGESTION,
    REASON_HANGUP,
    REASON_NO_ANSWER,
    Origination,
    originate,
)
from offhook.modules import Module, Options, Syntax

log = logging.getLogger(__name__)
module = Module("app_originate", "Originate call")

_STATUS = {
    REASON_ANSWERED: "SUCCESS",
    REASON_BUSY: "BUSY",
    REASON_CONGESTION: "CONGESTION",
    REASON_HANGUP: "HANGUP",
    REASON_NO_ANSWER: "RINGING",
}


@module.application(
    "Originate",
    Syntax(
        "tech_data",
        "type",
        "arg1",
        "[arg2]",
        "[arg3]",
        "[timeout]",
        "[options]",
        type="app or exten",
        arg1="The application, or the context.",
        arg2="Its data, or the extension.",
        arg3="The priority.",
        timeout="Seconds, by default 30.",
        options={
            "a": "Do not wait for the answer.",
            "b(context^exten^priority)": "Run a subroutine on the channel before it is called.",
            "B(context^exten^priority)": "Run a subroutine on this channel before.",
            "C(codecs)": "Codecs to offer.",
            "c(callerid)": "Caller ID number of the new channel; this channel's when not said.",
            "n(name)": "Caller ID name of the new channel; this channel's when not said.",
            "v(var1=value1^var2=value2)": "Variables of the new channel.",
        },
    ),
    see_also=("Dial",),
)
async def originate_call(
    channel: Channel,
    dial_string: str = "",
    kind: str = "",
    first: str = "",
    second: str = "",
    third: str = "",
    timeout: str = "",
    options: str = "",
) -> None:
    """Call somebody and put what answers into an application or extension; this channel goes on.

    ORIGINATE_STATUS is FAILED, SUCCESS, BUSY, CONGESTION, HANGUP, RINGING or UNKNOWN.
    """
    from offhook.dialplan.subroutine import run_gosub

    letters = Options(options)
    order = Origination(dial_string, timeout=float(timeout) if timeout else 30.0)
    if kind.lower() == "exten":
        order.context, order.exten = first, second or channel.exten
        order.priority = int(third) if third.isdigit() else 1
        if not second and not third:
            order.context, order.exten = channel.context, first
    elif kind.lower() == "app":
        order.application, order.data = first, second
    else:
        log.error("%s: Originate: type %r; app or exten is needed", channel.name, kind)
        channel.set("ORIGINATE_STATUS", "FAILED")
        return
    if letters["C"]:
        order.formats = tuple(name for name in letters["C"].replace("&", ",").split(",") if name)
    if "c" in letters:
        order.caller_number = letters["c"] or channel.caller.id.number.text
    if "n" in letters:
        order.caller_name = letters["n"] or channel.caller.id.name.text
    order.variables = [pair for item in letters["v"].split("^") if (pair := _pair(item))]
    if letters["b"]:
        order.predial = letters["b"].replace("^", ",")
    if letters["B"]:
        await run_gosub(channel, letters["B"].replace("^", ","))
    if "a" in letters:
        channel.pbx.spawn(originate(channel.pbx, order), "originate")
        channel.set("ORIGINATE_STATUS", "SUCCESS")
        return
    result = await originate(channel.pbx, order)
    channel.set("ORIGINATE_STATUS", _STATUS.get(result.reason, "FAILED"))


def _pair(item: str) -> tuple[str, str] | None:
    name, equals, value = item.partition("=")
    return (name, value) if equals and name else None
