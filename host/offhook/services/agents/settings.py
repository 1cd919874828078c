"""agents.conf: the options of an agent, and which of them its channel's variables change at login."""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from offhook.config.model import TRUE_WORDS
from offhook.config.options import Schema, flag, integer, string
from offhook.dialplan.arguments import integer as whole

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.config.model import ConfigError, Section

log = logging.getLogger(__name__)

FILE = "agents.conf"
SCHEMA = Schema("app_agent_pool", FILE, "agents who log in and wait for calls")


@dataclass(frozen=True, slots=True)
class Settings:
    """Options of an agent."""

    fullname: str = ""
    ackcall: bool = False
    acceptdtmf: str = "#"
    autologoff: int = 0
    """Seconds; 0 is never."""
    wrapuptime: int = 0
    """Milliseconds."""
    musiconhold: str = "default"
    recordagentcalls: bool = False
    custom_beep: str = "beep"

    @property
    def acknowledged_by(self) -> str:
        """The digits that take a call; "" when it is put through at once."""
        return self.acceptdtmf if self.ackcall else ""


_agent = SCHEMA.type("agent-id", "An agent; its section has its number.")
for _name, _kind, _text in (
    ("fullname", string(), "A name for people."),
    ("ackcall", flag(), "The agent takes a call by dialling digits, else it is put through after the beep."),
    ("acceptdtmf", string(), "Those digits."),
    ("autologoff", integer(0, unit="s"), "An agent who has not taken a call for so long is logged off; 0 is never."),
    ("wrapuptime", integer(0, unit="ms"), "No call comes so long after one."),
    ("musiconhold", string(), "Music on hold class between calls."),
    ("recordagentcalls", flag(), "Record each call as the code automixmon of features.conf does."),
    ("custom_beep", string(), "Prompt that announces a call."),
):
    _agent.option(_name, _kind, getattr(Settings(), _name), _text)


def read_settings(section: Section, errors: list[ConfigError]) -> Settings:
    """An agent's options; what is wrong is added to ``errors`` and keeps its default."""
    values = _agent.apply(section, errors)
    return Settings(**{one.name: values[one.name] for one in fields(Settings)})


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the channel's variables said at login; None is what agents.conf says."""

    ackcall: bool | None = None
    acceptdtmf: str | None = None
    autologoff: int | None = None
    wrapuptime: int | None = None

    @classmethod
    def of(cls, channel: Channel) -> Overrides:
        """AGENTACKCALL, AGENTACCEPTDTMF, AGENTAUTOLOGOFF and AGENTWRAPUPTIME of a channel."""
        acknowledge = channel.get("AGENTACKCALL")
        return cls(
            acknowledge.strip().lower() in TRUE_WORDS if acknowledge else None,
            channel.get("AGENTACCEPTDTMF") or None,
            _number(channel, "AGENTAUTOLOGOFF"),
            _number(channel, "AGENTWRAPUPTIME"),
        )

    def over(self, settings: Settings) -> Settings:
        """Settings with these in their place."""
        said = {one.name: value for one in fields(self) if (value := getattr(self, one.name)) is not None}
        return replace(settings, **said)


def _number(channel: Channel, name: str) -> int | None:
    text = channel.get(name)
    if not text:
        return None
    found = whole(text)
    if found is None or found < 0:
        log.warning("%s: %s=%s is no number of 0 or more; it has no effect", channel.name, name, text)
        return None
    return found
