"""Command lines, answers and the opening environment, without a call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from unittest.mock import MagicMock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.control.agi import commands, media_commands
from offhook.control.agi.links import MOST_UNREAD, Connection, LaunchError, Link, split_address
from offhook.control.agi.protocol import COMMANDS, find, split_line, usage_answer

assert commands and media_commands


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ANSWER", ["ANSWER"]),
        ("  SAY   DIGITS\t123  # ", ["SAY", "DIGITS", "123", "#"]),
        ('STREAM FILE beep ""', ["STREAM", "FILE", "beep", ""]),
        ('SET VARIABLE a "b c"', ["SET", "VARIABLE", "a", "b c"]),
        ('VERBOSE "say \\"hi\\"" 3', ["VERBOSE", 'say "hi"', "3"]),
        ("EXEC NoOp a\\ b", ["EXEC", "NoOp", "a b"]),
        ('a"b c"d', ["ab cd"]),
        ("", []),
    ],
)
def test_a_line_is_split_at_blanks_outside_quotes(line: str, words: list[str]) -> None:
    assert split_line(line) == words


@given(st.lists(st.text(st.characters(blacklist_characters="\n\r", blacklist_categories=("Cs",))), max_size=8))
def test_quoted_words_come_back_as_they_were(words: list[str]) -> None:
    line = " ".join('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in words)
    assert split_line(line) == words


@given(st.text())
def test_any_line_can_be_split(line: str) -> None:
    assert all(isinstance(word, str) for word in split_line(line))


def test_commands_are_found_by_their_words_in_any_case() -> None:
    entry, arguments = find(["Get", "FULL", "variable", "${A}"]) or (None, [])
    assert entry is not None
    assert (entry.name, arguments) == ("get full variable", ["${A}"])
    assert find(["get"]) is None
    assert find(["gat", "data"]) is None
    assert find([]) is None


def test_every_command_of_the_interface_is_there() -> None:
    names = {entry.name for entry in COMMANDS.values()}
    assert len(names) == 47
    assert {"asyncagi break", "control stream file", "gosub", "wait for digit", "speech recognize"} <= names


def test_commands_that_need_no_call_may_be_used_after_it() -> None:
    dead = {entry.name for entry in COMMANDS.values() if entry.dead}
    assert dead == {
        "asyncagi break",
        "database del",
        "database deltree",
        "database get",
        "database put",
        "exec",
        "get full variable",
        "get variable",
        "noop",
        "set variable",
        "speech destroy",
        "speech unload grammar",
        "verbose",
    }


def test_the_usage_is_between_520_and_520() -> None:
    lines = usage_answer(COMMANDS["get", "data"]).splitlines()
    assert lines[0] == "520-Invalid command syntax.  Proper usage follows:"
    assert lines[1].startswith("Usage: GET DATA <filename>")
    assert lines[-1] == "520 End of proper usage."


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", ("127.0.0.1", 4573)),
        ("pbx.example.com:5000", ("pbx.example.com", 5000)),
        ("[::1]:99", ("::1", 99)),
        ("[::1]", ("::1", 4573)),
    ],
)
def test_addresses_of_servers(address: str, expected: tuple[str, int]) -> None:
    assert split_address(address) == expected


@pytest.mark.parametrize("address", ["", ":1", "host:x", "host:70000"])
def test_wrong_addresses_are_refused(address: str) -> None:
    with pytest.raises(LaunchError, match="write host or host:port"):
        split_address(address)


@given(st.lists(st.binary(max_size=20), max_size=10))
async def test_lines_come_whole_however_the_bytes_come(pieces: list[bytes]) -> None:
    link = Link()
    for piece in pieces:
        link.feed(piece)
    link.feed_end()
    lines = b"".join(pieces).split(b"\n")
    expected = lines if lines[-1] else lines[:-1]
    assert [line.encode("utf-8", "surrogateescape") for line in link.lines] == expected


async def test_a_line_without_end_is_cut_off() -> None:
    link = Link()
    link.feed(b"x" * 70_000)
    assert link.ended
    assert await link.line() is None


async def test_a_program_that_says_too_much_waits() -> None:
    """What it has said is carried out first, and nothing of it is lost."""
    transport = MagicMock(is_closing=lambda: False)
    link = Connection()
    link.connection_made(transport)
    link.feed(b"NOOP 1\n" * (MOST_UNREAD + 1))
    transport.pause_reading.assert_called_once_with()
    link.feed(b"NOOP 2\n")
    while len(link.lines) > MOST_UNREAD // 2 + 1:
        assert await link.line() is not None
    transport.resume_reading.assert_not_called()
    await link.line()
    transport.resume_reading.assert_called_once_with()
    link.feed_end()
    link.feed(b"NOOP 3\n")
    said = [line async for line in lines_of(link)]
    assert said == ["NOOP 1"] * (MOST_UNREAD // 2 - 1) + ["NOOP 2"]


async def lines_of(link: Connection) -> AsyncIterator[str]:
    while (line := await link.line()) is not None:
        yield line
