"""HOLD_INTERCEPT: hold is told by events instead of to the party."""

from __future__ import annotations

from typing import Any

import pytest

from offhook.calls import events
from offhook.calls.channel import Channel
from offhook.calls.frames import Condition
from offhook.functions import hold_intercept


class Phone(Channel):
    """A phone that notes what it is shown."""

    technology = "Phone"
    __slots__ = ("shown",)

    def __init__(self, pbx: Any) -> None:
        self.shown: list[Condition] = []
        super().__init__(pbx, "Phone/alice-1")

    def tech_indicate(self, condition: Condition, payload: object = None) -> bool:
        """Shown."""
        self.shown.append(condition)
        return True


async def test_hold_is_told_by_events_until_it_is_removed(exchange: Any, caplog: pytest.LogCaptureFixture) -> None:
    exchange.load(hold_intercept)
    phone = Phone(exchange.pbx)
    phone.set_by_name("HOLD_INTERCEPT(set)", "")
    for condition in (Condition.HOLD, Condition.UNHOLD, Condition.RINGING):
        phone.indicate(condition)
    assert phone.shown == [Condition.RINGING]
    assert [type(event) for event in exchange.events if isinstance(event, events.Hold | events.Unhold)] == [
        events.Hold,
        events.Unhold,
    ]
    phone.set_by_name("HOLD_INTERCEPT(set)", "")
    assert "is set already" in caplog.text
    phone.set_by_name("HOLD_INTERCEPT(remove)", "")
    phone.indicate(Condition.HOLD)
    assert phone.shown[-1] is Condition.HOLD
    phone.hangup()


@pytest.mark.parametrize(("action", "said"), [("remove", "it is not set"), ("drop", "write set or remove")])
async def test_what_cannot_be_is_said(exchange: Any, caplog: pytest.LogCaptureFixture, action: str, said: str) -> None:
    exchange.load(hold_intercept)
    phone = Phone(exchange.pbx)
    phone.set_by_name(f"HOLD_INTERCEPT({action})", "")
    assert said in caplog.text
    phone.hangup()
