"""``lines scan``: hardware that is found becomes configuration: channels, their set-up, the numbers of boxes."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kernel_shims.dahdi.system_conf import ranges
from kernel_shims.line import PORT_KINDS, SIGNALLINGS, LineError
from offhook.drivers.dahdi.astribank.attendant import PART as ASTRIBANKS
from offhook.drivers.dahdi.hardware import find_conf, is_ours
from offhook.drivers.dahdi.module import FILE

if TYPE_CHECKING:
    from offhook.drivers.dahdi.astribank.attendant import Astribanks
    from offhook.drivers.dahdi.lines import Lines

_FOUND = "Found by `lines scan`."
_NAMES = {number: name for name, number in SIGNALLINGS.items()} | {SIGNALLINGS["cas"]: "mfcr2"}
_CONTACTS = {"XPP_OUT": "output", "XPP_IN": "input"}
"""What an Astribank's contacts are called by their driver."""
_WORDS = {"fxo_ks": "fxoks", "fxs_ks": "fxsks"}
"""Words of system.conf for channels that the driver has not set up."""


@dataclass(frozen=True, slots=True)
class Found:
    """A channel that was found."""

    number: int
    signalling: int
    """What the driver has it set up as; 0: not at all."""
    capabilities: int
    contact: str = ""
    """"output" or "input" for a contact of a box."""

    @property
    def kind(self) -> int:
        """What it is set up as, or should be: a phone's or a line's port, by what it can be."""
        if self.signalling:
            return self.signalling
        can = [name for name in _WORDS if self.capabilities & SIGNALLINGS[name] == SIGNALLINGS[name]]
        return SIGNALLINGS[can[0]] if len(can) == 1 else 0


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
    out, told = [Proposal(folder / FILE, chan_dahdi(found))], []
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


def _added(path: Path, lines: list[str], *once: str) -> str:
    """What a file says already, and lines it has not yet; ``once`` only into a fresh one."""
    there = path.read_text(encoding="latin-1") if path.exists() else ""
    fresh = [line for line in lines if line not in there.splitlines()]
    if not fresh:
        return there
    return there + "\n".join([f"# {_FOUND}", *fresh, *(() if there else once)]) + "\n"


def set_up(missing: list[Found]) -> list[str]:
    """Lines of system.conf for channels that the driver has not set up."""
    kinds = {SIGNALLINGS[name]: word for name, word in _WORDS.items()}
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


def chan_dahdi(found: list[tuple[int, str, list[Found]]]) -> str:
    """A chan_dahdi.conf for spans (number, description, channels)."""
    out = [f"; {_FOUND} Lines hold for the channels below them.", "[channels]"]
    group = 0
    for span, description, channels in found:
        out += ["", f"; span {span}: {description}"]
        if any(one.kind == SIGNALLINGS["hdlcfcs"] for one in channels):
            bearers = [one.number for one in channels if one.kind == SIGNALLINGS["clear"]]
            group += 1
            out += ["signalling = pri_cpe", "switchtype = euroisdn", "context = from-trunk", f"group = {group}"]
            out.append(f"channel => {ranges(bearers)}")
            continue
        for kind in sorted({one.kind for one in channels}):
            alike = [one for one in channels if one.kind == kind]
            plain = ranges([one.number for one in alike if not one.contact])
            if kind not in _NAMES or not kind:
                out.append(f"; {plain}: not configured in system.conf")
                continue
            context = "from-phones" if kind in PORT_KINDS["fxs"] else "from-lines"
            if kind == SIGNALLINGS["cas"]:
                context = "from-trunk"
                out.append("mfcr2_variant = itu")
            out.append(f"signalling = {_NAMES[kind]}")
            if plain:
                group += 1
                out += [f"context = {context}", f"group = {group}", f"channel => {plain}"]
            for what in _CONTACTS.values():
                places = [one.number for one in alike if one.contact == what]
                if places:
                    group += 1
                    out += _contacts(what, ranges(places), group)
    return "\n".join(out) + "\n"


def _contacts(what: str, channels: str, group: int) -> list[str]:
    head = ["context = from-contacts", f"group = {group}"]
    if what == "output":
        return ["; output contacts: closed while they ring, as by Dial(DAHDI/N,5)", *head, f"channel => {channels}"]
    call = ["immediate = yes", f"channel => {channels}", "immediate = no"]
    return ["; input contacts: a call to s in their context when they close", *head, *call]


def _channels(lines: Lines, first: int, count: int) -> Iterator[Found]:
    d_channels = {span.d_channel for span in lines.isdn}
    for number in range(first, first + count):
        port = lines.ports.get(number)
        if number in d_channels:
            yield Found(number, SIGNALLINGS["hdlcfcs"], 0)
        elif port is not None and port.line is not None:
            line = port.line
            yield Found(number, line.signalling, line.capabilities, _CONTACTS.get(line.name.partition("/")[0], ""))
        else:
            try:
                line = lines.system.open(number)
            except LineError:  # a B channel in a call, or one that another program has
                continue
            yield Found(number, line.signalling, line.capabilities, _CONTACTS.get(line.name.partition("/")[0], ""))
            line.close()
