"""chan_pjsip: the channel technology PJSIP, and the handler of INVITE."""

from __future__ import annotations

from offhook.calls.channel import Channel, State
from offhook.calls.pbx import Pbx
from offhook.calls.requesting import STREAMS
from offhook.drivers.sip.calls.channel import SipChannel
from offhook.drivers.sip.calls.incoming_call import receive_invite
from offhook.drivers.sip.calls.outgoing_call import OutgoingInvite, destination_of, new_call
from offhook.drivers.sip.contacts.device_state import device_state
from offhook.drivers.sip.media.streams import requested_streams
from offhook.drivers.sip.stack import PART, SipStack
from offhook.modules import Module

module = Module("chan_pjsip", "PJSIP Channel Driver", priority=25)


@module.driver("PJSIP", "PJSIP Channel Driver", device_state=device_state)
def request(
    pbx: Pbx, address: str, formats: tuple[str, ...], requester: Channel | None, ids: tuple[str, str]
) -> SipChannel:
    """Make a channel for ``endpoint``, ``user@endpoint``, ``endpoint/aor`` or ``endpoint/sip:uri``."""
    stack: SipStack = pbx.parts[PART]
    destination = destination_of(stack, address)
    for gate in stack.gates:
        gate(destination.endpoint, destination.uri.user or "")
    if isinstance(requester, SipChannel):
        preserved = requester.data.get(STREAMS)
        wanted = requester.session.media.streams if preserved is None else requester.session.media.restored(preserved)
    else:
        wanted = requested_streams(formats)
    call = new_call(stack, destination, wanted)
    return SipChannel(call, OutgoingInvite(call, destination), State.DOWN, requester=requester, ids=ids)


@module.on_load
def load(pbx: Pbx) -> None:
    """Take calls."""
    stack: SipStack = pbx.parts[PART]
    stack.handlers["INVITE"] = receive_invite


@module.on_unload
def unload(pbx: Pbx) -> None:
    """Take no more calls."""
    stack: SipStack = pbx.parts[PART]
    stack.handlers.pop("INVITE", None)


# What belongs to the module and stands in other files.
from offhook.drivers.sip.calls import call_functions, refusing  # noqa: E402

__all__ = ["call_functions", "module", "refusing"]
