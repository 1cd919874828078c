"""MixMonitor: what is written, what listeners are told, and what follows."""

from __future__ import annotations

import struct
import wave
from array import array
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.apps import monitors
from offhook.apps.monitors import MixMonitorStart, MixMonitorStop
from offhook.calls import events
from support.call_exchange import Exchange
from unit.apps.stories import assigned, caller, eventually, said

DIALPLAN = """
[test]
exten => s,1,Answer()
 same => n,MixMonitor(${FILE},${OPTIONS},${COMMAND})
 same => n,UserEvent(A,X: ${MIXMONITOR_FILENAME})
 same => n,Wait(60)
exten => stop,1,Answer()
 same => n,MixMonitor(a.wav)
 same => n,StopMixMonitor()
 same => n,UserEvent(A,X: done)
 same => n,Wait(60)
"""


async def test_a_recording_begins_below_the_folder_and_is_told(exchange: Exchange, tmp_path: Path) -> None:
    exchange.pbx.set_global("FILE", "deep/a.wav")
    channel = await caller(exchange, DIALPLAN)
    assert await said(exchange) == f"{tmp_path}/monitor/deep/a.wav"
    assert (tmp_path / "monitor/deep").is_dir()
    assert [event.channel for event in exchange.heard(MixMonitorStart)] == [channel]
    assert channel.data["taps"]


async def test_a_name_without_extension_is_raw_and_wav49_is_gsm_in_wav(exchange: Exchange, tmp_path: Path) -> None:
    exchange.pbx.set_global("FILE", f"{tmp_path}/plain")
    await caller(exchange, DIALPLAN)
    assert await said(exchange) == f"{tmp_path}/plain.raw"
    exchange.pbx.set_global("FILE", f"{tmp_path}/gsm.wav49")
    await exchange.call("Local/s@test", application="Wait", data="60")
    assert await said(exchange, 2) == f"{tmp_path}/gsm.WAV"


async def test_stopping_waits_for_the_file_and_lets_local_channels_go(exchange: Exchange) -> None:
    channel = await caller(exchange, DIALPLAN, "stop")
    assert await said(exchange) == "done"
    assert len(exchange.heard(MixMonitorStop)) == 1
    await eventually(lambda: "taps" not in channel.data)
    assert not monitors.monitors(channel)


async def test_the_command_runs_when_the_call_is_over(exchange: Exchange, tmp_path: Path) -> None:
    exchange.pbx.set_global("FILE", "a.wav")
    exchange.pbx.set_global("COMMAND", f"echo ^{{UNIQUEID}} > {tmp_path}/after")
    channel = await caller(exchange, DIALPLAN)
    await said(exchange)
    channel.request_hangup()
    await eventually(lambda: (tmp_path / "after").exists() and (tmp_path / "after").read_text() != "")
    assert (tmp_path / "after").read_text() == f"{channel.uniqueid}\n"
    await eventually(lambda: any(event.state == "MIXMONITOR_END" for event in exchange.heard(events.TestEvent)))


async def test_directions_go_to_files_of_their_own_and_can_be_silenced(exchange: Exchange, tmp_path: Path) -> None:
    exchange.pbx.set_global("FILE", "a.wav")
    exchange.pbx.set_global("OPTIONS", "r(in.wav)t(out.wav)i(ID)")
    channel = await caller(exchange, DIALPLAN)
    await said(exchange)
    monitor = monitors.named(channel, assigned(exchange, "ID")[0])
    assert monitor is not None
    hears = {key: track.leg.hears for key, track in monitor.tracks.items()}  # type: ignore[attr-defined]
    assert hears == {"": "both", "r": "in", "t": "out"}
    monitor.mute({"read"}, True)
    assert [track.leg.hears for track in monitor.tracks.values()] == ["out", "none", "out"]  # type: ignore[attr-defined]
    monitor.mute({"read", "write"}, True)
    assert [track.leg.hears for track in monitor.tracks.values()] == ["none"] * 3  # type: ignore[attr-defined]
    monitor.mute({"read", "write"}, False)
    assert [track.leg.hears for track in monitor.tracks.values()] == ["both", "in", "out"]  # type: ignore[attr-defined]


async def test_without_any_file_the_call_ends(exchange: Exchange, caplog: pytest.LogCaptureFixture) -> None:
    exchange.dialplan(DIALPLAN)
    await exchange.call("Local/s@test", application="Wait", data="60")
    await eventually(lambda: bool(exchange.heard(events.Hangup)))
    assert "MixMonitor needs a file name" in caplog.text


@settings(max_examples=25)
@given(
    st.lists(st.integers(-32768, 32767), max_size=50),
    st.lists(st.integers(-32768, 32767), max_size=50),
)
def test_two_channels_become_one_file(left: list[int], right: list[int]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        one, two, both = (Path(folder) / name for name in ("l.sln", "r.sln", "both.wav"))
        one.write_bytes(array("h", left).tobytes())
        two.write_bytes(array("h", right).tobytes())
        monitors.join_channels(str(one), str(two), str(both))
        assert not one.exists()
        frames = max(len(left), len(right))
        with wave.open(str(both)) as sound:
            assert (sound.getnchannels(), sound.getframerate(), sound.getnframes()) == (2, 8000, frames)
            samples = struct.unpack(f"<{frames * 2}h", sound.readframes(frames))
        assert list(samples[::2]) == left + [0] * (frames - len(left))
        assert list(samples[1::2]) == right + [0] * (frames - len(right))
