"""Sessions: who gets in, what they may do, and which events they get."""

import hashlib

import pytest

from offhook.calls import events
from offhook.config.acl import NamedAcls
from offhook.config.parser import loads
from offhook.control.manager.permissions import ALL, CALL, USER
from offhook.control.manager.settings import read_settings
from unit.manager.conftest import CONF, Client


async def test_login_by_secret(client):
    (answer,) = await client.act("login", username="ADMIN", secret="mysecret", actionid="1")
    assert answer == ["Response: Success", "ActionID: 1", "Message: Authentication accepted"]
    assert client.session.mask == ALL
    assert await client.one("Login", Username="admin", Secret="x") == {
        "Response": "Success",
        "Message": "Already authenticated",
    }


async def test_login_by_challenge(client):
    challenge = (await client.one("Challenge", AuthType="MD5"))["Challenge"]
    key = hashlib.md5((challenge + "mysecret").encode()).hexdigest()
    assert (await client.one("Login", Username="admin", AuthType="MD5", Key=key))["Response"] == "Success"


@pytest.mark.parametrize(
    "headers",
    [
        {"Username": "admin", "Secret": "wrong"},
        {"Username": "nobody", "Secret": "mysecret"},
        {"Secret": "mysecret"},
        {"Username": "admin", "AuthType": "MD5", "Key": "0" * 32},
    ],
)
async def test_a_refused_login_ends_the_session(client, quick, headers):
    assert (await client.one("Login", **headers))["Message"] == "Authentication failed"
    assert client.session.ended


async def test_who_may_come_from_where(client, quick):
    client.ami.settings = read_settings(loads(CONF + "[far]\nsecret=x\ndeny=127.0.0.0/8\n"), NamedAcls())
    assert (await client.one("Login", Username="far", Secret="x"))["Response"] == "Error"


async def test_a_user_with_one_session_cannot_have_a_second(ami, quick):
    ami.settings = read_settings(loads(CONF.replace("[plain]", "[plain]\nallowmultiplelogin=no")), NamedAcls())
    first, second = Client(ami), Client(ami)
    await first.login("plain", "other")
    assert (await second.one("Login", Username="plain", Secret="other"))["Message"] == "Login Already In Use"
    assert second.session.ended


async def test_logins_are_security_events(exchange, client, quick):
    heard = []
    exchange.pbx.bus.subscribe(events.Security, heard.append)
    await client.act("Login", Username="admin", Secret="wrong")
    await client.login()
    refused, accepted = heard
    assert (refused.name, accepted.name) == ("InvalidPassword", "SuccessfulAuth")
    names = [name for name, _ in accepted.elements]
    assert names == [
        "EventTV",
        "Severity",
        "Service",
        "EventVersion",
        "AccountID",
        "SessionID",
        "LocalAddress",
        "RemoteAddress",
        "UsingPassword",
        "SessionTV",
    ]
    assert dict(accepted.elements)["RemoteAddress"] == "IPV4/TCP/127.0.0.1/40000"


async def test_nothing_but_login_without_login(client):
    assert (await client.one("Ping"))["Message"] == "Permission denied"
    assert (await client.one("Logoff"))["Response"] == "Goodbye"


async def test_actions_need_their_class(plain):
    assert (await plain.one("CoreStatus"))["Response"] == "Success"
    assert (await plain.one("ModuleCheck", Module="x"))["Message"] == "Permission denied"


async def test_unknown_and_missing_actions(admin):
    assert (await admin.one("Bogus"))["Message"].startswith("Invalid/unknown command: Bogus.")
    assert (await admin.act(""))[0] == ["Response: Error", "Message: Missing action in request"]


async def test_the_first_header_of_a_name_counts(admin):
    answer = await admin.one("Ping", "ActionID: one", "ActionID: two")
    assert answer["ActionID"] == "one"


async def test_events_come_to_those_who_may_and_want_to_see_them(exchange, admin, plain):
    exchange.pbx.set_global("a", 'x"y')
    (event,) = admin.events("VarSet")
    assert list(event.items()) == [
        ("Event", "VarSet"),
        ("Privilege", "dialplan,all"),
        ("Channel", "none"),
        ("Uniqueid", "none"),
        ("Variable", "a"),
        ("Value", 'x\\"y'),
    ]
    assert plain.events("VarSet") == []
    await admin.act("Events", EventMask="off")
    exchange.pbx.set_global("a", "2")
    assert len(admin.events("VarSet")) == 1


async def test_nothing_is_rendered_when_nobody_wants_it(exchange, plain):
    bus = exchange.pbx.bus
    assert events.VarSet not in bus._by_type
    assert events.NewState in bus._by_type
    await plain.act("Events", EventMask="off")
    assert not plain.ami.wanted(CALL)


async def test_answers_to_events(admin):
    assert await admin.one("Events", EventMask="call,user") == {"Response": "Success", "Events": "On"}
    assert admin.session.mask == CALL | USER
    assert (await admin.one("Events", EventMask="nonsense"))["Events"] == "Off"
    assert (await admin.one("Events"))["Message"] == "Invalid event mask"
    admin.ami.settings.broken_events_action = True
    assert await admin.act("Events", EventMask="on") == []


async def test_filters_of_the_session(exchange, admin):
    assert (await admin.one("Filter", Operation="Add", Filter="!Variable: secret"))["Response"] == "Success"
    exchange.pbx.set_global("secret", "1")
    exchange.pbx.set_global("open", "1")
    assert [event["Variable"] for event in admin.events("VarSet")] == ["open"]
    assert "did not compile" in (await admin.one("Filter", Operation="Add", Filter="["))["Message"]
    assert "formatted incorrectly" in (await admin.one("Filter", Operation="Add"))["Message"]
    assert (await admin.one("Filter", Operation="Remove"))["Message"] == "Unknown operation"


async def test_events_of_an_action_wait_for_its_answer(exchange, admin):
    admin.text = ""
    blocks = await admin.act("Setvar", Variable="a", Value="1")
    assert blocks == [["Response: Success", "Message: Variable Set"]]
    assert admin.events("VarSet") == []
    admin.write(admin.session.take_pending())
    assert len(admin.events("VarSet")) == 1


async def test_waiting_for_an_event(exchange, admin):
    exchange.pbx.loop.call_soon(exchange.pbx.set_global, "a", "1")
    response, event, complete = await admin.act("WaitEvent", ActionID="w", Timeout="5")
    assert response == ["Response: Success", "ActionID: w", "Message: Waiting for Event completed."]
    assert event[0] == "Event: VarSet"
    assert complete == ["Event: WaitEventComplete", "ActionID: w"]
    assert len(await admin.act("WaitEvent", Timeout="0")) == 2


async def test_a_user_event_has_the_lines_as_written(admin):
    await admin.act("UserEvent", "k:v", "raw line", UserEvent="Bar", ActionID="u")
    admin.write(admin.session.take_pending())
    assert (
        "Event: UserEvent\r\nPrivilege: user,all\r\nUserEvent: Bar\r\nActionID: u\r\nk:v\r\nraw line\r\n" in admin.text
    )


async def test_events_may_be_stamped_named_and_disabled(exchange, admin):
    pbx = exchange.pbx
    pbx.options.system_name = "box"
    admin.ami.settings.timestamps = admin.ami.settings.debug = True
    pbx.set_global("a", "1")
    (event,) = admin.events("VarSet")
    assert list(event)[:7] == ["Event", "Privilege", "Timestamp", "SequenceNumber", "File", "Line", "Func"]
    assert event["SystemName"] == "box"
    admin.ami.settings.disabled_events = frozenset({"VarSet"})
    pbx.set_global("a", "2")
    assert len(admin.events("VarSet")) == 1


async def test_a_client_that_reads_nothing_is_cut_off(exchange, admin, monkeypatch):
    from offhook.control.manager import session

    monkeypatch.setattr(session, "MOST_PENDING", 1000)
    admin.session._acting = 1
    for number in range(20):
        exchange.pbx.set_global("a", str(number))
    assert admin.over


async def test_nothing_is_carried_out_while_the_system_stops(exchange, admin):
    exchange.pbx.stopping = "gracefully"
    assert (await admin.one("Ping"))["Message"] == "Asterisk is shutting down"
    exchange.pbx.stopping = ""


async def test_an_action_that_fails_is_answered(exchange, admin, monkeypatch):
    action = exchange.pbx.registry.action("Ping")
    monkeypatch.setattr(action, "run", lambda request: 1 // 0)
    assert (await admin.one("Ping", ActionID="1")) == {
        "Response": "Error",
        "ActionID": "1",
        "Message": "Internal error",
    }
