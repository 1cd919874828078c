"""Tie lines (E&M) between two spans on one cable: immediate, wink, and feature group D."""

from __future__ import annotations

import pytest

from support import audio
from support.line_story import Office

CHANNELS = """
[channels]
signalling = {signalling}
context = far
group = 1
channel => 5-6
signalling = {signalling}
context = far
group = 2
{more}
channel => 7-8
signalling = fxo_ks
echocancel = no
context = phones
callerid = Alice <101>
group = 3
channel => 1-2
"""
PLAN = """
[phones]
exten => _9X.,1,Dial(DAHDI/g1/${EXTEN:1},30)
[far]
exten => 55,1,Set(GLOBAL(WHO)=${CALLERID(num)})
 same => n,Dial(DAHDI/2,30)
"""


@pytest.mark.parametrize(("signalling", "more"), [("em", ""), ("em_w", ""), ("featd", ""), ("em", "pulsedial = yes")])
async def test_a_call_over_a_tie_line(office: Office, signalling: str, more: str) -> None:
    """Seizure, digits, answer, sound both ways, release."""
    office.system.add_span(dict.fromkeys(range(1, 5), "fxo_ks"))
    office.system.add_span({5: "em", 6: "em"})
    office.system.add_span({7: "em", 8: "em"})
    office.system.cable(2, 3)
    await office.begin(CHANNELS.format(signalling=signalling, more=more), PLAN)
    alice, bob = office.phone(1), office.phone(2)
    alice.off_hook()
    await office.advance(0.5)
    alice.dial("955")
    await office.until(lambda: bob.ringing, 15)
    assert office.pbx.globals.get("WHO") == ("101" if signalling == "featd" else "")
    bob.off_hook()
    await office.advance(0.5)
    said, answered = audio.chirps(3, seed=8), audio.chirps(3, seed=9)
    alice.forget()
    bob.forget()
    alice.say(said)
    bob.say(answered)
    await office.advance(4)
    assert audio.correlation(said, list(bob.heard), 0.8)[0] > 0.95
    assert audio.correlation(answered, list(alice.heard), 0.8)[0] > 0.95
    bob.on_hook()
    await office.until(lambda: not len(office.pbx.channels), 5)
    assert alice.battery_drops == 1
