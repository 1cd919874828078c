"""Templates: variables, slices, functions and expressions in texts."""

from __future__ import annotations

import asyncio
import logging

import pytest

from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.dialplan.slices import substring
from offhook.dialplan.substitution import compile_template
from offhook.modules import Module, Syntax
from support.exchange import Exchange

module = Module("test_functions", "Functions for these tests")


@module.function("ECHO", Syntax("text"), raw=True)
def echo(scope: Scope, text: str) -> str:
    """The argument."""
    return text


@module.function("JOIN", Syntax("one", "[two]"))
def join(scope: Scope, one: str, two: str = "-") -> str:
    """Both arguments."""
    return f"<{one}|{two}>"


@module.function("SLOW", Syntax("text"), raw=True)
async def slow(scope: Scope, text: str) -> str:
    """The argument, later."""
    await asyncio.sleep(0)
    return f"slow {text}"


@module.function("BROKEN", Syntax("text"), raw=True)
def broken(scope: Scope, text: str) -> str:
    """Never works."""
    raise FunctionError("it is broken")


@module.function("DANGER", Syntax("text"), raw=True, dangerous="read")
def danger(scope: Scope, text: str) -> str:
    """Not for everybody."""
    return "done"


@pytest.fixture
def scope(exchange: Exchange) -> Scope:
    exchange.pbx.registry.add(module)
    channel = exchange.channel("1234", "555")
    for name, value in (
        ("foo", "123"),
        ("name", "foo"),
        ("part", "fo"),
        ("text", "0123456789"),
        ("brackets", "a)b:c"),
        ("open", "("),
        ("dollar", "${foo}"),
    ):
        channel.set(name, value)
    exchange.pbx.globals.set("everywhere", "global")
    exchange.pbx.globals.set("foo", "hidden by the channel's")
    return Scope(exchange.pbx, channel)


CASES = [
    ("nothing to do", "nothing to do"),
    ("", ""),
    ("${foo}${foo}", "123123"),
    ("A${foo}B", "A123B"),
    ("${${name}}", "123"),
    ("${${part}o}", "123"),
    ("${${part}o:1}", "23"),
    ("${${part}o:1:-1}", "2"),
    ("${${part}o:-1:1}", "3"),
    ("${text:3}", "3456789"),
    ("${text:3:2}", "34"),
    ("${text:-3}", "789"),
    ("${text:-3:2}", "78"),
    ("${text:0:-4}", "012345"),
    ("${text:20}", ""),
    ("${text:-20:2}", "01"),
    ("${text:2:-9}", ""),
    ("${text::2}", "0123456789"),
    ("${text:x}", "0123456789"),
    ("${nowhere}", ""),
    ("[${nowhere}]", "[]"),
    ("${everywhere}", "global"),
    ("${EXTEN}", "1234"),
    ("${EXTEN:1}", "234"),
    ("${CONTEXT}/${PRIORITY}/${CHANNEL}", "test/1/Test/1"),
    ("${HANGUPCAUSE}", "0"),
    ("$", "$"),
    ("a$b", "a$b"),
    ("$$${foo}", "$$123"),
    ("\\${foo}", "\\123"),
    ("${dollar}", "${foo}"),
    ("${ECHO(a,b)}", "a,b"),
    ("${ECHO(${foo})}", "123"),
    ("${ECHO(${foo}):1}", "23"),
    ("${ECHO(abc):1:1}", "b"),
    ("${ECHO(a:b)}", "a:b"),
    ("${ECHO(${ECHO(${name})})}", "foo"),
    ("${ECHO(${brackets})}", "a"),
    ("${ECHO(${open}):1}", "("),
    ("${JOIN(a,b)}", "<a|b>"),
    ("${JOIN(a)}", "<a|->"),
    ("${JOIN(a,b,c)}", "<a|b,c>"),
    ('${JOIN("a,b",c)}', "<a,b|c>"),
    ("${${ECHO(name)}}", "foo"),
    ("${ECHO(x)}${ECHO()}y", "xy"),
    ("$[1 + 2]", "3"),
    ("$[${foo} + 1]", "124"),
    ("$[$[1 + 1] * ${foo}]", "246"),
    ("$[$[1 + 1]]$[$[1]$[2] + 1]", "213"),
    ("${text:$[1 + 1]:2}", "23"),
    ("x$[${foo} > 100]y", "x1y"),
    ('$["${foo}" = "123"]', "1"),
    ("${ECHO($[${foo} = 123])}", "1"),
    ("${SLOW(a)} ${SLOW(b)}", "slow a slow b"),
    ('$["${SLOW(a)}" = "slow a"]', "1"),
    ("${ECHO(${SLOW(x):5})}", "x"),
    ("${${ECHO(SLOW)}(y)}", "slow y"),
]


@pytest.mark.parametrize(("text", "value"), CASES)
async def test_text(scope: Scope, text: str, value: str):
    assert await scope.expanded(text) == value


@pytest.mark.parametrize(("text", "value"), [case for case in CASES if "SLOW" not in case[0]])
def test_waiting_and_not_waiting_give_the_same(scope: Scope, text: str, value: str):
    assert compile_template(text).get(scope) == value


def test_a_text_is_compiled_once():
    assert compile_template("${foo} bar") is compile_template("${foo} bar")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("${NOSUCH(x)}", "function NOSUCH is not registered"),
        ("${echo(x)}", "function echo is not registered"),
        ("${JOIN()}", "function JOIN needs more arguments: JOIN(one[,two])"),
        ("${BROKEN(x)}", "it is broken"),
        ("${foo", 'has no closing "}"'),
        ("$[1 + 1", 'has no closing "]"'),
    ],
)
async def test_what_is_wrong_is_empty_and_logged(
    scope: Scope, text: str, sentence: str, caplog: pytest.LogCaptureFixture
):
    compile_template.cache_clear()
    with caplog.at_level(logging.WARNING):
        await scope.expanded(f"a{text}")
    assert sentence in caplog.text


async def test_unclosed_braces_take_the_rest(scope: Scope):
    assert await scope.expanded("a${foo") == "a123"


def test_a_function_that_waits_is_refused_where_nothing_can_wait(scope: Scope, caplog: pytest.LogCaptureFixture):
    assert scope.expand("a${SLOW(x)}b") == "ab"
    assert "SLOW has to wait" in caplog.text


async def test_without_a_channel_predefined_names_are_ordinary(exchange: Exchange):
    exchange.pbx.globals.set("EXTEN", "mine")
    assert await exchange.read("${EXTEN} ${EPOCH}") == "mine 1700000000"


async def test_dangerous_functions_are_refused_from_outside(exchange: Exchange, scope: Scope):
    assert await exchange.read("${DANGER(x)}", scope.channel) == "done"
    assert await exchange.read("${DANGER(x)}", scope.channel, restricted=True) == ""
    exchange.pbx.options.live_dangerously = True
    assert await exchange.read("${DANGER(x)}", scope.channel, restricted=True) == "done"


async def test_a_function_that_is_unloaded_is_gone_at_once(exchange: Exchange, scope: Scope):
    template = compile_template("${ECHO(x)}")
    assert template.get(scope) == "x"
    exchange.pbx.registry.remove(module)
    assert template.get(scope) == ""


@pytest.mark.parametrize(
    ("offset", "length", "part"), [(1, None, "\ufffd"), (0, 2, "é"), (2, None, "t"), (-1, None, "t"), (0, -1, "é")]
)
def test_positions_count_octets(offset: int, length: int | None, part: str):
    assert (
        substring("ét", offset, length).encode("utf-8", "surrogateescape").decode("utf-8", "replace")[: len(part)]
        == part
    )
