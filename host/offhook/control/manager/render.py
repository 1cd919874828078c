"""From events of the bus to manager events: the registration, and the blocks of headers that events share.

A renderer is decorated with the class of event it renders, the manager event's name and its permission
classes; it gives the headers behind Privilege as text, each ended by CRLF, or None for no event::

    @render(events.NewState, "Newstate", CALL)
    def new_state(event: events.NewState) -> str:
        return channel_block(event.channel)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from offhook.calls.bridge import Bridge
from offhook.calls.channel import Channel
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import scope_of

F = TypeVar("F", bound=Callable[..., str | None])

Headers = list[tuple[str, str]]
LINES_OF_CHANNEL = 14


@dataclass(frozen=True, slots=True)
class Renderer:
    """How one class of bus event becomes manager events."""

    kind: type
    name: str | Callable[[Any], str]
    mask: int
    body: Callable[[Any], str | None]
    channels: Callable[[Any], Sequence[Channel | None]] | None
    """Channels whose variables follow as ``ChanVariable(name)`` at the end."""
    names: tuple[str, ...]
    """Every name that its events may have."""


RENDERERS: dict[type, list[Renderer]] = {}
"""By class of bus event; filled at import by ``render``."""


def render(
    kind: type,
    name: str | Callable[[Any], str],
    mask: int,
    *,
    channels: Callable[[Any], Sequence[Channel | None]] | None = None,
    names: Sequence[str] = (),
) -> Callable[[F], F]:
    """Register how events of a class are rendered.

    ``name`` may be worked out from the event; ``names`` are those that it may be then.
    """

    def register(function: F) -> F:
        known = (name,) if isinstance(name, str) else tuple(names)
        RENDERERS.setdefault(kind, []).append(Renderer(kind, name, mask, function, channels, known))
        return function

    return register


_ESCAPES = str.maketrans(
    {
        "\a": "\\a",
        "\b": "\\b",
        "\f": "\\f",
        "\n": "\\n",
        "\r": "\\r",
        "\t": "\\t",
        "\v": "\\v",
        "\\": "\\\\",
        "'": "\\'",
        '"': '\\"',
        "?": "\\?",
    }
)


def escape(text: str) -> str:
    """A text with C's escape sequences, as names and values are sent."""
    return text.translate(_ESCAPES)


def channel_block(channel: Channel, prefix: str = "") -> str | None:
    """The headers that tell a channel, each with the prefix; None for channels nobody outside shall see."""
    if channel.internal:
        return None
    caller, connected = channel.caller.id, channel.connected.id
    p = prefix
    block = (
        f"{p}Channel: {channel.name}\r\n"
        f"{p}ChannelState: {channel.state.value}\r\n"
        f"{p}ChannelStateDesc: {channel.state.text}\r\n"
        f"{p}CallerIDNum: {(caller.number.valid and caller.number.text) or '<unknown>'}\r\n"
        f"{p}CallerIDName: {(caller.name.valid and escape(caller.name.text)) or '<unknown>'}\r\n"
        f"{p}ConnectedLineNum: {(connected.number.valid and connected.number.text) or '<unknown>'}\r\n"
        f"{p}ConnectedLineName: {(connected.name.valid and escape(connected.name.text)) or '<unknown>'}\r\n"
        f"{p}Language: {channel.language}\r\n"
        f"{p}AccountCode: {channel.accountcode}\r\n"
        f"{p}Context: {channel.context}\r\n"
        f"{p}Exten: {channel.exten}\r\n"
        f"{p}Priority: {channel.priority}\r\n"
        f"{p}Uniqueid: {channel.uniqueid}\r\n"
        f"{p}Linkedid: {channel.linkedid}\r\n"
    )
    if block.count("\n") != LINES_OF_CHANNEL:
        block = _unbroken(block, p)
    if channel.tenantid:
        block += f"{p}Tenantid: {channel.tenantid}\r\n"
    names = channel.pbx.parts.get(VARIABLES)
    if names:
        for name in names:
            block += f"{p}ChanVariable: {name}={escape(variable(channel, name))}\r\n"
    return block


def block_headers(channel: Channel) -> Headers:
    """A channel's block of headers as pairs; empty for channels nobody outside shall see."""
    block = channel_block(channel) or ""
    return [(name, value) for name, _, value in (line.partition(": ") for line in block.split("\r\n")[:-1])]


VARIABLES = "manager.channelvars"
"""Where ``pbx.parts`` has the names of variables that every channel block shows."""


def _unbroken(block: str, prefix: str) -> str:
    """A block some of whose values had line ends in them: the far end may have sent them."""
    lines: list[str] = []
    for line in block.split("\r\n")[:-1]:
        name = line.partition(":")[0].removeprefix(prefix)
        if name in _CHANNEL_HEADERS and len(lines) == _CHANNEL_HEADERS[name]:
            lines.append(line)
        elif lines:
            lines[-1] += " " + line
    return "".join(line.replace("\n", " ").replace("\r", " ") + "\r\n" for line in lines)


_CHANNEL_HEADERS = {
    name: at
    for at, name in enumerate(
        (
            "Channel",
            "ChannelState",
            "ChannelStateDesc",
            "CallerIDNum",
            "CallerIDName",
            "ConnectedLineNum",
            "ConnectedLineName",
            "Language",
            "AccountCode",
            "Context",
            "Exten",
            "Priority",
            "Uniqueid",
            "Linkedid",
        )
    )
}


def variable(channel: Channel, name: str) -> str:
    """A variable or function as a channel sees it; empty when there is none, or it cannot be had at once."""
    scope = scope_of(channel)
    if not name.endswith(")"):
        return scope.lookup(name) or ""
    try:
        answer = scope.read(name)
    except FunctionError:
        return ""
    if isinstance(answer, str):
        return answer
    close = getattr(answer, "close", None)
    if close is not None:
        close()
    return ""


def bridge_block(bridge: Bridge, prefix: str = "") -> str:
    """The headers that tell a bridge, each with the prefix."""
    p = prefix
    block = (
        f"{p}BridgeUniqueid: {bridge.uniqueid}\r\n"
        f"{p}BridgeType: {bridge.kind}\r\n"
        f"{p}BridgeTechnology: {bridge.technology}\r\n"
        f"{p}BridgeCreator: {bridge.creator or '<unknown>'}\r\n"
        f"{p}BridgeName: {bridge.name or '<unknown>'}\r\n"
        f"{p}BridgeNumChannels: {len(bridge)}\r\n"
        f"{p}BridgeVideoSourceMode: {bridge.video_mode}\r\n"
    )
    if bridge.video_mode != "none" and bridge.video_source:
        block += f"{p}BridgeVideoSource: {bridge.video_source}\r\n"
    return block
