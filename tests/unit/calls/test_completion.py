"""Call completion: who found somebody busy or away is called back when both are free."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from offhook.apps import branches, flow, signals
from offhook.calls import causes
from offhook.calls.channel import Channel, State
from offhook.calls.completion import events
from offhook.calls.completion.core import completion_of
from offhook.calls.completion.parameters import Parameters, parameters_of, set_parameters
from offhook.calls.events import NewExten
from offhook.calls.frames import Condition, Control
from offhook.calls.party import Caller, Party
from offhook.control.manager import events_completion
from offhook.control.manager.render import RENDERERS
from offhook.functions import callcompletion, logic, shared, strings
from offhook.modules import Module, Request
from offhook.modules.command import CommandError
from offhook.services import completion
from support.call_exchange import Exchange
from support.leaping_loop import LeapingLoop

PLAN = """
[phones]
exten => _XXX,1,NoOp(interfaces ${CC_INTERFACES} of ${CC_EXTEN}@${CC_CONTEXT})
 same => n,Dial(${IF($["${CC_INTERFACES}" = ""]?Phone/${EXTEN}:${CC_INTERFACES})},15,g)
 same => n,NoOp(${DIALSTATUS})
exten => group,1,Dial(Local/boss@inside&Phone/222,15)
exten => back,1,Dial(${CC_INTERFACES},15)
exten => *1,1,CallCompletionRequest()
 same => n,NoOp(${CC_REQUEST_RESULT} ${CC_REQUEST_REASON})
exten => *2,1,CallCompletionCancel()
 same => n,NoOp(${CC_CANCEL_RESULT} ${CC_CANCEL_REASON})
[inside]
exten => boss,1,Dial(${IF($["${CC_INTERFACES}" = ""]?Phone/111:${CC_INTERFACES})},15)
[callback]
exten => s,1,Set(GREETED=${CC_EXTEN})
 same => n,Return()
"""


class Phone(Channel):
    """A telephone that is answered if its owner is there, and busy in a call."""

    technology = "Phone"
    __slots__ = ("house",)

    def __init__(self, house: House, number: str, **more: Any) -> None:
        pbx = house.exchange.pbx
        name = f"Phone/{number}-{pbx.next_name('Phone'):08x}"
        super().__init__(pbx, name, media=pbx.engine.null_leg(), formats=("ulaw",), context="phones", **more)
        self.house = house
        self.caller = Caller(id=Party.of(number))
        set_parameters(self, Parameters(**house.allowed))

    def tech_call(self, destination: str) -> None:
        """Ring, or tell that somebody talks."""
        number = destination
        others = [one for one in self.pbx.channels.of_device(f"Phone/{number}") if one is not self]
        if others:
            self.hangup_cause = causes.USER_BUSY
            self.deliver(Control(Condition.BUSY))
            return
        self.set_state(State.RINGING)
        self.deliver(Control(Condition.RINGING))
        if number in self.house.at_home:
            self.pbx.loop.call_later(1, self._answer)

    def _answer(self) -> None:
        if not self.hungup:
            self.mark_up()
            self.deliver(Control(Condition.ANSWER))


class House:
    """An exchange with telephones in simulated time, and what is told of call completion."""

    def __init__(self, folder: Path) -> None:
        self.exchange = Exchange(folder)
        self.at_home = {"100", "200", "300"}
        self.noops: list[str] = []
        """What the dialplan passed."""
        self.allowed: dict[str, Any] = {"cc_agent_policy": "generic", "cc_monitor_policy": "generic"}
        for source in (branches, flow, signals, callcompletion, logic, shared, strings):
            self.exchange.load(source)
        self.exchange.load(completion)
        phones = Module("chan_phone", "Phones of a test")

        @phones.driver("Phone")
        def request(pbx: Any, address: str, formats: Any, requester: Channel | None, ids: Any) -> Phone:
            return Phone(self, address, outgoing=True, requester=requester)

        self.exchange.pbx.registry.add(phones)
        self.exchange.dialplan(PLAN)
        completion.start(self.exchange.pbx)
        self.exchange.pbx.bus.subscribe(NewExten, self._passed)

    def _passed(self, event: NewExten) -> None:
        if event.channel.application == "NoOp":
            self.noops.append(event.channel.application_data)

    def dial(self, number: str, exten: str) -> Phone:
        """Somebody lifts a phone and dials."""
        phone = Phone(self, number, state=State.RING, exten=exten)
        phone.start_pbx()
        return phone

    async def call(self, number: str, exten: str, seconds: float = 20) -> None:
        """Somebody calls, and hangs up after a while."""
        phone = self.dial(number, exten)
        await asyncio.sleep(seconds)
        await self.end(phone)

    async def end(self, phone: Channel) -> None:
        """Somebody hangs up."""
        phone.far_end_hangup(causes.NORMAL_CLEARING)
        await asyncio.sleep(0.1)

    @property
    def told(self) -> list[tuple[str, ...]]:
        """The manager events of call completion: name and values."""
        found: list[tuple[str, ...]] = []
        for event in self.exchange.events:
            if type(event).__module__ == events.__name__:
                (renderer,) = RENDERERS[type(event)]
                name = renderer.name if isinstance(renderer.name, str) else renderer.name(event)
                lines = (renderer.body(event) or "").splitlines()
                found.append((name, *(line.partition(": ")[2] for line in lines)))
        return found

    def rings(self, number: str) -> Phone | None:
        """The channel that rings at somebody's."""
        found = [one for one in self.exchange.pbx.channels if isinstance(one, Phone) and one.outgoing]
        return next((one for one in found if one.name.startswith(f"Phone/{number}-")), None)

    def state(self, number: str) -> str:
        """What a lamp for a caller's call completion shows."""
        return self.exchange.pbx.devices.state(f"ccss:Phone/{number}")

    def report(self) -> str:
        """``cc report status``."""
        request = Request(self.exchange.pbx, "cc report status", [], [])
        completion.cc_report_status(request)
        return request.text()


def story(folder: Path, tell: Callable[[House], Awaitable[None]]) -> House:
    """Tell a story in simulated time; afterwards nothing is left."""
    loop = LeapingLoop(settle=0.0)

    async def run() -> House:
        house = House(folder)
        try:
            await tell(house)
        finally:
            await house.exchange.quiet()
            completion.stop(house.exchange.pbx)
            await house.exchange.pbx.end_tasks()
        return house

    try:
        return loop.run_until_complete(run())
    finally:
        loop.close()


def test_a_busy_party_is_called_again_when_it_is_free(tmp_path: Path) -> None:
    async def tell(house: House) -> None:
        talking = house.dial("200", "300")
        await asyncio.sleep(3)
        await house.call("100", "200", 5)
        assert house.told[-2:] == [
            ("CCAvailable", "1", "Phone/200", "CCBS"),
            ("CCOfferTimerStart", "1", "Phone/100", "20"),
        ]
        await house.call("100", "*1", 1)
        assert "SUCCESS " in house.noops
        assert house.state("100") == "INUSE"
        assert "|-->200@phones\n\t\t|-->Phone/200(CCBS)" in house.report()
        await house.end(talking)
        await asyncio.sleep(0.5)
        assert house.rings("100") is not None
        assert house.state("100") == "RINGING"
        await asyncio.sleep(5)
        assert "interfaces Phone/200 of 200@phones" in house.noops
        assert len(house.exchange.pbx.bridges) == 1
        assert house.state("100") == "NOT_INUSE"

    told = [event for event in story(tmp_path, tell).told if event[1] == "1"]
    assert [event[0] for event in told] == [
        "CCAvailable",
        "CCOfferTimerStart",
        "CCRequested",
        "CCRequestAcknowledged",
        "CCCallerRecalling",
        "CCRecallComplete",
    ]


def test_who_did_not_answer_is_called_after_having_used_the_phone(tmp_path: Path) -> None:
    async def tell(house: House) -> None:
        house.at_home.discard("200")
        await house.call("100", "200", 20)
        await house.call("100", "*1", 1)
        await asyncio.sleep(60)
        assert house.rings("100") is None
        await house.call("200", "300", 5)
        await asyncio.sleep(0.5)
        assert house.rings("100") is not None

    story(tmp_path, tell)


def test_a_caller_who_is_busy_meanwhile_is_called_when_free(tmp_path: Path) -> None:
    async def tell(house: House) -> None:
        house.at_home.discard("200")
        await house.call("100", "200", 20)
        await house.call("100", "*1", 1)
        busy = house.dial("100", "300")
        await asyncio.sleep(2)
        await house.call("200", "777", 5)
        await asyncio.sleep(1)
        assert house.rings("100") is None
        assert house.state("100") == "ONHOLD"
        await house.end(busy)
        await asyncio.sleep(0.5)
        assert house.rings("100") is not None
        await asyncio.sleep(2)

    names = [event[0] for event in story(tmp_path, tell).told if event[1] == "0"]
    assert names[4:7] == ["CCCallerStartMonitoring", "CCCallerStopMonitoring", "CCCallerRecalling"]


def test_the_offer_ends(tmp_path: Path) -> None:
    async def tell(house: House) -> None:
        house.at_home.discard("200")
        await house.call("100", "200", 16)
        await asyncio.sleep(21)
        assert house.told[-1] == ("CCFailure", "0", "Phone/100", "Generic agent Phone/100 offer timer expired")
        await house.call("100", "*1", 1)
        assert "FAIL NO_CORE_INSTANCE" in house.noops

    story(tmp_path, tell)


def test_a_request_does_not_hold_for_ever(tmp_path: Path) -> None:
    async def tell(house: House) -> None:
        house.at_home.discard("200")
        house.allowed["ccnr_available_timer"] = 100
        await house.call("100", "200", 16)
        await house.call("100", "*1", 1)
        await asyncio.sleep(110)
        assert house.told[-2:] == [
            ("CCMonitorFailed", "0", "Phone/200"),
            ("CCFailure", "0", "Phone/100", "All monitors have failed"),
        ]
        await house.call("200", "300", 5)
        await asyncio.sleep(1)
        assert house.rings("100") is None

    story(tmp_path, tell)


def test_a_request_is_taken_back(tmp_path: Path) -> None:
    async def tell(house: House) -> None:
        house.at_home.discard("200")
        await house.call("100", "200", 16)
        await house.call("100", "*2", 1)
        assert "FAIL NO_CORE_INSTANCE" in house.noops
        await house.call("100", "*1", 1)
        await house.call("100", "*2", 1)
        assert house.told[-1][0] == "CCFailure"
        assert house.report() == "There are currently no active call completion transactions\n"

    story(tmp_path, tell)


def test_requests_are_cancelled_at_the_console(tmp_path: Path) -> None:
    async def tell(house: House) -> None:
        pbx = house.exchange.pbx
        house.at_home.clear()
        for number in ("100", "101"):
            await house.call(number, "200", 16)
            await house.call(number, "*1", 1)
        with pytest.raises(CommandError, match="no transaction 7"):
            completion.cc_cancel(Request(pbx, "", [], ["core", "7"]))
        completion.cc_cancel(Request(pbx, "", [], ["core", "1"]))
        await asyncio.sleep(0.1)
        assert house.told[-1] == ("CCFailure", "1", "Phone/101", "CC transaction canceled administratively")
        completion.cc_cancel(Request(pbx, "", [], ["all"]))
        await asyncio.sleep(0.1)
        assert house.report() == "There are currently no active call completion transactions\n"

    story(tmp_path, tell)


def test_only_one_request_of_a_caller(tmp_path: Path) -> None:
    """The last call is the one that can be completed; while one is requested no other is offered."""

    async def tell(house: House) -> None:
        house.at_home.clear()
        await house.call("100", "200", 16)
        await house.call("100", "300", 16)
        assert house.report().startswith("1 Call completion transactions")
        await house.call("100", "*1", 1)
        await house.call("100", "200", 16)
        assert [event for event in house.told if event[0] == "CCAvailable"] == [
            ("CCAvailable", "0", "Phone/200", "CCNR"),
            ("CCAvailable", "1", "Phone/300", "CCNR"),
        ]

    story(tmp_path, tell)


def test_whoever_does_not_allow_it_is_not_waited_for(tmp_path: Path) -> None:
    async def tell(house: House) -> None:
        house.at_home.clear()
        for policies in ({"cc_agent_policy": "never"}, {"cc_monitor_policy": "never"}, {"cc_max_monitors": 0}):
            before = dict(house.allowed)
            house.allowed.update(policies)
            await house.call("100", "200", 16)
            house.allowed = before
        assert house.told == []

    story(tmp_path, tell)


def test_a_group_behind_a_local_channel_is_called_as_before(tmp_path: Path) -> None:
    async def tell(house: House) -> None:
        house.at_home.clear()
        await house.call("100", "group", 16)
        await house.call("100", "*1", 1)
        report = house.report()
        for line in ("group@phones", "boss@inside", "Phone/111(CCNR)", "Phone/222(CCNR)"):
            assert f"|-->{line}\n" in report
        house.at_home.add("100")
        await house.call("111", "777", 3)
        await asyncio.sleep(2)
        called = house.exchange.named("Phone/100")
        assert called.get("CC_INTERFACES") == "Local/boss@inside&Phone/222"
        assert (called.get("CC_EXTEN"), called.get("CC_CONTEXT")) == ("group", "phones")
        assert house.rings("111") is not None
        local = next(one for one in house.exchange.pbx.channels if one.name.endswith(";2"))
        assert local.get("CC_INTERFACES") == "Phone/111"

    story(tmp_path, tell)


def test_a_second_one_who_waits_has_its_turn(tmp_path: Path) -> None:
    async def tell(house: House) -> None:
        talking = house.dial("200", "300")
        await asyncio.sleep(3)
        for number in ("100", "101"):
            await house.call(number, "200", 5)
            await house.call(number, "*1", 1)
        house.at_home.add("101")
        await house.end(talking)
        await asyncio.sleep(5)
        assert len(house.exchange.pbx.bridges) == 1
        assert house.rings("101") is None
        await house.end(house.exchange.named("Phone/100"))
        await asyncio.sleep(0.5)
        assert house.rings("101") is not None

    story(tmp_path, tell)


def test_a_subroutine_runs_before_the_call(tmp_path: Path) -> None:
    async def tell(house: House) -> None:
        house.at_home.discard("200")
        house.allowed["cc_callback_sub"] = "callback,s,1"
        await house.call("100", "200", 16)
        await house.call("100", "*1", 1)
        await house.call("200", "300", 3)
        await asyncio.sleep(2)
        assert house.exchange.named("Phone/100").get("GREETED") == "200"

    story(tmp_path, tell)


def test_who_cannot_be_called_back_is_given_up(tmp_path: Path) -> None:
    async def tell(house: House) -> None:
        house.at_home.clear()
        await house.call("100", "200", 16)
        await house.call("100", "*1", 1)
        await house.call("200", "300", 3)
        await asyncio.sleep(25)
        assert house.told[-1] == ("CCFailure", "0", "Phone/100", "Failed to call back device Phone/100")

    story(tmp_path, tell)


def test_parameters_are_read_and_set_in_the_dialplan(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def tell(house: House) -> None:
        phone = Phone(house, "100", state=State.RING)
        phone.set_by_name("CALLCOMPLETION(cc_offer_timer)", "7")
        phone.set_by_name("CALLCOMPLETION(cc_recall_timer)", "0")
        phone.set_by_name("CALLCOMPLETION(cc_monitor_policy)", "sometimes")
        found = parameters_of(phone)
        assert (found.cc_offer_timer, found.cc_recall_timer, found.cc_monitor_policy) == (7, 20, "never")
        phone.hangup()

    story(tmp_path, tell)
    assert "cc_recall_timer cannot be 0" in caplog.text
    assert "write never, native, generic, always" in caplog.text


def test_it_can_be_switched_off_and_configured(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "ccss.conf").write_text("[general]\ncc_max_requests = 3\ncc_active_devstate = busy\ncc_wrong = 1\n")

    async def tell(house: House) -> None:
        found = completion_of(house.exchange.pbx)
        assert found is not None and found.limit == 3
        house.at_home.discard("200")
        await house.call("100", "200", 16)
        await house.call("100", "*1", 1)
        assert house.state("100") == "BUSY"

    story(tmp_path, tell)
    assert "ccss.conf:4" in caplog.text
    (tmp_path / "ccss.conf").write_text("[general]\nenabled = no\n")

    async def off(house: House) -> None:
        house.at_home.discard("200")
        await house.call("100", "200", 16)
        await house.call("100", "*1", 1)
        assert "FAIL NO_CORE_INSTANCE" in house.noops

    story(tmp_path, off)


def test_every_event_is_rendered() -> None:
    assert {kind for kind in RENDERERS if kind.__module__ == events.__name__} == {
        value for value in vars(events).values() if isinstance(value, type) and value.__module__ == events.__name__
    }
    assert events_completion.CC
