"""The console and manager commands of ISDN spans, and channels that are taken back and opened again."""

from __future__ import annotations

from pathlib import Path

import pytest

from offhook.calls.channel import State
from offhook.modules import ActionError, CommandError
from support.isdn_story import start
from support.line_story import Office


async def test_messages_go_to_a_file(office: Office, tmp_path: Path) -> None:
    """pri set debug file, PRIDebugFileSet and PRIDebugFileUnset; the end of debugging closes it."""
    lines = await start(office)
    path = tmp_path / "pri.txt"
    assert await office.cli(f"pri set debug file {path}") == [f"PRI debug output will be sent to '{path}'"]
    assert await office.cli("pri set debug 2 span 4") == ["Enabled debugging on span 4"]
    channel = lines.request("g2/5551", None, ("", ""))
    channel.tech_call("")
    await office.until(lambda: channel.state is State.UP, 5)
    shown = await office.cli("pri show debug")
    assert shown == [
        "Span 3: Debug: No\tIntense: No",
        "Span 4: Debug: No\tIntense: No",
        f"Logging PRI debug to file {path}",
    ]
    assert "Message Type: SETUP" in path.read_text()
    assert await office.cli("pri set debug off span 4") == [
        f"Disabled PRI debug output to file '{path}'",
        "Disabled debugging on span 4",
    ]
    with pytest.raises(CommandError, match="Unable to open"):
        await office.cli(f"pri set debug file {tmp_path}/none/pri.txt")
    channel.hangup()
    await office.advance(0.5)


async def test_levels_by_manager(office: Office) -> None:
    """PRIDebugSet knows the same levels, and says what is wrong as Asterisk does."""
    lines = await start(office)
    office.act("PRIDebugSet", Span="3", Level="intense")
    assert lines.isdn.spans[3].debug == 15
    office.act("PRIDebugSet", Span="3", Level="4")
    assert lines.isdn.spans[3].debug == 4
    office.act("PRIDebugFileUnset")
    for headers, why in (
        ({"Span": "3"}, "'Level' was not specified"),
        ({"Level": "on"}, "'Span' was not specified"),
        ({"Level": "on", "Span": "9"}, "No PRI running on requested span"),
        ({"Level": "on", "Span": "999"}, "Invalid span '999' - Should be a number from 1 to 128"),
    ):
        with pytest.raises(ActionError, match=why):
            office.act("PRIDebugSet", **headers)


async def test_a_span_is_taken_back_and_opened_again(office: Office) -> None:
    """pri destroy span; dahdi create channels."""
    lines = await start(office)
    await office.cli("pri destroy span 4")
    assert sorted(lines.isdn.spans) == [3] and 40 not in lines.ports
    assert office.completed("dahdi create channels")[:3] == ["new", "40", "41"]
    await office.cli("dahdi create channels 40 54")
    assert 40 in lines.ports and 54 in lines.ports and 56 not in lines.ports
    await office.cli("dahdi create channels new")
    assert 70 in lines.ports
    await office.until(lambda: all(span.up for span in lines.isdn), 30)
    with pytest.raises(CommandError, match="No channel was created"):
        await office.cli("dahdi create channels new")
    with pytest.raises(CommandError, match="smaller"):
        await office.cli("dahdi create channels 9 3")


async def test_every_place_is_completed(office: Office) -> None:
    """With the tab key."""
    await start(office)
    assert office.completed("pri show span") == ["3", "4"]
    assert office.completed("pri destroy span") == ["3", "4"]
    assert {"on", "off", "hex", "intense", "15"} <= set(office.completed("pri set debug"))
    assert office.completed("pri set debug on") == ["span"]
    assert office.completed("pri set debug on span") == ["3", "4"]
    assert "9" in office.completed("pri service disable channel")
    with pytest.raises(CommandError, match="service_message_support=yes"):
        await office.cli("pri service disable channel 9")
    with pytest.raises(CommandError, match="possibly not a PRI"):
        await office.cli("pri service disable channel 1")
    assert (await office.cli("pri show version"))[0].startswith("libpri version: ")
