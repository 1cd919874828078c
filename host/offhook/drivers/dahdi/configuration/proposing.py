"""Channels that were found, as lines of chan_dahdi.conf: a whole file, or sections to go behind one that is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kernel_shims.dahdi.system_conf import ranges
from kernel_shims.line import PORT_KINDS, SIGNALLINGS

FOUND = "Found by `lines scan`."
_PORTS = PORT_KINDS["fxs"] | PORT_KINDS["fxo"]
_NAMES = {number: name for name, number in SIGNALLINGS.items() if number in _PORTS} | {
    SIGNALLINGS["em"]: "em",
    SIGNALLINGS["em_e1"]: "em_e1",
    SIGNALLINGS["cas"]: "mfcr2",
}
"""What chan_dahdi.conf calls the signallings that a line of its own can have."""
D_CHANNELS = frozenset({SIGNALLINGS["hdlcfcs"], SIGNALLINGS["hardhdlc"]})
CONTACTS = {"XPP_OUT": "output", "XPP_IN": "input"}
"""What an Astribank's contacts are called by their driver."""
WORDS = {"fxo_ks": "fxoks", "fxs_ks": "fxsks", "clear": "bchan", "hdlcfcs": "dchan", "hardhdlc": "hardhdlc"}
"""Words of system.conf for channels that the driver has not set up."""
_ANALOG = ("fxo_ks", "fxs_ks")


@dataclass(frozen=True, slots=True)
class Digital:
    """A kind of digital span: its size, which of its channels is the D channel, and what goes with it."""

    channels: int
    d_channel: int
    signalling: str
    switch: str


_E1 = Digital(31, 16, "pri_cpe", "euroisdn")
_T1 = Digital(24, 24, "pri_cpe", "national")
_BRI = Digital(3, 3, "bri_cpe_ptmp", "euroisdn")
LINE_CODES = {_E1: "ccs,hdb3,crc4", _T1: "esf,b8zs", _BRI: "ccs,ami"}
"""Framing and coding that system.conf has for them."""


@dataclass(frozen=True, slots=True)
class Found:
    """A channel that was found."""

    number: int
    signalling: int
    """What the driver has it set up as; 0: not at all."""
    capabilities: int
    contact: str = ""
    """"output" or "input" for a contact of a box."""
    span: Digital | None = None
    """What its span is to be, where nobody set it up."""
    place: int = 0
    """In the span, from 1."""

    @property
    def kind(self) -> int:
        """What it is set up as, or should be: by its span, else the port of a phone or a line that it can be."""
        if self.signalling:
            return self.signalling
        if self.span is not None and self.place != self.span.d_channel:
            return SIGNALLINGS["clear"]
        if self.span is not None:
            hard = SIGNALLINGS["hardhdlc"]
            return hard if self.span is _BRI and self.capabilities & hard == hard else SIGNALLINGS["hdlcfcs"]
        can = [name for name in _ANALOG if self.capabilities & SIGNALLINGS[name] == SIGNALLINGS[name]]
        return SIGNALLINGS[can[0]] if len(can) == 1 else 0


Spans = Iterable[tuple[int, str, Sequence[Found]]]
"""Number, description and channels of spans."""


@dataclass(frozen=True, slots=True)
class _Block:
    """Channels alike and the lines for them; ``undone`` takes back what must not hold for others below."""

    name: str
    channels: str
    settings: tuple[str, ...]
    comment: str = ""
    undone: tuple[str, ...] = ()


def whole(found: Spans) -> str:
    """A chan_dahdi.conf for spans."""
    out = [f"; {FOUND} Lines hold for the channels below them.", "[channels]"]
    group = 1
    for span, description, channels in found:
        out += ["", f"; span {span}: {description}"]
        for block in _blocks(channels):
            if not block.settings:
                out.append(f"; {block.channels}: {block.comment}")
                continue
            comment = [f"; {block.comment}"] if block.comment else []
            out += [*comment, *block.settings, f"group = {group}", f"channel => {block.channels}", *block.undone]
            group += 1
    return "\n".join(out) + "\n"


def sections(found: Spans, *, first_group: int, taken: Iterable[str]) -> str:
    """Sections for channels that a file does not name; "" when there are none. They begin with what holds at the end of
    [channels], and say all that matters themselves."""
    out: list[str] = []
    group, names = first_group, set(taken)
    for span, description, channels in found:
        for block in _blocks(channels):
            if not block.settings:
                continue
            name = base = f"span{span}-{block.name}"
            while name in names:
                name = f"{base}-{len(names)}"
            names.add(name)
            comment = f"; span {span}: {description}{f'; {block.comment}' if block.comment else ''}"
            out += [f"[{name}]", comment, *block.settings, f"group = {group}", f"dahdichan = {block.channels}", ""]
            group += 1
    return "\n".join(out)


def _blocks(channels: Sequence[Found]) -> Iterator[_Block]:
    if any(one.kind in D_CHANNELS for one in channels):
        bearers = [one.number for one in channels if one.kind == SIGNALLINGS["clear"]]
        if bearers:
            size = max(one.place for one in channels)
            like = next((digital for digital in LINE_CODES if digital.channels == size), _E1)
            settings = (f"signalling = {like.signalling}", f"switchtype = {like.switch}", "context = from-trunk")
            yield _Block("trunk", ranges(bearers), settings)
        return
    for kind in sorted({one.kind for one in channels}):
        alike = [one for one in channels if one.kind == kind]
        plain = ranges([one.number for one in alike if not one.contact])
        if kind not in _NAMES or not kind:
            set_up = next((name for name, number in SIGNALLINGS.items() if number == kind), "")
            why = f"set up as {set_up}, which needs settings of its own" if set_up else "not configured in system.conf"
            yield _Block("", plain, (), why)
            continue
        signalling = f"signalling = {_NAMES[kind]}"
        if plain and kind == SIGNALLINGS["cas"]:
            yield _Block("trunk", plain, ("mfcr2_variant = itu", signalling, "context = from-trunk"))
        elif plain:
            name = "phones" if kind in PORT_KINDS["fxs"] else "lines"
            yield _Block(name, plain, (signalling, f"context = from-{name}"))
        for what in CONTACTS.values():
            places = [one.number for one in alike if one.contact == what]
            if places:
                yield _contacts(what, ranges(places), signalling)


def _contacts(what: str, channels: str, signalling: str) -> _Block:
    settings = (signalling, "context = from-contacts")
    if what == "output":
        return _Block("outputs", channels, settings, "output contacts: closed while they ring, as by Dial(DAHDI/N,5)")
    comment = "input contacts: a call to s in their context when they close"
    return _Block("inputs", channels, (*settings, "immediate = yes"), comment, ("immediate = no",))
