"""The page of a bundle: one HTML file with its plots inside, readable without anything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH: Final = 560
HEIGHT: Final = 90
_STYLE: Final = """
body{font:15px/1.45 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2733;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem;border-bottom:1px solid #ccd6e0}
pre{background:#f4f7fa;padding:.8rem;overflow-x:auto;font-size:12.5px}figure{margin:1rem 0}
figcaption{font-size:.85rem;color:#52616f}summary{cursor:pointer;font-weight:600}
svg{background:#f4f7fa;max-width:100%}
"""


COLOURS: Final = ("#1769aa", "#b3541e")
QUIETEST_DBM0: Final = -60.0
LOUDEST_DBM0: Final = 4.0


@dataclass(frozen=True, slots=True)
class Plot:
    """Values of one kind, one a second; a line for each name. None: there was none in that second."""

    title: str
    series: Mapping[str, Sequence[float | None]]
    unit: str = ""
    low: float = 0.0
    high: float | None = None
    """The ends of the scale; None: the greatest value."""


def levels(line: str, said: Sequence[float | None], heard: Sequence[float | None]) -> Plot:
    """The levels of a line."""
    return Plot(f"Line {line}", {"in": said, "out": heard}, "dBm0", QUIETEST_DBM0, LOUDEST_DBM0)


def plot(given: Plot) -> str:
    """As SVG; now and greatest values stand in the caption."""
    known = {name: [value for value in values if value is not None] for name, values in given.series.items()}
    if not any(known.values()):
        return f"<figure><figcaption>{escape(given.title)}: nothing was recorded</figcaption></figure>"
    top = given.high if given.high is not None else max(max(values, default=0.0) for values in known.values())
    scale = (top - given.low) or 1.0
    unit = f" {given.unit}" if given.unit else ""
    lines, words, seconds = [], [], 0
    for (name, values), colour in zip(given.series.items(), COLOURS, strict=False):
        seconds = max(seconds, len(values))
        lines += _lines(values, given.low, scale, colour)
        if known[name]:
            label = f'<b style="color:{colour}">{escape(name)}</b> ' if name else ""
            words.append(f"{label}now {known[name][-1]:.4g}{unit}, at most {max(known[name]):.4g}{unit}")
    caption = f"{escape(given.title)}: {'; '.join(words)}, last {seconds} s"
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-label="{escape(given.title)}">{"".join(lines)}</svg><figcaption>{caption}</figcaption></figure>'
    )


def _lines(values: Sequence[float | None], low: float, scale: float, colour: str) -> list[str]:
    """A polyline for each stretch without a gap."""
    step = WIDTH / max(1, len(values) - 1)
    stretches: list[list[str]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            stretches.append([])
            continue
        height = HEIGHT - 4 - min(1.0, max(0.0, (value - low) / scale)) * (HEIGHT - 12)
        stretches[-1].append(f"{index * step:.1f},{height:.1f}")
    return [
        f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
        for points in stretches
        if points
    ]


def page(
    title: str,
    summary: Sequence[str],
    plots: Sequence[Plot],
    texts: Mapping[str, str],
    files: Mapping[str, str],
) -> str:
    """The whole page: a summary, plots, texts to read, files to unfold."""
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>',
        f"<h1>{escape(title)}</h1>",
        f"<pre>{escape(chr(10).join(summary))}</pre>",
        "<h2>The last two minutes</h2>",
        *(plot(one) for one in plots),
    ]
    for name, text in texts.items():
        parts.append(f"<h2>{escape(name)}</h2><pre>{escape(text)}</pre>")
    parts.append("<h2>Files</h2>")
    for name, text in files.items():
        parts.append(f"<details><summary>{escape(name)}</summary><pre>{escape(text)}</pre></details>")
    return "\n".join(parts) + "\n"
