"""Tones listened for: WaitForTone, ToneScan, and the function TONE_DETECT."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from offhook.apps.trunk_signals import Ears
from offhook.calls import events
from offhook.calls.channel import Channel, Hangup
from offhook.calls.frames import Digit, Frame, Media
from offhook.dialplan.context import DialplanError
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.location import parse_location
from offhook.dialplan.scope import Scope
from offhook.media.cadence import Progress
from offhook.media.detecting import Detector, ListenedTone, detect_tones
from offhook.media.events import DigitEnd, MediaEvent, Noise, ToneHeard
from offhook.media.tones import ToneZone
from offhook.modules import Module, Options, Syntax

log = logging.getLogger(__name__)
module = Module("res_tonedetect", "Tone detection module")

_DATA = "tone_detect"
_BLOCK_MS = 20
_STEP_S = 0.1
_VOICE_MS = 320
_ANSWER_HZ, _FAX_HZ = 2225, 2100
_LONGEST_TIME = 86_400.0 * 366


class Refused(ValueError):
    """An argument that cannot be; the sentence says which."""


def _whole(text: str, default: int, what: str) -> int:
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and int(text)):
        raise Refused(f'"{text}" is no {what}')
    return int(text)


def _frequency(text: str) -> int:
    if "+" in text:
        raise Refused(f'"{text}": one frequency at a time can be listened for')
    if not (text.isascii() and text.isdigit()):
        raise Refused(f'"{text}" is no frequency in Hz')
    return int(text)


def _timeout(text: str) -> float | None:
    try:
        seconds = float(text or 0)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _LONGEST_TIME:
        raise Refused(f'"{text}" is no number of seconds')
    return seconds or None


def _purity(decibels: int) -> float:
    """The share of the power that the tone has when it is so many dB above the rest."""
    ratio = 10 ** (decibels / 10)
    return float(min(ratio / (ratio + 1), 0.98))


@module.application(
    "WaitForTone",
    Syntax(
        "freq",
        "[duration_ms]",
        "[timeout]",
        "[times]",
        "[options]",
        freq="Hz.",
        duration_ms="It must last so long; 500 ms when not said.",
        timeout="Seconds; for ever when not said.",
        times="How often it must come; once when not said.",
        options={
            "d(decibels)": "How far it must be above everything else; 16 dB when not said.",
            "s": "Has nothing to do here: nobody hears the channel while it waits.",
        },
    ),
    see_also=("PlayTones", "TONE_DETECT"),
)
async def wait_for_tone(
    channel: Channel, freq: str = "", duration: str = "", timeout: str = "", times: str = "", options: str = ""
) -> None:
    """Wait until a tone of one frequency is heard.

    WAITFORTONESTATUS is SUCCESS, TIMEOUT, HANGUP or ERROR.
    """
    try:
        hertz, least = _frequency(freq), _whole(duration, 500, "time in ms")
        patience, count = _timeout(timeout), _whole(times, 1, "number of times")
        decibels = _whole(Options(options)["d"], 16, "number of dB")
    except Refused as error:
        log.warning("%s: WaitForTone: %s", channel.name, error)
        channel.set("WAITFORTONESTATUS", "ERROR")
        raise Hangup from None
    if channel.media is None:
        channel.set("WAITFORTONESTATUS", "ERROR")
        raise Hangup
    now = channel.pbx.now
    deadline = now() + patience if patience else None
    tone = ListenedTone(hertz, least_ms=least)
    detector, ears = detect_tones(channel.media, [tone], block_ms=_BLOCK_MS, purity=_purity(decibels)), Ears()
    detector.on_event = ears.hear
    status = "HANGUP"
    try:
        while count:
            event = await ears.next(None if deadline is None else max(0.0, deadline - now()))
            if event is None:
                break
            count -= isinstance(event, ToneHeard) and event.begins
        status = "TIMEOUT" if count else "SUCCESS"
    finally:
        detector.close()
        channel.frames.clear()
        channel.set("WAITFORTONESTATUS", status)


_SCANNED = {"ring": "RINGING", "busy": "BUSY", "congestion": "BUSY", "info": "SIT", "dial": "DIALTONE"}


@module.application(
    "ToneScan",
    Syntax(
        "[zone]",
        "[timeout]",
        "[threshold]",
        "[options]",
        zone="A tone zone of indications.conf; the channel's when not said.",
        timeout="Seconds; for ever when not said.",
        threshold="A tone must last so many times 20 ms longer; 1 when not said.",
        options={"f": "Listen for fax machines.", "v": "Listen for a voice."},
    ),
    see_also=("WaitForTone",),
)
async def tone_scan(
    channel: Channel, zone: str = "", timeout: str = "", threshold: str = "", options: str = ""
) -> None:
    """Wait until a call-progress tone of the network is heard, and tell which.

    TONESCANSTATUS is RINGING, BUSY, SIT, VOICE, DTMF, FAX, MODEM, DIALTONE, NUT, TIMEOUT or HANGUP.
    """
    try:
        patience, longer = _timeout(timeout), _whole(threshold, 1, "threshold") - 1
        country = _zone(channel, zone)
        if country is None:
            raise Refused(f'there is no tone zone "{zone}"')
    except Refused as error:
        log.warning("%s: ToneScan: %s", channel.name, error)
        channel.set("TONESCANSTATUS", "ERROR")
        raise Hangup from None
    if channel.media is None:
        raise Hangup
    scan = _Scan(channel, country, longer * _BLOCK_MS, fax="f" in options, voice="v" in options)
    status = "HANGUP"
    try:
        status = await scan.run(patience)
    finally:
        scan.end()
        channel.frames.clear()
        channel.set("TONESCANSTATUS", status)


def _zone(channel: Channel, name: str) -> ToneZone | None:
    zones = channel.pbx.zones
    return zones.get(name or channel.tone_zone or channel.pbx.default_zone)


class _Scan:
    def __init__(self, channel: Channel, zone: ToneZone, longer_ms: int, *, fax: bool, voice: bool) -> None:
        assert channel.media is not None
        self._channel = channel
        self._progress = Progress(zone, at_once=True)
        self._ears = Ears()
        answers = [ListenedTone(_ANSWER_HZ, least_ms=400), *([ListenedTone(_FAX_HZ, least_ms=500)] if fax else [])]
        tones = [replace(tone, least_ms=tone.least_ms + longer_ms) for tone in self._progress.tones]
        self._tones = detect_tones(channel.media, tones, block_ms=self._progress.block_ms)
        self._answers = detect_tones(channel.media, answers, block_ms=_BLOCK_MS)
        self._tones.on_event = self._answers.on_event = self._ears.hear
        self._voice = channel.media.watch_silence(noise_ms=_VOICE_MS, threshold=256) if voice else None
        channel.media.detect_digits(True)
        channel.data.setdefault("frame_hooks", []).append(self._frame)

    def _frame(self, frame: Frame) -> bool:
        if isinstance(frame, Media) and isinstance(frame.event, Noise) and frame.event.watch is self._voice:
            self._ears.hear(frame.event)
        elif isinstance(frame, Digit) and frame.end:
            self._ears.hear(DigitEnd(self._tones.leg, frame.digit, frame.duration_ms, ""))
        return False

    async def run(self, patience: float | None) -> str:
        """What was heard, or TIMEOUT."""
        now = self._channel.pbx.now
        began = now()
        while patience is None or now() < began + patience:
            left = _STEP_S if patience is None else min(_STEP_S, began + patience - now())
            event = await self._ears.next(max(0.0, left))
            found = self._heard(event, now() * 1000) if event is not None else self._progress.time(now() * 1000)
            if found:
                return _SCANNED.get(found, found)
        return "TIMEOUT"

    def _heard(self, event: MediaEvent, now: float) -> str | None:
        if isinstance(event, DigitEnd):
            return "DTMF"
        if isinstance(event, Noise):
            return "VOICE"
        if not isinstance(event, ToneHeard):
            return None
        if event.detector is self._answers:
            return ("MODEM", "FAX")[event.tone] if event.begins else None
        found = self._progress.heard(event.tone, event.begins, now - event.ago_ms)
        return found if found in _SCANNED else None

    def end(self) -> None:
        """Listen no more."""
        self._tones.close()
        self._answers.close()
        if self._voice is not None:
            self._voice.close()
        hooks = self._channel.data.get("frame_hooks", [])
        if self._frame in hooks:
            hooks.remove(self._frame)


# ---- TONE_DETECT ------------------------------------------------------------------------------------------

_SIGNALS = {"a": "info", "b": "busy", "c": "dial", "p": "ring"}


@dataclass(slots=True)
class _Side:
    """One direction of a detection: where to go, and how often it was heard."""

    direction: Literal["in", "out"]
    place: tuple[str, str, int] | None
    count: int = 0


class ToneDetection:
    """Listens on a channel until it is told not to."""

    def __init__(
        self,
        channel: Channel,
        hertz: int,
        least_ms: int,
        purity: float,
        sides: list[_Side],
        letters: Options,
        hits: int,
    ) -> None:
        assert channel.media is not None
        self.sides = {side.direction: side for side in sides}
        self._channel = channel
        self._hits = hits
        self._ends = "e" in letters
        self._met = False
        self._detectors: list[Detector] = []
        wanted = [name for letter, name in _SIGNALS.items() if letter in letters]
        zone = _zone(channel, "")
        for side in sides:
            if hertz:
                tone = ListenedTone(hertz, least_ms=least_ms)
                self._listen([tone], side, _BLOCK_MS, purity, self._on_tone(side))
            if wanted and zone is not None:
                progress = Progress(zone, wanted, at_once=True)
                if progress.tones:
                    self._listen(progress.tones, side, progress.block_ms, 0.6, self._on_signal(side, progress))

    def _listen(
        self, tones: list[ListenedTone], side: _Side, block: int, purity: float, hear: Callable[[MediaEvent], None]
    ) -> None:
        assert self._channel.media is not None
        detector = detect_tones(self._channel.media, tones, direction=side.direction, block_ms=block, purity=purity)
        detector.on_event = hear
        self._detectors.append(detector)

    def _on_tone(self, side: _Side) -> Callable[[MediaEvent], None]:
        def heard(event: MediaEvent) -> None:
            if not isinstance(event, ToneHeard) or not event.begins or (self._met and self._ends):
                return
            side.count += 1
            if side.count >= self._hits:
                self._met = True
                self._channel.pbx.bus.publish(events.ToneDetected(self._channel))
                self._go(side)

        return heard

    def _on_signal(self, side: _Side, progress: Progress) -> Callable[[MediaEvent], None]:
        def heard(event: MediaEvent) -> None:
            if isinstance(event, ToneHeard) and not (self._met and self._ends):
                now = self._channel.pbx.now() * 1000
                if progress.heard(event.tone, event.begins, now - event.ago_ms) or progress.time(now):
                    self._met = True
                    self._go(side)

        return heard

    def _go(self, side: _Side) -> None:
        if side.place is not None and self._channel.alive:
            self._channel.async_goto(*side.place)

    def end(self) -> None:
        """Listen no more."""
        for detector in self._detectors:
            detector.close()


def _place(channel: Channel, text: str) -> tuple[str, str, int] | None:
    try:
        return parse_location(channel, text) if text else None
    except DialplanError as error:
        raise FunctionError(f"TONE_DETECT: {error}") from None


def _channel(scope: Scope) -> Channel:
    channel: Channel | None = scope.channel
    if channel is None or channel.media is None:
        raise FunctionError("TONE_DETECT needs a channel with sound")
    return channel


@module.function(
    "TONE_DETECT",
    Syntax(
        "freq",
        "[duration_ms]",
        "[options]",
        freq="Hz; 0 to listen for signals only.",
        duration_ms="It must last so long; 500 ms when not said.",
        options={
            "a": "Special information tones count.",
            "b": "Busy counts.",
            "c": "Dial tone counts.",
            "d(decibels)": "How far the tone must be above everything else; 16 dB when not said.",
            "e": "Listen no more after that many times.",
            "g(place)": "Go to [[context,]extension,]priority when it is received.",
            "h(place)": "Go there when it is sent.",
            "n(times)": "How often it must be heard before going; once when not said.",
            "p": "Ringback tone counts.",
            "r": "What is received only.",
            "s": "Take the tone out (not supported).",
            "t": "What is sent only.",
            "x": "Stop listening.",
        },
    ),
    see_also=("WaitForTone",),
)
def tone_detect(scope: Scope, direction: str = "") -> str:
    """How often a tone has been heard, or have it listened for.

    ${TONE_DETECT(rx)} and ${TONE_DETECT(tx)} count what was received and sent. Set(TONE_DETECT(freq,ms,options)=)
    begins to listen (what is received, when no options are given), Set(TONE_DETECT(0,,x)=) stops.
    """
    detection: ToneDetection | None = _channel(scope).data.get(_DATA)
    if detection is None:
        raise FunctionError("TONE_DETECT: nothing listens on the channel")
    key: Literal["in", "out"] = "out" if "t" in direction else "in"
    if not set("rt") & set(direction):
        raise FunctionError(f"TONE_DETECT({direction}): rx and tx can be asked for")
    side = detection.sides.get(key)
    return str(side.count if side is not None else 0)


@tone_detect.writer
def tone_detect_write(scope: Scope, value: str, freq: str = "", duration: str = "", options: str = "") -> None:
    """Begin or stop to listen; the value means nothing."""
    channel, letters = _channel(scope), Options(options)
    before: ToneDetection | None = channel.data.pop(_DATA, None)
    if before is not None:
        before.end()
    if "x" in letters:
        if before is None:
            raise FunctionError("TONE_DETECT(,,x): nothing listens on the channel")
        return
    if "s" in letters:
        log.warning("%s: TONE_DETECT: option s is not supported: the tone stays in the sound", channel.name)
    try:
        hertz, least = _frequency(freq), _whole(duration, 500, "time in ms")
        hits, decibels = _whole(letters["n"], 1, "number of times"), _whole(letters["d"], 16, "number of dB")
    except Refused as error:
        raise FunctionError(f"TONE_DETECT: {error}") from None
    both = bool(options) and "r" not in letters and "t" not in letters
    sides = []
    if both or "t" not in letters:
        sides.append(_Side("in", _place(channel, letters["g"])))
    if both or "t" in letters:
        sides.append(_Side("out", _place(channel, letters["h"])))
    channel.data[_DATA] = ToneDetection(channel, hertz, least, _purity(decibels), sides, letters, hits)
