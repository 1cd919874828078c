"""Subscriptions to hints and mailboxes: who may watch what, what is notified when, and how it ends."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest

from offhook.calls import events
from offhook.drivers.sip.subscriptions import (
    shown,
)
from offhook.modules import ActionRequest
from offhook.sip.message import Request
from support.sip_watcher import MODULES, OFFICE, PLAN, PRESENCE, STATES, Watcher

PIDF = {"p": "urn:ietf:params:xml:ns:pidf"}


async def set_state(office, device: str, state: str) -> None:
    STATES[device] = state
    office.pbx.devices.publish(f"Custom:{device}", state)
    await office.after(0.01)


def say(office, *report: str) -> None:
    PRESENCE["bob"] = report
    office.pbx.presence.publish("CustomPresence:bob", report)


def told(office) -> list[tuple[str, str]]:
    return [
        (event.state.removeprefix("SUBSCRIPTION_"), dict(event.headers).get("Resource"))
        for event in office.heard(events.TestEvent)
        if event.state.startswith("SUBSCRIPTION_") and event.state != "SUBSCRIPTION_STATE_SET"
    ]


# ---- presence and dialog --------------------------------------------------------------------------------


async def test_a_hint_is_watched_until_the_watcher_has_enough(office, begin):
    phone = await begin()
    response = await phone.subscribe("bob", "presence")
    assert (response.status, response.get("Expires")) == (200, "600")
    await set_state(office, "bob", "INUSE")
    assert (await phone.again(900)).get("Expires") == "900"
    assert (await phone.again(0)).status == 200
    await set_state(office, "bob", "BUSY")
    notes = [ElementTree.fromstring(body).findtext("p:note", namespaces=PIDF) for body in phone.bodies]
    assert notes == ["Ready", "On the phone", "On the phone", "On the phone"]
    assert phone.states == ["active", "active", "active", "terminated"]
    assert told(office) == [(step, "bob") for step in ("ESTABLISHED", "STATE_CHANGED", "REFRESHED", "TERMINATED")]
    assert (await phone.again(600)).status == 481
    assert not office.stack.dialogs


@pytest.mark.parametrize(
    ("state", "basic", "note", "activity"),
    [
        ("NOT_INUSE", "open", "Ready", None),
        ("INUSE", "open", "On the phone", "on-the-phone"),
        ("RINGING", "open", "Ringing", "on-the-phone"),
        ("ONHOLD", "open", "On hold", "on-the-phone"),
        ("UNAVAILABLE", "closed", "Unavailable", None),
    ],
)
async def test_presence_documents(begin, office, state, basic, note, activity):
    phone = await begin()
    await set_state(office, "bob", state)
    await phone.subscribe("bob", "presence", ("Accept", "application/pidf+xml"))
    root = ElementTree.fromstring(phone.bodies[-1])
    assert root.get("entity").startswith("sip:bob@127.0.0.1")
    assert root.findtext("p:tuple/p:status/p:basic", namespaces=PIDF) == basic
    assert root.findtext("p:note", namespaces=PIDF) == note
    found = re.search("<rpid:([a-z-]+) />", phone.bodies[-1])
    assert (found[1] if found else None) == activity


async def test_older_presence_documents(begin, office):
    phone = await begin()
    await set_state(office, "bob", "BUSY")
    await phone.subscribe("bob", "presence", ("Accept", "application/xpidf+xml"))
    root = ElementTree.fromstring(phone.bodies[-1])
    assert phone.last.content_type == "application/xpidf+xml"
    assert root.find("atom/address/status").get("status") == "inuse"
    assert root.find("atom/address/msnsubstatus").get("substatus") == "onthephone"


async def test_what_people_say_of_themselves_is_told_to_phones_that_want_it(begin, office):
    phone = await begin()
    say(office, "away", "lunch", "back <soon>")
    await phone.subscribe("bob", "presence", ("User-Agent", "Digium D40"))
    say(office, "available", "", "")
    await office.after(0.01)
    assert 'digium_presence type="away" subtype="lunch">back &lt;soon&gt;</' in phone.bodies[0]
    assert '<digium_presence type="available" />' in phone.bodies[1]


async def test_dialog_documents_count_their_versions(begin, office):
    phone = await begin()
    await phone.subscribe("bob", "dialog")
    await set_state(office, "bob", "RINGING")
    await set_state(office, "bob", "ONHOLD")
    server = f"sip:bob@{phone.peer.server[0]}:{phone.peer.server[1]}"
    assert phone.last.content_type == "application/dialog-info+xml"
    heads = re.findall(r'version="(\d)" state="full" entity="([^"]+)"', "".join(phone.bodies))
    assert heads == [(str(number), server) for number in range(3)]
    assert f'<dialog id="bob" direction="recipient">\n  <local>\n   <identity>{server}</identity>' in phone.bodies[1]
    assert re.findall("<state>([a-z]+)</state>", "".join(phone.bodies)) == ["terminated", "early", "confirmed"]
    assert '<param pname="+sip.rendering" pvalue="no" />' in phone.bodies[2]


async def test_a_hint_that_is_taken_out_ends_its_subscriptions(begin, office):
    phone = await begin()
    await phone.subscribe("bob", "presence")
    office.pbx.dialplan.replace("pbx_config", {})
    await office.after(0.01)
    assert phone.states == ["active", "terminated"]
    assert "reason=noresource" in phone.last.get("Subscription-State")
    assert not office.pbx.parts["pubsub"].subscriptions


async def test_a_subscription_runs_out(begin, office):
    phone = await begin()
    await phone.subscribe("bob", "presence", expires=60)
    await office.after(59)
    assert phone.states == ["active"]
    await office.after(2)
    assert phone.last.get("Subscription-State") == "terminated;reason=timeout"


@pytest.mark.parametrize("status", [481, 408, 489])
async def test_a_watcher_that_knows_nothing_of_it_is_left_alone(begin, office, status):
    phone = await begin()
    phone.status = status
    await phone.subscribe("bob", "presence")
    await set_state(office, "bob", "INUSE")
    assert len(phone.notified) == 1
    assert not office.stack.dialogs


@pytest.mark.parametrize(
    ("pjsip", "resource", "event", "headers", "expires", "status"),
    [
        ("", "nobody", "presence", (), 60, 404),
        ("", "bob", "presence", (), 0, 400),
        ("", "bob", "weather", (), 60, 489),
        ("", "bob", "presence", (("Accept", "text/plain"),), 60, 489),
        ("", "bob", "presence", (("Accept", "application/simple-message-summary"),), 60, 489),
        ("[alice](+)\nallow_subscribe = no\n", "bob", "presence", (), 60, 603),
        ("[alice](+)\nsub_min_expiry = 120\n", "bob", "presence", (), 60, 423),
        ("[alice](+)\nsubscribe_context = elsewhere\n", "bob", "presence", (), 60, 404),
    ],
)
async def test_refusals(begin, office, pjsip, resource, event, headers, expires, status):
    endpoint, aor = OFFICE.strip().split("[alice]\ntype = aor", 1)
    more = pjsip.removeprefix("[alice](+)\n")
    phone = await begin(f"{endpoint}{more}[alice]\ntype = aor{aor}\n")
    response = await phone.subscribe(resource, event, *headers, expires=expires)
    assert response.status == status
    assert response.get("Min-Expires") == ("120" if status == 423 else None)
    assert not phone.notified
    assert not office.stack.dialogs


async def test_the_end_of_its_connection_ends_a_subscription(begin, office):
    phone = await begin(tcp=True)
    assert (await phone.subscribe("bob", "presence")).status == 200
    assert len(office.pbx.parts["pubsub"].subscriptions) == 1
    assert not list(office.pbx.astdb.by_prefix("subscription_persistence", "subscription_persistence/"))
    phone.peer.close()
    await office.after(0.05)
    assert not office.pbx.parts["pubsub"].subscriptions
    assert not office.stack.dialogs


# ---- restarts -------------------------------------------------------------------------------------------


async def test_subscriptions_outlive_a_restart(begin, office):
    await office.start(OFFICE)
    port = office.udp[1]
    await office.unload()
    fixed = f"[udp]\ntype = transport\nprotocol = udp\nbind = 127.0.0.1:{port}\n"
    await office.start(OFFICE, also=MODULES, dialplan=PLAN, transports=fixed)
    phone = Watcher(office, await office.phone())
    await phone.subscribe("bob", "dialog", expires=600)
    await set_state(office, "bob", "INUSE")
    await office.after(100)
    await office.restart(OFFICE, also=MODULES, dialplan=PLAN, transports=fixed)
    await office.after(0.05)
    assert len(phone.notified) == 3
    assert phone.states == ["active"] * 3
    seconds = int(re.search(r"expires=(\d+)", phone.last.get("Subscription-State"))[1])
    assert 498 <= seconds <= 500
    assert [each.cseq.number for each in phone.notified] == sorted(each.cseq.number for each in phone.notified)
    assert 'version="2"' in phone.bodies[-1]
    assert (await phone.again(0)).status == 200
    assert phone.states[-1] == "terminated"
    assert not list(office.pbx.astdb.by_prefix("subscription_persistence", "subscription_persistence/"))


@pytest.mark.parametrize(
    "change", [{"endpoint": "gone"}, {"expires": "1"}, {"packet": "SIP/2.0 200 OK\r\n\r\n"}, {"transport": "none"}]
)
async def test_what_cannot_come_back_is_dropped(begin, office, change):
    phone = await begin()
    await phone.subscribe("bob", "presence")
    await office.unload()
    [(key, text)] = office.pbx.astdb.by_prefix("subscription_persistence", "subscription_persistence/")
    family, name = key[1:].split("/", 1)
    office.pbx.astdb.put(family, name, json.dumps(json.loads(text) | change))
    await office.start(OFFICE, also=MODULES, dialplan=PLAN)
    await office.after(0.05)
    assert not office.pbx.parts["pubsub"].subscriptions
    assert not list(office.pbx.astdb.by_prefix("subscription_persistence", "subscription_persistence/"))


# ---- lists ----------------------------------------------------------------------------------------------

LISTS = (
    OFFICE
    + """
[team]
type = resource_list
event = presence
list_item = bob,eve,nobody,bob
[house]
type = resource_list
event = presence
list_item = team,bob
full_state = {full}
notification_batch_interval = {batch}
"""
)
EVENTLIST = ("Supported", "eventlist")
RLMI = "{urn:ietf:params:xml:ns:rlmi}"


def parts(request: Request) -> list[tuple[str, str]]:
    """Content types and texts of a multipart body."""
    boundary = re.search("boundary=([a-z0-9]+)", request.get("Content-Type"))[1]
    found = []
    for part in request.body.decode().split(f"\r\n--{boundary}")[1:-1]:
        head, _, body = part.partition("\r\n\r\n")
        found.append((re.search("Content-Type: (.*)", head)[1].strip(), body))
    return found


async def test_a_list_is_told_with_all_its_members_and_then_what_changes(begin, office):
    phone = await begin(LISTS.format(full="no", batch=0))
    response = await phone.subscribe("team", "presence", EVENTLIST)
    assert response.get("Require") == "eventlist"
    await set_state(office, "eve", "BUSY")
    first, second = (parts(each) for each in phone.notified)
    assert [kind for kind, _ in first] == ["application/rlmi+xml", "application/pidf+xml", "application/pidf+xml"]
    assert len(second) == 2
    heads = [ElementTree.fromstring(each[0][1]) for each in (first, second)]
    assert [(head.get("version"), head.get("fullState")) for head in heads] == [("0", "true"), ("1", "false")]
    names = [[each.text for each in head.iter(f"{RLMI}name")] for head in heads]
    assert names == [["team", "bob", "eve"], ["team", "eve"]]
    assert phone.last.get("Require") == "eventlist"


async def test_who_does_not_know_lists_gets_none(begin, office):
    phone = await begin(LISTS.format(full="no", batch=0))
    assert (await phone.subscribe("team", "presence")).status == 404


async def test_lists_of_lists(begin, office):
    phone = await begin(LISTS.format(full="yes", batch=0))
    await phone.subscribe("house", "presence", EVENTLIST)
    await set_state(office, "eve", "BUSY")
    for each in phone.notified:
        assert [kind.partition(";")[0] for kind, _ in parts(each)] == ["application/rlmi+xml", "multipart/related"]
    assert phone.bodies[1].count("<note>") == 2  # bob, who has not changed, is told again


async def test_changes_are_gathered(begin, office):
    phone = await begin(LISTS.format(full="no", batch=2000))
    await phone.subscribe("house", "presence", EVENTLIST)
    await set_state(office, "eve", "BUSY")
    await set_state(office, "bob", "BUSY")
    assert len(phone.notified) == 1
    await office.after(2)
    assert len(phone.notified) == 2
    await set_state(office, "bob", "INUSE")
    await phone.again(600)
    await office.after(3)
    assert len(phone.notified) == 3


async def test_a_refresh_takes_what_the_list_says_now(begin, office):
    phone = await begin(LISTS.format(full="no", batch=0))
    await phone.subscribe("team", "presence", EVENTLIST)
    await office.reload(LISTS.format(full="no", batch=0).replace("bob,eve,nobody,bob", "bob"))
    await phone.again(600)
    await set_state(office, "eve", "BUSY")
    assert len(phone.notified) == 2
    assert len(parts(phone.last)) == 2


async def test_the_last_notification_tells_that_all_is_over(begin, office):
    phone = await begin(LISTS.format(full="no", batch=0))
    await phone.subscribe("team", "presence", EVENTLIST)
    await phone.again(0)
    assert phone.last.body.count(b'state="terminated"') == 2


# ---- looking ------------------------------------------------------------------------------------------------


async def test_subscriptions_are_shown(begin, office):
    phone = await begin(LISTS.format(full="no", batch=0))
    await phone.subscribe("bob", "dialog")
    request = ActionRequest(office.pbx, "PJSIPShowSubscriptionsInbound", [], None)
    shown.show_inbound(request)
    (name, headers), (last, _) = request.events
    assert (name, last) == ("InboundSubscriptionDetail", "InboundSubscriptionDetailComplete")
    told = dict(headers)
    assert (told["Endpoint"], told["State"], told["Extension"]) == ("alice", "ACTIVE", "bob")
    assert any(line.startswith("Resource: bob/dialog") for line in office.cli("pjsip show subscriptions inbound"))
    assert office.cli("pjsip list subscriptions inbound like nobody")[-1] == '\n0 active subscriptions matched "nobody"'
    call_id = phone.request.call_id
    assert f"{'Callid':<20}: {call_id}" in office.cli(f"pjsip show subscription inbound {call_id}")
    request = ActionRequest(office.pbx, "PJSIPShowResourceLists", [], None)
    shown.show_resource_lists(request)
    assert dict(request.events[0][1])["ListItem"] == "bob,eve,nobody"
