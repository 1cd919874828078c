"""PUBLISH both ways: states of ours told to servers, and those of other exchanges taken."""

from __future__ import annotations

import json

import pytest

from offhook.drivers.sip.subscriptions import (
    asterisk_events,
    dialog_info,
    extension_state,
    outbound,
    presence_bodies,
    resource,
)
from support.sip_peer import UdpPeer

MODULES = (resource, extension_state, presence_bodies, dialog_info, outbound, asterisk_events)
PLAN = "[default]\nexten => bob,hint,Custom:bob\n"
STATES: dict[str, str] = {}


class Server:
    """Takes PUBLISH, gives entity tags, and refuses as it is told."""

    def __init__(self, peer) -> None:
        self.peer = peer
        self.got = []
        self.answers: list[tuple[int, list[tuple[str, str]]]] = []
        self.lifetime = "3600"
        peer.answer = self._answer

    def _answer(self, request):
        self.got.append(request)
        status, headers = self.answers.pop(0) if self.answers else (200, self._granted())
        response = request.response(status)
        for header in headers:
            response.add(*header)
        return response

    def _granted(self):
        return [("SIP-ETag", f"tag{len(self.got)}"), ("Expires", self.lifetime)]

    @property
    def matches(self) -> list[str | None]:
        return [each.get("SIP-If-Match") for each in self.got]


@pytest.fixture
def begin(office):
    async def start(section: str, plan: str = PLAN) -> Server:
        peer = await _peer(office)
        await office.start(section.format(uri=f"sip:127.0.0.1:{peer.port}"), also=MODULES, dialplan=plan)
        peer.server = office.udp
        return Server(peer)

    STATES.clear()
    office.pbx.devices.providers["custom"] = lambda name: STATES.get(name, "NOT_INUSE")
    return start


async def _peer(office):
    peer = await UdpPeer(("127.0.0.1", 9)).start()
    office.peers.append(peer)
    return peer


async def set_state(office, device: str, state: str) -> None:
    STATES[device] = state
    office.pbx.devices.publish(f"Custom:{device}", state)
    await office.after(0.05)


PRESENCE = (
    "[server]\ntype = outbound-publish\nserver_uri = {uri}\nevent = presence\nmulti_user = yes\n"
    "@body = application/pidf+xml\n@exten = ^b\n"
)


async def test_states_of_extensions_are_told_one_after_the_other(begin, office):
    server = await begin(PRESENCE)
    await set_state(office, "bob", "INUSE")
    await set_state(office, "bob", "RINGING")
    await set_state(office, "eve", "INUSE")
    assert [each.target.startswith("sip:bob@127.0.0.1") for each in server.got] == [True, True]
    assert server.matches == [None, "tag1"]
    assert "<note>Ringing</note>" in server.got[-1].body.decode()
    assert server.got[-1].content_type == "application/pidf+xml"


async def test_a_publication_is_refreshed_and_taken_back(begin, office):
    server = await begin(PRESENCE)
    server.lifetime = "60"
    await set_state(office, "bob", "INUSE")
    await office.after(54)
    assert len(server.got) == 1
    await office.after(2)
    assert (server.got[-1].body, server.matches[-1]) == (b"", "tag1")
    await office.reload("")
    await office.after(0.05)
    assert (server.got[-1].expires, server.matches[-1]) == (0, "tag2")
    assert len(server.got) == 3


async def test_a_server_that_forgot_is_told_again(begin, office):
    server = await begin(PRESENCE)
    await set_state(office, "bob", "INUSE")
    server.answers.append((412, []))
    await set_state(office, "bob", "RINGING")
    assert server.matches == [None, "tag1", None]
    assert server.got[-1].body == server.got[-2].body


async def test_a_server_may_want_longer(begin, office):
    server = await begin(PRESENCE + "expiration = 60\n")
    server.answers.append((423, [("Min-Expires", "600")]))
    await set_state(office, "bob", "INUSE")
    assert [each.expires for each in server.got] == [60, 600]


@pytest.mark.parametrize("section", [PRESENCE.replace("pidf", "none"), PRESENCE.replace("^b", "(")])
async def test_a_section_that_cannot_be_used_is_told(begin, office, section, caplog):
    server = await begin(section)
    await set_state(office, "bob", "INUSE")
    assert not server.got
    assert "outbound-publish server cannot be used" in caplog.text


DEVICES = (
    "[server]\ntype = outbound-publish\nserver_uri = {uri}\nevent = asterisk-devicestate\n@device_state_filter = bob$\n"
)


async def test_device_states_are_told_to_other_exchanges(begin, office):
    server = await begin(DEVICES)
    await set_state(office, "bob", "INUSE")
    await set_state(office, "eve", "INUSE")
    [body] = [json.loads(each.body) for each in server.got]
    assert (body["type"], body["device"], body["state"]) == ("devicestate", "Custom:bob", "INUSE")


INBOUND = """
[alice]
type = endpoint
[states]
type = inbound-publication
event_asterisk-devicestate = far
event_asterisk-mwi = far
[far]
type = asterisk-publication
device_state = yes
mailbox_state = yes
device_state_filter = ^PJSIP/
"""


async def publish(office, peer, event: str, content, *headers):
    request = peer.request("PUBLISH", "alice", ("Event", event), *headers, target=f"sip:states@{peer.server[0]}")
    if content is not None:
        request.add("Content-Type", "application/json")
        request.body = json.dumps({"eid": "far"} | content).encode()
    return await peer.exchange(request)


async def test_states_of_other_exchanges_are_known_here(begin, office):
    server = await begin(INBOUND)
    state = {"type": "devicestate", "device": "PJSIP/far", "state": "BUSY", "cachable": 1}
    response = await publish(office, server.peer, "asterisk-devicestate", state)
    assert (response.status, response.get("Expires")) == (200, "3600")
    assert office.pbx.devices.state("PJSIP/far") == "BUSY"
    again = await publish(
        office,
        server.peer,
        "asterisk-devicestate",
        state | {"state": "NOT_INUSE"},
        ("SIP-If-Match", response.get("SIP-ETag")),
    )
    assert again.status == 200
    assert again.get("SIP-ETag") != response.get("SIP-ETag")
    assert office.pbx.devices.state("PJSIP/far") == "NOT_INUSE"
    assert (
        await publish(office, server.peer, "asterisk-devicestate", None, ("SIP-If-Match", response.get("SIP-ETag")))
    ).status == 412
    mail = {"type": "mailboxstate", "uniqueid": "7@x", "new": 2, "old": 1}
    assert (await publish(office, server.peer, "asterisk-mwi", mail)).status == 200
    assert office.pbx.mailboxes.count("7@x") == (2, 1)


@pytest.mark.parametrize(
    ("event", "content", "status"),
    [
        ("weather", {}, 489),
        ("asterisk-devicestate", {"type": "devicestate"}, 500),
        ("asterisk-devicestate", {"type": "other"}, 500),
        ("asterisk-devicestate", {"type": "devicestate", "device": "PJSIP/x", "state": "BORED"}, 500),
        ("asterisk-devicestate", {"type": "devicestate", "device": "Custom:x", "state": "BUSY"}, 200),
    ],
)
async def test_what_is_refused_and_what_is_filtered(begin, office, event, content, status):
    server = await begin(INBOUND)
    assert (await publish(office, server.peer, event, content)).status == status
    assert office.pbx.devices.state("Custom:x") == "NOT_INUSE"
