"""Actions on channels, bridges and the dialplan, over real Local channels."""

import pytest

from offhook.apps import echo, trunk_signals
from offhook.calls import events
from offhook.control.manager.actions_originate import _as_int, permitted
from offhook.control.manager.permissions import AGI, CALL, SYSTEM
from offhook.services import mute

PLAN = """
[default]
exten => up,1,Answer()
 same => n,Wait(60)
exten => other,1,UserEvent(Here)
 same => n(label),Wait(60)
exten => busy,1,Busy(1)
exten => call,1,Dial(Local/up@default/n,,g)
 same => n,Wait(60)
exten => 600,hint,Local/up@default
include => more
[more]
exten => _X.,1,NoOp(${EXTEN})
"""


@pytest.fixture
async def calls(exchange, ami):
    exchange.load(echo)
    exchange.dialplan(PLAN)
    return exchange


async def originate(admin, **headers):
    headers.setdefault("Channel", "Local/up@default/n")
    if "Context" not in headers:
        headers.setdefault("Application", "Wait")
        headers.setdefault("Data", "60")
    return await admin.one("Originate", **headers)


NAME = "Local/up@default-00000000;1"


async def test_originate_answers_when_the_call_is_answered(calls, admin):
    answer = await originate(admin, Variable="A=1,B=2", CallerID='"Joe" <123>', Account="acc", ActionID="o")
    assert answer == {"Response": "Success", "ActionID": "o", "Message": "Originate successfully queued"}
    channel = calls.named("Local/up@default-00000000;1")
    assert (channel.get("A"), channel.accountcode, channel.caller.id.number.text) == ("1", "acc", "123")
    assert [event.name for event in calls.heard(events.VarSet) if event.channel is channel][:2] == ["B", "A"]


async def test_originate_that_nobody_answers_fails(calls, admin):
    assert (await originate(admin, Channel="Local/busy@default/n"))["Message"] == "Originate failed"
    assert (await originate(admin, Channel="Local/none@default/n"))["Message"] == "Originate failed"
    assert (await originate(admin, Channel="Nothing/1"))["Message"] == "Originate failed"


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"Channel": ""}, "Channel not specified"),
        ({"Channel": "x"}, "Invalid channel"),
        ({"Timeout": "z"}, "Invalid timeout"),
        ({"Context": "default", "Exten": "none", "Priority": "1"}, "Extension does not exist."),
        ({"Context": "default", "Exten": "other", "Priority": "nolabel"}, "Invalid priority"),
        ({"Context": "default", "Exten": "other"}, "Originate with 'Exten' requires 'Context' and 'Priority'"),
        ({"ChannelId": "x" * 150}, "Uniqueid length exceeds maximum of 149"),
    ],
)
async def test_originates_that_make_no_sense(calls, admin, headers, message):
    assert (await originate(admin, **headers))["Message"] == message


async def test_originate_asynchronously_tells_its_outcome_with_an_event(calls, admin):
    answer = await originate(admin, Context="default", Exten="other", Priority="label", Async="true", ActionID="o")
    assert answer["Response"] == "Success"
    await calls.until(lambda: admin.events("OriginateResponse") != [])
    (event,) = admin.events("OriginateResponse")
    assert (event["ActionID"], event["Response"], event["Reason"], event["Exten"]) == ("o", "Success", "4", "other")
    await originate(admin, Channel="Local/none@default/n", Async="1", ChannelId="mine")
    await calls.until(lambda: len(admin.events("OriginateResponse")) == 2)
    event = admin.events("OriginateResponse")[1]
    assert (event["Response"], event["Channel"], event["Uniqueid"]) == ("Failure", "Local/none@default/n", "mine")


@pytest.mark.parametrize(("text", "taken"), [("5000", 5000), ("5" * 1000, -1), ("-5", -5), ("4294967297", 1)])
def test_times_of_any_length(text, taken):
    assert _as_int(text) == taken


async def test_ids_and_the_users_variables(calls, admin):
    admin.session.variables = [("U", "1"), ("A", "user")]
    await originate(admin, ChannelId="one", OtherChannelId="two", Variable="A=action")
    channel = calls.pbx.channels.find("one")
    assert (channel.get("U"), channel.get("A")) == ("1", "action")
    assert calls.pbx.channels.find("two") is not None


@pytest.mark.parametrize(
    ("application", "data", "classes", "allowed"),
    [
        ("System", "ls", CALL, False),
        ("System", "ls", SYSTEM, True),
        ("TrySystem", "ls", CALL, False),
        (" exec ", "", CALL, False),
        ("NoOp", "${SHELL(ls)}", CALL, False),
        ("NoOp", "${shell}", CALL, True),
        ("Queue", "q,,,,,script", CALL, False),
        ("Queue", "q,,,,,script", AGI, True),
        ("Queue", "q,CcdHh,url,tt,100,,gosub", CALL, True),
        ("Dial", "Local/1", CALL, True),
    ],
)
def test_dangerous_applications_need_more_than_originate(application, data, classes, allowed):
    assert permitted(application, data, classes) is allowed


async def test_a_forbidden_application_is_refused(calls, plain):
    answer = await originate(plain, Application="System", Data="ls")
    assert answer["Message"] == "Originate Access Forbidden: app or data blacklisted"


async def test_hangup_by_name_and_by_expression(calls, admin):
    await originate(admin)
    assert (await admin.one("Hangup", Channel=NAME, Cause="17"))["Message"] == "Channel Hungup"
    await calls.until(lambda: not len(calls.pbx.channels))
    assert calls.heard(events.Hangup)[0].channel.hangup_cause == 17
    await originate(admin)
    start, one, done = await admin.act("Hangup", Channel="/^Local.*;1$/", ActionID="h")
    assert start == ["Response: Success", "ActionID: h", "EventList: start", "Message: Channels hung up will follow"]
    assert one == ["Event: ChannelHungup", "Channel: Local/up@default-00000001;1", "ActionID: h"]
    assert done[-1] == "ListItems: 1"
    assert (await admin.one("Hangup", Channel="/[/"))["Message"] == "Regex compile failed on: /[/"
    assert "Regex format invalid" in (await admin.one("Hangup", Channel="/x"))["Message"]
    assert (await admin.one("Hangup", Channel="none"))["Message"] == "No such channel"


async def test_variables_of_channels_and_of_all(calls, admin):
    await originate(admin)
    assert (await admin.one("Setvar", Channel=NAME, Variable="Q", Value="1"))["Message"] == "Variable Set"
    assert (await admin.one("Getvar", Channel=NAME, Variable="Q"))["Value"] == "1"
    assert (await admin.one("Getvar", Channel=NAME, Variable="CHANNEL"))["Value"] == NAME
    await admin.act("Setvar", Variable="G", Value="seven")
    assert (await admin.one("Getvar", Variable="G"))["Value"] == "seven"
    assert (await admin.one("Getvar", Variable="G:1:2"))["Value"] == "ev"
    assert (await admin.one("Getvar", Variable="NOTHING"))["Value"] == ""
    assert (await admin.one("Getvar", Variable="NOFUNCTION(x)"))["Value"] == ""
    assert (await admin.one("Setvar", Variable="NOFUNCTION(x)", Value="1"))["Message"] == "Variable not set"


async def test_functions_that_run_programs_need_the_class_system(calls, plain):
    answer = await plain.one("Getvar", Variable="SHELL(ls)")
    assert answer["Message"] == "GetVar Access Forbidden: Variable"
    answer = await plain.one("Status", Variables="EVAL(x)")
    assert answer["Message"] == "Status Access Forbidden: Variables"


async def test_the_status_of_channels(calls, admin):
    await originate(admin, Variable="A=1")
    start, one, _two, done = await admin.act("Status", ActionID="s", Variables="A,B", AllVariables="yes")
    assert start[-1] == "Message: Channel status will follow"
    assert one[:3] == ["Event: Status", "Privilege: Call", f"Channel: {NAME}"]
    assert one[-1] == "ActionID: s"
    assert [line for line in one if line.startswith("Variable")][:3] == [
        "Variable: A=1",
        "Variable: B=(null)",
        "Variable: A=1",
    ]
    assert done == ["Event: StatusComplete", "ActionID: s", "EventList: Complete", "ListItems: 2", "Items: 2"]
    assert len(await admin.act("Status", Channel=NAME)) == 3
    assert (await admin.one("Status", Channel="none"))["Message"] == "No such channel"


async def test_redirect_one(calls, admin):
    await originate(admin)
    answer = await admin.one("Redirect", Channel=NAME, Context="default", Exten="other", Priority="1")
    assert answer["Message"] == "Redirect successful"
    await calls.until(lambda: calls.heard(events.UserEvent) != [])
    assert calls.named(NAME).exten == "other"


async def test_redirect_both_parties_of_a_call(calls, admin):
    await originate(admin, Channel="Local/call@default/n")
    await calls.until(lambda: len(calls.pbx.bridges) == 1)
    caller, callee = "Local/call@default-00000000;2", "Local/up@default-00000001;1"
    answer = await admin.one(
        "Redirect", Channel=callee, ExtraChannel=caller, Context="default", Exten="other", Priority="label"
    )
    assert answer["Message"] == "Dual Redirect successful"
    await calls.until(lambda: calls.named(caller).application == calls.named(callee).application == "Wait")
    await calls.until(lambda: not len(calls.pbx.bridges))
    assert {calls.named(one).exten for one in (caller, callee)} == {"other"}


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "Channel not specified"),
        ({"Channel": "x"}, "Context not specified"),
        ({"Channel": "x", "Context": "default"}, "Exten not specified"),
        ({"Channel": "x", "Context": "default", "Exten": "up"}, "Priority not specified"),
        ({"Channel": "x", "Context": "default", "Exten": "up", "Priority": "none"}, "Priority is invalid"),
        ({"Channel": "x", "Context": "default", "Exten": "up", "Priority": "1"}, "Channel does not exist: x"),
    ],
)
async def test_redirects_that_make_no_sense(calls, admin, headers, message):
    assert (await admin.one("Redirect", **headers))["Message"] == message


async def test_bridging_two_calls(calls, admin):
    await originate(admin)
    await originate(admin)
    one, two = "Local/up@default-00000000;1", "Local/up@default-00000001;1"
    assert (await admin.one("Bridge", Channel1=one, Channel2=two))["Message"] == "Channels have been bridged"
    await calls.until(lambda: [len(bridge) for bridge in calls.pbx.bridges] == [2])
    bridge = next(iter(calls.pbx.bridges))
    listing = await admin.act("BridgeList")
    assert f"BridgeUniqueid: {bridge.uniqueid}" in listing[1]
    info = await admin.act("BridgeInfo", BridgeUniqueid=bridge.uniqueid)
    assert [block[0] for block in info[1:]] == ["Event: BridgeInfoChannel"] * 2 + ["Event: BridgeInfoComplete"]
    links = await admin.act("CoreShowChannelMap", Channel=one)
    assert links[1] == ["Event: CoreShowChannelMap", f"Channel: {one}", f"ConnectedChannel: {two}"]
    assert links[2][2] == f"ConnectedChannel: {two[:-1]}2"
    assert (await admin.one("BridgeKick", Channel=one))["Message"] == "Channel has been kicked"
    await calls.until(lambda: not len(calls.pbx.bridges))
    assert (await admin.one("BridgeKick", Channel=two))["Message"] in (
        "Channel is not in a bridge",
        "Channel does not exist",
    )


async def test_a_suspended_bridge_technology_is_not_used(calls, admin):
    answer = await admin.one("BridgeTechnologySuspend", BridgeTechnology="simple_bridge")
    assert answer["Message"] == "Suspended bridge technology"
    await originate(admin, Channel="Local/call@default/n")
    await calls.until(lambda: [len(bridge) for bridge in calls.pbx.bridges] == [2])
    assert next(iter(calls.pbx.bridges)).technology == "softmix"
    listing = await admin.act("BridgeTechnologyList")
    assert [block[2:5:2] for block in listing[1:-1] if "BridgeSuspended: Yes" in block] == [
        ["BridgeType: 1to1Mix", "BridgeSuspended: Yes"]
    ]
    answer = await admin.one("BridgeTechnologyUnsuspend", BridgeTechnology="simple_bridge")
    assert answer["Message"] == "Unsuspended bridge technology"
    answer = await admin.one("BridgeTechnologySuspend", BridgeTechnology="none")
    assert answer["Message"] == "BridgeTechnology not found"


async def test_digits_to_and_from_a_channel(calls, admin):
    await originate(admin)
    assert (await admin.one("PlayDTMF", Channel=NAME, Digit="5", Duration="1"))["Response"] == "Success"
    await calls.until(lambda: calls.heard(events.DtmfEnd) != [], 100_000)
    assert calls.heard(events.DtmfEnd)[0].digit == "5"
    await admin.act("PlayDTMF", Channel=NAME, Digit="6", Receive="true")
    assert calls.heard(events.DtmfEnd)[-1].direction == "Received"
    assert "Could not convert" in (await admin.one("PlayDTMF", Channel=NAME, Digit="5", Duration="x"))["Message"]
    assert (await admin.one("PlayDTMF", Channel="none", Digit="5"))["Message"] == "Channel not found"


async def test_showing_the_dialplan(calls, admin):
    blocks = await admin.act("ShowDialPlan", Context="default", Extension="other")
    assert blocks[1] == [
        "Event: ListDialplan",
        "Context: default",
        "Extension: other",
        "Priority: 1",
        "Application: UserEvent",
        "AppData: Here",
        "Registrar: pbx_config",
    ]
    assert "ExtensionLabel: label" in blocks[2]
    assert (await admin.one("ShowDialPlan", Context="none"))["Message"] == "Did not find context none"
    answer = await admin.one("ShowDialPlan", Context="default", Extension="nine")
    assert answer["Message"] == "Did not find extension nine@default"


async def test_changing_the_dialplan(calls, admin):
    step = {"Context": "default", "Extension": "77", "Priority": "1", "Application": "NoOp"}
    assert (await admin.one("DialplanExtensionAdd", **step))["Message"] == "Added requested extension"
    assert "already exist" in (await admin.one("DialplanExtensionAdd", **step))["Message"]
    assert (await admin.one("DialplanExtensionAdd", **step, Replace="yes"))["Response"] == "Success"
    assert "was invalid" in (await admin.one("DialplanExtensionAdd", **{**step, "Priority": "x"}))["Message"]
    assert calls.pbx.dialplan.exists("default", "77")
    place = {"Context": "default", "Extension": "77"}
    assert (await admin.one("DialplanExtensionRemove", **place))["Message"] == "Removed the requested extension"
    assert "Failed" in (await admin.one("DialplanExtensionRemove", **place))["Message"]


async def test_the_states_of_hints(calls, admin):
    answer = await admin.one("ExtensionState", Exten="600", Context="default")
    assert (answer["Hint"], answer["StatusText"]) == ("Local/up@default", "Idle")
    answer = await admin.one("ExtensionState", Exten="none")
    assert (answer["Status"], answer["StatusText"]) == ("-1", "Unknown")
    blocks = await admin.act("ExtensionStateList")
    assert blocks[1][:3] == ["Event: ExtensionStatus", "Exten: 600", "Context: default"]


async def test_every_action_has_a_manual(calls, admin):
    from offhook.control.manager.commands import manual

    for action in calls.pbx.registry.actions.values():
        assert action.synopsis, action.name
        assert f"  -= Info about Manager Command '{action.name}' =- " in manual(action)


async def test_mf_digits_to_a_channel(calls, admin):
    calls.load(trunk_signals)
    await originate(admin)
    assert (await admin.one("PlayMF", Channel=NAME, Digit="5", Duration="1"))["Message"] == "MF successfully queued"
    assert (await admin.one("PlayMF", Channel=NAME))["Message"] == "No digit specified"
    assert "Could not convert" in (await admin.one("PlayMF", Channel=NAME, Digit="5", Duration="x"))["Message"]
    assert (await admin.one("PlayMF", Channel="none", Digit="5"))["Message"] == "Channel not found"


async def test_audio_is_muted(calls, admin):
    calls.load(mute)
    await originate(admin)
    leg = calls.named(NAME).media
    assert await admin.one("MuteAudio", Channel=NAME, Direction="all", State="on") == {"Response": "Success"}
    assert leg.muted == {"in", "out"}
    assert await admin.one("MuteAudio", Channel=NAME, Direction="in", State="off") == {"Response": "Success"}
    assert leg.muted == {"out"}
    answer = await admin.one("MuteAudio", Channel=NAME, Direction="up", State="on")
    assert answer["Message"] == "Failed to mute/unmute stream"
