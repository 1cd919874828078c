"""The support bundle: an archive with one page to read and what it was made of, without secrets, of bounded size."""

from __future__ import annotations

import io
import os
import platform
import subprocess
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from offhook import ASTERISK_VERSION, __version__
from offhook.field.diag.page import Plot, levels, page
from offhook.field.diag.redact import redacted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offhook.field.diag.recorder import Sample

MOST_FILE: Final = 200_000
MOST: Final = 4_000_000
"""Bytes before compression; what is beyond is left out by name."""
LOG_BYTES: Final = 300_000
LEVELS_S: Final = 60


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What the loop has gathered; the rest is read by ``make`` on a worker thread."""

    commands: Mapping[str, str]
    """Command -> what it answered."""
    samples: Sequence[Sample]
    lines: Sequence[str]
    etc: str
    log: str
    wall: float


def make(given: Ingredients) -> bytes:
    """The archive (tar.gz)."""
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(given.wall))
    host = platform.node()
    summary = [
        f"Host:     {host}, {platform.machine()}, kernel {platform.release()}",
        f"Made:     {stamp} UTC",
        f"Offhook:  {__version__}, speaking as Asterisk {ASTERISK_VERSION}",
        f"Python:   {platform.python_version()}",
    ]
    events = "\n".join(given.lines)
    texts = {name: redacted(text) for name, text in given.commands.items()}
    texts["Last events"] = redacted(events[-60_000:])
    files = {f"etc/{name}": text for name, text in _configuration(Path(given.etc))}
    files |= {f"log/{name}": text for name, text in _logs(Path(given.log))}
    files["dmesg"] = _kernel_log()
    samples = given.samples
    plots = [
        Plot("Channels", {"": [float(sample.channels) for sample in samples]}),
        Plot("Processor", {"": [sample.cpu for sample in samples]}, "% of a core"),
        Plot("Delay of the event loop", {"": [sample.lag_ms for sample in samples]}, "ms"),
        Plot("Memory", {"": [sample.memory_mb for sample in samples]}, "MB"),
        Plot("Late ticks of the media engine", {"": [float(sample.late_ticks) for sample in samples]}, "a second"),
        *(levels(line, *both) for line, both in _levels(samples[-LEVELS_S:]).items()),
    ]
    left_out = _fit(files, MOST - sum(len(text) for text in texts.values()))
    if left_out:
        texts["Left out, for the bundle would be too large"] = "\n".join(left_out)
    out = {"index.html": page(f"Offhook on {host}", summary, plots, texts, files)}
    out |= {f"files/{name}": text for name, text in files.items()}
    out["levels.csv"] = "wall,line,in_dbm0,out_dbm0\n" + "".join(
        f"{s.wall:.0f},{line},{said:.1f},{heard:.1f}\n" for s in samples for line, (said, heard) in s.levels.items()
    )
    out["figures.csv"] = "wall,channels,cpu_percent,lag_ms,memory_mb,late_ticks\n" + "".join(
        f"{s.wall:.0f},{s.channels},{s.cpu:.1f},{s.lag_ms:.1f},{s.memory_mb:.1f},{s.late_ticks}\n" for s in samples
    )
    return _archive(out, int(given.wall))


def _levels(samples: Sequence[Sample]) -> dict[str, tuple[list[float | None], list[float | None]]]:
    """What each line that had a call said and heard, a value for each sample."""
    lines = sorted({line for sample in samples for line in sample.levels})
    nothing = (None, None)
    return {
        line: (
            [sample.levels.get(line, nothing)[0] for sample in samples],
            [sample.levels.get(line, nothing)[1] for sample in samples],
        )
        for line in lines
    }


def _configuration(etc: Path) -> list[tuple[str, str]]:
    found = []
    for path in sorted(etc.glob("*.conf")):
        text = _read(path)
        found.append((path.name, redacted(text, mailboxes=path.name == "voicemail.conf")))
    return found


def _logs(folder: Path) -> list[tuple[str, str]]:
    found = []
    for path in sorted(folder.glob("*")):
        if path.is_file() and path.suffix not in (".csv", ".db", ".sqlite3", ".pcap", ".1", ".gz"):
            found.append((path.name, redacted(_read(path, LOG_BYTES))))
    return found


def _read(path: Path, most: int = MOST_FILE) -> str:
    """The end of a file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - most))
            text = file.read(most).decode("utf-8", "replace")
    except OSError as error:
        return f"cannot be read: {error.strerror}\n"
    return f"(the last {most} of {size} bytes)\n{text}" if size > most else text


def _kernel_log() -> str:
    try:
        done = subprocess.run(["dmesg"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"cannot be read: {error}\n"
    return done.stdout[-MOST_FILE:] if not done.returncode else f"cannot be read: {done.stderr}"


def _fit(files: dict[str, str], room: int) -> list[str]:
    """Take out the largest files until the rest fits twice (in the page and beside it); their names."""
    left_out = []
    while files and 2 * sum(len(text) for text in files.values()) > room:
        name = max(files, key=lambda one: len(files[one]))
        left_out.append(f"{name} ({len(files.pop(name))} bytes)")
    return left_out


def _archive(files: Mapping[str, str], when: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=6) as archive:
        for name, text in files.items():
            data = text.encode("utf-8", "replace")
            entry = tarfile.TarInfo(f"offhook-bundle/{name}")
            entry.size, entry.mtime, entry.mode = len(data), when, 0o644
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()
