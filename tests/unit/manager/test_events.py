"""What events look like: headers, their order, and what is escaped."""

import pytest

from offhook.calls import events, security, watched_events
from offhook.calls.bridge import Bridge
from offhook.calls.channel import Channel, State
from offhook.calls.party import Caller, Connected, Party
from offhook.control.manager import module as _module  # noqa: F401 (registers the renderers)
from offhook.control.manager.render import RENDERERS, VARIABLES, bridge_block, channel_block, escape
from offhook.daemon.logchannel import LogChannelChanged


@pytest.fixture
def channel(exchange):
    return Channel(
        exchange.pbx,
        "Test/1",
        state=State.UP,
        exten="100",
        caller=Caller(Party.of("123", 'Joe "the" man')),
        accountcode="acc",
        uniqueid="1.0",
    )


def body(event):
    (renderer,) = RENDERERS[type(event)]
    return renderer.body(event)


async def test_a_channel_is_told_in_asterisks_order(channel):
    assert channel_block(channel).split("\r\n") == [
        "Channel: Test/1",
        "ChannelState: 6",
        "ChannelStateDesc: Up",
        "CallerIDNum: 123",
        'CallerIDName: Joe \\"the\\" man',
        "ConnectedLineNum: <unknown>",
        "ConnectedLineName: <unknown>",
        "Language: en",
        "AccountCode: acc",
        "Context: default",
        "Exten: 100",
        "Priority: 1",
        "Uniqueid: 1.0",
        "Linkedid: 1.0",
        "",
    ]
    assert channel_block(channel, "Dest").startswith("DestChannel: Test/1\r\nDestChannelState: 6\r\n")


async def test_tenant_and_variables_follow(channel):
    channel.tenantid = "t1"
    channel.set("A", "x\r\ny")
    channel.pbx.parts[VARIABLES] = ("A", "MISSING", "NOFUNC(x)")
    assert channel_block(channel, "P").split("\r\n")[14:-1] == [
        "PTenantid: t1",
        "PChanVariable: A=x\\r\\ny",
        "PChanVariable: MISSING=",
        "PChanVariable: NOFUNC(x)=",
    ]


async def test_a_line_end_in_a_number_makes_no_header(channel):
    channel.connected = Connected(Party.of("1\r\nEvent: Fake\r\nExten: 2"))
    lines = channel_block(channel).split("\r\n")
    assert lines[5] == "ConnectedLineNum: 1 Event: Fake Exten: 2"
    assert len(lines) == 15


async def test_internal_channels_are_not_told(exchange):
    class Hidden(Channel):
        internal = True
        __slots__ = ()

    hidden = Hidden(exchange.pbx, "Recorder/1")
    assert channel_block(hidden) is None
    assert body(events.NewChannel(hidden)) is None


async def test_a_bridge_is_told_in_asterisks_order(exchange):
    bridge = Bridge(exchange.pbx, uniqueid="b1", name="n", creator="c")
    bridge.video_mode, bridge.video_source = "single", "1.0"
    assert bridge_block(bridge, "To").split("\r\n") == [
        "ToBridgeUniqueid: b1",
        "ToBridgeType: basic",
        "ToBridgeTechnology: simple_bridge",
        "ToBridgeCreator: c",
        "ToBridgeName: n",
        "ToBridgeNumChannels: 0",
        "ToBridgeVideoSourceMode: single",
        "ToBridgeVideoSource: 1.0",
        "",
    ]
    bridge.dissolve()


def test_escapes_are_those_of_c():
    assert escape("a'b\"c?\\\t\r\n\v\f\b\a") == "a\\'b\\\"c\\?\\\\\\t\\r\\n\\v\\f\\b\\a"


async def test_what_happens_to_a_channel(channel):
    channel.hangup_cause = 17
    assert body(events.Hangup(channel)).endswith("Linkedid: 1.0\r\nCause: 17\r\nCause-txt: User busy\r\n")
    channel.application, channel.application_data = "NoOp", "a\nb"
    assert body(events.NewExten(channel)).endswith("Extension: 100\r\nApplication: NoOp\r\nAppData: a b\r\n")
    assert body(events.NewCallerId(channel)).endswith("CID-CallingPres: 0 (Presentation Allowed, Not Screened)\r\n")
    assert body(events.NewAccountCode(channel, "acc")) is None
    assert body(events.NewAccountCode(channel, "old")).endswith("OldAccountCode: old\r\n")
    assert body(events.DialBegin(None, channel, "1")).startswith("DestChannel: Test/1\r\n")
    assert body(events.DialEnd(channel, channel, "CANCEL", "2")).endswith("Forward: 2\r\nDialStatus: CANCEL\r\n")
    assert body(events.Hold(channel)) == channel_block(channel)
    assert body(events.Hold(channel, "jazz")).endswith("MusicClass: jazz\r\n")


async def test_requests_to_hang_up_have_two_names(channel):
    (renderer,) = RENDERERS[events.HangupRequest]
    assert renderer.name(events.HangupRequest(channel, True, 16)) == "SoftHangupRequest"
    assert renderer.name(events.HangupRequest(channel, False, 16)) == "HangupRequest"


async def test_transfers(exchange, channel):
    blind = body(events.BlindTransfer("Success", channel, None, None, "ctx", "200", True))
    assert blind.startswith("Result: Success\r\nTransfererChannel: Test/1\r\n")
    assert blind.endswith("IsExternal: Yes\r\nContext: ctx\r\nExtension: 200\r\n")
    bridge = Bridge(exchange.pbx, uniqueid="b1")
    attended = body(
        events.AttendedTransfer("Success", channel, bridge, channel, None, None, None, "Bridge", False, bridge)
    )
    assert attended.endswith("IsExternal: No\r\nDestType: Bridge\r\nDestBridgeUniqueid: b1\r\n")
    assert "OrigBridgeUniqueid: b1\r\n" in attended
    bridge.dissolve()


def test_states_that_are_none_are_unknown():
    assert body(watched_events.ExtensionState("1", "c", "Test/1", -1)).endswith("Status: -1\r\nStatusText: Unknown\r\n")
    assert body(watched_events.ExtensionState("1", "c", "Test/1", 8)).endswith("Status: 8\r\nStatusText: Ringing\r\n")


def test_presence_is_escaped():
    text = body(watched_events.PresenceStateChange("CustomPresence:a", "away", "things", "stuff\r\nthings"))
    assert text.endswith("Message: stuff\\r\\nthings\r\n")


async def test_a_security_event_tells_what_its_kind_must(exchange):
    heard = []
    exchange.pbx.bus.subscribe(events.Security, heard.append)
    here = security.address("127.0.0.1", 5060, "UDP")
    security.report(
        exchange.pbx,
        "RequestBadFormat",
        "SIP",
        account="joe",
        session="s",
        local=here,
        remote=security.address("2001:db8::1", 5061, "TLS"),
        RequestType="Action: X",
        SessionTV=security.timestamp(0.25),
    )
    assert [name for name, _ in heard[0].elements][4:] == [
        "SessionID",
        "LocalAddress",
        "RemoteAddress",
        "RequestType",
        "SessionTV",
        "AccountID",
    ]
    elements = dict(heard[0].elements)
    assert elements["RemoteAddress"] == "IPV6/TLS/2001:db8::1/5061"
    assert ".250+" in elements["SessionTV"] or ".250-" in elements["SessionTV"]
    assert body(heard[0]).startswith("EventTV: ")


def test_a_log_file_that_cannot_be_written():
    full = LogChannelChanged("/var/log/full", "28 - No space left on device")
    assert body(full) == "Channel: /var/log/full\r\nEnabled: No\r\nReason: 28 - No space left on device\r\n"
    assert body(LogChannelChanged("/var/log/full")) == "Channel: /var/log/full\r\nEnabled: Yes\r\n"
