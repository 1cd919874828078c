"""The classes of musiconhold.conf: what they say, and the files they have."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from offhook.config.model import ConfigError, ConfigFile, Section
from offhook.config.options import Schema, choice, flag, integer, string
from offhook.media.formats import FORMATS, format_for_extension
from offhook.media.moh import MohClass
from offhook.services.music_songs import is_remote

log = logging.getLogger(__name__)

FILE = "musiconhold.conf"
PROGRAM_MODES = ("custom", "mp3", "mp3nb", "quietmp3", "quietmp3nb", "httpmp3")
NO_FOLDER = "nodir"
_HEARD = ("ulaw", "alaw")
"""What a program may write beside linear formats."""

SCHEMA = Schema("res_musiconhold", FILE, "Music on hold")
GENERAL = SCHEMA.type("general", "All classes")
GENERAL.option("preferchannelclass", flag(), True, "CHANNEL(musicclass) goes before the class an application asks for.")
GENERAL.option("cachertclasses", flag(), False, "Of classes in databases, which are not there: no effect.")
_CLASS = SCHEMA.type("class", "A class of music")
_CLASS.option(
    "mode",
    choice("files", "playlist", *PROGRAM_MODES),
    "",
    "Where the music comes from: files of a directory, the entries of a playlist, or a program.",
)
_CLASS.option("directory", string(), "", "Folder of the files, below astdatadir unless it is absolute; an http:// URL.")
_CLASS.option("entry", string(), (), "A file, or a URL, of a playlist, in order.", many=True)
_CLASS.option("sort", choice("alpha", "random", "randstart"), "", "Order of the files.")
_CLASS.option("random", flag(), False, "As sort=random.")
_CLASS.option("loop_last", flag(), False, "The last file goes on for ever.")
_CLASS.option("digit", string(), "", "A listener who presses it changes to this class.")
_CLASS.option("announcement", string(), "", "A prompt before each file.")
_CLASS.option("answeredonly", flag(), False, "Play to answered channels only.")
_CLASS.option(
    "application",
    string(),
    "",
    "The program of mode custom, with arguments, which writes sound to its standard output; arguments of mpg123 (with "
    "commas between) in the modes of mp3.",
)
_CLASS.option("format", string(), "slin", "What the program writes: a linear format, ulaw or alaw.")
_CLASS.option("kill_escalation_delay", integer(0, unit="ms"), 100, "Between SIGHUP, SIGTERM and SIGKILL to a program.")
_CLASS.option("kill_method", choice("process_group", "process"), "process_group", "Who gets these signals.")
_CLASS.option("name", string(), "", "Of classes in databases: the section's name counts here.")


@dataclass(slots=True)
class Classes:
    """What a musiconhold.conf says."""

    prefers_channel: bool = True
    files: dict[str, tuple[MohClass, tuple[str, ...]]] = field(default_factory=dict)
    programs: dict[str, MohClass] = field(default_factory=dict)


def read_classes(config: ConfigFile, base: Path) -> Classes:
    """Relative directories are below ``base``. Looks at the disk; complains in the log."""
    found, errors = Classes(), list[ConfigError]()
    for section in config:
        if section.name == "general":
            found.prefers_channel = GENERAL.apply(section, errors)["preferchannelclass"]
        elif not section.template:
            try:
                _read(found, section, _CLASS.apply(section, errors), base)
            except ValueError as error:
                log.warning("%s:%d: music class %r: %s", section.file, section.line, section.name, error)
    for complaint in errors:
        log.warning("%s", complaint)
    return found


def _read(found: Classes, section: Section, values: dict[str, Any], base: Path) -> None:
    """Take one class in. Raises ValueError with a phrase."""
    mode, digit = values["mode"], values["digit"]
    if not mode:
        raise ValueError("it has no mode; files, playlist and custom are the usual ones")
    music_class = MohClass(
        section.name,
        mode=mode,
        directory=values["directory"] or (NO_FOLDER if mode in ("custom", "playlist") else ""),
        entries=tuple(values["entry"]),
        sort=values["sort"] or ("random" if values["random"] else ""),
        digit=digit if len(digit) == 1 and digit in "0123456789*#" else "",
        application=values["application"],
        announcement=values["announcement"],
        answered_only=values["answeredonly"],
        loop_last=values["loop_last"],
        format=values["format"],
        kill_delay_ms=values["kill_escalation_delay"],
        kill_method=values["kill_method"],
    )
    if mode in PROGRAM_MODES:
        if mode == "custom" and not music_class.application:
            raise ValueError("it has no application, which mode custom needs")
        if not music_class.directory:
            raise ValueError("it has no directory")
        sound = FORMATS.get(music_class.format)
        if sound is None or (sound.family != "slin" and sound.name not in _HEARD):
            raise ValueError(f"format = {music_class.format}: a program writes slin, slin16 and the like, ulaw or alaw")
        found.programs[section.name] = music_class
        return
    if mode == "files":
        files = files_in(base / (music_class.directory or "moh"))
    else:
        files = [path for entry in music_class.entries if (path := _entry(entry, base))]
    if music_class.sort in ("alpha", "randstart"):
        files.sort(key=str.lower)
    if not files:
        log.warning("%s:%d: music class %r has nothing to play", section.file, section.line, section.name)
    found.files[section.name] = (music_class, tuple(files))


def files_in(folder: Path) -> list[str]:
    """One file a name, in the format that is cheapest to play."""
    try:
        found = sorted(
            path
            for path in folder.iterdir()
            if path.is_file() and not path.name.startswith(".") and format_for_extension(path.suffix[1:])
        )
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
    if is_remote(entry):
        return entry
    path = base / entry if not entry.startswith("/") else Path(entry)
    if path.is_file():
        return str(path)
    matches = sorted(path.parent.glob(path.name + ".*")) if path.parent.is_dir() else []
    matches = [match for match in matches if format_for_extension(match.suffix[1:])]
    if not matches:
        log.warning("music on hold: no file %s", path)
        return ""
    return str(min(matches, key=_rank))
