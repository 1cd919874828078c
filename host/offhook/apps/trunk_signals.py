"""In-band signalling of trunks as applications: MF and SF digits, sent and received."""

from __future__ import annotations

import asyncio
import logging
import re

from offhook.calls.channel import Channel, Hangup
from offhook.calls.trunk_digits import PULSES, SF_HZ, MfTimes, mf_steps, send_steps, sf_steps
from offhook.log import verbose
from offhook.media.detecting import ListenedTone, detect_signals, detect_tones
from offhook.media.events import MediaEvent, SignalHeard, ToneHeard
from offhook.modules import ActionError, ActionRequest, Module, Options, Syntax

log = logging.getLogger(__name__)
mf_module = Module("app_mf", "Send MF digits Application")
sf_module = Module("app_sf", "SF Sender and Receiver Applications")

_STARTS = "#ABC"
_MOST_DIGITS = 255
_PULSE_LEAST_MS, _PULSE_MOST_MS = 40, 120
_DIGIT_ENDS_S = 0.6
_LEAST_DIGIT_TIMEOUT_S = 0.6
_DIGIT_TIMEOUT_S = 0.8
_BY_PULSES = {count: digit for digit, count in PULSES.items()}
_UNHEARD = "Has nothing to do here: nobody hears the channel while it receives."


class Ears:
    """What a detector hears, one event after the other, with timeouts that do not lose any."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[MediaEvent] = asyncio.Queue()
        self.hear = self._events.put_nowait

    async def next(self, seconds: float | None) -> MediaEvent | None:
        """The next event, None when there is none in so many seconds. One that came already is never too late."""
        if not self._events.empty():
            return self._events.get_nowait()
        try:
            return await asyncio.wait_for(self._events.get(), seconds)
        except TimeoutError:
            return None


def seconds_of(text: str) -> float | None:
    """A time in seconds; None (for ever) when it is empty, no number, or not above 0."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value > 0 else None


def _milliseconds(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else default


def _tell(kind: str, digits: str) -> None:
    if digits:
        verbose(3, "%s digits received: '%s'", kind, digits)
    else:
        verbose(3, "No %s digits received.", kind)


def _party(channel: Channel, application: str, name: str) -> Channel | None:
    """The channel of that name, the own one when none is given; None (and a warning) when there is none such."""
    if not name:
        return channel
    found = channel.pbx.channels.find(name) or channel.pbx.channels.by_prefix(name)
    if found is None:
        log.warning("%s: %s: no channel %r", channel.name, application, name)
    return found


@mf_module.application(
    "SendMF",
    Syntax("digits", "[timeout_ms]", "[duration_ms]", "[duration_ms_kp]", "[duration_ms_st]", "[channel]"),
    see_also=("ReceiveMF", "SendSF", "SendDTMF"),
)
async def send_mf(
    channel: Channel,
    digits: str = "",
    between: str = "",
    duration: str = "",
    key_pulse: str = "",
    start: str = "",
    target: str = "",
) -> None:
    """Send MF (R1) digits to the caller, or to the party of another channel.

    0-9; * is KP, # ST, A ST', B ST'', C ST'''; w waits half a second, h is 250 ms of 2600 Hz, f flashes and W
    winks. Times default to 50 ms between digits, 55 ms a digit, 120 ms KP and 65 ms ST.
    """
    party = _party(channel, "SendMF", target)
    if not digits or party is None:
        if not digits:
            log.warning("%s: SendMF needs digits: 0-9, *, #, A, B, C, w, W, f, h", channel.name)
        return
    usual = MfTimes()
    times = MfTimes(
        _milliseconds(between, usual.between),
        _milliseconds(duration, usual.digit),
        _milliseconds(key_pulse, usual.key_pulse),
        _milliseconds(start, usual.start),
    )
    await send_steps(party, mf_steps(digits, times))


@mf_module.action("PlayMF", ("call",), Syntax("Channel", "Digit", "[Duration]", Duration="Milliseconds."))
def play_mf(request: ActionRequest) -> None:
    """Send an MF (R1) digit to a channel: 0-9, * for KP, # for ST, A, B and C for ST', ST'' and ST'''."""
    channel: Channel | None = request.pbx.channels.find(request.get("Channel"))
    if channel is None:
        raise ActionError("Channel not found")
    digit, times = request.require("Digit", "No digit specified"), MfTimes()
    if duration := request.get("Duration"):
        number = re.match(r"\s*\d+", duration)
        if number is None:
            raise ActionError("Could not convert Duration parameter")
        length = int(number[0])
        times = MfTimes(0, length, length, length)
    request.pbx.spawn(send_steps(channel, mf_steps(digit, times)), name=f"MF to {channel.name}")
    request.ok("MF successfully queued")


@mf_module.application(
    "ReceiveMF",
    Syntax(
        "variable",
        "[timeout]",
        "[options]",
        options={
            "d": _UNHEARD,
            "l": "Take digits also before a KP.",
            "k": "Leave KP out.",
            "m": _UNHEARD,
            "n(count)": "So many digits at most.",
            "o": "A further KP begins anew.",
            "q": _UNHEARD,
            "r": "Accept distorted signals (always done).",
            "s": "Leave ST out.",
        },
    ),
    see_also=("SendMF", "ReceiveSF", "Read"),
)
async def receive_mf(channel: Channel, variable: str = "", timeout: str = "", options: str = "") -> None:
    """Receive MF (R1) digits into a variable, up to a ST.

    ``timeout`` is in seconds. RECEIVEMFSTATUS is START, MAXDIGITS, TIMEOUT, HANGUP or ERROR. Does not answer.
    """
    if not variable or channel.media is None:
        log.warning("%s: ReceiveMF needs the name of a variable and a channel with sound", channel.name)
        raise Hangup
    letters, limit = Options(options), _MOST_DIGITS
    if "n" in letters:
        if letters["n"].isdigit() and int(letters["n"]):
            limit = int(letters["n"])
        else:
            log.warning("%s: ReceiveMF: n(%s) is no number of digits", channel.name, letters["n"])
    patience = seconds_of(timeout)
    deadline = channel.pbx.now() + patience if patience else None
    digits, count, status = "", 0, "HANGUP"
    detector, ears = detect_signals(channel.media, "r1"), Ears()
    detector.on_event = ears.hear
    try:
        while True:
            if count >= limit:
                status = "MAXDIGITS"
                break
            event = await ears.next(None if deadline is None else max(0.0, deadline - channel.pbx.now()))
            if event is None:
                status = "TIMEOUT"
                break
            if not isinstance(event, SignalHeard) or not event.begins:
                continue
            digit = event.signal
            if not count and digit != "*" and "l" not in letters:
                continue
            if digit == "*" and count and "o" in letters:
                digits, count = "", 0
            count += 1
            if not (digit == "*" and "k" in letters) and not (digit in _STARTS and "s" in letters):
                digits += digit
            if digit in _STARTS:
                status = "START"
                break
    finally:
        detector.close()
        channel.frames.clear()
        channel.set(variable, digits)
        channel.set("RECEIVEMFSTATUS", status)
    _tell("MF", digits)


@sf_module.application(
    "SendSF", Syntax("digits", "[frequency]", "[channel]"), see_also=("ReceiveSF", "SendMF", "SendDTMF")
)
async def send_sf(channel: Channel, digits: str = "", frequency: str = "", target: str = "") -> None:
    """Send digits as pulses of a single frequency (2600 Hz unless another is given).

    0-9; w waits half a second, h is 250 ms of 2600 Hz, f flashes and W winks.
    """
    if not digits:
        log.warning("%s: SendSF needs digits: 0-9, w, W, f, h", channel.name)
        return
    if frequency and not (frequency.isdigit() and int(frequency)):
        log.warning("%s: SendSF: %r is no frequency", channel.name, frequency)
        raise Hangup
    party = _party(channel, "SendSF", target)
    if party is not None:
        await send_steps(party, sf_steps(digits, int(frequency or SF_HZ)))


@sf_module.application(
    "ReceiveSF",
    Syntax(
        "variable",
        "[digits]",
        "[timeout]",
        "[frequency]",
        "[options]",
        options={
            "d": _UNHEARD,
            "e": "11 to 16 pulses are *, #, D, C, B and A; else more than ten are a 0.",
            "m": _UNHEARD,
            "t(seconds)": "Give up so long (0.8 s, at least 0.6 s) after a digit.",
            "q": _UNHEARD,
            "r": "Accept distorted pulses (always done).",
        },
    ),
    see_also=("SendSF", "ReceiveMF", "Read"),
)
async def receive_sf(
    channel: Channel, variable: str = "", most: str = "", timeout: str = "", frequency: str = "", options: str = ""
) -> None:
    """Receive digits sent as pulses of a single frequency into a variable.

    ``digits`` is how many at most, ``timeout`` in seconds for all of them. RECEIVESFSTATUS is START (all of them came),
    MAXDIGITS, TIMEOUT, HANGUP or ERROR. Does not answer.
    """
    wrong = next((each for each in (most, frequency) if each and not (each.isdigit() and int(each))), "")
    if not variable or wrong or channel.media is None:
        log.warning("%s: ReceiveSF(%s): a variable, numbers above 0, and sound are needed", channel.name, wrong)
        raise Hangup
    letters = Options(options)
    receiver = _Pulses(channel, int(most or 0), letters)
    detector, ears = detect_tones(channel.media, [_pulse(int(frequency or SF_HZ))], block_ms=10), Ears()
    detector.on_event = ears.hear
    try:
        await receiver.run(ears, seconds_of(timeout))
    finally:
        detector.close()
        channel.frames.clear()
        channel.set(variable, receiver.digits)
        channel.set("RECEIVESFSTATUS", receiver.status)
    _tell("SF", receiver.digits)


def _pulse(frequency: int) -> ListenedTone:
    return ListenedTone(frequency, least_ms=_PULSE_LEAST_MS)


class _Pulses:
    """Counts pulses into digits."""

    def __init__(self, channel: Channel, most: int, letters: Options) -> None:
        self.digits = ""
        self.status = "HANGUP"
        self._channel = channel
        self._most = most
        self._extra = "e" in letters
        self._digit_timeout: float | None = None
        if "t" in letters:
            wanted = seconds_of(letters["t"]) or _DIGIT_TIMEOUT_S
            if wanted < _LEAST_DIGIT_TIMEOUT_S:
                log.warning("%s: ReceiveSF: t(%s) is shorter than the pause between digits", channel.name, letters["t"])
            self._digit_timeout = max(wanted, _LEAST_DIGIT_TIMEOUT_S)

    async def run(self, ears: Ears, patience: float | None) -> None:
        """Until there are enough, or it takes too long."""
        now = self._channel.pbx.now
        deadline = now() + patience if patience else None
        pulses, last = 0, now()
        while True:
            ends = [] if deadline is None else [deadline]
            digit_ends = last + _DIGIT_ENDS_S if pulses else None
            if digit_ends is not None:
                ends.append(digit_ends)
            elif self.digits and self._digit_timeout is not None:
                ends.append(last + self._digit_timeout)
            event = await ears.next(max(0.0, min(ends) - now()) if ends else None)
            if isinstance(event, ToneHeard):
                if not event.begins and event.lasted_ms <= _PULSE_MOST_MS:
                    pulses, last = pulses + 1, now()
                continue
            # Which wait is over is known by what was waited for: a timer of the loop may come a little early.
            if digit_ends is not None and digit_ends == min(ends):
                self.digits += self._digit(pulses)
                pulses = 0
                if self._most and len(self.digits) >= self._most:
                    self.status = "START"
                    return
                if len(self.digits) >= _MOST_DIGITS:
                    self.status = "MAXDIGITS"
                    return
            else:
                self.status = "TIMEOUT"
                return

    def _digit(self, pulses: int) -> str:
        if pulses > 10 and not self._extra:
            return "0"
        return _BY_PULSES.get(pulses, "A")
