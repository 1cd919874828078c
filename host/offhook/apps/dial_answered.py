"""What Dial does between the answer and the end of the call: announce, screen, send digits, connect."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from offhook.apps import privacy
from offhook.apps.digits import send_digits
from offhook.calls import causes, events
from offhook.calls.after import going_on
from offhook.calls.bridge import Bridge
from offhook.calls.called_subroutine import run_called_gosub
from offhook.calls.channel import Channel
from offhook.calls.dialing import Dialing
from offhook.calls.durations import set_duration
from offhook.calls.features import grant_by_options
from offhook.calls.frames import Condition
from offhook.calls.limits import CallLimit, Limit, parse_limit
from offhook.calls.member import Feature
from offhook.calls.requesting import reset_max_forwards
from offhook.dialplan.executor import run_h
from offhook.dialplan.location import parse_location
from offhook.dialplan.subroutine import beginning
from offhook.modules import Options

log = logging.getLogger(__name__)

_FAREWELL_S = 0.01
"""For a refused party's own dialplan to end before the caller goes on: records then come in Asterisk's order."""
_REFUSALS = ("BUSY", "CONGESTION", "CHANUNAVAIL")


@dataclass(slots=True)
class Answered:
    """One Dial from the answer on. Made before anybody is called, so that wrong options are told before that."""

    channel: Channel
    options: Options
    dialing: Dialing
    screening: privacy.Screening | None = None
    status: str = "ANSWER"
    limit: Limit | None = field(init=False)
    losers_cause: int = field(init=False)
    """For the channels that did not answer."""
    _told: bool = False
    _bridged: bool = False

    def __post_init__(self) -> None:
        self.limit = _limit(self.channel, self.options)
        self.losers_cause = _losers_cause(self.options)

    async def connect(self, peer: Channel) -> tuple[bool, bool]:
        """Carry the call on to its end. Whether the dialplan goes on, and whether that is final (no RetryDial)."""
        channel, options = self.channel, self.options
        if "a" in options:
            channel.answer()
        self.dialing.finish(self.losers_cause)
        channel.set("DIALSTATUS", "ANSWER")
        channel.set("DIALEDPEERNAME", peer.name)
        channel.set("DIALEDPEERNUMBER", peer.get("DIALEDPEERNUMBER") or "")
        peer.consumer = None
        try:
            if self.screening is not None and self.screening.asks:
                refused = await self._ask(peer, self.screening)
                if refused:
                    return True, False
            if options["A"]:
                await _announce(channel, peer, options["A"])
            if options["G"]:
                self._goto_both(peer)
                return True, True
            if options["U"] and (verdict := await self._screen(peer)) is not None:
                self._end_peer(peer)
                await asyncio.sleep(_FAREWELL_S)
                return verdict or "g" in options, False
            self._tell(peer, "ANSWER")
            called, _, rest = options["D"].partition(":")
            await send_digits(peer, called)
            await send_digits(channel, rest.partition(":")[0])
            await self._bridge(peer)
        except BaseException:
            self._tell(peer, "ANSWER")
            if not self._bridged:  # nobody else minds it yet
                peer.hangup()
            raise
        return "g" in options, False

    def _tell(self, peer: Channel, status: str) -> None:
        if not self._told:
            self._told = True
            self.channel.pbx.bus.tell(events.DialEnd, self.channel, peer, status)

    async def _ask(self, peer: Channel, screening: privacy.Screening) -> str:
        """Have the called party decide. The caller hears that it rings meanwhile; DIALSTATUS when it is refused."""
        if "r" in self.options or "R" in self.options:
            self.channel.indicate(Condition.RINGING)
        refused = await privacy.ask(self.channel, peer, screening)
        if refused:
            self.status = refused
            self._tell(peer, refused)
            peer.hangup()
        return refused

    async def _screen(self, peer: Channel) -> bool | None:
        """Run option U's subroutine on the called channel. None: connect them; else whether the caller goes on."""
        channel = self.channel
        if not await run_called_gosub(peer, beginning(peer, self.options["U"].replace("^", ","))):
            return None
        result = peer.get("GOSUB_RESULT")
        if result is None:
            return None
        value = peer.get("GOSUB_RETVAL")
        if value is not None:
            channel.set("GOSUB_RETVAL", value)
        verdict = result.upper()
        if verdict in _REFUSALS:
            self.status = verdict
        elif verdict.startswith("GOTO:"):
            channel.goto(*parse_location(channel, result[5:].replace("^", ",")))
        elif verdict not in ("ABORT", "CONTINUE"):
            return None
        self._tell(peer, result)
        return verdict != "ABORT"

    def _goto_both(self, peer: Channel) -> None:
        channel = self.channel
        context, exten, priority = parse_location(channel, self.options["G"].replace("^", ","))
        channel.goto(context, exten, priority)
        peer.outgoing = False
        peer.context, peer.exten, peer.priority = context, exten, priority + 1
        self._tell(peer, "ANSWER")
        peer.start_pbx()

    def _end_peer(self, peer: Channel) -> None:
        """The called party is not connected: it goes where options F and e say, or is hung up."""
        after = self._after_bridge()
        if after is not None and peer.alive:
            after(peer)
        else:
            peer.hangup()

    def _after_bridge(self) -> Callable[[Channel], None] | None:
        if "e" in self.options:
            return _run_h(self.channel.context)
        return going_on(self.channel, self.options["F"]) if "F" in self.options else None

    async def _bridge(self, peer: Channel) -> None:
        channel = self.channel
        if not channel.get("BRIDGE_NOANSWER"):
            channel.answer()
        if not peer.alive:  # it answered, if only for a moment; so the caller's call was answered too
            channel.hangup_cause = peer.hangup_cause or channel.hangup_cause
            peer.hangup()
            return
        self._stop_entertainment()
        grant_by_options(channel, peer, self.options)
        for party in (channel, peer):
            reset_max_forwards(party)
        if "O" in self.options:
            _leave_to_operator(channel, peer, self.options["O"])
        limits: list[Feature] = [CallLimit(channel, peer, self.limit)] if self.limit is not None else []
        bridge = Bridge(channel.pbx)
        peer.begin_application("AppDial", "(Outgoing Line)")
        peer.after_bridge = self._after_bridge()
        bridge.impart(peer)
        self._bridged = True
        try:
            await bridge.join(channel, *limits)
        finally:
            now = channel.pbx.now()
            if channel.answered_at is not None:
                set_duration(channel, "ANSWEREDTIME", now - channel.answered_at)
            set_duration(channel, "DIALEDTIME", now - channel.created_at)

    def _stop_entertainment(self) -> None:
        self.channel.stop_tones()
        if "m" in self.options:
            self.channel.pbx.stop_music(self.channel)


def _leave_to_operator(channel: Channel, operator: Channel, text: str) -> None:
    """Option O: without mode or 1 a caller who hangs up is rung at once, above that when the operator flashes."""
    mode = int(text) if text.strip().lstrip("-").isdigit() else int(not text.strip())
    if mode and not channel.tech_operate(operator, by_flash=mode > 1):
        log.warning(
            "Dial's O: a call of %s to %s cannot be left to an operator: it takes analog phones",
            channel.technology,
            operator.technology,
        )


def _limit(channel: Channel, options: Options) -> Limit | None:
    """How long the call may be by options L and S."""
    if options["L"]:
        try:
            return parse_limit(options["L"])
        except ValueError as error:
            raise InvalidLimit(str(error)) from None
    if options["S"]:
        seconds = options["S"].strip()
        if not seconds.isdigit() or not int(seconds):
            raise InvalidLimit(f"S({options['S']}): give whole seconds above 0")
        return Limit(int(seconds) * 1000)
    return None


class InvalidLimit(Exception):
    """Option L or S is no limit; the sentence says why."""


def _losers_cause(options: Options) -> int:
    word = options["Q"]
    if word.upper() == "NONE":
        return 0
    if word:
        cause = causes.parse(word)
        if cause is not None:
            return cause
        log.warning("Dial's Q(%s): no such cause; a number or a name such as USER_BUSY", word)
    return causes.ANSWERED_ELSEWHERE


def _run_h(context: str) -> Callable[[Channel], None]:
    """Have a channel run extension h of a context, and nothing else, when its bridge is over."""

    async def last_words(peer: Channel) -> None:
        try:
            await run_h(peer, context)
        finally:
            peer.task = None
            peer.hangup()

    def run(peer: Channel) -> None:
        if peer.task is None and peer.pbx.dialplan.exists(context, "h", 1):
            peer.start_task(last_words(peer))
        else:
            peer.hangup()

    return run


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
