"""FollowMe: look for somebody at one place after the other; who answers is asked whether to take the call."""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import dataclass, field, replace

from offhook.apps.privacy import minded
from offhook.calls.bridge import Bridge
from offhook.calls.channel import Channel, Hangup
from offhook.calls.dialing import Dialing
from offhook.calls.events import DialEnd
from offhook.calls.frames import Digit, Media
from offhook.calls.party import Connected
from offhook.calls.pbx import Pbx
from offhook.calls.prompts import ANY_DIGIT, Keys, NoPrompt, follow, play, start
from offhook.calls.requesting import RequestError, prepare, request
from offhook.config.model import TRUE_WORDS, Section
from offhook.dialplan.subroutine import complete_arguments, run_gosub
from offhook.log import NOTICE
from offhook.media.events import Silence
from offhook.modules import Module, Options, Syntax

log = logging.getLogger(__name__)
module = Module("app_followme", "Find-Me/Follow-Me Application")

_NAME_S = 5.0
_NAME_SILENCE_MS = 1000
_SILENCE_LEVEL = 256
_STEP_S = 25.0


@dataclass(frozen=True, slots=True)
class Step:
    """Numbers that are called at the same time, and how long they have to answer, in seconds."""

    numbers: tuple[str, ...]
    timeout: float


@dataclass(slots=True)
class Profile:
    """One section of followme.conf; prompts are names of sound files, empty ones are not played."""

    musicclass: str = "default"
    context: str = "default"
    enable_callee_prompt: bool = True
    takecall: str = "1"
    declinecall: str = "2"
    call_from_prompt: str = "followme/call-from"
    norecording_prompt: str = "followme/no-recording"
    options_prompt: str = "followme/options"
    pls_hold_prompt: str = "followme/pls-hold-while-try"
    status_prompt: str = "followme/status"
    sorry_prompt: str = "followme/sorry"
    connecting_prompt: str = ""
    steps: list[Step] = field(default_factory=list)


@dataclass(slots=True)
class Settings:
    """All of followme.conf."""

    digit_timeout_s: float = 5.0
    profiles: dict[str, Profile] = field(default_factory=dict)


_TEXTS = (
    "musicclass",
    "context",
    "takecall",
    "declinecall",
    "call_from_prompt",
    "norecording_prompt",
    "options_prompt",
    "pls_hold_prompt",
    "status_prompt",
    "sorry_prompt",
    "connecting_prompt",
)
_OLD_NAMES = {
    "call-from-prompt": "call_from_prompt",
    "followme-norecording-prompt": "norecording_prompt",
    "norecording-prompt": "norecording_prompt",
    "options-prompt": "options_prompt",
    "pls-hold-prompt": "pls_hold_prompt",
    "status-prompt": "status_prompt",
    "sorry-prompt": "sorry_prompt",
    "connecting-prompt": "connecting_prompt",
}


def read_profile(section: Section, base: Profile) -> Profile:
    """A section's profile; what it does not say is as in ``base``. Mistakes are warnings in the log."""
    profile = replace(base, steps=[])
    ordered: list[tuple[int, Step]] = []
    for entry in section:
        name = _OLD_NAMES.get(entry.name.lower(), entry.name.lower())
        where = f"followme.conf:{entry.line}: [{section.name}]"
        if name in _TEXTS:
            setattr(profile, name, entry.value)
        elif name == "enable_callee_prompt":
            profile.enable_callee_prompt = entry.value.lower() in TRUE_WORDS
        elif name == "number":
            numbers, timeout, order = (*(word.strip() for word in entry.value.split(",")), "", "")[:3]
            found = tuple(number for number in numbers.split("&") if number)
            if not found or (timeout and not timeout.isdigit()) or (order and not order.isdigit()):
                log.warning("%s number = %s: write number[&number...][,seconds[,order]]", where, entry.value)
                continue
            step = Step(found, float(timeout or 0) or _STEP_S)
            ordered.append((int(order or 0) or len(ordered) + 1, step))
        elif name != "featuredigittimeout":
            log.warning("%s: there is no option %r", where, entry.name)
    profile.steps = [step for _, step in sorted(ordered, key=lambda pair: pair[0])]
    return profile


@module.on_load
@module.on_reload
def load(pbx: Pbx) -> None:
    """Read followme.conf."""
    settings = pbx.parts[module.name] = Settings()
    config = pbx.config.load("followme.conf", module.name)
    base = Profile()
    for section in config or ():
        if section.name == "general":
            base = read_profile(section, base)
            text = section.get("featuredigittimeout") or ""
            settings.digit_timeout_s = int(text) / 1000 if text.isdigit() and int(text) else settings.digit_timeout_s
        else:
            settings.profiles[section.name] = read_profile(section, base)


@module.on_unload
def unload(pbx: Pbx) -> None:
    """Forget the profiles."""
    pbx.parts.pop(module.name, None)


@module.application(
    "FollowMe",
    Syntax(
        "followmeid",
        "[options]",
        options={
            "a": "Ask the caller for a name, which is played to whoever is called.",
            "b([[context^]exten^]priority[(arg1^...)])": "Run a subroutine on each called channel before it is called.",
            "B([[context^]exten^]priority[(arg1^...)])": "Run a subroutine on this channel before anybody is called.",
            "d": "Do not ask the caller to hold.",
            "I": "Do not tell the caller whom the call reached.",
            "l": "Keep the Local channels in the call.",
            "N": "Answer the caller only when the call is taken or given up; a, s and asking to hold do nothing then.",
            "n": "Tell the caller when nobody was found.",
            "s": "Tell the caller at the beginning that the party is not at the desk.",
        },
    ),
    see_also=("Dial",),
)
async def follow_me(channel: Channel, name: str = "", option_text: str = "") -> None:
    """Look for somebody by the profile of that name in followme.conf.

    Its numbers are called step by step, through Local channels in its context. Who answers decides with a digit
    whether to take the call. The dialplan goes on when there is no such profile or nobody took the call.
    """
    settings: Settings = channel.pbx.parts[module.name]
    profile = settings.profiles.get(name)
    if profile is None:
        log.warning("%s: FollowMe: followme.conf has no section [%s]", channel.name, name)
        return
    options = Options(option_text)
    if options["B"]:
        await run_gosub(channel, options["B"].replace("^", ","))
    await _Search(channel, profile, options, settings.digit_timeout_s).run()


@dataclass(slots=True)
class _Search:
    """One FollowMe under way."""

    channel: Channel
    profile: Profile
    options: Options
    digit_timeout_s: float
    name_file: str = ""
    tasks: set[asyncio.Task[Channel | None]] = field(default_factory=set)
    asked: set[asyncio.Task[Channel | None]] = field(default_factory=set)
    """Those whose party has answered and decides."""

    async def run(self) -> None:
        """Look, and connect whoever is found."""
        channel, profile = self.channel, self.profile
        quiet = "N" in self.options and channel.answered_at is None
        if not quiet:
            channel.answer()
            if "s" in self.options:
                await _say(channel, profile.status_prompt)
            if "a" in self.options and profile.enable_callee_prompt:
                await self._record_name()
            if "d" not in self.options:
                await _say(channel, profile.pls_hold_prompt)
            channel.pbx.start_music(channel, profile.musicclass)
        winner: Channel | None = None
        try:
            winner = await self._find()
            channel.pbx.stop_music(channel)
            if winner is not None:
                await self._give_up()
                await self._connect(winner)
                raise Hangup
        finally:
            await self._give_up()
            if winner is not None and winner.bridge is None:
                winner.hangup()
            channel.pbx.stop_music(channel)
            if self.name_file:
                await asyncio.shield(channel.pbx.off_loop(_remove, self.name_file))
        if "n" in self.options:
            channel.answer()
            await _say(channel, profile.sorry_prompt)

    async def _find(self) -> Channel | None:
        """Call step by step; the first channel whose party takes the call."""
        loop = self.channel.pbx.loop
        for index, step in enumerate(self.profile.steps):
            deadline = loop.time() + step.timeout
            for number in step.numbers:
                called = await self._request(number)
                if called is not None:
                    self.tasks.add(loop.create_task(self._ask(*called)))
            while self.tasks and loop.time() < deadline:
                done, _ = await asyncio.wait(
                    self.tasks, timeout=deadline - loop.time(), return_when=asyncio.FIRST_COMPLETED
                )
                self.tasks -= done
                found = [each for task in done if (each := task.result()) is not None]
                for late in found[1:]:
                    late.hangup()
                if found:
                    return found[0]
            last = index == len(self.profile.steps) - 1
            for task in [task for task in self.tasks if last or task not in self.asked]:
                task.cancel()
                self.tasks.discard(task)
        return None

    async def _request(self, number: str) -> tuple[Channel, str] | None:
        channel = self.channel
        target = f"Local/{number}@{self.profile.context}{'/n' if 'l' in self.options else ''}"
        try:
            called = request(channel.pbx, target, channel)
        except RequestError as error:
            log.log(NOTICE, "%s: FollowMe cannot call %s: %s", channel.name, target, error)
            return None
        prepare(called, channel, target.partition("/")[2])
        if self.options["b"]:
            await run_gosub(called, complete_arguments(channel, self.options["b"].replace("^", ",")))
        return called, target

    async def _ask(self, called: Channel, target: str) -> Channel | None:
        """Call one number and ask whoever answers; the channel when the call is taken."""
        pbx = called.pbx
        dialing = Dialing(pbx)
        dialing.add(called, target)
        taken = False
        try:
            dialing.start()
            outcome = await dialing.run()
            answered = outcome.channel
            if answered is None:
                return None
            pbx.bus.publish(DialEnd(None, answered, "ANSWER"))
            task = asyncio.current_task()
            assert task is not None
            self.asked.add(task)
            taken = not self.profile.enable_callee_prompt or await self._decides(answered)
            return answered if taken and answered.alive else None
        finally:
            dialing.finish()
            if not taken:
                for attempt in dialing.attempts:
                    attempt.channel.hangup()

    async def _decides(self, called: Channel) -> bool:
        """Say that there is a call and wait for the digits that take or decline it."""
        profile = self.profile
        said = [profile.norecording_prompt]
        if self.name_file:
            said = [profile.call_from_prompt, self.name_file]
        typed = ""
        with minded(called) as reader:
            try:
                for name in (*said, profile.options_prompt):
                    if not typed and name:
                        try:
                            ending = await follow(called, start(called, name), Keys(ANY_DIGIT), reader.read)
                        except NoPrompt as missing:
                            log.warning("%s: FollowMe: %s", called.name, missing)
                            continue
                        typed += ending if isinstance(ending, str) else ""
                while True:
                    if typed == profile.takecall:
                        return True
                    if typed == profile.declinecall:
                        return False
                    if not any(code.startswith(typed) for code in (profile.takecall, profile.declinecall)):
                        typed = ""
                    frame = await reader.read(self.digit_timeout_s if typed else None)
                    if isinstance(frame, Digit) and frame.end:
                        typed += frame.digit
                    elif frame is None:
                        typed = ""
            except Hangup:
                return False

    async def _connect(self, winner: Channel) -> None:
        channel = self.channel
        if self.profile.connecting_prompt:
            with minded(winner) as reader:
                try:
                    await follow(winner, start(winner, self.profile.connecting_prompt), Keys(), reader.read)
                except NoPrompt as missing:
                    log.warning("%s: FollowMe: %s", winner.name, missing)
        channel.answer()
        if not winner.alive:
            return
        if "I" not in self.options and winner.caller.id.number.text:
            channel.set_connected(Connected(id=winner.caller.id.copy(), source="answer"))
        bridge = Bridge(channel.pbx)
        winner.begin_application("AppDial", "(Outgoing Line)")
        bridge.impart(winner)
        await bridge.join(channel)

    async def _give_up(self) -> None:
        """End everybody who is still called or asked."""
        tasks, self.tasks = self.tasks, set()
        for task in tasks:
            task.cancel()
        for task in tasks:
            try:
                late = await task
            except asyncio.CancelledError:
                continue
            if late is not None:
                late.hangup()

    async def _record_name(self) -> None:
        channel = self.channel
        folder = os.path.join(channel.pbx.paths.spool, "followme")
        await channel.pbx.off_loop(os.makedirs, folder, 0o755, True)
        path = os.path.join(folder, f"{self.profile.context}.{channel.uniqueid}")
        await _say(channel, "vm-rec-name")
        await _say(channel, "beep")
        if channel.media is None:
            return
        recording = channel.media.record(f"{path}.sln", "sln")
        watch = channel.media.watch_silence(silence_ms=_NAME_SILENCE_MS, threshold=_SILENCE_LEVEL)
        deadline = channel.pbx.now() + _NAME_S
        try:
            while (left := deadline - channel.pbx.now()) > 0:
                frame = await channel.read(left)
                if frame is None or (isinstance(frame, Digit) and frame.end):
                    break
                if isinstance(frame, Media) and isinstance(frame.event, Silence) and frame.event.watch is watch:
                    break
        finally:
            watch.close()
            recording.stop()
        await recording.wait()
        self.name_file = path


async def _say(channel: Channel, name: str) -> None:
    if name:
        try:
            await play(channel, name)
        except NoPrompt as missing:
            log.warning("%s: FollowMe: %s", channel.name, missing)


def _remove(path: str) -> None:
    try:
        os.unlink(f"{path}.sln")
    except FileNotFoundError:
        return
