"""One-touch recording by code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from offhook.apps import mixmonitor, monitors
from offhook.config.paths import Paths
from offhook.services import one_touch
from unit.features.test_codes import CONFIG, talk

RECORDS = CONFIG.replace("[featuremap]", "[featuremap]\nautomixmon = *3")


async def test_a_code_begins_and_ends_a_recording_of_the_other_party(exchange: Any, tmp_path: Path) -> None:
    exchange.load(mixmonitor)
    exchange.pbx.paths = Paths(str(tmp_path / "asterisk.conf"))
    exchange.pbx.paths.monitor = str(tmp_path)
    call = await talk(exchange, config=RECORDS)
    one_touch.start(exchange.pbx)
    call.caller.set("TOUCH_MIXMONITOR", "a/b")
    call.caller.set("TOUCH_MIXMONITOR_FORMAT", "ulaw")
    call.caller.set("TOUCH_MIXMONITOR_BEEP", "2")
    call.caller.data["dtmf features"] = "X"
    for member in call.caller.bridge.members.values():
        for feature in member.features:
            feature.refresh()
    call.dial("*3")
    await exchange.until(lambda: bool(monitors.monitors(call.callee)), 100_000)
    name = call.caller.get(one_touch.OUTPUT)
    assert name.startswith("auto-")
    assert name.endswith("-a-b.ulaw")
    assert call.callee.get(one_touch.OUTPUT) == name
    (monitor,) = monitors.monitors(call.callee)
    assert monitor.path == str(tmp_path / name)
    assert monitor.beeper.when() - exchange.pbx.now() > 4, "beeps come no oftener than every five seconds"
    call.dial("*3")
    await exchange.until(lambda: not monitors.monitors(call.callee), 100_000)
