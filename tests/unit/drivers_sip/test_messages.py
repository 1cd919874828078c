"""MESSAGE outside calls: the ways to write where one goes, and who it is from and to."""

from __future__ import annotations

import pytest

from offhook.calls import events
from offhook.calls.messages import Message, SendError
from offhook.drivers.sip.messages import messaging
from offhook.drivers.sip.messages.destinations import NoDestination, destination_of
from offhook.sip.uri import NameAddr

OFFICE = """
[global]
type = global
default_outbound_endpoint = trunk
[trunk]
type = endpoint
[alice]
type = endpoint
aors = alice,desk
[alice]
type = aor
contact = sip:127.0.0.2
[desk]
type = aor
contact = sip:harry@127.0.0.2:5061
[bob]
type = endpoint
aors = bob
[bob]
type = aor
contact = sip:someone@127.0.0.2:5061
[nobody]
type = endpoint
aors = nobody
[nobody]
type = aor
max_contacts = 1
"""
DESTINATIONS = (
    ("alice", "alice", "sip:127.0.0.2"),
    ("alice@anywhere.com", "alice", "sip:127.0.0.2"),
    ("alice/desk", "alice", "sip:harry@127.0.0.2:5061"),
    ("alice/127.0.0.2", "alice", "sip:127.0.0.2"),
    ("alice/charlie@127.0.0.2:5062", "alice", "sip:charlie@127.0.0.2:5062"),
    ('alice/"Charlie" <sip:charlie@127.0.0.2>', "alice", "sip:charlie@127.0.0.2"),
    ("alice/sip:charlie@127.0.0.2;transport=tcp", "alice", "sip:charlie@127.0.0.2;transport=tcp"),
    ("PJSIP/8005551212@alice", "alice", "sip:8005551212@127.0.0.2"),
    ("PJSIP/8005551212@bob", "bob", "sip:8005551212@127.0.0.2:5061"),
    ("127.0.0.2:5062", "trunk", "sip:127.0.0.2:5062"),
    ("carol@127.0.0.2", "trunk", "sip:carol@127.0.0.2"),
    ("sips:carol@127.0.0.2", "trunk", "sips:carol@127.0.0.2"),
    ('"Carol" <sip:carol@127.0.0.2>', "trunk", "sip:carol@127.0.0.2"),
)
NOWHERE = (
    "alise/desk",
    "alise/carol@127.0.0.2",
    "PJSIP/alice",
    "PJSIP/1@alise",
    "PJSIP/1@alice/desk",
    "nobody",
    "nobody/nobody",
)


@pytest.mark.parametrize(("written", "endpoint", "uri"), DESTINATIONS)
async def test_where_a_message_goes(office, written, endpoint, uri):
    await office.start(OFFICE)
    found = destination_of(office.stack, written)
    assert (found.endpoint.name, found.uri) == (endpoint, uri)


@pytest.mark.parametrize("written", NOWHERE)
async def test_where_no_message_goes(office, written):
    await office.start(OFFICE)
    with pytest.raises(NoDestination):
        destination_of(office.stack, written)


async def test_a_uri_alone_needs_a_default_endpoint(office):
    await office.start(OFFICE.replace("default_outbound_endpoint = trunk", ""))
    with pytest.raises(NoDestination, match="default_outbound_endpoint"):
        destination_of(office.stack, "carol@127.0.0.2")


def shown(address: NameAddr) -> str:
    return f'"{address.display}" <{address.uri}>' if address.display else str(address.uri)


PARTIES = (
    # destination, From, To, the message's own From and To -> From, To
    ("{where}", "", "", "", "", "sip:trunk@127.0.0.1", "sip:bob@127.0.0.1"),
    ('"Bob" <{where}>', "", "", "", "", "sip:trunk@127.0.0.1", '"Bob" <sip:bob@127.0.0.1>'),
    ("{where}", "ann", "", "", "", "sip:ann@127.0.0.1", "sip:bob@127.0.0.1"),
    ("{where}", "ann@there", "", "", "", "sip:ann@there", "sip:bob@127.0.0.1"),
    ("{where}", '"Ann" <sip:ann@there:7>', "sip:robert@there", "", "", '"Ann" <sip:ann@there:7>', "sip:robert@there"),
    ("{where}", "", "", '"Ann" <sip:ann@there>', "pjsip:bob@here", '"Ann" <sip:ann@there>', "sip:bob@127.0.0.1"),
    ("{where}", "", "", "", "sip:robert@there", "sip:trunk@127.0.0.1", "sip:robert@there"),
    ("{where}", "", "robert", "", "", "sip:trunk@127.0.0.1", "sip:bob@127.0.0.1"),
)


@pytest.mark.parametrize(("destination", "from_", "to", "own_from", "own_to", "sent_from", "sent_to"), PARTIES)
async def test_who_it_is_from_and_to(office, destination, from_, to, own_from, own_to, sent_from, sent_to):
    await office.start(OFFICE)
    phone = await office.phone()
    message = Message(to=own_to, from_=own_from, body="hello")
    messaging.send(office.stack, message, destination.format(where=f"sip:bob@{phone.address}"), from_, to)
    request = await phone.receive()
    assert shown(request.from_) == sent_from
    assert shown(request.to) == sent_to
    assert request.from_tag


async def test_listeners_for_test_events_hear_of_it(office):
    await office.start(OFFICE)
    with pytest.raises(SendError):
        messaging.send(office.stack, Message(), "alise/desk", "sip:me", "")
    messaging.send(office.stack, Message(body="hello"), "alice", "sip:me", "sip:ralph@there")
    failed, sent = [
        event for event in office.events if isinstance(event, events.TestEvent) and event.state.startswith("MSG")
    ]
    assert failed.state == "MSG_ENDPOINT_URI_FAIL"
    assert sent.state == "MSG_FROMTO_URI"
    assert dict(sent.headers) == {
        "MdataFrom": "sip:me",
        "MsgFrom": "",
        "MdataDestination": "alice",
        "MsgTo": "sip:ralph@there",
        "Endpoint": "alice",
        "RequestURI": "sip:127.0.0.2",
        "ToURI": "sip:ralph@there",
        "FromURI": "sip:me",
    }
