"""Recording a room: a channel that listens in its bridge, with MixMonitor on it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offhook.calls.channel import Channel, State
from offhook.services.conference import events as told

if TYPE_CHECKING:
    from offhook.services.conference.room import Room

log = logging.getLogger(__name__)


class Recorder(Channel):
    """It hears what is mixed for one who says nothing."""

    technology = "CBRec"
    internal = True
    __slots__ = ()


class RoomRecording:
    """Whether and where a room is recorded."""

    __slots__ = ("_channel", "_file", "_named", "room")

    def __init__(self, room: Room) -> None:
        self.room = room
        self._channel: Recorder | None = None
        self._file = ""
        """Where the last recording went."""
        self._named = ""
        """The profile's record_file for which that was."""

    @property
    def running(self) -> bool:
        """Whether the room is recorded."""
        return self._channel is not None

    async def start(self, file: str = "") -> bool:
        """Begin, with a file instead of the profile's if given; False (and a line in the log) when that cannot be."""
        room, pbx = self.room, self.room.pbx
        if self._channel is not None:
            return False
        if pbx.registry.application("MixMonitor") is None:
            log.warning("conference %s cannot be recorded: MixMonitor is not loaded (app_mixmonitor)", room.name)
            return False
        from offhook.apps.monitors import begin

        if file:
            room.profile.record_file = file
        name = f"{Recorder.technology}/{room.name}-{pbx.next_name(Recorder.technology):08x}"
        channel = self._channel = Recorder(pbx, name, state=State.UP, media=pbx.engine.null_leg(), formats=("slin",))
        if await begin(channel, self._arguments()) is None or room.closed:
            self._channel = None
            channel.hangup()
            return False
        room.bridge.impart(channel, lonely=True)
        message = "started conference recording channel"
        room.test("CONF_START_RECORD", ("Message", message), ("Conference", room.profile.name))
        room.tell(told.RECORD)
        return True

    def stop(self) -> bool:
        """End the recording; False when there is none."""
        channel, self._channel = self._channel, None
        if channel is None:
            return False
        channel.hangup()
        message = "stopped conference recording channel"
        self.room.test("CONF_STOP_RECORD", ("Message", message), ("Conference", self.room.profile.name))
        self.room.tell(told.STOP_RECORD)
        return True

    def _arguments(self) -> str:
        """What MixMonitor is told."""
        profile = self.room.profile
        same = self._named == profile.record_file
        self._named = profile.record_file
        if not (self._file and same and profile.record_file_append):
            self._file = self._name()
        append = "a" if profile.record_file_append else ""
        return f"{self._file},{append}{profile.record_options},{profile.record_command}"

    def _name(self) -> str:
        """The name of a new file."""
        profile, moment = self.room.profile, int(self.room.pbx.wall())
        if not profile.record_file:
            return f"confbridge-{self.room.name}-{moment}.wav"
        if not profile.record_file_timestamp:
            return profile.record_file
        stem, dot, extension = profile.record_file.rpartition(".")
        return f"{stem}-{moment}.{extension}" if dot else f"{profile.record_file}-{moment}"
