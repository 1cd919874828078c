"""AMD: is it a person or an answering machine that answered?"""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields

from offhook.calls.channel import Channel, Hangup
from offhook.calls.frames import Media
from offhook.calls.pbx import Pbx
from offhook.log import verbose
from offhook.media.events import Noise, Silence
from offhook.modules import Module, Syntax

log = logging.getLogger(__name__)
module = Module("app_amd", "Answering Machine Detection Application")

_KEY = "amd"


@dataclass(slots=True)
class Limits:
    """What tells machines from people; times in ms, in the order of the application's arguments."""

    initial_silence: int = 2500
    greeting: int = 1500
    after_greeting_silence: int = 800
    total_analysis_time: int = 5000
    minimum_word_length: int = 100
    between_words_silence: int = 50
    maximum_number_of_words: int = 2
    silence_threshold: int = 256
    maximum_word_length: int = 5000


class Judge:
    """Listens to words and silences and comes to a verdict; every moment is given, in ms since the beginning."""

    __slots__ = ("_silent_since", "_talking_since", "_voice", "_words", "limits")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._silent_since: int | None = 0
        self._talking_since: int | None = None
        self._voice = 0
        self._words = 0

    def noise(self, now: int) -> tuple[str, str] | None:
        """A word has lasted long enough to be one."""
        limits = self.limits
        self._talking_since = now - limits.minimum_word_length
        self._silent_since = None
        self._words += 1
        if self._words >= limits.maximum_number_of_words:
            return "MACHINE", f"MAXWORDS-{self._words}-{limits.maximum_number_of_words}"
        return self.look(now)

    def silence(self, now: int, talked: int) -> None:
        """A word has been over for the silence between words; it lasted ``talked`` ms."""
        if self._talking_since is not None:
            self._voice += talked
        self._talking_since = None
        self._silent_since = now - self.limits.between_words_silence

    def look(self, now: int) -> tuple[str, str] | None:
        """What the time that has passed tells: (AMDSTATUS, AMDCAUSE), or None when nothing is sure yet."""
        limits = self.limits
        if now >= limits.total_analysis_time:
            return "NOTSURE", f"TOOLONG-{now}"
        if self._talking_since is not None:
            word = now - self._talking_since
            if word >= limits.maximum_word_length:
                return "MACHINE", f"MAXWORDLENGTH-{word}"
            if self._voice + word >= limits.greeting:
                return "MACHINE", f"LONGGREETING-{self._voice + word}-{limits.greeting}"
        elif self._silent_since is not None:
            silent = now - self._silent_since
            if not self._words and silent >= limits.initial_silence:
                return "MACHINE", f"INITIALSILENCE-{silent}-{limits.initial_silence}"
            if self._words and silent >= limits.after_greeting_silence:
                return "HUMAN", f"HUMAN-{silent}-{limits.after_greeting_silence}"
        return None

    def next_look(self, now: int) -> int:
        """How long nothing can change by itself, in ms."""
        limits = self.limits
        moments = [limits.total_analysis_time]
        if self._talking_since is not None:
            moments += [
                self._talking_since + limits.maximum_word_length,
                self._talking_since + limits.greeting - self._voice,
            ]
        elif self._silent_since is not None:
            wait = limits.after_greeting_silence if self._words else limits.initial_silence
            moments.append(self._silent_since + wait)
        return max(1, min(moments) - now)


@module.on_load
@module.on_reload
def configure(pbx: Pbx) -> None:
    """Read amd.conf."""
    limits = Limits()
    configuration = pbx.config.load("amd.conf", module.name)
    section = configuration.get("general") if configuration is not None else None
    names = {field.name.replace("_", ""): field.name for field in fields(Limits)}
    names["minwordlength"] = "minimum_word_length"
    for name, value in (section.pairs() if section is not None else {}).items():
        attribute = names.get(name.lower().replace("_", ""))
        if attribute is None and name.lower() != "playback_file":
            log.warning("amd.conf: %s is no option; they are %s", name, ", ".join(names.values()))
        elif attribute is not None and value.strip().isdigit():
            setattr(limits, attribute, int(value))
        elif attribute is not None:
            log.warning("amd.conf: %s = %s: a whole number is needed", name, value)
    pbx.parts[_KEY] = limits


@module.application(
    "AMD",
    Syntax(
        "[initialSilence]",
        "[greeting]",
        "[afterGreetingSilence]",
        "[totalAnalysisTime]",
        "[minimumWordLength]",
        "[betweenWordsSilence]",
        "[maximumNumberOfWords]",
        "[silenceThreshold]",
        "[maximumWordLength]",
    ),
    see_also=("WaitForSilence", "WaitForNoise"),
)
async def amd(channel: Channel, *arguments: str) -> None:
    """Tell from the first words whether a person or a machine answered.

    What is not given is as amd.conf says. AMDSTATUS is MACHINE, HUMAN, NOTSURE or HANGUP; AMDCAUSE tells why.
    """
    configured = channel.pbx.parts.get(_KEY) or Limits()
    limits = Limits(*(getattr(configured, field.name) for field in fields(Limits)))
    for field, text in zip(fields(Limits), arguments, strict=False):
        if text.strip().isdigit():
            setattr(limits, field.name, int(text))
    status, cause = "HANGUP", ""
    try:
        status, cause = await _listen(channel, limits)
    finally:
        channel.set("AMDSTATUS", status)
        channel.set("AMDCAUSE", cause)
        verbose(3, "AMD: Channel [%s]. %s %s", channel.name, status, cause)


async def _listen(channel: Channel, limits: Limits) -> tuple[str, str]:
    if channel.media is None:
        raise Hangup
    judge = Judge(limits)
    began = channel.pbx.now()
    watch = channel.media.watch_silence(
        silence_ms=limits.between_words_silence,
        noise_ms=limits.minimum_word_length,
        threshold=limits.silence_threshold,
    )
    verdict: tuple[str, str] | None = None
    try:
        while verdict is None:
            now = int((channel.pbx.now() - began) * 1000)
            frame = await channel.read(judge.next_look(now) / 1000)
            now = int((channel.pbx.now() - began) * 1000)
            event = frame.event if isinstance(frame, Media) else None
            if isinstance(event, Noise) and event.watch is watch:
                verdict = judge.noise(now)
                continue
            if isinstance(event, Silence) and event.watch is watch:
                judge.silence(now, event.duration_ms)
            verdict = judge.look(now)
        return verdict
    finally:
        watch.close()
