"""Applications that put channels into bridges: Bridge, BridgeAdd, BridgeWait; and those that transfer a call."""

from __future__ import annotations

import asyncio
import logging

from offhook.calls.bridge import Bridge
from offhook.calls.channel import Channel, Hangup, State
from offhook.calls.features import grant_by_options
from offhook.calls.frames import Digit, Frame
from offhook.calls.holding import ANNOUNCER, PARTICIPANT, Announcing, Waiting
from offhook.calls.joining import bring_in
from offhook.calls.limits import CallLimit, parse_limit
from offhook.calls.member import Feature, Member
from offhook.calls.transfer import Transfer, blind_transfer
from offhook.dialplan.location import parse_location
from offhook.log import verbose
from offhook.modules import Module, Options, Syntax

log = logging.getLogger(__name__)
bridge_module = Module("app_bridge", "Bridge two channels")
add_module = Module("app_bridgeaddchan", "Bridge Add Channel Application")
wait_module = Module("app_bridgewait", "Place the channel into a holding bridge application")
attended_module = Module("app_attended_transfer", "Attended transfer to the given extension")
blind_module = Module("app_blind_transfer", "Blind transfer channel to the extension/context provided")

_OPTIONS = {
    "p": "Play the transfer sound to the other channel as it comes in.",
    "F(context^exten^priority)": "Where the other channel goes on afterwards; else behind what it did.",
    "h": "Let the other channel end the call with the disconnect code.",
    "H": "Let this channel end the call with the disconnect code.",
    "k": "Let the other channel park the call.",
    "K": "Let this channel park the call.",
    "L(x[:y[:z]])": "Limit the call to x ms, warn when y ms are left, and again every z ms.",
    "n": "Do not answer this channel.",
    "S(x)": "End the call after x seconds.",
    "t": "Let the other channel transfer.",
    "T": "Let this channel transfer.",
    "x": "Hang the other channel up afterwards.",
}


@bridge_module.application("Bridge", Syntax("channel", "[options]", options=_OPTIONS), see_also=("Dial", "BridgeAdd"))
async def bridge(channel: Channel, name: str = "", option_text: str = "") -> None:
    """Connect this channel with another, whatever that does at the moment.

    The other channel is found by the beginning of its name. BRIDGERESULT is SUCCESS, FAILURE, LOOP (the channel
    itself) or NONEXISTENT.
    """
    other = channel.pbx.channels.by_prefix(name) if name else None
    if other is None:
        verbose(4, "Bridge failed because channel '%s' does not exist", name)
        channel.set("BRIDGERESULT", "NONEXISTENT")
        return
    if other is channel:
        log.warning("%s cannot be bridged with itself", channel.name)
        channel.set("BRIDGERESULT", "LOOP")
        return
    options = Options(option_text)
    limits: list[Feature] = []
    try:
        if options["L"]:
            limits.append(CallLimit(channel, other, parse_limit(options["L"])))
        elif options["S"]:
            limits.append(CallLimit(channel, other, parse_limit(str(int(float(options["S"]) * 1000)))))
    except ValueError as error:
        log.warning("%s: Bridge: %s", channel.name, error)
        channel.set("BRIDGERESULT", "FAILURE")
        return
    place = parse_location(channel, options["F"].replace("^", ",")) if options["F"] else None
    if place is None and "F" in options:
        place = (channel.context, channel.exten, channel.priority + 1)
    if "n" not in options:
        channel.answer()
    grant_by_options(channel, other, options)
    made = Bridge(channel.pbx)
    beeps: list[Feature] = [TransferSound()] if "p" in options else []
    bring_in(made, other, *beeps, place=place, end="x" in options)
    for _ in range(_TURNS):
        if other in made.members or not other.alive or made.dissolved:
            break
        await asyncio.sleep(0)
    if not made.dissolved:
        await made.join(channel, *limits)
    channel.set("BRIDGERESULT", "SUCCESS")


_TURNS = 100
"""Turns of the loop in which another channel's task leaves what it does and comes into the bridge."""


class TransferSound:
    """A bridge feature that plays the transfer sound to a channel as it comes in."""

    def joined(self, member: Member) -> None:
        """Play it."""
        from offhook.services.features.builtin import sound_to
        from offhook.services.features.core import features_of

        channel = member.channel
        sound_to(channel, features_of(channel.pbx).general(channel).xfersound)

    def frame(self, member: Member, frame: Frame) -> bool:
        """Nothing is kept back."""
        return False

    def left(self, member: Member) -> None:
        """Nothing is left to do."""


@add_module.application("BridgeAdd", Syntax("name"), see_also=("Bridge",), raw=True)
async def bridge_add(channel: Channel, name: str = "") -> None:
    """Join the bridge that another channel is in.

    The other channel is found by the beginning of its name. BRIDGERESULT is SUCCESS, FAILURE (it is in no bridge),
    LOOP or NONEXISTENT.
    """
    channel.answer()
    other = channel.pbx.channels.by_prefix(name) if name else None
    if other is None:
        verbose(4, "Channel '%s' not found", name)
        channel.set("BRIDGERESULT", "NONEXISTENT")
    elif other is channel:
        channel.set("BRIDGERESULT", "LOOP")
    elif other.bridge is None:
        verbose(4, "Channel '%s' is not in a bridge", other.name)
        channel.set("BRIDGERESULT", "FAILURE")
    else:
        verbose(4, "%s is joining %s in bridge %s", channel.name, other.name, other.bridge.uniqueid)
        await other.bridge.join(channel)
        channel.set("BRIDGERESULT", "SUCCESS")


_WAIT_OPTIONS = {
    "m(class)": "Music on hold class for a participant.",
    "e(m|r|s|h|n)": "What a participant hears: music, ringing, silence, hold, or nothing.",
    "S(seconds)": "Go on in the dialplan after so many seconds.",
    "n": "Do not answer the channel.",
}


@wait_module.application(
    "BridgeWait",
    Syntax(
        "[name]",
        "[role]",
        "[options]",
        options=_WAIT_OPTIONS,
        name="Which holding bridge, default unless given.",
        role="participant (default) or announcer, which all participants hear.",
    ),
)
async def bridge_wait(channel: Channel, name: str = "", role: str = "", option_text: str = "") -> None:
    """Wait with others in a holding bridge, entertained, until hung up or taken away."""
    role = role or "participant"
    if role not in ("participant", "announcer"):
        log.warning("%s: BridgeWait: role %r is neither participant nor announcer", channel.name, role)
        raise Hangup
    options = Options(option_text)
    mode = options["e"][:1] if options["e"] else "m"
    if mode not in "mrshn":
        log.warning("%s: BridgeWait: entertainment %r is none of m, r, s, h, n", channel.name, options["e"])
        raise Hangup
    seconds = _seconds(channel, options["S"]) if "S" in options else None
    if channel.state is not State.UP and "n" not in options:
        channel.answer()
    bridge = waiting_bridge(channel, name or "default")
    feature: Feature = Announcing()
    if role == "participant":
        feature = Waiting(mode, options["m"])
    elif any(member.role == ANNOUNCER for member in bridge.members.values()):
        log.warning("%s: holding bridge %s has an announcer already", channel.name, bridge.name)
        raise Hangup
    verbose(3, "%s is entering waiting bridge %s:%s", channel.name, bridge.name, bridge.uniqueid)
    timer = channel.pbx.loop.call_later(seconds, bridge.remove, channel) if seconds is not None else None
    try:
        await bridge.join(channel, feature, role=ANNOUNCER if role == "announcer" else PARTICIPANT)
    finally:
        if timer is not None:
            timer.cancel()


def _seconds(channel: Channel, text: str) -> int:
    if not text.isdigit() or not int(text):
        log.warning("%s: BridgeWait: S(%s) is no number of seconds above 0", channel.name, text)
        raise Hangup
    return int(text)


def waiting_bridge(channel: Channel, name: str) -> Bridge:
    """The holding bridge of a name; made when nobody waits there yet."""
    bridges: dict[str, Bridge] = channel.pbx.parts.setdefault("waiting_bridges", {})
    found = bridges.get(name)
    if found is None or found.dissolved:
        found = Bridge(
            channel.pbx, kind="base", creator="BridgeWait", name=name, dissolve_on_hangup=False, holding=True
        )
        found.data["transfer_prohibited"] = True
        bridges[name] = found
    return found


@blind_module.application("BlindTransfer", Syntax("[exten]", "[context]"), see_also=("Transfer",))
def blind_transfer_application(channel: Channel, exten: str = "", context: str = "") -> None:
    """Send whoever this channel is bridged with to an extension.

    BLINDTRANSFERSTATUS is SUCCESS, FAILURE, INVALID or NOTPERMITTED.
    """
    if not exten:
        log.warning("%s: BlindTransfer needs an extension", channel.name)
        channel.set("BLINDTRANSFERSTATUS", "FAILURE")
        return
    result = blind_transfer(channel, context or channel.context, exten)
    channel.set("BLINDTRANSFERSTATUS", _STATUS[result])


_STATUS = {
    Transfer.SUCCESS: "SUCCESS",
    Transfer.FAIL: "FAILURE",
    Transfer.INVALID: "INVALID",
    Transfer.NOT_PERMITTED: "NOTPERMITTED",
}


@attended_module.application("AttendedTransfer", Syntax("exten"), see_also=("BlindTransfer", "Transfer"))
def attended_transfer_application(channel: Channel, exten: str = "") -> None:
    """Begin an attended transfer to an extension of TRANSFER_CONTEXT, as if its code had been dialled.

    ATTENDEDTRANSFERSTATUS is SUCCESS (it begins), FAILURE or NOTPERMITTED (no context, or no code for it).
    """
    from offhook.services.features.core import features_of

    status = "SUCCESS"
    code = features_of(channel.pbx).codes(channel).atxfer
    if not exten:
        log.warning("%s: AttendedTransfer needs an extension", channel.name)
        status = "FAILURE"
    elif not channel.get("TRANSFER_CONTEXT") or not code:
        status = "NOTPERMITTED"
    else:
        for digit in f"{code}{exten}#":
            channel.deliver(Digit(digit, True, 0))
    channel.set("ATTENDEDTRANSFERSTATUS", status)
