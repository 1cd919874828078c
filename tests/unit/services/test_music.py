"""Music on hold: which class plays, from where on, and programs whose sound all listeners hear."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from array import array
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from offhook.calls import events
from offhook.calls.channel import Channel, State
from offhook.calls.frames import Digit
from offhook.calls.music import INTERPRETED
from offhook.calls.prompts import REMOTE
from offhook.config.parser import loads
from offhook.media.moh import MohClass, MohSource
from offhook.services import music
from offhook.services.music_classes import read_classes
from offhook.services.music_programs import MusicProgram
from support.call_exchange import Exchange
from support.sound_story import OneThreadPolicy, advance, sounding


@pytest.fixture(scope="module")
def event_loop_policy() -> OneThreadPolicy:
    return OneThreadPolicy()


@pytest.fixture
async def exchange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Exchange]:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    running = Exchange(tmp_path)
    running.pbx.paths = SimpleNamespace(data=str(tmp_path))  # type: ignore[assignment]
    running.load(music)
    async with sounding(running):
        yield running
        if "music" in running.pbx.parts:
            await until(running, asyncio.ensure_future(music.unload(running.pbx)).done)


async def until(exchange: Exchange, condition: Callable[[], bool]) -> None:
    """Let the story go on while a program of this machine does its part."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        await advance(exchange, 0.05)
        await exchange.pbx.loop.run_in_executor(None, time.sleep, 0.002)


async def configured(exchange: Exchange, tmp_path: Path, text: str) -> music.Music:
    """Put a musiconhold.conf in force."""
    (tmp_path / "musiconhold.conf").write_text(text)
    await music.read(exchange.pbx)
    found = exchange.pbx.parts["music"]
    assert isinstance(found, music.Music)
    return found


def files(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(bytes(8000))


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def party(exchange: Exchange, name: str) -> Channel:
    pbx = exchange.pbx
    return Channel(pbx, f"Phone/{name}", media=pbx.engine.null_leg(), formats=("ulaw",), state=State.UP)


def started(exchange: Exchange) -> list[str]:
    return [event.music_class for event in exchange.heard(events.MusicOnHoldStart)]


# ---- what a file says


def test_what_is_wrong_is_said_with_file_and_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files(tmp_path / "moh", "b.ulaw", "a.ulaw", "a.gsm", ".hidden.ulaw", "notes.txt")
    found = read_classes(
        loads(
            "[general]\npreferchannelclass = no\n[default]\nmode = files\ndirectory = moh\nsort = alpha\n"
            "[none]\nmode = custom\n[odd]\nmode = custom\napplication = /bin/x\nformat = gsm\n[quiet]\nmode = mp3\n"
            "[best]\nmode = custom\napplication = /bin/x -a b\nformat = ulaw\nkill_escalation_delay = 500\n"
            "kill_method = process\ndigit = 5\nkil_method = x\n",
            "musiconhold.conf",
        ),
        tmp_path,
    )
    assert not found.prefers_channel
    assert found.files["default"][1] == (f"{tmp_path}/moh/a.ulaw", f"{tmp_path}/moh/b.ulaw")
    best = found.programs["best"]
    assert set(found.programs) == {"best"}
    assert (best.kill_delay_ms, best.kill_method, best.format, best.digit) == (500, "process", "ulaw", "5")
    assert 'musiconhold.conf:22: unknown option "kil_method"; did you mean "kill_method"?' in caplog.text
    for name, trouble in (("none", "no application"), ("odd", "format = gsm"), ("quiet", "no directory")):
        assert any(f"'{name}': " in line and trouble in line for line in caplog.messages)


def test_an_announcement_comes_before_each_file_and_the_last_may_go_on(tmp_path: Path) -> None:
    source = MohSource(MohClass("x", loop_last=True), ("a", "b", "c"), 1, announcement="said")
    assert source.playing_order() == ["said", "b", "said", "c"]
    source.left_at(3, 700)
    assert (source.index, source.position_ms) == (2, 700)
    source.left_at(0, 700)
    assert (source.index, source.position_ms) == (1, 0), "who leaves while it is announced has heard nothing of it"


def test_commands_of_programs(exchange_of_nothing: Exchange, tmp_path: Path) -> None:
    files(tmp_path / "songs", "b.mp3", "a.MP3", "c.raw")

    def words(mode: str, application: str = "", directory: str = "songs") -> str:
        one = MohClass("x", mode=mode, application=application, directory=directory)
        return " ".join(MusicProgram(exchange_of_nothing.pbx, one, tmp_path).words())

    assert words("mp3", "-Z,-v") == "mpg123 -q -s --mono -r 8000 -b 2048 -f 8192 -Z -v a.MP3 b.mp3"
    assert words("quietmp3nb") == "mpg123 -q -s --mono -r 8000 -f 4096 a.MP3 b.mp3"
    assert words("custom", "/bin/play  -x") == "/bin/play -x a.MP3 b.mp3 c.raw"
    assert words("custom", "/bin/play -x", "nodir") == "/bin/play -x"
    assert words("custom", "/bin/play", "http://radio/1") == "/bin/play http://radio/1"


@pytest.fixture
async def exchange_of_nothing(tmp_path: Path) -> Exchange:
    return Exchange(tmp_path)


# ---- which class plays


async def test_which_class_plays(exchange: Exchange, tmp_path: Path) -> None:
    files(tmp_path / "moh", "a.ulaw")
    text = "[general]\npreferchannelclass = {}\n" + "".join(
        f"[{name}]\nmode = files\ndirectory = moh\n" for name in ("default", "own", "asked", "driver")
    )
    await configured(exchange, tmp_path, text.format("yes"))
    one = party(exchange, "one")

    def plays(asked: str) -> str:
        one.pbx.start_music(one, asked)
        one.pbx.stop_music(one)
        return started(exchange)[-1]

    assert plays("asked") == "asked"
    assert plays("") == "default"
    one.data[INTERPRETED] = "driver"
    assert plays("missing") == "driver"
    one.music_class = "own"
    assert plays("asked") == "own", "the channel's own class goes first"
    await configured(exchange, tmp_path, text.format("no"))
    assert plays("asked") == "asked"
    assert plays("") == "own"


async def test_music_goes_on_where_it_was(exchange: Exchange, tmp_path: Path) -> None:
    files(tmp_path / "moh", "a.ulaw", "b.ulaw")
    await configured(exchange, tmp_path, "[default]\nmode=files\ndirectory=moh\n[other]\nmode=files\ndirectory=moh\n")
    one = party(exchange, "one")
    one.pbx.start_music(one)
    await advance(exchange, 0.5)
    one.pbx.stop_music(one)
    source = one.pbx.music.source("default")
    place = one.data["music place"]
    assert isinstance(place, MohSource) and isinstance(source, MohSource)
    assert place.position_ms > 0
    one.pbx.start_music(one)
    assert one.data["music place"] is place
    one.pbx.stop_music(one)
    one.pbx.start_music(one, "other")
    assert one.data["music place"] is not place


async def test_only_who_answered_hears_it(exchange: Exchange, tmp_path: Path) -> None:
    files(tmp_path / "moh", "a.ulaw")
    await configured(exchange, tmp_path, "[default]\nmode=files\ndirectory=moh\nansweredonly=yes\n")
    one = party(exchange, "one")
    one.state = State.RING
    assert not one.pbx.start_music(one)
    one.state = State.UP
    assert one.pbx.start_music(one)


async def test_a_listener_chooses_by_digit(exchange: Exchange, tmp_path: Path) -> None:
    files(tmp_path / "moh", "a.ulaw")
    await configured(
        exchange, tmp_path, "[default]\nmode=files\ndirectory=moh\n[jazz]\nmode=files\ndirectory=moh\ndigit=5\n"
    )
    one = party(exchange, "one")
    one.pbx.start_music(one)
    for digit in "45":
        one.deliver(Digit(digit, end=False))
        one.deliver(Digit(digit, end=True, duration_ms=100))
    assert started(exchange) == ["default", "jazz"]
    assert one.music_class == "jazz"
    one.pbx.stop_music(one)
    one.deliver(Digit("5", end=True, duration_ms=100))
    assert started(exchange) == ["default", "jazz"]


# ---- programs


async def hears(exchange: Exchange, *channels: Channel) -> None:
    """Wait until channels' far ends hear sound (it is recorded)."""
    for channel in channels:
        path = f"{channel.pbx.paths.data}/{channel.name.replace('/', '-')}"
        assert channel.media is not None
        recording = channel.media.record(path, "sln", "out")

        def loud(path: str = path + "") -> bool:
            samples = array("h")
            data = Path(path).read_bytes() if os.path.exists(path) else b""
            samples.frombytes(data[: len(data) // 2 * 2])
            return sum(abs(sample) > 1000 for sample in samples) > 400

        await until(exchange, loud)
        recording.stop()
        os.unlink(path)


def tone(path: Path) -> None:
    """Two seconds of a square wave of 440 Hz at 8000."""
    path.write_bytes(array("h", [4000 if 880 * i // 8000 % 2 else -4000 for i in range(16000)]).tobytes())


async def test_all_hear_one_program_until_its_class_is_gone(exchange: Exchange, tmp_path: Path) -> None:
    tone(tmp_path / "tone.raw")
    script(
        tmp_path / "player",
        f"trap 'echo hup >> {tmp_path}/ended; exit' HUP\necho $1 >> {tmp_path}/began\n"
        f"while :; do cat {tmp_path}/tone.raw; done",
    )
    # The story's clock runs ahead of the program's: no harder signal may overtake the first.
    text = f"[default]\nmode=custom\napplication={tmp_path}/player now\nkill_escalation_delay=10000000\n"
    classes = await configured(exchange, tmp_path, text)
    one, two = party(exchange, "one"), party(exchange, "two")
    for channel in (one, two):
        assert channel.pbx.start_music(channel)
    await hears(exchange, one, two)
    one.pbx.stop_music(one)
    await configured(exchange, tmp_path, text + "[unused]\n")
    await hears(exchange, two)
    assert (tmp_path / "began").read_text() == "now\n", "one program for all, and none other after a reload"
    classes = await configured(exchange, tmp_path, "[general]\n")
    assert classes.source("default") is None
    await hears(exchange, two)
    two.hangup()
    ended = tmp_path / "ended"
    await until(exchange, lambda: ended.exists() and bool(ended.read_text()))
    assert ended.read_text() == "hup\n"


async def test_a_program_that_ends_is_started_again(exchange: Exchange, tmp_path: Path) -> None:
    tone(tmp_path / "tone.raw")
    script(tmp_path / "player", f"echo x >> {tmp_path}/began\nexec cat {tmp_path}/tone.raw")
    await configured(exchange, tmp_path, f"[default]\nmode=custom\napplication={tmp_path}/player\n")
    one = party(exchange, "one")
    one.pbx.start_music(one)
    await until(exchange, lambda: (tmp_path / "began").exists() and len((tmp_path / "began").read_text()) >= 6)
    await hears(exchange, one)


async def test_a_player_of_files_stands_still_while_nobody_listens(exchange: Exchange, tmp_path: Path) -> None:
    files(tmp_path / "songs", "a.mp3")
    tone(tmp_path / "tone.raw")
    song = tmp_path / "song.raw"
    song.write_bytes((tmp_path / "tone.raw").read_bytes() * 100)
    # one process: a shell that is stopped while it forks waits for its child, and does not look stopped
    script(tmp_path / "mpg123", f'for last; do :; done; test "$last" = a.mp3 || exit\nexec cat {song}')
    await configured(exchange, tmp_path, "[default]\nmode=quietmp3\ndirectory=songs\n")

    def state() -> str:
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (process / "cmdline").read_bytes()
                if any(str(path).encode() in words for path in (tmp_path / "mpg123", song)):
                    return (process / "stat").read_text().rpartition(") ")[2][:1]
        return ""

    await until(exchange, lambda: state() == "T")
    one = party(exchange, "one")
    one.pbx.start_music(one)
    await hears(exchange, one)
    assert state() != "T"
    one.pbx.stop_music(one)
    await until(exchange, lambda: state() == "T")
    classes = exchange.pbx.parts["music"]
    await until(exchange, asyncio.ensure_future(classes.end()).done)
    await until(exchange, lambda: state() == "")


async def test_a_program_that_cannot_run_is_told(
    exchange: Exchange, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    script(tmp_path / "player", "echo no card >&2; exit 1")
    await configured(
        exchange,
        tmp_path,
        f"[default]\nmode=custom\napplication={tmp_path}/player\n[gone]\nmode=custom\napplication=/nowhere/player\n",
    )
    await until(exchange, lambda: "no card" in caplog.text and "/nowhere/player is not installed" in caplog.text)


# ---- songs of web servers


class Web:
    """Servers of songs: which there are, by URL, and where they lie here once they are fetched."""

    def __init__(self, songs: dict[str, str]) -> None:
        self.songs = songs
        self.asked: list[str] = []

    async def local(self, uri: str) -> str | None:
        self.asked.append(uri)
        return self.songs.get(uri)


def songs_of(found: music.Music, name: str = "default") -> list[str]:
    source = found.source(name)
    return [Path(file).name for file in source.files] if isinstance(source, MohSource) else []


async def test_playlists_have_songs_of_web_servers(exchange: Exchange, tmp_path: Path) -> None:
    files(tmp_path / "moh", "a.ulaw", "b.ulaw", "new.ulaw", "notes.txt")
    far, late = "http://songs/far.ulaw", "https://songs/late"
    web = exchange.pbx.parts[REMOTE] = Web({far: f"{tmp_path}/moh/b"})
    entries = "".join(f"entry={entry}\n" for entry in (far, f"{tmp_path}/moh/a", late))
    found = await configured(exchange, tmp_path, f"[default]\nmode=playlist\n{entries}")
    await advance(exchange, 0.1)
    assert web.asked == [], "nothing is fetched before everything has started"
    exchange.pbx.booted = True
    exchange.pbx.bus.publish(events.FullyBooted(0, 0))
    await advance(exchange, 0.1)
    assert web.asked == [far, late]
    assert songs_of(found) == ["b.ulaw", "a.ulaw"], "what cannot be had is left out"
    web.songs = {far: f"{tmp_path}/moh/new", late: f"{tmp_path}/moh/notes"}
    await advance(exchange, 0.1)
    assert songs_of(found) == ["new.ulaw", "a.ulaw"], "the next listener hears what it is now; notes are no music"


async def test_songs_of_the_web_need_somebody_to_fetch_them(
    exchange: Exchange, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    exchange.pbx.booted = True
    found = await configured(exchange, tmp_path, "[default]\nmode=playlist\nentry=http://songs/far.ulaw\n")
    await advance(exchange, 0.1)
    assert "http://songs/far.ulaw cannot be fetched; is res_http_media_cache loaded?" in caplog.text
    assert songs_of(found) == []
