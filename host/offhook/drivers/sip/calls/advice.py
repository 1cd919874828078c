"""Advice of charge to phones, as 3GPP TS 24.647 writes it.

Rates go in the answer to their INVITE or an INFO, charges during the call in INFOs, and what has come together in the
BYE or its answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.calls import advice as aoc
from offhook.drivers.sip.calls.states import ENCLOSED, ENDED, LAST_WORDS, UP
from offhook.markup import escape
from offhook.modules import Module

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.sip.calls.session import CallSession

module = Module("res_pjsip_aoc", "PJSIP AOC Support", depends=("res_pjsip_session",), priority=22)

CONTENT_TYPE = "application/vnd.etsi.aoc+xml"
PART = "pjsip advice"
_PROLOG = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NAMESPACE = "http://uri.etsi.org/ngn/params/xml/simservs/aoc"

_ITEMS = {
    aoc.Item.BASIC_COMMUNICATION: "basic",
    aoc.Item.CALL_ATTEMPT: "communication-attempt",
    aoc.Item.CALL_SETUP: "communication-setup",
}
_SCALES = {
    aoc.Scale.HUNDREDTH_SECOND: "one-hundredth-second",
    aoc.Scale.TENTH_SECOND: "one-tenth-second",
    aoc.Scale.SECOND: "one-second",
    aoc.Scale.TEN_SECONDS: "ten-seconds",
    aoc.Scale.MINUTE: "one-minute",
    aoc.Scale.HOUR: "one-hour",
    aoc.Scale.DAY: "twenty-four-hours",
}

Node = tuple[str, "str | list[Node]"]
"""An element: its name, and its text or what is in it."""


# ---- documents --------------------------------------------------------------------------------------


def _written(node: Node, depth: int, attributes: str = "") -> str:
    name, content = node
    indent = " " * depth
    if not content:
        return f"{indent}<{name}{attributes} />\n"
    if isinstance(content, str):
        return f"{indent}<{name}{attributes}>{escape(content, quotes=False)}</{name}>\n"
    inner = "".join(_written(each, depth + 1) for each in content)
    return f"{indent}<{name}{attributes}>\n{inner}{indent}</{name}>\n"


def document(content: Node) -> bytes:
    """The whole XML text about one advice."""
    return (_PROLOG + _written(("aoc", [content]), 0, f' xmlns="{_NAMESPACE}"')).encode()


def _money(money: aoc.Money) -> list[Node]:
    currency: list[Node] = [("currency-id", money.currency)] if money.currency else []
    return [*currency, ("currency-amount", money.amount)]


def _charges(charge: aoc.Charge) -> Node:
    found: Node = ("not-available", "")
    if charge.money is not None:
        found = ("recorded-currency-units", _money(charge.money))
    elif charge.units is not None:
        amounts: list[Node] = [("currency-amount", str(each.count or 0)) for each in charge.units[:1]]
        found = ("recorded-currency-units", [("currency-id", "UNIT"), *amounts])
    elif charge.free:
        found = ("free-charge", "")
    return ("recorded-charges", [found])


def _priced(rate: aoc.Rate) -> list[Node]:
    """How something is charged, as far as the document has words for it."""
    price = rate.price
    if price is aoc.Free.FREE:
        return [("free-charge", "")]
    if isinstance(price, aoc.Money):
        return [("flat-rate", _money(price))]
    if isinstance(price, aoc.ByDuration) and rate.item is aoc.Item.BASIC_COMMUNICATION:
        unit: list[Node] = [("time-unit", str(price.time.length)), ("scale", _SCALES[price.time.scale])]
        charging = "step-function" if price.stepwise else "continuous"
        return [("price-time", [*_money(price.money), ("length-time-unit", unit), ("charging-type", charging)])]
    return []


def rates_document(advice: aoc.Rates) -> bytes:
    """What a call will cost."""
    items: list[Node] = [(_ITEMS[rate.item], _priced(rate)) for rate in advice.rates if rate.item in _ITEMS]
    return document(("aoc-s", [("charged-items", items)]))


def charge_document(advice: aoc.DuringCall, *, total: bool) -> bytes:
    """What it has cost so far."""
    told = "total" if total or not advice.subtotal else "subtotal"
    return document(("aoc-d", [("charging-info", told), _charges(advice.charge)]))


def end_document(advice: aoc.AtEnd) -> bytes:
    """What it has cost."""
    return document(("aoc-e", [_charges(advice.charge)]))


# ---- in a call --------------------------------------------------------------------------------------


def show_advice(call: CallSession, advice: object) -> bool:
    """Tell a phone, or keep for the next message that can carry it."""
    pbx = call.stack.pbx
    if not call.endpoint.send_aoc or PART not in pbx.parts or call.session is None or call.status is ENDED:
        return False
    if isinstance(advice, aoc.Rates):
        text = rates_document(advice)
        if call.uac or call.status in UP:
            call.send("INFO", body=text, content_type=CONTENT_TYPE)
        else:
            call.notes[ENCLOSED] = (CONTENT_TYPE, text)
    elif isinstance(advice, aoc.DuringCall):
        call.send("INFO", body=charge_document(advice, total=False), content_type=CONTENT_TYPE)
        if PART not in call.notes:
            call.notes[LAST_WORDS] = (charge_document(advice, total=True), CONTENT_TYPE)
    elif isinstance(advice, aoc.AtEnd):
        call.notes[LAST_WORDS] = (end_document(advice), CONTENT_TYPE)
        call.notes[PART] = True  # charges during the call do not take its place
    return True


@module.on_load
def load(pbx: Pbx) -> None:
    """Tell phones."""
    pbx.parts[PART] = True


@module.on_unload
def unload(pbx: Pbx) -> None:
    """Tell them no more."""
    del pbx.parts[PART]
