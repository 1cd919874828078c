"""Transfers: a party of a bridge sends the others elsewhere, or joins two of its calls.

Used by DTMF features, SIP REFER, AMI and ARI alike; each tells with ``external`` whether the transfer came
by signalling (REFER) or by digits.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import Enum

from offhook.calls import causes, events
from offhook.calls.bridge import Bridge
from offhook.calls.channel import Channel
from offhook.calls.frames import Condition
from offhook.calls.requesting import RequestError, request
from offhook.calls.succession import hand_over

log = logging.getLogger(__name__)


TRANSFERRING = "transferring"
"""Key in a channel's data while it asks a target before it transfers, by codes: its hangup completes the transfer."""


class Transfer(Enum):
    """How a transfer went; values are the manager interface's words."""

    SUCCESS = "Success"
    FAIL = "Fail"
    INVALID = "Invalid"
    NOT_PERMITTED = "Not Permitted"


Intercept = Callable[[Channel, Channel, str, str], bool]
"""(transferer, transferee, context, exten) -> whether the transfer was dealt with (parking does)."""


def set_transfer_variables(channel: Channel, value: str, *, attended: bool) -> None:
    """Note on a channel by whom it was transferred: BLINDTRANSFER or ATTENDEDTRANSFER."""
    name, other = ("ATTENDEDTRANSFER", "BLINDTRANSFER") if attended else ("BLINDTRANSFER", "ATTENDEDTRANSFER")
    channel.set(name, value)
    if channel.get(other) is not None:
        channel.set(other, "")


def blind_transfer(
    transferer: Channel,
    context: str,
    exten: str,
    *,
    external: bool = True,
    prepare: Callable[[Channel], None] | None = None,
) -> Transfer:
    """Send everybody but the transferer to an extension; the transferer's call ends.

    ``prepare`` is called with the channel that runs the extension before it goes there.
    """
    bridge = transferer.bridge
    if bridge is None:
        _tell_blind(Transfer.INVALID, transferer, None, None, context, exten, external)
        return Transfer.INVALID
    others = [channel for channel in bridge if channel is not transferer and not bridge.members[channel].lonely]
    if not others:
        _tell_blind(Transfer.INVALID, transferer, None, bridge, context, exten, external)
        return Transfer.INVALID
    if bridge.data.get("transfer_prohibited"):
        _tell_blind(Transfer.NOT_PERMITTED, transferer, None, bridge, context, exten, external)
        return Transfer.NOT_PERMITTED
    pbx = transferer.pbx
    transferee = others[0] if len(others) == 1 and not bridge.stays else None
    intercepts: list[Intercept] = pbx.parts.get("transfer_intercepts", [])
    if transferee is not None and any(take(transferer, transferee, context, exten) for take in intercepts):
        _tell_blind(Transfer.SUCCESS, transferer, None, bridge, context, exten, external)
        return Transfer.SUCCESS
    for channel in others:
        set_transfer_variables(channel, transferer.name, attended=False)
    set_transfer_variables(transferer, ",".join(channel.name for channel in others), attended=False)
    if transferee is None:
        return _transfer_many(transferer, bridge, context, exten, external, prepare)
    if prepare is not None:
        prepare(transferee)
    _tell_blind(Transfer.SUCCESS, transferer, transferee, bridge, context, exten, external)
    release(transferee)
    transferee.async_goto(context, exten, 1)
    return Transfer.SUCCESS


def release(channel: Channel) -> None:
    """Take a channel off hold and out of any tone before it goes on elsewhere."""
    channel.pbx.stop_music(channel)
    channel.stop_tones()


def _transfer_many(
    transferer: Channel,
    bridge: Bridge,
    context: str,
    exten: str,
    external: bool,
    prepare: Callable[[Channel], None] | None,
) -> Transfer:
    """More than one other party: a Local channel that calls the extension takes the transferer's place."""
    pbx = transferer.pbx
    try:
        local = request(pbx, f"Local/{exten}@{context}", transferer)
        set_transfer_variables(local, transferer.name, attended=False)
        if prepare is not None:
            prepare(local)
        local.tech_call(f"{exten}@{context}")
    except RequestError as error:
        log.warning("%s cannot transfer to %s@%s: %s", transferer.name, exten, context, error)
        _tell_blind(Transfer.FAIL, transferer, None, bridge, context, exten, external)
        return Transfer.FAIL
    _tell_blind(Transfer.SUCCESS, transferer, None, bridge, context, exten, external)
    bridge.impart(local, swap=transferer)
    return Transfer.SUCCESS


def _tell_blind(
    result: Transfer,
    transferer: Channel,
    transferee: Channel | None,
    bridge: Bridge | None,
    context: str,
    exten: str,
    external: bool,
) -> None:
    event = events.BlindTransfer(result.value, transferer, transferee, bridge, context, exten, external)
    transferer.pbx.bus.publish(event)


def attended_transfer(first: Channel, second: Channel, *, external: bool = True) -> Transfer:
    """Join the other parties of two calls of one party: ``first`` talks to the transferees, ``second`` to the target.

    Both legs of the transferer end. When only one of them is bridged, the other one's application goes on with the
    bridged party in its place.
    """
    near, far = first.bridge, second.bridge
    if near is None and far is None:
        _tell_attended(Transfer.INVALID, first, second, None, None, "Fail", external)
        return Transfer.INVALID
    for bridge in (near, far):
        if bridge is not None and bridge.data.get("transfer_prohibited"):
            _tell_attended(Transfer.NOT_PERMITTED, first, second, None, None, "Fail", external)
            return Transfer.NOT_PERMITTED
    if near is None or far is None:
        bridged, free = (first, second) if far is None else (second, first)
        return _into_application(first, second, bridged, free, external)
    if near.stays and not far.stays:
        near, far, first, second = far, near, second, first
    transferees = [channel for channel in near if channel is not first]
    targets = [channel for channel in far if channel is not second]
    if near is far or near.stays or (far.stays and len(transferees) != 1):
        _tell_attended(Transfer.FAIL, first, second, None, None, "Fail", external)
        return Transfer.FAIL
    if far.stays:
        targets = []
    for channel in transferees:
        set_transfer_variables(channel, first.name, attended=True)
    for channel in targets:
        set_transfer_variables(channel, second.name, attended=True)
    transferee = transferees[0] if len(transferees) == 1 else None
    target = targets[0] if len(targets) == 1 else None
    for channel in (*transferees, *targets):
        release(channel)
    if transferee is None and len(targets) == 1 and target is not None:
        near, far, first, second, transferee = far, near, second, first, target
    application = second.application if far.stays else ""
    kind = "App" if application else "Bridge"
    _tell_attended(
        Transfer.SUCCESS, first, second, transferee, target, kind, external, bridge=far, application=application
    )
    if transferee is not None:
        near.move(transferee, far, swap=second)
    else:
        far.merge(near, kick=(first, second))
    _exchange_identities(transferee, target)
    for leg in (first, second):
        if leg.bridge is not None:
            leg.bridge.remove(leg)
        leg.request_hangup(causes.NORMAL_CLEARING)
    return Transfer.SUCCESS


def _exchange_identities(transferee: Channel | None, target: Channel | None) -> None:
    """Tell both parties of the joined call who the other is."""
    from offhook.calls.party import Connected

    if transferee is None or target is None:
        return
    pairs = ((transferee, target), (target, transferee))
    for channel, other in pairs:
        if not channel.hungup:
            identity = other.caller.id
            channel.set_connected(Connected(identity.copy(), other.caller.ani.copy(), source="transfer"))


def _into_application(first: Channel, second: Channel, bridged: Channel, free: Channel, external: bool) -> Transfer:
    """One leg runs an application: the party of the other leg goes on with it."""
    bridge = bridged.bridge
    assert bridge is not None
    others = [channel for channel in bridge if channel is not bridged]
    if len(others) != 1 or free.task is None:
        _tell_attended(Transfer.FAIL, first, second, None, None, "Fail", external)
        return Transfer.FAIL
    transferee = others[0]
    set_transfer_variables(transferee, bridged.name, attended=True)
    release(transferee)
    application = free.application
    place = (free.context, free.exten, free.priority)
    _tell_attended(Transfer.SUCCESS, first, second, transferee, None, "App", external, application=application)
    hand_over(free, transferee)
    transferee.async_goto(*place)
    for leg in (first, second):
        if leg.bridge is not None:
            leg.bridge.remove(leg)
        leg.request_hangup(causes.NORMAL_CLEARING)
    return Transfer.SUCCESS


def _tell_attended(
    result: Transfer,
    first: Channel,
    second: Channel,
    transferee: Channel | None,
    target: Channel | None,
    kind: str,
    external: bool,
    *,
    bridge: Bridge | None = None,
    application: str = "",
) -> None:
    event = events.AttendedTransfer(
        result.value,
        first,
        first.bridge,
        second,
        second.bridge,
        transferee,
        target,
        kind,
        external,
        dest_bridge=bridge,
        dest_app=application,
    )
    first.pbx.bus.publish(event)


def hold_others(channel: Channel, music_class: str = "") -> None:
    """Put everybody else of the channel's bridge on hold."""
    if channel.bridge is not None:
        for other in channel.bridge:
            if other is not channel:
                other.indicate(Condition.HOLD, music_class)


def unhold_others(channel: Channel) -> None:
    """Take everybody else of the channel's bridge off hold."""
    if channel.bridge is not None:
        for other in channel.bridge:
            if other is not channel:
                other.indicate(Condition.UNHOLD)
