"""Frames of the control socket, and what the Tab key does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.control.cli.editing import columns, completion, history
from offhook.control.cli.protocol import MOST, Frames, ProtocolError, frame


@given(st.lists(st.tuples(st.sampled_from([b"C", b"o", b"e"]), st.text())), st.integers(1, 7))
def test_frames_survive_any_cut(sent: list[tuple[bytes, str]], size: int) -> None:
    data = b"".join(frame(letter, body.encode("utf-8", "replace").decode()) for letter, body in sent)
    frames = Frames()
    got = []
    for start in range(0, len(data), size):
        got += frames.feed(data[start : start + size])
    assert got == [(letter, body.encode("utf-8", "replace").decode()) for letter, body in sent]


def test_what_is_no_frame_is_refused() -> None:
    with pytest.raises(ProtocolError):
        Frames().feed(b"GET / HTTP/1.1\r\n")
    with pytest.raises(ProtocolError):
        Frames().feed(b"C" + (MOST + 1).to_bytes(4, "big"))


@pytest.mark.parametrize(
    ("line", "candidates", "added", "listed"),
    [
        ("core sh", ["show"], "ow ", []),
        ("core show c", ["channel", "channels"], "hannel", []),
        ("core show channel", ["channel", "channels"], "", ["channel", "channels"]),
        ("core show ", ["calls", "version"], "", ["calls", "version"]),
        ("core show app ec", ["Echo"], "ho ", []),
        ("qu", [], "it ", []),
        ("ex", ["exec"], "", ["exec", "exit"]),
        ("nix", [], "", []),
    ],
)
def test_tab_adds_what_is_certain_and_lists_the_rest(
    line: str, candidates: list[str], added: str, listed: list[str]
) -> None:
    assert completion(line, candidates) == (added, listed)


def test_columns_fit_the_terminal() -> None:
    words = [f"word{number}" for number in range(10)]
    shown = columns(words, 24)
    assert shown[0] == "word0  word4  word8"
    assert max(map(len, shown)) <= 24
    assert sorted(" ".join(shown).split()) == words
    assert columns(["x" * 100], 80) == ["x" * 100]
    assert columns([], 80) == []


def test_history_is_kept_in_a_file_if_it_can_be(tmp_path: object) -> None:
    kept = history(f"{tmp_path}/history", 10)
    kept.append_string("core show version")
    assert list(history(f"{tmp_path}/history", 10).load_history_strings()) == ["core show version"]
    for number in range(50):
        kept.append_string(f"line {number}")
    assert list(history(f"{tmp_path}/history", 10).load_history_strings())[:2] == ["line 49", "line 48"]
    assert len(list(history(f"{tmp_path}/history", 10).load_history_strings())) == 10
    assert list(history("/nowhere/history", 10).load_history_strings()) == []
