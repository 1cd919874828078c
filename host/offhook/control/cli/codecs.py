"""``core show codecs``, ``file formats`` and ``translation``: what media can be carried and converted."""

from __future__ import annotations

from typing import Any

from offhook.media.formats import ALL, Format, Kind, format_named
from offhook.modules import CommandError, Module, Request

module = Module("cli_codecs", "Commands about media formats")


@module.command("core show codecs [audio|video|image|text]", "Displays a list of registered codecs")
def show_codecs(request: Request) -> None:
    """List the codecs, all or those of one kind."""
    kind = request.args[0].lower() if request.args else ""
    if len(request.args) > 1:
        raise request.usage()
    request.print(
        "Disclaimer: this command is for informational purposes only.",
        "\tIt does not indicate anything about your configuration.",
        f"{'ID':>8} {'TYPE':<5} {'NAME':<12} {'FORMAT':<16} {'QUALITY':>7} DESCRIPTION",
        "-" * 96,
    )
    for codec in ALL:
        if not kind or codec.kind == kind:
            request.print(
                f"{codec.number:>8} {codec.kind:<5} {codec.family:<12} {codec.name:<16} "
                f"{codec.quality:>7} ({codec.description})"
            )


@module.command("core show codec <number>", "Shows a specific codec")
def show_codec(request: Request) -> None:
    """Show one codec by its number."""
    if len(request.args) != 1 or not request.args[0].isdigit():
        raise request.usage()
    number = int(request.args[0])
    codec = next((one for one in ALL if one.number == number), None)
    if codec is None:
        request.print(f"Codec {number} not found")
    else:
        request.print(f"{number:>11} {codec.description} ({codec.name})")


@module.command("core show file formats", "Displays file formats")
def show_file_formats(request: Request) -> None:
    """List the formats of sound files and the endings of their names."""
    if request.args:
        raise request.usage()
    row = "{:<10} {:<10} {:<20}"
    request.print(row.format("Format", "Name", "Extensions"), row.format("------", "----", "----------"))
    shown = [codec for codec in ALL if codec.extensions]
    for codec in shown:
        request.print(row.format(codec.name, codec.extensions[0], "|".join(codec.extensions)))
    request.print(f"{len(shown)} file formats registered.")


def _audio(pbx: Any) -> list[Format]:
    """Audio formats that the engine of this build decodes."""
    engine = getattr(pbx, "engine", None)
    return [codec for codec in ALL if codec.kind == Kind.AUDIO and (engine is None or engine.can_decode(codec))]


@module.command("core show translation [recalc] [paths <codec>]", "Display translation matrix")
def show_translation(request: Request) -> None:
    """Show which formats can be converted to which.

    Everything is converted by way of signed linear audio: the number is 1 when one step is enough, 2 when there
    are two. "paths" names the steps from one codec to every other. "recalc" is taken for compatibility.
    """
    args = [arg.lower() for arg in request.args]
    codecs = _audio(request.pbx)
    if args[:1] == ["paths"] and len(args) in (2, 3):
        _paths(request, codecs, args[1])
        return
    if args and args[0] != "recalc":
        raise request.usage()
    request.print(
        "         Translation times between formats (in microseconds) for one second of data",
        "          Source Format (Rows) Destination Format (Columns)",
        "",
    )
    width = max((len(codec.name) for codec in codecs), default=0)
    request.print(" " * width + "".join(f" {codec.name:>{max(5, len(codec.name))}}" for codec in codecs))
    for source in codecs:
        cells = (_steps(source, target) for target in codecs)
        request.print(
            f"{source.name:>{width}}"
            + "".join(f" {cell or '-':>{max(5, len(target.name))}}" for cell, target in zip(cells, codecs, strict=True))
        )


def _steps(source: Format, target: Format) -> int:
    if source is target:
        return 0
    return 1 if source.is_linear or target.is_linear else 2


def _paths(request: Request, codecs: list[Format], name: str) -> None:
    try:
        source = format_named(name)
    except KeyError:
        raise CommandError(f'Source codec "{name}" is not found.') from None
    request.print(f'--- Translation paths SRC Codec "{name}" sample rate {source.rate} ---')
    for target in codecs:
        if target is not source:
            between = [] if source.is_linear or target.is_linear else [f"(slin@{source.rate})"]
            path = "->".join([f"({source.name}@{source.rate})", *between, f"({target.name}@{target.rate})"])
            request.print(f"\t{source.name:<16.16} To {target.name:<16.16}: {path:<60.60}")
