"""What one Dial adds to a call that may be completed: whom it called, and who of them may be waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from offhook.calls import causes
from offhook.calls.channel import INHERITED, Channel
from offhook.calls.completion import events
from offhook.calls.completion.core import Completion, State, completion_of
from offhook.calls.completion.parameters import Parameters, may_ask, parameters_of
from offhook.calls.completion.recall import recall_of
from offhook.calls.completion.tree import Dialled, Extension, Offer, Tree
from offhook.calls.devices import device_of
from offhook.calls.frames import Condition, Control, Frame

if TYPE_CHECKING:
    from offhook.calls.completion.native import CalledSide
    from offhook.calls.pbx import Pbx

_KEY = "call completion"
"""Key in inherited data: a list of one Place."""
_ORIGINAL = "call that may be completed"
"""Key in the data of the channel that the whole call came from: its tree."""
_PROXY = "Local"
"""Technology whose channels only stand for others."""


class Place(NamedTuple):
    """Where the channels called from this one hang in a tree."""

    tree: Tree
    parent: int
    ignored: bool = False


def _place(channel: Channel) -> Place | None:
    kept: list[Place] = channel.data.get(INHERITED, {}).get(_KEY, [])
    return kept[0] if kept else None


def _keep(channel: Channel, place: Place) -> None:
    channel.data.setdefault(INHERITED, {})[_KEY] = [place]


def _counts(completion: Completion, channel: Channel) -> bool:
    """Whether a Dial is part of a call that may be completed."""
    place = _place(channel)
    return completion.within_limit if place is None else not place.ignored


def _came_from(channel: Channel, tree: Tree) -> bool:
    """Whether the whole call came from a channel: others only stand between it and those called."""
    return channel.data.get(_ORIGINAL) is tree


def ignore(channel: Channel) -> None:
    """What is dialled from a channel from now on is not part of a call that may be completed."""
    if (place := _place(channel)) is not None:
        _keep(channel, place._replace(ignored=True))
    if (recall := recall_of(channel)) is not None:
        recall.over = True


class CompletableDial:
    """One Dial whose caller may be offered completion, or is completing an earlier call, or both."""

    __slots__ = ("_channel", "_completion", "_dial_strings", "_extension", "_recall", "_tree")

    def __init__(
        self, completion: Completion, channel: Channel, tree: Tree | None, extension: Extension | None
    ) -> None:
        self._completion = completion
        self._channel = channel
        self._tree = tree
        self._extension = extension
        self._recall = recall_of(channel)
        self._dial_strings: dict[Channel, str] = {}

    @classmethod
    def begin(cls, channel: Channel) -> CompletableDial | None:
        """A Dial begins on a channel; None when call completion has nothing to do with it."""
        completion = completion_of(channel.pbx)
        if completion is None:
            return None
        if not may_ask(channel) or not _counts(completion, channel):
            return cls(completion, channel, None, None) if recall_of(channel) is not None else None
        place = _place(channel)
        if place is None:
            tree, parent = Tree(completion.new_id()), 0
            channel.data[_ORIGINAL] = tree
        else:
            tree, parent = place.tree, place.parent
        extension = tree.add_extension(f"{channel.exten}@{channel.context}", parent)
        _keep(channel, Place(tree, extension.identity))
        return cls(completion, channel, tree, extension)

    def called(self, dial_string: str, channel: Channel) -> None:
        """A channel was made for one of the destinations."""
        self._dial_strings[channel] = dial_string
        if self._extension is not None:
            self._extension.dialled.append(Dialled(dial_string, device_of(channel.name)))

    def refused(self, dial_string: str, cause: int) -> None:
        """No channel could be made: a line may be waited for all the same, if its driver says which one it is."""
        if cause not in _BUSY or self._extension is None:
            return
        self._extension.dialled.append(Dialled(dial_string, ""))
        for device, parameters in _lines(self._channel.pbx, dial_string):
            if parameters.cc_monitor_policy != "never":
                self._take(Offer(device, dial_string, "CCBS", parameters, self._extension.identity))

    def failed(self, channel: Channel, cause: int) -> None:
        """A channel could not be called."""
        if cause in _BUSY:
            self._offer(channel, "CCBS")

    def watch(self, channel: Channel, frame: Frame) -> bool:
        """See what a called channel sends; true when it is for nobody else."""
        if not isinstance(frame, Control) or channel not in self._dial_strings:
            return False
        condition = frame.condition
        if condition is Condition.CALL_COMPLETION:
            if isinstance(frame.payload, Offer) and not self._take(frame.payload):
                frame.payload.refuse()
            return True
        if channel.technology == _PROXY:
            return False
        if condition is Condition.RINGING:
            self._offer(channel, "CCNR")
        elif condition in (Condition.BUSY, Condition.CONGESTION) or (
            condition is Condition.HANGUP and channel.hangup_cause in _BUSY
        ):
            self._offer(channel, "CCBS")
        return False

    def forwarded(self, channel: Channel) -> None:
        """A call was forwarded to this channel: whom it reaches is not waited for."""
        ignore(channel)

    def ended(self, *, nobody: bool) -> None:
        """The Dial is over; ``nobody``: everybody was busy or could not be called."""
        if self._recall is not None and not self._recall.over:
            core_id = self._recall.core_id
            if nobody:
                self._completion.fail(core_id, "Everyone is busy/congested for the recall. How sad")
            elif self._channel.alive:
                self._completion.completed(core_id, "Recall completed!")
            else:
                self._completion.completed(core_id, "CC completed, although the caller hung up (cancelled)")
        ignore(self._channel)

    def _offer(self, channel: Channel, service: str) -> None:
        parameters = parameters_of(channel)
        device = device_of(channel.name)
        place = _place(channel)
        if parameters.cc_monitor_policy == "never" or place is None or place.ignored:
            return
        if not channel.tech_watchable():
            return
        if self._completion.watched(device) < parameters.cc_max_monitors:
            self._take(Offer(device, self._dial_strings[channel], service, parameters, place.parent))

    def _take(self, offer: Offer) -> bool:
        """Take a device in, or pass it on to where the call came from; False when it is for nothing."""
        channel, tree = self._channel, self._tree
        place = _place(channel)
        if tree is None or place is None or place.ignored:
            return False
        if not _came_from(channel, tree):
            channel.indicate(Condition.CALL_COMPLETION, offer)
            return True
        completion = self._completion
        if tree.core_id not in completion.transactions and completion.begin(channel, tree) is None:
            _keep(channel, place._replace(ignored=True))
            return False
        if tree.add(offer) is None:
            return False
        channel.pbx.bus.publish(events.Available(tree.core_id, offer.device, offer.service))
        return True


def offer_natively(channel: Channel, dial_string: str, service: str, native: CalledSide) -> bool:
    """The exchange of a called party can wait for it: offered to the caller; False when nobody can want that."""
    place = _place(channel)
    if place is None or place.ignored or completion_of(channel.pbx) is None:
        return False
    parameters = parameters_of(channel)
    offer = Offer(device_of(channel.name), dial_string, service, parameters, place.parent, native)
    channel.deliver(Control(Condition.CALL_COMPLETION, offer))
    return True


_BUSY = frozenset({causes.USER_BUSY, causes.NORMAL_CIRCUIT_CONGESTION})


def _lines(pbx: Pbx, dial_string: str) -> list[tuple[str, Parameters]]:
    """The devices that a destination without a channel stands for."""
    technology, _, address = dial_string.partition("/")
    driver = pbx.registry.driver(technology)
    if driver is None or driver.lines is None:
        return []
    return list(driver.lines(pbx, address))


def offer_to_caller(channel: Channel) -> None:
    """A call is over: its caller may ask for completion from now on, if it can be completed."""
    completion, tree = completion_of(channel.pbx), channel.data.get(_ORIGINAL)
    if completion is not None and isinstance(tree, Tree):
        completion.change(tree.core_id, State.OFFERED, f"CC offered to caller {channel.name}")
