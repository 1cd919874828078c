"""The page of a bundle: one HTML file with its plots inside, readable without anything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def plot(title: str, values: Sequence[float], unit: str) -> str:
    """A line of one value a second, as SVG; its greatest value stands in the caption."""
    if not values:
        return f"<figure><figcaption>{escape(title)}: nothing was recorded</figcaption></figure>"
    top = max(values) or 1.0
    step = WIDTH / max(1, len(values) - 1)
    heights = [HEIGHT - 4 - value / top * (HEIGHT - 12) for value in values]
    points = " ".join(f"{index * step:.1f},{height:.1f}" for index, height in enumerate(heights))
    unit = f" {unit}" if unit else ""
    caption = f"{title}: now {values[-1]:.4g}{unit}, at most {max(values):.4g}{unit}, last {len(values)} s"
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-label="{escape(caption)}"><polyline points="{points}" fill="none" stroke="#1769aa" stroke-width="1.6"/>'
        f"</svg><figcaption>{escape(caption)}</figcaption></figure>"
    )


def page(
    title: str,
    summary: Sequence[str],
    plots: Sequence[tuple[str, Sequence[float], str]],
    texts: Mapping[str, str],
    files: Mapping[str, str],
) -> str:
    """The whole page: a summary, plots, texts to read, files to unfold."""
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>',
        f"<h1>{escape(title)}</h1>",
        f"<pre>{escape(chr(10).join(summary))}</pre>",
        "<h2>The last two minutes</h2>",
        *(plot(*one) for one in plots),
    ]
    for name, text in texts.items():
        parts.append(f"<h2>{escape(name)}</h2><pre>{escape(text)}</pre>")
    parts.append("<h2>Files</h2>")
    for name, text in files.items():
        parts.append(f"<details><summary>{escape(name)}</summary><pre>{escape(text)}</pre></details>")
    return "\n".join(parts) + "\n"
