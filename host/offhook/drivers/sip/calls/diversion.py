"""Forwarded calls on the wire: Diversion (RFC 5806) and History-Info (RFC 7044), in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.calls.party import Party, Redirecting
from offhook.drivers.sip.calls.identity import first_address, party_of
from offhook.sip.errors import SIPError
from offhook.sip.grammar import is_token, unquote
from offhook.sip.message import Header, Message, Request, Response
from offhook.sip.uri import NameAddr, SipUri

if TYPE_CHECKING:
    from offhook.drivers.sip.configuration.endpoint import Endpoint

#: Asterisk's word for a reason, Diversion's, and the SIP status History-Info gives as cause.
_REASONS = (
    ("unknown", "unknown", 404),
    ("cfb", "user-busy", 486),
    ("cfnr", "no-answer", 408),
    ("unavailable", "unavailable", 503),
    ("cfu", "unconditional", 302),
    ("time_of_day", "time-of-day", 404),
    ("dnd", "do-not-disturb", 404),
    ("deflection", "deflection", 480),
    ("follow_me", "follow-me", 404),
    ("out_of_order", "out-of-service", 404),
    ("away", "away", 404),
    ("cf_dte", "cf_dte", 404),
    ("send_to_vm", "send_to_vm", 404),
)
_TO_DIVERSION = {word: text for word, text, _ in _REASONS}
_TO_CAUSE = {word: cause for word, _, cause in _REASONS}
_FROM_TEXT = {text: word for word, text, _ in _REASONS} | {word: word for word, _, _ in _REASONS}
_FROM_CAUSE = {302: "cfu", 486: "cfb", 408: "cfnr", 480: "deflection", 487: "deflection", 503: "unavailable"}


def redirecting_of_request(request: Request) -> Redirecting | None:
    """What an INVITE says about earlier forwarding; None when it says nothing."""
    diverted = first_address(request, "Diversion")
    if diverted is not None:
        return _redirecting(diverted, request.to)
    history = _history(request)
    if history is None:
        return None
    first, last = history
    return _redirecting(first, last) if last is not None else None


def redirecting_of_response(response: Response, known: Party) -> Redirecting | None:
    """What a 181 or 302 says: who forwards and where to. ``known`` is whom we called."""
    diverted = first_address(response, "Diversion")
    if diverted is None:
        history = _history(response)
        if history is not None and history[1] is not None:
            return _redirecting(*history)
        if not known.number.valid:
            diverted = response.to
    if response.status == 302:
        target = first_address(response, "Contact") or response.from_
        return _redirecting(diverted, target, known)
    return _redirecting(response.to, diverted, known)


def _history(message: Message) -> tuple[NameAddr | None, NameAddr | None] | None:
    """(the original target, the latest one) of History-Info; None without the header."""
    if "History-Info" not in message:
        return None
    try:
        entries = message.addresses("History-Info")
    except SIPError:
        return None
    first = next((entry for entry in entries if entry.params.get("index") == "1"), None)
    later = [entry for entry in entries if entry.params.get("index") != "1"]
    return first or (later[-1] if later else None), later[-1] if later else None


def _redirecting(origin: NameAddr | None, target: NameAddr | None, known: Party | None = None) -> Redirecting:
    found = Redirecting(count=1)
    if origin is not None:
        found.from_ = party_of(origin)
        reason = origin.params.get("reason")
        if reason is not None:
            found.reason, found.reason_text = _reason(unquote(reason))
        elif target is not None:
            cause = target.uri.params.get("cause") or ""
            if cause.isdigit() and len(cause) < 4:
                found.reason = _FROM_CAUSE.get(int(cause), "unknown")
    elif known is not None:
        found.from_ = known.copy()
    if target is not None:
        found.to = party_of(target)
    return found


def _reason(text: str) -> tuple[str, str]:
    word = _FROM_TEXT.get(text.lower())
    return ("unknown", text) if word is None else (word, "")


def diversion_headers(message: Message, redirecting: Redirecting, endpoint: Endpoint) -> list[Header]:
    """Diversion and History-Info for an INVITE of ours, a 181 or a 3xx, as far as the endpoint wants them."""
    headers: list[Header] = []
    if endpoint.send_diversion and redirecting.count:
        # A request tells who forwarded, a response where to.
        party = redirecting.from_ if isinstance(message, Request) else redirecting.to
        uri = message.from_.uri
        if party.number.valid and party.number.text and isinstance(uri, SipUri):
            reason = redirecting.reason_text or _TO_DIVERSION.get(redirecting.reason, "unknown")
            if not (reason.startswith('"') or is_token(reason)):
                reason = f'"{reason}"'
            value = NameAddr(uri.replace(user=party.number.text), party.name.text, {"reason": reason})
            headers.append(("Diversion", str(value)))
    if endpoint.send_history_info:
        headers += _history_headers(message, redirecting)
    return headers


def _history_headers(message: Message, redirecting: Redirecting) -> list[Header]:
    base = message.to
    uri = base.uri
    if not isinstance(uri, SipUri):
        return []
    origin, target = redirecting.from_, redirecting.to
    first = NameAddr(uri, base.display, {"index": "1"})
    if origin.number.valid and origin.number.text:
        first = NameAddr(uri.replace(user=origin.number.text), origin.name.text, {"index": "1"})
    headers = [("History-Info", str(first))]
    if target.number.valid and target.number.text:
        cause = str(_TO_CAUSE.get(redirecting.reason, 404))
        moved = uri.replace(user=target.number.text, params={**uri.params, "cause": cause})
        headers.append(("History-Info", str(NameAddr(moved, target.name.text, {"index": "1.1"}))))
    return headers
