"""A viewer that asks for a whole picture by RTCP, and a sender that is only asked by INFO; and the other way round."""

from __future__ import annotations

from typing import Any

import pytest

from offhook.media.events import PictureWanted
from support.silent_engine import RtpLeg
from support.sip_call import audio

PJSIP = """
[alice]
type = endpoint
context = test
allow = !all,ulaw,{codec}
direct_media = no
"""
DIAL = "[test]\nexten => 1,1,Dial(PJSIP/alice/sip:bob@127.0.0.1:${BOB})\n"


def video(codec: str) -> bytes:
    """A description of audio and video."""
    return audio(4000, "0", "m=video 6000 RTP/AVP 99", f"a=rtpmap:99 {codec}/90000")


def video_legs(office: Any) -> list[RtpLeg]:
    """The callers' and the called party's."""
    channels = sorted(office.pbx.channels, key=lambda channel: channel.outgoing)
    return [channel.session.media.video.leg for channel in channels]


async def connected(office: Any, codec: str) -> tuple[Any, Any, Any]:
    """Alice has called Bob, with video; the call, and the two of them."""
    alice = await office.telephone(PJSIP.format(codec=codec.lower()), DIAL)
    bob = await office.another("bob")
    office.pbx.globals.set("BOB", bob.peer.address.split(":")[1])
    call = await alice.call("1", body=video(codec))
    called = await bob.incoming()
    await called.accept(video(codec))
    await call.answered()
    return call, alice, bob


async def test_who_reads_no_feedback_is_asked_by_info(office: Any) -> None:
    call, alice, bob = await connected(office, "H264")
    _, leg = video_legs(office)
    leg.on_event(PictureWanted(leg))
    asked = await alice.next("INFO")
    assert b"picture_fast_update" in asked.body
    call.reply(asked, 200)
    await bob.silent(1)
    await call.hang_up()


@pytest.mark.parametrize("way", ["rtcp", "info"])
async def test_who_reads_feedback_is_asked_by_rtcp(office: Any, way: str) -> None:
    call, alice, bob = await connected(office, "VP8")
    theirs, leg = video_legs(office)
    if way == "rtcp":
        leg.on_event(PictureWanted(leg))  # the engine has passed it on
    else:
        call.send("INFO", body=b"<media_control/>", content_type="application/media_control+xml")
        await alice.next("200")
        leg = theirs
    await alice.silent(1)
    await bob.silent(1)
    assert [each.pictures_asked for each in video_legs(office)] == [0, 0 if way == "rtcp" else 1]
    await call.hang_up()
