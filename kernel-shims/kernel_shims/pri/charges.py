"""Advice of charge as libpri has it (ETSI EN 300 182): numbers are those of its enumerations PRI_AOC_*."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Any

MOST_RATES, MOST_UNITS = 10, 32
"""What a message holds."""
_CURRENCY = 10
"""Letters of a currency's name."""


class Asked(IntFlag):
    """Which advices are asked for with SETUP."""

    RATES = 1
    DURING = 2
    AT_END = 4


NOTHING = Asked(0)


class RateType(IntEnum):
    """How something is charged."""

    NOT_AVAILABLE = 0
    FREE = 1
    FREE_FROM_BEGINNING = 2
    DURATION = 3
    FLAT = 4
    VOLUME = 5
    SPECIAL_CODE = 6


class ChargeType(IntEnum):
    """What has come together."""

    NOT_AVAILABLE = 0
    FREE = 1
    CURRENCY = 2
    UNITS = 3


class AssociationType(IntEnum):
    """How a charge at the end names its call."""

    NONE = 0
    NUMBER = 1
    ID = 2


@dataclass(frozen=True, slots=True)
class PriMoney:
    """``cost`` times ten to the power of ``multiplier`` less 3."""

    cost: int
    multiplier: int
    currency: str = ""


@dataclass(frozen=True, slots=True)
class PriRate:
    """A rate; what is of no meaning for its type is 0. ``time`` and ``granularity``: length and scale."""

    item: int
    type: RateType
    money: PriMoney | None = None
    time: tuple[int, int] = (0, 0)
    granularity: tuple[int, int] = (0, 0)
    stepwise: bool = False
    unit: int = 0
    code: int = 0


@dataclass(frozen=True, slots=True)
class PriRates:
    """AOC-S."""

    rates: tuple[PriRate, ...] = ()


@dataclass(frozen=True, slots=True)
class PriCharge:
    """AOC-D, or with ``at_end`` AOC-E. ``units``: number and type of each kind, -1 where it is not told."""

    type: ChargeType
    billing: int = 0
    money: PriMoney | None = None
    units: tuple[tuple[int, int], ...] = ()
    total: bool = True
    at_end: bool = False
    number: str = ""
    plan: int = 0
    id: int | None = None


PriAdvice = PriRates | PriCharge


@dataclass(frozen=True, slots=True)
class PriAsked:
    """The far end asks for advice; each kind is answered with the number of the invocation."""

    wanted: Asked
    invoke: int


# ---- out of the library's structures ---------------------------------------------------------------------


def _text(ffi: Any, chars: Any) -> str:
    return bytes(ffi.buffer(chars)).split(b"\0", 1)[0].decode("latin-1")


def _money(ffi: Any, raw: Any) -> PriMoney:
    return PriMoney(raw.amount.cost, raw.amount.multiplier, _text(ffi, raw.currency))


def _rate(ffi: Any, raw: Any) -> PriRate:
    item, kind, rate = raw.chargeable, RateType(raw.rate_type), raw.rate
    if kind is RateType.DURATION:
        part = rate.duration
        time, grain = (part.time.length, part.time.scale), (part.granularity.length, part.granularity.scale)
        return PriRate(item, kind, _money(ffi, part), time, grain, stepwise=bool(part.charging_type))
    if kind is RateType.FLAT:
        return PriRate(item, kind, _money(ffi, rate.flat))
    if kind is RateType.VOLUME:
        return PriRate(item, kind, _money(ffi, rate.volume), unit=rate.volume.unit)
    return PriRate(item, kind, code=rate.special if kind is RateType.SPECIAL_CODE else 0)


def rates_of(ffi: Any, raw: Any) -> PriRates:
    """A struct pri_subcmd_aoc_s."""
    return PriRates(tuple(_rate(ffi, raw.item[index]) for index in range(min(raw.num_items, MOST_RATES))))


def charge_of(ffi: Any, raw: Any, *, at_end: bool) -> PriCharge:
    """A struct pri_subcmd_aoc_d, or with ``at_end`` a struct pri_subcmd_aoc_e."""
    kind = ChargeType(raw.charge)
    money = _money(ffi, raw.recorded.money) if kind is ChargeType.CURRENCY else None
    units: tuple[tuple[int, int], ...] = ()
    if kind is ChargeType.UNITS:
        told = raw.recorded.unit
        units = tuple((told.item[at].number, told.item[at].type) for at in range(min(told.num_items, MOST_UNITS)))
    if not at_end:
        return PriCharge(kind, raw.billing_id, money, units, total=bool(raw.billing_accumulation))
    association = raw.associated
    named = AssociationType(association.charging_type)
    number = association.charge.number
    return PriCharge(
        kind,
        raw.billing_id,
        money,
        units,
        at_end=True,
        number=_text(ffi, number.str) if named is AssociationType.NUMBER else "",
        plan=number.plan if named is AssociationType.NUMBER else 0,
        id=association.charge.id if named is AssociationType.ID else None,
    )


# ---- into them ---------------------------------------------------------------------------------------------


def _fill_money(raw: Any, money: PriMoney) -> None:
    raw.amount.cost, raw.amount.multiplier = money.cost, money.multiplier
    raw.currency = money.currency.encode("latin-1", "replace")[:_CURRENCY]


def _fill_rate(raw: Any, rate: PriRate) -> None:
    raw.chargeable, raw.rate_type = rate.item, rate.type
    into = {RateType.DURATION: "duration", RateType.FLAT: "flat", RateType.VOLUME: "volume"}.get(rate.type)
    if into is not None and rate.money is not None:
        part = getattr(raw.rate, into)
        _fill_money(part, rate.money)
        if rate.type is RateType.VOLUME:
            part.unit = rate.unit
        elif rate.type is RateType.DURATION:
            part.time.length, part.time.scale = rate.time
            part.granularity.length, part.granularity.scale = rate.granularity
            part.charging_type = int(rate.stepwise)
    elif rate.type is RateType.SPECIAL_CODE:
        raw.rate.special = rate.code


def made_rates(ffi: Any, rates: PriRates) -> Any:
    """As a struct pri_subcmd_aoc_s; rates beyond those that a message holds are left out."""
    raw = ffi.new("struct pri_subcmd_aoc_s *")
    kept = rates.rates[:MOST_RATES]
    raw.num_items = len(kept)
    for index, rate in enumerate(kept):
        _fill_rate(raw.item[index], rate)
    return raw


def made_charge(ffi: Any, charge: PriCharge) -> Any:
    """As a struct pri_subcmd_aoc_d or pri_subcmd_aoc_e."""
    raw = ffi.new("struct pri_subcmd_aoc_e *" if charge.at_end else "struct pri_subcmd_aoc_d *")
    raw.charge, raw.billing_id = charge.type, charge.billing
    if charge.money is not None:
        _fill_money(raw.recorded.money, charge.money)
    elif charge.units:
        kept = charge.units[:MOST_UNITS]
        raw.recorded.unit.num_items = len(kept)
        for index, (number, kind) in enumerate(kept):
            raw.recorded.unit.item[index].number = number
            raw.recorded.unit.item[index].type = kind
    if not charge.at_end:
        raw.billing_accumulation = int(charge.total)
    elif charge.number:
        raw.associated.charging_type = AssociationType.NUMBER
        number = raw.associated.charge.number
        number.valid, number.plan = 1, charge.plan
        number.str = charge.number.encode()[:63]
    elif charge.id is not None:
        raw.associated.charging_type = AssociationType.ID
        raw.associated.charge.id = charge.id
    return raw
