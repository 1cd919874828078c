"""The sound of lines: compression, tone zones, ringing of a phone without dialling; and what the bench measures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from offhook.media.tones import ToneZone
from support import audio
from support.line_story import Office

TOP = Path(__file__).resolve().parents[3]
PHONES = """
[channels]
signalling = fxo_ks
echocancel = no
context = phones
{extra}
channel => 1
rxdrc = 0
txdrc = 0
tonezone = -1
immediate = no
channel => 2
"""
PLAN = """
[phones]
exten => 102,1,Dial(DAHDI/2,30)
exten => s,1,Wait(30)
"""


def loudness(samples: list[int]) -> float:
    """Mean magnitude of what is not silence."""
    heard = [abs(one) for one in samples if abs(one) > 8]
    return sum(heard) / max(1, len(heard))


@pytest.mark.parametrize(("extra", "times"), [("rxdrc = 0", 1.0), ("rxdrc = 4", 4.0)])
async def test_what_is_quiet_becomes_louder(office: Office, extra: str, times: float) -> None:
    """rxdrc: of what a phone says."""
    await office.start(PHONES.format(extra=extra), PLAN)
    alice, bob = office.phone(1), office.phone(2)
    await office.dial(alice, "102")
    await office.until(lambda: bob.ringing, 5)
    bob.off_hook()
    await office.advance(0.5)
    said = [one // 16 for one in audio.chirps(2, seed=3)]
    bob.forget()
    alice.say(said)
    await office.advance(2.5)
    assert loudness(list(bob.heard)) / loudness(said) == pytest.approx(times, rel=0.15)
    for phone in (alice, bob):
        phone.on_hook()
    await office.advance(0.5)


async def test_a_phone_hears_the_tones_of_its_country(office: Office) -> None:
    """tonezone, by the numbers of dahdi-tools: 29 is Germany."""
    lines = await office.start(PHONES.format(extra="tonezone = 29"), PLAN)
    office.pbx.zones["de"] = ToneZone("de", "Germany", (1000, 4000), {"dial": "425"})
    ours, others = lines.ports[1].tone("dial"), lines.ports[2].tone("dial")
    assert ours == office.pbx.zone_tone("de", "dial") and others == office.pbx.zone_tone("us", "dial")


@pytest.mark.parametrize("rings", [True, False])
async def test_a_phone_that_does_not_dial_hears_ringing(office: Office, rings: bool) -> None:
    """immediate = yes: extension s at once, with immediatering until somebody answers."""
    await office.start(PHONES.format(extra=f"immediate = yes\nimmediatering = {'yes' if rings else 'no'}"), PLAN)
    alice = office.phone(1)
    alice.off_hook()
    await office.advance(1)
    assert ("tone" in office.channel("DAHDI/1-").data) is rings
    alice.on_hook()
    await office.advance(0.5)


def test_the_bench_of_lines_measures() -> None:
    """Its short form; no figure fails it."""
    done = subprocess.run(
        [sys.executable, str(TOP / "tests/bench/lines.py"), "--short", "--only", "channels"],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "120 channels: 122 lines" in done.stdout
