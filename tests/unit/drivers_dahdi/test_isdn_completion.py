"""Call completion by ISDN's own protocols, from a phone behind the user's side to a phone behind the network's."""

from __future__ import annotations

import pytest

from offhook.calls.completion import events
from offhook.calls.completion.core import completion_of
from offhook.log import VERBOSE
from offhook.services import completion
from support.isdn_story import start, start_bri
from support.line_story import Office
from support.line_talk import call_for

NATIVE = "cc_agent_policy = native\ncc_monitor_policy = native\npriindication = outofband"
PHONES = "cc_agent_policy = generic\ncc_monitor_policy = generic\ncc_offer_timer = 3600"
PLAN = """
[phones]
exten => 253,1,Dial(${IF($["${CC_INTERFACES}" = ""]?DAHDI/g2/53:${CC_INTERFACES})},20)
exten => 254,1,Dial(${IF($["${CC_INTERFACES}" = ""]?DAHDI/g2/54:${CC_INTERFACES})},3)
exten => 104,1,CallCompletionRequest()
exten => 105,1,CallCompletionCancel()
[from-user]
exten => 53,1,Dial(${IF($["${CC_INTERFACES}" = ""]?DAHDI/2:${CC_INTERFACES})},20)
exten => 54,1,Dial(${IF($["${CC_INTERFACES}" = ""]?DAHDI/2:${CC_INTERFACES})},20)
[from-network]
"""
KINDS = ("bri", "bri multipoint", "e1", "qsig")


async def begin(office: Office, kind: str, extra: str = "") -> None:
    """Two spans of a kind, phones that may ask, call completion switched on."""
    if kind.startswith("bri"):
        await start_bri(office, NATIVE + extra, NATIVE, plan=PLAN, multipoint="multipoint" in kind, phones=PHONES)
    else:
        switch = "\nswitchtype = qsig\nfacilityenable = yes" if kind == "qsig" else ""
        await start(office, NATIVE + switch + extra, NATIVE + switch, plan=PLAN, phones=PHONES)
    office.pbx.registry.add(completion.module)
    completion.start(office.pbx)


def over(office: Office) -> bool:
    """No call is left, and no transaction of the first one; that another call was offered anew is another matter."""
    found = completion_of(office.pbx)
    assert found is not None
    spans = list(office.pbx.parts["dahdi"].isdn)
    quiet = all(not span.calls for span in spans) and not len(office.pbx.channels)
    return quiet and not any(core_id in (0, 1) for core_id in found.transactions)


async def finish(office: Office) -> None:
    """Everything comes to its end; what was offered last is cancelled, and no record is left on either side."""
    await office.until(lambda: over(office), 30)
    await office.cli("cc cancel all")
    await office.advance(1)
    found = completion_of(office.pbx)
    assert found is not None and not found.transactions
    assert not any(span.completion.waits for span in office.pbx.parts["dahdi"].isdn)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_busy_party_is_called_again_across_the_span(office: Office, kind: str) -> None:
    """CCBS: offered with the busy, requested, accepted, free, recall, done."""
    await begin(office, kind)
    alice, bob = office.phone(1), office.phone(2)
    bob.off_hook()
    await office.advance(0.5)
    await call_for(office, 1, "253", 3)
    offers = office.heard(events.Available)
    wanted = {("DAHDI", "CCBS"), ("DAHDI/i4", "CCBS")}
    assert {(offer.callee.rpartition("/")[0], offer.service) for offer in offers} == wanted
    await call_for(office, 1, "104")
    assert len(office.heard(events.Requested)) == 2
    bob.on_hook()
    await office.until(lambda: alice.ringing, 15)
    alice.off_hook()
    await office.until(lambda: bob.ringing, 10)
    bob.off_hook()
    await office.advance(1)
    assert len(office.pbx.bridges) == 2
    for phone in (alice, bob):
        phone.on_hook()
    await finish(office)


@pytest.mark.parametrize("kind", KINDS)
async def test_nobody_answered_and_the_party_is_called_when_it_was_used(office: Office, kind: str) -> None:
    """CCNR: offered with the ringing, and free once the party has made a call."""
    await begin(office, kind)
    alice, bob = office.phone(1), office.phone(2)
    await call_for(office, 1, "254", 6)
    assert {offer.service for offer in office.heard(events.Available)} == {"CCNR"}
    await call_for(office, 1, "104")
    bob.off_hook()
    await office.advance(2)
    assert not alice.ringing
    bob.on_hook()
    await office.until(lambda: alice.ringing, 15)
    alice.off_hook()
    await office.until(lambda: bob.ringing, 10)
    alice.on_hook()
    await finish(office)


@pytest.mark.parametrize("kind", KINDS)
async def test_who_does_not_want_it_any_more_takes_it_back(office: Office, kind: str) -> None:
    """CallCompletionCancel ends both sides of the record."""
    await begin(office, kind)
    bob = office.phone(2)
    bob.off_hook()
    await office.advance(0.5)
    await call_for(office, 1, "253", 3)
    await call_for(office, 1, "104")
    await call_for(office, 1, "105")
    await finish(office)
    bob.on_hook()
    await office.advance(1)
    assert not office.phone(1).ringing


async def test_nobody_asks_and_the_offer_runs_out(office: Office) -> None:
    """The library's T-RETENTION, which on a bus ends the phone's offer as well."""
    await begin(office, "bri multipoint", "\npritimer = T-RETENTION,200")
    bob = office.phone(2)
    bob.off_hook()
    await office.advance(0.5)
    await call_for(office, 1, "253", 1)
    found = completion_of(office.pbx)
    assert found is not None and len(office.heard(events.Available)) == 2
    await office.until(lambda: not found.transactions, 600)
    assert len(office.heard(events.Failure)) == 2
    bob.on_hook()
    await finish(office)


async def test_the_agent_is_not_for_the_application(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """A caller behind ISDN asks by its own protocol: CallCompletionRequest on its channel says so."""
    asks = "exten => 60,1,CallCompletionRequest()\n same => n,Set(GLOBAL(WHY)=${CC_REQUEST_REASON})"
    plan = PLAN.replace("[from-user]", f"[from-user]\n{asks}")
    await begin(office, "bri")
    office.dialplan(plan)
    bob = office.phone(2)
    bob.off_hook()
    await office.advance(0.5)
    with caplog.at_level(VERBOSE):
        await call_for(office, 1, "253", 3)
    channel = office.pbx.parts["dahdi"].request("g2/60", None, ("", ""))
    channel.connected.id.number = channel.connected.id.number._replace(valid=True, text="101")
    channel.tech_call("")
    await office.until(lambda: office.pbx.globals.get("WHY") is not None, 5)
    assert office.pbx.globals.get("WHY") == "NOT_GENERIC"
    channel.hangup()
    bob.on_hook()
    await office.until(lambda: not len(office.pbx.channels), 10)
