"""The README's pictures: they are there, they are small and safe, and they show what there is today."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from offhook.field import box_console
from offhook.field.diag.verbs import VERBS
from support.pictures import COLUMNS, ROWS, terminal

CHECKOUT = Path(__file__).resolve().parents[2]
PICTURES = sorted((CHECKOUT / "docs/pictures").glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"


def lines(name: str) -> list[str]:
    """The lines of text of a picture."""
    root = ElementTree.parse(CHECKOUT / f"docs/pictures/{name}.svg").getroot()
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def test_the_readme_shows_every_picture_and_no_other() -> None:
    shown = re.findall(r"!\[[^\]]+\]\((docs/pictures/[^)]+)\)", (CHECKOUT / "README.md").read_text())
    assert sorted(shown) == [str(path.relative_to(CHECKOUT)) for path in PICTURES]


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_a_picture_is_small_and_needs_nothing(path: Path) -> None:
    text = path.read_text()
    assert len(text) < 20_000
    root = ElementTree.fromstring(text)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {"svg", "title", "rect", "text", "polyline"}
    assert "href" not in text and "url(" not in text
    if path.stem != "bundle":  # the others are screens of a terminal
        assert len(root.findall(f"{SVG}text")) <= ROWS
        assert max(len(element.text or "") for element in root.iter(f"{SVG}text")) <= COLUMNS


def test_the_console_has_the_words_that_the_picture_shows() -> None:
    """When this fails the console has changed: make pictures."""
    shown = [line.split()[0] for line in lines("console-help") if re.match(r"  \w", line) and "Anything" not in line]
    assert shown == [word.split()[0] for word in box_console.COMMANDS]


def test_the_diagnostics_login_has_the_verbs_that_the_picture_shows() -> None:
    """When this fails the verbs have changed: make pictures."""
    text = "\n".join(lines("verbs"))
    assert all(f"  {verb.usage}" in text for verb in VERBS.values())


def test_a_screen_has_the_size_of_a_terminal() -> None:
    drawn = terminal("x & y", "a < b\n\n  c")
    root = ElementTree.fromstring(drawn)
    assert [element.text for element in root.iter(f"{SVG}text")] == ["a < b", "  c"]
    with pytest.raises(ValueError, match="lines"):
        terminal("long", "x" * 81)
