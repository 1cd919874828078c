"""What encoders are asked for by SDP and by codecs.conf, and what they make of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from offhook.config.parser import loads
from offhook.media import format_named
from offhook.media.encoding import Encoding, opus_encoding
from offhook.services.codec_settings import _OPUS, _SPEEX, _SPEEX_DEFAULTS, _read
from support.far_end import Scene, sine


def test_what_a_far_end_asks_of_opus() -> None:
    assert opus_encoding({}) == Encoding()
    asked = {"maxplaybackrate": "16000", "maxaveragebitrate": "20000", "cbr": "1", "usedtx": "1", "useinbandfec": "0"}
    assert opus_encoding(asked) == Encoding(bitrate=20000, max_rate=16000, vbr=False, dtx=True, fec=False)
    assert opus_encoding({"maxaveragebitrate": "1", "maxplaybackrate": "x"}) == Encoding(bitrate=6000)


def section(text: str, name: str):  # type: ignore[no-untyped-def]
    found = loads(text, "codecs.conf").get(name)
    assert found is not None
    return found


def test_codecs_conf(caplog: pytest.LogCaptureFixture) -> None:
    opus = section(
        "[opus]\ntype=opus\nmax_bandwidth=wide\nbitrate=auto\ncbr=yes\nfec=no\npacket_loss=200\nodd=1\n", "opus"
    )
    assert _read(opus, _OPUS, {}) == Encoding(max_rate=16000, vbr=False, fec=False)
    assert "codecs.conf:7: packet_loss = 200" in caplog.text
    assert "codecs.conf:8: there is no option odd in [opus]" in caplog.text
    speex = section("[speex]\nquality => 6\nvbr => true\nvbr_quality => 4\nabr => 0\ndtx => false\n", "speex")
    assert _read(speex, _SPEEX, _SPEEX_DEFAULTS) == Encoding(complexity=2, quality=4, vbr=True, dtx=False)


def sent_octets(scene: Scene, codec: str, encoding: Encoding) -> tuple[int, int]:
    """Packets and octets that a second of speech-like sound and a second of silence take."""
    far = scene.far_end(codec)
    far.leg.set_encoding(encoding)
    far.leg.tones("!300+450/100,!0/100,!700+1200/300,!500+2000/500")
    scene.run(1000)
    packets = list(far.packets)
    far.leg.close()
    return len(packets), sum(len(packet.payload) for packet in packets)


def test_the_encoder_heeds_it(scene: Scene) -> None:
    if not scene.engine.can_decode(format_named("opus")):
        pytest.skip("libopus is not installed")
    usual, thrifty, lavish = (
        sent_octets(scene, "opus", each)[1]
        for each in (Encoding(), Encoding(bitrate=8000), Encoding(bitrate=96000, vbr=False))
    )
    assert thrifty < usual < lavish
    assert 11000 < lavish < 12500


def test_defaults_are_for_those_that_begin_later(scene: Scene) -> None:
    if not scene.engine.can_decode(format_named("opus")):
        pytest.skip("libopus is not installed")
    opus = format_named("opus")
    try:
        scene.engine.encode_by_default(opus, Encoding(bitrate=64000, vbr=False))
        assert sent_octets(scene, "opus", Encoding())[1] > 7000
        assert sent_octets(scene, "opus", Encoding(bitrate=12000))[1] < 2500
    finally:
        scene.engine.encode_by_default(opus, Encoding())


def test_files_are_converted(scene: Scene, tmp_path: Path) -> None:
    far = scene.far_end("ulaw")
    recording = far.leg.record(tmp_path / "one.wav", "wav")
    scene.speak(far, sine(500, 1000))
    recording.stop()
    scene.run(50)
    engine = scene.engine
    for name in ("two.gsm", "two.sln16", "two.WAV", "two.opus"):
        ms = engine.convert(tmp_path / "one.wav", tmp_path / name, name.rpartition(".")[2])
        assert 950 <= ms <= 1100
        assert engine.convert(tmp_path / name, tmp_path / "back.wav", "wav") in range(940, 1120)
    with pytest.raises(Exception, match="No such file"):
        engine.convert(tmp_path / "none.wav", tmp_path / "x.gsm", "gsm")
    assert not (tmp_path / "x.gsm").exists()
