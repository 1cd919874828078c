"""Line signals heard on a leg: data (caller-ID FSK), tones, register signals (MF, R2); and data sent to it.

A detector costs nothing but while it is open. What it hears goes to its own ``on_event`` where that is set, else to the
leg's owner like every event of the leg.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from offhook.media.events import CarrierHeard, DataHeard, MediaEvent, SignalHeard, ToneHeard
from offhook.media.playing import Playback

if TYPE_CHECKING:
    from offhook.media.leg import Leg

System = Literal["r1", "r2 forward", "r2 backward"]
Standard = Literal["bell202", "v23"]

DATA_LEVEL = 4125
"""Amplitude of FSK: -14.9 dBm0, which a line at 0 dBr sends at the -13.5 dBm that GR-30 asks for, with some reserve."""

_KINDS: dict[str, str] = {"r1": "DETECT_R1", "r2 forward": "DETECT_R2_FORWARD", "r2 backward": "DETECT_R2_BACKWARD"}
_DIRECTIONS = {"in": 1, "out": 2}
MOST_TONES = 8


@dataclass(frozen=True, slots=True)
class ListenedTone:
    """A tone to listen for: one frequency in Hz, or two at once; both 0 for any sound. It must last ``least_ms``."""

    low: float
    high: float = 0.0
    least_ms: int = 0


class Detector:
    """Something that listens to a leg. Made by the functions below."""

    __slots__ = ("_closed", "_handle", "_kind", "_settles_ms", "_waiting", "leg", "on_event")

    def __init__(self, leg: Leg, handle: Any, kind: str, settles_ms: int = 0) -> None:
        self.leg = leg
        self.on_event: Callable[[MediaEvent], None] | None = None
        """Where events go instead of to the leg's owner."""
        self._handle = handle
        self._kind = kind
        self._settles_ms = settles_ms
        self._closed = handle is None
        self._waiting: asyncio.Future[MediaEvent] | None = None

    async def wait(self) -> MediaEvent:
        """The next event. Raises CancelledError when the detector or its leg is closed meanwhile."""
        if self._waiting is None:
            self._waiting = asyncio.get_running_loop().create_future()
            if self._closed:
                self._waiting.cancel()
        return await asyncio.shield(self._waiting)

    def close(self) -> None:
        """Listen no more. Harmless twice."""
        if not self._closed:
            self._closed = True
            self.leg.engine.lib.detector_close(self._handle)

    @property
    def closed(self) -> bool:
        """True after ``close``, or when the leg is gone."""
        return self._closed

    # ---- the engine's side -----------------------------------------------------------------------------

    def told(self, what: int, b: int, c: int) -> None:
        """The engine heard something."""
        if self._closed:
            return
        event: MediaEvent
        lib = self.leg.engine.lib
        if self._kind == "data":
            if what == lib.DETECTED_CARRIER:
                event = CarrierHeard(self.leg, self, bool(b))
            else:
                event = DataHeard(self.leg, self, (b & (1 << 64) - 1).to_bytes(8, "little")[:c])
        elif self._kind == "tones":
            event = ToneHeard(self.leg, self, what, bool(b), c, c if b else self._settles_ms)
        else:
            event = SignalHeard(self.leg, self, chr(what), bool(b), c)
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(event)
        if self.on_event is not None:
            self.on_event(event)
        else:
            self.leg.deliver(event)

    def ended(self) -> None:
        """The engine lets go of it."""
        self._closed = True
        if self._waiting is not None:
            self._waiting.cancel()
        self.leg.engine.lib.detector_free(self._handle)
        self._handle = None


def detect_data(leg: Leg, *, direction: Literal["in", "out"] = "in") -> Detector:
    """Hear FSK data at 1200 bit/s, Bell 202 and V.23 alike: CarrierHeard and DataHeard."""
    return _detector(leg, "data", "DETECT_FSK", direction)


def detect_signals(leg: Leg, system: System, *, direction: Literal["in", "out"] = "in") -> Detector:
    """Hear MF (R1) or R2 register signals: SignalHeard. R1 has ``0-9``, ``*`` KP, ``#`` ST, ``A`` ``B`` ``C`` ST' to
    ST'''; R2 has its signals 1 to 15 as ``1-9 0 B C D E F``."""
    return _detector(leg, "signals", _KINDS[system], direction)


def detect_tones(
    leg: Leg,
    tones: Sequence[ListenedTone],
    *,
    direction: Literal["in", "out"] = "in",
    block_ms: int = 20,
    purity: float = 0.6,
) -> Detector:
    """Hear tones: ToneHeard with the index of the tone when it has lasted its time, and when it ends.

    Filters are 1000 / ``block_ms`` Hz wide; ``purity`` is the least share of the sound's power that is the tone.
    Raises ValueError for more tones than can be listened for.
    """
    if not 0 < len(tones) <= MOST_TONES:
        raise ValueError(f"{len(tones)} tones; between 1 and {MOST_TONES} can be listened for at once")
    return _detector(leg, "tones", "DETECT_TONES", direction, tones, block_ms, purity)


def _detector(
    leg: Leg,
    kind: str,
    name: str,
    direction: Literal["in", "out"],
    tones: Sequence[ListenedTone] = (),
    block_ms: int = 0,
    purity: float = 0.0,
) -> Detector:
    if leg.closed:
        return Detector(leg, None, kind)
    ffi, lib = leg.engine.ffi, leg.engine.lib
    items = ffi.new("struct detector_tone[]", max(1, len(tones)))
    for item, tone in zip(items, tones, strict=False):
        item.low, item.high, item.ms = tone.low, tone.high, tone.least_ms
    leg.tap()
    handle = lib.leg_detector(
        leg._handle, getattr(lib, name), _DIRECTIONS[direction], items, len(tones), block_ms, purity
    )
    if not handle:
        raise MemoryError("no memory for a detector")
    detector = Detector(leg, handle, kind, lib.DETECTOR_SETTLES * block_ms)
    leg.engine.watch_object(handle, detector)
    return detector


def send_data(
    leg: Leg,
    octets: bytes,
    standard: Standard = "bell202",
    *,
    seizure_bits: int = 0,
    mark_bits: int = 80,
    level: int = DATA_LEVEL,
    mix: bool = False,
) -> Playback:
    """Send octets as FSK at 1200 bit/s after a channel seizure (0 and 1 in turn) and mark: a Playback like others."""
    if leg.closed:
        return Playback(leg, None, "closed")
    lib = leg.engine.lib
    kind = lib.FSK_KIND_V_23 if standard == "v23" else lib.FSK_KIND_BELL_202
    handle = lib.leg_fsk(leg._handle, kind, octets, len(octets), seizure_bits, mark_bits, level, 2 if mix else 0)
    return leg._playing(handle)
