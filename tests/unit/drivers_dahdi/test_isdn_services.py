"""Supplementary services of ISDN between two spans: call waiting, hold, transfer, subaddresses, reports, texts."""

from __future__ import annotations

from typing import Any

import pytest

from kernel_shims.line import Happening
from offhook.calls import causes
from offhook.calls.channel import State
from offhook.calls.frames import Condition, Control, Text
from offhook.calls.line_events import MaliciousCall
from offhook.drivers.dahdi.channel import DahdiChannel
from support.isdn_story import start, start_bri
from support.line_story import Office

PLAN = """
[phones]
exten => _2X.,1,Dial(DAHDI/g2/${EXTEN:1},30)
exten => _1X.,1,Dial(DAHDI/g1/${EXTEN:1},30)
[from-user]
exten => 5551,1,Answer()
 same => n,Wait(60)
exten => 5553,1,Dial(DAHDI/2,30)
exten => 5554,1,Ringing()
 same => n,Wait(60)
exten => 5556,1,Set(GLOBAL(SEEN)=${CALLERID(subaddr)} ${CALLERID(dnid-subaddr)} ${CALLINGSUBADDR} ${CALLEDSUBADDR})
 same => n,Set(GLOBAL(MORE)=${USERUSERINFO} ${CHANNEL(keypad_digits)} ${CHANNEL(reversecharge)} ${CALLEDTON})
 same => n,Set(GLOBAL(KIND)=${CHANNEL(transfercapability)} ${CHANNEL(no_media_path)} ${CHANNEL(dahdi_type)})
 same => n,Set(USERUSERINFO=bye)
 same => n,Hangup(17)
[from-network]
exten => _7X.,1,Answer()
 same => n,Wait(60)
"""


async def call(office: Office, dial: str) -> DahdiChannel:
    """Call a number on a span; not waited for."""
    channel = office.pbx.parts["dahdi"].request(dial, None, ("", ""))
    channel.tech_call("")
    await office.advance(0.2)
    return channel  # type: ignore[no-any-return]


def heard_by(channel: DahdiChannel) -> list[Any]:
    """What reaches a channel from now on."""
    found: list[Any] = []
    channel.consumer = found.append
    return found


async def end(office: Office, *channels: DahdiChannel) -> None:
    """Hang up; nothing is left."""
    for channel in channels:
        channel.hangup()
    await office.until(lambda: not len(office.pbx.channels), 5)
    await office.advance(0.3)
    assert all(not span.calls for span in office.pbx.parts["dahdi"].isdn)


# ---- calls without a B channel ---------------------------------------------------------------------------------


async def test_a_call_waits_for_a_channel_and_takes_one_when_it_is_answered(office: Office) -> None:
    """Both B channels of a BRI are busy; the third call rings without one (Q.931 5.2.3), and gets the first free."""
    lines = await start_bri(office, "max_call_waiting_calls = 1", "allow_call_waiting_calls = yes", plan=PLAN)
    talking = [await call(office, "g1/720"), await call(office, "g1/721")]
    await office.until(lambda: all(channel.state is State.UP for channel in talking), 5)
    assert office.pbx.devices.state("DAHDI/I3/congestion") == "BUSY"
    office.dialplan(PLAN.replace("_7X.,1,Answer()", "_7X.,1,Ringing()"))
    third = await call(office, "g1/722")
    await office.until(lambda: third.state is State.RINGING, 5)
    assert third.port is not None and third.port.channel_item(third, "no_media_path") == "1"
    shown = await office.cli("pri show channels")
    assert any(line.split()[:5] == ["3", "0", "No", "No", "Alerting"] for line in shown)
    with pytest.raises(Exception, match="no channel is free"):
        lines.request("g1/723", None, ("", ""))
    theirs = next(channel for channel in office.pbx.channels if channel.dialed.number == "722")
    talking[0].hangup()
    await office.advance(0.5)
    with pytest.raises(Exception, match="no channel is free"):  # it is the waiting call's
        lines.request("g1/723", None, ("", ""))
    theirs.answer()
    await office.until(lambda: third.state is State.UP, 5)
    await office.advance(0.3)
    assert third.port.channel_item(third, "no_media_path") == "0"
    assert third.port.leg is not None and theirs.port.leg is not None  # type: ignore[attr-defined]
    await end(office, *talking, third)


async def test_a_waiting_call_that_finds_no_channel_ends(office: Office) -> None:
    """Answered while both channels are still in use: cause 34."""
    await start_bri(office, "max_call_waiting_calls = 1", "allow_call_waiting_calls = yes", plan=PLAN)
    talking = [await call(office, "g1/720"), await call(office, "g1/721")]
    third = await call(office, "g1/722")
    await office.until(lambda: third.hungup, 5)
    assert third.hangup_cause == causes.NORMAL_CIRCUIT_CONGESTION
    await end(office, *talking)


async def test_calls_that_wait_are_refused_unless_they_are_allowed(office: Office) -> None:
    """The user's side says no (allow_call_waiting_calls)."""
    await start_bri(office, "max_call_waiting_calls = 1", plan=PLAN)
    talking = [await call(office, "g1/720"), await call(office, "g1/721")]
    third = await call(office, "g1/722")
    await office.until(lambda: third.hungup, 5)
    assert third.hangup_cause == causes.NORMAL_CIRCUIT_CONGESTION
    await end(office, *talking)


@pytest.mark.parametrize("holder", ["network", "user"])
async def test_a_call_on_hold_gives_its_channel_up_and_gets_another(office: Office, holder: str) -> None:
    """HOLD, RETRIEVE (moh_signaling = hold): meanwhile two more calls use both channels."""
    await start_bri(office, "moh_signaling = hold", "moh_signaling = hold", plan=PLAN)
    mine = await call(office, "g1/720" if holder == "network" else "g2/5551")
    await office.until(lambda: mine.state is State.UP, 5)
    theirs = next(channel for channel in office.pbx.channels if channel is not mine)
    assert isinstance(theirs, DahdiChannel)
    mine.indicate(Condition.HOLD)
    await office.until(lambda: theirs.data.get("held") is True, 5)
    await office.advance(0.3)
    assert [no_sound(channel) for channel in (mine, theirs)] == ["1", "1"]
    others = [await call(office, "g1/721"), await call(office, "g1/722")]
    await office.until(lambda: all(channel.state is State.UP for channel in others), 5)
    others[1].hangup()
    await office.advance(0.5)
    mine.indicate(Condition.UNHOLD)
    await office.until(lambda: "held" not in theirs.data, 5)
    await office.advance(0.3)
    assert [no_sound(channel) for channel in (mine, theirs)] == ["0", "0"]
    assert mine.port.leg is not None and theirs.port.leg is not None  # type: ignore[union-attr]
    await end(office, mine, others[0])


def no_sound(channel: DahdiChannel) -> str | None:
    """CHANNEL(no_media_path)."""
    return channel.tech_function("no_media_path")


async def test_who_changes_its_mind_about_hold_ends_where_it_wanted(office: Office) -> None:
    """Hold and back at once, and again on hold before the first answer came."""
    await start_bri(office, "moh_signaling = hold", plan=PLAN)
    mine = await call(office, "g1/720")
    await office.until(lambda: mine.state is State.UP, 5)
    for condition in (Condition.HOLD, Condition.UNHOLD):
        mine.indicate(condition)
    await office.advance(1)
    assert no_sound(mine) == "0"
    for condition in (Condition.HOLD, Condition.UNHOLD, Condition.HOLD):
        mine.indicate(condition)
    await office.advance(1)
    assert no_sound(mine) == "1"
    await end(office, mine)


async def test_hold_that_is_not_known_is_music(office: Office) -> None:
    """On a primary rate there is no HOLD; NOTIFY goes with music."""
    await start(office, "moh_signaling = notify", plan=PLAN)
    mine = await call(office, "g1/720")
    await office.until(lambda: mine.state is State.UP, 5)
    theirs = next(channel for channel in office.pbx.channels if channel is not mine)
    mine.indicate(Condition.HOLD)
    await office.until(lambda: theirs.data.get("held") is True, 5)
    mine.indicate(Condition.UNHOLD)
    await office.until(lambda: "held" not in theirs.data, 5)
    await end(office, mine)


async def test_the_far_ends_hold_is_not_told_where_that_is_unwanted(office: Office) -> None:
    """discardremoteholdretrieval: of NOTIFY nobody hears."""
    await start(office, "moh_signaling = notify", "discardremoteholdretrieval = yes", plan=PLAN)
    mine = await call(office, "g1/720")
    await office.until(lambda: mine.state is State.UP, 5)
    theirs = next(channel for channel in office.pbx.channels if channel is not mine)
    mine.indicate(Condition.HOLD)
    await office.advance(0.5)
    assert "held" not in theirs.data
    await end(office, mine)


@pytest.mark.parametrize("presence", ["required", "ignore"])
async def test_a_basic_rate_that_the_network_puts_to_sleep(office: Office, presence: str) -> None:
    """layer1_presence: to several devices layer 1 is down between calls; where that is ignored they can be made."""
    lines = await start_bri(office, "", f"layer1_presence = {presence}", plan=PLAN, multipoint=True)
    await office.advance(1)
    for number in (12, 13):
        office.system.ports[number].happen(Happening.ALARM)
    await office.advance(0.1)
    if presence == "required":
        assert lines.isdn.spans[4].congestion == "UNAVAILABLE"
        with pytest.raises(Exception, match="no channel is free"):
            lines.request("g2/5551", None, ("", ""))
    else:
        mine = await call(office, "g2/5551")
        await office.until(lambda: mine.state is State.UP, 10)
        await end(office, mine)


async def test_hanging_up_on_two_calls_joins_them(office: Office) -> None:
    """hold_disconnect_transfer: an ISDN telephone holds one call, makes another, and hangs up."""
    await start_bri(office, "hold_disconnect_transfer = yes", "moh_signaling = hold", plan=PLAN)
    alice, bob = office.phone(1), office.phone(2)
    alice.off_hook()
    await office.advance(0.5)
    alice.dial("1720")  # the telephone behind the user's side answers
    await office.until(lambda: len(office.pbx.bridges) == 1, 10)
    held = next(channel for channel in office.pbx.channels if channel.name.startswith("DAHDI/i4/"))
    held.indicate(Condition.HOLD)
    await office.advance(0.5)
    second = await call(office, "g2/5553")
    await office.until(lambda: bob.ringing, 5)
    bob.off_hook()
    await office.until(lambda: len(office.pbx.bridges) == 2, 5)
    second.hangup()
    await office.until(lambda: len(office.pbx.bridges) == 1 and len(office.pbx.channels) == 2, 5)
    (bridge,) = office.pbx.bridges
    assert {channel.name.partition("-")[0] for channel in bridge} == {"DAHDI/1", "DAHDI/2"}
    for phone in (alice, bob):
        phone.on_hook()
    await office.advance(0.5)


# ---- what comes with a call ------------------------------------------------------------------------------------


async def test_subaddresses_keypad_and_user_user_information(office: Office) -> None:
    """All that SETUP may carry is there; and the user's last word comes with the end."""
    await start(office, plan=PLAN)
    lines = office.pbx.parts["dahdi"]
    channel = lines.request("g2/5556:1234/K(*99#)R", None, ("", ""))
    items = ("dahdi_type", "reversecharge", "keypad_digits", "no_media_path")
    assert [channel.tech_function(item) for item in items] == ["pri", "-1", "", "0"]
    channel.set("USERUSERINFO", "hello")
    party = channel.connected.id
    party.number = party.number._replace(valid=True, text="101")
    party.subaddress = party.subaddress._replace(valid=True, text="0A1B", type=2)
    channel.tech_call("")
    await office.until(lambda: channel.hungup, 5)
    assert (office.pbx.globals.get("SEEN") or "").split() == ["0a1b", "1234", "1234"]
    assert (office.pbx.globals.get("MORE") or "").split() == ["hello", "*99#", "1", "0"]
    assert office.pbx.globals.get("KIND") == "SPEECH 0 pri"
    assert channel.hangup_cause == causes.USER_BUSY
    assert channel.tech_cause == "PRI PRI_EVENT_HANGUP_REQ (17)"


async def test_digits_behind_a_w_are_dialled_after_the_answer(office: Office) -> None:
    """In tones; our side hears of the answer when they are dialled."""
    await start(office, plan=PLAN)
    mine = await call(office, "g2/5551w12")
    theirs = office.channel("DAHDI/i3/")
    assert theirs.dialed.number == "5551"
    await office.until(lambda: theirs.state is State.UP, 5)
    pressed: list[str] = []
    theirs.data["frame_hooks"] = [lambda frame: pressed.append(frame.digit) if getattr(frame, "end", False) else None]
    assert mine.state is not State.UP
    await office.until(lambda: mine.state is State.UP, 5)
    await office.advance(0.5)
    assert pressed == ["1", "2"]
    await end(office, mine)


async def test_a_malicious_call_is_reported(office: Office) -> None:
    """The user's side reports; the network's side tells managers."""
    await start(office, "callerid = Mallory <666>", "mcid_send = yes", plan=PLAN)
    mine = await call(office, "g1/720")
    await office.until(lambda: mine.state is State.UP, 5)
    heard = heard_by(mine)
    theirs = next(channel for channel in office.pbx.channels if channel is not mine)
    theirs.indicate(Condition.MCID)
    await office.until(lambda: bool(office.heard(MaliciousCall)), 5)
    (report,) = office.heard(MaliciousCall)
    assert report.channel is mine
    assert any(isinstance(frame, Control) and frame.condition is Condition.MCID for frame in heard)
    await end(office, mine)


async def test_texts_are_shown_on_displays(office: Office) -> None:
    """In INFORMATION (display_send, display_receive = text), the network's right."""
    await start(office, "display_send = text", "display_receive = text", plan=PLAN)
    mine = await call(office, "g1/720")
    await office.until(lambda: mine.state is State.UP, 5)
    theirs = next(channel for channel in office.pbx.channels if channel is not mine)
    told: list[str] = []
    theirs.data["frame_hooks"] = [lambda frame: told.append(frame.body) if isinstance(frame, Text) else None]
    assert mine.tech_send_text(Text("Hello there"))
    await office.until(lambda: bool(told), 5)
    assert told == ["Hello there"]
    await end(office, mine)


async def test_a_call_is_sent_elsewhere_by_its_callee(office: Office) -> None:
    """DAHDISendCallreroutingFacility: the network's side is forwarded."""
    plan = PLAN + "exten => 88,1,DAHDISendCallreroutingFacility(5553,88,cfu)\n"
    await start_bri(office, plan=plan.replace("[phones]", "[phones]\nexten => 5553,1,Dial(DAHDI/2)"))
    alice, bob = office.phone(1), office.phone(2)
    await office.dial(alice, "188")
    await office.until(lambda: bob.ringing, 10)
    alice.on_hook()
    await office.until(lambda: not len(office.pbx.channels), 10)


async def test_the_other_end_joins_two_calls_of_its_own(office: Office) -> None:
    """Explicit transfer by Q.SIG's users is answered, and both calls end (attended transfer between two bridges)."""
    lines = await start(office, "switchtype = qsig", "switchtype = qsig", plan=PLAN)
    alice, bob = office.phone(1), office.phone(2)
    await office.dial(alice, "1720")
    await office.until(lambda: len(office.pbx.bridges) == 1, 10)
    second = await call(office, "g2/5553")
    await office.until(lambda: bob.ringing, 5)
    bob.off_hook()
    await office.until(lambda: len(office.pbx.bridges) == 2, 5)
    network = lines.isdn.spans[3]
    first_handle, second_handle = (found.handle for found in network.calls.values())
    assert network.services.join(first_handle, second_handle)
    await office.until(lambda: len(office.pbx.bridges) == 1, 5)
    second.hangup()
    for phone in (alice, bob):
        phone.on_hook()
    await office.until(lambda: not len(office.pbx.channels), 5)


# ---- B channels ------------------------------------------------------------------------------------------------


async def test_a_channel_out_of_service_stays_so_until_it_is_put_back(office: Office) -> None:
    """SERVICE both ways, kept in the database."""
    extra = "switchtype = national\nservice_message_support = yes"
    lines = await start(office, extra, extra, plan=PLAN)
    assert await office.cli("pri service disable channel 9") == []
    await office.advance(0.5)
    near, far = lines.ports[9], lines.ports[40]
    assert (near.out_of_service, far.out_of_service) == (1, 2)  # type: ignore[attr-defined]
    assert office.pbx.astdb.get("dahdi/registry/3:9", "service-state") == "O:1"
    assert not near.free and not far.free  # type: ignore[attr-defined]
    for number, end in ((9, "near"), (40, "far")):
        assert f"Out of service: {end} end" in await office.cli(f"dahdi show channel {number}")
    await office.cli("pri service enable channel 9")
    await office.advance(0.5)
    assert near.free and far.free  # type: ignore[attr-defined]
    assert office.pbx.astdb.get("dahdi/registry/3:9", "service-state") is None


async def test_idle_calls_fill_what_is_left(office: Office) -> None:
    """idledial, idleext, minunused, minidle: two of the 30 stay free, and calls push idle ones out."""
    extra = "idledial = 5551\nidleext = idle@phones\nminunused = 2\nminidle = 10"
    plan = PLAN.replace("[phones]", "[phones]\nexten => idle,1,Wait(600)").replace("Wait(60)", "Wait(600)")
    lines = await start(office, "", extra, plan=plan)
    user = lines.isdn.spans[4]

    def free() -> int:
        return sum(port.free for port in user.bearers.values())

    await office.until(lambda: free() == 2, 60)
    await office.advance(3)
    assert free() == 2
    mine = [await call(office, "g2/5551"), await call(office, "g2/5551")]
    await office.until(lambda: free() == 2, 10)
    for channel in list(office.pbx.channels):
        channel.hangup()
    await office.advance(0.3)
    assert mine[0].hungup
