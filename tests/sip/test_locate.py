"""Where a request goes: NAPTR, SRV and addresses asked for one at a time (RFC 3263)."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from offhook.sip.locate import Address, Naptr, Query, Record, Srv, Target, locate, order_srv
from offhook.sip.uri import SipUri

Zone = dict[tuple[str, str], list[Record]]

ZONE: Zone = {
    ("NAPTR", "example.com"): [
        Naptr(50, 50, "s", "SIPS+D2T", "_sips._tcp.example.com."),
        Naptr(90, 50, "s", "SIP+D2T", "_sip._tcp.example.com."),
        Naptr(100, 50, "S", "sip+d2u", "_sip._udp.example.com."),
        Naptr(10, 50, "u", "E2U+sip", ""),
    ],
    ("SRV", "_sip._udp.example.com"): [Srv(1, 0, 5070, "a.example.com."), Srv(2, 0, 5080, "b.example.com.")],
    ("SRV", "_sip._tcp.example.com"): [Srv(1, 0, 5070, "a.example.com.")],
    ("SRV", "_sips._tcp.example.com"): [Srv(1, 0, 5071, "a.example.com.")],
    ("A", "a.example.com"): [Address("192.0.2.1")],
    ("AAAA", "a.example.com"): [Address("2001:db8::1")],
    ("A", "b.example.com"): [Address("192.0.2.2")],
    ("A", "plain.example"): [Address("192.0.2.9"), Address("192.0.2.10")],
    ("SRV", "_sip._udp.nothing.example"): [Srv(0, 0, 0, ".")],
    ("A", "nothing.example"): [Address("192.0.2.66")],
    ("SRV", "_sip._udp.numeric.example"): [Srv(0, 0, 5099, "192.0.2.77")],
}


def run(
    uri: str, zone: Zone = ZONE, count: int = 99, transports: tuple[str, ...] = ("udp", "tcp", "tls")
) -> tuple[list[Target], list[Query]]:
    """All targets (or the first `count`) and the questions asked for them."""
    targets: list[Target] = []
    asked: list[Query] = []
    steps = locate(SipUri.parse(uri), transports=transports)
    answer: list[Record] | None = None
    while len(targets) < count:
        try:
            step = steps.send(answer)
        except StopIteration:
            break
        answer = None
        if isinstance(step, Query):
            asked.append(step)
            answer = zone.get((step.type, step.name), [])
        else:
            targets.append(step)
    return targets, asked


@pytest.mark.parametrize(
    ("uri", "target"),
    [
        ("sip:a@192.0.2.5", Target("udp", "192.0.2.5", 5060, "192.0.2.5")),
        ("sip:a@192.0.2.5:5099;transport=TCP", Target("tcp", "192.0.2.5", 5099, "192.0.2.5")),
        ("sips:a@192.0.2.5", Target("tls", "192.0.2.5", 5061, "192.0.2.5")),
        ("sips:a@192.0.2.5;transport=tcp", Target("tls", "192.0.2.5", 5061, "192.0.2.5")),
        ("sip:a@[2001:db8::5]", Target("udp", "2001:db8::5", 5060, "2001:db8::5")),
        ("sip:a@example.com;maddr=192.0.2.6", Target("udp", "192.0.2.6", 5060, "192.0.2.6")),
    ],
)
def test_addresses_need_no_question(uri: str, target: Target) -> None:
    assert run(uri) == ([target], [])


def test_a_port_means_addresses_only() -> None:
    targets, asked = run("sip:plain.example:5090")
    assert targets == [
        Target("udp", "192.0.2.9", 5090, "plain.example"),
        Target("udp", "192.0.2.10", 5090, "plain.example"),
    ]
    assert asked == [Query("A", "plain.example"), Query("AAAA", "plain.example")]


def test_naptr_then_srv_then_addresses_in_the_domains_order() -> None:
    targets, _ = run("sip:example.com")
    assert [(t.transport, t.address, t.port) for t in targets] == [
        ("tls", "192.0.2.1", 5071),
        ("tls", "2001:db8::1", 5071),
        ("tcp", "192.0.2.1", 5070),
        ("tcp", "2001:db8::1", 5070),
        ("udp", "192.0.2.1", 5070),
        ("udp", "2001:db8::1", 5070),
        ("udp", "192.0.2.2", 5080),
    ]
    assert {target.name for target in targets} == {"example.com"}


def test_only_transports_we_have() -> None:
    targets, asked = run("sip:example.com", transports=("udp",))
    assert {target.transport for target in targets} == {"udp"}
    assert Query("SRV", "_sips._tcp.example.com") not in asked
    assert run("sips:example.com", transports=("udp", "tcp")) == ([], [])
    assert {target.transport for target in run("sips:example.com")[0]} == {"tls"}
    assert run("sip:example.com;transport=sctp") == ([], [])


def test_a_transport_parameter_skips_naptr() -> None:
    targets, asked = run("sip:example.com;transport=udp")
    assert asked[0] == Query("SRV", "_sip._udp.example.com")
    assert [target.port for target in targets] == [5070, 5070, 5080]


def test_without_srv_the_name_itself_is_tried() -> None:
    targets, asked = run("sip:plain.example")
    assert [(t.transport, t.address, t.port) for t in targets] == [
        ("udp", "192.0.2.9", 5060),
        ("udp", "192.0.2.10", 5060),
    ]
    assert [query.type for query in asked] == ["NAPTR", "SRV", "SRV", "SRV", "A", "AAAA"]


def test_without_naptr_the_surest_transport_with_srv_comes_first() -> None:
    records = dict(ZONE)
    del records["NAPTR", "example.com"]
    targets, asked = run("sip:example.com", records)
    services = [query.name for query in asked if query.type == "SRV"]
    assert services == [f"{service}.example.com" for service in ("_sips._tcp", "_sip._tcp", "_sip._udp")]
    assert [target.transport for target in targets][:1] == ["tls"]
    assert {target.transport for target in targets} == {"tls", "tcp", "udp"}


def test_a_root_target_says_there_is_no_service() -> None:
    assert run("sip:nothing.example;transport=udp")[0] == []


def test_a_numeric_srv_target_is_taken() -> None:
    assert run("sip:numeric.example;transport=udp")[0] == [Target("udp", "192.0.2.77", 5099, "numeric.example")]


def test_names_are_looked_up_only_when_their_turn_comes() -> None:
    targets, asked = run("sip:example.com;transport=udp", count=1)
    assert targets == [Target("udp", "192.0.2.1", 5070, "example.com")]
    assert asked == [Query("SRV", "_sip._udp.example.com"), Query("A", "a.example.com")]


def test_nothing_resolves_to_nothing() -> None:
    assert run("sip:unknown.example", {})[0] == []


def test_srv_weights_share_the_load() -> None:
    records = [Srv(1, 10, 1, "ten"), Srv(1, 30, 1, "thirty"), Srv(1, 60, 1, "sixty"), Srv(0, 0, 1, "first")]
    rng = random.Random(5)
    firsts: Counter[str] = Counter()
    for _ in range(6000):
        order = [record.target for record in order_srv(records, rng)]
        assert order[0] == "first"
        assert sorted(order[1:]) == ["sixty", "ten", "thirty"]
        firsts[order[1]] += 1
    assert abs(firsts["ten"] / 6000 - 0.10) < 0.02
    assert abs(firsts["thirty"] / 6000 - 0.30) < 0.03
    assert abs(firsts["sixty"] / 6000 - 0.60) < 0.03


def test_a_zero_weight_is_chosen_rarely() -> None:
    records = [Srv(1, 99, 1, "heavy"), Srv(1, 0, 1, "zero")]
    rng = random.Random(5)
    zeros = sum(order_srv(records, rng)[0].target == "zero" for _ in range(5000))
    assert 0 < zeros < 150
