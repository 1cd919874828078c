"""What a machine of an analog port orders. A call is named by a number of the machine's own."""

from __future__ import annotations

from dataclasses import dataclass

from kernel_shims.line import Hook
from offhook.calls.frames import Condition


@dataclass(frozen=True, slots=True)
class DoHook:
    """Do something to the loop."""

    state: Hook


@dataclass(frozen=True, slots=True)
class Ring:
    """Ring the phone in a cadence (ms on, off, ...; empty: the zone's) on behalf of a call."""

    call: int
    cadence: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Sound:
    """Have a sound path to the line, or give it up."""

    on: bool


@dataclass(frozen=True, slots=True)
class Tone:
    """Play a tone of the zone's to the line until the next one; "" is none."""

    name: str


@dataclass(frozen=True, slots=True)
class Listen:
    """Find DTMF in what the line says, or MF, or do not."""

    on: bool
    mf: bool = False


@dataclass(frozen=True, slots=True)
class Hear:
    """Which calls hear the line and are heard on it: none, one, or several in conference; two of the others may hear
    each other meanwhile (``apart``)."""

    calls: tuple[int, ...]
    apart: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class NewCall:
    """The line begins a call: it has a channel from now on, not yet in the dialplan. ``ringing``: it is being rung."""

    call: int
    ringing: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    """A call's number is known: run the dialplan."""

    call: int
    exten: str


@dataclass(frozen=True, slots=True)
class Tell:
    """The line says something to a call."""

    call: int
    condition: Condition
    payload: object = None


@dataclass(frozen=True, slots=True)
class PressDigit:
    """A digit of the line's is for a call (pulses; tones are told by the engine)."""

    call: int
    digit: str


@dataclass(frozen=True, slots=True)
class End:
    """A call is over from the line's side."""

    call: int
    cause: int = 16


@dataclass(frozen=True, slots=True)
class Dial:
    """Dial digits on the line: as the driver's own work (pulses, MF) or in tones."""

    digits: str
    way: str = "T"
    """"T" DTMF, "P" pulses, "M" MF."""


@dataclass(frozen=True, slots=True)
class SendCallerId:
    """Send a call's caller ID to the phone: "onhook" between bursts, or "waiting" (type II) in a call."""

    call: int
    way: str = "onhook"


@dataclass(frozen=True, slots=True)
class WaitingTone:
    """Tell of a second call by a beep in the first; with ``identity`` the alert for type II caller ID follows it."""

    call: int
    identity: bool


@dataclass(frozen=True, slots=True)
class HearCallerId:
    """Listen for the caller ID of a call that comes in, or do not any more."""

    on: bool


@dataclass(frozen=True, slots=True)
class Transfer:
    """Put a held call and another one together, without the phone."""

    held: int
    other: int


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature of the phone's was dialled: "pickup", "park", "dnd", "forward", "callreturn", "blacklist", "flash"; or
    something of the machine's own."""

    name: str
    call: int
    value: str = ""


@dataclass(frozen=True, slots=True)
class Battery:
    """Reverse the battery towards the phone, or put it back."""

    reversed: bool


@dataclass(frozen=True, slots=True)
class Note:
    """Something for the log."""

    text: str


Order = (
    DoHook
    | Ring
    | Sound
    | Tone
    | Listen
    | Hear
    | NewCall
    | Start
    | Tell
    | PressDigit
    | End
    | Dial
    | SendCallerId
    | WaitingTone
    | HearCallerId
    | Transfer
    | Feature
    | Battery
    | Note
)
