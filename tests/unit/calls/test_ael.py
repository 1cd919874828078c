"""extensions.ael as dialplan: what its statements do, and what it says of mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from offhook.apps import branches, flow, loops, messages
from offhook.calls import events
from offhook.dialplan.ael import loading
from offhook.functions import calculations, stack
from offhook.modules.module import LoadError

SCRIPT = """
globals { PRICE=12; }   // one global
macro told(what, how) {
    local text="${what}-${how}";
    UserEvent(Told,Text: ${text});
    return;
}
context demo {
    100 => {
        total=0;
        for (x=0; ${x} < 4; x=${x} + 1) {
            if (${x} == 2) continue;
            total=${total} + ${x};
        }
        /* 0 + 1 + 3 */
        UserEvent(Sum,Text: ${total});
        &told(a,b);
        if (${total} > 3) { UserEvent(If,Text: yes); } else UserEvent(If,Text: no);
    }
    _2XX => {
        switch (${EXTEN:1}) {
        case 01:
            UserEvent(Case,Text: one);
            break;
        pattern 1X:
            UserEvent(Case,Text: teens);
        default:
            UserEvent(Case,Text: default);
        }
        UserEvent(After,Text: ${PRICE});
    }
    300 => goto demo,100,1;
    400 => { again: NoOp(); jump 100@demo; }
}
"""


async def texts(exchange: Any, tmp_path: Path, exten: str, last: str) -> list[str]:
    """What the extension told, in order."""
    (tmp_path / "extensions.ael").write_text(SCRIPT)
    for source in (messages, flow, branches, loops, calculations, stack):
        exchange.load(source)
    await loading.load(exchange.pbx)
    exchange.pbx.spawn(exchange.call(f"Local/{exten}@demo/n", timeout=0.5))
    await exchange.until(lambda: any(e.name == last for e in exchange.heard(events.UserEvent)), 5000)
    return [f"{e.name} {dict(e.headers)['Text']}" for e in exchange.heard(events.UserEvent)]


async def test_loops_macros_and_conditions(exchange: Any, tmp_path: Path) -> None:
    assert await texts(exchange, tmp_path, "100", "If") == ["Sum 4", "Told a-b", "If yes"]


async def test_a_case_ends_with_break(exchange: Any, tmp_path: Path) -> None:
    assert await texts(exchange, tmp_path, "201", "After") == ["Case one", "After 12"]


async def test_a_case_without_break_falls_through(exchange: Any, tmp_path: Path) -> None:
    assert await texts(exchange, tmp_path, "215", "After") == ["Case teens", "Case default", "After 12"]


async def test_the_default_case_takes_the_rest(exchange: Any, tmp_path: Path) -> None:
    assert await texts(exchange, tmp_path, "277", "After") == ["Case default", "After 12"]


@pytest.mark.parametrize("exten", ["300", "400"])
async def test_goto_and_jump(exchange: Any, tmp_path: Path, exten: str) -> None:
    assert await texts(exchange, tmp_path, exten, "If") == ["Sum 4", "Told a-b", "If yes"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("context a { 1 => NoOp() }", 'extensions.ael:1: ";" is expected before "}"'),
        ("context a {\n 1 => { break; }\n}", "extensions.ael:2: break outside a loop or switch"),
        ("context a { 1 => NoOp();", '"name => statement"'),
        ("contex a { }", '"contex": context, macro or globals is expected'),
    ],
)
async def test_mistakes_are_told_with_their_line(exchange: Any, tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "extensions.ael").write_text(text)
    with pytest.raises(LoadError) as failure:
        await loading.load(exchange.pbx)
    assert sentence in str(failure.value)


async def test_a_macro_of_another_file_is_a_warning(exchange: Any, tmp_path: Path, caplog: Any) -> None:
    (tmp_path / "extensions.ael").write_text("context a {\n 1 => &none();\n}")
    await loading.load(exchange.pbx)
    assert "extensions.ael:2: there is no macro none" in caplog.text
    assert exchange.pbx.dialplan.exists("a", "1", 1)
