"""Everything that happens to calls, as small records on the bus.

An event names what happened and to whom; listeners read the rest from the live objects during
``publish``. Treat instances as immutable. Services and drivers define further events beside their code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.calls.bridge import Bridge
    from offhook.calls.channel import Channel


@dataclass(slots=True)
class NewChannel:
    """A channel came into being."""

    channel: Channel


@dataclass(slots=True)
class NewState:
    """A channel's state changed."""

    channel: Channel


@dataclass(slots=True)
class Rename:
    """A channel got another name."""

    channel: Channel
    old_name: str


@dataclass(slots=True)
class HangupRequest:
    """The far end asked to end the channel (``soft`` False) or somebody here did (``soft`` True)."""

    channel: Channel
    soft: bool
    cause: int


@dataclass(slots=True)
class Hangup:
    """A channel has ended; it is already out of the table of channels."""

    channel: Channel


@dataclass(slots=True)
class LinkedIdChange:
    """A channel has another linked id: it met somebody whose call is older."""

    channel: Channel
    old: str


@dataclass(slots=True)
class NewApplication:
    """Another application runs at a place of the dialplan that was announced with its first one."""

    channel: Channel


@dataclass(slots=True)
class NewExten:
    """A channel begins a dialplan priority; application and data are those of the channel."""

    channel: Channel


@dataclass(slots=True)
class HangupHandler:
    """A hangup handler was "push"ed, "pop"ped or is "run"."""

    channel: Channel
    action: str
    handler: str


@dataclass(slots=True)
class VarSet:
    """A channel variable (or, without a channel, a global one) was assigned."""

    channel: Channel | None
    name: str
    value: str


@dataclass(slots=True)
class NewCallerId:
    """A channel's caller identity changed."""

    channel: Channel


@dataclass(slots=True)
class NewConnectedLine:
    """A channel's connected party changed."""

    channel: Channel


@dataclass(slots=True)
class NewAccountCode:
    """A channel's account code changed."""

    channel: Channel
    old: str


@dataclass(slots=True)
class DialBegin:
    """A call towards ``peer`` starts, for ``channel`` or, when None, for nobody (Originate)."""

    channel: Channel | None
    peer: Channel
    dial_string: str
    forward: str = ""


@dataclass(slots=True)
class DialState:
    """A dialled peer reports progress: RINGING, PROGRESS, PROCEEDING."""

    channel: Channel | None
    peer: Channel
    status: str


@dataclass(slots=True)
class DialEnd:
    """A dial attempt ended: ANSWER, BUSY, CANCEL, CONGESTION, CHANUNAVAIL, NOANSWER, ..."""

    channel: Channel | None
    peer: Channel
    status: str
    forward: str = ""


@dataclass(slots=True)
class BridgeCreate:
    """A bridge came into being."""

    bridge: Bridge


@dataclass(slots=True)
class BridgeDestroy:
    """A bridge ended."""

    bridge: Bridge


@dataclass(slots=True)
class BridgeEnter:
    """A channel is in a bridge now; it took the place of ``swap`` when given."""

    bridge: Bridge
    channel: Channel
    swap: Channel | None = None


@dataclass(slots=True)
class BridgeLeave:
    """A channel left a bridge."""

    bridge: Bridge
    channel: Channel


@dataclass(slots=True)
class BridgeMerge:
    """All channels of ``source`` moved into ``target``."""

    target: Bridge
    source: Bridge


@dataclass(slots=True)
class BridgeTechnology:
    """A bridge changed how it mixes: its ``technology`` is the new one."""

    bridge: Bridge
    old: str


@dataclass(slots=True)
class LocalBridge:
    """The two halves of a Local channel were linked by an outgoing call."""

    one: Channel
    two: Channel
    context: str
    exten: str
    optimized: bool


@dataclass(slots=True)
class LocalOptimizationBegin:
    """A Local channel is about to be taken out from between ``source`` and its other side."""

    one: Channel
    two: Channel
    source: Channel | None
    id: int


@dataclass(slots=True)
class LocalOptimizationEnd:
    """A Local channel was taken out; it hangs up next."""

    one: Channel
    two: Channel
    success: bool
    id: int


@dataclass(slots=True)
class Hold:
    """The party of a channel put its call on hold."""

    channel: Channel
    music_class: str = ""


@dataclass(slots=True)
class Unhold:
    """The party of a channel took its call back from hold."""

    channel: Channel


@dataclass(slots=True)
class Flash:
    """The party of a channel flashed the hook."""

    channel: Channel


@dataclass(slots=True)
class Wink:
    """The line of a channel winked."""

    channel: Channel


@dataclass(slots=True)
class DtmfBegin:
    """A digit starts: ``direction`` is "Received" from the party or "Sent" to it."""

    channel: Channel
    digit: str
    direction: str


@dataclass(slots=True)
class DtmfEnd:
    """A digit ended after ``duration_ms``."""

    channel: Channel
    digit: str
    duration_ms: int
    direction: str


@dataclass(slots=True)
class ToneDetected:
    """TONE_DETECT heard its tone as often as it was told to."""

    channel: Channel


@dataclass(slots=True)
class TalkingStart:
    """TALK_DETECT heard the party begin to talk."""

    channel: Channel


@dataclass(slots=True)
class TalkingStop:
    """TALK_DETECT heard the party stop talking after ``duration_ms``."""

    channel: Channel
    duration_ms: int


@dataclass(slots=True)
class MusicOnHoldStart:
    """Music on hold starts on a channel."""

    channel: Channel
    music_class: str


@dataclass(slots=True)
class MusicOnHoldStop:
    """Music on hold stopped on a channel."""

    channel: Channel


@dataclass(slots=True)
class UserEvent:
    """The dialplan's UserEvent: name and headers in order; ``channel`` is None when it came from outside."""

    channel: Channel | None
    name: str
    headers: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class OriginateResponse:
    """How an originate asked for asynchronously ended. ``headers`` belong to whoever asked."""

    channel: Channel | None
    success: bool
    reason: int
    dial_string: str
    application: str
    data: str
    context: str
    exten: str
    caller_number: str
    caller_name: str
    action_id: str
    assigned_id: str = ""
    """The unique id that was asked for."""


@dataclass(slots=True)
class BlindTransfer:
    """A blind transfer was carried out or refused (``result``: Success, Fail, Invalid, Not Permitted)."""

    result: str
    transferer: Channel
    transferee: Channel | None
    bridge: Bridge | None
    context: str
    exten: str
    external: bool


@dataclass(slots=True)
class AttendedTransfer:
    """An attended transfer was carried out or refused. ``dest_type``: Bridge, App, Link, Threeway, Fail."""

    result: str
    first_transferer: Channel
    first_bridge: Bridge | None
    second_transferer: Channel
    second_bridge: Bridge | None
    transferee: Channel | None
    target: Channel | None
    dest_type: str
    external: bool
    dest_bridge: Bridge | None = None
    dest_app: str = ""
    dest_channels: tuple[Channel, ...] = ()


@dataclass(slots=True)
class Pickup:
    """``channel`` picked up the call that rang at ``target``."""

    channel: Channel
    target: Channel


@dataclass(slots=True)
class ChanSpyStart:
    """``spyer`` listens to ``spyee``."""

    spyer: Channel
    spyee: Channel


@dataclass(slots=True)
class ChanSpyStop:
    """``spyer`` stopped listening to ``spyee``."""

    spyer: Channel
    spyee: Channel | None


@dataclass(slots=True)
class Security:
    """A security event: Asterisk's name ("ChallengeSent", ...) and its information elements in order."""

    name: str
    elements: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class TestEvent:
    """A step that Asterisk's TEST_FRAMEWORK reports: state, place, and further lines."""

    state: str
    headers: tuple[tuple[str, str], ...] = ()
    file: str = ""
    function: str = ""
    line: int = 0


@dataclass(slots=True)
class RtcpSent:
    """An RTCP report was sent on a channel's leg; ``report`` are the figures by their AMI header names."""

    channel: Channel
    report: Mapping[str, str]


@dataclass(slots=True)
class RtcpReceived:
    """An RTCP report came in on a channel's leg."""

    channel: Channel
    report: Mapping[str, str]


@dataclass(slots=True)
class FullyBooted:
    """Everything is loaded; calls are taken."""

    uptime_s: int
    last_reload_s: int


@dataclass(slots=True)
class Shutdown:
    """The daemon ends. ``how`` is "Cleanly" or "Uncleanly"."""

    how: str
    restart: bool


@dataclass(slots=True)
class PowerFailing:
    """The supply is about to go, milliseconds are left: what waits to be written is written now."""
