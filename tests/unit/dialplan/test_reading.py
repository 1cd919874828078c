"""extensions.conf: what its lines mean, and what is said about wrong ones."""

from __future__ import annotations

import pytest

from offhook.dialplan.context import HINT
from support.exchange import Exchange


def shown(exchange: Exchange, context: str = "test") -> list[str]:
    """Every priority of a context as name,number(label),application(data)."""
    return [
        f"{priority.name},{priority.number}{f'({priority.label})' if priority.label else ''},"
        f"{priority.application}({priority.data})"
        for extension in exchange.pbx.dialplan.contexts[context].extensions
        for priority in extension
    ]


def test_priorities(exchange: Exchange):
    exchange.dialplan(
        """
[test]
exten => 100,1,Answer
 same => n,Playback(hello,skip)
 same => n(again),NoOp(a(b)c)
 same => n+2,Wait( 1 )
 same => s(alias),Twice()
exten => 100,again+1,After()
exten => 200,1,  NoOp(x\\;y)
exten => 200,hint,PJSIP/200(Bob)
"""
    )
    assert shown(exchange) == [
        "100,1,Answer()",
        "100,2,Playback(hello,skip)",
        "100,3(again),NoOp(a(b)c)",
        "100,4,After()",
        "100,6,Wait( 1 )",
        "200,-1,PJSIP/200(Bob)",
        "200,1,NoOp(x;y)",
    ]
    assert exchange.pbx.dialplan.hint_name("test", "200") == "Bob"
    assert HINT == -1


def test_names_keep_their_dashes_for_display(exchange: Exchange):
    exchange.dialplan("[test]\nexten => 555-1234,1,NoOp()\nexten => _NXX-[a-c],1,NoOp()\n")
    assert shown(exchange) == ["555-1234,1,NoOp()", "_NXX-[a-c],1,NoOp()"]
    assert exchange.pbx.dialplan.exists("test", "5551234", 1)


def test_callers(exchange: Exchange):
    exchange.dialplan("[test]\nexten => s/(555) 12-34,1,One()\n same => n,Two()\nexten => s/,1,Nobody()\n")
    plan = exchange.pbx.dialplan
    assert plan.find("test", "s", 2, "5551234") is not None
    assert plan.find("test", "s", 2, "5551235") is None
    anonymous = plan.find("test", "s", 1, "")
    assert anonymous is not None and anonymous.application == "Nobody"


def test_brackets_and_backslashes_protect_commas(exchange: Exchange):
    exchange.dialplan("[test]\nexten => _[a,b]X,1,NoOp()\n")
    assert exchange.pbx.dialplan.exists("test", ",1", 1)


def test_globals_are_substituted_in_order(exchange: Exchange):
    exchange.dialplan(
        "[globals]\nA=1\nB=${A}2\nC=$[${B} + 1]\n"
        "[test]\nexten => ${B},1,NoOp(${A})\ninclude => in${A}\n[globals]\nD=4\n"
    )
    assert [exchange.pbx.globals.get(name) for name in "ABCD"] == ["1", "12", "13", "4"]
    assert shown(exchange) == ["12,1,NoOp(${A})"]
    assert exchange.pbx.dialplan.contexts["test"].includes[0].context == "in1"


def test_sections_of_the_same_name_are_one_context(exchange: Exchange):
    exchange.dialplan("[test]\nexten => 1,1,NoOp()\n[other]\nexten => 1,1,NoOp()\n[test]\nexten => 2,1,NoOp()\n")
    assert shown(exchange) == ["1,1,NoOp()", "2,1,NoOp()"]


def test_the_other_words(exchange: Exchange):
    exchange.dialplan(
        """
[general]
static=yes
writeprotect=no
autofallthrough=no
clearglobalvars=yes
[test]
include => evening,18:00-23:00,*,*,*
ignorepat => 9
switch => Realtime/ctx@family
lswitch => Loopback/a:b
eswitch => Realtime/${X}
autohints = yes
"""
    )
    context = exchange.pbx.dialplan.contexts["test"]
    assert [(one.name, one.context, one.timing is not None) for one in context.includes] == [
        ("evening,18:00-23:00,*,*,*", "evening", True)
    ]
    assert [one.name for one in context.ignored] == ["9"]
    assert [(one.name, one.data, one.evaluated) for one in context.switches] == [
        ("Realtime", "ctx@family", False),
        ("Loopback", "a:b", False),
        ("Realtime", "${X}", True),
    ]
    assert context.autohints
    assert not exchange.pbx.dialplan.autofallthrough


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("exten => 100,n,NoOp()", 'extensions.conf:2: priority "n" has no earlier priority in [test]'),
        ("same => n,NoOp()", 'extensions.conf:2: "same" has no extension above it in [test]'),
        ("exten => 100,x,NoOp()", 'extensions.conf:2: "x" is neither a priority nor a label of 100'),
        ("exten => 100,0,NoOp()", 'extensions.conf:2: priority "0" is no number from 1 on'),
        ("exten => 100,1(a,NoOp()", 'extensions.conf:2: label "a" has no closing ")"'),
        ("exten => 100,1,NoOp(x", 'extensions.conf:2: NoOp( has no closing ")"'),
        ("exten => ,1,NoOp()", "extensions.conf:2: the extension has no name"),
        ("exten => _.,1,NoOp()", "extensions.conf:2: _. matches everything"),
        ("exten => 1,1,A()\nexten => 1,1,B()", "extensions.conf:3: extension 1, priority 1 in [test] is there already"),
        ("include => a\ninclude => a", "extensions.conf:3: [test] includes a already"),
        ("ignorepat => 9\nignorepat => 9", "extensions.conf:3: ignorepat 9 is in [test] already"),
        ("switch => a/b\nswitch => A/b", "extensions.conf:3: switch A/b is in [test] already"),
        ("extension => 1,1,A()", 'extensions.conf:2: "extension" is no word of a context'),
        ("include => a,25:00-26:00", 'extensions.conf:2: "25:00-26:00" is no time of day'),
    ],
)
def test_a_wrong_line_is_named_and_left_out(
    exchange: Exchange, lines: str, sentence: str, caplog: pytest.LogCaptureFixture
):
    exchange.dialplan(f"[test]\n{lines}\nexten => good,1,NoOp()\n")
    assert sentence in caplog.text
    assert exchange.pbx.dialplan.exists("test", "good", 1)
