"""CALLERID, CONNECTEDLINE and REDIRECTING: who calls, who is connected, who redirected."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.calls import events
from offhook.calls.channel import Channel
from offhook.calls.party import Caller, Name, Party
from offhook.functions import callerid
from support.exchange import Exchange


@pytest.fixture
def exchange(exchange: Exchange) -> Exchange:
    exchange.load(callerid)
    return exchange


@pytest.fixture
def channel(exchange: Exchange) -> Channel:
    found = exchange.channel("100", "4930123")
    found.caller.id.name = Name(True, "Ada Lovelace")
    return found


READ = [
    ("${CALLERID(num)}", "4930123"),
    ("${CALLERID(number)}", "4930123"),
    ("${CALLERID(NAME)}", "Ada Lovelace"),
    ("${CALLERID(all)}", '"Ada Lovelace" <4930123>'),
    ("${CALLERID(num-valid)}${CALLERID(name-valid)}${CALLERID(subaddr-valid)}", "110"),
    ("${CALLERID(pres)} ${CALLERID(num-pres)}", "allowed_not_screened allowed_not_screened"),
    ("${CALLERID(ton)}${CALLERID(num-plan)}", "00"),
    ("${CALLERID(name-charset)}", "iso8859-1"),
    ("${CALLERID(ani2)}", "0"),
    ("[${CALLERID(ani)}${CALLERID(rdnis)}${CALLERID(dnid)}${CALLERID(tag)}${CALLERID(priv-num)}]", "[]"),
    ('${CALLERID(num,"Bob" <123>)}', "123"),
    ('${CALLERID(name,"Bob" <123>)}', "Bob"),
    ('${CALLERID(all,"Bob" <(12) 3-4>)}', '"Bob" <1234>'),
    ("${CONNECTEDLINE(num)}${CONNECTEDLINE(priv-name)}", ""),
    ("${CONNECTEDLINE(source)}", "unknown"),
    ("${REDIRECTING(count)}", "0"),
    ("${REDIRECTING(reason)} ${REDIRECTING(orig-reason)}", "unknown unknown"),
]


@pytest.mark.parametrize(("text", "value"), READ)
async def test_reading(exchange: Exchange, channel: Channel, text: str, value: str):
    assert await exchange.read(text, channel) == value


WRITTEN = [
    ("CALLERID(num)", "555", "${CALLERID(all)}", '"Ada Lovelace" <555>'),
    ("CALLERID(all)", '"Bob" <(1) 2-3>', "${CALLERID(name)} ${CALLERID(num)}", "Bob 123"),
    ("CALLERID(name-valid)", "0", "${CALLERID(all)}", '"" <4930123>'),
    ("CALLERID(pres)", "prohib", "${CALLERID(num-pres)} ${CALLERID(name-pres)}", "prohib prohib"),
    ("CALLERID(num-pres)", "67", "${CALLERID(num-pres)} ${CALLERID(pres)}", "unavailable allowed"),
    ("CALLERID(ton)", "33", "${CALLERID(num-plan)}", "33"),
    ("CALLERID(name-charset)", "utf8", "${CALLERID(name-charset)}", "utf8"),
    ("CALLERID(name-charset)", "3", "${CALLERID(name-charset)}", "iso8859-2"),
    ("CALLERID(subaddr)", "6", "${CALLERID(subaddr)}", "6"),
    ("CALLERID(subaddr-type)", "1", "${CALLERID(subaddr-type)}", "2"),
    ("CALLERID(subaddr-odd)", "1", "${CALLERID(subaddr-odd)}", "1"),
    ("CALLERID(tag)", "mine", "${CALLERID(tag)}", "mine"),
    ("CALLERID(ani)", "700", "${CALLERID(ani)} ${CALLERID(ani-num-valid)}", "700 1"),
    ("CALLERID(ani-all)", "Bob <1>", "${CALLERID(ani-name)}", "Bob"),
    ("CALLERID(ani2)", "23", "${CALLERID(ani2)}", "23"),
    ("CALLERID(dnid)", "900", "${CALLERID(dnid)} ${CALLERID(dnid-num)}", "900 900"),
    ("CALLERID(dnid-num-plan)", "2", "${CALLERID(dnid-num-plan)}", "2"),
    ("CALLERID(dnid-subaddr)", "7", "${CALLERID(dnid-subaddr)}", "7"),
    ("CALLERID(rdnis)", "800", "${CALLERID(rdnis)} ${REDIRECTING(from-num)}", "800 800"),
    ("CALLERID(priv-num)", "1", "${CALLERID(priv-num)} ${CALLERID(num)}", "1 4930123"),
    ("CONNECTEDLINE(all,i)", '"Bob" <8>', "${CONNECTEDLINE(all)}", '"Bob" <8>'),
    ("CONNECTEDLINE(source)", "answer", "${CONNECTEDLINE(source)}", "answer"),
    ("CONNECTEDLINE(source)", "3", "${CONNECTEDLINE(source)}", "transfer"),
    ("CONNECTEDLINE(priv-num,i)", "9", "${CONNECTEDLINE(priv-num)}[${CONNECTEDLINE(num)}]", "9[]"),
    ("REDIRECTING(from-num,i)", "5", "${REDIRECTING(from-num)}", "5"),
    ("REDIRECTING(to-name,i)", "Eve", "${REDIRECTING(to-name)}", "Eve"),
    ("REDIRECTING(orig-num,i)", "6", "${REDIRECTING(orig-num)}", "6"),
    ("REDIRECTING(priv-from-num,i)", "7", "${REDIRECTING(priv-from-num)}[${REDIRECTING(from-num)}]", "7[]"),
    ("REDIRECTING(count,i)", "2", "${REDIRECTING(count)}", "2"),
    ("REDIRECTING(reason,i)", "cfb", "${REDIRECTING(reason)}", "cfb"),
    ("REDIRECTING(orig-reason,i)", "cfu", "${REDIRECTING(orig-reason)}", "cfu"),
]


@pytest.mark.parametrize(("function", "value", "text", "result"), WRITTEN)
async def test_assigning(exchange: Exchange, channel: Channel, function: str, value: str, text: str, result: str):
    await exchange.write(function, value, channel)
    assert await exchange.read(text, channel) == result


@pytest.mark.parametrize(
    "text",
    [
        "${CALLERID(colour)}",
        "${CALLERID(num-colour)}",
        "${CALLERID(ani,Bob <1>)}",
        "${CONNECTEDLINE(colour)}",
        "${REDIRECTING(colour)}",
    ],
)
async def test_items_that_do_not_exist(
    exchange: Exchange, channel: Channel, text: str, caplog: pytest.LogCaptureFixture
):
    assert await exchange.read(text, channel) == ""
    assert "has no item" in caplog.text


@pytest.mark.parametrize(
    ("function", "value"),
    [
        ("CALLERID(pres)", "secret"),
        ("CALLERID(ton)", "national"),
        ("CALLERID(ani2)", "two"),
        ("CALLERID(name-charset)", "klingon"),
        ("CONNECTEDLINE(source)", "rumour"),
    ],
)
async def test_values_that_do_not_fit_change_nothing(
    exchange: Exchange, channel: Channel, function: str, value: str, caplog: pytest.LogCaptureFixture
):
    before = await exchange.read(f"${{{function}}}", channel)
    await exchange.write(function, value, channel)
    assert await exchange.read(f"${{{function}}}", channel) == before
    assert f'"{value}"' in caplog.text


async def test_any_text_may_be_a_reason(exchange: Exchange, channel: Channel):
    await exchange.write("REDIRECTING(reason,i)", "whim", channel)
    assert await exchange.read("${REDIRECTING(reason)}", channel) == "whim"
    assert channel.redirecting.reason == "unknown"


async def test_a_new_number_is_an_event_and_the_same_one_is_none(exchange: Exchange, channel: Channel):
    await exchange.write("CALLERID(num)", "555", channel)
    await exchange.write("CALLERID(num)", "555", channel)
    await exchange.write("CALLERID(tag)", "x", channel)
    assert len(exchange.heard(events.NewCallerId)) == 1


async def test_outside_a_channel_there_is_no_caller(exchange: Exchange, caplog: pytest.LogCaptureFixture):
    assert await exchange.read("${CALLERID(num)}") == ""
    assert "CALLERID needs a channel" in caplog.text


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='"<>\\,$(){}[] '), max_size=20))
async def test_a_name_comes_back_as_it_was_written(name: str):
    exchange = Exchange()
    exchange.load(callerid)
    channel = exchange.channel(number="1")
    await exchange.write("CALLERID(name)", name, channel)
    assert await exchange.read("${CALLERID(name)}", channel) == name
    assert channel.caller == Caller(id=Party.of("1", name))
