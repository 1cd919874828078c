"""What a trunk may be used for, how long it waits, and what it hears of silence and of the network."""

from __future__ import annotations

import random
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.config.parser import loads
from offhook.drivers.sip.cloud.backoff import HOPELESS_S, NO_WAY_S, REFUSED_S, Backoff
from offhook.drivers.sip.cloud.limits import Limits, Meter
from offhook.drivers.sip.cloud.netlink import Change, parse
from offhook.drivers.sip.cloud.settings import read_trunks
from offhook.drivers.sip.cloud.silence import Silence

TODAY, TOMORROW = "2026-11-28", "2026-11-29"


# ---- limits -----------------------------------------------------------------------------------------


def test_calls_at_once() -> None:
    meter = Meter(Limits(calls=2))
    for call in ("a", "b"):
        assert meter.why_not("100", TODAY, 0) == ""
        meter.begun(call, "100", 0, outgoing=True)
    assert meter.why_not("100", TODAY, 0) == "2 calls go on already"
    meter.ended("a", TODAY, 5)
    assert meter.why_not("100", TODAY, 5) == ""
    assert meter.refused == 1


def test_calls_a_minute() -> None:
    meter = Meter(Limits(a_minute=3))
    for second in (0, 10, 20):
        assert meter.why_not("1", TODAY, second) == ""
        meter.begun(second, "1", second, outgoing=True)
        meter.ended(second, TODAY, second + 1)
    assert meter.why_not("1", TODAY, 59) == "3 calls were begun within a minute"
    assert meter.why_not("1", TODAY, 60) == ""
    meter.begun("in", "", 60, outgoing=False)  # calls from outside do not count
    assert meter.why_not("1", TODAY, 60) == ""


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("+4930123", ""),
        ("+41441234567", ""),
        ("+49900123", "calls to +49900123 are denied"),
        ("+15551234", "calls to +15551234 are not among those allowed"),
        ("", "calls to  are not among those allowed"),
    ],
)
def test_destinations(number: str, reason: str) -> None:
    assert Meter(Limits(allowed=("+49*", "+41*"), denied=("+49900*",))).why_not(number, TODAY, 0) == reason


def test_spending_counts_begun_minutes_and_the_longest_prefix() -> None:
    meter = Meter(Limits(prices={"+49": 0.02, "+4915": 0.10}, spend=0.25))
    meter.begun("a", "+4915123", 0, outgoing=True)
    meter.answered("a", 10)
    assert meter.cost(11) == pytest.approx(0.10)
    assert meter.cost(71) == pytest.approx(0.20)
    assert meter.ended("a", TODAY, 71) == pytest.approx(0.20)
    meter.begun("b", "+4930", 100, outgoing=True)
    assert meter.ended("b", TODAY, 130) == 0  # never answered
    meter.spent = 0.25
    assert meter.why_not("+4930", TODAY, 200) == "0.25 were spent today, the limit is 0.25"
    assert meter.why_not("+1", TODAY, 200) == ""  # costs nothing
    assert meter.why_not("+4930", TOMORROW, 200) == ""


def test_a_call_that_reaches_the_limit_is_ended() -> None:
    meter = Meter(Limits(prices={"+49": 0.10}, spend=0.25), TODAY)
    meter.begun("a", "+4930", 0, outgoing=True)
    meter.answered("a", 0)
    meter.begun("free", "100", 0, outgoing=True)
    meter.answered("free", 0)
    assert meter.overspent(119) == []
    assert meter.overspent(121) == ["a"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["begin", "answer", "end"]), st.integers(0, 90))))
def test_what_is_spent_never_falls_within_a_day(steps: list[tuple[str, str, int]]) -> None:
    meter, now, last = Meter(Limits(prices={"+": 0.05}), TODAY), 0, 0.0
    for call, what, passed in steps:
        now += passed
        if what == "begin":
            meter.ended(call, TODAY, now)
            meter.begun(call, "+1", now, outgoing=True)
        elif what == "answer":
            if meter._running.get(call, ("", 1))[1] is None:
                meter.answered(call, now)
        else:
            meter.ended(call, TODAY, now)
        assert meter.cost(now) >= last - 1e-9
        last = meter.cost(now)


# ---- back-off ---------------------------------------------------------------------------------------


def test_waits_grow_up_to_a_limit_and_begin_anew() -> None:
    backoff, waits = Backoff(random.Random(1)), []
    for _ in range(12):
        waits.append(backoff.after(503, 0))
    assert all(0.25 * 2**n <= wait <= 0.5 * 2**n for n, wait in enumerate(waits[:7]))
    assert all(REFUSED_S / 2 <= wait <= REFUSED_S for wait in waits[8:])
    backoff.succeeded()
    assert backoff.after(503, 0) <= 0.5


@given(st.integers(0, 600), st.integers(0, 40))
def test_while_nothing_gets_through_attempts_stay_close(age: int, failures: int) -> None:
    backoff = Backoff()
    backoff.after(0, 0)
    for _ in range(failures):
        backoff.after(0, age)
    assert backoff.after(0, age) <= NO_WAY_S


def test_a_wrong_password_is_not_tried_every_second() -> None:
    assert Backoff().after(403, 0) >= HOPELESS_S / 2


def test_two_boxes_do_not_come_at_once() -> None:
    assert len({round(Backoff().after(503, 0), 6) for _ in range(50)}) > 40


# ---- silence ----------------------------------------------------------------------------------------


def test_the_silent_side_is_named_once() -> None:
    watch = Silence(5, 0)
    assert watch.look(50, 50, 1) == ""
    assert watch.look(50, 250, 5) == ""
    assert watch.look(50, 300, 6) == "no audio from the cloud"
    assert watch.look(50, 350, 7) == ""
    assert watch.look(60, 400, 8) == "audio both ways again"
    assert watch.look(60, 400, 14) == "no audio from the cloud and from our side"


def test_hold_is_no_silence_and_a_line_is_never_silent() -> None:
    watch = Silence(5, 0)
    assert watch.look(50, 50, 10, held=True) == ""
    assert watch.look(50, 50, 14) == ""
    line = Silence(5, 0)
    assert line.look(0, None, 5) == "no audio from the cloud"
    assert line.look(1, None, 60) == "audio both ways again"


# ---- the network ------------------------------------------------------------------------------------


def _message(kind: int, body: bytes) -> bytes:
    data = struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body
    return data + bytes(-len(data) % 4)


def _attribute(kind: int, data: bytes) -> bytes:
    made = struct.pack("=HH", 4 + len(data), kind) + data
    return made + bytes(-len(made) % 4)


def test_the_kernel_is_understood() -> None:
    link = struct.pack("=BxHiII", 0, 1, 2, 0x1043, 0) + _attribute(3, b"eth0\0")
    down = struct.pack("=BxHiII", 0, 1, 2, 0x1003, 0) + _attribute(3, b"eth0\0")
    address = struct.pack("=BBBBI", 2, 24, 0, 0, 2) + _attribute(2, socket.inet_aton("192.0.2.7"))
    route = bytes((2, 0, 0, 0, 254, 3, 0, 1)) + bytes(4) + _attribute(5, socket.inet_aton("192.0.2.1"))
    local = bytes((2, 32, 0, 0, 255, 3, 0, 1)) + bytes(4) + _attribute(1, socket.inet_aton("192.0.2.7"))
    data = _message(16, link) + _message(16, down) + _message(20, address) + _message(24, route) + _message(24, local)
    assert list(parse(data)) == [
        Change("link", "eth0"),
        Change("link down", "eth0"),
        Change("address", "192.0.2.7"),
        Change("route", "default"),
    ]


@given(st.binary(max_size=200))
def test_any_bytes_are_taken(data: bytes) -> None:
    list(parse(data))
    list(parse(_message(20, data) + _message(16, data) + _message(24, data)))


# ---- trunk.conf -------------------------------------------------------------------------------------

GOOD = """
[cloud]
host = sip.example.com
username = box7
password = secret
prices = +49:0.02, +1:0.05
destinations = +49*, +41*
"""


def test_a_section_is_a_whole_trunk() -> None:
    errors: list[Exception] = []
    trunk = read_trunks(loads(GOOD, "trunk.conf"), errors)["cloud"]  # type: ignore[arg-type]
    assert errors == []
    made = {section.get("type"): section for section in trunk.sections()}
    assert set(made) == {"transport", "aor", "auth", "endpoint", "registration"}
    assert made["transport"].get("listen") == "no"
    assert made["transport"].get("verify_server") == "yes"
    assert made["registration"].get("server_uri") == "sip:sip.example.com;transport=tls"
    assert made["registration"].get("client_uri") == "sip:box7@sip.example.com;transport=tls"
    assert made["endpoint"].get("media_encryption") == "sdes"
    assert trunk.limits.prices == {"+49": 0.02, "+1": 0.05}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[x]\nusername = a\n", "trunk.conf:1: trunk [x] needs host"),
        ("[x]\nhost = a b\n", '"a b" is no host'),
        ("[x]\nhost = sip.example.com:99999\n", "is no host"),
        ("[x]\nhost = h\npassword = p\n", "has a password and no username"),
        ("[x]\nhost = h\n[x]\nhost = h\n", "there is a second trunk [x]"),
        ("[x]\nhost = h\nprices = +49=1\n", 'trunk.conf:3: prices: "+49=1" is no price'),
        ("[x]\nhost = h\ntransprt = tls\n", 'did you mean "transport"?'),
        ("[x]\nhost = h\nkeepalive = 1s\n", "trunk.conf:3: keepalive: 1s is too short"),
    ],
)
def test_what_is_wrong_is_told(text: str, sentence: str) -> None:
    errors: list[Exception] = []
    read_trunks(loads(text, "trunk.conf"), errors)  # type: ignore[arg-type]
    assert any(sentence in str(error) for error in errors), errors
