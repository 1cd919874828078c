"""Transfers by REFER, as the telephones see them."""

from __future__ import annotations

from typing import Any

from offhook.calls import events
from offhook.calls.party import Connected, Number, Party
from offhook.drivers.sip.calls import header_functions
from support.sip_call import audio

PJSIP = """
[alice]
type = endpoint
context = test
allow = !all,ulaw
direct_media = no
"""
DIALPLAN = """
[test]
exten => _bob.,1,Dial(PJSIP/alice/sip:bob@127.0.0.1:${EXTEN:3})
exten => gone,1,Hangup()
exten => later,1,Wait(60)
"""


async def test_who_wants_its_call_back_after_transferring_it_hears_bye(office: Any) -> None:
    alice = await office.telephone(PJSIP, DIALPLAN)
    bob = await office.another("bob")
    call = await alice.call(f"bob{bob.peer.address.split(':')[1]}")
    called = await bob.incoming()
    await called.accept()
    await call.answered()
    host = f"{alice.peer.server[0]}:{alice.peer.server[1]}"
    call.send("REFER", ("Refer-To", f"<sip:gone@{host}>"))
    await alice.next("202")
    await called.bye()
    for _ in range(2):
        call.reply(await alice.next("NOTIFY"), 200)
    assert [event.result for event in office.heard(events.BlindTransfer)] == ["Success"]
    await alice.silent(10)
    call.invite = call.send("INVITE", body=audio())
    call.ack(await call.response(200))
    call.reply(await alice.next("BYE", 1), 200)


async def test_who_rings_is_told_by_update_who_calls_now(office: Any) -> None:
    alice = await office.telephone(f"{PJSIP}send_pai = yes\n", DIALPLAN)
    bob = await office.another("bob")
    call = await alice.call(f"bob{bob.peer.address.split(':')[1]}")
    called = await bob.incoming()
    called.reply(called.invite, 180, ("Allow", "INVITE, ACK, CANCEL, BYE, UPDATE"))
    await call.response(180)
    (channel,) = [channel for channel in office.pbx.channels if channel.state.text == "Ringing"]
    channel.set_connected(Connected(Party(number=Number(True, "4711"))))
    told = await bob.next("UPDATE")
    assert "4711" in told.get("P-Asserted-Identity")
    assert not told.body
    called.reply(told, 200)
    await called.accept()
    await call.answered()
    await call.hang_up()
    await called.bye()


async def test_a_refer_can_ask_for_voicemail(office: Any) -> None:
    alice = await office.telephone(PJSIP, DIALPLAN)
    bob = await office.another("bob")
    call = await alice.call(f"bob{bob.peer.address.split(':')[1]}")
    called = await bob.incoming()
    await called.accept()
    await call.answered()
    host = f"{alice.peer.server[0]}:{alice.peer.server[1]}"
    caller, _ = sorted(office.pbx.channels, key=lambda channel: channel.name)
    voicemail = ("Diversion", f'<sip:gone@{host}>;reason="send_to_vm"')
    called.send("REFER", ("Refer-To", f"<sip:nowhere@{host}>"), voicemail)
    await bob.next("202")
    told = await bob.next("NOTIFY")
    while not told.get("Subscription-State").startswith("terminated"):
        called.reply(told, 200)
        told = await bob.next("NOTIFY")
    called.reply(told, 200)
    assert caller.redirecting.reason == "unknown", "what failed leaves nothing"
    called.send("REFER", ("Refer-To", f"<sip:gone@{host}>"), voicemail, ("X-Digium-Call-Feature", "feature_send_to_vm"))
    await bob.next("202")
    assert caller.redirecting.reason == "send_to_vm"
    assert ("X-Digium-Call-Feature", "feature_send_to_vm") in header_functions.headers_of(caller.session)


async def test_who_rings_and_knows_no_update_is_told_who_calls_now_once_it_has_answered(office: Any) -> None:
    alice = await office.telephone(f"{PJSIP}send_pai = yes\n", DIALPLAN)
    bob = await office.another("bob")
    call = await alice.call(f"bob{bob.peer.address.split(':')[1]}")
    called = await bob.incoming()
    called.reply(called.invite, 180)
    await call.response(180)
    (channel,) = [channel for channel in office.pbx.channels if channel.state.text == "Ringing"]
    channel.set_connected(Connected(Party(number=Number(True, "4711"))))
    await bob.silent(1)
    await called.accept()
    await call.answered()
    told = await bob.next("INVITE")
    assert "4711" in told.get("P-Asserted-Identity")
    called.reply(told, 200, body=audio())
    await bob.next("ACK")
    await call.hang_up()
    await called.bye()


async def test_the_last_of_the_music_on_hold_answers_no_transfer(office: Any) -> None:
    alice = await office.telephone(PJSIP, DIALPLAN)
    bob = await office.another("bob")
    call = await alice.call(f"bob{bob.peer.address.split(':')[1]}")
    called = await bob.incoming()
    await called.accept()
    await call.answered()
    leg = next(channel.media for channel in office.pbx.channels if channel.outgoing)
    leg.sent = 10
    office.pbx.bus.subscribe(events.BlindTransfer, lambda _: setattr(leg, "sent", 11))
    call.send("REFER", ("Refer-To", f"<sip:later@{alice.peer.server[0]}:{alice.peer.server[1]}>"))
    await alice.next("202")
    await alice.silent(1)
    leg.sent = 12
    for status in (b"100", b"200"):
        told = await alice.next("NOTIFY")
        assert status in told.body
        call.reply(told, 200)
    await called.hang_up()
