"""AOCMessage, and the events of what the network tells about charges."""

from __future__ import annotations

from typing import Any

import pytest

from offhook.calls.advice import (
    DEBUG,
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
    Rate,
    Rates,
    Scale,
    SpecialCode,
    Units,
    Volume,
    received,
)
from offhook.calls.frames import Condition

from .conftest import turn

PLAN = "[default]\nexten => up,1,Answer()\n same => n,Wait(60)\n"
CURRENCY = {"CurrencyAmount": "30", "CurrencyName": "EUR", "CurrencyMultiplier": "OneHundredth"}
EUROS = Money(30, Multiplier.ONE_HUNDREDTH, "EUR")


@pytest.fixture
async def line(exchange: Any, ami: Any, admin: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A channel, and what it is asked to show."""
    exchange.dialplan(PLAN)
    await admin.one("Originate", Channel="Local/up@default/n", Application="Wait", Data="60")
    channel = exchange.named("Local/up@default-00000000;1")
    shown: list[Any] = []
    monkeypatch.setattr(
        type(channel), "tech_indicate", lambda _, condition, payload=None: shown.append((condition, payload)) or True
    )
    return channel, shown


async def told(line: Any, admin: Any, *lines: str, **headers: str) -> Any:
    answer = await admin.one("AOCMessage", *lines, Channel=line[0].name, **headers)
    assert answer["Response"] == "Success", answer
    assert answer["Message"] == "AOC Message successfully queued on channel"
    condition, advice = line[1].pop()
    assert condition is Condition.AOC
    return advice


async def test_charges(line: Any, admin: Any) -> None:
    advice = await told(line, admin, MsgType="D", ChargeType="Currency", TotalType="SubTotal", **CURRENCY)
    assert advice == DuringCall(Charge(EUROS), subtotal=True)
    advice = await told(line, admin, MsgType="d", ChargeType="Free", AOCBillingId="ReverseCharge")
    assert advice == DuringCall(Charge(free=True, billing=Billing.REVERSE_CHARGE))
    units = {"UnitAmount(0)": "5", "UnitType(0)": "2", "UnitAmount(3)": "1"}
    advice = await told(line, admin, MsgType="E", ChargeType="Unit", AOCBillingId="CallTransfer", **units)
    assert advice == AtEnd(Charge(units=(Units(5, 2), Units(1)), billing=Billing.CALL_TRANSFER))
    number = {"ChargingAssociationNumber": "5551234", "ChargingAssociationPlan": "1"}
    advice = await told(line, admin, MsgType="E", ChargeType="NA", **number)
    assert advice == AtEnd(Charge(), Association("5551234", 1))


async def test_rates_follow_each_other(line: Any, admin: Any) -> None:
    advice = await told(
        line,
        admin,
        "ChargedItem: BasicCommunication",
        "RateType: Duration",
        *(f"{name}: {value}" for name, value in CURRENCY.items()),
        "Time: 2",
        "TimeScale: Minute",
        "Granularity: 10",
        "GranularityTimeScale: Second",
        "ChargingType: StepFunction",
        "ChargedItem: CallSetup",
        "RateType: Flat",
        "ChargedItem: UserUserInfo",
        "RateType: Volume",
        "VolumeUnit: Segment",
        "ChargedItem: CallAttempt",
        "RateType: FreeFromBeginning",
        "ChargedItem: SpecialArrangement",
        "Code: 4",
        MsgType="S",
    )
    granularity = Duration(10, Scale.SECOND)
    assert advice == Rates(
        (
            Rate(Item.BASIC_COMMUNICATION, ByDuration(EUROS, Duration(2, Scale.MINUTE), granularity, True)),
            Rate(Item.CALL_SETUP, EUROS),
            Rate(Item.USER_USER_INFO, ByVolume(EUROS, Volume.SEGMENT)),
            Rate(Item.CALL_ATTEMPT, Free.FROM_BEGINNING),
            Rate(Item.SPECIAL_ARRANGEMENT, SpecialCode(4)),
        )
    )


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"Channel": "", "MsgType": "D"}, "Channel and PartialChannel are not specified."),
        ({"Channel": "None/1", "MsgType": "D"}, "No such channel"),
        ({"MsgType": "X"}, "Invalid MsgType"),
        ({"MsgType": "D"}, "ChargeType not specified"),
        ({"MsgType": "D", "ChargeType": "Gold"}, "Invalid ChargeType"),
        ({"MsgType": "D", "ChargeType": "Currency"}, "Invalid CurrencyAmount, "),
        ({"MsgType": "D", "ChargeType": "Currency", "CurrencyAmount": "1"}, "ChargeMultiplier unspecified, "),
        ({"MsgType": "D", "ChargeType": "NA", "AOCBillingId": "CallTransfer"}, "Invalid AOC-D AOCBillingId"),
        ({"MsgType": "E", "ChargeType": "NA", "AOCBillingId": "Who"}, "Invalid AOC-E AOCBillingId"),
        ({"MsgType": "E", "ChargeType": "NA", "ChargingAssociationId": "x"}, "Invalid ChargingAssociationId"),
        ({"MsgType": "S", "ChargedItem": "CallSetup"}, "RateType not specified"),
        ({"MsgType": "S", "ChargedItem": "All", "RateType": "Free"}, "Invalid ChargedItem"),
        ({"MsgType": "S", "ChargedItem": "CallSetup", "RateType": "Some"}, "Invalid RateType"),
        ({"MsgType": "S", "ChargedItem": "SpecialArrangement", "RateType": "Free"}, "Invalid Code, "),
        ({"MsgType": "S", "ChargedItem": "CallSetup", "RateType": "Duration", **CURRENCY}, "TimeScale unspecified, "),
    ],
)
async def test_what_is_wrong_is_told(line: Any, admin: Any, headers: dict[str, str], message: str) -> None:
    answer = await admin.one("AOCMessage", **{"Channel": line[0].name, **headers})
    assert answer["Response"] == "Error"
    assert answer["Message"].startswith(message)
    assert not line[1]


async def test_a_channel_is_found_by_how_its_name_begins(line: Any, admin: Any) -> None:
    answer = await admin.one("AOCMessage", ChannelPrefix="Local/up@", MsgType="D", ChargeType="Free")
    assert answer["Response"] == "Success"


async def test_what_the_network_tells_becomes_an_event(line: Any, admin: Any) -> None:
    received(line[0], DuringCall(Charge(EUROS, billing=Billing.NORMAL), subtotal=True), pass_on=False)
    await turn()
    (event,) = admin.events("AOC-D")
    assert event["Channel"] == line[0].name
    assert [item for item in event.items() if item[0].startswith("Charg")] == [
        ("Charge/Type", "Currency"),
        ("Charge/BillingID", "Normal"),
        ("Charge/TotalType", "SubTotal"),
        ("Charge/Currency/Name", "EUR"),
        ("Charge/Currency/Cost", "30"),
        ("Charge/Currency/Multiplier", "1/100"),
    ]
    received(line[0], AtEnd(Charge(units=(Units(5, 2), Units(1))), Association(id=9)), pass_on=False)
    received(line[0], Rates((Rate(Item.CALL_SETUP, EUROS), Rate(Item.CALL_ATTEMPT, Free.FREE))), pass_on=False)
    await turn()
    (event,) = admin.events("AOC-E")
    assert (event["ChargingAssociation/ID"], event["Charge/Type"]) == ("9", "Units")
    assert (event["Charge/Units(0)/NumberOf"], event["Charge/Units(0)/TypeOf"]) == ("5", "2")
    assert "Charge/Units(1)/TypeOf" not in event
    (event,) = admin.events("AOC-S")
    assert (event["Rate(0)/Chargeable"], event["Rate(0)/Flat/Currency/Cost"]) == ("CallSetup", "30")
    assert event["Rate(1)/RateType"] == "Free"


async def test_advice_is_shown_to_who_wants_to_see_it(
    line: Any, admin: Any, exchange: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offhook.log.most_verbose", 1)
    caplog.set_level("DEBUG")
    exchange.pbx.parts[DEBUG] = True
    received(line[0], DuringCall(Charge(free=True)), pass_on=False)
    assert "---- DECODED AOC MSG ----" in caplog.text and "Charge/Type: Free" in caplog.text
