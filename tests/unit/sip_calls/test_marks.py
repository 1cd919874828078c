"""Media packets are marked as the endpoint says."""

from __future__ import annotations

from typing import Any

from offhook.media.marking import Marking
from support.silent_engine import RtpLeg
from support.sip_call import audio

PJSIP = """
[alice]
type = endpoint
context = test
allow = !all,ulaw,h264
tos_audio = ef
cos_audio = 5
tos_video = af41
cos_video = 4
"""


async def test_audio_and_video_are_marked_each_in_its_way(office: Any) -> None:
    alice = await office.telephone(PJSIP, "[test]\nexten => 1,1,Answer\n same => n,Wait(1)\n")
    video = ("m=video 6000 RTP/AVP 99", "a=rtpmap:99 H264/90000")
    call = await alice.call("1", body=audio(4000, "0", "a=sendrecv", *video))
    await call.answered()
    legs = [leg for leg in office.engine.legs if isinstance(leg, RtpLeg)]
    assert {leg.marking for leg in legs} == {Marking(184, 5), Marking(136, 4)}
