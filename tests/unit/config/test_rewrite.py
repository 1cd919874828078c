"""Changing files: only what was changed changes."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.config.model import ConfigFile
from offhook.config.parser import load
from offhook.config.rewrite import EditError, Editor, render, save

TEXT = """\
; the top

[general] ; said here
  x = 1     ; one
y=>2

;-- a block
z = 9
--; w = 3 ;-- opens here
more
--;
; about the alarm
[alarm](!)
a = 1

[room](alarm)
b = 2
"""


def opened(folder: Path, text: str = TEXT) -> tuple[ConfigFile, Editor]:
    (folder / "t.conf").write_text(text)
    config = load("t.conf", etc_dir=str(folder), layout=True)
    assert not config.errors
    return config, Editor(config)


def text_of(config: ConfigFile, **how: bool) -> str:
    (text,) = render(config, **how).values()
    return text


def test_an_unchanged_file_is_written_as_it_was(tmp_path: Path) -> None:
    config, _ = opened(tmp_path)
    again = text_of(config)
    assert again.replace("w = 3\n;-- opens here", "w = 3 ;-- opens here") == TEXT
    assert save(config) == [str(tmp_path / "t.conf")]
    assert save(load("t.conf", etc_dir=str(tmp_path), layout=True)) == []


def test_an_update_changes_one_line_and_keeps_its_comment(tmp_path: Path) -> None:
    config, editor = opened(tmp_path)
    editor.update("general", "x", "5;6")
    assert "x = 5\\;6     ; one\ny=>2\n" in text_of(config)
    assert "[general] ; said here\n" in text_of(config)


def test_update_can_ask_for_the_old_value(tmp_path: Path) -> None:
    _, editor = opened(tmp_path)
    with pytest.raises(EditError, match="variable not found"):
        editor.update("general", "x", "5", old="7")
    with pytest.raises(EditError, match="category not found"):
        editor.update("nix", "x", "5")
    editor.update("general", "x", "5", old="1")


def test_a_deleted_line_leaves_its_neighbours_and_comments(tmp_path: Path) -> None:
    config, editor = opened(tmp_path, "[a]\n; about x\nx = 1\n; about y\ny = 2\n")
    editor.delete("a", "x")
    assert text_of(config) == "[a]\n; about x\n; about y\ny = 2\n"
    editor.delete("a", line=0)
    assert text_of(config) == "[a]\n; about x\n; about y\n"
    with pytest.raises(EditError):
        editor.delete("a", "y")


def test_new_lines_come_at_the_end_of_the_section_or_where_asked(tmp_path: Path) -> None:
    config, editor = opened(tmp_path, "[a]\nx = 1\ny = 2\n\n; about b\n[b]\n")
    editor.append("a", "z", "3", object=True)
    editor.insert("a", "w", "0", 0)
    editor.append("b", "q", "1")
    assert text_of(config) == "[a]\nw = 0\nx = 1\ny = 2\nz => 3\n\n; about b\n[b]\nq = 1\n"


def test_categories_come_and_go_with_their_comments(tmp_path: Path) -> None:
    text = "[a]\nx = 1\n\n; about b\n[b]\n; inside b\ny = 2\n\n; about c\n[c]\nz = 3\n"
    config, editor = opened(tmp_path, text)
    editor.new_category("new", before="c")
    editor.append("new", "n", "1")
    editor.delete_category("b")
    editor.rename_category("a", "first")
    editor.new_category("last", template=True)
    assert text_of(config) == ("[first]\nx = 1\n\n; about b\n[new]\nn = 1\n\n; about c\n[c]\nz = 3\n\n[last](!)\n")


def test_emptying_keeps_the_header(tmp_path: Path) -> None:
    config, editor = opened(tmp_path, "[a]\nx = 1\n[b]\ny = 2\n")
    editor.empty_category("a")
    assert text_of(config) == "[a]\n[b]\ny = 2\n"


def test_a_category_must_be_new_unless_duplicates_are_wanted(tmp_path: Path) -> None:
    config, editor = opened(tmp_path, "[a]\nx = 1\n")
    with pytest.raises(EditError, match="exists"):
        editor.new_category("A")
    with pytest.raises(EditError, match="template"):
        editor.new_category("b", inherit=["a"])
    editor.new_category("a", duplicate=True)
    assert text_of(config) == "[a]\nx = 1\n\n[a]\n"


def test_a_changed_template_leaves_effective_values_alone_if_so_asked(tmp_path: Path) -> None:
    config, editor = opened(tmp_path, "[t](!)\nv = on\n\n[a](t)\nw = 1\n")
    editor.update("t", "v", "off", match="TEMPLATES=restrict")
    assert text_of(config, effective=True) == "[t](!)\nv = off\n\n[a](t)\nv = on\nw = 1\n"
    assert text_of(config, effective=False) == "[t](!)\nv = off\n\n[a](t)\nw = 1\n"


def test_additions_and_longer_values_keep_their_form(tmp_path: Path) -> None:
    text = "[a]\nx = 1\nx += ,2\n[b]\n[a](+)\ny = 1\n"
    config, editor = opened(tmp_path, text)
    assert text_of(config) == text
    editor.update("a", "x", "9")
    editor.rename_category("a", "c")
    assert text_of(config) == "[c]\nx = 9\n[b]\n[c](+)\ny = 1\n"


def test_included_files_are_written_to_their_own_place(tmp_path: Path) -> None:
    (tmp_path / "inc.conf").write_text("[b] ; from inc\ny = 2\n")
    config, editor = opened(tmp_path, '[a]\nx = 1\n#include "inc.conf"\n; the end\n')
    editor.update("b", "y", "3")
    assert save(config) == [str(tmp_path / "inc.conf")]
    assert (tmp_path / "inc.conf").read_text() == "[b] ; from inc\ny = 3\n"
    assert (tmp_path / "t.conf").read_text() == '[a]\nx = 1\n#include "inc.conf"\n; the end\n'


def test_saving_elsewhere_and_keeping_mode_and_links(tmp_path: Path) -> None:
    config, _ = opened(tmp_path, "[a]\nx = 1\n")
    save(config, "copy.conf")
    assert (tmp_path / "copy.conf").read_text() == "[a]\nx = 1\n"
    real = tmp_path / "real.conf"
    real.write_text("[a]\nx = 1\n")
    real.chmod(0o600)
    os.symlink(real, tmp_path / "link.conf")
    config = load("link.conf", etc_dir=str(tmp_path), layout=True)
    Editor(config).update("a", "x", "2")
    save(config)
    assert (tmp_path / "link.conf").is_symlink()
    assert real.read_text() == "[a]\nx = 2\n"
    assert real.stat().st_mode & 0o777 == 0o600
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".new")]


def test_a_file_with_a_missing_include_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "t.conf").write_text("[a]\n#include nix.conf\n[b]\n")
    config = load("t.conf", etc_dir=str(tmp_path), layout=True)
    with pytest.raises(ValueError, match="missing file"):
        render(config)


_LINES = st.sampled_from(
    ["[a]", "[b](!)", "[c](b)", "[a](+)", "x = 1", "y => 2", "x += 3", "", "; note", "nonsense", " z = 4 ; four"]
)


@given(st.lists(_LINES, max_size=14))
def test_reading_and_writing_changes_nothing(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    folder = tmp_path_factory.getbasetemp()
    text = "\n".join(lines)
    (folder / "any.conf").write_text(text)
    config = load("any.conf", etc_dir=str(folder), layout=True)
    assert text_of(config).rstrip("\n") == text.rstrip("\n")
