"""Recording both directions of a call to files, beside whatever else happens on the channel."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offhook.apps.monitor_copies import Copies
from offhook.calls import events
from offhook.calls.channel import Channel
from offhook.calls.prompts import NoPrompt, find
from offhook.dialplan.scope import scope_of
from offhook.log import NOTICE, verbose
from offhook.media.errors import UnsupportedMedia
from offhook.modules import Options, split_arguments

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.media.leg import SnoopLeg
    from offhook.media.recording import Recording

log = logging.getLogger(__name__)
TAPS = "taps"
"""In a channel's data: what hangs on its sound, so that Local channels are not taken out from under it."""
_BEEP_S = 15.0
_VOLUME_DB = 6.0
"""What a step of the options v, V and W changes: a factor of two."""


@dataclass(slots=True)
class MixMonitorStart:
    """A recording of a channel began."""

    channel: Channel


@dataclass(slots=True)
class MixMonitorStop:
    """A recording of a channel was ended."""

    channel: Channel


@dataclass(slots=True)
class MixMonitorMute:
    """Recordings of a channel were silenced, or are no more (``muted`` False)."""

    channel: Channel
    direction: str
    muted: bool
    monitor: str
    count: int


class Track:
    """One file of a monitor: what it hears, and the recording."""

    __slots__ = ("leg", "path", "recording", "spy")

    def __init__(self, pbx: Pbx, channel: Channel, path: str, spy: Any, gain_db: float, append: bool) -> None:
        assert channel.media is not None
        self.path = path
        self.spy = spy
        self.leg: SnoopLeg = pbx.engine.snoop(channel.media, spy)
        if gain_db:
            self.leg.gain(gain_db)
        extension = path.rpartition(".")[2]
        try:
            self.recording: Recording = self.leg.record(path, extension, append=append)
        except UnsupportedMedia:
            self.leg.close()
            raise


class Monitor:
    """A recording of a channel: up to three files, and what happens when it ends."""

    __slots__ = (
        "beeper",
        "beeps_at_end",
        "channel",
        "command",
        "complete",
        "identity",
        "muted",
        "name",
        "path",
        "tracks",
    )

    def __init__(self, channel: Channel, path: str) -> None:
        self.channel = channel
        self.name = channel.name
        self.path = path
        self.identity = f"{id(self):#x}"
        self.command = ""
        self.tracks: dict[str, Track] = {}
        """By option: "" the mix, "r" what is heard from the party, "t" what is sent to it; "left" and "right" are the
        two channels of a file that has both apart."""
        self.muted: set[str] = set()
        self.beeper: asyncio.TimerHandle | None = None
        self.beeps_at_end = False
        self.complete: asyncio.Future[None] = channel.pbx.loop.create_future()
        """Done when all files are there."""

    def recordings(self) -> Iterator[Recording]:
        """The recordings of all its files."""
        return (track.recording for track in self.tracks.values())

    def files(self) -> Iterator[tuple[str, float]]:
        """Its files and how long each is, in seconds."""
        for key, track in self.tracks.items():
            if key != "right":
                yield (self.path if key == "left" else track.path), track.recording.duration_ms / 1000

    def mute(self, wanted: set[str], on: bool) -> None:
        """Have silence instead of "read" (what the party says) or "write" (what it hears), or no longer."""
        self.muted = self.muted | wanted if on else self.muted - wanted
        shown = {"read": "in", "write": "out"}
        for track in self.tracks.values():
            heard = {"in", "out"} if track.spy == "both" else {track.spy}
            heard -= {shown[each] for each in self.muted}
            directions: Any = "both" if len(heard) == 2 else heard.pop() if heard else "none"
            track.leg.spy(directions)

    def stop(self) -> None:
        """End the files; what follows happens once they are complete."""
        if self.beeper is not None:
            self.beeper.cancel()
            self.beeper = None
        for recording in self.recordings():
            recording.stop()

    async def finish(self) -> None:
        """Wait until all files are written, and put two channels into one where that was asked for."""
        for recording in self.recordings():
            reason = await recording.wait()
            if reason.startswith("failed"):
                log.warning("%s: MixMonitor: %s", self.name, reason)
        if "left" in self.tracks:
            pbx = self.channel.pbx
            await pbx.off_loop(join_channels, self.tracks["left"].path, self.tracks["right"].path, self.path)
        if not self.complete.done():
            self.complete.set_result(None)


def monitors(channel: Channel) -> list[Monitor]:
    """The recordings of a channel, the latest first."""
    found: list[Monitor] = channel.data.setdefault("mixmonitors", [])
    return found


def tap(channel: Channel, holder: object) -> None:
    """Note that something hangs on a channel's sound."""
    channel.data.setdefault(TAPS, []).append(holder)


def untap(channel: Channel, holder: object) -> None:
    """It hangs there no longer."""
    taps = channel.data.get(TAPS, [])
    if holder in taps:
        taps.remove(holder)
    if not taps:
        channel.data.pop(TAPS, None)
        channel.tech_bridged()


async def begin(channel: Channel, data: str) -> Monitor | None:
    """Begin a recording as MixMonitor's arguments order; None (with a line in the log) when that cannot be."""
    name, options, command = [*split_arguments(data, limit=3), "", "", ""][:3]
    letters = Options(options)
    pbx = channel.pbx
    if not name and letters.get("r") is None and letters.get("t") is None:
        log.warning("%s: MixMonitor needs a file name, here or in option r or t", channel.name)
        return None
    wanted = {"": name, "r": letters["r"], "t": letters["t"]}
    paths = {key: await pbx.off_loop(_path, pbx.paths.monitor, each) for key, each in wanted.items() if each}
    if channel.media is None or channel.hungup:
        log.warning("%s: MixMonitor: the channel has no sound to record", channel.name)
        return None
    channel.set("MIXMONITOR_FILENAME", paths.get("", ""))
    monitor = Monitor(channel, paths.get("", ""))
    command = re.sub(r"\^\{", "${", command)
    monitor.command = await scope_of(channel).expanded(command) if command else ""
    gains = _gains(channel, letters)
    try:
        for key, path, spy, gain in _files(channel, paths, letters, gains):
            monitor.tracks[key] = Track(pbx, channel, path, spy, gain, "a" in letters)
    except UnsupportedMedia as error:
        log.warning("%s: MixMonitor: %s", channel.name, error)
        for track in monitor.tracks.values():
            track.recording.stop()
            track.leg.close()
        return None
    monitors(channel).insert(0, monitor)
    tap(channel, monitor)
    channel.at_end(monitor.stop)
    if letters["i"]:
        channel.set(letters["i"], monitor.identity)
    _manners(monitor, letters)
    verbose(2, "Begin MixMonitor Recording %s", channel.name)
    pbx.spawn(_finish(pbx, monitor, Copies(channel, letters)), f"MixMonitor of {channel.name}")
    pbx.bus.publish(MixMonitorStart(channel))
    return monitor


_APART = ("raw", "sln", "wav")
"""Files that can have two channels."""


def _files(
    channel: Channel, paths: dict[str, str], letters: Options, gains: tuple[float, float, float]
) -> list[tuple[str, str, str, float]]:
    """What to write: (key, path, what is heard, gain in dB)."""
    files = []
    for key, path in paths.items():
        if key:
            files.append((key, path, "in", gains[0]) if key == "r" else (key, path, "out", gains[1]))
        elif "D" in letters and path.rpartition(".")[2] in _APART:
            files += [("left", f"{path}.left.sln", "in", gains[0]), ("right", f"{path}.right.sln", "out", gains[1])]
        else:
            if "D" in letters:
                log.warning("%s: MixMonitor: only %s files have two channels: a mix is written", channel.name, _APART)
            files.append((key, path, "both", gains[2]))
    return files


def join_channels(left: str, right: str, path: str) -> None:
    """Make one file of two channels (16-bit, 8000 Hz) of two files of one, and remove these."""
    with open(left, "rb") as one, open(right, "rb") as two, open(path, "wb") as target:
        if path.endswith(".wav"):
            frames = max(os.path.getsize(left), os.path.getsize(right)) // 2
            target.write(_stereo_header(frames * 4))
        while True:
            samples = array("h", one.read(_CHUNK)), array("h", two.read(_CHUNK))
            most = max(map(len, samples))
            if not most:
                break
            both = array("h", bytes(4 * most))
            for place, channel in enumerate(samples):
                channel.extend([0] * (most - len(channel)))
                both[place::2] = channel
            target.write(both.tobytes())
    os.unlink(left)
    os.unlink(right)


_CHUNK = 65_536


def _stereo_header(size: int) -> bytes:
    """The beginning of a WAVE file: PCM, two channels, 8000 Hz, 16 bit."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 2, 8000, 32_000, 4, 16)
    return struct.pack("<4sI4s", b"RIFF", 36 + size, b"WAVE") + form + struct.pack("<4sI", b"data", size)


def _path(folder: str, name: str) -> str:
    path = name if name.startswith("/") else os.path.join(folder, name)
    if "." not in os.path.basename(path):
        path += ".raw"
    if path.endswith(".wav49"):
        path = path[:-6] + ".WAV"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


def _gains(channel: Channel, letters: Options) -> tuple[float, float, float]:
    """Gains in dB for what comes in, what goes out, and the mix."""
    steps = {"v": 0, "V": 0, "W": 0}
    for letter in steps:
        text = letters.get(letter)
        if text is None:
            continue
        if not re.fullmatch(r"[+-]?[0-4]", text.strip()):
            log.log(NOTICE, "%s: MixMonitor: %s(%s): loudness is a number from -4 to 4", channel.name, letter, text)
            continue
        steps[letter] = int(text)
    heard, spoken = steps["W"] or steps["v"], steps["W"] or steps["V"]
    if heard != spoken:
        log.warning(
            "%s: MixMonitor: the mix cannot have different loudness for v and V; only r and t files", channel.name
        )
    both = heard if heard == spoken else 0
    return heard * _VOLUME_DB, spoken * _VOLUME_DB, both * _VOLUME_DB


def _manners(monitor: Monitor, letters: Options) -> None:
    """What options do while the recording goes on."""
    channel = monitor.channel
    loop = channel.pbx.loop
    monitor.beeps_at_end = "P" in letters
    if "p" in letters:
        _beep(channel)
    if "B" in letters:
        try:
            interval = float(letters["B"]) if letters["B"] else _BEEP_S
        except ValueError:
            log.warning("%s: MixMonitor: %r is no number of seconds between beeps", channel.name, letters["B"])
            interval = _BEEP_S

        def again() -> None:
            _beep(channel)
            monitor.beeper = loop.call_later(interval, again)

        again()
        if channel.pbx.bus.wants(events.TestEvent):
            headers = (("Exten", "beep"), ("Channel", channel.name), ("Interval", str(int(interval))))
            told = events.TestEvent("PERIODIC_HOOK_ENABLED", headers, "func_periodic_hook.c", "init_hook")
            channel.pbx.bus.publish(told)
    if letters["s"]:
        _skip(monitor, letters["s"])
    if "b" in letters:
        _only_bridged(monitor)


def _skip(monitor: Monitor, text: str) -> None:
    try:
        seconds = float(text)
    except ValueError:
        log.warning("%s: MixMonitor: %r is no number of seconds to leave out", monitor.name, text)
        return
    recordings = list(monitor.recordings())
    for recording in recordings:
        recording.pause()

    def resume() -> None:
        for recording in recordings:
            recording.resume()

    monitor.channel.pbx.loop.call_later(seconds, resume)


def _only_bridged(monitor: Monitor) -> None:
    """Leave out what is said outside bridges."""
    channel = monitor.channel
    bus = channel.pbx.bus

    def follow(event: events.BridgeEnter | events.BridgeLeave) -> None:
        if event.channel is channel:
            for recording in monitor.recordings():
                if isinstance(event, events.BridgeEnter):
                    recording.resume()
                else:
                    recording.pause()

    endings = [bus.subscribe(events.BridgeEnter, follow), bus.subscribe(events.BridgeLeave, follow)]
    if channel.bridge is None:
        for recording in monitor.recordings():
            recording.pause()

    def leave() -> None:
        for ending in endings:
            ending()

    channel.at_end(leave)


def _beep(channel: Channel) -> None:
    if channel.media is not None and not channel.hungup:
        with contextlib.suppress(NoPrompt):
            channel.media.play(find(channel, "beep"), mix=True)


async def _finish(pbx: Pbx, monitor: Monitor, copies: Copies) -> None:
    """What follows when the recording has ended."""
    await monitor.finish()
    channel = monitor.channel
    for track in monitor.tracks.values():
        track.leg.close()
    if not channel.hungup:
        _forget(monitor)
        if monitor.beeps_at_end:
            _beep(channel)
    if monitor.command:
        verbose(2, "Executing [%s]", monitor.command)
        process = await asyncio.create_subprocess_shell(monitor.command, stdin=asyncio.subprocess.DEVNULL)
        await process.wait()
    verbose(2, "End MixMonitor Recording %s", monitor.name)
    if pbx.bus.wants(events.TestEvent):
        headers = (("File", monitor.path.rpartition(".")[0]),)
        pbx.bus.publish(events.TestEvent("MIXMONITOR_END", headers, "app_mixmonitor.c", "mixmonitor_thread"))
    await copies.deliver(pbx, monitor.files())


def _forget(monitor: Monitor) -> None:
    found = monitors(monitor.channel)
    if monitor in found:
        found.remove(monitor)
    untap(monitor.channel, monitor)


def named(channel: Channel, identity: str) -> Monitor | None:
    """The recording of that id, or the latest without one."""
    found = monitors(channel)
    if not identity:
        return found[0] if found else None
    return next((each for each in found if each.identity == identity), None)


async def end(channel: Channel, identity: str = "") -> bool:
    """End a recording (the latest without an id) and wait until its files are complete; False without such a one."""
    monitor = named(channel, identity)
    if monitor is None:
        return False
    monitors(channel).remove(monitor)
    monitor.stop()
    await asyncio.shield(monitor.complete)
    channel.pbx.bus.publish(MixMonitorStop(channel))
    return True
