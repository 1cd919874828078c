"""A caller's place in line, when the caller is transferred away while somebody else waited for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offhook.services.queues.records import NOBODY, record

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.services.queues.line import Entry
    from offhook.services.queues.queue import Queue

_PLACE = "inherited place in a queue"


@dataclass(slots=True)
class Place:
    """A place in line that waits for its new owner to come into the queue."""

    queue: Queue
    entry: Entry
    taken: bool = False

    def give_up(self) -> None:
        """The owner is gone. Nothing happens if it has come."""
        if self.taken:
            return
        self.taken = True
        entry = self.entry
        self.queue.give_up(entry)
        place = entry.position, entry.first_position, entry.waited
        record(self.queue.pbx, self.queue.name, entry.channel.uniqueid, NOBODY, "ABANDON", *place)
        self.queue.leave(entry)


def bequeath(queue: Queue, entry: Entry, heir: Channel) -> None:
    """The place is another channel's from now on."""
    entry.channel = heir
    heir.data[_PLACE] = place = Place(queue, entry)
    heir.at_end(place.give_up)


def inherited(channel: Channel, queue: Queue) -> Entry | None:
    """The place in this queue that a channel has inherited; one in another queue is given up."""
    place: Place | None = channel.data.pop(_PLACE, None)
    if place is None or place.taken:
        return None
    if place.queue is not queue:
        place.give_up()
        return None
    place.taken = True
    return place.entry
