"""Stories of SS7: two E1 (or T1) spans on one cable, a linkset at each end, and two phones."""

from __future__ import annotations

from collections.abc import Callable

from kernel_shims.ss7.guard import hollow
from offhook.drivers.dahdi.lines import Lines
from offhook.drivers.dahdi.ss7.circuit import CircuitPort
from offhook.drivers.dahdi.ss7.linkset import Ss7Linkset
from support.line_story import Office
from support.ss7_pair import isup_in_place_of_lpa

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
    links: int = 1,
) -> Trunk:
    """Both linksets, up, with every circuit free: all that the spans have, or so many. ``more_...`` comes behind the
    first ``sigchan``; further links are on the channels behind the first."""
    size, place, law = SIZES[variant]
    if circuits:
        size, place = circuits + links, circuits + 1
    office.lay()
    firsts = (9, 9 + size)
    office.trunk(*firsts, [signalling if place <= n < place + links else "clear" for n in range(1, size + 1)], law)
    ranges = []
    for first in firsts:
        linked = range(first + place - 1, first + place - 1 + links)
        numbers = [n for n in range(first, first + size) if n not in linked]
        ranges.append(",".join(map(str, numbers)))
    text = CHANNELS.format(
        variant=variant,
        extra=extra,
        extra_one=extra_one,
        extra_two=extra_two,
        more_one="\n".join(f"sigchan = {firsts[0] + place - 1 + link}" for link in range(1, links)) + f"\n{more_one}",
        more_two="\n".join(f"sigchan = {firsts[1] + place - 1 + link}" for link in range(1, links)) + f"\n{more_two}",
        one_link=firsts[0] + place - 1,
        two_link=firsts[1] + place - 1,
        one=ranges[0],
        two=ranges[1],
    )
    trunk = Trunk(office, await office.begin(text, plan))
    await office.until(lambda: trunk.one.up and trunk.two.up and trunk.idle(), 20)
    return trunk


class Stranger:
    """Has linkset one send messages to linkset two that it would not send itself. The link repeats its last unit."""

    def __init__(self, trunk: Trunk, variant: str = "itu") -> None:
        self._trunk = trunk
        self._variant = variant
        self._messages: list[bytes] = []
        self.heard: list[bytes] = []
        """ISUP messages of linkset two, circuit and type first; linkset one does not get them."""
        self._sent = (b"", b"")
        self._heard_last = b""
        self._tap(trunk.two.links[0].number, self._outward)
        self._tap(trunk.one.links[0].number, self._inward)

    def _tap(self, number: int, change: Callable[[bytes], bytes]) -> None:
        port = self._trunk.office.system.ports[number]
        give = port.give_frame
        port.give_frame = lambda frame: give(change(frame))  # type: ignore[method-assign]

    def _outward(self, unit: bytes) -> bytes:
        if unit == self._sent[0]:
            return self._sent[1]
        if self._messages:
            changed = isup_in_place_of_lpa(unit, self._messages[0], self._variant)
            if changed is not unit:
                self._messages.pop(0)
                self._sent = (unit, changed)
            return changed
        return unit

    def _inward(self, unit: bytes) -> bytes:
        begin = 4 + {"itu": 4, "ansi": 7}[self._variant]
        if len(unit) <= begin + 4 or unit[3] & 0x0F != 5:
            return unit
        if unit != self._heard_last:
            self._heard_last = unit
            self.heard.append(unit[begin:-2])
        return hollow(unit, self._variant) or unit

    async def says(self, kind: int, cic: int, rest: bytes = b"") -> None:
        """Send a message, and let it arrive."""
        self._messages.append(bytes([cic & 0xFF, cic >> 8, kind]) + rest)
        self._trunk.one.isup.loop_acknowledged(cic, 2)
        self._trunk.one.settle()
        await self._trunk.office.advance(0.1)

    def kinds(self, cic: int) -> list[int]:
        """Types of the messages heard about a circuit, which are taken."""
        found = [one[2] for one in self.heard if one[0] == cic]
        self.heard = [one for one in self.heard if one[0] != cic]
        return found


def iam(digits: str, *, continuity: int = 0, calling: str = "", variant: str = "itu", more: bytes = b"") -> bytes:
    """An IAM behind its circuit and type; ``continuity``: 1 required, 2 made on the circuit before."""
    calling_part = bytes([0x0A, 2 + (len(calling) + 1) // 2, *address(calling)]) if calling else b""
    optional = calling_part + more + b"\0" if calling_part or more else b""
    called = address(digits)
    number = bytes([len(called), *called])
    head = bytes([continuity << 2, 0, 0, 10])
    if variant == "itu":
        return head + bytes([3, 2, 1 + len(number) if optional else 0]) + number + optional
    service = bytes([3, 0x80, 0x90, 0xA2])
    return head + bytes([3, 6, 5 + len(number) if optional else 0]) + service + number + optional


def address(digits: str, nature: int = 3) -> bytes:
    """A called or calling number (Q.763 3.9)."""
    return bytes([nature | (0x80 if len(digits) % 2 else 0), 0x10]) + packed(digits)


def packed(digits: str) -> bytes:
    """Digits two in an octet, the first in its low half; F ends them."""
    values = [int(digit, 16) for digit in digits.replace("#", "F")] + [0]
    return bytes(low | high << 4 for low, high in zip(values[::2], values[1::2], strict=False))
