"""What passes on a channel is shown, kept back, or silenced; and small functions of calls."""

from __future__ import annotations

from typing import Any

import pytest

from offhook.apps import reloading
from offhook.calls.frames import Condition, Control, Digit, Text
from offhook.calls.watching import trace
from offhook.functions import frames
from offhook.modules.loader import Reloaded
from offhook.services import mute
from support.exchange import Exchange, Telephone, dial
from support.silent_engine import RtpLeg, SilentEngine


class Shown(Telephone):
    """Remembers what it is asked to show."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.data["shown"] = []

    def tech_indicate(self, condition: Condition, payload: object = None) -> bool:
        self.data["shown"].append(condition)
        return True

    def tech_digit_begin(self, digit: str) -> None:
        self.data["shown"].append(digit)

    def tech_digit_end(self, digit: str, duration_ms: int) -> None:
        self.data["shown"].append((digit, duration_ms))


@pytest.fixture
def channel(exchange: Exchange) -> Shown:
    exchange.load(frames, mute, reloading)
    return Shown(exchange.pbx, "Test/1", context="test")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Any:
    monkeypatch.setattr("offhook.log.most_verbose", 5)
    caplog.set_level(1)
    return caplog


async def test_frames_of_some_types_are_shown(exchange: Exchange, channel: Shown, told: Any) -> None:
    await exchange.write("FRAME_TRACE(white)", "DTMF_END,CONTROL", channel)
    dial(channel, "7")
    channel.indicate(Condition.RINGING)
    channel.deliver(Text("hello"))
    assert "<--Read on Channel Test/1\nFrameType: DTMF END\nDigit: 0x37 '7'\nMS: 80" in told.text
    assert "--> Write on Channel Test/1\nFrameType: CONTROL\nSubClass: RINGING" in told.text
    assert "DTMF BEGIN" not in told.text and "hello" not in told.text
    told.clear()
    await exchange.write("FRAME_TRACE(black)", "DTMF_END,CONTROL", channel)
    dial(channel, "8")
    channel.deliver(Text("hello"))
    assert "DTMF BEGIN" in told.text and "hello" in told.text and "DTMF END" not in told.text
    told.clear()
    trace(channel, None)
    dial(channel, "9")
    assert "FrameType" not in told.text and "frame_hooks" not in channel.data and "write_hooks" not in channel.data


async def test_frames_from_the_party_are_kept_back(exchange: Exchange, channel: Shown) -> None:
    await exchange.write("FRAME_DROP(RX)", "DTMF_BEGIN,DTMF_END,HOLD", channel)
    dial(channel, "7")
    channel.deliver(Control(Condition.HOLD))
    channel.deliver(Control(Condition.FLASH))
    assert [frame.condition for frame in channel.frames if isinstance(frame, Control)] == [Condition.FLASH]
    assert len(channel.frames) == 1
    await exchange.write("FRAME_DROP(RX)", "", channel)
    dial(channel, "8")
    assert [frame.digit for frame in channel.frames if isinstance(frame, Digit)] == ["8", "8"]


async def test_frames_to_the_party_are_kept_back(exchange: Exchange, channel: Shown) -> None:
    await exchange.write("FRAME_DROP(TX)", "RINGING,DTMF_BEGIN", channel)
    channel.indicate(Condition.RINGING)
    channel.indicate(Condition.PROGRESS)
    channel.send_digit_begin("5")
    channel.send_digit_end("5", 90)
    assert channel.data["shown"] == [Condition.PROGRESS, ("5", 90)]
    await exchange.write("FRAME_DROP(TX)", "CONTROL", channel)
    channel.indicate(Condition.PROGRESS)
    assert len(channel.data["shown"]) == 2


async def test_sound_is_silenced(exchange: Exchange, channel: Shown) -> None:
    leg = RtpLeg(SilentEngine(), 4000)
    channel.attach(leg)  # type: ignore[arg-type]
    await exchange.write("FRAME_DROP(RX)", "VOICE", channel)
    assert leg.muted == {"in"}
    await exchange.write("FRAME_DROP(RX)", "TEXT", channel)
    assert leg.muted == set()
    await exchange.write("MUTEAUDIO(all)", "on", channel)
    assert leg.muted == {"in", "out"}
    await exchange.write("MUTEAUDIO(in)", "off", channel)
    assert leg.muted == {"out"}


@pytest.mark.parametrize(
    ("function", "value"),
    [("FRAME_DROP(XX)", "VOICE"), ("FRAME_DROP(TX)", "NOISE"), ("FRAME_TRACE(white)", "NOISE"), ("MUTEAUDIO(x)", "on")],
)
async def test_what_is_wrong_is_told(exchange: Exchange, channel: Shown, told: Any, function: str, value: str) -> None:
    await exchange.write(function, value, channel)
    assert told.text.count(function.partition("(")[0] + ": ") == 1


async def test_reload_tells_how_it_went(exchange: Exchange) -> None:
    exchange.load(reloading)
    asked: list[str] = []

    class Loader:
        async def reload(self, name: str) -> Reloaded:
            asked.append(name)
            return Reloaded.NOT_FOUND if name == "none" else Reloaded.SUCCESS

    exchange.pbx.loader = Loader()  # type: ignore[assignment]
    exchange.dialplan(
        "[test]\nexten => s,1,Reload(chan_iax2,pbx_config)\nexten => t,1,Reload(none)\nexten => u,1,Reload()"
    )
    assert (await exchange.run("s")).get("RELOADSTATUS") == "SUCCESS"
    assert (await exchange.run("t")).get("RELOADSTATUS") == "FAILURE"
    assert (await exchange.run("u")).get("RELOADSTATUS") == "SUCCESS"
    assert asked == ["chan_iax2", "pbx_config", "none", ""]
