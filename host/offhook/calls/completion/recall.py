"""A call that completes an earlier one: what its caller's channel, and every channel called from it, knows of that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offhook.calls.channel import INHERITED
from offhook.calls.completion.tree import Extension, Tree

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.calls.completion.native import CalledSide

_OWN = "recall"
"""Key in the data of the caller's channel."""
_TREE = "recall"
"""Key in inherited data: a list of the tree of the call that is completed."""


@dataclass(slots=True)
class Recall:
    """The channel of the caller who was called back."""

    core_id: int
    over: bool = False
    """It has dialled: what it dials later is no recall."""


def mark_recall(channel: Channel, tree: Tree) -> None:
    """A caller was called back: name whom it is to call now, in CC_INTERFACES."""
    channel.data[_OWN] = Recall(tree.core_id)
    channel.data.setdefault(INHERITED, {})[_TREE] = [tree]
    first = next(entry for entry in tree.entries if isinstance(entry, Extension))
    channel.set("CC_INTERFACES", tree.interfaces(first))


def recall_of(channel: Channel) -> Recall | None:
    """Whether a channel is that of a caller who was called back and has not dialled yet."""
    found: Recall | None = channel.data.get(_OWN)
    return found if found is not None and not found.over else None


def monitor_of(channel: Channel, device: str) -> CalledSide | None:
    """A channel calls to complete an earlier call: the called side that waited for it, if its exchange did."""
    for tree in channel.data.get(INHERITED, {}).get(_TREE, ()):
        for monitor in tree.monitors():
            if monitor.device == device and monitor.native is not None:
                return monitor.native  # type: ignore[no-any-return]
    return None


def name_interfaces(channel: Channel, extension: str) -> None:
    """A recall goes through a Local channel: name whom to call in that extension, if the first call got there."""
    for tree in channel.data.get(INHERITED, {}).get(_TREE, ()):
        if (found := tree.named(extension)) is not None:
            channel.set("CC_INTERFACES", tree.interfaces(found))
