"""An exchange's lines on FXO ports: caller ID of each kind, answer, battery drop, calls out.

The spans carry hook and ringing as signalling bits, and sound; a reversal of the battery has no bit, so what polarity
tells is left to the simulator's stories.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

import pytest

from guest.dahdi_kernel import Event, Hook, Line, lines
from guest.exchange import Exchange
from guest.hearing import ALIKE, echoes, hear, heard_by, talk
from guest.telephone import RING_DEBOUNCE_S, telephones
from kernel_shims.simulator import sound

CHANNELS = """\
[line-bell]
signalling = fxs_ks
callerid = asreceived
context = lines
dahdichan = 91
[line-v23]
signalling = fxs_ks
callerid = asreceived
context = lines
cidsignalling = v23
dahdichan = 92
[line-dtmf]
signalling = fxs_ks
callerid = asreceived
context = lines
cidsignalling = dtmf
cidstart = dtmf
dahdichan = 93
[line-auto]
signalling = fxs_ks
callerid = asreceived
context = lines
cidsignalling = auto
dahdichan = 94
"""
PLAN = """\
[from-phones-lines]
exten => 91,1,Dial(DAHDI/94/5551234,20)
[lines]
exten => s,1,Set(GLOBAL(RANG)=${CALLERID(num)} ${CALLERID(name)})
 same => n,Answer()
 same => n,Echo()
"""
DIGIT_MS = 70
FSK_PAUSE = [0] * 4000
"""Half a second from the ring burst to the data (GR-30)."""


def say(line: Line, samples: Iterable[int], seconds: float) -> None:
    """The exchange says something to a line."""
    talk(seconds, (line, sound.encode(samples, "ulaw")))


def ring(line: Line, seconds: float = 2.3) -> None:
    """One burst of ringing."""
    line.hook(Hook.RING)
    talk(seconds, (line, b""))
    line.hook(Hook.RINGOFF)


def bell(line: Line) -> None:
    """Bell 202 after the first ring."""
    ring(line)
    say(line, FSK_PAUSE + sound.caller_id("5551234", "Erin"), 2.0)


def v23(line: Line) -> None:
    """V.23 after the first ring."""
    ring(line)
    say(line, FSK_PAUSE + sound.caller_id("5551234", "Erin", tones=sound.V_23), 2.0)


def early_dtmf(line: Line) -> None:
    """DTMF before the first ring, and nothing before that."""
    say(line, sound.dtmf("A5551234C", DIGIT_MS, DIGIT_MS), 1.8)
    ring(line)


def dtmf(line: Line) -> None:
    """DTMF after the first ring."""
    ring(line)
    say(line, FSK_PAUSE + sound.dtmf("A5551234C", DIGIT_MS, DIGIT_MS), 2.2)


@pytest.mark.parametrize(
    ("channel", "tell", "caller"),
    [
        (87, bell, "5551234 Erin"),
        (88, v23, "5551234 Erin"),
        (89, early_dtmf, "5551234 "),
        (90, bell, "5551234 Erin"),
        (90, v23, "5551234 Erin"),
        (90, dtmf, "5551234 "),
    ],
    ids=["bell", "v23", "dtmf before the ring", "auto hears bell", "auto hears v23", "auto hears dtmf"],
)
def test_a_call_comes_in_with_caller_id_and_battery_drop_ends_it(
    exchange: Exchange, channel: int, tell: object, caller: str
) -> None:
    assert callable(tell)
    with lines(channel) as (office,):
        time.sleep(RING_DEBOUNCE_S)
        tell(office)
        exchange.until_value("RANG", caller)
        office.hook(Hook.OFF)
        hear(office, 0.5)
        assert echoes(office) > ALIKE, exchange.told()
        office.hook(Hook.ON)
        began = time.monotonic()
        exchange.until_calls(0)
        assert time.monotonic() - began < 1.0
        exchange.desk.action("Setvar", Variable="RANG", Value="")


def test_a_phone_calls_out_on_a_line(exchange: Exchange) -> None:
    with telephones(5) as (alice,), lines(90) as (office,):
        time.sleep(RING_DEBOUNCE_S)
        alice.lift()
        alice.press("91")
        office.expect(Event.RINGOFFHOOK, 8)
        office.hook(Hook.OFF)
        digits, listener = "", sound.DigitListener()
        for _ in range(10):
            digits += listener.hear(hear(office, 0.3))
        assert digits == "5551234", exchange.told()
        assert heard_by(alice, office)[0] > ALIKE, exchange.told()
        assert heard_by(office, alice)[0] > ALIKE, exchange.told()
        alice.hang_up()
        exchange.until_calls(0)
