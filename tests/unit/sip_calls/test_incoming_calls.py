"""Calls that come in: from the INVITE to the end, as a telephone sees them."""

from __future__ import annotations

from typing import Any

import pytest

from offhook.calls import events
from offhook.calls.party import Connected, Number, Party
from offhook.media.formats import format_named
from support.sip_call import Telephone, audio, media_lines

PJSIP = """
[alice]
type = endpoint
context = test
allow = !all,ulaw,alaw
aors = alice
"""
DIALPLAN = """
[test]
exten => echo,1,Answer()
 same => n,Echo()
exten => ring,1,Ringing()
 same => n,Wait(1)
 same => n,Progress()
 same => n,Wait(1)
 same => n,Answer()
 same => n,Wait(600)
exten => wait,1,Wait(600)
exten => progress,1,Progress()
 same => n,Wait(1)
 same => n,Answer()
 same => n,Wait(600)
exten => busy,1,Busy()
exten => congestion,1,Congestion()
exten => unassigned,1,Hangup(1)
exten => gone,1,Answer()
 same => n,Wait(1)
 same => n,Hangup(17)
exten => refuse,1,PJSIPHangup(UNSUPPORTED_CERTIFICATE)
exten => _5XXX,1,Answer()
 same => n,Wait(600)
"""


@pytest.fixture
async def alice(office: Any) -> Telephone:
    """Alice's telephone at a running exchange."""
    return await office.telephone(PJSIP, DIALPLAN)


async def test_a_call_is_answered_and_hung_up(alice: Telephone) -> None:
    call = await alice.call("echo")
    trying = await alice.next("100")
    assert "tag=" not in trying.get("To")
    answer = await call.answered()
    assert answer.get("Content-Type") == "application/sdp"
    assert media_lines(answer)[0] == "m=audio PORT RTP/AVP 0 8 101"
    assert {"100rel", "timer", "replaces"} <= answer.tokens("Supported")
    await call.hang_up()


async def test_the_number_that_was_dialled_is_kept(office: Any, alice: Telephone) -> None:
    """CALLERID(dnid) has it wherever the call goes."""
    call = await alice.call("echo")
    await call.answered()
    (channel,) = office.pbx.channels
    assert channel.dialed.number == "echo"
    await call.hang_up()


async def test_ringing_and_progress_come_before_the_answer(alice: Telephone) -> None:
    call = await alice.call("ring")
    ringing = await call.response(180)
    assert not ringing.body
    progress = await call.response(183)
    answer = await call.response(200)
    call.ack(answer)
    assert progress.body == answer.body
    assert ringing.to_tag == progress.to_tag == answer.to_tag
    await call.hang_up()


@pytest.mark.parametrize(
    ("exten", "status", "cause"), [("busy", 486, 17), ("congestion", 503, 34), ("unassigned", 404, 1)]
)
async def test_refusals_tell_their_cause(alice: Telephone, exten: str, status: int, cause: int) -> None:
    call = await alice.call(exten)
    refusal = await call.response(status)
    assert refusal.get("Reason") == f"Q.850;cause={cause}"
    call.ack(refusal)
    await alice.silent(40)


async def test_an_extension_nobody_has_is_404(alice: Telephone) -> None:
    call = await alice.call("nobody")
    call.ack(await call.response(404))


async def test_a_call_can_be_refused_with_any_code(alice: Telephone) -> None:
    call = await alice.call("refuse")
    call.ack(await call.response(437))


async def test_an_incomplete_number_is_484_where_overlap_dialling_is_allowed(office: Any) -> None:
    alice = await office.telephone(PJSIP + "allow_overlap = yes\n", DIALPLAN)
    call = await alice.call("52")
    call.ack(await call.response(484))
    call = await alice.call("5200")
    await call.answered()
    await call.hang_up()


async def test_an_offer_without_a_common_codec_is_488(alice: Telephone) -> None:
    call = await alice.call("echo", body=audio(formats="18"))
    call.ack(await call.response(488))


async def test_an_invite_without_a_description_is_answered_with_an_offer(office: Any, alice: Telephone) -> None:
    call = await alice.call("echo", body=b"")
    offer = await call.response(200)
    assert media_lines(offer)[0] == "m=audio PORT RTP/AVP 0 8 101"
    call.ack(offer, audio(4444, "8"))
    await office.until(lambda: office.leg.remote == ("127.0.0.1", 4444))
    assert office.leg.send_format.name == "alaw"
    await call.hang_up()


async def test_no_answer_to_our_offer_ends_the_call(alice: Telephone) -> None:
    call = await alice.call("echo", body=b"")
    call.ack(await call.response(200))
    await call.bye()


@pytest.mark.parametrize(("option", "native"), [("no", ("alaw",)), ("yes", ("ulaw", "alaw"))])
async def test_the_format_in_use_is_the_native_one(office: Any, option: str, native: Any) -> None:
    alice = await office.telephone(PJSIP + f"asymmetric_rtp_codec = {option}\n", DIALPLAN)
    call = await alice.call("5000")
    await call.answered()
    [channel] = office.pbx.channels
    channel.session.media.audio.leg.send = (8, format_named("alaw"))
    assert tuple(channel.native_formats) == native
    assert channel.formats == ("ulaw", "alaw")
    await call.hang_up()


async def test_cancel_ends_a_ringing_call(office: Any, alice: Telephone) -> None:
    call = await alice.call("wait")
    await office.until(lambda: len(office.pbx.channels) == 1)
    call.cancel()
    first, second = await alice.next(), await alice.next()
    assert {(each.status, each.cseq.method) for each in (first, second)} == {(200, "CANCEL"), (487, "INVITE")}
    call.ack(first if first.status == 487 else second)
    await office.hung_up()


async def test_the_cause_of_a_cancel_is_heard(office: Any, alice: Telephone) -> None:
    call = await alice.call("wait")
    await office.until(lambda: len(office.pbx.channels) == 1)
    await office.taken_elsewhere(call)
    hangup = office.heard(events.Hangup)[-1]
    assert hangup.channel.hangup_cause == 26


async def test_the_exchange_hangs_up_with_its_cause(alice: Telephone) -> None:
    call = await alice.call("gone")
    await call.answered()
    bye = await call.bye()
    assert bye.get("Reason") == "Q.850;cause=17"


async def test_a_200_is_repeated_until_its_ack_and_then_given_up(office: Any, alice: Telephone) -> None:
    call = await alice.call("echo")
    answers = 0
    while True:
        message = await alice.next(seconds=60)
        if getattr(message, "method", "") == "BYE":
            break
        assert message.status == 200
        answers += 1
    call.reply(message, 200)
    assert answers >= 7
    await office.hung_up()


async def test_a_call_ends_when_the_far_end_does(office: Any, alice: Telephone) -> None:
    call = await alice.call("echo")
    await call.answered()
    response = await call.request("BYE", ("Reason", "Q.850;cause=42"))
    assert response.status == 200
    await office.hung_up()
    assert office.heard(events.Hangup)[-1].channel.hangup_cause == 42


# ---- reliable provisional responses (RFC 3262) -------------------------------------------------------------


async def test_without_100rel_provisional_responses_are_sent_once(alice: Telephone) -> None:
    call = await alice.call("progress")
    progress = await call.response(183)
    assert progress.get("RSeq") is None
    await call.answered()
    await call.hang_up()


async def test_required_provisional_responses_are_acknowledged_before_the_answer(alice: Telephone) -> None:
    call = await alice.call("progress", ("Require", "100rel"))
    progress = await call.response(183)
    assert progress.tokens("Require") == {"100rel"}
    call.remote = progress.get("To")
    response = await call.request("PRACK", ("RAck", f"{progress.get('RSeq')} 1 INVITE"))
    assert response.status == 200
    call.invite.set("CSeq", "1 INVITE")
    call.seq = 1
    answer = await call.response(200)
    assert not answer.body, "the description went with the 183"
    call.ack(answer)
    call.seq = 2
    await call.hang_up()


async def test_a_reliable_response_nobody_acknowledges_ends_the_call(office: Any, alice: Telephone) -> None:
    call = await alice.call("progress", ("Require", "100rel"))
    final = await alice.next(seconds=90)
    assert final.status == 504
    call.ack(final)
    await office.hung_up()


async def test_a_prack_that_fits_no_response_is_481(alice: Telephone) -> None:
    call = await alice.call("progress", ("Require", "100rel"))
    progress = await call.response(183)
    call.remote = progress.get("To")
    assert (await call.request("PRACK", ("RAck", "4711 1 INVITE"))).status == 481
    call.seq = 1
    call.cancel()
    call.ack(await alice.next("487"))


async def test_an_endpoint_may_insist_on_100rel(office: Any) -> None:
    alice = await office.telephone(PJSIP + "100rel = required\n", DIALPLAN)
    call = await alice.call("echo")
    refusal = await call.response(421)
    assert refusal.get("Require") == "100rel"
    call.ack(refusal)


@pytest.mark.parametrize(
    ("kind", "headers", "status"),
    [
        ("application/unknownformat", (), 415),
        ("application/unknownformat", (("Content-Disposition", "x;handling=optional"),), 200),
        ("application/sdp", (("Accept", "text/nobodyKnowsThis"),), 406),
        ("application/sdp", (("Accept", "text/html, application/*"),), 200),
    ],
    ids=["RFC 4475 3.3.6", "optional", "RFC 4475 3.3.15", "anything of a kind"],
)
async def test_content_that_nobody_knows(
    alice: Telephone, kind: str, headers: tuple[tuple[str, str], ...], status: int
) -> None:
    body = audio() if kind == "application/sdp" else b"nobody knows this"
    call = await alice.call("echo", *headers, body=body, content_type=kind)
    answer = await call.response(status)
    if status == 415:
        assert answer.get("Accept") == "application/sdp"


async def test_a_response_that_is_ours_no_more_is_dropped(alice: Telephone) -> None:
    """RFC 4475 3.3.10: it would have to be broadcast."""
    alice.peer.write(
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\r\n"
        b"Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23\r\nCall-ID: bcast.0384840201234ksdfak3j2erw\r\n"
        b"CSeq: 35 INVITE\r\nFrom: sip:user@example.com;tag=11141343\r\nTo: sip:user@example.edu;tag=2229\r\n"
        b"Contact: <sip:user@host28.example.com>\r\nContent-Length: 0\r\n\r\n"
    )
    await alice.silent()


async def test_what_is_required_and_unknown_is_420(alice: Telephone) -> None:
    call = await alice.call("echo", ("Require", "100rel, teleport"))
    refusal = await call.response(420)
    assert refusal.get("Unsupported") == "teleport"
    call.ack(refusal)


# ---- what is wrong with an INVITE --------------------------------------------------------------------------


async def test_a_description_that_breaks_the_rules_is_400(alice: Telephone) -> None:
    call = await alice.call("echo", body=b"v=0\r\nm=audio\r\n")
    call.ack(await call.response(400))


async def test_an_invite_without_contact_is_400(office: Any, alice: Telephone) -> None:
    request = (await alice.call("wait")).invite.copy()
    request.remove("Contact")
    request.set("Call-ID", "contactless")
    request.set("Via", request.get("Via").replace("branch=z9hG4bK", "branch=z9hG4bKx"))
    alice.peer.send(request)
    assert (await alice.next("400")).call_id == "contactless"


async def test_requests_outside_every_dialog_are_481(alice: Telephone) -> None:
    call = await alice.call("echo")
    await call.answered()
    call.remote = call.remote.replace("tag=", "tag=x")
    assert (await call.request("BYE")).status == 481
    call.remote = call.remote.replace("tag=x", "tag=")
    await call.hang_up()


@pytest.mark.parametrize(("allow", "method"), [("INVITE, ACK, BYE, UPDATE", "UPDATE"), ("INVITE, ACK, BYE", "INVITE")])
async def test_a_new_connected_party_is_told_as_the_caller_allows(office: Any, allow: str, method: str) -> None:
    alice = await office.telephone(f"{PJSIP}send_pai = yes\n", DIALPLAN)
    call = await alice.call("echo", ("Allow", allow))
    await call.answered()
    office.channel("PJSIP/alice").set_connected(Connected(Party(number=Number(True, "4711"))))
    told = await alice.next(method)
    assert "4711" in told.get("P-Asserted-Identity")
    assert bool(told.body) is (method == "INVITE")
    call.reply(told, 200, body=audio() if told.body else b"")
    if told.body:
        assert (await alice.next("ACK")).cseq.number == told.cseq.number
    await call.hang_up()


async def test_without_send_connected_line_the_first_identity_stays(office: Any) -> None:
    alice = await office.telephone(f"{PJSIP}send_rpid = yes\nsend_connected_line = no\n", DIALPLAN)
    call = await alice.call("ring")
    ringing = await call.response(180)
    office.channel("PJSIP/alice").set_connected(Connected(Party(number=Number(True, "4711"))))
    await call.response(183)
    answer = await call.response(200)
    assert answer.get("Remote-Party-ID") == ringing.get("Remote-Party-ID")
    call.ack(answer)
    await call.hang_up()
