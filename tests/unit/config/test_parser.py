"""Reading configuration files: what each construct means, and what becomes of mistakes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.config.model import Section
from offhook.config.parser import CommentScanner, load, loads


def entries(text: str, section: str = "a") -> list[tuple[str, str]]:
    found = loads(text).get(section)
    assert found is not None
    return [(entry.name, entry.value) for entry in found]


@pytest.mark.parametrize(
    ("line", "name", "value", "is_object"),
    [
        ("x=1", "x", "1", False),
        ("  x  =  1  ", "x", "1", False),
        ("x => 1", "x", "1", True),
        ("x=>1", "x", "1", True),
        ("x = ", "x", "", False),
        ("x = a = b", "x", "a = b", False),
        ("x = a\\;b ; comment", "x", "a;b", False),
        ("x = a;b", "x", "a", False),
        ("x = a ;-- inside --; b", "x", "a  b", False),
        ("x = ;--- three dashes are a plain comment", "x", "", False),
        ("\\=x = 1", "=x", "1", False),
        ("exten => 1,1,Set(a=b)", "exten", "1,1,Set(a=b)", True),
        ("x = \N{NO-BREAK SPACE}a", "x", "\N{NO-BREAK SPACE}a", False),
    ],
)
def test_a_line_is_name_and_value(line: str, name: str, value: str, is_object: bool) -> None:
    config = loads(f"[a]\n{line}\n")
    assert not config.errors
    (entry,) = config.sections[0].entries
    assert (entry.name, entry.value, entry.object, entry.line) == (name, value, is_object, 2)


def test_block_comments_nest_and_reach_over_lines() -> None:
    text = "[a]\nx = 1 ;-- begin\ny = 2\n;-- deeper --;\nz = 3 --; w = 4\nv = 5\n"
    assert entries(text) == [("x", "1"), ("w", "4"), ("v", "5")]


def test_an_open_block_comment_is_reported_where_it_begins() -> None:
    (error,) = loads("[a]\nx = 1\n;-- begin\ny = 2\n").errors
    assert str(error) == 'text:3: the comment that starts here never ends; close it with "--;"'


def test_sections_of_one_name_stay_apart_in_order() -> None:
    config = loads("[a]\nx=1\n[b]\n[a]\nx=2\n")
    assert [section.name for section in config] == ["a", "b", "a"]
    assert [section.get("x") for section in config.all("A")] == ["1", "2"]
    assert config.value("a", "x") == "1"


def test_a_section_inherits_from_templates_in_order_and_overrides() -> None:
    config = loads("[t](!)\nx=1\ny=1\n[u](!)\ny=2\n[a](t,u)\nz=3\nx=9\n")
    section = config.get("a")
    assert section is not None
    assert [(e.name, e.value, e.inherited) for e in section] == [
        ("x", "1", True),
        ("y", "1", True),
        ("y", "2", True),
        ("z", "3", False),
        ("x", "9", False),
    ]
    assert section.get("x") == "9"
    assert section.first("x") == "1"
    assert config.get("t") is None
    assert [section.name for section in config] == ["a"]


def test_what_is_added_to_a_template_later_is_not_inherited_any_more() -> None:
    config = loads("[t](!)\nx=1\n[a](t)\n[t](+TEMPLATES=include)\ny=1\n[b](t)\n")
    assert entries_of(config.get("a")) == [("x", "1")]
    assert entries_of(config.get("b")) == [("x", "1"), ("y", "1")]


def entries_of(section: Section | None) -> list[tuple[str, str]]:
    assert section is not None
    return [(entry.name, entry.value) for entry in section]


def test_an_addition_goes_to_the_section_that_the_filter_chooses() -> None:
    text = "[a]\ntype=one\n[a]\ntype=two\n[a](+type=two)\nx=1\n[a](+)\ny=1\n"
    first, second = loads(text).all("a")
    assert entries_of(first) == [("type", "one"), ("y", "1")]
    assert entries_of(second) == [("type", "two"), ("x", "1")]


def test_plus_equals_makes_the_last_value_of_that_name_longer() -> None:
    assert entries("[a]\nx=1\nx=2\nx+=,3 \ny+= 4\n") == [("x", "1"), ("x", "2,3"), ("y", "4")]


@pytest.mark.parametrize(
    ("text", "sentence", "kept"),
    [
        ("[a]\nnonsense\nx=1\n", 'text:2: "nonsense" has no "="; write name = value', [("x", "1")]),
        ("x=0\n[a]\nx=1\n", 'text:1: "x=0" stands before any [section]; put a section header above it', [("x", "1")]),
        ("[a]\nx=1\n[b\ny=2\n", 'text:3: "[b" has no closing "]"; its section is skipped', [("x", "1")]),
        ("[a]\nx=1\n[b](!\ny=2\n", 'text:3: "[b](!" has no closing ")"; its section is skipped', [("x", "1")]),
        (
            "[a]\nx=1\n[b](nix)\ny=2\n",
            'text:3: [b] inherits from "nix", which does not exist; define it above',
            [("x", "1")],
        ),
        (
            "[a]\nx=1\n[b](+)\ny=2\n",
            "text:3: [b](+) adds to a section that does not exist; define [b] above it",
            [("x", "1")],
        ),
        ("[a]\n=5\nx=1\n", 'text:2: "=5" has no name before the "="', [("x", "1")]),
        ("[a]\n#bogus x\nx=1\n", 'text:2: unknown directive "#bogus"; known are', [("x", "1")]),
        ("[a]\n#include\nx=1\n", 'text:2: "#include" needs the name of a file', [("x", "1")]),
        ("[a]\n\\ \nx=1\n", "text:2: a backslash must be followed by the character it escapes", [("x", "1")]),
    ],
)
def test_a_mistake_costs_its_line_or_section_and_says_so(text: str, sentence: str, kept: list[tuple[str, str]]) -> None:
    config = loads(text)
    assert next(str(error) for error in config.errors).startswith(sentence)
    assert len(config.errors) == 1
    assert config.valid
    assert [section.name for section in config] == ["a"]
    assert entries_of(config.get("a")) == kept


def test_includes_take_the_section_that_is_open_and_give_it_back(tmp_path: Path) -> None:
    (tmp_path / "main.conf").write_text("[a]\nx=1\n#include inc.conf\ny=2\n#include <more.conf>\n[c]\n")
    (tmp_path / "inc.conf").write_text("in=1\n[b]\nin=2\n")
    (tmp_path / "more.conf").write_text("m=1\n")
    config = load("main.conf", etc_dir=str(tmp_path))
    assert not config.errors
    # Lines after the #include belong to the section before it; a second included file goes on where the first ended.
    assert entries_of(config.get("a")) == [("x", "1"), ("in", "1"), ("y", "2")]
    assert entries_of(config.get("b")) == [("in", "2"), ("m", "1")]
    assert config.sections[0].entries[1].file == "inc.conf"
    assert set(config.stamps) == {str(tmp_path / name) for name in ("main.conf", "inc.conf", "more.conf")}


def test_patterns_with_wildcards_and_braces_include_in_order(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for name in ("b", "a", "c"):
        (tmp_path / "d" / f"{name}.conf").write_text(f"{name}=1\n")
    (tmp_path / "main.conf").write_text('[s]\n#include "d/*.conf"\n')
    (tmp_path / "braces.conf").write_text('[s]\n#include "d/{c,a}.conf"\n')
    assert entries_of(load("main.conf", etc_dir=str(tmp_path)).get("s")) == [("a", "1"), ("b", "1"), ("c", "1")]
    assert entries_of(load("braces.conf", etc_dir=str(tmp_path)).get("s")) == [("c", "1"), ("a", "1")]


def test_a_missing_include_makes_the_file_invalid_and_tryinclude_does_not(tmp_path: Path) -> None:
    (tmp_path / "main.conf").write_text("[a]\nx=1\n#include nix.conf\ny=2\n")
    config = load("main.conf", etc_dir=str(tmp_path))
    assert not config.valid
    assert str(config.errors[0]).startswith('main.conf:3: the file "nix.conf" does not exist')
    (tmp_path / "main.conf").write_text("[a]\nx=1\n#tryinclude nix.conf\ny=2\n")
    config = load("main.conf", etc_dir=str(tmp_path))
    assert config.valid
    assert not config.errors
    assert entries_of(config.get("a")) == [("x", "1"), ("y", "2")]


def test_files_that_include_each_other_end(tmp_path: Path) -> None:
    (tmp_path / "main.conf").write_text("[a]\n#tryinclude main.conf\n")
    config = load("main.conf", etc_dir=str(tmp_path))
    assert "more than 10 deep" in str(config.errors[0])


def test_a_file_that_is_not_there_raises(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nix\.conf"):
        load("nix.conf", etc_dir=str(tmp_path))


def test_exec_reads_what_a_program_prints_when_it_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "main.conf").write_text("[a]\n#exec printf 'x=1\\n[b]\\n' && echo oops >&2 && exit 3\ny=2\n")
    config = load("main.conf", etc_dir=str(tmp_path), exec_includes=True)
    assert entries_of(config.get("a")) == [("x", "1"), ("y", "2")]
    assert config.get("b") is not None
    assert ["says: oops" in str(e) or "status 3" in str(e) for e in config.errors] == [True, True]
    config = load("main.conf", etc_dir=str(tmp_path))
    assert "execincludes = yes" in str(config.errors[0])
    assert entries_of(config.get("a")) == [("y", "2")]


def test_a_byte_order_mark_and_foreign_bytes_are_kept_out_of_the_way(tmp_path: Path) -> None:
    (tmp_path / "main.conf").write_bytes(b"\xef\xbb\xbf[a]\r\nx=\xe4\r\n")
    config = load("main.conf", etc_dir=str(tmp_path))
    assert not config.errors
    assert config.value("a", "x").encode("utf-8", "surrogateescape") == b"\xe4"


def test_objects_come_with_the_settings_above_them() -> None:
    section = loads("[channels]\ngroup=1\nchannel => 1\ngroup=2\nallow=x\nallow=y\nchannel => 2-3\n").get("channels")
    assert section is not None
    seen = [
        (entry.value, {name: [one.value for one in values] for name, values in above.items()})
        for entry, above in section.objects("channel")
    ]
    assert seen == [("1", {"group": ["1"]}), ("2-3", {"group": ["1", "2"], "allow": ["x", "y"]})]


@pytest.mark.parametrize(
    ("match", "names"),
    [
        ("", ["a", "b"]),
        ("TEMPLATES=include", ["t", "a", "b"]),
        ("TEMPLATES=restrict", ["t"]),
        ("x=1", ["a", "b"]),
        ("x=1,y=2", ["b"]),
        ("x=^1$,TEMPLATES=include", ["t", "a", "b"]),
        ("nonsense", []),
        ("x=", ["a", "b"]),
    ],
)
def test_sections_are_found_by_what_they_contain(match: str, names: list[str]) -> None:
    config = loads("[t](!)\nx=1\n[a](t)\n[b](t)\ny=2\n")
    assert [section.name for section in config.find(match=match)] == names


@pytest.mark.parametrize(
    ("text", "default", "result"),
    [
        ("yes", False, True),
        ("ON", False, True),
        ("1", False, True),
        ("no", True, False),
        ("f", True, False),
        ("maybe", True, True),
        ("maybe", False, False),
    ],
)
def test_truth(text: str, default: bool, result: bool) -> None:
    section = Section("a")
    assert section.boolean("x", default) is default
    section = loads(f"[a]\nx={text}\n").sections[0]
    assert section.boolean("X", default) is result


_NAME = st.text("abcXYZ_-$(){}", min_size=1, max_size=8)
_VALUE = st.text(st.characters(min_codepoint=33, max_codepoint=0x2000, exclude_characters="\\;"), max_size=20)


@given(st.lists(st.tuples(_NAME, _VALUE, st.booleans()), max_size=8))
def test_what_is_written_is_what_is_read(lines: list[tuple[str, str, bool]]) -> None:
    # A value that starts with ">" would turn "=" into "=>", and a name that ends in "+" would be "+=".
    lines = [(name, value.lstrip(">"), is_object) for name, value, is_object in lines]
    text = "[s]\n" + "".join(f"{name} {'=>' if o else '='} {value}\n" for name, value, o in lines)
    config = loads(text)
    assert not config.errors
    assert [(e.name, e.value, e.object) for e in config.sections[0]] == lines


@given(st.text())
def test_no_text_breaks_the_parser(text: str) -> None:
    config = loads(text)
    assert all(error.line > 0 for error in config.errors)


@given(st.lists(st.sampled_from([";", ";--", "--;", "\\;", "x", " ", "-", "="]), max_size=12).map("".join))
def test_the_comment_scanner_never_invents_text(line: str) -> None:
    scanner = CommentScanner()
    live, _tail = scanner.strip(line, 1)
    remaining = iter(line)
    assert all(char in remaining for char in live)
