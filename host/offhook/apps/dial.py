"""Dial: call one or more destinations and connect the first that answers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from offhook.apps import privacy
from offhook.calls import causes, events
from offhook.calls.bridge import Bridge, Feature
from offhook.calls.channel import Channel, Hangup, State
from offhook.calls.dialing import (
    Dialing,
    Outcome,
    RequestError,
    Tally,
    max_forwards,
    prepare,
    request,
    split_destinations,
)
from offhook.calls.features import call_features
from offhook.calls.frames import Condition
from offhook.calls.limits import CallLimit, parse_limit
from offhook.calls.party import Connected, Name, Number, Party, parse_callerid
from offhook.dialplan.location import parse_location
from offhook.dialplan.subroutine import run_gosub
from offhook.modules import Module, Options, Syntax

log = logging.getLogger(__name__)
module = Module("app_dial", "Dialing Application")

_RESULTS = ("DIALSTATUS", "DIALEDPEERNUMBER", "DIALEDPEERNAME", "ANSWEREDTIME", "ANSWEREDTIME_MS", "DIALEDTIME")
_MORE_RESULTS = ("DIALEDTIME_MS", "RINGTIME", "RINGTIME_MS", "PROGRESSTIME", "PROGRESSTIME_MS")

_OPTIONS = {
    "A(x[:y])": "Play x to the called party, and y to the caller, when the call is answered.",
    "a": "Answer the calling channel as soon as the called one answers.",
    "b(context^exten^priority)": "Run a subroutine on each called channel before it is called.",
    "B(context^exten^priority)": "Run a subroutine on the calling channel before anybody is called.",
    "c": "Tell phones that the call was answered elsewhere when it is cancelled.",
    "d": "Let the caller dial a one-digit extension while waiting (EXITCONTEXT or the current context).",
    "D(called[:calling[:progress]])": "Send digits after the answer (or at progress) before the bridge.",
    "e": "Run extension h on the called channel afterwards.",
    "f(callerid)": "Show this caller ID to the called party; without argument, the dialled extension on forwards.",
    "F(context^exten^priority)": "Send the called party there (or to the next priority) when the caller hangs up.",
    "g": "Go on in the dialplan when the called party hangs up.",
    "G(context^exten^priority)": "On answer, send the caller there and the called party to the priority after it.",
    "h": "Let the called party end the call with the disconnect code.",
    "H": "Let the caller end the call with the disconnect code.",
    "i": "Ignore forwarding requests.",
    "I": "Ignore connected-line updates.",
    "k": "Let the called party park the call.",
    "K": "Let the caller park the call.",
    "L(x[:y[:z]])": "Limit the call to x ms, warn when y ms are left, and again every z ms.",
    "m(class)": "Play music to the caller until the answer.",
    "n(delete)": "Screening: do not keep the caller's introduction.",
    "N": "Screening: not for callers who have a number.",
    "o(callerid)": "Show the caller's original caller ID, or this one, as that of the called channel.",
    "p": "Screening: the caller says a name, and the called party decides.",
    "P(family)": "Privacy: as screening, and the decision is kept in the database.",
    "Q(cause)": "Cause for the channels that did not answer.",
    "r(tone)": "Indicate ringing to the caller, with this tone.",
    "R": "Indicate ringing to the caller until early media comes.",
    "s(tag)": "Tag of the forced caller ID.",
    "S(x)": "End the call x seconds after the answer.",
    "t": "Let the called party transfer.",
    "T": "Let the caller transfer.",
    "u(presentation)": "Presentation of the forced caller ID.",
    "U(context^exten^priority)": "Run a subroutine on the called channel after its answer, before the bridge.",
    "w": "Let the called party start recording (Monitor's successor).",
    "W": "Let the caller start recording (Monitor's successor).",
    "x": "Let the called party start a MixMonitor recording.",
    "X": "Let the caller start a MixMonitor recording.",
    "z": "Let a call forward reset the dial timeout.",
}


@dataclass(slots=True)
class _Call:
    """One Dial under way."""

    channel: Channel
    options: Options
    dialing: Dialing
    started: float
    forced: Party | None = None
    bridged_at: float | None = None
    status: str = "CHANUNAVAIL"
    screening: privacy.Screening | None = None


@module.application(
    "Dial",
    Syntax(
        "Technology/Resource[&...]",
        "[timeout]",
        "[options]",
        "[URL]",
        options=_OPTIONS,
        timeout="Seconds to wait for an answer, and after ^ for early media. Default: for ever.",
    ),
    see_also=("RetryDial", "SendDTMF", "Gosub", "CHANNEL"),
)
async def dial(channel: Channel, destinations: str = "", timeout: str = "", options: str = "", url: str = "") -> None:
    """Call one or more destinations and connect the caller to the first that answers.

    DIALSTATUS tells how it went: CHANUNAVAIL, CONGESTION, NOANSWER, BUSY, ANSWER, CANCEL, DONTCALL, TORTURE,
    INVALIDARGS. DIALEDPEERNAME and DIALEDPEERNUMBER name the answered channel; DIALEDTIME, ANSWEREDTIME,
    RINGTIME and PROGRESSTIME (and the same with _MS) are the durations. When the call ends the calling channel
    is hung up unless option g lets it go on.
    """
    if not await run_dial(channel, destinations, timeout, options):
        raise Hangup


async def run_dial(channel: Channel, destinations: str, timeout: str, option_text: str) -> bool:
    """Carry out one Dial; whether the dialplan goes on afterwards."""
    for name in (*_RESULTS, *_MORE_RESULTS):
        channel.set(name, "")
    if max_forwards(channel) <= 0:
        log.warning("%s: the call was forwarded too often (max forwards is used up)", channel.name)
        channel.set("DIALSTATUS", "BUSY")
        return False
    options = Options(option_text)
    targets = split_destinations(destinations)
    if not targets:
        log.info("%s: Dial has nobody to call; give technology/address", channel.name)
        channel.set("DIALSTATUS", "CHANUNAVAIL")
        return True
    screening = await privacy.introduce(channel, options)
    if screening is not None and screening.status:
        channel.set("DIALSTATUS", screening.status)
        return True
    pbx = channel.pbx
    dialing = Dialing(
        pbx,
        channel,
        quiet="m" in options or bool(options.get("r")),
        early_media=not ({"m", "r"} & set(options)),
        allow_forward="i" not in options,
        tell_connected="I" not in options,
    )
    call = _Call(channel, options, dialing, pbx.now(), _forced_identity(channel, options))
    call.screening = screening
    if options["B"]:
        await run_gosub(channel, _place(options["B"]))
    tally = await _request_all(call, targets)
    answer_timeout, progress_timeout = _timeouts(timeout)
    if "d" in options:
        context = channel.get("EXITCONTEXT") or channel.context
        dialing.on_digit = lambda digit: _exit_digit(channel, context, digit)
    dialing.on_forward = lambda original, new: _forwarded(call, new)
    try:
        dialing.start()
        dialing.tally.busy += tally.busy
        dialing.tally.congestion += tally.congestion
        dialing.tally.unavailable += tally.unavailable
        if not dialing.attempts:
            outcome = Outcome("CHANUNAVAIL")
        else:
            _entertain(call)
            outcome = await dialing.run(answer_timeout, progress_timeout)
        call.status = outcome.status
        if outcome.channel is None:
            _stop_entertainment(call)
            return _unanswered(call, outcome)
        return await _answered(call, outcome.channel)
    except BaseException:
        if call.status != "ANSWER":
            call.status = "CANCEL"
        raise
    finally:
        dialing.finish(_losers_cause(options) if call.status == "ANSWER" else 0)
        _stop_entertainment(call)
        _results(call)


async def _request_all(call: _Call, targets: list[str]) -> Tally:
    channel, options = call.channel, call.options
    group = channel.get("OUTBOUND_GROUP_ONCE") or channel.get("OUTBOUND_GROUP")
    channel.variables.pop("OUTBOUND_GROUP_ONCE")
    tally = Tally()
    for target in targets:
        try:
            called = request(channel.pbx, target, channel)
        except RequestError as error:
            log.info("cannot call %s: %s (cause %d, %s)", target, error, error.cause, causes.text(error.cause))
            tally.count(error.cause)
            if target is targets[-1]:
                channel.hangup_cause = error.cause
            continue
        known = prepare(called, channel, target.partition("/")[2], forced=call.forced if options["f"] else None)
        if "o" in options:
            known = False
            called.caller.id = _original_identity(channel, options["o"])
            called.tell_caller()
        if group:
            category, at, name = group.rpartition("@")
            called.set_by_name("GROUP()", f"{name}@{category}" if at else group)
        if "c" in options:
            called.hangup_cause = causes.ANSWERED_ELSEWHERE
        call.dialing.add(called, target, known=known)
    if options["b"]:
        for attempt in call.dialing.attempts:
            await run_gosub(attempt.channel, _place(options["b"]))
    return tally


def _entertain(call: _Call) -> None:
    """What the caller hears until the answer."""
    channel, options = call.channel, call.options
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


def _stop_entertainment(call: _Call) -> None:
    if not call.channel.hungup:
        call.channel.stop_tones()
        if "m" in call.options:
            call.channel.pbx.stop_music(call.channel)


def _unanswered(call: _Call, outcome: Outcome) -> bool:
    channel = call.channel
    if outcome.digit:
        return True
    if not channel.hangup_cause and outcome.status == "NOANSWER":
        channel.hangup_cause = causes.NO_ANSWER
    return True


async def _answered(call: _Call, peer: Channel) -> bool:
    channel, options, pbx = call.channel, call.options, call.channel.pbx
    if "a" in options:
        channel.answer()
    call.dialing.finish(_losers_cause(options))
    channel.set("DIALSTATUS", "ANSWER")
    channel.set("DIALEDPEERNAME", peer.name)
    channel.set("DIALEDPEERNUMBER", peer.get("DIALEDPEERNUMBER") or "")
    go_on = "g" in options
    peer.consumer = None
    try:
        if call.screening is not None and call.screening.asks:
            refused = await privacy.ask(channel, peer, call.screening)
            if refused:
                call.status = refused
                pbx.bus.publish(events.DialEnd(channel, peer, refused))
                peer.hangup()
                return True
        if options["A"]:
            await _announce(channel, peer, options["A"])
        if options["G"]:
            _goto_both(call, peer)
            return True
        if options["U"]:
            verdict = await _screen(call, peer)
            if verdict is not None:
                return verdict or go_on
        if options["D"]:
            await _send_digits(channel, peer, options["D"])
    except BaseException:
        pbx.bus.publish(events.DialEnd(channel, peer, "ANSWER"))
        peer.hangup()
        raise
    pbx.bus.publish(events.DialEnd(channel, peer, "ANSWER"))
    if not peer.alive:
        peer.hangup()
        return go_on
    _stop_entertainment(call)
    await _bridge(call, peer)
    return go_on


async def _bridge(call: _Call, peer: Channel) -> None:
    channel, options, pbx = call.channel, call.options, call.channel.pbx
    channel.answer()
    call.bridged_at = pbx.now()
    caller_features, callee_features = call_features(pbx, channel, peer, options)
    limits: list[Feature] = []
    if options["L"]:
        limits.append(CallLimit(channel, peer, parse_limit(options["L"])))
    elif options["S"]:
        limits.append(CallLimit(channel, peer, parse_limit(str(int(float(options["S"]) * 1000)))))
    bridge = Bridge(pbx)
    peer.begin_application("AppDial", "(Outgoing Line)")
    if "F" in options:
        peer.after_bridge = _after_caller_hangup(channel, options["F"])
    elif "e" in options:
        peer.after_bridge = _run_h(channel.context)
    bridge.impart(peer, *callee_features)
    await bridge.join(channel, *caller_features, *limits)


def _after_caller_hangup(channel: Channel, where: str) -> Callable[[Channel], None]:
    context, exten, priority = channel.context, channel.exten, channel.priority + 1
    if where:
        context, exten, priority = parse_location(channel, _place(where))

    def go(peer: Channel) -> None:
        peer.outgoing = False
        peer.context, peer.exten, peer.priority = context, exten, priority
        peer.start_pbx()

    return go


def _run_h(context: str) -> Callable[[Channel], None]:
    def run(peer: Channel) -> None:
        if peer.pbx.dialplan.exists(context, "h", 1):
            peer.context, peer.exten, peer.priority = context, "h", 1
            peer.start_pbx()
        else:
            peer.hangup()

    return run


def _goto_both(call: _Call, peer: Channel) -> None:
    channel = call.channel
    context, exten, priority = parse_location(channel, _place(call.options["G"]))
    channel.goto(context, exten, priority)
    peer.outgoing = False
    peer.context, peer.exten, peer.priority = context, exten, priority + 1
    channel.pbx.bus.publish(events.DialEnd(channel, peer, "ANSWER"))
    peer.start_pbx()


async def _screen(call: _Call, peer: Channel) -> bool | None:
    """Run the U subroutine on the called channel. None: bridge; True: go on in the dialplan; False: hang up."""
    channel = call.channel
    await run_gosub(peer, _place(call.options["U"]))
    value = peer.get("GOSUB_RETVAL")
    if value is not None:
        channel.set("GOSUB_RETVAL", value)
    result = peer.get("GOSUB_RESULT") or ""
    verdict = result.upper()
    if not verdict and peer.alive:
        return None
    if verdict in ("BUSY", "CONGESTION", "CHANUNAVAIL"):
        call.status = verdict
    elif verdict.startswith("GOTO:"):
        channel.goto(*parse_location(channel, _place(result[5:])))
    elif verdict not in ("ABORT", "CONTINUE"):
        return None
    channel.pbx.bus.publish(events.DialEnd(channel, peer, result))
    peer.hangup()
    return verdict != "ABORT"


async def _announce(channel: Channel, peer: Channel, text: str) -> None:
    """Play prompts to the called party and, after a colon, to the caller, at the same time."""
    called, _, calling = text.partition(":")
    pbx = channel.pbx
    playing = []
    for party, name in ((peer, called), (channel, calling)):
        prompt = pbx.prompts.find(name, party.language) if name else None
        if prompt is not None and party.media is not None:
            party.media.disconnect()
            playing.append(party.media.play(prompt))
        elif name:
            log.warning("%s: no prompt %r in language %r to announce", party.name, name, party.language)
    try:
        for playback in playing:
            await playback.wait()
    finally:
        for playback in playing:
            playback.stop()


async def _send_digits(channel: Channel, peer: Channel, text: str) -> None:
    called, _, rest = text.partition(":")
    calling = rest.partition(":")[0]
    for party, digits in ((peer, called), (channel, calling)):
        for digit in digits:
            if digit in "wW":
                await channel.sleep(0.5 if digit == "w" else 1.0)
            else:
                await party.send_digit(digit)


def _losers_cause(options: Options) -> int:
    word = options["Q"]
    if word.upper() == "NONE":
        return 0
    if word:
        cause = causes.parse(word)
        if cause is None:
            log.warning("Dial's Q(%s): no such cause; a number or a name such as USER_BUSY", word)
        else:
            return cause
    return causes.ANSWERED_ELSEWHERE


def _results(call: _Call) -> None:
    """The result variables, whichever way the call went."""
    channel, dialing = call.channel, call.dialing
    now = channel.pbx.now()
    channel.set("DIALSTATUS", call.status)
    spans = {"DIALEDTIME": now - call.started}
    if call.bridged_at is not None:
        spans["ANSWEREDTIME"] = now - call.bridged_at
    if dialing.rang_at is not None:
        spans["RINGTIME"] = dialing.rang_at - call.started
    if dialing.progress_at is not None:
        spans["PROGRESSTIME"] = dialing.progress_at - call.started
    for name, seconds in spans.items():
        channel.set(name, str(int(seconds)))
        channel.set(f"{name}_MS", str(int(seconds * 1000)))


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


def _exit_digit(channel: Channel, context: str, digit: str) -> bool:
    if channel.pbx.dialplan.exists(context, digit, 1, channel.caller.id.number.text):
        channel.goto(context, digit, 1)
        return True
    return False


def _forced_identity(channel: Channel, options: Options) -> Party | None:
    if "f" not in options:
        return None
    if options["f"]:
        name, number = parse_callerid(options["f"])
        party = Party.of(number or None, name or None)
    else:
        party = Party(number=Number(True, channel.exten))
        hint = channel.pbx.dialplan.hint_name(channel.context, channel.exten)
        if hint:
            party.name = Name(True, hint)
    party.tag = options["s"]
    return party


def _original_identity(channel: Channel, text: str) -> Party:
    if not text:
        return channel.caller.id.copy()
    name, number = parse_callerid(text)
    return Party.of(number or None, name or None)


def _forwarded(call: _Call, channel: Channel) -> None:
    if call.forced is not None and not call.options["f"]:
        channel.connected = Connected(id=call.forced.copy())
        channel.tell_connected()


def _place(text: str) -> str:
    """``context^exten^priority`` with its separators as commas."""
    return text.replace("^", ",")


@module.application(
    "RetryDial",
    Syntax("announce", "sleep", "retries", "Technology/Resource[&...]", "[timeout]", "[options]", "[URL]"),
    see_also=("Dial",),
)
async def retry_dial(
    channel: Channel,
    announce: str = "",
    sleep: str = "10",
    retries: str = "0",
    destinations: str = "",
    timeout: str = "",
    options: str = "",
    url: str = "",
) -> None:
    """Call, and call again when it did not succeed.

    ``announce`` is played between attempts, which are ``sleep`` seconds apart; ``retries`` below 0 means for ever.
    A one-digit extension dialled meanwhile ends it (context EXITCONTEXT or the current one).
    """
    left = int(retries) if retries.lstrip("-").isdigit() else 0
    while True:
        go_on = await run_dial(channel, destinations, timeout, options)
        if channel.get("DIALSTATUS") == "ANSWER" or (channel.state is State.DOWN and not go_on):
            if not go_on:
                raise Hangup
            return
        if left == 0:
            return
        left -= 1
        prompt = channel.pbx.prompts.find(announce, channel.language) if announce else None
        if prompt is not None and channel.media is not None:
            await channel.media.play(prompt).wait()
        digit = await channel.read_digit(float(sleep or 10))
        context = channel.get("EXITCONTEXT") or channel.context
        if digit and _exit_digit(channel, context, digit):
            return
