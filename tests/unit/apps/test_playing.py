"""Steered playback, signals, waiting, talk and spying."""

from __future__ import annotations

import pytest

from offhook.apps import sounders
from offhook.apps.detection import TalkDetector
from offhook.calls import events
from offhook.calls.frames import Condition, Control, Digit, Media
from offhook.media.events import Noise, Silence
from offhook.media.length import length_ms, samples_of
from support.call_exchange import Exchange
from support.silent_engine import Playback
from unit.apps.stories import caller, eventually, said, told

DIALPLAN = """
[test]
exten => play,1,Answer()
 same => n,ControlPlayback(${FILE},${KEYS})
 same => n,UserEvent(A,X: ${CPLAYBACKSTATUS} ${CPLAYBACKOFFSET}${CPLAYBACKSTOPKEY})
 same => n,Wait(60)
exten => back,1,Answer(,i)
 same => n,BackGround(${FILE},${KEYS})
 same => n,UserEvent(A,X: ${BACKGROUNDSTATUS})
 same => n,Wait(60)
exten => signal,1,Answer()
 same => n,Signal(go,now)
 same => n,UserEvent(A,X: ${SIGNALSTATUS})
 same => n,Wait(60)
exten => wait,1,Answer()
 same => n,WaitForSignal(go)
 same => n,UserEvent(A,X: ${WAITFORSIGNALSTATUS} ${WAITFORSIGNALPAYLOAD})
 same => n,Wait(60)
exten => brief,1,Answer()
 same => n,WaitForSignal(go,0.01)
 same => n,UserEvent(A,X: ${WAITFORSIGNALSTATUS})
 same => n,Wait(60)
exten => cond,1,Answer()
 same => n,WaitForCondition(#,#["#{GLOBAL(DONE)}"="1"],${LIMIT},0.001)
 same => n,UserEvent(A,X: ${WAITFORCONDITIONSTATUS})
 same => n,Wait(60)
exten => past,1,Answer()
 same => n,WaitUntil(${WHEN})
 same => n,UserEvent(A,X: ${WAITUNTILSTATUS})
 same => n,Wait(60)
exten => quiet,1,Answer()
 same => n,WaitForSilence(500)
 same => n,UserEvent(A,X: ${WAITSTATUS})
 same => n,Wait(60)
exten => detect,1,Answer()
 same => n,BackgroundDetect(hello,500,50,2000)
 same => n,UserEvent(A,X: nothing)
 same => n,Wait(60)
exten => talk,1,Answer()
 same => n,UserEvent(A,X: talked ${TALK_DETECTED})
 same => n,Wait(60)
exten => spied,1,Answer()
 same => n,Wait(60)
exten => spy,1,Answer()
 same => n,ChanSpy(Local/spied,${OPTIONS})
 same => n,UserEvent(A,X: left)
 same => n,Wait(60)
exten => 5,1,Answer()
 same => n,UserEvent(A,X: exit ${SPY_CHANNEL})
 same => n,Wait(60)
"""


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> list[Playback]:
    """Playbacks that go on until they are stopped."""
    from support import silent_engine

    begun: list[Playback] = []

    def play(leg: silent_engine.Leg, prompts: object, **options: object) -> Playback:
        playback = Playback(leg, endless=True)
        begun.append(playback)
        return playback

    monkeypatch.setattr(silent_engine.Leg, "play", play)
    return begun


def controls(exchange: Exchange) -> list[str]:
    """What was steered, as TestEvents tell."""
    return [
        " ".join(value for name, value in event.headers if name != "Channel")
        for event in exchange.heard(events.TestEvent)
        if event.headers[0][0] == "Channel"
    ]


async def test_a_playback_to_its_end_is_a_success_at_minus_one(exchange: Exchange) -> None:
    exchange.pbx.set_global("FILE", "hello")
    await caller(exchange, DIALPLAN, "play")
    assert await said(exchange) == "SUCCESS -1"


async def test_a_missing_file_is_an_error(exchange: Exchange) -> None:
    exchange.pbx.set_global("FILE", "nothing")
    await caller(exchange, DIALPLAN, "play")
    assert await said(exchange) == "ERROR 0"


async def test_digits_wind_pause_begin_anew_and_end(exchange: Exchange, endless: list[Playback]) -> None:
    exchange.pbx.set_global("FILE", "hello")
    exchange.pbx.set_global("KEYS", "5000,1,2,3,4,6")
    channel = await caller(exchange, DIALPLAN, "play")
    for digit in "1244063":
        await eventually(lambda: channel.waiter is not None and not channel.frames)
        channel.deliver(Digit(digit))
    assert await said(exchange) == "USERSTOPPED 03"
    assert controls(exchange) == [
        "FastForward 5000",
        "Rewind 5000",
        "Break",
        "Pause",
        "Unpause",
        "Break",
        "Restart",
        "Break",
        "Stop",
    ]


@pytest.mark.parametrize(("options", "outcome"), [("", "exit"), ("p", "SUCCESS"), ("m", "exit")])
async def test_digits_break_into_prompts_unless_they_shall_not(
    exchange: Exchange, endless: list[Playback], options: str, outcome: str
) -> None:
    exchange.pbx.set_global("FILE", "hello")
    exchange.pbx.set_global("KEYS", options)
    channel = await caller(exchange, DIALPLAN, "back")
    await eventually(lambda: channel.waiter is not None and len(endless) == 1)
    channel.deliver(Digit("5"))
    if options == "p":
        await eventually(lambda: channel.waiter is not None and not channel.frames)
        endless[0].stop()
    assert await said(exchange) == outcome


async def test_a_missing_prompt_ends_a_background_of_several(exchange: Exchange, endless: list[Playback]) -> None:
    exchange.pbx.set_global("FILE", "nothing&hello")
    await caller(exchange, DIALPLAN, "back")
    assert await said(exchange) == "FAILED"
    assert not endless


async def test_orders_from_outside_end_it(exchange: Exchange, endless: list[Playback]) -> None:
    exchange.pbx.set_global("FILE", "hello")
    channel = await caller(exchange, DIALPLAN, "play")
    for condition in (Condition.STREAM_FORWARD, Condition.STREAM_SUSPEND, Condition.STREAM_STOP):
        await eventually(lambda: channel.waiter is not None and not channel.frames)
        channel.deliver(Control(condition))
    assert await said(exchange) == "REMOTESTOPPED 0"
    assert controls(exchange) == ["FastForward 3000", "Break", "Pause", "Stop"]


async def test_a_signal_nobody_waits_for_fails(exchange: Exchange) -> None:
    await caller(exchange, DIALPLAN, "signal")
    assert await said(exchange) == "FAILURE"


async def test_a_signal_wakes_everybody_who_waits(exchange: Exchange) -> None:
    first = await caller(exchange, DIALPLAN, "wait")
    second = await caller(exchange, DIALPLAN, "wait")
    await eventually(lambda: len(exchange.pbx.parts.get("signals", {}).get("go", ())) == 2)
    await caller(exchange, DIALPLAN, "signal")
    await eventually(lambda: len(told(exchange)) == 3)
    assert sorted(told(exchange)) == ["SIGNALED now", "SIGNALED now", "SUCCESS"]
    assert first.alive
    assert second.alive


async def test_waiting_for_a_signal_has_an_end(exchange: Exchange) -> None:
    await caller(exchange, DIALPLAN, "brief")
    assert await said(exchange) == "TIMEOUT"
    assert not exchange.pbx.parts["signals"]


async def test_a_condition_becomes_true_or_time_is_over(exchange: Exchange) -> None:
    from offhook.functions import shared

    exchange.load(shared)
    await caller(exchange, DIALPLAN, "cond")
    exchange.pbx.set_global("DONE", "1")
    assert await said(exchange) == "TRUE"
    exchange.pbx.set_global("DONE", "0")
    exchange.pbx.set_global("LIMIT", "0.01")
    await caller(exchange, DIALPLAN, "cond")
    assert await said(exchange, 2) == "TIMEOUT"


@pytest.mark.parametrize(("when", "status"), [("1", "PAST"), ("soon", "FAILURE")])
async def test_waiting_until_a_moment_that_cannot_come(exchange: Exchange, when: str, status: str) -> None:
    exchange.pbx.set_global("WHEN", when)
    await caller(exchange, DIALPLAN, "past")
    assert await said(exchange) == status


async def test_silence_is_waited_for(exchange: Exchange, watches: list[object]) -> None:
    channel = await caller(exchange, DIALPLAN, "quiet")
    await eventually(lambda: bool(watches))
    channel.deliver(Media(Silence(channel.media, watches[0], 0)))  # type: ignore[arg-type]
    assert await said(exchange) == "SILENCE"


@pytest.fixture
def watches(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The watches on silence that were begun."""
    from support import silent_engine

    begun: list[object] = []

    def watch(leg: silent_engine.Leg, **options: object) -> silent_engine.Watch:
        begun.append(silent_engine.Watch())
        return begun[-1]  # type: ignore[return-value]

    monkeypatch.setattr(silent_engine.Leg, "watch_silence", watch)
    return begun


async def test_talk_of_the_right_length_is_detected(
    exchange: Exchange, endless: list[Playback], watches: list[object]
) -> None:
    clock = [exchange.pbx.now()]
    exchange.pbx.now = lambda: clock[0]  # type: ignore[method-assign]
    channel = await caller(exchange, DIALPLAN, "detect")
    await eventually(lambda: bool(watches))

    async def heard(kind: type, passes_s: float) -> None:
        channel.deliver(Media(kind(channel.media, watches[0], 40)))
        await eventually(lambda: not channel.frames and channel.waiter is not None)
        clock[0] += passes_s

    await heard(Silence, 0.0)
    for talked in (20, 3000, 700):
        await heard(Noise, 0.3 * talked / 1000)  # a gap too short for silence makes no two talks of it
        await heard(Noise, 0.7 * talked / 1000 + 0.5)
        if talked != 700:
            await heard(Silence, 0.0)
    channel.deliver(Media(Silence(channel.media, watches[0], 40)))  # type: ignore[arg-type]
    assert await said(exchange) == "talked 700"


async def test_talk_is_louder_than_dsp_conf_says_and_silence_longer_than_asked_for(
    exchange: Exchange, endless: list[Playback], monkeypatch: pytest.MonkeyPatch
) -> None:
    from support import silent_engine

    asked: list[dict[str, object]] = []

    def watch(leg: silent_engine.Leg, **options: object) -> silent_engine.Watch:
        asked.append(options)
        return silent_engine.Watch()

    monkeypatch.setattr(silent_engine.Leg, "watch_silence", watch)
    await caller(exchange, DIALPLAN, "detect")
    await eventually(lambda: bool(asked))
    assert asked == [{"silence_ms": 501, "noise_ms": 20, "threshold": 512}]


async def test_talking_is_told_to_listeners(exchange: Exchange, watches: list[object]) -> None:
    channel = await caller(exchange, DIALPLAN, "spied")
    detector = TalkDetector(channel, 1000, 256)
    channel.deliver(Media(Noise(channel.media, watches[0], 0)))  # type: ignore[arg-type]
    channel.deliver(Media(Silence(channel.media, watches[0], 1234)))  # type: ignore[arg-type]
    assert [event.channel for event in exchange.heard(events.TalkingStart)] == [channel]
    assert [event.duration_ms for event in exchange.heard(events.TalkingStop)] == [1234]
    detector.end()
    channel.deliver(Media(Noise(channel.media, watches[0], 0)))  # type: ignore[arg-type]
    assert len(exchange.heard(events.TalkingStart)) == 1


# ---- spying -----------------------------------------------------------------------------------------------


async def spying(exchange: Exchange, options: str) -> tuple[object, object]:
    """A spy that listens to a call: the spy's channel and the one listened to."""
    spied = await caller(exchange, DIALPLAN, "spied")
    exchange.pbx.set_global("OPTIONS", options)
    spy = await caller(exchange, DIALPLAN, "spy")
    await eventually(lambda: bool(exchange.heard(events.ChanSpyStart)))
    return spy, spied


async def test_a_spy_hears_both_sides_and_the_keys_change_what_it_says(exchange: Exchange) -> None:
    spy, _spied = await spying(exchange, "qd")
    leg = spy.media.peer  # type: ignore[attr-defined]
    assert (leg.hears, leg.whispers) == ("both", "none")
    for digit, expected in (("5", "out"), ("6", "both"), ("4", "none")):
        spy.deliver(Digit(digit))  # type: ignore[attr-defined]
        await eventually(lambda: leg.whispers == expected)  # noqa: B023


async def test_spying_ends_with_the_call_listened_to(exchange: Exchange) -> None:
    _spy, _spied = await spying(exchange, "qE")
    target = exchange.heard(events.ChanSpyStart)[0].spyee
    target.request_hangup()
    assert await said(exchange) == "left"
    assert exchange.heard(events.ChanSpyStop)[0].spyee is target


async def test_a_digit_leaves_to_an_extension(exchange: Exchange) -> None:
    spy, _spied = await spying(exchange, "qX")
    spy.deliver(Digit("5"))  # type: ignore[attr-defined]
    name = exchange.heard(events.ChanSpyStart)[0].spyee.name
    assert await said(exchange) == f"exit {name}"


async def test_nobody_to_spy_on_and_no_wish_to_wait(exchange: Exchange) -> None:
    exchange.pbx.set_global("OPTIONS", "qS")
    await caller(exchange, DIALPLAN, "spy")
    assert await said(exchange) == "left"


# ---- words and tones --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "ending"), [(1, ""), (2, "x1"), (5, "x2"), (11, "x2"), (21, ""), (22, "x1"), (112, "x2")]
)
def test_slavic_nouns_have_three_forms(number: int, ending: str) -> None:
    assert sounders._slavic_noun(number) == ending


def test_morse_has_every_letter_and_digit() -> None:
    assert sounders._INTERNATIONAL["s"] + sounders._INTERNATIONAL["o"] == "...---"
    assert set("abcdefghijklmnopqrstuvwxyz0123456789") <= set(sounders._AMERICAN)


def test_the_length_of_sound_files(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("sounds")
    for name, size, expected in (("a.ulaw", 8000, 1000), ("a.gsm", 33, 20), ("a.sln16", 32_000, 1000)):
        (folder / name).write_bytes(bytes(size))
        assert length_ms(str(folder / name)) == expected
    assert samples_of(str(folder / "a.gsm")) == 160
    with pytest.raises(ValueError, match="not known"):
        length_ms(str(folder / "a.opus"))
