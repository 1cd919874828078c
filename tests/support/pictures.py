"""Pictures for the README, as SVG: small, readable as text, the same for the same content."""

from __future__ import annotations

from html import escape
from pathlib import Path

BUILT = Path(__file__).resolve().parents[2] / "build/pictures"
"""Where tests put them; ``make pictures`` takes them from there into docs/pictures."""
COLUMNS, ROWS = 80, 24
CELL, LINE, EDGE = 8.4, 18, 16


def terminal(title: str, text: str) -> str:
    """A screen of 80x24 with a text. Raises ValueError when it does not fit."""
    lines = text.expandtabs().rstrip().splitlines()
    if len(lines) > ROWS or max(map(len, lines), default=0) > COLUMNS:
        raise ValueError(f"{title}: {len(lines)} lines, the longest of {max(map(len, lines))}")
    width, height = round(COLUMNS * CELL) + 2 * EDGE, len(lines) * LINE + 2 * EDGE
    rows = "\n".join(
        f'<text x="{EDGE}" y="{EDGE + 13 + LINE * row}" xml:space="preserve">{escape(line)}</text>'
        for row, line in enumerate(lines)
        if line
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" font-family="ui-monospace,DejaVu Sans Mono,Menlo,Consolas,monospace" font-size="14" '
        f'fill="#e6edf3">\n<title>{escape(title)}</title>\n'
        f'<rect width="{width}" height="{height}" rx="8" fill="#0d1b2a"/>\n{rows}\n</svg>\n'
    )


def keep(name: str, svg: str) -> None:
    """Put a picture where ``make pictures`` finds it."""
    BUILT.mkdir(parents=True, exist_ok=True)
    (BUILT / f"{name}.svg").write_text(svg)
