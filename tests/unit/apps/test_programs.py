"""Speak and MP3Player: programs whose sound callers hear while it is made; shell scripts of the test stand for them."""

from __future__ import annotations

import asyncio
import shutil
import struct
import time
import wave
from array import array
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from offhook.apps import mp3, speak
from offhook.apps.digits import send_digits
from offhook.apps.mp3 import command
from offhook.calls import events
from offhook.calls.channel import Channel
from offhook.functions import channel as channel_functions
from support.call_exchange import Exchange
from support.sound_story import OneThreadPolicy, advance, sounding


@pytest.fixture(scope="module")
def event_loop_policy() -> OneThreadPolicy:
    return OneThreadPolicy()


@pytest.fixture
async def exchange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Exchange]:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    running = Exchange(tmp_path)
    running.load(mp3)
    running.load(speak)
    running.load(channel_functions)
    speak.configure(running.pbx)
    async with sounding(running):
        yield running


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def sound(path: Path, rate: int, seconds: float) -> Path:
    """A WAVE file with a tone of 440 Hz."""
    square = [4000 if 880 * i // rate % 2 else -4000 for i in range(int(rate * seconds))]
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(array("h", square).tobytes())
    return path


def call(exchange: Exchange, application: str) -> None:
    exchange.dialplan(
        f"[test]\nexten => s,1,{application}\nsame => n,UserEvent(Over,X: on ${{SPEAKSTATUS}})\nsame => n,Wait(60)\n"
        "exten => 7,1,UserEvent(Digit,X: seven ${SPEAKSTATUS})\nsame => n,Wait(60)\n"
        "exten => h,1,UserEvent(Ended,X: hung up)\n"
    )
    asyncio.get_running_loop().create_task(exchange.call("Local/s@test"))


async def until(exchange: Exchange, condition: Callable[[], bool]) -> None:
    """Let the story go on while a program of this machine does its part."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        await advance(exchange, 0.05)
        await exchange.pbx.loop.run_in_executor(None, time.sleep, 0.002)


def over(exchange: Exchange) -> list[str]:
    return [event.headers[0][1] for event in exchange.heard(events.UserEvent)]


async def hears(exchange: Exchange, ms: int) -> None:
    """Wait until the caller has heard sound for so long without a break."""
    await until(exchange, lambda: exchange.pbx.channels.by_prefix("Local/s@test-") is not None)
    media = exchange.named("Local/s@test-").media
    assert media is not None
    watching = asyncio.get_running_loop().create_task(media.watch_silence(noise_ms=ms).wait())
    await until(exchange, watching.done)


# ---- Speak


async def test_a_voice_is_heard_while_it_speaks(exchange: Exchange, tmp_path: Path) -> None:
    sound(tmp_path / "said.wav", 22_050, 1)
    script(tmp_path / "espeak-ng", f'cat > {tmp_path}/text\necho "$@" > {tmp_path}/words\nexec cat {tmp_path}/said.wav')
    call(exchange, 'Speak("Hello, you")')
    await hears(exchange, 800)
    assert exchange.named("Local/s@test-").state.text == "Up"
    await until(exchange, lambda: bool(over(exchange)))
    assert over(exchange) == ["on SUCCESS"]
    assert (tmp_path / "text").read_text() == "Hello, you"
    assert (tmp_path / "words").read_text() == "--stdin --stdout -v en\n"


async def test_voices_are_configured(exchange: Exchange, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "speak.conf").write_text(
        "[general]\nvoice = low\n[low]\ncommand = say -x '${CALLERID(none)} a' \\;\noutput = raw:8000\n"
        "[bad]\noutput = mp3\n[worse]\ncommand = 'open\n"
    )
    speak.configure(exchange.pbx)
    assert "[bad]: output = mp3" in caplog.text and "[worse]: command" in caplog.text
    sound(tmp_path / "said.wav", 8000, 1)
    script(tmp_path / "say", f"exec tail -c +45 {tmp_path}/said.wav")
    call(exchange, "Speak(Hello)")
    await hears(exchange, 800)
    await until(exchange, lambda: bool(over(exchange)))
    assert over(exchange) == ["on SUCCESS"]


async def test_a_digit_breaks_in(exchange: Exchange, tmp_path: Path) -> None:
    sound(tmp_path / "said.wav", 8000, 30)
    script(tmp_path / "espeak-ng", f"cat {tmp_path}/said.wav\necho $$ > {tmp_path}/alive\nexec sleep 600")
    call(exchange, "Speak(Hello,78)")
    await hears(exchange, 200)
    caller: Channel = exchange.named("Local/s@test-")
    digits = asyncio.get_running_loop().create_task(send_digits(caller, "17", 0))
    await until(exchange, lambda: digits.done() and bool(over(exchange)))
    assert over(exchange) == ["seven SUCCESS"]


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("", "espeak-ng is not installed"),
        ("echo no such voice >&2; exit 1", "no such voice"),
        ("echo this is no sound file at all", "no WAVE file"),
        ("printf 'RIFF....WAVEdata'; printf '....'", "no WAVE file"),
    ],
)
async def test_what_is_no_speech_is_a_failure(
    exchange: Exchange, tmp_path: Path, caplog: pytest.LogCaptureFixture, program: str, said: str
) -> None:
    (tmp_path / "speak.conf").write_text("[espeak]\ncommand = espeak-ng-of-the-test\n")
    speak.configure(exchange.pbx)
    if program:
        script(tmp_path / "espeak-ng-of-the-test", program)
    else:
        said = said.replace("espeak-ng", "espeak-ng-of-the-test")
    call(exchange, "Speak(Hello)")
    await until(exchange, lambda: bool(over(exchange)))
    assert over(exchange) == ["on FAILURE"]
    assert said in caplog.text


async def test_stereo_and_unknown_voices_are_failures(
    exchange: Exchange, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    header = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 36, b"WAVE", b"fmt ", 16, 1, 2, 8000, 32_000, 4, 16)
    (tmp_path / "said.wav").write_bytes(header + struct.pack("<4sI", b"data", 0))
    script(tmp_path / "espeak-ng", f"exec cat {tmp_path}/said.wav")
    call(exchange, "Speak(Hello)")
    await until(exchange, lambda: bool(over(exchange)))
    assert "2 channels" in caplog.text
    call(exchange, "Speak(Hello,,nobody)")
    await until(exchange, lambda: len(over(exchange)) > 1)
    assert over(exchange) == ["on FAILURE", "on FAILURE"]
    assert "no voice [nobody]" in caplog.text


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
async def test_espeak_speaks(exchange: Exchange) -> None:
    call(exchange, "Speak(one two three four five)")
    await hears(exchange, 100)
    await until(exchange, lambda: bool(over(exchange)))
    assert over(exchange) == ["on SUCCESS"]


# ---- MP3Player


async def test_mpg123_is_heard_until_a_key_is_pressed(exchange: Exchange, tmp_path: Path) -> None:
    sound(tmp_path / "said.wav", 8000, 30)
    script(tmp_path / "mpg123", f'echo "$@" > {tmp_path}/words\nexec tail -c +45 {tmp_path}/said.wav')
    call(exchange, "MP3Player(/music/a song.mp3)")
    await hears(exchange, 300)
    assert (tmp_path / "words").read_text().endswith("--mono -r 8000 /music/a song.mp3\n")
    digits = asyncio.get_running_loop().create_task(send_digits(exchange.named("Local/s@test-"), "7", 0))
    await until(exchange, lambda: digits.done() and bool(over(exchange)))
    assert over(exchange) == ["on"]


async def test_what_cannot_be_played_is_said(
    exchange: Exchange, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    call(exchange, "MP3Player(https://example.com/a.mp3)")
    await until(exchange, lambda: bool(over(exchange)))
    if shutil.which("mpg123") is None:
        assert "mpg123 is not installed" in caplog.text
    script(tmp_path / "mpg123", "echo cannot open it >&2")
    call(exchange, "MP3Player(https://example.com/a.mp3)")
    await until(exchange, lambda: len(over(exchange)) > 1)
    assert over(exchange) == ["on", "on"]
    assert "use http" in caplog.text and "cannot open it" in caplog.text


async def test_options_are_no_files(exchange: Exchange, caplog: pytest.LogCaptureFixture) -> None:
    call(exchange, "MP3Player(--help)")
    await until(exchange, lambda: bool(over(exchange)))
    assert over(exchange) == ["hung up"] and "a file or an address" in caplog.text


@pytest.mark.parametrize(
    ("location", "extra"),
    [
        ("/a.mp3", "/a.mp3"),
        ("/a.m3u", "-z -@ /a.m3u"),
        ("http://host/a.mp3", "-b 96 http://host/a.mp3"),
        ("http://host/a.m3u", "-b 8 -@ http://host/a.m3u"),
    ],
)
def test_lists_and_streams_are_called_as_asterisk_does(location: str, extra: str) -> None:
    assert " ".join(command(location, 8000)) == f"mpg123 -e s16 -q -s -f 8192 --mono -r 8000 {extra}"
