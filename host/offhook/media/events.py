"""What the engine reports about a leg. Each event is delivered to ``leg.on_event`` on the loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.media.detecting import Detector
    from offhook.media.leg import Leg
    from offhook.media.playing import Playback
    from offhook.media.recording import Recording, Watch
    from offhook.media.rtp_figures import Report


@dataclass(frozen=True, slots=True)
class MediaEvent:
    """Something happened on a leg."""

    leg: Leg


@dataclass(frozen=True, slots=True)
class DigitBegin(MediaEvent):
    """The far end began a digit of ``0123456789*#ABCD!`` (``!``: hook flash). ``source``: "rfc4733" or "inband"."""

    digit: str
    source: str


@dataclass(frozen=True, slots=True)
class DigitEnd(MediaEvent):
    """The far end's digit ended after ``duration_ms``."""

    digit: str
    duration_ms: int
    source: str


@dataclass(frozen=True, slots=True)
class PlaybackDone(MediaEvent):
    """A playback or tone ended. ``reason``: "done", "stopped", "replaced", "closed", or "failed: <sentence>"."""

    playback: Playback
    reason: str


@dataclass(frozen=True, slots=True)
class PlaybackAdvanced(MediaEvent):
    """A playback of several files began the one of that index (0 first)."""

    playback: Playback
    index: int


@dataclass(frozen=True, slots=True)
class RecordDone(MediaEvent):
    """A recording was written and closed. ``reason``: "stopped", "closed", or "failed: <sentence>"."""

    recording: Recording
    reason: str


@dataclass(frozen=True, slots=True)
class Silence(MediaEvent):
    """The far end has been silent for the watch's ``silence_ms``; before, it had made sound for ``duration_ms``."""

    watch: Watch
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Noise(MediaEvent):
    """The far end has made sound for the watch's ``noise_ms``; before, it had been silent for ``duration_ms``."""

    watch: Watch
    duration_ms: int


@dataclass(frozen=True, slots=True)
class RtpTimeout(MediaEvent):
    """Nothing arrived for the leg's timeout (or its hold timeout when ``held``). Sent once until packets return."""

    held: bool
    seconds: int


@dataclass(frozen=True, slots=True)
class LineLost(MediaEvent):
    """A line's descriptor gives and takes no more sound; ``why`` is a phrase. Sent once."""

    why: str


@dataclass(frozen=True, slots=True)
class StreamEnded(MediaEvent):
    """All that came from a stream has been heard, and no more will be. Sent once.

    ``error`` is "" when the far end said so or closed it, else a phrase that says what went wrong.
    """

    error: str


@dataclass(frozen=True, slots=True)
class StreamQuiet(MediaEvent):
    """Not a byte has passed either way for two seconds. Sent once until one does."""


@dataclass(frozen=True, slots=True)
class FarEndAddressLearned(MediaEvent):
    """Packets come from (and, on symmetric legs, go to) this address from now on."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class SourceJudged(MediaEvent):
    """Strict RTP: from now on nobody but this address is heard; or (told once) it is not ``heard``."""

    host: str
    port: int
    heard: bool


@dataclass(frozen=True, slots=True)
class FarEndQuiet(MediaEvent):
    """Nothing has arrived for the watchdog's ``seconds``; ``heard``: something did before. Sent once until it does."""

    heard: bool
    seconds: int


@dataclass(frozen=True, slots=True)
class PictureWanted(MediaEvent):
    """The far end asked for a whole picture of what it is sent, by RTCP; it was passed on to who sends it, by RTCP."""


@dataclass(frozen=True, slots=True)
class RtcpReceived(MediaEvent):
    """A sender or receiver report arrived."""

    report: Report


@dataclass(frozen=True, slots=True)
class RtcpSent(MediaEvent):
    """We sent a sender or receiver report."""

    report: Report


@dataclass(frozen=True, slots=True)
class CarrierHeard(MediaEvent):
    """FSK data began to arrive (``present``) or stopped."""

    detector: Detector
    present: bool


@dataclass(frozen=True, slots=True)
class DataHeard(MediaEvent):
    """Octets that arrived as FSK. A channel seizure looks like 0x55."""

    detector: Detector
    octets: bytes


@dataclass(frozen=True, slots=True)
class ToneHeard(MediaEvent):
    """The tone of that index (of those listened for) has lasted as long as it must, or (not ``begins``) it ended.

    It began, or ended, ``ago_ms`` before now.
    """

    detector: Detector
    tone: int
    begins: bool
    lasted_ms: int
    ago_ms: int


@dataclass(frozen=True, slots=True)
class SignalHeard(MediaEvent):
    """A register signal (MF or R2) began, or ended after ``lasted_ms``."""

    detector: Detector
    signal: str
    begins: bool
    lasted_ms: int
