"""Questions to the DNS for numbers and services: what is asked, and what is made of the answers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.functions import names
from offhook.functions.names import by_weight, country_code_length, domain_of, rewrite
from support.exchange import Exchange


@pytest.mark.parametrize(
    ("number", "options", "domain"),
    [
        ("+4930123", "", "3.2.1.0.3.9.4.e164.arpa"),
        ("4930123", "", "3.2.1.0.3.9.4.e164.arpa"),
        ("+12025550", "i", "0.5.5.5.2.0.2.i.1.e164.arpa"),
        ("+4930123", "i", "3.2.1.0.3.i.9.4.e164.arpa"),
        ("+3531234", "i", "4.3.2.1.i.3.5.3.e164.arpa"),
        ("1234*256", "s", "4.3.2.1.256.e164.arpa"),
        ("4930123", "d", "4930123.e164.arpa"),
    ],
)
def test_the_domain_that_is_asked_for(number: str, options: str, domain: str):
    assert domain_of(number, "e164.arpa", options) == domain


def test_country_codes():
    assert [country_code_length(number) for number in ("1", "79", "20", "212", "27", "44", "49", "353", "420")] == [
        1, 1, 2, 3, 2, 2, 2, 3, 3,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "uri"),
    [
        ("!^.*$!sip:info@example.com!", "sip:info@example.com"),
        (r"!^\+49(.*)$!sip:\1@example.com!", "sip:30123@example.com"),
        (r"!^\+(4)(9)!sip:\2\1\0!", "sip:94+49"),
        ("!^SIP!x!i", None),
        ("!^(!x!yz!", None),
        ("!^(.*$!sip:x!", None),
        (r"!^.*$!sip:\3@x!", None),
        ("", None),
    ],
)
def test_numbers_become_addresses(expression: str, uri: str | None):
    assert rewrite(expression, "+4930123") == uri


class Answers:
    """A DNS that knows some names."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], list[Any]] = {}
        self.asked: list[tuple[str, str]] = []

    async def ask(self, name: str, kind: str) -> list[Any]:
        self.asked.append((name, kind))
        return self.known.get((name, kind), [])


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    found = Answers()
    monkeypatch.setattr(names, "ask", found.ask)
    return found


@pytest.fixture
def exchange(exchange: Exchange, answers: Answers) -> Exchange:
    exchange.load(names)
    return exchange


def naptr(order: int, service: bytes, uri: bytes) -> SimpleNamespace:
    return SimpleNamespace(order=order, preference=1, flags=b"u", service=service, regexp=b"!^.*$!" + uri + b"!")


async def test_looking_a_number_up(exchange: Exchange, answers: Answers):
    answers.known["3.2.1.e164.arpa", "NAPTR"] = [
        naptr(30, b"E2U+sip", b"sip:second@b"),
        naptr(20, b"E2U+sip", b"sip:first@a"),
        naptr(10, b"E2U+email:mailto", b"mailto:a@b"),
    ]
    read = "${ENUMLOOKUP(+123,%s)}"
    assert await exchange.read(read % "sip" + " " + read % "sip,,2" + " " + read % "sip,u") == (
        "first@a second@b sip:first@a"
    )
    assert await exchange.read(read % "ALL,c" + " " + read % "ALL" + "[" + read % "sip,,3" + "]") == "3 mailto:a@b[]"
    channel = exchange.channel()
    assert await exchange.read("${ENUMQUERY(+123,sip)}", channel) == "0"
    assert await exchange.read("${ENUMRESULT(0,getnum)} ${ENUMRESULT(0,2)}", channel) == "2 second@b"
    assert await exchange.read("${TXTCIDNAME(321,example.com)}") == ""
    assert answers.asked[-1] == ("1.2.3.example.com", "TXT")


async def test_services(exchange: Exchange, answers: Answers, caplog: pytest.LogCaptureFixture):
    def record(priority: int, port: int) -> SimpleNamespace:
        target = SimpleNamespace(to_text=lambda omit_final_dot: f"host{port}")
        return SimpleNamespace(priority=priority, weight=0, port=port, target=target)

    answers.known["_sip._udp.example.com", "SRV"] = [record(20, 5070), record(10, 5060)]
    channel = exchange.channel()
    assert await exchange.read("${SRVQUERY(_sip._udp.example.com)}", channel) == "_sip._udp.example.com"
    result = "${SRVRESULT(_sip._udp.example.com,%s)}"
    assert await exchange.read(result % "getnum" + " " + result % "1,host" + ":" + result % "2,port", channel) == (
        "2 host5060:5070"
    )
    assert len(answers.asked) == 1
    assert await exchange.read(result % "3,host" + "${SRVQUERY(_none._udp.example.com)}", channel) == ""
    assert "has 2 records, not 3" in caplog.text
    assert "has no SRV records of _none._udp.example.com" in caplog.text


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=8))
def test_every_record_is_tried_once_in_order_of_priority(pairs: list[tuple[int, int]]):
    records = [SimpleNamespace(priority=priority, weight=weight) for priority, weight in pairs]
    ordered = by_weight(records)
    assert [one.priority for one in ordered] == sorted(one.priority for one in records)
    assert {id(one) for one in ordered} == {id(one) for one in records}


def test_what_weighs_more_comes_first_more_often():
    records = [SimpleNamespace(priority=1, weight=weight) for weight in (90, 10)]
    first = sum(by_weight(records)[0].weight == 90 for _ in range(300))
    assert 220 < first < 300
