"""Advice of charge in libpri's numbers, and back."""

from __future__ import annotations

from kernel_shims.pri.charges import ChargeType, PriAdvice, PriCharge, PriMoney, PriRate, PriRates
from kernel_shims.pri.charges import RateType as Type
from offhook.calls import advice as aoc

_ITEMS, _BILLINGS, _VOLUMES = list(aoc.Item), list(aoc.Billing), list(aoc.Volume)
_SCALES = {scale.number: scale for scale in aoc.Scale}
_LEAST = min(multiplier.value for multiplier in aoc.Multiplier)
_FREE = {Type.FREE: aoc.Free.FREE, Type.FREE_FROM_BEGINNING: aoc.Free.FROM_BEGINNING}
_FREE_NUMBERS = {free: kind for kind, free in _FREE.items()}


# ---- what libpri has, as advice ------------------------------------------------------------------------------


def _money(raw: PriMoney | None) -> aoc.Money:
    return aoc.Money(0) if raw is None else aoc.Money(raw.cost, aoc.Multiplier(raw.multiplier + _LEAST), raw.currency)


def _duration(raw: tuple[int, int]) -> aoc.Duration:
    return aoc.Duration(raw[0], _SCALES[raw[1]])


def _price(rate: PriRate) -> aoc.Price:
    match rate.type:
        case Type.DURATION:
            grain = _duration(rate.granularity) if rate.granularity[0] else None
            return aoc.ByDuration(_money(rate.money), _duration(rate.time), grain, rate.stepwise)
        case Type.FLAT:
            return _money(rate.money)
        case Type.VOLUME:
            return aoc.ByVolume(_money(rate.money), _VOLUMES[rate.unit])
        case Type.SPECIAL_CODE:
            return aoc.SpecialCode(rate.code)
    return _FREE.get(rate.type, aoc.Free.UNKNOWN)


def from_library(raw: PriAdvice) -> aoc.Advice:
    """libpri's numbers as an advice."""
    if isinstance(raw, PriRates):
        return aoc.Rates(tuple(aoc.Rate(_ITEMS[rate.item], _price(rate)) for rate in raw.rates))
    units = tuple(aoc.Units(number if number >= 0 else None, kind if kind >= 0 else None) for number, kind in raw.units)
    charge = aoc.Charge(
        money=_money(raw.money) if raw.type is ChargeType.CURRENCY else None,
        units=units if raw.type is ChargeType.UNITS else None,
        free=raw.type is ChargeType.FREE,
        billing=_BILLINGS[raw.billing],
    )
    if not raw.at_end:
        return aoc.DuringCall(charge, subtotal=not raw.total)
    named = raw.number or raw.id is not None
    return aoc.AtEnd(charge, aoc.Association(raw.number, raw.plan, raw.id) if named else None)


# ---- and the other way ---------------------------------------------------------------------------------------


def _money_number(money: aoc.Money) -> PriMoney:
    return PriMoney(money.cost, money.multiplier.value - _LEAST, money.currency)


def _rate_number(rate: aoc.Rate) -> PriRate:
    item, price = _ITEMS.index(rate.item), rate.price
    match price:
        case aoc.ByDuration():
            grain = price.granularity
            return PriRate(
                item,
                Type.DURATION,
                _money_number(price.money),
                (price.time.length, price.time.scale.number),
                (grain.length, grain.scale.number) if grain is not None else (0, 0),
                price.stepwise,
            )
        case aoc.Money():
            return PriRate(item, Type.FLAT, _money_number(price))
        case aoc.ByVolume():
            return PriRate(item, Type.VOLUME, _money_number(price.money), unit=_VOLUMES.index(price.unit))
        case aoc.SpecialCode():
            return PriRate(item, Type.SPECIAL_CODE, code=price.code)
    return PriRate(item, _FREE_NUMBERS.get(price, Type.NOT_AVAILABLE))


def to_library(advice: aoc.Advice) -> PriAdvice:
    """An advice in libpri's numbers."""
    if isinstance(advice, aoc.Rates):
        return PriRates(tuple(_rate_number(rate) for rate in advice.rates))
    charge = advice.charge
    association = advice.association if isinstance(advice, aoc.AtEnd) else None
    kinds = {"Currency": ChargeType.CURRENCY, "Units": ChargeType.UNITS, "Free": ChargeType.FREE}
    return PriCharge(
        kinds.get(charge.type, ChargeType.NOT_AVAILABLE),
        _BILLINGS.index(charge.billing),
        _money_number(charge.money) if charge.money is not None else None,
        tuple((_told(one.count), _told(one.kind)) for one in charge.units or ()),
        total=not (isinstance(advice, aoc.DuringCall) and advice.subtotal),
        at_end=isinstance(advice, aoc.AtEnd),
        number=association.number if association is not None else "",
        plan=association.plan if association is not None else 0,
        id=association.id if association is not None else None,
    )


def _told(number: int | None) -> int:
    return -1 if number is None else number
