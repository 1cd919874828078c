"""Subscriptions to hints and mailboxes: who may watch what, what is notified when, and how it ends."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest

from offhook.calls import events
from offhook.drivers.sip.subscriptions import (
    dialog_info,
    extension_state,
    message_summary,
    presence_bodies,
    resource,
    shown,
)
from offhook.modules import ActionRequest
from offhook.sip.message import Request

MODULES = (resource, extension_state, presence_bodies, dialog_info, message_summary)
PLAN = "[default]\nexten => bob,hint,Custom:bob,CustomPresence:bob\nexten => eve,hint,Custom:eve\n"
OFFICE = """
[alice]
type = endpoint
aors = alice
[alice]
type = aor
max_contacts = 5
"""
PIDF = {"p": "urn:ietf:params:xml:ns:pidf"}


class Watcher:
    """A phone that subscribes and answers NOTIFY."""

    def __init__(self, office, peer) -> None:
        self.office = office
        self.peer = peer
        self.status = 200
        self.notified: list[Request] = []
        self.call_id = ""
        peer.answer = self._answer

    def _answer(self, request: Request):
        self.notified.append(request)
        return request.response(self.status)

    async def subscribe(self, resource: str, event: str, *headers, expires: int | None = 600):
        """The final response to a SUBSCRIBE."""
        host = f"{self.peer.server[0]}:{self.peer.server[1]}"
        more = [("Contact", f"<{self.peer.uri('alice')}>"), ("Event", event), *headers]
        if expires is not None:
            more.append(("Expires", str(expires)))
        target = f"sip:{resource}@{host}" if resource else f"sip:{host}"
        request = self.peer.request("SUBSCRIBE", "alice", *more, target=target)
        response = await self.peer.exchange(request)
        self.request, self.response = request, response
        await self.office.after(0.01)
        return response

    async def again(self, expires: int):
        """The final response to another SUBSCRIBE in the dialog."""
        event = self.request.get("Event")
        more = [("Contact", f"<{self.peer.uri('alice')}>"), ("Event", event), ("Expires", str(expires))]
        if "Supported" in self.request:
            more.append(("Supported", self.request.get("Supported")))
        request = self.peer.request("SUBSCRIBE", "alice", *more, call_id=self.request.call_id)
        request.set("From", self.request.get("From"))
        request.set("To", self.response.get("To"))
        response = await self.peer.exchange(request)
        await self.office.after(0.01)
        return response

    @property
    def last(self) -> Request:
        return self.notified[-1]

    @property
    def bodies(self) -> list[str]:
        return [each.body.decode() for each in self.notified]

    @property
    def states(self) -> list[str]:
        return [each.get("Subscription-State").partition(";")[0] for each in self.notified]


@pytest.fixture
def begin(office):
    """Starts the exchange and gives a watcher."""

    async def start(pjsip: str = OFFICE, plan: str = PLAN, *, tcp: bool = False) -> Watcher:
        await office.start(pjsip, also=MODULES, dialplan=plan)
        return Watcher(office, await (office.tcp_phone() if tcp else office.phone()))

    office.pbx.devices.providers["custom"] = lambda name: STATES.get(name, "NOT_INUSE")
    office.pbx.presence.providers["custompresence"] = PRESENCE.get
    STATES.clear()
    PRESENCE.clear()
    yield start
    subscriptions = office.pbx.parts["pubsub"].subscriptions if "pubsub" in office.pbx.parts else {}
    assert all(each.core.dialog.id in office.stack.dialogs for each in subscriptions)


STATES: dict[str, str] = {}
PRESENCE: dict[str, tuple[str, str, str]] = {}


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


# ---- message waiting --------------------------------------------------------------------------------------

BOXES = OFFICE.replace("max_contacts = 5", "max_contacts = 5\nmailboxes = 100@x, 101@x\nvoicemail_extension = *98")


async def test_mailboxes_are_watched_together(begin, office):
    phone = await begin(BOXES)
    office.pbx.mailboxes.publish("100@x", 1, 2)
    assert (await phone.subscribe("alice", "message-summary")).status == 200
    office.pbx.mailboxes.publish("101@x", 2, 0)
    await office.after(0.01)
    server = f"{phone.peer.server[0]}:{phone.peer.server[1]}"
    assert phone.bodies == [
        f"Messages-Waiting: yes\r\nMessage-Account: sip:*98@{server}\r\nVoice-Message: {counts} (0/0)\r\n"
        for counts in ("1/2", "3/2")
    ]


@pytest.mark.parametrize(("resource", "status"), [("*98", 200), ("bob", 404), ("", 200)])
async def test_which_mailboxes_a_resource_means(begin, office, resource, status):
    phone = await begin(BOXES)
    assert (await phone.subscribe(resource, "message-summary")).status == status


UNASKED = OFFICE.replace("aors = alice", "aors = alice\nmailboxes = 100@x,101@x\naggregate_mwi = {together}\n{more}")


async def test_phones_are_told_unasked(begin, office):
    phone = await begin(UNASKED.format(together="yes", more="mwi_from_user = mail\nvoicemail_extension = 99"))
    await phone.peer.register()
    await office.after(0.01)
    office.pbx.mailboxes.publish("100@x", 1, 0)
    office.pbx.mailboxes.publish("101@x", 1, 3)
    await office.after(0.01)
    assert [re.search(r"(\d/\d) ", body)[1] for body in phone.bodies] == ["0/0", "1/0", "2/3"]
    assert phone.last.from_.uri.user == "mail"
    assert "Message-Account: sip:99@127.0.0.1" in phone.bodies[-1]
    assert phone.last.get("Subscription-State") == "terminated"
    await phone.peer.register(expires=0)
    office.pbx.mailboxes.publish("100@x", 0, 0)
    await office.after(0.01)
    assert len(phone.notified) == 3
    assert not office.pbx.mailboxes.watched


async def test_mailboxes_apart(begin, office):
    phone = await begin(UNASKED.format(together="no", more=""))
    await phone.peer.register()
    await office.after(0.01)
    office.pbx.mailboxes.publish("101@x", 4, 0)
    await office.after(0.01)
    assert [re.search(r"(\d/\d) ", body)[1] for body in phone.bodies] == ["0/0", "0/0", "4/0"]


async def test_told_unasked_and_subscribed_exclude_each_other(begin, office):
    both = UNASKED.replace("max_contacts = 5", "max_contacts = 5\nmailboxes = 100@x")
    phone = await begin(both.format(together="yes", more=""))
    assert (await phone.subscribe("alice", "message-summary")).status == 500


async def test_subscribing_replaces_being_told_unasked(begin, office):
    both = UNASKED.replace("max_contacts = 5", "max_contacts = 5\nmailboxes = 100@x")
    phone = await begin(both.format(together="no", more="mwi_subscribe_replaces_unsolicited = yes"))
    await phone.peer.register()
    await office.after(0.01)
    phone.notified.clear()
    assert (await phone.subscribe("alice", "message-summary")).status == 200
    office.pbx.mailboxes.publish("100@x", 1, 0)
    await office.after(0.01)
    assert phone.states == ["active", "active"]
    phone.notified.clear()
    await phone.again(0)
    await office.after(0.01)
    assert phone.states == ["terminated", "terminated"]  # the last of the subscription, the first told unasked
    assert phone.notified[1].to_tag == ""


async def test_another_exchange_tells_of_messages(begin, office):
    phone = await begin(OFFICE.replace("aors = alice", "aors = alice\nincoming_mwi_mailbox = 7@far"))
    body = b"Messages-Waiting: yes\r\nMessage-Account: sip:7@far\r\nVoice-Message: 3/1 (1/0)\r\n"
    request = phone.peer.request(
        "NOTIFY",
        "alice",
        ("Contact", f"<{phone.peer.uri('alice')}>"),
        ("Event", "message-summary"),
        ("Content-Type", "application/simple-message-summary"),
    )
    request.body = body
    request.set("Content-Length", len(body))
    assert (await phone.peer.exchange(request)).status == 200
    assert office.pbx.mailboxes.count("7@far") == (3, 1)


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
