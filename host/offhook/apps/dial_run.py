"""Carrying out one Dial: options read, channels requested and called, the answered one connected."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from offhook.apps import privacy
from offhook.apps.dial_answered import Answered, InvalidLimit
from offhook.apps.dial_digits import CallingCode, ProgressDigits
from offhook.apps.dial_identity import Identities
from offhook.calls import causes
from offhook.calls.channel import Channel
from offhook.calls.completion.dialling import CompletableDial
from offhook.calls.dialing import INHERITED_CALLS, Dialing
from offhook.calls.frames import Condition, Frame
from offhook.calls.requesting import STREAMS, RequestError, max_forwards, prepare, request, split_destinations
from offhook.calls.streams import Stream
from offhook.calls.succession import SUCCESSION
from offhook.dialplan.executor import run_application
from offhook.dialplan.subroutine import complete_arguments, run_gosub
from offhook.log import NOTICE
from offhook.modules import Options

log = logging.getLogger(__name__)

_FIRST_STREAMS = "streams of the first Dial that preserved them"
_TIMES = ("ANSWEREDTIME", "DIALEDTIME", "RINGTIME", "PROGRESSTIME")
_NO_RESULTS = dict.fromkeys(
    ("DIALSTATUS", "DIALEDPEERNUMBER", "DIALEDPEERNAME", *(f"{name}{unit}" for name in _TIMES for unit in ("", "_MS"))),
    "",
)


@dataclass(slots=True)
class Ending:
    """How a Dial ended for the dialplan: does it go on, and may RetryDial call again."""

    go_on: bool
    final: bool = False


class InvalidArguments(Exception):
    """Dial was not called as it must be; the sentence says why."""


@dataclass(slots=True)
class _Call:
    """One Dial under way."""

    channel: Channel
    options: Options
    dialing: Dialing
    identities: Identities
    progress: ProgressDigits
    status: str = "INVALIDARGS"
    wait: tuple[float | None, float | None] = (None, None)
    targets: list[str] = field(default_factory=list)
    completable: CompletableDial | None = None
    """What is noted for completing the call later."""

    def watch(self, channel: Channel, frame: Frame) -> bool:
        """See what the parties send while nobody has answered; true keeps it from the others."""
        if self.completable is not None and self.completable.watch(channel, frame):
            return True
        return self.progress.watch(channel, frame)

    def forwarded(self, original: Channel, channel: Channel) -> None:
        """A called party forwards to this channel."""
        self.identities.forwarded(original, channel)
        if self.completable is not None:
            self.completable.forwarded(channel)


async def run_dial(channel: Channel, destinations: str, timeout: str, option_text: str) -> Ending:
    """Carry out one Dial."""
    channel.set_all(_NO_RESULTS)
    if max_forwards(channel) <= 0:
        log.warning("%s: the call was forwarded too often (max forwards is used up)", channel.name)
        channel.set("DIALSTATUS", "BUSY")
        return Ending(False)
    if not channel.alive:
        channel.set("DIALSTATUS", "CANCEL")
        return Ending(False)
    options = Options(option_text)
    inherited: Dialing | None = channel.data.pop(INHERITED_CALLS, None)
    dialing = inherited or Dialing(
        channel.pbx,
        channel,
        quiet="m" in options or bool(options["r"]),
        early_media=not ({"m", "r"} & set(options)),
        allow_forward="i" not in options,
        tell_connected="I" not in options,
        forward_ends_timeout="z" in options,
    )
    call = _Call(channel, options, dialing, Identities(channel, options), ProgressDigits(channel, options))
    try:
        call.targets = _targets(destinations)
        call.wait = _timeouts(timeout)
        answered = Answered(channel, options, dialing)
        if inherited is not None:
            return await _wait(call, answered, inherited=True)
        return await _call(call, answered)
    except (InvalidArguments, InvalidLimit) as error:
        log.warning("%s: Dial: %s", channel.name, error)
        return Ending(False)
    except BaseException:
        if call.status != "ANSWER":
            call.status = "CANCEL"
        raise
    finally:
        channel.set("DIALSTATUS", call.status)


def _targets(destinations: str) -> list[str]:
    targets = split_destinations(destinations)
    for target in targets:
        if not target.partition("/")[2]:
            raise InvalidArguments(f"{target!r} is no destination: write technology/resource")
    return targets


async def _call(call: _Call, answered: Answered) -> Ending:
    channel, options = call.channel, call.options
    if "C" in options and "resetcdr" in channel.pbx.registry.applications:
        await run_application(channel, "ResetCDR")
    answered.screening = await privacy.introduce(channel, options)
    if answered.screening is not None and answered.screening.status:
        call.status = answered.screening.status
        return Ending(True)
    if options["B"]:
        await run_gosub(channel, options["B"].replace("^", ","))
    if not call.targets:
        log.log(NOTICE, "%s: Dial has nobody to call; give technology/address", channel.name)
        call.status = "CHANUNAVAIL"
        return Ending(True, final=True)
    return await _wait(call, answered)


async def _wait(call: _Call, answered: Answered, *, inherited: bool = False) -> Ending:
    """Call everybody, unless a transfer gave the channel calls under way, and wait for an answer."""
    channel, options, dialing = call.channel, call.options, call.dialing
    try:
        if not inherited:
            call.completable = completable = CompletableDial.begin(channel)
            if completable is not None:
                dialing.on_refused = completable.failed
            await _request_all(call)
        dialing.on_digit = CallingCode(channel, options)
        dialing.on_forward = call.forwarded
        dialing.on_frame = call.watch
        if inherited:
            dialing.take_over(channel)
        else:
            dialing.start()
        channel.data[SUCCESSION] = dialing
        if dialing.attempts:
            call.status = "NOANSWER"
            entertain(channel, options)
        outcome = await dialing.run(*call.wait)
        channel.data.pop(SUCCESSION, None)
        call.status = outcome.status
        _dialled(call)
        await call.progress.finished()
        if outcome.channel is None:
            return Ending(True, final=bool(outcome.digit))
        ending = Ending(False)
        ending.go_on, ending.final = await answered.connect(outcome.channel)
        call.status = answered.status
        return ending
    finally:
        call.progress.stop()
        _dialled(call)
        if dialing.caller is channel:  # else a transferee goes on with it already
            dialing.finish(answered.losers_cause if dialing.answered else _cancelling_cause(call))
        stop_entertaining(channel, options)


def _request(call: _Call, target: str) -> Channel:
    channel = call.channel
    if "j" not in call.options:
        return request(channel.pbx, target, channel)
    first: list[Stream] = channel.data.setdefault(_FIRST_STREAMS, channel.streams)
    channel.data[STREAMS] = first
    formats = tuple(dict.fromkeys(name for stream in first if stream.active for name in stream.formats))
    try:
        return request(channel.pbx, target, channel, formats)
    finally:
        del channel.data[STREAMS]


async def _request_all(call: _Call) -> None:
    channel, options = call.channel, call.options
    group = channel.get("OUTBOUND_GROUP_ONCE") or channel.get("OUTBOUND_GROUP")
    channel.variables.pop("OUTBOUND_GROUP_ONCE")
    for target in call.targets:
        try:
            called = _request(call, target)
        except RequestError as error:
            log.log(NOTICE, "cannot call %s: %s (cause %d, %s)", target, error, error.cause, causes.text(error.cause))
            call.dialing.tally.count(error.cause)
            if target is call.targets[-1]:
                channel.hangup_cause = error.cause
            if call.completable is not None:
                call.completable.refused(target, error.cause)
            continue
        known = prepare(called, channel, target.partition("/")[2], forced=call.identities.shown_to_called)
        if "o" in options:
            known = False
            called.caller.id = call.identities.original()
            called.tell_caller()
        if group:
            category, at, name = group.rpartition("@")
            called.set_by_name("GROUP()", f"{name}@{category}" if at else group)
        if "c" in options:
            called.hangup_cause = causes.ANSWERED_ELSEWHERE
        if call.completable is not None:
            call.completable.called(target, called)
        call.dialing.add(called, target, known=known)
    if options["b"]:
        place = complete_arguments(channel, options["b"].replace("^", ","))
        for attempt in call.dialing.attempts:
            await run_gosub(attempt.channel, place)


def _dialled(call: _Call) -> None:
    """Nobody is waited for any more: note it once for call completion."""
    completable, call.completable = call.completable, None
    if completable is not None:
        nobody = call.dialing.answered is None and all(attempt.over for attempt in call.dialing.attempts)
        completable.ended(nobody=nobody)


def entertain(channel: Channel, options: Options) -> None:
    """Have the caller hear what options m, r and R say until the answer."""
    if "m" in options:
        channel.pbx.start_music(channel, options["m"])
        channel.indicate(Condition.PROGRESS)
    elif "r" in options or "R" in options:
        tone = options["r"]
        if tone:
            channel.play_zone_tone(tone)
            channel.indicate(Condition.PROGRESS)
        else:
            channel.indicate(Condition.RINGING)


def stop_entertaining(channel: Channel, options: Options) -> None:
    """End what ``entertain`` began."""
    if not channel.hungup:
        channel.stop_tones()
        if "m" in options:
            channel.pbx.stop_music(channel)


def _cancelling_cause(call: _Call) -> int:
    """The cause for called channels that nobody waits for any more."""
    if "c" in call.options or call.channel.hangup_cause == causes.ANSWERED_ELSEWHERE:
        return causes.ANSWERED_ELSEWHERE
    return 0


def _timeouts(text: str) -> tuple[float | None, float | None]:
    answer, _, progress = text.partition("^")
    found = []
    for word, what in ((answer, "answer"), (progress, "progress")):
        seconds: float | None = None
        if word.strip():
            try:
                seconds = float(word)
            except ValueError:
                seconds = 0.0
            if seconds <= 0:
                log.warning("Dial: %s timeout %r is no number of seconds above 0; waiting for ever", what, word)
                seconds = None
        found.append(seconds)
    return found[0], found[1]
