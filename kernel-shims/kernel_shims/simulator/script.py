"""Scripts of simulated parties: "off-hook; wait 1; dial 600; until tone 440 480; on-hook".

a phone     off-hook, on-hook, flash, dial DIGITS, pulse DIGITS, until ringing
a line      ring [NUMBER [NAME]], stop, answer, hang-up, reverse, drop MS, unplug, plug, until STATE
both        say HZ SECONDS, wait SECONDS, until tone HZ [HZ], until silence
"""

from __future__ import annotations

from collections.abc import Callable

from kernel_shims.simulator.exchange import Exchange
from kernel_shims.simulator.phone import Phone
from kernel_shims.simulator.sound import STEP_MS, tone

UNTIL_MS = 30_000
"""What does not come to pass within that fails the script."""


class ScriptError(Exception):
    """A script cannot be read, or something it waited for did not come to pass; the sentence says what."""


class Script:
    """A script being carried out by one party, step by step."""

    def __init__(self, party: Phone | Exchange, text: str) -> None:
        self._party = party
        self._steps = [words for part in text.split(";") if (words := part.split())]
        self._at = 0
        self._passed = 0
        self.error = ""
        """Why it failed."""
        self.on_done: Callable[[], None] | None = None
        """Called when it is over."""
        if not self._steps:
            raise ScriptError("there is nothing in the script; write steps such as off-hook; dial 600")
        for words in self._steps:
            self._condition(words)

    @property
    def done(self) -> bool:
        """Whether it is over."""
        return bool(self.error) or self._at >= len(self._steps)

    def step(self) -> None:
        """10 ms passed."""
        while not self.done:
            words = self._steps[self._at]
            condition = self._condition(words)
            if self._passed == 0:
                self._begin(words)
            if not condition():
                self._passed += STEP_MS
                if words[0] == "until" and self._passed > UNTIL_MS:
                    self.error = f'"{" ".join(words)}" did not come to pass within {UNTIL_MS // 1000} s'
                return
            self._at += 1
            self._passed = 0

    def _begin(self, words: list[str]) -> None:
        match self._party, words:
            case (Phone() as phone, [("off-hook" | "on-hook" | "flash") as verb]):
                getattr(phone, verb.replace("-", "_"))()
            case (Phone() as phone, [("dial" | "pulse") as verb, digits]):
                getattr(phone, verb)(digits)
            case (Exchange() as line, ["ring", *caller]):
                line.ring(caller[0] if caller else None, " ".join(caller[1:]))
            case (Exchange() as line, ["drop", ms]):
                line.drop_battery(int(ms))
            case (Exchange() as line, ["stop"]):
                line.stop_ringing()
            case (Exchange() as line, [("answer" | "hang-up" | "reverse" | "unplug" | "plug") as verb]):
                getattr(line, verb.replace("-", "_"))()
            case (_, ["say", pitch, seconds]):
                self._party.say(tone((float(pitch),), int(float(seconds) * 1000)))

    def _condition(self, words: list[str]) -> Callable[[], bool]:
        """What ends a step. Raises ScriptError for a step that this party does not know."""
        party = self._party
        try:
            match party, words:
                case (_, ["wait", seconds]):
                    least = float(seconds) * 1000
                    return lambda: self._passed >= least
                case (_, ["until", "tone", *pitches]) if 1 <= len(pitches) <= 2:
                    frequencies = [float(pitch) for pitch in pitches]
                    return lambda: party.hears(*frequencies)
                case (_, ["until", "silence"]):
                    return lambda: max(map(abs, list(party.heard)[-1600:]), default=0) < 100
                case (Phone() as phone, ["until", "ringing"]):
                    return lambda: phone.ringing
                case (Exchange() as line, ["until", state]):
                    return lambda: line.state == state
                case (_, ["say", pitch, seconds]):
                    float(pitch)
                    least = float(seconds) * 1000
                    return lambda: self._passed >= least
                case (Phone() as phone, ["dial" | "pulse", _]):
                    return lambda: self._passed > 0 and not phone.speaking
                case (Phone(), ["off-hook" | "on-hook" | "flash"]):
                    return lambda: True
                case (Exchange(), ["drop", ms]) if ms.isdigit():
                    return lambda: True
                case (Exchange(), ["ring", *_] | ["stop" | "answer" | "hang-up" | "reverse" | "unplug" | "plug"]):
                    return lambda: True
        except ValueError:
            raise ScriptError(f'"{" ".join(words)}": that is no number') from None
        kind = "a phone" if isinstance(party, Phone) else "a line"
        raise ScriptError(f'{kind} knows no step "{" ".join(words)}"')
