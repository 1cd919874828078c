"""Endpoints in maintenance mode: nothing new begins, what goes on is left alone."""

from __future__ import annotations

import pytest

from offhook.calls.endpoints import Maintenance
from offhook.calls.requesting import RequestError
from offhook.drivers.sip.calls.outgoing_call import destination_of
from offhook.drivers.sip.contacts import maintenance
from offhook.modules import ActionError, ActionRequest

OFFICE = (
    "[alice]\ntype=endpoint\naors=alice\nauth=alice\n[alice]\ntype=auth\nusername=alice\npassword=x\n"
    "[alice]\ntype=aor\nmax_contacts=5\n[bob]\ntype=endpoint\naors=bob\n[bob]\ntype=aor\ncontact=sip:bob@192.0.2.1\n"
)


@pytest.fixture
async def running(office):
    await office.start(OFFICE)
    maintenance.load(office.pbx)
    office.pbx.registry.add(maintenance.module)
    return office


async def test_new_requests_are_refused_for_a_while_before_any_challenge(running):
    phone = await running.phone()
    assert (await phone.register(secret="x")).status == 200
    assert running.cli("pjsip set maintenance on alice") == ["Maintenance mode ENABLED for endpoint 'alice'"]
    answer = await phone.exchange(phone.request("OPTIONS"))
    assert answer.status == 503
    assert answer.get("Retry-After") == "300"
    assert (await phone.exchange(phone.request("OPTIONS", "bob"))).status == 200
    assert (await phone.register(secret="x")).status == 503
    assert (await phone.register(secret="x", expires=0)).status == 200
    running.cli("pjsip set maintenance off alice")
    assert (await phone.register(secret="x")).status == 200


async def test_nobody_is_called_there(running):
    destination_of(running.stack, "bob")
    running.cli("pjsip set maintenance on all")
    with pytest.raises(RequestError, match="maintenance"):
        destination_of(running.stack, "bob")


async def test_commands_tell_what_changed(running):
    assert running.cli("pjsip set maintenance on all") == ["Maintenance mode ENABLED for 2 endpoints"]
    assert running.cli("pjsip set maintenance on bob") == ["Endpoint 'bob' is already in maintenance mode"]
    assert running.cli("pjsip set maintenance off bob") == ["Maintenance mode DISABLED for endpoint 'bob'"]
    assert running.cli("pjsip set maintenance off bob") == ["Endpoint 'bob' was not in maintenance mode"]
    assert running.cli("pjsip set maintenance on eve") == ["Endpoint 'eve' not found"]
    assert running.cli("pjsip show maintenance alice") == ["Endpoint 'alice' is in maintenance mode"]
    assert running.cli("pjsip show maintenance bob") == ["Endpoint 'bob' is NOT in maintenance mode"]
    assert f"  {'alice':40}  ON" in running.cli("pjsip show maintenance")
    assert [(event.endpoint, event.enabled) for event in running.heard(Maintenance)] == [("all", True), ("bob", False)]


async def test_actions(running):
    def act(name: str, **headers: str) -> ActionRequest:
        request = ActionRequest(running.pbx, name, list(headers.items()), None)
        running.pbx.registry.action(name).run(request)
        return request

    done = act("PJSIPSetMaintenance", Endpoint="alice", State="on")
    assert done.response == [("Response", "Success"), ("Message", "Maintenance mode enabled")]
    shown = act("PJSIPShowMaintenance")
    assert shown.events[0] == ("PJSIPMaintenanceStatus", [("Endpoint", "alice"), ("Status", "enabled")])
    assert act("PJSIPShowMaintenance", Endpoint="bob").events[0][1][1] == ("Status", "disabled")
    for headers in ({"Endpoint": "eve", "State": "on"}, {"Endpoint": "bob", "State": "perhaps"}, {"State": "on"}):
        with pytest.raises(ActionError):
            act("PJSIPSetMaintenance", **headers)


async def test_an_endpoint_that_goes_is_forgotten(running):
    running.cli("pjsip set maintenance on all")
    await running.reload(OFFICE.replace("[bob]\ntype=endpoint\naors=bob\n", ""))
    assert running.stack.maintenance == {"alice"}
