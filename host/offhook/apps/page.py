"""Page: call many phones and speak to all that answer."""

from __future__ import annotations

import asyncio
import logging
import os
import random
from dataclasses import dataclass, field

from offhook.calls.announcer import Announcer
from offhook.calls.bridge import Bridge
from offhook.calls.channel import Channel
from offhook.calls.dialing import Dialing
from offhook.calls.events import DialEnd
from offhook.calls.prompts import NoPrompt, play
from offhook.calls.requesting import RequestError, prepare, request, split_destinations
from offhook.dialplan.subroutine import complete_arguments, run_gosub
from offhook.log import NOTICE, verbose
from offhook.modules import Module, Options, Syntax

log = logging.getLogger(__name__)
module = Module("app_page", "Page Multiple Phones", depends=("app_dial",))

_BEEP = "beep"
_FREE = ("NOT_INUSE", "UNKNOWN")


@module.application(
    "Page",
    Syntax(
        "[Technology/Resource[&...]]",
        "[options]",
        "[timeout]",
        options={
            "b([[context^]exten^]priority[(arg1^...)])": "Run a subroutine on each called channel before it is called.",
            "B([[context^]exten^]priority[(arg1^...)])": "Run a subroutine on this channel before anybody is called.",
            "d": "Whoever answers may speak too.",
            "i": "Ignore forwarding requests.",
            "q": "Play no beep to the caller.",
            "r": "Record the page, as confbridge-ROOM-TIME.wav in the folder of recordings.",
            "s": "Call only devices that are not in use.",
            "A(x)": "Play this to everybody at the beginning.",
            "n": "But not to the caller.",
        },
        timeout="Seconds after which phones that did not answer are given up.",
    ),
    see_also=("Dial", "ConfBridge"),
)
async def page(channel: Channel, destinations: str = "", option_text: str = "", timeout: str = "") -> None:
    """Call phones and let everybody who answers hear the caller, until the caller leaves.

    The caller's own device is not called. Phones answer by themselves if they are told to, for example by a header
    that a subroutine of option b adds.
    """
    options = Options(option_text)
    if options["B"]:
        await run_gosub(channel, options["B"].replace("^", ","))
    room = _Room(channel, options, float(timeout) if timeout.isdigit() and int(timeout) else None)
    await room.run(destinations)


@dataclass(slots=True)
class _Room:
    """One page under way."""

    channel: Channel
    options: Options
    timeout: float | None
    called: list[tuple[Channel, str]] = field(default_factory=list)
    """Channels and what was dialled for them."""

    async def run(self, destinations: str) -> None:
        """Call, speak, and end it all with the caller."""
        channel, pbx = self.channel, self.channel.pbx
        name = str(random.randrange(1, 2**32))
        bridge = Bridge(
            pbx,
            kind="base",
            creator="Page",
            name=name,
            softmix=True,
            dissolve_on_hangup=False,
            dissolve_when_empty=False,
        )
        announcer = Announcer.of(pbx, name)
        bridge.impart(announcer, lonely=True)
        dials: list[asyncio.Task[None]] = []
        try:
            await self._request(destinations)
            dials += [pbx.loop.create_task(self._dial(called, target, bridge)) for called, target in self.called]
            if "r" in self.options:
                await self._record(announcer, name)
            if "q" not in self.options:
                await _say(channel, _BEEP)
            if "n" not in self.options:
                await _say(channel, self.options["A"])
            channel.answer()
            await bridge.join(channel)
        finally:
            for dial in dials:
                dial.cancel()
            for called, _ in self.called:
                if called.bridge is None:
                    called.hangup()
            bridge.dissolve()
            announcer.hangup()

    async def _request(self, destinations: str) -> None:
        channel, pbx = self.channel, self.channel.pbx
        own = channel.name.partition("-")[0].lower()
        for target in split_destinations(destinations):
            if target.lower() == own:
                continue
            if "s" in self.options and (state := pbx.devices.state(target)) not in _FREE:
                verbose(3, "%s: Page leaves out %s, which is %s", channel.name, target, state)
                continue
            try:
                called = request(pbx, target, channel)
            except RequestError as error:
                log.log(NOTICE, "%s: Page cannot call %s: %s", channel.name, target, error)
                continue
            prepare(called, channel, target.partition("/")[2])
            self.called.append((called, target))
        if self.options["b"]:
            place = complete_arguments(channel, self.options["b"].replace("^", ","))
            for called, _ in self.called:
                await run_gosub(called, place)

    async def _dial(self, called: Channel, target: str, bridge: Bridge) -> None:
        """Call one phone and have it in the room once it answers."""
        pbx = called.pbx
        dialing = Dialing(pbx, allow_forward="i" not in self.options)
        dialing.add(called, target)
        try:
            dialing.start()
            outcome = await dialing.run(self.timeout)
        finally:
            dialing.finish()
        answered = outcome.channel
        if answered is None:
            return
        pbx.bus.publish(DialEnd(None, answered, "ANSWER"))
        await _announce(answered, self.options["A"])
        if answered.alive and not bridge.dissolved:
            answered.begin_application("Page", bridge.name)
            bridge.impart(answered, muted="d" not in self.options)
        else:
            answered.hangup()

    async def _record(self, announcer: Announcer, name: str) -> None:
        paths = announcer.pbx.paths
        await announcer.pbx.off_loop(os.makedirs, paths.monitor, 0o755, True)
        path = os.path.join(paths.monitor, f"confbridge-{name}-{int(announcer.pbx.wall())}.wav")
        if announcer.media is not None:
            announcer.media.record(path, "wav", "out")


async def _say(channel: Channel, name: str) -> None:
    if name:
        try:
            await play(channel, name)
        except NoPrompt as missing:
            log.warning("%s: Page: %s", channel.name, missing)


async def _announce(channel: Channel, name: str) -> None:
    """Play a prompt to a channel that nobody reads."""
    prompt = channel.pbx.prompts.find(name, channel.language) if name else None
    if prompt is None or channel.media is None:
        if name:
            log.warning("%s: Page: no prompt %r in language %r", channel.name, name, channel.language)
        return
    playback = channel.media.play(prompt)
    try:
        await playback.wait()
    except asyncio.CancelledError:
        playback.stop()
        raise
