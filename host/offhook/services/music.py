"""Music on hold: the classes of musiconhold.conf, and the applications that play them."""

from __future__ import annotations

import asyncio
import logging
import random
from pathlib import Path

from offhook.calls.channel import Channel
from offhook.calls.pbx import Pbx
from offhook.config.model import ConfigFile
from offhook.media.formats import format_for_extension
from offhook.media.moh import MohClass, MohSource
from offhook.modules import Module, Request, Syntax

log = logging.getLogger(__name__)
module = Module("res_musiconhold", "Music On Hold Resource", priority=10)

_SORTS = ("alpha", "random", "randstart")


class Music:
    """The music classes, with the files each had when they were read."""

    def __init__(self) -> None:
        self._classes: dict[str, tuple[MohClass, tuple[str, ...]]] = {}

    def source(self, name: str) -> MohSource | None:
        """A new listener's place in a class; None when there is no such class or it has nothing to play."""
        found = self._classes.get(name)
        if found is None or not found[1]:
            return None
        music_class, files = found
        if music_class.sort == "random":
            files = tuple(random.sample(files, len(files)))
        start = random.randrange(len(files)) if music_class.sort == "randstart" else 0
        return MohSource(music_class, files, start)

    def replace(self, classes: dict[str, tuple[MohClass, tuple[str, ...]]]) -> None:
        """Take new classes; who listens goes on with what it has."""
        self._classes = classes

    def items(self) -> list[tuple[MohClass, tuple[str, ...]]]:
        """Classes with their files, by name."""
        return [self._classes[name] for name in sorted(self._classes)]


def read_classes(config: ConfigFile, base: Path) -> dict[str, tuple[MohClass, tuple[str, ...]]]:
    """The classes of a musiconhold.conf; relative directories are below ``base``. Looks at the disk."""
    classes: dict[str, tuple[MohClass, tuple[str, ...]]] = {}
    for section in config:
        if section.name == "general" or section.template:
            continue
        values = {entry.name.lower(): entry.value for entry in section}
        entries = tuple(entry.value for entry in section if entry.name.lower() == "entry")
        mode = values.get("mode", "").lower()
        if not mode:
            log.warning(
                "%s:%d: music class %r has no mode; files or playlist", section.file, section.line, section.name
            )
            continue
        sort = values.get("sort", "random" if values.get("random", "").lower() in ("yes", "true") else "").lower()
        music_class = MohClass(
            section.name,
            mode=mode,
            directory=values.get("directory", ""),
            entries=entries,
            sort=sort if sort in _SORTS else "",  # type: ignore[arg-type]
            digit=values.get("digit", ""),
            application=values.get("application", ""),
            announcement=values.get("announcement", ""),
            answered_only=values.get("answeredonly", "").lower() in ("yes", "true"),
            loop_last=values.get("loop_last", "").lower() in ("yes", "true"),
            format=values.get("format", "slin"),
        )
        if mode == "files":
            files = _files(base / (music_class.directory or "moh"))
        elif mode == "playlist":
            files = [found for entry in entries if (found := _entry(entry, base))]
        else:
            log.warning(
                "%s:%d: music class %r: mode %r is not supported; files and playlist are",
                section.file,
                section.line,
                section.name,
                mode,
            )
            continue
        if sort == "alpha":
            files.sort()
        if not files:
            log.warning("%s:%d: music class %r has nothing to play", section.file, section.line, section.name)
        classes[section.name] = (music_class, tuple(files))
    return classes


def _files(folder: Path) -> list[str]:
    """One file a name, in the format that is cheapest to play."""
    try:
        found = sorted(path for path in folder.iterdir() if path.is_file() and format_for_extension(path.suffix[1:]))
    except OSError as error:
        log.warning("music on hold: cannot read %s: %s", folder, error.strerror)
        return []
    best: dict[str, Path] = {}
    for path in found:
        kept = best.get(path.stem)
        if kept is None or _rank(path) < _rank(kept):
            best[path.stem] = path
    return [str(path) for path in best.values()]


def _rank(path: Path) -> int:
    order = ("ulaw", "alaw", "wav", "sln", "g722", "gsm")
    return order.index(path.suffix[1:]) if path.suffix[1:] in order else len(order)


def _entry(entry: str, base: Path) -> str:
    if "://" in entry:
        log.warning("music on hold: %s: playing from the web is not supported; give a file", entry)
        return ""
    path = base / entry if not entry.startswith("/") else Path(entry)
    if path.is_file():
        return str(path)
    matches = sorted(path.parent.glob(path.name + ".*")) if path.parent.is_dir() else []
    matches = [match for match in matches if format_for_extension(match.suffix[1:])]
    if not matches:
        log.warning("music on hold: no file %s", path)
        return ""
    return str(min(matches, key=_rank))


def _read(pbx: Pbx) -> dict[str, tuple[MohClass, tuple[str, ...]]]:
    base = Path(pbx.paths.data)
    config = pbx.config.load("musiconhold.conf", module.name)
    classes = read_classes(config, base) if config is not None else {}
    if "default" not in classes and (base / "moh").is_dir():
        classes["default"] = (MohClass("default", directory="moh"), tuple(_files(base / "moh")))
    return classes


@module.on_load
@module.on_reload
async def read(pbx: Pbx) -> None:
    """Read the classes, at first or again."""
    if not isinstance(pbx.parts.get("music"), Music):
        pbx.music = pbx.parts["music"] = Music()
    pbx.parts["music"].replace(await pbx.off_loop(_read, pbx))


@module.application("MusicOnHold", Syntax("[class]", "[duration]", duration="Seconds."), see_also=("StartMusicOnHold",))
async def music_on_hold(channel: Channel, name: str = "", duration: str = "") -> None:
    """Play music on hold until the caller hangs up or a number of seconds have passed.

    Without a class, the channel's music class is played. Does not answer the channel.
    """
    channel.pbx.start_music(channel, name)
    try:
        if duration:
            await channel.sleep(float(duration))
        else:
            await asyncio.get_running_loop().create_future()
    finally:
        channel.pbx.stop_music(channel)


@module.application("StartMusicOnHold", Syntax("[class]"), see_also=("StopMusicOnHold",))
def start_music_on_hold(channel: Channel, name: str = "") -> None:
    """Play music on hold to the caller while the dialplan goes on."""
    channel.pbx.start_music(channel, name)


@module.application("StopMusicOnHold", see_also=("StartMusicOnHold",))
def stop_music_on_hold(channel: Channel) -> None:
    """Stop the music on hold that the caller hears."""
    channel.pbx.stop_music(channel)


@module.command("moh show classes")
def moh_show_classes(request: Request) -> None:
    """List music on hold classes.

    Shows each class with its mode and directory.
    """
    for music_class, _ in request.pbx.music.items():
        request.print(
            f"Class: {music_class.name}", f"\tMode: {music_class.mode}", f"\tDirectory: {music_class.directory}"
        )


@module.command("moh show files")
def moh_show_files(request: Request) -> None:
    """List the files of music on hold classes.

    Shows each class and the files it plays.
    """
    for music_class, files in request.pbx.music.items():
        request.print(f"Class: {music_class.name}", *(f"\tFile: {name}" for name in files))


@module.command("moh reload")
async def moh_reload(request: Request) -> None:
    """Read musiconhold.conf again.

    Who listens at the moment goes on as before.
    """
    await request.pbx.loader.reload(module.name)
