"""What a channel allows of call completion: the parameters of CALLCOMPLETION() and of drivers' configuration."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from offhook.calls.channel import Channel

log = logging.getLogger(__name__)

_KEY = "call completion"
"""Key in a channel's data of its parameters."""
POLICIES = {
    "cc_agent_policy": ("never", "native", "generic"),
    "cc_monitor_policy": ("never", "native", "generic", "always"),
}


@dataclass(slots=True)
class Parameters:
    """By their names in the dialplan. Timers are in seconds."""

    cc_agent_policy: str = "never"
    """Whether the channel's device may ask for completion: generic, or by its own protocol."""
    cc_monitor_policy: str = "never"
    """Whether others may wait for the channel's device."""
    cc_offer_timer: int = 20
    """How long after the call completion may be asked for."""
    ccnr_available_timer: int = 7200
    """How long a request holds when nobody answered."""
    ccbs_available_timer: int = 4800
    """How long a request holds when the called party was busy."""
    cc_recall_timer: int = 20
    """How long the caller is rung."""
    cc_max_agents: int = 5
    cc_max_monitors: int = 5
    """How many may wait for the device at once."""
    cc_callback_sub: str = ""
    """A Gosub target run on the caller's channel before the called party is called again."""
    cc_agent_dialstring: str = ""
    """How the caller is called back, if not by its device's name."""

    def read(self, name: str) -> str:
        """A parameter as text. Raises ValueError when there is none of that name."""
        return str(getattr(self, _known(name)))

    def assign(self, name: str, text: str) -> None:
        """Set a parameter. Raises ValueError when there is none of that name, or the value is none for it."""
        name = _known(name)
        if name in POLICIES:
            word = text.strip().lower()
            if word not in POLICIES[name]:
                setattr(self, name, "never")
                raise ValueError(f"{name} = {text}: write {', '.join(POLICIES[name])}; never is used")
            setattr(self, name, word)
        elif isinstance(getattr(self, name), str):
            setattr(self, name, text)
        elif not text.strip().isdigit():
            raise ValueError(f"{name} = {text}: a whole number is needed")
        elif not int(text) and name.endswith("_timer"):
            raise ValueError(f"{name} cannot be 0: it stays at {getattr(self, name)} seconds")
        else:
            setattr(self, name, int(text))


NAMES = tuple(field.name for field in fields(Parameters))


def _known(name: str) -> str:
    if name.lower() not in NAMES:
        raise ValueError(f"{name!r} is no parameter of call completion: {', '.join(NAMES)}")
    return name.lower()


def parameters_of(channel: Channel) -> Parameters:
    """A channel's own parameters, to read and to change."""
    found: Parameters | None = channel.data.get(_KEY)
    if found is None:
        found = channel.data[_KEY] = Parameters()
    return found


def may_ask(channel: Channel) -> bool:
    """Whether a caller may ask for completion at all; asked at every Dial."""
    found: Parameters | None = channel.data.get(_KEY)
    return found is not None and found.cc_agent_policy != "never"


def inherit_parameters(channel: Channel, parent: Channel) -> None:
    """Give a Local channel, or its other half, what the channel has that it stands for."""
    found: Parameters | None = parent.data.get(_KEY)
    if found is not None:
        channel.data[_KEY] = replace(found)


def set_parameters(channel: Channel, parameters: Parameters) -> None:
    """Give a new channel what its driver's configuration says."""
    channel.data[_KEY] = parameters


def from_settings(settings: Mapping[str, Any]) -> Parameters:
    """The parameters in a driver's settings of the same names."""
    return Parameters(**{name: settings[name] for name in NAMES if name in settings})
