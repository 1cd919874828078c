"""Requests for a whole picture: by RTCP where the far end reads it, else by INFO (RFC 5168)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.calls import events
from offhook.calls.frames import Condition, Control
from offhook.drivers.sip.calls.info import send_picture_request
from offhook.drivers.sip.calls.states import UP
from offhook.media.events import MediaEvent, PictureWanted

if TYPE_CHECKING:
    from offhook.drivers.sip.calls.channel import SipChannel
    from offhook.drivers.sip.calls.session import CallSession


def _reads_feedback(call: CallSession) -> bool:
    """VP8 is asked by RTCP, everything else where the endpoint is a browser."""
    video = call.media.video
    sent = video.send[1].name if video is not None and video.send is not None else ""
    return sent == "vp8" or call.endpoint.webrtc


def request_picture(channel: SipChannel) -> bool:
    """Ask the far end; whether it has pictures and is there."""
    call = channel.session
    video = call.media.video
    done = video is not None and call.status in UP
    if done and video is not None and video.leg is not None and _reads_feedback(call):
        video.leg.ask_picture()
    elif done:
        send_picture_request(call)
    bus = channel.pbx.bus
    if video is not None and bus.wants(events.TestEvent):
        result = (("Result", "Success" if done else "Failure"),)
        bus.publish(events.TestEvent("AST_CONTROL_VIDUPDATE", result, "chan_pjsip.c", "chan_pjsip_indicate"))
    return done


def hear_requests(channel: SipChannel) -> None:
    """Pass on what the far end asks by RTCP to who is not reached that way."""

    def heard(event: MediaEvent) -> None:
        other = channel.paired
        if isinstance(event, PictureWanted) and (other is None or not _reads_feedback(other.session)):
            channel.deliver(Control(Condition.VIDEO_UPDATE))

    for stream in channel.session.media.active:
        if stream.kind == "video" and stream.leg is not None:
            stream.leg.on_event = heard
