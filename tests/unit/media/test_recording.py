"""Recording legs, and watching them for sound and silence."""

from __future__ import annotations

import asyncio
import os
import struct
import wave
from pathlib import Path

import pytest

from offhook.media import Noise, RecordDone, Silence, UnsupportedMedia, format_named
from support.far_end import Scene, amplitude, correlation, loudness, sine


def read_wav(path: Path) -> tuple[int, list[int]]:
    """Rate and samples of a mono WAVE file."""
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        frames = file.readframes(file.getnframes())
        return file.getframerate(), list(struct.unpack(f"<{len(frames) // 2}h", frames))


def test_what_is_said_is_in_the_file(scene: Scene, sounds: Path) -> None:
    far = scene.far_end()
    recording = far.leg.record(sounds / "in.wav", "wav")
    scene.run(10)
    said = [a * b / 8000 for a, b in zip(sine(300, 1000), sine(2, 1000), strict=True)]
    scene.speak(far, said)
    assert 900 <= recording.duration_ms <= 1100
    recording.stop()
    scene.run(30)
    assert recording.done
    [event] = [each for each in far.heard if isinstance(each, RecordDone)]
    assert (event.recording, event.reason) == (recording, "stopped")
    rate, heard = read_wav(sounds / "in.wav")
    assert rate == 8000
    assert abs(len(heard) - recording.duration_ms * 8) <= 80
    match, delay = correlation(said[:6000], [float(each) for each in heard], 800)
    assert match > 0.995
    assert delay <= 480


@pytest.mark.parametrize("direction", ["in", "out", "both"])
def test_each_direction(scene: Scene, sounds: Path, direction: str) -> None:
    one, two = scene.pair()
    recording = one.leg.record(sounds / "call.wav", "wav", direction)  # type: ignore[arg-type]
    scene.run(10)
    for start in range(0, 8000, 160):
        one.send(encode(sine(500, 20, 6000, start=start)))
        two.send(encode(sine(1100, 20, 6000, start=start)))
        scene.run(20)
    recording.stop()
    scene.run(20)
    _, heard = read_wav(sounds / "call.wav")
    steady = heard[1600:6400]
    assert (amplitude(steady, 500) > 5500) == (direction != "out")
    assert (amplitude(steady, 1100) > 5500) == (direction != "in")
    assert len(one.packets) in range(48, 52), "recording does not disturb the call"
    assert len(two.packets) in range(48, 52)
    assert one.leg.figures()["relayed"]


def encode(samples: list[float]) -> bytes:
    """Samples as u-law."""
    from support.far_end import to_ulaw

    return to_ulaw(samples)


@pytest.mark.parametrize("extension", ["gsm", "ulaw", "alaw", "sln", "sln16", "wav16", "WAV", "g722"])
def test_each_format_can_be_played_back(scene: Scene, sounds: Path, extension: str) -> None:
    far = scene.far_end()
    path = sounds / f"tone.{extension}"
    recording = far.leg.record(path, extension)
    scene.run(10)
    scene.speak(far, sine(500, 1000))
    recording.stop()
    scene.run(20)
    far.packets.clear()
    playback = far.leg.play(path)
    scene.run(1300)
    assert playback.reason == "done"
    assert amplitude(far.sound()[2400:6400], 500) == pytest.approx(8000, rel=0.12)


def test_a_format_names_its_file_kind(scene: Scene, sounds: Path) -> None:
    far = scene.far_end()
    recording = far.leg.record(sounds / "x.any", format_named("alaw"))
    scene.run(100)
    recording.stop()
    scene.run(20)
    assert (sounds / "x.any").stat().st_size == pytest.approx(800, abs=160)
    with pytest.raises(UnsupportedMedia, match="mp3"):
        far.leg.record(sounds / "x.mp3", "mp3")


def test_gaps_are_silence_of_the_same_length(scene: Scene, sounds: Path) -> None:
    far = scene.far_end()
    recording = far.leg.record(sounds / "gap.wav", "wav")
    scene.run(10)
    scene.speak(far, sine(500, 200))
    scene.run(1000)
    far.timestamp += 8000
    scene.speak(far, sine(500, 200))
    recording.stop()
    scene.run(20)
    _, heard = read_wav(sounds / "gap.wav")
    assert len(heard) == pytest.approx(1400 * 8, abs=320)
    assert loudness(heard[3200:8000]) < 10


def test_appending_pausing_and_cutting(scene: Scene, sounds: Path) -> None:
    far = scene.far_end()
    path = sounds / "more.wav"
    for append, truncate in ((False, 0), (True, 0), (True, 300)):
        recording = far.leg.record(path, "wav", append=append)
        scene.run(500)
        recording.pause()
        scene.run(700)
        recording.resume()
        scene.run(500)
        recording.stop(truncate_ms=truncate)
        scene.run(20)
        assert recording.duration_ms == pytest.approx(1000, abs=20)
    _, heard = read_wav(path)
    assert len(heard) == pytest.approx(2700 * 8, abs=500)


def test_silence_and_talk_are_measured(scene: Scene, sounds: Path) -> None:
    far = scene.far_end()
    recording = far.leg.record(sounds / "talk.wav", "wav")
    scene.run(10)
    scene.speak(far, sine(500, 600))
    scene.speak(far, [0.0] * 8000)
    assert recording.talking_ms == pytest.approx(600, abs=40)
    assert recording.silence_ms == pytest.approx(1000, abs=60)
    scene.speak(far, sine(500, 200))
    assert recording.silence_ms <= 20


def test_a_place_that_cannot_be_written_fails_with_a_reason(scene: Scene, sounds: Path) -> None:
    far = scene.far_end()
    recording = far.leg.record(sounds / "missing" / "x.wav", "wav")
    scene.run(100)
    recording.stop()
    scene.run(20)
    assert asyncio.run(recording.wait()) == f"failed: {sounds}/missing/x.wav: No such file or directory"


def test_a_closed_leg_closes_its_recordings(scene: Scene, sounds: Path) -> None:
    far = scene.far_end()
    recording = far.leg.record(sounds / "x.wav", "wav")
    scene.run(500)
    far.leg.close()
    scene.run(30)
    assert asyncio.run(recording.wait()) == "closed"
    assert len(read_wav(sounds / "x.wav")[1]) == pytest.approx(4000, abs=160)


def test_a_pipe_gets_sound_at_once_and_never_holds_up_the_rest(scene: Scene, sounds: Path) -> None:
    far = scene.far_end()
    reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        into_pipe = far.leg.record(f"/proc/self/fd/{writing}", "sln")
        scene.run(500)
        assert len(os.read(reading, 65_536)) == pytest.approx(8000, abs=1000)
        beside = far.leg.record(sounds / "beside.sln", "sln")
        scene.run(6000)  # more than a pipe holds
        beside.stop()
        into_pipe.stop()
        scene.run(30)
        assert asyncio.run(beside.wait()) == "stopped"
        assert asyncio.run(into_pipe.wait()) == "stopped"
        assert (sounds / "beside.sln").stat().st_size == pytest.approx(96_000, abs=1000)
    finally:
        os.close(reading)
        os.close(writing)


def test_silence_and_sound_are_reported_once_each(scene: Scene) -> None:
    far = scene.far_end()
    watch = far.leg.watch_silence(silence_ms=300, noise_ms=100)
    scene.run(10)
    scene.speak(far, sine(500, 500))
    scene.speak(far, [0.0] * 8000)
    scene.speak(far, sine(500, 500))
    told = [each for each in far.heard if isinstance(each, Silence | Noise)]
    assert [type(each) for each in told] == [Noise, Silence, Noise]
    assert told[1].watch is watch
    assert told[1].duration_ms == pytest.approx(500, abs=60)
    assert told[2].duration_ms == pytest.approx(1000, abs=60)


def test_no_packets_are_silence(scene: Scene) -> None:
    far = scene.far_end()
    far.leg.watch_silence(silence_ms=500)
    scene.run(480)
    assert far.events(Silence) == []
    scene.run(100)
    assert len(far.events(Silence)) == 1


def test_the_threshold_divides(scene: Scene) -> None:
    far = scene.far_end()
    low, high = far.leg.watch_silence(noise_ms=100, threshold=100), far.leg.watch_silence(noise_ms=100, threshold=2000)
    scene.run(10)
    scene.speak(far, sine(500, 400, amplitude=1000))
    watches = [each.watch for each in far.heard if isinstance(each, Noise)]
    assert watches == [low]
    high.close()
    low.close()
    low.close()
    scene.run(20)
    scene.speak(far, [0.0] * 3200)
    scene.speak(far, sine(500, 400))
    assert len(far.events(Noise)) == 1


def test_a_watch_can_be_waited_for(scene: Scene) -> None:
    far = scene.far_end()
    watch = far.leg.watch_silence(silence_ms=200)

    async def wait() -> Silence | Noise:
        waiting = asyncio.create_task(watch.wait())
        await asyncio.sleep(0)
        scene.run(300)
        return await waiting

    assert isinstance(asyncio.run(wait()), Silence)

    async def abandoned() -> None:
        waiting = asyncio.create_task(watch.wait())
        await asyncio.sleep(0)
        far.leg.close()
        scene.run(20)
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(abandoned())
