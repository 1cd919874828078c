"""Local channels: a call that runs the dialplan instead of ringing a device.

``Local/exten@context[/options]`` is a pair of channels back to back: half ;1 is what was dialled, half ;2
runs the dialplan. What is shown to one half reaches the other as if it came from its far end. Once both
halves are bridged, the pair takes itself out from between the real channels unless option n forbids it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from offhook.calls import causes, events
from offhook.calls.bridge import Bridge
from offhook.calls.channel import Channel, State
from offhook.calls.completion.parameters import inherit_parameters
from offhook.calls.completion.recall import name_interfaces
from offhook.calls.frames import Condition, Control, Digit, Text
from offhook.calls.holding import KEPT
from offhook.calls.party import Caller, Connected
from offhook.calls.requesting import SECURE, RequestError, inherit_max_forwards
from offhook.modules import Module, Request

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)
module = Module("chan_local", "Local proxy channel", priority=20)

_LISTEN_S = 0.05
_SILENT = frozenset({Condition.SOURCE_UPDATE, Condition.SOURCE_CHANGE, Condition.STOP})


class Pair:
    """What the two halves share."""

    __slots__ = (
        "called",
        "context",
        "exten",
        "listening",
        "one",
        "optimize",
        "optimizing",
        "pass_music",
        "refused",
        "two",
    )

    one: LocalChannel
    two: LocalChannel

    def __init__(self, exten: str, context: str, *, optimize: bool, pass_music: bool) -> None:
        self.exten = exten
        self.context = context
        self.optimize = optimize
        self.pass_music = pass_music
        self.called = False
        self.optimizing = False
        self.listening = False
        """Sound is waited for: where nobody is heard, nothing needs the shorter way."""
        self.refused = False
        """There is no such extension: whoever called half ;1 ends it."""


class LocalChannel(Channel):
    """One half of a Local channel."""

    technology = "Local"
    texts = "ENHANCED"
    __slots__ = ("pair",)

    def __init__(self, pair: Pair, pbx: Pbx, name: str, **options: Any) -> None:
        self.pair = pair
        if not name.endswith(";2"):
            pair.one = self
        else:
            pair.two = self
        super().__init__(pbx, name, context=pair.context, exten=pair.exten, **options)

    @property
    def first(self) -> bool:
        """Whether this is half ;1."""
        return self.pair.one is self

    @property
    def other(self) -> LocalChannel:
        """The other half."""
        return self.pair.two if self.first else self.pair.one

    def tech_call(self, destination: str) -> None:
        """Run the dialplan on half ;2, with identities and account codes crossed over."""
        pair, pbx, two = self.pair, self.pbx, self.other
        _cross(self, two)
        plan = pbx.dialplan
        known = plan.exists(pair.context, pair.exten, 1, self.connected.id.number.text)
        if not known and not plan.switched(pair.context):
            pair.refused = True
            two.hangup()
            raise RequestError(
                self.hangup_cause, f"no extension {pair.exten} in context {pair.context!r} for a Local channel"
            )
        name_interfaces(two, f"{pair.exten}@{pair.context}")
        pair.called = True
        pbx.bus.publish(events.LocalBridge(self, two, pair.context, pair.exten, pair.optimize))
        two.start_pbx()

    def tech_answer(self) -> None:
        """Half ;2 answers: half ;1 has been answered."""
        if not self.first:
            self.mark_up()
            self.other.deliver(Control(Condition.ANSWER))

    def tech_indicate(self, condition: Condition, payload: object = None) -> bool:
        """What is shown here comes from the far end of the other half."""
        other = self.other
        if other.hungup or condition in _SILENT:
            return True
        if condition is Condition.HOLD and not self.pair.pass_music:
            return False
        if condition is Condition.UNHOLD and not self.pair.pass_music:
            return False
        if condition is Condition.CONNECTED_LINE and isinstance(payload, Connected):
            other.caller = Caller(payload.id.copy(), payload.ani.copy(), payload.priv.copy(), payload.ani2)
            other.tell_caller()
            payload = payload.copy()
        if condition is Condition.RINGING and self.state is not State.RING:
            return False  # the far end would not know when it is over
        if condition is Condition.PROGRESS and self.first:
            return True
        if condition is Condition.RINGING and other.state in (State.DOWN, State.RING, State.DIALING):
            other.set_state(State.RINGING)
        other.deliver(Control(condition, payload))
        return True

    def tech_digit_begin(self, digit: str) -> None:
        """A digit for this half comes out of the other."""
        self.other.deliver(Digit(digit, end=False))

    def tech_digit_end(self, digit: str, duration_ms: int) -> None:
        """The digit ends."""
        self.other.deliver(Digit(digit, end=True, duration_ms=duration_ms))

    def tech_send_text(self, text: Text) -> bool:
        """A text for this half comes out of the other."""
        self.other.deliver(text)
        return True

    def tech_secures(self, *, signaling: bool, media: bool) -> bool:
        """Nothing leaves this machine; whom the other half calls is held to the same."""
        if signaling or media:
            self.other.data[SECURE] = {"signaling": "1" if signaling else "", "media": "1" if media else ""}
        return True

    def tech_twin(self) -> Channel | None:
        """The other half is the same call."""
        return self.other

    def tech_hangup(self, cause: int) -> None:
        """One half ends: so does the other."""
        other = self.other
        if not self.first and (status := self.get("DIALSTATUS")):
            other.set("CHANLOCALSTATUS", status)
        if not other.hungup and not self.pair.refused:
            if other.task is None and other.consumer is None and not self.pair.called:
                other.hangup(cause)
            else:
                other.far_end_hangup(cause, named=False)

    def allow_optimization(self) -> None:
        """Forget option n: take the pair out as soon as both halves are bridged."""
        self.pair.optimize = True
        self.tech_bridged()

    def tech_bridged(self) -> None:
        """Maybe both halves are bridged now."""
        pair = self.pair
        if pair.optimize and not pair.optimizing:
            self.pbx.loop.call_soon(optimize, pair)


def _cross(one: LocalChannel, two: LocalChannel) -> None:
    """Hand half ;1's parties, accounts, manners and variables over to half ;2."""
    two.callid = one.callid
    two.redirect_like(one)
    two.dialed = one.dialed
    connected, caller = one.connected, one.caller
    two.caller = Caller(connected.id.copy(), connected.ani.copy(), connected.priv.copy(), connected.ani2)
    two.connected = Connected(caller.id.copy(), caller.ani.copy(), caller.priv.copy(), caller.ani2)
    two.tell_caller()
    two.tell_connected()
    two.adsicpe = one.adsicpe
    two.language = one.language
    two.music_class = one.music_class
    two.parking_lot = one.parking_lot
    if one.peer_account != two.accountcode:
        two.set_accountcode(one.peer_account)
    two.peer_account = one.accountcode
    if one.hangup_cause == causes.ANSWERED_ELSEWHERE:
        two.hangup_cause = causes.ANSWERED_ELSEWHERE
    two.inherit_data(one)
    inherit_parameters(two, one)
    written = list(one.variables.written())
    for name, value in reversed(written):
        two.variables.set(name, value)
    for name, value in written:
        two.announce_variable(name, value)
    inherit_max_forwards(two, one)


def optimize(pair: Pair) -> None:
    """Take a pair out when both halves are answered and bridged and their bridges allow it."""
    one, two = pair.one, pair.two
    if pair.optimizing or one.hungup or two.hungup or one.bridge is None or two.bridge is None:
        return
    if one.bridge is two.bridge or one.state is not State.UP or two.state is not State.UP:
        return
    if KEPT in one.flags or KEPT in two.flags:
        return
    if _tapped(one) or _tapped(two) or _busy(one) or _busy(two):
        return
    if not (_heard(one) or _heard(two)):
        if not pair.listening:
            pair.listening = True
            one.pbx.loop.call_later(_LISTEN_S, _listened, pair)
        return
    near, far = one, two
    if len(one.bridge) != 2 or not _lets_go(one.bridge):
        near, far = two, one
    near_bridge, far_bridge = near.bridge, far.bridge
    assert near_bridge is not None and far_bridge is not None
    plain = _lets_go(near_bridge)
    mover = near_bridge.peer(near) if plain else None
    if mover is None or far_bridge.stays or (far_bridge.holding and far_bridge.kind != "parking"):
        return
    pair.optimizing = True
    pbx = one.pbx
    identity = pbx.next_name("optimization")
    pbx.bus.publish(events.LocalOptimizationBegin(one, two, mover, identity))
    _swap(near_bridge, far_bridge, mover, near, far)
    pbx.bus.publish(events.LocalOptimizationEnd(one, two, True, identity))
    one.request_hangup(causes.NORMAL_CLEARING)


def _lets_go(bridge: Bridge) -> bool:
    """Whether a channel may be moved elsewhere so that a Local channel is not needed."""
    return bridge.kind == "basic" and bridge.minder is None and not bridge.keeps


def _heard(half: LocalChannel) -> bool:
    """Whether sound comes to a half from outside; it is sound that has a pair taken out in Asterisk."""
    return half.media is not None and half.media.heard


def _listened(pair: Pair) -> None:
    pair.listening = False
    optimize(pair)


def _swap(near_bridge: Bridge, far_bridge: Bridge, mover: Channel, near: Channel, far: Channel) -> None:
    """Put mover into the far bridge in place of the far half; the near bridge ends."""
    near_bridge.move(mover, far_bridge, swap=far)
    if near in near_bridge.members:
        near_bridge.remove(near)


def _tapped(channel: Channel) -> bool:
    """Whether something hangs on this half that would be lost (a recording, a spy, a volume setting)."""
    return bool(channel.data.get("taps"))


def _busy(channel: Channel) -> bool:
    """Whether this half is out of its mix for a moment; what waits for it must go by way of the pair."""
    return channel.bridge is not None and channel.bridge.members[channel].suspended


def device_state(pbx: Pbx, resource: str) -> str:
    """In use while somebody is called through it; not in use when the extension exists."""
    place = resource.partition("/")[0] if "@" not in resource else resource
    exten, at, context = place.partition("@")
    context = context.partition("/")[0]
    if not at:
        return "INVALID"
    state = "INVALID"
    for channel in pbx.channels:
        if isinstance(channel, LocalChannel) and channel.pair.exten == exten and channel.pair.context == context:
            if channel.first and channel.pair.called:
                return "INUSE"
            state = "NOT_INUSE"
    if state == "INVALID" and pbx.dialplan.exists(context, exten, 1):
        return "NOT_INUSE"
    return state


@module.command("local show channels", "List status of local channels")
def show_channels(request: Request) -> None:
    """List the Local channels that there are."""
    if request.args:
        raise request.usage()
    halves = [channel for channel in request.pbx.channels if isinstance(channel, LocalChannel) and channel.first]
    lines = [f"{half.name if half.pair.called else '<unowned>'} -- {half.name.rpartition(';')[0]}" for half in halves]
    request.print(*lines or ["No local channels in use"])


@module.driver("Local", "Local Proxy Channel Driver", device_state=device_state)
def request(
    pbx: Pbx, address: str, formats: tuple[str, ...], requester: Channel | None, ids: tuple[str, str]
) -> LocalChannel:
    """Make the pair for ``exten@context[/nmj]``; half ;1 is returned."""
    place, _, options = address.rpartition("/") if "/" in address else (address, "", "")
    exten, _, context = place.partition("@")
    context = context or "default"
    pair = Pair(exten, context, optimize="n" not in options, pass_music="m" in options)
    number = pbx.next_name("Local")
    base = f"Local/{exten}@{context}-{number:08x}"
    media = pbx.engine.pipe()
    first_id, second_id = ids
    if first_id and not second_id:
        second_id = f"{first_id};2"
    kept = tuple(formats) or ("slin",)
    one = LocalChannel(pair, pbx, f"{base};1", media=media[0], formats=kept, requester=requester, uniqueid=first_id)
    two = LocalChannel(
        pair,
        pbx,
        f"{base};2",
        state=State.RING,
        media=media[1],
        formats=kept,
        uniqueid=second_id,
        linkedid=one.linkedid,
    )
    two.linked_age = one.linked_age
    two.tenantid = one.tenantid
    if requester is not None:
        inherit_parameters(one, requester)
    return one
