"""Actions on channels: listing, hanging up, variables, redirecting, digits and text."""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from offhook.calls.bridge import Bridge
from offhook.calls.channel import Channel
from offhook.calls.frames import Condition, Control, Digit, Text
from offhook.config.model import TRUE_WORDS
from offhook.control.manager.actions_session import session_of
from offhook.control.manager.module import module
from offhook.control.manager.permissions import SYSTEM
from offhook.control.manager.render import block_headers, variable
from offhook.dialplan.invocation import FunctionError, split_call
from offhook.dialplan.posix import Regex, RegexError
from offhook.dialplan.scope import Scope
from offhook.log import NOTICE, verbose
from offhook.modules import ActionError, ActionRequest, Syntax, split_arguments

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)


def find_channel(request: ActionRequest, absent: str, unknown: str = "No such channel") -> Channel:
    """The channel that the header Channel names. Raises ActionError with one of the sentences."""
    name = request.require("Channel", absent)
    channel: Channel | None = request.pbx.channels.find(name)
    if channel is None:
        raise ActionError(unknown)
    return channel


def forbid_dangerous(request: ActionRequest, text: str, sentence: str) -> None:
    """Refuse functions that run programs or evaluate text to users without the class system."""
    if not session_of(request).may_write & SYSTEM and ("SHELL" in text or "EVAL" in text):
        raise ActionError(sentence)


# ---- variables --------------------------------------------------------------------------------------


async def read_variable(pbx: Pbx, channel: Channel | None, name: str) -> str | None:
    """A variable, or a function when the name ends in ``)``, as outside interfaces may read it."""
    scope = Scope(pbx, channel, restricted=True)
    if not name.endswith(")"):
        return scope.lookup(name) if ":" not in name else _part(scope, name)
    try:
        answer = scope.read(name)
        return await answer if inspect.isawaitable(answer) else answer
    except FunctionError as error:
        log.warning("%s", error)
        return ""


_PART = re.compile(r"\w+(:-?\d*){1,2}")


def _part(scope: Scope, name: str) -> str | None:
    """``NAME:offset:length``."""
    return scope.expand("${" + name + "}") if _PART.fullmatch(name) else None


@module.action(
    "Getvar",
    ("call", "reporting"),
    Syntax("[Channel]", "Variable", Channel="Without one: a global variable.", Variable="A variable or function."),
)
async def getvar(request: ActionRequest) -> None:
    """Read a variable or function.

    Functions that are dangerous from outside need live_dangerously in asterisk.conf.
    """
    name = request.require("Variable", "No variable specified")
    forbid_dangerous(request, name, "GetVar Access Forbidden: Variable")
    channel = find_channel(request, "") if request.get("Channel") else None
    value = await read_variable(request.pbx, channel, name)
    request.respond("Success", headers=[("Variable", name), ("Value", value or "")])


@module.action(
    "Setvar",
    ("call",),
    Syntax("[Channel]", "Variable", "Value", Channel="Without one: a global variable.", Variable="As in Set()."),
)
async def setvar(request: ActionRequest) -> None:
    """Assign a variable or function."""
    name = request.require("Variable", "No variable specified")
    channel = find_channel(request, "") if request.get("Channel") else None
    scope = Scope(request.pbx, channel, restricted=True)
    if name.endswith(")"):
        try:
            scope.function(split_call(name)[0], writing=True)
        except FunctionError as error:
            log.error("%s", error)
            raise ActionError("Variable not set") from None
    done = scope.set(name, request.get("Value"))
    if done is not None:
        await done
    request.ok("Variable Set")


# ---- listing ----------------------------------------------------------------------------------------


@module.action("CoreShowChannels", ("system", "reporting"))
def core_show_channels(request: ActionRequest) -> None:
    """List the channels."""
    request.listed("Channels will follow")
    count = 0
    for channel in request.pbx.channels:
        headers = block_headers(channel)
        if not headers:
            continue
        seconds = int(request.pbx.now() - channel.created_at)
        headers += [
            ("Application", channel.application),
            ("ApplicationData", channel.application_data),
            ("Duration", f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"),
            ("BridgeId", channel.bridge.uniqueid if channel.bridge else ""),
        ]
        request.event("CoreShowChannel", headers)
        count += 1
    request.complete("CoreShowChannelsComplete", count)


@module.action("CoreShowChannelMap", ("system", "reporting"), Syntax("Channel"))
def core_show_channel_map(request: ActionRequest) -> None:
    """List the channels that a channel is connected to, across bridges and Local channels."""
    name = request.require("Channel", "CoreShowChannelMap requires a channel.")
    channel = find_channel(request, "", "Could not get channel snapshot")
    request.listed("Channel map will follow")
    connected: dict[str, None] = {}
    if channel.bridge is not None:
        _connected(request.pbx, channel, channel.bridge, connected)
    for other in connected:
        request.event("CoreShowChannelMap", [("Channel", name), ("ConnectedChannel", other)])
    request.complete("CoreShowChannelMapComplete", len(connected))


def _connected(pbx: Pbx, channel: Channel, bridge: Bridge, found: dict[str, None]) -> None:
    for other in bridge:
        if other is channel or other.name in found:
            continue
        found[other.name] = None
        if other.technology == "Local":
            half = pbx.channels.find(other.name[:-1] + ("2" if other.name.endswith("1") else "1"))
            if half is not None and half.name not in found:
                found[half.name] = None
                if half.bridge is not None:
                    _connected(pbx, half, half.bridge, found)


@module.action(
    "Status",
    ("system", "call", "reporting"),
    Syntax(
        "[Channel]",
        "[Variables]",
        "[AllVariables]",
        Channel="Without one: all channels.",
        Variables="Variables and functions to show, with commas between.",
        AllVariables="true shows all variables of the channels.",
    ),
)
async def status(request: ActionRequest) -> None:
    """Show channels with their states and formats."""
    variables = request.get("Variables")
    forbid_dangerous(request, variables, "Status Access Forbidden: Variables")
    everything = request.get("AllVariables").lower() in TRUE_WORDS
    channels = [find_channel(request, "")] if request.get("Channel") else list(request.pbx.channels)
    request.listed("Channel status will follow")
    count = 0
    for channel in channels:
        headers = block_headers(channel)
        if not headers:
            continue
        headers = [("Privilege", "Call"), *headers, *_details(channel)]
        for name in split_arguments(variables):
            value = await read_variable(request.pbx, channel, name)
            headers.append(("Variable", f"{name}={'(null)' if value is None else value}"))
        if everything:
            headers += [("Variable", f"{name}={value}") for name, value in channel.variables.items()]
        request.event("Status", [*headers, ("ActionID", request.get("ActionID"))])
        count += 1
    request.complete("StatusComplete", count, [("Items", str(count))])


def _details(channel: Channel) -> Iterator[tuple[str, str]]:
    connected = channel.connected.id
    now = channel.pbx.now()
    left = variable(channel, "TIMEOUT(absolute)") if "TIMEOUT" in channel.pbx.registry.functions else ""
    format_name = channel.native_formats[0] if channel.native_formats else "slin"
    yield "Type", channel.technology
    yield "DNID", channel.dialed.number
    yield "EffectiveConnectedLineNum", connected.number.text if connected.number.valid else "<unknown>"
    yield "EffectiveConnectedLineName", connected.name.text if connected.name.valid else "<unknown>"
    yield "TimeToHangup", str(int(channel.pbx.wall() + float(left))) if left.strip("0.") else "0"
    yield "BridgeID", channel.bridge.uniqueid if channel.bridge else ""
    yield "Application", channel.application
    yield "Data", channel.application_data
    yield "Nativeformats", f"({'|'.join(channel.native_formats) or 'slin'})"
    yield "Readformat", format_name
    yield "Readtrans", ""
    yield "Writeformat", format_name
    yield "Writetrans", ""
    yield "Callgroup", str(_group_mask(channel.call_groups))
    yield "Pickupgroup", str(_group_mask(channel.pickup_groups))
    yield "Seconds", str(int(now - channel.created_at))


def _group_mask(groups: frozenset[str]) -> int:
    """Numbered groups as a bit mask."""
    return sum(1 << int(group) for group in groups if group.isdigit() and int(group) < 64)


# ---- ending and moving ------------------------------------------------------------------------------


@module.action(
    "Hangup",
    ("system", "call"),
    Syntax("Channel", "[Cause]", Channel="A name, or /expression/ for all names that match.", Cause="Q.850 number."),
)
def hangup(request: ActionRequest) -> None:
    """Hang up a channel, or all whose names match a regular expression."""
    name = request.require("Channel", "No channel specified")
    cause = 0
    if text := request.get("Cause"):
        if text.isdigit() and int(text) <= 127:
            cause = int(text)
        else:
            log.log(NOTICE, "Hangup: %r is no cause; it is left out", text)
    if not name.startswith("/"):
        channel = find_channel(request, "")
        _hang_up(request, channel, cause)
        request.ok("Channel Hungup")
        return
    if len(name) < 2 or not name.endswith("/"):
        raise ActionError("Regex format invalid, Channel param should be /regex/")
    try:
        expression = Regex(name[1:-1])
    except RegexError:
        raise ActionError(f"Regex compile failed on: {name}") from None
    request.listed("Channels hung up will follow")
    matched = [channel for channel in request.pbx.channels if expression.search(channel.name) is not None]
    for channel in matched:
        _hang_up(request, channel, cause)
        request.event("ChannelHungup", [("Channel", channel.name), ("ActionID", request.get("ActionID"))])
    request.complete("ChannelsHungupListComplete", len(matched))


def _hang_up(request: ActionRequest, channel: Channel, cause: int) -> None:
    session = session_of(request)
    verbose(
        3,
        "%sManager '%s' from %s, hanging up channel: %s",
        "HTTP " if session.outlet is None else "",
        session.username,
        session.remote[0],
        channel.name,
    )
    channel.request_hangup(cause)


@module.action(
    "AbsoluteTimeout", ("system", "call"), Syntax("Channel", "Timeout", Timeout="Seconds from now until the hangup.")
)
async def absolute_timeout(request: ActionRequest) -> None:
    """Hang a channel up after some time."""
    request.require("Channel", "No channel specified")
    try:
        seconds = float(request.get("Timeout") or "0")
    except ValueError:
        seconds = 0.0
    if seconds <= 0:
        raise ActionError("No timeout specified")
    channel = find_channel(request, "No channel specified")
    scope = Scope(request.pbx, channel)
    try:
        scope.function("TIMEOUT", writing=True)
    except FunctionError as error:
        raise ActionError(str(error)) from None
    done = scope.write("TIMEOUT(absolute)", f"{seconds:g}")
    if done is not None:
        await done
    request.ok("Timeout Set")


@module.action(
    "Redirect",
    ("call",),
    Syntax(
        "Channel",
        "Context",
        "Exten",
        "Priority",
        "[ExtraChannel]",
        "[ExtraContext]",
        "[ExtraExten]",
        "[ExtraPriority]",
        Priority="A number or a label.",
        ExtraChannel="A second channel, redirected in the same moment.",
        ExtraContext="Where the second one goes, if not where the first one does.",
    ),
)
def redirect(request: ActionRequest) -> None:
    """Send a channel, or two at once, to another place in the dialplan."""
    name = request.require("Channel", "Channel not specified")
    first = _place(request, "")
    second_name = request.get("ExtraChannel")
    second = _place(request, "Extra") if second_name and request.get("ExtraContext") else first
    channel = _live(request.pbx, name, "Channel does not exist", "Redirect failed, channel not up.")
    if not second_name:
        channel.async_goto(*first)
        request.ok("Redirect successful")
        return
    extra = _live(request.pbx, second_name, "ExtraChannel does not exist", "Redirect failed, extra channel not up.")
    redirect_both(channel, first, extra, second)
    request.ok("Dual Redirect successful")


def redirect_both(
    channel: Channel, place: tuple[str, str, int], extra: Channel, extra_place: tuple[str, str, int]
) -> None:
    """Redirect two channels so that neither ends because the other left their bridge."""
    for one, target in ((channel, place), (extra, extra_place)):
        if one.task is None and one.bridge is not None:
            one.after_bridge = _continuation(target)
    channel.async_goto(*place)
    if extra.task is not None or extra.bridge is not None:
        extra.async_goto(*extra_place)


def _continuation(place: tuple[str, str, int]) -> Callable[[Channel], None]:
    def go_on(channel: Channel) -> None:
        channel.context, channel.exten, channel.priority = place
        channel.start_pbx()

    return go_on


def _place(request: ActionRequest, prefix: str) -> tuple[str, str, int]:
    context = request.require(f"{prefix}Context", f"{prefix}Context not specified")
    exten = request.require(f"{prefix}Exten", f"{prefix}Exten not specified")
    text = request.require(f"{prefix}Priority", f"{prefix}Priority not specified")
    priority = find_priority(request.pbx, context, exten, text)
    if priority < 1:
        raise ActionError(f"{prefix}Priority is invalid")
    return context, exten, priority


def find_priority(pbx: Pbx, context: str, exten: str, text: str, caller: str = "") -> int:
    """A priority by number or label; 0 when there is none."""
    number = re.match(r"\s*[+-]?\d+", text)
    if number:
        return int(number[0])
    return pbx.dialplan.find_label(context, exten, text, caller) or 0


def _live(pbx: Pbx, name: str, absent: str, dead: str) -> Channel:
    channel = pbx.channels.find(name)
    if channel is None:
        raise ActionError(f"{absent}: {name}")
    if not channel.alive:
        raise ActionError(dead)
    return channel


# ---- digits, hook and text --------------------------------------------------------------------------


@module.action(
    "PlayDTMF",
    ("call",),
    Syntax(
        "Channel",
        "Digit",
        "[Duration]",
        "[Receive]",
        Duration="Milliseconds.",
        Receive="true: as if the channel had sent the digit.",
    ),
)
async def play_dtmf(request: ActionRequest) -> None:
    """Send a digit to a channel, or have it received from one."""
    channel = find_channel(request, "Channel not found", "Channel not found")
    digit = request.require("Digit", "No digit specified")[0]
    duration = 0
    if text := request.get("Duration"):
        number = re.match(r"\s*\d+", text)
        if number is None:
            raise ActionError("Could not convert Duration parameter")
        duration = int(number[0])
    if request.get("Receive").lower() in TRUE_WORDS:
        channel.deliver(Digit(digit, True, duration))
    else:
        request.pbx.spawn(channel.send_digit(digit, duration or 100), name=f"digit to {channel.name}")
    request.ok("DTMF successfully queued")


@module.action("SendFlash", ("call",), Syntax("Channel", "[Receive]", Receive="true: as if the channel had sent it."))
def send_flash(request: ActionRequest) -> None:
    """Send a hook flash to a channel, or have it received from one."""
    channel = find_channel(request, "Channel not found", "Channel not found")
    if request.get("Receive").lower() in TRUE_WORDS:
        channel.deliver(Control(Condition.FLASH))
    else:
        channel.indicate(Condition.FLASH)
    request.ok("Flash successfully queued")


@module.action(
    "SendText", ("call",), Syntax("Channel", "Message", "[Content-Type]", Message="The text to send in the call.")
)
def send_text(request: ActionRequest) -> None:
    """Send a text message to a channel in a call."""
    request.require("Channel", "No channel specified")
    text = request.require("Message", "No Message specified")
    channel = find_channel(request, "No channel specified")
    channel.tech_send_text(Text(text, request.get("Content-Type") or "text/plain"))
    request.ok("Success")
