"""Contacts are asked whether they are there, and endpoints follow."""

from __future__ import annotations

import pytest

from offhook.calls.endpoints import ContactAsked, ContactChange, ContactStatus, PeerStatus
from offhook.drivers.sip.contacts.contact import Status

AOR = """
[alice]
type = endpoint
aors = alice
[alice]
type = aor
max_contacts = 5
{options}
"""


def aor(frequency: int = 60, *options: str) -> str:
    return AOR.format(options="\n".join((f"qualify_frequency = {frequency}", "qualify_timeout = 3", *options)))


def answering(status: int):
    return lambda request: request.response(status) if request.method == "OPTIONS" else None


def silent(request):
    return None


def statuses(office) -> list[str]:
    return [event.status for event in office.heard(ContactStatus)]


async def test_a_registered_phone_is_asked_at_once_and_then_regularly(office):
    await office.start(aor(60))
    phone = await office.phone()
    phone.answer = answering(200)
    await phone.register(expires=7200)
    await office.after(0.1)
    assert len(phone.requests) == 1
    assert statuses(office) == ["NonQualified", "Reachable"]
    await office.after(59)
    assert len(phone.requests) == 1
    await office.after(61)
    assert len(phone.requests) == 3
    assert statuses(office) == ["NonQualified", "Reachable"]
    [contact] = office.stack.locations.contacts()
    assert 0 <= contact.roundtrip_us < 1_000_000


async def test_a_qualified_endpoint_is_online_when_its_contact_answers(office):
    await office.start(aor(60))
    phone = await office.phone()
    await phone.register(expires=7200)
    assert not office.stack.locations.online["alice"]
    await office.after(0.1)
    phone.send(next(request for request in phone.requests).response(200))
    await office.until(lambda: office.stack.locations.online["alice"], 1)
    assert [event.status for event in office.heard(PeerStatus)] == ["Reachable"]


async def test_silence_means_unreachable_after_the_timeout_of_the_aor(office):
    await office.start(aor(60))
    phone = await office.phone()
    phone.answer = silent
    await phone.register(expires=7200)
    await office.after(2.9)
    assert statuses(office) == ["NonQualified"]
    await office.after(0.3)
    assert statuses(office) == ["NonQualified", "Unreachable"]
    assert not office.stack.locations.online["alice"]
    phone.answer = answering(200)
    await office.after(60)
    assert statuses(office)[-1] == "Reachable"
    assert office.stack.locations.online["alice"]


@pytest.mark.parametrize(("strict", "expected"), [("no", "Reachable"), ("yes", "Unreachable")])
async def test_a_refusal_is_an_answer_unless_only_success_counts(office, strict, expected):
    await office.start(aor(60, f"qualify_2xx_only = {strict}"))
    phone = await office.phone()
    phone.answer = answering(486)
    await phone.register()
    await office.after(0.1)
    assert statuses(office)[-1] == expected


async def test_configured_contacts_are_asked_too(office):
    phone_contact = "contact = sip:alice@127.0.0.1:9"
    await office.start(aor(30, phone_contact))
    assert statuses(office) == ["NonQualified"]
    await office.after(34)
    assert statuses(office) == ["NonQualified", "Unreachable"]


async def test_the_first_questions_are_spread_over_the_period(office):
    await office.start(aor(600, "contact = sip:alice@127.0.0.1:9"))
    location = office.stack.locations.by_name["alice"]
    assert 0 < location.timer.when() - office.pbx.now() <= 600
    await office.reload(
        aor(500, "contact = sip:alice@127.0.0.1:9") + "[global]\ntype=global\nmax_initial_qualify_time=5\n"
    )
    assert 0 < location.timer.when() - office.pbx.now() <= 5


async def test_no_more_questions_when_the_frequency_is_taken_out(office):
    await office.start(aor(60))
    phone = await office.phone()
    phone.answer = answering(200)
    await phone.register(expires=7200)
    await office.after(0.1)
    await office.reload(aor(0))
    await office.after(300)
    assert len(phone.requests) == 1
    assert statuses(office)[-1] == "NonQualified"
    assert office.stack.locations.online["alice"]


async def test_a_contact_that_goes_while_it_is_asked_is_forgotten(office):
    await office.start(aor(60))
    phone = await office.phone()
    await phone.register(expires=7200)
    await office.after(0.1)
    assert list(office.stack.layer.transactions)
    await phone.register(expires=0)
    await office.after(40)
    assert statuses(office) == ["NonQualified", "Removed"]
    assert not list(office.stack.layer.transactions)


async def test_a_challenged_question_is_answered_with_outbound_auth(office):
    config = aor(60, "authenticate_qualify = yes").replace("aors = alice", "aors = alice\noutbound_auth = us", 1)
    await office.start(config + "[us]\ntype=auth\nusername=pbx\npassword=word\n")
    phone = await office.phone()
    seen = []

    def challenge(request):
        seen.append(request.get("Authorization"))
        if request.get("Authorization"):
            return request.response(200)
        response = request.response(401)
        response.add("WWW-Authenticate", 'Digest realm="phone", nonce="1", algorithm=MD5')
        return response

    phone.answer = challenge
    await phone.register()
    await office.after(0.2)
    assert len(seen) == 2
    assert 'username="pbx"' in seen[1]
    assert statuses(office)[-1] == "Reachable"


async def test_pjsip_qualify_asks_at_once(office):
    await office.start(aor(3600))
    phone = await office.phone()
    phone.answer = answering(200)
    await phone.register(expires=7200)
    await office.after(1)
    assert len(phone.requests) == 1
    office.cli("pjsip qualify alice")
    await office.after(0.1)
    assert len(phone.requests) == 2


async def test_one_of_two_contacts_keeps_an_endpoint_online(office):
    await office.start(aor(60))
    good, bad = await office.phone(), await office.phone()
    good.answer, bad.answer = answering(200), silent
    await good.register(expires=7200)
    await bad.register(expires=7200)
    await office.after(10)
    assert {contact.uri: contact.status for contact in office.stack.locations.contacts()} == {
        good.uri("alice"): Status.AVAILABLE,
        bad.uri("alice"): Status.UNAVAILABLE,
    }
    assert office.stack.locations.online["alice"]
    await good.register(expires=0)
    assert not office.stack.locations.online["alice"]


async def test_who_counts_contacts_hears_of_each_change_once(office):
    await office.start(aor(60).replace("aors = alice", "aors = alice,other") + "[other]\ntype = aor\n")
    phone = await office.phone()
    phone.answer = answering(200)
    await phone.register(expires=7200)
    await office.after(0.1)
    phone.answer = silent
    await office.after(64)
    await phone.register(expires=0)
    changes = [(event.was, event.now) for event in office.heard(ContactChange)]
    assert changes == [
        ("", "NonQualified"),
        ("NonQualified", "Reachable"),
        ("Reachable", "Unreachable"),
        ("Unreachable", "Removed"),
    ]
    first, second = office.heard(ContactAsked)
    assert first.roundtrip_us is not None
    assert second.roundtrip_us is None
