"""Actions that connect calls otherwise: transfers, bridging two channels, optimizing Local channels away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offhook.calls.bridge import Bridge
from offhook.calls.channel import Channel
from offhook.calls.frames import Digit, Frame
from offhook.calls.joining import bring_in
from offhook.calls.member import Member
from offhook.calls.prompts import play_all
from offhook.calls.transfer import Transfer, blind_transfer
from offhook.config.model import TRUE_WORDS
from offhook.control.manager.actions_channels import find_channel
from offhook.control.manager.module import module
from offhook.modules import ActionError, ActionRequest, Syntax

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx


@module.action(
    "BlindTransfer",
    ("call",),
    Syntax(
        "Channel",
        "[Context]",
        "Exten",
        Channel="Whose peers are transferred.",
        Context="The channel's own unless written.",
        Exten="Where they go.",
    ),
)
def blind_transfer_action(request: ActionRequest) -> None:
    """Transfer whoever a channel is connected to, and let the channel go."""
    request.require("Channel", "No channel specified")
    exten = request.require("Exten", "No extension specified")
    channel = find_channel(request, "No channel specified", "Channel specified does not exist")
    result = blind_transfer(channel, request.get("Context") or channel.context, exten)
    if result is not Transfer.SUCCESS:
        raise ActionError(_REFUSALS[result])
    request.ok("Transfer succeeded")


_REFUSALS = {
    Transfer.FAIL: "Transfer failed",
    Transfer.INVALID: "Transfer invalid",
    Transfer.NOT_PERMITTED: "Transfer not permitted",
}


@module.action(
    "Atxfer",
    ("call",),
    Syntax("Channel", "Exten", "[Context]", Channel="Who transfers.", Exten="Digits to dial."),
)
def atxfer(request: ActionRequest) -> None:
    """Begin an attended transfer, as if the channel had dialled its feature code and the extension."""
    channel = _transferer(request)
    exten = request.require("Exten", "No extension specified")
    code = feature_code(request.pbx, channel, "atxfer")
    if not code:
        raise ActionError("No attended transfer feature code found")
    if context := request.get("Context"):
        channel.set("TRANSFER_CONTEXT", context)
    _dial(channel, code + exten)
    request.ok("Atxfer successfully queued")


@module.action("CancelAtxfer", ("call",), Syntax("Channel", Channel="Who transfers."))
def cancel_atxfer(request: ActionRequest) -> None:
    """Give up an attended transfer, as if the channel had dialled the feature code for it."""
    channel = _transferer(request)
    code = feature_code(request.pbx, channel, "atxferabort")
    if not code:
        raise ActionError("No disconnect feature code found")
    _dial(channel, code)
    request.ok("CancelAtxfer successfully queued")


def _transferer(request: ActionRequest) -> Channel:
    return find_channel(request, "No channel specified", "Channel specified does not exist")


def _dial(channel: Channel, digits: str) -> None:
    for digit in digits:
        channel.deliver(Digit(digit, True, 0))


def feature_code(pbx: Pbx, channel: Channel, name: str) -> str:
    """The digits that a feature has on a channel, or ""."""
    features: Any = pbx.parts.get("features")
    if features is None:
        raise ActionError("The module features is not loaded")
    code: str = features.code(channel, name)
    return code


@module.action("LocalOptimizeAway", ("system", "call"), Syntax("Channel"))
def local_optimize_away(request: ActionRequest) -> None:
    """Let a Local channel that was called with /n be taken out of its call after all."""
    name = request.require("Channel", "'Channel' not specified.")
    channel = request.pbx.channels.find(name)
    if channel is None:
        raise ActionError("Channel does not exist.")
    allow = getattr(channel, "allow_optimization", None)
    if allow is None:
        raise ActionError("Unable to find channel")
    allow()
    request.ok("Queued channel to be optimized away")


@module.action(
    "Bridge",
    ("call",),
    Syntax(
        "Channel1",
        "Channel2",
        "[Tone]",
        Channel1="The beginning of a channel's name.",
        Channel2="The beginning of the other's.",
        Tone="Who hears a tone: no, Channel1, Channel2 or Both.",
    ),
)
def bridge(request: ActionRequest) -> None:
    """Connect two channels, whatever they do now. Afterwards they go on in the dialplan where they were."""
    if not request.get("Channel1") or not request.get("Channel2"):
        raise ActionError("Missing channel parameter in request")
    pbx: Pbx = request.pbx
    pair = []
    for header in ("Channel1", "Channel2"):
        channel = pbx.channels.by_prefix(request.get(header))
        if channel is None:
            raise ActionError(f"{header} does not exist: {request.get(header)}")
        pair.append(channel)
    made = Bridge(pbx)
    tone = request.get("Tone").lower()
    told = {"channel1": (True, False), "both": (True, True), "channel2": (False, True)}.get(
        "channel2" if tone in TRUE_WORDS else tone, (False, False)
    )
    for beep, channel in zip(told, pair, strict=True):
        bring_in(made, channel, *([Beep()] if beep else []))
    request.ok("Channels have been bridged")


class Beep:
    """Plays the transfer sound to a party as it comes into a bridge."""

    def joined(self, member: Member) -> None:
        """Play it."""
        member.perform(_beep)

    def frame(self, member: Member, frame: Frame) -> bool:
        """Nothing is kept back."""
        return False

    def left(self, member: Member) -> None:
        """Nothing is left to do."""


async def _beep(member: Member) -> None:
    await play_all(member.channel, ["beep"])
