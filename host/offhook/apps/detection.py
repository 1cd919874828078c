"""Listening for talk and silence: BackgroundDetect, WaitForSilence, WaitForNoise, and the function TALK_DETECT."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from offhook.calls import events
from offhook.calls.channel import Channel, Hangup, State
from offhook.calls.frames import Digit, Frame, Media
from offhook.calls.prompts import NoPrompt, here, start
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.log import verbose
from offhook.media.events import Noise, PlaybackDone, Silence
from offhook.modules import Module, Syntax, split_arguments

if TYPE_CHECKING:
    from offhook.media.recording import Watch

log = logging.getLogger(__name__)
detect_module = Module("app_talkdetect", "Playback with Talk Detection")
silence_module = Module("app_waitforsilence", "Wait For Silence/Noise")
function_module = Module("func_talkdetect", "Talk detection dialplan function")

SILENCE_LEVEL = 256
_TALK_LEVEL = 512
"""What BackgroundDetect takes for talk; it does not go by dsp.conf."""
_FRAME_MS = 20
_HOOKS = "frame_hooks"
_TALK = "talk_detect"


def positive(text: str, default: int) -> int:
    """The whole number that a text begins with if it is above 0, else the default."""
    found = re.match(r"\s*\+?\d+", text)
    return int(found[0]) if found and int(found[0]) > 0 else default


@detect_module.application(
    "BackgroundDetect",
    Syntax(
        "filename",
        "[sil]",
        "[min]",
        "[max]",
        "[analysistime]",
        sil="Milliseconds of silence that end a talk; 1000 when not said.",
        min="A talk must be longer, in ms; 100 when not said.",
        max="A talk must be shorter, in ms.",
        analysistime="Talk counts only so long from the beginning, in ms.",
    ),
    see_also=("Playback", "BackGround", "AMD"),
)
async def background_detect(
    channel: Channel, name: str = "", silence: str = "", least: str = "", most: str = "", analysis: str = ""
) -> str | None:
    """Play a sound file and listen for talk meanwhile.

    When the caller has talked and is silent again, TALK_DETECTED is how long it was in ms, and the dialplan goes on at
    extension talk if there is one. A digit that may begin an extension ends it too.
    """
    if not name:
        log.warning("%s: BackgroundDetect needs the name of a sound file", channel.name)
        raise Hangup
    quiet = positive(silence, 1000)
    shortest, longest, limit = positive(least, 100), positive(most, 0), positive(analysis, 0)
    if channel.state is not State.UP:
        channel.answer()
    plan = channel.pbx.dialplan
    caller = channel.caller.id.number.text
    try:
        playback = start(channel, await here(channel, name))
    except NoPrompt as missing:
        log.warning("%s: BackgroundDetect: %s", channel.name, missing)
        return None
    assert channel.media is not None
    # The silence has to be longer than said, by what is told in frames.
    watch = channel.media.watch_silence(silence_ms=quiet + 1, noise_ms=_FRAME_MS, threshold=_TALK_LEVEL)
    now = channel.pbx.now
    began = now()
    loud: float | None = None
    """When the talk began that is going on or was last heard."""
    try:
        while not playback.done:
            frame = await channel.read()
            if isinstance(frame, Digit) and frame.end:
                if plan.can_match(channel.context, frame.digit, caller):
                    return frame.digit
            elif isinstance(frame, Media):
                event = frame.event
                if isinstance(event, PlaybackDone) and event.playback is playback:
                    break
                if isinstance(event, Noise) and event.watch is watch and loud is None:
                    loud = now()
                if not isinstance(event, Silence) or event.watch is not watch or loud is None:
                    continue
                # From the first loud frame to the one that makes the silence long enough, less that silence.
                talked = max(0, round((now() - loud) * 1000) - quiet)
                loud = None
                if limit and (now() - began) * 1000 >= limit:
                    verbose(3, "BackgroundDetect: Talk analysis time complete on %s.", channel.name)
                elif talked > shortest and (not longest or talked < longest):
                    channel.set("TALK_DETECTED", str(talked))
                    if plan.exists(channel.context, "talk", 1, caller):
                        channel.goto(channel.context, "talk", 1)
                    break
    finally:
        watch.close()
        playback.stop()
    return None


_WAITING = Syntax(
    "[required]",
    "[iterations]",
    "[timeout]",
    required="Milliseconds; 1000 when not said.",
    iterations="How often it must come; once when not said.",
    timeout="Seconds after which it is given up; never when not said.",
)


@silence_module.application("WaitForSilence", _WAITING, see_also=("WaitForNoise",))
async def wait_for_silence(channel: Channel, required: str = "", times: str = "", timeout: str = "") -> None:
    """Wait until the caller is silent for some time.

    WAITSTATUS is SILENCE, TIMEOUT or HANGUP.
    """
    await _wait(channel, "Silence", required, times, timeout)


@silence_module.application("WaitForNoise", _WAITING, see_also=("WaitForSilence",))
async def wait_for_noise(channel: Channel, required: str = "", times: str = "", timeout: str = "") -> None:
    """Wait until the caller makes sound for some time.

    WAITSTATUS is NOISE, TIMEOUT or HANGUP.
    """
    await _wait(channel, "Noise", required, times, timeout)


async def _wait(channel: Channel, what: str, required: str, times: str, timeout: str) -> None:
    try:
        span, count, seconds = int(required or 1000), int(times or 1), int(timeout or 0)
    except ValueError:
        span = count = seconds = -1
    if span < 0 or count < 1 or seconds < 0:
        log.error(
            "%s: WaitFor%s(%s,%s,%s): milliseconds, times and seconds are whole numbers",
            channel.name,
            what,
            required,
            times,
            timeout,
        )
        raise Hangup
    if channel.state is not State.UP:
        channel.answer()
    verbose(3, "Waiting %d time(s) for %dms of %s with %ds timeout", count, span, what.lower(), seconds)
    if channel.media is None:
        raise Hangup
    now = channel.pbx.now
    deadline = now() + seconds if seconds else None
    status = "HANGUP"
    try:
        for _ in range(count):
            status = "HANGUP"
            status = await _heard(channel, what, span, deadline)
            if status == "TIMEOUT":
                break
    finally:
        channel.set("WAITSTATUS", status)


async def _heard(channel: Channel, what: str, span: int, deadline: float | None) -> str:
    assert channel.media is not None
    kind = Silence if what == "Silence" else Noise
    spans = {"silence_ms": span, "noise_ms": 0} if kind is Silence else {"silence_ms": 0, "noise_ms": span}
    watch = channel.media.watch_silence(**spans, threshold=SILENCE_LEVEL)
    now = channel.pbx.now
    try:
        while True:
            frame = await channel.read(None if deadline is None else deadline - now())
            if isinstance(frame, Media) and isinstance(frame.event, kind) and frame.event.watch is watch:
                return what.upper()
            if deadline is not None and now() >= deadline:
                return "TIMEOUT"
    finally:
        watch.close()


# ---- TALK_DETECT ------------------------------------------------------------------------------------------


class TalkDetector:
    """Tells the bus when the party of a channel begins and stops talking."""

    __slots__ = ("channel", "watch")

    def __init__(self, channel: Channel, silence_ms: int, level: int) -> None:
        assert channel.media is not None
        self.channel = channel
        self.watch: Watch = channel.media.watch_silence(silence_ms=silence_ms, noise_ms=_FRAME_MS, threshold=level)
        channel.data.setdefault(_HOOKS, []).append(self.frame)

    def frame(self, frame: Frame) -> bool:
        """Hear a frame of the channel's; it goes on to whoever minds the channel."""
        event = frame.event if isinstance(frame, Media) else None
        if isinstance(event, Noise) and event.watch is self.watch:
            self.channel.pbx.bus.publish(events.TalkingStart(self.channel))
        elif isinstance(event, Silence) and event.watch is self.watch and event.duration_ms:
            self.channel.pbx.bus.publish(events.TalkingStop(self.channel, event.duration_ms))
        return False

    def end(self) -> None:
        """Listen no more."""
        self.watch.close()
        hooks = self.channel.data.get(_HOOKS, [])
        if self.frame in hooks:
            hooks.remove(self.frame)


def _write(scope: Scope, value: str, action: str) -> None:
    """Have talk on the channel told to listeners, or no longer.

    TALK_DETECT(set)=silence,level: so many milliseconds of silence end a talk (2500), and sound below the level (256)
    is silence. TALK_DETECT(remove)= ends it.
    """
    channel: Channel | None = scope.channel
    if channel is None or channel.media is None:
        raise FunctionError("TALK_DETECT needs a channel with sound")
    wanted = action.strip().lower()
    if wanted not in ("set", "remove"):
        raise FunctionError(f"TALK_DETECT({action}): write TALK_DETECT(set) or TALK_DETECT(remove)")
    before: TalkDetector | None = channel.data.pop(_TALK, None)
    if before is not None:
        before.end()
    if wanted == "set":
        silence, level = [*split_arguments(value), "", ""][:2]
        channel.data[_TALK] = TalkDetector(channel, positive(silence, 2500), positive(level, SILENCE_LEVEL))
    elif before is None:
        raise FunctionError("TALK_DETECT(remove): nothing listens on the channel")


talk_detect = function_module.function("TALK_DETECT", Syntax("action"), write_only=True)(_write)
