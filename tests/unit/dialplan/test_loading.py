"""pbx_config: extensions.conf and users.conf put in force, again and again."""

from __future__ import annotations

from pathlib import Path

import pytest

from offhook.config.store import Configuration
from offhook.dialplan import loading
from offhook.dialplan.context import HINT, Priority
from offhook.modules.module import LoadError
from support.exchange import Exchange


@pytest.fixture
def exchange(exchange: Exchange, tmp_path: Path) -> Exchange:
    exchange.pbx.config = Configuration(str(tmp_path))
    return exchange


def write(folder: Path, text: str, name: str = "extensions.conf") -> None:
    (folder / name).write_text(text)


def applications(exchange: Exchange, context: str, exten: str) -> list[str]:
    found = exchange.pbx.dialplan.contexts[context].find(exten)
    return [] if found is None else [step.application for step in found.priorities.values()]


async def test_a_file_is_put_in_force_and_taken_out(exchange: Exchange, tmp_path: Path):
    write(tmp_path, "[general]\nautofallthrough=no\n[globals]\nA=1\n[c]\nexten => 1,1,NoOp()\n")
    loading.load(exchange.pbx)
    assert applications(exchange, "c", "1") == ["NoOp"]
    assert exchange.pbx.globals.values["A"] == "1"
    assert not exchange.pbx.dialplan.autofallthrough
    loading.unload(exchange.pbx)
    assert "c" not in exchange.pbx.dialplan.contexts


async def test_without_a_file_the_module_declines(exchange: Exchange):
    with pytest.raises(LoadError, match=r"no usable extensions\.conf; write one"):
        loading.load(exchange.pbx)


async def test_a_reload_replaces_what_the_file_said_and_leaves_what_others_added(exchange: Exchange, tmp_path: Path):
    write(tmp_path, "[c]\nexten => 1,1,NoOp()\nexten => 2,1,NoOp()\n[gone]\nexten => 1,1,NoOp()\n")
    loading.load(exchange.pbx)
    exchange.pbx.dialplan.add("c", Priority("9", 1, "Verbose", "", registrar="manager"))
    write(tmp_path, "[c]\nexten => 1,1,Hangup()\n")
    loading.reload(exchange.pbx)
    assert applications(exchange, "c", "1") == ["Hangup"]
    assert applications(exchange, "c", "2") == []
    assert applications(exchange, "c", "9") == ["Verbose"]
    assert "gone" not in exchange.pbx.dialplan.contexts


@pytest.mark.parametrize("broken", [None, "#include missing.conf\n[c]\nexten => 1,1,Hangup()\n"])
async def test_a_file_that_cannot_be_used_leaves_everything_as_it_is(
    exchange: Exchange, tmp_path: Path, broken: str | None
):
    write(tmp_path, "[general]\nclearglobalvars=yes\n[globals]\nA=1\n[c]\nexten => 1,1,NoOp()\n")
    loading.load(exchange.pbx)
    if broken is None:
        (tmp_path / "extensions.conf").unlink()
    else:
        write(tmp_path, broken)
    with pytest.raises(LoadError):
        loading.reload(exchange.pbx)
    assert applications(exchange, "c", "1") == ["NoOp"]
    assert exchange.pbx.globals.values["A"] == "1"


@pytest.mark.parametrize(("setting", "left"), [("yes", None), ("no", "1")])
async def test_globals_are_cleared_at_reload_when_told(
    exchange: Exchange, tmp_path: Path, setting: str, left: str | None
):
    write(tmp_path, f"[general]\nclearglobalvars={setting}\n[globals]\nA=1\n[c]\nexten => 1,1,NoOp()\n")
    loading.load(exchange.pbx)
    write(tmp_path, f"[general]\nclearglobalvars={setting}\n[globals]\nB=2\n[c]\nexten => 1,1,NoOp()\n")
    loading.reload(exchange.pbx)
    assert exchange.pbx.globals.values.get("A") == left
    assert exchange.pbx.globals.values["B"] == "2"


async def test_lines_that_make_no_sense_are_told_and_left_out(
    exchange: Exchange, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    write(tmp_path, "[c]\nexten => 1,n,NoOp()\nexten => 2,1,NoOp()\ninclude => nowhere\n")
    loading.load(exchange.pbx)
    assert applications(exchange, "c", "2") == ["NoOp"]
    assert 'extensions.conf:2: priority "n" has no earlier priority in [c]' in caplog.text
    assert "[c] includes [nowhere], which does not exist" in caplog.text


async def test_users_become_extensions(exchange: Exchange, tmp_path: Path):
    write(tmp_path, "[general]\nuserscontext=people\n[c]\nexten => 1,1,NoOp()\n")
    write(
        tmp_path,
        """
[general]
hasiax=yes
[6001]
alternateexts=7001,7002
[6002]
hasiax=no
dahdichan=1-2,4
hasvoicemail=yes
[6003]
hasexten=no
[6004]
hasiax=no
""",
        "users.conf",
    )
    loading.load(exchange.pbx)
    people = exchange.pbx.dialplan.contexts["people"]
    steps = {step.name: step for one in people.extensions for step in one.priorities.values() if step.number == 1}
    hints = {step.name: step.application for one in people.extensions if (step := one.priorities.get(HINT))}
    assert hints == {"6001": "IAX2/6001", "6002": "DAHDI/1&DAHDI/2&DAHDI/4"}
    assert {name: (step.application, step.data) for name, step in steps.items()} == {
        "6001": ("Dial", "${HINT}"),
        "6002": ("Gosub", "6002,stdexten(${HINT})"),
        "7001": ("Goto", "6001,1"),
        "7002": ("Goto", "6001,1"),
    }
