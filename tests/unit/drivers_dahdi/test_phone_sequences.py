"""What flashes, codes and hangups lead to when several calls are on one phone."""

from __future__ import annotations

import pytest

from kernel_shims.line import Happening, LineEvent
from kernel_shims.simulator import sound
from offhook.calls.frames import Condition
from offhook.config.parser import loads
from offhook.drivers.dahdi.analog import orders
from offhook.drivers.dahdi.analog.collecting import Rules
from offhook.drivers.dahdi.analog.habits import Habits
from offhook.drivers.dahdi.analog.orders import Order
from offhook.drivers.dahdi.analog.phone import Phone
from offhook.services.parking import module as parking
from offhook.services.parking.core import parking_of
from offhook.services.parking.lots import read_lots
from support.line_story import FOUR_PEOPLE, Office
from support.line_talk import connect, consult, hears

PHONES = f"""
[channels]
signalling = fxo_ks
echocancel = no
context = phones
threewaycalling = yes
{{more}}
{FOUR_PEOPLE}
signalling = fxs_ks
context = lines
channel => 5-8
"""
PLAN = """
[phones]
exten => _10X,1,Dial(DAHDI/${EXTEN:2},60)
exten => 95,1,Dial(DAHDI/5/123,60)
exten => 77,1,Dial(DAHDI/2/ww45,60)
exten => s,1,Dial(DAHDI/3,60)
include => parkedcalls
[lines]
exten => s,1,Dial(DAHDI/1,60)
"""
WAITING = "transfer = yes\ncallwaiting = yes"


async def start(office: Office, more: str = "") -> None:
    """Four phones and four lines."""
    await office.start(PHONES.format(more=more), PLAN)


async def three_at_once(office: Office) -> None:
    """Alice has called Bob and Carol, and talks to both."""
    await connect(office, 1, 2)
    alice = office.phone(1)
    await consult(office, 1, 3)
    alice.flash()
    await office.advance(0.3)


# ---- who is held, who comes back -------------------------------------------------------------------------------------


async def test_a_call_waits_while_three_talk(office: Office) -> None:
    """Those two go on with each other while the phone takes the new call; a flash brings all three together again."""
    await start(office, WAITING)
    await three_at_once(office)
    await office.dial(office.phone(4), "101")
    await office.until(lambda: office.phone(1).hears(440), 3)
    await office.advance(0.5)
    alice = office.phone(1)
    alice.flash()
    await office.advance(0.3)
    assert await hears(office, 4, 1) and not await hears(office, 2, 1)
    assert await hears(office, 2, 3) and await hears(office, 3, 2)
    alice.flash()
    await office.advance(0.3)
    assert await hears(office, 2, 1) and await hears(office, 3, 1) and not await hears(office, 4, 1)
    alice.flash()
    await office.advance(0.3)
    office.phone(4).on_hook()
    await office.advance(0.5)
    assert not await hears(office, 2, 1), "as with any held call, a flash brings them back"
    assert await hears(office, 2, 3)
    alice.flash()
    await office.advance(0.3)
    assert await hears(office, 2, 1) and await hears(office, 3, 1) and await hears(office, 2, 3)


async def test_who_is_left_of_a_conference_waits(office: Office) -> None:
    """Bob leaves while Alice talks to Dave: Carol is the one who waits then."""
    await start(office, WAITING)
    await three_at_once(office)
    await office.dial(office.phone(4), "101")
    await office.until(lambda: office.phone(1).hears(440), 3)
    office.phone(1).flash()
    await office.advance(0.3)
    office.phone(2).on_hook()
    await office.advance(0.5)
    assert await hears(office, 4, 1) and not await hears(office, 3, 1)
    office.phone(1).flash()
    await office.advance(0.3)
    assert await hears(office, 3, 1) and not await hears(office, 4, 1)


async def test_no_call_waits_while_one_is_held_for_another(office: Office) -> None:
    await start(office, WAITING)
    await connect(office, 1, 2)
    office.phone(1).flash()
    await office.advance(1)
    assert office.pbx.parts["dahdi"].ports[1].refusal() == 17


async def test_who_is_held_is_not_lost_with_the_consultation(office: Office) -> None:
    """Carol hangs up, Alice does too: her phone rings for Bob, who hears no ringing; he was put on hold."""
    await start(office, WAITING)
    await connect(office, 1, 2)
    alice, bob, carol = office.phone(1), office.phone(2), office.phone(3)
    await consult(office, 1, 3)
    carol.on_hook()
    await office.advance(0.5)
    alice.on_hook()
    await office.until(lambda: alice.bursts >= 1 and alice.ringing)
    bob.forget()
    await office.advance(5)
    assert bob.hears_silence(4000)
    alice.off_hook()
    await office.advance(0.3)
    assert await hears(office, 2, 1)


async def test_a_phone_without_transfer_ends_both_calls(office: Office) -> None:
    await start(office)
    await three_at_once(office)
    await office.advance(2.5)
    office.phone(1).on_hook()
    await office.advance(0.5)
    assert office.phone(2).battery_drops == office.phone(3).battery_drops == 1


async def test_a_flash_while_the_second_phone_rings_joins_all(office: Office) -> None:
    """The held one hears it ring, and talks to who answers."""
    await start(office, WAITING)
    await connect(office, 1, 2)
    alice, carol = office.phone(1), office.phone(3)
    alice.flash()
    await office.advance(1)
    alice.dial("103")
    await office.until(lambda: carol.ringing)
    await office.advance(2.5)
    alice.flash()
    await office.advance(0.3)
    assert await hears(office, 2, 1)
    carol.off_hook()
    await office.advance(0.5)
    assert await hears(office, 3, 1) and await hears(office, 3, 2)


async def test_a_flash_without_three_way_calling_goes_to_the_line(office: Office) -> None:
    """threewaycalling = no: an exchange behind the call sees the flash."""
    await office.start(PHONES.format(more="").replace("threewaycalling = yes", "threewaycalling = no"), PLAN)
    await office.dial(office.phone(1), "95")
    await office.until(lambda: office.line(5).state == "talking", 15)
    office.phone(1).flash()
    await office.advance(0.3)
    assert office.line(5).flashes == 1


async def test_a_phone_that_does_not_dial_calls_again_after_a_flash(office: Office) -> None:
    """immediate = yes: a flash runs extension s once more, for the second call."""
    await start(office, "immediate = yes")
    office.phone(1).off_hook()
    await office.until(lambda: office.phone(3).ringing, 3)
    office.phone(3).off_hook()
    await office.advance(0.5)
    office.phone(1).flash()
    await office.advance(0.3)
    assert len(office.pbx.parts["dahdi"].ports[1].calls) == 2
    assert office.channel("DAHDI/1-2").exten == "s"


# ---- codes -----------------------------------------------------------------------------------------------------------


async def test_a_held_call_is_parked_and_its_place_is_told(office: Office) -> None:
    """A flash, then the extension that parks; without transfer and canpark it is no such thing."""
    read = read_lots(loads("[default]\nparkext = 700\nparkpos = 701-702\n", "res_parking.conf"))
    parking_of(office.pbx).configure(*read)
    parking.start(office.pbx)
    digits = office.folder / "en" / "digits"
    digits.mkdir(parents=True)
    for digit in "701":
        (digits / f"{digit}.sln").write_bytes(b"".join(s.to_bytes(2, "little", signed=True) for s in tone_1500()))
    await start(office, "canpark = yes")
    await connect(office, 1, 2)
    alice = office.phone(1)
    alice.flash()
    await office.advance(1)
    alice.forget()
    alice.dial("700")
    await office.until(lambda: 701 in parking_of(office.pbx).lots["default"].places, 5)
    await office.until(lambda: alice.hears(1500), 3)
    await office.until(lambda: alice.hears(480, 620), 5)
    alice.on_hook()
    await office.advance(0.2)
    assert parking_of(office.pbx).lots["default"].places[701].channel.name.startswith("DAHDI/2-")
    parking.forget(office.pbx)


def tone_1500() -> list[int]:
    """What stands for a spoken digit."""
    return sound.tone((1500,), 300)


@pytest.mark.parametrize("park", [True, False])
def test_parking_has_to_be_allowed(park: bool) -> None:
    """transfer or canpark; else the extension is dialled for nothing."""
    phone, now = consulting(Rules(park=park, next_digit=8.0)), 10.0
    done = dialled(phone, "700", now)
    parked = [order.value for order in done if isinstance(order, orders.Feature) and order.name == "park"]
    assert parked == (["700"] if park else [])
    if not park:
        assert orders.Tone("congestion") in phone.tick(phone.next_timer)


async def test_a_line_is_flashed_for_the_held_call(office: Office) -> None:
    """*0: the exchange sees the flash, and the phone talks to its line again."""
    await start(office, WAITING)
    await office.dial(office.phone(1), "95")
    line, alice = office.line(5), office.phone(1)
    await office.until(lambda: line.state == "talking", 15)
    alice.flash()
    await office.advance(1)
    alice.dial("*0")
    await office.advance(0.6)
    assert line.flashes == 1
    line.say(sound.tone((900,), 600))
    await office.advance(0.4)
    assert alice.hears(900)
    assert len(office.pbx.parts["dahdi"].ports[1].calls) == 1


async def test_there_is_no_line_to_flash(office: Office) -> None:
    """*0 while a phone is held: reorder tone, and a flash goes back to it."""
    await start(office, WAITING)
    await connect(office, 1, 2)
    alice = office.phone(1)
    alice.flash()
    await office.advance(1)
    alice.dial("*0")
    await office.until(lambda: alice.hears(480, 620), 3)
    alice.flash()
    await office.advance(0.3)
    assert await hears(office, 2, 1)


async def test_the_last_number_is_dialled_again(office: Office) -> None:
    """##, though no number of the dialplan begins so."""
    await start(office, "lastnumredial = yes")
    await office.dial(office.phone(1), "102")
    await office.until(lambda: office.phone(2).ringing)
    office.phone(1).on_hook()
    await office.advance(0.3)
    await office.dial(office.phone(1), "##")
    await office.until(lambda: office.phone(2).ringing, 3)


def test_codes_are_waited_for_and_nothing_else() -> None:
    """*6, *7 and *8 begin codes, *5 begins none; the pickup code may be of any length."""
    for digits, goes_on in (("*", True), ("*6", True), ("*5", False), ("#", True), ("#9", True), ("*8", True)):
        phone = lifted(Rules(pickup="#99"))
        told = dialled(phone, digits, 1.0)
        assert (orders.Tone("congestion") not in told) == goes_on, digits
    assert orders.Feature("pickup", 1, "") in dialled(lifted(Rules(pickup="#99")), "#99", 1.0)


def test_a_held_call_waits_while_another_one_is_picked_up() -> None:
    """A flash changes over then, and makes no conference."""
    phone = consulting(Rules())
    dialled(phone, "*8", 10.0)
    assert phone.shown_calls == (2, 1, 0)
    phone.answered(2)
    told = phone.line(LineEvent(Happening.FLASH), 20.0)
    assert orders.Tell(2, Condition.HOLD) in told and orders.Hear((1,)) in told


# ---- lines and digits ------------------------------------------------------------------------------------------------


async def test_a_number_behind_a_phone_is_dialled_to_who_answers(office: Office) -> None:
    """DAHDI/2/ww45: the call counts as answered when that is done."""
    await start(office)
    await office.dial(office.phone(1), "77")
    bob = office.phone(2)
    await office.until(lambda: bob.ringing)
    bob.off_hook()
    await office.advance(1)
    assert office.channel("DAHDI/1").answered_at is None and bob.digits_heard == ""
    await office.until(lambda: office.channel("DAHDI/1").answered_at is not None, 3)
    assert bob.digits_heard == "45"
    assert await hears(office, 1, 2)


@pytest.mark.parametrize(("mode", "tones", "pulses"), [("dtmf", True, False), ("pulse", False, True)])
async def test_a_phone_dials_as_it_may(office: Office, mode: str, tones: bool, pulses: bool) -> None:
    """dialmode: what it may not is not heard."""
    await start(office, f"dialmode = {mode}")
    alice, bob = office.phone(1), office.phone(2)
    for dials, allowed in ((alice.dial, tones), (alice.pulse, pulses)):
        alice.off_hook()
        await office.advance(0.5)
        dials("102")
        await office.advance(6)
        assert bob.ringing == allowed
        alice.on_hook()
        await office.advance(0.5)


async def test_a_dialplan_takes_keys_away_for_one_call(office: Office) -> None:
    """CHANNEL(dialmode)."""
    await start(office)
    await connect(office, 1, 2)
    channel = office.channel("DAHDI/1")
    assert channel.tech_function("dialmode") == "both"
    assert channel.tech_set_function("dialmode", "none") and channel.tech_function("dialmode") == "none"
    office.phone(1).dial("5")
    await office.advance(0.5)
    channel.tech_set_function("dialmode", "never")
    assert channel.tech_function("dialmode") == "none"
    office.phone(1).on_hook()
    await office.advance(0.3)
    await connect(office, 1, 3)
    assert office.channel("DAHDI/1").tech_function("dialmode") == "both"


@pytest.mark.parametrize(
    ("answer", "hangup", "seen"),
    [(True, True, [True, False, False]), (False, True, [True, False]), (True, False, [True, False])],
)
def test_a_phone_s_battery_is_reversed(answer: bool, hangup: bool, seen: list[bool]) -> None:
    """answeronpolarityswitch and hanguponpolarityswitch: each of them turns it round; both together turn it back."""
    phone = Phone(Plan(), Habits(reverse_on_answer=answer, reverse_on_hangup=hangup))
    number, told = phone.new_number(), []
    phone.ring(number, (), 0)
    for given in (phone.line(LineEvent(Happening.OFF_HOOK), 1), phone.ended(number, 2), rest(phone)):
        told += [order.reversed for order in given if isinstance(order, orders.Battery)]
    assert told == seen


def test_a_bounced_flash_ends_the_held_call_as_not_answered() -> None:
    told = consulting(Rules()).line(LineEvent(Happening.ON_HOOK), 3.0)
    assert [order.cause for order in told if isinstance(order, orders.End)] == [16, 19]


# ---- a machine alone -------------------------------------------------------------------------------------------------


class Plan:
    """700 parks, and is all there is."""

    def exists(self, digits: str) -> bool:
        return digits == "700"

    def more(self, digits: str) -> bool:
        return digits != "700" and "700".startswith(digits)

    def possible(self, digits: str) -> bool:
        return "700".startswith(digits)

    def ignored(self, digits: str) -> bool:
        return False

    def parking(self, digits: str) -> bool:
        return digits == "700"


def lifted(rules: Rules) -> Phone:
    """A phone with dial tone."""
    phone = Phone(Plan(), Habits(rules=rules, three_way=True, transfer=True, call_waiting=rules.call_waiting))
    phone.line(LineEvent(Happening.OFF_HOOK), 0.0)
    return phone


def consulting(rules: Rules) -> Phone:
    """A phone that was called, talked (call 1), and was flashed: dial tone for another one (call 2)."""
    phone = Phone(Plan(), Habits(rules=rules, three_way=True, transfer=True))
    phone.ring(phone.new_number(), (), 0.0)
    phone.line(LineEvent(Happening.OFF_HOOK), 1.0)
    phone.line(LineEvent(Happening.FLASH), 2.0)
    return phone


def dialled(phone: Phone, digits: str, now: float) -> list[Order]:
    """What the machine orders while it is dialled."""
    return [order for digit in digits for order in phone.digit(digit, now)]


def rest(phone: Phone) -> list[Order]:
    """It is put down."""
    return phone.line(LineEvent(Happening.ON_HOOK), 5.0)


@pytest.mark.parametrize(
    ("rules", "digits", "feature", "value", "seconds"),
    [
        (Rules(call_waiting=True), "*70", "callwaiting", "no", 16.0),
        (Rules(), "*67", "hide", "yes", 16.0),
        (Rules(hide_caller_id=True, pickup="#9"), "*82", "hide", "no", 16.0),
        (Rules(), "*78", "dnd", "yes", 8.0),
        (Rules(), "*79", "dnd", "no", 8.0),
        (Rules(forwarding=True), "*73", "forward", "", 8.0),
        (Rules(last_caller="55"), "*60", "blacklist", "55", 8.0),
        (Rules(call_return=True, last_caller="55"), "*69", "callreturn", "55", 0.0),
    ],
)
def test_codes(rules: Rules, digits: str, feature: str, value: str, seconds: float) -> None:
    """What each of them does, and how long a number may take to begin after it; switched off it is no number."""
    told = dialled(lifted(rules), digits, 1.0)
    assert orders.Feature(feature, 1, value) in told
    phone = lifted(rules)
    dialled(phone, digits, 1.0)
    if seconds:
        assert orders.Tone("dialrecall") in told and phone.next_timer == 1.0 + seconds
    refused = dialled(lifted(Rules(hide_caller_id=digits == "*67", pickup="#9")), digits, 1.0)
    always = digits in ("*78", "*79")
    assert any(isinstance(order, orders.Feature) for order in refused) == always


async def test_settings_of_a_port_are_its_channel_s(office: Office) -> None:
    """Times of the loop go to the driver; accounts, variables and languages to each call."""
    more = "rxflash = 900\nprewink = 60\naccountcode = ward7\nlanguage = fr\nsetvar = ROOM=12\nparkinglot = lot\n"
    await start(office, more)
    assert office.system.ports[1].times == {"rxflash": 900, "prewink": 60}
    office.phone(1).off_hook()
    await office.advance(0.3)
    channel = office.channel("DAHDI/1")
    assert (channel.accountcode, channel.language, channel.parking_lot) == ("ward7", "fr", "lot")
    assert channel.get("ROOM") == "12" and channel.caller.id.number.text == "101"
