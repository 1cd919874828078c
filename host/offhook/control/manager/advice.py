"""Advice of charge: the action that tells a party, and the events of what the network told."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from offhook.calls.advice import (
    KIND,
    Advice,
    AdviceReceived,
    Association,
    AtEnd,
    Billing,
    ByDuration,
    ByVolume,
    Charge,
    Duration,
    DuringCall,
    Free,
    Item,
    Money,
    Multiplier,
    Price,
    Rate,
    Rates,
    Scale,
    SpecialCode,
    Units,
    Volume,
    described,
    send,
)
from offhook.calls.channel import Channel
from offhook.control.manager.module import module
from offhook.control.manager.permissions import AOC
from offhook.control.manager.render import channel_block, render
from offhook.modules import ActionError, ActionRequest, Syntax

MOST_UNITS = 32
MOST_RATES = 10

T = TypeVar("T")
Get = Callable[[str], str]
"""Gives the header of a name, "" when there is none."""


# ---- events -----------------------------------------------------------------------------------------


@render(AdviceReceived, lambda event: KIND[type(event.advice)], AOC, names=tuple(KIND.values()))
def advice_received(event: AdviceReceived) -> str | None:
    block = "" if event.channel is None else channel_block(event.channel)
    if block is None:
        return None
    return block + "".join(f"{name}: {value}\r\n" for name, value in described(event.advice))


# ---- words ------------------------------------------------------------------------------------------

MULTIPLIERS = {each.name.replace("_", "").lower(): each for each in Multiplier}
SCALES = {
    "onehundredthsecond": Scale.HUNDREDTH_SECOND,
    "onetenthsecond": Scale.TENTH_SECOND,
    "second": Scale.SECOND,
    "tenseconds": Scale.TEN_SECONDS,
    "minute": Scale.MINUTE,
    "hour": Scale.HOUR,
    "day": Scale.DAY,
}
ITEMS = {each.value.lower(): each for each in Item} | {"na": Item.NOT_AVAILABLE}
VOLUMES = {each.value.lower(): each for each in Volume}
BILLINGS = {
    "normal": Billing.NORMAL,
    "reversecharge": Billing.REVERSE_CHARGE,
    "creditcard": Billing.CREDIT_CARD,
}
BILLINGS_AT_END = BILLINGS | {
    "callfwdunconditional": Billing.CALL_FORWARDING_UNCONDITIONAL,
    "callfwdbusy": Billing.CALL_FORWARDING_BUSY,
    "callfwdnoreply": Billing.CALL_FORWARDING_NO_REPLY,
    "calldeflection": Billing.CALL_DEFLECTION,
    "calltransfer": Billing.CALL_TRANSFER,
}
FREE = {"na": Free.UNKNOWN, "free": Free.FREE, "freefrombeginning": Free.FROM_BEGINNING}
PRICED = frozenset(("duration", "flat", "volume", "specialcode"))


def _word(text: str, known: Mapping[str, T], invalid: str) -> T:
    found = known.get(text.lower())
    if found is None:
        raise ActionError(invalid)
    return found


def _number(text: str) -> int | None:
    match = re.match(r"\s*\+?(\d{1,30})", text)
    return int(match[1]) & 0xFFFFFFFF if match else None


def _required(text: str, sentence: str) -> int:
    found = _number(text)
    if found is None:
        raise ActionError(sentence)
    return found


def _money(get: Get, when: str) -> Money:
    cost = _required(get("CurrencyAmount"), f"Invalid CurrencyAmount, CurrencyAmount is a required when {when}")
    word = get("CurrencyMultiplier")
    if not word:
        raise ActionError("ChargeMultiplier unspecified, ChargeMultiplier is required when ChargeType is Currency.")
    return Money(cost, _word(word, MULTIPLIERS, "Invalid ChargeMultiplier"), get("CurrencyName")[:9])


# ---- charges ----------------------------------------------------------------------------------------


def _charge(get: Get, billings: Mapping[str, Billing], kind: str) -> Charge:
    word = get("ChargeType").lower()
    if not word:
        raise ActionError("ChargeType not specified")
    if word not in ("na", "free", "currency", "unit"):
        raise ActionError("Invalid ChargeType")
    money = _money(get, "ChargeType is Currency") if word == "currency" else None
    billing = Billing.NOT_AVAILABLE
    if get("AOCBillingId"):
        billing = _word(get("AOCBillingId"), billings, f"Invalid {kind} AOCBillingId")
    return Charge(money, _units(get) if word == "unit" else None, word == "free", billing)


def _units(get: Get) -> tuple[Units, ...]:
    found = []
    for index in range(MOST_UNITS):
        count, kind = _number(get(f"UnitAmount({index})")), _number(get(f"UnitType({index})"))
        if count is not None or kind is not None:
            found.append(Units(count, kind))
    return tuple(found)


def _during_call(get: Get) -> DuringCall:
    return DuringCall(_charge(get, BILLINGS, "AOC-D"), subtotal=get("TotalType").lower() == "subtotal")


def _at_end(get: Get) -> AtEnd:
    charge = _charge(get, BILLINGS_AT_END, "AOC-E")
    identifier = plan = 0
    if get("ChargingAssociationId"):
        identifier = _required(get("ChargingAssociationId"), "Invalid ChargingAssociationId")
    if get("ChargingAssociationPlan"):
        plan = _required(get("ChargingAssociationPlan"), "Invalid ChargingAssociationPlan")
    association = None
    if identifier:
        association = Association(id=identifier)
    elif get("ChargingAssociationNumber"):
        association = Association(get("ChargingAssociationNumber"), plan & 0xFF)
    return AtEnd(charge, association)


# ---- rates ------------------------------------------------------------------------------------------


def _rates(request: ActionRequest) -> Rates:
    """Each ChargedItem ends the one before; a header that it does not repeat goes on from there."""
    rates: list[Rate] = []
    headers: dict[str, str] = {}
    items = 0
    for name, value in request.headers:
        if name.lower() == "chargeditem":
            if items:
                rates.append(_rate(headers))
            items += 1
        headers[name.lower()] = value
    if items:
        rates.append(_rate(headers))
    return Rates(tuple(rates[:MOST_RATES]))


def _rate(headers: Mapping[str, str]) -> Rate:
    def get(name: str) -> str:
        return headers.get(name.lower(), "")

    if not get("ChargedItem"):
        raise ActionError("ChargedItem not specified")
    if not get("RateType"):
        raise ActionError("RateType not specified")
    item = _word(get("ChargedItem"), ITEMS, "Invalid ChargedItem")
    kind = get("RateType").lower()
    if kind not in FREE and kind not in PRICED:
        raise ActionError("Invalid RateType")
    price = FREE[kind] if kind in FREE else _price(kind, get)
    if item is Item.SPECIAL_ARRANGEMENT and not isinstance(price, SpecialCode):
        price = _special_code(get)
    return Rate(item, price)


def _price(kind: str, get: Get) -> Price:
    money = _money(get, "RateType is non-free")
    if kind == "duration":
        return _by_duration(money, get)
    if kind == "volume":
        if not get("VolumeUnit"):
            raise ActionError("VolumeUnit unspecified, VolumeUnit is required when RateType is Volume.")
        return ByVolume(money, _word(get("VolumeUnit"), VOLUMES, "Invalid VolumeUnit"))
    return money if kind == "flat" else _special_code(get)


def _special_code(get: Get) -> SpecialCode:
    sentence = (
        "Invalid Code, Code is a required when ChargedItem is SpecialArrangement and when RateType is SpecialCode"
    )
    return SpecialCode(_required(get("Code"), sentence))


def _by_duration(money: Money, get: Get) -> ByDuration:
    if not get("TimeScale"):
        raise ActionError("TimeScale unspecified, TimeScale is required when RateType is Duration.")
    scale = _word(get("TimeScale"), SCALES, "Invalid TimeScale")
    length = _required(get("Time"), "Invalid Time, Time is a required when RateType is Duration")
    granularity = None
    if get("Granularity"):
        steps = _required(get("Granularity"), "Invalid Granularity")
        if not get("GranularityTimeScale"):
            raise ActionError(
                "Invalid GranularityTimeScale, GranularityTimeScale is a required when Granularity is specified"
            )
        granularity = Duration(steps, _word(get("GranularityTimeScale"), SCALES, "Invalid GranularityTimeScale"))
    charging = get("ChargingType").lower()
    if charging not in ("", "continuouscharging", "stepfunction"):
        raise ActionError("Invalid ChargingType")
    return ByDuration(money, Duration(length, scale), granularity, charging == "stepfunction")


# ---- the action -------------------------------------------------------------------------------------


def _addressed(request: ActionRequest) -> Channel:
    name, prefix = request.get("Channel"), request.get("ChannelPrefix")
    if not name and not prefix:
        raise ActionError("Channel and PartialChannel are not specified. Specify at least one of these.")
    channels = request.pbx.channels
    channel: Channel | None = channels.find(name) if name else None
    if channel is None and prefix:
        channel = channels.by_prefix(prefix)
    if channel is None:
        raise ActionError("No such channel")
    return channel


@module.action(
    "AOCMessage",
    ("aoc",),
    Syntax(
        "Channel",
        "ChannelPrefix",
        "MsgType",
        "ChargeType",
        "[UnitAmount(0)]",
        "[UnitType(0)]",
        "[CurrencyName]",
        "[CurrencyAmount]",
        "[CurrencyMultiplier]",
        "[TotalType]",
        "[AOCBillingId]",
        "[ChargingAssociationId]",
        "[ChargingAssociationNumber]",
        "[ChargingAssociationPlan]",
        "[ChargedItem]",
        "[RateType]",
        "[Time]",
        "[TimeScale]",
        "[Granularity]",
        "[GranularityTimeScale]",
        "[ChargingType]",
        "[VolumeUnit]",
        "[Code]",
        Channel="Whose party is told.",
        ChannelPrefix="Or the first channel whose name begins so.",
        MsgType="D: during the call, E: at its end, S: rates.",
        ChargeType="NA, Free, Currency or Unit (D and E).",
        CurrencyMultiplier="OneThousandth, OneHundredth, OneTenth, One, Ten, Hundred or Thousand.",
        TotalType="Total or SubTotal (D).",
        AOCBillingId="Normal, ReverseCharge, CreditCard; at the end also CallFwdUnconditional, CallFwdBusy, "
        "CallFwdNoReply, CallDeflection and CallTransfer.",
        ChargedItem="What a rate is for (S); each begins another rate: NA, SpecialArrangement, BasicCommunication, "
        "CallAttempt, CallSetup, UserUserInfo or SupplementaryService.",
        RateType="NA, Free, FreeFromBeginning, Duration, Flat, Volume or SpecialCode.",
        TimeScale="OneHundredthSecond, OneTenthSecond, Second, TenSeconds, Minute, Hour or Day.",
        ChargingType="ContinuousCharging or StepFunction.",
        VolumeUnit="Octet, Segment or Message.",
    ),
)
def aoc_message(request: ActionRequest) -> None:
    """Tell the party of a channel what its call costs (advice of charge)."""
    channel = _addressed(request)
    kinds: dict[str, Callable[[], Advice]] = {
        "d": lambda: _during_call(request.get),
        "e": lambda: _at_end(request.get),
        "s": lambda: _rates(request),
    }
    make = kinds.get(request.get("MsgType").lower())
    if make is None:
        raise ActionError("Invalid MsgType")
    send(channel, make())
    request.ok("AOC Message successfully queued on channel")
