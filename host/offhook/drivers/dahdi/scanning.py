"""``lines scan``: hardware that is found becomes configuration: channels, their set-up, the numbers of boxes.

What a file says already stays as it is: channels that it does not name get sections of their own behind it.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kernel_shims.dahdi.system_conf import ranges
from kernel_shims.line import SIGNALLINGS, LineError
from offhook.drivers.dahdi.astribank.attendant import PART as ASTRIBANKS
from offhook.drivers.dahdi.hardware import find_conf, is_ours
from offhook.drivers.dahdi.module import FILE, module
from offhook.drivers.dahdi.proposing import CONTACTS, FOUND, WORDS, Found, sections, whole
from offhook.drivers.dahdi.reading import PSEUDO, read

if TYPE_CHECKING:
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
        there = self.path.read_text(encoding="utf-8", errors="replace") if self.path.exists() else ""
        name = self.path.name
        lines = difflib.unified_diff(there.splitlines(), self.wanted.splitlines(), name, f"{name} (found)", lineterm="")
        return list(lines)

    def write(self, report: Callable[[str], None]) -> None:
        """Write the file; the old one is kept beside it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists():
            kept = self.path.with_name(f"{self.path.name}.old")
            self.path.replace(kept)
            report(f"{self.path} is kept as {kept.name}")
        fresh = self.path.with_name(f"{self.path.name}.new")
        fresh.write_text(self.wanted, encoding="utf-8")
        fresh.replace(self.path)


def proposals(lines: Lines) -> tuple[list[Proposal], list[str]]:
    """Every file that would change, and sentences about what Offhook may not write."""
    folder = Path(lines.pbx.config.etc_dir)
    found = [
        (span.number, span.description, list(_channels(lines, span.first, span.channels)))
        for span in lines.system.spans()
    ]
    text, told = _merged(lines, folder / FILE, found)
    out = [Proposal(folder / FILE, text)]
    missing = [one for _, _, channels in found for one in channels if not one.signalling and one.kind]
    if missing:
        conf = find_conf(str(folder))
        if is_ours(lines.pbx, conf) or not Path(conf.path).exists():
            path = folder / "dahdi/system.conf"
            out.append(Proposal(path, _added(path, set_up(missing), "loadzone=us", "defaultzone=us")))
        else:
            told.append(f"{conf.path} does not set up all channels; add {', '.join(set_up(missing))} and run dahdi_cfg")
    boxes: Astribanks | None = lines.pbx.parts.get(ASTRIBANKS)
    if boxes is not None and boxes.ours:
        path = folder / "dahdi/assigned-spans.conf"
        out.append(Proposal(path, _added(path, list(numbers(boxes)))))
    return [one for one in out if one.wanted and one.difference()], told


def _merged(lines: Lines, path: Path, found: list[tuple[int, str, list[Found]]]) -> tuple[str, list[str]]:
    """chan_dahdi.conf with the channels that it does not name yet, and a sentence about those that are not there."""
    there = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    file = lines.pbx.config.load(FILE, module.name)
    named = read(file).channels if file is not None else {}
    here = {one.number for _, _, channels in found for one in channels}
    gone = sorted(number for number in named if number not in here and number != PSEUDO)
    told = [f"{FILE} names channels that are not there: {ranges(gone)}"] if gone else []
    if not _says_anything(file):
        return whole(found), told
    fresh = [
        (span, text, [one for one in channels if one.number not in named or one.kind == SIGNALLINGS["hdlcfcs"]])
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
    there = path.read_text(encoding="latin-1") if path.exists() else ""
    fresh = [line for line in lines if line not in there.splitlines()]
    if not fresh:
        return there
    return there + "\n".join([f"# {FOUND}", *fresh, *(() if there else once)]) + "\n"


def set_up(missing: list[Found]) -> list[str]:
    """Lines of system.conf for channels that the driver has not set up."""
    kinds = {SIGNALLINGS[name]: word for name, word in WORDS.items()}
    return [
        f"{kinds[kind]}={ranges([one.number for one in missing if one.kind == kind])}"
        for kind in sorted({one.kind for one in missing})
    ]


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


def _channels(lines: Lines, first: int, count: int) -> Iterator[Found]:
    d_channels = {span.d_channel for span in lines.isdn}
    for number in range(first, first + count):
        port = lines.ports.get(number)
        if number in d_channels:
            yield Found(number, SIGNALLINGS["hdlcfcs"], 0)
        elif port is not None and port.line is not None:
            line = port.line
            yield Found(number, line.signalling, line.capabilities, CONTACTS.get(line.name.partition("/")[0], ""))
        else:
            try:
                line = lines.system.open(number)
            except LineError:  # a B channel in a call, or one that another program has
                continue
            yield Found(number, line.signalling, line.capabilities, CONTACTS.get(line.name.partition("/")[0], ""))
            line.close()
