"""``core show codecs``, ``file formats`` and ``translation``: what media can be carried and converted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from offhook.media.formats import ALL, FILE_FORMATS, Format, Kind
from offhook.media.translation import Translations
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
    engine = getattr(request.pbx, "engine", None)
    shown = [each for each in FILE_FORMATS if engine is None or engine.knows_file(each.extensions[0])]
    for each in shown:
        request.print(row.format(each.format, each.name, "|".join(each.extensions)))
    request.print(f"{len(shown)} file formats registered.")


def _usable(pbx: Any) -> list[Format]:
    """Audio formats that are decoded and encoded here."""
    engine = getattr(pbx, "engine", None)
    return [each for each in ALL if each.kind == Kind.AUDIO and (engine is None or engine.can_decode(each))]


@module.command(
    "core show translation [recalc [<seconds>] | comp [<seconds>] | paths <codec> [<rate>]]",
    "Display translation matrix",
    complete=lambda pbx, before, word: _complete_translation(before),
)
async def show_translation(request: Request) -> None:
    """Show what it costs to convert formats into each other.

    The numbers rank paths: steps that lose something or change the rate cost more. "comp" shows microseconds of
    processor time for a second of sound instead, measured on this machine. "paths" names the steps from one codec to
    every other; a codec of several rates is named with its rate. "recalc" is the table without more.
    """
    args = [arg.lower() for arg in request.args]
    usable = _usable(request.pbx)
    if args[:1] == ["paths"] and len(args) in (2, 3):
        _paths(request, usable, args[1], args[2] if len(args) == 3 else "")
        return
    if args and (args[0] not in ("recalc", "comp") or len(args) > 2):
        raise request.usage()
    if args:
        request.print(f"         Recalculating Codec Translation (number of sample seconds: {_seconds(args)})", "")
    request.print(
        "         Translation times between formats (in microseconds) for one second of data",
        "          Source Format (Rows) Destination Format (Columns)",
        "",
    )
    ranked = Translations(usable).cost
    cost = await request.pbx.off_loop(_measured, request.pbx.engine, usable) if args[:1] == ["comp"] else ranked
    width = max(7, *(len(codec.name) for codec in ALL if codec.kind == Kind.AUDIO))
    labels = [_label(codec) for codec in usable]
    columns = [max(5, len(label)) for label in labels]
    request.print(" " * (width + 1) + "".join(f" {label:>{size}}" for label, size in zip(labels, columns, strict=True)))
    for source, label in zip(usable, labels, strict=True):
        cells = (cost(source, target) or "-" for target in usable)
        request.print(f" {label:>{width}}" + "".join(f" {cell:>{n}}" for cell, n in zip(cells, columns, strict=True)))


_MOST_SECONDS = 1600


def _seconds(args: list[str]) -> int:
    given = int(args[1]) if len(args) > 1 and args[1].isdigit() else 1
    return min(max(given, 1), _MOST_SECONDS)


def _label(codec: Format) -> str:
    """A codec of several rates is shown with its rate in kHz, the first too."""
    return f"{codec.family}{codec.rate // 1000}" if codec.family in ("slin", "speex", "silk") else codec.name


def _measured(engine: Any, usable: list[Format]) -> Callable[[Format, Format], int | None]:
    def cost(source: Format, target: Format) -> int | None:
        if source is target:
            return None
        if (source, target) in exchanging:
            return exchanging[source, target]
        out = target.rate if (source, target.rate) in decoding else source.rate
        into = out if (target, out) in encoding else target.rate
        took: int = decoding[source, out] + resampling[out, into] + encoding[target, into]
        return max(1, took)

    rates = sorted({each.rate for each in usable})
    coded = [(each, rate) for each in usable for rate in rates if rate == each.rate or engine.codes_at(each, rate)]
    decoding, encoding = (
        {(each, rate): 0 if each.is_linear else engine.coding_cost(each, rate, encode=encode) for each, rate in coded}
        for encode in (False, True)
    )
    exchanging: dict[tuple[Format, Format], int] = {
        (one, two): max(1, took)
        for one in usable
        for two in usable
        if one is not two and (took := engine.exchanging_cost(one, two)) is not None
    }
    resampling = {(one, two): engine.resampling_cost(one, two) if one != two else 0 for one in rates for two in rates}
    return cost


def _paths(request: Request, usable: list[Format], name: str, rate: str) -> None:
    source = next(
        (
            each
            for each in ALL
            if each.kind == Kind.AUDIO and name in (each.family, each.name) and rate in ("", str(each.rate))
        ),
        None,
    )
    if source is None:
        raise CommandError(f'Source codec "{name}" is not found.')
    request.print(f'--- Translation paths SRC Codec "{source.family}" sample rate {source.rate} ---')
    translations = Translations(usable)
    for target in ALL:
        if target is source or target.kind != Kind.AUDIO:
            continue
        steps = "->".join(f"({each.family}@{each.rate})" for each in translations.path(source, target))
        text = steps if source in usable and target in usable else "No Translation Path"
        here, there = (f"{each.family}:{each.rate}" for each in (source, target))
        request.print(f"\t{here:<16.16} To {there:<16.16}: {text:<60.60}")


def _complete_translation(before: list[str]) -> list[str]:
    if not before:
        return ["comp", "paths", "recalc"]
    return sorted({each.family for each in ALL if each.kind == Kind.AUDIO}) if before == ["paths"] else []
