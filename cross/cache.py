"""A folder of made things outside the checkout, each named after what it was made from.

``$OFFHOOK_CACHE`` or ``~/.cache/offhook``. A thing is a folder ``NAME-KEY``: KEY is a hash over the scripts and words
that made it, so a changed script makes a new one and an unchanged one is taken as it is. Making happens in
``NAME-KEY.new``, renamed when complete: what an interrupted run left is thrown away by the next.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
KEPT = 2  # generations of each thing; older ones are removed when a new one was made


def folder() -> Path:
    """The cache folder, made when it is missing."""
    path = Path(os.environ.get("OFFHOOK_CACHE") or Path.home() / ".cache/offhook").absolute()
    path.mkdir(parents=True, exist_ok=True)
    return path


def key(inputs: Iterable[str | Path]) -> str:
    """A hash over texts as they are and files by their content."""
    digest = hashlib.sha256()
    for item in inputs:
        content = item.read_bytes() if isinstance(item, Path) else item.encode()
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()[:16]


@contextmanager
def lock(name: str) -> Iterator[None]:
    """Only one process at a time makes a thing of this name."""
    locks = folder() / "locks"
    locks.mkdir(exist_ok=True)
    with (locks / name).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def made(name: str, inputs: Iterable[str | Path], make: Callable[[Path], None]) -> Path:
    """The folder of a thing; ``make`` fills it when there is none yet for these inputs."""
    place = folder() / f"{name}-{key(inputs)}"
    if place.is_dir():
        return place
    with lock(name):
        if place.is_dir():
            return place
        say(f"making {place.name}")
        began, spent = time.monotonic(), children_cpu()
        work = place.with_name(f"{place.name}.new")
        remove(work)
        work.mkdir()
        make(work)
        work.rename(place)
        say(f"{place.name}: {children_cpu() - spent:.0f} s of CPU, {time.monotonic() - began:.0f} s")
        forget(name, place)
    return place


def forget(name: str, keep: Path) -> None:
    """Remove all but the newest generations of a thing."""
    others = [path for path in folder().glob(f"{name}-{'?' * 16}") if path != keep]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in others[KEPT - 1 :]:
        remove(path)


def remove(path: Path) -> None:
    """Remove a folder and all in it, never through a mount: those of chroot.py are seen by their own command alone."""
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    if any(place == str(path) or place.startswith(f"{path}/") for place in mounts):
        raise SystemExit(f"{path}: something is mounted below it; unmount it and come back")
    shutil.rmtree(path, ignore_errors=True)


def children_cpu() -> float:
    """Seconds of CPU that the commands started from here have used."""
    times = os.times()
    return times.children_user + times.children_system


def say(text: str) -> None:
    """A line of progress."""
    print(f"cross: {text}", file=sys.stderr, flush=True)
