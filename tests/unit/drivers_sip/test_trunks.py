"""Registrations of ours with a server: kept up, tried again, given up, taken back."""

from __future__ import annotations

from itertools import pairwise

import pytest

from offhook.calls.endpoints import RegistrationChange, Registry
from offhook.drivers.sip.outbound.module import KEY
from offhook.sip.auth import parse_digest
from support.sip_peer import UdpPeer

TRUNK = """
[trunk]
type = registration
server_uri = sip:{server}
client_uri = sip:us@{server}
max_random_initial_delay = 0
{options}
"""


def trunk(server, *options: str) -> str:
    return TRUNK.format(server=server.address, options="\n".join(options))


@pytest.fixture
async def server(office):
    """A registrar, before the exchange has started."""
    peer = await UdpPeer(("127.0.0.1", 0)).start()
    office.peers.append(peer)
    peer.answer = granted
    return peer


def granted(request, expires: str | None = None):
    response = request.response(200)
    response.add("Contact", f"{request.get('Contact')};expires={expires or request.get('Expires')}")
    return response


def refusing(status: int, *headers: tuple[str, str], times: int = 1000):
    left = [times]

    def answer(request):
        if not left[0]:
            return granted(request)
        left[0] -= 1
        response = request.response(status)
        for name, value in headers:
            response.add(name, value)
        return response

    return answer


def client(office):
    return office.pbx.parts[KEY].clients["trunk"]


def told(office) -> list[str]:
    return [event.status for event in office.heard(Registry)]


async def test_it_registers_and_keeps_registered(office, server):
    await office.start(trunk(server, "expiration = 100", "contact_user = 5551"))
    await office.after(2)
    [request] = server.requests
    assert request.method == "REGISTER"
    assert str(request.target) == f"sip:{server.address}"
    assert request.get("Expires") == "100"
    assert request.get("From").startswith("<sip:us@127.0.0.1>;tag=")
    assert request.get("To") == "<sip:us@127.0.0.1>"
    host, port = office.udp
    assert request.get("Contact") == f"<sip:5551@{host}:{port}>"
    assert told(office) == ["Registered"]
    await office.after(91)
    assert len(server.requests) == 2
    again = server.requests[1]
    assert again.call_id == request.call_id
    assert again.cseq.number == request.cseq.number + 1


async def test_the_server_says_how_long(office, server):
    server.answer = lambda request: granted(request, "60")
    await office.start(trunk(server, "expiration = 3600"))
    await office.after(2)
    await office.after(50)
    assert len(server.requests) == 2


async def test_it_answers_the_challenge_with_outbound_auth(office, server):
    def challenge(request):
        if request.get("Authorization"):
            return granted(request)
        response = request.response(401)
        response.add("WWW-Authenticate", 'Digest realm="x", nonce="n", algorithm=MD5, qop="auth"')
        return response

    server.answer = challenge
    await office.start(trunk(server, "outbound_auth = us") + "[us]\ntype=auth\nusername=user\npassword=word\n")
    await office.after(2)
    assert told(office) == ["Registered"]
    assert 'username="user"' in server.requests[1].get("Authorization")


@pytest.mark.parametrize(
    ("more", "answered"),
    [
        ("", ["MD5"]),
        ("supported_algorithms_uac=SHA-256\n", ["SHA-256"]),
        ("supported_algorithms_uac=SHA-512-256\n", []),
        ("[global]\ntype=global\ndefault_auth_algorithms_uac=sha-256,md5\n", ["SHA-256"]),
    ],
)
async def test_only_the_algorithms_it_may_use_are_answered(office, server, more, answered):
    def challenge(request):
        if request.get("Authorization"):
            return granted(request)
        response = request.response(401)
        for algorithm in ("SHA-256", "MD5"):
            response.add("WWW-Authenticate", f'Digest realm="x", nonce="n", algorithm={algorithm}, qop="auth"')
        return response

    server.answer = challenge
    section = "[us]\ntype=auth\nusername=user\npassword=word\n" + more
    await office.start(trunk(server, "outbound_auth = us") + section)
    await office.after(2)
    told_by = [parse_digest(request.get("Authorization"))["algorithm"] for request in server.requests[1:]]
    assert told_by == answered


async def test_a_server_that_is_busy_is_asked_again(office, server):
    server.answer = refusing(503, times=2)
    await office.start(trunk(server, "retry_interval = 20"))
    await office.after(2)
    assert told(office) == ["Rejected"]
    assert client(office).retries == 1
    await office.after(50)
    assert told(office) == ["Rejected", "Rejected", "Registered"]
    assert client(office).retries == 0


async def test_retries_come_late_rather_than_early_and_never_together(office, server):
    server.answer = refusing(503)
    times = []
    await office.start(trunk(server, "retry_interval = 100"))
    for _ in range(5):
        count = len(server.requests)
        await office.until(lambda count=count: len(server.requests) > count, 200)
        times.append(office.pbx.now())
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert all(100 <= wait <= 110.1 for wait in waits)
    assert len({round(wait, 3) for wait in waits}) > 1


async def test_retry_after_is_obeyed(office, server):
    server.answer = refusing(503, ("Retry-After", "300"), times=1)
    await office.start(trunk(server, "retry_interval = 20"))
    await office.after(290)
    assert len(server.requests) == 1
    await office.after(50)
    assert told(office) == ["Rejected", "Registered"]


async def test_it_gives_up_after_so_many_retries(office, server, caplog):
    server.answer = refusing(500)
    await office.start(trunk(server, "retry_interval = 10", "max_retries = 3"))
    await office.after(600)
    assert len(server.requests) == 4
    assert client(office).stopped
    assert "no further attempt" in caplog.text


async def test_a_wrong_password_is_not_tried_again(office, server):
    server.answer = refusing(401, ("WWW-Authenticate", 'Digest realm="x", nonce="n"'))
    await office.start(trunk(server, "retry_interval = 10"))
    await office.after(100)
    assert client(office).stopped
    assert client(office).status == "Rejected"


async def test_unless_told_so(office, server):
    server.answer = refusing(401, ("WWW-Authenticate", 'Digest realm="x", nonce="n"'), times=1)
    await office.start(trunk(server, "retry_interval = 10", "auth_rejection_permanent = no"))
    await office.after(100)
    assert client(office).status == "Registered"


async def test_forbidden_has_an_interval_of_its_own(office, server):
    server.answer = refusing(403, times=1)
    await office.start(trunk(server, "forbidden_retry_interval = 40"))
    await office.after(38)
    assert len(server.requests) == 1
    await office.after(10)
    assert client(office).status == "Registered"


async def test_other_refusals_have_one_too(office, server):
    server.answer = refusing(488, times=1)
    await office.start(trunk(server, "fatal_retry_interval = 40"))
    await office.after(50)
    assert client(office).status == "Registered"


async def test_too_brief_an_interval_is_lengthened(office, server):
    server.answer = refusing(423, ("Min-Expires", "1200"), times=1)
    await office.start(trunk(server, "expiration = 60"))
    await office.after(2)
    assert [request.get("Expires") for request in server.requests] == ["60", "1200"]
    assert told(office) == ["Registered"]


async def test_silence_is_a_refusal_too(office, server):
    server.answer = lambda request: None
    await office.start(trunk(server, "retry_interval = 10"))
    await office.after(34)
    assert told(office) == ["Rejected"]
    server.answer = granted
    await office.after(12)
    assert told(office) == ["Rejected", "Registered"]


async def test_it_is_taken_back_at_the_end(office, server):
    await office.start(trunk(server))
    await office.after(2)
    await office.unload()
    assert [request.get("Expires") for request in server.requests] == ["3600", "0"]


async def test_it_is_taken_back_when_its_section_goes(office, server):
    await office.start(trunk(server))
    await office.after(2)
    await office.reload("")
    await office.after(1)
    assert server.requests[-1].get("Expires") == "0"
    assert not office.pbx.parts[KEY].clients


async def test_a_reload_leaves_it_alone_when_nothing_changed(office, server):
    await office.start(trunk(server))
    await office.after(2)
    await office.reload(trunk(server))
    await office.after(10)
    assert len(server.requests) == 1


async def test_send_unregister_and_register(office, server):
    await office.start(trunk(server))
    await office.after(2)
    office.cli("pjsip send unregister trunk")
    await office.after(1)
    assert client(office).status == "Unregistered"
    office.cli("pjsip send register trunk")
    await office.after(1)
    assert client(office).status == "Registered"


async def test_a_line_tells_which_trunk_a_call_came_over(office, server):
    await office.start(trunk(server, "line = yes", "endpoint = provider") + "[provider]\ntype=endpoint\n")
    await office.after(2)
    contact = server.requests[0].contacts[0].uri
    assert contact.params["line"]
    found = []
    office.stack.handlers["INFO"] = lambda incoming: (found.append(incoming.endpoint.name), incoming.respond(200))
    phone = await office.phone()
    assert (await phone.exchange(phone.request("INFO", "anybody", target=str(contact)))).status == 200
    assert found == ["provider"]


async def test_the_outbound_proxy_gets_it(office, server):
    proxy = await UdpPeer(("127.0.0.1", 0)).start()
    office.peers.append(proxy)
    proxy.answer = granted
    await office.start(trunk(server, f"outbound_proxy = sip:{proxy.address}\\;lr"))
    await office.after(2)
    assert not server.requests
    [request] = proxy.requests
    assert request.get("Route") == f"<sip:{proxy.address};lr>"
    assert str(request.target) == f"sip:{server.address}"


async def test_show_registrations(office, server):
    await office.start(trunk(server))
    await office.after(2)
    lines = office.cli("pjsip show registrations")
    [line] = [line for line in lines if "trunk/" in line]
    assert f"sip:{server.address}" in line
    assert "Registered        (exp. 3589s)" in line


async def test_who_counts_registrations_hears_of_each_change_once(office, server):
    await office.start(trunk(server))
    await office.after(2)
    await client(office).leave()
    changes = [(event.was, event.now) for event in office.heard(RegistrationChange)]
    assert changes == [
        ("", "Unregistered"),
        ("Unregistered", "Registered"),
        ("Registered", "Unregistered"),
        ("Unregistered", ""),
    ]
