"""Playing files and tones to a leg: sound, order, places, ends."""

from __future__ import annotations

import asyncio
import struct
import wave
from itertools import pairwise
from pathlib import Path

import pytest

from offhook.media import MohClass, MohSource, PlaybackAdvanced, PlaybackDone, Prompt
from support.far_end import Scene, amplitude, loudness, sine, to_ulaw


def write_wav(path: Path, samples: list[float], rate: int = 8000) -> Path:
    """A mono WAVE file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(struct.pack(f"<{len(samples)}h", *(round(each) for each in samples)))
    return path


def test_a_file_is_heard_whole_and_then_done(scene: Scene, sounds: Path) -> None:
    far = scene.far_end()
    path = sounds / "beep.ulaw"
    path.write_bytes(bytes(range(256)) * 10)
    playback = far.leg.play(path)
    assert not playback.done
    scene.run(600)
    assert playback.done
    assert playback.reason == "done"
    heard = b"".join(packet.payload for packet in far.packets)
    assert heard[: 2560 // 160 * 160] == (bytes(range(127)) + b"\xff" + bytes(range(128, 256))) * 10
    [event] = [each for each in far.heard if isinstance(each, PlaybackDone)]
    assert event.playback is playback
    assert event.reason == "done"
    assert far.packets[0].marker


@pytest.mark.parametrize(("extension", "rate"), [("wav", 8000), ("wav16", 16000)])
def test_wave_files_of_any_rate(scene: Scene, sounds: Path, extension: str, rate: int) -> None:
    far = scene.far_end()
    path = write_wav(sounds / f"tone.{extension}", sine(440, 1000, rate=rate), rate)
    far.leg.play(str(path))
    scene.run(1200)
    heard = far.sound()
    assert amplitude(heard[800:4800], 440) == pytest.approx(8000, rel=0.03)
    assert loudness(heard[800:4800]) == pytest.approx(8000 / 2**0.5, rel=0.03)


def test_files_follow_each_other(scene: Scene, sounds: Path) -> None:
    far = scene.far_end()
    for name, frequency in (("a", 500), ("b", 900), ("c", 1300)):
        (sounds / f"{name}.ulaw").write_bytes(to_ulaw(sine(frequency, 200)))
    playback = far.leg.play([Prompt(sounds / "a.ulaw"), sounds / "b.ulaw", str(sounds / "c.ulaw")])
    scene.run(320)
    assert playback.index == 1
    scene.run(500)
    heard = far.sound()
    assert [amplitude(heard[at : at + 800], f) > 6000 for at, f in ((400, 500), (2000, 900), (3600, 1300))] == [
        True
    ] * 3
    advances = [each.index for each in far.heard if isinstance(each, PlaybackAdvanced)]
    assert advances == [0, 1, 2]
    assert playback.reason == "done"


def test_the_beginning_can_be_skipped(scene: Scene, sounds: Path) -> None:
    far = scene.far_end()
    path = sounds / "count.ulaw"
    path.write_bytes(b"".join(bytes([second]) * 8000 for second in range(5)))
    playback = far.leg.play(path, offset_ms=2500)
    scene.run(200)
    assert far.packets[0].payload == bytes([2]) * 160
    assert 2500 <= playback.position_ms <= 2700


def test_going_forward_and_back(scene: Scene, sounds: Path) -> None:
    far = scene.far_end()
    path = sounds / "count.ulaw"
    path.write_bytes(b"".join(bytes([tenth]) * 800 for tenth in range(100)))
    playback = far.leg.play(path)
    scene.run(200)
    playback.skip(3000)
    scene.run(100)
    assert 30 <= far.packets[-1].payload[0] <= 34
    playback.seek(8000)
    scene.run(100)
    assert 80 <= far.packets[-1].payload[0] <= 81
    playback.skip(-100000)
    scene.run(100)
    assert far.packets[-1].payload[0] <= 1
    playback.seek(9500)
    scene.run(300)
    assert not playback.done
    playback.seek(1000)
    scene.run(500)
    assert 10 <= far.packets[-1].payload[0] <= 15
    playback.seek(100000)
    scene.run(200)
    assert playback.reason == "done"


def test_a_pause_is_silence_and_keeps_the_place(scene: Scene, sounds: Path) -> None:
    far = scene.far_end()
    path = sounds / "count.ulaw"
    path.write_bytes(b"".join(bytes([tenth]) * 800 for tenth in range(30)))
    playback = far.leg.play(path)
    scene.run(510)
    playback.pause()
    scene.run(100)
    place = playback.position_ms
    far.packets.clear()
    scene.run(1000)
    assert playback.position_ms == place
    assert len(far.packets) == 50
    assert {packet.payload for packet in far.packets} == {b"\xff" * 160}
    playback.resume()
    scene.run(100)
    assert far.packets[-1].payload[0] in (5, 6)


def test_a_loop_goes_on_until_it_is_stopped(scene: Scene, sounds: Path) -> None:
    far = scene.far_end()
    (sounds / "a.ulaw").write_bytes(b"\x01" * 800)
    (sounds / "b.ulaw").write_bytes(b"\x02" * 800)
    playback = far.leg.play([sounds / "a.ulaw", sounds / "b.ulaw"], loop=True)
    scene.run(2000)
    assert not playback.done
    heard = b"".join(packet.payload for packet in far.packets)
    assert heard.count(b"\x01") in range(7000, 8801)
    playback.stop()
    scene.run(20)
    assert playback.reason == "stopped"
    far.packets.clear()
    scene.run(200)
    assert far.packets == []


def test_a_loop_without_sound_fails_instead_of_turning_for_ever(scene: Scene, sounds: Path) -> None:
    far = scene.far_end()
    (sounds / "empty.ulaw").write_bytes(b"")
    empty = far.leg.play(sounds / "empty.ulaw", loop=True)
    scene.run(100)
    assert empty.done
    missing = far.leg.play([sounds / "x.ulaw", sounds / "y.ulaw"], loop=True)
    scene.run(100)
    assert missing.reason.startswith("failed: ")


def test_what_cannot_be_played_says_why(scene: Scene, sounds: Path) -> None:
    far = scene.far_end()
    missing = far.leg.play(sounds / "none.gsm")
    scene.run(100)
    assert missing.reason == f"failed: {sounds}/none.gsm: No such file or directory"
    (sounds / "bad.wav").write_bytes(b"not really")
    bad = far.leg.play(sounds / "bad.wav")
    scene.run(100)
    assert bad.reason.endswith("not a WAVE file")
    assert far.leg.play([]).done


def test_a_newer_playback_replaces_the_older(scene: Scene, sounds: Path) -> None:
    far = scene.far_end()
    (sounds / "long.ulaw").write_bytes(b"\x11" * 80000)
    first = far.leg.play(sounds / "long.ulaw")
    scene.run(100)
    second = far.leg.tones("440")
    scene.run(100)
    assert first.reason == "replaced"
    assert not second.done
    far.leg.close()
    scene.run(20)
    assert second.reason == "closed"


def test_played_sound_takes_the_place_of_what_is_connected(scene: Scene, sounds: Path) -> None:
    one, two = scene.pair()
    (sounds / "note.ulaw").write_bytes(to_ulaw(sine(900, 300)))
    scene.speak(one, sine(500, 100))
    two.leg.play(sounds / "note.ulaw")
    two.packets.clear()
    scene.speak(one, sine(500, 800))
    heard = two.sound()
    assert amplitude(heard[400:2000], 900) > 7000
    assert amplitude(heard[400:2000], 500) < 300
    assert amplitude(heard[-1600:], 500) > 7000
    sequences = [packet.sequence for packet in two.packets]
    assert all((b - a) & 0xFFFF == 1 for a, b in pairwise(sequences))


def test_mixed_sound_is_heard_with_what_is_connected(scene: Scene, sounds: Path) -> None:
    one, two = scene.pair()
    (sounds / "note.ulaw").write_bytes(to_ulaw(sine(900, 600)))
    scene.speak(one, sine(500, 100))
    two.leg.play(sounds / "note.ulaw", mix=True)
    two.packets.clear()
    scene.speak(one, sine(500, 500))
    heard = two.sound()[800:3200]
    assert amplitude(heard, 900) > 7000
    assert amplitude(heard, 500) > 7000


def test_tones_with_cadence(scene: Scene) -> None:
    far = scene.far_end()
    playback = far.leg.tones("500+700/100,0/100")
    scene.run(1000)
    heard = far.sound()
    assert amplitude(heard[80:720], 500) > 7000
    assert loudness(heard[900:1500]) < 50
    playback.stop()
    scene.run(20)
    once = far.leg.tones("!950/50,!1400/50,!1800/50")
    scene.run(300)
    assert once.reason == "done"


def test_tones_follow_the_legs_rate(scene: Scene) -> None:
    far = scene.far_end("slin16")
    far.leg.tones("1000")
    scene.run(500)
    payload = b"".join(packet.payload for packet in far.packets)
    samples = struct.unpack(f">{len(payload) // 2}h", payload)
    assert amplitude(samples[:6400], 1000, 16000) == pytest.approx(7219, rel=0.01)


def test_music_is_heard_on_hold_and_remembers_its_place(scene: Scene, sounds: Path) -> None:
    one, _ = scene.pair()
    files = []
    for number in range(3):
        path = sounds / f"{number}.ulaw"
        path.write_bytes(b"".join(bytes([number * 40 + tenth]) * 800 for tenth in range(20)))
        files.append(str(path))
    source = MohSource(MohClass("default"), files, index=1)
    one.leg.music(source)
    scene.run(500)
    assert 40 <= one.packets[-1].payload[0] <= 45
    (sounds / "note.ulaw").write_bytes(to_ulaw(sine(900, 200)))
    one.leg.play(sounds / "note.ulaw")
    scene.run(400)
    assert 40 <= one.packets[-1].payload[0] <= 50, "after the announcement the music goes on"
    one.leg.music(None)
    assert source.index == 1
    assert 400 <= source.position_ms <= 1000
    scene.run(20)
    one.packets.clear()
    scene.run(200)
    assert one.packets == []
    one.leg.music(source)
    scene.run(100)
    assert 43 <= one.packets[0].payload[0] <= 50
    scene.run(2000)
    one.leg.music(None)
    assert source.index == 2
    with pytest.raises(ValueError, match="no files"):
        MohSource(MohClass("empty"), [])


def test_a_random_class_is_drawn_anew_each_round(scene: Scene, sounds: Path) -> None:
    one, _ = scene.pair()
    files = []
    for number in range(4):
        path = sounds / f"{number}.ulaw"
        path.write_bytes(bytes([16 + number]) * 800)
        files.append(str(path))
    one.leg.music(MohSource(MohClass("default", sort="random"), files))
    scene.run(100)
    one.packets.clear()
    rounds = 12
    scene.run(rounds * 4 * 100 + 400)
    heard = [packet.payload[80] - 16 for packet in one.packets if 16 <= packet.payload[80] < 20]
    songs = [song for place, song in enumerate(heard) if not place or heard[place - 1] != song]
    assert len(heard) > rounds * 4 * 4, "there are no long pauses"
    assert all(one != two for one, two in pairwise(songs))
    drawn = {tuple(songs[at : at + 4]) for at in range(len(songs) - 3)}
    assert len(drawn) > 8, "an order that is repeated has four such rows at most"
    one.leg.music(None)


def test_a_leg_without_far_end_plays_at_the_clocks_pace(scene: Scene, sounds: Path) -> None:
    leg = scene.engine.null_leg()
    (sounds / "second.ulaw").write_bytes(b"\x11" * 8000)
    playback = leg.play(sounds / "second.ulaw")
    scene.run(900)
    assert not playback.done
    scene.run(300)
    assert playback.reason == "done"


def test_waiting(scene: Scene, sounds: Path) -> None:
    far = scene.far_end()
    (sounds / "short.ulaw").write_bytes(b"\x11" * 800)

    async def wait() -> tuple[str, str]:
        playback = far.leg.play(sounds / "short.ulaw")
        waiting = asyncio.create_task(playback.wait())
        impatient = asyncio.create_task(playback.wait())
        await asyncio.sleep(0)
        impatient.cancel()
        scene.run(300)
        return await waiting, await playback.wait()

    assert asyncio.run(wait()) == ("done", "done")


def test_a_file_that_cannot_be_decoded_is_sent_as_it_is(scene: Scene, sounds: Path) -> None:
    far = scene.far_end("siren7")
    frames = b"".join(bytes([number]) * 80 for number in range(50))
    (sounds / "prompt.siren7").write_bytes(frames)
    playback = far.leg.play(sounds / "prompt.siren7")
    scene.run(500)
    assert 400 <= playback.position_ms <= 520
    scene.run(700)
    assert playback.reason == "done"
    assert b"".join(packet.payload for packet in far.packets) == frames
    assert {len(packet.payload) for packet in far.packets} == {80}
    steps = {(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in pairwise(far.packets)}
    assert steps == {320}
    assert [packet.marker for packet in far.packets].count(True) == 1
    other = scene.far_end("ulaw")
    refused = other.leg.play(sounds / "prompt.siren7")
    scene.run(100)
    assert refused.reason == "failed: siren7 cannot be turned into what is sent here"
    nobody = scene.engine.null_leg().play(sounds / "prompt.siren7", offset_ms=500)
    scene.run(400)
    assert not nobody.done
    scene.run(300)
    assert nobody.reason == "done"
