"""Framing: what bytes become messages."""

import string

from hypothesis import given
from hypothesis import strategies as st

from offhook.control.manager.protocol import LONGEST_LINE, MOST_LINES, TOO_LONG, TOO_MANY, Framing


def test_lines_end_by_crlf_or_lf_and_a_message_by_an_empty_line():
    framing = Framing()
    (one,) = framing.receive(b"Action: Ping\r\nActionID:  7\n\r\nAction: Log")
    assert one.lines == ["Action: Ping", "ActionID:  7"]
    assert one.headers == [("Action", "Ping"), ("ActionID", "7")]
    (two,) = framing.receive(b"off\r\n\r\n")
    assert two.headers == [("Action", "Logoff")]


def test_a_line_without_colon_is_kept_but_is_no_header():
    (one,) = Framing().receive(b"Action: UserEvent\r\nnonsense\r\n\r\n")
    assert one.lines == ["Action: UserEvent", "nonsense"]
    assert one.headers == [("Action", "UserEvent")]


def test_an_empty_message_is_a_message():
    assert [one.lines for one in Framing().receive(b"\r\n\r\n")] == [[], []]


def test_too_long_a_line_spoils_its_message_and_no_other():
    framing = Framing()
    data = b"Action: Ping\r\nActionID: 1\r\nX: " + b"x" * 5000 + b"\r\nY: 1\r\n\r\nAction: Ping\r\n\r\n"
    spoiled, good = framing.receive(data)
    assert spoiled.fault == TOO_LONG
    assert ("ActionID", "1") in spoiled.headers
    assert good.fault == ""


def test_a_line_that_comes_in_parts_is_as_long_as_all_of_them():
    framing = Framing()
    for _ in range(20):
        assert framing.receive(b"x" * 100) == []
    (spoiled,) = framing.receive(b"\r\n\r\n")
    assert spoiled.fault == TOO_LONG


def test_the_longest_line():
    line = b"X: " + b"x" * (LONGEST_LINE - 5)
    assert Framing().receive(line + b"\r\n\r\n")[0].fault == ""
    assert Framing().receive(line + b"x\r\n\r\n")[0].fault == TOO_LONG


def test_too_many_lines_are_a_fault():
    (message,) = Framing().receive(b"A: 1\r\n" * (MOST_LINES + 1) + b"\r\n")
    assert message.fault == TOO_MANY
    assert len(message.lines) == MOST_LINES


WORDS = st.text(string.ascii_letters + " :-é", min_size=1, max_size=30).map(str.strip).filter(bool)


@given(st.lists(st.lists(WORDS, max_size=5), max_size=5), st.lists(st.integers(1, 40), max_size=10))
def test_it_does_not_matter_how_the_bytes_are_cut(messages, cuts):
    data = "".join("".join(f"{line}\r\n" for line in lines) + "\r\n" for lines in messages).encode()
    framing = Framing()
    found = []
    for size in cuts:
        found += framing.receive(data[:size])
        data = data[size:]
    found += framing.receive(data)
    assert [one.lines for one in found] == messages
