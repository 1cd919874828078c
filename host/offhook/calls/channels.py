"""The table of all channels, by name, unique id and device."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.calls.channel import Channel


class Channels:
    """All channels, by name and unique id."""

    __slots__ = ("_by_device", "_by_id", "_by_name", "calls", "total")

    def __init__(self) -> None:
        self._by_name: dict[str, Channel] = {}
        self._by_id: dict[str, Channel] = {}
        self._by_device: dict[str, list[Channel]] = {}
        self.total = 0
        self.calls = 0
        """How often a channel began to run dialplan: the calls processed."""

    def add(self, channel: Channel) -> None:
        """Take a new channel in."""
        self._by_name[channel.name.lower()] = channel
        self._by_id[channel.uniqueid] = channel
        self._by_device.setdefault(_device(channel.name), []).append(channel)
        self.total += 1

    def remove(self, channel: Channel) -> None:
        """Drop an ended channel."""
        self._by_name.pop(channel.name.lower(), None)
        self._by_id.pop(channel.uniqueid, None)
        self._drop_device(channel, channel.name)

    def _drop_device(self, channel: Channel, name: str) -> None:
        device = _device(name)
        left = self._by_device.get(device)
        if left is not None and channel in left:
            left.remove(channel)
            if not left:
                del self._by_device[device]

    def renamed(self, channel: Channel, old: str) -> None:
        """File a channel under its new name."""
        self._by_name.pop(old.lower(), None)
        self._by_name[channel.name.lower()] = channel
        self._drop_device(channel, old)
        self._by_device.setdefault(_device(channel.name), []).append(channel)

    def of_device(self, device: str) -> list[Channel]:
        """The channels of a device ("PJSIP/alice"), oldest first."""
        return list(self._by_device.get(device.lower(), ()))

    def find(self, name: str) -> Channel | None:
        """The channel of that name (any case) or unique id."""
        return self._by_name.get(name.lower()) or self._by_id.get(name)

    def by_prefix(self, prefix: str) -> Channel | None:
        """The first channel whose name begins so (any case)."""
        prefix = prefix.lower()
        return next((channel for name, channel in self._by_name.items() if name.startswith(prefix)), None)

    def __iter__(self) -> Iterator[Channel]:
        return iter(list(self._by_name.values()))

    def __len__(self) -> int:
        return len(self._by_name)


def _device(name: str) -> str:
    return name.rpartition("-")[0].lower()
