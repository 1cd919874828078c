"""Starting and stopping the engine, and what it says when something is not to be had."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path

import pytest

from offhook.media import Engine, EngineError, NoPort, PlaybackDone, Settings, format_named
from offhook.media.simulated import SimulatedEngine
from support.churn import churn
from support.far_end import Scene


def test_an_engine_that_does_not_run_has_no_legs() -> None:
    engine = Engine()
    assert not engine.running
    with pytest.raises(EngineError, match="does not run"):
        engine.rtp_leg()
    engine.stop()


def test_stopping_ends_everything_that_goes_on(sounds: Path) -> None:
    scene = Scene()
    one, two = scene.pair()
    playback = one.leg.tones("440")
    recording = two.leg.record(sounds / "x.wav", "wav")
    watch = two.leg.watch_silence(silence_ms=1000)
    mixer = scene.engine.mixer()
    scene.run(100)
    scene.engine.stop()
    scene.engine.stop()
    assert playback.reason == "closed"
    assert recording.done
    assert (sounds / "x.wav").stat().st_size > 44
    assert one.leg.stats().tx_packets > 0, "figures outlive the engine"
    watch.close()
    mixer.close()
    one.leg.close()
    playback.stop()
    recording.stop()


def test_starting_again_after_a_stop() -> None:
    engine = SimulatedEngine()
    for _ in range(3):
        engine.start()
        engine.start()
        leg = engine.rtp_leg()
        engine.advance(20)
        assert engine.figures().legs == 1
        leg.close()
        engine.advance(20)
        assert engine.figures().legs == 0
        engine.stop()


def test_no_port_left() -> None:
    engine = SimulatedEngine(Settings(port_low=10000, port_high=10003))
    engine.start()
    first, _ = engine.rtp_leg(), engine.rtp_leg("::")
    with pytest.raises(NoPort, match="no RTP port is free"):
        engine.rtp_leg()
    first.close()
    engine.advance(30)
    assert engine.rtp_leg().local_port == first.local_port
    with pytest.raises(NoPort, match="no numeric IP address"):
        engine.rtp_leg("example.org")
    engine.stop()


def test_a_name_is_no_address(scene: Scene) -> None:
    far = scene.far_end()
    with pytest.raises(ValueError, match="no numeric IP address"):
        far.leg.set_remote("phone.example", 4000)


def test_what_can_be_decoded(scene: Scene) -> None:
    assert scene.engine.can_decode(format_named("ulaw"))
    assert scene.engine.can_decode(format_named("slin192"))
    for name in ("g723", "siren7", "h264", "none", "t140"):
        assert not scene.engine.can_decode(format_named(name))


def test_a_listeners_error_does_not_keep_the_rest(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    one, two = scene.far_end(), scene.far_end()

    def clumsy(_event: object) -> None:
        raise RuntimeError("a listener's mistake")

    one.leg.on_event = clumsy
    first, second = one.leg.tones("!440/50"), two.leg.tones("!440/50")
    with caplog.at_level(logging.ERROR):
        scene.run(200)
    assert first.done
    assert second.done
    assert len([each for each in two.heard if isinstance(each, PlaybackDone)]) == 1
    assert "could not be handled" in caplog.text


def test_events_come_to_the_loop_and_descriptors_go_back() -> None:
    before = len(os.listdir("/proc/self/fd"))

    async def story() -> tuple[str, str]:
        engine = Engine(settings=Settings(socket_mode="pool", port_low=30000, port_high=30998))
        engine.start()
        leg = engine.null_leg()
        playback = leg.tones("!440/50")
        reason = await asyncio.wait_for(playback.wait(), 10)
        mode = engine.figures().mode
        engine.stop()
        return mode, reason

    assert asyncio.run(story()) == ("pool", "done")
    assert len(os.listdir("/proc/self/fd")) == before


def test_an_unbuilt_engine_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "offhook.media._engine", None)
    monkeypatch.delattr("offhook.media._engine", raising=False)
    with pytest.raises(EngineError, match="make -C host/engine"):
        Engine().start()


def test_a_thousand_calls_leave_nothing_behind() -> None:
    residue = churn(1000)
    assert (residue.legs, residue.engine_grown) == (0, 0)
