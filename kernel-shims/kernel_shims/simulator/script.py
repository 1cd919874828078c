"""Scripts of simulated parties: "off-hook; wait 1; dial 600; until tone 440 480; on-hook".

a phone     off-hook, on-hook, flash, dial DIGITS, pulse DIGITS, until ringing
a line      ring [NUMBER [NAME]], stop, answer, hang-up, reverse, drop MS, unplug, plug, until STATE
both        say HZ SECONDS, wait SECONDS, until tone HZ [HZ], until silence
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from kernel_shims.simulator.exchange import STATES, Exchange
from kernel_shims.simulator.phone import Phone
from kernel_shims.simulator.sound import DTMF, RATE, STEP_MS, tone

UNTIL_MS = 30_000
"""What does not come to pass within that fails the script."""
_LONGEST_S = 3600.0
"""A step that takes longer is a slip of the pen."""
_QUIET = 100
"""Peak of what counts as silence."""
_QUIET_SAMPLES = RATE // 5


class ScriptError(Exception):
    """A script cannot be read, or something it waited for did not come to pass; the sentence says what."""


def _at_once(_passed_ms: int) -> bool:
    return True


def _nothing() -> None:
    return


class _Step(NamedTuple):
    begin: Callable[[], None] = _nothing
    over: Callable[[int], bool] = _at_once
    """Told how many ms of the step have passed."""
    lifted: bool = False
    """Whether it wants the handset off its hook, from its beginning to its end."""
    patient: bool = False
    """Whether it fails when it is not over within UNTIL_MS."""


class Script:
    """A script being carried out by one party, step by step. Raises ScriptError for what the party does not know."""

    def __init__(self, party: Phone | Exchange, text: str) -> None:
        self._party = party
        self._steps = [(" ".join(words), _step(party, words)) for part in text.split(";") if (words := part.split())]
        self._at = 0
        self._passed = 0
        self.error = ""
        """Why it failed."""
        self.on_done: Callable[[], None] | None = None
        """Called when it is over."""
        if not self._steps:
            raise ScriptError("there is nothing in the script; write steps such as off-hook; dial 600")

    @property
    def done(self) -> bool:
        """Whether it is over."""
        return bool(self.error) or self._at >= len(self._steps)

    def step(self) -> None:
        """10 ms passed."""
        while not self.done:
            text, step = self._steps[self._at]
            if step.lifted and isinstance(self._party, Phone) and not self._party.is_off_hook:
                self.error = f'"{text}": the handset is on its hook; off-hook comes before'
                return
            if self._passed == 0:
                step.begin()
            if not step.over(self._passed):
                self._passed += STEP_MS
                if step.patient and self._passed > UNTIL_MS:
                    self.error = f'"{text}" did not come to pass within {UNTIL_MS // 1000} s'
                return
            self._at += 1
            self._passed = 0

    def end(self, why: str) -> None:
        """It cannot go on."""
        if not self.done:
            self.error = f'"{self._steps[self._at][0]}": {why}'


def _step(party: Phone | Exchange, words: list[str]) -> _Step:
    match words:
        case ["wait", seconds]:
            return _Step(over=_after(seconds))
        case ["say", pitch, seconds]:
            over = _after(seconds)
            sound = partial(tone, (_number(pitch, RATE / 2),), int(float(seconds) * 1000))
            return _Step(lambda: party.say(sound()), over, lifted=True)
        case ["until", "tone", *pitches] if 1 <= len(pitches) <= 2:
            frequencies = [_number(pitch, RATE / 2) for pitch in pitches]
            return _Step(over=lambda _: party.hears(*frequencies), patient=True)
        case ["until", "silence"]:
            return _Step(over=lambda _: _quiet(party), patient=True)
    found = _phone_step(party, words) if isinstance(party, Phone) else _line_step(party, words)
    if found is None:
        kind = "a phone" if isinstance(party, Phone) else "a line"
        raise ScriptError(f'{kind} knows no step "{" ".join(words)}"')
    return found


def _phone_step(phone: Phone, words: list[str]) -> _Step | None:
    match words:
        case ["off-hook"]:
            return _Step(phone.off_hook)
        case ["on-hook"]:
            return _Step(phone.on_hook)
        case ["flash"]:
            return _Step(phone.flash, lifted=True)
        case ["dial" | "pulse" as verb, digits]:
            known = {*DTMF, ","} if verb == "dial" else set("0123456789")
            if wrong := [digit for digit in digits.upper() if digit not in known]:
                raise ScriptError(f'"{" ".join(words)}": "{wrong[0]}" is no digit')
            begin = partial(phone.dial if verb == "dial" else phone.pulse, digits)
            return _Step(begin, lambda passed: passed > 0 and not phone.speaking, lifted=True)
        case ["until", "ringing"]:
            return _Step(over=lambda _: phone.ringing, patient=True)
    return None


def _line_step(line: Exchange, words: list[str]) -> _Step | None:
    match words:
        case ["ring", *caller]:
            return _Step(partial(line.ring, caller[0] if caller else None, " ".join(caller[1:])))
        case ["alert", caller]:
            return _Step(partial(line.alert, caller))
        case ["drop", ms]:
            return _Step(partial(line.drop_battery, int(_number(ms, _LONGEST_S * 1000))))
        case ["stop"]:
            return _Step(line.stop_ringing)
        case ["answer" | "hang-up" | "reverse" | "unplug" | "plug" as verb]:
            return _Step(getattr(line, verb.replace("-", "_")))
        case ["until", state]:
            if state not in STATES:
                raise ScriptError(f'"until {state}": a line is {", ".join(STATES[:-1])} or {STATES[-1]}')
            return _Step(over=lambda _: line.state == state, patient=True)
    return None


def _after(seconds: str) -> Callable[[int], bool]:
    least = _number(seconds, _LONGEST_S) * 1000
    return lambda passed: passed >= least


def _number(text: str, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ScriptError(f'"{text}" is no number') from None
    if not 0 <= value <= most:
        raise ScriptError(f'"{text}" is not within 0 and {most:g}')
    return value


def _quiet(party: Phone | Exchange) -> bool:
    return max(map(abs, list(party.heard)[-_QUIET_SAMPLES:]), default=0) < _QUIET
