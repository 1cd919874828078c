"""Device states: what a device is doing, derived from its channels, its driver or set by hand.

States are Asterisk's words; the order of precedence when several combine follows the documentation of
device states and hints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from offhook.calls import events, watched_events
from offhook.calls.channel import Channel, State

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

STATES = ("UNKNOWN", "NOT_INUSE", "INUSE", "BUSY", "INVALID", "UNAVAILABLE", "RINGING", "RINGINUSE", "ONHOLD")

STATE_TEXTS = dict(
    zip(
        STATES,
        ("Unknown", "Not in use", "In use", "Busy", "Invalid", "Unavailable", "Ringing", "Ring+Inuse", "On Hold"),
        strict=True,
    )
)

#: AST_EXTENSION_* numbers of a combined state.
EXTENSION_NUMBERS = {
    "NOT_INUSE": 0,
    "INUSE": 1,
    "BUSY": 2,
    "UNAVAILABLE": 4,
    "RINGING": 8,
    "RINGINUSE": 9,
    "ONHOLD": 16,
    "HOLDINUSE": 17,
}
EXTENSION_TEXTS = {
    -2: "Removed",
    -1: "Deactivated",
    0: "Idle",
    1: "InUse",
    2: "Busy",
    4: "Unavailable",
    8: "Ringing",
    9: "InUse&Ringing",
    16: "Hold",
    17: "InUse&Hold",
}


class DeviceStates:
    """The known state of every device anybody asked about, kept current by channel events."""

    __slots__ = ("_cached", "_pbx", "_remote", "_watchers", "providers")

    def __init__(self, pbx: Pbx) -> None:
        self._pbx = pbx
        self._cached: dict[str, str] = {}
        self._remote: dict[str, str] = {}
        """States that other exchanges told."""
        self._watchers: dict[str, list[Callable[[], None]]] = {}
        self.providers: dict[str, Callable[[str], str]] = {}
        """State of devices that are no channels, by prefix: "Custom", "Confbridge", "park", "Queue", ..."""
        bus = pbx.bus
        bus.subscribe(events.NewChannel, self._channel_changed)
        bus.subscribe(events.NewState, self._channel_changed)
        bus.subscribe(events.Hangup, self._channel_changed)
        bus.subscribe(events.Hold, self._channel_changed)
        bus.subscribe(events.Unhold, self._channel_changed)

    def state(self, device: str) -> str:
        """The device's state word now; "INVALID" when nothing knows such a device.

        Of a device that nobody knows here another exchange's word counts.
        """
        word = self._own_state(device)
        return self._remote.get(device, word) if word in ("UNKNOWN", "INVALID") else word

    def _own_state(self, device: str) -> str:
        prefix, colon, rest = device.partition(":")
        if colon and "/" not in prefix:
            provider = self.providers.get(prefix.lower())
            return provider(rest) if provider else "INVALID"
        technology, _, resource = device.partition("/")
        driver = self._pbx.registry.driver(technology)
        if driver is None:
            return "INVALID"
        if driver.device_state is not None:
            word = driver.device_state(self._pbx, resource)
            if word:
                return word
        return self.from_channels(device, "UNKNOWN")

    def from_channels(self, device: str, idle: str = "NOT_INUSE") -> str:
        """The state that the device's channels make, or ``idle`` when it has none."""
        return channels_state(self._pbx.channels.of_device(device), idle)

    def watch(self, device: str, watcher: Callable[[], None]) -> Callable[[], None]:
        """Call watcher whenever the device's state changed; the call that ends it."""
        key = device.lower()
        self._watchers.setdefault(key, []).append(watcher)

        def drop() -> None:
            left = self._watchers.get(key, [])
            if watcher in left:
                left.remove(watcher)
            if not left:
                self._watchers.pop(key, None)

        return drop

    def changed(self, device: str) -> None:
        """Something about a device may have changed: tell who watches it, if it did."""
        if self._watched(device):
            self.publish(device, self.state(device))

    def _watched(self, device: str) -> bool:
        return device.lower() in self._watchers or self._pbx.bus.wants(watched_events.DeviceStateChange)

    def publish(self, device: str, state: str) -> None:
        """A device's state is known to be this now."""
        if self._cached.get(device) == state:
            return
        self._cached[device] = state
        for watcher in list(self._watchers.get(device.lower(), ())):
            watcher()
        self._pbx.bus.publish(watched_events.DeviceStateChange(device, state))

    def publish_remote(self, device: str, state: str) -> None:
        """Another exchange says that a device's state is this now. ValueError when it is no state."""
        if state not in STATES:
            raise ValueError(f'"{state}" is no device state')
        self._remote[device] = state
        self.publish(device, self.state(device))

    def is_remote(self, device: str) -> bool:
        """Whether a device is known from another exchange only."""
        return device in self._remote and self._own_state(device) in ("UNKNOWN", "INVALID")

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(list(self._cached.items()))

    def _channel_changed(
        self, event: events.NewChannel | events.NewState | events.Hangup | events.Hold | events.Unhold
    ) -> None:
        if not self._watchers and not self._pbx.bus.wants(watched_events.DeviceStateChange):
            return
        device = device_of(event.channel.name)
        if not device or not self._watched(device):
            return
        if not isinstance(event, events.NewChannel) or self._news(device):
            self.publish(device, self.state(device))

    def _news(self, device: str) -> bool:
        """Whether a new channel can have changed the device: an idle one nobody heard of yet is no news."""
        return device in self._cached or self.state(device) != "NOT_INUSE"


def device_of(name: str) -> str:
    """The device of a channel's name: what is before its last dash, without a Local channel's options."""
    device = name.rpartition("-")[0]
    return device.rpartition("/n")[0] if device.startswith("Local/") and device.endswith("/n") else device


def channels_state(channels: Iterable[Channel], idle: str = "NOT_INUSE") -> str:
    """Combine channels of one device: ringing, in use, on hold."""
    ringing = inuse = held = 0
    for channel in channels:
        if channel.state is State.RINGING:
            ringing += 1
        elif channel.data.get("held"):
            held += 1
        elif channel.state is not State.DOWN or channel.outgoing:
            inuse += 1
    if ringing:
        return "RINGINUSE" if inuse or held else "RINGING"
    if inuse:
        return "INUSE"
    if held:
        return "ONHOLD"
    return idle


def combine(states: Iterable[str]) -> str:
    """The state of a hint made of several devices."""
    count = dict.fromkeys(STATES, 0)
    total = 0
    for state in states:
        count[state] += 1
        total += 1
    ringing = count["RINGING"] + count["RINGINUSE"]
    in_use = count["INUSE"] + count["RINGINUSE"] + count["ONHOLD"]
    if ringing:
        return "RINGINUSE" if in_use or count["BUSY"] else "RINGING"
    if count["ONHOLD"] and not count["INUSE"] and not count["BUSY"] and count["ONHOLD"] == total:
        return "ONHOLD"
    if count["BUSY"] and count["BUSY"] == total:
        return "BUSY"
    if in_use or count["BUSY"]:
        return "INUSE"
    if total and count["UNAVAILABLE"] + count["INVALID"] == total:
        return "UNAVAILABLE"
    if count["NOT_INUSE"] or count["UNKNOWN"]:
        return "NOT_INUSE"
    return "UNAVAILABLE" if total else "UNKNOWN"
