"""Channels of a port by the numbers of its machine, and who of them hears the line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from offhook.calls import causes
from offhook.calls.channel import State
from offhook.calls.completion.parameters import from_settings, set_parameters
from offhook.calls.line_events import LineAssigned
from offhook.calls.music import INTERPRETED
from offhook.calls.party import Caller, Party
from offhook.drivers.dahdi.channel import DahdiChannel
from offhook.drivers.dahdi.tones import zone_of
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.drivers.dahdi.port import Port
    from offhook.media.leg import PipeLeg
    from offhook.media.line import LineLeg
    from offhook.media.mixer import Mixer

_AMA = {"default": 3, "omit": 1, "billing": 2, "documentation": 3}


class Calls:
    """The calls of one port. Each has a pipe: one half is the channel's, the other is joined to the line."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._channels: dict[int, DahdiChannel] = {}
        self._ends: dict[int, PipeLeg] = {}
        self._heard: tuple[int, ...] = ()
        self._apart: tuple[int, ...] = ()
        """Calls that hear each other and not the line."""
        self._deaf = False
        """The line is nobody's for a moment."""
        self._mixer: Mixer | None = None

    def __iter__(self) -> Iterator[DahdiChannel]:
        return iter(list(self._channels.values()))

    def __len__(self) -> int:
        return len(self._channels)

    def get(self, number: int) -> DahdiChannel | None:
        """The channel of a call."""
        return self._channels.get(number)

    def make(
        self, number: int, state: State, requester: Channel | None = None, *, name: str = "", **options: Any
    ) -> DahdiChannel:
        """A channel for a call, with the port's settings; its name is DAHDI/<port>-<n> unless given."""
        port = self._port
        settings = port.settings
        near, far = port.pbx.engine.pipe()
        self._ends[number] = far
        channel = DahdiChannel(
            port,
            number,
            port.pbx,
            name or self.free_name(),
            state=state,
            media=near,
            formats=(port.law,),
            context=settings["context"],
            accountcode=settings["accountcode"],
            requester=requester,
            **options,
        )
        self._channels[number] = channel
        channel.ama_flags = _AMA[settings["amaflags"]]
        if settings["language"]:
            channel.language = settings["language"]
        channel.tone_zone = zone_of(settings["tonezone"])
        channel.data[INTERPRETED] = settings["mohinterpret"]
        channel.parking_lot = settings["parkinglot"]
        set_parameters(channel, from_settings(settings.values))
        if port.signalling.startswith("fxo"):  # phones alone ring to be picked up
            channel.call_groups = group_names(settings, "call")
            channel.pickup_groups = group_names(settings, "pickup")
        for assignment in settings["setvar"]:
            variable, _, value = assignment.partition("=")
            channel.set_by_name(variable.strip(), value.strip())
        self.announce(channel)
        return channel

    def make_from_line(self, number: int, state: State, caller: Caller | None = None) -> DahdiChannel:
        """A channel for a call that the line begins."""
        channel = self.make(number, state, caller=caller)
        verbose(3, "Starting simple switch on '%s'", channel.name)
        return channel

    def announce(self, channel: DahdiChannel) -> None:
        """Tell where on the hardware a call is."""
        port = self._port
        groups = sum(1 << group for group in port.settings["group"])
        port.pbx.bus.publish(LineAssigned(channel, groups, port.span, str(port.number)))

    def free_name(self) -> str:
        """A name for a channel of this port."""
        taken = {channel.name for channel in self._channels.values()}
        return next(name for count in range(1, 9) if (name := f"DAHDI/{self._port.number}-{count}") not in taken)

    def hand_over(self, channel: DahdiChannel, port: Port, number: int) -> None:
        """Move a call to another port, where it has that number."""
        end = self._ends.pop(channel.call)
        del self._channels[channel.call]
        self._heard = tuple(one for one in self._heard if one != channel.call)
        self._port.obey(self._port.machine.ended(channel.call, self._port.now()))
        channel.port, channel.call = port, number
        port.calls._channels[number] = channel
        port.calls._ends[number] = end
        port.calls.announce(channel)

    def caller(self) -> Caller:
        """Who calls when the phone of the port does."""
        settings = self._port.settings
        party = Party.of(settings["cid_number"] or None, settings["fullname"] or None)
        party.tag = settings["cid_tag"]
        return Caller(id=party, ani=party.copy())

    def forget(self, channel: DahdiChannel) -> None:
        """A channel is over."""
        if self._channels.get(channel.call) is not channel:
            return
        del self._channels[channel.call]
        end = self._ends.pop(channel.call)
        if channel.call in self._heard:
            self.hear(tuple(number for number in self._heard if number != channel.call), self._apart)
        end.close()

    def end(self, number: int, cause: int) -> None:
        """The line ends a call."""
        channel = self._channels.get(number)
        if channel is not None:
            channel.far_end_hangup(cause or causes.NORMAL_CLEARING)

    # ---- who hears the line ----------------------------------------------------------------------------------

    def hear(self, numbers: tuple[int, ...], apart: tuple[int, ...] = ()) -> None:
        """Join these calls, and no others, to the line; and two of the others to each other."""
        for number in self._apart:
            if number in self._ends:
                self._ends[number].disconnect()
        self._heard = tuple(number for number in numbers if number in self._ends)
        self._apart = tuple(number for number in apart if number in self._ends and number not in self._heard)
        self.rejoin(self._port.leg)
        if len(self._apart) == 2:
            one, other = (self._ends[number] for number in self._apart)
            one.connect(other, digits=False)

    def apart_from_line(self, apart: bool) -> None:
        """Take the line from those who hear it for a while, or give it back."""
        if apart != self._deaf:
            self._deaf = apart
            self.rejoin(self._port.leg)

    def joined(self, number: int) -> bool:
        """Whether a call is in conference with another one of the port."""
        return number in self._apart or (number in self._heard and len(self._heard) > 1)

    @property
    def heard(self) -> tuple[int, ...]:
        """Who is joined to it now."""
        return self._heard

    def rejoin(self, leg: LineLeg | None) -> None:
        """The line's leg is another one, or none: join those who hear it."""
        if self._mixer is not None:
            self._mixer.close()
            self._mixer = None
        if leg is None:
            return
        leg.disconnect()
        ends = [] if self._deaf else [self._ends[number] for number in self._heard]
        if len(ends) == 1:
            leg.connect(ends[0], digits=False)
        elif ends:
            self._mixer = mixer = self._port.pbx.engine.mixer(8000)
            for member in (leg, *ends):
                mixer.add(member)


def group_names(settings: Any, kind: str) -> frozenset[str]:
    """Call or pickup groups, numbered and named, as channels keep them."""
    return frozenset(map(str, settings[f"{kind}group"])) | frozenset(settings[f"named{kind}group"])
