"""AudioSocket channels: AudioSocket/host:port/uuid/c(codec) is a server that takes and gives sound over TCP."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from offhook.calls import causes
from offhook.calls.channel import Channel
from offhook.calls.frames import Condition, Control
from offhook.calls.requesting import RequestError
from offhook.media.audiosocket import AudioSocketError, connect, introduce, parse_service, parse_uuid
from offhook.media.errors import EngineError
from offhook.media.events import MediaEvent, StreamEnded
from offhook.media.formats import FORMATS, Kind
from offhook.modules import Module, Options

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)
module = Module(
    "chan_audiosocket", "AudioSocket Channel", depends=("res_audiosocket",), support="extended", priority=20
)


class AudioSocketChannel(Channel):
    """The server as a party: it answers as soon as it is connected."""

    technology = "AudioSocket"
    __slots__ = ("service", "uuid")

    def __init__(self, pbx: Pbx, name: str, service: str, uuid: bytes, **options: Any) -> None:
        self.service = service
        self.uuid = uuid
        super().__init__(pbx, name, **options)

    def tech_call(self, destination: str) -> None:
        """Connect; the server is told which call it is."""
        self.pbx.spawn(self._connect(), f"{self.name} connects")

    async def _connect(self) -> None:
        try:
            connection = await connect(self.service)
        except AudioSocketError as error:
            self._fail(str(error))
            return
        with connection:
            if self.hungup:
                return
            try:
                introduce(connection, self.uuid)
                self.attach(self.pbx.engine.stream_leg(connection.fileno(), "audiosocket", self.formats[0]))
            except (AudioSocketError, EngineError) as error:
                self._fail(str(error))
                return
        self.deliver(Control(Condition.ANSWER))

    def _fail(self, why: str) -> None:
        log.warning("%s: %s", self.name, why)
        self.far_end_hangup(causes.NETWORK_OUT_OF_ORDER)

    def tech_media_event(self, event: MediaEvent) -> None:
        """The server ends the call."""
        if isinstance(event, StreamEnded):
            if event.error:
                log.error("%s: the AudioSocket server %s: %s", self.name, self.service, event.error)
            self.far_end_hangup(causes.NORMAL_CLEARING)


def _format(pbx: Pbx, letters: Options, offered: tuple[str, ...]) -> str:
    """What is sent to the server: what option c names, or the first that is offered. Raises AudioSocketError."""
    named = letters.get("c") or ""
    if named and named not in FORMATS:
        raise AudioSocketError(f'"{named}" is no codec')
    for name in (named,) if named else offered:
        if FORMATS[name].kind is Kind.AUDIO and pbx.engine.can_decode(FORMATS[name]):
            return name
    if named:
        raise AudioSocketError(f"{named} cannot be encoded here")
    return "slin"


@module.driver("AudioSocket", "AudioSocket Channel Driver")
def request(
    pbx: Pbx, address: str, formats: tuple[str, ...], requester: Channel | None, ids: tuple[str, str]
) -> AudioSocketChannel:
    """Make a channel for ``host:port/uuid[/c(codec)]``.

    Without c the server gets what the caller sends, in messages of kind 0x10: c(slin) is for one that wants linear
    sound.
    """
    service, _, rest = address.partition("/")
    text, _, options = rest.partition("/")
    try:
        parse_service(service)
        uuid = parse_uuid(text)
        chosen = _format(pbx, Options(options), formats)
    except AudioSocketError as error:
        raise RequestError(causes.NETWORK_OUT_OF_ORDER, f"AudioSocket/{address}: {error}") from error
    channel = AudioSocketChannel(
        pbx,
        f"AudioSocket/{service}-{text}",
        service,
        uuid,
        formats=(chosen,),
        requester=requester,
        uniqueid=ids[0],
    )
    channel.set("AUDIOSOCKET_UUID", text)
    channel.set("AUDIOSOCKET_SERVICE", service)
    return channel
