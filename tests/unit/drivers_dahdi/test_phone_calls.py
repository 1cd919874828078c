"""Phones on FXS ports: dial tone, digits, calls to each other and to the dialplan."""

from __future__ import annotations

from support import audio
from support.line_story import Office

PHONES = """
[channels]
signalling = fxo_ks
echocancel = no
context = phones
threewaycalling = yes
transfer = yes
callwaiting = yes
callerid = Alice <101>
channel => 1
callerid = Bob <102>
channel => 2-4
"""
PLAN = """
[phones]
exten => 102,1,Dial(DAHDI/2,30)
exten => 103,1,Dial(DAHDI/3,30)
exten => 600,1,Answer()
 same => n,Wait(30)
exten => 6001,1,Answer()
 same => n,Wait(30)
exten => 700,1,Hangup()
exten => 800,1,Dial(Local/102@phones)
"""


async def test_a_phone_dials_another_through_a_local_channel_and_both_hear_each_other(office: Office) -> None:
    """Dial tone, digits, ringing, answer, sound both ways, hangup."""
    await office.start(PHONES, PLAN)
    alice, bob = office.phone(1), office.phone(2)
    alice.off_hook()
    await office.advance(1)
    assert alice.hears(350, 440)
    alice.dial("800")
    await office.advance(0.2)
    assert not alice.hears(350, 440)
    await office.until(lambda: bob.ringing)
    await office.advance(1)
    assert alice.hears(440, 480)
    bob.off_hook()
    await office.advance(0.5)
    assert not bob.ringing
    said, answered = audio.chirps(4, seed=1), audio.chirps(4, seed=2)
    alice.forget()
    bob.forget()
    alice.say(said)
    bob.say(answered)
    await office.advance(5)
    assert audio.correlation(said, list(bob.heard), 0.5)[0] > 0.95
    assert audio.correlation(answered, list(alice.heard), 0.5)[0] > 0.95
    bob.on_hook()
    await office.advance(1)
    assert alice.hears(480, 620) or alice.hears_silence(100)
    assert alice.battery_drops == 1
    assert not len(office.pbx.channels)
    alice.on_hook()
    await office.advance(0.1)


async def test_an_echo_at_the_phone_does_not_come_back(office: Office) -> None:
    """A handset whose hybrid returns a third of what it hears: the other one hears itself no more after a while."""
    await office.start(PHONES.replace("echocancel = no", "echocancel = yes"), PLAN)
    alice, bob = office.phone(1), office.phone(2)
    bob.echo = 0.3
    await office.dial(alice, "102")
    await office.until(lambda: bob.ringing)
    bob.off_hook()
    await office.advance(0.5)
    said = audio.chirps(10, seed=7)
    alice.say(said)
    await office.advance(8)
    alice.forget()
    await office.advance(2)
    assert audio.rms(list(alice.heard)) < 0.1 * 0.3 * audio.rms(said)
    state = office.pbx.parts["dahdi"].ports[2].leg.echo_state()
    assert abs(state.return_loss_db - 10.5) < 3
    told = dict(office.act("DAHDIShowChannels", DAHDIChannel="2").events[0][1])
    assert told["EchoState"] == state.state
    assert told["EchoReturnLoss"] == f"{state.return_loss_db:.1f}"
    assert told["EchoReturnLossEnhancement"] == f"{state.enhancement_db:.1f}"


async def test_a_dialplan_leaves_a_calls_echo_as_it_is(office: Office) -> None:
    """CHANNEL(echocan_mode), for the present call alone."""
    await office.start(PHONES.replace("echocancel = no", "echocancel = yes"), PLAN)
    for mode, wanted in (("off", "off"), ("fax", ""), ("off", "off"), ("voice", ""), ("what", "")):
        office.phone(1).off_hook()
        await office.advance(0.5)
        channel = office.channel("DAHDI/1")
        assert channel.tech_set_function("echocan_mode", mode)
        await office.advance(0.1)
        assert (channel.tech_function("echocan_mode") == "off") == (wanted == "off")
        office.phone(1).on_hook()
        await office.advance(2)
