"""Requests of ours and answers to theirs: OPTIONS, credentials, contacts behind a NAT, ends of transactions."""

from __future__ import annotations

import pytest

from offhook.dialplan.context import Priority
from offhook.drivers.sip.requests.building import secure_contact
from offhook.sip.message import make_request

ALICE = "[alice]\ntype=endpoint\naors=alice\n{options}[alice]\ntype=aor\nmax_contacts=5\n"


def alice(*options: str) -> str:
    return ALICE.format(options="".join(f"{option}\n" for option in options))


# ---- answers ----------------------------------------------------------------------------------------------


async def test_options_tell_what_we_can(office):
    await office.start(alice())
    phone = await office.phone()
    answer = await phone.exchange(phone.request("OPTIONS"))
    assert answer.status == 200
    assert "INVITE" in answer.get("Allow")
    assert "application/sdp" in answer.get("Accept")
    assert "100rel" in answer.get("Supported")
    assert answer.get("Server") == office.stack.user_agent


async def test_options_to_an_extension_tell_whether_it_is_there(office):
    await office.start(alice("context=office"))
    office.pbx.dialplan.create("office", "test")
    office.pbx.dialplan.add("office", Priority("100", 1, "NoOp", "", registrar="test"))
    phone = await office.phone()
    host, port = office.udp
    for number, status in (("100", 200), ("101", 404)):
        request = phone.request("OPTIONS", target=f"sip:{number}@{host}:{port}")
        assert (await phone.exchange(request)).status == status


async def test_no_new_work_while_we_stop(office):
    await office.start(alice())
    office.pbx.stopping = "gracefully"
    phone = await office.phone()
    assert (await phone.exchange(phone.request("OPTIONS"))).status == 503


@pytest.mark.parametrize(("method", "status"), [("INFO", 501), ("PUBLISH", 501)])
async def test_what_nobody_handles(office, method, status):
    await office.start(alice())
    phone = await office.phone()
    assert (await phone.exchange(phone.request(method))).status == status


async def test_requests_of_a_dialog_that_is_not(office):
    await office.start(alice())
    phone = await office.phone()
    request = phone.request("BYE", "alice")
    assert (await phone.exchange(request)).status == 481
    request = phone.request("INFO", "alice")
    request.set("To", "<sip:alice@127.0.0.1>;tag=gone")
    assert (await phone.exchange(request)).status == 481


async def test_an_answer_is_repeated_when_the_request_is(office):
    await office.start(alice())
    phone = await office.phone()
    request = phone.request("OPTIONS")
    phone.send(request)
    first = await phone.final()
    await office.after(1)
    phone.send(request)
    again = await phone.final()
    assert again.to_bytes() == first.to_bytes()


# ---- requests of ours ----------------------------------------------------------------------------------------


def ask(office, peer, **more) -> list:
    """Send OPTIONS to a peer; its final responses arrive in the list."""
    answers: list = []
    endpoint = office.stack.config.endpoints["alice"]
    office.stack.send_outside_dialog(
        "OPTIONS", endpoint, peer.uri("phone"), lambda outgoing, response: answers.append(response), **more
    )
    return answers


def challenging(request):
    if "Authorization" in request:
        return request.response(200)
    response = request.response(401)
    response.add("WWW-Authenticate", 'Digest realm="a", nonce="n", algorithm=MD5, qop="auth"')
    return response


async def test_challenges_are_answered(office):
    await office.start(alice("outbound_auth=us") + "[us]\ntype=auth\nusername=us\npassword=word\n")
    peer = await office.phone()
    peer.answer = challenging
    answers = ask(office, peer)
    await office.until(lambda: answers, 1)
    assert [answer.status for answer in answers] == [200]
    first, second = peer.requests
    assert second.cseq.number == first.cseq.number + 1
    assert second.call_id == first.call_id
    assert second.branch != first.branch


async def test_but_not_without_credentials_nor_for_ever(office):
    await office.start(
        alice("outbound_auth=us") + "[us]\ntype=auth\nusername=us\npassword=word\n[bob]\ntype=endpoint\n"
    )
    peer = await office.phone()

    def never(request):
        response = request.response(401)
        response.add("WWW-Authenticate", 'Digest realm="a", nonce="n", algorithm=MD5')
        return response

    peer.answer = never
    answers = ask(office, peer)
    await office.until(lambda: answers, 1)
    assert [answer.status for answer in answers] == [401]
    assert len(peer.requests) == 2


async def test_from_and_contact_follow_the_endpoint(office):
    await office.start(alice("from_user=desk", "from_domain=office.example", "contact_user=front"))
    peer = await office.phone()
    peer.answer = lambda request: request.response(200)
    answers = ask(office, peer)
    await office.until(lambda: answers, 1)
    [request] = peer.requests
    host, port = office.udp
    assert str(request.from_.uri) == "sip:desk@office.example"
    assert str(request.contact.uri) == f"sip:front@{host}:{port}"
    assert request.get("User-Agent") == office.stack.user_agent
    assert request.get("Max-Forwards") == "70"


async def test_the_outbound_proxy_of_an_endpoint(office):
    await office.start("")
    proxy, peer = await office.phone(), await office.phone()
    proxy.answer = lambda request: request.response(200)
    await office.reload(alice(f"outbound_proxy=sip:{proxy.address}\\;lr"))
    answers = ask(office, peer)
    await office.until(lambda: answers, 1)
    [request] = proxy.requests
    assert request.get("Route") == f"<sip:{proxy.address};lr>"
    assert str(request.target) == peer.uri("phone")
    assert not peer.requests


async def test_a_strict_router_takes_the_place_of_the_target(office):
    await office.start("")
    proxy, peer = await office.phone(), await office.phone()
    proxy.answer = lambda request: request.response(200)
    await office.reload(alice(f"outbound_proxy=sip:{proxy.address}"))
    answers = ask(office, peer)
    await office.until(lambda: answers, 1)
    [request] = proxy.requests
    assert str(request.target) == f"sip:{proxy.address}"
    assert request.get("Route") == f"<{peer.uri('phone')}>"


async def test_a_request_that_cannot_be_sent_fails_on_the_next_turn(office):
    await office.start(alice(), transports="")
    answers = []
    request = make_request("OPTIONS", "sip:192.0.2.1", "<sip:a@b>;tag=1", "<sip:192.0.2.1>", "c", 1)
    office.stack.request(request, lambda outgoing, response: answers.append((response.status, outgoing.failure)))
    assert not answers
    await office.until(lambda: answers, 1)
    assert answers == [(503, "transport")]


def test_sips_asks_for_a_sips_contact():
    request = make_request("OPTIONS", "sips:x", "<sip:a@b>;tag=1", "<sip:x>", "c", 1, contact="<sip:a@b;transport=TLS>")
    secure_contact(request)
    assert request.get("Contact") == "<sips:a@b;transport=TLS>"
    plain = make_request("OPTIONS", "sip:x", "<sip:a@b>;tag=1", "<sip:x>", "c", 1, contact="<sip:a@b>")
    secure_contact(plain)
    assert plain.get("Contact") == "<sip:a@b>"
    plain.add("Route", "<sips:proxy;lr>")
    secure_contact(plain)
    assert plain.get("Contact") == "<sips:a@b>"


# ---- contacts behind a NAT ----------------------------------------------------------------------------------


async def test_a_contact_is_reached_where_it_registered_from(office):
    await office.start(alice("rewrite_contact=yes"))
    phone = await office.phone()
    await phone.register("alice", "sip:alice@10.255.255.1:5099")
    [contact] = office.stack.locations.contacts()
    answers = []
    endpoint = office.stack.config.endpoints["alice"]
    phone.answer = lambda request: request.response(200)
    office.stack.send_to_contact("OPTIONS", endpoint, contact, lambda outgoing, response: answers.append(response))
    await office.until(lambda: answers, 1)
    [request] = phone.requests
    assert str(request.target) == f"sip:alice@{phone.address}"


async def test_a_contact_over_tcp_is_reached_over_its_connection(office):
    await office.start(alice())
    phone = await office.tcp_phone()
    await phone.register()
    [contact] = office.stack.locations.contacts()
    phone.answer = lambda request: request.response(200)
    answers = []
    endpoint = office.stack.config.endpoints["alice"]
    office.stack.send_to_contact("OPTIONS", endpoint, contact, lambda outgoing, response: answers.append(response))
    await office.until(lambda: answers, 1)
    assert len(phone.requests) == 1
    assert "SIP/2.0/TCP" in phone.requests[0].get("Via")


async def test_symmetric_transport_keeps_to_the_socket_it_came_in_on(office):
    two = (
        "[udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:0\n"
        "[other]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:0\nsymmetric_transport=yes\n"
    )
    await office.start(alice(), transports=two)
    phone = await office.phone()
    other = office.stack.transports.datagram["other"]
    phone.server = (other.host, other.port)
    answer = await phone.register()
    assert "x-ast" not in answer.get("Contact")
    [contact] = office.stack.locations.contacts()
    phone.answer = lambda request: request.response(200)
    answers = []
    endpoint = office.stack.config.endpoints["alice"]
    office.stack.send_to_contact("OPTIONS", endpoint, contact, lambda outgoing, response: answers.append(response))
    await office.until(lambda: answers, 1)
    [request] = phone.requests
    assert request.via.port == other.port
    assert "x-ast" not in str(request.target)


async def test_path_leads_through_the_proxy(office):
    await office.start("")
    proxy, phone = await office.phone(), await office.phone()
    proxy.answer = lambda request: request.response(200)
    await office.reload(alice().replace("max_contacts=5", "max_contacts=5\nsupport_path=yes"))
    await phone.register("alice", Supported="path", Path=f"<sip:{proxy.address};lr>")
    [contact] = office.stack.locations.contacts()
    answers = []
    endpoint = office.stack.config.endpoints["alice"]
    office.stack.send_to_contact("OPTIONS", endpoint, contact, lambda outgoing, response: answers.append(response))
    await office.until(lambda: answers, 1)
    assert [str(request.target) for request in proxy.requests] == [phone.uri("alice")]
