"""SS7: two spans on one cable, a linkset at each end, libss7 on both."""

from __future__ import annotations

import pytest

from offhook.calls import causes
from offhook.calls.channel import State
from support import audio
from support.line_story import Office
from support.ss7_story import start


@pytest.mark.parametrize("variant", ["itu", "ansi"])
async def test_a_phone_calls_through_the_trunk_and_both_hear_each_other(office: Office, variant: str) -> None:
    """Number arrives; ringing, answer, sound, clearing."""
    trunk = await start(office, variant)
    alice, bob = office.phone(1), office.phone(2)
    alice.off_hook()
    await office.advance(0.5)
    alice.dial("25553")
    await office.until(lambda: bob.ringing, 10)
    incoming = next(circuit.channel for circuit in trunk.one.circuits if circuit.channel is not None)
    assert incoming.caller.id.number.text == "101" and incoming.exten == "5553"
    bob.off_hook()
    await office.until(lambda: any(c.channel is not None and c.channel.state is State.UP for c in trunk.two.circuits))
    said, answered = audio.chirps(3, seed=5), audio.chirps(3, seed=6)
    await office.advance(0.5)
    alice.forget()
    bob.forget()
    alice.say(said)
    bob.say(answered)
    await office.advance(4)
    assert audio.correlation(said, list(bob.heard), 0.8)[0] > 0.95
    assert audio.correlation(answered, list(alice.heard), 0.8)[0] > 0.95
    bob.on_hook()
    await office.until(lambda: not len(office.pbx.channels) and trunk.idle(), 5)


@pytest.mark.parametrize("group", [1, 2])
async def test_causes_pass_through(office: Office, group: int) -> None:
    """Busy, and no such number, both ways."""
    trunk = await start(office)
    for number, cause in (("5552", causes.USER_BUSY), ("999", causes.UNALLOCATED)):
        channel = trunk.lines.request(f"g{group}/{number}", None, ("", ""))
        channel.tech_call("")
        await office.until(lambda channel=channel: channel.hungup, 10)  # type: ignore[misc]
        assert channel.hangup_cause == cause
    await office.until(trunk.idle, 5)
