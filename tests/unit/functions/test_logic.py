"""IF and its like, calculations, shared and global variables, groups."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.calls import events
from offhook.functions import calculations, groups, logic, shared, timeouts
from support.exchange import Exchange


@pytest.fixture
def exchange(exchange: Exchange) -> Exchange:
    exchange.load(calculations, groups, logic, shared, timeouts)
    return exchange


READ = [
    ("${ISNULL()}${ISNULL(x)}", "10"),
    ("${EXISTS()}${EXISTS(x)}", "01"),
    ("${IF(1?yes:no)}", "yes"),
    ("${IF(0?yes:no)}", "no"),
    ("${IF($[${n} > 4]? many : few )}", "many"),
    ("${IF(0?yes)}", ""),
    ('${IF(1?"a:b":c)}', "a:b"),
    ("${IF(text?a:b)}", "a"),
    ("${IFTIME(*,*,*,*,UTC?a:b)}", "a"),
    ("${IFTIME(0:00-0:01,*,*,*,UTC?a:b)}", "b"),
    ('${IFTIME(*,*,*,*?"a b":c)}', "a b"),
    ("${SET(x= 5 )}${x}", "55"),
    ("${VARIABLE_EXISTS(n)}${VARIABLE_EXISTS(none)}${VARIABLE_EXISTS(empty)}", "101"),
    ("${MATH(8+3)}", "11.000000"),
    ("${MATH(123%16,int)}", "11"),
    ("${MATH(5/2,f)}", "2.500000"),
    ("${MATH(5/-2)}", "0.000000"),
    ("${MATH(-5*2,i)}", "-10"),
    ("${MATH(2^8,int)}", "256"),
    ("${MATH(255+0,hex)}", "ff"),
    ("${MATH(60+5,char)}", "A"),
    ("${MATH(1<<4,int)}", "16"),
    ("${MATH(256>>4,int)}", "16"),
    ("${MATH(12AND10,i)}", "8"),
    ("${MATH(12OR3,i)}", "15"),
    ("${MATH(12XOR10,i)}", "6"),
    ("${MATH(3>2)}${MATH(3<2)}${MATH(2>=2)}${MATH(2<=1)}${MATH(2==2)}", "TRUEFALSETRUEFALSETRUE"),
    ("${MATH(5--3,i)}", "8"),
    ("${MATH(7%0,i)}", "0"),
    ("${INC(n)}${n}", "66"),
    ("${DEC(n)}${n}", "44"),
    ("${MIN(3,2.5)} ${MIN(7)} ${MIN(,9)}", "2.500000 7 9"),
    ("${MAX(3,-4)} ${MAX(1.5,1)}", "3 1.500000"),
    ("${ABS(-7)} ${ABS(-0.5)}", "7 0.500000"),
    ("${DIGIT_SUM(12x34)}", "10"),
    ("${RAND(5,5)}", "5"),
]


@pytest.mark.parametrize(("text", "value"), READ)
async def test_reading(exchange: Exchange, text: str, value: str):
    channel = exchange.channel()
    channel.set("n", "5")
    channel.set("empty", "")
    assert await exchange.read(text, channel) == value


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("${IF(1)}", "IF needs a condition and a text"),
        ("${SET(x)}", "SET needs an assignment"),
        ("${MATH(5)}", "no calculation with two numbers"),
        ("${MATH(5+x)}", '"x" is no number'),
        ("${MATH(5+5,roman)}", '"roman" is no type of result'),
        ("${INC(word)}", "the variable holds no whole number"),
        ("${ABS(x)}", '"x" is no number'),
        ("${MIN()}", "MIN needs a number"),
    ],
)
async def test_what_is_wrong_is_said(exchange: Exchange, text: str, sentence: str, caplog: pytest.LogCaptureFixture):
    channel = exchange.channel()
    channel.set("word", "abc")
    assert await exchange.read(text, channel) == ""
    assert sentence in caplog.text


@given(st.integers(-100, 100), st.integers(-100, 100))
async def test_random_numbers_stay_in_their_range(one: int, two: int):
    assert calculations.rand.read is not None
    assert min(one, two) <= int(str(calculations.rand.read(None, str(one), str(two)))) <= max(one, two)


async def test_import_reads_another_channel(exchange: Exchange):
    other = exchange.channel("900", name="Test/other")
    other.set("x", "theirs")
    assert (
        await exchange.read("${IMPORT(Test/other,x)} ${IMPORT(Test/other,EXTEN)}", exchange.channel()) == "theirs 900"
    )
    assert await exchange.read("[${IMPORT(Test/nobody,x)}]", exchange.channel(name="Test/2")) == "[]"


async def test_delete_forgets_a_variable_and_says_so(exchange: Exchange):
    channel = exchange.channel()
    channel.set("x", "1")
    await exchange.write("DELETE(x)", "", channel)
    await exchange.write("DELETE(x)", "", channel)
    assert channel.get("x") is None
    assert [(event.name, event.value) for event in exchange.heard(events.VarSet)] == [("x", "1"), ("x", "")]


async def test_globals(exchange: Exchange):
    channel = exchange.channel()
    channel.set("x", "channel's")
    await exchange.write("GLOBAL(x)", "everybody's", channel)
    assert await exchange.read("${x} ${GLOBAL(x)} ${GLOBAL_EXISTS(x)}", channel) == "channel's everybody's 1"
    await exchange.write("GLOBAL_DELETE(x)", "", channel)
    assert await exchange.read("${GLOBAL(x)}${GLOBAL_EXISTS(x)}", channel) == "0"


async def test_shared_variables(exchange: Exchange, caplog: pytest.LogCaptureFixture):
    channel = exchange.channel(name="Test/a-1")
    await exchange.write("SHARED(x)", "1", channel)
    other = exchange.channel(name="Test/b-1")
    await exchange.write("SHARED(y,Test/a)", "2", other)
    assert await exchange.read("${SHARED(x)}${SHARED(y)}", channel) == "12"
    assert await exchange.read("${SHARED(x,Test/a-1)}${SHARED(x)}", other) == "1"
    assert [event.name for event in exchange.heard(events.VarSet)] == ["SHARED(x)", "SHARED(y)"]
    assert await exchange.read("${SHARED(x,Test/nobody)}", other) == ""
    assert 'there is no channel "Test/nobody"' in caplog.text


async def test_export(exchange: Exchange, caplog: pytest.LogCaptureFixture):
    channel, other = exchange.channel(), exchange.channel(name="Test/other")
    await exchange.write("EXPORT(Test/other,x)", "5", channel)
    assert other.get("x") == "5"
    await exchange.write("EXPORT(Test/nobody,x)", "5", channel)
    assert 'there is no channel "Test/nobody"' in caplog.text


async def test_groups(exchange: Exchange):
    one, two, three = (exchange.channel(name=f"Test/{number}") for number in range(3))
    await exchange.write("GROUP()", "trunk", one)
    await exchange.write("GROUP()", "trunk", two)
    await exchange.write("GROUP(kind)", "video", two)
    await exchange.write("GROUP()", "trunk2@kind", three)
    assert await exchange.read("${GROUP()} ${GROUP_COUNT()} ${GROUP_COUNT(trunk)}", one) == "trunk 2 2"
    assert await exchange.read("${GROUP(KIND)} ${GROUP_COUNT(@kind)}", two) == "video 1"
    assert await exchange.read("${GROUP_LIST()}", two) == "trunk video@kind"
    assert await exchange.read("${GROUP_MATCH_COUNT(^trunk)} ${GROUP_MATCH_COUNT(trunk@kind)}", one) == "3 1"
    two.hangup()
    assert await exchange.read("${GROUP_COUNT(trunk)}", one) == "1"


async def test_timeouts(exchange: Exchange):
    exchange.dialplan(
        """
[test]
exten => s,1,Set(TIMEOUT(digit)=3.5)
 same => n,Set(TIMEOUT(response)=7)
 same => n,Set(before=${TIMEOUT(digit)} ${TIMEOUT(response)} ${TIMEOUT(absolute)})
 same => n,Set(TIMEOUT(absolute)=60)
 same => n,Set(limited=$[${TIMEOUT(absolute)} > 59])
 same => n,Set(TIMEOUT(absolute)=0)
 same => n,Set(after=${TIMEOUT(absolute)})
"""
    )
    channel = await exchange.run()
    assert channel.get("before") == "3.500 7.000 0"
    assert (channel.get("limited"), channel.get("after")) == ("1", "0")
