"""Loops, branches and applications run from a text."""

from __future__ import annotations

import asyncio

import pytest

from offhook.apps import branches, execution, loops
from offhook.functions import logic, strings
from support.exchange import Exchange


@pytest.fixture
def exchange(exchange: Exchange) -> Exchange:
    exchange.load(branches, execution, loops, logic, strings)
    return exchange


async def said(exchange: Exchange, lines: str, rest: str = "") -> str:
    """What is in ${said} after lines of extension s."""
    steps = "\n".join(f" same => n,{line.strip()}" for line in lines.strip().splitlines())
    exchange.dialplan(f"[test]\nexten => s,1,NoOp()\n{steps}\n{rest}")
    return (await exchange.run()).get("said") or ""


async def test_a_loop_runs_as_long_as_its_condition_holds(exchange: Exchange):
    lines = """
        Set(i=0)
        While($[${i} < 3])
        Set(said=${said}${i})
        Set(i=$[${i} + 1])
        EndWhile()
        Set(said=${said}.)
    """
    assert await said(exchange, lines) == "012."


async def test_a_loop_whose_condition_never_holds_is_passed_over(exchange: Exchange):
    lines = """
        While(0)
        While(1)
        Set(said=never)
        EndWhile()
        EndWhile()
        Set(said=after)
    """
    assert await said(exchange, lines) == "after"


async def test_loops_in_loops(exchange: Exchange):
    lines = """
        Set(i=0)
        While($[${i} < 2])
        Set(j=0)
        While($[${j} < 2])
        Set(said=${said} ${i}${j})
        Set(j=$[${j} + 1])
        EndWhile()
        Set(i=$[${i} + 1])
        EndWhile()
    """
    assert await said(exchange, lines) == " 00 01 10 11"


async def test_leaving_and_continuing(exchange: Exchange):
    lines = """
        Set(i=0)
        While(1)
        Set(i=$[${i} + 1])
        GotoIf($[${i} = 2]?skip)
        GotoIf($[${i} = 5]?leave)
        Set(said=${said}${i})
        EndWhile()
        Set(said=${said}.)
        Hangup()
    """
    rest = " same => n(skip),ContinueWhile()\n same => n(leave),ExitWhile()\n"
    # Both stand outside the loop in the text: the loop in progress is meant. It has been to its end: that is known.
    assert await said(exchange, lines, rest) == "134."


async def test_leaving_before_the_end_was_ever_reached(exchange: Exchange):
    lines = """
        While(1)
        Set(said=in)
        ExitWhile()
        Set(said=still in)
        EndWhile()
        Set(said=${said} out)
    """
    assert await said(exchange, lines) == "in out"


async def test_a_loop_left_by_a_jump_does_not_disturb_the_one_around_it(exchange: Exchange):
    lines = """
        Set(i=0)
        While($[${i} < 3])
        Set(i=$[${i} + 1])
        While(1)
        Set(said=${said}${i})
        GotoIf(1?out)
        EndWhile()
    """
    rest = " same => n(out),NoOp()\n same => n,EndWhile()\n same => n,Set(said=${said}.)\n"
    assert await said(exchange, lines, rest) == "123."


async def test_a_loop_left_by_return_is_over(exchange: Exchange):
    lines = """
        Set(i=0)
        While($[${i} < 2])
        Set(i=$[${i} + 1])
        Gosub(find,1(${i}))
        EndWhile()
        Set(said=${said}.)
    """
    rest = """
exten => find,1,While(1)
 same => n,Set(said=${said}${ARG1})
 same => n,ExecIf(1?Return())
 same => n,EndWhile()
"""
    assert await said(exchange, lines, rest) == "12."


async def test_a_loop_in_a_subroutine_that_calls_itself(exchange: Exchange):
    rest = """
exten => tree,1,Set(LOCAL(n)=0)
 same => n,While($[${n} < ${ARG1}])
 same => n,Set(LOCAL(n)=$[${n} + 1])
 same => n,Set(said=${said}${ARG1}${n} )
 same => n,Gosub(tree,1($[${ARG1} - 1]))
 same => n,EndWhile()
 same => n,Return()
"""
    assert await said(exchange, "Gosub(tree,1(2))", rest) == "21 11 22 11 "


async def test_the_end_of_a_loop_may_be_in_another_extension(exchange: Exchange):
    lines = """
        Set(i=0)
        While($[${i} < 2])
        Set(i=$[${i} + 1])
        Goto(rest,1)
        EndWhile()
        Set(said=${said}.)
    """
    assert await said(exchange, lines, "exten => rest,1,Set(said=${said}${i})\n same => n,EndWhile()\n") == "12"


async def test_what_has_no_end_is_told(exchange: Exchange, caplog: pytest.LogCaptureFixture):
    assert await said(exchange, "While(0)\nSet(said=on)") == "on"
    assert "While at test,s,2 has no EndWhile" in caplog.text
    assert await said(exchange, "If(0)\nSet(said=on)\nElse()\nElseIf(0)\nSet(said=${said}wards)") == "onwards"
    assert "If at test,s,2 has no EndIf" in caplog.text


async def test_endwhile_and_continuewhile_outside_a_loop_do_nothing(exchange: Exchange):
    assert await said(exchange, "EndWhile()\nContinueWhile()\nEndIf()\nSet(said=on)") == "on"


BRANCHES = """
    If($[${x} = 1])
    Set(said=one)
    ExitIf()
    ElseIf($[${x} = 2])
    Set(said=two)
    If($[${y} = 1])
    Set(said=${said} y)
    Else()
    Set(said=${said} no y)
    EndIf()
    ExitIf()
    ElseIf($[${x} = 3])
    Set(said=three)
    Else()
    Set(said=other)
    EndIf()
    Set(said=${said}.)
"""


@pytest.mark.parametrize(
    ("x", "y", "value"), [(1, 0, "one."), (2, 0, "two no y."), (2, 1, "two y."), (3, 0, "three."), (4, 0, "other.")]
)
async def test_branches(exchange: Exchange, x: int, y: int, value: str):
    assert await said(exchange, f"Set(x={x})\nSet(y={y})\n{BRANCHES.strip()}") == value


async def test_a_branch_that_ran_asks_the_next_condition_too(exchange: Exchange):
    assert (
        await said(exchange, "If(1)\nSet(said=a)\nElseIf(1)\nSet(said=${said}b)\nElse()\nSet(said=c)\nEndIf()") == "ab"
    )


async def test_a_conditional_without_branches_is_passed_over(exchange: Exchange):
    assert await said(exchange, "If(0)\nSet(said=in)\nIf(1)\nEndIf()\nEndIf()\nSet(said=${said}out)") == "out"


async def test_running_an_application_from_a_text(exchange: Exchange):
    lines = """
        Set(app=Set)
        Set(arguments=said=$)
        Set(x=5)
        Exec(${app}(${arguments}{x}))
    """
    assert await said(exchange, lines) == "5"


@pytest.mark.parametrize(
    ("call", "status"),
    [("Set(a=1)", "SUCCESS"), ("Return()", "FAILED"), ("NoSuchThing()", "NOAPP"), ("Goto(s,nowhere)", "FAILED")],
)
async def test_trying_an_application(exchange: Exchange, call: str, status: str):
    exchange.dialplan(f"[test]\nexten => s,1,TryExec({call})\n same => n,Set(said=${{TRYSTATUS}})\n")
    assert (await exchange.run()).get("said") == status


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("ExecIf(1?Set(said=a):Set(said=b))", "a"),
        ("ExecIf(0?Set(said=a):Set(said=b))", "b"),
        ("ExecIf(0?Set(said=a))", ""),
        ("ExecIf($[5 > 4]?Set(said=a:b?c,d))", "a:b?c,d"),
        ("ExecIf(?Set(said=a):Set(said=${IF(1?x:y)}))", "x"),
        ("ExecIf(1,Set,said=a)", "a"),
        ("ExecIf(0?:Set(said=b))", "b"),
    ],
)
async def test_applications_by_condition(exchange: Exchange, line: str, value: str):
    assert await said(exchange, line) == value


@pytest.mark.parametrize(
    "line", ["Exec(NoSuchThing())", "ExecIf(1?NoSuchThing())", "ExecIf(1?)", "ExecIf(1?:Set(a=b))"]
)
async def test_what_cannot_run_ends_the_call(exchange: Exchange, line: str):
    assert await said(exchange, f"Set(said=before)\n{line}\nSet(said=after)") == "before"


async def test_a_jump_from_within(exchange: Exchange):
    assert await said(exchange, "ExecIf(1?Goto(there,1))", "exten => there,1,Set(said=there)\n") == "there"


async def test_a_loop_that_never_ends_lets_others_run(exchange: Exchange):
    exchange.dialplan("[test]\nexten => s,1,While(1)\n same => n,EndWhile()\n")
    channel = exchange.channel()
    task = channel.start_pbx()
    await asyncio.sleep(0.02)
    assert not task.done()
    channel.request_hangup()
    await asyncio.wait_for(task, 5)
