"""Advice of charge on a D channel: what the network tells is passed on, what calls tell is sent to the user.

``aoc_enable`` says which of s, d and e pass; whatever comes is told by events. The last advice of a call (AOC-E)
travels with the message that ends it, so it is kept until then (ETSI EN 300 182-1, 9.2.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel_shims.pri.charges import Asked, ChargeType, PriAdvice, PriAsked, PriCharge, PriMoney, PriRate, PriRates
from kernel_shims.pri.charges import RateType as Type
from offhook.calls import advice as calls
from offhook.calls.advice import (
    Advice,
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
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from kernel_shims.pri.link import PriLink
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.isdn.calls import IsdnCall

LETTERS: Mapping[type, str] = {Rates: "s", DuringCall: "d", AtEnd: "e"}
"""What aoc_enable calls them."""
_ITEMS, _BILLINGS, _VOLUMES = list(Item), list(Billing), list(Volume)
_SCALES = {scale.number: scale for scale in Scale}
_LEAST = min(multiplier.value for multiplier in Multiplier)
_FREE = {Type.FREE: Free.FREE, Type.FREE_FROM_BEGINNING: Free.FROM_BEGINNING}
_FREE_NUMBERS = {free: kind for kind, free in _FREE.items()}


def granted(settings: Mapping[str, Any], advice: Advice) -> bool:
    """Whether an advice passes."""
    return LETTERS[type(advice)] in settings["aoc_enable"]


def received(channel: DahdiChannel, told: tuple[PriAdvice, ...], settings: Mapping[str, Any]) -> None:
    """What the network tells of a call's price."""
    for one in told:
        advice = from_library(one)
        calls.received(channel, advice, pass_on=granted(settings, advice))


def asked(link: PriLink, call: IsdnCall, request: PriAsked, settings: Mapping[str, Any]) -> None:
    """The user asks for advice. Rates come from the other side, if it has any before the answer."""
    if Asked.RATES in request.wanted:
        if "s" in settings["aoc_enable"]:
            call.rates_asked = request.invoke
        else:
            link.reply_rates(call.handle, request.invoke, None)
    for kind, letter in ((Asked.DURING, "d"), (Asked.AT_END, "e")):
        if kind in request.wanted:
            link.reply_charges(call.handle, request.invoke, granted=letter in settings["aoc_enable"])


def no_rates(link: PriLink, call: IsdnCall) -> None:
    """The call is answered or over, and nobody told the rates that were asked for."""
    if call.rates_asked is not None:
        link.reply_rates(call.handle, call.rates_asked, None)
        call.rates_asked = None


def send(link: PriLink, call: IsdnCall, advice: Advice, settings: Mapping[str, Any]) -> None:
    """Tell the user, if it may be told."""
    if not granted(settings, advice):
        return
    told = to_library(advice)
    if isinstance(told, PriRates) and call.rates_asked is not None:
        link.reply_rates(call.handle, call.rates_asked, told)
        call.rates_asked = None
    elif isinstance(told, PriCharge) and told.at_end:
        call.last_charge = told
    else:
        link.advise(call.handle, told)


def send_last(link: PriLink, call: IsdnCall) -> None:
    """The call is about to be cleared: what it has cost goes with that."""
    if call.last_charge is not None:
        link.advise(call.handle, call.last_charge)
        call.last_charge = None


# ---- what libpri has, as advice ------------------------------------------------------------------------------


def _money(raw: PriMoney | None) -> Money:
    return Money(0) if raw is None else Money(raw.cost, Multiplier(raw.multiplier + _LEAST), raw.currency)


def _duration(raw: tuple[int, int]) -> Duration:
    return Duration(raw[0], _SCALES[raw[1]])


def _price(rate: PriRate) -> Price:
    match rate.type:
        case Type.DURATION:
            grain = _duration(rate.granularity) if rate.granularity[0] else None
            return ByDuration(_money(rate.money), _duration(rate.time), grain, rate.stepwise)
        case Type.FLAT:
            return _money(rate.money)
        case Type.VOLUME:
            return ByVolume(_money(rate.money), _VOLUMES[rate.unit])
        case Type.SPECIAL_CODE:
            return SpecialCode(rate.code)
    return _FREE.get(rate.type, Free.UNKNOWN)


def from_library(raw: PriAdvice) -> Advice:
    """libpri's numbers as an advice."""
    if isinstance(raw, PriRates):
        return Rates(tuple(Rate(_ITEMS[rate.item], _price(rate)) for rate in raw.rates))
    units = tuple(Units(number if number >= 0 else None, kind if kind >= 0 else None) for number, kind in raw.units)
    charge = Charge(
        money=_money(raw.money) if raw.type is ChargeType.CURRENCY else None,
        units=units if raw.type is ChargeType.UNITS else None,
        free=raw.type is ChargeType.FREE,
        billing=_BILLINGS[raw.billing],
    )
    if not raw.at_end:
        return DuringCall(charge, subtotal=not raw.total)
    named = raw.number or raw.id is not None
    return AtEnd(charge, Association(raw.number, raw.plan, raw.id) if named else None)


# ---- and the other way ---------------------------------------------------------------------------------------


def _money_number(money: Money) -> PriMoney:
    return PriMoney(money.cost, money.multiplier.value - _LEAST, money.currency)


def _rate_number(rate: Rate) -> PriRate:
    item, price = _ITEMS.index(rate.item), rate.price
    match price:
        case ByDuration():
            grain = price.granularity
            return PriRate(
                item,
                Type.DURATION,
                _money_number(price.money),
                (price.time.length, price.time.scale.number),
                (grain.length, grain.scale.number) if grain is not None else (0, 0),
                price.stepwise,
            )
        case Money():
            return PriRate(item, Type.FLAT, _money_number(price))
        case ByVolume():
            return PriRate(item, Type.VOLUME, _money_number(price.money), unit=_VOLUMES.index(price.unit))
        case SpecialCode():
            return PriRate(item, Type.SPECIAL_CODE, code=price.code)
    return PriRate(item, _FREE_NUMBERS.get(price, Type.NOT_AVAILABLE))


def to_library(advice: Advice) -> PriAdvice:
    """An advice in libpri's numbers."""
    if isinstance(advice, Rates):
        return PriRates(tuple(_rate_number(rate) for rate in advice.rates))
    charge = advice.charge
    association = advice.association if isinstance(advice, AtEnd) else None
    kinds = {"Currency": ChargeType.CURRENCY, "Units": ChargeType.UNITS, "Free": ChargeType.FREE}
    return PriCharge(
        kinds.get(charge.type, ChargeType.NOT_AVAILABLE),
        _BILLINGS.index(charge.billing),
        _money_number(charge.money) if charge.money is not None else None,
        tuple((_told(one.count), _told(one.kind)) for one in charge.units or ()),
        total=not (isinstance(advice, DuringCall) and advice.subtotal),
        at_end=isinstance(advice, AtEnd),
        number=association.number if association is not None else "",
        plan=association.plan if association is not None else 0,
        id=association.id if association is not None else None,
    )


def _told(number: int | None) -> int:
    return -1 if number is None else number
