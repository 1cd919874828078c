"""Tie lines (E&M) between two spans on one cable: immediate, wink, and feature group D."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel_shims.line import Happening, Hook, LineEvent
from offhook.calls import causes
from offhook.calls.frames import Condition
from offhook.drivers.dahdi.analog import orders
from offhook.drivers.dahdi.analog.orders import Order
from offhook.drivers.dahdi.analog.schemes import SCHEMES, Call
from offhook.drivers.dahdi.analog.tie import Manners, Tie
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
exten => 911,1,Goto(55,1)
"""


@pytest.mark.parametrize(
    ("signalling", "more", "who"),
    [
        *(("em", "", ""), ("em_w", "", ""), ("featd", "", "101"), ("em", "pulsedial = yes", "")),
        *(("featdmf", "", "101"), ("featb", "", ""), ("e911", "", "55")),
        *(("fgccamamf", "ani_info_digits = 1", "55"), ("fgccama", "ani_info_digits = 1", "55")),
        *(("em_e1", "", ""), ("featdmf_ta", "defaultozz = 0\ndefaultcic = 10288", "101")),
        *(("sf", "", ""), ("sf_w", "", ""), ("sf_featd", "", "101"), ("sf_featdmf", "", "101"), ("sf_featb", "", "")),
        *(("featd", "cid_number = 777", "777"), ("e911", "cid_number = 777", "55")),
    ],
)
async def test_a_call_over_a_tie_line(office: Office, signalling: str, more: str, who: str) -> None:
    """Seizure, digits and who calls, answer, sound both ways, release."""
    office.lay(lines="")
    kernel = "em_e1" if signalling == "em_e1" else "sf" if signalling.startswith("sf") else "em"
    office.trunk(5, 7, [kernel, kernel], "ulaw")
    await office.begin(CHANNELS.format(signalling=signalling, more=more), PLAN)
    alice, bob = office.phone(1), office.phone(2)
    await office.dial(alice, "955")
    await office.until(lambda: bob.ringing, 15)
    assert office.pbx.globals.get("WHO") == who
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


async def test_digits_wait_until_a_seizure_is_no_wink_any_more(office: Office) -> None:
    """The far end's kernel tells of a seizure after its longest wink; a digit before that is lost."""
    office.trunk(1, 2, ["em"], "ulaw")
    await office.begin("[channels]\nsignalling = em\ncontext = far\nrxwink = 450\nchannel => 1-2\n", PLAN)
    near, far = office.system.ports[1], office.system.ports[2]
    near.hook(Hook.OFF)
    await office.advance(0.4)
    near.hook(Hook.ON)
    await office.advance(1)
    assert not len(office.pbx.channels) and not far.far_off_hook  # it was a wink
    near.hook(Hook.OFF)
    await office.advance(0.4)
    assert not len(office.pbx.channels)
    await office.advance(0.1)
    assert len(office.pbx.channels) == 1


def test_the_first_digit_waits_until_the_far_end_can_listen() -> None:
    """Half a second after the seizure nothing was dialled yet."""
    tie = machine("em")
    tie.call(tie.new_number(), Call("55", "", ""), 0.0)
    assert not any(isinstance(order, orders.Dial) for order in tie.tick(0.5))
    assert any(isinstance(order, orders.Dial) for order in tie.tick(tie.next_timer))


# ---- the machine's parts -------------------------------------------------------------------------------------------


class Everything:
    """A plan in which 55 and 911 are extensions."""

    def exists(self, exten: str) -> bool:
        return exten in ("55", "911", "s")

    def possible(self, exten: str) -> bool:
        return any(one.startswith(exten) for one in ("55", "911"))

    def more(self, exten: str) -> bool:
        return self.possible(exten) and not self.exists(exten)

    def ignores(self, exten: str) -> bool:
        return False


def machine(signalling: str, outward: str = "") -> Tie:
    return Tie(Everything(), Manners(SCHEMES[signalling], SCHEMES[outward or signalling]))


def read(tie: Tie, text: str, now: float) -> list[Order]:
    """The far end sends digits."""
    out: list[Order] = []
    for digit in text:
        out += tie.digit(digit, now)
    return out


def hooks(given: list[Order]) -> list[Hook]:
    return [one.state for one in given if isinstance(one, orders.DoHook)]


def starts(given: list[Order]) -> list[str]:
    return [one.exten for one in given if isinstance(one, orders.Start)]


def test_tandem_access_is_read_after_its_route() -> None:
    tie = machine("featdmf_ta")
    assert hooks(tie.line(LineEvent(Happening.OFF_HOOK), 0.0)) == [Hook.WINK]
    assert hooks(read(tie, "*1010288#", 1.0)) == [Hook.WINK], "the route is for a switch on the way"
    assert not read(tie, "*00101#", 2.0)
    done = read(tie, "*55#", 3.0)
    assert starts(done) == ["55"] and hooks(done) == [Hook.WINK]
    assert (tie.told.caller, tie.told.ani2) == ("101", 0)


def test_tandem_access_is_dialled_by_two_winks() -> None:
    """The route for the switch on the way, then who calls whom."""
    tie = machine("featdmf_ta")
    tie.call(tie.new_number(), Call("55", "101", "1010288", 27), 0.0)
    (first,) = tie.line(LineEvent(Happening.FLASH), 0.5)
    assert first == orders.Dial("*1010288#", "M")
    assert not tie.tick(tie.next_timer)
    (second,) = tie.line(LineEvent(Happening.FLASH), 5.0)
    assert second == orders.Dial("*27101#*55#", "M")


def test_group_d_with_a_carrier_first_is_winked_at() -> None:
    tie = machine("featdmf")
    tie.line(LineEvent(Happening.OFF_HOOK), 0.0)
    assert hooks(read(tie, "*138288011#", 1.0)) == [Hook.WINK]
    read(tie, "*02101#", 2.0)
    assert starts(read(tie, "*55#", 3.0)) == ["55"]
    assert (tie.told.caller, tie.told.ani2) == ("101", 2)


def test_an_emergency_line_goes_off_hook_for_the_caller() -> None:
    tie = machine("e911")
    tie.line(LineEvent(Happening.OFF_HOOK), 0.0)
    assert hooks(read(tie, "*911#", 1.0)) == [Hook.OFF]
    assert starts(read(tie, "*05551234#", 2.0)) == ["911"]
    assert tie.told.caller == "5551234"


def test_cama_asks_for_the_caller_after_a_while_and_tells_how_it_ended() -> None:
    tie = machine("fgccamamf")
    tie.line(LineEvent(Happening.OFF_HOOK), 0.0)
    assert not hooks(read(tie, "*55#", 1.0))
    assert tie.next_timer == 2.0
    assert hooks(tie.tick(2.0)) == [Hook.OFF]
    assert starts(read(tie, "*085551234B", 3.0)) == ["55"]
    assert tie.told.caller == "5551234" and tie.told.ani2 == 8
    assert tie.told.variables == {"ANIBUF": "*085551234B", "ANISTART": "B", "ANI2": "08"}


def test_a_far_end_that_never_goes_off_hook_is_given_up() -> None:
    tie = machine("e911")
    number = tie.new_number()
    tie.call(number, Call("5551234"), 0.0)
    assert tie.line(LineEvent(Happening.FLASH), 0.5) == [orders.Dial("*911#", "M")]
    tie.tick(tie.next_timer)
    given = tie.tick(tie.next_timer)
    assert orders.Note("no off hook for the caller's number") in given
    assert orders.End(number, causes.NORMAL_CIRCUIT_CONGESTION) in given


def test_calls_out_may_be_signalled_otherwise() -> None:
    tie = machine("em_w", "featb")
    tie.call(tie.new_number(), Call("55"), 0.0)
    assert tie.line(LineEvent(Happening.FLASH), 0.5) == [orders.Dial("*55#", "M")]


def test_dtmf_of_group_d_is_understood_on_any_winking_line() -> None:
    tie = machine("em_w")
    tie.line(LineEvent(Happening.OFF_HOOK), 0.0)
    assert starts(read(tie, "*101*55*", 1.0)) == ["55"]
    assert tie.told.caller == "101"


@pytest.mark.parametrize("signalling", ["em_w", "featd"])
def test_digits_of_tones_go_out_without_a_wink_in_the_end(signalling: str) -> None:
    """Many far ends do not wink."""
    tie = machine(signalling)
    tie.call(tie.new_number(), Call("55", "101"), 0.0)
    given = tie.tick(4.0)
    assert any(isinstance(one, orders.Dial) for one in given) and not any(isinstance(one, orders.End) for one in given)


def test_mf_is_not_sent_without_a_wink() -> None:
    tie = machine("featdmf")
    tie.call(tie.new_number(), Call("55", "101"), 0.0)
    assert [one.cause for one in tie.tick(4.0) if isinstance(one, orders.End)] == [causes.NORMAL_CIRCUIT_CONGESTION]


def test_a_line_that_needs_no_number_is_answered_when_it_is_seized() -> None:
    tie = machine("em")
    number = tie.new_number()
    tie.call(number, Call(""), 0.0)
    assert orders.Tell(number, Condition.ANSWER) in tie.tick(tie.next_timer)


def test_a_line_without_digits_goes_to_extension_s_at_once() -> None:
    """immediate = yes; a winking line winks all the same."""
    tie = Tie(Everything(), Manners(SCHEMES["em_w"], SCHEMES["em_w"], immediate=True))
    given = tie.line(LineEvent(Happening.OFF_HOOK), 0.0)
    assert hooks(given) == [Hook.WINK] and starts(given) == ["s"]


def test_pauses_among_digits_have_their_time() -> None:
    """W is a second: it is not all dialled before."""
    tie = machine("em")
    tie.call(tie.new_number(), Call("5W5"), 0.0)
    began = tie.next_timer
    tie.tick(began)
    assert tie.next_timer - began >= 1.0 + 2 * 0.1


def test_no_digit_at_all_is_extension_s() -> None:
    tie = machine("em")
    tie.line(LineEvent(Happening.OFF_HOOK), 0.0)
    assert starts(tie.tick(5.0)) == ["s"]


def test_digits_have_their_time() -> None:
    """interdigit_timeout, and matchdigit_timeout once the number may be complete; marks of parts have 3 s."""

    class Longer(Everything):
        """5 and 55 are extensions."""

        def exists(self, exten: str) -> bool:
            return exten in ("5", "55")

        def more(self, exten: str) -> bool:
            return exten == "5"

    manners = Manners(SCHEMES["em"], SCHEMES["em"], next_digit=7.0, match_digit=2.0)
    tie = Tie(Longer(), manners)
    tie.line(LineEvent(Happening.OFF_HOOK), 0.0)
    tie.digit("5", 1.0)
    assert tie.next_timer == 3.0
    tie = Tie(Everything(), manners)
    tie.line(LineEvent(Happening.OFF_HOOK), 0.0)
    tie.digit("5", 1.0)
    assert tie.next_timer == 8.0
    tie = machine("featdmf")
    tie.line(LineEvent(Happening.OFF_HOOK), 0.0)
    tie.digit("*", 1.0)
    assert tie.next_timer == 4.0


async def test_a_number_that_is_none_is_told(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """The far end hears that there is no such number; then the call ends."""
    office.lay(lines="")
    office.trunk(5, 7, ["em", "em"], "ulaw")
    office.pbx.zones["us"].tones["info"] = "!950/330,!1400/330,!1800/330,0"
    await office.begin(CHANNELS.format(signalling="em", more=""), PLAN)
    alice = office.phone(1)
    await office.dial(alice, "944")
    await office.until(lambda: alice.hears(950), 12)
    await office.until(lambda: not len(office.pbx.channels), 5)
    assert 'channel 7: no extension "4" in context "far" for a call that came in' in caplog.text
    alice.on_hook()


@given(st.sampled_from(sorted(SCHEMES)), st.lists(st.sampled_from("0123456789*#ABC!^vft"), max_size=40))
def test_no_order_of_events_wedges_a_tie_line(signalling: str, events: list[str]) -> None:
    """Whatever digits, hooks, winks and times come: once the far end is on hook and nobody calls, it is idle."""
    tie, now = machine(signalling), 0.0
    kinds = {"!": Happening.FLASH, "^": Happening.OFF_HOOK, "v": Happening.ON_HOOK, "f": Happening.DIAL_COMPLETE}
    for event in events:
        now += 0.1
        if event == "t":
            now = tie.next_timer if tie.next_timer < 1e9 else now
            tie.tick(now)
        elif event in kinds:
            tie.line(LineEvent(kinds[event]), now)
        else:
            tie.digit(event, now)
    tie.line(LineEvent(Happening.ON_HOOK), now)
    assert tie.state.value == "idle" and not tie.calls
    assert tie.takes_call() == 0
