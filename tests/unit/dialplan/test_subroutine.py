"""Gosub, Return, LOCAL, and subroutines run from outside."""

from __future__ import annotations

import asyncio

import pytest

from offhook.calls import events
from offhook.dialplan.subroutine import complete_arguments, frames, run_gosub
from offhook.functions import shared
from support.exchange import Exchange

PLAN = """
[test]
exten => s,1,Gosub(sub,add,1(2,3))
 same => n,Set(result=${GOSUB_RETVAL} ${ARG1} ${ARGC} ${inner})
[sub]
exten => add,1,Set(LOCAL(inner)=x)
 same => n,Set(seen=${ARG1} ${ARG2} ${ARGC} ${inner})
 same => n,Return($[${ARG1} + ${ARG2}])
exten => recurse,1,GotoIf($[${ARG1} = 0]?done)
 same => n,Gosub(recurse,1($[${ARG1} - 1]))
 same => n,Return($[${GOSUB_RETVAL} + ${ARG1}])
 same => n(done),Return(0)
exten => forget,1,Goto(nowhere,1)
exten => endless,1,Gosub(deeper,1)
exten => deeper,1,Hangup()
"""


async def test_arguments_locals_and_return(exchange: Exchange):
    exchange.dialplan(PLAN)
    channel = await exchange.run()
    assert channel.get("seen") == "2 3 2 x"
    assert channel.get("result") == "5   "


async def test_recursion(exchange: Exchange):
    exchange.dialplan(PLAN + "[test](+)\nexten => r,1,Gosub(sub,recurse,1(4))\n same => n,Set(sum=${GOSUB_RETVAL})\n")
    assert (await exchange.run("r")).get("sum") == "10"


async def test_arguments_of_the_caller_are_hidden(exchange: Exchange):
    exchange.dialplan(
        """
[test]
exten => s,1,Gosub(outer,1(a,b,c))
exten => outer,1,Gosub(inner,1(x))
 same => n,Set(after=${ARG1}${ARG2}${ARG3}${ARGC})
 same => n,Return()
exten => inner,1,Set(inside=${ARG1}${ARG2}${ARG3}${ARGC})
 same => n,Return()
"""
    )
    channel = await exchange.run()
    assert channel.get("inside") == "x1"
    assert channel.get("after") == "abc3"
    assert channel.get("ARG1") is None


async def test_quotes_in_arguments_stay(exchange: Exchange):
    exchange.dialplan('[test]\nexten => s,1,Gosub(sub,1("a,b",c))\nexten => sub,1,Set(seen=${ARG1}|${ARG2})\n')
    assert (await exchange.run()).get("seen") == '"a,b"|c'


async def test_gosubif(exchange: Exchange):
    exchange.dialplan(
        """
[test]
exten => s,1,GosubIf(1?sub,1(yes,1):sub,1(no,1))
 same => n,GosubIf(0?sub,1(yes,2):sub,1(no,2))
 same => n,GosubIf(0?sub,1(yes,3))
exten => sub,1,Set(seen=${seen}${ARG1}${ARG2})
 same => n,Return()
"""
    )
    assert (await exchange.run()).get("seen") == "yes1no2"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("Return()", "Return without Gosub"),
        ("Gosub(nowhere,1)", "Gosub from test,s,1 goes to test,nowhere,1, which does not exist"),
        ("Gosub(label)", 'there is no priority or label "label"'),
    ],
)
async def test_wrong_calls_end_the_call(exchange: Exchange, line: str, sentence: str, caplog: pytest.LogCaptureFixture):
    exchange.dialplan(f"[test]\nexten => s,1,{line}\n same => n,Set(went=on)\n")
    assert (await exchange.run()).get("went") is None
    assert sentence in caplog.text


async def test_stackpop_forgets_a_call(exchange: Exchange):
    exchange.dialplan(
        "[test]\nexten => s,1,Gosub(sub,1(a))\n same => n,Set(came=back)\n"
        "exten => sub,1,StackPop()\n same => n,Set(left=${ARG1})\n"
    )
    channel = await exchange.run()
    assert channel.get("left") == ""
    assert channel.get("came") is None


async def test_the_bus_hears_of_locals(exchange: Exchange):
    exchange.dialplan(PLAN)
    await exchange.run()
    told = [(event.name, event.value) for event in exchange.heard(events.VarSet)]
    assert told[:3] == [("LOCAL(ARG1)", "2"), ("LOCAL(ARG2)", "3"), ("LOCAL(ARGC)", "2")]
    assert ("LOCAL(inner)", "x") in told
    assert told.index(("inner", "")) < told.index(("ARG1", "")) < told.index(("GOSUB_RETVAL", "5"))


# ---- from outside ---------------------------------------------------------------------------------------


async def test_a_subroutine_runs_from_outside_and_leaves_the_place_alone(exchange: Exchange):
    exchange.dialplan(PLAN)
    channel = exchange.channel("elsewhere")
    assert await run_gosub(channel, "sub,recurse,1(3)")
    assert channel.get("GOSUB_RETVAL") == "6"
    assert (channel.context, channel.exten, channel.priority) == ("test", "elsewhere", 1)
    assert frames(channel) == [] and not channel.take_goto() and channel.dialplan_state is None


async def test_a_subroutine_that_does_not_return_is_unwound(exchange: Exchange, caplog: pytest.LogCaptureFixture):
    exchange.dialplan(PLAN)
    channel = exchange.channel()
    for place in ("sub,forget,1(a)", "sub,endless,1(a)"):
        assert await run_gosub(channel, place)
        assert channel.get("GOSUB_RETVAL") == ""
        assert channel.get("ARG1") is None
        assert frames(channel) == []
        assert f"the subroutine {place} ended without Return" in caplog.text


async def test_a_subroutine_that_does_not_exist(exchange: Exchange, caplog: pytest.LogCaptureFixture):
    exchange.dialplan(PLAN)
    channel = exchange.channel()
    assert not await run_gosub(channel, "nowhere,s,1")
    assert (channel.context, channel.exten) == ("test", "s")
    assert "goes to nowhere,s,1, which does not exist" in caplog.text


async def test_it_may_not_pop_the_place_that_called_it(exchange: Exchange):
    exchange.dialplan("[test]\nexten => s,1,StackPop()\n same => n,Set(went=on)\n")
    channel = exchange.channel()
    assert await run_gosub(channel, "test,s,1")
    assert channel.get("went") is None


def test_places_are_written_out():
    class Place:
        context, exten = "ctx", "s"

    complete = {
        "1": "ctx,s,1",
        "a,1(x,y)": "ctx,a,1(x,y)",
        "c,a,1": "c,a,1",
        ",,1()": "ctx,s,1",
        "lab(x": "ctx,s,lab(x)",
    }
    for text, written in complete.items():
        assert complete_arguments(Place(), text) == written  # type: ignore[arg-type]


HANDLERS = """
[test]
exten => one,1,Set(GLOBAL(heard)=${GLOBAL(heard)} one ${ARG1} ${CHANNEL})
 same => n,Return()
exten => two,1,Set(GLOBAL(heard)=${GLOBAL(heard)} two)
 same => n,Return()
"""


async def test_handlers_of_a_channel_that_runs_no_dialplan_run_before_it_ends(exchange: Exchange):
    exchange.load(shared)
    exchange.dialplan(HANDLERS)
    channel = exchange.channel()
    channel.push_hangup_handler("test,one,1(x)")
    channel.push_hangup_handler("test,two,1")
    channel.request_hangup(16)
    assert not channel.hungup
    channel.hangup()  # once more, as everybody who hears of it may
    assert channel.task is not None
    await asyncio.wait_for(channel.task, 5)
    assert channel.hungup
    assert exchange.pbx.globals.values["heard"] == " two one x Test/1"
    kinds = [type(event) for event in exchange.events if type(event) in (events.HangupHandler, events.Hangup)]
    assert kinds[-3:] == [events.HangupHandler, events.HangupHandler, events.Hangup]


async def test_handlers_that_never_come_to_run_do_not_keep_the_channel(exchange: Exchange):
    exchange.dialplan(HANDLERS)
    channel = exchange.channel()
    channel.push_hangup_handler("test,two,1")
    channel.hangup()
    assert channel.task is not None
    channel.task.cancel()
    await asyncio.sleep(0.01)
    assert channel.hungup
