"""CHANNEL and its like, HANGUPCAUSE, the functions of subroutines."""

from __future__ import annotations

import pytest

from offhook.calls.channel import Channel
from offhook.functions import channel as channel_functions
from offhook.functions import hangupcause
from support.exchange import Exchange


@pytest.fixture
def exchange(exchange: Exchange) -> Exchange:
    exchange.load(channel_functions, hangupcause)
    return exchange


@pytest.fixture
def channel(exchange: Exchange) -> Channel:
    return exchange.channel("100", name="Test/ada-00000001")


@pytest.mark.parametrize(
    ("item", "value"),
    [
        ("name", "Test/ada-00000001"),
        ("CHANNAME", "Test/ada-00000001"),
        ("device_name", "Test/ada"),
        ("channeltype", "Test"),
        ("state", "Down"),
        ("exten", "100"),
        ("context", "test"),
        ("checkhangup", "0"),
        ("onhold", "0"),
        ("audioreadformat", "slin"),
        ("max_forwards", "20"),
        ("transfercapability", "SPEECH"),
        ("peer", ""),
        ("lastexten", ""),
    ],
)
async def test_reading(exchange: Exchange, channel: Channel, item: str, value: str):
    assert await exchange.read(f"${{CHANNEL({item})}}", channel) == value


async def test_the_number_of_the_call_is_written_as_in_the_log(exchange: Exchange, channel: Channel):
    channel.callid = "C-00000007"
    assert await exchange.read("${CHANNEL(callid)}", channel) == "[C-00000007]"
    channel.callid = ""
    assert await exchange.read("${CHANNEL(callid)}", channel) == ""


@pytest.mark.parametrize(
    ("item", "written", "value"),
    [
        ("language", "de", "de"),
        ("accountcode", "4711", "4711"),
        ("peeraccount", "12", "12"),
        ("musicclass", "jazz", "jazz"),
        ("parkinglot", "lot1", "lot1"),
        ("userfield", "a b", "a b"),
        ("tenantid", "t1", "t1"),
        ("hangupsource", "Test/bob", "Test/bob"),
        ("dtmf_features", "TK", "TK"),
        ("callgroup", "1,3-5,70", "1, 3, 4, 5"),
        ("pickupgroup", "63", "63"),
        ("namedcallgroup", "sales, support", "sales, support"),
        ("namedpickupgroup", "sales", "sales"),
        ("amaflags", "billing", "2"),
        ("amaflags", "3", "3"),
        ("max_forwards", "3", "3"),
        ("transfercapability", "digital", "DIGITAL"),
        ("secure_bridge_media", "yes", "1"),
        ("secure_bridge_signaling", "no", ""),
        ("adsicpe", "available", "Available"),
        ("after_bridge_goto", "100,1", "100,1"),
    ],
)
async def test_assigning(exchange: Exchange, channel: Channel, item: str, written: str, value: str):
    exchange.dialplan("[test]\nexten => 100,1,NoOp()\n")
    await exchange.write(f"CHANNEL({item})", written, channel)
    assert (await exchange.read(f"${{CHANNEL({item})}}", channel)).lower() == value.lower()


async def test_numbers_and_names_of_groups_do_not_disturb_each_other(exchange: Exchange, channel: Channel):
    await exchange.write("CHANNEL(callgroup)", "1,2", channel)
    await exchange.write("CHANNEL(namedcallgroup)", "sales", channel)
    await exchange.write("CHANNEL(callgroup)", "3", channel)
    assert await exchange.read("${CHANNEL(callgroup)};${CHANNEL(namedcallgroup)}", channel) == "3;sales"


async def test_what_a_technology_does_not_have(exchange: Exchange, channel: Channel, caplog: pytest.LogCaptureFixture):
    assert await exchange.read("${CHANNEL(rtp,dest)}", channel) == ""
    await exchange.write("CHANNEL(nothing)", "1", channel)
    assert 'a Test channel has no item "rtp,dest"' in caplog.text
    assert 'a Test channel has no item "nothing" to assign' in caplog.text


async def test_a_zone_that_is_not_there(exchange: Exchange, channel: Channel, caplog: pytest.LogCaptureFixture):
    await exchange.write("CHANNEL(tonezone)", "zz", channel)
    assert 'indications.conf has no zone "zz"' in caplog.text


async def test_the_last_step(exchange: Exchange):
    exchange.dialplan(
        """
[test]
exten => s,1,Goto(other,200,1)
[other]
exten => 200,1,Goto(test,300,1)
[test]
exten => 300,1,Goto(400,1)
exten => 400,1,Set(last=${CHANNEL(lastcontext)},${CHANNEL(lastexten)})
"""
    )
    channel = await exchange.run()
    assert channel.get("last") == "other,300"


async def test_handlers_come_and_go_by_assigning(exchange: Exchange):
    exchange.dialplan(
        """
[test]
exten => s,1,Set(CHANNEL(hangup_handler_push)=one,1)
 same => n,Set(CHANNEL(hangup_handler_push)=two,1(x))
 same => n,Set(CHANNEL(hangup_handler_push)=three,1)
 same => n,Set(CHANNEL(hangup_handler_pop)=)
exten => wiped,1,Set(CHANNEL(hangup_handler_push)=one,1)
 same => n,Set(CHANNEL(hangup_handler_wipe)=two,1(y))
exten => one,1,Set(ran=${ran}1)
 same => n,Return()
exten => two,1,Set(ran=${ran}2${ARG1})
 same => n,Return()
exten => three,1,Set(ran=${ran}3)
 same => n,Return()
"""
    )
    assert (await exchange.run()).get("ran") == "2x1"
    assert (await exchange.run("wiped")).get("ran") == "2y"


async def test_channels_by_expression(exchange: Exchange):
    ada, _ = exchange.channel(name="Test/ada-1"), exchange.channel(name="Test/bob-1")
    assert await exchange.read("${CHANNELS()}", ada) == "Test/ada-1 Test/bob-1"
    assert await exchange.read("${CHANNELS(^TEST/B)}", ada) == "Test/bob-1"
    assert await exchange.read("${CHANNEL_EXISTS(Test/bob-1)}${CHANNEL_EXISTS(Test/eve)}", ada) == "10"
    assert await exchange.read(f"${{CHANNEL_EXISTS({ada.uniqueid})}}", ada) == "1"


async def test_a_wrong_expression_is_told(exchange: Exchange, caplog: pytest.LogCaptureFixture):
    assert await exchange.read("${CHANNELS(()}", exchange.channel()) == ""
    assert '"(" is no regular expression' in caplog.text


async def test_the_channel_that_the_call_began_with(exchange: Exchange):
    first, second = exchange.channel("100", name="Test/1"), exchange.channel("200", name="Test/2")
    second.linkedid = first.uniqueid
    first.set("x", "first's")
    assert await exchange.read("${MASTER_CHANNEL(x)} ${MASTER_CHANNEL(EXTEN)}", second) == "first's 100"
    assert await exchange.read("${MASTER_CHANNEL(CHANNEL(name))}", second) == "Test/1"
    await exchange.write("MASTER_CHANNEL(x)", "changed", second)
    assert first.get("x") == "changed"
    first.hangup()
    second.set("x", "second's")
    assert await exchange.read("${MASTER_CHANNEL(x)}", second) == "second's"


async def test_why_dialled_channels_ended(exchange: Exchange, channel: Channel, caplog: pytest.LogCaptureFixture):
    channel.data[hangupcause.KEY] = {"Test/a": (17, "SIP 486 Busy Here"), "Test/b": (16, "")}
    assert await exchange.read("${HANGUPCAUSE_KEYS()}", channel) == "Test/a,Test/b"
    assert await exchange.read("${HANGUPCAUSE(Test/a,tech)}", channel) == "SIP 486 Busy Here"
    assert await exchange.read("${HANGUPCAUSE(Test/a,ast)}", channel) == "User busy"
    assert await exchange.read("${HANGUPCAUSE(Test/a,other)}${HANGUPCAUSE(Test/c,ast)}", channel) == ""
    assert '"other" is no type' in caplog.text
    assert 'knows nothing of a channel "Test/c"' in caplog.text
    hangupcause.clear(channel)
    assert await exchange.read("[${HANGUPCAUSE_KEYS()}]", channel) == "[]"


async def test_peeking_at_the_stack(exchange: Exchange):
    exchange.dialplan(
        """
[test]
exten => s,1,Set(x=outer)
 same => n,Gosub(sub,1(a))
exten => sub,1,Set(LOCAL(x)=middle)
 same => n,Gosub(deep,1(b,c))
 same => n,Return()
exten => deep,1,Set(LOCAL(x)=inner)
 same => n,Set(GLOBAL(seen)=${LOCAL_PEEK(0,x)} ${LOCAL_PEEK(1,x)} ${LOCAL_PEEK(2,x)}[${LOCAL_PEEK(3,x)}])
 same => n,Set(GLOBAL(arguments)=${LOCAL_PEEK(0,ARG1)} ${LOCAL_PEEK(1,ARG1)} ${LOCAL(ARGC)})
 same => n,Set(GLOBAL(places)=${STACK_PEEK(1,l)} ${STACK_PEEK(2,l)})
 same => n,Set(GLOBAL(parts)=${STACK_PEEK(1,c)}/${STACK_PEEK(1,e)}/${STACK_PEEK(1,p)})
 same => n,Set(GLOBAL(none)=[${STACK_PEEK(3,l,true)}])
 same => n,Return()
"""
    )
    from offhook.functions import shared

    exchange.load(shared)
    await exchange.run()
    told = {name: exchange.pbx.globals.values[name] for name in ("seen", "arguments", "places", "parts", "none")}
    assert told == {
        "seen": "inner middle outer[]",
        "arguments": "b a 2",
        "places": "test,sub,2 test,s,2",
        "parts": "test/sub/2",
        "none": "[]",
    }
