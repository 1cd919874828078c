"""Dial's options over Local channels, and RetryDial."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from offhook.apps import flow
from offhook.calls import events
from offhook.calls.attempts import Tally
from offhook.calls.dialing import Dialing
from offhook.calls.frames import Condition, Control, Digit, Forward
from offhook.functions import shared, stack

CALLEES = """
[callees]
exten => up,1,Answer()
 same => n,Wait(60)
exten => flash,1,Answer()
 same => n,Hangup(17)
exten => busy,1,Busy(60)
exten => ring,1,Ringing()
 same => n,Wait(60)
exten => early,1,Progress()
 same => n,Wait(60)
exten => noanswer,1,Hangup(19)
exten => i,1,NoOp(nobody)
"""
SUBROUTINES = """
[screen]
exten => s,1,Set(GLOBAL(screened)=${ARGC}-${ARG1}-${ARG2})
 same => n,GotoIf($["${ARG1}" = ""]?end)
 same => n,Set(GOSUB_RESULT=${ARG1})
 same => n(end),Return(told)
[aside]
exten => s,1,Set(GOSUB_RESULT=GOTO:callers^5^1)
 same => n,Return()
[ael]
exten => ~~s~~,1,Set(GLOBAL(screened)=ael)
 same => n,Return()
"""


class Story:
    """One caller in extension s of [callers] whose Dial's end is told by a UserEvent."""

    def __init__(self, exchange: Any, dial: str) -> None:
        self.exchange = exchange
        for source in (flow, shared, stack):
            exchange.load(source)
        exchange.dialplan(
            f"[callers]\nexten => s,1,{dial}\n same => n,UserEvent(After,Status: ${{DIALSTATUS}})\n"
            f" same => n,Wait(60)\n same => n(aside),UserEvent(Aside)\n same => n,Wait(60)\n"
            f" same => n(there),UserEvent(There)\n same => n,Wait(60)\n"
            "exten => 5,1,UserEvent(Five)\n same => n,Wait(60)\n"
            "exten => h,1,UserEvent(End,Status: ${DIALSTATUS},Cause: ${HANGUPCAUSE},Answered: ${ANSWEREDTIME})\n"
            + CALLEES
            + SUBROUTINES
        )

    async def begin(self) -> Any:
        """The channel that runs Dial."""
        self.exchange.pbx.spawn(self.exchange.call("Local/s@callers/n", timeout=None))
        await self.exchange.until(lambda: self.exchange.pbx.channels.by_prefix("Local/s@callers-00000000;2"))
        return self.exchange.named("Local/s@callers-00000000;2")

    def told(self, name: str) -> bool:
        """Whether a UserEvent of that name was there."""
        return any(event.name == name for event in self.exchange.heard(events.UserEvent))

    async def until(self, name: str) -> dict[str, str]:
        """What a UserEvent of that name says, once it is there."""
        await self.exchange.until(lambda: self.told(name), 100_000)
        return dict(next(event for event in self.exchange.heard(events.UserEvent) if event.name == name).headers)

    def called(self) -> int:
        """How many channels Dial called."""
        return len([event for event in self.exchange.heard(events.DialBegin) if event.channel is not None])

    def dial_ends(self) -> list[str]:
        """How the dialled channels ended."""
        return [event.status for event in self.exchange.heard(events.DialEnd) if event.channel is not None]


async def test_a_dial_that_is_over_leaves_nothing_for_the_cycle_collector(exchange: Any) -> None:
    gc.collect()
    gc.disable()
    try:
        story = Story(exchange, "Dial(Local/busy@callees/n,5)")
        await story.begin()
        assert (await story.until("After"))["Status"] == "BUSY"
        # That of the call to the caller itself, which nobody answered, goes on.
        assert not [found for found in gc.get_objects() if isinstance(found, Dialing) and found.caller is not None]
    finally:
        gc.enable()


async def test_the_subroutine_of_u_gets_its_arguments(exchange: Any) -> None:
    story = Story(exchange, "Dial(Local/up@callees/n,,U(screen^^second))")
    await story.begin()
    await exchange.until(lambda: len(exchange.pbx.bridges) == 1)
    assert exchange.pbx.globals.get("screened") == "2--second"


async def test_the_subroutine_of_u_may_be_ael(exchange: Any) -> None:
    story = Story(exchange, "Dial(Local/up@callees/n,,U(ael))")
    await story.begin()
    await exchange.until(lambda: len(exchange.pbx.bridges) == 1)
    assert exchange.pbx.globals.get("screened") == "ael"


@pytest.mark.parametrize(
    ("verdict", "after", "status"),
    [("BUSY", "After", "BUSY"), ("CONGESTION", "After", "CONGESTION"), ("CONTINUE", "After", "ANSWER")],
)
async def test_the_subroutine_of_u_may_refuse(exchange: Any, verdict: str, after: str, status: str) -> None:
    story = Story(exchange, f"Dial(Local/up@callees/n,,U(screen^{verdict}))")
    caller = await story.begin()
    assert (await story.until(after))["Status"] == status
    assert story.dial_ends() == [verdict]
    assert caller.get("GOSUB_RETVAL") == "told"
    await exchange.until(lambda: exchange.pbx.channels.by_prefix("Local/up@callees") is None)
    assert not len(exchange.pbx.bridges)


async def test_abort_ends_both_sides(exchange: Any) -> None:
    story = Story(exchange, "Dial(Local/up@callees/n,,U(screen^ABORT))")
    await story.begin()
    assert (await story.until("End"))["Status"] == "ANSWER"
    assert not story.told("After")


async def test_goto_sends_the_caller_elsewhere(exchange: Any) -> None:
    story = Story(exchange, "Dial(Local/up@callees/n,,U(aside))")
    await story.begin()
    await story.until("Five")


async def test_who_answers_and_is_gone_at_once_has_answered_the_caller(exchange: Any) -> None:
    story = Story(exchange, "Dial(Local/flash@callees/n)")
    caller = await story.begin()
    end = await story.until("End")
    assert (end["Status"], story.dial_ends()) == ("ANSWER", ["ANSWER"])
    assert caller.answered_at is not None


async def test_who_answers_a_caller_that_is_ending_is_ended(exchange: Any) -> None:
    story = Story(exchange, "Answer()\n same => n,Dial(Local/ring@callees/n)")
    caller = await story.begin()
    await exchange.until(lambda: exchange.heard(events.DialState) != [])
    called = exchange.named("Local/ring@callees-00000001;1")
    called.deliver(Control(Condition.ANSWER))
    caller.hangup_requested = True  # asked for in the same moment, and not carried out yet
    await exchange.until(lambda: called.hungup)
    caller.hangup_requested = False


async def test_g_sends_caller_and_called_to_the_dialplan(exchange: Any) -> None:
    story = Story(exchange, "Dial(Local/up@callees/n,,G(s^4))")
    caller = await story.begin()
    await story.until("Aside")
    called = exchange.named("Local/up@callees-00000001;1")
    await exchange.until(lambda: called.priority == 5)
    assert (caller.priority, caller.bridge, called.bridge) == (5, None, None)


async def test_extension_h_runs_once_on_the_called_channel(exchange: Any) -> None:
    story = Story(exchange, "Dial(Local/up@callees/n,,e)")
    caller = await story.begin()
    await exchange.until(lambda: len(exchange.pbx.bridges) == 1)
    called = exchange.named("Local/up@callees-00000001;1")
    caller.request_hangup()
    await exchange.until(lambda: called.hungup)
    ends = [e.channel for e in exchange.heard(events.UserEvent) if e.name == "End"]
    assert ends == [caller, called]


async def test_the_called_party_goes_on_when_the_caller_leaves(exchange: Any) -> None:
    story = Story(exchange, "Dial(Local/up@callees/n,,F(callers^5^1))")
    caller = await story.begin()
    await exchange.until(lambda: len(exchange.pbx.bridges) == 1)
    caller.request_hangup()
    await story.until("Five")
    assert exchange.named("Local/up@callees-00000001;1").alive


@pytest.mark.parametrize("timeout", ["", "0.01", "x", "^0.01"])
async def test_time_to_answer(exchange: Any, timeout: str) -> None:
    story = Story(exchange, f"Dial(Local/ring@callees/n,{timeout})")
    caller = await story.begin()
    if "0.01" in timeout and "^" not in timeout:
        assert (await story.until("After"))["Status"] == "NOANSWER"
    else:
        await exchange.until(lambda: exchange.heard(events.DialState) != [])
        assert not story.told("After"), "ringing ends the time for early media"
        assert caller.get("RINGTIME") == "0"


async def test_nothing_but_silence_in_time_is_unavailable(exchange: Any) -> None:
    story = Story(exchange, "Dial(Local/wait@callees/n,^0.01)")
    exchange.dialplan(
        "[callers]\nexten => s,1,Dial(Local/wait@callees/n,^0.01)\n same => n,UserEvent(After,Status: ${DIALSTATUS})\n"
        " same => n,Wait(60)\n[callees]\nexten => wait,1,Wait(60)\n"
    )
    await story.begin()
    assert (await story.until("After"))["Status"] == "CHANUNAVAIL"


async def test_a_destination_without_resource_is_an_error_of_its_own(exchange: Any) -> None:
    story = Story(exchange, "Dial(Local/up@callees/n&Local)")
    await story.begin()
    end = await story.until("End")
    assert end["Status"] == "INVALIDARGS"
    assert story.called() == 0


@pytest.mark.parametrize("option", ["S(x)", "S(0)", "L(x)"])
async def test_a_limit_that_is_none_is_told_before_anybody_is_called(exchange: Any, option: str) -> None:
    story = Story(exchange, f"Dial(Local/up@callees/n,,{option})")
    await story.begin()
    assert (await story.until("End"))["Status"] == "INVALIDARGS"
    assert story.called() == 0


async def test_busy_beside_one_who_does_not_answer_is_no_answer(exchange: Any) -> None:
    story = Story(exchange, "Dial(Local/busy@callees/n&Local/noanswer@callees/n)")
    await story.begin()
    assert (await story.until("After"))["Status"] == "NOANSWER"


def test_a_status_needs_a_reason_for_every_line() -> None:
    assert Tally(busy=1, congestion=1).status(2) == "BUSY"
    assert Tally(congestion=1, unavailable=1).status(2) == "CONGESTION"
    assert Tally(unavailable=2).status(2) == "CHANUNAVAIL"
    assert Tally(busy=2).status(3) == "NOANSWER"


async def test_digits_of_the_caller_reach_everybody_who_rings(exchange: Any) -> None:
    story = Story(exchange, "Dial(Local/ring@callees/n&Local/early@callees/n)")
    caller = await story.begin()
    await exchange.until(lambda: story.called() == 2)
    caller.deliver(Digit("7", True, 80))
    await exchange.until(lambda: len([e for e in exchange.heard(events.DtmfEnd) if e.direction == "Sent"]) == 2)


async def test_a_digit_of_the_caller_may_leave(exchange: Any) -> None:
    story = Story(exchange, "Dial(Local/ring@callees/n,,d)")
    caller = await story.begin()
    await exchange.until(lambda: exchange.heard(events.DialState) != [])
    caller.deliver(Digit("4", True, 80))
    caller.deliver(Digit("5", True, 80))
    await story.until("Five")
    assert story.dial_ends() == ["CANCEL"]


async def test_bridge_features_by_letter_case(exchange: Any) -> None:
    story = Story(exchange, "Set(BRIDGE_FEATURES=Th)\n same => n,Dial(Local/up@callees/n,,X)")
    caller = await story.begin()
    await exchange.until(lambda: len(exchange.pbx.bridges) == 1)
    assert caller.data["dtmf features"] == "TX"
    assert exchange.named("Local/up@callees-00000001;1").data["dtmf features"] == "H"


async def test_a_forward_that_is_ignored_counts_as_busy(exchange: Any) -> None:
    story = Story(exchange, "Dial(Local/ring@callees/n,,i)")
    await story.begin()
    await exchange.until(lambda: exchange.heard(events.DialState) != [])
    exchange.named("Local/ring@callees-00000001;1").deliver(Forward("up@callees"))
    assert (await story.until("After"))["Status"] == "BUSY"


async def test_who_forwards_is_named_and_redirects(exchange: Any) -> None:
    story = Story(exchange, "Dial(Local/ring@callees/n,60,z)")
    await story.begin()
    await exchange.until(lambda: exchange.heard(events.DialState) != [])
    forwarder = exchange.named("Local/ring@callees-00000001;1")
    forwarder.deliver(Forward("up@callees"))
    await exchange.until(lambda: len(exchange.pbx.bridges) == 1)
    called = exchange.named("Local/up@callees-00000002;1")
    assert called.get("FORWARDERNAME") == forwarder.name
    assert called.redirecting.from_.number.text == "s"


async def test_hold_of_a_called_party_is_passed_on_before_the_answer(exchange: Any) -> None:
    story = Story(exchange, "Dial(Local/ring@callees/n)")
    caller = await story.begin()
    await exchange.until(lambda: exchange.heard(events.DialState) != [])
    seen: list[Condition] = []
    caller.data.setdefault("indication_hooks", []).append(seen.append)
    exchange.named("Local/ring@callees-00000001;1").deliver(Control(Condition.HOLD, ""))
    await exchange.until(lambda: Condition.HOLD in seen)


async def test_digits_are_sent_at_progress(exchange: Any) -> None:
    story = Story(exchange, "Dial(Local/early@callees/n,,D(::12))")
    await story.begin()
    await exchange.until(lambda: exchange.heard(events.DialState) != [])
    sent = exchange.heard
    await exchange.until(lambda: len([e for e in sent(events.DtmfEnd) if e.direction == "Sent"]) == 2, 1_000_000)
    assert [e.digit for e in sent(events.DtmfEnd) if e.direction == "Sent"] == ["1", "2"]


async def test_retry_dial_calls_so_often(exchange: Any) -> None:
    story = Story(exchange, "RetryDial(,1,2,Local/busy@callees/n)")
    caller = await story.begin()
    await exchange.until(lambda: story.called() == 1)
    await exchange.until(lambda: story.dial_ends() == ["BUSY"])
    await exchange.until(lambda: caller.waiter is not None)
    caller.deliver(Digit("9", True, 80))  # no extension: only the pause is over
    await exchange.until(lambda: story.dial_ends() == ["BUSY", "BUSY"])
    await exchange.until(lambda: caller.waiter is not None)
    caller.deliver(Digit("9", True, 80))
    assert (await story.until("After"))["Status"] == "BUSY"
    assert story.called() == 2


async def test_retry_dial_ends_with_an_extension(exchange: Any) -> None:
    story = Story(exchange, "RetryDial(,10,0,Local/busy@callees/n)")
    caller = await story.begin()
    await exchange.until(lambda: story.dial_ends() == ["BUSY"])
    await exchange.until(lambda: caller.waiter is not None)
    caller.deliver(Digit("5", True, 80))
    await story.until("Five")
