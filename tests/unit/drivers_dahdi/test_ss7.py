"""SS7 calls: two spans on one cable, a linkset at each end, libss7 on both."""

from __future__ import annotations

import pytest

from kernel_shims.ss7.events import Nature
from offhook.calls import causes
from offhook.calls.channel import Channel, State
from offhook.calls.party import Name, Number, Party
from offhook.calls.signalling import LineSignal
from support import audio
from support.line_story import Office
from support.ss7_story import PLAN, Stranger, Trunk, address, iam, packed, start

ACM, ANM, REL, RLC, CPG = 0x06, 0x09, 0x0C, 0x10, 0x2C
IAM, SAM, COT, CCR = 0x01, 0x02, 0x05, 0x11


def dial(trunk: Trunk, address: str) -> Channel:
    """A call that nobody minds."""
    channel = trunk.lines.request(address, None, ("", ""))
    channel.tech_call("")
    return channel


def arrived(trunk: Trunk, *, at: int) -> Channel | None:
    """The channel of the only call at one end."""
    linkset = trunk.one if at == 1 else trunk.two
    return next((circuit.channel for circuit in linkset.circuits if circuit.channel is not None), None)


@pytest.mark.parametrize("variant", ["itu", "ansi"])
async def test_a_phone_calls_through_the_trunk_and_both_hear_each_other(office: Office, variant: str) -> None:
    """Number arrives; ringing, answer, sound, clearing."""
    trunk = await start(office, variant, circuits=4)
    alice, bob = office.phone(1), office.phone(2)
    await office.dial(alice, "25553")
    await office.until(lambda: bob.ringing, 10)
    incoming = arrived(trunk, at=1)
    assert incoming is not None and incoming.caller.id.number.text == "101" and incoming.exten == "5553"
    bob.off_hook()
    await office.until(lambda: any(c.channel is not None and c.channel.state is State.UP for c in trunk.two.circuits))
    said, answered = audio.chirps(3, seed=5), audio.chirps(3, seed=6)
    await office.advance(0.5)
    alice.forget()
    bob.forget()
    alice.say(said)
    bob.say(answered)
    await office.advance(3.5)
    assert audio.correlation(said, list(bob.heard), 0.8)[0] > 0.95
    assert audio.correlation(answered, list(alice.heard), 0.8)[0] > 0.95
    bob.on_hook()
    await office.until(lambda: not len(office.pbx.channels) and trunk.idle(), 5)


@pytest.mark.parametrize("group", [1, 2])
async def test_causes_pass_through(office: Office, group: int) -> None:
    """Busy, congested, and no such number, both ways."""
    trunk = await start(office)
    refused = "exten => 5552,1,Hangup(17)"
    office.dialplan(PLAN.replace(refused, f"{refused}\nexten => 5559,1,Congestion()"))
    wanted = {"5552": causes.USER_BUSY, "5559": causes.NORMAL_CIRCUIT_CONGESTION, "999": causes.UNALLOCATED}
    for number, cause in wanted.items():
        channel = dial(trunk, f"g{group}/{number}")
        await office.until(lambda channel=channel: channel.hungup, 10)  # type: ignore[misc]
        assert channel.hangup_cause == cause
    await office.until(trunk.idle, 5)


async def test_messages_can_be_followed(office: Office) -> None:
    """Under the names of the channels that they are about."""
    trunk = await start(office, circuits=4)
    channel = dial(trunk, "g1/5555")
    await office.until(lambda: channel.state is State.UP, 5)
    channel.hangup(causes.USER_BUSY)
    await office.until(trunk.idle, 5)
    told = [event for event in office.heard(LineSignal) if event.text.split()[0].isupper()]
    near, far = (f"DAHDI/{trunk.circuit(linkset, 1).number}" for linkset in (trunk.one, trunk.two))
    ours = [f"{event.way} {event.text}" for event in told if event.place == near]
    assert ours[-5:] == ["<-- IAM", "--> ACM", "--> ANM", "<-- REL", "--> RLC"]
    theirs = [f"{event.way} {event.text}" for event in told if event.place == far]
    assert theirs[-5:] == ["--> IAM 5555# from an unknown number", "<-- ACM", "<-- ANM", "--> REL 17", "<-- RLC"]


STATES = {
    "seized": ("5554", "ss7_explicitacm = yes"),
    "proceeding": ("5554", ""),
    "progress": ("5556", ""),
    "ringing": ("5551", ""),
    "answered": ("5555", ""),
}


@pytest.mark.parametrize("group", [1, 2])
@pytest.mark.parametrize("who", ["caller", "called", "both"])
@pytest.mark.parametrize("state", list(STATES))
async def test_either_side_hangs_up_in_every_state(office: Office, state: str, who: str, group: int) -> None:
    number, extra = STATES[state]
    trunk = await start(office, extra_one=extra, extra_two=extra, circuits=4)
    channel = dial(trunk, f"g{group}/{number}")
    far = 3 - group
    await office.until(lambda: arrived(trunk, at=far) is not None)
    await office.advance(0.3)
    called = arrived(trunk, at=far)
    assert called is not None
    assert (channel.state is State.UP) == (state == "answered")
    assert (channel.state is State.RINGING) == (state == "ringing")
    if who != "called":
        channel.hangup(causes.NORMAL_CLEARING)
    if who != "caller":
        called.request_hangup(causes.CALL_REJECTED)
    await office.until(lambda: channel.hungup and called.hungup and trunk.idle(), 5)
    assert channel.hangup_cause == (causes.CALL_REJECTED if who == "called" else causes.NORMAL_CLEARING)
    again = dial(trunk, f"g{group}/5555")
    await office.until(lambda: again.state is State.UP, 5)
    again.hangup()
    await office.until(trunk.idle, 5)


async def test_when_acm_is_sent(office: Office) -> None:
    """At once; by Proceeding() with ss7_explicitacm; when it rings with ss7_autoacm too."""
    plan = PLAN.replace(
        "exten => 5552", "exten => 5558,1,Wait(2)\n same => n,Proceeding()\n same => n,Wait(60)\nexten => 5552"
    )
    trunk = await start(office, extra_one="ss7_explicitacm = yes\nss7_autoacm = yes", plan=plan, circuits=4)
    for number, level in (("5554", "SETUP"), ("5551", "ALERTING"), ("5558", "SETUP")):
        channel = dial(trunk, f"g2/{number}")
        await office.advance(0.5)
        circuit = next(one for one in trunk.two.circuits if one.channel is channel)
        assert circuit.level.name == level
        if number == "5558":
            await office.advance(2)
            assert circuit.level.name == "PROCEEDING"
        channel.hangup()
        await office.until(trunk.idle, 5)


async def test_every_circuit_has_a_call_and_no_more(office: Office) -> None:
    trunk = await start(office, plan=PLAN.replace("Wait(60)", "Wait(20)"))
    made = [dial(trunk, "g2/5551") for _ in range(30)]
    with pytest.raises(Exception, match="no channel is free"):
        trunk.lines.request("g2/5551", None, ("", ""))
    await office.until(lambda: all(channel.state is State.UP for channel in made), 10)
    for channel in made:
        channel.hangup()
    await office.until(lambda: not len(office.pbx.channels) and trunk.idle(), 10)
    assert not trunk.one.library.calls and not trunk.two.library.calls


@pytest.mark.parametrize("cic", [1, 2])
@pytest.mark.parametrize("by_group", [True, False])
async def test_both_ends_seize_the_same_circuit(office: Office, cic: int, by_group: bool) -> None:
    """The controlling one's call goes on (Q.764 2.9.1.4); the other goes to another circuit of its group, if it may."""
    trunk = await start(office, circuits=4)
    one, two = trunk.circuit(trunk.one, cic), trunk.circuit(trunk.two, cic)
    if by_group:
        for circuit in (*trunk.one.circuits, *trunk.two.circuits):
            circuit.settings.values["group"] = frozenset(
                {circuit.settings["linkset"], 10 * circuit.settings["linkset"]}
            )
        for circuit in trunk.one.circuits[: cic - 1] + trunk.two.circuits[: cic - 1]:
            circuit.settings.values["group"] = frozenset()
    calls = [
        dial(trunk, f"{'g10' if by_group else one.number}/5555"),
        dial(trunk, f"{'g20' if by_group else two.number}/5555"),
    ]
    assert one.channel is calls[0] and two.channel is calls[1]
    await office.until(lambda: all(call.state is State.UP or call.hungup for call in calls), 10)
    winner = calls[1] if cic % 2 == 0 else calls[0]
    loser = calls[0] if winner is calls[1] else calls[1]
    assert winner.state is State.UP
    if by_group:
        assert loser.state is State.UP and winner is not loser
    else:
        assert loser.hungup and loser.hangup_cause == causes.NORMAL_CIRCUIT_CONGESTION
    up = 4 if by_group else 2
    await office.until(lambda: [one.state for one in office.pbx.channels] == [State.UP] * up, 5)
    assert len({one.name for one in office.pbx.channels}) == up
    for call in calls:
        if not call.hungup:
            call.hangup()
    await office.until(trunk.idle, 5)


# ---- what only a stranger sends --------------------------------------------------------------------------------


async def test_digits_come_one_by_one(office: Office) -> None:
    """Overlap: SAM until the number is complete, or T10 says so."""
    plan = PLAN.replace(
        "[from]", "[from]\nexten => _8X.,1,Answer()\n same => n,Set(GLOBAL(WHO)=${EXTEN})\n same => n,Wait(60)"
    )
    trunk = await start(office, plan=plan, circuits=4)
    stranger = Stranger(trunk)
    await stranger.says(IAM, 1, iam("7", calling="4711"))
    assert arrived(trunk, at=2) is None
    for digit in "12":
        await stranger.says(SAM, 1, bytes([2, 0, 2, 0x80]) + packed(digit))
    await office.until(lambda: office.pbx.globals.get("WHO") == "712", 2)
    assert stranger.kinds(1) == [ACM, ANM]
    await stranger.says(IAM, 2, iam("81"))
    await stranger.says(SAM, 2, bytes([2, 0, 2, 0x00]) + packed("23"))
    assert len([one for one in trunk.two.circuits if one.channel is not None]) == 1
    await office.until(lambda: office.pbx.globals.get("WHO") == "8123", 5)
    await stranger.says(IAM, 3, iam("9"))
    await stranger.says(REL, 3, bytes([2, 0, 2, 0x80, 0x90]))
    await stranger.says(IAM, 3, iam("99"))
    assert stranger.kinds(3) == [REL, RLC, REL]
    for cic in (1, 2):
        await stranger.says(REL, cic, bytes([2, 0, 2, 0x80, 0x90]))
    await stranger.says(RLC, 3)
    await office.until(lambda: all(circuit.free for circuit in trunk.two.circuits), 5)


@pytest.mark.parametrize("variant", ["itu", "ansi"])
async def test_a_call_waits_for_its_continuity_check(office: Office, variant: str) -> None:
    """The circuit is looped until the far end tells that it passed."""
    trunk = await start(office, variant, circuits=4)
    stranger = Stranger(trunk, variant)
    circuit = trunk.circuit(trunk.two, 2)
    port = office.system.ports[circuit.number]
    await stranger.says(IAM, 2, iam("5555#" if variant == "itu" else "5555", continuity=1, variant=variant))
    assert port.looped and circuit.channel is None and circuit.level.name == "CONTINUITY"
    await stranger.says(COT, 2, bytes([1]))
    assert not port.looped and circuit.channel is not None
    await office.until(lambda: circuit.channel is not None and circuit.channel.state is State.UP, 2)
    await stranger.says(REL, 2, bytes([2, 0, 2, 0x80, 0x90]))
    await office.until(lambda: circuit.free, 5)


async def test_a_continuity_check_that_fails_and_is_tried_again(office: Office) -> None:
    trunk = await start(office, circuits=4)
    stranger = Stranger(trunk)
    circuit = trunk.circuit(trunk.two, 2)
    port = office.system.ports[circuit.number]
    await stranger.says(IAM, 2, iam("5555#", continuity=1))
    await stranger.says(COT, 2, bytes([0]))
    assert not port.looped and circuit.channel is None and not circuit.free
    await stranger.says(CCR, 2)
    assert port.looped
    await stranger.says(COT, 2, bytes([1]))
    await stranger.says(REL, 2, bytes([2, 0, 2, 0x80, 0x90]))
    assert not port.looped
    await office.until(lambda: circuit.free, 5)


async def test_a_continuity_check_on_the_circuit_before(office: Office) -> None:
    """No call may take that meanwhile."""
    trunk = await start(office, circuits=4)
    stranger = Stranger(trunk)
    before, circuit = trunk.circuit(trunk.two, 2), trunk.circuit(trunk.two, 3)
    await stranger.says(IAM, 3, iam("5555#", continuity=2))
    assert office.system.ports[before.number].looped and not before.free and circuit.channel is None
    await stranger.says(COT, 3, bytes([1]))
    assert not office.system.ports[before.number].looped and before.free and circuit.channel is not None
    await stranger.says(REL, 3, bytes([2, 0, 2, 0x80, 0x90]))
    await office.until(lambda: circuit.free, 5)


async def test_a_check_that_nobody_ends_is_over_after_t8(office: Office) -> None:
    trunk = await start(office, circuits=4)
    stranger = Stranger(trunk)
    circuit = trunk.circuit(trunk.two, 2)
    await stranger.says(IAM, 2, iam("5555#", continuity=1))
    await office.advance(11)
    assert REL in stranger.kinds(2)
    await stranger.says(RLC, 2)
    await office.until(lambda: circuit.free, 5)
    assert not office.system.ports[circuit.number].looped


async def test_the_calling_number_is_asked_for(office: Office) -> None:
    """INR and INF (national use)."""
    trunk = await start(office, more_two="inr_if_no_calling = yes", circuits=4)
    channel = trunk.lines.request("g1/5555", None, ("", ""))
    channel.connected.id = Party(number=Number(True, "4711"))
    channel.tech_call("")
    await office.until(lambda: channel.state is State.UP, 5)
    channel.hangup()
    await office.until(trunk.idle, 5)
    stranger = Stranger(trunk)
    await stranger.says(IAM, 3, iam("5555#"))
    assert stranger.kinds(3) == [0x03]
    calling = bytes([0x0A, 4, *address("4712")])
    await stranger.says(0x04, 3, bytes([3, 0, 1, *calling, 0]))
    await office.until(lambda: trunk.circuit(trunk.two, 3).channel is not None, 3)
    asked = trunk.circuit(trunk.two, 3).channel
    assert asked is not None and asked.caller.id.number.text == "4712"
    await stranger.says(REL, 3, bytes([2, 0, 2, 0x80, 0x90]))
    await office.until(lambda: trunk.circuit(trunk.two, 3).free, 5)


async def test_facilities_are_refused_and_suspending_is_borne(office: Office) -> None:
    """FAR is answered by FRJ; SUS and RES leave the call alone, T6 ends it."""
    trunk = await start(office, circuits=4, plan=PLAN.replace("Wait(60)", "Wait(200)"))
    stranger = Stranger(trunk)
    await stranger.says(IAM, 1, iam("5555#"))
    circuit = trunk.circuit(trunk.two, 1)
    stranger.kinds(1)
    await stranger.says(0x1F, 1, bytes([2, 1, 1, 5, 1, 2, 3, 4, 5, 0]))
    assert stranger.kinds(1) == [0x21]
    await stranger.says(0x0D, 1, bytes([1, 0]))
    await office.advance(10)
    await stranger.says(0x0E, 1, bytes([1, 0]))
    await office.advance(40)
    assert circuit.channel is not None
    await stranger.says(0x0D, 1, bytes([1, 0]))
    await office.advance(31)
    assert circuit.channel is None and stranger.kinds(1) == [REL]
    await stranger.says(RLC, 1)
    await office.until(lambda: circuit.free, 5)


# ---- numbers and variables -------------------------------------------------------------------------------------

PREFIXES = """
ss7_called_nai = dynamic
ss7_calling_nai = dynamic
ss7_internationalprefix = 00
ss7_nationalprefix = 0
ss7_subscriberprefix =
"""


async def test_numbers_have_their_nature(office: Office) -> None:
    """By prefixes, both ways; presentation passes with usecallingpres."""
    plan = PLAN.replace("exten => _7XX", "exten => _0X.,1,Answer()\n same => n,Wait(60)\nexten => _7XX")
    trunk = await start(office, extra=PREFIXES + "usecallingpres = yes", plan=plan, circuits=4)
    for called, calling in (("00491234", "00441234"), ("0711555", "0711"), ("712", "33")):
        channel = trunk.lines.request(f"g1/{called}", None, ("", ""))
        channel.connected.id = Party(number=Number(True, calling, 0, 0x21))
        channel.tech_call("")
        await office.until(lambda: arrived(trunk, at=2) is not None, 5)
        incoming = arrived(trunk, at=2)
        assert incoming is not None
        assert incoming.exten == called and incoming.caller.id.number.text == calling
        assert incoming.caller.id.number.presentation == 0x21
        channel.hangup()
        await office.until(trunk.idle, 5)


async def test_what_an_iam_can_say_besides(office: Office) -> None:
    """Variables SS7_..., redirection, connected number: ITU."""
    trunk = await start(office, circuits=4)
    channel = trunk.lines.request("g1/5554", None, ("", ""))
    sent = {
        "SS7_CUG_INDICATOR": "OUTGOING_ALLOWED",
        "SS7_CUG_INTERLOCK_NI": "1234",
        "SS7_CUG_INTERLOCK_CODE": "77",
        "SS7_COL_REQUEST": "yes",
        "SS7_TMR": "64K_UNRESTRICTED",
        "SS7_CAUSE": "21",
    }
    for name, value in sent.items():
        channel.set(name, value)
    redirecting = channel.redirecting.copy()
    redirecting.from_ = Party(number=Number(True, "222"))
    redirecting.orig = Party(number=Number(True, "111"))
    redirecting.count, redirecting.reason, redirecting.orig_reason = 2, "cfb", "cfnr"
    channel.redirecting = redirecting
    channel.tech_call("")
    await office.until(lambda: arrived(trunk, at=2) is not None, 5)
    incoming = arrived(trunk, at=2)
    assert incoming is not None
    assert incoming.get("SS7_CUG_INDICATOR") == "OUTGOING_ALLOWED" and incoming.get("SS7_CUG_INTERLOCK_CODE") == "77"
    assert incoming.get("SS7_CUG_INTERLOCK_NI") == "1234" and incoming.get("TRANSFERCAPABILITY") == "DIGITAL"
    assert incoming.get("SS7_CALLING_PARTY_CATEGORY") == "10"
    assert incoming.get("SS7_REDIRECT_INFO_IND") == "CALL_REROUTED_PRES_ALLOWED"
    got = incoming.redirecting
    assert (got.from_.number.text, got.orig.number.text, got.count) == ("222", "111", 2)
    assert (got.reason, got.orig_reason) == ("cfb", "cfnr")
    incoming.connected.id = Party(number=Number(True, "5550"))
    incoming.show_connected()
    incoming.answer()
    await office.until(lambda: channel.state is State.UP, 5)
    assert incoming.tech_function("dahdi_type") == "ss7" and incoming.tech_function("dahdi_span") == "4"
    channel.hangup()
    await office.until(trunk.idle, 5)
    assert incoming.hangup_cause == causes.CALL_REJECTED


async def test_what_an_iam_can_say_besides_in_america(office: Office) -> None:
    trunk = await start(office, "ansi", circuits=4)
    channel = trunk.lines.request("g1/5554", None, ("", ""))
    sent = {
        "SS7_CHARGE_NUMBER": "5550000",
        "SS7_GENERIC_ADDRESS": "5551111",
        "SS7_GENERIC_DIGITS": "123456",
        "SS7_GENERIC_DIGTYPE": "1",
        "SS7_GENERIC_NAME": "Alice",
        "SS7_JIP": "555123",
    }
    for name, value in sent.items():
        channel.set(name, value)
    channel.connected.ani2 = 23
    channel.connected.id = Party(Name(True, "x"), Number(True, "4711"))
    channel.tech_call("")
    await office.until(lambda: arrived(trunk, at=2) is not None, 5)
    incoming = arrived(trunk, at=2)
    assert incoming is not None
    for name in ("SS7_CHARGE_NUMBER", "SS7_GENERIC_ADDRESS", "SS7_GENERIC_DIGITS", "SS7_GENERIC_DIGTYPE", "SS7_JIP"):
        assert incoming.get(name) == sent[name], name
    assert incoming.caller.id.name.text == "Alice" and incoming.caller.ani2 == 23
    channel.hangup()
    await office.until(trunk.idle, 5)


async def test_the_number_is_too_short(office: Office) -> None:
    trunk = await start(office, extra="stripmsd = 3", circuits=4)
    channel = trunk.lines.request("g1/55", None, ("", ""))
    with pytest.raises(Exception, match="shorter than stripmsd"):
        channel.tech_call("")
    channel.hangup()
    assert trunk.idle() and Nature.NATIONAL == 3
