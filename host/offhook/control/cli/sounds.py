"""``core show sounds``: the prompts that can be played, in which languages and formats."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from offhook.media.formats import format_for_extension
from offhook.modules import CommandError, Module, Request

module = Module("cli_sounds", "Commands about sound files")

_DESCRIPTION = re.compile(r"([^;:][^:]*):\s*(.+)")

Index = dict[str, dict[str, set[str]]]
"""Formats' names by sound and language."""


def index(folder: Path) -> Index:
    """What lies in the folders of languages below a folder. Blocks: run it off the loop."""
    found: Index = defaultdict(lambda: defaultdict(set))
    for path in folder.glob("*/**/*.*"):
        held = format_for_extension(path.suffix[1:])
        if held is not None and path.is_file():
            language, *name = path.relative_to(folder).with_suffix("").parts
            found["/".join(name)][language].add(held.name)
    return found


def description(folder: Path, language: str, sound: str) -> str:
    """What a prompt says, by the text files beside the prompts; "" when they do not tell."""
    for path in sorted((folder / language).glob("*sounds-*.txt")):
        for line in path.read_text("utf-8", "replace").splitlines():
            match = _DESCRIPTION.match(line)
            if match and match[1].strip() == sound:
                return match[2].strip()
    return ""


def _folder(pbx: Any) -> Path:
    return Path(pbx.prompts.directory)


@module.command("core show sounds", "Shows available sounds")
async def show_sounds(request: Request) -> None:
    """List the sound files that can be played by their names."""
    if request.args:
        raise request.usage()
    found = await request.pbx.off_loop(index, _folder(request.pbx))
    request.print("Available audio files:", *sorted(found))


def _names(pbx: Any, args: list[str], typed: str) -> Iterable[str]:
    if args:
        return ()
    folder = _folder(pbx) / pbx.prompts.default_language
    return sorted({str(path.relative_to(folder).with_suffix("")) for path in folder.glob(f"{typed}*.*")})


@module.command("core show sound <soundid>", "Shows details about a specific sound", complete=_names)
async def show_sound(request: Request) -> None:
    """Show what a prompt says, and the languages and formats that it is there in."""
    if len(request.args) != 1:
        raise request.usage()
    sound, folder = request.args[0], _folder(request.pbx)
    variants = (await request.pbx.off_loop(index, folder)).get(sound)
    if not variants:
        raise CommandError(f"ERROR: File {sound} not found in index")
    request.print(f"Indexed Information for {sound}:")
    for language, formats in sorted(variants.items()):
        request.print(f"  Language {language}:")
        if text := await request.pbx.off_loop(description, folder, language, sound):
            request.print(f"    Description: {text}")
        request.print(*(f"    Format: {name}" for name in sorted(formats)))
