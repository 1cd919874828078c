"""Applications that act on other channels, and on the far end of this one."""

from __future__ import annotations

import logging

from offhook.calls import causes
from offhook.calls.channel import Channel, Hangup, State
from offhook.calls.frames import Condition, Control, Text
from offhook.dialplan.arguments import escaped
from offhook.dialplan.context import DialplanError
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.location import parse_location
from offhook.modules import Module, Options, Syntax

log = logging.getLogger(__name__)
redirect_module = Module("app_channelredirect", "Redirects a given channel to a dialplan target")
softhangup_module = Module("app_softhangup", "Hangs up the requested channel")
sendtext_module = Module("app_sendtext", "Send Text Applications")
transfer_module = Module("app_transfer", "Transfers a caller to another extension")
flash_module = Module("app_flash", "Flash channel application")

_TEXT_VARIABLES = ("FROM_DISPLAYNAME", "TO_DISPLAYNAME", "CONTENT_TYPE", "BODY")


@redirect_module.application(
    "ChannelRedirect", Syntax("channel", "[context]", "[extension]", "priority"), see_also=("Goto",)
)
def channel_redirect(channel: Channel, name: str = "", *place: str) -> None:
    """Send another channel to a place in the dialplan.

    CHANNELREDIRECT_STATUS is SUCCESS or NOCHANNEL.
    """
    target = channel.pbx.channels.find(name)
    if target is None:
        log.warning("%s: ChannelRedirect: no channel %r", channel.name, name)
        channel.set("CHANNELREDIRECT_STATUS", "NOCHANNEL")
        return
    try:
        where = parse_location(target, ",".join(place))
    except DialplanError as error:
        log.warning("%s: ChannelRedirect: %s", channel.name, error)
        return
    target.async_goto(*where)
    channel.set("CHANNELREDIRECT_STATUS", "SUCCESS")


@softhangup_module.application(
    "SoftHangup", Syntax("Technology/Resource", "[options]", options={"a": "All channels of the device."})
)
def soft_hangup(channel: Channel, name: str = "", options: str = "") -> None:
    """Hang up a channel by its name, or the first (with option a, all) of a device."""
    everything = "a" in Options(options)
    for other in channel.pbx.channels:
        base = other.name.rpartition("-")[0]
        if name.lower() in (other.name.lower(), base.lower()):
            other.request_hangup(causes.NORMAL_CLEARING)
            if not everything:
                return


@sendtext_module.application("SendText", Syntax("[text]"), raw=True)
def send_text(channel: Channel, text: str = "") -> None:
    """Send a text message to the party of the channel.

    SENDTEXTSTATUS is SUCCESS, FAILURE or UNSUPPORTED, SENDTEXTTYPE what the channel knows of texts: NONE, BASIC or
    ENHANCED. SENDTEXT_BODY replaces the text and SENDTEXT_CONTENT_TYPE its type; SENDTEXT_FROM_DISPLAYNAME and
    SENDTEXT_TO_DISPLAYNAME are names to be shown. All four are forgotten afterwards. A backslash begins \\n, \\r, \\t
    or \\x and two hexadecimal digits.
    """
    given = {name: channel.get(f"SENDTEXT_{name}") or "" for name in _TEXT_VARIABLES}
    body = given["BODY"] or text
    try:
        body = escaped(body)
    except FunctionError as error:
        log.error("%s: SendText: %s", channel.name, error)
    content_type = given["CONTENT_TYPE"] or "text/plain"
    for name in _TEXT_VARIABLES:
        if channel.get(f"SENDTEXT_{name}") is not None:
            channel.set(f"SENDTEXT_{name}", "")
    if channel.texts == "BASIC" and not content_type.startswith("text/"):
        log.warning("%s: SendText: only plain text can be sent here, no %s", channel.name, content_type)
        raise Hangup
    names = given["FROM_DISPLAYNAME"], given["TO_DISPLAYNAME"]
    sent = channel.texts != "NONE" and channel.tech_send_text(Text(body, content_type, *names))
    channel.set("SENDTEXTTYPE", channel.texts)
    channel.set("SENDTEXTSTATUS", "SUCCESS" if sent else "UNSUPPORTED" if channel.texts == "NONE" else "FAILURE")


@sendtext_module.application(
    "ReceiveText", Syntax("[timeout]", timeout="Seconds to wait; for ever when not said."), see_also=("SendText",)
)
async def receive_text(channel: Channel, timeout: str = "") -> None:
    """Wait for a text message of the party.

    RECEIVETEXTSTATUS is SUCCESS or FAILURE, RECEIVETEXTMESSAGE the text.
    """
    try:
        seconds = float(timeout) if timeout else 0.0
    except ValueError:
        log.warning("%s: ReceiveText: %r is no number of seconds", channel.name, timeout)
        raise Hangup from None
    now = channel.pbx.now
    deadline = now() + seconds if seconds > 0 else None
    while deadline is None or now() < deadline:
        frame = await channel.read(None if deadline is None else deadline - now())
        if isinstance(frame, Text):
            channel.set("RECEIVETEXTSTATUS", "SUCCESS")
            channel.set("RECEIVETEXTMESSAGE", frame.body)
            return
    channel.set("RECEIVETEXTSTATUS", "FAILURE")


@transfer_module.application("Transfer", Syntax("[Tech/]destination"), see_also=("Dial", "AttendedTransfer"))
async def transfer(channel: Channel, destination: str = "") -> None:
    """Ask the far end of the channel to call elsewhere.

    TRANSFERSTATUS is SUCCESS, FAILURE or UNSUPPORTED; TRANSFERSTATUSPROTOCOL is the protocol's own code (0: none).
    """
    technology, slash, rest = destination.partition("/")
    status, code = "UNSUPPORTED", 0
    if slash and technology.lower() != channel.technology.lower():
        status = "FAILURE"
    elif channel.tech_transfer(rest if slash else destination):
        code = await _outcome(channel)
        status = "FAILURE" if code else "SUCCESS"
    channel.set("TRANSFERSTATUS", status)
    channel.set("TRANSFERSTATUSPROTOCOL", str(max(code, 0)))


async def _outcome(channel: Channel) -> int:
    """What the technology tells of a transfer: 0 for success, a code of the protocol, -1."""
    while True:
        frame = await channel.read()
        if isinstance(frame, Control) and frame.condition is Condition.TRANSFER:
            return frame.payload if isinstance(frame.payload, int) else 0


@flash_module.application("Flash", see_also=("SendDTMF",))
async def flash(channel: Channel) -> None:
    """Flash the hook of a line: meaningful on analog trunks."""
    if channel.state is State.UP:
        channel.indicate(Condition.FLASH)
        await channel.sleep(1.0)
    else:
        log.warning("%s: Flash: the channel is not up", channel.name)
