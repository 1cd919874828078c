"""Dialog documents (RFC 4235): what an extension's calls do, and who rings there so that others may pick up."""

from __future__ import annotations

from offhook.calls.channel import Channel
from offhook.calls.party import PROHIBITED, Party
from offhook.calls.pbx import Pbx
from offhook.drivers.sip.subscriptions.extension_state import ExtensionState
from offhook.drivers.sip.subscriptions.package import EXTENSION_STATE, Body, View, pubsub_of
from offhook.drivers.sip.subscriptions.xml import Element
from offhook.modules import Module

module = Module(
    "res_pjsip_dialog_info_body_generator",
    "PJSIP Extension State Dialog Info+XML Provider",
    depends=("res_pjsip_pubsub", "res_pjsip_exten_state"),
    priority=34,
)

CONTENT_TYPE = "application/dialog-info+xml"
EARLY, CONFIRMED, TERMINATED = "early", "confirmed", "terminated"
RINGING, RINGING_IN_USE, ON_HOLD = 8, 9, 16
RESTRICTION = 0x60
"""The bits of a presentation that tell whether it may be shown."""
_CONFIRMED = frozenset((1, 2, RINGING_IN_USE, ON_HOLD))


def dialog_info(state: ExtensionState, view: View) -> Element:
    """application/dialog-info+xml."""
    word = _word(state.number, view)
    root = Element(
        "dialog-info",
        xmlns="urn:ietf:params:xml:ns:dialog-info",
        version=str(view.next_version(CONTENT_TYPE)),
        state="full",
        entity=view.local,
    )
    dialog = root.add("dialog", id=state.exten)
    if word == EARLY:
        dialog.attributes["direction"] = "recipient"
        _add_parties(dialog, state, view)
    dialog.add("state", word)
    if state.number == ON_HOLD:
        # A party on hold renders no media (RFC 4235 3.2).
        target = dialog.add("local").add("target", uri=view.local)
        target.add("param", pname="+sip.rendering", pvalue="no")
    return root


def _word(number: int, view: View) -> str:
    if number == RINGING or (number == RINGING_IN_USE and view.early_inuse_ringing):
        return EARLY
    return CONFIRMED if number in _CONFIRMED else TERMINATED


def _add_parties(dialog: Element, state: ExtensionState, view: View) -> None:
    """Who rings (remote), and whom (local)."""
    channel = state.ringing
    local, name = view.local, ""
    if channel is not None:
        _add_caller(dialog, channel, view)
        callee = channel.caller.id
        local = f"sip:{callee.number.text if callee.number.valid else 'invalid'}@{view.domain}"
        name = callee.name.text if callee.name.valid else ""
    if state.has_devices:
        side = dialog.add("local")
        side.add("identity", local, **({"display": name} if name else {}))
        side.add("target", uri=view.local)


def _add_caller(dialog: Element, channel: Channel, view: View) -> None:
    uri, name = _identity(channel.connected.id, view.domain)
    side = dialog.add("remote")
    side.add("identity", uri, **({"display": name} if name else {}))
    side.add("target", uri=uri)


def _identity(party: Party, domain: str) -> tuple[str, str]:
    """URI and name by which a party may be told."""
    name = ""
    if party.name.valid:
        name = "anonymous" if party.name.presentation & RESTRICTION == PROHIBITED else party.name.text
    if party.number.presentation & RESTRICTION == PROHIBITED:
        user, domain = "anonymous", "anonymous.invalid"
    else:
        user = party.number.text
    return f"sip:{user if party.number.valid else 'invalid'}@{domain}", name


BODY = Body(CONTENT_TYPE, EXTENSION_STATE, dialog_info)


@module.on_load
def load(pbx: Pbx) -> None:
    """Offer it."""
    pubsub_of(pbx).add_bodies((BODY,))


@module.on_unload
def unload(pbx: Pbx) -> None:
    """Offer it no more."""
    pubsub_of(pbx).drop_bodies((BODY,))
