"""FollowMe: one place after the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from offhook.apps import followme
from offhook.calls import events
from offhook.config.parser import loads
from unit.apps.stories import caller, eventually

PLAN = """
[test]
exten => s,1,FollowMe(bob,d${LETTERS})
 same => n,UserEvent(After)
 same => n,Wait(60)
[places]
exten => busy,1,Busy(60)
exten => ring,1,Ringing()
 same => n,Wait(60)
exten => yes,1,Answer()
 same => n,SendDTMF(1)
 same => n,Wait(60)
exten => no,1,Answer()
 same => n,SendDTMF(2)
 same => n,Wait(60)
"""
CONFIG = "[general]\nfeaturedigittimeout=>1000\n[bob]\ncontext=>places\nmusicclass=>\n"


async def searching(exchange: Any, tmp_path: Path, numbers: str) -> Any:
    """A caller that looks for bob."""
    exchange.load(followme)
    from offhook.apps import digits

    exchange.load(digits)
    (tmp_path / "followme.conf").write_text(CONFIG + "".join(f"number=>{number}\n" for number in numbers.split()))
    followme.load(exchange.pbx)
    return await caller(exchange, PLAN)


@pytest.mark.parametrize("numbers", ["busy,20 yes,20", "ring,1 yes,20", "no&yes,20", "no,20 busy&ring&yes,20"])
async def test_who_takes_the_call_is_connected(exchange: Any, tmp_path: Path, numbers: str) -> None:
    looking = await searching(exchange, tmp_path, numbers)
    await eventually(lambda: looking.bridge is not None and len(looking.bridge) == 2)
    (other,) = (channel for channel in looking.bridge if channel is not looking)
    assert other.name.startswith("Local/yes@places")
    assert exchange.pbx.channels.by_prefix("Local/ring") is None
    other.request_hangup()
    await eventually(lambda: looking.hungup)
    assert not any(event.name == "After" for event in exchange.heard(events.UserEvent))


async def test_nobody_takes_it(exchange: Any, tmp_path: Path) -> None:
    await searching(exchange, tmp_path, "no&busy,5")
    await eventually(lambda: any(event.name == "After" for event in exchange.heard(events.UserEvent)))


async def test_the_caller_leaves_meanwhile(exchange: Any, tmp_path: Path) -> None:
    looking = await searching(exchange, tmp_path, "ring,20")
    await eventually(lambda: exchange.heard(events.DialState) != [])
    looking.request_hangup()
    await eventually(lambda: exchange.pbx.channels.by_prefix("Local/ring") is None)


def test_steps_go_by_their_order(caplog: pytest.LogCaptureFixture) -> None:
    config = loads("[bob]\nnumber=>1,10,2\nnumber=>2&3,,1\nnumber=>x,y\ntakecall=>9\nother=>1\n", "followme.conf")
    profile = followme.read_profile(config.get("bob"), followme.Profile(declinecall="7"))  # type: ignore[arg-type]
    assert [(step.numbers, step.timeout) for step in profile.steps] == [(("2", "3"), 25.0), (("1",), 10.0)]
    assert (profile.takecall, profile.declinecall) == ("9", "7")
    assert "followme.conf:4" in caplog.text
    assert "no option 'other'" in caplog.text
