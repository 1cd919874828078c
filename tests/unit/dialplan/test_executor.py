"""Running dialplan: order, jumps, digits, exceptions, interruptions, the end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from offhook.calls import events
from offhook.calls.channel import Channel
from offhook.dialplan.executor import run_application
from offhook.dialplan.outcome import ApplicationError, Hangup, Incomplete
from offhook.dialplan.timeouts import absolute_left, set_absolute
from offhook.modules import Module, Syntax
from support.exchange import Exchange, dial


@pytest.fixture
def steps(exchange: Exchange) -> list[str]:
    """What the application Step was given, in order, on any channel."""
    told: list[str] = []
    module = Module("test_applications", "Applications for these tests")

    @module.application("Step", Syntax("text"), raw=True)
    def step(channel: Channel, text: str) -> None:
        """Write it down."""
        told.append(text)

    @module.application("Forever")
    async def forever(channel: Channel) -> None:
        """Wait until something breaks in."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            told.append("cleaned up")

    @module.application("Fail", Syntax("kind"))
    def fail(channel: Channel, kind: str) -> None:
        """Leave in some way."""
        raise {"hangup": Hangup(17), "error": ApplicationError("no"), "bug": ValueError("oops"), "more": Incomplete()}[
            kind
        ]

    @module.application("Digit", Syntax("digit"))
    def digit(channel: Channel, key: str) -> str:
        """Be left with a digit."""
        return key

    @module.application("Redirect", Syntax("exten"))
    def redirect(channel: Channel, exten: str) -> None:
        """Send the channel itself elsewhere, as somebody outside would."""
        channel.async_goto("test", exten, 1)

    @module.application("Two", Syntax("one", "two"))
    def two(channel: Channel, one: str, two: str) -> None:
        """Needs two arguments."""
        told.append(f"{one}|{two}")

    exchange.pbx.registry.add(module)
    return told


async def test_priorities_run_one_after_the_other(exchange: Exchange, steps: list[str]):
    exchange.dialplan(
        "[test]\nexten => s,1,Set(x=5)\n same => n,Step(${x} ${EXTEN} ${PRIORITY})\n same => n,Step($[${x} * 2])\n"
    )
    channel = await exchange.run()
    assert steps == ["5 s 2", "10"]
    assert channel.hungup


async def test_arguments_are_split_and_the_last_takes_the_rest(exchange: Exchange, steps: list[str]):
    exchange.dialplan('[test]\nexten => s,1,Two("a,b",c,d)\n same => n,Set(x=1)\n same => n,Two(${x},2)\n')
    await exchange.run()
    assert steps == ["a,b|c,d", "1|2"]


async def test_a_missing_argument_ends_the_call_with_a_sentence(
    exchange: Exchange, steps: list[str], caplog: pytest.LogCaptureFixture
):
    exchange.dialplan("[test]\nexten => s,1,Two(a)\n same => n,Step(never)\n")
    await exchange.run()
    assert steps == []
    assert "Two needs more arguments: Two(one,two)" in caplog.text


async def test_an_unknown_application_is_named_with_its_line(
    exchange: Exchange, steps: list[str], caplog: pytest.LogCaptureFixture
):
    exchange.dialplan("[test]\nexten => s,1,Nonsense()\n same => n,Step(never)\nexten => h,1,Step(h)\n")
    await exchange.run()
    assert steps == ["h"]
    assert 'extensions.conf:2: there is no application "Nonsense"' in caplog.text


async def test_each_priority_is_announced_once_with_what_it_was_given(exchange: Exchange, steps: list[str]):
    exchange.dialplan(
        "[test]\nexten => s,1,Set(x=1)\n same => n,Step(${x})\n same => n,Goto(t,1)\nexten => t,1,Step(2)\n"
    )
    told: list[tuple[Any, ...]] = []
    exchange.pbx.bus.subscribe(
        events.NewExten,
        lambda event: told.append(
            (
                event.channel.exten,
                event.channel.priority,
                event.channel.application,
                event.channel.application_data,
            )
        ),
    )
    await exchange.run()
    assert told == [("s", 1, "Set", "x=1"), ("s", 2, "Step", "1"), ("s", 3, "Goto", "t,1"), ("t", 1, "Step", "2")]


async def test_goto_by_label_number_and_distance(exchange: Exchange, steps: list[str]):
    exchange.dialplan(
        """
[test]
exten => s,1,Goto(end)
exten => s,2,Step(two)
exten => s,3,Goto(other,b,1)
exten => s,4(end),Step(four)
exten => s,5,GotoIf(0?s,1:-3)
[other]
exten => b,1,Step(${CONTEXT})
exten => b,2,GotoIf($[1 = 2]?1)
exten => b,3,Goto(+2)
exten => b,4,Step(skipped)
exten => b,5,Step(end)
"""
    )
    await exchange.run()
    assert steps == ["four", "two", "other", "end"]


async def test_a_goto_to_nowhere_ends_the_call(exchange: Exchange, steps: list[str], caplog: pytest.LogCaptureFixture):
    exchange.dialplan("[test]\nexten => s,1,Goto(nolabel)\n same => n,Step(never)\n")
    await exchange.run()
    assert steps == []
    assert 'there is no priority or label "nolabel" in extension s of [test]' in caplog.text


async def test_an_extension_that_does_not_exist_goes_to_i(exchange: Exchange, steps: list[str]):
    exchange.dialplan("[test]\nexten => s,1,Goto(nine,1)\nexten => i,1,Step(${INVALID_EXTEN})\n")
    await exchange.run()
    assert steps == ["nine"]


async def test_without_i_it_goes_to_e(exchange: Exchange, steps: list[str]):
    from offhook.functions import places

    exchange.load(places)
    exchange.dialplan("[test]\nexten => e,1,Step(${EXCEPTION(reason)} ${EXCEPTION(exten)} ${EXCEPTION(priority)})\n")
    await exchange.run("nine")
    assert steps == ["INVALID nine 1"]


async def test_without_both_the_call_ends_with_a_sentence(exchange: Exchange, caplog: pytest.LogCaptureFixture):
    exchange.dialplan("[test]\nexten => s,1,NoOp()\n")
    channel = await exchange.run("nine")
    assert channel.hungup
    assert "there is no extension nine (priority 1) in [test], and neither i nor e" in caplog.text


async def test_hangup_takes_the_cause_along_and_runs_h(exchange: Exchange, steps: list[str]):
    exchange.dialplan("[test]\nexten => s,1,Fail(hangup)\n same => n,Step(never)\nexten => h,1,Step(${HANGUPCAUSE})\n")
    channel = await exchange.run()
    assert steps == ["17"]
    assert channel.hangup_cause == 17


async def test_the_end_is_announced_before_h_runs(exchange: Exchange, steps: list[str]):
    exchange.dialplan("[test]\nexten => s,1,Hangup(17)\nexten => h,1,Step(h)\n same => n,Step(again)\n")
    await exchange.run()
    told = [type(event).__name__ for event in exchange.events if type(event) in (events.HangupRequest, events.NewExten)]
    assert told == ["NewExten", "HangupRequest", "NewExten", "NewExten"]
    request = exchange.heard(events.HangupRequest)[0]
    assert (request.soft, request.cause) == (True, 16)


async def test_h_does_not_run_again_after_a_bridge_ran_it(exchange: Exchange, steps: list[str]):
    exchange.dialplan("[test]\nexten => s,1,NoOp()\nexten => h,1,Step(h)\n")
    channel = exchange.channel()
    channel.flags.add("h_run")
    await channel.start_pbx()
    assert steps == []


async def test_a_failing_application_goes_to_e(exchange: Exchange, steps: list[str]):
    exchange.dialplan(
        "[test]\nexten => s,1,Fail(error)\nexten => e,1,Step(e)\n same => n,Fail(error)\n same => n,Step(no)\n"
    )
    await exchange.run()
    assert steps == ["e"]


async def test_a_bug_in_an_application_ends_only_that_call(
    exchange: Exchange, steps: list[str], caplog: pytest.LogCaptureFixture
):
    exchange.dialplan("[test]\nexten => s,1,Fail(bug)\n same => n,Step(never)\nexten => h,1,Step(h)\n")
    await exchange.run()
    assert steps == ["h"]
    assert "application Fail(bug) failed" in caplog.text and "ValueError: oops" in caplog.text


async def test_raise_exception(exchange: Exchange, steps: list[str]):
    from offhook.functions import places

    exchange.load(places)
    exchange.dialplan("[test]\nexten => s,1,RaiseException(custom)\nexten => e,1,Step(${EXCEPTION(REASON)})\n")
    await exchange.run()
    assert steps == ["custom"]


@pytest.mark.parametrize(
    ("status", "application"),
    [("BUSY", "Busy"), ("CONGESTION", "Congestion"), ("CHANUNAVAIL", "Congestion"), ("NOANSWER", "")],
)
async def test_fall_through_ends_as_the_last_dial_did(exchange: Exchange, status: str, application: str):
    told: list[str] = []
    module = Module("test_busy", "Busy and Congestion that do not wait")

    @module.application("Busy")
    def busy(channel: Channel, seconds: str) -> None:
        """Note it."""
        told.append(f"Busy {seconds}")

    @module.application("Congestion")
    def congestion(channel: Channel, seconds: str) -> None:
        """Note it."""
        told.append(f"Congestion {seconds}")

    from offhook.apps import call_control

    exchange.pbx.registry.remove(call_control.module)
    exchange.pbx.registry.add(module)
    exchange.dialplan(f"[test]\nexten => s,1,Set(DIALSTATUS={status})\n")
    await exchange.run()
    assert told == ([f"{application} 10"] if application else [])


# ---- digits ---------------------------------------------------------------------------------------------

MENU = """
[general]
autofallthrough=no
[test]
exten => s,1,Set(TIMEOUT(digit)=0.02)
 same => n,Set(TIMEOUT(response)=0.02)
 same => n,Step(menu)
exten => 1,1,Step(one)
exten => 23,1,Step(twenty-three)
exten => _5X,1,Step(pattern ${EXTEN})
exten => t,1,Step(timeout)
exten => i,1,Step(invalid ${INVALID_EXTEN})
"""


async def menu(exchange: Exchange, keys: str) -> None:
    """Press keys in the menu; what comes of them waits for digits again and ends by the timeout at t."""
    from offhook.functions import timeouts

    exchange.load(timeouts)
    exchange.dialplan(MENU)
    at_t = asyncio.Event()
    exchange.pbx.bus.subscribe(events.NewExten, lambda event: at_t.set() if event.channel.exten == "t" else None)
    channel = exchange.channel()
    task = channel.start_pbx()
    await asyncio.sleep(0)
    dial(channel, keys)
    await asyncio.wait_for(at_t.wait(), 5)
    channel.request_hangup()
    await asyncio.wait_for(task, 5)


@pytest.mark.parametrize(
    ("keys", "result"),
    [
        ("1", "one"),
        ("23", "twenty-three"),
        ("57", "pattern 57"),
        ("4", "invalid 4"),
        ("2", "invalid 2"),
        ("", "timeout"),
    ],
)
async def test_without_fall_through_the_caller_dials(exchange: Exchange, steps: list[str], keys: str, result: str):
    await menu(exchange, keys)
    assert steps[:2] == ["menu", result]


async def test_a_digit_that_ended_an_application_begins_the_extension(exchange: Exchange, steps: list[str]):
    exchange.dialplan("[test]\nexten => s,1,Digit(2)\nexten => 23,1,Step(twenty-three)\n")
    channel = exchange.channel()
    task = channel.start_pbx()
    await asyncio.sleep(0)
    dial(channel, "3")
    await asyncio.wait_for(task, 5)
    assert steps == ["twenty-three"]


async def test_incomplete_waits_for_more_digits(exchange: Exchange, steps: list[str]):
    exchange.dialplan("[test]\nexten => 2,1,Fail(more)\nexten => 23,1,Step(twenty-three)\n")
    channel = exchange.channel("2")
    task = channel.start_pbx()
    await asyncio.sleep(0)
    dial(channel, "3")
    await asyncio.wait_for(task, 5)
    assert steps == ["twenty-three"]


async def test_incomplete_without_a_longer_extension_is_invalid(exchange: Exchange, steps: list[str]):
    exchange.dialplan("[test]\nexten => 2,1,Fail(more)\nexten => i,1,Step(${INVALID_EXTEN})\n")
    await exchange.run("2")
    assert steps == ["2"]


async def test_wait_exten(exchange: Exchange, steps: list[str]):
    exchange.dialplan("[test]\nexten => s,1,WaitExten(0.02)\n same => n,Step(went on)\nexten => 1,1,Step(one)\n")
    await exchange.run()
    assert steps == ["went on"]
    channel = exchange.channel(name="Test/2")
    task = channel.start_pbx()
    await asyncio.sleep(0)
    dial(channel, "1")
    await asyncio.wait_for(task, 5)
    assert steps == ["went on", "one"]


# ---- interruptions --------------------------------------------------------------------------------------


async def test_a_hangup_breaks_in_and_h_runs(exchange: Exchange, steps: list[str]):
    exchange.dialplan("[test]\nexten => s,1,Forever()\n same => n,Step(never)\nexten => h,1,Step(h ${HANGUPCAUSE})\n")
    channel = exchange.channel()
    task = channel.start_pbx()
    await asyncio.sleep(0)
    channel.far_end_hangup(16)
    await task
    assert steps == ["cleaned up", "h 16"]


async def test_a_redirect_breaks_in_and_goes_elsewhere(exchange: Exchange, steps: list[str]):
    exchange.dialplan("[test]\nexten => s,1,Forever()\n same => n,Step(never)\nexten => new,1,Step(new ${PRIORITY})\n")
    channel = exchange.channel()
    task = channel.start_pbx()
    await asyncio.sleep(0)
    channel.async_goto("test", "new", 1)
    await task
    assert steps == ["cleaned up", "new 1"]


async def test_a_channel_may_redirect_itself(exchange: Exchange, steps: list[str]):
    exchange.dialplan("[test]\nexten => s,1,Redirect(new)\n same => n,Step(never)\nexten => new,1,Step(new)\n")
    await exchange.run()
    assert steps == ["new"]


async def test_interruptions_in_h_end_only_h(exchange: Exchange, steps: list[str]):
    exchange.dialplan("[test]\nexten => s,1,NoOp()\nexten => h,1,Forever()\n same => n,Step(never)\n")
    channel = exchange.channel()
    task = channel.start_pbx()
    await asyncio.sleep(0)
    channel.async_goto("test", "s", 1)
    await asyncio.wait_for(task, 5)
    assert steps == ["cleaned up"]
    assert channel.hungup


async def test_a_cancellation_that_is_no_interruption_ends_the_task(exchange: Exchange, steps: list[str]):
    exchange.dialplan("[test]\nexten => s,1,Forever()\nexten => h,1,Step(h)\n")
    channel = exchange.channel()
    task = channel.start_pbx()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps == ["cleaned up"]
    assert channel.hungup


async def test_dialplan_that_never_waits_lets_others_run(exchange: Exchange):
    exchange.dialplan("[test]\nexten => s,1,NoOp()\n same => n,Goto(1)\n")
    channel = exchange.channel()
    task = channel.start_pbx()
    await asyncio.sleep(0.02)
    assert not task.done()
    channel.request_hangup()
    await asyncio.wait_for(task, 5)


@pytest.mark.parametrize(
    ("lines", "result"),
    [
        ("exten => T,1,Step(T)", ["cleaned up", "T"]),
        ("exten => e,1,Step(e)", ["cleaned up", "e"]),
        ("exten => h,1,Step(h)", ["cleaned up", "h"]),
    ],
)
async def test_the_absolute_timeout_goes_to_the_extension_for_it(
    exchange: Exchange, steps: list[str], lines: str, result: list[str]
):
    exchange.dialplan(f"[test]\nexten => s,1,Forever()\n{lines}\n")
    channel = exchange.channel()
    set_absolute(channel, 0.01)
    assert 0 < absolute_left(channel) <= 0.01
    await asyncio.wait_for(channel.start_pbx(), 5)
    assert steps == result
    assert absolute_left(channel) == 0


# ---- hangup handlers, applications from outside ---------------------------------------------------------


async def test_hangup_handlers_run_last_first_after_h(exchange: Exchange, steps: list[str]):
    exchange.dialplan(
        """
[test]
exten => s,1,NoOp()
exten => h,1,Step(h)
[handlers]
exten => s,1,Step(handler ${ARG1})
 same => n,Return()
"""
    )
    channel = exchange.channel()
    channel.push_hangup_handler("handlers,s,1(a)")
    channel.push_hangup_handler("handlers,s,1(b)")
    await channel.start_pbx()
    assert steps == ["h", "handler b", "handler a"]
    assert [(event.action, event.handler) for event in exchange.heard(events.HangupHandler)] == [
        ("push", "handlers,s,1(a)"),
        ("push", "handlers,s,1(b)"),
        ("run", "handlers,s,1(b)"),
        ("run", "handlers,s,1(a)"),
    ]


async def test_an_application_runs_outside_the_dialplan(exchange: Exchange, steps: list[str]):
    channel = exchange.channel()
    assert await run_application(channel, "step", "a,${x}") is None
    assert await run_application(channel, "Digit", "5") == "5"
    assert steps == ["a,${x}"]
    assert (channel.application, channel.dialplan_state) == ("", None)
    with pytest.raises(Hangup):
        await run_application(channel, "Nonsense")


async def test_an_incomplete_extension_waits_for_more_digits(exchange: Exchange):
    exchange.dialplan("[test]\nexten => 12,1,Incomplete(n)\nexten => 123,1,Set(reached=${EXTEN})\n")
    channel = exchange.channel("12")
    dial(channel, "3")
    await asyncio.wait_for(channel.start_pbx(), 5)
    assert channel.get("reached") == "123"


async def test_an_extension_that_cannot_become_longer_is_invalid_rather_than_incomplete(exchange: Exchange):
    exchange.dialplan("[test]\nexten => 12,1,Incomplete(n)\nexten => i,1,Set(reached=${INVALID_EXTEN})\n")
    assert (await exchange.run("12")).get("reached") == "12"


async def test_a_variable_is_called_as_it_is_written(exchange: Exchange, caplog: pytest.LogCaptureFixture):
    exchange.dialplan("[test]\nexten => s,1,Set(a = 1)\n same => n,Set(seen=[${a}][${a }])\n")
    assert (await exchange.run()).get("seen") == "[][ 1]"
    assert "leave them out" in caplog.text
