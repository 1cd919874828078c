"""Video that goes one way, and whom it is offered to so; and media that passes by, or must not."""

from __future__ import annotations

from typing import Any

import pytest

from offhook.calls.bridge_technologies import NATIVE, set_suspended
from support.sip_call import audio, media_lines

PJSIP = """
[alice]
type = endpoint
context = test
allow = !all,ulaw,h264
direct_media = {direct}
"""


def video(direction: str = "sendrecv") -> bytes:
    """A description of audio both ways, and of video."""
    return audio(4000, "0", "a=sendrecv", "m=video 6000 RTP/AVP 99", "a=rtpmap:99 H264/90000", f"a={direction}")


def directions(message: Any) -> list[str]:
    """Which ways the streams of a description go."""
    ways = ("a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive")
    return [line[2:] for line in media_lines(message) if line in ways]


@pytest.mark.parametrize(
    ("first", "second", "offered"),
    [("jg", "j", "sendrecv"), ("g", "", "recvonly"), ("g", "j", "recvonly")],
)
async def test_the_next_one_called_is_offered_the_callers_streams(
    office: Any, first: str, second: str, offered: str
) -> None:
    dial = "Dial(PJSIP/alice/sip:{}@127.0.0.1:${{{}}},,{})"
    dials = dial.format("bob", "BOB", first), dial.format("carol", "CAROL", second)
    plan = f"[test]\nexten => 1,1,{dials[0]}\n same => n,{dials[1]}\n"
    alice = await office.telephone(PJSIP.format(direct="no"), plan)
    bob, carol = await office.another("bob"), await office.another("carol")
    for phone in (bob, carol):
        office.pbx.globals.set(phone.user.upper(), phone.peer.address.split(":")[1])
    call = await alice.call("1", body=video())
    with_bob = await bob.incoming()
    assert directions(with_bob.invite) == ["sendrecv", "sendrecv"]
    await with_bob.accept(video())
    await call.answered()
    assert directions(await call.request("INVITE", body=video("recvonly"))) == ["sendrecv", "sendonly"]
    asked = await bob.next("INVITE")
    assert directions(asked) == ["sendrecv", "recvonly"]
    with_bob.reply(asked, 200, body=video("sendonly"))
    await bob.next("ACK")
    await with_bob.hang_up()
    with_carol = await carol.incoming()
    assert directions(with_carol.invite) == ["sendrecv", offered]
    await with_carol.accept(video("sendonly"))
    await carol.silent(1)  # what was agreed suits the caller: nothing is asked again
    await call.hang_up()
    await with_carol.bye()


@pytest.mark.parametrize("suspended", [False, True])
async def test_media_passes_by_unless_native_rtp_is_suspended(office: Any, suspended: bool) -> None:
    alice = await office.telephone(
        PJSIP.format(direct="yes"), "[test]\nexten => 1,1,Dial(PJSIP/alice/sip:bob@127.0.0.1:${BOB})\n"
    )
    bob = await office.another("bob")
    office.pbx.globals.set("BOB", bob.peer.address.split(":")[1])
    assert set_suspended(office.pbx, NATIVE, suspended)
    call = await alice.call("1", body=audio(4000, "0"))
    called = await bob.incoming()
    await called.accept(audio(5000, "0"))
    await call.answered()
    if suspended:
        await alice.silent(1)
        await bob.silent(1)
    else:
        told = await alice.next("INVITE")
        assert b"m=audio 5000 " in told.body
        call.reply(told, 200, body=audio(4000, "0"))
        await alice.next("ACK")
        told = await bob.next("INVITE")
        assert b"m=audio 4000 " in told.body
        called.reply(told, 200, body=audio(5000, "0"))
        await bob.next("ACK")
    call.send("BYE")
    await alice.next("200")
    await bob.next("BYE" if suspended else "")
