"""A trace follows one call: the channels that belong together and what happens on their lines."""

from __future__ import annotations

from offhook.calls import events
from offhook.calls.signalling import LineSignal, ManagerAction
from offhook.field.diag.trace import WIDTH, Trace
from support.exchange import Exchange


async def test_one_call_among_others() -> None:
    exchange = Exchange()
    shown: list[str] = []
    trace = Trace(exchange.pbx, "dahdi/3", shown.append)
    publish = exchange.pbx.bus.publish
    publish(LineSignal("DAHDI/4", "-->", "off hook"))
    publish(LineSignal("DAHDI/3", "-->", "off hook"))
    exchange.channel(name="DAHDI/4-1")
    ours = exchange.channel(name="DAHDI/3-1", number="5551")
    called = exchange.channel(name="PJSIP/alice-1", requester=ours)
    publish(LineSignal("DAHDI/4", "-->", "on hook"))
    publish(LineSignal("DAHDI/3", "-->", "pulse digit 5"))
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


async def test_what_manager_clients_ask_of_the_call() -> None:
    exchange = Exchange()
    shown: list[str] = []
    trace = Trace(exchange.pbx, "", shown.append)
    publish = exchange.pbx.bus.publish
    originate = [("Action", "Originate"), ("Channel", "PJSIP/alice"), ("Exten", "600")]
    publish(ManagerAction("desk", "Ping", [("Action", "Ping")]))
    publish(ManagerAction("desk", "Originate", originate))
    ours = exchange.channel(name="PJSIP/alice-00000001", exten="600")
    other = exchange.channel(name="PJSIP/bob-00000002")
    publish(ManagerAction("desk", "Originate", originate, "Success: Originate successfully queued"))
    for channel in (ours, other):
        headers = [("Action", "Redirect"), ("Channel", channel.name), ("Exten", "700")]
        publish(ManagerAction("desk", "Redirect", headers))
        publish(ManagerAction("desk", "Redirect", headers, "Success: Redirect successful"))
    publish(ManagerAction("desk", "Originate", originate))
    publish(events.Hangup(ours))
    trace.close()
    assert [line.split(None, 1)[1].split(None, 2) for line in shown if "manager" in line] == [
        ["manager", "desk", "--> Originate PJSIP/alice"],
        ["manager", "desk", "<-- Originate: Success: Originate successful"],
        ["manager", "desk", "--> Redirect PJSIP/alice-00000001"],
        ["manager", "desk", "<-- Redirect: Success: Redirect successful"],
    ]
    assert "bob" not in "\n".join(shown)
    assert all(len(line) <= WIDTH for line in shown)
