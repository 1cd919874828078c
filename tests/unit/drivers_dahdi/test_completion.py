"""Call completion between analog phones: chan_dahdi.conf's cc_ options."""

from __future__ import annotations

from offhook.calls.completion import events
from offhook.services import completion
from support.line_story import Office
from support.line_talk import call_for

PHONES = """
[channels]
signalling = fxo_ks
echocancel = no
context = phones
cc_agent_policy = generic
cc_monitor_policy = generic
cc_offer_timer = 60
channel => 1
channel => 2
cc_monitor_policy = never
channel => 3
"""
PLAN = """
[phones]
exten => 102,1,Dial(${IF($["${CC_INTERFACES}" = ""]?DAHDI/2:${CC_INTERFACES})},20)
exten => 103,1,Dial(DAHDI/3,20)
exten => 104,1,CallCompletionRequest()
"""


async def test_a_busy_phone_is_called_again_when_it_is_free(office: Office) -> None:
    await office.start(PHONES, PLAN)
    office.pbx.registry.add(completion.module)
    completion.start(office.pbx)
    caller, called = office.phone(1), office.phone(2)
    called.off_hook()
    await office.advance(0.5)
    await call_for(office, 1, "102")
    (offer,) = office.heard(events.Available)
    assert (offer.callee, offer.service) == ("DAHDI/2", "CCBS")
    await call_for(office, 1, "104")
    called.on_hook()
    await office.until(lambda: caller.ringing)
    caller.off_hook()
    await office.until(lambda: called.ringing)
    called.off_hook()
    await office.advance(0.5)
    assert len(office.pbx.bridges) == 1
    for phone in (caller, called):
        phone.on_hook()
    await office.advance(1)
    assert [event.kind for event in office.heard(events.Told)] == [
        events.ACKNOWLEDGED,
        events.RECALLING,
        events.COMPLETE,
    ]


async def test_a_phone_that_does_not_allow_it_is_not_waited_for(office: Office) -> None:
    await office.start(PHONES, PLAN)
    completion.start(office.pbx)
    office.phone(3).off_hook()
    await office.advance(0.5)
    await call_for(office, 1, "103")
    assert not office.heard(events.Available)
    office.phone(3).on_hook()
    await office.advance(1)
