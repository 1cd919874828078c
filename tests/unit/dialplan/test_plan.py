"""The dialplan in force: finding, including, switching, changing, replacing."""

from __future__ import annotations

import pytest

from offhook.dialplan.context import HINT, DialplanError, IgnorePattern, Include, Priority
from offhook.dialplan.patterns import Match
from offhook.dialplan.plan import Dialplan
from offhook.dialplan.search import SwitchMatch
from support.exchange import Exchange


def application(plan: Dialplan, exten: str, caller: str = "", number: int = 1, context: str = "test") -> str | None:
    found = plan.find(context, exten, number, caller)
    return found.application if found is not None else None


@pytest.fixture
def plan(exchange: Exchange) -> Dialplan:
    exchange.dialplan(
        """
[test]
exten => 100,1,Exact()
exten => 100/555,1,ForOne()
exten => 100/_6X.,1,ForSome()
exten => 100/,1,ForNobody()
exten => _1XX,1,Pattern()
exten => _1XX,2,PatternTwo()
exten => _1XX,5(label),Labelled()
exten => _9!,1,Early()
exten => _7.,1,Any()
include => office,9:00-17:00,*,*,*,UTC
include => more
[more]
exten => 300,1,Included()
exten => 100,1,Shadowed()
exten => 100,7,Deep()
include => test
[office]
exten => 400,1,Open()
[unrelated]
exten => 500,1,Elsewhere()
"""
    )
    return exchange.pbx.dialplan


def test_an_exact_name_beats_a_pattern(plan: Dialplan):
    assert application(plan, "100", "777") == "Exact"
    assert application(plan, "101") == "Pattern"


def test_an_extension_for_one_caller_beats_that_for_all(plan: Dialplan):
    assert application(plan, "100", "555") == "ForOne"
    assert application(plan, "100", "6123") == "ForSome"
    assert application(plan, "100", "") == "ForNobody"


def test_a_missing_priority_is_looked_for_in_the_next_match(plan: Dialplan):
    assert application(plan, "100", "777", 2) == "PatternTwo"
    assert application(plan, "100", "777", 7) == "Deep"
    assert application(plan, "100", "777", 9) is None


def test_contexts_include_others_even_in_circles(plan: Dialplan):
    assert application(plan, "300") == "Included"
    assert application(plan, "500") is None
    assert application(plan, "300", context="nowhere") is None


def test_an_include_may_depend_on_the_time(exchange: Exchange, plan: Dialplan):
    exchange.clock = 1_700_000_000.0 // 86400 * 86400 + 12 * 3600
    assert application(plan, "400") == "Open"
    exchange.clock += 10 * 3600
    assert application(plan, "400") is None


def test_labels(plan: Dialplan):
    assert plan.find_label("test", "123", "label") == 5
    assert plan.find_label("test", "100", "label", "555") == 5
    assert plan.find_label("test", "123", "nothing") is None


def test_digits_that_may_become_an_extension(plan: Dialplan):
    assert plan.can_match("test", "1") and plan.matches_more("test", "1")
    assert plan.can_match("test", "101") and not plan.matches_more("test", "101")
    assert plan.can_match("test", "30") and plan.matches_more("test", "30")
    assert not plan.can_match("test", "8")
    assert plan.matches_more("test", "71")


def test_an_exclamation_mark_ends_the_waiting(plan: Dialplan):
    assert plan.can_match("test", "9")
    assert not plan.matches_more("test", "9")


def test_a_change_counts_at_once(plan: Dialplan):
    assert application(plan, "101") == "Pattern"
    plan.add("test", Priority("101", 1, "New", registrar="manager"))
    assert application(plan, "101") == "New"
    assert plan.remove("test", "101", 1, registrar="manager")
    assert application(plan, "101") == "Pattern"


def test_listeners_hear_of_changes(plan: Dialplan):
    heard: list[int] = []
    plan.listeners.append(lambda: heard.append(plan.generation))
    plan.add("test", Priority("102", 1, "New"))
    assert heard == [plan.generation]


def test_a_priority_is_not_replaced_unless_asked_for(plan: Dialplan):
    with pytest.raises(
        DialplanError, match=r"extension 1-0-0, priority 1 in \[test\] is there already under the name 100"
    ):
        plan.add("test", Priority("1-0-0", 1, "Other"))
    plan.add("test", Priority("100", 1, "Other"), replace=True)
    assert application(plan, "100", "777") == "Other"


def test_the_same_pattern_in_other_words_is_the_same_extension(plan: Dialplan):
    with pytest.raises(DialplanError, match="under the name _1XX"):
        plan.add("test", Priority("_1[0-9]X", 2, "Other"))


def test_a_label_used_twice_is_dropped(plan: Dialplan, caplog: pytest.LogCaptureFixture):
    plan.add("test", Priority("_1XX", 6, "Again", label="label"))
    assert plan.find_label("test", "123", "label") == 5
    assert 'label "label" of extension _1XX, priority 6 in [test] is used already at priority 5' in caplog.text


def test_removing_counts_registrars_and_callers(plan: Dialplan):
    assert not plan.remove("test", "_1XX", 1, registrar="manager")
    assert plan.remove("test", "_1XX", 1)
    assert application(plan, "101") is None
    assert application(plan, "101", number=2) == "PatternTwo"
    assert plan.remove("test", "100", caller="555")
    assert application(plan, "100", "555") == "Exact"
    assert plan.remove("test", "100")
    assert plan.contexts["test"].find("100", "_6X.") is None
    assert not plan.remove("test", "nothing")
    assert not plan.remove("nowhere", "100")


def test_includes_and_ignore_patterns_come_and_go(plan: Dialplan):
    assert plan.add_include("test", Include("unrelated", "cli"))
    assert not plan.add_include("test", Include("Unrelated", "cli"))
    assert application(plan, "500") == "Elsewhere"
    assert plan.remove_include("test", "unrelated", "cli")
    assert application(plan, "500") is None
    assert plan.add_ignored("test", IgnorePattern("9", "cli"))
    assert plan.ignored("test", "9") and not plan.ignored("test", "91")
    assert plan.remove_ignored("test", "9")
    with pytest.raises(DialplanError, match=r"there is no context \[nowhere\]"):
        plan.add_include("nowhere", Include("test", "cli"))


def test_a_reload_keeps_what_others_have_added(exchange: Exchange, plan: Dialplan):
    plan.add("test", Priority("101", 1, "FromManager", registrar="manager"))
    plan.add_include("test", Include("unrelated", "manager"))
    plan.create("registrations", "sip").add(Priority("alice", 1, "NoOp", registrar="sip"))
    exchange.dialplan("[test]\nexten => 200,1,New()\n[unrelated]\nexten => 500,1,Elsewhere()\n")
    assert application(plan, "200") == "New"
    assert application(plan, "101") == "FromManager"
    assert application(plan, "500") == "Elsewhere"
    assert application(plan, "alice", context="registrations") == "NoOp"
    assert application(plan, "102") is None
    assert "more" not in plan.contexts


def test_the_new_file_wins_over_what_others_have_added(exchange: Exchange, plan: Dialplan):
    plan.add("test", Priority("200", 1, "FromManager", registrar="manager"))
    exchange.dialplan("[test]\nexten => 200,1,FromFile()\n")
    assert application(plan, "200") == "FromFile"


def test_removing_a_registrar_leaves_the_others(plan: Dialplan):
    plan.add("test", Priority("101", 1, "FromManager", registrar="manager"))
    plan.remove_registrar("pbx_config")
    assert application(plan, "101") == "FromManager"
    assert list(plan.contexts) == ["test"]


def test_hints(exchange: Exchange):
    exchange.pbx.globals.set("TECH", "PJSIP")
    exchange.dialplan(
        "[test]\nexten => 100,hint,${TECH}/${EXTEN}&Custom:a,CustomPresence:b(Alice)\n"
        "exten => _2XX,hint,PJSIP/${EXTEN}\n"
    )
    plan = exchange.pbx.dialplan
    hint = plan.hint("test", "100")
    assert hint is not None and hint.number == HINT
    assert plan.hint_name("test", "100") == ""
    assert hint.application == "PJSIP/100&Custom:a,CustomPresence:b(Alice)"
    pattern = plan.hint("test", "201")
    assert pattern is not None and pattern.application == "PJSIP/${EXTEN}"
    assert [priority.name for _, priority in plan.hints()] == ["100", "_2XX"]


class Table:
    """A switch over a dictionary."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []

    async def exists(self, channel, context, exten, priority, caller, data, asked) -> bool:
        self.asked.append((context, exten, data))
        if asked is Match.EXACT:
            return exten == "700" and priority == 1
        return "700".startswith(exten) and (asked is Match.CAN or exten != "700")

    async def execute(self, channel, context, exten, priority, caller, data) -> object:
        channel.set("SWITCHED", f"{context},{exten},{priority},{data}")
        return None


async def test_a_switch_is_asked_after_the_contexts_own_extensions(exchange: Exchange):
    exchange.dialplan("[test]\nexten => 100,1,Exact()\ninclude => far\n[far]\nswitch => Table/here\n")
    plan = exchange.pbx.dialplan
    plan.switches["table"] = table = Table()
    assert plan.switched("test")
    exact = await plan.locate(None, "test", "100", 1)
    assert isinstance(exact, Priority) and not table.asked
    found = await plan.locate(None, "test", "700", 1)
    assert found == SwitchMatch(table, "far", "here")
    assert await plan.locate(None, "test", "701", 1) is None
    assert await plan.reaches(None, "test", "7", asked=Match.MORE)
    assert not await plan.reaches(None, "test", "700", asked=Match.MORE)


async def test_a_switch_runs_its_priorities_on_the_channel(exchange: Exchange):
    exchange.pbx.globals.set("WHERE", "table")
    exchange.dialplan("[test]\neswitch => Table/${WHERE}/${EXTEN}\n")
    exchange.pbx.dialplan.switches["table"] = Table()
    channel = await exchange.run("700")
    assert channel.variables.get("SWITCHED") == "test,700,1,table/700"


async def test_a_switch_that_nobody_has_is_named(exchange: Exchange, caplog: pytest.LogCaptureFixture):
    exchange.dialplan("[test]\nswitch => Nowhere/x\n")
    assert await exchange.pbx.dialplan.locate(None, "test", "1", 1) is None
    assert '[test] uses switch "Nowhere", which no loaded module has' in caplog.text
