"""Stories of SS7: two E1 (or T1) spans on one cable, a linkset at each end, and two phones."""

from __future__ import annotations

from offhook.drivers.dahdi.lines import Lines
from offhook.drivers.dahdi.ss7.circuit import CircuitPort
from offhook.drivers.dahdi.ss7.linkset import Ss7Linkset
from support.line_story import Office

CHANNELS = """
[channels]
echocancel = no
callerid = asreceived
signalling = ss7
ss7type = {variant}
networkindicator = national
{extra}
linkset = 1
pointcode = 1
adjpointcode = 2
defaultdpc = 2
cicbeginswith = 1
{extra_one}
sigchan = {one_link}
{more_one}
context = from-two
group = 1
channel => {one}
linkset = 2
pointcode = 2
adjpointcode = 1
defaultdpc = 1
cicbeginswith = 1
{extra_two}
sigchan = {two_link}
{more_two}
context = from-one
group = 2
channel => {two}
signalling = fxo_ks
context = phones
callerid = Alice <101>
group = 3
channel => 1-2
"""
PLAN = """
[phones]
exten => _2X.,1,Dial(DAHDI/g2/${EXTEN:1},30)
exten => _1X.,1,Dial(DAHDI/g1/${EXTEN:1},30)
[from-one]
include => from
[from-two]
include => from
[from]
exten => 5551,1,Ringing()
 same => n,Wait(1)
 same => n,Answer()
 same => n,Set(GLOBAL(WHO)=${CALLERID(num)} ${CALLERID(name)} ${EXTEN})
 same => n,Wait(60)
exten => 5552,1,Hangup(17)
exten => 5553,1,Dial(DAHDI/2,30)
exten => 5554,1,Wait(60)
exten => 5555,1,Answer()
 same => n,Wait(60)
exten => 5556,1,Progress()
 same => n,Wait(60)
exten => _7XX,1,Answer()
 same => n,Set(GLOBAL(WHO)=${EXTEN})
 same => n,Wait(60)
"""
SIZES = {"itu": (31, 16, "alaw"), "ansi": (24, 24, "ulaw")}


class Trunk:
    """The two linksets and their spans."""

    def __init__(self, office: Office, lines: Lines) -> None:
        self.office = office
        self.lines = lines
        self.one: Ss7Linkset = lines.ss7.sets[1]
        self.two: Ss7Linkset = lines.ss7.sets[2]

    def circuit(self, linkset: Ss7Linkset, cic: int) -> CircuitPort:
        """A circuit by its code."""
        found = linkset.circuit(cic, 2 if linkset is self.one else 1)
        assert found is not None
        return found

    def idle(self) -> bool:
        """Whether every circuit at both ends is free again."""
        return all(circuit.free for linkset in (self.one, self.two) for circuit in linkset.circuits)


async def start(
    office: Office,
    variant: str = "itu",
    *,
    extra: str = "",
    extra_one: str = "",
    extra_two: str = "",
    more_one: str = "",
    more_two: str = "",
    plan: str = PLAN,
    signalling: str = "mtp2",
    circuits: int = 0,
) -> Trunk:
    """Both linksets, up, with every circuit free. ``more_...`` comes behind the first ``sigchan``."""
    size, place, law = SIZES[variant]
    office.system.add_span(dict.fromkeys(range(1, 5), "fxo_ks"))
    office.system.add_span(dict.fromkeys(range(5, 9), "fxs_ks"))
    firsts = (9, 9 + size)
    for first in firsts:
        signallings = {n: signalling if n == first + place - 1 else "clear" for n in range(first, first + size)}
        office.system.add_span(signallings, law)
    office.system.cable(3, 4)
    ranges = []
    for first in firsts:
        numbers = [n for n in range(first, first + size) if n != first + place - 1]
        ranges.append(",".join(map(str, numbers[: circuits or None])))
    text = CHANNELS.format(
        variant=variant,
        extra=extra,
        extra_one=extra_one,
        extra_two=extra_two,
        more_one=more_one,
        more_two=more_two,
        one_link=firsts[0] + place - 1,
        two_link=firsts[1] + place - 1,
        one=ranges[0],
        two=ranges[1],
    )
    trunk = Trunk(office, await office.begin(text, plan))
    await office.until(lambda: trunk.one.up and trunk.two.up and trunk.idle(), 20)
    return trunk
