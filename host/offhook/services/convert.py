"""Converting sound files from the console."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from offhook.media.errors import EngineError
from offhook.modules import CommandError, Module, Request

module = Module("res_convert", "File format conversion CLI command")


def _named(pbx: Any, name: str) -> tuple[Path, str]:
    """A file's path (below the sounds when it is not absolute) and its extension."""
    path = Path(name) if os.path.isabs(name) else Path(pbx.paths.data) / "sounds" / name
    extension = path.suffix[1:]
    if not extension or not pbx.engine.knows_file(extension):
        raise CommandError(f"{name}: the ending names no sound format; core show file formats lists them")
    return path, extension


@module.command("file convert <file_in> <file_out>", "Convert audio file")
async def file_convert(request: Request) -> None:
    """Turn a sound file into one of another format; the endings of the names tell which.

    Names that are no absolute paths are looked up below the sounds of the data directory.
    """
    if len(request.args) != 2:
        raise request.usage()
    pbx = request.pbx
    (source, _), (target, extension) = (_named(pbx, name) for name in request.args)
    began = time.monotonic()
    try:
        await pbx.off_loop(pbx.engine.convert, source, target, extension)
    except EngineError as error:
        raise CommandError(str(error)) from None
    ms = int((time.monotonic() - began) * 1000)
    request.print(f"Converted {request.args[0]} to {request.args[1]} in {ms}ms")
