"""Manager events of channels: their lives, names, parties and what happens on them."""

from __future__ import annotations

from offhook.calls import causes, events
from offhook.control.manager.permissions import CALL, DIALPLAN, USER
from offhook.control.manager.protocol import clean
from offhook.control.manager.render import channel_block, escape, render

PRESENTATIONS = {
    0x00: "Presentation Allowed, Not Screened",
    0x01: "Presentation Allowed, Passed Screen",
    0x02: "Presentation Allowed, Failed Screen",
    0x03: "Presentation Allowed, Network Number",
    0x20: "Presentation Prohibited, Not Screened",
    0x21: "Presentation Prohibited, Passed Screen",
    0x22: "Presentation Prohibited, Failed Screen",
    0x23: "Presentation Prohibited, Network Number",
    0x43: "Number Unavailable",
}


@render(events.NewChannel, "Newchannel", CALL)
def new_channel(event: events.NewChannel) -> str | None:
    return channel_block(event.channel)


@render(events.NewState, "Newstate", CALL)
def new_state(event: events.NewState) -> str | None:
    return channel_block(event.channel)


def _tech_cause(event: events.Hangup | events.HangupRequest) -> str:
    return f"TechCause: {event.channel.tech_cause}\r\n" if event.channel.tech_cause else ""


@render(events.Hangup, "Hangup", CALL)
def hangup(event: events.Hangup) -> str | None:
    block = channel_block(event.channel)
    cause = event.channel.hangup_cause
    return block and f"{block}Cause: {cause}\r\nCause-txt: {causes.text(cause)}\r\n{_tech_cause(event)}"


@render(
    events.HangupRequest,
    lambda event: "SoftHangupRequest" if event.soft else "HangupRequest",
    CALL,
    names=("HangupRequest", "SoftHangupRequest"),
)
def hangup_request(event: events.HangupRequest) -> str | None:
    block = channel_block(event.channel)
    return block and f"{block}Cause: {event.cause}\r\n{_tech_cause(event)}"


@render(events.NewExten, "Newexten", DIALPLAN)
def new_exten(event: events.NewExten) -> str | None:
    channel = event.channel
    block = channel_block(channel)
    return block and (
        f"{block}Extension: {channel.exten}\r\nApplication: {channel.application}\r\n"
        f"AppData: {clean(channel.application_data)}\r\n"
    )


@render(
    events.HangupHandler,
    lambda event: f"HangupHandler{event.action.capitalize()}",
    DIALPLAN,
    names=("HangupHandlerPop", "HangupHandlerPush", "HangupHandlerRun"),
)
def hangup_handler(event: events.HangupHandler) -> str | None:
    block = channel_block(event.channel)
    return block and f"{block}Handler: {event.handler}\r\n"


@render(events.VarSet, "VarSet", DIALPLAN)
def var_set(event: events.VarSet) -> str | None:
    if event.channel is None:
        block: str | None = "Channel: none\r\nUniqueid: none\r\n"
    else:
        block = channel_block(event.channel)
    return block and f"{block}Variable: {event.name}\r\nValue: {escape(event.value)}\r\n"


@render(events.NewCallerId, "NewCallerid", CALL)
def new_caller_id(event: events.NewCallerId) -> str | None:
    block = channel_block(event.channel)
    number = event.channel.caller.id.presentation()
    return block and f"{block}CID-CallingPres: {number} ({PRESENTATIONS.get(number, 'unknown')})\r\n"


@render(events.NewConnectedLine, "NewConnectedLine", CALL)
def new_connected_line(event: events.NewConnectedLine) -> str | None:
    return channel_block(event.channel)


@render(events.NewAccountCode, "NewAccountCode", CALL)
def new_account_code(event: events.NewAccountCode) -> str | None:
    if event.old == event.channel.accountcode:
        return None
    block = channel_block(event.channel)
    return block and f"{block}OldAccountCode: {event.old}\r\n"


@render(events.Rename, "Rename", CALL, channels=lambda event: (event.channel,))
def rename(event: events.Rename) -> str:
    channel = event.channel
    return f"Channel: {event.old_name}\r\nNewname: {channel.name}\r\nUniqueid: {channel.uniqueid}\r\n"


@render(events.Hold, "Hold", CALL)
def hold(event: events.Hold) -> str | None:
    block = channel_block(event.channel)
    music = f"MusicClass: {event.music_class}\r\n" if event.music_class else ""
    return block and block + music


@render(events.Unhold, "Unhold", CALL)
def unhold(event: events.Unhold) -> str | None:
    return channel_block(event.channel)


@render(events.Flash, "Flash", CALL)
def flash(event: events.Flash) -> str | None:
    return channel_block(event.channel)


@render(events.Wink, "Wink", CALL)
def wink(event: events.Wink) -> str | None:
    return channel_block(event.channel)


@render(events.MusicOnHoldStart, "MusicOnHoldStart", CALL)
def music_start(event: events.MusicOnHoldStart) -> str | None:
    block = channel_block(event.channel)
    return block and f"{block}Class: {event.music_class}\r\n"


@render(events.MusicOnHoldStop, "MusicOnHoldStop", CALL)
def music_stop(event: events.MusicOnHoldStop) -> str | None:
    return channel_block(event.channel)


@render(events.TalkingStart, "ChannelTalkingStart", CALL)
def talking_start(event: events.TalkingStart) -> str | None:
    return channel_block(event.channel)


@render(events.TalkingStop, "ChannelTalkingStop", CALL)
def talking_stop(event: events.TalkingStop) -> str | None:
    block = channel_block(event.channel)
    return block and f"{block}Duration: {event.duration_ms}\r\n"


@render(events.ChanSpyStart, "ChanSpyStart", CALL)
def spy_start(event: events.ChanSpyStart) -> str | None:
    spyer, spyee = channel_block(event.spyer, "Spyer"), channel_block(event.spyee, "Spyee")
    return spyer and spyee and spyer + spyee


@render(events.ChanSpyStop, "ChanSpyStop", CALL)
def spy_stop(event: events.ChanSpyStop) -> str | None:
    spyer = channel_block(event.spyer, "Spyer")
    spyee = channel_block(event.spyee, "Spyee") if event.spyee is not None else ""
    return spyer and spyer + (spyee or "")


@render(events.Pickup, "Pickup", CALL)
def pickup(event: events.Pickup) -> str | None:
    channel, target = channel_block(event.channel), channel_block(event.target, "Target")
    return channel and target and channel + target


@render(events.UserEvent, "UserEvent", USER)
def user_event(event: events.UserEvent) -> str | None:
    block = "" if event.channel is None else channel_block(event.channel)
    if block is None:
        return None
    headers = "".join(f"{name}: {clean(value)}\r\n" for name, value in event.headers)
    return f"{block}UserEvent: {clean(event.name)}\r\n{headers}"


@render(events.OriginateResponse, "OriginateResponse", CALL, channels=lambda event: (event.channel,))
def originate_response(event: events.OriginateResponse) -> str:
    channel = event.channel
    if event.application:
        target = f"Application: {event.application}\r\nData: {clean(event.data)}\r\n"
    else:
        target = f"Context: {event.context}\r\nExten: {event.exten}\r\n"
    return (
        (f"ActionID: {event.action_id}\r\n" if event.action_id else "")
        + f"Response: {'Success' if event.success else 'Failure'}\r\n"
        f"Channel: {channel.name if channel else event.dial_string}\r\n"
        f"{target}"
        f"Reason: {event.reason}\r\n"
        f"Uniqueid: {channel.uniqueid if channel else event.assigned_id or '<unknown>'}\r\n"
        f"CallerIDNum: {event.caller_number or '<unknown>'}\r\n"
        f"CallerIDName: {event.caller_name or '<unknown>'}\r\n"
    )
