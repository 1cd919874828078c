"""Channel variables SS7_...: what an IAM says, and what one shall say."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kernel_shims.ss7.events import Address, Iam
from kernel_shims.ss7.isup import Seizure
from offhook.calls.party import Name, Party, Redirecting
from offhook.config.model import TRUE_WORDS
from offhook.drivers.dahdi.ss7.numbers import address_of, number_of

if TYPE_CHECKING:
    from offhook.drivers.dahdi.channel import DahdiChannel

log = logging.getLogger(__name__)

INDICATORS = (
    "NO_REDIRECTION",
    "CALL_REROUTED_PRES_ALLOWED",
    "CALL_REROUTED_INFO_RESTRICTED",
    "CALL_DIVERTED_PRES_ALLOWED",
    "CALL_DIVERTED_INFO_RESTRICTED",
    "CALL_REROUTED_PRES_RESTRICTED",
    "CALL_DIVERTED_PRES_RESTRICTED",
    "SPARE",
)
"""Redirecting indicator (Q.763 3.45), by number."""
_CLOSED_GROUPS = {2: "OUTGOING_ALLOWED", 3: "OUTGOING_NOT_ALLOWED"}
_REASONS = {1: "cfb", 2: "cfnr", 3: "cfu", 4: "deflection", 5: "deflection", 6: "unavailable"}
_ORIGINAL_REASONS = {number: _REASONS[number] for number in (1, 2, 3)}
_BY_REASON = {"cfb": 1, "cfnr": 2, "cfu": 3}
_WHILE_ALERTING, _AT_ONCE, _UNAVAILABLE = 4, 5, 6
_MEDIA = {"SPEECH": 0, "SPARE": 1, "64K_UNRESTRICTED": 2, "3K1_AUDIO": 3}
_OTHER_MEDIUM = 4
_DIGITAL_MEDIUM = 2
_NETWORK_DIGITS = 4


# ---- calls that came in --------------------------------------------------------------------------------------


def describe(channel: DahdiChannel, iam: Iam, linkset: Mapping[str, Any]) -> None:
    """Put on a channel what its IAM says beyond the numbers."""
    texts = {
        "SS7_CHARGE_NUMBER": iam.charge_number,
        "SS7_GENERIC_ADDRESS": iam.generic_address,
        "SS7_JIP": iam.jurisdiction,
        "SS7_GENERIC_DIGITS": iam.generic_digits,
        "SS7_LSPI_IDENT": iam.service_provider,
    }
    for name, text in texts.items():
        if text:
            channel.set(name, text)
    channel.set("SS7_GENERIC_DIGTYPE", str(iam.generic_digits_type))
    channel.set("SS7_GENERIC_DIGSCHEME", str(iam.generic_digits_scheme))
    channel.set("SS7_CALLREF_IDENT", "0")
    channel.set("SS7_CALLREF_PC", "0")
    channel.set("SS7_CALLING_PARTY_CATEGORY", str(iam.category))
    indicator, original, counter, reason = iam.redirection or (0, 0, 0, 0)
    count = max(iam.redirect_counter, counter)
    if count:
        channel.set("SS7_REDIRECT_INFO_IND", INDICATORS[indicator & 7])
        channel.redirecting = _redirecting(iam, linkset, count, original, reason)
    if iam.closed_group:
        channel.set("SS7_CUG_INTERLOCK_CODE", str(iam.closed_group_code))
        channel.set("SS7_CUG_INDICATOR", _CLOSED_GROUPS.get(iam.closed_group, "SPARE"))
        if iam.closed_group_network:
            channel.set("SS7_CUG_INTERLOCK_NI", iam.closed_group_network)


def _redirecting(iam: Iam, linkset: Mapping[str, Any], count: int, original: int, reason: int) -> Redirecting:
    out = Redirecting(count=count)
    out.reason = _REASONS.get(reason, "unknown")
    out.orig_reason = _ORIGINAL_REASONS.get(original, "unknown")
    if not original and count == 1 and reason in _ORIGINAL_REASONS:
        out.orig_reason = out.reason
    if iam.redirecting.number:
        out.from_ = Party(number=number_of(iam.redirecting, linkset))
    if iam.generic_name:
        out.from_.name = Name(True, iam.generic_name, out.from_.number.presentation)
    if iam.original_called.number:
        out.orig = Party(number=number_of(iam.original_called, linkset))
    elif count == 1:
        out.orig = out.from_.copy()
    return out


# ---- calls that go out ---------------------------------------------------------------------------------------


def seizure(channel: DahdiChannel, called: Address, calling: Address, linkset: Mapping[str, Any]) -> Seizure:
    """What the IAM of a call says, by its variables."""

    def text(name: str) -> str:
        return (channel.get(name) or "").strip()

    def number(name: str) -> int:
        found = text(name)
        if found and not found.lstrip("-").isdigit():
            log.warning("%s: %s=%s is no number", channel.name, name, found)
        return int(found) if found.lstrip("-").isdigit() else 0

    digits = text("SS7_GENERIC_DIGITS")
    reference = text("SS7_CALLREF_IDENT") and text("SS7_CALLREF_PC")
    out = Seizure(
        called,
        calling,
        originating_line=channel.connected.ani2,
        echo_control=linkset["ss7_default_echocontrol"],
        medium=_medium(text("SS7_TMR_NUM"), text("SS7_TMR")),
        charge_number=text("SS7_CHARGE_NUMBER"),
        generic_address=text("SS7_GENERIC_ADDRESS"),
        generic_digits=(digits, number("SS7_GENERIC_DIGTYPE"), number("SS7_GENERIC_DIGSCHEME")) if digits else None,
        generic_name=text("SS7_GENERIC_NAME"),
        jurisdiction=text("SS7_JIP"),
        service_providers=[one for one in (text("SS7_LSPI_IDENT"), _wanted(text("SS7_RLT_ON"))) if one],
        call_reference=(number("SS7_CALLREF_IDENT"), number("SS7_CALLREF_PC")) if reference else None,
        facility_request=bool(_wanted(text("SS7_SEND_FAR"))),
        collect=text("SS7_COL_REQUEST").lower() in TRUE_WORDS,
        closed_group=_closed_group(text("SS7_CUG_INDICATOR"), text("SS7_CUG_INTERLOCK_NI"), number),
    )
    if text("SS7_INTERWORKING_INDICATOR"):
        out.interworking = text("SS7_INTERWORKING_INDICATOR").lower() in TRUE_WORDS
    if text("SS7_FORWARD_INDICATOR_PMBITS"):
        out.forward_bits = number("SS7_FORWARD_INDICATOR_PMBITS")
    redirect(channel, out, linkset, alerting=False)
    return out


def _wanted(text: str) -> str:
    return "" if not text or text == "NO"[: len(text)] else text


def _medium(number: str, word: str) -> int | None:
    if number.isdigit():
        return int(number)
    return _MEDIA.get(word.upper(), _OTHER_MEDIUM) if word else None


def _closed_group(word: str, network: str, number: Any) -> tuple[int, str, int] | None:
    indicator = next((bits for bits, name in _CLOSED_GROUPS.items() if name == word.upper()), 0)
    if not indicator or len(network) != _NETWORK_DIGITS:
        return None
    return indicator, network, number("SS7_CUG_INTERLOCK_CODE")


def redirect(channel: DahdiChannel, out: Seizure, linkset: Mapping[str, Any], *, alerting: bool) -> None:
    """Who redirected a call, on its way out."""
    redirecting = channel.redirecting
    if not redirecting.count:
        return
    count = min(redirecting.count, 31)
    if redirecting.orig.number.valid:
        out.original_called = address_of(redirecting.orig.number, linkset["ss7_called_nai"], linkset)
    if redirecting.from_.number.valid:
        out.redirecting = address_of(redirecting.from_.number, linkset["ss7_calling_nai"], linkset)
    if redirecting.reason == "deflection":
        reason = _WHILE_ALERTING if alerting else _AT_ONCE
    else:
        reason = _UNAVAILABLE if redirecting.reason == "unavailable" else _BY_REASON.get(redirecting.reason, 0)
    out.redirection = (_indicator(channel), _BY_REASON.get(redirecting.orig_reason, 0), count, reason)


def _indicator(channel: DahdiChannel) -> int:
    word = (channel.get("SS7_REDIRECT_INFO_IND") or "").strip().upper()
    if word:
        return INDICATORS.index(word) if word in INDICATORS else 0
    redirecting = channel.redirecting
    way = "DIVERTED" if redirecting.reason == "deflection" else "REROUTED"
    if redirecting.to.number.presentation & 0x60:
        return INDICATORS.index(f"CALL_{way}_INFO_RESTRICTED")
    allowed = "RESTRICTED" if redirecting.orig.number.presentation & 0x60 else "ALLOWED"
    return INDICATORS.index(f"CALL_{way}_PRES_{allowed}")
