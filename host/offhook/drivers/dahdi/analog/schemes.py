"""What is dialled and what is read on tie lines, by their signalling: feature groups B, C and D, E911, and plain ones.

    featd        seize, wink     *CALLER*CALLED*                          in DTMF
    featdmf      seize, wink     KP 00 CALLER ST  KP CALLED ST, wink      in MF; KP 02 ST for a caller not known
    featdmf_ta   seize, wink     KP OZZ CIC ST, wink, KP II CALLER ST KP CALLED ST, wink
                                                                          through an access tandem
    featb        seize, wink     KP CALLED ST
    fgccama      seize           CALLED in pulses, off hook, KP 0 CALLED ST
    fgccamamf    seize, wink     KP CALLED ST, off hook, KP 0 CALLED ST
    e911         seize, wink     KP 911 ST, off hook, KP 0 CALLER ST      the caller is what is dialled

KP is ``*`` here, ST ``#``, ST' to ST''' A to C. Who reads feature group D takes KP II ANI ST KP CALLED ST.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

_STARTS = "#ABC"
_UNKNOWN_ANI = "*2#"


class After(Enum):
    """What the far end does before a part is dialled."""

    SEIZURE = "seizure"
    """Nothing: a moment after it was seized."""
    WINK = "wink"
    OFF_HOOK = "off hook"


class Then(Enum):
    """What we do when a part was read."""

    READ_ON = "read on"
    WINK = "wink"
    OFF_HOOK = "off hook"
    ANI = "ani"
    """A while later, go off hook: the caller's number follows."""


@dataclass(frozen=True, slots=True)
class Part:
    """Digits to dial: "T" DTMF, "P" pulses, "M" MF, "" as the port is set."""

    after: After
    way: str
    digits: str


@dataclass(frozen=True, slots=True)
class Read:
    """Digits to read, up to one that ends them; "" for those of an extension of the dialplan."""

    ends: str
    then: Then = Then.READ_ON
    count: int = 1
    """How many of the ending digits it takes."""
    counts: bool = True
    """They say who is called or calls; else they are for a switch on the way."""


@dataclass(slots=True)
class Told:
    """What was read."""

    exten: str = ""
    caller: str = ""
    ani2: int | None = None
    """Kind of the caller's line."""
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """A call out: the number, who calls, and the codes of carrier and route of featdmf_ta."""

    digits: str
    caller: str = ""
    route: str = ""
    ani2: int = 0
    """Kind of the caller's line."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """One signalling."""

    dials: Callable[[Call], list[Part]]
    reads: tuple[Read, ...] = (Read(""),)
    understands: Callable[[list[str], int], Told] = lambda parts, _: Told(parts[0])
    """The parts read, and how many digits of information stand before a caller's number."""
    winks: bool = False
    """A wink says that digits may come."""
    insists: bool = True
    """Without a wink nothing is dialled; else it is, late."""
    hears_mf: bool = False
    ends_with_wink: bool = False


def _between(text: str) -> str:
    """The digits of a part without KP and ST."""
    return text.removeprefix("*").rstrip(_STARTS)


def _plain(after: After) -> Callable[[Call], list[Part]]:
    return lambda call: [Part(after, "", call.digits)]


def _group_d(call: Call) -> list[Part]:
    return [Part(After.WINK, "T", f"*{call.caller}*{call.digits}*")]


def _group_d_mf(call: Call) -> list[Part]:
    who = f"*00{call.caller}#" if call.caller else "*02#"
    return [Part(After.WINK, "M", f"{who}*{call.digits}#")]


def _tandem(call: Call) -> list[Part]:
    who = f"*{call.ani2:02d}{call.caller}#" if call.caller else "*02#"
    return [Part(After.WINK, "M", f"*{call.route}#"), Part(After.WINK, "M", f"{who}*{call.digits}#")]


def _number(call: Call) -> list[Part]:
    return [Part(After.WINK, "M", f"*{call.digits}#")]


def _ani(call: Call) -> Part:
    return Part(After.OFF_HOOK, "M", f"*0{call.digits}#" if call.digits else _UNKNOWN_ANI)


def _cama(call: Call) -> list[Part]:
    return [Part(After.SEIZURE, "P", call.digits), _ani(call)]


def _cama_mf(call: Call) -> list[Part]:
    return [*_number(call), _ani(call)]


def _emergency(call: Call) -> list[Part]:
    return [Part(After.WINK, "M", "*911#"), _ani(call)]


def _told_by_stars(parts: list[str], _: int) -> Told:
    """*CALLER*CALLED*; anything else is a plain number."""
    if not parts[0].startswith("*"):
        return Told(parts[0])
    fields = parts[0].strip("*").split("*")
    return Told(fields[-1], fields[0] if len(fields) > 1 else "")


def _told_by_group_d(parts: list[str], _: int) -> Told:
    who, called = _between(parts[0]), _between(parts[1]) if len(parts) > 1 else ""
    kind = int(who[:2]) if who[:2].isdigit() else None
    if not called:
        return Told(who[2:], "", kind)
    return Told(called, who[2:], kind)


def _told_number(parts: list[str], _: int) -> Told:
    return Told(_between(parts[0]))


def _told_emergency(parts: list[str], _: int) -> Told:
    caller = _between(parts[1]) if len(parts) > 1 else ""
    return Told(_between(parts[0]) or "911", caller[1:] if caller.startswith("0") else "")


def _told_cama(parts: list[str], information: int) -> Told:
    told = Told(_between(parts[0]))
    if len(parts) > 1:
        spill = parts[1]
        told.variables["ANIBUF"] = spill
        if len(spill) > 1:
            ended = spill[-1] in _STARTS
            told.variables["ANISTART"] = spill[-1] if ended else "X"
            digits = _between(spill)
            kind, told.caller = digits[:information], digits[information:]
            told.variables["ANI2"] = kind
            told.ani2 = int(kind) if kind.isdigit() else None
    return told


_GROUP_D_READS = (Read(_STARTS), Read("#"))
_STARS = (Read("*", count=3),)
_SPILL = Read(_STARTS)
_PLAIN = Scheme(_plain(After.SEIZURE))
_WINKING = Scheme(_plain(After.WINK), understands=_told_by_stars, winks=True, insists=False)
_GROUP_D = Scheme(_group_d, _STARS, _told_by_stars, winks=True, insists=False)
_GROUP_D_MF = Scheme(_group_d_mf, _GROUP_D_READS, _told_by_group_d, True, hears_mf=True, ends_with_wink=True)
SCHEMES: dict[str, Scheme] = {
    "em": _PLAIN,
    "em_e1": _PLAIN,
    "sf": _PLAIN,
    "em_w": _WINKING,
    "sf_w": _WINKING,
    "featd": _GROUP_D,
    "sf_featd": _GROUP_D,
    "featdmf": _GROUP_D_MF,
    "sf_featdmf": _GROUP_D_MF,
    "featdmf_ta": Scheme(
        _tandem,
        (Read("#", Then.WINK, counts=False), *_GROUP_D_READS),
        _told_by_group_d,
        True,
        hears_mf=True,
        ends_with_wink=True,
    ),
    "featb": Scheme(_number, (Read("#"),), _told_number, True, hears_mf=True),
    "sf_featb": Scheme(_plain(After.WINK), (Read("#"),), _told_number, True),
    "fgccama": Scheme(_cama, (Read("", Then.ANI), _SPILL), _told_cama, hears_mf=True),
    "fgccamamf": Scheme(_cama_mf, (Read(_STARTS, Then.ANI), _SPILL), _told_cama, True, hears_mf=True),
    "e911": Scheme(_emergency, (Read(_STARTS, Then.OFF_HOOK), Read("#")), _told_emergency, True, hears_mf=True),
}
