"""MF digits and tones between two dialplans, heard through the real engine in simulated time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from offhook.apps import sounders, tone_detection, tones, trunk_signals, waiting
from offhook.calls import events
from offhook.calls.fax_detection import listen_for_fax
from offhook.media.simulated import SimulatedEngine
from offhook.media.tones import zones_from
from support.call_exchange import Exchange
from unit.apps.stories import assigned, eventually, said


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    """An exchange whose sound is real and whose time runs as fast as it can."""
    running = Exchange(tmp_path)
    for source in (sounders, tone_detection, tones, trunk_signals, waiting):
        running.load(source)
    engine = SimulatedEngine()
    engine.start()
    running.pbx.engine = engine
    running.pbx.zones, running.pbx.default_zone = zones_from({
        "us": [("dial", "350+440"), ("busy", "480+620/500,0/500"), ("ring", "440+480/2000,0/4000")]
    })  # fmt: skip
    running.pbx.default_zone = "us"

    async def pump() -> None:
        while True:
            engine.advance(20)
            await asyncio.sleep(0.0005)

    pumping = asyncio.get_running_loop().create_task(pump())
    yield running
    for channel in running.pbx.channels:
        channel.request_hangup()
    await eventually(lambda: not len(running.pbx.channels))
    pumping.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await pumping
    engine.stop()


async def call(exchange: Exchange, sends: str, hears: str) -> str:
    """One side does the one (after it answered), the other the other; what the latter tells by a UserEvent."""
    exchange.dialplan(
        f"""
        [test]
        exten => send,1,Answer()
        same => n,{sends}
        same => n,Wait(60)
        exten => hear,1,{hears}
        same => n,Wait(60)
        exten => heard,1,UserEvent(Got,What: ${{TONE_DETECT(rx)}} ${{TONE_DETECT(tx)}})
        same => n,Set(TONE_DETECT(0,,x)=)
        same => n,Wait(60)
        """
    )
    await exchange.call("Local/send@test", context="test", exten="hear", priority=1)
    return await said(exchange)


@pytest.mark.parametrize(
    ("sent", "options", "heard"),
    [
        ("*1234567890#", "", "START *1234567890#"),
        ("55*12A", "", "START *12A"),
        ("*1254*123#", "o", "START *123#"),
        ("*987#", "kos", "START 987"),
        ("12#", "ln(2)", "MAXDIGITS 12"),
    ],
)
async def test_mf_digits(exchange: Exchange, sent: str, options: str, heard: str) -> None:
    receive = f"ReceiveMF(got,,{options})\nsame => n,UserEvent(Got,What: ${{RECEIVEMFSTATUS}} ${{got}})"
    assert await call(exchange, f"SendMF({sent})", receive) == heard


async def test_mf_without_a_sender_times_out(exchange: Exchange) -> None:
    receive = "ReceiveMF(got,0.05)\nsame => n,UserEvent(Got,What: ${RECEIVEMFSTATUS})"
    assert await call(exchange, "Wait(60)", receive) == "TIMEOUT"


@pytest.mark.parametrize(
    ("played", "arguments", "status"),
    [
        ("1000/300,0/200", "1000,200,,2", "SUCCESS"),
        ("1300/300,0/200", "1000,200,0.2", "TIMEOUT"),
        ("1000/300,0/200", "1000+2000", "ERROR"),
        ("1000/300,0/200", "1000,x", "ERROR"),
    ],
)
async def test_wait_for_tone(exchange: Exchange, played: str, arguments: str, status: str) -> None:
    await call(exchange, f"PlayTones({played})", f"WaitForTone({arguments})\nsame => n,UserEvent(Got,What: over)") if (
        status != "ERROR"
    ) else await errs(exchange, f"WaitForTone({arguments})")
    assert assigned(exchange, "WAITFORTONESTATUS") == [status]


async def errs(exchange: Exchange, application: str) -> None:
    """Run an application that ends the call."""
    exchange.dialplan(f"[test]\nexten => s,1,{application}")
    await exchange.call("Local/s@test")
    await eventually(lambda: bool(exchange.heard(events.Hangup)))


async def test_a_tone_sends_a_call_elsewhere(exchange: Exchange) -> None:
    listen = "Set(TONE_DETECT(1004,300,g(heard,1))=)"
    assert await call(exchange, "Milliwatt()", listen) == "1 0"
    assert exchange.heard(events.ToneDetected)


async def test_a_busy_signal_ends_a_wait(exchange: Exchange) -> None:
    listen = "Set(TONE_DETECT(0,,bg(heard,1))=)"
    assert await call(exchange, "PlayTones(busy)", listen) == "0 0"


@pytest.mark.parametrize(("tone", "status"), [("dial", "DIALTONE"), ("busy", "BUSY"), ("ring", "RINGING")])
async def test_a_scan_tells_what_the_network_says(exchange: Exchange, tone: str, status: str) -> None:
    scan = "ToneScan(us,20)\nsame => n,UserEvent(Got,What: ${TONESCANSTATUS})"
    assert await call(exchange, f"PlayTones({tone})", scan) == status


@pytest.mark.parametrize("machine", ["1100/500,0/3000", "1130/500,0/3000"])
async def test_a_fax_machine_goes_to_its_extension(exchange: Exchange, machine: str) -> None:
    exchange.dialplan(
        f"""
        [test]
        exten => send,1,Answer()
        same => n,PlayTones({machine})
        same => n,Wait(60)
        exten => hear,1,Wait(60)
        exten => fax,1,UserEvent(Got,What: fax for ${{FAXEXTEN}})
        same => n,Wait(60)
        """
    )
    await exchange.call("Local/send@test", context="test", exten="hear", priority=1)
    listen_for_fax(exchange.named("Local/send@test-00000000;1"))
    assert await said(exchange) == "fax for hear"
