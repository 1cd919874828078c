"""AudioSocket: the caller's sound to a server and back, over TCP."""

from __future__ import annotations

import logging
from contextlib import ExitStack

from offhook.calls.channel import Channel, Hangup, State
from offhook.calls.frames import Digit, Frame, Media
from offhook.media.audiosocket import AudioSocketError, connect, introduce, parse_uuid
from offhook.media.errors import EngineError
from offhook.media.events import StreamEnded, StreamQuiet
from offhook.media.stream import StreamLeg
from offhook.modules import Module, Syntax

log = logging.getLogger(__name__)
module = Module("app_audiosocket", "AudioSocket Application", depends=("res_audiosocket",), support="extended")


@module.application(
    "AudioSocket",
    Syntax(
        "uuid",
        "service",
        uuid="Names the call for the server, such as 40325ec2-5efd-4bd3-805f-53576e581d13.",
        service="host:port of the server; [IPv6]:port.",
    ),
)
async def audiosocket(channel: Channel, uuid: str = "", service: str = "") -> None:
    """Connect the caller with a server that takes and gives sound over TCP.

    The sound is 16-bit linear, 8000 samples a second, in messages of AudioSocket; the server may answer at any rate
    that has a kind of its own. Digits are sent as messages. The channel must have been answered. The dialplan goes on
    when the server says hangup or closes the connection, after everything it sent has been heard; the call ends when
    it cannot be reached, sends nonsense, or nothing passes either way for two seconds.
    """
    try:
        named = parse_uuid(uuid)
        connection = await connect(service)
    except AudioSocketError as error:
        log.error("%s: AudioSocket(%s,%s): %s", channel.name, uuid, service, error)
        raise Hangup from error
    with ExitStack() as stack:
        stack.callback(connection.close)
        if channel.state is not State.UP or channel.media is None:
            log.error("%s: AudioSocket needs a channel that is answered and has sound", channel.name)
            raise Hangup
        try:
            introduce(connection, named)
            leg = channel.pbx.engine.stream_leg(connection.fileno(), "audiosocket")
        except (AudioSocketError, EngineError) as error:
            log.error("%s: AudioSocket(%s,%s): %s", channel.name, uuid, service, error)
            raise Hangup from error
        connection.close()
        stack.callback(leg.close)
        leg.on_event = lambda event: channel.deliver(Media(event))
        channel.media.connect(leg, digits=False)
        channel.frames.clear()
        while not _ended(channel, await channel.read(), leg, service):
            pass


def _ended(channel: Channel, frame: Frame | None, leg: StreamLeg, service: str) -> bool:
    """Whether the server has ended it properly. Raises Hangup when it ended otherwise."""
    event = frame.event if isinstance(frame, Media) else None
    if isinstance(frame, Digit) and frame.end:
        leg.send_digit(frame.digit, 0)
    elif isinstance(event, StreamQuiet) and event.leg is leg:
        log.error("%s: nothing passed to or from the AudioSocket server %s for 2 seconds", channel.name, service)
        raise Hangup
    elif isinstance(event, StreamEnded) and event.leg is leg:
        if event.error:
            log.warning("%s: the AudioSocket server %s: %s", channel.name, service, event.error)
            raise Hangup
        return True
    return False
