"""A trace follows one call: the channels that belong together and what happens on their lines."""

from __future__ import annotations

from offhook.calls import events
from offhook.field.diag.trace import WIDTH, Trace
from support.exchange import Exchange


async def test_one_call_among_others() -> None:
    exchange = Exchange()
    shown: list[str] = []
    trace = Trace(exchange.pbx, "dahdi/3", shown.append)
    publish = exchange.pbx.bus.publish
    publish(events.LineSignal("DAHDI/4", "-->", "off hook"))
    publish(events.LineSignal("DAHDI/3", "-->", "off hook"))
    exchange.channel(name="DAHDI/4-1")
    ours = exchange.channel(name="DAHDI/3-1", number="5551")
    called = exchange.channel(name="PJSIP/alice-1", requester=ours)
    publish(events.LineSignal("DAHDI/4", "-->", "on hook"))
    publish(events.LineSignal("DAHDI/3", "-->", "pulse digit 5"))
    publish(events.Hangup(called))
    assert not trace.done.is_set()
    publish(events.Hangup(ours))
    assert trace.done.is_set()
    trace.close()
    publish(events.Hangup(ours))
    text = "\n".join(shown)
    assert "DAHDI/4" not in text
    assert [line.split(None, 2)[1] for line in shown] == [
        "DAHDI/3",
        "DAHDI/3-1",
        "PJSIP/alice-1",
        "DAHDI/3",
        "PJSIP/alice-1",
        "DAHDI/3-1",
    ]
    assert all(len(line) <= WIDTH for line in shown)
