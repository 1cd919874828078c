"""A span of telephones is pulled out in the middle of everything, and comes back."""

from __future__ import annotations

import re
import time
import wave
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from guest.cables import plug, unplug
from guest.dahdi_kernel import Event, Hook
from guest.exchange import Exchange
from guest.hearing import hear, hears
from guest.telephone import Telephone, telephones
from support.manager import ManagerClient

PLAN = """\
[from-phones-pulled-out]
exten => 71,1,Answer()
 same => n,MixMonitor(/tmp/pulled.wav)
 same => n,Echo()
exten => 72,1,Answer()
 same => n,Record(/tmp/pulled-too.wav,0,60,k)
exten => 73,1,Answer()
 same => n,Read(DIGITS,,5,,,30)
"""
DEVICE = "/dev/dahdi/channel"


def opened(exchange: Exchange) -> Counter[str]:
    """What the daemon has open, and how often."""
    return Counter(re.sub(r"\[\d+\]", "", name) for name in exchange.descriptors())


@contextmanager
def pulled_out(exchange: Exchange, phones: Sequence[Telephone], calls: Sequence[str]) -> Iterator[None]:
    """When the telephones of span 1 have these calls it is pulled out, and then comes back with its channels."""
    listener = ManagerClient("127.0.0.1", exchange.manager_port, "tester", "tested", events="call")
    exchange.until_calls(0)
    before = opened(exchange)
    yield
    exchange.until_calls(len(calls))
    device = unplug(1)
    exchange.until_calls(0, 1.0)
    after = opened(exchange)
    assert before - after == Counter({DEVICE: 4}), "every descriptor of the span is closed at once, and no other"
    assert not after - before, "nothing of the calls is left open"
    ended = [listener.wait_for("Hangup") for _ in calls]
    assert sorted(told["Channel"].partition("-")[0] for told in ended) == sorted(calls)
    assert {(told["Cause"], told["Cause-txt"]) for told in ended} == {("27", "Destination out of order")}, ended
    for phone in phones:
        phone.hook(Hook.ON)
    (device / "assign_span").write_text("1:1:1")
    plug("fxoks=1-4\n", "again")
    time.sleep(2.0)
    assert opened(exchange) == before, exchange.told()
    listener.close()


def test_a_span_is_pulled_out_whatever_its_telephones_do_and_comes_back_twice(exchange: Exchange) -> None:
    """dahdi_cfg sets its channels up again."""
    with telephones(5, 6, 7, 8) as phones:
        alice, bob, carol, dora = phones
        with pulled_out(exchange, phones, ["DAHDI/1", "DAHDI/1", "DAHDI/2", "DAHDI/3", "DAHDI/4"]):
            alice.lift()
            alice.press("102")
            bob.answer()
            alice.flash()
            alice.press("600")
            alice.flash()
            carol.lift()
            carol.press("10")
            exchange.desk.action("Originate", Channel="DAHDI/4", Application="Wait", Data="9", Async="true")
            dora.expect(Event.RINGBEGIN)
        with pulled_out(exchange, phones, ["DAHDI/1", "DAHDI/2", "DAHDI/3"]):
            for phone, number in ((alice, "71"), (bob, "72"), (carol, "73")):
                phone.lift()
                phone.press(number)
            hear(alice, 1.0)
        for name in ("pulled", "pulled-too"):
            with wave.open(f"/tmp/{name}.wav") as recording:
                assert recording.getnframes() > 4000, f"{name}: {recording.getparams()}"
        assert hears(alice.lift(), 350, 440), exchange.told()
        alice.hang_up()
