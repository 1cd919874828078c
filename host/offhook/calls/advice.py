"""Advice of charge (ETSI EN 300 180-182): what a call costs, told when it begins, while it lasts, and at its end.

A driver to which the network tells it calls ``received``; whoever wants to tell a party calls ``send``. On its way it
is a ``Control(Condition.AOC)`` with one of three advices; a bridge passes it on, Dial keeps rates until the answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING

from offhook.calls.frames import Condition, Control
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.calls.channel import Channel

DEBUG = "advice debug"
"""Flag of the exchange: each advice is told on the console."""


class Multiplier(Enum):
    """What an amount of money is multiplied by: the power of ten."""

    ONE_THOUSANDTH = -3
    ONE_HUNDREDTH = -2
    ONE_TENTH = -1
    ONE = 0
    TEN = 1
    HUNDRED = 2
    THOUSAND = 3

    @property
    def text(self) -> str:
        """As manager events write it: "1/100", "10"."""
        return str(10**self.value) if self.value >= 0 else f"1/{10**-self.value}"


class Scale(Enum):
    """Units of time: number of the protocol, and how events name it."""

    HUNDREDTH_SECOND = (0, "OneHundredthSecond")
    TENTH_SECOND = (1, "OneTenthSecond")
    SECOND = (2, "Second")
    TEN_SECONDS = (3, "TenSeconds")
    MINUTE = (4, "Minute")
    HOUR = (5, "Hour")
    DAY = (6, "Day")

    @property
    def number(self) -> int:
        return self.value[0]

    @property
    def text(self) -> str:
        return self.value[1]


class Item(Enum):
    """What a rate is for."""

    NOT_AVAILABLE = "NotAvailable"
    SPECIAL_ARRANGEMENT = "SpecialArrangement"
    BASIC_COMMUNICATION = "BasicCommunication"
    CALL_ATTEMPT = "CallAttempt"
    CALL_SETUP = "CallSetup"
    USER_USER_INFO = "UserUserInfo"
    SUPPLEMENTARY_SERVICE = "SupplementaryService"


class Billing(Enum):
    """Who or what is charged."""

    NOT_AVAILABLE = "NotAvailable"
    NORMAL = "Normal"
    REVERSE_CHARGE = "Reverse"
    CREDIT_CARD = "CreditCard"
    CALL_FORWARDING_UNCONDITIONAL = "CallForwardingUnconditional"
    CALL_FORWARDING_BUSY = "CallForwardingBusy"
    CALL_FORWARDING_NO_REPLY = "CallForwardingNoReply"
    CALL_DEFLECTION = "CallDeflection"
    CALL_TRANSFER = "CallTransfer"


class Volume(Enum):
    """What a rate by volume counts."""

    OCTET = "Octet"
    SEGMENT = "Segment"
    MESSAGE = "Message"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of a currency."""

    cost: int
    multiplier: Multiplier = Multiplier.ONE
    currency: str = ""

    @property
    def amount(self) -> str:
        """As a number, with as many decimals as the multiplier has: "1.337", "20"."""
        exponent = self.multiplier.value
        return f"{Decimal(self.cost).scaleb(exponent):.{max(0, -exponent)}f}"


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time in units of a scale."""

    length: int
    scale: Scale = Scale.MINUTE


@dataclass(frozen=True, slots=True)
class ByDuration:
    """So much money for so much time."""

    money: Money
    time: Duration
    granularity: Duration | None = None
    stepwise: bool = False


@dataclass(frozen=True, slots=True)
class ByVolume:
    """So much money for each unit sent."""

    money: Money
    unit: Volume


@dataclass(frozen=True, slots=True)
class SpecialCode:
    """A rate that both sides know by its number."""

    code: int


class Free(Enum):
    """Rates without a price."""

    UNKNOWN = "NotAvailable"
    FREE = "Free"
    FROM_BEGINNING = "FreeFromBeginning"


Price = Free | ByDuration | Money | ByVolume | SpecialCode
"""How something is charged; Money is a flat rate."""

PRICE_NAMES: dict[type, str] = {
    ByDuration: "Duration",
    Money: "Flat",
    ByVolume: "Volume",
    SpecialCode: "SpecialCode",
}


@dataclass(frozen=True, slots=True)
class Rate:
    """What is charged, and how."""

    item: Item
    price: Price = Free.UNKNOWN


@dataclass(frozen=True, slots=True)
class Units:
    """Charging units, of a kind that network and user know by its number."""

    count: int | None
    kind: int | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """What has come together: money, units, nothing (``free``), or nobody knows."""

    money: Money | None = None
    units: tuple[Units, ...] | None = None
    free: bool = False
    billing: Billing = Billing.NOT_AVAILABLE

    @property
    def type(self) -> str:
        """As events name it."""
        if self.money is not None:
            return "Currency"
        return "Units" if self.units is not None else "Free" if self.free else "NotAvailable"


@dataclass(frozen=True, slots=True)
class Association:
    """Which call a charge at the end belongs to: a number with its plan, or an identifier."""

    number: str = ""
    plan: int = 0
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Rates:
    """AOC-S: what the call will cost."""

    rates: tuple[Rate, ...] = ()


@dataclass(frozen=True, slots=True)
class DuringCall:
    """AOC-D: what it has cost so far."""

    charge: Charge = field(default_factory=Charge)
    subtotal: bool = False


@dataclass(frozen=True, slots=True)
class AtEnd:
    """AOC-E: what it has cost."""

    charge: Charge = field(default_factory=Charge)
    association: Association | None = None


@dataclass(frozen=True, slots=True)
class Termination:
    """Instead of an advice: the other party has hung up, the network is to end the call and to tell what it cost."""


Advice = Rates | DuringCall | AtEnd

KIND: dict[type, str] = {Rates: "AOC-S", DuringCall: "AOC-D", AtEnd: "AOC-E"}


@dataclass(slots=True)
class AdviceReceived:
    """Event: the network told what a call costs."""

    channel: Channel | None
    advice: Advice


# ---- on its way -------------------------------------------------------------------------------------


def received(channel: Channel, advice: Advice, *, pass_on: bool) -> None:
    """The network's advice about a channel's call: it is told, and with ``pass_on`` shown to whoever talks with it."""
    _trace("DECODED", channel, advice)
    channel.pbx.bus.publish(AdviceReceived(channel, advice))
    if pass_on:
        channel.deliver(Control(Condition.AOC, advice))


def send(channel: Channel, advice: Advice) -> None:
    """Show an advice to the party of a channel, if its technology knows how."""
    _trace("ENCODED", channel, advice)
    channel.indicate(Condition.AOC, advice)


def _trace(what: str, channel: Channel, advice: Advice) -> None:
    if channel.pbx.parts.get(DEBUG):
        lines = "\n".join(f"{name}: {value}" for name, value in described(advice))
        verbose(1, "---- %s AOC MSG ----\nCHANNEL: %s\n%s\n%s\n", what, channel.name, KIND[type(advice)], lines)


# ---- as names and values ----------------------------------------------------------------------------


def described(advice: Advice) -> Iterator[tuple[str, str]]:
    """An advice as headers of manager events."""
    if isinstance(advice, Rates):
        for index, rate in enumerate(advice.rates):
            yield from _rate(f"Rate({index})", rate)
        return
    if isinstance(advice, AtEnd):
        association = advice.association
        if association is None:
            yield "ChargingAssociation", ""
        elif association.id is not None:
            yield "ChargingAssociation/ID", str(association.id)
        else:
            yield "ChargingAssociation/Number", association.number
            yield "ChargingAssociation/Plan", str(association.plan)
    yield from _charge(advice.charge, subtotal=isinstance(advice, DuringCall) and advice.subtotal)


def _charge(charge: Charge, *, subtotal: bool) -> Iterator[tuple[str, str]]:
    yield "Charge/Type", charge.type
    if charge.money is None and charge.units is None:
        return
    yield "Charge/BillingID", charge.billing.value
    yield "Charge/TotalType", "SubTotal" if subtotal else "Total"
    if charge.money is not None:
        yield from _money("Charge/Currency", charge.money)
    for index, units in enumerate(charge.units or ()):
        if units.count is not None:
            yield f"Charge/Units({index})/NumberOf", str(units.count)
        if units.kind is not None:
            yield f"Charge/Units({index})/TypeOf", str(units.kind)


def _money(prefix: str, money: Money) -> Iterator[tuple[str, str]]:
    yield f"{prefix}/Name", money.currency
    yield f"{prefix}/Cost", str(money.cost)
    yield f"{prefix}/Multiplier", money.multiplier.text


def _rate(prefix: str, rate: Rate) -> Iterator[tuple[str, str]]:
    yield f"{prefix}/Chargeable", rate.item.value
    if rate.item is Item.NOT_AVAILABLE:
        return
    price = rate.price
    if isinstance(price, Free):
        yield f"{prefix}/RateType", price.value
        return
    name = PRICE_NAMES[type(price)]
    yield f"{prefix}/RateType", name
    prefix = f"{prefix}/{name}"
    if isinstance(price, SpecialCode):
        yield f"{prefix}/SpecialCode", str(price.code)
    elif isinstance(price, Money):
        yield from _money(f"{prefix}/Currency", price)
    elif isinstance(price, ByVolume):
        yield f"{prefix}/Unit", price.unit.value
        yield from _money(f"{prefix}/Currency", price.money)
    else:
        yield from _money(f"{prefix}/Currency", price.money)
        yield f"{prefix}/ChargingType", "StepFunction" if price.stepwise else "ContinuousCharging"
        for what, time in (("Time", price.time), ("Granularity", price.granularity)):
            if time is None:
                yield f"{prefix}/{what}", ""
            else:
                yield f"{prefix}/{what}/Length", str(time.length)
                yield f"{prefix}/{what}/Scale", str(time.scale.number)
