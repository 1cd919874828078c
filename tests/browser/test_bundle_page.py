"""The page of a support bundle in a real browser: it draws its plots and needs nothing from anywhere.

The picture stays in build/pictures, for people to look at.
"""

from __future__ import annotations

import io
import math
import re
import struct
import subprocess
import tarfile
import xml.etree.ElementTree as ElementTree
import zlib
from html import escape
from pathlib import Path

import pytest

from offhook.field.diag.bundle import Ingredients, make
from offhook.field.diag.page import HEIGHT, WIDTH
from offhook.field.diag.recorder import Sample
from support import pictures
from support.browser import CHROMIUM

PICTURES = Path(__file__).resolve().parents[2] / "build/pictures"
STATUS = "System uptime: 3 days\nFXS 1:         with the exchange\nBattery:       on, 48.0 V, 30 mA\n"


def a_page(folder: Path) -> Path:
    """The page of a bundle with two minutes of a call's figures."""
    (folder / "etc").mkdir()
    (folder / "log").mkdir()
    (folder / "etc/pjsip.conf").write_text("[alice]\ntype = auth\npassword = tr0ub4dor\n")
    samples = [
        Sample(
            1_800_000_000.0 + at,
            2 if 30 < at < 90 else 0,
            5 + 4 * math.sin(at / 9),
            at % 3 / 10,
            42.0,
            0,
            {"DAHDI/1": (-22 + 6 * math.sin(at), -25 + 5 * math.cos(at / 2))} if 30 < at < 90 else {},
        )
        for at in range(120)
    ]
    lines = ["[Nov 28 12:00:00] NOTICE: trunk cloud is up after 0.4 s"]
    given = Ingredients({"Exchange": STATUS}, samples, lines, str(folder / "etc"), str(folder / "log"), 1_800_000_000.0)
    with tarfile.open(fileobj=io.BytesIO(make(given)), mode="r:gz") as archive:
        archive.extractall(folder, filter="data")
    return folder / "offhook-bundle/index.html"


def test_a_picture_of_its_plots_for_the_readme(tmp_path: Path) -> None:
    """The plots of the page as one picture of text, for a repository keeps no photographs."""
    page = ElementTree.fromstring(
        f"<page>{''.join(re.findall(r'<figure>.*?</figure>', a_page(tmp_path).read_text()))}</page>"
    )
    parts, height = [], 0
    for figure in page:
        plot, caption = figure.find("svg"), figure.find("figcaption")
        if plot is None or caption is None:
            continue
        parts.append(f'<rect x="16" y="{height + 16}" width="{WIDTH}" height="{HEIGHT}" fill="#f4f7fa"/>')
        for line in plot.iter("polyline"):
            points = " ".join(
                f"{float(x) + 16:.0f},{float(y) + height + 16:.0f}"
                for x, y in (pair.split(",") for pair in line.get("points", "").split())
            )
            parts.append(f'<polyline points="{points}" fill="none" stroke="{line.get("stroke")}" stroke-width="1.6"/>')
        text = escape("".join(caption.itertext()))
        parts.append(f'<text x="16" y="{height + HEIGHT + 34}" fill="#52616f" font-size="12">{text}</text>')
        height += HEIGHT + 34
    width = WIDTH + 32
    content = "\n".join(parts)
    pictures.keep(
        "bundle",
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height + 24}" width="{width}" '
        f'height="{height + 24}" role="img" font-family="sans-serif">\n<title>The plots of a support bundle</title>\n'
        f'<rect width="{width}" height="{height + 24}" fill="#fff"/>\n{content}\n</svg>\n',
    )
    assert "Line DAHDI/1" in content


def colours(path: Path) -> set[tuple[int, ...]]:
    """The colours of a PNG of eight bits a channel (filters 0 to 4, RFC 2083)."""
    data = path.read_bytes()
    width, _height, _depth, kind = struct.unpack(">IIBB", data[16:26])
    size = {2: 3, 6: 4}[kind]
    at, packed = 8, b""
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            packed += data[at + 8 : at + 8 + length]
        at += 12 + length
    rows, stride, before = zlib.decompress(packed), width * size, bytearray(width * size)
    found: set[tuple[int, ...]] = set()
    for start in range(0, len(rows), stride + 1):
        how, row = rows[start], bytearray(rows[start + 1 : start + 1 + stride])
        for index in range(stride):
            left = row[index - size] if index >= size else 0
            up, corner = before[index], before[index - size] if index >= size else 0
            row[index] = row[index] + (0, left, up, (left + up) // 2, _paeth(left, up, corner))[how] & 0xFF
        found |= {tuple(row[index : index + 3]) for index in range(0, stride, size)}
        before = row
    return found


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda one: abs(guess - one))


@pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium")
def test_the_bundle_opens_as_one_page(tmp_path: Path) -> None:
    page = a_page(tmp_path)
    PICTURES.mkdir(parents=True, exist_ok=True)
    picture = PICTURES / "bundle.png"
    picture.unlink(missing_ok=True)
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=900,1100"]
    run = subprocess.run(
        [CHROMIUM, *options, f"--user-data-dir={tmp_path}/profile", f"--screenshot={picture}", page.as_uri()],
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert picture.exists(), run.stderr[-2000:]
    assert (0x17, 0x69, 0xAA) in colours(picture), "the plots' line is there"
    text = page.read_text()
    assert "tr0ub4dor" not in text
    assert not [word for word in ("http://", "https://", "src=", "@import") if word in text]
