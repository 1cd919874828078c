"""An engine without sound, for tests of calls: legs connect, playbacks end at once, nothing is heard."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from offhook.media.engine import Settings
from offhook.media.events import PlaybackDone, RecordDone
from offhook.media.marking import UNMARKED, Marking
from offhook.media.rtp_figures import RtpStats


class Playback:
    """A playback that is over as soon as the loop turns, or after the engine's ``playback_s``, unless it loops."""

    def __init__(self, leg: Leg, *, endless: bool) -> None:
        self.leg = leg
        self.ended = asyncio.get_running_loop().create_future()
        self.done = False
        self.position_ms = 0
        self.index = 0
        if not endless and leg.engine.playback_s:
            asyncio.get_running_loop().call_later(leg.engine.playback_s, self._end, "done")
        elif not endless:
            asyncio.get_running_loop().call_soon(self._end, "done")

    def _end(self, reason: str) -> None:
        if not self.done:
            self.done = True
            self.ended.set_result(reason)
            if self.leg.on_event is not None:
                self.leg.on_event(PlaybackDone(self.leg, self, reason))  # type: ignore[arg-type]

    async def wait(self) -> str:
        return await asyncio.shield(self.ended)

    def stop(self) -> None:
        self._end("stopped")

    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def seek(self, position_ms: int) -> None: ...
    def skip(self, delta_ms: int) -> None: ...


class Recording:
    """A recording of nothing."""

    duration_ms = silence_ms = talking_ms = 0

    def __init__(self, leg: Leg) -> None:
        self.leg = leg
        self.ended = asyncio.get_running_loop().create_future()

    async def wait(self) -> str:
        return await asyncio.shield(self.ended)

    def stop(self, *, truncate_ms: int = 0) -> None:
        if self.ended.done():
            return
        self.ended.set_result("stopped")
        if self.leg.on_event is not None:
            self.leg.on_event(RecordDone(self.leg, self, "stopped"))  # type: ignore[arg-type]

    def pause(self) -> None: ...
    def resume(self) -> None: ...


class Watch:
    """A watch that never sees anything."""

    def close(self) -> None: ...


class Leg:
    """A leg; ``peer``, ``digits`` and ``playing`` tell a test what was asked of it."""

    def __init__(self, engine: SilentEngine) -> None:
        self.engine = engine
        self.on_event: Callable[[Any], None] | None = None
        self.peer: Leg | None = None
        self.digits: list[str] = []
        self.muted: set[str] = set()
        self.closed = False
        self.heard = engine.heard
        self.music_source: Any = None
        self.recorded = 0
        """How many recordings were asked for."""
        self.watch: Watch | None = None
        """The latest that was asked for."""
        engine.legs.add(self)

    def sounds(self, before: dict[Any, int]) -> bool:
        return self.heard

    def close(self) -> None:
        self.disconnect()
        self.closed = True
        self.engine.legs.discard(self)

    def play(self, prompts: Any, **options: Any) -> Playback:
        return Playback(self, endless=bool(options.get("loop")))

    def tones(self, spec: Any, **options: Any) -> Playback:
        return Playback(self, endless=True)

    def music(self, source: Any) -> None:
        self.music_source = source

    def begin_digit(self, digit: str) -> None:
        self.digits.append(digit)

    def end_digit(self, digit: str, duration_ms: int = 0) -> None: ...

    def connect(self, other: Leg, **options: Any) -> None:
        self.disconnect()
        other.disconnect()
        self.peer, other.peer = other, self

    def disconnect(self) -> None:
        if self.peer is not None:
            self.peer.peer = None
            self.peer = None

    @contextlib.contextmanager
    def loopback(self) -> Iterator[None]:
        yield

    def record(self, path: Any, format: Any, direction: str = "in", **options: Any) -> Recording:
        self.recorded += 1
        return Recording(self)

    def watch_silence(self, **options: Any) -> Watch:
        self.watch = Watch()
        return self.watch

    def detect_digits(self, on: bool, **options: Any) -> None: ...
    def gain(self, in_db: float = 0.0, out_db: float = 0.0) -> None: ...
    def mute(self, direction: str, on: bool = True) -> None:
        (self.muted.add if on else self.muted.discard)(direction)

    def figures(self) -> dict[str, Any]:
        """Nothing flows."""
        return {}


class Mixer:
    """A mixer; ``legs`` tells a test who is in it."""

    def __init__(self) -> None:
        self.legs: list[Leg] = []

    def add(self, leg: Leg, *, hears: bool = True, heard: bool = True) -> None:
        if leg not in self.legs:
            self.legs.append(leg)

    def remove(self, leg: Leg) -> None:
        if leg in self.legs:
            self.legs.remove(leg)

    def close(self) -> None:
        self.legs.clear()


class SnoopLeg(Leg):
    """A leg that hears another; ``hears`` and ``whispers`` tell a test what was asked of it."""

    def __init__(self, engine: SilentEngine, target: Leg, spy: str, whisper: str) -> None:
        super().__init__(engine)
        self.target = target
        self.hears, self.whispers = spy, whisper

    def spy(self, direction: str, whisper: str = "none") -> None:
        self.hears, self.whispers = direction, whisper


class RtpLeg(Leg):
    """An RTP leg; the attributes tell a test what was negotiated."""

    local_address = "0.0.0.0"
    ssrc = 0x1234
    cname = "silent"

    def __init__(self, engine: SilentEngine, port: int, marking: Marking = UNMARKED) -> None:
        super().__init__(engine)
        self.local_port = port
        self.marking = marking
        self.remote: tuple[str, int] | None = None
        self.receive: dict[int, Any] = {}
        self.send: tuple[int, Any] | None = None
        self.digit_events: tuple[int, int] | None = None
        self.ptime = 0
        self.direction = "sendrecv"
        self.held = False
        self.tone_digits = False
        self.options: dict[str, Any] = {}
        self.keys: tuple[str, bytes, bytes] | None = None
        self.suite = ""
        self.sent = 0
        self.pictures_asked = 0

    def figures(self) -> dict[str, Any]:
        """Only what a test says has been sent."""
        return {"tx_packets": self.sent} if self.sent else {}

    def secure(self, suite: str, send: bytes, receive: bytes, **options: Any) -> None:
        self.keys, self.suite = (suite, send, receive), suite

    def clear(self) -> None:
        self.keys, self.suite = None, ""

    @property
    def send_format(self) -> Any:
        return self.send[1] if self.send else None

    receive_format = send_format

    def set_remote(self, host: str, port: int, rtcp_port: int | None = None) -> None:
        self.remote = (host, port)

    def set_codecs(
        self,
        receive: Any,
        send: Any,
        digits: Any = None,
        ptime: int = 0,
        *,
        comfort_noise: Any = None,
        events: Any = None,
    ) -> None:
        self.receive, self.send, self.digit_events, self.ptime = dict(receive), send, digits, ptime

    def set_direction(self, direction: str) -> None:
        self.direction = direction

    def bundle(self, carrier: Any) -> None:
        self.carrier = carrier

    def ask_picture(self) -> None:
        self.pictures_asked += 1

    def set_options(self, **options: Any) -> None:
        self.options.update(options)

    def set_encoding(self, encoding: Any) -> None:
        self.encoding = encoding

    def set_playout(self, kind: str, ms: int = 0) -> None:
        self.playout = (kind, ms)

    def set_hold(self, on: bool) -> None:
        self.held = on

    def stats(self) -> RtpStats:
        return RtpStats()

    def detect_digits(self, on: bool, **options: Any) -> None:
        self.tone_digits = on


class SilentEngine:
    """Makes silent legs and counts them."""

    def __init__(self, *arguments: Any) -> None:
        self.legs: set[Leg] = set()
        self.port = 9998
        self.heard = True
        """Whether sound comes to the legs that are made from now on."""
        self.playback_s = 0.0
        """How long a playback lasts."""
        self.settings = Settings()

    def start(self) -> None: ...
    def stop(self) -> None: ...

    def mixer(self, rate: int = 0, most: int = 0) -> Mixer:
        return Mixer()

    def pipe(self) -> tuple[Leg, Leg]:
        return Leg(self), Leg(self)

    def rtp_leg(self, address: str = "0.0.0.0", *, marking: Marking = UNMARKED, **options: Any) -> RtpLeg:
        self.port += 2
        return RtpLeg(self, self.port, marking)

    relay_leg = rtp_leg

    def snoop(self, target: Leg, spy: str = "both", whisper: str = "none") -> SnoopLeg:
        return SnoopLeg(self, target, spy, whisper)

    def null_leg(self, rate: int = 8000) -> Leg:
        return Leg(self)
