"""Advice of charge reaches phones: rates with the answer, charges in INFOs, and the sum in the BYE or its answer."""

from __future__ import annotations

from typing import Any

import pytest

from offhook.calls.advice import (
    AtEnd,
    ByDuration,
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
    Units,
    received,
    send,
)
from offhook.drivers.sip.calls import advice as sip_advice
from offhook.drivers.sip.calls.advice import CONTENT_TYPE, end_document, rates_document
from offhook.sip.body import find_part
from support.sip_call import SDP, audio

PJSIP = """
[alice]
type = endpoint
context = test
allow = !all,ulaw
send_aoc = {send}
direct_media = no
"""
PLAN = """[test]
exten => slow,1,Wait(1)
 same => n,Progress
 same => n,Wait(1)
 same => n,Answer
 same => n,Wait(60)
exten => up,1,Answer
 same => n,Wait(60)
exten => bob,1,Dial(PJSIP/alice/sip:bob@127.0.0.1:${BOB})
"""
CALL = Rates((Rate(Item.BASIC_COMMUNICATION, Money(1337, Multiplier.ONE_THOUSANDTH, "EUR")),))
SPENT = DuringCall(Charge(Money(3, Multiplier.ONE_TENTH, "EUR")), subtotal=True)


@pytest.fixture
def told(office: Any) -> Any:
    office.pbx.parts[sip_advice.PART] = True
    return office


def inner(document: bytes) -> str:
    """Without prolog, indentation and line ends."""
    return "".join(line.strip() for line in document.decode().splitlines()[1:])


async def begin(office: Any, exten: str, send_aoc: str = "yes") -> Any:
    alice = await office.telephone(PJSIP.format(send=send_aoc), PLAN)
    return await alice.call(exten, body=audio())


async def test_rates_go_with_what_announces_media_and_with_the_answer(told: Any) -> None:
    call = await begin(told, "slow")
    await told.until(lambda: len(told.pbx.channels) == 1)
    send(told.channel("PJSIP/alice"), CALL)
    for status in (183, 200):
        message = await call.response(status)
        assert message.content_type.startswith("multipart/mixed")
        assert find_part(message, SDP).startswith(b"v=0")
        assert find_part(message, CONTENT_TYPE) == rates_document(CALL)
    call.ack(message)
    send(told.channel("PJSIP/alice"), CALL)
    info = await call.phone.next("INFO")
    assert (info.content_type, info.body) == (CONTENT_TYPE, rates_document(CALL))
    call.reply(info, 200)


async def test_charges_go_at_once_and_their_sum_with_our_bye(told: Any) -> None:
    call = await begin(told, "up")
    await call.answered()
    channel = told.channel("PJSIP/alice")
    send(channel, SPENT)
    info = await call.phone.next("INFO")
    assert inner(info.body) == (
        '<aoc xmlns="http://uri.etsi.org/ngn/params/xml/simservs/aoc"><aoc-d><charging-info>subtotal</charging-info>'
        "<recorded-charges><recorded-currency-units><currency-id>EUR</currency-id>"
        "<currency-amount>0.3</currency-amount></recorded-currency-units></recorded-charges></aoc-d></aoc>"
    )
    call.reply(info, 200)
    channel.request_hangup()
    bye = await call.bye()
    assert bye.content_type == CONTENT_TYPE
    assert bye.body == info.body.replace(b"subtotal", b"total")


async def test_the_charge_at_the_end_goes_with_the_answer_to_their_bye(told: Any) -> None:
    call = await begin(told, "up")
    await call.answered()
    end = AtEnd(Charge(units=(Units(7, 1), Units(2))))
    send(told.channel("PJSIP/alice"), end)
    send(told.channel("PJSIP/alice"), SPENT)
    call.reply(await call.phone.next("INFO"), 200)
    answer = await call.request("BYE")
    assert (answer.status, answer.body) == (200, end_document(end))
    assert "<currency-id>UNIT</currency-id><currency-amount>7</currency-amount>" in inner(answer.body)


async def test_who_did_not_ask_is_told_nothing(told: Any) -> None:
    call = await begin(told, "up", "no")
    await call.answered()
    send(told.channel("PJSIP/alice"), SPENT)
    await call.phone.silent()
    answer = await call.request("BYE")
    assert not answer.body


async def test_rates_of_a_called_line_are_told_when_it_answers(told: Any) -> None:
    alice = await told.telephone(PJSIP.format(send="yes"), PLAN)
    bob = await told.another("bob")
    told.pbx.globals.set("BOB", bob.peer.address.split(":")[1])
    call = await alice.call("bob", body=audio())
    with_bob = await bob.incoming()
    line = next(channel for channel in told.pbx.channels if channel.outgoing)
    received(line, SPENT, pass_on=True)
    received(line, CALL, pass_on=True)
    await told.until(lambda: not line.frames)
    await with_bob.accept()
    message = await call.answered()
    assert find_part(message, CONTENT_TYPE) == rates_document(CALL)
    received(line, SPENT, pass_on=True)
    info = await call.phone.next("INFO")
    assert b"<currency-amount>0.3<" in info.body
    call.reply(info, 200)


def test_rates_that_the_document_has_no_words_for_are_left_out() -> None:
    minute = ByDuration(Money(2, Multiplier.TEN), Duration(1, Scale.MINUTE), stepwise=True)
    text = inner(
        rates_document(
            Rates(
                (
                    Rate(Item.BASIC_COMMUNICATION, minute),
                    Rate(Item.CALL_SETUP, Free.FREE),
                    Rate(Item.CALL_ATTEMPT, minute),
                    Rate(Item.USER_USER_INFO, Free.FREE),
                )
            )
        )
    )
    assert text == (
        '<aoc xmlns="http://uri.etsi.org/ngn/params/xml/simservs/aoc"><aoc-s><charged-items>'
        "<basic><price-time><currency-amount>20</currency-amount><length-time-unit><time-unit>1</time-unit>"
        "<scale>one-minute</scale></length-time-unit><charging-type>step-function</charging-type></price-time></basic>"
        "<communication-setup><free-charge /></communication-setup><communication-attempt />"
        "</charged-items></aoc-s></aoc>"
    )
