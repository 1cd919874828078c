"""extensions.lua as dialplan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from offhook.apps import flow, messages
from offhook.calls import events
from offhook.dialplan import lua
from offhook.functions.strings import text
from offhook.modules.module import LoadError

pytest.importorskip("lupa")

SCRIPT = """
extensions = {}
extensions.demo = {
    ["_1XX"] = function(context, exten)
        channel.greeting:set("hello")
        local said = "Said: " .. channel.greeting:get() .. " " .. exten
        app.userevent("Heard", said, "Length: " .. channel.LEN("ab"):get())
        app.wait(60)
    end,
    [200] = function()
        app["goto"]("demo", "100", 1)
        app.userevent("Never")
    end,
    ["300"] = function() error("on purpose") end,
    include = { "more" },
}
extensions.more = { ["400"] = function() app.userevent("More") end }
"""


@pytest.fixture
async def scripted(exchange: Any, tmp_path: Path) -> Any:
    (tmp_path / "extensions.lua").write_text(SCRIPT)
    exchange.load(messages)
    exchange.load(flow)
    for found in (text.module,) if hasattr(text, "module") else ():
        exchange.pbx.registry.add(found)
    await lua.load(exchange.pbx)
    return exchange


async def test_a_pattern_runs_and_sees_the_channel(scripted: Any) -> None:
    scripted.pbx.spawn(scripted.call("Local/123@demo/n"))
    await scripted.until(lambda: scripted.heard(events.UserEvent) != [])
    headers = dict(scripted.heard(events.UserEvent)[0].headers)
    assert headers == {"Said": "hello 123", "Length": "2"}


async def test_whether_it_has_an_extension_is_known_at_once(scripted: Any) -> None:
    plan = scripted.pbx.dialplan
    assert [plan.exists("demo", exten) for exten in ("123", "200", "400", "500", "12")] == [True] * 3 + [False] * 2
    assert plan.can_match("demo", "12")
    assert plan.matches_more("demo", "12")
    assert not plan.matches_more("demo", "123")
    assert not plan.switched("demo")


async def test_goto_leaves_the_function(scripted: Any) -> None:
    scripted.pbx.spawn(scripted.call("Local/200@demo/n"))
    await scripted.until(lambda: scripted.heard(events.UserEvent) != [])
    assert [event.name for event in scripted.heard(events.UserEvent)] == ["Heard"]


async def test_included_contexts_are_searched(scripted: Any) -> None:
    scripted.pbx.spawn(scripted.call("Local/400@demo/n"))
    await scripted.until(lambda: [e.name for e in scripted.heard(events.UserEvent)] == ["More"])


async def test_an_error_ends_the_call_and_names_the_place(scripted: Any, caplog: Any) -> None:
    scripted.pbx.spawn(scripted.call("Local/300@demo/n"))
    await scripted.until(lambda: scripted.heard(events.Hangup) != [])
    assert "on purpose" in caplog.text


async def test_a_broken_file_declines_with_its_line(exchange: Any, tmp_path: Path) -> None:
    (tmp_path / "extensions.lua").write_text("extensions = {\n")
    with pytest.raises(LoadError, match=r"extensions\.lua"):
        await lua.load(exchange.pbx)


async def test_scripts_cannot_reach_python(scripted: Any, tmp_path: Path) -> None:
    (tmp_path / "extensions.lua").write_text("extensions = {}\nlocal x = python\nassert(x == nil or x.eval == nil)\n")
    await lua.load(scripted.pbx)
