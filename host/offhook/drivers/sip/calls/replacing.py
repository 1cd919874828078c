"""INVITEs that take the place of a call there is (Replaces, RFC 3891)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.calls import causes
from offhook.calls.frames import Condition, Control
from offhook.drivers.sip.calls.states import CONNECTING, EARLY, INCOMING
from offhook.sip.errors import SIPError

if TYPE_CHECKING:
    from offhook.drivers.sip.calls.channel import SipChannel
    from offhook.drivers.sip.calls.session import CallSession
    from offhook.drivers.sip.stack import SipStack
    from offhook.sip.message import Request


def replaced_call(stack: SipStack, message: Request) -> CallSession | None:
    """The call an INVITE wants to replace, None when it wants no such thing.

    SIPError 481 when there is no such call, 486 when only a ringing one was meant and it is answered.
    """
    from offhook.drivers.sip.calls.session import CallSession

    replaces = message.replaces
    if replaces is None:
        return None
    call = stack.dialogs.get(replaces.dialog_id)
    if not isinstance(call, CallSession) or call.channel is None:
        raise SIPError(481, detail="Replaces names no call of ours")
    if call.status in (INCOMING, EARLY):
        if not call.uac:
            raise SIPError(481, detail="Replaces names a call that rings here")
    elif replaces.early_only and call.status is not CONNECTING:
        raise SIPError(486, detail="the call to be replaced is answered")
    return call


def take_place(channel: SipChannel, replaced: CallSession) -> None:
    """Answer and put the channel where the replaced call's is: into its bridge, or into its place of the dialplan."""
    other = replaced.channel
    assert other is not None
    channel.answer()
    channel.deliver(Control(Condition.UNHOLD))
    bridge = other.bridge
    if bridge is not None:
        bridge.impart(channel, swap=other)
        other.request_hangup(causes.NORMAL_CLEARING)
        return
    channel.context, channel.exten, channel.priority = other.context, other.exten, other.priority
    channel.start_pbx()
    other.request_hangup(causes.NORMAL_CLEARING)
