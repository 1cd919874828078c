"""Who may talk to the exchange: identification, access lists, digest challenges, and strangers."""

from __future__ import annotations

from hashlib import md5

import pytest

from offhook.calls.events import FullyBooted, Security
from offhook.sip.auth import Credentials, DigestClient, Secret, parse_digest

WITH_PASSWORD = """
[alice]
type = endpoint
auth = alice
[alice]
type = auth
username = alice
password = secret
"""


async def identified(office, message, phone) -> str:
    """The endpoint that a request is taken for; "" when it is challenged as a stranger's."""
    found = []
    office.stack.handlers["INFO"] = lambda incoming: (found.append(incoming.endpoint.name), incoming.respond(200))
    answer = await phone.exchange(message)
    assert (answer.status == 200) == bool(found)
    return found[0] if found else ""


# ---- identification -----------------------------------------------------------------------------------


async def test_by_the_user_of_from(office):
    await office.start("[alice]\ntype=endpoint\n")
    phone = await office.phone()
    assert await identified(office, phone.request("INFO", "alice"), phone) == "alice"
    assert await identified(office, phone.request("INFO", "bob"), phone) == ""


async def test_by_user_and_domain_before_the_user_alone(office):
    await office.start("[alice]\ntype=endpoint\n[alice@127.0.0.1]\ntype=endpoint\n")
    phone = await office.phone()
    assert await identified(office, phone.request("INFO", "alice"), phone) == "alice@127.0.0.1"


async def test_one_domain_only_when_told_so(office):
    await office.start(
        "[global]\ntype=global\ndisable_multi_domain=yes\n[alice]\ntype=endpoint\n[alice@127.0.0.1]\ntype=endpoint\n"
    )
    phone = await office.phone()
    assert await identified(office, phone.request("INFO", "alice"), phone) == "alice"


@pytest.mark.parametrize("match", ["127.0.0.1", "127.0.0.0/8", "192.0.2.1,127.0.0.1", "127.0.0.0/255.0.0.0"])
async def test_by_address(office, match):
    await office.start(f"[trunk]\ntype=endpoint\n[trunk]\ntype=identify\nendpoint=trunk\nmatch={match}\n")
    phone = await office.phone()
    assert await identified(office, phone.request("INFO", "anybody"), phone) == "trunk"


async def test_by_address_and_port(office):
    phone_port = 0
    await office.start("[trunk]\ntype=endpoint\n")
    phone = await office.phone()
    for port, expected in ((phone.port, "trunk"), (phone.port + 1 & 0xFFFF or 1, "")):
        phone_port = port
        await office.reload(
            f"[trunk]\ntype=endpoint\n[trunk]\ntype=identify\nendpoint=trunk\nmatch=127.0.0.1:{phone_port}\n"
        )
        assert await identified(office, phone.request("INFO", "anybody"), phone) == expected


async def test_by_the_name_of_a_host(office):
    (office.folder / "hosts").write_text("127.0.0.1 trunk.example\n")
    await office.start("[trunk]\ntype=endpoint\n")
    office.stack.resolver._hosts_file = str(office.folder / "hosts")
    await office.reload(
        "[trunk]\ntype=endpoint\n[trunk]\ntype=identify\nendpoint=trunk\nmatch=trunk.example\nsrv_lookups=no\n"
    )
    phone = await office.phone()
    await office.after(0.1)
    assert await identified(office, phone.request("INFO", "anybody"), phone) == "trunk"


@pytest.mark.parametrize(
    ("match_header", "value", "fits"),
    [
        ("X-Line: 42", "42", True),
        ("X-Line: 42", "421", False),
        ("X-Line: /^4.$/", "42", True),
        ("X-Line: /^4.$/", "421", False),
    ],
)
async def test_by_a_header(office, match_header, value, fits):
    await office.start(f"[line]\ntype=endpoint\n[line]\ntype=identify\nendpoint=line\nmatch_header={match_header}\n")
    phone = await office.phone()
    found = await identified(office, phone.request("INFO", "anybody", ("X-Line", value)), phone)
    assert found == ("line" if fits else "")


async def test_by_the_request_uri(office):
    await office.start(
        "[line]\ntype=endpoint\n[line]\ntype=identify\nendpoint=line\nmatch_request_uri=/^sip:42@/\n",
    )
    phone = await office.phone()
    host, port = office.udp
    message = phone.request("INFO", "anybody", target=f"sip:42@{host}:{port}")
    assert await identified(office, message, phone) == "line"


async def test_anonymous_comes_last(office):
    await office.start("[anonymous]\ntype=endpoint\n[alice]\ntype=endpoint\n")
    phone = await office.phone()
    assert await identified(office, phone.request("INFO", "alice"), phone) == "alice"
    assert await identified(office, phone.request("INFO", "mallory"), phone) == "anonymous"


async def test_the_order_of_the_ways_can_be_chosen(office):
    both = "[alice]\ntype=endpoint\n[trunk]\ntype=endpoint\n[trunk]\ntype=identify\nendpoint=trunk\nmatch=127.0.0.1\n"
    await office.start(both)
    phone = await office.phone()
    assert await identified(office, phone.request("INFO", "alice"), phone) == "trunk"
    await office.reload(both + "[global]\ntype=global\nendpoint_identifier_order=username,ip\n")
    assert await identified(office, phone.request("INFO", "alice"), phone) == "alice"


async def test_an_endpoint_says_by_what_it_may_be_known(office):
    await office.start("[alice]\ntype=endpoint\nidentify_by=auth_username\n")
    phone = await office.phone()
    assert await identified(office, phone.request("INFO", "alice"), phone) == ""


async def test_a_way_whose_module_is_not_loaded_is_not_used(office):
    await office.start("[anonymous]\ntype=endpoint\n", without=("res_pjsip_endpoint_identifier_anonymous",))
    phone = await office.phone()
    assert await identified(office, phone.request("INFO", "mallory"), phone) == ""


# ---- access lists ---------------------------------------------------------------------------------------


async def test_an_acl_section_keeps_a_network_out(office):
    await office.start("[alice]\ntype=endpoint\n[lan]\ntype=acl\ndeny=127.0.0.0/8\n")
    phone = await office.phone()
    assert (await phone.exchange(phone.request("OPTIONS"))).status == 403


async def test_acl_sections_need_their_module(office):
    await office.start("[alice]\ntype=endpoint\n[lan]\ntype=acl\ndeny=127.0.0.0/8\n", without=("res_pjsip_acl",))
    phone = await office.phone()
    assert (await phone.exchange(phone.request("OPTIONS"))).status == 200


async def test_who_is_kept_out_of_an_endpoint_is_challenged_like_a_stranger(office):
    await office.start("[alice]\ntype=endpoint\ndeny=0.0.0.0/0\n")
    phone = await office.phone()
    assert (await phone.exchange(phone.request("OPTIONS"))).status == 401
    assert "FailedACL" in [event.name for event in office.heard(Security)]


async def test_a_named_acl(office):
    office.write("acl.conf", "[nobody]\ndeny=0.0.0.0/0.0.0.0\n")
    await office.start("[alice]\ntype=endpoint\nacl=nobody\n")
    phone = await office.phone()
    assert (await phone.exchange(phone.request("OPTIONS"))).status == 401


async def test_contacts_may_be_kept_out(office):
    await office.start(
        "[alice]\ntype=endpoint\naors=alice\ncontact_deny=192.0.2.0/24\n[alice]\ntype=aor\nmax_contacts=5\n"
    )
    phone = await office.phone()
    assert (await phone.register("alice", "sip:a@192.0.2.4")).status == 401
    assert (await phone.register("alice", "sip:a@198.51.100.4")).status == 200


# ---- authentication ---------------------------------------------------------------------------------------


async def test_the_right_password_is_let_in(office):
    await office.start(WITH_PASSWORD)
    phone = await office.phone()
    assert (await phone.exchange(phone.request("OPTIONS"), "secret")).status == 200
    kinds = [event.name for event in office.heard(Security)]
    assert kinds == ["ChallengeSent", "SuccessfulAuth"]


async def test_a_wrong_password_is_challenged_again(office):
    await office.start(WITH_PASSWORD)
    phone = await office.phone()
    answer = await phone.exchange(phone.request("OPTIONS"), "guess")
    assert answer.status == 401
    kinds = [event.name for event in office.heard(Security)]
    assert kinds == ["ChallengeSent", "ChallengeResponseFailed"]


async def test_strangers_get_the_same_answers_as_users(office):
    await office.start(WITH_PASSWORD)
    phone = await office.phone()
    seen = []
    for user in ("alice", "mallory"):
        first = await phone.exchange(phone.request("OPTIONS", user))
        second = await phone.exchange(phone.request("OPTIONS", user), "guess")
        for answer in (first, second):
            params = parse_digest(answer.get("WWW-Authenticate"))
            params = {name: len(value) if name in ("nonce", "opaque") else value for name, value in params.items()}
            seen.append((user, answer.status, params, [name for name, _ in answer.headers]))
    known, unknown = seen[:2], seen[2:]
    assert [each[1:] for each in known] == [each[1:] for each in unknown]


async def test_a_challenge_leaves_no_transaction(office):
    await office.start(WITH_PASSWORD)
    phone = await office.phone()
    for _ in range(5):
        await phone.exchange(phone.request("OPTIONS"))
    assert not list(office.stack.layer.transactions)


async def test_md5_credentials_instead_of_a_password(office):
    digest = md5(b"alice:office:secret").hexdigest()
    await office.start(
        "[alice]\ntype=endpoint\nauth=alice\n"
        f"[alice]\ntype=auth\nauth_type=md5\nusername=alice\nrealm=office\nmd5_cred={digest}\n"
    )
    phone = await office.phone()
    assert (await phone.exchange(phone.request("OPTIONS"), "secret")).status == 200


async def test_sha256_when_configured(office):
    await office.start(WITH_PASSWORD + "supported_algorithms_uas = SHA-256\n")
    phone = await office.phone()
    answer = await phone.exchange(phone.request("OPTIONS"))
    challenges = answer.get_all("WWW-Authenticate")
    assert [parse_digest(each)["algorithm"] for each in challenges] == ["SHA-256"]
    assert (await phone.exchange(phone.request("OPTIONS"), "secret")).status == 200


async def test_the_strongest_challenge_comes_first(office):
    await office.start(WITH_PASSWORD + "supported_algorithms_uas = SHA-256, MD5\n")
    phone = await office.phone()
    answer = await phone.exchange(phone.request("OPTIONS"))
    algorithms = [parse_digest(each)["algorithm"] for each in answer.get_all("WWW-Authenticate")]
    assert algorithms == ["SHA-256", "MD5"]


async def test_options_may_be_free(office):
    await office.start(WITH_PASSWORD.replace("auth = alice", "auth = alice\nallow_unauthenticated_options = yes"))
    phone = await office.phone()
    assert (await phone.exchange(phone.request("OPTIONS"))).status == 200
    assert (await phone.exchange(phone.request("INFO"))).status == 401


async def test_an_auth_section_that_is_missing_is_our_fault(office, caplog):
    await office.start("[alice]\ntype=endpoint\nauth=nowhere\n")
    phone = await office.phone()
    assert (await phone.exchange(phone.request("OPTIONS"))).status == 500
    assert "no auth section [nowhere]" in caplog.text


async def test_a_nonce_grows_old(office):
    await office.start(WITH_PASSWORD + "nonce_lifetime = 10\n")
    phone = await office.phone()
    request = phone.request("OPTIONS")
    first = await phone.exchange(request)
    await office.after(12)
    client = DigestClient([Credentials(Secret("alice", "secret"), "")])
    assert client.receive(request, first)
    again = phone.request("OPTIONS")
    client.authorize(again)
    answer = await phone.exchange(again)
    assert answer.status == 401
    assert parse_digest(answer.get("WWW-Authenticate"))["stale"].lower() == "true"


# ---- strangers -----------------------------------------------------------------------------------------


async def test_strangers_fill_no_disk(office, caplog):
    await office.start(WITH_PASSWORD)
    phone = await office.phone()
    for number in range(50):
        await phone.exchange(phone.request("OPTIONS", f"user{number}"))
    assert caplog.text.count("No matching endpoint found") == 10
    await office.after(61)
    await phone.exchange(phone.request("OPTIONS", "user"))
    assert caplog.text.count("No matching endpoint found") == 11


async def test_garbage_is_told_once_a_minute(office, caplog):
    await office.start(WITH_PASSWORD)
    phone = await office.phone()
    for _ in range(20):
        phone.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await office.after(0.01)
    assert caplog.text.count("unreadable SIP") == 1
    assert (await phone.exchange(phone.request("OPTIONS"), "secret")).status == 200


async def test_requests_before_everything_is_there_are_left_to_be_sent_again(office):
    office.pbx.booted = False
    await office.start("[alice]\ntype=endpoint\n")
    phone = await office.phone()
    request = phone.request("OPTIONS")
    phone.send(request)
    await office.after(0.5)
    assert phone.inbox.empty()
    office.pbx.bus.publish(FullyBooted(0, 0))
    assert (await phone.exchange(request)).status == 200
