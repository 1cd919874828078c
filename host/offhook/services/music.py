"""Music on hold: the classes of musiconhold.conf, and the applications that play them."""

from __future__ import annotations

import asyncio
import logging
import random
from pathlib import Path

from offhook.calls.channel import Channel
from offhook.calls.pbx import Pbx
from offhook.media.moh import MohClass, MohSource, MusicSource
from offhook.modules import Module, Request, Syntax
from offhook.services.music_classes import FILE, Classes, files_in, read_classes
from offhook.services.music_programs import MusicProgram
from offhook.services.music_songs import Songs

log = logging.getLogger(__name__)
module = Module("res_musiconhold", "Music On Hold Resource", priority=10)


class Music:
    """The music classes, with the files each had when they were read, and the programs that run."""

    def __init__(self, pbx: Pbx) -> None:
        self.prefers_channel = True
        self.digits: dict[str, str] = {}
        self._pbx = pbx
        self._classes: dict[str, tuple[MohClass, tuple[str, ...]]] = {}
        self._programs: dict[str, MusicProgram] = {}
        self._songs = Songs(pbx)

    def source(self, name: str, language: str = "") -> MusicSource | None:
        """A new listener's place in a class; None when there is no such class or it has nothing to play."""
        if name in self._programs:
            return self._programs[name].stream
        found = self._classes.get(name)
        if found is None:
            return None
        music_class, files = found[0], self._songs.here(found[1])
        if not files:
            return None
        start = random.randrange(len(files)) if music_class.sort == "randstart" else 0
        announcement = ""
        if music_class.announcement:
            prompt = self._pbx.prompts.find(music_class.announcement, language)
            if prompt is None:
                log.warning("music class %r: no prompt is called %r", name, music_class.announcement)
            else:
                announcement = prompt.path
        return MohSource(music_class, files, start, announcement=announcement)

    def replace(self, classes: Classes, base: Path) -> None:
        """Take new classes; who listens goes on with what it has. A program whose class is as before runs on."""
        self.prefers_channel = classes.prefers_channel
        self._classes = classes.files
        self._songs.expect(song for _, files in classes.files.values() for song in files)
        programs, self._programs = self._programs, {}
        for name, music_class in classes.programs.items():
            running = programs.pop(name, None)
            if running is None or running.music_class != music_class:
                if running is not None:
                    running.retire()
                running = MusicProgram(self._pbx, music_class, base)
                running.start()
            self._programs[name] = running
        for gone in programs.values():
            gone.retire()
        self.digits = {one.digit: one.name for one, _ in reversed(self.items()) if one.digit}

    async def end(self) -> None:
        """No class is left, and no program runs."""
        programs, self._programs, self._classes = self._programs, {}, {}
        await asyncio.gather(*(one.end() for one in programs.values()))

    def items(self) -> list[tuple[MohClass, tuple[str, ...]]]:
        """Classes with their files (none of programs), by name."""
        found = {**self._classes, **{name: (one.music_class, ()) for name, one in self._programs.items()}}
        return [found[name] for name in sorted(found)]


def _read(pbx: Pbx) -> Classes:
    base = Path(pbx.paths.data)
    config = pbx.config.load(FILE, module.name)
    classes = read_classes(config, base) if config is not None else Classes()
    if "default" not in {*classes.files, *classes.programs} and (base / "moh").is_dir():
        classes.files["default"] = (MohClass("default", directory="moh"), tuple(files_in(base / "moh")))
    return classes


@module.on_load
@module.on_reload
async def read(pbx: Pbx) -> None:
    """Read the classes, at first or again."""
    if not isinstance(pbx.parts.get("music"), Music):
        pbx.music = pbx.parts["music"] = Music(pbx)
    pbx.parts["music"].replace(await pbx.off_loop(_read, pbx), Path(pbx.paths.data))


@module.on_unload
async def unload(pbx: Pbx) -> None:
    """End the programs."""
    await pbx.parts["music"].end()


@module.application("MusicOnHold", Syntax("[class]", "[duration]", duration="Seconds."), see_also=("StartMusicOnHold",))
async def music_on_hold(channel: Channel, name: str = "", duration: str = "") -> None:
    """Play music on hold until the caller hangs up or a number of seconds have passed.

    The channel's own music class goes before the one given, unless preferchannelclass is no in musiconhold.conf.
    Does not answer the channel.
    """
    if not channel.pbx.start_music(channel, name):
        log.warning("%s: MusicOnHold(%s): there is nothing to play", channel.name, name)
        return
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
    for one, _ in request.pbx.parts["music"].items():
        request.print(f"Class: {one.name}", f"\tMode: {one.mode}", f"\tDirectory: {one.directory or '<none>'}")
        if one.announcement:
            request.print(f"\tAnnouncement: {one.announcement}")
        if one.mode == "custom":
            request.print(
                f"\tApplication: {one.application}",
                f"\tKill Escalation Delay: {one.kill_delay_ms} ms",
                f"\tKill Method: {one.kill_method}",
            )
        if one.mode != "files":
            request.print(f"\tFormat: {one.format}")


@module.command("moh show files")
def moh_show_files(request: Request) -> None:
    """List the files of music on hold classes.

    Shows each class and the files it plays.
    """
    for music_class, files in request.pbx.parts["music"].items():
        if files:
            request.print(f"Class: {music_class.name}", *(f"\tFile: {name}" for name in files))


@module.command("moh reload")
async def moh_reload(request: Request) -> None:
    """Read musiconhold.conf again.

    Who listens at the moment goes on as before.
    """
    await request.pbx.loader.reload(module.name)
