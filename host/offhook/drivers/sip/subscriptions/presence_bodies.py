"""Presence documents: PIDF (RFC 3863) with what some phones want beside it, and the older XPIDF."""

from __future__ import annotations

from offhook.calls.pbx import Pbx
from offhook.drivers.sip.subscriptions.extension_state import ExtensionState
from offhook.drivers.sip.subscriptions.package import EXTENSION_STATE, Body, Supplement, View, pubsub_of
from offhook.drivers.sip.subscriptions.xml import Element
from offhook.modules import Module

_NEEDS = ("res_pjsip_pubsub", "res_pjsip_exten_state")

pidf_module = Module(
    "res_pjsip_pidf_body_generator", "PJSIP Extension State PIDF Provider", depends=_NEEDS, priority=34
)
xpidf_module = Module(
    "res_pjsip_xpidf_body_generator", "PJSIP Extension State PIDF Provider", depends=_NEEDS, priority=34
)
digium_module = Module(
    "res_pjsip_pidf_digium_body_supplement",
    "PJSIP PIDF Sangoma presence supplement",
    depends=("res_pjsip_pidf_body_generator",),
    priority=35,
)
eyebeam_module = Module(
    "res_pjsip_pidf_eyebeam_body_supplement",
    "PJSIP PIDF Eyebeam supplement",
    depends=("res_pjsip_pidf_body_generator",),
    priority=36,
)

OPEN, IN_USE, CLOSED = "open", "inuse", "closed"

_TOLD: dict[int, tuple[str, str, str]] = {
    8: (IN_USE, "on-the-phone", "Ringing"),
    9: (IN_USE, "on-the-phone", "Ringing"),
    1: (IN_USE, "on-the-phone", "On the phone"),
    2: (IN_USE, "on-the-phone", "On the phone"),
    4: (CLOSED, "", "Unavailable"),
    16: (IN_USE, "on-the-phone", "On hold"),
}
_READY = (OPEN, "", "Ready")


def told(state: ExtensionState) -> tuple[str, str, str]:
    """How an extension's state is told: open, in use or closed; activity (RFC 4480); note."""
    return _TOLD.get(state.number, _READY)


# ---- PIDF ---------------------------------------------------------------------------------------------


def pidf(state: ExtensionState, view: View) -> Element:
    """application/pidf+xml."""
    word, _, note = told(state)
    root = Element("presence", entity=view.local, xmlns="urn:ietf:params:xml:ns:pidf")
    root.add("note", note)
    item = root.add("tuple", id=state.exten)
    item.add("status").add("basic", CLOSED if word == CLOSED else OPEN)
    item.add("contact", view.remote, priority="1")
    return root


def eyebeam(root: Element, state: ExtensionState, view: View) -> None:
    """What somebody does, as RPID tells it (RFC 4480)."""
    activity = told(state)[1]
    person = root.add("dm:person")
    if activity:
        person.add("rpid:activities").add(f"rpid:{activity}")
    root.attributes["xmlns:dm"] = "urn:ietf:params:xml:ns:pidf:data-model"
    root.attributes["xmlns:rpid"] = "urn:ietf:params:xml:ns:pidf:rpid"


def digium(root: Element, state: ExtensionState, view: View) -> None:
    """Presence for phones of Digium and Sangoma."""
    if "digium" not in view.user_agent and "sangoma" not in view.user_agent:
        return
    word, subtype, message = state.presence
    item = root.add("tuple", id="digium-presence")
    item.add("status").add("digium_presence", message, type=word, **({"subtype": subtype} if subtype else {}))


# ---- XPIDF --------------------------------------------------------------------------------------------

_SUBSTATUS = {OPEN: "online", IN_USE: "onthephone", CLOSED: "offline"}


def xpidf(state: ExtensionState, view: View) -> Element:
    """application/xpidf+xml, also known as application/cpim-pidf+xml."""
    word = told(state)[0]
    root = Element("presence")
    root.add("presentity", uri=f"{view.local};method=SUBSCRIBE")
    address = root.add("atom", atomid=state.exten, id=state.exten).add(
        "address", uri=f"{view.remote};user=ip", priority="0.80000"
    )
    address.add("status", status=word)
    address.add("msnsubstatus", substatus=_SUBSTATUS[word])
    return root


# ---- registration -------------------------------------------------------------------------------------

PIDF = Body("application/pidf+xml", EXTENSION_STATE, pidf)
XPIDF = (
    Body("application/xpidf+xml", EXTENSION_STATE, xpidf),
    Body("application/cpim-pidf+xml", EXTENSION_STATE, xpidf),
)


@pidf_module.on_load
def load_pidf(pbx: Pbx) -> None:
    """Offer it."""
    pubsub_of(pbx).add_bodies((PIDF,))


@pidf_module.on_unload
def unload_pidf(pbx: Pbx) -> None:
    """Offer it no more."""
    pubsub_of(pbx).drop_bodies((PIDF,))


@xpidf_module.on_load
def load_xpidf(pbx: Pbx) -> None:
    """Offer it."""
    pubsub_of(pbx).add_bodies(XPIDF)


@xpidf_module.on_unload
def unload_xpidf(pbx: Pbx) -> None:
    """Offer it no more."""
    pubsub_of(pbx).drop_bodies(XPIDF)


def _supplements(pbx: Pbx) -> list[Supplement]:
    return pubsub_of(pbx).supplements.setdefault(PIDF.content_type, [])


@digium_module.on_load
def load_digium(pbx: Pbx) -> None:
    """Add it."""
    _supplements(pbx).append(digium)


@digium_module.on_unload
def unload_digium(pbx: Pbx) -> None:
    """Add it no more."""
    _supplements(pbx).remove(digium)


@eyebeam_module.on_load
def load_eyebeam(pbx: Pbx) -> None:
    """Add it."""
    _supplements(pbx).append(eyebeam)


@eyebeam_module.on_unload
def unload_eyebeam(pbx: Pbx) -> None:
    """Add it no more."""
    _supplements(pbx).remove(eyebeam)
