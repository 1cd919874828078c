"""Legs: one party's audio, as the calls plane holds it. Handles only; samples stay in the engine.

A leg has two directions, named from the engine's view: ``in`` is what arrives from the far end, ``out`` is what is
sent to it. Everything here returns at once: the engine acts at its next tick (10 ms), and answers by events on the
loop. On a leg that is closed everything is harmless: what is played or recorded ends with "closed".
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from offhook.media.errors import UnsupportedMedia
from offhook.media.formats import Format
from offhook.media.playing import Playback, Prompt
from offhook.media.recording import Direction, Recording, Watch
from offhook.media.tones import ToneSpec, parse_tone_list

if TYPE_CHECKING:
    from offhook.media.engine import Engine
    from offhook.media.events import MediaEvent
    from offhook.media.mixer import Mixer
    from offhook.media.moh import MusicSource

__all__ = ["Direction", "Leg", "NullLeg", "PipeLeg", "Playback", "Prompt", "Recording", "SnoopLeg", "Watch"]

DIRECTIONS = {"none": 0, "in": 1, "out": 2, "both": 3}
_LOOP, _MIX, _MUSIC, _LOOP_LAST = 1, 2, 4, 8
_MOST_PIPES = 16
"""No call goes through more."""


class Leg:
    """One party's audio in the engine. Made by ``Engine.rtp_leg``, ``pipe``, ``null_leg`` or ``snoop``."""

    __slots__ = (
        "_closed",
        "_handle",
        "_latest",
        "_mixer",
        "_music",
        "_peer",
        "_sending",
        "engine",
        "on_event",
        "on_tapped",
        "tapped",
    )

    def __init__(self, engine: Engine, handle: Any) -> None:
        self.engine = engine
        self.on_event: Callable[[MediaEvent], None] | None = None
        """Called on the loop with each event of this leg."""
        self.on_tapped: Callable[[], None] | None = None
        """Called when somebody begins to record, watch, change or overhear the sound: it has to come this way."""
        self.tapped = False
        """Whether anybody ever did."""
        self._handle = handle
        self._closed = False
        self._peer: Leg | None = None
        self._mixer: Mixer | None = None
        self._music: tuple[Playback, MusicSource] | None = None
        self._latest: Playback | None = None
        self._sending = False

    def close(self) -> None:
        """End the leg: playbacks, recordings and connections end, its port is free again. Harmless twice."""
        if not self._closed:
            self.music(None)
            self._leave()
            self._closed = True
            self.engine.close_leg(self._handle)

    @property
    def closed(self) -> bool:
        """True after ``close``."""
        return self._closed

    @property
    def heard(self) -> bool:
        """Whether anything has arrived from the far end, as far as this kind of leg can tell."""
        return False

    @property
    def arrived(self) -> int | None:
        """How many packets have arrived; None where that cannot be told."""
        return None

    def sounds(self, before: dict[Leg, int]) -> bool:
        """Whether sound comes. Through pipes it has to be new: ``before`` keeps what had come when asked first."""
        return self.heard

    def tap(self) -> None:
        """Note that the sound is needed here."""
        self.tapped = True
        if self.on_tapped is not None:
            self.on_tapped()

    # ---- what the far end hears ------------------------------------------------------------------------

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
        if isinstance(prompts, Prompt | str | Path):
            prompts = [prompts]
        paths = [each.path if isinstance(each, Prompt) else str(each) for each in prompts]
        return self._play(paths, offset_ms, (_LOOP if loop else 0) | (_MIX if mix else 0))

    def _play(self, paths: list[str], offset_ms: int, flags: int) -> Playback:
        if self._closed or not paths:
            return Playback(self, None, "closed" if self._closed else "done")
        ffi, lib = self.engine.ffi, self.engine.lib
        texts = [ffi.new("char[]", path.encode("utf-8", "surrogateescape")) for path in paths]
        handle = lib.leg_play(self._handle, ffi.new("char *[]", texts), len(texts), max(0, offset_ms), flags)
        return self._playing(handle)

    def _playing(self, handle: Any) -> Playback:
        if not handle:
            raise MemoryError("no memory for a playback")
        playback = Playback(self, handle)
        self.engine.watch_object(handle, playback)
        self._latest = playback
        return playback

    @property
    def plays(self) -> bool:
        """Whether a file, tones or music are being played to the far end."""
        return self._latest is not None and not self._latest.done

    def tones(self, spec: ToneSpec | str, *, mix: bool = False) -> Playback:
        """Play call-progress tones (a ToneSpec, or the text ``indications.conf`` would hold)."""
        if isinstance(spec, str):
            spec = parse_tone_list(spec)
        return self._tones(spec, _MIX if mix else 0)

    def _tones(self, spec: ToneSpec, flags: int) -> Playback:
        if self._closed:
            return Playback(self, None, "closed")
        ffi, lib = self.engine.ffi, self.engine.lib
        items = ffi.new("struct tone_item[]", len(spec.parts))
        for item, part in zip(items, spec.parts, strict=True):
            item.low, item.high, item.ms, item.modulated = part.low, part.high, part.duration_ms, part.modulated
        repeat = -1 if spec.repeat is None else spec.repeat
        return self._playing(lib.leg_tones(self._handle, items, len(spec.parts), repeat, spec.level, flags))

    def music(self, source: MusicSource | None) -> Playback | None:
        """Music on hold until ``music(None)``: heard whenever nothing is played, instead of what is connected.

        The listener's place is written back to the source when the music stops.
        """
        if self._music is not None:
            playback, before = self._music
            self._music = None
            before.left(self, playback)
            playback.stop()
        if source is None or self._closed:
            return None
        playback = source.begin(self)
        self._music = (playback, source)
        return playback

    def continue_music(self, playback: Playback) -> None:
        """The music goes on with another playback, for its source."""
        if self._music is not None:
            self._music = (playback, self._music[1])

    def playback_ended(self, playback: Playback) -> None:
        """A playback is over; the source of music may have more."""
        if self._music is not None and self._music[0] is playback and playback.reason == "done":
            following = self._music[1].following(self, playback)
            if following is not None:
                self.continue_music(following)

    def play_music(self, paths: list[str], offset_ms: int, *, loop: bool = True, loop_last: bool = False) -> Playback:
        """Play files as music, over and over again; with ``loop_last`` only the last one is repeated."""
        return self._play(paths, offset_ms, (_LOOP if loop else 0) | _MUSIC | (_LOOP_LAST if loop_last else 0))

    def play_music_of(self, speaker: Leg) -> Playback:
        """Play what another leg hears as music, until it closes."""
        if self._closed or speaker._closed:
            return Playback(self, None, "closed")
        return self._playing(self.engine.lib.leg_relay(self._handle, speaker._handle, _MUSIC))

    def play_music_tones(self, spec: ToneSpec) -> Playback:
        """Play tones as music."""
        return self._tones(spec, _MUSIC)

    def send_digit(self, digit: str, duration_ms: int = 100) -> None:
        """Send a digit (``0-9*#A-D``) to the far end as the leg was told to: RFC 4733 events or tones.

        Digits queue; 50 ms pass between two. ``w`` and ``W`` are pauses of half a second and a second.
        """
        if not self._closed:
            self._sending = True
            self.engine.lib.leg_digit(self._handle, ord(digit), duration_ms)

    def begin_digit(self, digit: str) -> None:
        """Begin a digit whose length is not known yet; ``end_digit`` ends it."""
        if not self._closed:
            self._sending = True
            self.engine.lib.leg_digit_begin(self._handle, ord(digit))

    def end_digit(self, digit: str, duration_ms: int = 0) -> None:
        """End a begun digit, not before it is ``duration_ms`` long."""
        if not self._closed:
            self._sending = True
            self.engine.lib.leg_digit_end(self._handle, ord(digit), duration_ms)

    @property
    def sending_digits(self) -> bool:
        """True while queued digits are being sent."""
        return self._sending and not self._closed

    # ---- what is connected -----------------------------------------------------------------------------

    def connect(self, other: Leg, *, digits: bool = True) -> None:
        """Join two legs, both ways; each leaves what it was connected to.

        Packets pass untouched but for their headers where both sides carry the same format and nothing taps or
        changes the sound; otherwise they are decoded, mixed and encoded. With ``digits`` events of RFC 4733 pass too
        (as tones where the other side has no events); without, the owner hears DigitBegin/DigitEnd and decides.
        """
        if self._closed or other._closed:
            return
        self._leave()
        other._leave()
        self._peer, other._peer = other, self
        self.engine.lib.leg_connect(self._handle, other._handle, digits)

    def disconnect(self) -> None:
        """Undo ``connect`` (either leg may be told) or leave a mixer."""
        if not self._closed and (self._peer is not None or self._mixer is not None):
            self._leave()
            self.engine.lib.leg_disconnect(self._handle)

    def _leave(self) -> None:
        """What the engine does by itself when a leg is joined elsewhere."""
        if self._peer is not None:
            self._peer._peer = None
            self._peer = None
        self._mixer = None

    @property
    def peer(self) -> Leg | None:
        """The leg this one is connected to."""
        return self._peer

    @contextlib.contextmanager
    def loopback(self) -> Iterator[None]:
        """Send the far end back its own sound (and its digit events) meanwhile; then what was connected before."""
        if not self._closed:
            self.engine.lib.leg_loopback(self._handle, True)
        try:
            yield
        finally:
            if not self._closed:
                self.engine.lib.leg_loopback(self._handle, False)

    # ---- what is heard ---------------------------------------------------------------------------------

    def record(
        self,
        path: str | Path,
        format: Format | str,
        direction: Direction = "in",
        *,
        append: bool = False,
        silence_threshold: int = 256,
    ) -> Recording:
        """Write the leg's sound to a file: what arrives ("in"), what is sent ("out"), or both mixed.

        ``format`` is a Format or a file extension (``wav``, ``wav16``, ``WAV``, ``gsm``, ``ulaw``, ``sln16`` ...); the
        path is used as given. The clock runs on in silence: a gap in what arrives is silence in the file.
        Several recordings may go side by side. Raises UnsupportedMedia for a format that cannot be written.
        """
        ffi, lib = self.engine.ffi, self.engine.lib
        extension = format if isinstance(format, str) else next(iter(format.extensions), format.name)
        if not lib.engine_sound_known(extension.encode()):
            raise UnsupportedMedia(f'recordings cannot be written as "{extension}"; wav, gsm, ulaw, alaw, sln16 can')
        if self._closed:
            return Recording(self, None, "closed")
        name = str(path).encode("utf-8", "surrogateescape")
        self.tap()
        handle = lib.leg_record(
            self._handle, name, extension.encode(), DIRECTIONS[direction], append, silence_threshold
        )
        if handle == ffi.NULL:
            raise MemoryError("no memory for a recording")
        recording = Recording(self, handle)
        self.engine.watch_object(handle, recording)
        return recording

    def detect_digits(self, on: bool, *, relax: bool = False) -> None:
        """Find DTMF in the sound that arrives (Q.24), reported as DigitBegin/DigitEnd of source "inband".

        The tone itself is taken out of what the connected party hears, after at most 20 ms of it.
        """
        if not self._closed:
            self.engine.lib.leg_detect_digits(self._handle, on, relax)

    def watch_silence(self, *, silence_ms: int = 0, noise_ms: int = 0, threshold: int = 256) -> Watch:
        """Report silence lasting ``silence_ms`` and sound lasting ``noise_ms`` by events and ``Watch.wait`` (0: not).

        ``threshold`` is the mean of the samples' magnitude (of 32767) below which 20 ms of sound count as silence.
        Each is reported once and again only after the other came between. Several watches may go side by side.
        """
        if self._closed:
            return Watch(self, None)
        self.tap()
        handle = self.engine.lib.leg_watch(self._handle, silence_ms, noise_ms, threshold)
        if not handle:
            raise MemoryError("no memory for a watch")
        watch = Watch(self, handle)
        self.engine.watch_object(handle, watch)
        return watch

    # ---- level -----------------------------------------------------------------------------------------

    def gain(self, in_db: float = 0.0, out_db: float = 0.0) -> None:
        """Change the level of what arrives and of what is sent, in dB (-60 to +30)."""
        if not self._closed:
            self.tap()
            self.engine.lib.leg_gain(self._handle, in_db, out_db)

    def mute(self, direction: Direction, on: bool = True) -> None:
        """Replace a direction by silence (nothing is sent for a muted connection but the stream goes on)."""
        if not self._closed:
            self.engine.lib.leg_mute(self._handle, DIRECTIONS[direction], on)

    def figures(self) -> dict[str, Any]:
        """What ``core show channel`` and diagnostics show; RTP legs add formats and counts."""
        return {"kind": type(self).__name__, "closed": self._closed, "connected": self._peer is not None}

    # ---- the engine's side -----------------------------------------------------------------------------

    def deliver(self, event: MediaEvent) -> None:
        """Hand an event to the owner."""
        if self.on_event is not None:
            self.on_event(event)

    def digits_sent(self) -> None:
        """The queue of digits has been sent."""
        self._sending = False

    def released(self) -> None:
        """The engine has let go of the leg: read what is kept of it now, its handle is not valid any more."""
        self._leave()
        self._closed = True
        self.on_event = None


class NullLeg(Leg):
    """A leg without a far end: nothing arrives, what is sent is dropped at the clock's pace."""

    __slots__ = ()


class PipeLeg(Leg):
    """One half of a pipe: what is sent to one half arrives at the other. The two halves of a Local channel."""

    __slots__ = ("_other",)

    def __init__(self, engine: Engine, handle: Any) -> None:
        super().__init__(engine, handle)
        self._other: PipeLeg = self

    @classmethod
    def pair(cls, engine: Engine, first: Any, second: Any) -> tuple[PipeLeg, PipeLeg]:
        """The two halves of a pipe of the engine's."""
        one, two = cls(engine, first), cls(engine, second)
        one._other, two._other = two, one
        return one, two

    @property
    def other(self) -> PipeLeg:
        """The other half."""
        return self._other

    def _source(self) -> tuple[Leg | None, bool]:
        """Whom the other half is connected to, through pipes if need be; whether a half on the way plays or mixes."""
        leg: Leg | None = self
        for _ in range(_MOST_PIPES):
            if not isinstance(leg, PipeLeg):
                return leg, False
            other = leg._other
            if other._mixer is not None or other.plays:
                return None, True
            leg = other._peer
        return None, False

    @property
    def heard(self) -> bool:
        """Whether the other half plays, or is connected to something that has been heard, through pipes if need be."""
        leg, plays = self._source()
        return plays or (leg is not None and leg.heard)

    def sounds(self, before: dict[Leg, int]) -> bool:
        """See Leg."""
        leg, plays = self._source()
        if plays or leg is None or leg.arrived is None:
            return plays or (leg is not None and leg.heard)
        return leg.arrived > before.setdefault(leg, leg.arrived)


class SnoopLeg(Leg):
    """A leg that hears another leg and may whisper into it (ChanSpy, MixMonitor, ARI snoop).

    What arrives at it is the spied-on sound; what is sent to it is mixed into the whisper direction(s).
    """

    __slots__ = ()

    def spy(self, direction: Literal["none", "in", "out", "both"], whisper: str = "none") -> None:
        """Hear other directions of the target from now on, and whisper into others (as in ``Engine.snoop``)."""
        if not self._closed:
            self.engine.lib.leg_spy(self._handle, DIRECTIONS[direction], DIRECTIONS[whisper])
