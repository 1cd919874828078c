"""The house: which folder may import from which, so that dependencies point one way."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / "host/offhook"

FLOORS: dict[str, int] = {
    "sip": 0, "ice": 0, "iax": 0, "log": 0, "identifiers": 0, "markup": 0, "outside": 0, "fetching": 0,
    "config": 1, "modules": 2, "storage": 3, "dialplan": 4, "media": 4, "calls": 5,
    "drivers": 6, "functions": 6, "services": 6, "apps": 6, "control": 7, "daemon": 7, "field": 8,
    "main": 9, "__main__": 10,
}  # fmt: skip
"""The floor of each folder and file of the package; imports go down, or stay on a floor."""
ALONE = ("sip", "ice", "iax")
"""Import nothing of Offhook at all: they could be published by themselves."""
CLOSED = ("drivers",)
"""Import nothing of their own floor."""
REACHES_UP = {
    ("apps", "control"): {"mixmonitor_control.py"},
    ("services", "control"): {"agents/listing.py", "conference/actions.py", "parking/module.py"},
}
"""The actions and commands of these stand beside what they act on; they use the words control renders with."""


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and first folder of what a file takes from Offhook, but for type checking."""
    tree = ast.parse(path.read_text())
    hidden = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names = [f"offhook.{alias.name}" for alias in node.names] if node.module == "offhook" else [node.module]
        for name in names:
            first, _, rest = name.partition(".")
            if first == "offhook" and rest:
                yield node.lineno, rest.partition(".")[0]


def wrong(path: Path) -> Iterator[str]:
    """Sentences about imports that go where they must not."""
    place = path.relative_to(ROOT)
    here = place.parts[0].removesuffix(".py")
    for line, there in imports(path):
        inside = "/".join(place.parts[1:])
        if there == here or there not in FLOORS or inside in REACHES_UP.get((here, there), ()):
            continue
        if here in ALONE or FLOORS[there] > FLOORS[here] or (here in CLOSED and FLOORS[there] == FLOORS[here]):
            yield f"{place}:{line}: {here} must not import from {there}"


@pytest.mark.parametrize("folder", sorted(path.name for path in ROOT.iterdir() if path.name != "__pycache__"))
def test_imports_go_down(folder: str) -> None:
    path = ROOT / folder
    files = [path] if path.suffix == ".py" else sorted(path.rglob("*.py"))
    assert not [sentence for file in files for sentence in wrong(file)]


def test_every_folder_has_a_floor() -> None:
    known = {path.name.removesuffix(".py") for path in ROOT.iterdir() if path.suffix in ("", ".py")}
    assert known - {"__pycache__", "__init__"} == set(FLOORS)


def test_nothing_is_logged_at_a_level_that_no_log_channel_shows() -> None:
    """Asterisk's channels know debug, verbose, notice, warning, error; Python's INFO is none of them."""
    assert [str(path) for path in sorted(ROOT.rglob("*.py")) if re.search(r"\blog\.info\(", path.read_text())] == []
