"""``lines scan``: hardware that is found becomes configuration: channels, their set-up, the numbers of boxes.

What a file says already stays as it is: channels that it does not name get sections of their own behind it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kernel_shims.dahdi.system_conf import SystemConf, ranges
from kernel_shims.line import SIGNALLINGS, LineError
from offhook.config.rewrite import write_file
from offhook.drivers.dahdi.astribank.attendant import PART as ASTRIBANKS
from offhook.drivers.dahdi.configuration.proposing import (
    CONTACTS,
    D_CHANNELS,
    FOUND,
    LINE_CODES,
    WORDS,
    Found,
    sections,
    whole,
)
from offhook.drivers.dahdi.configuration.reading import PSEUDO, read
from offhook.drivers.dahdi.hardware import find_conf, is_ours
from offhook.drivers.dahdi.module import FILE, module

if TYPE_CHECKING:
    from kernel_shims.line import SpanStatus
    from offhook.config.model import ConfigFile
    from offhook.drivers.dahdi.astribank.attendant import Astribanks
    from offhook.drivers.dahdi.lines import Lines


@dataclass(frozen=True, slots=True)
class Proposal:
    """A file as it would be."""

    path: Path
    wanted: str

    def difference(self) -> list[str]:
        """What would change in it, as a unified diff."""
        name = self.path.name
        there, wanted = (_shown(text).splitlines() for text in (_text(self.path), self.wanted))
        return list(difflib.unified_diff(there, wanted, name, f"{name} (found)", lineterm=""))

    def write(self) -> list[str]:
        """Write the file, whose present content is kept beside it; what was done, a sentence each. Blocks.

        Whenever power is cut, the file is the old or the new one. Raises LineError.
        """
        told = []
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.exists():
                kept = self.path.with_name(f"{self.path.name}.old")
                write_file(str(kept), _text(self.path))
                told.append(f"{self.path} is kept as {kept.name}")
            write_file(str(self.path), self.wanted)
        except OSError as error:
            raise LineError(
                f"{self.path} cannot be written: {error.strerror}; let the daemon's user write in {self.path.parent}, "
                "or put the lines above into the file yourself"
            ) from None
        return [*told, f"{self.path} is written"]


def proposals(lines: Lines) -> tuple[list[Proposal], list[str]]:
    """Every file that would change, and sentences about what Offhook may not write."""
    folder = Path(lines.pbx.config.etc_dir)
    found = [(span.number, span.description, _channels(lines, span)) for span in lines.system.spans()]
    text, told = _merged(lines, folder / FILE, found)
    out = []
    missing = [(span, [one for one in channels if not one.signalling and one.kind]) for span, _, channels in found]
    if any(channels for _, channels in missing):
        conf = find_conf(str(folder))
        if is_ours(lines.pbx, conf) or not Path(conf.path).exists():
            path = folder / "dahdi/system.conf"
            out.append(Proposal(path, _added(path, set_up(missing, conf), "loadzone=us", "defaultzone=us")))
        else:
            wanted = ", ".join(set_up(missing, conf))
            told.append(f"{conf.path} does not set up all channels; add {wanted} and run dahdi_cfg")
    boxes: Astribanks | None = lines.pbx.parts.get(ASTRIBANKS)
    if boxes is not None and boxes.ours:
        path = folder / "dahdi/assigned-spans.conf"
        out.append(Proposal(path, _added(path, list(numbers(boxes)))))
    # Last, for it speaks of channels that the others make.
    out.append(Proposal(folder / FILE, text))
    return [one for one in out if one.wanted and one.difference()], told


def _merged(lines: Lines, path: Path, found: list[tuple[int, str, list[Found]]]) -> tuple[str, list[str]]:
    """chan_dahdi.conf with the channels that it does not name yet, and a sentence about those that are not there."""
    there = _text(path)
    file = lines.pbx.config.load(FILE, module.name)
    named = read(file).channels if file is not None else {}
    here = {one.number for _, _, channels in found for one in channels}
    gone = sorted(number for number in named if number not in here and number != PSEUDO)
    told = [f"{FILE} names channels that are not there: {ranges(gone)}"] if gone else []
    if not _says_anything(file):
        return whole(found), told
    fresh = [
        (span, text, [one for one in channels if one.number not in named or one.kind in D_CHANNELS])
        for span, text, channels in found
    ]
    taken = {section.name.lower() for section in file} if file is not None else set()
    groups = [group for one in named.values() for group in one["group"]]
    added = sections(fresh, first_group=max(groups, default=0) + 1, taken=taken)
    return (f"{there.rstrip()}\n\n; {FOUND}\n{added}" if added else there), told


def _says_anything(file: ConfigFile | None) -> bool:
    """Whether a file has a line of its own."""
    return file is not None and any(len(list(section)) for section in file)


def _added(path: Path, lines: list[str], *once: str) -> str:
    """What a file says already, and lines it has not yet; ``once`` only into a fresh one."""
    there = _text(path)
    fresh = [line for line in lines if line not in there.splitlines()]
    if not fresh:
        return there
    return there + "\n".join([f"# {FOUND}", *fresh, *(() if there else once)]) + "\n"


def _text(path: Path) -> str:
    """A file as it is, octets that are no UTF-8 included; "" when there is none."""
    return path.read_bytes().decode("utf-8", "surrogateescape") if path.exists() else ""


def _shown(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def set_up(missing: list[tuple[int, list[Found]]], conf: SystemConf) -> list[str]:
    """Lines of system.conf for the channels, by span, that the driver has not set up."""
    words = {SIGNALLINGS[name]: word for name, word in WORDS.items()}
    clocks = max((span.timing for span in conf.spans), default=0)
    out = []
    for number, channels in missing:
        line = next((LINE_CODES[one.span] for one in channels if one.span), "")
        if line and not any(span.number == number for span in conf.spans):
            clocks += 1
            out.append(f"span={number},{clocks},0,{line}")
    every = [one for _, channels in missing for one in channels]
    for kind in sorted({one.kind for one in every}):
        out.append(f"{words[kind]}={ranges([one.number for one in every if one.kind == kind])}")
    return out


def numbers(boxes: Astribanks) -> Iterator[str]:
    """Lines of assigned-spans.conf: every box has its present numbers for ever."""
    spans = boxes.driver.spans()
    for box in boxes.driver.boxes():
        words = [
            f"{local}:{module.span}:{spans[module.span].start}"
            for local, module in enumerate(box.spans, 1)
            if module.span in spans
        ]
        if words:
            yield " ".join([box.identity, *words])


def _channels(lines: Lines, span: SpanStatus) -> list[Found]:
    """The channels of a span; those of a digital one that nobody set up as the kind of span by its size."""
    every = [lines.system.channel(number) for number in range(span.first, span.first + span.channels)]
    untouched = span.digital and not any(one.signalling for one in every)
    kind = next((kind for kind in LINE_CODES if kind.channels == span.channels), None) if untouched else None
    return [
        Found(one.number, one.signalling, one.capabilities, CONTACTS.get(one.name.partition("/")[0], ""), kind, place)
        for place, one in enumerate(every, 1)
    ]
