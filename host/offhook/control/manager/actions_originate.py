"""The action Originate."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from offhook.calls import events
from offhook.calls.originate import Origination, Result, originate
from offhook.calls.party import parse_callerid
from offhook.config.model import TRUE_WORDS
from offhook.control.manager.actions_channels import find_priority
from offhook.control.manager.actions_session import session_of
from offhook.control.manager.module import module
from offhook.control.manager.permissions import AGI, SYSTEM
from offhook.media.formats import parse_allow
from offhook.modules import ActionError, ActionRequest, Syntax, split_arguments

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)

LONGEST_UNIQUEID = 149
DEFAULT_TIMEOUT_MS = 30000

_NUMBER = re.compile(r"\s*[+-]?\d+")


def _in_application(word: str) -> Callable[[str, str], bool]:
    return lambda application, _data: word in application.lower()


def _in_data(word: str) -> Callable[[str, str], bool]:
    return lambda _application, data: word in data


def _queue_with_agi(application: str, data: str) -> bool:
    arguments = split_arguments(data)
    return "queue" in application.lower() and len(arguments) > 5 and bool(arguments[5])


#: What only users with one of these classes may start; the first rule that fits decides.
_DANGEROUS: tuple[tuple[Callable[[str, str], bool], int], ...] = (
    *(
        (_in_application(word), SYSTEM)
        for word in ("agi", "dbdeltree", "exec", "externalivr", "mixmonitor", "originate", "reload", "system")
    ),
    (_queue_with_agi, SYSTEM | AGI),
    *((_in_data(word), SYSTEM) for word in ("CURL", "DB", "EVAL", "FILE", "ODBC", "REALTIME", "SHELL")),
)


def permitted(application: str, data: str, classes: int) -> bool:
    """Whether a user with these write classes may have an application run with this data."""
    for fits, needed in _DANGEROUS:
        if fits(application, data):
            return bool(classes & needed)
    return True


@module.action(
    "Originate",
    ("originate",),
    Syntax(
        "Channel",
        "[Exten]",
        "[Context]",
        "[Priority]",
        "[Application]",
        "[Data]",
        "[Timeout]",
        "[CallerID]",
        "[Variable]",
        "[Account]",
        "[EarlyMedia]",
        "[Async]",
        "[Codecs]",
        "[ChannelId]",
        "[OtherChannelId]",
        "[PreDialGoSub]",
        Channel="What to call, technology/address.",
        Exten="Where the answered channel goes, with Context and Priority.",
        Priority="A number or a label.",
        Application="What the answered channel runs instead.",
        Data="The application's arguments.",
        Timeout="Milliseconds to wait for the answer.",
        Variable="NAME=value, several with commas between; may be repeated.",
        EarlyMedia="true: early media count as the answer.",
        Async="true: answer at once, and tell the outcome with the event OriginateResponse.",
        Codecs="Formats to offer, with commas between.",
        ChannelId="Unique id of the channel.",
        OtherChannelId="Unique id of the second half of a Local channel.",
        PreDialGoSub="Subroutine to run on the channel before it is called: context,exten,priority(arguments).",
    ),
    see_also=("OriginateResponse",),
)
async def originate_action(request: ActionRequest) -> None:
    """Call somebody, and put who answers into the dialplan or an application."""
    order = _order(request)
    if request.get("Async").lower() in TRUE_WORDS:
        # The outcome's event must not overtake the answer.
        request.pbx.spawn(_tell(request.pbx, order, request.get("ActionID")), name=f"originate {order.dial_string}")
        request.ok("Originate successfully queued")
        return
    if not order.application and not (order.exten and order.context and order.priority):
        raise ActionError("Originate with 'Exten' requires 'Context' and 'Priority'")
    # The call goes on when the client leaves.
    result: Result = await asyncio.shield(
        request.pbx.spawn(originate(request.pbx, order), name=f"originate {order.dial_string}")
    )
    if not result.answered:
        raise ActionError("Originate failed")
    request.ok("Originate successfully queued")


async def _tell(pbx: Pbx, order: Origination, action_id: str) -> None:
    result = await originate(pbx, order)
    pbx.bus.publish(
        events.OriginateResponse(
            result.channel if result.answered else None,
            result.answered,
            result.reason,
            order.dial_string,
            order.application,
            order.data,
            order.context,
            order.exten,
            order.caller_number,
            order.caller_name,
            action_id,
            order.ids[0],
        )
    )


def _order(request: ActionRequest) -> Origination:
    """What the action asks for. Raises ActionError."""
    ids = (request.get("ChannelId"), request.get("OtherChannelId"))
    if any(len(one) > LONGEST_UNIQUEID for one in ids):
        raise ActionError(f"Uniqueid length exceeds maximum of {LONGEST_UNIQUEID}")
    channel = request.require("Channel", "Channel not specified")
    context, exten = request.get("Context"), request.get("Exten")
    name, number = parse_callerid(request.get("CallerID"))
    priority = 0
    if text := request.get("Priority"):
        priority = find_priority(request.pbx, context, exten, text)
        if priority < 1 and not _NUMBER.match(text):
            raise ActionError("Invalid priority")
    timeout = DEFAULT_TIMEOUT_MS
    if text := request.get("Timeout"):
        found = _NUMBER.match(text)
        if found is None:
            raise ActionError("Invalid timeout")
        timeout = _as_int(found[0])
    if "/" not in channel:
        raise ActionError("Invalid channel")
    application, data = request.get("Application"), request.get("Data")
    session = session_of(request)
    if application and not permitted(application, data, session.may_write):
        raise ActionError("Originate Access Forbidden: app or data blacklisted")
    if priority and not request.pbx.dialplan.exists(context, exten, priority, number):
        raise ActionError("Extension does not exist.")
    return Origination(
        channel,
        application,
        data if application else "",
        context,
        exten,
        priority,
        timeout=timeout / 1000 if timeout > 0 else None,
        caller_number=number,
        caller_name=name,
        account=request.get("Account"),
        variables=[*session.variables, *reversed(request.variables())],
        formats=_formats(request.get("Codecs")),
        early_media=request.get("EarlyMedia").lower() in TRUE_WORDS,
        ids=ids,
        predial=request.get("PreDialGoSub"),
    )


def _as_int(digits: str) -> int:
    """A number of any length as C's scanf("%30d") reads it: at most 30 digits, and what does not fit wraps."""
    number = max(-(1 << 63), min(int(digits[:30]), (1 << 63) - 1)) & 0xFFFFFFFF
    return number - (1 << 32) if number >> 31 else number


def _formats(text: str) -> tuple[str, ...]:
    if not text:
        return ()
    try:
        formats = parse_allow(text)
    except ValueError as error:
        log.warning("Originate: %s", error.args[0])
        formats = error.args[1]
    return tuple(one for one in formats.names.split(",") if one)
