"""Functions that ask the dialplan: what exists, what a priority would say, why it went to e."""

from __future__ import annotations

import pytest

from offhook.functions import places, strings
from support.exchange import Exchange

PLAN = """
[test]
exten => s,1,NoOp()
exten => _1XX,1,NoOp()
 same => 5(mark),NoOp()
exten => 200/555,1,NoOp()
exten => area,1,Return(${EXTEN:0:2}${PRIORITY}${CONTEXT})
exten => slow,1,Return(${EVAL_SUB(sub,1(4))})
exten => sub,1,Set(LOCAL(doubled)=$[${ARG1} * 2])
 same => n,Return(<${doubled}>)
exten => stray,1,NoOp()
[empty]
"""


@pytest.fixture
def exchange(exchange: Exchange) -> Exchange:
    exchange.load(places, strings)
    exchange.dialplan(PLAN)
    return exchange


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${DIALPLAN_EXISTS(test)}${DIALPLAN_EXISTS(empty)}${DIALPLAN_EXISTS(none)}", "110"),
        ("${DIALPLAN_EXISTS(test,123)}${DIALPLAN_EXISTS(test,12)}", "10"),
        ("${DIALPLAN_EXISTS(test,123,5)}${DIALPLAN_EXISTS(test,123,2)}", "10"),
        ("${DIALPLAN_EXISTS(test,123,mark)}${DIALPLAN_EXISTS(test,123,other)}", "10"),
        ("${VALID_EXTEN(,123)}${VALID_EXTEN(test,123,5)}${VALID_EXTEN(test,123,2)}${VALID_EXTEN(empty,123)}", "1100"),
        ("${VALID_EXTEN(,200)}", "1"),
        ("${EVAL_EXTEN(test,area,1)}", "ar1test"),
        ("${EVAL_EXTEN(area,1)} ${EXTEN}", "ar1test s"),
        ("${EVAL_EXTEN(slow,1)} ${EXTEN}", "<8> s"),
        ("${EVAL_SUB(test,sub,1(21))}[${doubled}${ARG1}]", "<42>[]"),
    ],
)
async def test_reading(exchange: Exchange, text: str, value: str):
    assert await exchange.read(text, exchange.channel(number="555")) == value


async def test_a_caller_is_looked_at(exchange: Exchange):
    assert await exchange.read("${VALID_EXTEN(,200)}", exchange.channel(number="666")) == "0"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("${DIALPLAN_EXISTS()}", "DIALPLAN_EXISTS needs a context"),
        ("${VALID_EXTEN(test,)}", "VALID_EXTEN needs"),
        ("${EVAL_EXTEN(test,nobody,1)}", "there is no nobody,1 in [test]"),
        ("${EVAL_EXTEN()}", "EVAL_EXTEN needs an extension"),
        ("${EVAL_SUB(test,nobody,1)}", "test,nobody,1 cannot be called"),
        ("${EVAL_SUB()}", "EVAL_SUB needs a subroutine"),
    ],
)
async def test_what_is_wrong_is_said(exchange: Exchange, text: str, sentence: str, caplog: pytest.LogCaptureFixture):
    assert await exchange.read(text, exchange.channel()) == ""
    assert sentence in caplog.text


async def test_why_the_dialplan_went_to_e(exchange: Exchange, caplog: pytest.LogCaptureFixture):
    exchange.dialplan(
        """
[test]
exten => s,1,RaiseException(TOO_LATE)
exten => e,1,Set(told=${EXCEPTION(reason)} ${EXCEPTION(context)} ${EXCEPTION(exten)} ${EXCEPTION(priority)})
 same => n,Set(odd=${EXCEPTION(weather)})
"""
    )
    assert await exchange.read("[${EXCEPTION(reason)}]", exchange.channel()) == "[]"
    assert (await exchange.run()).get("told") == "TOO_LATE test s 1"
    assert 'EXCEPTION has no field "weather"' in caplog.text


async def test_pretending_another_time(exchange: Exchange):
    exchange.dialplan(
        """
[test]
exten => s,1,Set(TESTTIME()=2026/12/24 18:30:00 Europe/Berlin)
 same => n,GotoIfTime(18:00-19:00,*,24,dec,Europe/Berlin?eve,1)
 same => n,Set(day=ordinary)
exten => eve,1,Set(day=special)
"""
    )
    assert (await exchange.run()).get("day") == "special"
