"""Legs: one party's audio, as the calls plane holds it. Handles only; samples stay in the engine.

A leg has two directions, named from the far end's view as the rest of the house does: ``in`` is what arrives from
the far end, ``out`` is what is sent to it. Everything here returns at once: the engine acts at its next tick (10 ms),
and answers by events on the loop.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from offhook.media.formats import Format
from offhook.media.tones import ToneSpec

if TYPE_CHECKING:
    from offhook.media.engine import Engine
    from offhook.media.events import MediaEvent, Noise, Silence
    from offhook.media.moh import MohSource

Direction = Literal["in", "out", "both"]


class Prompt:
    """One sound to play: a file and where in it to begin. ``PromptLibrary.find`` makes them from names."""

    __slots__ = ("format", "path", "start_ms")

    def __init__(self, path: str | Path, format: Format | None = None, start_ms: int = 0) -> None:
        self.path = str(path)
        self.format = format
        self.start_ms = start_ms


class Playback:
    """Files or tones being sent to a leg's far end."""

    __slots__ = ("leg",)
    leg: Leg

    async def wait(self) -> str:
        """Wait for the end and return why: "done", "stopped", "replaced" (by a newer one), "closed" (the leg) or
        "failed: ..." with a sentence. Cancelling the wait leaves the playback going."""
        raise NotImplementedError

    @property
    def done(self) -> bool:
        """True when it has ended."""
        raise NotImplementedError

    @property
    def position_ms(self) -> int:
        """How much of the current file has been sent, from the file's beginning, in ms."""
        raise NotImplementedError

    @property
    def index(self) -> int:
        """Which of the files is playing, 0 first."""
        raise NotImplementedError

    def stop(self) -> None:
        """End it; ``wait`` returns "stopped"."""
        raise NotImplementedError

    def pause(self) -> None:
        """Hold where it is; the far end hears silence."""
        raise NotImplementedError

    def resume(self) -> None:
        """Go on after ``pause``."""
        raise NotImplementedError

    def seek(self, position_ms: int) -> None:
        """Go to that place of the current file (0 or less: its beginning; past its end: the end)."""
        raise NotImplementedError

    def skip(self, delta_ms: int) -> None:
        """Go forward (or back, when negative) from the current place."""
        raise NotImplementedError


class Recording:
    """Audio of a leg being written to a file."""

    __slots__ = ("leg",)
    leg: Leg

    async def wait(self) -> str:
        """Wait until the file is complete and closed; returns "stopped", "closed" (the leg) or "failed: ..."."""
        raise NotImplementedError

    @property
    def duration_ms(self) -> int:
        """How much has been recorded, pauses not counted."""
        raise NotImplementedError

    @property
    def silence_ms(self) -> int:
        """How long the end of what has been recorded is silent already (threshold given to ``record``)."""
        raise NotImplementedError

    @property
    def talking_ms(self) -> int:
        """How much of what has been recorded is not silence."""
        raise NotImplementedError

    def stop(self, *, truncate_ms: int = 0) -> None:
        """End it, taking that much off its end."""
        raise NotImplementedError

    def pause(self) -> None:
        """Leave out what comes until ``resume``."""
        raise NotImplementedError

    def resume(self) -> None:
        """Go on after ``pause``."""
        raise NotImplementedError


class Watch:
    """A watch on sound and silence of a leg; see ``Leg.watch_silence``."""

    __slots__ = ("leg",)
    leg: Leg

    async def wait(self) -> Silence | Noise:
        """The next event of this watch."""
        raise NotImplementedError

    def close(self) -> None:
        """End the watch."""
        raise NotImplementedError


class Leg:
    """One party's audio in the engine. Made by ``Engine.rtp_leg``, ``pipe``, ``null_leg`` or ``snoop``."""

    __slots__ = ("engine", "on_event")
    engine: Engine
    on_event: Callable[[MediaEvent], None] | None
    """Called on the loop with each event of this leg."""

    def close(self) -> None:
        """End the leg: playbacks, recordings and connections end, its port is free again. Harmless twice."""
        raise NotImplementedError

    @property
    def closed(self) -> bool:
        """True after ``close``."""
        raise NotImplementedError

    # what the far end hears

    def play(
        self,
        prompts: Sequence[Prompt | str | Path] | Prompt | str | Path,
        *,
        offset_ms: int = 0,
        loop: bool = False,
        mix: bool = False,
    ) -> Playback:
        """Play files one after the other instead of what the leg is connected to (on top of it with ``mix``).

        A str or Path is a file's full name with its extension (``PromptLibrary.find`` gives names for prompts).
        ``offset_ms`` skips the beginning of the first file. A playback or tone already going is ended
        ("replaced"), except that mixed and unmixed ones go side by side.
        """
        raise NotImplementedError

    def tones(self, spec: ToneSpec | str, *, mix: bool = False) -> Playback:
        """Play call-progress tones (a ToneSpec, or the text ``indications.conf`` would hold)."""
        raise NotImplementedError

    def music(self, source: MohSource | None) -> Playback | None:
        """Music on hold until ``music(None)``: heard whenever nothing is played, instead of what is connected."""
        raise NotImplementedError

    def send_digit(self, digit: str, duration_ms: int = 100) -> None:
        """Send a digit (``0-9*#A-D``) to the far end as the leg was told to: RFC 4733 events or tones.

        Digits queue; 50 ms pass between two. ``w`` and ``W`` are pauses of half a second and a second.
        """
        raise NotImplementedError

    def begin_digit(self, digit: str) -> None:
        """Begin a digit whose length is not known yet; ``end_digit`` ends it."""
        raise NotImplementedError

    def end_digit(self, digit: str, duration_ms: int = 0) -> None:
        """End a begun digit, not before it is ``duration_ms`` long."""
        raise NotImplementedError

    @property
    def sending_digits(self) -> bool:
        """True while queued digits are being sent."""
        raise NotImplementedError

    # what is connected

    def connect(self, other: Leg, *, digits: bool = True) -> None:
        """Join two legs, both ways; each leaves what it was connected to.

        Packets pass untouched but for their headers where both sides carry the same format and nothing taps or
        changes the sound; otherwise they are decoded, mixed and encoded. With ``digits`` events of RFC 4733 pass too
        (as tones where the other side has no events); without, the owner hears DigitBegin/DigitEnd and decides.
        """
        raise NotImplementedError

    def disconnect(self) -> None:
        """Undo ``connect`` (either leg may be told) or leave a mixer."""
        raise NotImplementedError

    @property
    def peer(self) -> Leg | None:
        """The leg this one is connected to."""
        raise NotImplementedError

    @contextlib.contextmanager
    def loopback(self) -> Iterator[None]:
        """Send the far end back its own sound (and its digit events) meanwhile; then what was connected before."""
        raise NotImplementedError
        yield

    # what is heard

    def record(
        self,
        path: str | Path,
        format: Format | str,
        direction: Direction = "in",
        *,
        append: bool = False,
        silence_threshold: int = 256,
        beep: bool = False,
    ) -> Recording:
        """Write the leg's sound to a file: what arrives ("in"), what is sent ("out"), or both mixed.

        ``format`` is a Format or a file extension (``wav``, ``wav16``, ``WAV``, ``gsm``, ``ulaw``, ``sln16`` ...); the path is
        used as given. The clock runs on in silence: a gap in what arrives is silence in the file.
        Several recordings may go side by side.
        """
        raise NotImplementedError

    def detect_digits(self, on: bool, *, relax: bool = False) -> None:
        """Find DTMF in the sound that arrives (Q.24), reported as DigitBegin/DigitEnd of source "inband".

        The tone itself is taken out of what the connected party hears, after at most 20 ms of it.
        """
        raise NotImplementedError

    def watch_silence(self, *, silence_ms: int = 0, noise_ms: int = 0, threshold: int = 256) -> Watch:
        """Report silence lasting ``silence_ms`` and sound lasting ``noise_ms`` (0: not reported) by events and ``Watch.wait``.

        ``threshold`` is the mean of the samples' magnitude (of 32767) below which 20 ms of sound count as silence.
        Each is reported once and again only after the other came between. Several watches may go side by side.
        """
        raise NotImplementedError

    # level

    def gain(self, in_db: float = 0.0, out_db: float = 0.0) -> None:
        """Change the level of what arrives and of what is sent, in dB (-60 to +30)."""
        raise NotImplementedError

    def mute(self, direction: Direction, on: bool = True) -> None:
        """Replace a direction by silence (nothing is sent for a muted connection but the stream goes on)."""
        raise NotImplementedError

    def figures(self) -> dict[str, Any]:
        """What ``core show channel`` and diagnostics show: formats, packets or frames each way, conceals, peer."""
        raise NotImplementedError


class NullLeg(Leg):
    """A leg without a far end: nothing arrives, what is sent is dropped at the clock's pace."""

    __slots__ = ()


class PipeLeg(Leg):
    """One half of a pipe: what is sent to one half arrives at the other. The two halves of a Local channel."""

    __slots__ = ()

    @property
    def other(self) -> PipeLeg:
        """The other half."""
        raise NotImplementedError


class SnoopLeg(Leg):
    """A leg that hears another leg and may whisper into it (ChanSpy, MixMonitor, ARI snoop).

    What arrives at it is the spied-on sound; what is sent to it is mixed into the whisper direction(s).
    """

    __slots__ = ()
